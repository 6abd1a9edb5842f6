//===- RescaledCodes.h - codes of groups as bytes with one scale a row --------===//
// Where each group of a row has a scale, codes may become the nearest multiples of one scale for all of the row, of
// which the greatest value that its groups could hold is 127. Sums of a whole row of bytes are integers then. A value
// moves by little more than half of that scale: little where the scales of a row are alike, since codes of few bits are
// steps many times as wide.
#ifndef LUTRA_SUPPORT_RESCALEDCODES_H
#define LUTRA_SUPPORT_RESCALEDCODES_H

#include "lutra/Support/Encoding.h"

#include "llvm/ADT/ArrayRef.h"

namespace lutra {

struct RescaledCodes {
  std::vector<double> scales; // of rows
  /// Root mean square of these over that of the steps between neighbouring values of groups.
  double ratio = 0;
  /// Squared errors grow by a 25th at most, if codes are the nearest to values without any order.
  bool isFine() const { return ratio <= 0.2; }
  /// Of a row's scale, the most that a value moves: half, and what rounding a factor of 8 bits behind the point adds to
  /// values of up to so many steps.
  static constexpr double greatestMove = 0.6;
  static constexpr int64_t greatestExtent = 51;
  /// Of a row, so that its inverse is a number of f32, with a factor for each code.
  static constexpr double leastScale = 0x1p-100, greatestScale = 0x1p100;
};

/// Nothing for what is no single dense term of known values with several groups in a row, for scales or zero points
/// that have zero points or scales of their own, for a tensor of zeros, and for scales of rows that f32 may not hold.
std::optional<RescaledCodes> rescaleCodes(const Encoding &encoding, int64_t n, int64_t k,
                                          llvm::ArrayRef<uint8_t> bytes);

} // namespace lutra

#endif // LUTRA_SUPPORT_RESCALEDCODES_H
