//===- Array.cpp - a tensor value inside the evaluator ---------------------===//
#include "Array.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lutra {

int64_t Array::count() const { return isFloat() ? floats.size() : integers.size(); }

double Array::asFloat(int64_t index) const {
  if (isFloat())
    return floats[index];
  if (isUnsignedType(elementType))
    return static_cast<double>(static_cast<uint64_t>(integers[index]));
  return static_cast<double>(integers[index]);
}

std::shared_ptr<Array> makeArray(Type elementType, ArrayRef<int64_t> shape) {
  auto array = std::make_shared<Array>();
  array->elementType = elementType;
  array->shape.assign(shape.begin(), shape.end());
  int64_t count = countElements(shape).value_or(0);
  if (array->isFloat())
    array->floats.assign(count, 0);
  else
    array->integers.assign(count, 0);
  return array;
}

SmallVector<int64_t> stridesOf(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t dim = static_cast<int64_t>(shape.size()) - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * shape[dim + 1];
  return strides;
}

void forEachPosition(ArrayRef<int64_t> shape,
                     function_ref<void(ArrayRef<int64_t>, int64_t)> body) {
  int64_t count = countElements(shape).value_or(0);
  SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t linear = 0; linear < count; ++linear) {
    body(index, linear);
    for (int64_t dim = static_cast<int64_t>(shape.size()) - 1; dim >= 0; --dim) {
      if (++index[dim] < shape[dim])
        break;
      index[dim] = 0;
    }
  }
}

int64_t offsetOf(ArrayRef<int64_t> index, ArrayRef<int64_t> strides) {
  int64_t offset = 0;
  for (size_t dim = 0; dim < index.size(); ++dim)
    offset += index[dim] * strides[dim];
  return offset;
}

std::optional<SmallVector<int64_t>> broadcastStrides(ArrayRef<int64_t> shape,
                                                     ArrayRef<int64_t> result) {
  if (shape.size() > result.size())
    return std::nullopt;
  SmallVector<int64_t> own = stridesOf(shape);
  SmallVector<int64_t> strides(result.size() - shape.size(), 0);
  for (size_t dim = 0; dim < shape.size(); ++dim) {
    int64_t size = result[strides.size()];
    if (shape[dim] != size && shape[dim] != 1)
      return std::nullopt;
    strides.push_back(shape[dim] == size ? own[dim] : 0);
  }
  return strides;
}

unsigned integerBits(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return integer ? integer.getWidth() : 64;
}

bool isUnsignedType(Type type) {
  auto integer = dyn_cast<IntegerType>(type);
  return integer && (integer.isUnsigned() || integer.getWidth() == 1);
}

int64_t wrapToType(Type type, int64_t value) {
  unsigned bits = integerBits(type);
  if (bits >= 64)
    return value;
  uint64_t low = static_cast<uint64_t>(value) & ((uint64_t(1) << bits) - 1);
  return isUnsignedType(type) ? static_cast<int64_t>(low) : llvm::SignExtend64(low, bits);
}

double roundToType(Type type, double value) {
  std::optional<ElementKind> kind = elementKindOf(type);
  return kind ? roundToKind(*kind, value) : value;
}

void copyElement(const Array &source, int64_t from, Array &dest, int64_t to) {
  if (dest.isFloat())
    dest.floats[to] = source.floats[from];
  else
    dest.integers[to] = source.integers[from];
  if (source.errors.empty())
    return;
  if (dest.errors.empty())
    dest.errors.assign(dest.count(), 0);
  dest.errors[to] = source.errors[from];
}

ArrayPtr arrayFromTensor(const Tensor &tensor, Type elementType) {
  auto array = makeArray(elementType, tensor.getShape());
  for (int64_t i = 0, e = tensor.getCount(); i < e; ++i) {
    if (array->isFloat())
      array->floats[i] = tensor.getFloat(i);
    else
      array->integers[i] = tensor.getInt(i);
  }
  return array;
}

Tensor tensorFromArray(const Array &array) {
  Tensor tensor(elementKindOf(array.elementType).value_or(ElementKind::F64), array.shape);
  for (int64_t i = 0, e = tensor.getCount(); i < e; ++i) {
    if (array.isFloat())
      tensor.setFloat(i, array.floats[i]);
    else
      tensor.setInt(i, array.integers[i]);
  }
  return tensor;
}

} // namespace lutra
