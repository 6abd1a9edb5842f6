//===- Product.cpp - blocks and tiles of a product's result ------------------===//
// Work items are blocks of the result, cut by shape alone. Inside a block full tiles come first.
// What is left over is known when the size is: then a tile of exactly that many rows (or panels
// of columns) is emitted. A size known at run time only gets tiles for one row, for half a tile and for a whole one,
// the latter two bounded, of which one runs.
#include "Product.h"

#include "lutra/Analysis/ProductStrategy.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lutra {

ProductRange ProductBlocks::range(KernelEmitter &emitter, Value index, Value total) const {
  ProductRange range;
  range.extent = getConstantIntValue(total).value_or(-1);
  if (getConstantIntValue(count) == 1) {
    range.low = emitter.constant(0);
    range.high = total;
    return range;
  }
  range.low = emitter.mul(index, emitter.constant(size));
  Value next = emitter.add(range.low, emitter.constant(size));
  bool even = range.extent >= 0 && range.extent % size == 0;
  range.high = even ? next : emitter.min(next, total);
  return range;
}

ProductBatch::ProductBatch(MatmulOp op) : result(op.getResult()) {
  auto type = cast<RankedTensorType>(result.getType());
  int64_t rowDim = getRowDim(op);
  for (int64_t dim = 0; dim < type.getRank() - 1; ++dim) {
    if (dim == rowDim)
      continue;
    dims.push_back(dim);
    known *= type.isDynamicDim(dim) ? 1 : type.getDimSize(dim);
  }
}

SmallVector<Value> ProductBatch::sizes(KernelEmitter &emitter) const {
  return llvm::map_to_vector(dims, [&](int64_t dim) { return emitter.getSize(result, dim); });
}

Value ProductBatch::count(KernelEmitter &emitter) const {
  Value count = emitter.constant(1);
  for (Value size : sizes(emitter))
    count = emitter.mul(count, size);
  return count;
}

SmallVector<Value> ProductBatch::place(KernelEmitter &emitter, Value index) const {
  SmallVector<Value> indices(cast<RankedTensorType>(result.getType()).getRank(), emitter.constant(0));
  for (auto [dim, at] : llvm::zip_equal(dims, emitter.delinearize(index, sizes(emitter))))
    indices[dim] = at;
  return indices;
}

ProductBlocks cutEvenly(KernelEmitter &emitter, Value total, int64_t extent, int64_t wanted,
                        int64_t unit) {
  int64_t size = std::max(unit, wanted / unit * unit);
  if (extent > 0) {
    int64_t count = llvm::divideCeil(extent, size);
    size = llvm::alignTo(llvm::divideCeil(extent, count), unit);
    return {emitter.constant(llvm::divideCeil(extent, size)), size};
  }
  return {emitter.ceilDiv(total, emitter.constant(size)), size};
}

/// How much longer than an equal share the last of `threads` threads works, when `rows` row blocks times the blocks of
/// `size` of `columns` columns (or `rows` products times blocks of rows) are taken one after another, as a share.
static double getIdle(int64_t threads, int64_t rows, int64_t columns, int64_t size) {
  SmallVector<int64_t> busy(threads, 0);
  for (int64_t low = 0; low < columns; low += size)
    for (int64_t row = 0; row < rows; ++row)
      *llvm::min_element(busy) += std::min(size, columns - low);
  return static_cast<double>(*llvm::max_element(busy) * threads) / (rows * columns) - 1;
}

/// Rows of a tile for some or all of `rows` rows that are left over, fewer than a tile's; it may have more. A register
/// of tiles has one shape in a function.
static int64_t getLeftRows(const TileTarget &target, const ProductShape &shape, int64_t rows) {
  bool isTiled = target.hasByteTiles() && shape.k >= 0 && shape.constantRhs && shape.lhsBits == 8 && shape.rhsBits == 8;
  return isTiled ? 16 : rows;
}

static constexpr int64_t wantedItems = 8; // shares out over few threads
static constexpr int64_t mostItems = 48;  // past which no more are made for even shares
static constexpr double gain = 0.02;      // that more items must bring

