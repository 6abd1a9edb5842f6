//===- CopyKinds.cpp - concat and scatter: results written piece by piece --------------------===//
#include "GroupKinds.h"
#include "OutputWalk.h"
#include "Reductions.h"
#include "Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lutra;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

/// Copies `source` (any tensor of the kernel) into a buffer, `shift` elements further along `axis`, for the
/// fixed leading indices.
static LogicalResult copyInto(KernelEmitter &emitter, Value source, Value buffer, ArrayRef<Value> lead,
                              int64_t axis, Value shift, bool elementwise) {
  SmallVector<Value> sizes = emitter.getSizes(source);
  int64_t rank = sizes.size();
  SmallVector<Value> middle(sizes.begin() + lead.size(), sizes.end() - 1);
  return emitter.forEach(emitter.constant(0), emitter.product(middle), emitter.constant(1), [&](Value row) {
    SmallVector<Value> indices(lead);
    indices.append(emitter.delinearize(row, middle));
    indices.push_back(Value());
    int64_t width = elementwise ? 1 : emitter.getTileWidth();
    return emitter.forTiles(emitter.constant(0), sizes.back(), width,
                            [&](Value index, int64_t size, Value bound) -> LogicalResult {
                              indices.back() = index;
                              TileWindow from = TileWindow::row(indices, rank - 1, size, bound);
                              from.aligned = true;
                              FailureOr<Value> tile = emitter.emitTile(source, from);
                              if (failed(tile))
                                return failure();
                              TileWindow to = from;
                              to.indices[axis] = emitter.add(shift, to.indices[axis]);
                              emitter.storeTile(*tile, buffer, to);
                              return success();
                            });
  });
}

//===----------------------------------------------------------------------===//
// concat: an item is a run of the dimensions before the axis
//===----------------------------------------------------------------------===//

static OutputWalk walkConcat(KernelEmitter &emitter, ConcatOp op) {
  SmallVector<Value> sizes = emitter.getSizes(op.getResult());
  Value work = emitter.product(ArrayRef<Value>(sizes).drop_front(op.getAxis()));
  sizes.truncate(op.getAxis());
  return {emitter, sizes, /*tiled=*/false, work};
}

static LogicalResult emitConcat(KernelEmitter &emitter, bool elementwise) {
  auto op = cast<ConcatOp>(getRoot(emitter.kernel));
  int64_t axis = op.getAxis();
  return walkConcat(emitter, op).run(true, [&](const TileWindow &outer) -> LogicalResult {
    Value shift = emitter.constant(0);
    for (Value input : op.getInputs()) {
      if (failed(copyInto(emitter, input, emitter.getOutput(0), outer.indices, axis, shift, elementwise)))
        return failure();
      shift = emitter.add(shift, emitter.getSize(input, axis));
    }
    return success();
  });
}

GroupKind lutra::getConcatKind() {
  return {hasRoot<ConcatOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> {
            return walkConcat(emitter, cast<ConcatOp>(getRoot(emitter.kernel))).items();
          },
          emitConcat};
}

//===----------------------------------------------------------------------===//
// scatter: one item, since updates may meet; later ones win
//===----------------------------------------------------------------------===//

/// Writes `update` at `at`, combined with what is there.
static void combineElement(KernelEmitter &emitter, ScatterKind kind, Value update, ArrayRef<Value> at, Type element) {
  Value buffer = emitter.getOutput(0);
  Value stored = update;
  if (kind != ScatterKind::Set) {
    const ReduceKind kinds[] = {ReduceKind::Sum, ReduceKind::Prod, ReduceKind::Max, ReduceKind::Min};
    ScalarBuilder scalar{emitter.builder, emitter.loc};
    Value old = scalar.toCompute(emitter.loadElement(buffer, at, element));
    Value sum = scalar.combine(kinds[static_cast<unsigned>(kind) - 1], old, scalar.toCompute(update), element);
    stored = isa<FloatType>(element) ? scalar.fromCompute(sum, element) : sum;
  }
  emitter.storeElement(stored, buffer, at);
}

