//===- Reduction.cpp - many elements to one, running sums ------------------===//
#include "Interpreter.h"
#include "Sums.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace lutra;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// Combines elements one by one. Floats carry errors: sums by rule 3, products by their relative
/// errors, extrema by the largest error of any element (they are 1-Lipschitz in the maximum norm).
namespace {
class Accumulator {
public:
  Accumulator(ReduceKind kind, Type type, bool narrow, ErrorModel model)
      : kind(kind), type(type), narrow(narrow), sum(type, model) {
    bool isMax = kind == ReduceKind::Max;
    if (kind == ReduceKind::Prod)
      number.value = integer = 1;
    else if (kind == ReduceKind::Max || kind == ReduceKind::Min) {
      number.value = isMax ? -infinity : infinity;
      unsigned bits = integerBits(type);
      if (isUnsignedType(type))
        integer = isMax ? 0 : wrapToType(type, -1);
      else
        integer = isMax ? llvm::minIntN(bits) : llvm::maxIntN(bits);
    }
  }

  void addFloat(Bounded term) {
    ++terms;
    switch (kind) {
    case ReduceKind::Sum:
      sum.add(term);
      number.value = narrow ? static_cast<float>(number.value + term.value)
                            : number.value + term.value;
      return;
    case ReduceKind::Prod:
      reach *= std::fabs(term.value) + term.error;
      number.value = narrow ? static_cast<float>(number.value * term.value)
                            : number.value * term.value;
      return;
    case ReduceKind::Max:
    case ReduceKind::Min: {
      BinaryKind function = kind == ReduceKind::Max ? BinaryKind::Max : BinaryKind::Min;
      number.value = binaryValue(function, number.value, term.value);
      number.error = std::max(number.error, term.error);
      return;
    }
    }
  }

  void addInteger(int64_t term, bool uncertain) {
    isUncertain |= uncertain;
    uint64_t a = integer, b = term;
    bool less = isUnsignedType(type) ? a < b : integer < term;
    switch (kind) {
    case ReduceKind::Sum:
      integer = wrapToType(type, a + b);
      return;
    case ReduceKind::Prod:
      integer = wrapToType(type, a * b);
      return;
    case ReduceKind::Max:
      integer = less ? term : integer;
      return;
    case ReduceKind::Min:
      integer = less ? integer : term;
      return;
    }
  }

  Bounded getFloat() const {
    switch (kind) {
    case ReduceKind::Sum:
      return {number.value, sum.get().error};
    case ReduceKind::Prod: {
      if (terms <= 1)
        return {number.value, reach - std::fabs(number.value)};
      double growth = std::expm1(static_cast<double>(terms) * accumulatorOf(type).roundoff * 2);
      return rounded(number.value, reach * (1 + growth) - std::fabs(number.value),
                     precisionOf(type));
    }
    default:
      return number;
    }
  }
  int64_t getInteger() const { return integer; }
  double integerError() const { return isUncertain ? infinity : 0; }

private:
  ReduceKind kind;
  Type type;
  bool narrow;
  RunningSum sum;
  Bounded number;
  double reach = 1;
  int64_t integer = 0, terms = 0;
  bool isUncertain = false;
};
} // namespace

static void addElement(Accumulator &accumulator, const Array &input, int64_t i) {
  if (input.isFloat())
    accumulator.addFloat(input.at(i));
  else
    accumulator.addInteger(input.integers[i], input.errorAt(i) != 0);
}

static void putElement(const Accumulator &accumulator, Array &out, int64_t i) {
  Bounded value = out.isFloat() ? accumulator.getFloat() : Bounded();
  if (out.isFloat())
    out.floats[i] = value.value;
  else
    out.integers[i] = accumulator.getInteger();
  if (!out.errors.empty())
    out.errors[i] = out.isFloat() ? value.error : accumulator.integerError();
}

/// Sums of f32 and narrower keep f32 partial sums when the arithmetic is as typed.
static bool keepsNarrowSums(const Array &out, Interpreter &interpreter) {
  return !interpreter.isWide() && !out.elementType.isF64();
}

static LogicalResult evaluateReduce(ReduceOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  SmallVector<int64_t> shape(input.shape), window(input.rank(), 1);
  for (int64_t axis : op.getAxes()) {
    if (axis < 0 || axis >= input.rank())
      return refuse(op, ErrorCode::Attribute) << "reduces axis " << axis << " of rank "
                                              << input.rank();
    window[axis] = input.shape[axis];
    shape[axis] = 1;
  }
  auto result = interpreter.makeResult(op->getResult(0), shape);
  if (failed(result))
    return failure();
  Array &out = **result;
  if (out.isFloat() != input.isFloat())
    return refuse(op, ErrorCode::GraphType) << "mixes float and integer types";
  SmallVector<int64_t> strides = stridesOf(input.shape);
  bool narrow = keepsNarrowSums(out, interpreter);
  forEachPosition(shape, [&](ArrayRef<int64_t> index, int64_t i) {
    Accumulator accumulator(op.getKind(), out.elementType, narrow,
                            interpreter.getErrorModel());
    int64_t start = offsetOf(index, strides);
    forEachPosition(window, [&](ArrayRef<int64_t> inner, int64_t) {
      addElement(accumulator, input, start + offsetOf(inner, strides));
    });
    putElement(accumulator, out, i);
  });
  return interpreter.setArray(op->getResult(0), *result);
}

static LogicalResult evaluateCumulative(CumulativeOp op, Interpreter &interpreter) {
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
  int64_t size = input.shape[axis];
  bool narrow = keepsNarrowSums(out, interpreter);
  forEachPosition(lines, [&](ArrayRef<int64_t> index, int64_t) {
    Accumulator accumulator(op.getKind(), out.elementType, narrow,
                            interpreter.getErrorModel());
    for (int64_t step = 0; step < size; ++step) {
      int64_t at = op.getReverse() ? size - 1 - step : step;
      int64_t offset = offsetOf(index, strides) + at * strides[axis];
      if (op.getExclusive())
        putElement(accumulator, out, offset);
      addElement(accumulator, input, offset);
      if (!op.getExclusive())
        putElement(accumulator, out, offset);
    }
  });
  return interpreter.setArray(op->getResult(0), *result);
}

void lutra::addReductionHandlers(HandlerTable &table) {
  table.add<CumulativeOp, evaluateCumulative>();
  table.add<ReduceOp, evaluateReduce>();
}