int64_t chooseRowBlock(const ProductPlan &plan, const ProductShape &shape, int64_t batch) {
  if (shape.m <= 0)
    return plan.rowBlock;
  batch = std::max<int64_t>(1, batch);
  int64_t unit = 2 * plan.rows; // fewer rows would read the other operand too often
  int64_t most = std::max<int64_t>(1, std::min<int64_t>(mostItems / batch, llvm::divideCeil(shape.m, unit)));
  int64_t pieces = std::max<int64_t>(llvm::divideCeil(shape.m, plan.rowBlock),
                                     std::min<int64_t>(llvm::divideCeil(wantedItems, batch), most));
  auto sizeOf = [&](int64_t count) { return llvm::alignTo(llvm::divideCeil(shape.m, count), plan.rows); };
  auto idle = [&](int64_t count) {
    return getIdle(2, batch, shape.m, sizeOf(count)) + getIdle(4, batch, shape.m, sizeOf(count));
  };
  for (int64_t more = pieces + 1; more <= most; ++more)
    if (idle(more) + gain < idle(pieces))
      pieces = more;
  return sizeOf(pieces);
}

int64_t chooseColumnBlock(const ProductPlan &plan, const ProductShape &shape, int64_t items, int64_t unit) {
  constexpr int64_t smallest = 1 << 16; // multiply-adds that dwarf the cost of a dispatch
  int64_t block = plan.columnBlock ? plan.columnBlock : std::max<int64_t>(shape.n, plan.columns);
  if (shape.n <= 0 || shape.k <= 0)
    return block;
  int64_t rows = shape.m > 0 ? std::min(shape.m, plan.rowBlock) : 8;
  int64_t byWork = std::max<int64_t>(1, rows * shape.n * shape.k / smallest);
  items = std::max<int64_t>(1, items);
  int64_t pieces = std::min<int64_t>(llvm::divideCeil(wantedItems, items), byWork);
  auto sizeOf = [&](int64_t count) { return llvm::alignTo(llvm::divideCeil(shape.n, count), unit); };
  auto idle = [&](int64_t count) {
    return getIdle(2, items, shape.n, sizeOf(count)) + getIdle(4, items, shape.n, sizeOf(count));
  };
  int64_t most = std::min<int64_t>({byWork, mostItems / items, static_cast<int64_t>(llvm::divideCeil(shape.n, unit))});
  for (int64_t more = pieces + 1; more <= most; ++more)
    if (idle(more) + gain < idle(pieces))
      pieces = more;
  return std::min<int64_t>(block, llvm::divideCeil(shape.n, pieces));
}

namespace {
/// Walks the tiles of one block.
struct SpotWalker {
  KernelEmitter &emitter;
  const ProductShape &shape;
  ProductPlan plan;
  llvm::function_ref<LogicalResult(const ProductSpot &)> body;
  std::optional<std::pair<Value, Value>> outer;

  Value tiledEnd(ProductRange range, int64_t tile) {
    Value tileValue = emitter.constant(tile);
    return emitter.add(range.low,
                       emitter.mul(emitter.div(emitter.sub(range.high, range.low), tileValue), tileValue));
  }
  LogicalResult when(arith::CmpIPredicate predicate, Value lhs, Value rhs,
                     llvm::function_ref<LogicalResult()> then) {
    KernelEmitter::Scope scope(emitter);
    Value condition = arith::CmpIOp::create(emitter.builder, emitter.loc, predicate, lhs, rhs);
    auto branch = scf::IfOp::create(emitter.builder, emitter.loc, condition, /*withElseRegion=*/false);
    emitter.builder.setInsertionPointToStart(branch.thenBlock());
    return then();
  }

  /// One row of tiles: `rows` from `row` to `rowEnd` step `rows`, over all columns.
  LogicalResult rowPass(Value row, Value rowEnd, int64_t rows, Value rowBound, ProductRange columns);
  LogicalResult columnTile(Value row, Value rowEnd, int64_t rows, Value rowBound, Value column,
                           int64_t width, Value columnBound);
  LogicalResult walk(ProductRange rows, ProductRange columns);
};
} // namespace

LogicalResult SpotWalker::columnTile(Value row, Value rowEnd, int64_t rows, Value rowBound,
                                     Value column, int64_t width, Value columnBound) {
  KernelEmitter::Scope scope(emitter);
  auto forRows = [&](Value position) {
    if (!rowEnd)
      return body({position, row, column, rows, width, rowBound, columnBound});
    return emitter.forEach(row, rowEnd, emitter.constant(rows), [&](Value index) {
      return body({position, index, column, rows, width, rowBound, columnBound});
    });
  };
  if (!outer)
    return forRows({});
  return emitter.forEach(outer->first, outer->second, emitter.constant(1), forRows);
}

