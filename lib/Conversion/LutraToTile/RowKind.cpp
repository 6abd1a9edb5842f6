//===- RowKind.cpp - kernels of a softmax or normalisation -------------------------------===//
// A work item is a few rows, see RowFunction.cpp. The statistics of a row lie along its last dimension in tiles; a
// softmax over another axis takes a tile of the last dimension at a time and walks the axis.
#include "GroupKinds.h"
#include "RowFunction.h"

using namespace mlir;
using namespace lutra;

namespace {

class RowEmission {
public:
  RowEmission(KernelEmitter &emitter, bool elementwise);
  Value getItems();
  LogicalResult emitItem();

private:
  /// Units of work (rows, or tiles of rows) in each kept dimension; elements of one unit in `work`.
  SmallVector<Value> getUnits(Value &work);
  Value getUnitsPerItem(Value work);

  KernelEmitter &emitter;
  int64_t rank, width;
  RowFunction function;
  SmallVector<int64_t> kept; // dimensions that the op does not fold
};
} // namespace

/// The output row, when it can hold values of the compute type.
static RowSink makeSink(KernelEmitter &emitter) {
  RowSink sink{[&emitter](const TileWindow &window) { return emitter.emitResults(window); }};
  auto type = cast<RankedTensorType>(getRoot(emitter.kernel)->getResult(0).getType());
  auto yielded = cast<RankedTensorType>(emitter.kernel.getYield().getValues()[0].getType());
  if (emitter.getItem() && emitter.kernel.getNumResults() == 1 &&
      yielded.getElementType() == getComputeType(type.getElementType()) && yielded.getShape() == type.getShape())
    sink.buffer = emitter.getOutput(0);
  return sink;
}

RowEmission::RowEmission(KernelEmitter &kernelEmitter, bool elementwise)
    : emitter(kernelEmitter),
      rank(cast<RankedTensorType>(getRoot(emitter.kernel)->getResult(0).getType()).getRank()),
      width(elementwise ? 1 : emitter.getTileWidth()),
      function(emitter, getRoot(emitter.kernel), width, makeSink(emitter)) {
  for (int64_t dim = 0; dim < rank; ++dim)
    if (!llvm::is_contained(function.getAxes(), dim))
      kept.push_back(dim);
}

SmallVector<Value> RowEmission::getUnits(Value &work) {
  ArrayRef<Value> sizes = function.getSizes();
  Value tile = emitter.constant(emitter.getTileWidth());
  work = emitter.constant(1);
  for (int64_t axis : function.getAxes())
    work = emitter.mul(work, sizes[axis]);
  SmallVector<Value> units;
  for (int64_t dim : kept) {
    bool isTiled = !function.isAlongLast() && dim == rank - 1;
    units.push_back(isTiled ? emitter.ceilDiv(sizes[dim], tile) : sizes[dim]);
    if (isTiled)
      work = emitter.mul(work, tile);
  }
  return units;
}

Value RowEmission::getUnitsPerItem(Value work) {
  // A row costs about eight times a pointwise element.
  Value grain = emitter.constant(std::max<int64_t>(1, emitter.target.getGrain() / 8)), one = emitter.constant(1);
  return emitter.max(one, emitter.div(grain, emitter.max(one, work)));
}

Value RowEmission::getItems() {
  Value work;
  SmallVector<Value> units = getUnits(work);
  return emitter.ceilDiv(emitter.product(units), getUnitsPerItem(work));
}

LogicalResult RowEmission::emitItem() {
  Value work;
  SmallVector<Value> units = getUnits(work);
  Value perItem = getUnitsPerItem(work);
  Value first = emitter.mul(emitter.getItem(), perItem);
  Value last = emitter.min(emitter.add(first, perItem), emitter.product(units));
  return emitter.forEach(first, last, emitter.constant(1), [&](Value unit) -> LogicalResult {
    SmallVector<Value> at = emitter.delinearize(unit, units);
    SmallVector<Value> indices(rank, emitter.constant(0));
    for (auto [dim, index] : llvm::zip_equal(kept, at))
      indices[dim] = index;
    if (function.isAlongLast())
      return function.emit(TileWindow::element(indices));
    Value step = emitter.constant(emitter.getTileWidth());
    Value low = emitter.mul(indices[rank - 1], step);
    Value high = emitter.min(emitter.add(low, step), function.getSizes()[rank - 1]);
    return emitter.forTiles(low, high, width, [&](Value index, int64_t size, Value bound) {
      indices[rank - 1] = index;
      TileWindow row = TileWindow::row(indices, rank - 1, size, bound);
      row.aligned = true;
      return function.emit(row);
    });
  });
}

GroupKind lutra::getRowKind() {
  return {hasRoot<IntegerNormOp, IntegerSoftmaxOp, LayerNormOp, RmsNormOp, SoftmaxOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> { return RowEmission(emitter, false).getItems(); },
          [](KernelEmitter &emitter, bool elementwise) { return RowEmission(emitter, elementwise).emitItem(); }};
}
