//===- TileMatmul.h - patterns that lower products of tiles to CPU vectors --===//
#ifndef LUTRA_LIB_CONVERSION_TILETOVECTOR_TILEMATMUL_H
#define LUTRA_LIB_CONVERSION_TILETOVECTOR_TILEMATMUL_H

#include "lutra/Machine/NeonTarget.h"

#include "llvm/ADT/DenseSet.h"

namespace mlir {
class Operation;
class RewritePatternSet;
class TypeConverter;
} // namespace mlir

namespace lutra {

/// Adds the conversion of tile_matmul. `converter` turns a tile of rank 2 into one vector for each
/// row (a scalar when there is one column); `vectorBits` is the width of the registers that the accumulators occupy.
void populateTileMatmulPatterns(const mlir::TypeConverter &converter, unsigned vectorBits,
                                mlir::RewritePatternSet &patterns);

/// Adds the conversion of tile_matmul of pairs of bf16 to tiles of AMX.
void populateTileBfloatMatmulPatterns(const mlir::TypeConverter &converter, mlir::RewritePatternSet &patterns);

/// Instructions of tile_coded_matmul: with `hasByteDot` sums of four products in vectors of `vectorBits`, with
/// `hasByteTiles` also of tiles of 16 rows, else of two products in 256 bits. With `hasByteShuffle` one finds entries
/// of tables of 64. With `neon` those of aarch64.
struct CodedLowering {
  unsigned vectorBits;
  bool hasByteDot, hasByteTiles, hasByteShuffle;
  std::optional<NeonBytes> neon;
  /// Functions with tiles of more than one number of steps of K, whose registers do not hold blocks of them.
  const llvm::DenseSet<mlir::Operation *> &mixedDepths;
};

/// Whether products of bytes in a function take tiles of more than one number of steps of K.
bool hasMixedDepths(mlir::Operation *function);

/// Adds the conversion of tile_coded_matmul.
void populateTileCodedMatmulPatterns(const mlir::TypeConverter &converter, CodedLowering lowering,
                                     mlir::RewritePatternSet &patterns);

/// Adds the conversion of tile_bit_planes and tile_bitserial_matmul.
void populateTileBitserialMatmulPatterns(const mlir::TypeConverter &converter, CodedLowering lowering,
                                         mlir::RewritePatternSet &patterns);

/// Adds the conversion of tile_shift_matmul for a target that shifts.
void populateTileShiftMatmulPatterns(const mlir::TypeConverter &converter, const TileTarget &target,
                                     mlir::RewritePatternSet &patterns);

/// Adds the conversion of tile_subset_sums and tile_lookup_matmul of one lane to aarch64, of two to AVX2, of four to
/// VBMI and VNNI.
void populateTileLookupMatmulPatterns(const mlir::TypeConverter &converter, int64_t lanes,
                                      mlir::RewritePatternSet &patterns);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_TILETOVECTOR_TILEMATMUL_H