LogicalResult SpotWalker::rowPass(Value row, Value rowEnd, int64_t rows, Value rowBound,
                                  ProductRange columns) {
  if (columns.extent == 0)
    return success();
  int64_t width = emitter.target.getProductColumns(shape, rows), panel = 16;
  if (columns.extent >= 0) // no wider than the matrix
    width = std::min<int64_t>(width, llvm::alignTo(columns.extent, panel));
  Value end = tiledEnd(columns, width);
  if (columns.extent < 0 || columns.extent >= width)
    if (failed(emitter.forEach(columns.low, end, emitter.constant(width), [&](Value column) {
          return columnTile(row, rowEnd, rows, rowBound, column, width, {});
        })))
      return failure();
  if (columns.extent < 0)
    return when(arith::CmpIPredicate::slt, end, columns.high, [&] {
      return columnTile(row, rowEnd, rows, rowBound, end, width, emitter.sub(columns.high, end));
    });
  int64_t rest = columns.extent % width;
  if (rest == 0)
    return success();
  int64_t tail = llvm::alignTo(rest, panel);
  return when(arith::CmpIPredicate::slt, end, columns.high, [&] {
    return columnTile(row, rowEnd, rows, rowBound, end, tail,
                      tail == rest ? Value() : emitter.constant(rest));
  });
}

LogicalResult SpotWalker::walk(ProductRange rows, ProductRange columns) {
  Value end = tiledEnd(rows, plan.rows);
  if (rows.extent < 0 || rows.extent >= plan.rows)
    if (failed(rowPass(rows.low, end, plan.rows, {}, columns)))
      return failure();
  if (rows.extent >= 0) {
    int64_t rest = rows.extent % plan.rows;
    if (rest == 0)
      return success();
    return when(arith::CmpIPredicate::slt, end, rows.high, [&] {
      Value row = end;
      for (int64_t left = rest; left > 0;) {
        int64_t size = getLeftRows(emitter.target, shape, left);
        if (failed(rowPass(row, {}, size, size > left ? emitter.constant(left) : Value(), columns)))
          return failure();
        row = emitter.add(row, emitter.constant(size));
        left -= size;
      }
      return LogicalResult(success());
    });
  }
  Value left = emitter.sub(rows.high, end);
  if (plan.rows == 1)
    return success();
  // At most one of these runs.
  int64_t below = 0;
  for (int64_t most : {int64_t(1), plan.rows / 2, plan.rows}) {
    int64_t size = most == plan.rows ? most : getLeftRows(emitter.target, shape, most);
    if (size <= below)
      continue;
    Value above = emitter.constant(below);
    auto pass = [&] {
      return rowPass(end, {}, size, size == 1 ? Value() : left, columns);
    };
    auto atMost = [&] {
      return size == plan.rows ? pass()
                               : when(arith::CmpIPredicate::sle, left, emitter.constant(size), pass);
    };
    if (failed(when(arith::CmpIPredicate::sgt, left, above, atMost)))
      return failure();
    below = size;
  }
  return success();
}

LogicalResult forSpots(KernelEmitter &emitter, const ProductShape &shape, ProductRange rows,
                       ProductRange columns,
                       llvm::function_ref<LogicalResult(const ProductSpot &)> body,
                       std::optional<std::pair<Value, Value>> outer) {
  ProductPlan plan = emitter.target.planProduct(shape);
  SpotWalker walker{emitter, shape, plan, body, outer};
  if (!plan.maskedEdges)
    return walker.walk(rows, columns);
  // Every tile is a full one; only its store is bounded.
  bool evenRows = rows.extent > 0 && rows.extent % plan.rows == 0;
  bool evenColumns = columns.extent > 0 && columns.extent % plan.columns == 0;
  auto forRows = [&](Value position, Value column) {
    return emitter.forEach(rows.low, rows.high, emitter.constant(plan.rows), [&](Value row) {
      return body({position, row, column, plan.rows, plan.columns,
                   evenRows ? Value() : emitter.sub(rows.high, row),
                   evenColumns ? Value() : emitter.sub(columns.high, column)});
    });
  };
  return emitter.forEach(columns.low, columns.high, emitter.constant(plan.columns), [&](Value column) {
    if (!outer)
      return forRows({}, column);
    return emitter.forEach(outer->first, outer->second, emitter.constant(1),
                           [&](Value position) { return forRows(position, column); });
  });
}

