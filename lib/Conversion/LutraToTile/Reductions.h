//===- Reductions.h - folding a tensor's values along dimensions -----------------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_REDUCTIONS_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_REDUCTIONS_H

#include "KernelEmitter.h"

namespace lutra {

/// One running sum (product, maximum, minimum) of a function of a tensor's elements, in the compute type.
struct Reduction {
  KernelEmitter &emitter;
  ReduceKind kind;
  mlir::Type element; // of the tensor, as in the graph

  /// What is folded for one element: given the elements' tile, yields the tile to combine. Null: itself.
  using Transform = llvm::function_ref<mlir::FailureOr<mlir::Value>(mlir::Value tile, const TileWindow &)>;

  /// Folds `tensor` over `axes` (which include the last dimension) at `indices`; an element tile (rank 0).
  mlir::FailureOr<mlir::Value> alongRow(mlir::Value tensor, llvm::ArrayRef<mlir::Value> indices,
                                        llvm::ArrayRef<int64_t> axes, llvm::ArrayRef<mlir::Value> sizes,
                                        int64_t width, Transform transform = nullptr);
  /// Folds `tensor` over `axes` for a tile that lies along another dimension; a tile of the window's shape.
  mlir::FailureOr<mlir::Value> acrossRows(mlir::Value tensor, const TileWindow &window,
                                          llvm::ArrayRef<int64_t> axes, llvm::ArrayRef<mlir::Value> sizes,
                                          Transform transform = nullptr);
  mlir::Value combine(mlir::Value a, mlir::Value b);
  /// From the compute type to the type of the tensor's tiles.
  mlir::Value finish(mlir::Value tile);
  /// To the compute type.
  mlir::Value widen(mlir::Value tile);
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_REDUCTIONS_H
