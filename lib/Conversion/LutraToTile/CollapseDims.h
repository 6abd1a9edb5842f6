//===- CollapseDims.h - fewer, longer dimensions ---------------------------------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_COLLAPSEDIMS_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_COLLAPSEDIMS_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

namespace lutra {

/// How the dimensions of a kernel's arguments and results were joined. Empty: not at all.
struct CollapsedDims {
  llvm::SmallVector<llvm::SmallVector<mlir::ReassociationIndices>> arguments, results;
};

/// Joins adjacent dimensions that every value of the kernel treats alike, so that a pointwise kernel
/// on [a, b, c] runs along a * b * c elements. Changes the types inside the kernel's body; its
/// function type still states the outer ones. Kernels with movement ops are left alone.
CollapsedDims collapseDims(KernelOp kernel);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_COLLAPSEDIMS_H
