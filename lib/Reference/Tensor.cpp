//===- Tensor.cpp - a dense array in host memory ---------------------------===//
// Number formats are described by a table (precision, exponent range, infinities) and converted with
// frexp-like arithmetic in double, which is exact for every format of at most 53 bits.
#include "lutra/Reference/Tensor.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;

namespace lutra {

namespace {
struct FloatFormat {
  int precision;   // with the hidden bit
  int minExponent; // of the least normal number
  int bias;
  double largest;
  bool hasInfinity;
  bool negativeZeroIsNan; // the FNUZ formats
};
struct KindFacts {
  const char *name;
  unsigned bits;
  bool isFloat;
  bool isUnsigned;
};
} // namespace

static const KindFacts &factsOf(ElementKind kind) {
  static const KindFacts table[] = {
      {"f64", 64, true, false},     {"f32", 32, true, false},
      {"f16", 16, true, false},     {"bf16", 16, true, false},
      {"f8E4M3FN", 8, true, false}, {"f8E5M2", 8, true, false},
      {"f8E4M3FNUZ", 8, true, false}, {"f8E5M2FNUZ", 8, true, false},
      {"i1", 1, false, true},       {"i2", 2, false, false},
      {"i4", 4, false, false},      {"i8", 8, false, false},
      {"i16", 16, false, false},    {"i32", 32, false, false},
      {"i64", 64, false, false},    {"ui2", 2, false, true},
      {"ui4", 4, false, true},      {"ui8", 8, false, true},
      {"ui16", 16, false, true},    {"ui32", 32, false, true},
      {"ui64", 64, false, true}};
  return table[static_cast<unsigned>(kind)];
}

/// Facts of the formats narrower than f32.
static FloatFormat formatOf(ElementKind kind) {
  switch (kind) {
  case ElementKind::F16:
    return {11, -14, 15, 65504.0, true, false};
  case ElementKind::BF16:
    return {8, -126, 127, std::ldexp(1.9921875, 127), true, false};
  case ElementKind::F8E4M3FN:
    return {4, -6, 7, 448.0, false, false};
  case ElementKind::F8E5M2:
    return {3, -14, 15, 57344.0, true, false};
  case ElementKind::F8E4M3FNUZ:
    return {4, -7, 8, 240.0, false, true};
  default: // F8E5M2FNUZ
    return {3, -15, 16, 57344.0, false, true};
  }
}

bool isFloatKind(ElementKind kind) { return factsOf(kind).isFloat; }
bool isUnsignedKind(ElementKind kind) { return factsOf(kind).isUnsigned; }
unsigned bitsOf(ElementKind kind) { return factsOf(kind).bits; }
int64_t bytesOf(ElementKind kind) { return (factsOf(kind).bits + 7) / 8; }
StringRef nameOf(ElementKind kind) { return factsOf(kind).name; }

std::optional<ElementKind> elementKindOf(Type type) {
  if (type.isIndex())
    return ElementKind::I64;
  if (type.isF64())
    return ElementKind::F64;
  if (type.isF32())
    return ElementKind::F32;
  if (type.isF16())
    return ElementKind::F16;
  if (type.isBF16())
    return ElementKind::BF16;
  if (isa<Float8E4M3FNType>(type))
    return ElementKind::F8E4M3FN;
  if (isa<Float8E5M2Type>(type))
    return ElementKind::F8E5M2;
  if (isa<Float8E4M3FNUZType>(type))
    return ElementKind::F8E4M3FNUZ;
  if (isa<Float8E5M2FNUZType>(type))
    return ElementKind::F8E5M2FNUZ;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  if (integer.getWidth() == 1)
    return ElementKind::I1;
  for (auto kind : {ElementKind::I2, ElementKind::I4, ElementKind::I8, ElementKind::I16,
                    ElementKind::I32, ElementKind::I64, ElementKind::UI2, ElementKind::UI4,
                    ElementKind::UI8, ElementKind::UI16, ElementKind::UI32, ElementKind::UI64})
    if (bitsOf(kind) == integer.getWidth() && isUnsignedKind(kind) == integer.isUnsigned())
      return kind;
  return std::nullopt;
}

Type typeOf(ElementKind kind, MLIRContext *context) {
  switch (kind) {
  case ElementKind::F64:
    return Float64Type::get(context);
  case ElementKind::F32:
    return Float32Type::get(context);
  case ElementKind::F16:
    return Float16Type::get(context);
  case ElementKind::BF16:
    return BFloat16Type::get(context);
  case ElementKind::F8E4M3FN:
    return Float8E4M3FNType::get(context);
  case ElementKind::F8E5M2:
    return Float8E5M2Type::get(context);
  case ElementKind::F8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case ElementKind::F8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  default:
    return IntegerType::get(context, bitsOf(kind),
                            isUnsignedKind(kind) && kind != ElementKind::I1
                                ? IntegerType::Unsigned
                                : IntegerType::Signless);
  }
}

double roundToKind(ElementKind kind, double value) {
  if (kind == ElementKind::F64)
    return value;
  if (kind == ElementKind::F32)
    return static_cast<float>(value);
  FloatFormat format = formatOf(kind);
  double nan = std::numeric_limits<double>::quiet_NaN();
  if (std::isnan(value) || value == 0)
    return value == 0 && format.negativeZeroIsNan ? 0.0 : value;
  if (std::isinf(value))
    return format.hasInfinity ? value : nan;
  int exponent = std::max(std::ilogb(value), format.minExponent);
  double unit = std::ldexp(1.0, exponent - (format.precision - 1));
  double rounded = std::nearbyint(value / unit) * unit;
  if (std::fabs(rounded) > format.largest)
    return format.hasInfinity ? std::copysign(std::numeric_limits<double>::infinity(), value) : nan;
  return rounded == 0 && format.negativeZeroIsNan ? 0.0 : rounded;
}

int64_t wrapToKind(ElementKind kind, int64_t value) {
  unsigned bits = bitsOf(kind);
  if (bits == 64)
    return value;
  uint64_t low = static_cast<uint64_t>(value) & ((uint64_t(1) << bits) - 1);
  return isUnsignedKind(kind) ? static_cast<int64_t>(low) : llvm::SignExtend64(low, bits);
}

std::optional<int64_t> countElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    if (size < 0 || llvm::MulOverflow(count, size, count))
      return std::nullopt;
  return count;
}

