//===- EncodingSyntax.cpp - parser, printer and checks of #lutra.encoding ---===//
// A recursive descent over the grammar in LutraAttributes.td, one function for each of its words. Text that
// has the right form but impossible numbers is left to Encoding::findError.
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "lutra/Support/EncodedLayout.h"
#include "lutra/Support/EncodedPanels.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;
using namespace lutra;

namespace {
/// Each method parses one word of the grammar; failure has been reported.
class EncodingParser {
public:
  explicit EncodingParser(AsmParser &parser) : parser(parser) {}
  ParseResult parse(Encoding &encoding, PackingAttr &packing);

private:
  ParseResult parseTerm(EncodingTerm &term);
  ParseResult parseFormat(WeightFormat &format);
  ParseResult parseBracedFormat(EncodingTerm &term);
  ParseResult parseCode(CodeForm &code);
  ParseResult parseValue(ValueMap &value);
  ParseResult parseTable(ValueMap &value);
  ParseResult parseMinus(SideType &element, int64_t &gn, int64_t &gk);
  ParseResult parseScale(ScaleForm &scale);
  ParseResult parseScales(std::vector<ScaleForm> &scales);
  ParseResult parseZero(ZeroForm &zero);
  ParseResult parseSparsity(SparsityForm &sparsity);
  ParseResult parseActivation(ActivationForm &form);
  ParseResult parseSide(SideType &type);
  ParseResult parseGroup(int64_t &gn, int64_t &gk);
  ParseResult parseBound(int64_t &bound);
  ParseResult parseSymbol(std::string &name);
  /// `(` integer (`,` integer)* as many as are asked for, within angle brackets.
  ParseResult parseNumbers(std::initializer_list<int64_t *> numbers);
  ParseResult parseWord(StringRef &word, StringRef expected);

  AsmParser &parser;
};
} // namespace

ParseResult EncodingParser::parseWord(StringRef &word, StringRef expected) {
  if (succeeded(parser.parseOptionalKeyword(&word)))
    return success();
  return parser.emitError(parser.getCurrentLocation(), "expected ") << expected;
}

ParseResult EncodingParser::parseNumbers(std::initializer_list<int64_t *> numbers) {
  if (parser.parseLess())
    return failure();
  bool first = true;
  for (int64_t *number : numbers) {
    if ((!first && parser.parseComma()) || parser.parseInteger(*number))
      return failure();
    first = false;
  }
  return parser.parseGreater();
}

ParseResult EncodingParser::parseSymbol(std::string &name) {
  StringAttr symbol;
  if (parser.parseSymbolName(symbol))
    return failure();
  name = symbol.str();
  return success();
}

ParseResult EncodingParser::parseBound(int64_t &bound) {
  if (succeeded(parser.parseOptionalStar())) {
    bound = kWhole;
    return success();
  }
  return parser.parseInteger(bound);
}

ParseResult EncodingParser::parseGroup(int64_t &gn, int64_t &gk) {
  gn = gk = kWhole;
  if (succeeded(parser.parseOptionalKeyword("tensor")))
    return success();
  if (succeeded(parser.parseOptionalKeyword("row"))) {
    gn = 1;
    return success();
  }
  return failure(parseBound(gn) || parser.parseComma() || parseBound(gk));
}

ParseResult EncodingParser::parseSide(SideType &type) {
  SMLoc place = parser.getCurrentLocation();
  StringRef word;
  if (parseWord(word, "an element type such as u6, i8, f16 or e8m0"))
    return failure();
  std::optional<SideType> parsed = SideType::parse(word);
  if (!parsed)
    return parser.emitError(place, "has the element type ")
           << word << "; use u1 to u32, i1 to i32, f32, f16, bf16, e8m0, e4m3, ue4m3 or e5m2";
  type = *parsed;
  return success();
}

