//===- Gather.cpp - reads and writes at indices held by tensors ------------===//
// An index counts from the end when it is negative and is clamped when it lies outside.
#include "Interpreter.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace lutra;

static constexpr double infinity = std::numeric_limits<double>::infinity();

static int64_t clampIndex(int64_t index, int64_t size) {
  if (index < 0)
    index += size;
  return std::max<int64_t>(0, std::min(index, size - 1));
}

/// Marks an element whose place was chosen by an uncertain index.
static void markUncertain(Array &out, int64_t i) {
  if (out.errors.empty())
    out.errors.assign(out.count(), 0);
  out.errors[i] = infinity;
}

static LogicalResult checkAxis(Operation *op, int64_t axis, int64_t rank) {
  if (axis >= 0 && axis < rank)
    return success();
  return refuse(op, ErrorCode::Attribute) << "reads along axis " << axis << " of rank " << rank;
}

static LogicalResult refuseEmpty(Operation *op, int64_t axis) {
  return refuse(op, ErrorCode::GraphType) << "reads from dimension " << axis << ", which is empty";
}

static LogicalResult evaluateGather(GatherOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  const Array &indices = interpreter.getArray(op.getIndices());
  int64_t axis = op.getAxis();
  if (failed(checkAxis(op, axis, input.rank())))
    return failure();
  SmallVector<int64_t> shape(input.shape.begin(), input.shape.begin() + axis);
  llvm::append_range(shape, indices.shape);
  shape.append(input.shape.begin() + axis + 1, input.shape.end());
  auto result = interpreter.makeResult(op->getResult(0), shape);
  if (failed(result))
    return failure();
  int64_t outer = 1, inner = 1, size = input.shape[axis];
  for (int64_t dim = 0; dim < input.rank(); ++dim)
    (dim < axis ? outer : inner) *= dim == axis ? 1 : input.shape[dim];
  if (size == 0 && (*result)->count() > 0)
    return refuseEmpty(op, axis);
  for (int64_t o = 0, to = 0; o < outer; ++o)
    for (int64_t j = 0; j < indices.count(); ++j) {
      int64_t from = (o * size + (size ? clampIndex(indices.integers[j], size) : 0)) * inner;
      for (int64_t i = 0; i < inner; ++i, ++to) {
        copyElement(input, from + i, **result, to);
        if (indices.errorAt(j) != 0)
          markUncertain(**result, to);
      }
    }
  return interpreter.setArray(op->getResult(0), *result);
}

/// Whether `indices` fits `input` everywhere but at `axis`.
static LogicalResult checkElements(Operation *op, const Array &input, const Array &indices,
                                   int64_t axis) {
  bool fits = indices.rank() == input.rank();
  for (int64_t dim = 0; fits && dim < input.rank(); ++dim)
    fits = dim == axis || indices.shape[dim] <= input.shape[dim];
  if (!fits)
    return refuse(op, ErrorCode::GraphType)
           << "has indices of shape [" << ArrayRef(indices.shape) << "] for an input of shape ["
           << ArrayRef(input.shape) << "]";
  if (input.shape[axis] == 0 && indices.count() > 0)
    return refuseEmpty(op, axis);
  return success();
}

static LogicalResult evaluateGatherElements(GatherElementsOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  const Array &indices = interpreter.getArray(op.getIndices());
  int64_t axis = op.getAxis();
  if (failed(checkAxis(op, axis, input.rank())) ||
      failed(checkElements(op, input, indices, axis)))
    return failure();
  auto result = interpreter.makeResult(op->getResult(0), indices.shape);
  if (failed(result))
    return failure();
  SmallVector<int64_t> strides = stridesOf(input.shape);
  forEachPosition(indices.shape, [&](ArrayRef<int64_t> index, int64_t i) {
    int64_t at = clampIndex(indices.integers[i], input.shape[axis]);
    copyElement(input, offsetOf(index, strides) + (at - index[axis]) * strides[axis], **result, i);
    if (indices.errorAt(i) != 0)
      markUncertain(**result, i);
  });
  return interpreter.setArray(op->getResult(0), *result);
}

