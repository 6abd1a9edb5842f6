//===- Constants.cpp - weights and small constants -------------------------===//
// A constant is an ElementsAttr and costs nothing until it is used: small ones become lutra.constant,
// the others lutra.global over a blob that points into the model's file.
#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lutra;

/// The most elements of a float constant that is printed in the function instead of being a weight.
static constexpr int64_t maxInline = 16;

/// The element of a dense attribute as a double.
static double toReal(Type type, const Attribute &element) {
  if (auto real = dyn_cast<FloatAttr>(element))
    return real.getValueAsDouble();
  APInt bits = llvm::cast<IntegerAttr>(element).getValue();
  return type.isUnsignedInteger() || type.isInteger(1) ? (double)bits.getZExtValue()
                                                       : (double)bits.getSExtValue();
}

/// A number as an attribute of the type: floats rounded, integers wrapped.
static Attribute toElement(Type type, double value) {
  if (auto real = dyn_cast<FloatType>(type)) {
    APFloat number(value);
    bool lossy = false;
    number.convert(real.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lossy);
    return FloatAttr::get(type, number);
  }
  auto integer = llvm::cast<IntegerType>(type);
  APInt wide(64, (uint64_t)(int64_t)value);
  return IntegerAttr::get(type, wide.sextOrTrunc(integer.getWidth()));
}

GraphTensor GraphBuilder::makeConstant(Type type, ArrayRef<int64_t> shape, ElementsAttr value) {
  GraphTensor tensor = make(type, Shape(shape.begin(), shape.end()));
  tensor->constant = value;
  return tensor;
}

GraphTensor GraphBuilder::constant(ElementsAttr value) {
  return makeConstant(value.getElementType(), value.getShapedType().getShape(), value);
}

GraphTensor GraphBuilder::constantBytes(StringRef name, Type type, ArrayRef<int64_t> shape,
                                   ArrayRef<char> bytes, std::shared_ptr<const void> owner) {
  if (!checkSize(Shape(shape.begin(), shape.end())))
    return {};
  auto tensorType = RankedTensorType::get(shape, type);
  int64_t count = tensorType.getNumElements();
  assert((int64_t)bytes.size() == count * (int64_t)llvm::divideCeil(type.getIntOrFloatBitWidth(), 8) &&
         "the caller checked the length");
  GraphTensor result;
  if (count <= maxKnown && type.isInteger(1)) {
    SmallVector<bool> values;
    for (char byte : bytes)
      values.push_back(byte != 0);
    result = constant(DenseElementsAttr::get(tensorType, values));
  } else if (count <= maxKnown) {
    result = constant(DenseElementsAttr::getFromRawBuffer(tensorType, bytes));
  } else {
    // The deleter holds the owner: bytes stay as long as the attribute's blob.
    AsmResourceBlob blob = UnmanagedAsmResourceBlob::allocateWithAlign(
        bytes, 1, [owner](void *, size_t, size_t) {});
    result = constant(DenseResourceElementsAttr::get(tensorType, name.empty() ? "weight" : name,
                                                     std::move(blob)));
  }
  result->name = name.str();
  return result;
}

GraphTensor GraphBuilder::encodedWeight(StringRef name, Type type, EncodingAttr encoding, ArrayRef<int64_t> shape,
                                        AsmResourceBlob bytes) {
  if (!checkSize(Shape(shape.begin(), shape.end())))
    return {};
  auto tensor = RankedTensorType::get(shape, type, encoding);
  auto stored = RankedTensorType::get({static_cast<int64_t>(bytes.getData().size())}, IntegerType::get(context, 8));
  auto data = DenseResourceElementsAttr::get(stored, name.empty() ? "weight" : name, std::move(bytes));
  GraphTensor result = make(type, Shape(shape.begin(), shape.end()));
  result->value = addWeight(name, tensor, data);
  return result;
}

Value GraphBuilder::addWeight(StringRef base, RankedTensorType type, ElementsAttr data) {
  std::string name = base.empty() ? "weight" : base.str();
  while (unsigned used = globalNames[name]++)
    name += "_" + std::to_string(used);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(function);
  GlobalOp::create(builder, loc, name, type, data);
  builder.setInsertionPointToEnd(&function.getBody().front());
  return WeightOp::create(builder, loc, type, name);
}

GraphTensor GraphBuilder::scalar(Type type, double value) {
  return constant(DenseElementsAttr::get(RankedTensorType::get({}, type), toElement(type, value)));
}

GraphTensor GraphBuilder::filled(Type type, ArrayRef<DimExpr> shape, double value) {
  if (!checkSize(shape))
    return {};
  if (!isStatic(shape))
    return expand(scalar(type, value), shape);
  return constant(DenseElementsAttr::get(tensorType(type, shape), toElement(type, value)));
}

