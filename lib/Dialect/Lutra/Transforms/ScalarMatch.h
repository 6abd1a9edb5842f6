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

/// Whether `value` is `expected` but for `roundings` unit roundoffs of the element type: models store the
/// constants of formulae rounded to it. Integers have none.
///
/// The caller says how many roundings its constant may be off, from what an error of it does to the result: an
/// accepted constant may use up a quarter of the bound of the raised op (docs/design/bounds.md) and no more.
bool isRounding(double value, double expected, mlir::Type element, unsigned roundings);

/// The op that made `value`, if it is a unary (binary) op of that kind.
UnaryOp definingUnary(mlir::Value value, UnaryKind kind);
BinaryOp definingBinary(mlir::Value value, BinaryKind kind);

/// A product as the scalar, of how many constants that is made, and the other factors, in order.
struct Product {
  double scalar = 1.0;
  unsigned constants = 0;
  llvm::SmallVector<mlir::Value> factors;
};

/// Reads `value` through multiplications and divisions by scalars. A value that is no product is its
/// own only factor.
Product factorsOf(mlir::Value value);

/// The other operand of `value = other + scalar` (in either order, the very number), if that is how it was made.
mlir::Value addedTo(mlir::Value value, double scalar);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SCALARMATCH_H
