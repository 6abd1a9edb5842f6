//===- TileMemory.cpp - tile loads, stores and gathers as vector code ----------===//
// Consecutive elements are one vector access; a bound makes it a masked one where the hardware has
// masks for the element (32 and 64 bits), else a short scalar loop through a stack buffer. A tile whose
// rows, not columns, lie in order is read or written in vectors along its rows and turned over in registers; one whose
// columns then follow each other is written by one vector.
// Other strides are scalar accesses: measured faster than vgatherdps on the CPUs that have AVX2.
// Truth values are bytes in memory and single bits in vectors.
#include "TileParts.h"
#include "TileToVector.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lutra;

namespace {

/// Addresses the rows of one tile access.
struct TileAccess {
  OpBuilder &builder;
  Location loc;
  Value buffer;
  SmallVector<Value> indices, bounds;
  SmallVector<int64_t> dims, steps;
  TileType type;

  int64_t rows() const { return getTileRows(type); }
  int64_t columns() const { return getTileColumns(type); }
  MemRefType bufferType() const { return cast<MemRefType>(buffer.getType()); }

  Value constant(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }

  /// Indices of the first element of a row.
  SmallVector<Value> rowIndices(int64_t row) {
    SmallVector<Value> at = indices;
    if (type.getRank() == 2 && dims[0] != -1 && row > 0)
      at[dims[0]] = arith::AddIOp::create(builder, loc, at[dims[0]], constant(row * steps[0]));
    return at;
  }

  /// Elements of a row that exist; null when all do.
  Value rowBound(int64_t row) {
    if (bounds.empty())
      return {};
    Value columnBound = columns() == 1 ? Value() : bounds.back();
    if (columnBound && getConstantIntValue(columnBound) == columns())
      columnBound = {};
    if (type.getRank() != 2 || rows() == 1)
      return columnBound;
    auto fixed = getConstantIntValue(bounds[0]);
    if (fixed && *fixed > row)
      return columnBound;
    Value exists = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, constant(row), bounds[0]);
    return arith::SelectOp::create(builder, loc, exists, columnBound ? columnBound : constant(columns()),
                                   constant(0));
  }

  int64_t columnDim() const { return type.getRank() == 0 ? -1 : dims.back(); }
  int64_t columnStep() const { return type.getRank() == 0 ? 1 : steps.back(); }
  bool repeats() const { return columnDim() == -1; }
  bool consecutive(int64_t step) const {
    if (columnDim() != bufferType().getRank() - 1 || columnStep() != step)
      return false;
    SmallVector<int64_t> strides;
    int64_t offset;
    return succeeded(bufferType().getStridesAndOffset(strides, offset)) && strides.back() == 1;
  }
  /// Whether elements of a column, not of a row, follow each other in memory, in whole vectors.
  bool isTurned() const {
    if (type.getRank() != 2 || !bounds.empty() || rows() == 1 || columns() == 1 || !llvm::isPowerOf2_64(rows()))
      return false;
    if (dims[0] != bufferType().getRank() - 1 || steps[0] != 1 || dims[1] == -1 || dims[1] == dims[0])
      return false;
    unsigned bits = bufferType().getElementType().getIntOrFloatBitWidth();
    SmallVector<int64_t> strides;
    int64_t offset;
    return (bits >= 32 || bits == 8) && succeeded(bufferType().getStridesAndOffset(strides, offset)) &&
           strides.back() == 1;
  }
  /// Whether the columns of a turned tile of bytes follow each other, with nothing between.
  bool isDense() const {
    ArrayRef<int64_t> shape = bufferType().getShape();
    int64_t last = bufferType().getRank() - 1;
    return isTurned() && bufferType().getElementTypeBitWidth() == 8 && dims[1] == last - 1 && steps[1] == 1 &&
           shape[last] == rows() && bufferType().getLayout().isIdentity();
  }
  /// Elements of a side of the squares in which a turned tile is walked.
  int64_t squareSize() const { return std::min<int64_t>(rows(), llvm::PowerOf2Ceil(columns())); }
  /// Indices of the element at a row and column.
  SmallVector<Value> elementAt(int64_t row, int64_t column) {
    return elementIndices(rowIndices(row), constant(column));
  }
  SmallVector<Value> elementIndices(ArrayRef<Value> row, Value position) {
    SmallVector<Value> at(row);
    Value step = columnStep() == 1
                     ? position
                     : arith::MulIOp::create(builder, loc, position, constant(columnStep())).getResult();
    at[columnDim()] = arith::AddIOp::create(builder, loc, at[columnDim()], step);
    return at;
  }
};
} // namespace

