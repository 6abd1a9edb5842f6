//===- Statements.cpp - an ML program as plain statements --------------------===//
#include "Statements.h"

#include "BlobFile.h"

#include "lutra/Support/ConstantBytes.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/StringSet.h"

#include <cstring>

using namespace mlir;
using namespace lutra;
using namespace lutra::mil;

unsigned mil::byteWidth(Type element) { return std::max(1u, element.getIntOrFloatBitWidth() / 8); }

template <typename T> static void appendBytes(std::string &bytes, T value) {
  char raw[sizeof(T)];
  std::memcpy(raw, &value, sizeof(T));
  bytes.append(raw, sizeof(T));
}

Constant mil::constantOfParam(Attribute value) {
  Constant result;
  Builder builder(value.getContext());
  if (auto text = dyn_cast<StringAttr>(value)) {
    result.bytes = text.str();
  } else if (auto flag = dyn_cast<BoolAttr>(value)) {
    result.element = builder.getI1Type();
    result.bytes.push_back(flag.getValue());
  } else if (auto list = dyn_cast<DenseI32ArrayAttr>(value)) {
    result.element = builder.getI32Type();
    result.shape = {list.size()};
    for (int32_t entry : list.asArrayRef())
      appendBytes(result.bytes, entry);
  } else if (auto list = dyn_cast<DenseBoolArrayAttr>(value)) {
    result.element = builder.getI1Type();
    result.shape = {list.size()};
    for (bool entry : list.asArrayRef())
      result.bytes.push_back(entry);
  } else {
    result.element = cast<TypedAttr>(value).getType();
    APInt bits = isa<FloatAttr>(value) ? cast<FloatAttr>(value).getValue().bitcastToAPInt()
                                       : cast<IntegerAttr>(value).getValue();
    uint64_t word = bits.getZExtValue();
    result.bytes.assign(reinterpret_cast<const char *>(&word), byteWidth(result.element));
  }
  return result;
}

Attribute mil::paramOfConstant(MLIRContext *context, const Constant &value, ParamKind kind) {
  Builder builder(context);
  if (kind == ParamKind::String)
    return value.element ? Attribute() : builder.getStringAttr(value.bytes);
  if (!value.element || value.blob)
    return {};
  bool isList = kind == ParamKind::IntList || kind == ParamKind::BoolList;
  if (value.shape.size() != (isList ? 1u : 0u))
    return {};
  if (kind == ParamKind::Int || kind == ParamKind::IntList) {
    if (!value.element.isSignlessInteger(32))
      return {};
    SmallVector<int32_t> entries(value.bytes.size() / 4);
    std::memcpy(entries.data(), value.bytes.data(), value.bytes.size());
    return isList ? Attribute(builder.getDenseI32ArrayAttr(entries)) : builder.getI32IntegerAttr(entries[0]);
  }
  if (kind == ParamKind::Bool || kind == ParamKind::BoolList) {
    if (!value.element.isSignlessInteger(1))
      return {};
    SmallVector<bool> entries(value.bytes.begin(), value.bytes.end());
    return isList ? Attribute(builder.getDenseBoolArrayAttr(entries)) : builder.getBoolAttr(entries[0]);
  }
  uint64_t word = 0;
  std::memcpy(&word, value.bytes.data(), value.bytes.size());
  APInt bits(value.element.getIntOrFloatBitWidth(), word);
  if (auto real = dyn_cast<FloatType>(value.element))
    return builder.getFloatAttr(real, APFloat(real.getFloatSemantics(), bits));
  return builder.getIntegerAttr(value.element, bits);
}

namespace {
struct Lister {
  Lister(FuncOp func, BlobWriter &blobs, int64_t blobElements)
      : func(func), blobs(blobs), blobElements(blobElements) {}

  FuncOp func;
  BlobWriter &blobs;
  int64_t blobElements;
  llvm::StringSet<> names;
  DenseMap<Value, std::string> nameOf;
  std::vector<Statement> statements;

  void collectNames();
  LogicalResult addConstant(ConstOp op);
  void addApply(ApplyOp op);
};
} // namespace

void Lister::collectNames() {
  auto add = [&](Value value, StringRef name) {
    names.insert(name);
    nameOf[value] = name.str();
  };
  for (unsigned index = 0; index < func.getNumArguments(); ++index)
    add(func.getArgument(index), func.getInputName(index));
  for (Operation &op : func.getBody().front()) {
    if (auto constant = dyn_cast<ConstOp>(op))
      add(constant, constant.getName());
    if (auto apply = dyn_cast<ApplyOp>(op))
      for (unsigned index = 0; index < apply->getNumResults(); ++index)
        add(apply->getResult(index), apply.getNameOf(index));
  }
}

LogicalResult Lister::addConstant(ConstOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  FailureOr<SmallVector<char, 0>> bytes = constantBytes(op.getValue());
  if (failed(bytes))
    return emitCodedError(op.getLoc(), ErrorCode::ExternalRange)
           << "the bytes of constant \"" << op.getName() << "\" are not in the module";
  Statement statement;
  statement.op = "const";
  statement.constantName = op.getName().str();
  Constant value;
  value.element = type.getElementType();
  llvm::append_range(value.shape, type.getShape());
  std::optional<BlobType> kind = blobTypeOf(value.element, func.getSpec());
  if (kind && type.getNumElements() >= blobElements)
    value.blob = blobs.add(*kind, *bytes);
  else
    value.bytes.assign(bytes->begin(), bytes->end());
  statement.value = std::move(value);
  statement.results.push_back({statement.constantName, type});
  statements.push_back(std::move(statement));
  return success();
}

void Lister::addApply(ApplyOp op) {
  Statement statement;
  statement.op = op.getOp().str();
  const OpSchema *schema = lookupOp(op.getOp());
  for (const ParamSchema &param : schema->getParams()) {
    Argument argument{param.name.str(), param.kind == ParamKind::TensorList, {}};
    for (Value operand : op.getOperandsOf(param.name))
      argument.names.push_back(nameOf[operand]);
    if (Attribute value = op.getParams().get(param.name)) {
      std::string base = (op.getNameOf(0) + "_" + param.name).str(), name = base;
      for (unsigned i = 0; !names.insert(name).second; ++i)
        name = base + "_" + std::to_string(i);
      argument.names.push_back(name);
      Statement constant;
      constant.op = "const";
      constant.constantName = name;
      constant.value = constantOfParam(value);
      statements.push_back(std::move(constant));
    }
    if (!argument.names.empty())
      statement.arguments.push_back(std::move(argument));
  }
  llvm::sort(statement.arguments, [](const Argument &a, const Argument &b) { return a.parameter < b.parameter; });
  for (unsigned index = 0; index < op->getNumResults(); ++index)
    statement.results.push_back(
        {op.getNameOf(index).str(), cast<RankedTensorType>(op->getResult(index).getType())});
  statements.push_back(std::move(statement));
}

FailureOr<std::vector<Statement>> mil::listStatements(FuncOp func, BlobWriter &blobs, int64_t blobElements) {
  Lister lister(func, blobs, blobElements);
  lister.collectNames();
  for (Operation &op : func.getBody().front().without_terminator()) {
    if (auto constant = dyn_cast<ConstOp>(op)) {
      if (!constant.use_empty() && failed(lister.addConstant(constant)))
        return failure();
    } else if (auto apply = dyn_cast<ApplyOp>(op)) {
      lister.addApply(apply);
    }
  }
  return std::move(lister.statements);
}