/// The bits of an already rounded value.
static uint16_t encode(ElementKind kind, double value) {
  FloatFormat format = formatOf(kind);
  unsigned bits = bitsOf(kind), field = format.precision - 1;
  uint16_t sign = std::signbit(value) ? uint16_t(1) << (bits - 1) : 0;
  uint16_t exponentOnes = ((uint16_t(1) << (bits - 1)) - 1) & ~((uint16_t(1) << field) - 1);
  if (std::isnan(value)) {
    if (format.negativeZeroIsNan)
      return uint16_t(1) << (bits - 1);
    if (!format.hasInfinity)
      return sign | ((uint16_t(1) << (bits - 1)) - 1);
    return sign | exponentOnes | (uint16_t(1) << (field - 1));
  }
  if (std::isinf(value))
    return sign | exponentOnes;
  if (value == 0)
    return sign;
  int exponent = std::max(std::ilogb(value), format.minExponent);
  auto mantissa = static_cast<uint16_t>(std::ldexp(std::fabs(value), field - exponent));
  if (mantissa < (uint16_t(1) << field)) // subnormal
    return sign | mantissa;
  return sign | static_cast<uint16_t>((exponent + format.bias) << field) |
         (mantissa - (uint16_t(1) << field));
}

static double decode(ElementKind kind, uint16_t code) {
  FloatFormat format = formatOf(kind);
  unsigned bits = bitsOf(kind), field = format.precision - 1;
  bool negative = code >> (bits - 1);
  uint16_t magnitude = code & ((uint16_t(1) << (bits - 1)) - 1);
  int exponent = magnitude >> field;
  int mantissa = magnitude & ((1 << field) - 1);
  double nan = std::numeric_limits<double>::quiet_NaN();
  int topExponent = (1 << (bits - 1 - field)) - 1;
  if (format.negativeZeroIsNan) {
    if (negative && magnitude == 0)
      return nan;
  } else if (!format.hasInfinity) {
    if (magnitude == (uint16_t(1) << (bits - 1)) - 1)
      return nan;
  } else if (exponent == topExponent) {
    if (mantissa)
      return nan;
    return negative ? -std::numeric_limits<double>::infinity()
                    : std::numeric_limits<double>::infinity();
  }
  double value = exponent == 0
                     ? std::ldexp(mantissa, format.minExponent - static_cast<int>(field))
                     : std::ldexp(mantissa + (1 << field),
                                  exponent - format.bias - static_cast<int>(field));
  return negative ? -value : value;
}

