//===- Quantization.cpp - codes and values ---------------------------------===//
#include "Interpreter.h"

#include "lutra/Dialect/Lutra/IR/ScalarValues.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

/// Index of the scale of the element at `index`: per tensor, per channel, or per block.
static FailureOr<SmallVector<int64_t>> scaleStrides(Operation *op, const Array &input,
                                                    const Array &scale, int64_t axis,
                                                    int64_t block) {
  SmallVector<int64_t> strides(input.rank(), 0);
  if (scale.rank() == 0)
    return strides;
  bool fits = axis >= 0 && axis < input.rank();
  if (fits && scale.rank() == 1 && block == 0) {
    strides[axis] = 1;
    fits = scale.shape[0] == input.shape[axis];
  } else if (fits) {
    strides = stridesOf(scale.shape);
    fits = scale.rank() == input.rank() && block >= 1;
    for (int64_t dim = 0; fits && dim < input.rank(); ++dim)
      fits = scale.shape[dim] ==
             (dim == axis ? (input.shape[dim] + block - 1) / block : input.shape[dim]);
  }
  if (fits)
    return strides;
  return refuse(op, ErrorCode::GraphType)
         << "has a scale of shape [" << ArrayRef(scale.shape) << "] for a tensor of shape ["
         << ArrayRef(input.shape) << "] with axis " << axis << " and block " << block;
}

static int64_t scaleOffset(ArrayRef<int64_t> index, ArrayRef<int64_t> strides, int64_t axis,
                           int64_t block) {
  int64_t offset = 0;
  for (size_t dim = 0; dim < index.size(); ++dim)
    offset += (block > 0 && static_cast<int64_t>(dim) == axis ? index[dim] / block : index[dim]) *
              strides[dim];
  return offset;
}

/// The code of one value, as a double.
static double codeOf(double x, double scale, double zero, Type type, bool isDouble) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return quantizedValue(x, scale, zero, integer, isDouble);
  double quotient = quotientValue(x, scale, isDouble), largest = precisionOf(type).largest;
  if (std::isnan(quotient))
    return quotient;
  return roundToType(type, std::max(-largest, std::min(largest, quotient)));
}

static LogicalResult evaluateQuantize(QuantizeOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  const Array &scale = interpreter.getArray(op.getScale());
  const Array *zero = op.getZeroPoint() ? &interpreter.getArray(op.getZeroPoint()) : nullptr;
  auto strides = scaleStrides(op, input, scale, op.getAxis(), op.getBlock());
  auto result = interpreter.makeResult(op->getResult(0), input.shape);
  if (failed(strides) || failed(result))
    return failure();
  Array &out = **result;
  bool isDouble = input.elementType.isF64();
  forEachPosition(input.shape, [&](ArrayRef<int64_t> index, int64_t i) {
    int64_t at = scaleOffset(index, *strides, op.getAxis(), op.getBlock());
    double shift = zero ? zero->asFloat(at) : 0;
    auto code = [&](double x, double s) {
      return codeOf(x, s, shift, out.elementType, isDouble);
    };
    double value = code(input.floats[i], scale.floats[at]);
    if (out.isFloat())
      out.floats[i] = value;
    else
      out.integers[i] = static_cast<int64_t>(value);
    if (!interpreter.hasBounds())
      return;
    double error = input.errorAt(i), scaleError = scale.errorAt(at), spread = 0;
    if (error > 0 || scaleError > 0)
      for (double x : {input.floats[i] - error, input.floats[i] + error})
        for (double s : {scale.floats[at] - scaleError, scale.floats[at] + scaleError})
          spread = std::max(spread, std::fabs(code(x, s) - value));
    out.errors[i] = spread;
  });
  return interpreter.setArray(op->getResult(0), *result);
}

namespace {
/// What lutra.dynamic_quantize rounds a group with. All in f32, as the op says, also when everything else is evaluated
/// in f64.
struct GroupScale {
  float scale, inverse, zero = 0;
};

/// Least and greatest values of a group beside 0.
struct GroupLimits {
  float low = 0, high = 0;
  void add(double value) {
    auto x = static_cast<float>(value);
    low = std::isnan(x) ? x : std::min(low, x); // NaN stays
    high = std::isnan(x) ? x : std::max(high, x);
  }
};
} // namespace

/// A code, from what was rounded to an integer, or is to be rounded to fp8.
static float limitCode(DynamicQuantizeOp op, float rounded) {
  if (std::isnan(rounded))
    return 0;
  return std::max(static_cast<float>(op.getLeast()), std::min(static_cast<float>(op.getMost()), rounded));
}

static GroupScale scaleOf(DynamicQuantizeOp op, const GroupLimits &limits) {
  auto steps = static_cast<float>(op.getSteps());
  float range = op.getZeroPoint() ? limits.high - limits.low : std::max(limits.high, -limits.low);
  if (!std::isnan(range))
    range = std::max(range, op.getFloor().convertToFloat());
  float factor = op.getReciprocal() ? steps * (1 / range) : steps / range;
  GroupScale result{range / steps, factor};
  if (op.getZeroPoint()) {
    float shift = limits.low * result.inverse;
    result.zero = limitCode(op, std::nearbyint(static_cast<float>(op.getLeast()) - shift));
  }
  return result;
}

