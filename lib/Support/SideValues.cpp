//===- SideValues.cpp - bits and values of small number formats -------------===//
// Floats of any split are rounded by arithmetic in double, which is exact for all of them: the unit in the last
// place is a power of two, so quotient and product are.
#include "lutra/Support/SideValues.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <cassert>
#include <cmath>
#include <limits>

using namespace lutra;

static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double lutra::decodeFloat(const FloatForm &form, uint32_t code) {
  int m = form.mantissaBits;
  uint32_t exponent = (code >> m) & llvm::maskTrailingOnes<uint32_t>(form.exponentBits);
  uint32_t mantissa = code & llvm::maskTrailingOnes<uint32_t>(m);
  bool negative = (code >> (form.exponentBits + m)) & 1;
  bool isTop = exponent == llvm::maskTrailingOnes<uint32_t>(form.exponentBits);
  if (isTop && form.special == ValueMap::Fn && mantissa == llvm::maskTrailingOnes<uint32_t>(m))
    return kNan;
  if (isTop && form.special == ValueMap::Ieee) {
    double infinity = std::numeric_limits<double>::infinity();
    return mantissa ? kNan : negative ? -infinity : infinity;
  }
  double value = exponent == 0 ? std::ldexp(mantissa, 1 - form.bias - m)
                               : std::ldexp(mantissa + (uint64_t(1) << m), int(exponent) - form.bias - m);
  return negative ? -value : value;
}

/// Code of the greatest finite number.
static uint32_t topCode(const FloatForm &form) {
  uint32_t all = llvm::maskTrailingOnes<uint32_t>(form.exponentBits + form.mantissaBits);
  switch (form.special) {
  case ValueMap::None:
    return all;
  case ValueMap::Fn:
    return all - 1;
  case ValueMap::Ieee:
    return all - llvm::maskTrailingOnes<uint32_t>(form.mantissaBits) - 1;
  }
  return all;
}

uint32_t lutra::encodeFloat(const FloatForm &form, double value) {
  int m = form.mantissaBits;
  uint32_t sign = uint32_t(std::signbit(value)) << (form.exponentBits + m);
  uint32_t top = topCode(form);
  if (std::isnan(value)) {
    if (form.special == ValueMap::None)
      return 0;
    // Fn has one NaN; of the others the quiet one.
    return sign | (form.special == ValueMap::Fn ? top + 1 : top + 1 + (m ? uint32_t(1) << (m - 1) : 0));
  }
  double magnitude = std::fabs(value);
  if (magnitude == 0)
    return sign;
  if (std::isinf(magnitude))
    return sign | top;
  int exponent = std::max(std::ilogb(magnitude), 1 - form.bias);
  // In units of the last place: below 2^m a subnormal; 2^(m+1) carries into the exponent by itself.
  auto units = (int64_t)std::nearbyint(std::ldexp(magnitude, m - exponent));
  int64_t hidden = int64_t(1) << m;
  int64_t code = units < hidden ? units : (int64_t(exponent + form.bias) << m) + units - hidden;
  return sign | (uint32_t)std::min<int64_t>(code, top);
}

static FloatForm formOf(SideType::Kind kind) {
  switch (kind) {
  case SideType::F16:
    return {5, 10, 15, ValueMap::Ieee};
  case SideType::BF16:
    return {8, 7, 127, ValueMap::Ieee};
  case SideType::E4M3:
  case SideType::UE4M3:
    return {4, 3, 7, ValueMap::Fn};
  case SideType::E5M2:
    return {5, 2, 15, ValueMap::Ieee};
  default:
    assert(kind == SideType::F32 && "integers and e8m0 have no such form");
    return {8, 23, 127, ValueMap::Ieee};
  }
}

double lutra::decodeSide(const SideType &type, uint32_t bits) {
  switch (type.kind) {
  case SideType::Uint:
    return bits & llvm::maskTrailingOnes<uint32_t>(type.width);
  case SideType::Int:
    return (double)llvm::SignExtend64(bits, type.width);
  case SideType::F32:
    return llvm::bit_cast<float>(bits);
  case SideType::E8M0:
    return (bits & 0xff) == 0xff ? kNan : std::ldexp(1.0, int(bits & 0xff) - 127);
  case SideType::UE4M3:
    return bits & 0x80 ? kNan : decodeFloat(formOf(type.kind), bits);
  default:
    return decodeFloat(formOf(type.kind), bits);
  }
}

/// The nearest power of two; 1.5 lies between two of them.
static uint32_t encodePower(double value) {
  if (std::isnan(value))
    return 0xff;
  if (!(value > 0))
    return 0;
  if (std::isinf(value))
    return 0xfe;
  int exponent = std::ilogb(value);
  double fraction = std::ldexp(value, -exponent);
  int code = exponent + 127;
  if (fraction > 1.5 || (fraction == 1.5 && (code & 1)))
    ++code;
  return std::min(std::max(code, 0), 0xfe);
}

uint32_t lutra::encodeSide(const SideType &type, double value) {
  switch (type.kind) {
  case SideType::Uint:
  case SideType::Int: {
    if (std::isnan(value))
      return 0;
    double rounded = std::nearbyint(std::min(std::max(value, leastOf(type)), greatestOf(type)));
    return (uint32_t)((int64_t)rounded & llvm::maskTrailingOnes<uint32_t>(type.width));
  }
  case SideType::F32: {
    double limit = std::numeric_limits<float>::max();
    if (std::isnan(value))
      return 0x7fc00000;
    return llvm::bit_cast<uint32_t>((float)std::min(std::max(value, -limit), limit));
  }
  case SideType::E8M0:
    return encodePower(value);
  case SideType::UE4M3:
    return std::isnan(value) ? 0x7f : value > 0 ? encodeFloat(formOf(type.kind), value) : 0;
  default:
    return encodeFloat(formOf(type.kind), value);
  }
}

double lutra::leastOf(const SideType &type) {
  switch (type.kind) {
  case SideType::Uint:
  case SideType::UE4M3:
    return 0;
  case SideType::E8M0:
    return std::ldexp(1.0, -127);
  case SideType::Int:
    return -std::ldexp(1.0, int(type.width) - 1);
  default:
    return -greatestOf(type);
  }
}

double lutra::greatestOf(const SideType &type) {
  switch (type.kind) {
  case SideType::Uint:
    return std::ldexp(1.0, int(type.width)) - 1;
  case SideType::Int:
    return std::ldexp(1.0, int(type.width) - 1) - 1;
  case SideType::F32:
    return std::numeric_limits<float>::max();
  case SideType::E8M0:
    return std::ldexp(1.0, 127);
  default:
    return decodeFloat(formOf(type.kind), topCode(formOf(type.kind)));
  }
}
