//===- RowFunction.cpp - softmax and normalisations of one row ---------------------------===//
// Each row is read a few times: once per statistic, once for the result. The first pass leaves the
// (computed) values in the sink's buffer, or in one of a row on the stack, so that fused producers run once:
//   softmax     max of x; e = exp(x - max), kept in the buffer, and its sum; e / sum
//   layer_norm  sum of x; sum of (x - mean)^2; (x - mean) * 1/sqrt(var + eps) * scale + bias
//   rms_norm    sum of x^2; x * 1/sqrt(mean + eps) * scale
// Where nothing but codes leaves the kernel of a softmax, the row's factor for that is 1 / (sum * step of the codes).
// Rows of 8-bit codes are summed as integers, see RowCodes.cpp.
#include "RowFunction.h"

#include "Product.h"
#include "Reductions.h"
#include "Scalars.h"

#include "lutra/Dialect/Lutra/IR/TileFacts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace lutra {

/// Elements of a row that a buffer on the stack holds at most.
static constexpr int64_t ownElements = 8192;

RowFunction::RowFunction(KernelEmitter &kernelEmitter, Operation *rowOp, int64_t tileWidth, RowSink rowSink)
    : emitter(kernelEmitter), op(rowOp), input(op->getOperand(0)), result(op->getResult(0)), width(tileWidth),
      sink(std::move(rowSink)) {
  auto type = cast<RankedTensorType>(result.getType());
  element = type.getElementType();
  compute = getComputeType(element);
  rank = type.getRank();
  sizes = emitter.getSizes(result);
  if (auto softmaxOp = dyn_cast<SoftmaxOp>(op)) {
    axes = {static_cast<int64_t>(softmaxOp.getAxis())};
  } else if (isa<IntegerNormOp, IntegerSoftmaxOp>(op)) {
    axes = {rank - 1};
  } else {
    int64_t count = isa<LayerNormOp>(op) ? cast<LayerNormOp>(op).getDims() : cast<RmsNormOp>(op).getDims();
    for (int64_t dim = rank - count; dim < rank; ++dim)
      axes.push_back(dim);
  }
}

LogicalResult RowFunction::emit(const TileWindow &row) {
  base = row;
  if (isa<IntegerNormOp>(op))
    return integerNorm();
  if (isa<IntegerSoftmaxOp>(op))
    return integerSoftmax();
  bool isSoftmax = isa<SoftmaxOp>(op);
  std::optional<RowCodes> codes = RowCodes::of(input);
  if (codes && !isSoftmax && takesCodes(*codes))
    return normOfCodes(*codes);
  takeBuffer();
  findOnlyRounding();
  if (codes && isSoftmax && takesCodes(*codes))
    return softmaxOfCodes(*codes);
  return isSoftmax ? softmax() : norm();
}

TileWindow RowFunction::placed(const TileWindow &window) { return sink.place ? sink.place(window) : window; }

void RowFunction::keep(Value tile, const TileWindow &window) { emitter.storeTile(tile, sink.buffer, placed(window)); }

void RowFunction::takeBuffer() {
  if (sink.buffer || width == 1 || axes.size() != 1 || !isAlongLast() || emitter.target.getVectorBits() == 0)
    return;
  std::optional<int64_t> size = getConstantIntValue(sizes[rank - 1]);
  bool computes = !emitter.getBuffer(input) || isa<IntegerSoftmaxOp, SoftmaxOp>(op);
  if (!computes || !size || *size < 1 || *size > ownElements)
    return;
  sink.buffer = makeScratch(emitter, {llvm::divideCeilSigned(*size, width) * width}, compute);
  sink.place = [this](const TileWindow &window) {
    TileWindow place = TileWindow::row({window.indices[rank - 1]}, 0, window.shape[0]);
    place.aligned = true;
    return place;
  };
  ownsBuffer = true;
}

