//===- SignedProduct.h - products of bytes with a sign -------------------------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SIGNEDPRODUCT_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SIGNEDPRODUCT_H

#include "WeightData.h"

#include "mlir/IR/Builders.h"

namespace lutra {

/// What a left-hand side of integers stands for: codes of 8 bits less a zero point, null for 0.
struct CentredCodes {
  mlir::Value codes; // i8 or ui8
  mlir::Value zero;  // one integer, not below -128 or above 255

  /// Of a tensor of codes, or of their differences in 16 bits; nothing of any other.
  static std::optional<CentredCodes> of(mlir::Value integers);
};

/// A constant of integers, and one of rank 0, which takes the lower bits of the value.
mlir::Value makeIntegers(mlir::OpBuilder &builder, mlir::Location loc, mlir::RankedTensorType type,
                         llvm::ArrayRef<llvm::APInt> values);
mlir::Value makeInteger(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, int64_t value);

/// The product, of the type `type`, of `left` with the matrix [K, N] of i8 `weight` as one of codes with a sign:
///
///   sum of (x - z) w = sum of (x - b) w + (b - z) * sum of w      b: 128 for codes without a sign, else 0
///
/// Null where the weight's bytes cannot be read.
mlir::Value multiplySigned(mlir::OpBuilder &builder, mlir::Location loc, mlir::RankedTensorType type,
                           const CentredCodes &left, mlir::Value weight, WeightStore &store);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SIGNEDPRODUCT_H
