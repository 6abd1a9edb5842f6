//===- MILOps.cpp - verifiers, text form and folds of the mil dialect -------===//
#include "lutra/Dialect/MIL/IR/MIL.h"
#include "lutra/Dialect/MIL/IR/MILOpTable.h"
#include "lutra/Support/ConstantBytes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Interfaces/FunctionImplementation.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::mil;

#define GET_OP_CLASSES
#include "lutra/Dialect/MIL/IR/MILOps.cpp.inc"

//===----------------------------------------------------------------------===//
// mil.func
//===----------------------------------------------------------------------===//

void FuncOp::build(OpBuilder &builder, OperationState &state, StringRef name, FunctionType type,
                   ArrayAttr inputNames, int64_t spec) {
  state.addAttribute(SymbolTable::getSymbolAttrName(), builder.getStringAttr(name));
  state.addAttribute(getFunctionTypeAttrName(state.name), TypeAttr::get(type));
  state.addAttribute(getInputNamesAttrName(state.name), inputNames);
  state.addAttribute(getSpecAttrName(state.name), builder.getI64IntegerAttr(spec));
  state.addRegion();
}

ParseResult FuncOp::parse(OpAsmParser &parser, OperationState &result) {
  auto buildType = [](Builder &builder, ArrayRef<Type> arguments, ArrayRef<Type> results,
                      function_interface_impl::VariadicFlag, std::string &) {
    return builder.getFunctionType(arguments, results);
  };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false, getFunctionTypeAttrName(result.name), buildType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void FuncOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(printer, *this, /*isVariadic=*/false,
                                           getFunctionTypeAttrName(), getArgAttrsAttrName(),
                                           getResAttrsAttrName());
}

ReturnOp FuncOp::getReturn() { return cast<ReturnOp>(getBody().front().getTerminator()); }

StringRef FuncOp::getInputName(unsigned index) {
  return cast<StringAttr>(getInputNames()[index]).getValue();
}

/// E4: an operation or parameter that the function's specification version does not have.
static LogicalResult verifyAge(ApplyOp apply, int64_t spec) {
  const OpSchema *schema = lookupOp(apply.getOp());
  for (NamedAttribute param : apply.getParams()) {
    std::optional<ParamSchema> found = schema->findParam(param.getName());
    if (found && found->since > spec)
      return apply.emitOpError("gives ") << param.getName() << " to " << apply.getOp()
                                         << ", which specification version " << found->since
                                         << " introduced, in a function of version " << spec;
  }
  return success();
}

LogicalResult FuncOp::verifyRegions() {
  if (getInputNames().size() != getNumArguments()) // E1
    return emitOpError("names ") << getInputNames().size() << " inputs of " << getNumArguments();
  if (getSpec() < 7 || getSpec() > 9) // E3
    return emitOpError("has specification version ") << getSpec() << ", not 7, 8 or 9";
  llvm::StringSet<> seen;
  auto claim = [&](Operation *op, StringRef name) -> LogicalResult { // E2
    if (!isIdentifier(name))
      return op->emitOpError("uses the name \"") << name << "\", which is no identifier of MIL";
    if (!seen.insert(name).second)
      return op->emitOpError("uses the name \"") << name << "\" a second time";
    return success();
  };
  for (unsigned index = 0; index < getNumArguments(); ++index)
    if (failed(claim(*this, getInputName(index))))
      return failure();
  for (Operation &op : getBody().front()) {
    if (auto constant = dyn_cast<ConstOp>(op)) {
      if (failed(claim(constant, constant.getName())))
        return failure();
    } else if (auto apply = dyn_cast<ApplyOp>(op)) {
      for (unsigned index = 0; index < apply->getNumResults(); ++index)
        if (failed(claim(apply, apply.getNameOf(index))))
          return failure();
      if (failed(verifyAge(apply, getSpec())))
        return failure();
    } else if (!isa<ReturnOp>(op)) {
      return op.emitOpError("stands in a mil.func, which holds operations of the mil dialect alone");
    }
  }
  ReturnOp terminator = getReturn();
  if (TypeRange(terminator.getOperandTypes()) != TypeRange(getResultTypes())) // E7
    return terminator.emitOpError("returns types that are not those of the function");
  DenseSet<Value> returned;
  for (auto [index, value] : llvm::enumerate(terminator.getValues())) {
    if (!value.getDefiningOp<ApplyOp>()) // E5
      return terminator.emitOpError("returns value ")
             << index << ", which no operation computes; put an identity in between";
    if (!returned.insert(value).second) // E6
      return terminator.emitOpError("returns one value twice; put an identity in between");
  }
  return success();
}

