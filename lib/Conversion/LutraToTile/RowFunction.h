//===- RowFunction.h - softmax and normalisations of one row ------------------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_ROWFUNCTION_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_ROWFUNCTION_H

#include "KernelEmitter.h"
#include "KnownScale.h"
#include "Reductions.h"
#include "RowCodes.h"
#include "Scalars.h"

#include <functional>

namespace lutra {

/// Where the rows of a softmax or norm go.
struct RowSink {
  /// Stores what follows from the op's result at a window, where it is bound.
  std::function<mlir::LogicalResult(const TileWindow &)> store;
  /// Holds a row of values of the compute type until they are stored; null: nothing does.
  mlir::Value buffer = {};
  /// The window of `buffer` for a window of the op's result. Null: the buffer has the result's shape.
  std::function<TileWindow(const TileWindow &)> place = nullptr;
};

/// What a softmax, layer_norm or rms_norm computes of one row; over another axis than the last a tile of rows.
class RowFunction {
public:
  RowFunction(KernelEmitter &emitter, mlir::Operation *op, int64_t width, RowSink sink);

  llvm::ArrayRef<int64_t> getAxes() const { return axes; } // that the op folds
  llvm::ArrayRef<mlir::Value> getSizes() const { return sizes; }
  /// Whether tiles lie along the folded dimensions; else along the last one.
  bool isAlongLast() const { return llvm::is_contained(axes, rank - 1); }
  /// `row` has the indices of the row; it is a tile of the last dimension when that is not folded.
  mlir::LogicalResult emit(const TileWindow &row);

private:
  mlir::FailureOr<mlir::Value> statistic(ReduceKind kind, mlir::Value tensor,
                                         Reduction::Transform transform = nullptr);
  /// Runs `body` on every tile of the row.
  mlir::LogicalResult forRow(llvm::function_ref<mlir::LogicalResult(const TileWindow &)> body);
  mlir::LogicalResult softmax();
  mlir::LogicalResult norm();
  /// Multiplies normalised values by the scale, adds the bias and stores what follows.
  mlir::LogicalResult finishNorm(mlir::Value y, const TileWindow &window);

  /// Finds `rounding`: the only use of the result is a quantization with a known scale, behind a choice of 0 for NaN or
  /// not, that the kernel yields.
  void findOnlyRounding();

  // RowCodes.cpp
  bool takesCodes(const RowCodes &codes);
  mlir::LogicalResult softmaxOfCodes(const RowCodes &codes);
  mlir::LogicalResult normOfCodes(const RowCodes &codes);
  mlir::Value findCodeBuffer(const RowCodes &codes);
  void keepCodes(const RowCodes &codes, mlir::Value tile, const TileWindow &window);
  mlir::FailureOr<mlir::Value> loadCodes(const RowCodes &codes, const TileWindow &window);
  /// Codes less their zero point, in 32 bits.
  mlir::Value centreCodes(const RowCodes &codes, mlir::Value tile);
  /// The sums of these and of their squares in a row, which keeps codes that some op computes (see keepCodes).
  mlir::FailureOr<std::pair<mlir::Value, mlir::Value>> sumCodes(const RowCodes &codes);

  // RowIntegers.cpp
  mlir::LogicalResult integerSoftmax();
  mlir::LogicalResult integerNorm();
  /// Folds the tiles of a row along the last dimension.
  mlir::FailureOr<KernelEmitter::Carried>
  foldRow(mlir::ValueRange start,
          llvm::function_ref<mlir::FailureOr<KernelEmitter::Carried>(const TileWindow &, mlir::ValueRange)> body);

  /// Folds what `tileOf` makes of each of those tiles, of the type of `neutral`; an element tile (rank 0).
  mlir::FailureOr<mlir::Value>
  reduceRow(Reduction reduction, mlir::TypedAttr neutral,
            llvm::function_ref<mlir::FailureOr<mlir::Value>(const TileWindow &)> tileOf);

  /// Whether all that the kernel makes of a value, besides the op, reads it at the place of its own results, which may
  /// then take the place where the value waits: no transpose or slice reads other rows.
  bool isReadInPlace(mlir::Value value);
  /// Whether the first pass leaves the input's values, which some op computes, in the buffer.
  bool keepsValues();
  void keep(mlir::Value tile, const TileWindow &window);
  TileWindow placed(const TileWindow &window);
  /// Where the sink has no buffer, takes one of a row on the stack, if the row's length is known and not too large.
  void takeBuffer();
  /// A tile of the input, or of what waits for it in a buffer of the row's own.
  mlir::FailureOr<mlir::Value> readInput(const TileWindow &window);
  /// Binds the quotient e * factor, or the codes that are all that is made of it (see findOnlyRounding).
  void bindQuotient(mlir::Value e, mlir::Value factor, const TileWindow &window, bool mayBeNan);
  mlir::Value map(mlir::ValueRange tiles, llvm::function_ref<mlir::Value(ScalarBuilder &, mlir::ValueRange)> body) {
    return emitter.map(tiles, compute, [&](mlir::OpBuilder &builder, mlir::ValueRange values) {
      ScalarBuilder scalar{builder, emitter.loc};
      return body(scalar, values);
    });
  }

  KernelEmitter &emitter;
  mlir::Operation *op;
  mlir::Value input, result;
  mlir::Type element, compute;
  llvm::SmallVector<mlir::Value> sizes;
  llvm::SmallVector<int64_t> axes;
  int64_t rank, width;
  RowSink sink;
  bool ownsBuffer = false; // the sink's is one of a row
  bool waits = false;      // the input's values are in the row's own buffer
  std::optional<KnownScale> rounding; // of the only quantization of the result, whose codes are `rounded`
  mlir::Value rounded;
  TileWindow base;
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_ROWFUNCTION_H
