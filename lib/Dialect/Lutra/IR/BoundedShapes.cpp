//===- BoundedShapes.cpp - the sizes that a lutra op may have --------------===//
#include "lutra/Dialect/Lutra/IR/BoundedShapes.h"

#include "mlir/IR/BuiltinTypes.h"

#include "llvm/Support/MathExtras.h"

#include <limits>

using namespace mlir;

static bool isBounded(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  if (!shaped || !shaped.hasRank())
    return true;
  int64_t count = 1;
  return llvm::all_of(shaped.getShape(), [&](int64_t size) {
    return size == 0 || ShapedType::isDynamic(size) ||
           (!llvm::MulOverflow(count, size, count) && count <= lutra::maxStaticElements);
  });
}

static LogicalResult verifyTypes(Operation *op, StringRef role, TypeRange types) {
  for (auto [index, type] : llvm::enumerate(types))
    if (!isBounded(type))
      return op->emitOpError() << role << " #" << index << " is a " << type
                               << ", but known sizes may multiply to 2^48 at most";
  return success();
}

LogicalResult lutra::verifyBoundedShapes(Operation *op) {
  return failure(failed(verifyTypes(op, "operand", op->getOperandTypes())) ||
                 failed(verifyTypes(op, "result", op->getResultTypes())));
}

int64_t lutra::saturatingProduct(ArrayRef<int64_t> sizes) {
  int64_t product = 1;
  for (int64_t size : sizes)
    if (llvm::MulOverflow(product, size, product))
      return llvm::is_contained(sizes, 0) ? 0 : std::numeric_limits<int64_t>::max();
  return product;
}
