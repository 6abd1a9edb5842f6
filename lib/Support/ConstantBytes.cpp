//===- ConstantBytes.cpp - the stored bytes of constant attributes ----------===//
#include "lutra/Support/ConstantBytes.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <cmath>
#include <cstring>
#include <sys/mman.h>

using namespace mlir;

/// Constants with more elements than this become resources.
static constexpr int64_t kDenseLimit = 256;

static unsigned storedWidth(Type element) {
  if (element.isIndex())
    return 8;
  unsigned bits = element.getIntOrFloatBitWidth();
  return bits <= 8 ? 1 : (bits + 7) / 8;
}

FailureOr<ArrayRef<char>> lutra::viewConstantBytes(ElementsAttr value, SmallVector<char, 0> &splat) {
  auto type = cast<RankedTensorType>(value.getShapedType());
  Type element = type.getElementType();
  if (!element.isIntOrIndexOrFloat())
    return failure();
  int64_t count = type.getNumElements();
  size_t width = storedWidth(element);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || blob->getData().size() < count * width)
      return failure();
    return blob->getData().take_front(count * width);
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return failure();
  splat.clear();
  if (element.isInteger(1)) {
    for (bool flag : dense.getValues<bool>())
      splat.push_back(flag);
    return ArrayRef<char>(splat);
  }
  ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat())
    return raw;
  splat.resize_for_overwrite(count * width);
  for (int64_t i = 0; i < count; ++i)
    std::memcpy(splat.data() + i * width, raw.data(), width);
  return ArrayRef<char>(splat);
}

FailureOr<SmallVector<char, 0>> lutra::constantBytes(ElementsAttr value) {
  SmallVector<char, 0> splat;
  FailureOr<ArrayRef<char>> bytes = viewConstantBytes(value, splat);
  if (failed(bytes))
    return failure();
  if (bytes->data() == splat.data())
    return std::move(splat);
  return SmallVector<char, 0>(bytes->begin(), bytes->end());
}

AsmResourceBlob lutra::allocateZeroedBlob(int64_t bytes) {
  constexpr int64_t leastPages = int64_t(1) << 20;
  void *pages = bytes < leastPages ? MAP_FAILED
                                   : ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages != MAP_FAILED) {
    (void)::madvise(pages, bytes, MADV_HUGEPAGE); // a fault for each 2 MB where the system can
    return AsmResourceBlob(
        ArrayRef<char>(static_cast<char *>(pages), bytes), /*dataAlignment=*/64,
        [](void *data, size_t size, size_t) { ::munmap(data, size); }, /*dataIsMutable=*/true);
  }
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(bytes, /*align=*/64, /*dataIsMutable=*/true);
  std::memset(blob.getMutableData().data(), 0, bytes);
  return blob;
}

template <typename T> static T load(const char *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

/// One element as a number.
static double loadNumber(Type element, const char *bytes) {
  if (element.isF32())
    return load<float>(bytes);
  if (element.isF64())
    return load<double>(bytes);
  if (auto real = dyn_cast<FloatType>(element)) {
    llvm::APInt bits(real.getWidth(), 0);
    uint64_t word = 0;
    std::memcpy(&word, bytes, storedWidth(element));
    return llvm::APFloat(real.getFloatSemantics(), llvm::APInt(real.getWidth(), word)).convertToDouble();
  }
  bool isUnsigned = element.isUnsignedInteger() || element.isInteger(1);
  switch (storedWidth(element)) {
  case 1:
    return isUnsigned ? double(load<uint8_t>(bytes)) : double(load<int8_t>(bytes));
  case 2:
    return isUnsigned ? double(load<uint16_t>(bytes)) : double(load<int16_t>(bytes));
  case 4:
    return isUnsigned ? double(load<uint32_t>(bytes)) : double(load<int32_t>(bytes));
  default:
    return isUnsigned ? double(load<uint64_t>(bytes)) : double(load<int64_t>(bytes));
  }
}

FailureOr<SmallVector<double, 0>> lutra::constantNumbers(ElementsAttr value) {
  Type element = value.getShapedType().getElementType();
  FailureOr<SmallVector<char, 0>> bytes = constantBytes(value);
  if (failed(bytes))
    return failure();
  size_t width = storedWidth(element);
  SmallVector<double, 0> numbers;
  numbers.reserve(bytes->size() / width);
  for (size_t at = 0; at < bytes->size(); at += width)
    numbers.push_back(loadNumber(element, bytes->data() + at));
  return numbers;
}

std::optional<int64_t> lutra::findNonFinite(ElementsAttr value) {
  Type element = value.getShapedType().getElementType();
  if (!isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(element))
    return std::nullopt;
  if (auto dense = dyn_cast<DenseElementsAttr>(value); dense && dense.isSplat()) // one element says it
    value = dense.resizeSplat(RankedTensorType::get({1}, element));
  FailureOr<SmallVector<char, 0>> bytes = constantBytes(value);
  if (failed(bytes))
    return std::nullopt;
  // All exponent bits set: the exponent lies just below the sign.
  size_t width = storedWidth(element);
  auto real = cast<FloatType>(element);
  unsigned fraction = real.getFPMantissaWidth() - 1;
  uint64_t exponent = ((uint64_t(1) << (real.getWidth() - 1 - fraction)) - 1) << fraction;
  for (size_t at = 0; at < bytes->size(); at += width) {
    uint64_t word = 0;
    std::memcpy(&word, bytes->data() + at, width);
    if ((word & exponent) == exponent)
      return at / width;
  }
  return std::nullopt;
}

ElementsAttr lutra::makeConstant(RankedTensorType type, ArrayRef<char> bytes, StringRef name) {
  if (type.getNumElements() <= kDenseLimit) {
    if (!type.getElementType().isInteger(1))
      return DenseElementsAttr::getFromRawBuffer(type, bytes);
    SmallVector<bool> flags;
    for (char byte : bytes)
      flags.push_back(byte != 0);
    return DenseElementsAttr::get(type, flags);
  }
  size_t align = 64;
  return DenseResourceElementsAttr::get(
      type, name, HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, align));
}