void RowFunction::findOnlyRounding() {
  auto softmaxOp = dyn_cast<SoftmaxOp>(op);
  if (!softmaxOp || softmaxOp.getLog() || emitter.target.getVectorBits() == 0)
    return;
  Value value = result;
  if (!value.hasOneUse()) {
    // select(is_nan(y), 0, y): a quantization makes the code of 0 of NaN.
    SelectOp choice;
    for (Operation *user : value.getUsers()) {
      auto test = dyn_cast<UnaryOp>(user);
      if (test && test.getKind() == UnaryKind::IsNan && test->hasOneUse())
        continue;
      if (choice || !isa<SelectOp>(user))
        return;
      choice = cast<SelectOp>(user);
    }
    auto test = choice ? choice.getCondition().getDefiningOp<UnaryOp>() : UnaryOp();
    if (!test || test.getInput() != value || test.getKind() != UnaryKind::IsNan || choice.getRhs() != value ||
        !matchPattern(choice.getLhs(), m_AnyZeroFloat()))
      return;
    value = choice.getResult();
  }
  auto quantize = value.hasOneUse() ? dyn_cast<QuantizeOp>(*value.user_begin()) : QuantizeOp();
  if (!quantize || !llvm::all_of(quantize->getUsers(), [](Operation *user) { return isa<YieldOp>(user); }))
    return;
  rounding = KnownScale::of(quantize);
  rounded = quantize.getResult();
}

FailureOr<Value> RowFunction::readInput(const TileWindow &window) {
  return waits ? FailureOr<Value>(emitter.loadTile(sink.buffer, placed(window), compute))
               : emitter.emitTile(input, window);
}

void RowFunction::bindQuotient(Value e, Value factor, const TileWindow &window, bool mayBeNan) {
  Value y = map({e, factor}, [&](ScalarBuilder &s, ValueRange v) -> Value {
    return arith::MulFOp::create(s.builder, s.loc, v[0], v[1]);
  });
  if (!rounding) {
    emitter.bind(result, window, Reduction{emitter, ReduceKind::Sum, element}.finish(y));
    return;
  }
  Type code = getTileElement(getElementTypeOrSelf(rounded));
  y = emitter.map(y, code, [&](OpBuilder &b, ValueRange v) -> Value {
    return rounding->makeCode(b, emitter.loc, rounding->roundQuotient(b, emitter.loc, v[0], mayBeNan), code);
  });
  emitter.bind(rounded, window, y);
}

bool RowFunction::isReadInPlace(Value value) {
  auto shapeOf = [](Value tensor) { return cast<RankedTensorType>(tensor.getType()).getShape(); };
  SmallVector<Value> worklist{value};
  llvm::SmallPtrSet<Operation *, 16> seen{op};
  while (!worklist.empty())
    for (Operation *user : worklist.pop_back_val().getUsers()) {
      if (isa<YieldOp>(user) || !seen.insert(user).second)
        continue;
      bool isPointwise = isa<UnaryOp, BinaryOp, CompareOp, SelectOp, CastOp, QuantizeOp, DequantizeOp>(user);
      if (!isPointwise || shapeOf(user->getResult(0)) != shapeOf(value))
        return false;
      worklist.push_back(user->getResult(0));
    }
  return true;
}

bool RowFunction::keepsValues() {
  bool fits = getElementTypeOrSelf(input) == compute; // tiles of the input must be of the buffer's type
  bool mayHold = ownsBuffer || (!sink.place && isReadInPlace(input));
  return fits && sink.buffer && mayHold && !emitter.getBuffer(input);
}

FailureOr<Value> RowFunction::statistic(ReduceKind kind, Value tensor, Reduction::Transform transform) {
  Reduction reduction{emitter, kind, compute};
  if (waits) {
    return reduceRow(reduction, ScalarBuilder::neutral(kind, compute), [&](const TileWindow &window) {
      FailureOr<Value> tile = readInput(window);
      return transform ? transform(*tile, window) : tile;
    });
  }
  if (isAlongLast())
    return reduction.alongRow(tensor, base.indices, axes, sizes, width, transform);
  return reduction.acrossRows(tensor, base, axes, sizes, transform);
}

