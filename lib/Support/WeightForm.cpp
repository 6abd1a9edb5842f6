//===- WeightForm.cpp - types of weights that --quantize knows ---------------===//
// Tables: NF4 is the 4-bit type of QLoRA (arXiv 2305.14314, quantiles of a normal distribution), iq4nl the table of
// ggml's IQ4_NL, the tables of BitMoD those of arXiv 2411.11745: a small float whose second zero is one of four
// numbers. K-quants are ggml's, powers of two those of DenseShift (arXiv 2208.09708), integers under a shared exponent
// those of arXiv 2403.20137.
#include "lutra/Support/QuantizeSpec.h"

#include "Message.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Format.h"

using namespace lutra;

static constexpr double normalFloat[] = {-1.0,
                                         -0.6961928009986877,
                                         -0.5250730514526367,
                                         -0.39491748809814453,
                                         -0.28444138169288635,
                                         -0.18477343022823334,
                                         -0.09105003625154495,
                                         0.0,
                                         0.07958029955625534,
                                         0.16093020141124725,
                                         0.24611230194568634,
                                         0.33791524171829224,
                                         0.44070982933044434,
                                         0.5626170039176941,
                                         0.7229568362236023,
                                         1.0};
static constexpr double integerGrid[] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

std::string WeightForm::text() const {
  if (keeps())
    return "f32";
  std::string group = this->group == kWhole ? "channel" : message("g", this->group);
  if (blockRows > 1)
    group = message("block<", blockRows, "x", this->group, ">");
  std::string text = typeName() + ":" + group + (isInteger() ? symmetric ? ":sym" : ":asym" : "");
  if (isInteger() && !symmetric && hasFloatZeros())
    text += ":hqq"; // zero points of another type
  if (vector > 1)
    text += message(":vector=", vector);
  if (outliers > 0)
    text += message(":outliers=", llvm::format("%g", 100 * outliers), scattered ? "%:scattered" : "%");
  if (wideRows > 0)
    text += message(":rows8=", llvm::format("%g", 100 * wideRows), '%');
  if (wideGroups > 0)
    text += message(":groups4=", llvm::format("%g", 100 * wideGroups), '%');
  if (sorted)
    text += ":sorted";
  return rank > 0 ? text + message(":lowrank=", rank) : text;
}

llvm::StringRef lutra::methodName(WeightForm::Method method, bool sequential) {
  switch (method) {
  case WeightForm::Nearest:
    return "rtn";
  case WeightForm::Search:
    return "mse";
  case WeightForm::HalfQuadratic:
    return "hqq";
  case WeightForm::Gptq:
    return sequential ? "gptq-seq" : "gptq";
  }
  return "";
}

/// The tables of BitMoD: numbers of a float with one exponent bit less than bits, in units of its least; negative zero
/// stands for a number that the group chooses.
static std::vector<double> bitModTables(unsigned bits) {
  std::vector<double> tables;
  std::vector<double> magnitudes = {0, 1, 2, 4}, specials = {3, -3, 6, -6};
  if (bits == 4) {
    magnitudes = {0, 1, 2, 3, 4, 6, 8, 12};
    specials = {10, -10, 16, -16};
  }
  for (double special : specials) {
    tables.insert(tables.end(), magnitudes.begin(), magnitudes.end());
    tables.push_back(special);
    for (double value : llvm::ArrayRef(magnitudes).drop_front())
      tables.push_back(-value);
  }
  return tables;
}

static void setTable(WeightFormat &format, SideType::Kind kind, unsigned width, llvm::ArrayRef<double> values) {
  format.value.kind = ValueMap::Table;
  format.value.element = {kind, width};
  format.value.entries = int64_t(1) << format.code.numbers[0];
  format.value.values.assign(values.begin(), values.end());
  if ((int64_t)values.size() > format.value.entries) {
    format.value.select = ValueMap::Group;
    format.value.selectBits = 2;
  }
}

static void setFloat(WeightFormat &format, int64_t exponent, int64_t mantissa, int64_t bias,
                     ValueMap::Special special) {
  format.value.kind = ValueMap::Float;
  format.value.exponent = exponent;
  format.value.mantissa = mantissa;
  format.value.bias = bias;
  format.value.special = special;
}

