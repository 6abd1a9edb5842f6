//===- CodedValues.h - what codes stand for, in small integers ----------------===//
// A product of codes is exact where value = unit * (factor * entry - bias) for all codes: entries are what
// lutra.tile_coded_matmul multiplies, and the bias times the sum of the other operand is taken off apart.
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_CODEDVALUES_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_CODEDVALUES_H

#include "lutra/Machine/TileTarget.h"
#include "lutra/Support/EncodedPanels.h"

#include "llvm/ADT/bit.h"

namespace lutra {

struct CodedValues {
  double unit = 1; // a power of two
  int64_t factor = 1, bias = 0;
  int64_t codeOffset = 0;       // entry = code - codeOffset where there are no entries
  std::vector<int64_t> entries; // by code
  int64_t specialCode = -1;     // whose entry depends on the table
  std::vector<int64_t> special; // by table
  int64_t least = 0, greatest = 0; // of the entries
  int64_t digits = 1;              // of an entry (tile_coded_matmul)

  /// Units in a zero point of 1.
  int64_t zeroUnits() const { return static_cast<int64_t>(1 / unit); }
  /// Bound of the magnitude of factor * entry - bias less a zero point, in units.
  int64_t greatestExtent(const EncodedPanels &panels) const;
  /// Bound of what a group adds up to beside 8-bit integers, and of the corrections for zero points.
  int64_t greatestSum(const EncodedPanels &panels) const;
  /// The same after the corrections: 32 bits that wrap around before need hold no more.
  int64_t greatestResult(const EncodedPanels &panels) const;
  /// Whether two digits with a sign hold all entries less the bias, and nothing else has to be taken off.
  bool hasSignedDigits(const EncodedPanels &panels) const {
    return digits == 2 && !panels.zero && least - bias >= -128 * 257 && greatest - bias <= 127 * 257;
  }
  /// The entries of panels for a level's instructions, or why there are none.
  static llvm::Expected<CodedValues> of(const EncodedPanels &panels, const CodedProduct &product);
  /// The same where codes are a sign and the exponent of a power of two (tile_shift_matmul).
  static llvm::Expected<CodedValues> ofShifts(const EncodedPanels &panels);
};

/// Rows of a tile of one panel whose sums of all digits half of the registers hold.
inline int64_t getDigitRows(const CodedProduct &product, int64_t digits) {
  constexpr int64_t panelBytes = 64;
  int64_t most = product.vectorBytes == 32 ? 8 : 16; // half of the registers
  int64_t rows = most / (digits * (panelBytes / product.vectorBytes));
  return std::max<int64_t>(1, llvm::bit_floor(static_cast<uint64_t>(rows)));
}

/// A digit of a value that is the sum of two signed bytes, one times 256.
inline int64_t getSignedDigit(int64_t value, int64_t digit) {
  auto low = static_cast<int8_t>(value);
  return digit == 0 ? low : (value - low) / 256;
}

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_CODEDVALUES_H
