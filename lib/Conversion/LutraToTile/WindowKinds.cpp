//===- WindowKinds.cpp - pooling -----------------------------------------------------------===//
// Each result window folds over the positions that exist. With channels last the windows are tiles of
// channels.
#include "GroupKinds.h"
#include "OutputWalk.h"
#include "Reductions.h"
#include "Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lutra;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

static Value toFloat(KernelEmitter &emitter, Value index, Type real, int64_t rank) {
  Value whole = arith::IndexCastOp::create(emitter.builder, emitter.loc, emitter.builder.getI64Type(), index);
  Value value = arith::SIToFPOp::create(emitter.builder, emitter.loc, real, whole);
  return emitter.fill(value, SmallVector<int64_t>(rank, 1));
}

//===----------------------------------------------------------------------===//
// pool
//===----------------------------------------------------------------------===//

/// Whether windows along the last dimension start at each of its elements in turn: then a tile of results reads tiles.
static bool slidesAlongRows(PoolOp op) {
  auto type = typeOf(op.getResult());
  return op.getLayout() == ConvLayout::ChannelsFirst && !op.getStrides().empty() && op.getStrides().back() == 1 &&
         !type.isDynamicDim(type.getRank() - 1) && !typeOf(op.getInput()).isDynamicDim(type.getRank() - 1);
}

static OutputWalk walkPool(KernelEmitter &emitter, PoolOp op) {
  int64_t work = 1;
  for (int64_t size : op.getWindow())
    work *= size;
  SmallVector<Value> sizes = emitter.getSizes(op.getResult());
  if (slidesAlongRows(op)) { // units are whole rows
    work *= typeOf(op.getResult()).getShape().back();
    sizes.pop_back();
    return {emitter, sizes, /*tiled=*/false, emitter.constant(work)};
  }
  return {emitter, sizes, op.getLayout() == ConvLayout::ChannelsLast, emitter.constant(work)};
}

/// The results of one window. `whole`: along the last dimension no window meets an edge.
static LogicalResult emitPoolWindow(KernelEmitter &emitter, PoolOp op, const TileWindow &window, bool whole) {
  bool maximum = op.getKind() == PoolKind::Max;
  ReduceKind kind = maximum ? ReduceKind::Max : ReduceKind::Sum;
  Type element = typeOf(op.getInput()).getElementType();
  Reduction reduction{emitter, kind, element};
  int64_t firstDim = op.getLayout() == ConvLayout::ChannelsLast ? 1 : 2;
  int64_t spatial = op.getWindow().size();
  SmallVector<std::pair<Value, Value>> ranges;
  SmallVector<Value> starts;
  Value count = emitter.constant(1);
  for (int64_t i = 0; i < spatial; ++i) {
    Value output = window.indices[firstDim + i], size = emitter.getSize(op.getInput(), firstDim + i);
    int64_t extent = op.getWindow()[i], dilation = op.getDilations()[i];
    WindowRange range = clipWindow(emitter, output, size, extent, op.getStrides()[i], op.getLow()[i], dilation);
    if (whole && i + 1 == spatial)
      range = {range.start, emitter.constant(0), emitter.constant(extent)};
    ranges.push_back({range.low, range.high});
    starts.push_back(range.start);
    Value here = emitter.max(emitter.constant(0), emitter.sub(range.high, range.low));
    if (whole && i + 1 == spatial) {
      here = emitter.constant(extent);
    } else if (op.getCountPadding()) { // up to the end of the padding behind
      Value left = emitter.sub(emitter.add(size, emitter.constant(op.getHigh()[i])), range.start);
      here = emitter.min(emitter.constant(extent),
                         emitter.ceilDiv(emitter.max(emitter.constant(0), left), emitter.constant(dilation)));
    }
    count = emitter.mul(count, here);
  }
  Value start = emitter.fill(ScalarBuilder::neutral(kind, element), window.shape);
  auto folded = foldNest(emitter, ranges, start,
                         [&](ArrayRef<Value> position, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
                           TileWindow at = window;
                           for (int64_t i = 0; i < spatial; ++i)
                             at.indices[firstDim + i] = emitter.add(
                                 starts[i], emitter.mul(position[i], emitter.constant(op.getDilations()[i])));
                           FailureOr<Value> tile = emitter.emitTile(op.getInput(), at);
                           if (failed(tile))
                             return failure();
                           Value value = emitter.broadcast(reduction.widen(*tile), window.shape);
                           return KernelEmitter::Carried{reduction.combine(carried[0], value)};
                         });
  if (failed(folded))
    return failure();
  Value value = folded->front();
  if (!maximum) {
    Type compute = getComputeType(element);
    Value divisor = toFloat(emitter, count, compute, window.shape.size());
    value = emitter.map({value, divisor}, compute, [&](OpBuilder &b, ValueRange v) -> Value {
      return arith::DivFOp::create(b, emitter.loc, v[0], v[1]);
    });
  }
  emitter.bind(op.getResult(), window, reduction.finish(value));
  return emitter.emitResults(window);
}

static LogicalResult emitPool(KernelEmitter &emitter, bool elementwise) {
  auto op = cast<PoolOp>(getRoot(emitter.kernel));
  OutputWalk walk = walkPool(emitter, op);
  if (!slidesAlongRows(op))
    return walk.run(elementwise,
                    [&](const TileWindow &window) { return emitPoolWindow(emitter, op, window, /*whole=*/false); });
  auto type = typeOf(op.getResult());
  int64_t last = type.getRank() - 1, size = type.getDimSize(last), inSize = typeOf(op.getInput()).getDimSize(last);
  int64_t reach = (op.getWindow().back() - 1) * op.getDilations().back();
  // Results [low, high) have their whole window inside.
  int64_t low = std::min(size, op.getLow().back());
  int64_t high = std::max(low, std::min(size, inSize - reach + op.getLow().back()));
  return walk.run(elementwise, [&](const TileWindow &row) -> LogicalResult {
    SmallVector<Value> indices(row.indices);
    indices.push_back(Value());
    auto edge = [&](int64_t from, int64_t to) {
      return emitter.forEach(emitter.constant(from), emitter.constant(to), emitter.constant(1), [&](Value index) {
        indices.back() = index;
        return emitPoolWindow(emitter, op, TileWindow::element(indices), /*whole=*/false);
      });
    };
    if (low > 0 && failed(edge(0, low)))
      return failure();
    if (high > low &&
        failed(emitter.forTiles(emitter.constant(low), emitter.constant(high), elementwise ? 1 : emitter.getTileWidth(),
                                [&](Value index, int64_t width, Value bound) {
                                  indices.back() = index;
                                  return emitPoolWindow(emitter, op, TileWindow::row(indices, last, width, bound),
                                                        /*whole=*/true);
                                })))
      return failure();
    return high < size ? edge(high, size) : success();
  });
}

GroupKind lutra::getPoolKind() {
  return {hasRoot<PoolOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> {
            return walkPool(emitter, cast<PoolOp>(getRoot(emitter.kernel))).items();
          },
          emitPool};
}
