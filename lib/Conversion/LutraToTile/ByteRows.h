//===- ByteRows.h - left-hand rows as factors of bytes -------------------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_BYTEROWS_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_BYTEROWS_H

#include "KernelEmitter.h"

namespace lutra {

/// The rows of a product of signed bytes in a block of K, in the form that the level multiplies (tile_coded_matmul),
/// and what that form leaves out of the sums of each row. A weight's panels hold w + 128 in each byte.
///
///   where values are bytes: x * (w + 128) = x * w + 128 x
///   else: |x| * w where x is not below 0, |x| * ~w = x * w - |x| where it is
class ByteRows {
public:
  /// Buffers of `height` rows of `depth` bytes, a multiple of 4.
  ByteRows(KernelEmitter &emitter, int64_t height, int64_t depth);
  /// Where rows are copied to, [height, depth] of i8.
  mlir::Value getCopy() const { return copy; }
  /// Begins the sums of rows [0, rows).
  mlir::LogicalResult clear(mlir::Value rows);
  /// Makes the factors of the copied rows [0, rows), `depth` bytes of each, a multiple of 4, and adds to what they
  /// leave out.
  mlir::LogicalResult add(mlir::Value rows, mlir::Value depth);
  /// Adds to the tile `sums` the products of rows from `row` on, `depth` bytes from `first` on, with the panel at
  /// `place` of `panels`.
  mlir::Value multiply(mlir::Value sums, mlir::Value row, mlir::Value first, mlir::Value panels,
                       mlir::ValueRange place, mlir::Value depth);
  /// The tile `sums`, whose first row is `row`, with what was left out.
  mlir::Value complete(mlir::Value sums, mlir::Value row);

private:
  mlir::Value makeView(mlir::Value bytes, llvm::ArrayRef<int64_t> shape, mlir::Type element);
  mlir::LogicalResult addRow(mlir::Value row, mlir::Value words);

  KernelEmitter &emitter;
  bool isMasked; // magnitudes and masks of the other side
  mlir::Value copy, words, masked, maskedPairs, leftOut;
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_BYTEROWS_H
