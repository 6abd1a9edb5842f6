//===- RowKind.cpp - softmax and normalisations ----------------------------------------===//
// Each row is read a few times: once per statistic, once for the result. The first pass leaves the
// (computed) values in the output row, where it can hold them, so that fused producers run once:
//   softmax     max of x; e = exp(x - max), kept in the output row, and its sum; e / sum
//   layer_norm  sum of x; sum of (x - mean)^2; (x - mean) * 1/sqrt(var + eps) * scale + bias
//   rms_norm    sum of x^2; x * 1/sqrt(mean + eps) * scale
// The statistics of a row lie along its last dimension in tiles. A softmax over another axis takes a
// tile of the last dimension at a time and walks the axis.
#include "GroupKinds.h"
#include "Reductions.h"
#include "Scalars.h"

#include "lutra/Dialect/Lutra/IR/TileFacts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lutra;

namespace {

/// What the passes over one row share.
class RowEmitter {
public:
  RowEmitter(KernelEmitter &emitter, bool elementwise);
  FailureOr<Value> grid();
  LogicalResult item();

private:
  LogicalResult emitRow(ArrayRef<Value> outerIndices);
  LogicalResult emitColumns(ArrayRef<Value> indices, Value index, int64_t size, Value bound);
  FailureOr<Value> statistic(ReduceKind kind, Value tensor, Reduction::Transform transform = nullptr);
  /// Runs `body` on every tile of the row.
  LogicalResult forRow(llvm::function_ref<LogicalResult(const TileWindow &)> body);
  LogicalResult softmax();
  LogicalResult norm();
  Value map(ValueRange tiles, llvm::function_ref<Value(ScalarBuilder &, ValueRange)> body) {
    return emitter.map(tiles, compute, [&](OpBuilder &b, ValueRange v) {
      ScalarBuilder scalar{b, emitter.loc};
      return body(scalar, v);
    });
  }

  KernelEmitter &emitter;
  Operation *op;
  Value input, result;
  Type element, compute;
  SmallVector<Value> sizes;
  SmallVector<int64_t> axes; // reduced
  int64_t rank, width;
  bool alongLast; // the last dimension is reduced
  Value scratch;  // the output row, when it can hold values of the compute type
  TileWindow base; // indices of the row; a tile of the last dimension when it is kept
};
} // namespace

RowEmitter::RowEmitter(KernelEmitter &kernelEmitter, bool elementwise)
    : emitter(kernelEmitter), op(getRoot(kernelEmitter.kernel)), input(op->getOperand(0)),
      result(op->getResult(0)) {
  auto type = cast<RankedTensorType>(result.getType());
  element = type.getElementType();
  compute = getComputeType(element);
  rank = type.getRank();
  sizes = emitter.getSizes(result);
  if (auto softmaxOp = dyn_cast<SoftmaxOp>(op)) {
    axes = {static_cast<int64_t>(softmaxOp.getAxis())};
  } else {
    int64_t count = isa<LayerNormOp>(op) ? cast<LayerNormOp>(op).getDims() : cast<RmsNormOp>(op).getDims();
    for (int64_t dim = rank - count; dim < rank; ++dim)
      axes.push_back(dim);
  }
  alongLast = llvm::is_contained(axes, rank - 1);
  width = elementwise ? 1 : emitter.getTileWidth();
  Value yielded = emitter.kernel.getYield().getValues()[0];
  auto yieldedType = cast<RankedTensorType>(yielded.getType());
  if (emitter.getItem() && emitter.kernel.getNumResults() == 1 && yieldedType.getElementType() == compute &&
      yieldedType.getShape() == type.getShape())
    scratch = emitter.getOutput(0);
}

FailureOr<Value> RowEmitter::grid() {
  Value work = emitter.constant(1), units = emitter.constant(1), one = emitter.constant(1);
  for (int64_t dim = 0; dim < rank; ++dim) {
    Value &side = llvm::is_contained(axes, dim) ? work : units;
    bool tiled = !alongLast && dim == rank - 1;
    side = emitter.mul(side, tiled ? emitter.ceilDiv(sizes[dim], emitter.constant(emitter.getTileWidth())) : sizes[dim]);
    if (tiled)
      work = emitter.mul(work, emitter.constant(emitter.getTileWidth()));
  }
  // A row costs about eight times a pointwise element.
  Value grain = emitter.constant(std::max<int64_t>(1, emitter.target.getGrain() / 8));
  Value perItem = emitter.max(one, emitter.div(grain, emitter.max(one, work)));
  if (!emitter.getItem())
    return emitter.ceilDiv(units, perItem);
  return perItem;
}

