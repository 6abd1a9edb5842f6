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
  if (interpreter.hasBounds())
    out.errors.assign(out.count(), 0);
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

static LogicalResult evaluateDequantize(DequantizeOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  const Array &scale = interpreter.getArray(op.getScale());
  const Array *zero = op.getZeroPoint() ? &interpreter.getArray(op.getZeroPoint()) : nullptr;
  auto strides = scaleStrides(op, input, scale, op.getAxis(), op.getBlock());
  auto result = interpreter.makeResult(op->getResult(0), input.shape);
  if (failed(strides) || failed(result))
    return failure();
  Array &out = **result;
  if (interpreter.hasBounds())
    out.errors.assign(out.count(), 0);
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
  table.add<PackOp, evaluateCopy<PackOp>>();
  table.add<QuantizeOp, evaluateQuantize>();
}
