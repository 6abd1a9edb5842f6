//===- EncodingText.cpp - canonical text of an encoding, and its checks ------===//
// The text is canonical: what is default is not printed, so equal encodings have equal texts.
#include "lutra/Support/Encoding.h"

#include "Message.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace lutra;
using llvm::StringRef;

unsigned SideType::bits() const {
  switch (kind) {
  case Uint:
  case Int:
    return width;
  case F32:
    return 32;
  case F16:
  case BF16:
    return 16;
  case E8M0:
  case E4M3:
  case UE4M3:
  case E5M2:
    return 8;
  }
  return 0;
}

std::optional<SideType> SideType::parse(StringRef text) {
  std::optional<Kind> named = llvm::StringSwitch<std::optional<Kind>>(text)
                                  .Case("f32", F32)
                                  .Case("f16", F16)
                                  .Case("bf16", BF16)
                                  .Case("e8m0", E8M0)
                                  .Case("e4m3", E4M3)
                                  .Case("ue4m3", UE4M3)
                                  .Case("e5m2", E5M2)
                                  .Default(std::nullopt);
  SideType type;
  if (named) {
    type.kind = *named;
    type.width = type.bits();
    return type;
  }
  if (text.size() < 2 || (text[0] != 'u' && text[0] != 'i') ||
      text.drop_front().getAsInteger(10, type.width) || type.width < 1 || type.width > 32)
    return std::nullopt;
  type.kind = text[0] == 'u' ? Uint : Int;
  return type;
}

std::string SideType::text() const {
  static constexpr StringRef names[] = {"u", "i", "f32", "f16", "bf16", "e8m0", "e4m3", "ue4m3", "e5m2"};
  return isInteger() ? names[kind].str() + std::to_string(width) : names[kind].str();
}

unsigned CodeForm::codeBits() const {
  switch (kind) {
  case Uint:
  case Int:
    return numbers.empty() ? 0 : numbers[0];
  case Planes: {
    unsigned sum = 0;
    for (int64_t plane : numbers)
      sum += plane;
    return sum;
  }
  case Radix: {
    unsigned bits = 0;
    while (!numbers.empty() && (int64_t(1) << bits) < numbers[0])
      ++bits;
    return bits;
  }
  case Dict:
    return 0; // the dictionary says
  }
  return 0;
}

/// A number that the attribute parser reads as a float: always with a point.
static std::string floatText(double value) {
  std::string text;
  for (int digits = 1; digits <= 17; ++digits) {
    char buffer[40];
    snprintf(buffer, sizeof(buffer), "%.*g", digits, value);
    text = buffer;
    if (strtod(buffer, nullptr) == value)
      break;
  }
  if (text.find('.') == std::string::npos) {
    size_t place = text.find('e');
    text.insert(place == std::string::npos ? text.size() : place, ".0");
  }
  return text;
}

static void printGroup(llvm::raw_ostream &out, int64_t gn, int64_t gk) {
  if (gn == kWhole && gk == kWhole)
    out << "tensor";
  else if (gn == 1 && gk == kWhole)
    out << "row";
  else
    out << (gn == kWhole ? "*" : std::to_string(gn)) << ", "
        << (gk == kWhole ? "*" : std::to_string(gk));
}

static void printMinus(llvm::raw_ostream &out, const SideType &element, int64_t gn, int64_t gk) {
  out << ", minus<" << element.text() << ", ";
  printGroup(out, gn, gk);
  out << '>';
}

static void printScale(llvm::raw_ostream &out, const ScaleForm &scale) {
  out << '[' << scale.element.text() << ", ";
  printGroup(out, scale.gn, scale.gk);
  if (scale.map == ScaleForm::Affine)
    out << ", affine<" << floatText(scale.offset) << '>';
  if (scale.map == ScaleForm::Minus)
    printMinus(out, scale.zeroElement, scale.zeroGn, scale.zeroGk);
  out << ']';
}

static void printScales(llvm::raw_ostream &out, llvm::ArrayRef<ScaleForm> scales) {
  llvm::interleave(scales, [&](const ScaleForm &scale) { printScale(out, scale); },
                   [&] { out << " * "; });
}