/// Bytes to truth values and back; other elements stay.
static Value fromMemory(OpBuilder &builder, Location loc, Value value, Type element) {
  Type have = getElementTypeOrSelf(value.getType());
  if (have == element)
    return value;
  Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(value.getType()));
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, value, zero);
}

static Value toMemory(OpBuilder &builder, Location loc, Value value, Type element) {
  if (getElementTypeOrSelf(value.getType()) == element)
    return value;
  Type type = element;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = VectorType::get(vector.getShape(), element);
  return arith::ExtUIOp::create(builder, loc, type, value);
}

static Value zeroOf(OpBuilder &builder, Location loc, Type type) {
  return arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
}

/// A stack buffer for `columns` elements in the function's entry block, shared by all its users.
static Value stackBuffer(OpBuilder &builder, Location loc, int64_t columns, Type element) {
  auto function = builder.getInsertionBlock()->getParentOp()->getParentOfType<func::FuncOp>();
  if (!function)
    function = cast<func::FuncOp>(builder.getInsertionBlock()->getParentOp());
  auto type = MemRefType::get({columns}, element);
  Block &entry = function.getBody().front();
  for (Operation &op : entry) {
    auto known = dyn_cast<memref::AllocaOp>(op);
    if (!known)
      break;
    if (known.getType() == type)
      return known;
  }
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&entry);
  return memref::AllocaOp::create(builder, loc, type, ValueRange(), builder.getI64IntegerAttr(64));
}

static bool hasMasks(Type element) { return element.isIntOrFloat() && element.getIntOrFloatBitWidth() >= 32; }

static Value makeMask(OpBuilder &builder, Location loc, Value bound, int64_t columns) {
  return vector::CreateMaskOp::create(builder, loc, VectorType::get({columns}, builder.getI1Type()), bound);
}

static SmallVector<int64_t> reversed(int64_t columns) {
  SmallVector<int64_t> order;
  for (int64_t i = columns - 1; i >= 0; --i)
    order.push_back(i);
  return order;
}

static Value loadRow(TileAccess &access, int64_t row) {
  OpBuilder &b = access.builder;
  Location loc = access.loc;
  Type memory = access.bufferType().getElementType();
  int64_t columns = access.columns();
  SmallVector<Value> at = access.rowIndices(row);
  Value bound = access.rowBound(row);
  if (columns == 1) {
    if (!bound)
      return memref::LoadOp::create(b, loc, access.buffer, at);
    Value exists = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, bound, access.constant(0));
    auto branch = scf::IfOp::create(b, loc, memory, exists, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(b, loc, memref::LoadOp::create(b, loc, access.buffer, at).getResult());
    b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(b, loc, zeroOf(b, loc, memory));
    return branch.getResult(0);
  }
  auto type = VectorType::get({columns}, memory);
  if (!bound) {
    if (access.repeats())
      return vector::BroadcastOp::create(b, loc, type, memref::LoadOp::create(b, loc, access.buffer, at));
    if (access.consecutive(1))
      return vector::LoadOp::create(b, loc, type, access.buffer, at);
    if (access.consecutive(-1)) {
      at.back() = arith::SubIOp::create(b, loc, at.back(), access.constant(columns - 1));
      Value loaded = vector::LoadOp::create(b, loc, type, access.buffer, at);
      return vector::ShuffleOp::create(b, loc, loaded, loaded, reversed(columns));
    }
    SmallVector<Value> elements;
    for (int64_t c = 0; c < columns; ++c)
      elements.push_back(memref::LoadOp::create(b, loc, access.buffer, access.elementIndices(at, access.constant(c))));
    return vector::FromElementsOp::create(b, loc, type, elements);
  }
  if (access.consecutive(1) && hasMasks(memory))
    return vector::MaskedLoadOp::create(b, loc, type, access.buffer, at, makeMask(b, loc, bound, columns),
                                        zeroOf(b, loc, type));
  Value stack = stackBuffer(b, loc, columns, memory);
  Value zero = access.constant(0);
  vector::StoreOp::create(b, loc, zeroOf(b, loc, type), stack, zero);
  Value end = arith::MinSIOp::create(b, loc, bound, access.constant(columns));
  auto loop = scf::ForOp::create(b, loc, zero, end, access.constant(1));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value position = loop.getInductionVar();
    SmallVector<Value> element = access.repeats() ? at : access.elementIndices(at, position);
    memref::StoreOp::create(b, loc, memref::LoadOp::create(b, loc, access.buffer, element), stack, position);
  }
  return vector::LoadOp::create(b, loc, type, stack, zero);
}