GraphTensor GraphBuilder::integers(Type type, ArrayRef<DimExpr> values, ArrayRef<DimExpr> shape) {
  if (isStatic(values)) {
    SmallVector<Attribute> elements;
    for (const DimExpr &value : values) {
      APInt bits(64, (uint64_t)*value.constant());
      elements.push_back(IntegerAttr::get(
          type, type.isInteger(1) ? APInt(1, !bits.isZero())
                                  : bits.sextOrTrunc(type.getIntOrFloatBitWidth())));
    }
    return constant(DenseElementsAttr::get(tensorType(type, shape), elements));
  }
  GraphTensor tensor = make(type, shape);
  tensor->known = Integers(values);
  return tensor;
}

GraphTensor GraphBuilder::vector(ArrayRef<DimExpr> values) {
  return integers(i64(), values, {DimExpr(values.size())});
}

GraphTensor GraphBuilder::size(const DimExpr &dim) { return integers(i64(), {dim}, {}); }

std::optional<Integers> GraphBuilder::knownIntegers(GraphTensor tensor) const {
  if (!tensor || !isa<IntegerType>(tensor.type()))
    return std::nullopt;
  if (tensor->known)
    return tensor->known;
  auto dense = dyn_cast_or_null<DenseElementsAttr>(tensor->constant);
  if (!dense || dense.getNumElements() > maxKnown)
    return std::nullopt;
  bool zeroExtend = tensor.isBool() || tensor.type().isUnsignedInteger();
  Integers values;
  for (const APInt &bits : dense.getValues<APInt>())
    values.push_back(zeroExtend ? (int64_t)bits.getZExtValue() : bits.getSExtValue());
  return values;
}

std::optional<Integers> GraphBuilder::exactIntegers(GraphTensor tensor) const {
  std::optional<Integers> known = knownIntegers(tensor);
  bool isCut = known && llvm::any_of(*known, [](const DimExpr &value) { return value.isSaturated(); });
  if (isCut)
    return std::nullopt;
  // The upper half of u64 reads as negative.
  bool isWide = known && tensor.type().isUnsignedInteger(64);
  if (isWide && llvm::any_of(*known, [](const DimExpr &value) { return value.constant().value_or(0) < 0; }))
    return std::nullopt;
  return known;
}

std::optional<SmallVector<int64_t>> GraphBuilder::constantIntegers(GraphTensor tensor) const {
  std::optional<Integers> known = knownIntegers(tensor);
  if (!known)
    return std::nullopt;
  SmallVector<int64_t> values;
  for (const DimExpr &value : *known) {
    if (!value.isConstant())
      return std::nullopt;
    values.push_back(*value.constant());
  }
  return values;
}

std::optional<SmallVector<double>> GraphBuilder::constantReals(GraphTensor tensor, int64_t limit) const {
  if (!tensor || !tensor->constant || tensor->constant.getNumElements() > limit)
    return std::nullopt;
  SmallVector<double> values;
  if (auto dense = dyn_cast<DenseElementsAttr>(tensor->constant)) {
    if (dense.isSplat()) {
      values.assign(dense.getNumElements(), toReal(tensor.type(), dense.getSplatValue<Attribute>()));
      return values;
    }
    for (Attribute element : dense.getValues<Attribute>())
      values.push_back(toReal(tensor.type(), element));
    return values;
  }
  auto resource = dyn_cast<DenseResourceElementsAttr>(tensor->constant);
  const AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  if (!blob)
    return std::nullopt;
  auto dense = DenseElementsAttr::getFromRawBuffer(
      llvm::cast<ShapedType>(resource.getType()), blob->getData());
  if (tensor.isBool())
    return std::nullopt;
  for (Attribute element : dense.getValues<Attribute>())
    values.push_back(toReal(tensor.type(), element));
  return values;
}

Value GraphBuilder::value(GraphTensor tensor) {
  assert(tensor && "emitting after an error");
  if (tensor->value)
    return tensor->value;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&function.getBody().front());
  if (tensor->constant) {
    int64_t count = tensor->constant.getNumElements();
    bool isDense = isa<DenseElementsAttr>(tensor->constant);
    if (isDense && count <= (tensor.isFloat() ? maxInline : maxKnown))
      return tensor->value = ConstantOp::create(builder, loc, tensorType(tensor.type(), tensor.shape()),
                                                tensor->constant);
    return tensor->value = addWeight(tensor->name, tensorType(tensor.type(), tensor.shape()), tensor->constant);
  }
  assert(tensor->known && "a tensor is a value, a constant or known");
  if (!tensor.type().isInteger(64) && !tensor.type().isInteger(32))
    return tensor->value = value(cast(integers(i64(), *tensor->known, tensor.shape()), tensor.type()));
  SmallVector<GraphTensor> parts;
  for (const DimExpr &element : *tensor->known) {
    if (element.isConstant()) {
      parts.push_back(integers(tensor.type(), {element}, {1}));
      continue;
    }
    auto rank0 = RankedTensorType::get({}, tensor.type());
    Value scalar = FromIndexOp::create(builder, loc, rank0, index(element));
    if (tensor.rank() == 0)
      return tensor->value = scalar;
    parts.push_back(reshape(make(tensor.type(), {}, scalar), {1}));
  }
  GraphTensor joined = parts.size() == 1 ? parts[0] : concat(parts, 0);
  return tensor->value = value(reshape(joined, tensor.shape()));
}
