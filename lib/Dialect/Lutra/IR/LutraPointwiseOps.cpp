//===- LutraPointwiseOps.cpp - one result element from one element of each operand ===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "OpHelpers.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace lutra;

#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraPointwiseOps.cpp.inc"

void LutraDialect::addPointwiseOps() {
  addOperations<
#define GET_OP_LIST
#include "lutra/Dialect/Lutra/IR/LutraPointwiseOps.cpp.inc"
      >();
}

/// Sizes of a broadcast result: the first operand whose dimension is not a static 1 names the size.
static void reifyBroadcast(OpBuilder &builder, Operation *op, ReifiedRankedShapedTypeDims &shapes) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<OpFoldResult> sizes(type.getRank());
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (!type.isDynamicDim(dim)) {
      sizes[dim] = builder.getIndexAttr(type.getDimSize(dim));
      continue;
    }
    for (Value operand : op->getOperands()) {
      auto operandType = cast<RankedTensorType>(operand.getType());
      int64_t operandDim = dim - (type.getRank() - operandType.getRank());
      if (operandDim >= 0 && operandType.isDynamicDim(operandDim)) {
        sizes[dim] = sizeOf(builder, op->getLoc(), operand, operandDim);
        break;
      }
    }
  }
  shapes.push_back(std::move(sizes));
}

LogicalResult BinaryOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  reifyBroadcast(builder, *this, shapes);
  return success();
}

LogicalResult CompareOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  reifyBroadcast(builder, *this, shapes);
  return success();
}

LogicalResult SelectOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  reifyBroadcast(builder, *this, shapes);
  return success();
}

LogicalResult UnaryOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getInput()));
  return success();
}

LogicalResult CastOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getInput()));
  return success();
}

int64_t UnaryOp::getOperations(SizeFn sizeOf) { return elementCount(getResult(), sizeOf); }

int64_t BinaryOp::getOperations(SizeFn sizeOf) { return elementCount(getResult(), sizeOf); }

int64_t CompareOp::getOperations(SizeFn sizeOf) { return elementCount(getResult(), sizeOf); }

int64_t SelectOp::getOperations(SizeFn sizeOf) { return elementCount(getResult(), sizeOf); }

int64_t CastOp::getOperations(SizeFn sizeOf) { return elementCount(getResult(), sizeOf); }

LogicalResult UnaryOp::verify() { return success(); }

LogicalResult BinaryOp::verify() { return success(); }

LogicalResult CompareOp::verify() { return success(); }

LogicalResult SelectOp::verify() { return success(); }

LogicalResult CastOp::verify() { return success(); }
