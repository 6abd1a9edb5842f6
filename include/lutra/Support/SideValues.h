//===- SideValues.h - bits and values of small number formats ---------------===//
// The one place that turns the bits of a scale, zero point, table entry or small float into a number and
// back. Decoding is exact. Encoding rounds to nearest, ties to the even code, and saturates at the greatest
// finite number (a scale of infinity means nothing); NaN becomes the format's NaN, or code 0 where it has none.
// Formats without a sign (u, e8m0, ue4m3) take numbers below their least as their least.
#ifndef LUTRA_SUPPORT_SIDEVALUES_H
#define LUTRA_SUPPORT_SIDEVALUES_H

#include "lutra/Support/Encoding.h"

namespace lutra {

/// A binary float: sign, exponent and mantissa bits from the top. Exponent 0 holds the subnormals.
struct FloatForm {
  int exponentBits = 0, mantissaBits = 0, bias = 0;
  ValueMap::Special special = ValueMap::None;
};

/// The number of a code; infinite or NaN where it names none.
double decodeFloat(const FloatForm &form, uint32_t code);
/// The code of the nearest finite number.
uint32_t encodeFloat(const FloatForm &form, double value);

/// The number of a stored field (bits above its width are ignored). e8m0 0xff, e4m3 0x7f and 0xff, and ue4m3
/// from 0x7f on are NaN.
double decodeSide(const SideType &type, uint32_t bits);
/// The field of the nearest number.
uint32_t encodeSide(const SideType &type, double value);
/// The least and the greatest finite number.
double leastOf(const SideType &type);
double greatestOf(const SideType &type);

} // namespace lutra

#endif // LUTRA_SUPPORT_SIDEVALUES_H
