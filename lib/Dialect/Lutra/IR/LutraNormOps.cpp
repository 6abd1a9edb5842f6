//===- LutraNormOps.cpp - normalisations along one axis ===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "OpHelpers.h"
#include "VerifyHelpers.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace lutra;

#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraNormOps.cpp.inc"

void LutraDialect::addNormOps() {
  addOperations<
#define GET_OP_LIST
#include "lutra/Dialect/Lutra/IR/LutraNormOps.cpp.inc"
      >();
}

LogicalResult SoftmaxOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getInput()));
  return success();
}

LogicalResult LayerNormOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getInput()));
  return success();
}

LogicalResult RmsNormOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getInput()));
  return success();
}

int64_t SoftmaxOp::getOperations(SizeFn sizeOf) { return saturatingProduct({8, elementCount(getResult(), sizeOf)}); }

int64_t LayerNormOp::getOperations(SizeFn sizeOf) { return saturatingProduct({8, elementCount(getResult(), sizeOf)}); }

int64_t RmsNormOp::getOperations(SizeFn sizeOf) { return saturatingProduct({8, elementCount(getResult(), sizeOf)}); }

/// E1 to E4 of the two ops that normalise the last `dims` dimensions.
static LogicalResult verifyLastDims(Operation *op, Value input, ValueRange affine, Value result,
                                    int64_t dims, const APFloat &epsilon) {
  ShapedType type = shapedOf(input);
  if (dims < 1 || dims > type.getRank()) // E1
    return op->emitOpError("normalises the last ")
           << dims << " dimensions of an input of rank " << type.getRank()
           << "; dims must be between 1 and the rank";
  ArrayRef<int64_t> row = type.getShape().take_back(dims);
  for (Value factor : affine)
    if (!shapesAgree(shapedOf(factor).getShape(), row)) // E2
      return op->emitOpError("has a scale or bias of shape ")
             << shapeText(shapedOf(factor).getShape()) << ", but normalises rows of shape "
             << shapeText(row) << "; give it the shape of a row";
  ShapedType resultType = shapedOf(result);
  if (!shapesAgree(resultType.getShape(), type.getShape()) ||
      resultType.getElementType() != type.getElementType()) // E3
    return op->emitOpError("has a result of type ")
           << resultType << ", but an input of type " << type << "; make them equal";
  if (!epsilon.isFinite() || epsilon.isNegative()) // E4
    return op->emitOpError("has epsilon = ")
           << epsilon.convertToDouble() << ", but it must be finite and not negative";
  return success();
}

LogicalResult SoftmaxOp::verify() {
  return verifyAxis(*this, getAxis(), shapedOf(getInput()).getRank()); // E1
}

LogicalResult LayerNormOp::verify() {
  SmallVector<Value> affine;
  for (Value factor : {getScale(), getBias()})
    if (factor)
      affine.push_back(factor);
  return verifyLastDims(*this, getInput(), affine, getResult(), getDims(), getEpsilon()); // E1-E4
}

LogicalResult RmsNormOp::verify() {
  SmallVector<Value> affine;
  if (getScale())
    affine.push_back(getScale());
  return verifyLastDims(*this, getInput(), affine, getResult(), getDims(), getEpsilon()); // E1-E4
}
