//===- DequantizedFloats.cpp - dequantizations of constants as floats ---------===//
#include "DequantizedFloats.h"

#include "lutra/Support/SideValues.h"

using namespace mlir;
using namespace lutra;

std::array<float, 256> lutra::valuesOfFp8(Type type) {
  SideType side{isa<Float8E5M2Type>(type) ? SideType::E5M2 : SideType::E4M3, 8};
  std::array<float, 256> values;
  for (auto [code, value] : llvm::enumerate(values))
    value = static_cast<float>(decodeSide(side, code));
  return values;
}

namespace {
/// Reads code - zero point of constants.
struct CodeReader {
  WeightBytes codes;
  std::optional<WeightBytes> zeros;
  bool isFloat, isUnsigned;
  std::array<float, 256> values{}; // of fp8

  CodeReader(Type type, WeightBytes codes, std::optional<WeightBytes> zeros)
      : codes(codes), zeros(zeros), isFloat(isa<FloatType>(type)), isUnsigned(type.isUnsignedInteger()) {
    if (isFloat)
      values = valuesOfFp8(type);
  }

  float read(int64_t index, int64_t side) const {
    if (isFloat)
      return real(codes, index) - (zeros ? real(*zeros, side) : 0);
    return codes.integer(index, isUnsigned) - (zeros ? zeros->integer(side, isUnsigned) : 0);
  }

private:
  float real(const WeightBytes &bytes, int64_t index) const {
    return values[static_cast<uint8_t>(*bytes.element(index))];
  }
};
} // namespace

std::optional<AsmResourceBlob> lutra::computeFloats(DequantizeOp op, WeightStore &store) {
  auto type = cast<RankedTensorType>(op.getType()), codeType = cast<RankedTensorType>(op.getInput().getType());
  auto scaleType = cast<RankedTensorType>(op.getScale().getType());
  std::optional<WeightBytes> codes = store.read(op.getInput()), scales = store.read(op.getScale());
  Value zero = op.getZeroPoint();
  std::optional<WeightBytes> zeros = zero ? store.read(zero) : std::nullopt;
  Type code = codeType.getElementType();
  if (!codes || !scales || (zero && !zeros) || !type.hasStaticShape() ||
      !WeightBytes::hasReals(type.getElementType()) || !WeightBytes::hasReals(scaleType.getElementType()) ||
      !isa<IntegerType, Float8E4M3FNType, Float8E5M2Type>(code))
    return std::nullopt;
  ArrayRef<int64_t> shape = type.getShape();
  int64_t rank = type.getRank(), axis = op.getAxis(); // of no meaning where one scale serves all
  int64_t inner = 1, size = 1; // elements after the axis, elements along it
  for (int64_t dim = 0; dim < rank; ++dim) {
    inner *= dim > axis ? shape[dim] : 1;
    size = dim == axis ? shape[dim] : size;
  }
  bool isBlocked = op.getBlock() > 0 && scaleType.getRank() == rank;
  int64_t blocks = isBlocked ? scaleType.getDimSize(axis) : 0;
  bool isWhole = scaleType.getNumElements() == 1;
  std::vector<float> factors(scaleType.getNumElements());
  scales->reals(scaleType.getElementType(), /*first=*/0, /*stride=*/1, factors);
  CodeReader reader(code, *codes, zeros);
  auto element = cast<FloatType>(type.getElementType());
  int64_t width = element.getWidth() / 8;
  AsmResourceBlob blob = WeightStore::allocate(type.getNumElements() * width);
  char *out = blob.getMutableData().data();
  for (int64_t index = 0; index < type.getNumElements(); ++index) {
    int64_t place = index / inner % size;
    int64_t side = isWhole ? 0
                   : isBlocked ? (index / inner / size * blocks + place / op.getBlock()) * inner + index % inner
                               : place;
    writeReal(reader.read(index, side) * factors[side], element, out + index * width); // as kernels round
  }
  return blob;
}
