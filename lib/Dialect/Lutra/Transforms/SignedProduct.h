//===- SignedProduct.h - products of bytes with a sign -------------------------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SIGNEDPRODUCT_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SIGNEDPRODUCT_H

#include "WeightData.h"

#include "lutra/Analysis/CentredCodes.h"

#include "mlir/IR/Builders.h"

namespace lutra {

/// A constant of integers, and one of rank 0, which takes the lower bits of the value.
mlir::Value makeIntegers(mlir::OpBuilder &builder, mlir::Location loc, mlir::RankedTensorType type,
                         llvm::ArrayRef<llvm::APInt> values);
mlir::Value makeInteger(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, int64_t value);

/// 8-bit codes with a sign, 128 less where they had none.
mlir::Value makeSigned(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value codes);

/// The product, of the type `type`, of `left` with the matrix [K, N] of i8 `weight` as one of codes with a sign:
///
///   sum of (x - z) w = sum of (x - b) w + (b - z) * sum of w      b: 128 for codes without a sign, else 0
///
/// Null where the weight's bytes cannot be read.
mlir::Value multiplySigned(mlir::OpBuilder &builder, mlir::Location loc, mlir::RankedTensorType type,
                           const CentredCodes &left, mlir::Value weight, WeightStore &store);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SIGNEDPRODUCT_H