/// Offset of the slice that tuple number `tuple` names, below `batch` leading dimensions.
static int64_t sliceOffset(const Array &input, const Array &indices, int64_t tuple, int64_t length,
                           int64_t firstDim, bool &uncertain) {
  SmallVector<int64_t> strides = stridesOf(input.shape);
  int64_t offset = 0;
  for (int64_t i = 0; i < length; ++i) {
    int64_t dim = firstDim + i;
    offset += clampIndex(indices.integers[tuple * length + i], input.shape[dim]) * strides[dim];
    uncertain |= indices.errorAt(tuple * length + i) != 0;
  }
  return offset;
}

static LogicalResult evaluateGatherNd(GatherNdOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  const Array &indices = interpreter.getArray(op.getIndices());
  int64_t batchDims = op.getBatchDims(), length = indices.rank() ? indices.shape.back() : 0;
  if (indices.rank() < 1 || batchDims < 0 || batchDims >= indices.rank() ||
      batchDims + length > input.rank() ||
      ArrayRef(indices.shape).take_front(batchDims) != ArrayRef(input.shape).take_front(batchDims))
    return refuse(op, ErrorCode::GraphType)
           << "has indices of shape [" << ArrayRef(indices.shape) << "] for an input of shape ["
           << ArrayRef(input.shape) << "] below " << batchDims << " batch dimensions";
  SmallVector<int64_t> shape(indices.shape.begin(), indices.shape.end() - 1);
  shape.append(input.shape.begin() + batchDims + length, input.shape.end());
  auto result = interpreter.makeResult(op->getResult(0), shape);
  if (failed(result))
    return failure();
  int64_t batches = *countElements(ArrayRef(indices.shape).take_front(batchDims));
  int64_t tuples = *countElements(ArrayRef(indices.shape).drop_back());
  int64_t inner = *countElements(ArrayRef(input.shape).drop_front(batchDims + length));
  int64_t perBatch = *countElements(ArrayRef(input.shape).drop_front(batchDims));
  if ((*result)->count() == 0)
    return interpreter.setArray(op->getResult(0), *result);
  if (perBatch == 0)
    return refuseEmpty(op, batchDims);
  for (int64_t tuple = 0; tuple < tuples; ++tuple) {
    bool uncertain = false;
    int64_t from = tuple / (tuples / batches) * perBatch +
                   sliceOffset(input, indices, tuple, length, batchDims, uncertain);
    for (int64_t i = 0; i < inner; ++i) {
      copyElement(input, from + i, **result, tuple * inner + i);
      if (uncertain)
        markUncertain(**result, tuple * inner + i);
    }
  }
  return interpreter.setArray(op->getResult(0), *result);
}

static BinaryKind combinerOf(ScatterKind kind) {
  switch (kind) {
  case ScatterKind::Add:
    return BinaryKind::Add;
  case ScatterKind::Mul:
    return BinaryKind::Mul;
  case ScatterKind::Max:
    return BinaryKind::Max;
  default:
    return BinaryKind::Min;
  }
}

/// out[at] = kind(out[at], updates[from]).
static void combine(ScatterKind kind, Array &out, int64_t at, const Array &updates, int64_t from,
                    bool bounds) {
  if (kind == ScatterKind::Set) {
    copyElement(updates, from, out, at);
    if (updates.errors.empty() && !out.errors.empty())
      out.errors[at] = 0;
    return;
  }
  if (out.isFloat()) {
    Bounded y = binary(combinerOf(kind), out.at(at), updates.at(from),
                       precisionOf(out.elementType));
    out.floats[at] = y.value;
    if (bounds && out.errors.empty())
      out.errors.assign(out.count(), 0);
    if (bounds)
      out.errors[at] = y.error;
    return;
  }
  uint64_t a = out.integers[at], b = updates.integers[from];
  bool less = isUnsignedType(out.elementType) ? a < b
                                              : out.integers[at] < updates.integers[from];
  if (kind == ScatterKind::Add)
    out.integers[at] = wrapToType(out.elementType, a + b);
  else if (kind == ScatterKind::Mul)
    out.integers[at] = wrapToType(out.elementType, a * b);
  else if (less == (kind == ScatterKind::Max))
    out.integers[at] = static_cast<int64_t>(b);
  if (updates.errorAt(from) != 0)
    markUncertain(out, at);
}