/// Scales that are codes under one of their own for each super-block, and minima likewise.
static void setTwoLevels(const WeightForm &form, WeightFormat &format) {
  bool isAsymmetric = !form.symmetric;
  SideType code{form.bits == 6 ? SideType::Int : SideType::Uint, form.bits == 6 ? 8u : form.bits == 2 ? 4u : 6u};
  ScaleForm &own = format.scales.emplace_back();
  own.element = code;
  own.gn = 1;
  own.gk = form.group;
  if (form.bits == 3) {
    own.map = ScaleForm::Affine;
    own.offset = -32;
  }
  ScaleForm outer;
  outer.element.kind = form.scale;
  outer.element.width = outer.element.bits();
  outer.gn = 1;
  outer.gk = WeightForm::superBlock;
  format.scales.push_back(outer);
  if (!isAsymmetric) {
    format.value.offset = -(int64_t(1) << (form.bits - 1));
    return;
  }
  format.zero.kind = ZeroForm::Min;
  format.zero.element = code;
  format.zero.gn = 1;
  format.zero.gk = form.group;
  format.zero.scales = {outer};
}

WeightFormat WeightForm::format() const {
  WeightFormat format;
  format.code.kind = CodeForm::Uint;
  format.code.numbers = {static_cast<int64_t>(bits)};
  if (values == KQuant) {
    setTwoLevels(*this, format);
    return format;
  }
  ScaleForm &own = format.scales.emplace_back();
  own.element.kind = scale;
  own.element.width = own.element.bits();
  own.gn = blockRows;
  own.gk = group;
  switch (values) {
  case Keep:
  case KQuant:
    break;
  case Integer:
  case Block:
    if (symmetric) {
      format.zero.kind = ZeroForm::Const;
      format.zero.constant = static_cast<double>(int64_t(1) << (bits - 1));
    } else {
      format.zero.kind = ZeroForm::Tensor;
      format.zero.element = hasFloatZeros() ? SideType{SideType::F16, 16} : SideType{SideType::Uint, bits};
      format.zero.gn = blockRows;
      format.zero.gk = group;
    }
    break;
  case NvFp4:
    format.scales.emplace_back().element = {SideType::F32, 32};
    [[fallthrough]];
  case Fp4:
    setFloat(format, 2, 1, 1, ValueMap::None);
    break;
  case Fp6:
    setFloat(format, 2, 3, 1, ValueMap::None);
    break;
  case Fp8:
    setFloat(format, 4, 3, 7, ValueMap::Fn);
    break;
  case Fp6Wide:
    setFloat(format, 3, 2, 3, ValueMap::None);
    break;
  case Fp8Wide:
    setFloat(format, 5, 2, 15, ValueMap::Ieee);
    break;
  case Nf4:
    setTable(format, SideType::F32, 32, normalFloat);
    break;
  case Iq4:
    setTable(format, SideType::Int, 8, integerGrid);
    break;
  case BitMod:
    setTable(format, SideType::Int, 8, bitModTables(bits));
    break;
  case Pot:
    format.value.kind = ValueMap::Pot;
    format.value.terms = 1;
    format.value.field = bits - 1;
    break;
  case Table: // stored, as each weight has its own
    if (vector > 1) // bytes, so that the values are small integers
      setTable(format, SideType::Int, 8, {});
    else
      setTable(format, SideType::F16, 16, {});
    format.value.vector = vector;
    break;
  case Dynamic:
    setTable(format, SideType::F32, 32, {});
    break;
  case Ternary:
    format.code.kind = CodeForm::Radix;
    format.code.numbers = {3, 5, 8};
    format.value.offset = -1;
    break;
  case Binary:
    format.value.kind = ValueMap::Bipolar;
    break;
  }
  return format;
}

static void setActivation(Encoding &encoding, const ActivationRounding &rounding, int64_t group) {
  // Values of fp8 with a scale that is known are written out, and bf16 holds them.
  bool isKnown = rounding.isFp8() && rounding.isStatic();
  if (rounding.type == ActivationForm::BF16 || isKnown)
    encoding.activation.kind = ActivationForm::BF16;
  // So are codes under one scale; the form says that values of the weight's codes may be rounded too.
  if (rounding.type == ActivationForm::Int && rounding.isWhole())
    encoding.activation.kind = ActivationForm::Int;
  if (rounding.type == ActivationForm::F16)
    encoding.activation.kind = ActivationForm::F16;
  if (rounding.scales == ActivationRounding::Group || rounding.scales == ActivationRounding::Token) {
    encoding.activation.kind = rounding.type;
    encoding.activation.bits = rounding.bits;
    encoding.activation.symmetric = rounding.symmetric;
    bool isRow = rounding.scales == ActivationRounding::Token;
    encoding.activation.group = isRow ? kWhole : rounding.group > 0 ? rounding.group : group;
  }
}

