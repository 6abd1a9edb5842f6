//===- FoldHelpers.h - constants small enough to be computed at compile time ===//
// Folders work on dense attributes whose result has at most kFoldLimit elements, so that a module never
// grows by folding, or on splats, whose result is one element again.
#ifndef LUTRA_LIB_DIALECT_LUTRA_IR_FOLDHELPERS_H
#define LUTRA_LIB_DIALECT_LUTRA_IR_FOLDHELPERS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/APSInt.h"

namespace lutra {

constexpr int64_t kFoldLimit = 4096;

/// The attribute as dense integers or floats without an encoding, or null.
mlir::DenseElementsAttr foldableConstant(mlir::Attribute attr);

/// Whether a constant of `type` may be made: static, plain, and small or a splat.
bool isFoldableResult(mlir::Type type, bool splat = false);

/// Row-major strides of a static shape.
llvm::SmallVector<int64_t> rowMajorStrides(llvm::ArrayRef<int64_t> shape);

/// Calls `visit(position, index)` for every index of a static shape, in row-major order.
void forEachIndex(llvm::ArrayRef<int64_t> shape,
                  llvm::function_ref<void(int64_t, llvm::ArrayRef<int64_t>)> visit);

/// For each element of `result`, the position of its source in an operand of shape `operand` that
/// broadcasts to it.
llvm::SmallVector<int64_t> broadcastPositions(llvm::ArrayRef<int64_t> operand,
                                              llvm::ArrayRef<int64_t> result);

/// The constant of `type` whose element i is element positions[i] of `source`.
mlir::Attribute selectElements(mlir::DenseElementsAttr source, mlir::RankedTensorType type,
                               llvm::ArrayRef<int64_t> positions);

/// An integer element as signed or unsigned by its type; i1 is unsigned.
inline bool isUnsignedElement(mlir::Type element) {
  return element.isUnsignedInteger() || element.isInteger(1);
}

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_IR_FOLDHELPERS_H