ParseResult EncodingParser::parseCode(CodeForm &code) {
  SMLoc place = parser.getCurrentLocation();
  StringRef word;
  if (parseWord(word, "a code form"))
    return failure();
  if (word == "uint" || word == "int") {
    code.kind = word == "uint" ? CodeForm::Uint : CodeForm::Int;
    code.numbers.resize(1);
    return parseNumbers({&code.numbers[0]});
  }
  if (word == "radix") {
    code.kind = CodeForm::Radix;
    code.numbers.resize(3);
    return parseNumbers({&code.numbers[0], &code.numbers[1], &code.numbers[2]});
  }
  if (word == "planes") {
    code.kind = CodeForm::Planes;
    return parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, [&] {
      return parser.parseInteger(code.numbers.emplace_back());
    });
  }
  if (word != "dict")
    return parser.emitError(place, "has the code form ")
           << word << "; use uint, int, planes, radix or dict";
  code.kind = CodeForm::Dict;
  code.numbers.resize(1);
  if (parser.parseLess() || parser.parseInteger(code.numbers[0]) || parser.parseComma() ||
      parseSymbol(code.table) || parser.parseComma())
    return failure();
  if (succeeded(parser.parseOptionalKeyword("prefix"))) {
    code.prefix = true;
    return failure(parser.parseLess() || parser.parseFloat(code.length) ||
                   parser.parseGreater() || parser.parseGreater());
  }
  int64_t length = 0;
  if (parser.parseKeyword("fixed") || parseNumbers({&length}) || parser.parseGreater())
    return failure();
  code.length = length;
  return success();
}

ParseResult EncodingParser::parseTable(ValueMap &value) {
  value.kind = ValueMap::Table;
  if (parser.parseLess() || parser.parseInteger(value.entries) || parser.parseComma() ||
      parseSide(value.element))
    return failure();
  while (succeeded(parser.parseOptionalComma())) {
    if (succeeded(parser.parseOptionalKeyword("vec"))) {
      if (parseNumbers({&value.vector}))
        return failure();
    } else if (succeeded(parser.parseOptionalKeyword("select"))) {
      if (parser.parseLess())
        return failure();
      if (succeeded(parser.parseOptionalKeyword("row"))) {
        value.select = ValueMap::Row;
      } else {
        value.select = ValueMap::Group;
        if (parser.parseKeyword("group") || parser.parseComma() ||
            parser.parseInteger(value.selectBits))
          return failure();
      }
      if (parser.parseGreater())
        return failure();
    } else if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
                 return parser.parseFloat(value.values.emplace_back());
               })) {
      return failure();
    }
  }
  return parser.parseGreater();
}

ParseResult EncodingParser::parseValue(ValueMap &value) {
  SMLoc place = parser.getCurrentLocation();
  StringRef word;
  if (parseWord(word, "a value map"))
    return failure();
  if (word == "bipolar" || word == "signmag") {
    value.kind = word == "bipolar" ? ValueMap::Bipolar : ValueMap::SignMag;
    return success();
  }
  if (word == "pot") {
    value.kind = ValueMap::Pot;
    return parseNumbers({&value.terms, &value.field});
  }
  if (word == "table")
    return parseTable(value);
  if (word == "affine") {
    if (failed(parser.parseOptionalLess()))
      return success();
    return failure(parser.parseInteger(value.offset) || parser.parseGreater());
  }
  if (word == "float") {
    value.kind = ValueMap::Float;
    if (parser.parseLess() || parser.parseInteger(value.exponent) || parser.parseComma() ||
        parser.parseInteger(value.mantissa) || parser.parseComma() ||
        parser.parseInteger(value.bias))
      return failure();
    if (succeeded(parser.parseOptionalComma())) {
      if (succeeded(parser.parseOptionalKeyword("fn")))
        value.special = ValueMap::Fn;
      else if (parser.parseKeyword("ieee"))
        return failure();
      else
        value.special = ValueMap::Ieee;
    }
    return parser.parseGreater();
  }
  if (word == "signed_by" && value.sign == ValueMap::Own) {
    if (parser.parseLess())
      return failure();
    ValueMap::Sign sign = ValueMap::Plane;
    if (succeeded(parser.parseOptionalKeyword("parity7")))
      sign = ValueMap::Parity7;
    else if (parser.parseKeyword("plane"))
      return failure();
    value.sign = sign; // also keeps a second signed_by out
    return failure(parser.parseComma() || parseValue(value) || parser.parseGreater());
  }
  return parser.emitError(place, "has the value map ")
         << word << "; use affine, bipolar, float, signmag, pot, table or one signed_by around them";
}

/// What follows the word `minus`.
ParseResult EncodingParser::parseMinus(SideType &element, int64_t &gn, int64_t &gk) {
  return failure(parser.parseLess() || parseSide(element) || parser.parseComma() ||
                 parseGroup(gn, gk) || parser.parseGreater());
}

