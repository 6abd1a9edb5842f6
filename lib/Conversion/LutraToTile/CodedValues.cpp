//===- CodedValues.cpp - what codes stand for, in small integers --------------===//
#include "CodedValues.h"

#include "DecodedValues.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <numeric>

using namespace lutra;

static llvm::Error refused(const llvm::Twine &why) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), why);
}

/// The greatest power of two, down to 2^-16, of which all values are multiples; 0: none.
static double findUnit(llvm::ArrayRef<double> values) {
  auto isWhole = [](double value) { return std::isnan(value) || value == std::round(value); };
  for (double unit = 1; unit >= 0x1p-16; unit /= 2)
    if (llvm::all_of(values, [&](double value) { return isWhole(value / unit); }))
      return unit;
  return 0;
}

/// The same, or where entries of bytes want it the greatest number at all.
static double findTableUnit(const EncodedPanels &panels) {
  double unit = findUnit(panels.values), greatest = 0;
  if (unit == 0 || panels.zero)
    return unit;
  int64_t divisor = 0;
  for (double value : panels.values)
    if (!std::isnan(value)) {
      greatest = std::max(greatest, std::fabs(value / unit));
      divisor = std::gcd(divisor, static_cast<int64_t>(value / unit));
    }
  bool fits = divisor > 1 && greatest > 127 && greatest <= 127 * static_cast<double>(divisor);
  return fits ? unit * static_cast<double>(divisor) : unit;
}

/// Codes that are multiplied as they are.
static llvm::Expected<CodedValues> ofLinear(const EncodedPanels &panels, const CodedProduct &product) {
  auto [slope, offset] = *panels.linear();
  CodedValues made;
  made.unit = findUnit({slope, offset});
  double factor = slope / made.unit, bias = -offset / made.unit;
  if (made.unit == 0 || std::abs(factor) > 16 || std::abs(bias) > 4096)
    return refused("takes values that are small multiples of a power of two alone");
  made.factor = static_cast<int64_t>(factor);
  made.bias = static_cast<int64_t>(bias);
  if (panels.code.bits == 8 && !product.takesBytes) { // 0 to 255 less 128
    made.codeOffset = 128;
    made.bias -= 128 * made.factor;
  }
  made.least = -made.codeOffset;
  made.greatest = (int64_t(1) << panels.code.bits) - 1 - made.codeOffset;
  return made;
}

static bool isByPairs(const CodedProduct &product) { return !product.takesBytes && !product.addsFours; }

/// Digits of an entry where values, multiples of the unit, lie in a range; 0: too many.
static int64_t countDigits(double least, double greatest, const CodedProduct &product) {
  double width = greatest - least, ones = 1, power = 1; // of the base
  for (int64_t count = 1; count <= product.digits; ++count) {
    bool fits = product.addsFours     ? least >= -128 * ones && greatest <= 127 * ones
                : isByPairs(product) ? width < power * (128 + (count > 1)) // the last digit may be 128
                                     : width <= 255 * ones;
    if (fits)
      return count;
    power *= isByPairs(product) ? 128 : 256;
    ones += power;
  }
  return 0;
}

