//===- SelectionKinds.cpp - arg_reduce, cumulative, top_k: one axis in order ----------------===//
#include "GroupKinds.h"
#include "OutputWalk.h"
#include "Reductions.h"
#include "Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lutra;

/// A walk over all dimensions but `axis`, in tiles where the axis is not the last one.
static OutputWalk walkAround(KernelEmitter &emitter, Value tensor, int64_t axis) {
  SmallVector<Value> sizes = emitter.getSizes(tensor);
  Value work = sizes[axis];
  sizes[axis] = emitter.constant(1);
  return {emitter, sizes, axis != (int64_t)sizes.size() - 1, work};
}

static Type elementOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getElementType(); }

static Value choose(KernelEmitter &emitter, Value condition, Value yes, Value no) {
  return emitter.map({condition, yes, no}, cast<TileType>(no.getType()).getElementType(),
                     [&](OpBuilder &b, ValueRange v) -> Value {
                       return arith::SelectOp::create(b, emitter.loc, v[0], v[1], v[2]);
                     });
}

/// Whether x stands before y, elements (in their compute type) being ordered by falling value (`larger`) or rising one,
/// with NaN before all numbers or after them. An unordered comparison holds when either side is NaN, and the side that
/// must be a number is asked apart.
static Value standsBefore(OpBuilder &b, Location loc, Value x, Value y, Type element, bool larger, bool nanFirst) {
  if (!isa<FloatType>(element))
    return ScalarBuilder{b, loc}.compare(larger ? CompareKind::Greater : CompareKind::Less, x, y, element);
  auto predicate = larger ? arith::CmpFPredicate::UGT : arith::CmpFPredicate::ULT;
  Value number = nanFirst ? y : x;
  Value isNumber = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD, number, number);
  return arith::AndIOp::create(b, loc, arith::CmpFOp::create(b, loc, predicate, x, y), isNumber);
}

//===----------------------------------------------------------------------===//
// arg_reduce
//===----------------------------------------------------------------------===//

static LogicalResult emitArgReduce(KernelEmitter &emitter, bool elementwise) {
  auto op = cast<ArgReduceOp>(getRoot(emitter.kernel));
  int64_t axis = op.getAxis();
  Type element = elementOf(op.getInput());
  Reduction convert{emitter, ReduceKind::Max, element};
  Type i64 = emitter.builder.getI64Type();
  Value size = emitter.getSize(op.getInput(), axis);
  return walkAround(emitter, op.getInput(), axis).run(elementwise, [&](const TileWindow &window) -> LogicalResult {
    auto read = [&](Value index) -> FailureOr<Value> {
      TileWindow at = window;
      at.indices[axis] = index;
      FailureOr<Value> tile = emitter.emitTile(op.getInput(), at);
      if (failed(tile))
        return failure();
      return emitter.broadcast(convert.widen(*tile), window.shape);
    };
    FailureOr<Value> first = read(emitter.constant(0));
    if (failed(first))
      return failure();
    Value zero = emitter.fill(emitter.builder.getI64IntegerAttr(0), window.shape);
    auto best = emitter.fold(
        emitter.constant(1), size, emitter.constant(1), {*first, zero},
        [&](Value index, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
          FailureOr<Value> tile = read(index);
          if (failed(tile))
            return failure();
          bool maximum = op.getKind() == ReduceKind::Max, last = op.getSelectLast();
          // The first best stays until a better one comes, the last until it is the better one.
          Value held = carried[0], challenger = last ? held : *tile, other = last ? *tile : held;
          Value before = emitter.map({challenger, other}, emitter.builder.getI1Type(), [&](OpBuilder &b, ValueRange v) {
            return standsBefore(b, emitter.loc, v[0], v[1], element, maximum, /*nanFirst=*/true);
          });
          Value position = emitter.fill(
              arith::IndexCastOp::create(emitter.builder, emitter.loc, i64, index).getResult(),
              SmallVector<int64_t>(window.shape.size(), 1));
          return KernelEmitter::Carried{choose(emitter, before, challenger, other),
                                        last ? choose(emitter, before, carried[1], position)
                                             : choose(emitter, before, position, carried[1])};
        });
    if (failed(best))
      return failure();
    emitter.bind(op.getResult(), window, (*best)[1]);
    return emitter.emitResults(window);
  });
}

GroupKind lutra::getArgReduceKind() {
  return {hasRoot<ArgReduceOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> {
            auto op = cast<ArgReduceOp>(getRoot(emitter.kernel));
            return walkAround(emitter, op.getInput(), op.getAxis()).items();
          },
          emitArgReduce};
}

//===----------------------------------------------------------------------===//
// cumulative
//===----------------------------------------------------------------------===//

