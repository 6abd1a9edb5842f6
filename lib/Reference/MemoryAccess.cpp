//===- MemoryAccess.cpp - reads and writes of buffers, checked -------------===//
#include "MemoryAccess.h"

using namespace mlir;

namespace lutra {

int64_t storedElementBytes(Type type) {
  std::optional<ElementKind> kind = elementKindOf(type);
  return kind ? bytesOf(*kind) : 8;
}

std::shared_ptr<Buffer> allocateBuffer(Type elementType, ArrayRef<int64_t> shape) {
  auto buffer = std::make_shared<Buffer>();
  buffer->elementType = elementType;
  buffer->shape.assign(shape.begin(), shape.end());
  buffer->strides = stridesOf(shape);
  buffer->memory = std::make_shared<Memory>();
  buffer->memory->bytes.assign(
      countElements(shape).value_or(0) * storedElementBytes(elementType), 0xFF);
  return buffer;
}

FailureOr<int64_t> locate(Operation *op, const Buffer &buffer, ArrayRef<int64_t> index) {
  int64_t elements = 0;
  for (size_t dim = 0; dim < index.size(); ++dim) {
    if (index[dim] < 0 || index[dim] >= buffer.shape[dim])
      return refuse(op, ErrorCode::RuntimeArgument)
             << "accesses index " << index[dim] << " of dimension " << dim
             << " of a buffer of shape [" << ArrayRef(buffer.shape) << "]";
    elements += index[dim] * buffer.strides[dim];
  }
  int64_t size = storedElementBytes(buffer.elementType), offset = buffer.offset + elements * size;
  if (offset < 0 || offset + size > static_cast<int64_t>(buffer.memory->bytes.size()))
    return refuse(op, ErrorCode::RuntimeArgument)
           << "accesses byte " << offset << " of an allocation of " << buffer.memory->bytes.size();
  return offset;
}

/// One element as a host tensor, which knows the number formats.
static Tensor elementTensor(Type type) {
  return Tensor(elementKindOf(type).value_or(ElementKind::I64), {});
}

Datum loadElement(const Buffer &buffer, int64_t byteOffset) {
  const uint8_t *source = buffer.memory->bytes.data() + byteOffset;
  if (buffer.elementType.isF32()) {
    float value;
    std::memcpy(&value, source, sizeof(value));
    return Datum::of(static_cast<double>(value));
  }
  Tensor element = elementTensor(buffer.elementType);
  std::memcpy(element.getBytes().data(), source, element.getBytes().size());
  return element.isFloat() ? Datum::of(element.getFloat(0)) : Datum::of(element.getInt(0));
}

void storeElement(const Buffer &buffer, int64_t byteOffset, const Datum &value) {
  uint8_t *dest = buffer.memory->bytes.data() + byteOffset;
  if (buffer.elementType.isF32()) {
    auto number = static_cast<float>(value.number);
    std::memcpy(dest, &number, sizeof(number));
    return;
  }
  Tensor element = elementTensor(buffer.elementType);
  if (element.isFloat())
    element.setFloat(0, value.number);
  else
    element.setInt(0, value.integer);
  std::memcpy(dest, element.getBytes().data(), element.getBytes().size());
}

FailureOr<std::shared_ptr<Array>> readBuffer(Operation *op, const Buffer &buffer,
                                             Type elementType) {
  auto array = makeArray(elementType, buffer.shape);
  if (storedElementBytes(elementType) != storedElementBytes(buffer.elementType) ||
      array->isFloat() != isa<FloatType>(buffer.elementType))
    return refuse(op, ErrorCode::GraphType) << "reads a buffer of " << buffer.elementType << " as "
                                            << elementType;
  LogicalResult status = success();
  forEachPosition(buffer.shape, [&](ArrayRef<int64_t> index, int64_t i) {
    if (failed(status))
      return;
    FailureOr<int64_t> offset = locate(op, buffer, index);
    if (failed(offset)) {
      status = failure();
      return;
    }
    Datum element = loadElement(buffer, *offset);
    if (array->isFloat())
      array->floats[i] = element.number;
    else
      array->integers[i] = wrapToType(elementType, element.integer);
  });
  if (failed(status))
    return failure();
  return array;
}

LogicalResult writeBuffer(Operation *op, const Buffer &buffer, const Array &array) {
  if (array.shape != buffer.shape || array.isFloat() != isa<FloatType>(buffer.elementType))
    return refuse(op, ErrorCode::GraphType)
           << "writes a value of shape [" << ArrayRef(array.shape) << "] to a buffer of shape ["
           << ArrayRef(buffer.shape) << "] of " << buffer.elementType;
  LogicalResult status = success();
  forEachPosition(buffer.shape, [&](ArrayRef<int64_t> index, int64_t i) {
    if (failed(status))
      return;
    FailureOr<int64_t> offset = locate(op, buffer, index);
    if (failed(offset)) {
      status = failure();
      return;
    }
    storeElement(buffer, *offset,
                 array.isFloat() ? Datum::of(array.floats[i]) : Datum::of(array.integers[i]));
  });
  return status;
}

} // namespace lutra
