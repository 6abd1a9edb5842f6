//===- BoundedShapes.h - the sizes that a lutra op may have ----------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_BOUNDEDSHAPES_H
#define LUTRA_DIALECT_LUTRA_IR_BOUNDEDSHAPES_H

#include "mlir/IR/OpDefinition.h"

namespace lutra {

/// The greatest product of the sizes of a value that are neither unknown nor 0. No machine holds more, and the bytes,
/// bits and operations of one value stay far below 2^63.
constexpr int64_t maxStaticElements = int64_t(1) << 48;

/// Fails with a limit error at an operand or a result of more than `maxStaticElements`.
mlir::LogicalResult verifyBoundedShapes(mlir::Operation *op);

/// Product of sizes that are not negative, at most 2^63 - 1.
int64_t saturatingProduct(llvm::ArrayRef<int64_t> sizes);

/// The trait of every lutra op that makes its verifier call verifyBoundedShapes.
template <typename ConcreteOp> class BoundedShapes : public mlir::OpTrait::TraitBase<ConcreteOp, BoundedShapes> {
public:
  static mlir::LogicalResult verifyTrait(mlir::Operation *op) { return verifyBoundedShapes(op); }
};

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_IR_BOUNDEDSHAPES_H