ParseResult EncodingParser::parseScale(ScaleForm &scale) {
  if (parser.parseLSquare() || parseSide(scale.element) || parser.parseComma() ||
      parseGroup(scale.gn, scale.gk))
    return failure();
  if (succeeded(parser.parseOptionalComma())) {
    if (succeeded(parser.parseOptionalKeyword("affine"))) {
      scale.map = ScaleForm::Affine;
      if (parser.parseLess() || parser.parseFloat(scale.offset) || parser.parseGreater())
        return failure();
    } else {
      scale.map = ScaleForm::Minus;
      if (parser.parseKeyword("minus") || parseMinus(scale.zeroElement, scale.zeroGn, scale.zeroGk))
        return failure();
    }
  }
  return parser.parseRSquare();
}

ParseResult EncodingParser::parseScales(std::vector<ScaleForm> &scales) {
  do {
    if (parseScale(scales.emplace_back()))
      return failure();
  } while (succeeded(parser.parseOptionalStar()));
  return success();
}

ParseResult EncodingParser::parseZero(ZeroForm &zero) {
  SMLoc place = parser.getCurrentLocation();
  StringRef word;
  if (parseWord(word, "a zero form") || parser.parseLess())
    return failure();
  if (word == "const") {
    zero.kind = ZeroForm::Const;
    return failure(parser.parseFloat(zero.constant) || parser.parseGreater());
  }
  if (word != "tensor" && word != "min")
    return parser.emitError(place, "has the zero form ") << word << "; use const, tensor or min";
  zero.kind = word == "min" ? ZeroForm::Min : ZeroForm::Tensor;
  if (parseSide(zero.element) || parser.parseComma() || parseGroup(zero.gn, zero.gk))
    return failure();
  bool more = succeeded(parser.parseOptionalComma());
  if (more && zero.kind == ZeroForm::Tensor && succeeded(parser.parseOptionalKeyword("value"))) {
    zero.inValue = true;
    more = succeeded(parser.parseOptionalComma());
  }
  if (more && succeeded(parser.parseOptionalKeyword("minus"))) {
    zero.minus = true;
    if (parseMinus(zero.minusElement, zero.minusGn, zero.minusGk))
      return failure();
    more = succeeded(parser.parseOptionalComma());
  }
  if (more && parseScales(zero.scales))
    return failure();
  return parser.parseGreater();
}

/// Stops before a comma that belongs to what surrounds the format: only `scales` and `zero` continue it, so
/// a sparsity follows in its own word.
ParseResult EncodingParser::parseFormat(WeightFormat &format) {
  if (parseCode(format.code) || parser.parseComma() || parseValue(format.value))
    return failure();
  return success();
}

ParseResult EncodingParser::parseBracedFormat(EncodingTerm &term) {
  WeightFormat &format = term.formats.emplace_back();
  if (parser.parseLBrace() || parseFormat(format))
    return failure();
  while (succeeded(parser.parseOptionalComma())) {
    if (succeeded(parser.parseOptionalKeyword("scales"))) {
      if (parser.parseEqual() || parseScales(format.scales))
        return failure();
    } else if (parser.parseKeyword("zero") || parser.parseEqual() || parseZero(format.zero)) {
      return failure();
    }
  }
  return parser.parseRBrace();
}

ParseResult EncodingParser::parseSparsity(SparsityForm &sparsity) {
  SMLoc place = parser.getCurrentLocation();
  StringRef word;
  if (parseWord(word, "a sparsity"))
    return failure();
  if (word == "nm") {
    sparsity.kind = SparsityForm::NM;
    return parseNumbers({&sparsity.a, &sparsity.b, &sparsity.c});
  }
  if (word == "bitmap") {
    sparsity.kind = SparsityForm::Bitmap;
    return parseNumbers({&sparsity.a});
  }
  if (word == "csr") {
    sparsity.kind = SparsityForm::Csr;
    return parseNumbers({&sparsity.a, &sparsity.b});
  }
  if (word != "block")
    return parser.emitError(place, "has the sparsity ")
           << word << "; use nm, block, bitmap or csr";
  sparsity.kind = SparsityForm::Block;
  if (parser.parseLess() || parser.parseInteger(sparsity.a) || parser.parseComma() ||
      parser.parseInteger(sparsity.b) || parser.parseComma())
    return failure();
  sparsity.blockBitmap = succeeded(parser.parseOptionalKeyword("bitmap"));
  if (!sparsity.blockBitmap && parser.parseKeyword("csr"))
    return failure();
  return parser.parseGreater();
}

