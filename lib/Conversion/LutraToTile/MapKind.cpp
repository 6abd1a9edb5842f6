//===- MapKind.cpp - pointwise and movement ops alone ---------------------------===//
// All results have one shape. Its last dimension is walked in tiles; the others are one linear row
// index. An item is a block of rows times a chunk of the last dimension, about a grain of elements.
#include "GroupKinds.h"

using namespace mlir;
using namespace lutra;

namespace {
struct Split {
  SmallVector<Value> outer;
  Value inner, rows, rowsPerItem, chunk, chunks, rowBlocks;
};
} // namespace

static Split splitMap(KernelEmitter &emitter) {
  Split split;
  split.outer = emitter.getSizes(emitter.kernel.getYield().getValues()[0]);
  split.inner = split.outer.empty() ? emitter.constant(1) : split.outer.pop_back_val();
  split.rows = emitter.product(split.outer);
  Value grain = emitter.constant(emitter.target.getGrain()), one = emitter.constant(1);
  split.rowsPerItem = emitter.max(one, emitter.div(grain, emitter.max(one, split.inner)));
  split.chunk = grain;
  split.chunks = emitter.ceilDiv(split.inner, grain);
  split.rowBlocks = emitter.ceilDiv(split.rows, split.rowsPerItem);
  return split;
}

static FailureOr<Value> emitGrid(KernelEmitter &emitter) {
  Split split = splitMap(emitter);
  return emitter.mul(split.rowBlocks, split.chunks);
}

static LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) {
  int64_t rank = cast<RankedTensorType>(emitter.kernel.getYield().getValues()[0].getType()).getRank();
  if (rank == 0)
    return emitter.emitResults(TileWindow::element({}));
  Split split = splitMap(emitter);
  int64_t width = elementwise ? 1 : emitter.getTileWidth();
  SmallVector<Value> block = emitter.delinearize(emitter.getItem(), {split.rowBlocks, split.chunks});
  Value low = emitter.mul(block[1], split.chunk);
  Value high = emitter.min(emitter.add(low, split.chunk), split.inner);
  if (getConstantIntValue(split.chunks) == 1)
    high = split.inner;
  Value firstRow = emitter.mul(block[0], split.rowsPerItem);
  Value lastRow = emitter.min(emitter.add(firstRow, split.rowsPerItem), split.rows);
  if (getConstantIntValue(split.rowBlocks) == 1)
    lastRow = split.rows;
  return emitter.forEach(firstRow, lastRow, emitter.constant(1), [&](Value row) {
    SmallVector<Value> indices = emitter.delinearize(row, split.outer);
    indices.push_back(Value());
    return emitter.forTiles(low, high, width, [&](Value index, int64_t size, Value bound) {
      indices.back() = index;
      TileWindow window = TileWindow::row(indices, rank - 1, size, bound);
      window.aligned = true;
      return emitter.emitResults(window);
    });
  });
}

GroupKind lutra::getMapKind() {
  return {[](KernelOp kernel) { return getRoot(kernel) == nullptr; }, emitGrid, emitItem};
}