static LogicalResult emitCumulative(KernelEmitter &emitter, bool elementwise) {
  auto op = cast<CumulativeOp>(getRoot(emitter.kernel));
  int64_t axis = op.getAxis();
  Type element = elementOf(op.getInput());
  Reduction reduction{emitter, op.getKind(), element};
  Value size = emitter.getSize(op.getInput(), axis);
  return walkAround(emitter, op.getInput(), axis).run(elementwise, [&](const TileWindow &window) -> LogicalResult {
    Value start = emitter.fill(ScalarBuilder::neutral(op.getKind(), element), window.shape);
    auto total = emitter.fold(
        emitter.constant(0), size, emitter.constant(1), start,
        [&](Value step, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
          TileWindow at = window;
          at.indices[axis] = op.getReverse() ? emitter.sub(emitter.sub(size, emitter.constant(1)), step) : step;
          FailureOr<Value> tile = emitter.emitTile(op.getInput(), at);
          if (failed(tile))
            return failure();
          Value next = reduction.combine(carried[0], emitter.broadcast(reduction.widen(*tile), window.shape));
          emitter.bind(op.getResult(), at, reduction.finish(op.getExclusive() ? carried[0] : next));
          if (failed(emitter.emitResults(at)))
            return failure();
          return KernelEmitter::Carried{next};
        });
    return LogicalResult(total);
  });
}

GroupKind lutra::getCumulativeKind() {
  return {hasRoot<CumulativeOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> {
            auto op = cast<CumulativeOp>(getRoot(emitter.kernel));
            return walkAround(emitter, op.getInput(), op.getAxis()).items();
          },
          emitCumulative};
}

//===----------------------------------------------------------------------===//
// top_k: k scans, each for the best element after the one before it in the order (value, index). No
// memory beside the results; right for the small k of models.
//===----------------------------------------------------------------------===//

static OutputWalk walkTopK(KernelEmitter &emitter, TopKOp op) {
  int64_t axis = op.getAxis();
  SmallVector<Value> sizes = emitter.getSizes(op.getInput());
  Value work = emitter.mul(sizes[axis], emitter.getSize(op.getValues(), axis));
  sizes[axis] = emitter.constant(1);
  return {emitter, sizes, /*tiled=*/false, work};
}

static LogicalResult emitTopK(KernelEmitter &emitter, bool) {
  auto op = cast<TopKOp>(getRoot(emitter.kernel));
  int64_t axis = op.getAxis();
  Type element = elementOf(op.getInput());
  OpBuilder &b = emitter.builder;
  Location loc = emitter.loc;
  Value size = emitter.getSize(op.getInput(), axis), count = emitter.getSize(op.getValues(), axis);
  auto before = [&](Value x, Value xIndex, Value y, Value yIndex) -> Value { // x comes before y
    bool largest = op.getLargest(); // NaN counts as the largest
    Value wins = standsBefore(b, loc, x, y, element, largest, largest);
    Value loses = standsBefore(b, loc, y, x, element, largest, largest);
    Value earlier = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, xIndex, yIndex);
    Value no = ScalarBuilder{b, loc}.number(b.getI1Type(), 0);
    return arith::OrIOp::create(b, loc, wins, arith::SelectOp::create(b, loc, loses, no, earlier));
  };
  auto read = [&](ArrayRef<Value> position, Value index) -> FailureOr<Value> {
    SmallVector<Value> at(position);
    at[axis] = index;
    FailureOr<Value> value = emitter.emitElement(op.getInput(), at);
    if (failed(value))
      return failure();
    return ScalarBuilder{b, loc}.toCompute(*value);
  };
  return walkTopK(emitter, op).run(true, [&](const TileWindow &window) -> LogicalResult {
    FailureOr<Value> any = read(window.indices, emitter.constant(0));
    if (failed(any))
      return failure();
    // -1: nothing was chosen yet.
    auto chosen = emitter.fold(
        emitter.constant(0), count, emitter.constant(1), {*any, emitter.constant(-1)},
        [&](Value k, ValueRange previous) -> FailureOr<KernelEmitter::Carried> {
          auto best = emitter.fold(
              emitter.constant(0), size, emitter.constant(1), {*any, emitter.constant(-1)},
              [&](Value index, ValueRange held) -> FailureOr<KernelEmitter::Carried> {
                FailureOr<Value> value = read(window.indices, index);
                if (failed(value))
                  return failure();
                Value none = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, previous[1], emitter.constant(0));
                Value after = arith::OrIOp::create(b, loc, none, before(previous[0], previous[1], *value, index));
                Value first = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, held[1], emitter.constant(0));
                Value beats = arith::OrIOp::create(b, loc, first, before(*value, index, held[0], held[1]));
                Value take = arith::AndIOp::create(b, loc, after, beats);
                return KernelEmitter::Carried{arith::SelectOp::create(b, loc, take, *value, held[0]),
                                              arith::SelectOp::create(b, loc, take, index, held[1])};
              });
          if (failed(best))
            return failure();
          SmallVector<Value> at(window.indices);
          at[axis] = k;
          ScalarBuilder scalar{b, loc};
          Value stored = isa<FloatType>(element) ? scalar.fromCompute((*best)[0], element) : (*best)[0];
          emitter.storeElement(stored, emitter.getOutput(0), at);
          Value position = arith::IndexCastOp::create(b, loc, b.getI64Type(), (*best)[1]);
          emitter.storeElement(position, emitter.getOutput(1), at);
          return *best;
        });
    return LogicalResult(chosen);
  });
}

GroupKind lutra::getTopKKind() {
  return {hasRoot<TopKOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> {
            return walkTopK(emitter, cast<TopKOp>(getRoot(emitter.kernel))).items();
          },
          emitTopK};
}
