//===- ReduceKind.cpp - sums, products, maxima, minima over axes --------------------===//
// When the last dimension is reduced, an accumulator tile runs along it and is folded to one element
// at the end of each result; otherwise the tile lies along the last kept dimension and whole tiles
// are combined. Producers are evaluated in place, the pointwise epilogue on the finished tile. The order
// of a sum depends on shapes and the target's tile width alone.
#include "GroupKinds.h"
#include "Reductions.h"
#include "Scalars.h"

using namespace mlir;
using namespace lutra;

namespace {
struct Split {
  SmallVector<Value> sizes, kept; // kept: sizes without the reduced and, if tiled, the last dimension
  SmallVector<int64_t> keptDims;
  bool inner;                     // the last dimension is reduced
  Value rows, tiles, width, itemsPerRow, perItem;
};
} // namespace

/// The tile width along the dimension that is walked: two accumulators hide the latency of an add.
static int64_t tileWidth(KernelEmitter &emitter, bool inner) {
  return emitter.getTileWidth() * (inner ? 2 : 1);
}

static Split splitReduce(KernelEmitter &emitter, ReduceOp op) {
  Split split;
  int64_t rank = cast<RankedTensorType>(op.getInput().getType()).getRank();
  split.sizes = emitter.getSizes(op.getInput());
  split.inner = rank == 0 || llvm::is_contained(op.getAxes(), rank - 1);
  Value work = emitter.constant(1);
  for (int64_t dim = 0; dim < rank; ++dim) {
    if (llvm::is_contained(op.getAxes(), dim)) {
      work = emitter.mul(work, split.sizes[dim]);
    } else if (split.inner || dim != rank - 1) {
      split.kept.push_back(split.sizes[dim]);
      split.keptDims.push_back(dim);
    }
  }
  split.rows = emitter.product(split.kept);
  Value width = emitter.constant(split.inner ? 1 : emitter.getTileWidth());
  split.tiles = split.inner ? emitter.constant(1) : emitter.ceilDiv(split.sizes.back(), width);
  // One unit is one result element (or tile of results); an item is a grain of them.
  Value one = emitter.constant(1);
  split.perItem = emitter.max(one, emitter.div(emitter.constant(emitter.target.getGrain()),
                                               emitter.max(one, emitter.mul(work, width))));
  return split;
}

static FailureOr<Value> emitGrid(KernelEmitter &emitter) {
  Split split = splitReduce(emitter, cast<ReduceOp>(getRoot(emitter.kernel)));
  return emitter.ceilDiv(emitter.mul(split.rows, split.tiles), split.perItem);
}

static LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) {
  auto op = cast<ReduceOp>(getRoot(emitter.kernel));
  Split split = splitReduce(emitter, op);
  int64_t rank = split.sizes.size();
  int64_t width = elementwise ? 1 : tileWidth(emitter, split.inner);
  Type element = cast<RankedTensorType>(op.getInput().getType()).getElementType();
  Reduction reduction{emitter, op.getKind(), element};
  Value total = emitter.mul(split.rows, split.tiles);
  Value first = emitter.mul(emitter.getItem(), split.perItem);
  Value last = emitter.min(emitter.add(first, split.perItem), total);
  return emitter.forEach(first, last, emitter.constant(1), [&](Value unit) -> LogicalResult {
    SmallVector<Value> parts = emitter.delinearize(unit, {split.rows, split.tiles});
    SmallVector<Value> keptIndices = emitter.delinearize(parts[0], split.kept);
    SmallVector<Value> indices(rank, emitter.constant(0));
    for (auto [dim, index] : llvm::zip_equal(split.keptDims, keptIndices))
      indices[dim] = index;
    SmallVector<int64_t> axes(op.getAxes());
    if (split.inner) {
      FailureOr<Value> sum = reduction.alongRow(op.getInput(), indices, axes, split.sizes, width);
      if (failed(sum))
        return failure();
      TileWindow window = TileWindow::element(indices);
      emitter.bind(op.getResult(), window, reduction.finish(*sum));
      return emitter.emitResults(window);
    }
    // Tiles of the last dimension; single elements where the access allows no tile.
    Value low = emitter.mul(parts[1], emitter.constant(emitter.getTileWidth()));
    Value high = emitter.min(emitter.add(low, emitter.constant(emitter.getTileWidth())), split.sizes.back());
    return emitter.forTiles(low, high, width, [&](Value index, int64_t size, Value bound) -> LogicalResult {
      indices[rank - 1] = index;
      TileWindow window = TileWindow::row(indices, rank - 1, size, bound);
      window.aligned = true;
      FailureOr<Value> sum = reduction.acrossRows(op.getInput(), window, axes, split.sizes);
      if (failed(sum))
        return failure();
      emitter.bind(op.getResult(), window, reduction.finish(*sum));
      return emitter.emitResults(window);
    });
  });
}

GroupKind lutra::getReduceKind() { return {hasRoot<ReduceOp>, emitGrid, emitItem}; }
