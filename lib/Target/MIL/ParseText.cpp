//===- ParseText.cpp - MIL text to the mil dialect -----------------------------===//
// Recursive descent over the grammar of docs/dialects/MILRationale.md. Constants are remembered by name:
// what becomes of one (a parameter or an operand) is what the operation's row in the table says.
// Invariant: emitting what was parsed gives the same text.
#include "lutra/Target/MIL/MIL.h"

#include "BlobFile.h"
#include "Statements.h"

#include "lutra/Support/ConstantBytes.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Verifier.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Error.h"

#include <cstring>

using namespace mlir;
using namespace lutra;
using namespace lutra::mil;

namespace {
struct Token {
  enum Kind { Word, Number, String, Punctuation, End } kind = End;
  StringRef text; // of a string without its quotes
  size_t at = 0;
};

class TextParser {
public:
  TextParser(StringRef text, StringRef weights, StringRef fileName, MLIRContext *context)
      : text(text), weights(weights), fileName(fileName), builder(context) {
    advance();
  }
  OwningOpRef<ModuleOp> parse();

private:
  // Tokens.
  void advance();
  Location here() { return locate(token.at); }
  Location locate(size_t at);
  LogicalResult error(const Twine &message);
  LogicalResult expect(StringRef punctuation);
  bool accept(StringRef punctuation);
  LogicalResult word(StringRef &result);
  LogicalResult skipBracketed();

  // Grammar.
  LogicalResult parseFunction();
  LogicalResult parseStatement();
  LogicalResult parseType(Type &element, SmallVectorImpl<int64_t> &shape);
  LogicalResult parseValue(Constant &value);
  LogicalResult parseBlob(Constant &value);
  LogicalResult parseLiteral(Constant &value);
  LogicalResult parseNumber(Constant &value);
  LogicalResult parseAttributes(std::string &name, std::optional<Constant> &value);

  // Meaning.
  struct Input {
    StringRef parameter;
    SmallVector<StringRef> names;
    std::optional<Constant> value;
  };
  LogicalResult addApply(StringRef op, ArrayRef<Input> inputs,
                         ArrayRef<std::pair<StringRef, RankedTensorType>> results, Location loc);
  void addConstant(StringRef name, Constant value, Location loc);

  StringRef text, weights, fileName;
  Builder builder;
  size_t position = 0;
  Token token;
  OwningOpRef<ModuleOp> module;
  std::optional<OpBuilder> ops;
  llvm::StringMap<Constant> constants;
  llvm::StringMap<Value> values;
};
} // namespace

Location TextParser::locate(size_t at) {
  StringRef before = text.take_front(at);
  unsigned line = before.count('\n') + 1;
  size_t start = before.rfind('\n');
  unsigned column = start == StringRef::npos ? at + 1 : at - start;
  return FileLineColLoc::get(builder.getContext(), fileName, line, column);
}

LogicalResult TextParser::error(const Twine &message) {
  return emitCodedError(here(), ErrorCode::IrSyntax) << message;
}

void TextParser::advance() {
  while (position < text.size() && isspace(static_cast<unsigned char>(text[position])))
    ++position;
  token = {Token::End, "", position};
  if (position == text.size())
    return;
  size_t start = position;
  char first = text[position];
  auto take = [&](Token::Kind kind, auto belongs) {
    while (position < text.size() && belongs(text[position]))
      ++position;
    token = {kind, text.slice(start, position), start};
  };
  if (first == '"') {
    size_t end = start + 1;
    while (end < text.size() && text[end] != '"')
      ++end;
    token = {Token::String, text.slice(start + 1, end), start};
    position = std::min(end + 1, text.size());
  } else if (llvm::isAlpha(first) || first == '_') {
    take(Token::Word, [](char c) { return llvm::isAlnum(c) || c == '_'; });
  } else if (llvm::isDigit(first) || (first == '-' && position + 1 < text.size() && text[position + 1] != '>')) {
    ++position;
    char last = first;
    take(Token::Number, [&](char c) {
      bool exponentSign = (c == '-' || c == '+') && (last == 'p' || last == 'e' || last == 'P' || last == 'E');
      last = c;
      return llvm::isAlnum(c) || c == '.' || exponentSign;
    });
  } else {
    position += text.substr(start).starts_with("->") ? 2 : 1;
    token = {Token::Punctuation, text.slice(start, position), start};
  }
}

bool TextParser::accept(StringRef punctuation) {
  if (token.kind != Token::Punctuation || token.text != punctuation)
    return false;
  advance();
  return true;
}