LogicalResult RowFunction::forRow(llvm::function_ref<LogicalResult(const TileWindow &)> body) {
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

LogicalResult RowFunction::softmax() {
  bool log = cast<SoftmaxOp>(op).getLog();
  bool keepsInput = keepsValues();
  auto load = [&](const TileWindow &window) { return emitter.loadTile(sink.buffer, placed(window), compute); };
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
  waits = keepsInput && ownsBuffer;
  if (keepsInput && !waits)
    emitter.bindBuffer(input, sink.buffer);
  auto exponential = [&](Value tile) {
    return map({tile, *peak}, [&](ScalarBuilder &s, ValueRange v) -> Value {
      auto e = math::ExpOp::create(s.builder, s.loc, arith::SubFOp::create(s.builder, s.loc, v[0], v[1]));
      e->setAttr(nonPositiveAttrName, s.builder.getUnitAttr());
      return e;
    });
  };
  // An epilogue that reads the same values finds them kept: exponentials must not take their place.
  bool isShared = keepsInput && !waits && !input.hasOneUse();
  bool keepsExp = sink.buffer && !log && !isShared;
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
    return arith::DivFOp::create(s.builder, s.loc, s.number(compute, rounding ? rounding->inverse : 1), v[0]);
  });
  return forRow([&](const TileWindow &window) -> LogicalResult {
    Value value;
    if (keepsExp) {
      value = load(window);
    } else {
      FailureOr<Value> tile = readInput(window);
      if (failed(tile))
        return failure();
      value = log ? wide.widen(*tile) : exponential(wide.widen(*tile));
    }
    if (!log) {
      bindQuotient(value, factor, window, /*mayBeNan=*/true);
      return sink.store(window);
    }
    Value y = map({value, *peak, factor}, [&](ScalarBuilder &s, ValueRange v) -> Value {
      Value shifted = arith::SubFOp::create(s.builder, s.loc, v[0], v[1]);
      return arith::SubFOp::create(s.builder, s.loc, shifted, v[2]);
    });
    emitter.bind(result, window, Reduction{emitter, ReduceKind::Sum, element}.finish(y));
    return sink.store(window);
  });
}

LogicalResult RowFunction::norm() {
  auto layer = dyn_cast<LayerNormOp>(op);
  auto rms = dyn_cast<RmsNormOp>(op);
  double epsilon = (layer ? layer.getEpsilon() : rms.getEpsilon()).convertToDouble();
  bool keepsInput = keepsValues();
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
      keep(tile, window);
    return FailureOr<Value>(rms ? square(tile) : tile);
  });
  if (failed(sum))
    return failure();
  KernelEmitter::Scope scope(emitter);
  waits = keepsInput && ownsBuffer;
  if (keepsInput && !waits)
    emitter.bindBuffer(input, sink.buffer);
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
    FailureOr<Value> tile = readInput(window);
    if (failed(tile))
      return failure();
    Value y = convert.widen(*tile);
    if (layer)
      y = center(y);
    y = map({y, factor}, [&](ScalarBuilder &s, ValueRange v) -> Value {
      return arith::MulFOp::create(s.builder, s.loc, v[0], v[1]);
    });
    return finishNorm(y, window);
  });
}

LogicalResult RowFunction::finishNorm(Value y, const TileWindow &window) {
  auto layer = dyn_cast<LayerNormOp>(op);
  Value scale = layer ? layer.getScale() : cast<RmsNormOp>(op).getScale();
  Value bias = layer ? layer.getBias() : Value();
  Reduction convert{emitter, ReduceKind::Sum, element};
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
  return sink.store(window);
}

} // namespace lutra