static void storeRow(TileAccess &access, int64_t row, Value value) {
  OpBuilder &b = access.builder;
  Location loc = access.loc;
  Type memory = access.bufferType().getElementType();
  value = toMemory(b, loc, value, memory);
  int64_t columns = access.columns();
  SmallVector<Value> at = access.rowIndices(row);
  Value bound = access.rowBound(row);
  if (columns == 1) {
    OpBuilder::InsertionGuard guard(b);
    if (bound) {
      Value exists = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, bound, access.constant(0));
      auto branch = scf::IfOp::create(b, loc, exists, /*withElseRegion=*/false);
      b.setInsertionPointToStart(branch.thenBlock());
    }
    memref::StoreOp::create(b, loc, value, access.buffer, at);
    return;
  }
  if (!bound) {
    if (access.consecutive(1)) {
      vector::StoreOp::create(b, loc, value, access.buffer, at);
      return;
    }
    for (int64_t c = 0; c < columns; ++c)
      memref::StoreOp::create(b, loc, vector::ExtractOp::create(b, loc, value, c), access.buffer,
                              access.elementIndices(at, access.constant(c)));
    return;
  }
  if (access.consecutive(1) && hasMasks(memory)) {
    vector::MaskedStoreOp::create(b, loc, access.buffer, at, makeMask(b, loc, bound, columns), value);
    return;
  }
  Value stack = stackBuffer(b, loc, columns, memory);
  Value zero = access.constant(0);
  vector::StoreOp::create(b, loc, value, stack, zero);
  Value end = arith::MinSIOp::create(b, loc, bound, access.constant(columns));
  auto loop = scf::ForOp::create(b, loc, zero, end, access.constant(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value position = loop.getInductionVar();
  memref::StoreOp::create(b, loc, memref::LoadOp::create(b, loc, stack, position), access.buffer,
                          access.elementIndices(at, position));
}

/// Elements [0, count) of a vector.
static Value takeFront(OpBuilder &builder, Location loc, Value vector, int64_t count) {
  if (cast<VectorType>(vector.getType()).getNumElements() == count)
    return vector;
  return vector::ExtractStridedSliceOp::create(builder, loc, vector, {0}, {count}, {1});
}

/// The rows of a turned tile: squares are loaded column by column, turned over and joined along the rows.
static SmallVector<Value> loadTurned(TileAccess &access) {
  OpBuilder &b = access.builder;
  Type memory = access.bufferType().getElementType();
  int64_t size = access.squareSize(), columns = access.columns();
  auto squareType = VectorType::get({size}, memory), rowType = VectorType::get({columns}, memory);
  SmallVector<Value> rows;
  for (int64_t row = 0; row < access.rows(); row += size) {
    SmallVector<Value> joined(size);
    for (int64_t column = 0; column < columns; column += size) {
      int64_t count = std::min(size, columns - column);
      SmallVector<Value> square;
      for (int64_t c = 0; c < count; ++c)
        square.push_back(
            vector::LoadOp::create(b, access.loc, squareType, access.buffer, access.elementAt(row, column + c)));
      square.resize(size, square.back());
      transposeSquare(b, access.loc, square);
      for (int64_t r = 0; r < size; ++r) {
        Value part = takeFront(b, access.loc, square[r], count);
        if (!joined[r] && count == columns)
          joined[r] = part;
        else
          joined[r] = vector::InsertStridedSliceOp::create(
              b, access.loc, part, joined[r] ? joined[r] : zeroOf(b, access.loc, rowType), {column}, {1});
      }
    }
    llvm::append_range(rows, joined);
  }
  return rows;
}

/// Stores the rows of a tile whose columns follow each other: halves of them are dealt out in turn until one is left.
static void storeDense(TileAccess &access, ValueRange rows) {
  OpBuilder &b = access.builder;
  Type memory = access.bufferType().getElementType();
  SmallVector<Value> dealt;
  for (Value row : rows)
    dealt.push_back(toMemory(b, access.loc, row, memory));
  for (size_t count = dealt.size() / 2; count > 0; count /= 2) {
    int64_t lanes = cast<VectorType>(dealt.front().getType()).getNumElements();
    SmallVector<int64_t> order;
    for (int64_t lane = 0; lane < lanes; ++lane)
      order.append({lane, lane + lanes});
    for (size_t row = 0; row < count; ++row)
      dealt[row] = vector::ShuffleOp::create(b, access.loc, dealt[row], dealt[row + count], order);
    dealt.resize(count);
  }
  FlatOperand out = flattenOperand(b, access.loc, access.buffer, access.indices);
  vector::StoreOp::create(b, access.loc, dealt.front(), out.buffer, out.base);
}

/// Stores the rows of a turned tile column by column.
static void storeTurned(TileAccess &access, ValueRange rows) {
  OpBuilder &b = access.builder;
  Type memory = access.bufferType().getElementType();
  int64_t size = access.squareSize(), columns = access.columns();
  for (int64_t row = 0; row < access.rows(); row += size)
    for (int64_t column = 0; column < columns; column += size) {
      int64_t count = std::min(size, columns - column);
      SmallVector<Value> square;
      for (int64_t r = 0; r < size; ++r) {
        Value part = toMemory(b, access.loc, rows[row + r], memory);
        if (count != columns)
          part = vector::ExtractStridedSliceOp::create(b, access.loc, part, {column}, {count}, {1});
        if (count != size) { // lanes beyond the last column are never stored
          SmallVector<int64_t> lanes = llvm::to_vector(llvm::seq<int64_t>(0, count));
          lanes.resize(size, 0);
          part = vector::ShuffleOp::create(b, access.loc, part, part, lanes);
        }
        square.push_back(part);
      }
      transposeSquare(b, access.loc, square);
      for (int64_t c = 0; c < count; ++c)
        vector::StoreOp::create(b, access.loc, square[c], access.buffer, access.elementAt(row, column + c));
    }
}

void lutra::transposeSquare(OpBuilder &builder, Location loc, MutableArrayRef<Value> square) {
  int64_t lanes = square.size();
  auto type = cast<VectorType>(square.front().getType());
  if (type.getElementTypeBitWidth() == 8) { // one instruction each within 128 bits: halves are dealt out in turn
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      int64_t from = lane / 2 + lane % 2 * lanes;
      low.push_back(from);
      high.push_back(from + lanes / 2);
    }
    for (int64_t size = 1; size < lanes; size *= 2) {
      SmallVector<Value> dealt;
      for (int64_t row = 0; row < lanes / 2; ++row)
        for (ArrayRef<int64_t> order : {ArrayRef<int64_t>(low), ArrayRef<int64_t>(high)})
          dealt.push_back(
              vector::ShuffleOp::create(builder, loc, square[row], square[row + lanes / 2], order).getResult());
      llvm::copy(dealt, square.begin());
    }
    return;
  }
  for (int64_t size = 1; size < lanes; size *= 2) { // blocks of doubling size are exchanged
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < lanes; ++lane) {
      bool second = lane & size;
      low.push_back(second ? lanes + lane - size : lane);
      high.push_back(second ? lanes + lane : lane + size);
    }
    for (int64_t row = 0; row < lanes; ++row) {
      if (row & size)
        continue;
      Value first = square[row], second = square[row + size];
      square[row] = vector::ShuffleOp::create(builder, loc, first, second, low);
      square[row + size] = vector::ShuffleOp::create(builder, loc, first, second, high);
    }
  }
}

