//===- NearestCode.h - the code whose value is nearest to a number -----------===//
#ifndef LUTRA_LIB_SUPPORT_NEARESTCODE_H
#define LUTRA_LIB_SUPPORT_NEARESTCODE_H

#include "FormatReader.h"

#include <algorithm>
#include <limits>

namespace lutra {

/// The nearest whole number, half to even, of a number below 2^51: the sum has no bits left for a fraction.
inline double roundEven(double value) {
  constexpr double units = 6755399441055744.0; // 1.5 * 2^52
  return (value + units) - units;
}

/// Finds codes of one format. Of two equally near values that with the even code is taken, else the smaller; numbers
/// beyond the extremes get the extreme.
class NearestCode {
public:
  NearestCode(const WeightFormat &format, const ValueTable &table);

  /// For formats of one value for each code.
  uint32_t find(double target, int64_t index = 0) const {
    return linear ? findLinear(target) : findSorted(target, index);
  }
  /// The same for many of table 0.
  void find(llvm::ArrayRef<double> targets, llvm::MutableArrayRef<uint32_t> codes) const;
  /// For tables of vectors: the entry of the least squared distance, the first of equal ones; `targets` may be shorter
  /// than an entry at the end of a row. `indexAt(i)` is the table that holds for element i.
  uint32_t findVector(llvm::ArrayRef<double> targets, llvm::function_ref<int64_t(int64_t)> indexAt) const;
  /// NaN for a code that names none (a dictionary may hold such).
  double valueOf(uint32_t code, int64_t index) const {
    return code < table.codes ? table.entry(index, code)[0] : std::numeric_limits<double>::quiet_NaN();
  }

  /// The different values of a table, rising (of all components together); with a sign of its own, magnitudes.
  llvm::ArrayRef<double> valuesOf(int64_t index) const { return sorted[index].values; }
  bool isLinear() const { return linear; }

private:
  uint32_t findLinear(double target) const {
    double number = roundEven(std::min(std::max((target - base) * inverseStep, lowest), highest));
    return uint32_t(int32_t(number)) & mask;
  }
  uint32_t findSorted(double target, int64_t index) const;

  struct Sorted {
    std::vector<double> values, middles; // middles[i] lies between values i and i + 1
    std::vector<uint32_t> codes;
    std::vector<uint8_t> tieUp;
  };

  const ValueTable &table;
  std::vector<Sorted> sorted;
  bool linear = false; // value = base + number / inverseStep, number as stored (two's complement where `mask` is set)
  double base = 0, inverseStep = 1, lowest = 0, highest = 0;
  uint32_t mask = 0;
};

} // namespace lutra

#endif // LUTRA_LIB_SUPPORT_NEARESTCODE_H
