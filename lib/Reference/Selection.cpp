//===- Selection.cpp - positions of extreme elements -----------------------===//
// With bounds, a position counts as known when no other element comes within both errors of it.
#include "Interpreter.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace lutra;

static constexpr double infinity = std::numeric_limits<double>::infinity();

/// Whether element a is strictly better than b: larger (or smaller); NaN beats all numbers, or loses to them.
static bool isBetter(const Array &array, int64_t a, int64_t b, bool larger, bool nanWins) {
  if (array.isFloat()) {
    double x = array.floats[a], y = array.floats[b];
    if (std::isnan(x) || std::isnan(y))
      return nanWins ? std::isnan(x) && !std::isnan(y) : std::isnan(y) && !std::isnan(x);
    return larger ? x > y : x < y;
  }
  int64_t x = array.integers[a], y = array.integers[b];
  if (isUnsignedType(array.elementType))
    return larger ? uint64_t(x) > uint64_t(y) : uint64_t(x) < uint64_t(y);
  return larger ? x > y : x < y;
}

/// Whether the order of two elements could be the other one in a right program.
static bool isClose(const Array &array, int64_t a, int64_t b) {
  double error = array.errorAt(a) + array.errorAt(b);
  return error > 0 && !(std::fabs(array.asFloat(a) - array.asFloat(b)) > error);
}

static LogicalResult checkAxis(Operation *op, int64_t axis, int64_t rank) {
  if (axis >= 0 && axis < rank)
    return success();
  return refuse(op, ErrorCode::Attribute) << "selects along axis " << axis << " of rank " << rank;
}

static LogicalResult evaluateArgReduce(ArgReduceOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  int64_t axis = op.getAxis();
  if (failed(checkAxis(op, axis, input.rank())))
    return failure();
  if (op.getKind() != ReduceKind::Max && op.getKind() != ReduceKind::Min)
    return refuse(op, ErrorCode::Attribute) << "needs kind max or min";
  SmallVector<int64_t> shape(input.shape), strides = stridesOf(input.shape);
  int64_t size = std::exchange(shape[axis], 1), stride = strides[axis];
  if (size == 0)
    return refuse(op, ErrorCode::GraphType) << "selects from an empty dimension";
  auto result = interpreter.makeResult(op->getResult(0), shape);
  if (failed(result))
    return failure();
  bool larger = op.getKind() == ReduceKind::Max;
  forEachPosition(shape, [&](ArrayRef<int64_t> index, int64_t i) {
    int64_t start = offsetOf(index, strides), best = 0;
    for (int64_t j = 1; j < size; ++j) {
      int64_t a = start + j * stride, b = start + best * stride;
      if (isBetter(input, a, b, larger, true) ||
          (op.getSelectLast() && !isBetter(input, b, a, larger, true)))
        best = j;
    }
    (*result)->integers[i] = best;
    for (int64_t j = 0; interpreter.hasBounds() && j < size; ++j)
      if (j != best && isClose(input, start + j * stride, start + best * stride))
        (*result)->errors[i] = infinity;
  });
  return interpreter.setArray(op->getResult(0), *result);
}

static LogicalResult evaluateTopK(TopKOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  int64_t axis = op.getAxis(), k = interpreter.getInteger(op.getK());
  if (failed(checkAxis(op, axis, input.rank())))
    return failure();
  SmallVector<int64_t> shape(input.shape), strides = stridesOf(input.shape);
  int64_t size = std::exchange(shape[axis], k), stride = strides[axis];
  if (k < 0 || k > size)
    return refuse(op, ErrorCode::Attribute) << "selects " << k << " of " << size << " elements";
  auto values = interpreter.makeResult(op->getResult(0), shape);
  auto indices = interpreter.makeResult(op->getResult(1), shape);
  if (failed(values) || failed(indices))
    return failure();
  SmallVector<int64_t> outStrides = stridesOf(shape), lines(input.shape);
  lines[axis] = std::min<int64_t>(1, size);
  std::vector<int64_t> order(size);
  forEachPosition(lines, [&](ArrayRef<int64_t> index, int64_t) {
    int64_t start = offsetOf(index, strides), to = offsetOf(index, outStrides);
    double lineError = 0;
    for (int64_t j = 0; j < size; ++j) {
      order[j] = start + j * stride;
      lineError = std::max(lineError, input.errorAt(order[j]));
    }
    llvm::sort(order, [&](int64_t a, int64_t b) {
      bool largest = op.getLargest(); // NaN counts as the largest
      if (isBetter(input, a, b, largest, largest))
        return true;
      return a < b && !isBetter(input, b, a, largest, largest);
    });
    for (int64_t j = 0; j < k; ++j) {
      int64_t at = to + j * outStrides[axis];
      copyElement(input, order[j], **values, at);
      (*indices)->integers[at] = (order[j] - start) / stride;
      if (!interpreter.hasBounds())
        continue;
      // The j-th largest value moves no more than any single element does.
      (*values)->errors[at] = lineError;
      bool open = (j > 0 && isClose(input, order[j], order[j - 1])) ||
                  (j + 1 < size && isClose(input, order[j], order[j + 1]));
      (*indices)->errors[at] = open ? infinity : 0;
    }
  });
  if (failed(interpreter.setArray(op->getResult(0), *values)))
    return failure();
  return interpreter.setArray(op->getResult(1), *indices);
}

void lutra::addSelectionHandlers(HandlerTable &table) {
  table.add<ArgReduceOp, evaluateArgReduce>();
  table.add<TopKOp, evaluateTopK>();
}
