//===- DynamicQuantizeKind.cpp - codes with scales of their values ------------------------===//
// A work item is a few rows. The first pass over a group of a row finds its range, the second one writes codes. A row
// that is computed, by pointwise ops or through one softmax or norm, is computed once: it waits for the second pass in
// the result that it goes to as well, where others read it, or else in a buffer of one row. Tables of a row's codes
// (lutra.subset_sums) follow these.
#include "GroupKinds.h"
#include "OutputWalk.h"
#include "Product.h"
#include "Reductions.h"
#include "RowFunction.h"
#include "Scalars.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lutra;

namespace {
class QuantizeEmission {
public:
  QuantizeEmission(KernelEmitter &emitter, bool elementwise);
  OutputWalk walkRows();
  LogicalResult emitRow(ArrayRef<Value> row);

private:
  /// Neighbours of a row that share a scale; `low` may be no constant.
  struct Group {
    Value index, low;
    int64_t size;
  };
  LogicalResult emitGroup(ArrayRef<Value> row, const Group &group);
  LogicalResult emitGroups(ArrayRef<Value> row);
  LogicalResult emitTables(ArrayRef<Value> row, SubsetSumsOp sums, Value tables);
  FailureOr<KernelEmitter::Carried> findLimits(ArrayRef<Value> row, const Group &group);
  LogicalResult computeRow(ArrayRef<Value> row);
  LogicalResult keep(const TileWindow &window);
  FailureOr<Value> readTile(const TileWindow &window);
  TileWindow placed(const TileWindow &window);
  TileWindow windowOf(ArrayRef<Value> row, const Group &group, Value at, int64_t size, Value bound);
  Value number(OpBuilder &builder, double value) {
    return arith::ConstantOp::create(builder, emitter.loc, builder.getF32FloatAttr(static_cast<float>(value)));
  }
  Value toCode(OpBuilder &builder, Value rounded);
  void askForNext(const TileWindow &window, int64_t size);

  KernelEmitter &emitter;
  DynamicQuantizeOp op;
  RankedTensorType type;
  int64_t rank, depth, block, width;
  bool elementwise;
  Operation *producer; // a softmax or norm; null: none
  Value held;          // the values of rows; null: the input's buffer has them
  bool isScratch = false;
};
} // namespace

/// Vectors of a tile: as many chains of maxima hide each other's latency.
static constexpr int64_t tileVectors = 4;

/// Bytes of a row from which on the next one is asked for, and of a cache's line.
static constexpr int64_t leastAhead = 4096, lineBytes = 64;

QuantizeEmission::QuantizeEmission(KernelEmitter &kernelEmitter, bool elementwise)
    : emitter(kernelEmitter), op(cast<DynamicQuantizeOp>(getRoot(kernelEmitter.kernel))),
      type(cast<RankedTensorType>(op.getInput().getType())), rank(type.getRank()), depth(type.getShape().back()),
      elementwise(elementwise), producer(getRowProducer(kernelEmitter.kernel)) {
  block = std::min<int64_t>(op.getBlock(), std::max<int64_t>(1, depth));
  int64_t most = emitter.getTileWidth() * tileVectors;
  width = elementwise ? 1 : std::min<int64_t>(most, block == depth ? most : block & -block);
}

OutputWalk QuantizeEmission::walkRows() {
  SmallVector<Value> sizes = emitter.getSizes(op.getInput());
  sizes.back() = emitter.constant(1);
  constexpr int64_t cost = 4; // of an element beside a pointwise one
  return {emitter, sizes, /*tiled=*/false, emitter.constant(depth * cost)};
}

TileWindow QuantizeEmission::placed(const TileWindow &window) {
  if (!isScratch)
    return window;
  TileWindow place = window;
  place.indices = {window.indices.back()};
  for (int64_t &dim : place.dims)
    dim = dim == rank - 1 ? 0 : -1;
  return place;
}