/// An uncertain place leaves the whole result open.
static LogicalResult finishScatter(Operation *op, const Array &indices, std::shared_ptr<Array> out,
                                   Interpreter &interpreter) {
  if (llvm::any_of(indices.errors, [](double error) { return error != 0; }))
    out->errors.assign(out->count(), infinity);
  return interpreter.setArray(op->getResult(0), std::move(out));
}

static LogicalResult evaluateScatterElements(ScatterElementsOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  const Array &indices = interpreter.getArray(op.getIndices());
  const Array &updates = interpreter.getArray(op.getUpdates());
  int64_t axis = op.getAxis();
  if (failed(checkAxis(op, axis, input.rank())) ||
      failed(checkElements(op, input, indices, axis)))
    return failure();
  if (updates.shape != indices.shape || updates.isFloat() != input.isFloat())
    return refuse(op, ErrorCode::GraphType) << "has updates that do not fit its indices or input";
  auto out = std::make_shared<Array>(input);
  SmallVector<int64_t> strides = stridesOf(input.shape);
  forEachPosition(indices.shape, [&](ArrayRef<int64_t> index, int64_t i) {
    int64_t at = clampIndex(indices.integers[i], input.shape[axis]);
    combine(op.getKind(), *out, offsetOf(index, strides) + (at - index[axis]) * strides[axis],
            updates, i, interpreter.hasBounds());
  });
  return finishScatter(op, indices, out, interpreter);
}

static LogicalResult evaluateScatterNd(ScatterNdOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  const Array &indices = interpreter.getArray(op.getIndices());
  const Array &updates = interpreter.getArray(op.getUpdates());
  int64_t length = indices.rank() ? indices.shape.back() : -1;
  if (length < 0 || length > input.rank() || updates.isFloat() != input.isFloat())
    return refuse(op, ErrorCode::GraphType) << "has indices or updates that do not fit its input";
  SmallVector<int64_t> shape(indices.shape.begin(), indices.shape.end() - 1);
  shape.append(input.shape.begin() + length, input.shape.end());
  if (ArrayRef(updates.shape) != ArrayRef(shape))
    return refuse(op, ErrorCode::GraphType)
           << "has updates of shape [" << ArrayRef(updates.shape) << "] instead of ["
           << ArrayRef(shape) << "]";
  auto out = std::make_shared<Array>(input);
  int64_t tuples = *countElements(ArrayRef(indices.shape).drop_back());
  int64_t inner = *countElements(ArrayRef(input.shape).drop_front(length));
  if (updates.count() > 0 && input.count() == 0)
    return refuseEmpty(op, 0);
  for (int64_t tuple = 0; tuple < tuples && updates.count() > 0; ++tuple) {
    bool uncertain = false;
    int64_t to = sliceOffset(input, indices, tuple, length, 0, uncertain);
    for (int64_t i = 0; i < inner; ++i)
      combine(op.getKind(), *out, to + i, updates, tuple * inner + i, interpreter.hasBounds());
  }
  return finishScatter(op, indices, out, interpreter);
}

void lutra::addGatherHandlers(HandlerTable &table) {
  table.add<GatherElementsOp, evaluateGatherElements>();
  table.add<GatherNdOp, evaluateGatherNd>();
  table.add<GatherOp, evaluateGather>();
  table.add<ScatterElementsOp, evaluateScatterElements>();
  table.add<ScatterNdOp, evaluateScatterNd>();
}