ParseResult EncodingParser::parseTerm(EncodingTerm &term) {
  SMLoc place = parser.getCurrentLocation();
  StringRef word;
  if (parseWord(word, "a term") || parser.parseLess())
    return failure();
  if (word == "dense" || word == "sparse") {
    term.kind = word == "dense" ? EncodingTerm::Dense : EncodingTerm::Sparse;
    WeightFormat &format = term.formats.emplace_back();
    if (parseFormat(format))
      return failure();
    while (succeeded(parser.parseOptionalComma())) {
      if (succeeded(parser.parseOptionalKeyword("scales"))) {
        if (parser.parseEqual() || parseScales(format.scales))
          return failure();
      } else if (succeeded(parser.parseOptionalKeyword("zero"))) {
        if (parser.parseEqual() || parseZero(format.zero))
          return failure();
      } else if (term.kind == EncodingTerm::Sparse && term.sparsity.kind != SparsityForm::None &&
                 succeeded(parser.parseOptionalKeyword("density"))) {
        if (parser.parseLess() || parser.parseFloat(term.sparsity.density) ||
            parser.parseGreater())
          return failure();
      } else if (term.kind == EncodingTerm::Dense) {
        return parser.emitError(parser.getCurrentLocation(), "expected scales or zero");
      } else if (parseSparsity(term.sparsity)) {
        return failure();
      }
    }
    return parser.parseGreater();
  }
  if (word == "lowrank") {
    term.kind = EncodingTerm::LowRank;
    return failure(parser.parseInteger(term.rank) || parser.parseComma() ||
                   parseBracedFormat(term) || parser.parseComma() || parseBracedFormat(term) ||
                   parser.parseGreater());
  }
  if (word == "parts") {
    term.kind = EncodingTerm::Parts;
    auto parsePart = [&]() -> ParseResult {
      PartRange &region = term.regions.emplace_back();
      return failure(parser.parseKeyword("rows") || parser.parseLess() ||
                     parser.parseInteger(region.rowBegin) || parser.parseComma() ||
                     parseBound(region.rowEnd) || parser.parseGreater() ||
                     parser.parseKeyword("columns") || parser.parseLess() ||
                     parser.parseInteger(region.columnBegin) || parser.parseComma() ||
                     parseBound(region.columnEnd) || parser.parseGreater() ||
                     parseBracedFormat(term));
    };
    return failure(parser.parseCommaSeparatedList(parsePart) || parser.parseGreater());
  }
  if (word != "typemap")
    return parser.emitError(place, "has the term ")
           << word << "; use dense, sparse, lowrank, parts or typemap";
  term.kind = EncodingTerm::TypeMap;
  if (parseSymbol(term.map) || parser.parseComma() || parser.parseInteger(term.gn) ||
      parser.parseComma() || parser.parseInteger(term.gk) || parser.parseComma() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
        return parser.parseFloat(term.shares.emplace_back());
      }))
    return failure();
  while (succeeded(parser.parseOptionalComma()))
    if (parseBracedFormat(term))
      return failure();
  return parser.parseGreater();
}

