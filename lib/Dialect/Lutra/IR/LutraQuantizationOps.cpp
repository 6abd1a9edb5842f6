//===- LutraQuantizationOps.cpp - codes and values ===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "OpHelpers.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace lutra;

#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraQuantizationOps.cpp.inc"

void LutraDialect::addQuantizationOps() {
  addOperations<
#define GET_OP_LIST
#include "lutra/Dialect/Lutra/IR/LutraQuantizationOps.cpp.inc"
      >();
}

LogicalResult QuantizeOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getInput()));
  return success();
}

LogicalResult DequantizeOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getInput()));
  return success();
}

LogicalResult DecodeOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getInput()));
  return success();
}

LogicalResult PackOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  shapes.push_back(sizesOf(builder, getLoc(), getInput()));
  return success();
}

int64_t QuantizeOp::getOperations(SizeFn sizeOf) { return elementCount(getResult(), sizeOf); }

int64_t DequantizeOp::getOperations(SizeFn sizeOf) { return elementCount(getResult(), sizeOf); }

int64_t DecodeOp::getOperations(SizeFn sizeOf) { return elementCount(getResult(), sizeOf); }

int64_t PackOp::getOperations(SizeFn sizeOf) { return elementCount(getResult(), sizeOf); }

LogicalResult QuantizeOp::verify() { return success(); }

LogicalResult DequantizeOp::verify() { return success(); }

LogicalResult DecodeOp::verify() { return success(); }

LogicalResult PackOp::verify() { return success(); }
