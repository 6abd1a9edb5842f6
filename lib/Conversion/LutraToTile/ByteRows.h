//===- ByteRows.h - left-hand rows as factors of bytes -------------------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_BYTEROWS_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_BYTEROWS_H

#include "KernelEmitter.h"
#include "Product.h"

namespace lutra {

/// The factors that rows x of signed bytes become beside signed bytes w (tile_coded_matmul).
enum class ByteForm {
  Plain,  // x itself
  Raised, // x + 128, which has no sign: (x + 128) * w = x * w + 128 w; panels say what is left over (BytePanels.h)
  Masked, // |x| * w where x is not below 0, |x| * ~w = x * w - |x| where it is
};

/// The form that the level multiplies in a product.
ByteForm byteFormOf(const TileTarget &target, const ProductShape &shape);

/// The rows of a product of signed bytes in a block of K as factors, and what these leave over in the sums.
class ByteRows {
public:
  /// Beside the buffer `panels`, which end with sums or do not (BytePanels.h), copied to `height` rows of `depth`
  /// bytes, a multiple of 4; 0: not copied. Codes without a sign stand for 128 less where masked factors have one.
  ByteRows(KernelEmitter &emitter, ByteForm form, mlir::Value panels, int64_t height, int64_t depth,
           bool isUnsigned = false, bool hasSums = true);
  /// Where rows are copied to, [height, depth] of i8; null where they are not.
  mlir::Value getCopy() const { return copy; }
  /// What is copied of the tile `bytes`.
  mlir::Value convert(mlir::Value bytes);
  /// Begins the sums of rows [0, rows) with columns of `width` at most.
  mlir::LogicalResult begin(mlir::Value rows, ProductRange columns, int64_t width);
  /// Makes the factors of the copied rows [0, rows), `depth` bytes of each, a multiple of 4, and adds to what they
  /// leave over.
  mlir::LogicalResult add(mlir::Value rows, mlir::Value depth);
  /// Where a tile's rows begin in a buffer.
  struct Left {
    mlir::Value buffer;
    llvm::SmallVector<mlir::Value> place;
    int64_t rowDim;
  };
  /// Adds to the tile `sums` the products of rows from `left` on, of the copy or a buffer of the same form, `depth`
  /// bytes, with the panels from `place` on, or those of `others`.
  mlir::Value multiply(mlir::Value sums, Left left, mlir::ValueRange place, mlir::Value depth,
                       mlir::Value others = {});
  /// The tile `sums` from `row` and `column` of the item on without what is left over.
  mlir::Value complete(mlir::Value sums, mlir::Value row, mlir::Value column);

private:
  mlir::Value makeView(mlir::Value bytes, llvm::ArrayRef<int64_t> shape, mlir::Type element);
  mlir::LogicalResult addRow(mlir::Value row, mlir::Value words);

  KernelEmitter &emitter;
  ByteForm form;
  mlir::Value panels;
  bool isUnsigned, hasSums;
  mlir::Value copy, words, masked, maskedPairs;
  mlir::Value leftOver; // what to add: Raised: for each column, Masked: for each row
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_BYTEROWS_H