/// Codes that are looked up first.
static llvm::Expected<CodedValues> ofTable(const EncodedPanels &panels, const CodedProduct &product) {
  if (panels.code.bits > product.tableBits)
    return refused("takes tables of at most " + llvm::Twine(1 << product.tableBits) + " entries");
  if (panels.tables > 1 && panels.tableAt)
    return refused("takes one table of more than 16 values alone");
  llvm::SmallVector<int64_t> differing = findDifferingCodes(panels);
  if (differing.size() > 1)
    return refused("takes tables for groups that differ in one entry alone");
  CodedValues made;
  made.unit = findTableUnit(panels);
  if (made.unit == 0)
    return refused("takes values that are multiples of a power of two alone");
  double least = 0, greatest = 0;
  for (double value : panels.values) {
    least = std::min(least, value / made.unit); // NaN is neither
    greatest = std::max(greatest, value / made.unit);
  }
  int64_t most = product.takesBytes ? 255 : 127;
  bool fitsByte = greatest - least <= static_cast<double>(most) ||
                  (!product.takesBytes && std::max(-least, greatest) <= 127);
  if (!fitsByte && (product.digits == 1 || !differing.empty()))
    return refused("takes values that are 8-bit multiples of a power of two alone");
  if (!fitsByte) {
    made.digits = countDigits(least, greatest, product);
    if (made.digits == 0)
      return refused("takes values that are multiples of a power of two of at most " +
                     llvm::Twine(product.digits) + " digits of " + (isByPairs(product) ? "7" : "8") + " bits alone");
  }
  if (greatest - least <= static_cast<double>(most) || (!fitsByte && !product.addsFours))
    made.bias = -static_cast<int64_t>(least);
  auto entryOf = [&](double value) {
    return std::isnan(value) ? made.bias : static_cast<int64_t>(value / made.unit) + made.bias;
  };
  for (double value : panels.table(0))
    made.entries.push_back(entryOf(value));
  if (!differing.empty()) {
    made.specialCode = differing.front();
    for (int64_t table = 0; table < panels.tables; ++table)
      made.special.push_back(entryOf(panels.table(table)[made.specialCode]));
    // The entry that stands for all of them bounds them.
    made.entries[made.specialCode] = *llvm::max_element(made.special);
  }
  made.least = *llvm::min_element(made.entries);
  made.greatest = *llvm::max_element(made.entries);
  for (int64_t entry : made.special) {
    if (entry < 0 && entry < made.least)
      return refused("takes tables for groups whose own entry is not the least of values below 0 alone");
  }
  return made;
}

llvm::Expected<CodedValues> CodedValues::of(const EncodedPanels &panels, const CodedProduct &product) {
  if (panels.values.empty())
    return refused("takes values that the encoding states alone");
  if (panels.linear())
    return ofLinear(panels, product);
  return ofTable(panels, product);
}

llvm::Expected<CodedValues> CodedValues::ofShifts(const EncodedPanels &panels) {
  constexpr unsigned leastBits = 2, mostBits = 4;
  unsigned bits = panels.code.bits;
  bool fits = bits >= leastBits && bits <= mostBits && !panels.code.triples && !panels.zero &&
              panels.values.size() == size_t(1) << bits;
  unsigned exponents = 1 << (bits - 1);
  for (unsigned code = 0; fits && code < 2 * exponents; ++code)
    fits = panels.values[code] == std::ldexp(code < exponents ? 1 : -1, static_cast<int>(code % exponents));
  if (!fits)
    return refused("takes codes of " + llvm::Twine(leastBits) + " to " + llvm::Twine(mostBits) +
                   " bits that are a sign and the exponent of a power of two alone");
  CodedValues made;
  made.greatest = int64_t(1) << (exponents - 1);
  made.least = -made.greatest;
  return made;
}

int64_t CodedValues::greatestExtent(const EncodedPanels &panels) const {
  int64_t zero = panels.zero ? ((int64_t(1) << panels.zero->element.bits()) - 1) * zeroUnits() : 0;
  int64_t low = std::min(factor * least, factor * greatest) - bias - zero;
  return std::max(-low, std::max(factor * least, factor * greatest) - bias);
}

int64_t CodedValues::greatestResult(const EncodedPanels &panels) const {
  int64_t zero = panels.zero ? 255 * zeroUnits() : 0;
  int64_t entry = std::max(std::abs(factor * least - bias), std::abs(factor * greatest - bias)) + zero;
  return llvm::SaturatingMultiply<uint64_t>(entry * 128, std::min(panels.group, panels.k));
}

int64_t CodedValues::greatestSum(const EncodedPanels &panels) const {
  int64_t entry = std::max(-least, greatest) * std::abs(factor);
  int64_t zero = std::abs(bias) + (panels.zero ? 255 * zeroUnits() : 0);
  return llvm::SaturatingMultiply<uint64_t>((entry + zero) * 128, std::min(panels.group, panels.k));
}
