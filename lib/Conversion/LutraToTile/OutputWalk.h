//===- OutputWalk.h - results computed window by window -----------------------------===//
// Shared by the kinds whose result elements are independent of each other but costly: pooling,
// convolutions, resize, selection along an axis.
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_OUTPUTWALK_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_OUTPUTWALK_H

#include "KernelEmitter.h"

namespace lutra {

/// Walks a result space; an item is a run of windows that cost about a grain.
struct OutputWalk {
  KernelEmitter &emitter;
  llvm::SmallVector<mlir::Value> sizes; // 1 for a dimension that the body walks itself
  bool tiled;                           // windows are tiles of the last dimension, else elements
  mlir::Value work;                     // operations of one element

  mlir::Value items();
  mlir::LogicalResult run(bool elementwise,
                          llvm::function_ref<mlir::LogicalResult(const TileWindow &)> body);

private:
  llvm::SmallVector<mlir::Value> units();
  mlir::Value perItem();
};

/// Positions of a sliding window along one dimension that fall on existing elements: `start` + k * dilation for
/// k in [low, high).
struct WindowRange {
  mlir::Value start, low, high;
};
WindowRange clipWindow(KernelEmitter &emitter, mlir::Value output, mlir::Value size, int64_t window,
                       int64_t stride, int64_t padding, int64_t dilation);

/// Nested folds over ranges of indices.
mlir::FailureOr<KernelEmitter::Carried> foldNest(
    KernelEmitter &emitter, llvm::ArrayRef<std::pair<mlir::Value, mlir::Value>> ranges, mlir::ValueRange init,
    llvm::function_ref<mlir::FailureOr<KernelEmitter::Carried>(llvm::ArrayRef<mlir::Value>, mlir::ValueRange)> body);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_OUTPUTWALK_H
