//===- Movement.cpp - elements move, values do not change ------------------===//
#include "Interpreter.h"

using namespace mlir;
using namespace lutra;

/// Fills `out` so that element at each position comes from `source(position)` of `input`.
static void fillFrom(const Array &input, Array &out,
                     function_ref<int64_t(ArrayRef<int64_t>)> source) {
  forEachPosition(out.shape, [&](ArrayRef<int64_t> index, int64_t i) {
    copyElement(input, source(index), out, i);
  });
}

static LogicalResult evaluateIota(IotaOp op, Interpreter &interpreter) {
  auto shape = interpreter.shapeFrom(op->getResult(0), op.getSizes());
  if (failed(shape))
    return failure();
  auto result = interpreter.makeResult(op->getResult(0), *shape);
  if (failed(result))
    return failure();
  Array &out = **result;
  int64_t axis = op.getAxis();
  if (axis < 0 || axis >= out.rank())
    return refuse(op, ErrorCode::Attribute) << "counts along axis " << axis << " of rank "
                                            << out.rank();
  forEachPosition(*shape, [&](ArrayRef<int64_t> index, int64_t i) {
    if (out.isFloat())
      out.floats[i] = static_cast<double>(index[axis]);
    else
      out.integers[i] = wrapToType(out.elementType, index[axis]);
  });
  return interpreter.setArray(op->getResult(0), *result);
}

static LogicalResult evaluateFromIndex(FromIndexOp op, Interpreter &interpreter) {
  auto result = interpreter.makeResult(op->getResult(0), {});
  if (failed(result))
    return failure();
  (*result)->integers[0] =
      wrapToType((*result)->elementType, interpreter.getInteger(op.getValue()));
  return interpreter.setArray(op->getResult(0), *result);
}

static LogicalResult evaluateReshape(ReshapeOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  auto shape = interpreter.shapeFrom(op->getResult(0), op.getSizes());
  if (failed(shape))
    return failure();
  if (countElements(*shape) != input.count())
    return refuse(op, ErrorCode::GraphType)
           << "turns shape [" << ArrayRef(input.shape) << "] into [" << ArrayRef(*shape)
           << "], which has another number of elements";
  auto copy = std::make_shared<Array>(input);
  copy->shape.assign(shape->begin(), shape->end());
  return interpreter.setArray(op->getResult(0), copy);
}

static LogicalResult evaluateTranspose(TransposeOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  ArrayRef<int64_t> permutation = op.getPermutation();
  SmallVector<bool> seen(input.rank(), false);
  for (int64_t dim : permutation)
    if (dim < 0 || dim >= input.rank() || std::exchange(seen[dim], true))
      return refuse(op, ErrorCode::Attribute) << "has no permutation of " << input.rank()
                                              << " dimensions";
  if (static_cast<int64_t>(permutation.size()) != input.rank())
    return refuse(op, ErrorCode::Attribute) << "permutes " << permutation.size()
                                            << " dimensions of an input of rank " << input.rank();
  SmallVector<int64_t> shape, strides, own = stridesOf(input.shape);
  for (int64_t dim : permutation) {
    shape.push_back(input.shape[dim]);
    strides.push_back(own[dim]);
  }
  auto result = interpreter.makeResult(op->getResult(0), shape);
  if (failed(result))
    return failure();
  fillFrom(input, **result, [&](ArrayRef<int64_t> index) { return offsetOf(index, strides); });
  return interpreter.setArray(op->getResult(0), *result);
}

static LogicalResult evaluateExpand(ExpandOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  auto shape = interpreter.shapeFrom(op->getResult(0), op.getSizes());
  if (failed(shape))
    return failure();
  std::optional<SmallVector<int64_t>> strides = broadcastStrides(input.shape, *shape);
  if (!strides)
    return refuse(op, ErrorCode::GraphType) << "cannot broadcast shape [" << ArrayRef(input.shape)
                                            << "] to [" << ArrayRef(*shape) << "]";
  auto result = interpreter.makeResult(op->getResult(0), *shape);
  if (failed(result))
    return failure();
  fillFrom(input, **result, [&](ArrayRef<int64_t> index) { return offsetOf(index, *strides); });
  return interpreter.setArray(op->getResult(0), *result);
}

static LogicalResult evaluateSlice(SliceOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  auto shape = interpreter.shapeFrom(op->getResult(0), op.getSizes());
  if (failed(shape))
    return failure();
  SmallVector<int64_t> offsets = interpreter.mixed(op.getStaticOffsets(), op.getOffsets());
  ArrayRef<int64_t> steps = op.getSteps();
  if (static_cast<int64_t>(offsets.size()) != input.rank() ||
      static_cast<int64_t>(steps.size()) != input.rank() ||
      static_cast<int64_t>(shape->size()) != input.rank())
    return refuse(op, ErrorCode::GraphType) << "needs one offset, step and size for each of the "
                                            << input.rank() << " dimensions";
  for (int64_t dim = 0; dim < input.rank(); ++dim) {
    int64_t size = (*shape)[dim], last = offsets[dim] + (size - 1) * steps[dim];
    if (size > 0 && (std::min(offsets[dim], last) < 0 ||
                     std::max(offsets[dim], last) >= input.shape[dim]))
      return refuse(op, ErrorCode::GraphType)
             << "reads indices " << offsets[dim] << " to " << last << " of dimension " << dim
             << ", which has size " << input.shape[dim];
  }
  auto result = interpreter.makeResult(op->getResult(0), *shape);
  if (failed(result))
    return failure();
  SmallVector<int64_t> strides = stridesOf(input.shape);
  fillFrom(input, **result, [&](ArrayRef<int64_t> index) {
    int64_t offset = 0;
    for (size_t dim = 0; dim < index.size(); ++dim)
      offset += (offsets[dim] + index[dim] * steps[dim]) * strides[dim];
    return offset;
  });
  return interpreter.setArray(op->getResult(0), *result);
}

