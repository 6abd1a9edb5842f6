//===- Distribution.h - which thread holds which element of a tile ---------===//
// Every tile value of a kernel gets one bit-linear layout before code is emitted. Anchors are the
// accumulators of products, whose layout the tensor core dictates. Values of one shape that meet
// in a tile_map or a loop share a layout; smaller tiles that are broadcast against a larger one, and results of
// reductions, take its projection, so that a bias or a row's maximum is already where it is needed. What is left
// is spread in contiguous runs of 16 bytes. Where two layouts still differ the emitter converts
// through shared memory.
#ifndef LUTRA_LIB_CONVERSION_TILETONVVM_DISTRIBUTION_H
#define LUTRA_LIB_CONVERSION_TILETONVVM_DISTRIBUTION_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Machine/NVGPUTarget.h"
#include "lutra/Support/LinearLayout.h"

#include "mlir/Interfaces/FunctionInterfaces.h"

#include "llvm/ADT/DenseMap.h"

namespace lutra {

/// log2 of the warps of a block.
inline constexpr unsigned blockWarpBits = 2;

/// The shape that a layout covers: each size rounded up to a power of two.
llvm::SmallVector<int64_t, 2> getPaddedShape(TileType type);

/// Layout of a product's accumulator, or nothing when no instruction covers the shape.
std::optional<LinearLayout> getAccumulatorLayout(TileType type, const NVGPUArch &arch);

/// The layout of every tile value of a kernel.
class Distribution {
public:
  Distribution(mlir::FunctionOpInterface kernel, const NVGPUArch &arch);

  const LinearLayout &get(mlir::Value tile) const;

private:
  llvm::DenseMap<mlir::Value, LinearLayout> layouts;
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_TILETONVVM_DISTRIBUTION_H
