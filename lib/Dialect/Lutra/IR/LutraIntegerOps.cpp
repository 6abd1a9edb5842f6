//===- LutraIntegerOps.cpp - fixed point between codes ===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "OpHelpers.h"
#include "VerifyHelpers.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace lutra;

#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraIntegerOps.cpp.inc"

void LutraDialect::addIntegerOps() {
  addOperations<
#define GET_OP_LIST
#include "lutra/Dialect/Lutra/IR/LutraIntegerOps.cpp.inc"
      >();
}

LogicalResult RequantizeOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getInput()));
  return success();
}

LogicalResult IntegerSoftmaxOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getInput()));
  return success();
}

LogicalResult IntegerNormOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getInput()));
  return success();
}

int64_t RequantizeOp::getOperations(SizeFn sizeOf) { return elementCount(getResult(), sizeOf); }

int64_t IntegerSoftmaxOp::getOperations(SizeFn sizeOf) {
  return saturatingProduct({8, elementCount(getResult(), sizeOf)});
}

int64_t IntegerNormOp::getOperations(SizeFn sizeOf) {
  return saturatingProduct({8, elementCount(getResult(), sizeOf)});
}

LogicalResult RequantizeOp::verify() {
  if (failed(verifyBroadcast(*this, getOperands(), getResult())) ||
      failed(verifyResultShape(*this, getResult(), shapedOf(getInput()).getShape(), "the input"))) // E1
    return failure();
  unsigned bits = shapedOf(getInput()).getElementTypeBitWidth();
  if (bits < 8 || bits > 32 || shapedOf(getResult()).getElementTypeBitWidth() != 8) // E2
    return emitOpError("makes elements ")
           << shapedOf(getResult()).getElementType() << " of " << shapedOf(getInput()).getElementType()
           << "; make integers of 8 bits of ones of 8 to 32";
  if (getShift() < 1 || getShift() > 62) // E3
    return emitOpError("shifts by ") << getShift() << " bits; take 1 to 62";
  return success();
}

static LogicalResult verifyRows(Operation *op, Value input, Value result) {
  if (shapedOf(input).getRank() == 0)
    return op->emitOpError("has an input of rank 0; give it a last dimension");
  return verifyResultShape(op, result, shapedOf(input).getShape(), "the input");
}

LogicalResult IntegerSoftmaxOp::verify() {
  if (failed(verifyRows(*this, getInput(), getResult()))) // E1
    return failure();
  if (getFraction() < 15 || getFraction() > 30) // E2
    return emitOpError("has ") << getFraction() << " bits behind the point; take 15 to 30";
  if (getStep() < 1 || getStep() >= (int64_t(1) << 31) / 255) // E3
    return emitOpError("has a step of ") << getStep() << "; take 1 to 8421503, of which 255 have 31 bits";
  return success();
}

LogicalResult IntegerNormOp::verify() {
  if (failed(verifyRows(*this, getInput(), getResult()))) // E1
    return failure();
  int64_t size = shapedOf(getInput()).getShape().back();
  if (size < 1 || size > 32768) // E2
    return emitOpError("has rows of shape ") << shapeText({size}) << "; give them a known size of 1 to 32768";
  if (getEpsilon() < 0 || getEpsilon() > int64_t(1) << 60) // E3
    return emitOpError("has epsilon = ") << getEpsilon() << "; take 0 to 2^60";
  bool isUnsigned = shapedOf(getInput()).getElementType().isUnsignedInteger();
  int64_t least = isUnsigned ? 0 : -128, zero = static_cast<int64_t>(getZeroPoint());
  if (zero < least || zero > least + 255) // E4
    return emitOpError("has the zero point ") << zero << "; take " << least << " to " << least + 255;
  return success();
}
