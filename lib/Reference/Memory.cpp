//===- Memory.cpp - memref ops ---------------------------------------------===//
#include "MemoryAccess.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lutra;

static void setBuffer(Interpreter &interpreter, Value value, std::shared_ptr<Buffer> buffer) {
  interpreter.set(value, Datum::of(std::shared_ptr<const Buffer>(std::move(buffer))));
}

template <typename OpTy>
static LogicalResult evaluateAllocate(OpTy op, Interpreter &interpreter) {
  auto shape = interpreter.shapeFrom(op->getResult(0), op.getDynamicSizes());
  if (failed(shape))
    return failure();
  std::optional<int64_t> count = countElements(*shape);
  if (!count || *count > interpreter.getOptions().maxElements)
    return refuse(op, ErrorCode::LimitMemory) << "asks for [" << ArrayRef(*shape) << "] elements";
  setBuffer(interpreter, op.getResult(), allocateBuffer(op.getType().getElementType(), *shape));
  return success();
}

static LogicalResult evaluateDealloc(memref::DeallocOp, Interpreter &) { return success(); }

static LogicalResult evaluatePrefetch(memref::PrefetchOp, Interpreter &) { return success(); }

static LogicalResult evaluateDim(memref::DimOp op, Interpreter &interpreter) {
  ArrayRef<int64_t> shape = interpreter.getBuffer(op.getSource()).shape;
  int64_t dim = interpreter.getInteger(op.getIndex());
  if (dim < 0 || dim >= static_cast<int64_t>(shape.size()))
    return refuse(op, ErrorCode::GraphType) << "asks for dimension " << dim << " of rank "
                                            << shape.size();
  interpreter.set(op.getResult(), Datum::of(shape[dim]));
  return success();
}

static SmallVector<int64_t> integersOf(ValueRange values, Interpreter &interpreter) {
  SmallVector<int64_t> integers;
  for (Value value : values)
    integers.push_back(interpreter.getInteger(value));
  return integers;
}

static LogicalResult evaluateLoad(memref::LoadOp op, Interpreter &interpreter) {
  const Buffer &buffer = interpreter.getBuffer(op.getMemRef());
  FailureOr<int64_t> offset = locate(op, buffer, integersOf(op.getIndices(), interpreter));
  if (failed(offset))
    return failure();
  interpreter.set(op.getResult(), loadElement(buffer, *offset));
  return success();
}

static LogicalResult evaluateStore(memref::StoreOp op, Interpreter &interpreter) {
  const Buffer &buffer = interpreter.getBuffer(op.getMemRef());
  FailureOr<int64_t> offset = locate(op, buffer, integersOf(op.getIndices(), interpreter));
  if (failed(offset))
    return failure();
  storeElement(buffer, *offset, interpreter.get(op.getValueToStore()));
  return success();
}

static LogicalResult evaluateCopy(memref::CopyOp op, Interpreter &interpreter) {
  const Buffer &source = interpreter.getBuffer(op.getSource());
  auto array = readBuffer(op, source, source.elementType);
  return failed(array) ? failure() : writeBuffer(op, interpreter.getBuffer(op.getTarget()), **array);
}

static LogicalResult evaluateView(memref::ViewOp op, Interpreter &interpreter) {
  const Buffer &source = interpreter.getBuffer(op.getSource());
  auto shape = interpreter.shapeFrom(op->getResult(0), op.getSizes());
  if (failed(shape))
    return failure();
  auto view = std::make_shared<Buffer>();
  view->memory = source.memory;
  view->elementType = op.getType().getElementType();
  view->shape = *shape;
  view->strides = stridesOf(*shape);
  int64_t shift = interpreter.getInteger(op.getByteShift());
  view->offset = source.offset + shift;
  int64_t bytes = countElements(*shape).value_or(0) * storedElementBytes(view->elementType);
  if (shift < 0 || shift + bytes > source.shape[0])
    return refuse(op, ErrorCode::RuntimeArgument)
           << "shows bytes " << shift << " to " << shift + bytes << " of " << source.shape[0];
  setBuffer(interpreter, op.getResult(), view);
  return success();
}