/// An index as in lutra.gather: from the end when negative, limited to the dimension.
static Value limitIndex(KernelEmitter &emitter, Value raw, Value size) {
  OpBuilder &b = emitter.builder;
  Value index = arith::IndexCastOp::create(b, emitter.loc, b.getIndexType(), raw);
  Value negative = arith::CmpIOp::create(b, emitter.loc, arith::CmpIPredicate::slt, index, emitter.constant(0));
  index = arith::SelectOp::create(b, emitter.loc, negative, emitter.add(index, size), index);
  return emitter.max(emitter.constant(0), emitter.min(index, emitter.sub(size, emitter.constant(1))));
}

static LogicalResult emitScatterElements(KernelEmitter &emitter, bool elementwise) {
  auto op = cast<ScatterElementsOp>(getRoot(emitter.kernel));
  Type element = typeOf(op.getInput()).getElementType();
  int64_t axis = op.getAxis();
  if (failed(copyInto(emitter, op.getInput(), emitter.getOutput(0), {}, 0, emitter.constant(0), elementwise)))
    return failure();
  SmallVector<Value> sizes = emitter.getSizes(op.getIndices());
  auto combine = [&](Value linear) -> LogicalResult {
    SmallVector<Value> at = emitter.delinearize(linear, sizes);
    FailureOr<Value> index = emitter.emitElement(op.getIndices(), at);
    FailureOr<Value> update = emitter.emitElement(op.getUpdates(), at);
    if (failed(index) || failed(update))
      return failure();
    at[axis] = limitIndex(emitter, *index, emitter.getSize(op.getInput(), axis));
    combineElement(emitter, op.getKind(), *update, at, element);
    return success();
  };
  return emitter.forEach(emitter.constant(0), emitter.product(sizes), emitter.constant(1), combine);
}

static LogicalResult emitScatterNd(KernelEmitter &emitter, bool elementwise) {
  auto op = cast<ScatterNdOp>(getRoot(emitter.kernel));
  Type element = typeOf(op.getInput()).getElementType();
  if (failed(copyInto(emitter, op.getInput(), emitter.getOutput(0), {}, 0, emitter.constant(0), elementwise)))
    return failure();
  SmallVector<Value> sizes = emitter.getSizes(op.getUpdates());
  int64_t lead = typeOf(op.getIndices()).getRank() - 1, tuple = typeOf(op.getIndices()).getShape().back();
  auto combine = [&](Value linear) -> LogicalResult {
    SmallVector<Value> from = emitter.delinearize(linear, sizes);
    SmallVector<Value> which(from.begin(), from.begin() + lead), at;
    which.push_back(Value());
    for (int64_t k = 0; k < tuple; ++k) {
      which.back() = emitter.constant(k);
      FailureOr<Value> index = emitter.emitElement(op.getIndices(), which);
      if (failed(index))
        return failure();
      at.push_back(limitIndex(emitter, *index, emitter.getSize(op.getInput(), k)));
    }
    at.append(from.begin() + lead, from.end());
    FailureOr<Value> update = emitter.emitElement(op.getUpdates(), from);
    if (failed(update))
      return failure();
    combineElement(emitter, op.getKind(), *update, at, element);
    return success();
  };
  return emitter.forEach(emitter.constant(0), emitter.product(sizes), emitter.constant(1), combine);
}

GroupKind lutra::getScatterKind() {
  return {hasRoot<ScatterElementsOp, ScatterNdOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> { return emitter.constant(1); },
          [](KernelEmitter &emitter, bool elementwise) {
            return isa<ScatterElementsOp>(getRoot(emitter.kernel)) ? emitScatterElements(emitter, elementwise)
                                                                   : emitScatterNd(emitter, elementwise);
          }};
}
