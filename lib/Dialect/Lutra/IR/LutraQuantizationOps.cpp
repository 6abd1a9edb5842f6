//===- LutraQuantizationOps.cpp - codes and values ===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "OpHelpers.h"
#include "VerifyHelpers.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

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

LogicalResult DynamicQuantizeOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> sizes = sizesOf(builder, getLoc(), getInput());
  shapes.push_back(sizes);
  sizes.back() = builder.getIndexAttr(shapedOf(getScale()).getShape().back());
  shapes.append(getNumResults() - 1, sizes);
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

int64_t DynamicQuantizeOp::getOperations(SizeFn sizeOf) { return 2 * elementCount(getCodes(), sizeOf); }

int64_t DecodeOp::getOperations(SizeFn sizeOf) { return elementCount(getResult(), sizeOf); }

int64_t PackOp::getOperations(SizeFn sizeOf) { return elementCount(getResult(), sizeOf); }

/// E1 to E3 of quantize and dequantize: shapes of result, scale and zero point.
static LogicalResult verifyScales(Operation *op, Value input, Value scale, Value zeroPoint,
                                  Value result, Value codes, int64_t axis, int64_t block) {
  ShapedType type = shapedOf(input);
  if (failed(verifyResultShape(op, result, type.getShape(), "the input"))) // E1
    return failure();
  ArrayRef<int64_t> shape = shapedOf(scale).getShape();
  int64_t rank = type.getRank();
  bool fits = shape.empty();
  SmallVector<int64_t> expected;
  if (!fits && axis >= 0 && axis < rank && block >= 0) {
    expected.assign(1, type.getDimSize(axis));
    if (block > 0) {
      expected = llvm::to_vector(type.getShape());
      if (type.isDynamicDim(axis) == false)
        expected[axis] = llvm::divideCeil(type.getDimSize(axis), block);
    }
    fits = shapesAgree(shape, expected);
  }
  if (!fits) { // E2
    InFlightDiagnostic diag = op->emitOpError("has scales of shape ")
                              << shapeText(shape) << " for an input of shape "
                              << shapeText(type.getShape()) << " with axis = " << axis
                              << " and block = " << block << "; use a scalar";
    if (!expected.empty())
      diag << " or shape " << shapeText(expected);
    else
      diag << ", an axis below the rank and a block of 0 or more";
    return diag;
  }
  if (!zeroPoint)
    return success();
  Type codeElement = shapedOf(codes).getElementType();
  if (!shapesAgree(shapedOf(zeroPoint).getShape(), shape) ||
      shapedOf(zeroPoint).getElementType() != codeElement) // E3
    return op->emitOpError("has zero points of type ")
           << zeroPoint.getType() << ", but scales of shape " << shapeText(shape) << " and codes of "
           << codeElement << "; give them the shape of the scales and the type of the codes";
  return success();
}

/// E4 of quantize and dequantize: codes are integers of at most `bits` bits or floats of at most 8.
static LogicalResult verifyCodeElement(Operation *op, Value codes, unsigned bits) {
  Type element = shapedOf(codes).getElementType();
  unsigned limit = isa<FloatType>(element) ? 8 : bits;
  if (element.isIntOrFloat() && !element.isInteger(1) && element.getIntOrFloatBitWidth() <= limit)
    return success();
  return op->emitOpError("has codes of type ")
         << element << ", but codes are integers of at most " << bits
         << " bits or floats of at most 8; change the type of the codes";
}

LogicalResult QuantizeOp::verify() {
  if (failed(verifyScales(*this, getInput(), getScale(), getZeroPoint(), getResult(), getResult(),
                          getAxis(), getBlock()))) // E1, E2, E3
    return failure();
  return verifyCodeElement(*this, getResult(), 16); // E4
}

LogicalResult DequantizeOp::verify() {
  if (failed(verifyScales(*this, getInput(), getScale(), getZeroPoint(), getResult(), getInput(),
                          getAxis(), getBlock()))) // E1, E2, E3
    return failure();
  return verifyCodeElement(*this, getInput(), 32); // E4
}

LogicalResult DynamicQuantizeOp::verify() {
  ShapedType type = shapedOf(getInput());
  if (type.getRank() == 0 || type.isDynamicDim(type.getRank() - 1) || getBlock() < 1) // E1
    return emitOpError("takes groups of ") << getBlock() << " along the last dimension of shape "
                                           << shapeText(type.getShape())
                                           << "; give it a static last dimension and a block of 1 or more";
  if (getBits() < (hasFloatCodes() ? 8 : 2) || getBits() > 8) // E2
    return emitOpError("rounds to ") << getBits() << " bits; take 2 to 8, and 8 for codes of fp8";
  if (!(getFloor().convertToFloat() >= 0x1p-118f)) // E3
    return emitOpError("has a floor of ") << getFloor().convertToFloat()
                                          << ", below which a scale may be subnormal; take 3.1e-36 or more";
  SmallVector<int64_t> groups(type.getShape());
  groups.back() = llvm::divideCeil(groups.back(), getBlock());
  if (failed(verifyResultShape(*this, getCodes(), type.getShape(), "the input"))) // E4
    return failure();
  for (Value result : getResults().drop_front())
    if (failed(verifyResultShape(*this, result, groups, "the input in groups"))) // E4
      return failure();
  if (type.getElementTypeBitWidth() > 32) // E5
    return emitOpError("takes elements of type ") << type.getElementType() << ", but rounds in f32; cast them first";
  if (hasFloatCodes() && getZeroPoint()) // E6
    return emitOpError("has zero points beside codes of type ") << getCodeElement() << "; leave them out";
  return success();
}

LogicalResult DecodeOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (!input.getEncoding()) // E1
    return emitOpError("decodes ") << input
                                   << ", which is not encoded; use the value itself";
  if (result.getEncoding() || result.getElementType() != input.getElementType() ||
      !shapesAgree(result.getShape(), input.getShape())) // E2
    return emitOpError("decodes ") << input << " to " << result
                                   << "; the result must be the input's type without its encoding";
  return success();
}

LogicalResult PackOp::verify() {
  auto input = cast<RankedTensorType>(getInput().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (result.getElementType() != input.getElementType() ||
      !shapesAgree(result.getShape(), input.getShape())) // E1
    return emitOpError("packs ") << input << " as " << result
                                 << "; only the packing may change, not shape or elements";
  if (encodingOf(input) != encodingOf(result)) // E2
    return emitOpError("packs ") << input << " as " << result
                                 << "; a packing keeps the meaning, so the encodings must be equal";
  if (!packingOf(input) && !packingOf(result)) // E3
    return emitOpError("packs ") << input << " as " << result
                                 << ", neither of which has a packing; add #lutra.packing to one";
  return success();
}

OpFoldResult PackOp::fold(FoldAdaptor) {
  return getInput().getType() == getType() ? getInput() : Value();
}
