//===- Recurrence.cpp - LSTM -----------------------------------------------===//
#include "Sums.h"

#include "Interpreter.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

namespace {
/// One direction of an LSTM over one sequence.
struct Lstm {
  const Array &input, &weights, &recurrence, &bias;
  int64_t steps, batches, inputs, hidden;
  Type sumType;
  Precision precision;
  ErrorModel model;

  /// The pre-activation of one gate unit: x W^T + h R^T + both biases.
  Bounded gate(int64_t direction, int64_t row, int64_t step, int64_t batch,
               ArrayRef<Bounded> h) const {
    RunningSum sum(sumType, model);
    auto addProduct = [&](Bounded a, Bounded b) {
      sum.add({a.value * b.value, std::fabs(a.value) * b.error + std::fabs(b.value) * a.error +
                                      a.error * b.error});
    };
    int64_t x = (step * batches + batch) * inputs;
    int64_t w = (direction * 4 * hidden + row) * inputs;
    for (int64_t i = 0; i < inputs; ++i)
      addProduct(input.at(x + i), weights.at(w + i));
    int64_t r = (direction * 4 * hidden + row) * hidden;
    for (int64_t i = 0; i < hidden; ++i)
      addProduct(h[i], recurrence.at(r + i));
    sum.add(bias.at(direction * 8 * hidden + row));
    sum.add(bias.at(direction * 8 * hidden + 4 * hidden + row));
    return sum.get();
  }
};
} // namespace

static void put(Array &array, int64_t i, Bounded value) {
  array.floats[i] = value.value;
  if (!array.errors.empty())
    array.errors[i] = value.error;
}

/// Runs all steps of one direction and batch entry.
static void runSequence(const Lstm &lstm, int64_t direction, bool reverse, int64_t batch,
                        const Array &initialH, const Array &initialC, Array &sequence,
                        Array &lastH, Array &lastC, int64_t directions) {
  int64_t hidden = lstm.hidden, state = (direction * lstm.batches + batch) * hidden;
  SmallVector<Bounded> h(hidden), c(hidden), next(hidden);
  for (int64_t i = 0; i < hidden; ++i) {
    h[i] = initialH.at(state + i);
    c[i] = initialC.at(state + i);
  }
  const Precision &p = lstm.precision;
  for (int64_t n = 0; n < lstm.steps; ++n) {
    int64_t step = reverse ? lstm.steps - 1 - n : n;
    for (int64_t i = 0; i < hidden; ++i) {
      auto gate = [&](int64_t which) {
        return lstm.gate(direction, which * hidden + i, step, batch, h);
      };
      Bounded in = unary(UnaryKind::Sigmoid, gate(0), p);
      Bounded output = unary(UnaryKind::Sigmoid, gate(1), p);
      Bounded forget = unary(UnaryKind::Sigmoid, gate(2), p);
      Bounded cell = unary(UnaryKind::Tanh, gate(3), p);
      c[i] = add(multiply(forget, c[i], p), multiply(in, cell, p), p);
      next[i] = multiply(output, unary(UnaryKind::Tanh, c[i], p), p);
    }
    h = next;
    for (int64_t i = 0; i < hidden; ++i)
      put(sequence, ((step * directions + direction) * lstm.batches + batch) * hidden + i, h[i]);
  }
  for (int64_t i = 0; i < hidden; ++i) {
    put(lastH, state + i, h[i]);
    put(lastC, state + i, c[i]);
  }
}

static LogicalResult evaluateLstm(LstmOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  const Array &weights = interpreter.getArray(op.getWeights());
  const Array &recurrence = interpreter.getArray(op.getRecurrence());
  const Array &bias = interpreter.getArray(op.getBias());
  const Array &initialH = interpreter.getArray(op.getInitialH());
  const Array &initialC = interpreter.getArray(op.getInitialC());
  int64_t directions = op.getDirection() == RecurrentDirection::Bidirectional ? 2 : 1;
  if (input.rank() != 3 || recurrence.rank() != 3)
    return refuse(op, ErrorCode::GraphType) << "needs input and recurrence of rank 3";
  int64_t steps = input.shape[0], batches = input.shape[1], inputs = input.shape[2];
  int64_t hidden = recurrence.shape[2];
  SmallVector<int64_t> state = {directions, batches, hidden};
  if (weights.shape != SmallVector<int64_t>{directions, 4 * hidden, inputs} ||
      recurrence.shape != SmallVector<int64_t>{directions, 4 * hidden, hidden} ||
      bias.shape != SmallVector<int64_t>{directions, 8 * hidden} || initialH.shape != state ||
      initialC.shape != state)
    return refuse(op, ErrorCode::GraphType)
           << "has weights or states whose sizes contradict " << hidden << " hidden units";
  auto sequence = interpreter.makeResult(op->getResult(0), {steps, directions, batches, hidden});
  auto lastH = interpreter.makeResult(op->getResult(1), state);
  auto lastC = interpreter.makeResult(op->getResult(2), state);
  if (failed(sequence) || failed(lastH) || failed(lastC))
    return failure();
  Lstm lstm = {input,  weights, recurrence,        bias, steps, batches, inputs,
               hidden, input.elementType, precisionOf(input.elementType),
               interpreter.getErrorModel()};
  for (int64_t direction = 0; direction < directions; ++direction)
    for (int64_t batch = 0; batch < batches; ++batch)
      runSequence(lstm, direction,
                  direction == 1 || op.getDirection() == RecurrentDirection::Reverse, batch,
                  initialH, initialC, **sequence, **lastH, **lastC, directions);
  if (failed(interpreter.setArray(op->getResult(0), *sequence)) ||
      failed(interpreter.setArray(op->getResult(1), *lastH)))
    return failure();
  return interpreter.setArray(op->getResult(2), *lastC);
}

void lutra::addRecurrenceHandlers(HandlerTable &table) { table.add<LstmOp, evaluateLstm>(); }
