//===- Product.h - what the product kinds share ------------------------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_PRODUCT_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_PRODUCT_H

#include "KernelEmitter.h"

namespace lutra {

/// A stretch of rows or columns; `extent` is the size of the whole dimension, -1 if unknown, and `low` a multiple
/// of every tile size in use.
struct ProductRange {
  mlir::Value low, high;
  int64_t extent = -1;
};

/// One tile of a product's result. A bound is null where all rows (columns) exist.
struct ProductSpot {
  mlir::Value outer; // null, or the position in the range of outer rows
  mlir::Value row, column;
  int64_t rows, columns;
  mlir::Value rowBound, columnBound;
};

/// How a dimension is cut into blocks of one size, the last one smaller.
struct ProductBlocks {
  mlir::Value count;
  int64_t size; // of a block

  /// Block number `index` of a dimension of `total` elements.
  ProductRange range(KernelEmitter &emitter, mlir::Value index, mlir::Value total) const;
};

/// The dimensions of a matmul's result beside rows and columns: products of their own.
struct ProductBatch {
  explicit ProductBatch(MatmulOp op);

  mlir::Value result;
  llvm::SmallVector<int64_t> dims;
  int64_t known = 1; // product of the sizes that the type says

  mlir::Value count(KernelEmitter &emitter) const;
  /// Indices of the result for product number `index`; 0 along rows and columns.
  llvm::SmallVector<mlir::Value> place(KernelEmitter &emitter, mlir::Value index) const;

private:
  llvm::SmallVector<mlir::Value> sizes(KernelEmitter &emitter) const;
};

/// Cuts `extent` elements (-1: `total` of them) into blocks of about `wanted`, multiples of `unit` and equally filled.
ProductBlocks cutEvenly(KernelEmitter &emitter, mlir::Value total, int64_t extent, int64_t wanted,
                        int64_t unit);

/// Size of a block of columns, for `items` row blocks and blocks of whole `unit`s: at most the plan's, and smaller
/// where the work items are too few, or few and uneven for two or four threads, and hold enough work for more of them.
int64_t chooseColumnBlock(const ProductPlan &plan, const ProductShape &shape, int64_t items, int64_t unit);

/// Size of a block of rows where an item has all columns, for `batch` products: at most the plan's, and smaller where
/// the work items are too few or uneven for two or four threads.
int64_t chooseRowBlock(const ProductPlan &plan, const ProductShape &shape, int64_t batch);

/// Calls `body` for tiles that cover rows x columns, columns in the outer loop so that one panel stays in
/// cache for all rows. Rows that are left over get tiles of fewer rows and more columns. With `outer` (low
/// and high) the rows are walked once for each value of it, inside the loop over columns.
mlir::LogicalResult forSpots(KernelEmitter &emitter, const ProductShape &shape, ProductRange rows,
                             ProductRange columns,
                             llvm::function_ref<mlir::LogicalResult(const ProductSpot &)> body,
                             std::optional<std::pair<mlir::Value, mlir::Value>> outer = std::nullopt);

/// Floats that tile_matmul takes: nothing but f16, bf16, f32 and f64.
bool isTileFloat(mlir::Type element);

/// How tiles walk a convolution with channels last and a filter of known shape.
struct ConvWalk {
  explicit ConvWalk(ConvOp op);

  mlir::RankedTensorType inputType, filterType, resultType;
  int64_t rank, spatial;
  int64_t last;   // the result's dimension along which rows advance
  int64_t joined; // taps of spatial dimensions from here on are contiguous with the channels
  int64_t groups, channels, columns; // of one group
};

/// Whether ConvKind.cpp can compute a convolution of such floats; else `why` says what is in the way.
bool isTileableConv(ConvOp op, std::string &why);
/// The same for ByteConvKind.cpp, of bytes.
bool isByteConv(ConvOp op, std::string &why);
/// Whether each filter has a channel of its own.
bool isDepthwise(ConvOp op);

/// A stack buffer of the function.
mlir::Value makeScratch(KernelEmitter &emitter, llvm::ArrayRef<int64_t> shape, mlir::Type element);

/// Copies `size` elements of an operand, which follow each other from `first` on along its last dimension, to row `to`
/// of a buffer; floats are rounded to its type.
mlir::LogicalResult copyRow(KernelEmitter &emitter, mlir::Value operand, llvm::ArrayRef<mlir::Value> first,
                            int64_t size, mlir::Value buffer, mlir::Value to);

/// The window of a spot over a tensor with the given indices, where rows and columns advance along the
/// dimensions `rowDim` and `columnDim`.
TileWindow spotWindow(KernelEmitter &emitter, const ProductSpot &spot, llvm::ArrayRef<mlir::Value> indices,
                      int64_t rowDim, int64_t columnDim);

/// Binds the accumulator to the product's result at the window and stores what the kernel yields.
mlir::LogicalResult finishSpot(KernelEmitter &emitter, mlir::Value result, const TileWindow &window,
                               mlir::Value accumulator);

/// The signless type that products of `element`, a result's, are added in.
mlir::Type getAccumulatorType(mlir::Type element);
/// acc + lhs * rhs on scalars of the type that products of `result` accumulate in.
mlir::Value multiplyAdd(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value lhs, mlir::Value rhs,
                        mlir::Value accumulator);
/// A scalar operand widened to `type`; `element` is the tensor's element type (it tells the sign).
mlir::Value widenOperand(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value scalar,
                         mlir::Type element, mlir::Type type);

/// Convolutions (conv and conv_transpose) element by element: number of items, code of one.
mlir::FailureOr<mlir::Value> getConvElementItems(KernelEmitter &emitter);
mlir::LogicalResult emitConvElements(KernelEmitter &emitter);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_PRODUCT_H