/// Stores the computed values of a window, and what else the kernel has of it.
LogicalResult QuantizeEmission::keep(const TileWindow &window) {
  auto yielded = emitter.kernel.getYield().getValues();
  for (unsigned i = op->getNumResults(); i < yielded.size(); ++i)
    if (!yielded[i].getDefiningOp<SubsetSumsOp>() && failed(emitter.emitResult(i, window)))
      return failure();
  if (!isScratch) // one of these
    return success();
  FailureOr<Value> tile = emitter.emitTile(op.getInput(), window);
  if (succeeded(tile))
    emitter.storeTile(*tile, held, placed(window));
  return success(succeeded(tile));
}

FailureOr<Value> QuantizeEmission::readTile(const TileWindow &window) {
  FailureOr<Value> tile = held ? FailureOr<Value>(emitter.loadTile(held, placed(window), type.getElementType()))
                               : emitter.emitTile(op.getInput(), window);
  if (failed(tile))
    return failure();
  return emitter.broadcast(Reduction{emitter, ReduceKind::Max, type.getElementType()}.widen(*tile), window.shape);
}

/// A whole row through the softmax or norm that it comes from.
LogicalResult QuantizeEmission::computeRow(ArrayRef<Value> row) {
  RowSink sink;
  sink.store = [&](const TileWindow &window) { return keep(window); };
  auto computed = cast<RankedTensorType>(producer->getResult(0).getType());
  if (computed.getElementType() == type.getElementType() && type.getElementType().isF32()) {
    sink.buffer = held;
    if (isScratch)
      sink.place = [&](const TileWindow &window) { return placed(window); };
  }
  int64_t tile = elementwise ? 1 : emitter.getTileWidth();
  return RowFunction(emitter, producer, tile, std::move(sink)).emit(TileWindow::element(row));
}

TileWindow QuantizeEmission::windowOf(ArrayRef<Value> row, const Group &group, Value at, int64_t size, Value bound) {
  SmallVector<Value> indices(row);
  indices.back() = emitter.add(group.low, at);
  TileWindow window = TileWindow::row(indices, rank - 1, size, bound);
  window.aligned = true;
  return window;
}

/// The largest magnitude, or the least and the greatest value beside 0.
FailureOr<KernelEmitter::Carried> QuantizeEmission::findLimits(ArrayRef<Value> row, const Group &group) {
  Type real = emitter.builder.getF32Type();
  TypedAttr zero = emitter.builder.getF32FloatAttr(0);
  bool computes = held && !producer;
  Reduction greatest{emitter, ReduceKind::Max, real}, least{emitter, ReduceKind::Min, real};
  KernelEmitter::Carried start(op.getZeroPoint() ? 2 : 1, emitter.fill(zero, {width}));
  auto limits = emitter.foldTiles(
      emitter.constant(0), emitter.constant(group.size), width, start,
      [&](Value at, int64_t size, Value bound, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
        TileWindow window = windowOf(row, group, at, size, bound);
        if (computes && failed(keep(window)))
          return failure();
        FailureOr<Value> read = computes ? emitter.emitTile(op.getInput(), window) : readTile(window);
        if (failed(read))
          return failure();
        Value tile = emitter.broadcast(greatest.widen(*read), window.shape);
        tile = emitter.maskTail(tile, bound, zero);
        if (op.getZeroPoint())
          return KernelEmitter::Carried{greatest.combine(carried[0], tile), least.combine(carried[1], tile)};
        Value magnitude = emitter.map(tile, real, [&](OpBuilder &builder, ValueRange scalars) -> Value {
          return math::AbsFOp::create(builder, emitter.loc, scalars[0]);
        });
        return KernelEmitter::Carried{greatest.combine(carried[0], magnitude)};
      });
  if (failed(limits))
    return failure();
  KernelEmitter::Carried found;
  constexpr ReduceKind kinds[] = {ReduceKind::Max, ReduceKind::Min};
  for (auto [tile, kind] : llvm::zip(*limits, kinds))
    found.push_back(TileReduceOp::create(emitter.builder, emitter.loc, TileType::get({}, real), kind, tile,
                                         /*is_unsigned=*/false));
  return found;
}

