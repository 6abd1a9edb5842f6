//===- CentredCodes.h - codes less a zero point ------------------------------===//
#ifndef LUTRA_ANALYSIS_CENTREDCODES_H
#define LUTRA_ANALYSIS_CENTREDCODES_H

#include "mlir/IR/Operation.h"

#include <optional>

namespace lutra {

class MatmulOp;

/// What an operand of a product of integers stands for: codes of 8 bits less a zero point, null for 0.
struct CentredCodes {
  mlir::Value codes; // i8 or ui8
  mlir::Value zero;  // one integer, not below -128 or above 255

  /// Of a tensor of codes, or of their differences in 16 bits; nothing of any other.
  static std::optional<CentredCodes> of(mlir::Value integers);
  /// The zero point where a constant says it.
  std::optional<int64_t> getKnownZero() const;
};

/// The product of two computed operands of codes, less zero points, on the way to one of which alone `op` is a step
/// from codes to differences; null: there is none.
MatmulOp findCentredProduct(mlir::Operation *op);

/// The computed codes of i8 that a cast makes the right-hand side of this product of f32 alone: its kernel reads codes.
/// Null: there are none.
mlir::Value findCodesOfFloats(MatmulOp op);

} // namespace lutra

#endif // LUTRA_ANALYSIS_CENTREDCODES_H