/// A buffer as one dimension, for linear offsets.
static Value flatten(OpBuilder &builder, Location loc, Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  if (type.getRank() == 1)
    return buffer;
  OpFoldResult total = builder.getIndexAttr(1);
  int64_t count = type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
  if (type.hasStaticShape()) {
    total = builder.getIndexAttr(count);
  } else {
    Value product = arith::ConstantIndexOp::create(builder, loc, 1);
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      product = arith::MulIOp::create(builder, loc, product, memref::DimOp::create(builder, loc, buffer, dim));
    total = product;
  }
  auto flat = MemRefType::get({count}, type.getElementType(),
                              StridedLayoutAttr::get(builder.getContext(), 0, {1}));
  return memref::ReinterpretCastOp::create(builder, loc, flat, buffer, OpFoldResult(builder.getIndexAttr(0)),
                                           ArrayRef<OpFoldResult>{total},
                                           ArrayRef<OpFoldResult>{builder.getIndexAttr(1)});
}

namespace {
struct LoadPattern final : OpConversionPattern<TileLoadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TileLoadOp op, OneToNOpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = cast<TileType>(op.getResult().getType());
    TileAccess access{rewriter, op.getLoc(), op.getSource(), op.getIndices(), op.getBounds(),
                      SmallVector<int64_t>(op.getDims()), SmallVector<int64_t>(op.getSteps()), type};
    SmallVector<Value> rows;
    if (access.isTurned())
      rows = loadTurned(access);
    else
      for (int64_t r = 0; r < access.rows(); ++r)
        rows.push_back(fromMemory(rewriter, op.getLoc(), loadRow(access, r), type.getElementType()));
    rewriter.replaceOpWithMultiple(op, {rows});
    return success();
  }
};

