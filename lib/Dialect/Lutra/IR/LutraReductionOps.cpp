//===- LutraReductionOps.cpp - many elements to one, running sums, selection ===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "FoldHelpers.h"
#include "OpHelpers.h"
#include "VerifyHelpers.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace lutra;

#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraReductionOps.cpp.inc"

void LutraDialect::addReductionOps() {
  addOperations<
#define GET_OP_LIST
#include "lutra/Dialect/Lutra/IR/LutraReductionOps.cpp.inc"
      >();
}

/// The input's sizes with `axes` set to 1.
static SmallVector<OpFoldResult> reducedSizes(OpBuilder &builder, Location loc, Value input,
                                              ArrayRef<int64_t> axes) {
  SmallVector<OpFoldResult> sizes = sizesOf(builder, loc, input);
  for (int64_t axis : axes)
    sizes[axis] = builder.getIndexAttr(1);
  return sizes;
}

LogicalResult ReduceOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reducedSizes(builder, getLoc(), getInput(), getAxes()));
  return success();
}

LogicalResult ArgReduceOp::reifyResultShapes(OpBuilder &builder,
                                             ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(reducedSizes(builder, getLoc(), getInput(), {(int64_t)getAxis()}));
  return success();
}

LogicalResult TopKOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes = sizesOf(builder, getLoc(), getInput());
  sizes[getAxis()] = getAsOpFoldResult(getK());
  preferStatic(builder, cast<RankedTensorType>(getValues().getType()), sizes);
  shapes.assign(2, sizes);
  return success();
}

LogicalResult CumulativeOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getInput()));
  return success();
}

/// Integers alone: their result does not depend on the order.
OpFoldResult ReduceOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  if (getAxes().empty() && getInput().getType() == type)
    return getInput();
  DenseElementsAttr input = foldableConstant(adaptor.getInput());
  if (!input || !isFoldableResult(type) || !isa<IntegerType>(type.getElementType()))
    return {};
  auto inputType = cast<RankedTensorType>(input.getType());
  if (inputType.getNumElements() > kFoldLimit || inputType.getNumElements() == 0)
    return {};
  bool isUnsigned = isUnsignedElement(type.getElementType());
  SmallVector<std::optional<llvm::APSInt>> sums(type.getNumElements());
  SmallVector<int64_t> strides = rowMajorStrides(type.getShape());
  auto values = input.getValues<APInt>();
  forEachIndex(inputType.getShape(), [&](int64_t from, ArrayRef<int64_t> index) {
    int64_t at = 0;
    for (auto [dim, i] : llvm::enumerate(index))
      at += type.getDimSize(dim) == 1 ? 0 : i * strides[dim];
    llvm::APSInt value(*(values.begin() + from), isUnsigned);
    std::optional<llvm::APSInt> &sum = sums[at];
    if (!sum)
      sum = value;
    else if (getKind() == ReduceKind::Sum)
      *sum += value;
    else if (getKind() == ReduceKind::Prod)
      *sum *= value;
    else if ((getKind() == ReduceKind::Max) == (value > *sum))
      sum = value;
  });
  return DenseElementsAttr::get(
      type, llvm::map_to_vector(sums, [](const auto &sum) -> APInt { return *sum; }));
}

int64_t ReduceOp::getOperations(SizeFn sizeOf) { return elementCount(getInput(), sizeOf); }

int64_t ArgReduceOp::getOperations(SizeFn sizeOf) { return elementCount(getInput(), sizeOf); }

int64_t CumulativeOp::getOperations(SizeFn sizeOf) { return elementCount(getInput(), sizeOf); }

int64_t TopKOp::getOperations(SizeFn sizeOf) { return elementCount(getInput(), sizeOf); }

/// The input's shape with 1 at `axes`.
static SmallVector<int64_t> reducedShape(Value input, ArrayRef<int64_t> axes) {
  SmallVector<int64_t> shape(shapedOf(input).getShape());
  for (int64_t axis : axes)
    shape[axis] = 1;
  return shape;
}

LogicalResult ReduceOp::verify() {
  int64_t rank = shapedOf(getInput()).getRank(), previous = -1;
  for (int64_t axis : getAxes()) {
    if (axis <= previous || axis >= rank) // E1
      return emitOpError("has axes ") << shapeText(getAxes()) << ", but its input has rank " << rank
                                      << "; name each axis once, in rising order, below the rank";
    previous = axis;
  }
  if (failed(verifyResultShape(*this, getResult(), reducedShape(getInput(), getAxes()), // E2
                               "the input with 1 at each axis")))
    return failure();
  if (failed(verifySameElements(*this, getInput(), "the input", getResult(), "the result"))) // E3
    return failure();
  bool sums = getKind() == ReduceKind::Sum || getKind() == ReduceKind::Prod;
  if (sums && shapedOf(getInput()).getElementType().isInteger(1)) // E4
    return emitOpError("takes the ") << stringifyReduceKind(getKind())
                                     << " of truth values; cast them to an integer first, or use "
                                        "max (any) or min (all)";
  return success();
}

LogicalResult ArgReduceOp::verify() {
  if (getKind() != ReduceKind::Max && getKind() != ReduceKind::Min) // E1
    return emitOpError("has kind ") << stringifyReduceKind(getKind())
                                    << ", but only max and min have a place in the input";
  if (failed(verifyAxis(*this, getAxis(), shapedOf(getInput()).getRank()))) // E2
    return failure();
  return verifyResultShape(*this, getResult(), // E3
                           reducedShape(getInput(), {(int64_t)getAxis()}),
                           "the input with 1 at the axis");
}

LogicalResult CumulativeOp::verify() {
  if (failed(verifyAxis(*this, getAxis(), shapedOf(getInput()).getRank()))) // E1
    return failure();
  if (shapedOf(getInput()).getElementType().isInteger(1)) // E2
    return emitOpError("takes the running ") << stringifyReduceKind(getKind())
                                             << " of truth values; cast them to an integer first";
  return success();
}

LogicalResult TopKOp::verify() {
  ShapedType input = shapedOf(getInput()), values = shapedOf(getValues());
  int64_t axis = getAxis();
  if (failed(verifyAxis(*this, axis, input.getRank()))) // E1
    return failure();
  SmallVector<int64_t> shape(input.getShape());
  shape[axis] = values.getRank() > axis ? values.getDimSize(axis) : ShapedType::kDynamic;
  for (Value result : getResults())
    if (failed(verifyResultShape(*this, result, shape, "the input with k at the axis"))) // E2
      return failure();
  if (failed(verifySameElements(*this, getInput(), "the input", getValues(), "values"))) // E3
    return failure();
  int64_t count = values.getDimSize(axis), extent = input.getDimSize(axis);
  std::optional<int64_t> k = getConstantIntValue(getK());
  if (ShapedType::isStatic(count) && ShapedType::isStatic(extent) && count > extent) // E4
    return emitOpError("selects ") << count << " of " << extent
                                   << " elements; k may be at most the extent of the axis";
  if (k && !sizesAgree(count, *k)) // E4
    return emitOpError("has k = ") << *k << ", but a result size of " << count
                                   << " along the axis; make them equal";
  return success();
}