Encoding WeightForm::encoding(const ActivationRounding &rounding) const {
  Encoding encoding;
  encoding.terms.emplace_back().formats = {format()};
  setActivation(encoding, rounding, group);
  return encoding;
}

WeightForm WeightForm::wideForm() const {
  WeightForm form = *this;
  if (wideRows > 0) {
    form = *of("int8");
    form.method = method == HalfQuadratic ? Search : method;
  }
  if (wideGroups > 0)
    form.bits = 4;
  form.wideRows = form.wideGroups = 0;
  return form;
}

WeightForm WeightForm::narrowForm() const {
  WeightForm form = *this;
  form.wideRows = form.wideGroups = 0;
  return form;
}

/// Bytes about 0 with a scale for each row.
static WeightFormat byteFormat() {
  WeightFormat format;
  format.code.kind = CodeForm::Int;
  format.code.numbers = {8};
  ScaleForm &scale = format.scales.emplace_back();
  scale.element = {SideType::F16, 16};
  scale.gn = 1;
  return format;
}

/// Rows, or groups, of two formats.
static void setMixed(EncodingTerm &term, int64_t wideRows, const WeightForm &form, const WeightFormat &wide) {
  if (form.wideGroups > 0) {
    term.kind = EncodingTerm::TypeMap;
    term.map = "types";
    term.gn = 1;
    term.gk = form.group;
    term.shares = {1 - form.wideGroups, form.wideGroups};
    term.formats.push_back(wide);
    return;
  }
  term.kind = EncodingTerm::Parts;
  term.regions = {{0, wideRows, 0, kWhole}, {wideRows, kWhole, 0, kWhole}};
  term.formats.insert(term.formats.begin(), wide);
}

Encoding WeightForm::encodingOf(int64_t n, int64_t k, const ActivationRounding &rounding) const {
  Encoding whole = encoding(rounding);
  if (wideGroups > 0 || wideRowsOf(n) > 0)
    setMixed(whole.terms.front(), wideRowsOf(n), *this, wideForm().format());
  if (wideRowsOf(n) > 0)
    whole.permN = "rows";
  if (sorted)
    whole.permK = "columns";
  if (rounding.wideBlocks > 0 && maySort()) {
    ActivationForm wide = whole.activation, blocks;
    wide.bits = 8;
    blocks.kind = ActivationForm::Blocks;
    blocks.map = "blocks";
    blocks.block = ActivationRounding::channelBlock;
    blocks.choices = {whole.activation, wide};
    whole.activation = blocks;
    whole.permK = "columns";
  }
  if (outliers > 0 && scattered) {
    EncodingTerm &term = whole.terms.emplace_back();
    term.kind = EncodingTerm::Sparse;
    WeightFormat &half = term.formats.emplace_back();
    half.code.numbers = {16};
    setFloat(half, 5, 10, 15, ValueMap::Ieee);
    term.sparsity.kind = SparsityForm::Csr;
    term.sparsity.a = 16;
    term.sparsity.b = 32;
    term.sparsity.density = static_cast<double>(outlierElements(n, k)) / static_cast<double>(n * k);
  } else if (outliers > 0) { // blocks of whole columns
    EncodingTerm &term = whole.terms.emplace_back();
    term.kind = EncodingTerm::Sparse;
    term.formats = {byteFormat()};
    term.sparsity.kind = SparsityForm::Block;
    term.sparsity.a = n;
    term.sparsity.b = 1;
    term.sparsity.density = static_cast<double>(outlierColumns(k)) / static_cast<double>(k);
  }
  if (rank > 0) {
    EncodingTerm &term = whole.terms.emplace_back();
    term.kind = EncodingTerm::LowRank;
    term.rank = rank;
    term.formats = {byteFormat(), byteFormat()};
  }
  return whole;
}
