//===- CentredBytes.h - zero points of a product of two computed operands ---------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_CENTREDBYTES_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_CENTREDBYTES_H

#include "ByteRows.h"

#include "lutra/Analysis/CentredCodes.h"

namespace lutra {

/// Panels of bytes that a right-hand side is copied to, and what zero points of both sides make of the sums:
///
///   sum of (x - a) (w - b) = sum of x w - a * sum of w - b * sum of x + K a b
///
/// where x are factors (ByteRows.h), w signed bytes of panels, and a and b what stands for 0 in them. Sums of columns
/// and rows are products with ones. Nothing is computed for a zero point that is known to be 0 in the factors.
class CentredBytes {
public:
  CentredBytes(KernelEmitter &emitter, ByteForm form, const CentredCodes &left, const CentredCodes &right);
  /// Makes the buffers of an item: `height` rows by `width` columns, whole panels, over blocks of `depth` steps of K, a
  /// multiple of 4.
  void makeBuffers(int64_t height, int64_t width, int64_t depth);
  /// [panel][word][column][4] of i8.
  mlir::Value getPanels() const { return panels; }
  /// Whether copied codes have no sign, so that 128 is taken off.
  bool turnsRight() const { return isUnsigned(right); }

  mlir::LogicalResult begin();
  /// Adds the columns of the first `count` panels over `depth` steps.
  mlir::LogicalResult addColumns(mlir::Value count, mlir::Value depth);
  /// Whether rows are summed, by products with the panel of ones; their sums are [row][16] of i32.
  bool sumsRows() const { return b.known != 0; }
  mlir::Value getOnes() const { return onePanel; }
  mlir::Value getRowSums() const { return rowSums; }
  /// Sums of rows as what is to be added.
  mlir::Value scaleRows(mlir::Value sums);
  /// The same of columns of the first `count` panels, for `k` steps in all.
  mlir::LogicalResult scaleColumns(mlir::Value count, mlir::Value k);
  /// The tile `sums` from `row` and `column` of the item on with both.
  mlir::Value complete(mlir::Value sums, mlir::Value row, mlir::Value column);

private:
  /// What stands for 0; a tile of rank 0 where it is not known.
  struct Zero {
    std::optional<int64_t> known;
    mlir::Value value;
  };
  static bool isUnsigned(const CentredCodes &side);
  Zero readZero(const CentredCodes &side, int64_t shift);
  mlir::Value tileOf(const Zero &zero);
  mlir::Value combine(mlir::ValueRange tiles,
                      llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::ValueRange)> body);
  bool sumsColumns() const { return a.known != 0; }

  KernelEmitter &emitter;
  ByteForm form;
  CentredCodes left, right;
  Zero a, b;
  mlir::Value panels, oneRow, onePanel, columnSums, rowSums;
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_CENTREDBYTES_H
