//===- CodedValues.h - what codes stand for, in small integers ----------------===//
// A product of codes is exact where value = unit * (factor * entry - bias) for all codes: entries are what
// lutra.tile_coded_matmul multiplies, and the bias times the sum of the other operand is taken off apart.
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_CODEDVALUES_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_CODEDVALUES_H

#include "lutra/Machine/TileTarget.h"
#include "lutra/Support/EncodedPanels.h"

namespace lutra {

struct CodedValues {
  double unit = 1; // a power of two
  int64_t factor = 1, bias = 0;
  int64_t codeOffset = 0;       // entry = code - codeOffset where there are no entries
  std::vector<int64_t> entries; // by code
  int64_t specialCode = -1;     // whose entry depends on the table
  std::vector<int64_t> special; // by table
  int64_t least = 0, greatest = 0; // of the entries

  /// Units in a zero point of 1.
  int64_t zeroUnits() const { return static_cast<int64_t>(1 / unit); }
  /// Bound of what a group adds up to beside 8-bit integers, and of the corrections for zero points.
  int64_t greatestSum(const EncodedPanels &panels) const;
  /// The entries of panels for a level's instructions, or why there are none.
  static llvm::Expected<CodedValues> of(const EncodedPanels &panels, const CodedProduct &product);
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_CODEDVALUES_H