ParseResult EncodingParser::parseActivation(ActivationForm &form) {
  SMLoc place = parser.getCurrentLocation();
  StringRef word;
  if (parseWord(word, "an activation form"))
    return failure();
  static constexpr std::pair<StringLiteral, ActivationForm::Kind> plain[] = {
      {"f32", ActivationForm::F32},   {"f16", ActivationForm::F16},
      {"bf16", ActivationForm::BF16}, {"e4m3", ActivationForm::E4M3},
      {"e5m2", ActivationForm::E5M2}};
  for (auto [name, kind] : plain)
    if (word == name) {
      form.kind = kind;
      if (!form.isFp8() || failed(parser.parseOptionalLess()))
        return success();
      if (succeeded(parser.parseOptionalKeyword("row")))
        form.group = kWhole;
      else if (parser.parseKeyword("group") || parseNumbers({&form.group}))
        return failure();
      return parser.parseGreater();
    }
  if (word == "int") {
    form.kind = ActivationForm::Int;
    if (parser.parseLess() || parser.parseInteger(form.bits) || parser.parseComma())
      return failure();
    form.symmetric = succeeded(parser.parseOptionalKeyword("sym"));
    if ((!form.symmetric && parser.parseKeyword("asym")) || parser.parseComma())
      return failure();
    if (succeeded(parser.parseOptionalKeyword("tensor")))
      form.group = 0;
    else if (succeeded(parser.parseOptionalKeyword("row")))
      form.group = kWhole;
    else if (parser.parseKeyword("group") || parseNumbers({&form.group}))
      return failure();
    return parser.parseGreater();
  }
  if (word != "blocks")
    return parser.emitError(place, "has the activation form ")
           << word << "; use f32, f16, bf16, e4m3, e5m2, int or blocks";
  form.kind = ActivationForm::Blocks;
  return failure(
      parser.parseLess() || parseSymbol(form.map) || parser.parseComma() ||
      parser.parseInteger(form.block) || parser.parseComma() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
        ActivationForm choice;
        if (parseActivation(choice))
          return failure();
        form.choices.push_back(std::move(choice));
        return success();
      }) ||
      parser.parseGreater());
}

ParseResult EncodingParser::parse(Encoding &encoding, PackingAttr &packing) {
  if (parser.parseLess() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
        return parseTerm(encoding.terms.emplace_back());
      }))
    return failure();
  while (succeeded(parser.parseOptionalComma())) {
    SMLoc place = parser.getCurrentLocation();
    StringRef word;
    if (parseWord(word, "perm_n, perm_k, act or packing") || parser.parseEqual())
      return failure();
    ParseResult parsed = success();
    if (word == "perm_n" || word == "perm_k")
      parsed = parseSymbol(word == "perm_n" ? encoding.permN : encoding.permK);
    else if (word == "act")
      parsed = parseActivation(encoding.activation);
    else if (word == "packing")
      parsed = parser.parseAttribute(packing);
    else
      parsed = parser.emitError(place, "has the field ")
               << word << "; use perm_n, perm_k, act or packing";
    if (parsed)
      return failure();
  }
  return parser.parseGreater();
}

Attribute EncodingAttr::parse(AsmParser &parser, Type) {
  SMLoc place = parser.getCurrentLocation();
  Encoding encoding;
  PackingAttr packing;
  if (EncodingParser(parser).parse(encoding, packing))
    return {};
  return EncodingAttr::getChecked([&] { return parser.emitError(place); }, parser.getContext(),
                                  encoding, packing);
}

void EncodingAttr::print(AsmPrinter &printer) const {
  printer << '<' << getValue().text();
  if (getPacking())
    printer << ", packing = " << getPacking();
  printer << '>';
}

LogicalResult EncodingAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   Encoding encoding, PackingAttr) {
  if (std::optional<std::string> error = encoding.findError()) // E1 to E9
    return emitError() << "encoding " << *error;
  return success();
}

LogicalResult EncodingAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                                           function_ref<InFlightDiagnostic()> emitError) const {
  if (shape.empty() || !isa<FloatType>(elementType)) // E10
    return emitError() << "encoding on a tensor of rank " << shape.size() << " of " << elementType
                       << "; only floats in at least one dimension are encoded";
  if (llvm::any_of(shape, ShapedType::isDynamic))
    return success(); // checked again once the shape is static
  int64_t others = 1;
  for (int64_t size : shape.drop_back())
    if (llvm::MulOverflow(others, size, others))
      others = std::numeric_limits<int64_t>::max();
  llvm::Expected<EncodedLayout> layout = EncodedLayout::of(getValue(), others, shape.back());
  if (!layout) // E11
    return emitError() << "encoding " << llvm::toString(layout.takeError());
  if (!getPacking())
    return success();
  llvm::Expected<EncodedPanels> panels =
      EncodedPanels::of(getValue(), others, shape.back(), getPacking().getWidth(), getPacking().getDepth());
  if (!panels) // E12
    return emitError() << "encoding has a packing, but " << llvm::toString(panels.takeError());
  return success();
}

LogicalResult PackingAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                                          function_ref<InFlightDiagnostic()> emitError) const {
  if (shape.size() < 2) // E2
    return emitError() << "packing on a tensor of rank " << shape.size()
                       << "; panels need a depth and columns, so at least 2 dimensions";
  return success();
}
