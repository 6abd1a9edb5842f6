//===- Integer.cpp - fixed point between codes -----------------------------===//
// Integers are exact. A code that floats before it left undetermined decides others at both ends of its interval
// (requantize), or leaves its row undetermined.
#include "Interpreter.h"

#include "lutra/Support/FixedPoint.h"

#include <limits>

using namespace mlir;
using namespace lutra;

static constexpr double infinity = std::numeric_limits<double>::infinity();

static LogicalResult evaluateRequantize(RequantizeOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  auto result = interpreter.makeResult(op->getResult(0), input.shape);
  if (failed(result))
    return failure();
  Array &out = **result;
  SmallVector<SmallVector<int64_t>> strides;
  for (Value operand : op->getOperands()) {
    const Array &array = interpreter.getArray(operand);
    std::optional<SmallVector<int64_t>> own = broadcastStrides(array.shape, input.shape);
    if (!own)
      return refuse(op, ErrorCode::GraphType) << "cannot broadcast an operand of shape [" << ArrayRef(array.shape)
                                              << "] to [" << ArrayRef(input.shape) << "]";
    strides.push_back(*own);
  }
  const Array &multiplier = interpreter.getArray(op.getMultiplier()), &offset = interpreter.getArray(op.getOffset());
  bool isUnsigned = out.elementType.isUnsignedInteger();
  int64_t least = isUnsigned ? 0 : -128, most = least + 255;
  forEachPosition(input.shape, [&](ArrayRef<int64_t> index, int64_t i) {
    int64_t factorAt = offsetOf(index, strides[1]), offsetAt = offsetOf(index, strides[2]);
    auto code = [&](int64_t x) {
      uint64_t sum = uint64_t(x) * uint64_t(multiplier.integers[factorAt]) + uint64_t(offset.integers[offsetAt]);
      return std::clamp(static_cast<int64_t>(sum) >> static_cast<int64_t>(op.getShift()), least, most);
    };
    int64_t x = input.integers[i];
    out.integers[i] = code(x);
    if (!interpreter.hasBounds())
      return;
    double error = input.errorAt(i);
    if (multiplier.errorAt(factorAt) != 0 || offset.errorAt(offsetAt) != 0 || !(error < 0x1p31)) {
      out.errors[i] = infinity;
    } else if (error != 0) {
      auto reach = static_cast<int64_t>(error);
      int64_t low = code(x - reach), high = code(x + reach);
      out.errors[i] = static_cast<double>(std::max(std::abs(out.integers[i] - low), std::abs(high - out.integers[i])));
    }
  });
  return interpreter.setArray(op->getResult(0), *result);
}

/// Computes each row of codes with `row`; one with an undetermined code is undetermined.
static LogicalResult evaluateRows(Operation *op, Interpreter &interpreter,
                                  llvm::function_ref<void(ArrayRef<int64_t>, MutableArrayRef<int64_t>)> row) {
  const Array &input = interpreter.getArray(op->getOperand(0));
  auto result = interpreter.makeResult(op->getResult(0), input.shape);
  if (failed(result))
    return failure();
  Array &out = **result;
  int64_t size = input.shape.back();
  for (int64_t first = 0; size > 0 && first < input.count(); first += size) {
    row(ArrayRef<int64_t>(input.integers).slice(first, size),
        MutableArrayRef<int64_t>(out.integers).slice(first, size));
    bool isKnown = true;
    for (int64_t i = first; i < first + size; ++i)
      isKnown &= input.errorAt(i) == 0;
    for (int64_t i = first; !isKnown && interpreter.hasBounds() && i < first + size; ++i)
      out.errors[i] = infinity;
  }
  return interpreter.setArray(op->getResult(0), *result);
}

static LogicalResult evaluateIntegerSoftmax(IntegerSoftmaxOp op, Interpreter &interpreter) {
  auto step = static_cast<int64_t>(op.getStep()), fraction = static_cast<int64_t>(op.getFraction());
  return evaluateRows(op, interpreter, [&](ArrayRef<int64_t> codes, MutableArrayRef<int64_t> out) {
    int64_t peak = *llvm::max_element(codes), sum = 0;
    for (auto [code, value] : llvm::zip_equal(codes, out))
      sum += value = powerOfHalf(peak - code, step, fraction);
    int64_t reciprocal = (int64_t(1) << (2 * softmaxFraction)) / sum;
    for (int64_t &value : out)
      value = (value * reciprocal) >> softmaxFraction;
  });
}

static LogicalResult evaluateIntegerNorm(IntegerNormOp op, Interpreter &interpreter) {
  return evaluateRows(op, interpreter, [&](ArrayRef<int64_t> codes, MutableArrayRef<int64_t> out) {
    int64_t size = codes.size(), sum = 0, squares = 0;
    for (auto [code, value] : llvm::zip_equal(codes, out)) {
      value = code - static_cast<int64_t>(op.getZeroPoint());
      sum += value;
      squares += value * value;
    }
    if (!op.getCentred())
      sum = 0;
    int64_t spread = size * squares - sum * sum;
    int64_t variance = (spread << epsilonFraction) + static_cast<int64_t>(op.getEpsilon());
    ReciprocalRoot root = ReciprocalRoot::of(std::max<int64_t>(variance, 1));
    for (int64_t &value : out)
      value = ((size * value - sum) * static_cast<int64_t>(root.reciprocal)) >> (35 - root.shift / 2);
  });
}

void lutra::addIntegerHandlers(HandlerTable &table) {
  table.add<IntegerNormOp, evaluateIntegerNorm>();
  table.add<IntegerSoftmaxOp, evaluateIntegerSoftmax>();
  table.add<RequantizeOp, evaluateRequantize>();
}
