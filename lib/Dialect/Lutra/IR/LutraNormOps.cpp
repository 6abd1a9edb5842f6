//===- LutraNormOps.cpp - normalisations along one axis ===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "OpHelpers.h"

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

int64_t SoftmaxOp::getOperations(SizeFn sizeOf) { return 8 * elementCount(getResult(), sizeOf); }

int64_t LayerNormOp::getOperations(SizeFn sizeOf) { return 8 * elementCount(getResult(), sizeOf); }

int64_t RmsNormOp::getOperations(SizeFn sizeOf) { return 8 * elementCount(getResult(), sizeOf); }

LogicalResult SoftmaxOp::verify() { return success(); }

LogicalResult LayerNormOp::verify() { return success(); }

LogicalResult RmsNormOp::verify() { return success(); }