LogicalResult TextParser::expect(StringRef punctuation) {
  return accept(punctuation) ? success() : error("expected '" + punctuation + "' before '" + token.text + "'");
}

LogicalResult TextParser::word(StringRef &result) {
  if (token.kind != Token::Word)
    return error("expected a name before '" + token.text + "'");
  result = token.text;
  advance();
  return success();
}

/// Passes over the attributes of the program, which say who wrote it.
LogicalResult TextParser::skipBracketed() {
  if (failed(expect("[")))
    return failure();
  for (unsigned depth = 1; depth > 0; advance()) {
    if (token.kind == Token::End)
      return error("the attributes of the program do not end");
    if (token.kind == Token::Punctuation)
      depth += token.text == "[" ? 1 : token.text == "]" ? -1 : 0;
  }
  return success();
}

// type := DT | 'tensor' '<' DT ',' '[' INT,* ']' '>'
LogicalResult TextParser::parseType(Type &element, SmallVectorImpl<int64_t> &shape) {
  StringRef name;
  bool isTensor = false;
  if (failed(word(name)))
    return failure();
  if (name == "tensor") {
    isTensor = true;
    if (failed(expect("<")) || failed(word(name)))
      return failure();
  }
  element = typeOfName(builder.getContext(), name);
  if (!element && name != "string" && name != "uint64")
    return error("unknown type '" + name + "'");
  if (!isTensor)
    return success();
  if (failed(expect(",")) || failed(expect("[")))
    return failure();
  while (!accept("]")) {
    int64_t size = 0;
    if (token.text.getAsInteger(10, size) || size < 0)
      return error("expected a size before '" + token.text + "'");
    shape.push_back(size);
    advance();
    accept(",");
  }
  return expect(">");
}

LogicalResult TextParser::parseNumber(Constant &value) {
  StringRef spelling = token.text;
  unsigned width = byteWidth(value.element);
  uint64_t bits = 0;
  if (auto real = dyn_cast<FloatType>(value.element)) {
    APFloat number(real.getFloatSemantics());
    bool negative = spelling.starts_with("-");
    StringRef magnitude = spelling.ltrim('-');
    if (magnitude == "inf") {
      number = APFloat::getInf(real.getFloatSemantics(), negative);
    } else if (magnitude == "nan") {
      number = APFloat::getNaN(real.getFloatSemantics());
    } else {
      auto status = number.convertFromString(spelling, APFloat::rmNearestTiesToEven);
      if (!status) {
        llvm::consumeError(status.takeError());
        return error("'" + spelling + "' is no number");
      }
    }
    bits = number.bitcastToAPInt().getZExtValue();
  } else if (value.element.isSignlessInteger(1)) {
    if (spelling != "true" && spelling != "false")
      return error("'" + spelling + "' is no truth value");
    bits = spelling == "true";
  } else {
    int64_t number = 0;
    if (spelling.getAsInteger(10, number))
      return error("'" + spelling + "' is no integer");
    bits = number;
  }
  char raw[8];
  std::memcpy(raw, &bits, sizeof(raw));
  value.bytes.append(raw, width);
  advance();
  return success();
}

/// Elements, in brackets of any nesting.
LogicalResult TextParser::parseLiteral(Constant &value) {
  if (!value.element) {
    if (token.kind != Token::String)
      return error("expected a string before '" + token.text + "'");
    value.bytes = token.text.str();
    advance();
    return success();
  }
  unsigned depth = 0;
  do {
    while (accept("["))
      ++depth;
    if (token.kind == Token::End)
      return error("a value does not end");
    if (!(token.kind == Token::Punctuation && token.text == "]") && failed(parseNumber(value)))
      return failure();
    while (depth > 0 && accept("]"))
      --depth;
    accept(",");
  } while (depth > 0);
  return success();
}

/// BLOBFILE(path = string(".."), offset = uint64(..))
LogicalResult TextParser::parseBlob(Constant &value) {
  uint64_t offset = 0;
  bool found = false;
  if (failed(expect("(")))
    return failure();
  for (unsigned depth = 1; depth > 0; advance()) {
    if (token.kind == Token::End)
      return error("a BLOBFILE does not end");
    if (token.kind == Token::Number)
      found = !token.text.getAsInteger(10, offset);
    if (token.kind == Token::Punctuation)
      depth += token.text == "(" ? 1 : token.text == ")" ? -1 : 0;
  }
  std::string why = "the BLOBFILE has no offset";
  std::optional<BlobView> blob;
  if (found)
    blob = readBlob(weights, offset, why);
  if (!blob)
    return error(why);
  value.bytes = blob->data.str();
  return success();
}