LogicalResult RowEmitter::item() {
  SmallVector<Value> outer;
  SmallVector<int64_t> outerDims;
  for (int64_t dim = 0; dim < rank; ++dim) {
    if (llvm::is_contained(axes, dim))
      continue;
    bool tiled = !alongLast && dim == rank - 1;
    outer.push_back(tiled ? emitter.ceilDiv(sizes[dim], emitter.constant(emitter.getTileWidth())) : sizes[dim]);
    outerDims.push_back(dim);
  }
  Value perItem = *grid();
  Value first = emitter.mul(emitter.getItem(), perItem);
  Value last = emitter.min(emitter.add(first, perItem), emitter.product(outer));
  return emitter.forEach(first, last, emitter.constant(1), [&](Value unit) -> LogicalResult {
    SmallVector<Value> at = emitter.delinearize(unit, outer);
    SmallVector<Value> indices(rank, emitter.constant(0));
    for (auto [dim, index] : llvm::zip_equal(outerDims, at))
      indices[dim] = index;
    auto row = [&] { return isa<SoftmaxOp>(op) ? softmax() : norm(); };
    if (alongLast) {
      base = TileWindow::element(indices);
      return row();
    }
    Value step = emitter.constant(emitter.getTileWidth());
    Value low = emitter.mul(indices[rank - 1], step);
    Value high = emitter.min(emitter.add(low, step), sizes[rank - 1]);
    return emitter.forTiles(low, high, width, [&](Value index, int64_t size, Value bound) {
      indices[rank - 1] = index;
      base = TileWindow::row(indices, rank - 1, size, bound);
      base.aligned = true;
      return row();
    });
  });
}

FailureOr<Value> RowEmitter::statistic(ReduceKind kind, Value tensor, Reduction::Transform transform) {
  Reduction reduction{emitter, kind, compute};
  if (alongLast)
    return reduction.alongRow(tensor, base.indices, axes, sizes, width, transform);
  return reduction.acrossRows(tensor, base, axes, sizes, transform);
}

LogicalResult RowEmitter::forRow(llvm::function_ref<LogicalResult(const TileWindow &)> body) {
  TileWindow window = base;
  std::function<LogicalResult(unsigned)> nest = [&](unsigned level) -> LogicalResult {
    if (level == axes.size())
      return body(window);
    if (axes[level] == rank - 1)
      return emitter.forTiles(emitter.constant(0), sizes[rank - 1], width,
                              [&](Value index, int64_t size, Value bound) {
                                window.indices[rank - 1] = index;
                                TileWindow tile = TileWindow::row(window.indices, rank - 1, size, bound);
                                tile.aligned = true;
                                return body(tile);
                              });
    return emitter.forEach(emitter.constant(0), sizes[axes[level]], emitter.constant(1), [&](Value index) {
      window.indices[axes[level]] = index;
      return nest(level + 1);
    });
  };
  return nest(0);
}

LogicalResult RowEmitter::softmax() {
  bool log = cast<SoftmaxOp>(op).getLog();
  // Values that some op computes are kept from the first pass on.
  bool keepsInput = scratch && !emitter.getBuffer(input);
  auto keep = [&](Value tile, const TileWindow &window) { emitter.storeTile(tile, scratch, window); };
  auto load = [&](const TileWindow &window) { return emitter.loadTile(scratch, window, compute); };
  FailureOr<Value> peak = statistic(ReduceKind::Max, input, [&](Value tile, const TileWindow &window) {
    if (keepsInput)
      keep(tile, window);
    return FailureOr<Value>(tile);
  });
  if (failed(peak))
    return failure();
  // A row of -inf alone has no finite maximum: subtracting it gives NaN, as the formula does.
  Reduction wide{emitter, ReduceKind::Sum, compute};
  KernelEmitter::Scope scope(emitter);
  if (keepsInput)
    emitter.bindBuffer(input, scratch);
  auto exponential = [&](Value tile) {
    return map({tile, *peak}, [&](ScalarBuilder &s, ValueRange v) -> Value {
      auto e = math::ExpOp::create(s.builder, s.loc, arith::SubFOp::create(s.builder, s.loc, v[0], v[1]));
      e->setAttr(nonPositiveAttrName, s.builder.getUnitAttr());
      return e;
    });
  };
  // An epilogue that reads the same values finds them kept: exponentials must not take their place.
  bool isShared = keepsInput && !input.hasOneUse();
  bool keepsExp = scratch && !log && !isShared;
  FailureOr<Value> sum = statistic(ReduceKind::Sum, input, [&](Value tile, const TileWindow &window) {
    Value e = exponential(tile);
    if (keepsExp)
      keep(e, window);
    return FailureOr<Value>(e);
  });
  if (failed(sum))
    return failure();
  Value factor = map({*sum}, [&](ScalarBuilder &s, ValueRange v) -> Value {
    if (log)
      return math::LogOp::create(s.builder, s.loc, v[0]);
    return arith::DivFOp::create(s.builder, s.loc, s.number(compute, 1), v[0]);
  });
  return forRow([&](const TileWindow &window) -> LogicalResult {
    Value value;
    if (keepsExp) {
      value = load(window);
    } else {
      FailureOr<Value> tile = emitter.emitTile(input, window);
      if (failed(tile))
        return failure();
      value = log ? wide.widen(*tile) : exponential(wide.widen(*tile));
    }
    Value y = log ? map({value, *peak, factor},
                        [&](ScalarBuilder &s, ValueRange v) -> Value {
                          Value shifted = arith::SubFOp::create(s.builder, s.loc, v[0], v[1]);
                          return arith::SubFOp::create(s.builder, s.loc, shifted, v[2]);
                        })
                  : map({value, factor}, [&](ScalarBuilder &s, ValueRange v) -> Value {
                      return arith::MulFOp::create(s.builder, s.loc, v[0], v[1]);
                    });
    emitter.bind(result, window, Reduction{emitter, ReduceKind::Sum, element}.finish(y));
    return emitter.emitResults(window);
  });
}