struct StorePattern final : OpConversionPattern<TileStoreOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TileStoreOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto type = cast<TileType>(op.getValue().getType());
    TileAccess access{rewriter, op.getLoc(), op.getDest(), op.getIndices(), op.getBounds(),
                      SmallVector<int64_t>(op.getDims()), SmallVector<int64_t>(op.getSteps()), type};
    if (access.isDense())
      storeDense(access, adaptor.getValue());
    else if (access.isTurned())
      storeTurned(access, adaptor.getValue());
    else
      for (int64_t r = 0; r < access.rows(); ++r)
        storeRow(access, r, adaptor.getValue()[r]);
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

/// Offsets as indices.
static Value toIndices(OpBuilder &builder, Location loc, Value offsets) {
  Type type = builder.getIndexType();
  if (auto vector = dyn_cast<VectorType>(offsets.getType()))
    type = vector.clone(type);
  if (getElementTypeOrSelf(offsets.getType()).isInteger(8))
    return arith::IndexCastUIOp::create(builder, loc, type, offsets);
  return type == offsets.getType() ? offsets : arith::IndexCastOp::create(builder, loc, type, offsets).getResult();
}

namespace {
struct GatherPattern final : OpConversionPattern<TileGatherOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(TileGatherOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<TileType>(op.getResult().getType());
    Value flat = flatten(rewriter, loc, op.getSource());
    Type memory = cast<MemRefType>(flat.getType()).getElementType();
    TileAccess access{rewriter, loc, flat, {}, op.getBounds(), {}, {}, type};
    int64_t columns = access.columns();
    auto vectorType = VectorType::get({columns}, memory);
    SmallVector<Value> rows;
    for (int64_t r = 0; r < access.rows(); ++r) {
      Value offsets = toIndices(rewriter, loc, adaptor.getOffsets()[r]);
      Value bound = access.rowBound(r), row;
      if (columns == 1) {
        row = memref::LoadOp::create(rewriter, loc, flat, offsets);
      } else if (!bound) {
        SmallVector<Value> elements;
        for (int64_t c = 0; c < columns; ++c)
          elements.push_back(memref::LoadOp::create(
              rewriter, loc, flat, vector::ExtractOp::create(rewriter, loc, offsets, c).getResult()));
        row = vector::FromElementsOp::create(rewriter, loc, vectorType, elements);
      } else {
        Value positions = stackBuffer(rewriter, loc, columns, rewriter.getIndexType());
        Value stack = stackBuffer(rewriter, loc, columns, memory);
        Value zero = access.constant(0);
        vector::StoreOp::create(rewriter, loc, offsets, positions, zero);
        vector::StoreOp::create(rewriter, loc, zeroOf(rewriter, loc, vectorType), stack, zero);
        Value end = arith::MinSIOp::create(rewriter, loc, bound, access.constant(columns));
        auto loop = scf::ForOp::create(rewriter, loc, zero, end, access.constant(1));
        {
          OpBuilder::InsertionGuard guard(rewriter);
          rewriter.setInsertionPointToStart(loop.getBody());
          Value at = loop.getInductionVar();
          Value offset = memref::LoadOp::create(rewriter, loc, positions, at);
          memref::StoreOp::create(rewriter, loc, memref::LoadOp::create(rewriter, loc, flat, offset), stack, at);
        }
        row = vector::LoadOp::create(rewriter, loc, vectorType, stack, zero);
      }
      rows.push_back(fromMemory(rewriter, loc, row, type.getElementType()));
    }
    rewriter.replaceOpWithMultiple(op, {rows});
    return success();
  }
};
} // namespace

void lutra::populateTileMemoryPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<LoadPattern, StorePattern, GatherPattern>(converter, patterns.getContext());
}
