//===- KnownScale.h - scales of quantizations that are constants ------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_KNOWNSCALE_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_KNOWNSCALE_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/IR/Builders.h"

#include <optional>

namespace lutra {

/// Scale and zero point of a quantization that are known: a divisor, what is nearest to its inverse, and the codes'
/// range less the zero point.
struct KnownScale {
  float divisor, inverse;
  int64_t zero, low, high;

  /// The scale of an f32 quantization to integers of at most 16 bits, where the steps of `divide` are as exact as a
  /// division.
  static std::optional<KnownScale> of(QuantizeOp op);
  /// The quotient of x, rounded to an integer of the range as a float.
  mlir::Value round(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x) const;
  /// The same of a quotient that is at least 0, or NaN.
  mlir::Value roundQuotient(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value quotient, bool mayBeNan) const;
  /// The code of such an integer.
  mlir::Value makeCode(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value rounded, mlir::Type code) const;

private:
  mlir::Value divide(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x) const;
};

/// The constant of one repeated element that `value` is, or null.
mlir::DenseElementsAttr findSplat(mlir::Value value);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_KNOWNSCALE_H
