//===- EncodingFacts.cpp - values, exactness and size, computed from an encoding ===//
// Values are enumerated (codes have at most 16 bits), so a fact holds for a new format without new code.
#include "lutra/Support/EncodedLayout.h"
#include "lutra/Support/SideValues.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace lutra;

static std::optional<double> floatValue(const ValueMap &map, int64_t code) {
  FloatForm form{(int)map.exponent, (int)map.mantissa, (int)map.bias, map.special};
  double value = decodeFloat(form, code);
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

/// Sums of powers of two: one term 2^field without zero; more terms each 0 or 2^-(position).
static double powerValue(const ValueMap &map, int64_t code) {
  double sum = 0;
  int64_t mask = (int64_t(1) << map.field) - 1;
  for (int64_t term = 0; term < map.terms; ++term) {
    int64_t field = (code >> (term * map.field)) & mask;
    if (map.terms == 1)
      sum = std::ldexp(1.0, field);
    else if (field)
      sum += std::ldexp(1.0, -(term + (field - 1) * map.terms));
  }
  return (code >> (map.terms * map.field)) & 1 ? -sum : sum;
}

std::optional<double> lutra::valueOfCode(const WeightFormat &format, int64_t code, int64_t table,
                                         int64_t element) {
  const ValueMap &map = format.value;
  unsigned bits = format.code.kind == CodeForm::Dict ? 8 : format.code.codeBits();
  switch (map.kind) {
  case ValueMap::Affine:
    if (format.code.kind == CodeForm::Int)
      code = llvm::SignExtend64(code, bits);
    return (double)(code + map.offset);
  case ValueMap::Bipolar:
    return (double)(2 * code - ((int64_t(1) << bits) - 1));
  case ValueMap::Float:
    return floatValue(map, code);
  case ValueMap::SignMag: {
    int64_t magnitude = code & ((int64_t(1) << (bits - 1)) - 1);
    return (double)((code >> (bits - 1)) & 1 ? -magnitude : magnitude);
  }
  case ValueMap::Pot:
    return powerValue(map, code);
  case ValueMap::Table: {
    size_t place = (table * map.entries + code) * map.vector + element;
    if (code >= map.entries || place >= map.values.size())
      return std::nullopt;
    return map.values[place];
  }
  }
  return std::nullopt;
}

/// Number of codes that name a value.
static int64_t codeCount(const WeightFormat &format) {
  if (format.value.kind == ValueMap::Table)
    return format.value.entries;
  if (format.code.kind == CodeForm::Radix)
    return format.code.numbers[0];
  return int64_t(1) << format.code.codeBits();
}

/// Values of all codes; empty when some are not known here.
static std::vector<double> allValues(const WeightFormat &format) {
  std::vector<double> values;
  bool stored = format.value.kind == ValueMap::Table && format.value.values.empty();
  if (stored || (format.code.kind == CodeForm::Dict && format.value.kind != ValueMap::Table))
    return values;
  for (int64_t table = 0; table < int64_t(1) << format.value.selectBits; ++table)
    for (int64_t code = 0; code < codeCount(format); ++code)
      for (int64_t element = 0; element < format.value.vector; ++element)
        if (std::optional<double> value = valueOfCode(format, code, table, element)) {
          values.push_back(*value);
          if (format.value.sign != ValueMap::Own)
            values.push_back(-*value);
        }
  return values;
}

/// The greatest u with all values / u integers in [-127, 127].
static std::optional<double> findInt8Unit(const std::vector<double> &values) {
  double scale = 1, greatest = 0;
  for (double value : values) {
    if (!std::isfinite(value))
      return std::nullopt;
    greatest = std::max(greatest, std::fabs(value));
    // Small floats have few fraction bits; one that needs more than 24 is no multiple of a useful unit.
    for (int step = 0; value * scale != std::floor(value * scale); ++step, scale *= 2)
      if (step == 24)
        return std::nullopt;
  }
  if (greatest * scale > 1e9)
    return std::nullopt;
  int64_t divisor = 0;
  for (double value : values)
    divisor = std::gcd(divisor, (int64_t)std::fabs(value * scale));
  if (divisor == 0)
    return 1.0;
  double unit = divisor / scale;
  return greatest / unit <= 127 ? std::optional<double>(unit) : std::nullopt;
}

static bool isBfloat(double value) {
  int exponent = 0;
  double fraction = std::frexp(value, &exponent);
  return fraction == 0 || (exponent > -126 && exponent <= 128 &&
                           std::ldexp(fraction, 8) == std::floor(std::ldexp(fraction, 8)));
}

FormatFacts lutra::factsOf(const WeightFormat &format) {
  FormatFacts facts;
  facts.needsActivationSums = format.zero.kind != ZeroForm::None;
  if (format.zero.kind == ZeroForm::Tensor || format.zero.kind == ZeroForm::Min)
    facts.sumGroup = format.zero.gk;
  // A constant zero inside the scales is scaled group by group.
  if (format.zero.kind == ZeroForm::Const && !format.scales.empty())
    facts.sumGroup = format.scales.front().gk;
  facts.rowScaleOutermost = !format.scales.empty() && format.scales.back().gk == kWhole;

  std::vector<double> values = allValues(format);
  if (values.empty()) {
    facts.known = false;
    const SideType &element = format.value.element;
    if (format.value.kind == ValueMap::Table && element.isInteger() && element.width <= 8) {
      facts.maximum = std::ldexp(1.0, element.kind == SideType::Int ? element.width - 1 : element.width) - 1;
      facts.minimum = element.kind == SideType::Int ? -facts.maximum - 1 : 0;
      if (element.kind == SideType::Uint && element.width <= 7)
        facts.int8Unit = 1.0;
    }
    return facts;
  }
  bool single = format.value.sign == ValueMap::Own && format.value.vector == 1 &&
                format.value.selectBits == 0;
  auto falls = [](double a, double b) { return b <= a; };
  bool rises = std::adjacent_find(values.begin(), values.end(), falls) == values.end();
  // Signed codes are enumerated as bit patterns, but compared as numbers.
  facts.monotone = single && (rises || format.code.kind == CodeForm::Int);
  facts.int8Unit = findInt8Unit(values);
  facts.bfloatExact = std::all_of(values.begin(), values.end(), isBfloat);
  std::sort(values.begin(), values.end());
  facts.minimum = values.front();
  facts.maximum = values.back();
  facts.oddSymmetric = std::all_of(values.begin(), values.end(), [&](double value) {
    return std::binary_search(values.begin(), values.end(), -value);
  });
  return facts;
}

std::pair<int64_t, int64_t> lutra::selectorGroup(const WeightFormat &format) {
  if (format.scales.empty())
    return {kWhole, kWhole};
  return {format.scales.front().gn, format.scales.front().gk};
}

int64_t lutra::storedBytes(const Encoding &encoding, int64_t n, int64_t k) {
  return llvm::cantFail(EncodedLayout::of(encoding, n, k)).payload;
}

double lutra::bitsPerWeight(const Encoding &encoding, int64_t n, int64_t k) {
  return 8.0 * storedBytes(encoding, n, k) / ((double)n * k);
}