static float codeOf(DynamicQuantizeOp op, double x, const GroupScale &group) {
  float scaled = static_cast<float>(x) * group.inverse;
  if (op.hasFloatCodes())
    return static_cast<float>(roundToType(op.getCodeElement(), limitCode(op, scaled)));
  return limitCode(op, std::nearbyint(scaled) + group.zero);
}

/// Errors move a group's limits by the largest of them at most. What then may be its scale lies between those of the
/// least and the greatest range.
static LogicalResult evaluateDynamicQuantize(DynamicQuantizeOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  int64_t block = op.getBlock(), depth = input.shape.back();
  SmallVector<int64_t> groups(input.shape);
  groups.back() = llvm::divideCeil(depth, block);
  SmallVector<std::shared_ptr<Array>> results;
  for (OpResult result : op->getResults()) {
    auto made = interpreter.makeResult(result, result.getResultNumber() == 0 ? input.shape : groups);
    if (failed(made))
      return failure();
    results.push_back(*made);
  }
  bool hasErrors = interpreter.hasBounds() && !input.errors.empty();
  for (int64_t row = 0, at = 0; row < input.count(); row += depth)
    for (int64_t low = 0; low < depth; low += block, ++at) {
      int64_t begin = row + low, end = row + std::min(low + block, depth);
      GroupLimits limits;
      double most = 0;
      for (int64_t i = begin; i < end; ++i) {
        limits.add(input.floats[i]);
        most = std::max(most, input.errorAt(i));
      }
      GroupScale group = scaleOf(op, limits);
      results[1]->floats[at] = group.scale;
      if (op.getZeroPoint())
        results[2]->integers[at] = static_cast<int64_t>(group.zero);
      SmallVector<GroupScale, 5> others{group};
      if (hasErrors && most > 0)
        for (double side : {-most, most})
          for (double other : {-most, most})
            others.push_back(scaleOf(op, {std::min(static_cast<float>(limits.low + side), 0.0f),
                                          std::max(static_cast<float>(limits.high + other), 0.0f)}));
      for (const GroupScale &other : others) {
        if (!interpreter.hasBounds())
          break;
        auto spread = [&](Array &array, double value) {
          array.errors[at] = std::max(array.errors[at], std::fabs(value));
        };
        spread(*results[1], 1.000001 * (static_cast<double>(other.scale) - group.scale));
        if (op.getZeroPoint())
          spread(*results[2], other.zero - group.zero);
      }
      for (int64_t i = begin; i < end; ++i) {
        float code = codeOf(op, input.floats[i], group);
        if (op.hasFloatCodes())
          results[0]->floats[i] = code;
        else
          results[0]->integers[i] = static_cast<int64_t>(code);
        if (!hasErrors)
          continue;
        double error = input.errorAt(i), spread = 0;
        for (const GroupScale &other : others)
          for (double x : {input.floats[i] - error, input.floats[i] + error})
            spread = std::max(spread, std::fabs(static_cast<double>(codeOf(op, x, other)) - code));
        results[0]->errors[i] = spread;
      }
    }
  for (auto [result, array] : llvm::zip_equal(op->getResults(), results))
    if (failed(interpreter.setArray(result, array)))
      return failure();
  return success();
}

static LogicalResult evaluateDequantize(DequantizeOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  const Array &scale = interpreter.getArray(op.getScale());
  const Array *zero = op.getZeroPoint() ? &interpreter.getArray(op.getZeroPoint()) : nullptr;
  auto strides = scaleStrides(op, input, scale, op.getAxis(), op.getBlock());
  auto result = interpreter.makeResult(op->getResult(0), input.shape);
  if (failed(strides) || failed(result))
    return failure();
  Array &out = **result;
  Precision p = precisionOf(out.elementType);
  forEachPosition(input.shape, [&](ArrayRef<int64_t> index, int64_t i) {
    int64_t at = scaleOffset(index, *strides, op.getAxis(), op.getBlock());
    double difference = input.asFloat(i) - (zero ? zero->asFloat(at) : 0);
    Bounded y = multiply({difference, input.errorAt(i)}, scale.at(at), p);
    out.floats[i] = y.value;
    if (interpreter.hasBounds())
      out.errors[i] = y.error;
  });
  return interpreter.setArray(op->getResult(0), *result);
}

/// Arrays hold logical values, so another order of storage changes nothing.
template <typename OpTy>
static LogicalResult evaluateCopy(OpTy op, Interpreter &interpreter) {
  auto copy = std::make_shared<Array>(interpreter.getArray(op.getInput()));
  return interpreter.setArray(op->getResult(0), copy);
}

void lutra::addQuantizationHandlers(HandlerTable &table) {
  table.add<DecodeOp, evaluateCopy<DecodeOp>>();
  table.add<DequantizeOp, evaluateDequantize>();
  table.add<DynamicQuantizeOp, evaluateDynamicQuantize>();
  table.add<PackOp, evaluateCopy<PackOp>>();
  table.add<QuantizeOp, evaluateQuantize>();
}