bool isTileFloat(Type element) {
  return element.isF16() || element.isBF16() || element.isF32() || element.isF64();
}

Value makeScratch(KernelEmitter &emitter, ArrayRef<int64_t> shape, Type element) {
  OpBuilder::InsertionGuard guard(emitter.builder);
  emitter.builder.setInsertionPointToStart(&emitter.function.getBody().front());
  return memref::AllocaOp::create(emitter.builder, emitter.loc, MemRefType::get(shape, element),
                                  ValueRange(), emitter.builder.getI64IntegerAttr(64));
}

LogicalResult copyRow(KernelEmitter &emitter, Value operand, ArrayRef<Value> first, int64_t size, Value buffer,
                      Value to) {
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  int64_t bits = cast<RankedTensorType>(operand.getType()).getElementTypeBitWidth();
  SmallVector<Value> at(first);
  auto copyTile = [&](Value k, int64_t width, Value bound) -> LogicalResult {
    at.back() = emitter.add(first.back(), k);
    auto tile =
        emitter.emitTile(operand, TileWindow::row(at, static_cast<int64_t>(at.size()) - 1, width, bound));
    if (failed(tile))
      return failure();
    Value values = *tile;
    if (cast<TileType>(values.getType()).getElementType() != element)
      values = emitter.map(values, element, [&](OpBuilder &builder, ValueRange scalars) -> Value {
        return arith::TruncFOp::create(builder, emitter.loc, element, scalars[0]);
      });
    emitter.storeTile(values, buffer, TileWindow::row({to, k}, 1, width, bound));
    return success();
  };
  return emitter.forTiles(emitter.constant(0), emitter.constant(size), 2 * emitter.target.getVectorBits() / bits,
                          copyTile);
}

TileWindow spotWindow(KernelEmitter &emitter, const ProductSpot &spot, ArrayRef<Value> indices,
                      int64_t rowDim, int64_t columnDim) {
  TileWindow window;
  window.indices.assign(indices.begin(), indices.end());
  window.indices[rowDim] = spot.row;
  window.indices[columnDim] = spot.column;
  window.shape = {spot.rows, spot.columns};
  window.dims = {spot.rows == 1 ? -1 : rowDim, columnDim};
  window.steps = {1, 1};
  if (spot.rowBound || spot.columnBound)
    window.bounds = {spot.rowBound ? spot.rowBound : emitter.constant(spot.rows),
                     spot.columnBound ? spot.columnBound : emitter.constant(spot.columns)};
  return window;
}

LogicalResult finishSpot(KernelEmitter &emitter, Value result, const TileWindow &window,
                         Value accumulator) {
  Type element = getTileElement(cast<RankedTensorType>(result.getType()).getElementType());
  if (cast<TileType>(accumulator.getType()).getElementType() != element)
    accumulator = emitter.map(accumulator, element, [&](OpBuilder &builder, ValueRange scalars) -> Value {
      return arith::TruncFOp::create(builder, emitter.loc, element, scalars[0]);
    });
  KernelEmitter::Scope scope(emitter);
  emitter.bind(result, window, accumulator);
  return emitter.emitResults(window);
}

Type getAccumulatorType(Type element) { return getTileElement(getComputeType(element)); }

Value widenOperand(OpBuilder &builder, Location loc, Value scalar, Type element, Type type) {
  if (scalar.getType() == type)
    return scalar;
  if (isa<FloatType>(type))
    return arith::ExtFOp::create(builder, loc, type, scalar);
  if (element.isUnsignedInteger())
    return arith::ExtUIOp::create(builder, loc, type, scalar);
  return arith::ExtSIOp::create(builder, loc, type, scalar);
}

Value multiplyAdd(OpBuilder &builder, Location loc, Value lhs, Value rhs, Value accumulator) {
  if (isa<FloatType>(accumulator.getType()))
    return math::FmaOp::create(builder, loc, lhs, rhs, accumulator);
  Value product = arith::MulIOp::create(builder, loc, lhs, rhs);
  return arith::AddIOp::create(builder, loc, accumulator, product);
}

} // namespace lutra