// value := type '(' (literal | BLOBFILE(..)) ')'
LogicalResult TextParser::parseValue(Constant &value) {
  if (failed(parseType(value.element, value.shape)) || failed(expect("(")))
    return failure();
  bool isBlob = token.kind == Token::Word && token.text == "BLOBFILE";
  if (isBlob)
    advance();
  if (failed(isBlob ? parseBlob(value) : parseLiteral(value)) || failed(expect(")")))
    return failure();
  int64_t count = 1;
  for (int64_t size : value.shape)
    count *= size;
  if (value.element && int64_t(value.bytes.size()) != count * byteWidth(value.element))
    return error("the value before this has " + Twine(value.bytes.size()) + " bytes, not what its type needs");
  return success();
}

// '[' (ID '=' value),* ']'
LogicalResult TextParser::parseAttributes(std::string &name, std::optional<Constant> &value) {
  if (!accept("["))
    return success();
  while (!accept("]")) {
    StringRef key;
    Constant entry;
    if (failed(word(key)) || failed(expect("=")) || failed(parseValue(entry)))
      return failure();
    if (key == "name")
      name = entry.bytes;
    else if (key == "val")
      value = std::move(entry);
    else
      return error("unknown attribute '" + key + "'");
    accept(",");
  }
  return success();
}

LogicalResult TextParser::addApply(StringRef op, ArrayRef<Input> inputs,
                                   ArrayRef<std::pair<StringRef, RankedTensorType>> results, Location loc) {
  const OpSchema *schema = lookupOp(op);
  if (!schema)
    return emitCodedError(loc, ErrorCode::UnsupportedOp) << "MIL operation '" << op << "' is not in the table";
  SmallVector<Value> operands;
  SmallVector<StringRef> operandNames;
  NamedAttrList params;
  for (const ParamSchema &param : schema->getParams()) {
    auto input = llvm::find_if(inputs, [&](const Input &i) { return i.parameter == param.name; });
    if (input == inputs.end())
      continue;
    if (param.kind == ParamKind::Tensor || param.kind == ParamKind::TensorList) {
      for (StringRef name : input->names) {
        Value value = values.lookup(name);
        if (!value)
          return emitCodedError(loc, ErrorCode::IrSyntax) << "'" << name << "' is not defined before it is read";
        operands.push_back(value);
        operandNames.push_back(param.name);
      }
      continue;
    }
    const Constant *constant = input->value ? &*input->value : nullptr;
    if (!constant && !input->names.empty()) {
      auto found = constants.find(input->names.front());
      constant = found == constants.end() ? nullptr : &found->second;
    }
    Attribute value = constant ? paramOfConstant(builder.getContext(), *constant, param.kind) : Attribute();
    if (!value)
      return emitCodedError(loc, ErrorCode::IrSyntax)
             << "'" << param.name << "' of " << op << " wants a constant of another kind";
    params.append(param.name, value);
  }
  for (const Input &input : inputs)
    if (!schema->findParam(input.parameter))
      return emitCodedError(loc, ErrorCode::IrSyntax) << op << " has no parameter '" << input.parameter << "'";
  SmallVector<Type> types;
  SmallVector<StringRef> names;
  for (auto [name, type] : results) {
    names.push_back(name);
    types.push_back(type);
  }
  auto apply = ApplyOp::create(*ops, loc, types, builder.getStringAttr(op), operands,
                               builder.getStrArrayAttr(operandNames), params.getDictionary(builder.getContext()),
                               builder.getStrArrayAttr(names));
  for (auto [name, value] : llvm::zip_equal(names, apply->getResults()))
    values[name] = value;
  return success();
}

