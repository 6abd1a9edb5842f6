//===- ScalarMatch.h - reading chains of pointwise ops as formulae ---------===//
// Raising patterns ask: which scalar does this value hold, which op of which kind made it, and which
// factors does this product have. Nothing here rewrites.
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SCALARMATCH_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SCALARMATCH_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include <optional>

namespace lutra {

/// The value of every element, when `value` is a constant with one.
std::optional<double> scalarOf(mlir::Value value);

/// Whether two numbers agree to a relative 1e-3: constants of activations arrive rounded.
bool isNear(double value, double expected);

/// The op that made `value`, if it is a unary (binary) op of that kind.
UnaryOp definingUnary(mlir::Value value, UnaryKind kind);
BinaryOp definingBinary(mlir::Value value, BinaryKind kind);

/// A product as the scalar and the other factors that it multiplies, in order.
struct Product {
  double scalar = 1.0;
  llvm::SmallVector<mlir::Value> factors;
};

/// Reads `value` through multiplications and divisions by scalars. A value that is no product is its
/// own only factor.
Product factorsOf(mlir::Value value);

/// The other operand of `value = other + scalar` (in either order), if that is how it was made.
mlir::Value addedTo(mlir::Value value, double scalar);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SCALARMATCH_H