static LogicalResult evaluateSubview(memref::SubViewOp op, Interpreter &interpreter) {
  const Buffer &source = interpreter.getBuffer(op.getSource());
  SmallVector<int64_t> offsets = interpreter.mixed(op.getStaticOffsets(), op.getOffsets());
  SmallVector<int64_t> sizes = interpreter.mixed(op.getStaticSizes(), op.getSizes());
  SmallVector<int64_t> steps = interpreter.mixed(op.getStaticStrides(), op.getStrides());
  auto view = std::make_shared<Buffer>();
  view->memory = source.memory;
  view->elementType = source.elementType;
  int64_t first = 0;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (size_t dim = 0; dim < sizes.size(); ++dim) {
    int64_t last = offsets[dim] + (sizes[dim] - 1) * steps[dim];
    if (sizes[dim] > 0 && (offsets[dim] < 0 || last < 0 || offsets[dim] >= source.shape[dim] ||
                           last >= source.shape[dim]))
      return refuse(op, ErrorCode::RuntimeArgument)
             << "shows indices " << offsets[dim] << " to " << last << " of dimension " << dim
             << ", which has size " << source.shape[dim];
    first += offsets[dim] * source.strides[dim];
    if (dropped[dim])
      continue;
    view->shape.push_back(sizes[dim]);
    view->strides.push_back(steps[dim] * source.strides[dim]);
  }
  view->offset = source.offset + first * storedElementBytes(source.elementType);
  setBuffer(interpreter, op.getResult(), view);
  return success();
}

/// Reshapes of contiguous buffers.
static LogicalResult reshapeBuffer(Operation *op, Value source, ArrayRef<int64_t> shape,
                                   Interpreter &interpreter) {
  const Buffer &buffer = interpreter.getBuffer(source);
  if (buffer.strides != stridesOf(buffer.shape))
    return refuse(op, ErrorCode::UnsupportedOp) << "reshapes a buffer that is not contiguous";
  if (countElements(shape) != countElements(buffer.shape))
    return refuse(op, ErrorCode::GraphType) << "turns shape [" << ArrayRef(buffer.shape)
                                            << "] into [" << shape << "]";
  auto view = std::make_shared<Buffer>(buffer);
  view->shape.assign(shape.begin(), shape.end());
  view->strides = stridesOf(shape);
  setBuffer(interpreter, op->getResult(0), view);
  return success();
}

static LogicalResult evaluateExpandShape(memref::ExpandShapeOp op, Interpreter &interpreter) {
  return reshapeBuffer(op, op.getSrc(),
                       interpreter.mixed(op.getStaticOutputShape(), op.getOutputShape()),
                       interpreter);
}

static LogicalResult evaluateCollapseShape(memref::CollapseShapeOp op, Interpreter &interpreter) {
  ArrayRef<int64_t> source = interpreter.getBuffer(op.getSrc()).shape;
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : op.getReassociationIndices()) {
    shape.push_back(1);
    for (int64_t dim : group)
      shape.back() *= source[dim];
  }
  return reshapeBuffer(op, op.getSrc(), shape, interpreter);
}

static LogicalResult evaluateReinterpret(memref::ReinterpretCastOp op, Interpreter &interpreter) {
  const Buffer &source = interpreter.getBuffer(op.getSource());
  auto view = std::make_shared<Buffer>(source);
  view->shape = interpreter.mixed(op.getStaticSizes(), op.getSizes());
  view->strides = interpreter.mixed(op.getStaticStrides(), op.getStrides());
  view->offset = interpreter.mixed(op.getStaticOffsets(), op.getOffsets())[0] *
                 storedElementBytes(source.elementType);
  setBuffer(interpreter, op.getResult(), view);
  return success();
}

static LogicalResult evaluateCast(memref::CastOp op, Interpreter &interpreter) {
  interpreter.set(op.getResult(), Datum(interpreter.get(op.getSource())));
  return success();
}

void lutra::addMemoryHandlers(HandlerTable &table) {
  table.add<memref::AllocOp, evaluateAllocate<memref::AllocOp>>();
  table.add<memref::AllocaOp, evaluateAllocate<memref::AllocaOp>>();
  table.add<memref::CastOp, evaluateCast>();
  table.add<memref::CollapseShapeOp, evaluateCollapseShape>();
  table.add<memref::CopyOp, evaluateCopy>();
  table.add<memref::DeallocOp, evaluateDealloc>();
  table.add<memref::DimOp, evaluateDim>();
  table.add<memref::ExpandShapeOp, evaluateExpandShape>();
  table.add<memref::LoadOp, evaluateLoad>();
  table.add<memref::PrefetchOp, evaluatePrefetch>();
  table.add<memref::ReinterpretCastOp, evaluateReinterpret>();
  table.add<memref::StoreOp, evaluateStore>();
  table.add<memref::SubViewOp, evaluateSubview>();
  table.add<memref::ViewOp, evaluateView>();
}