static void printCode(llvm::raw_ostream &out, const CodeForm &code) {
  static constexpr StringRef names[] = {"uint", "int", "planes", "radix", "dict"};
  out << names[code.kind] << '<';
  llvm::interleaveComma(code.numbers, out);
  if (code.kind == CodeForm::Dict)
    out << ", @" << code.table << ", " << (code.prefix ? "prefix<" : "fixed<")
        << (code.prefix ? floatText(code.length) : std::to_string((int64_t)code.length)) << '>';
  out << '>';
}

static void printValue(llvm::raw_ostream &out, const ValueMap &value) {
  static constexpr StringRef signs[] = {"", "plane", "parity7"};
  if (value.sign != ValueMap::Own)
    out << "signed_by<" << signs[value.sign] << ", ";
  switch (value.kind) {
  case ValueMap::Affine:
    out << "affine";
    if (value.offset)
      out << '<' << value.offset << '>';
    break;
  case ValueMap::Bipolar:
    out << "bipolar";
    break;
  case ValueMap::Float: {
    static constexpr StringRef specials[] = {"", ", fn", ", ieee"};
    out << "float<" << value.exponent << ", " << value.mantissa << ", " << value.bias
        << specials[value.special] << '>';
    break;
  }
  case ValueMap::SignMag:
    out << "signmag";
    break;
  case ValueMap::Pot:
    out << "pot<" << value.terms << ", " << value.field << '>';
    break;
  case ValueMap::Table:
    out << "table<" << value.entries << ", " << value.element.text();
    if (value.vector != 1)
      out << ", vec<" << value.vector << '>';
    if (value.select == ValueMap::Row)
      out << ", select<row>";
    if (value.select == ValueMap::Group)
      out << ", select<group, " << value.selectBits << '>';
    if (!value.values.empty()) {
      out << ", [";
      llvm::interleaveComma(value.values, out, [&](double entry) { out << floatText(entry); });
      out << ']';
    }
    out << '>';
    break;
  }
  if (value.sign != ValueMap::Own)
    out << '>';
}

static void printFormat(llvm::raw_ostream &out, const WeightFormat &format) {
  printCode(out, format.code);
  out << ", ";
  printValue(out, format.value);
  if (!format.scales.empty()) {
    out << ", scales = ";
    printScales(out, format.scales);
  }
  const ZeroForm &zero = format.zero;
  if (zero.kind == ZeroForm::Const)
    out << ", zero = const<" << floatText(zero.constant) << '>';
  if (zero.kind == ZeroForm::Tensor || zero.kind == ZeroForm::Min) {
    out << ", zero = " << (zero.kind == ZeroForm::Min ? "min<" : "tensor<") << zero.element.text()
        << ", ";
    printGroup(out, zero.gn, zero.gk);
    if (zero.kind == ZeroForm::Tensor && zero.inValue)
      out << ", value";
    if (zero.minus)
      printMinus(out, zero.minusElement, zero.minusGn, zero.minusGk);
    if (!zero.scales.empty()) {
      out << ", ";
      printScales(out, zero.scales);
    }
    out << '>';
  }
}

static void printSparsity(llvm::raw_ostream &out, const SparsityForm &sparsity) {
  switch (sparsity.kind) {
  case SparsityForm::None:
    break;
  case SparsityForm::NM:
    out << "nm<" << sparsity.a << ", " << sparsity.b << ", " << sparsity.c << '>';
    break;
  case SparsityForm::Block:
    out << "block<" << sparsity.a << ", " << sparsity.b << ", "
        << (sparsity.blockBitmap ? "bitmap" : "csr") << '>';
    break;
  case SparsityForm::Bitmap:
    out << "bitmap<" << sparsity.a << '>';
    break;
  case SparsityForm::Csr:
    out << "csr<" << sparsity.a << ", " << sparsity.b << '>';
    break;
  }
  if (sparsity.kind != SparsityForm::NM && sparsity.density != 1)
    out << ", density<" << floatText(sparsity.density) << '>';
}

