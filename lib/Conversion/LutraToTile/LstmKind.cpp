//===- LstmKind.cpp - recurrence over time ---------------------------------------------------===//
// An item is one direction of one batch entry: it walks time by itself. Each hidden unit takes the dot
// products of its four gate rows with the input and with the previous state, in tiles. The state
// before this step is read from `last_h`; the new one goes to `sequence` and is copied at the end of the
// step. The cell lives in `last_c`.
//
//   i, o, f = sigmoid(W x + R h + bw + br);  g = tanh(...);  c' = f c + i g;  h' = o tanh(c')
#include "GroupKinds.h"
#include "Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lutra;

static Type elementOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getElementType(); }

/// Copies one row of `size` elements.
static LogicalResult copyRow(KernelEmitter &emitter, Value from, ArrayRef<Value> fromAt, Value to,
                             ArrayRef<Value> toAt, Value size, Type element) {
  auto copy = [&](Value index, int64_t width, Value bound) {
    SmallVector<Value> source(fromAt), target(toAt);
    source.push_back(index);
    target.push_back(index);
    Value tile = emitter.loadTile(from, TileWindow::row(source, source.size() - 1, width, bound), element);
    emitter.storeTile(tile, to, TileWindow::row(target, target.size() - 1, width, bound));
    return success();
  };
  return emitter.forTiles(emitter.constant(0), size, emitter.getTileWidth(), copy);
}

/// The dot products of rows gate * hidden + unit (gate = 0..3) of `matrix`[direction] with a vector.
static FailureOr<KernelEmitter::Carried> gateProducts(KernelEmitter &emitter, Value matrix, Value direction, Value unit,
                                                      Value hidden, Value vector, ArrayRef<Value> vectorAt,
                                                      Value size, Type element, int64_t width, ValueRange init) {
  Type compute = getComputeType(element);
  return emitter.foldTiles(
      emitter.constant(0), size, width, init,
      [&](Value index, int64_t, Value bound, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
        SmallVector<Value> at(vectorAt);
        at.push_back(index);
        Value x = emitter.loadTile(vector, TileWindow::row(at, at.size() - 1, width, bound), element);
        KernelEmitter::Carried sums;
        for (int64_t gate = 0; gate < 4; ++gate) {
          Value row = emitter.add(emitter.mul(emitter.constant(gate), hidden), unit);
          Value w = emitter.loadTile(matrix, TileWindow::row({direction, row, index}, 2, width, bound), element);
          sums.push_back(emitter.map({carried[gate], w, x}, compute, [&](OpBuilder &b, ValueRange v) -> Value {
            ScalarBuilder scalar{b, emitter.loc};
            return math::FmaOp::create(b, emitter.loc, scalar.toCompute(v[1]), scalar.toCompute(v[2]), v[0]);
          }));
        }
        return sums;
      });
}

