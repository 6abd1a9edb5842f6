//===- Reductions.cpp - folding a tensor's values along dimensions ----------------------===//
#include "Reductions.h"

#include "Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace lutra {

Value Reduction::combine(Value a, Value b) {
  Type compute = cast<TileType>(a.getType()).getElementType();
  return emitter.map({a, b}, compute, [&](OpBuilder &builder, ValueRange v) {
    return ScalarBuilder{builder, emitter.loc}.combine(kind, v[0], v[1], element);
  });
}

Value Reduction::widen(Value tile) {
  Type have = cast<TileType>(tile.getType()).getElementType(), want = getComputeType(have);
  if (have == want)
    return tile;
  return emitter.map({tile}, want, [&](OpBuilder &builder, ValueRange v) {
    return ScalarBuilder{builder, emitter.loc}.toCompute(v[0]);
  });
}

Value Reduction::finish(Value tile) {
  Type want = getTileElement(element);
  if (cast<TileType>(tile.getType()).getElementType() == want)
    return tile;
  return emitter.map({tile}, want, [&](OpBuilder &builder, ValueRange v) {
    return ScalarBuilder{builder, emitter.loc}.fromCompute(v[0], element);
  });
}

FailureOr<Value> Reduction::alongRow(Value tensor, ArrayRef<Value> indices, ArrayRef<int64_t> axes,
                                     ArrayRef<Value> sizes, int64_t width, Transform transform) {
  int64_t rank = sizes.size();
  TypedAttr neutral = ScalarBuilder::neutral(kind, element);
  if (rank == 0 || axes.empty()) {
    FailureOr<Value> tile = emitter.emitTile(tensor, TileWindow::element(indices));
    if (failed(tile))
      return failure();
    Value wide = widen(*tile);
    return transform ? transform(wide, TileWindow::element(indices)) : FailureOr<Value>(wide);
  }
  Value start = emitter.fill(neutral, {width});
  // Loops over the other axes around the walk along the last dimension.
  SmallVector<Value> position(indices);
  std::function<FailureOr<KernelEmitter::Carried>(unsigned, ValueRange)> nest =
      [&](unsigned level, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
    if (level + 1 < axes.size())
      return emitter.fold(emitter.constant(0), sizes[axes[level]], emitter.constant(1), carried,
                          [&](Value index, ValueRange inner) {
                            position[axes[level]] = index;
                            return nest(level + 1, inner);
                          });
    return emitter.foldTiles(
        emitter.constant(0), sizes[rank - 1], width, carried,
        [&](Value index, int64_t size, Value bound, ValueRange inner) -> FailureOr<KernelEmitter::Carried> {
          position[rank - 1] = index;
          TileWindow window = TileWindow::row(position, rank - 1, size, bound);
          window.aligned = true;
          FailureOr<Value> tile = emitter.emitTile(tensor, window);
          if (failed(tile))
            return failure();
          Value value = emitter.broadcast(widen(*tile), {size});
          if (transform) {
            FailureOr<Value> changed = transform(value, window);
            if (failed(changed))
              return failure();
            value = *changed;
          }
          return KernelEmitter::Carried{combine(inner[0], emitter.maskTail(value, bound, neutral))};
        });
  };
  FailureOr<KernelEmitter::Carried> sums = nest(0, start);
  if (failed(sums))
    return failure();
  bool isUnsigned = isUnsignedElement(element);
  auto type = TileType::get({}, cast<TileType>(start.getType()).getElementType());
  return TileReduceOp::create(emitter.builder, emitter.loc, type, kind, sums->front(), isUnsigned).getResult();
}

FailureOr<Value> Reduction::acrossRows(Value tensor, const TileWindow &window, ArrayRef<int64_t> axes,
                                       ArrayRef<Value> sizes, Transform transform) {
  TileWindow inner = window;
  Value start = emitter.fill(ScalarBuilder::neutral(kind, element), window.shape);
  std::function<FailureOr<KernelEmitter::Carried>(unsigned, ValueRange)> nest =
      [&](unsigned level, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
    if (level == axes.size()) {
      FailureOr<Value> tile = emitter.emitTile(tensor, inner);
      if (failed(tile))
        return failure();
      Value value = emitter.broadcast(widen(*tile), window.shape);
      if (transform) {
        FailureOr<Value> changed = transform(value, inner);
        if (failed(changed))
          return failure();
        value = *changed;
      }
      return KernelEmitter::Carried{combine(carried[0], value)};
    }
    return emitter.fold(emitter.constant(0), sizes[axes[level]], emitter.constant(1), carried,
                        [&](Value index, ValueRange next) {
                          inner.indices[axes[level]] = index;
                          return nest(level + 1, next);
                        });
  };
  FailureOr<KernelEmitter::Carried> sums = nest(0, start);
  if (failed(sums))
    return failure();
  return sums->front();
}

} // namespace lutra