/// Of an f32 between the least and the greatest code, which is an integer where codes are; NaN: 0.
Value QuantizeEmission::toCode(OpBuilder &builder, Value rounded) {
  auto select = [&](arith::CmpFPredicate stays, Value bound, Value other) {
    Value condition = arith::CmpFOp::create(builder, emitter.loc, stays, rounded, bound);
    rounded = arith::SelectOp::create(builder, emitter.loc, condition, rounded, other);
  };
  Value least = number(builder, op.getLeast()), most = number(builder, op.getMost());
  select(arith::CmpFPredicate::ORD, rounded, number(builder, 0));
  select(arith::CmpFPredicate::OGT, least, least);
  select(arith::CmpFPredicate::OLT, most, most);
  if (op.hasFloatCodes())
    return arith::TruncFOp::create(builder, emitter.loc, op.getCodeElement(), rounded);
  Value wide = arith::FPToSIOp::create(builder, emitter.loc, builder.getI32Type(), rounded);
  return arith::TruncIOp::create(builder, emitter.loc, builder.getI8Type(), wide);
}

/// Asks for what lies below a window: the second pass, which reads what the first one brought, leaves memory idle.
void QuantizeEmission::askForNext(const TileWindow &window, int64_t size) {
  Value buffer = held ? Value() : emitter.getBuffer(op.getInput());
  int64_t bytes = type.getElementType().getIntOrFloatBitWidth() / 8;
  if (!buffer || elementwise || rank < 2 || block < depth || depth * bytes < leastAhead)
    return;
  SmallVector<Value> at(window.indices);
  at[rank - 2] = emitter.add(at[rank - 2], emitter.constant(1));
  for (int64_t from = 0; from < size; from += lineBytes / bytes) {
    SmallVector<Value> line(at);
    line.back() = emitter.add(line.back(), emitter.constant(from));
    memref::PrefetchOp::create(emitter.builder, emitter.loc, buffer, ValueRange(line), /*isWrite=*/false,
                               /*localityHint=*/2, /*isDataCache=*/true); // past the end nothing happens
  }
}

LogicalResult QuantizeEmission::emitGroup(ArrayRef<Value> row, const Group &group) {
  FailureOr<KernelEmitter::Carried> limits = findLimits(row, group);
  if (failed(limits))
    return failure();
  Location loc = emitter.loc;
  Type real = emitter.builder.getF32Type(), byte = emitter.builder.getI8Type();
  double steps = static_cast<double>(op.getSteps());
  Value range = emitter.map(*limits, real, [&](OpBuilder &builder, ValueRange scalars) -> Value {
    Value whole = scalars[0];
    if (scalars.size() > 1)
      whole = arith::SubFOp::create(builder, loc, whole, scalars[1]);
    return arith::MaximumFOp::create(builder, loc, whole, number(builder, op.getFloor().convertToFloat()));
  });
  auto divide = [&](bool inverts) {
    return emitter.map(range, real, [&](OpBuilder &builder, ValueRange scalars) -> Value {
      Value count = number(builder, steps);
      if (inverts && op.getReciprocal()) {
        Value one = arith::DivFOp::create(builder, loc, number(builder, 1), scalars[0]);
        return arith::MulFOp::create(builder, loc, count, one);
      }
      return arith::DivFOp::create(builder, loc, inverts ? count : scalars[0], inverts ? scalars[0] : count);
    });
  };
  SmallVector<Value> sides(row);
  sides.back() = group.index;
  emitter.storeTile(divide(false), emitter.getOutput(1), TileWindow::element(sides));
  SmallVector<Value> factors{divide(true)};
  if (op.getZeroPoint()) {
    Value zero = emitter.map({(*limits)[1], factors[0]}, byte, [&](OpBuilder &builder, ValueRange scalars) -> Value {
      Value shift = arith::MulFOp::create(builder, loc, scalars[0], scalars[1]);
      Value place = arith::SubFOp::create(builder, loc, number(builder, op.getLeast()), shift);
      return toCode(builder, math::RoundEvenOp::create(builder, loc, place));
    });
    emitter.storeTile(zero, emitter.getOutput(2), TileWindow::element(sides));
    factors.push_back(emitter.map(zero, real, [&](OpBuilder &builder, ValueRange scalars) -> Value {
      return arith::SIToFPOp::create(builder, loc, real, scalars[0]);
    }));
  }
  Value zero = emitter.constant(0), size = emitter.constant(group.size);
  return emitter.forTiles(zero, size, width, [&](Value at, int64_t length, Value bound) -> LogicalResult {
    TileWindow window = windowOf(row, group, at, length, bound);
    FailureOr<Value> tile = readTile(window);
    if (failed(tile))
      return failure();
    askForNext(window, length);
    SmallVector<Value> tiles{*tile};
    tiles.append(factors);
    Value codes = emitter.map(tiles, op.getCodeElement(), [&](OpBuilder &builder, ValueRange scalars) -> Value {
      Value scaled = arith::MulFOp::create(builder, loc, scalars[0], scalars[1]);
      if (op.hasFloatCodes())
        return toCode(builder, scaled);
      Value rounded = math::RoundEvenOp::create(builder, loc, scaled);
      if (scalars.size() > 2)
        rounded = arith::AddFOp::create(builder, loc, rounded, scalars[2]);
      return toCode(builder, rounded);
    });
    emitter.storeTile(codes, emitter.getOutput(0), window);
    return success();
  });
}