//===----------------------------------------------------------------------===//
// mil.const
//===----------------------------------------------------------------------===//

LogicalResult ConstOp::verify() {
  if (!getElementTypeOrSelf(getType()).isF16())
    return success();
  if (std::optional<int64_t> bad = findNonFinite(getValue())) // E1
    return emitOpError("holds NaN or an infinity at element ")
           << *bad << "; compute in fp32 or change the constant";
  return success();
}

//===----------------------------------------------------------------------===//
// mil.apply
//===----------------------------------------------------------------------===//

Value ApplyOp::getOperandOf(StringRef parameter) {
  for (auto [name, operand] : llvm::zip_equal(getOperandNames(), getOperands()))
    if (cast<StringAttr>(name).getValue() == parameter)
      return operand;
  return {};
}

SmallVector<Value> ApplyOp::getOperandsOf(StringRef parameter) {
  SmallVector<Value> result;
  for (auto [name, operand] : llvm::zip_equal(getOperandNames(), getOperands()))
    if (cast<StringAttr>(name).getValue() == parameter)
      result.push_back(operand);
  return result;
}

StringRef ApplyOp::getNameOf(unsigned index) { return cast<StringAttr>(getNames()[index]).getValue(); }

// mil.apply "op"(x = %a, values = %b) {params} as "n0", "n1" : (types) -> types
ParseResult ApplyOp::parse(OpAsmParser &parser, OperationState &result) {
  Builder &builder = parser.getBuilder();
  StringAttr name;
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<Attribute> operandNames, names;
  NamedAttrList params;
  FunctionType type;
  SMLoc loc = parser.getCurrentLocation();
  auto parseOperand = [&]() -> ParseResult {
    std::string keyword;
    if (parser.parseKeywordOrString(&keyword) || parser.parseEqual() ||
        parser.parseOperand(operands.emplace_back()))
      return failure();
    operandNames.push_back(builder.getStringAttr(keyword));
    return success();
  };
  auto parseName = [&]() -> ParseResult {
    std::string text; // not an attribute: that would take the colon of the type
    if (parser.parseString(&text))
      return failure();
    names.push_back(builder.getStringAttr(text));
    return success();
  };
  if (parser.parseAttribute(name) ||
      parser.parseCommaSeparatedList(OpAsmParser::Delimiter::Paren, parseOperand) ||
      parser.parseOptionalAttrDict(params) || parser.parseKeyword("as") ||
      parser.parseCommaSeparatedList(parseName) || parser.parseColonType(type) ||
      parser.resolveOperands(operands, type.getInputs(), loc, result.operands))
    return failure();
  result.addTypes(type.getResults());
  result.addAttribute(getOpAttrName(result.name), name);
  result.addAttribute(getOperandNamesAttrName(result.name), builder.getArrayAttr(operandNames));
  result.addAttribute(getNamesAttrName(result.name), builder.getArrayAttr(names));
  result.addAttribute(getParamsAttrName(result.name), params.getDictionary(parser.getContext()));
  return success();
}

void ApplyOp::print(OpAsmPrinter &printer) {
  printer << " " << getOpAttr() << "(";
  llvm::interleaveComma(llvm::zip_equal(getOperandNames(), getOperands()), printer, [&](auto pair) {
    printer << cast<StringAttr>(std::get<0>(pair)).getValue() << " = " << std::get<1>(pair);
  });
  printer << ")";
  if (!getParams().empty())
    printer << " " << getParams();
  printer << " as ";
  llvm::interleaveComma(getNames(), printer, [&](Attribute name) { printer << name; });
  printer << " : ";
  printer.printFunctionalType(getOperation());
}

/// Whether `value` is what a constant parameter of this kind holds.
static bool fits(ParamKind kind, Attribute value) {
  switch (kind) {
  case ParamKind::Int: {
    auto number = dyn_cast<IntegerAttr>(value);
    return number && number.getType().isSignlessInteger(32);
  }
  case ParamKind::IntList:
    return isa<DenseI32ArrayAttr>(value);
  case ParamKind::Bool:
    return isa<BoolAttr>(value);
  case ParamKind::BoolList:
    return isa<DenseBoolArrayAttr>(value);
  case ParamKind::Float: {
    auto number = dyn_cast<TypedAttr>(value);
    return number && isa<FloatAttr, IntegerAttr>(value) && !typeName(number.getType()).empty();
  }
  case ParamKind::String:
    return isa<StringAttr>(value);
  case ParamKind::Tensor:
  case ParamKind::TensorList:
    return false;
  }
  llvm_unreachable("every kind has a case");
}

