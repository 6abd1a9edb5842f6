//===- LutraPointwiseOps.cpp - one result element from one element of each operand ===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "OpHelpers.h"
#include "VerifyHelpers.h"

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

/// Sizes of a broadcast result: a dynamic one is that of an operand that is dynamic there, or else of
/// one that is not 1.
static void reifyBroadcast(OpBuilder &builder, Operation *op, ReifiedRankedShapedTypeDims &shapes) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<OpFoldResult> sizes;
  for (auto [dim, size] : llvm::enumerate(type.getShape())) {
    OpFoldResult found = builder.getIndexAttr(ShapedType::isDynamic(size) ? 1 : size);
    for (Value operand : op->getOperands()) {
      auto operandType = cast<RankedTensorType>(operand.getType());
      int64_t operandDim = (int64_t)dim - (type.getRank() - operandType.getRank());
      if (!ShapedType::isDynamic(size) || operandDim < 0 || operandType.getDimSize(operandDim) == 1)
        continue;
      found = sizeOf(builder, op->getLoc(), operand, operandDim);
      if (isa<Value>(found))
        break;
    }
    sizes.push_back(found);
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

/// What a scalar function can be applied to.
static bool takesElement(UnaryKind kind, Type element) {
  switch (kind) {
  case UnaryKind::Not:
    return element.isInteger(1);
  case UnaryKind::BitwiseNot:
    return isa<IntegerType>(element) && !element.isInteger(1);
  case UnaryKind::Abs:
  case UnaryKind::Neg:
  case UnaryKind::Sign:
  case UnaryKind::Relu:
    return element.isIntOrFloat() && !element.isInteger(1);
  default:
    return isa<FloatType>(element);
  }
}

static bool takesElement(BinaryKind kind, Type element) {
  switch (kind) {
  case BinaryKind::And:
  case BinaryKind::Or:
  case BinaryKind::Xor:
    return isa<IntegerType>(element);
  case BinaryKind::ShiftLeft:
  case BinaryKind::ShiftRight:
    return isa<IntegerType>(element) && !element.isInteger(1);
  case BinaryKind::Max:
  case BinaryKind::Min:
    return element.isIntOrFloat();
  default:
    return element.isIntOrFloat() && !element.isInteger(1);
  }
}

LogicalResult UnaryOp::verify() {
  ShapedType input = shapedOf(getInput()), result = shapedOf(getResult());
  if (failed(verifyResultShape(*this, getResult(), input.getShape(), "the input"))) // E1
    return failure();
  Type element = input.getElementType();
  if (!takesElement(getKind(), element)) // E2
    return emitOpError("applies ") << stringifyUnaryKind(getKind()) << " to elements " << element
                                   << ", for which it is not defined; insert lutra.cast";
  bool test = getKind() == UnaryKind::IsNan || getKind() == UnaryKind::IsInf;
  Type expected = test ? Type(IntegerType::get(getContext(), 1)) : element;
  if (result.getElementType() != expected) // E3
    return emitOpError("yields elements ")
           << result.getElementType() << ", but " << stringifyUnaryKind(getKind()) << " of "
           << element << " yields " << expected << "; change the result type";
  return success();
}

LogicalResult BinaryOp::verify() {
  if (failed(verifyBroadcast(*this, getOperands(), getResult()))) // E1
    return failure();
  if (failed(verifySameElements(*this, getLhs(), "lhs", getRhs(), "rhs")) || // E2
      failed(verifySameElements(*this, getLhs(), "lhs", getResult(), "the result")))
    return failure();
  Type element = shapedOf(getLhs()).getElementType();
  if (!takesElement(getKind(), element)) // E3
    return emitOpError("applies ") << stringifyBinaryKind(getKind()) << " to elements " << element
                                   << ", for which it is not defined; insert lutra.cast";
  return success();
}

LogicalResult CompareOp::verify() {
  if (failed(verifyBroadcast(*this, getOperands(), getResult()))) // E1
    return failure();
  if (failed(verifySameElements(*this, getLhs(), "lhs", getRhs(), "rhs"))) // E2
    return failure();
  bool order = getKind() != CompareKind::Equal && getKind() != CompareKind::NotEqual;
  if (order && shapedOf(getLhs()).getElementType().isInteger(1)) // E3
    return emitOpError("compares truth values by ")
           << stringifyCompareKind(getKind()) << ", but they have no order; cast them to i8 first";
  return success();
}

LogicalResult SelectOp::verify() {
  if (failed(verifyBroadcast(*this, getOperands(), getResult()))) // E1
    return failure();
  if (failed(verifySameElements(*this, getLhs(), "lhs", getRhs(), "rhs"))) // E2
    return failure();
  return verifySameElements(*this, getLhs(), "lhs", getResult(), "the result"); // E2
}

LogicalResult CastOp::verify() {
  ShapedType input = shapedOf(getInput()), result = shapedOf(getResult());
  if (failed(verifyResultShape(*this, getResult(), input.getShape(), "the input"))) // E1
    return failure();
  for (Type element : {input.getElementType(), result.getElementType()})
    if (!element.isIntOrFloat()) // E2
      return emitOpError("converts ") << input.getElementType() << " to "
                                      << result.getElementType() << ", but " << element
                                      << " is neither integer nor float";
  return success();
}