LogicalResult RowEmitter::norm() {
  auto layer = dyn_cast<LayerNormOp>(op);
  auto rms = dyn_cast<RmsNormOp>(op);
  Value scale = layer ? layer.getScale() : rms.getScale();
  Value bias = layer ? layer.getBias() : Value();
  double epsilon = (layer ? layer.getEpsilon() : rms.getEpsilon()).convertToDouble();
  bool keepsInput = scratch && !emitter.getBuffer(input);
  Value count = emitter.constant(1);
  for (int64_t axis : axes)
    count = emitter.mul(count, sizes[axis]);
  Value countTile = map({emitter.fill(count, {})}, [&](ScalarBuilder &s, ValueRange v) -> Value {
    Value whole = arith::IndexCastOp::create(s.builder, s.loc, s.builder.getI64Type(), v[0]);
    return arith::SIToFPOp::create(s.builder, s.loc, compute, whole);
  });
  auto square = [&](Value tile) {
    return map({tile}, [&](ScalarBuilder &s, ValueRange v) -> Value {
      return arith::MulFOp::create(s.builder, s.loc, v[0], v[0]);
    });
  };
  FailureOr<Value> sum = statistic(ReduceKind::Sum, input, [&](Value tile, const TileWindow &window) {
    if (keepsInput)
      emitter.storeTile(tile, scratch, window);
    return FailureOr<Value>(rms ? square(tile) : tile);
  });
  if (failed(sum))
    return failure();
  KernelEmitter::Scope scope(emitter);
  if (keepsInput)
    emitter.bindBuffer(input, scratch);
  Value mean = map({*sum, countTile}, [&](ScalarBuilder &s, ValueRange v) -> Value {
    return arith::DivFOp::create(s.builder, s.loc, v[0], v[1]);
  });
  auto center = [&](Value tile) {
    return map({tile, mean}, [&](ScalarBuilder &s, ValueRange v) -> Value {
      return arith::SubFOp::create(s.builder, s.loc, v[0], v[1]);
    });
  };
  Value variance = mean;
  if (layer) {
    FailureOr<Value> squares = statistic(ReduceKind::Sum, input, [&](Value tile, const TileWindow &) {
      return FailureOr<Value>(square(center(tile)));
    });
    if (failed(squares))
      return failure();
    variance = map({*squares, countTile}, [&](ScalarBuilder &s, ValueRange v) -> Value {
      return arith::DivFOp::create(s.builder, s.loc, v[0], v[1]);
    });
  }
  Value factor = map({variance}, [&](ScalarBuilder &s, ValueRange v) -> Value {
    Value shifted = arith::AddFOp::create(s.builder, s.loc, v[0], s.number(compute, epsilon));
    Value root = math::SqrtOp::create(s.builder, s.loc, shifted);
    return arith::DivFOp::create(s.builder, s.loc, s.number(compute, 1), root);
  });
  Reduction convert{emitter, ReduceKind::Sum, element};
  return forRow([&](const TileWindow &window) -> LogicalResult {
    FailureOr<Value> tile = emitter.emitTile(input, window);
    if (failed(tile))
      return failure();
    Value y = convert.widen(*tile);
    if (layer)
      y = center(y);
    y = map({y, factor}, [&](ScalarBuilder &s, ValueRange v) -> Value {
      return arith::MulFOp::create(s.builder, s.loc, v[0], v[1]);
    });
    // Parameters have the shape of the last dimensions.
    TileWindow inner = window;
    int64_t lead = rank - axes.size();
    inner.indices.erase(inner.indices.begin(), inner.indices.begin() + lead);
    for (int64_t &dim : inner.dims)
      dim = dim == -1 ? -1 : dim - lead;
    for (bool scales : {true, false}) { // one value may be both
      Value parameter = scales ? scale : bias;
      if (!parameter)
        continue;
      FailureOr<Value> value = emitter.emitTile(parameter, inner);
      if (failed(value))
        return failure();
      y = map({y, convert.widen(*value)}, [&](ScalarBuilder &s, ValueRange v) -> Value {
        if (scales)
          return arith::MulFOp::create(s.builder, s.loc, v[0], v[1]);
        return arith::AddFOp::create(s.builder, s.loc, v[0], v[1]);
      });
    }
    emitter.bind(result, window, convert.finish(y));
    return emitter.emitResults(window);
  });
}

GroupKind lutra::getRowKind() {
  return {hasRoot<SoftmaxOp, LayerNormOp, RmsNormOp>,
          [](KernelEmitter &emitter) { return RowEmitter(emitter, false).grid(); },
          [](KernelEmitter &emitter, bool elementwise) { return RowEmitter(emitter, elementwise).item(); }};
}
