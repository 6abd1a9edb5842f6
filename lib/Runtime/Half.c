/*===- Half.c - conversions of f16 for CPUs without instructions for it ------===*
 * Where a level lacks F16C the code generator calls these functions, by names that a compiler's own library usually
 * defines; an artifact needs no such library. Integer arithmetic alone: a conversion here would be a call of itself.
 * Weak, so that two models may be linked into one program.
 *===----------------------------------------------------------------------===*/
#include <stdint.h>
#include <string.h>

#define CONVERSION __attribute__((weak))

CONVERSION float __extendhfsf2(_Float16 value);
CONVERSION _Float16 __truncsfhf2(float value);
CONVERSION _Float16 __truncdfhf2(double value);

static _Float16 halfOf(uint32_t bits) {
  uint16_t narrow = (uint16_t)bits;
  _Float16 value;
  memcpy(&value, &narrow, sizeof value);
  return value;
}

float __extendhfsf2(_Float16 value) {
  uint16_t half;
  memcpy(&half, &value, sizeof half);
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 0x3ff, bits;
  if (exponent == 31) {
    bits = sign | 0x7f800000 | fraction << 13;
  } else if (exponent) {
    bits = sign | (exponent + 112) << 23 | fraction << 13;
  } else if (fraction) { /* subnormal: fraction * 2^-24 */
    int shift = __builtin_clz(fraction) - 21;
    bits = sign | (uint32_t)(113 - shift) << 23 | (fraction << shift & 0x3ff) << 13;
  } else {
    bits = sign;
  }
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

/* `significand` * 2^(exponent - 63), its highest bit set, rounded half to even; overflow gives infinity. */
static uint32_t roundToHalf(uint64_t significand, int exponent) {
  if (exponent > 15)
    return 0x7c00;
  /* Bits that stay: 11, fewer below the least normal number. */
  int kept = exponent >= -14 ? 11 : 11 - (-14 - exponent);
  if (kept < 0)
    return 0;
  uint64_t whole = kept ? significand >> (64 - kept) : 0;
  uint64_t rest = kept ? significand << kept : significand, half = 1ull << 63;
  if (rest > half || (rest == half && (whole & 1)))
    ++whole;
  /* A carry moves into the exponent by itself, up to infinity. */
  return exponent >= -14 ? (uint32_t)(((uint64_t)(exponent + 14) << 10) + whole) : (uint32_t)whole;
}

_Float16 __truncdfhf2(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint32_t sign = (uint32_t)(bits >> 48 & 0x8000);
  int exponent = (int)(bits >> 52 & 0x7ff);
  uint64_t fraction = bits << 12;
  if (exponent == 0x7ff)
    return halfOf(sign | 0x7c00 | (fraction ? 0x200 | (uint32_t)(fraction >> 54) : 0));
  if (exponent == 0) /* below 2^-1022 */
    return halfOf(sign);
  return halfOf(sign | roundToHalf(1ull << 63 | fraction >> 1, exponent - 1023));
}

_Float16 __truncsfhf2(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint32_t sign = bits >> 16 & 0x8000, fraction = bits & 0x7fffff;
  int exponent = (int)(bits >> 23 & 0xff);
  if (exponent == 0xff)
    return halfOf(sign | 0x7c00 | (fraction ? 0x200 | fraction >> 13 : 0));
  if (exponent == 0)
    return halfOf(sign);
  return halfOf(sign | roundToHalf(1ull << 63 | (uint64_t)fraction << 40, exponent - 127));
}