LogicalResult QuantizeEmission::emitRow(ArrayRef<Value> row) {
  auto yielded = emitter.kernel.getYield().getValues();
  if (!emitter.getBuffer(op.getInput()) && !held) {
    auto own = llvm::find(yielded, op.getInput());
    isScratch = own == yielded.end();
    held = isScratch ? makeScratch(emitter, {depth}, getBufferElement(type.getElementType()))
                     : emitter.getOutput(own - yielded.begin());
  }
  if (producer && failed(computeRow(row)))
    return failure();
  if (failed(emitGroups(row)))
    return failure();
  for (auto [i, value] : llvm::enumerate(yielded))
    if (auto sums = value.getDefiningOp<SubsetSumsOp>(); sums && failed(emitTables(row, sums, emitter.getOutput(i))))
      return failure();
  return success();
}

/// Tables of the row's codes, which have been written.
LogicalResult QuantizeEmission::emitTables(ArrayRef<Value> row, SubsetSumsOp sums, Value tables) {
  assert(sums.getRows() == op.getCodes() && "kernels have tables of their codes alone");
  ArrayRef<int64_t> shape = cast<RankedTensorType>(sums.getType()).getShape();
  auto tileType = TileType::get(emitter.builder.getContext(), shape.drop_front(2), emitter.builder.getI8Type());
  SmallVector<Value> sizes = emitter.getSizes(op.getInput());
  Value zero = emitter.constant(0), number = emitter.linearize(row.drop_back(), ArrayRef(sizes).drop_back());
  return emitter.forEach(zero, emitter.constant(shape[1]), emitter.constant(1), [&](Value chunk) {
    SmallVector<Value> from(row);
    from.back() = emitter.mul(chunk, emitter.constant(shape[3] / 2));
    Value tile = TileSubsetSumsOp::create(emitter.builder, emitter.loc, tileType, emitter.getOutput(0), from,
                                          sums.getLhsBits());
    TileWindow window;
    window.indices = {number, chunk, zero, zero};
    window.shape.assign(shape.begin() + 2, shape.end());
    window.dims = {2, 3};
    window.steps = {1, 1};
    emitter.storeTile(tile, tables, window);
    return success();
  });
}

LogicalResult QuantizeEmission::emitGroups(ArrayRef<Value> row) {
  int64_t whole = depth / block, rest = depth % block;
  auto emitWhole = [&](Value index) {
    return emitGroup(row, {index, emitter.mul(index, emitter.constant(block)), block});
  };
  Value count = emitter.constant(whole);
  LogicalResult done = whole == 1 ? emitWhole(emitter.constant(0))
                                  : emitter.forEach(emitter.constant(0), count, emitter.constant(1), emitWhole);
  if (failed(done) || rest == 0)
    return done;
  return emitGroup(row, {count, emitter.constant(whole * block), rest});
}

GroupKind lutra::getDynamicQuantizeKind() {
  return {hasRoot<DynamicQuantizeOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> {
            return QuantizeEmission(emitter, false).walkRows().items();
          },
          [](KernelEmitter &emitter, bool elementwise) {
            QuantizeEmission emission(emitter, elementwise);
            return emission.walkRows().run(elementwise, [&](const TileWindow &window) {
              KernelEmitter::Scope scope(emitter);
              return emission.emitRow(window.indices);
            });
          }};
}