LogicalResult ApplyOp::verify() {
  const OpSchema *schema = lookupOp(getOp());
  if (!schema) // E1
    return emitOpError("names the operation \"") << getOp() << "\", which the table of MIL does not have";
  if (getOperandNames().size() != getNumOperands())
    return emitOpError("names ") << getOperandNames().size() << " of " << getNumOperands() << " operands";
  if (getNumOperands() == 0)
    return emitOpError("has no operand"); // E3
  llvm::StringSet<> given;
  for (Attribute name : getOperandNames()) {
    StringRef text = cast<StringAttr>(name).getValue();
    std::optional<ParamSchema> param = schema->findParam(text);
    if (!param || (param->kind != ParamKind::Tensor && param->kind != ParamKind::TensorList)) // E2
      return emitOpError("gives a tensor to \"") << text << "\", which is no tensor parameter of " << getOp();
    if (!given.insert(text).second && param->kind == ParamKind::Tensor) // E4
      return emitOpError("gives \"") << text << "\" twice";
  }
  for (NamedAttribute entry : getParams()) {
    std::optional<ParamSchema> param = schema->findParam(entry.getName());
    if (!param) // E2
      return emitOpError("gives \"") << entry.getName().getValue() << "\", which " << getOp() << " does not take";
    if (!fits(param->kind, entry.getValue())) // E5
      return emitOpError("gives ") << entry.getValue() << " to \"" << entry.getName().getValue()
                                   << "\", which holds another kind of value";
    given.insert(entry.getName().getValue());
  }
  for (const ParamSchema &param : schema->getParams())
    if (param.required && !given.contains(param.name)) // E3
      return emitOpError("lacks the parameter \"") << param.name << "\" of " << getOp();
  if (getNames().size() != getNumResults()) // E6
    return emitOpError("has ") << getNumResults() << " results but " << getNames().size() << " names";
  for (Type type : llvm::concat<const Type>(getOperandTypes(), getResultTypes()))
    if (cast<RankedTensorType>(type).getRank() > 5) // E8
      return emitOpError("touches a tensor of rank ")
             << cast<RankedTensorType>(type).getRank() << "; Core ML takes at most 5";
  std::string why;
  RankedTensorType expected = inferResult(*this, why);
  if (!expected) // E7
    return emitOpError("does not fit together: ") << why;
  if (getNumResults() != 1 || getResult(0).getType() != expected) // E7
    return emitOpError("yields ") << getResultTypes() << " where " << getOp() << " gives " << expected;
  return success();
}

/// Whether every value of `from` is a value of `to`, so that a cast there and back changes nothing.
static bool widens(Type from, Type to) {
  auto rank = [](Type type) { return type.isF16() ? 1 : type.isF32() ? 2 : 0; };
  return rank(from) && rank(from) <= rank(to);
}

/// identity, a cast to the same type, a reshape to the same shape and an identity permutation are
/// their input; a cast of a cast that widened is one cast. A result of the function stays: its name
/// is public.
LogicalResult ApplyOp::canonicalize(ApplyOp op, PatternRewriter &rewriter) {
  Value x = op.getOperandOf("x");
  if (!x || llvm::any_of(op->getUsers(), [](Operation *user) { return isa<ReturnOp>(user); }))
    return failure();
  StringRef name = op.getOp();
  bool moves = name == "identity" || name == "cast" || name == "reshape";
  if (auto permutation = op.getParams().getAs<DenseI32ArrayAttr>("perm"))
    moves |= llvm::is_sorted(permutation.asArrayRef());
  if (moves && x.getType() == op.getResult(0).getType()) {
    rewriter.replaceOp(op, x);
    return success();
  }
  auto inner = x.getDefiningOp<ApplyOp>();
  if (name != "cast" || !inner || inner.getOp() != "cast")
    return failure();
  Value source = inner.getOperandOf("x");
  if (!widens(getElementTypeOrSelf(source.getType()), getElementTypeOrSelf(x.getType())))
    return rewriter.notifyMatchFailure(op, "the inner cast may change the value");
  rewriter.modifyOpInPlace(op, [&] { op->setOperand(0, source); });
  return success();
}