static LogicalResult emitLstm(KernelEmitter &emitter, bool elementwise) {
  auto op = cast<LstmOp>(getRoot(emitter.kernel));
  OpBuilder &b = emitter.builder;
  Location loc = emitter.loc;
  Type element = elementOf(op.getInput()), compute = getComputeType(element);
  int64_t width = elementwise ? 1 : emitter.getTileWidth();
  Value steps = emitter.getSize(op.getInput(), 0), batches = emitter.getSize(op.getInput(), 1);
  Value inputs = emitter.getSize(op.getInput(), 2), hidden = emitter.getSize(op.getInitialH(), 2);
  SmallVector<Value> buffers;
  for (Value operand : op->getOperands()) {
    Value buffer = emitter.getBuffer(operand);
    if (!buffer) {
      emitter.error(op.getLoc(), ErrorCode::Internal) << "operands of lstm must be buffers";
      return failure();
    }
    buffers.push_back(buffer);
  }
  Value sequence = emitter.getOutput(0), lastH = emitter.getOutput(1), lastC = emitter.getOutput(2);
  SmallVector<Value> item = emitter.delinearize(emitter.getItem(), {emitter.getSize(op.getInitialH(), 0), batches});
  Value direction = item[0], batch = item[1];
  if (failed(copyRow(emitter, buffers[4], item, lastH, item, hidden, element)) ||
      failed(copyRow(emitter, buffers[5], item, lastC, item, hidden, element)))
    return failure();
  return emitter.forEach(emitter.constant(0), steps, emitter.constant(1), [&](Value step) -> LogicalResult {
    Value back = emitter.sub(emitter.sub(steps, emitter.constant(1)), step), time = step;
    if (op.getDirection() == RecurrentDirection::Reverse)
      time = back;
    if (op.getDirection() == RecurrentDirection::Bidirectional) {
      Value first = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, direction, emitter.constant(0));
      time = arith::SelectOp::create(b, loc, first, step, back);
    }
    auto emitUnit = [&](Value unit) -> LogicalResult {
      Value zero = emitter.fill(ScalarBuilder::neutral(ReduceKind::Sum, element), {width});
      auto sums = gateProducts(emitter, buffers[1], direction, unit, hidden, buffers[0], {time, batch}, inputs,
                               element, width, SmallVector<Value>(4, zero));
      if (failed(sums))
        return failure();
      sums = gateProducts(emitter, buffers[2], direction, unit, hidden, lastH, item, hidden, element, width, *sums);
      if (failed(sums))
        return failure();
      SmallVector<Value> gates;
      for (int64_t gate = 0; gate < 4; ++gate) {
        Value sum = TileReduceOp::create(b, loc, TileType::get({}, compute), ReduceKind::Sum, (*sums)[gate], false);
        for (int64_t part : {0, 4}) { // input and recurrence biases
          Value at = emitter.add(emitter.mul(emitter.constant(gate + part), hidden), unit);
          Value bias = emitter.loadTile(buffers[3], TileWindow::element({direction, at}), element);
          sum = emitter.map({sum, bias}, compute, [&](OpBuilder &inner, ValueRange v) -> Value {
            return arith::AddFOp::create(inner, loc, v[0], ScalarBuilder{inner, loc}.toCompute(v[1]));
          });
        }
        UnaryKind kind = gate == 3 ? UnaryKind::Tanh : UnaryKind::Sigmoid;
        gates.push_back(emitter.map({sum}, compute, [&](OpBuilder &inner, ValueRange v) {
          return ScalarBuilder{inner, loc}.unary(kind, v[0], compute);
        }));
      }
      TileWindow state = TileWindow::element({direction, batch, unit});
      Value cell = emitter.map({emitter.loadTile(lastC, state, element), gates[0], gates[2], gates[3]}, compute,
                               [&](OpBuilder &inner, ValueRange v) -> Value { // c, i, f, g
                                 Value before = ScalarBuilder{inner, loc}.toCompute(v[0]);
                                 Value kept = arith::MulFOp::create(inner, loc, v[2], before);
                                 Value added = arith::MulFOp::create(inner, loc, v[1], v[3]);
                                 return arith::AddFOp::create(inner, loc, kept, added);
                               });
      Value output = emitter.map({cell, gates[1]}, compute, [&](OpBuilder &inner, ValueRange v) -> Value {
        return arith::MulFOp::create(inner, loc, v[1], math::TanhOp::create(inner, loc, v[0]));
      });
      auto narrow = [&](Value tile) {
        return emitter.map({tile}, getTileElement(element), [&](OpBuilder &inner, ValueRange v) {
          return ScalarBuilder{inner, loc}.fromCompute(v[0], element);
        });
      };
      emitter.storeTile(narrow(cell), lastC, state);
      emitter.storeTile(narrow(output), sequence, TileWindow::element({time, direction, batch, unit}));
      return success();
    };
    LogicalResult units = emitter.forEach(emitter.constant(0), hidden, emitter.constant(1), emitUnit);
    if (failed(units))
      return failure();
    return copyRow(emitter, sequence, {time, direction, batch}, lastH, item, hidden, element);
  });
}

GroupKind lutra::getLstmKind() {
  return {hasRoot<LstmOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> {
            auto op = cast<LstmOp>(getRoot(emitter.kernel));
            return emitter.mul(emitter.getSize(op.getInitialH(), 0), emitter.getSize(op.getInput(), 1));
          },
          emitLstm};
}
