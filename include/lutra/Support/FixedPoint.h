//===- FixedPoint.h - functions of integers in 64 bits, bit for bit ----------===//
// What lutra.requantize, lutra.integer_softmax and lutra.integer_norm mean; kernels compute the same.
#ifndef LUTRA_SUPPORT_FIXEDPOINT_H
#define LUTRA_SUPPORT_FIXEDPOINT_H

#include <cstdint>

namespace lutra {

/// 2^-f = 1 - f (c1 - f (c2 - f c3)) for 0 <= f < 1, in units of 2^-15 each: off by 1.5e-4 of the value, with all
/// products cut to units. From 0 on it never exceeds 1.
struct PowerOfHalf {
  static constexpr int64_t fraction = 15, one = int64_t(1) << fraction;
  static constexpr int64_t c1 = 22664, c2 = 7576, c3 = 1298;
};

/// Bits behind the point of exponentials and quotients of a softmax, and of values that a norm yields.
static constexpr int64_t softmaxFraction = 30, normFraction = 20;
/// Of epsilon in a norm.
static constexpr int64_t epsilonFraction = 12;
/// Steps of Newton's method from 2^31 to the root of a number from 2^60 to below 2^62: 1/4, 1/40, 3e-4, 5e-8 and 1e-15
/// of the root is what each leaves at most, before quotients are cut.
static constexpr int64_t rootSteps = 5;

/// 2^-(difference * step / 2^fraction), in units of 2^-30.
inline int64_t powerOfHalf(int64_t difference, int64_t step, int64_t fraction) {
  using P = PowerOfHalf;
  int64_t exponent = difference * step, whole = exponent >> fraction;
  int64_t part = (exponent >> (fraction - P::fraction)) & (P::one - 1);
  int64_t power = P::c2 - ((part * P::c3) >> P::fraction);
  power = P::c1 - ((part * power) >> P::fraction);
  power = P::one - ((part * power) >> P::fraction);
  return (power << (softmaxFraction - P::fraction)) >> (whole < 31 ? whole : 31);
}

/// 1 / sqrt(x) = reciprocal * 2^(shift / 2 - 61), for 1 <= x < 2^62.
struct ReciprocalRoot {
  uint64_t reciprocal;
  int64_t shift; // even

  static ReciprocalRoot of(uint64_t x) {
    int64_t shift = 0;
    for (int64_t bits : {32, 16, 8, 4, 2})
      if (x < uint64_t(1) << (62 - bits)) {
        x <<= bits;
        shift += bits;
      }
    uint64_t root = uint64_t(1) << 31;
    for (int64_t step = 0; step < rootSteps; ++step)
      root = (root + x / root) >> 1;
    return {((uint64_t(1) << 61) - 1) / root, shift}; // below 2^31
  }
};

} // namespace lutra

#endif // LUTRA_SUPPORT_FIXEDPOINT_H
