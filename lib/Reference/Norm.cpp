//===- Norm.cpp - softmax and normalisations -------------------------------===//
// Each line of elements is computed by the formula of the op's description, in two passes: what the
// bounds describe is a kernel that subtracts the maximum (softmax) or the mean (layer_norm) first.
#include "Interpreter.h"
#include "Sums.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace lutra;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// The precision of an op's inner steps. A right program in 16 bits scales its squares, so that none overflows.
static Precision stepsOf(Type type, const Interpreter &interpreter) {
  Precision steps = accumulatorOf(type), stored = precisionOf(type);
  if (!interpreter.getOptions().roundSteps)
    return steps;
  return {stored.roundoff, stored.tiny, steps.largest};
}

/// Softmax of `size` elements from `offset` on, `stride` apart.
static void softmaxLine(const Array &input, Array &out, int64_t offset, int64_t stride,
                        int64_t size, bool isLog, Precision a) {
  auto at = [&](int64_t i) { return offset + i * stride; };
  double top = -infinity, d = 0;
  for (int64_t i = 0; i < size; ++i) {
    top = binaryValue(BinaryKind::Max, top, input.floats[at(i)]);
    d = std::max(d, input.errorAt(at(i)));
  }
  double sum = 0, meanDistance = 0;
  for (int64_t i = 0; i < size; ++i)
    sum += std::exp(input.floats[at(i)] - top);
  Precision p = precisionOf(out.elementType);
  for (int64_t i = 0; i < size; ++i) {
    double distance = top - input.floats[at(i)];
    if (std::isfinite(distance))
      meanDistance += std::exp(-distance) / sum * distance;
  }
  // Each term lies between exp(x - e) and exp(x + e); a masked logit of -3.4e38 gives 0 either way.
  double sumLow = 0, sumHigh = 0;
  auto term = [&](int64_t i, double side) {
    return std::exp(input.floats[at(i)] + side * input.errorAt(at(i)) - top);
  };
  for (int64_t i = 0; i < size; ++i) {
    sumLow += term(i, -1);
    sumHigh += term(i, 1);
  }
  // Relative error of exp(x - max) / sum: the logits' errors (numerator and sum), the rounded
  // subtractions, the sum of n terms, exp's own error.
  double expUlps = 2 * ulpLimit(UnaryKind::Exp) * a.roundoff;
  for (int64_t i = 0; i < size; ++i) {
    double shifted = input.floats[at(i)] - top;
    double distance = std::isfinite(shifted) ? -shifted : 0;
    double common = sumGrowth(size) * a.roundoff + expUlps;
    Bounded y;
    if (isLog) {
      double value = shifted - std::log(sum);
      double error = 2 * d + a.roundoff * (distance + meanDistance) + common +
                     2 * ulpLimit(UnaryKind::Log) * a.roundoff * std::fabs(std::log(sum));
      y = rounded(value, error, p);
    } else {
      double value = std::exp(shifted) / sum;
      double low = term(i, -1) / (term(i, -1) + (sumHigh - term(i, 1)));
      double high = term(i, 1) / (term(i, 1) + (sumLow - term(i, -1)));
      double spread = d == 0 ? 0 : std::max(std::fabs(high - value), std::fabs(value - low));
      if (!(spread <= 1))
        spread = 1;
      double relative = value == 0 ? 0
                                   : std::expm1(a.roundoff * (distance + meanDistance)) + common +
                                         expUlps + 2 * a.roundoff;
      // What lies below the least normal number may become 0.
      double flushed = a.tiny / (2 * a.roundoff);
      y = rounded(value, std::isfinite(value) ? spread + relative * (value + spread) + flushed : 0, p);
    }
    out.floats[at(i)] = y.value;
    if (!out.errors.empty())
      out.errors[at(i)] = y.error;
  }
}

static LogicalResult evaluateSoftmax(SoftmaxOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  int64_t axis = op.getAxis();
  if (axis < 0 || axis >= input.rank())
    return refuse(op, ErrorCode::Attribute) << "runs along axis " << axis << " of rank "
                                            << input.rank();
  auto result = interpreter.makeResult(op->getResult(0), input.shape);
  if (failed(result))
    return failure();
  Array &out = **result;
  SmallVector<int64_t> strides = stridesOf(input.shape), lines(input.shape);
  lines[axis] = std::min<int64_t>(1, input.shape[axis]);
  forEachPosition(lines, [&](ArrayRef<int64_t> index, int64_t) {
    softmaxLine(input, out, offsetOf(index, strides), strides[axis], input.shape[axis],
                op.getLog(), stepsOf(out.elementType, interpreter));
  });
  return interpreter.setArray(op->getResult(0), *result);
}