// stmt := (type ID),+ '=' OP '(' (ID '=' (ID | '(' ID,* ')' | value)),* ')' attrs ';'
LogicalResult TextParser::parseStatement() {
  Location loc = here();
  SmallVector<std::pair<StringRef, RankedTensorType>> results;
  do {
    Type element;
    SmallVector<int64_t> shape;
    StringRef name;
    if (failed(parseType(element, shape)) || failed(word(name)))
      return failure();
    results.push_back({name, element ? RankedTensorType::get(shape, element) : RankedTensorType()});
  } while (accept(","));
  StringRef op;
  if (failed(expect("=")) || failed(word(op)) || failed(expect("(")))
    return failure();
  SmallVector<Input> inputs;
  while (!accept(")")) {
    Input &input = inputs.emplace_back();
    if (failed(word(input.parameter)) || failed(expect("=")))
      return failure();
    if (accept("(")) {
      while (!accept(")")) {
        if (failed(word(input.names.emplace_back())))
          return failure();
        accept(",");
      }
    } else {
      Token before = token;
      size_t place = position;
      StringRef name;
      if (failed(word(name)))
        return failure();
      bool isValue = token.kind == Token::Punctuation && (token.text == "(" || token.text == "<");
      if (isValue) { // a literal in place
        token = before;
        position = place;
        if (failed(parseValue(input.value.emplace())))
          return failure();
      } else {
        input.names.push_back(name);
      }
    }
    accept(",");
  }
  std::string name;
  std::optional<Constant> value;
  if (failed(parseAttributes(name, value)) || failed(expect(";")))
    return failure();
  if (op != "const")
    return addApply(op, inputs, results, loc);
  if (!value || results.size() != 1)
    return error("a const before this has no value");
  addConstant(results.front().first, std::move(*value), loc);
  return success();
}

/// Constants are made where they stand, so that the order survives; those that only give a parameter
/// are removed at the end.
void TextParser::addConstant(StringRef name, Constant value, Location loc) {
  if (value.element) {
    auto type = RankedTensorType::get(value.shape, value.element);
    ArrayRef<char> bytes(value.bytes.data(), value.bytes.size());
    values[name] =
        ConstOp::create(*ops, loc, type, builder.getStringAttr(name), makeConstant(type, bytes, name));
  }
  constants[name] = std::move(value);
}

LogicalResult TextParser::parseFunction() {
  StringRef keyword, name, opset;
  if (failed(word(keyword)) || failed(word(name)) || failed(expect("<")) || failed(word(opset)) ||
      failed(expect(">")) || failed(expect("(")))
    return failure();
  int64_t spec = 0;
  for (int64_t version : {7, 8, 9})
    if (opsetTextName(version) == opset)
      spec = version;
  if (!spec)
    return error("opset '" + opset + "' is none of ios16, ios17, ios18");
  SmallVector<Type> types;
  SmallVector<StringRef> names;
  while (!accept(")")) {
    Type element;
    SmallVector<int64_t> shape;
    if (failed(parseType(element, shape)) || failed(word(names.emplace_back())))
      return failure();
    if (!element)
      return error("an input before this is no tensor");
    types.push_back(RankedTensorType::get(shape, element));
    accept(",");
  }
  Location loc = here();
  ops.emplace(module->getBodyRegion());
  auto func = mil::FuncOp::create(*ops, loc, name, builder.getFunctionType(types, {}),
                                  builder.getStrArrayAttr(names), spec);
  Block *block = ops->createBlock(&func.getBody());
  for (auto [type, input] : llvm::zip_equal(types, names))
    values[input] = block->addArgument(type, loc);
  if (failed(expect("{")))
    return failure();
  while (!accept("}"))
    if (failed(parseStatement()))
      return failure();
  if (failed(expect("->")) || failed(expect("(")))
    return failure();
  SmallVector<Value> results;
  while (!accept(")")) {
    StringRef result;
    if (failed(word(result)))
      return failure();
    Value value = values.lookup(result);
    if (!value)
      return error("result '" + result + "' is not defined");
    results.push_back(value);
    accept(",");
  }
  mil::ReturnOp::create(*ops, loc, results);
  for (ConstOp constant : llvm::make_early_inc_range(block->getOps<ConstOp>()))
    if (constant.use_empty())
      constant.erase();
  func.setFunctionType(builder.getFunctionType(types, ValueRange(results).getTypes()));
  return expect(";");
}

OwningOpRef<ModuleOp> TextParser::parse() {
  module = ModuleOp::create(locate(0));
  StringRef keyword;
  auto body = [&]() -> LogicalResult {
    if (failed(word(keyword)))
      return failure();
    if (keyword != "program")
      return error("a MIL text starts with 'program'");
    if (failed(expect("(")))
      return failure();
    advance(); // the version
    if (failed(expect(")")) || failed(skipBracketed()) || failed(expect("{")) || failed(parseFunction()) ||
        failed(expect("}")))
      return failure();
    return token.kind == Token::End ? success() : error("more text behind the program");
  };
  if (failed(body()) || failed(verify(*module)))
    return {};
  return std::move(module);
}

OwningOpRef<ModuleOp> lutra::parseMilText(StringRef text, StringRef weights, StringRef fileName,
                                          MLIRContext *context) {
  context->loadDialect<MILDialect>();
  return TextParser(text, weights, fileName, context).parse();
}