static void printRange(llvm::raw_ostream &out, StringRef name, int64_t begin, int64_t end) {
  out << name << '<' << begin << ", " << (end == kWhole ? "*" : std::to_string(end)) << "> ";
}

static void printTerm(llvm::raw_ostream &out, const EncodingTerm &term) {
  static constexpr StringRef names[] = {"dense", "sparse", "lowrank", "parts", "typemap"};
  out << names[term.kind] << '<';
  auto printBraced = [&](const WeightFormat &format) {
    out << '{';
    printFormat(out, format);
    out << '}';
  };
  switch (term.kind) {
  case EncodingTerm::Dense:
    printFormat(out, term.formats[0]);
    break;
  case EncodingTerm::Sparse:
    printFormat(out, term.formats[0]);
    out << ", ";
    printSparsity(out, term.sparsity);
    break;
  case EncodingTerm::LowRank:
    out << term.rank << ", ";
    llvm::interleaveComma(term.formats, out, printBraced);
    break;
  case EncodingTerm::Parts:
    llvm::interleaveComma(llvm::zip_equal(term.regions, term.formats), out, [&](auto part) {
      auto &[region, format] = part;
      printRange(out, "rows", region.rowBegin, region.rowEnd);
      printRange(out, "columns", region.columnBegin, region.columnEnd);
      printBraced(format);
    });
    break;
  case EncodingTerm::TypeMap:
    out << '@' << term.map << ", " << term.gn << ", " << term.gk << ", [";
    llvm::interleaveComma(term.shares, out, [&](double share) { out << floatText(share); });
    out << "], ";
    llvm::interleaveComma(term.formats, out, printBraced);
    break;
  }
  out << '>';
}

static void printActivation(llvm::raw_ostream &out, const ActivationForm &form) {
  static constexpr StringRef names[] = {"", "f32", "f16", "bf16", "e4m3", "e5m2", "int", "blocks"};
  out << names[form.kind];
  if (form.isFp8() && form.group == kWhole)
    out << "<row>";
  else if (form.isFp8() && form.group != 0)
    out << "<group<" << form.group << ">>";
  if (form.kind == ActivationForm::Int) {
    out << '<' << form.bits << ", " << (form.symmetric ? "sym" : "asym") << ", ";
    if (form.group > 0)
      out << "group<" << form.group << '>';
    else
      out << (form.group == kWhole ? "row" : "tensor");
    out << '>';
  }
  if (form.kind == ActivationForm::Blocks) {
    out << "<@" << form.map << ", " << form.block << ", [";
    llvm::interleaveComma(form.choices, out,
                          [&](const ActivationForm &choice) { printActivation(out, choice); });
    out << "]>";
  }
}

void Encoding::print(llvm::raw_ostream &out) const {
  out << '[';
  llvm::interleaveComma(terms, out, [&](const EncodingTerm &term) { printTerm(out, term); });
  out << ']';
  if (!permN.empty())
    out << ", perm_n = @" << permN;
  if (!permK.empty())
    out << ", perm_k = @" << permK;
  if (activation.kind != ActivationForm::Unset) {
    out << ", act = ";
    printActivation(out, activation);
  }
}

std::string Encoding::text() const {
  std::string text;
  llvm::raw_string_ostream out(text);
  print(out);
  return text;
}

using Error = std::optional<std::string>;

static Error checkGroup(StringRef what, int64_t gn, int64_t gk) {
  constexpr int64_t most = int64_t(1) << 31; // longer than any row or column
  if ((gn == kWhole || (gn >= 1 && gn <= most)) && (gk == kWhole || (gk >= 1 && gk <= most)))
    return {};
  return message("has ", what, " for groups of ", gn, " x ", gk, // E4
                 "; a group has at least one element and at most 2^31 each way, or * for all");
}

