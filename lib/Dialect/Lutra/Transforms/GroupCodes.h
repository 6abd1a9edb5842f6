//===- GroupCodes.h - codes of groups along the last dimension ----------------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_GROUPCODES_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_GROUPCODES_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "llvm/Support/MathExtras.h"

namespace lutra {

/// Rounds floats to codes of type `code`, `group` neighbours with a scale of f32 and, if asked for, a zero point. The
/// least scale is the least that is no subnormal number.
inline DynamicQuantizeOp roundGroups(mlir::OpBuilder &builder, mlir::Value value, mlir::Type code, int64_t group,
                                     unsigned bits, bool hasZeroPoints) {
  auto type = mlir::cast<mlir::RankedTensorType>(value.getType());
  llvm::SmallVector<int64_t> groups(type.getShape());
  groups.back() = llvm::divideCeil(groups.back(), group);
  mlir::Type zeroPoints = hasZeroPoints ? mlir::RankedTensorType::get(groups, code) : mlir::Type();
  return DynamicQuantizeOp::create(builder, value.getLoc(), type.clone(code),
                                   mlir::RankedTensorType::get(groups, builder.getF32Type()), zeroPoints, value, group,
                                   bits, /*floor=*/llvm::APFloat(0x1p-118f));
}

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_GROUPCODES_H