static LogicalResult evaluateConcat(ConcatOp op, Interpreter &interpreter) {
  if (op.getInputs().empty())
    return refuse(op, ErrorCode::GraphType) << "joins no tensors";
  SmallVector<int64_t> shape = interpreter.getArray(op.getInputs()[0]).shape;
  int64_t axis = op.getAxis();
  if (axis < 0 || axis >= static_cast<int64_t>(shape.size()))
    return refuse(op, ErrorCode::Attribute) << "joins along axis " << axis << " of rank "
                                            << shape.size();
  shape[axis] = 0;
  for (Value value : op.getInputs()) {
    ArrayRef<int64_t> own = interpreter.getArray(value).shape;
    for (size_t dim = 0; dim < shape.size(); ++dim)
      if (own.size() != shape.size() || (dim != static_cast<size_t>(axis) && own[dim] != shape[dim]))
        return refuse(op, ErrorCode::GraphType)
               << "joins shapes that differ in more than axis " << axis << ": [" << own << "] and ["
               << ArrayRef(shape) << "]";
    shape[axis] += own[axis];
  }
  auto result = interpreter.makeResult(op->getResult(0), shape);
  if (failed(result))
    return failure();
  SmallVector<int64_t> strides = stridesOf(shape);
  int64_t start = 0;
  for (Value value : op.getInputs()) {
    const Array &input = interpreter.getArray(value);
    forEachPosition(input.shape, [&](ArrayRef<int64_t> index, int64_t i) {
      copyElement(input, i, **result, offsetOf(index, strides) + start * strides[axis]);
    });
    start += input.shape[axis];
  }
  return interpreter.setArray(op->getResult(0), *result);
}

/// The input index that position `index` (relative to the input's start) shows; -1 for the constant.
static int64_t paddedIndex(PadMode mode, int64_t index, int64_t size) {
  if (index >= 0 && index < size)
    return index;
  switch (mode) {
  case PadMode::Constant:
    return -1;
  case PadMode::Edge:
    return index < 0 ? 0 : size - 1;
  case PadMode::Reflect: { // the edge element is not repeated
    if (size == 1)
      return 0;
    int64_t period = 2 * (size - 1);
    int64_t r = ((index % period) + period) % period;
    return r < size ? r : period - r;
  }
  case PadMode::Wrap:
    return ((index % size) + size) % size;
  }
  return -1;
}

static LogicalResult evaluatePad(PadOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  const Array &value = interpreter.getArray(op.getValue());
  SmallVector<int64_t> low = interpreter.mixed(op.getStaticLow(), op.getLow());
  SmallVector<int64_t> high = interpreter.mixed(op.getStaticHigh(), op.getHigh());
  if (static_cast<int64_t>(low.size()) != input.rank() ||
      static_cast<int64_t>(high.size()) != input.rank() || value.count() != 1)
    return refuse(op, ErrorCode::GraphType) << "needs one low and high amount for each of the "
                                            << input.rank() << " dimensions and one value";
  SmallVector<int64_t> shape;
  for (int64_t dim = 0; dim < input.rank(); ++dim) {
    shape.push_back(input.shape[dim] + low[dim] + high[dim]);
    if (shape.back() < 0 ||
        (input.shape[dim] == 0 && shape.back() > 0 && op.getMode() != PadMode::Constant))
      return refuse(op, ErrorCode::GraphType)
             << "pads dimension " << dim << " of size " << input.shape[dim] << " by " << low[dim]
             << " and " << high[dim] << ", which leaves nothing to read";
  }
  auto result = interpreter.makeResult(op->getResult(0), shape);
  if (failed(result))
    return failure();
  SmallVector<int64_t> strides = stridesOf(input.shape);
  forEachPosition(shape, [&](ArrayRef<int64_t> index, int64_t i) {
    int64_t offset = 0;
    for (size_t dim = 0; dim < index.size(); ++dim) {
      int64_t from = paddedIndex(op.getMode(), index[dim] - low[dim], input.shape[dim]);
      if (from < 0)
        return copyElement(value, 0, **result, i);
      offset += from * strides[dim];
    }
    copyElement(input, offset, **result, i);
  });
  return interpreter.setArray(op->getResult(0), *result);
}

void lutra::addMovementHandlers(HandlerTable &table) {
  table.add<IotaOp, evaluateIota>();
  table.add<FromIndexOp, evaluateFromIndex>();
  table.add<ReshapeOp, evaluateReshape>();
  table.add<TransposeOp, evaluateTranspose>();
  table.add<ExpandOp, evaluateExpand>();
  table.add<SliceOp, evaluateSlice>();
  table.add<ConcatOp, evaluateConcat>();
  table.add<PadOp, evaluatePad>();
}