static Error checkScales(llvm::ArrayRef<ScaleForm> scales) {
  const ScaleForm *finer = nullptr;
  for (const ScaleForm &scale : scales) {
    if (Error error = checkGroup("scales", scale.gn, scale.gk))
      return error;
    if (Error error = checkGroup("zeros of scales", scale.zeroGn, scale.zeroGk))
      return error;
    auto grows = [](int64_t fine, int64_t coarse) {
      return coarse == kWhole || (fine != kWhole && coarse % fine == 0);
    };
    if (finer && (!grows(finer->gn, scale.gn) || !grows(finer->gk, scale.gk)))
      return message("has scales for groups of ", finer->gn, " x ", finer->gk, // E5
                     " under scales for ", scale.gn, " x ", scale.gk,
                     "; list the finest first, each group a multiple of the one before");
    finer = &scale;
  }
  return {};
}

static Error checkCode(const CodeForm &code) {
  for (int64_t number : code.numbers)
    if (number < 1)
      return message("has a code with ", number, "; all its numbers must be at least 1"); // E2
  if (code.kind == CodeForm::Radix) {
    double states = std::pow((double)code.numbers[0], (double)code.numbers[1]);
    if (code.numbers[0] < 2 || code.numbers[2] > 32 || states > std::ldexp(1.0, code.numbers[2]))
      return message("packs ", code.numbers[1], " digits of base ", code.numbers[0], " into ", // E2
                     code.numbers[2], " bits, which do not hold them; take fewer digits or more bits");
  }
  if (code.kind == CodeForm::Dict && (code.length < 1 || code.numbers[0] > 24))
    return message("has dictionary runs of ", code.length, " codes under indices of ", // E2
                   code.numbers[0], " bits; a run has at least one code and an index at most 24 bits");
  unsigned bits = code.codeBits();
  if (code.kind != CodeForm::Dict && (bits < 1 || bits > 16))
    return message("has codes of ", bits, " bits; 1 to 16 are possible"); // E2
  return {};
}

static Error checkValue(const ValueMap &value, const CodeForm &code) {
  unsigned bits = code.codeBits();
  bool sized = code.kind != CodeForm::Dict;
  int64_t wanted = 0; // bits that the map reads
  if (value.kind == ValueMap::Float) {
    if (value.exponent < 1 || value.mantissa < 0 || value.exponent > 8 || value.mantissa > 15)
      return message("has floats of ", value.exponent, " exponent and ", value.mantissa, // E3
                     " mantissa bits; 1 to 8 and 0 to 15 are possible");
    wanted = 1 + value.exponent + value.mantissa;
  }
  if (value.kind == ValueMap::Pot) {
    if (value.terms < 1 || value.field < 1 || value.terms > 15 || value.field > 15)
      return message("has sums of ", value.terms, " powers of two with fields of ", value.field, // E3
                     " bits; 1 to 15 are possible for both");
    wanted = 1 + value.terms * value.field;
  }
  if (wanted && (sized ? wanted != bits : wanted > 8)) // codes of a dictionary have 8 bits
    return message("reads values of ", wanted, " bits from codes of ", sized ? bits : 8, // E3
                   " bits; make them equal");
  if (code.kind == CodeForm::Int && value.kind != ValueMap::Affine)
    return message("reads signed codes through a map of bit fields; use uint"); // E3
  if (value.kind != ValueMap::Table)
    return {};
  if (value.entries < 1 || value.entries > 65536 || value.vector < 1 || value.vector > 4096 ||
      value.selectBits < 0 || value.selectBits > 8)
    return message("has a table of ", value.entries, " entries of ", value.vector, // E6
                   " values, selected by ", value.selectBits,
                   " bits; use 1 to 65536, 1 to 4096 and at most 8");
  if (sized && value.entries > (int64_t(1) << bits))
    return message("has a table of ", value.entries, " entries for codes of ", bits, // E6
                   " bits, which name ", int64_t(1) << bits, "; use wider codes");
  int64_t known = value.values.size(),
          expected = value.entries * value.vector * (int64_t(1) << value.selectBits);
  if (known && known != expected)
    return message("lists ", known, " table values, but ", int64_t(1) << value.selectBits, // E6
                   " tables of ", value.entries, " x ", value.vector, " hold ", expected,
                   "; list all or none");
  return {};
}