Tensor::Tensor(ElementKind kind, ArrayRef<int64_t> shape)
    : kind(kind), shape(shape.begin(), shape.end()) {
  std::optional<int64_t> elements = countElements(shape);
  assert(elements && "callers check shapes that come from users");
  count = *elements;
  bytes.assign(count * bytesOf(kind), 0);
}

template <typename T>
static T loadAs(const std::vector<char> &bytes, int64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
static void storeAs(std::vector<char> &bytes, int64_t index, T value) {
  std::memcpy(bytes.data() + index * sizeof(T), &value, sizeof(T));
}

double Tensor::getFloat(int64_t index) const {
  switch (kind) {
  case ElementKind::F64:
    return loadAs<double>(bytes, index);
  case ElementKind::F32:
    return loadAs<float>(bytes, index);
  case ElementKind::F16:
  case ElementKind::BF16:
    return decode(kind, loadAs<uint16_t>(bytes, index));
  case ElementKind::F8E4M3FN:
  case ElementKind::F8E5M2:
  case ElementKind::F8E4M3FNUZ:
  case ElementKind::F8E5M2FNUZ:
    return decode(kind, loadAs<uint8_t>(bytes, index));
  case ElementKind::UI64:
    return static_cast<double>(static_cast<uint64_t>(getInt(index)));
  default:
    return static_cast<double>(getInt(index));
  }
}

int64_t Tensor::getInt(int64_t index) const {
  switch (bytesOf(kind)) {
  case 1:
    return wrapToKind(kind, loadAs<int8_t>(bytes, index));
  case 2:
    return wrapToKind(kind, loadAs<int16_t>(bytes, index));
  case 4:
    return wrapToKind(kind, loadAs<int32_t>(bytes, index));
  default:
    return loadAs<int64_t>(bytes, index);
  }
}

void Tensor::setFloat(int64_t index, double value) {
  double rounded = roundToKind(kind, value);
  if (kind == ElementKind::F64)
    storeAs<double>(bytes, index, rounded);
  else if (kind == ElementKind::F32)
    storeAs<float>(bytes, index, static_cast<float>(rounded));
  else if (bitsOf(kind) == 16)
    storeAs<uint16_t>(bytes, index, encode(kind, rounded));
  else
    storeAs<uint8_t>(bytes, index, static_cast<uint8_t>(encode(kind, rounded)));
}

void Tensor::setInt(int64_t index, int64_t value) {
  value = wrapToKind(kind, value);
  switch (bytesOf(kind)) {
  case 1:
    return storeAs<int8_t>(bytes, index, static_cast<int8_t>(value));
  case 2:
    return storeAs<int16_t>(bytes, index, static_cast<int16_t>(value));
  case 4:
    return storeAs<int32_t>(bytes, index, static_cast<int32_t>(value));
  default:
    return storeAs<int64_t>(bytes, index, value);
  }
}

} // namespace lutra
