//===- LutraReductionOps.cpp - many elements to one, running sums, selection ===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "OpHelpers.h"

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

int64_t ReduceOp::getOperations(SizeFn sizeOf) { return elementCount(getInput(), sizeOf); }

int64_t ArgReduceOp::getOperations(SizeFn sizeOf) { return elementCount(getInput(), sizeOf); }

int64_t CumulativeOp::getOperations(SizeFn sizeOf) { return elementCount(getInput(), sizeOf); }

int64_t TopKOp::getOperations(SizeFn sizeOf) { return elementCount(getInput(), sizeOf); }

LogicalResult ReduceOp::verify() { return success(); }

LogicalResult ArgReduceOp::verify() { return success(); }

LogicalResult CumulativeOp::verify() { return success(); }

LogicalResult TopKOp::verify() { return success(); }