static Error checkFormat(const WeightFormat &format) {
  if (Error error = checkCode(format.code))
    return error;
  if (Error error = checkValue(format.value, format.code))
    return error;
  if (Error error = checkScales(format.scales))
    return error;
  if (format.zero.kind != ZeroForm::Tensor && format.zero.kind != ZeroForm::Min)
    return {};
  if (Error error = checkGroup("zero points", format.zero.gn, format.zero.gk))
    return error;
  if (Error error = checkGroup("zeros of zero points", format.zero.minusGn, format.zero.minusGk))
    return error;
  return checkScales(format.zero.scales);
}

static Error checkSparsity(const SparsityForm &sparsity) {
  if (sparsity.kind == SparsityForm::None)
    return message("has a sparse term that stores every element; use dense"); // E7
  bool positive = sparsity.a >= 1 &&
                  (sparsity.kind == SparsityForm::Bitmap || sparsity.b >= 1) &&
                  (sparsity.kind != SparsityForm::NM || sparsity.c >= 1);
  if (!positive || !(sparsity.density > 0 && sparsity.density <= 1))
    return message("has a sparsity with sizes ", sparsity.a, ", ", sparsity.b, // E7
                   " and density ", floatText(sparsity.density),
                   "; sizes are at least 1 and a density is in (0, 1]");
  if (sparsity.kind == SparsityForm::NM &&
      (sparsity.c > 32 || sparsity.a > sparsity.b || sparsity.b > (int64_t(1) << sparsity.c)))
    return message("keeps ", sparsity.a, " of ", sparsity.b, " elements with indices of ", // E7
                   sparsity.c, " bits; n is at most m, and m indices must fit in at most 32 bits");
  return {};
}

static Error checkActivation(const ActivationForm &form, bool inner = false) {
  if (form.kind == ActivationForm::Int && (form.bits < 1 || form.bits > 16 || form.group < kWhole))
    return message("wants activations of ", form.bits, " bits in groups of ", form.group, // E9
                   "; 1 to 16 bits and groups of at least 1 are possible");
  if (form.isFp8() && form.group < kWhole)
    return message("wants activations of fp8 in groups of ", form.group, "; groups of at least 1 are possible"); // E9
  if (form.kind != ActivationForm::Blocks)
    return {};
  if (inner || form.block < 1 || form.choices.size() < 2)
    return message("wants ", form.choices.size(), " forms of activations in blocks of ", // E9
                   form.block, "; give two or more forms, a block of at least 1, and no blocks inside");
  for (const ActivationForm &choice : form.choices)
    if (Error error = checkActivation(choice, true))
      return error;
  return {};
}

std::optional<std::string> Encoding::findError() const {
  if (terms.empty())
    return message("has no term; give at least one dense, sparse or lowrank term"); // E1
  for (const EncodingTerm &term : terms) {
    for (const WeightFormat &format : term.formats)
      if (Error error = checkFormat(format))
        return error;
    if (term.kind == EncodingTerm::Sparse)
      if (Error error = checkSparsity(term.sparsity))
        return error;
    if (term.kind == EncodingTerm::LowRank && term.rank < 1)
      return message("has a lowrank term of rank ", term.rank, "; use at least 1"); // E8
    for (const PartRange &region : term.regions)
      if (region.rowBegin < 0 || region.columnBegin < 0 ||
          (region.rowEnd != kWhole && region.rowEnd <= region.rowBegin) ||
          (region.columnEnd != kWhole && region.columnEnd <= region.columnBegin))
        return message("has a part of rows ", region.rowBegin, " to ", region.rowEnd, // E8
                       " and columns ", region.columnBegin, " to ", region.columnEnd,
                       "; each range must begin at 0 or later and end behind its begin");
    if (term.kind == EncodingTerm::TypeMap) {
      double sum = 0;
      for (double share : term.shares)
        sum += share;
      if (term.gn < 1 || term.gk < 1 || term.shares.size() != term.formats.size() ||
          std::fabs(sum - 1) > 1e-6)
        return message("maps blocks of ", term.gn, " x ", term.gk, " to ", // E8
                       term.formats.size(), " formats with ", term.shares.size(),
                       " shares that add up to ", floatText(sum),
                       "; give one share for each format, together 1");
    }
  }
  return checkActivation(activation);
}