/// 1 / sqrt(variance + epsilon) with what an error of the variance does to it.
static Bounded reciprocalDeviation(Bounded variance, double epsilon, Precision p) {
  Bounded sum = rounded(variance.value + epsilon, variance.error, p);
  double y = 1 / std::sqrt(sum.value);
  double low = std::max(sum.value - sum.error, epsilon);
  double error = std::max(1 / std::sqrt(low) - y, y - 1 / std::sqrt(sum.value + sum.error));
  return rounded(y, error + 2 * ulpLimit(UnaryKind::Rsqrt) * p.roundoff * y, p);
}

/// Normalises `size` elements from `offset` on. `mean` is subtracted by layer_norm only.
static void normLine(const Array &input, const Array *scale, const Array *bias, Array &out,
                     int64_t offset, int64_t size, double epsilon, bool subtractsMean,
                     ErrorModel model, Precision a) {
  auto average = [&](function_ref<Bounded(int64_t)> term) {
    RunningSum sum(a, a, model);
    for (int64_t i = 0; i < size; ++i)
      sum.add(term(i));
    return divide(sum.get(), {static_cast<double>(size), 0}, a);
  };
  Bounded mean;
  if (subtractsMean)
    mean = average([&](int64_t i) { return input.at(offset + i); });
  auto centred = [&](int64_t i) {
    return subtractsMean ? subtract(input.at(offset + i), mean, a) : input.at(offset + i);
  };
  Bounded variance = average([&](int64_t i) { return multiply(centred(i), centred(i), a); });
  // Programs that sum codes, or divide before, hold what does not fit here.
  auto elements = ArrayRef(input.floats).slice(offset, size);
  if (std::isinf(variance.value) && llvm::all_of(elements, [](double x) { return std::isfinite(x); }))
    variance.error = std::numeric_limits<double>::infinity();
  Bounded factor = reciprocalDeviation(variance, epsilon, a);
  Precision stored = precisionOf(out.elementType);
  for (int64_t i = 0; i < size; ++i) {
    Bounded y = multiply(centred(i), factor, a);
    if (scale)
      y = multiply(y, scale->at(i), a);
    if (bias)
      y = add(y, bias->at(i), a);
    if (stored.roundoff != a.roundoff)
      y = rounded(y.value, y.error, stored);
    out.floats[offset + i] = y.value;
    if (!out.errors.empty())
      out.errors[offset + i] = y.error;
  }
}

static LogicalResult evaluateNorm(Operation *op, Value inputValue, Value scaleValue,
                                  Value biasValue, int64_t dims, double epsilon,
                                  bool subtractsMean, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(inputValue);
  if (dims < 1 || dims > input.rank())
    return refuse(op, ErrorCode::Attribute) << "normalises " << dims << " dimensions of rank "
                                            << input.rank();
  int64_t size = *countElements(ArrayRef(input.shape).take_back(dims));
  const Array *scale = scaleValue ? &interpreter.getArray(scaleValue) : nullptr;
  const Array *bias = biasValue ? &interpreter.getArray(biasValue) : nullptr;
  for (const Array *side : {scale, bias})
    if (side && side->count() != size)
      return refuse(op, ErrorCode::GraphType) << "has a scale or bias of " << side->count()
                                              << " elements for " << size;
  auto result = interpreter.makeResult(op->getResult(0), input.shape);
  if (failed(result))
    return failure();
  for (int64_t offset = 0; size > 0 && offset < input.count(); offset += size)
    normLine(input, scale, bias, **result, offset, size, epsilon, subtractsMean,
             interpreter.getErrorModel(), stepsOf((*result)->elementType, interpreter));
  return interpreter.setArray(op->getResult(0), *result);
}

static LogicalResult evaluateLayerNorm(LayerNormOp op, Interpreter &interpreter) {
  return evaluateNorm(op, op.getInput(), op.getScale(), op.getBias(), op.getDims(),
                      op.getEpsilon().convertToDouble(), /*subtractsMean=*/true, interpreter);
}

static LogicalResult evaluateRmsNorm(RmsNormOp op, Interpreter &interpreter) {
  return evaluateNorm(op, op.getInput(), op.getScale(), Value(), op.getDims(),
                      op.getEpsilon().convertToDouble(), /*subtractsMean=*/false, interpreter);
}

void lutra::addNormHandlers(HandlerTable &table) {
  table.add<LayerNormOp, evaluateLayerNorm>();
  table.add<RmsNormOp, evaluateRmsNorm>();
  table.add<SoftmaxOp, evaluateSoftmax>();
}
