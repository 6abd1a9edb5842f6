//===- VerifyHelpers.cpp - checks that the verifiers of all families share --===//
#include "VerifyHelpers.h"

#include "lutra/Dialect/Lutra/IR/ProductTypes.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace lutra {

std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream out(text);
  out << '[';
  llvm::interleaveComma(shape, out, [&](int64_t size) {
    if (ShapedType::isDynamic(size))
      out << '?';
    else
      out << size;
  });
  out << ']';
  return text;
}

bool shapesAgree(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  return a.size() == b.size() &&
         llvm::all_of(llvm::zip_equal(a, b), [](auto pair) { return std::apply(sizesAgree, pair); });
}

LogicalResult verifyAxis(Operation *op, int64_t axis, int64_t rank, StringRef name) {
  if (axis >= 0 && axis < rank)
    return success();
  return op->emitOpError("has ") << name << " = " << axis << ", but its input has rank " << rank
                                 << "; an axis counts from 0 and is below the rank";
}

LogicalResult verifySizeCount(Operation *op, ShapedType type, size_t count) {
  if ((int64_t)count == (int64_t)type.getNumDynamicDims())
    return success();
  return op->emitOpError("gives ") << count << " sizes, but its result " << type << " has "
                                   << type.getNumDynamicDims()
                                   << " dynamic dimensions; give one index value for each of them";
}

LogicalResult verifyResultShape(Operation *op, Value result, ArrayRef<int64_t> expected,
                                StringRef reason) {
  ArrayRef<int64_t> shape = shapedOf(result).getShape();
  if (shapesAgree(shape, expected))
    return success();
  return op->emitOpError("has a result of shape ")
         << shapeText(shape) << ", but " << reason << " makes it " << shapeText(expected)
         << "; change the result type or the operands";
}

LogicalResult verifySameElements(Operation *op, Value a, StringRef aName, Value b,
                                 StringRef bName) {
  Type aElement = shapedOf(a).getElementType(), bElement = shapedOf(b).getElementType();
  if (aElement == bElement)
    return success();
  return op->emitOpError("has elements ")
         << aElement << " in " << aName << " but " << bElement << " in " << bName
         << "; insert lutra.cast";
}

LogicalResult verifyBroadcast(Operation *op, OperandRange operands, Value result) {
  ShapedType type = shapedOf(result);
  int64_t rank = type.getRank();
  SmallVector<int64_t> reached(rank, 1);
  for (auto [number, operand] : llvm::enumerate(operands)) {
    ShapedType operandType = shapedOf(operand);
    int64_t lead = rank - operandType.getRank();
    if (lead < 0)
      return op->emitOpError("has operand ")
             << number << " of rank " << operandType.getRank() << ", but a result of rank " << rank
             << "; reshape the operand or raise the rank of the result";
    for (auto [dim, size] : llvm::enumerate(operandType.getShape())) {
      if (size == 1)
        continue;
      int64_t &have = reached[lead + dim];
      if (!sizesAgree(size, type.getDimSize(lead + dim)))
        return op->emitOpError("has operand ")
               << number << " of shape " << shapeText(operandType.getShape())
               << ", which does not broadcast to the result's " << shapeText(type.getShape())
               << "; sizes must be equal or 1, counted from the last dimension";
      if (have == 1 || ShapedType::isDynamic(have))
        have = size;
    }
  }
  if (shapesAgree(reached, type.getShape()))
    return success();
  return op->emitOpError("has operands that broadcast to ")
         << shapeText(reached) << ", but a result of shape " << shapeText(type.getShape())
         << "; repeat an operand with lutra.expand first";
}

LogicalResult verifyProductElements(Operation *op, Type lhs, Type rhs, Type result) {
  bool fits = false;
  if (isa<FloatType>(lhs))
    fits = lhs == rhs && isa<FloatType>(result) &&
           result.getIntOrFloatBitWidth() >= lhs.getIntOrFloatBitWidth();
  else if (isNarrowInteger(lhs) && isNarrowInteger(rhs) && result.isSignlessInteger(32))
    fits = true;
  else
    fits = lhs == rhs && lhs == result && lhs.isIntOrFloat() && lhs.getIntOrFloatBitWidth() > 8;
  if (fits)
    return success();
  return op->emitOpError("multiplies elements ")
         << lhs << " and " << rhs << " into " << result
         << ", but floats need one type, integers of 8 or 16 bits give i32, and wider integers keep "
            "their type; insert lutra.cast";
}

} // namespace lutra
