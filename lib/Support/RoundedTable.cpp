//===- RoundedTable.cpp - tables whose entries are fixed-point numbers --------===//
#include "lutra/Support/RoundedTable.h"

#include <algorithm>
#include <cmath>

using namespace lutra;

std::optional<RoundedTable> lutra::roundTable(const Encoding &encoding) {
  constexpr int fraction = 13; // with a sign 16385 values, which two digits of 7 bits hold
  const double mostError = 0x1p-10;
  if (encoding.terms.size() != 1 || encoding.terms.front().kind != EncodingTerm::Dense)
    return std::nullopt;
  RoundedTable rounded{encoding, 0};
  WeightFormat &format = rounded.encoding.terms.front().formats.front();
  if (format.value.kind != ValueMap::Table || format.value.values.empty() || format.zero.kind != ZeroForm::None)
    return std::nullopt;
  double greatest = 0;
  for (double value : format.value.values)
    greatest = std::max(greatest, std::fabs(value));
  if (greatest == 0 || !std::isfinite(greatest))
    return std::nullopt;
  int exponent = 0;
  if (std::frexp(greatest, &exponent) == 0.5) // a power of two
    --exponent;
  double unit = std::ldexp(1.0, exponent - fraction);
  for (double &value : format.value.values) {
    double multiple = std::round(value / unit) * unit;
    if (value != 0)
      rounded.error = std::max(rounded.error, std::fabs(multiple / value - 1));
    value = multiple;
  }
  if (!(rounded.error > 0 && rounded.error <= mostError)) // NaN too
    return std::nullopt;
  format.value.element = {SideType::F32, 32};
  return rounded;
}

bool lutra::takesBfloat(const Encoding &encoding) {
  if (encoding.terms.size() != 1 || encoding.terms.front().kind != EncodingTerm::Dense)
    return false;
  constexpr int64_t mostEntries = 64;
  const ValueMap &value = encoding.terms.front().formats.front().value;
  if (value.kind == ValueMap::Float)
    return 1 + value.exponent + value.mantissa > 6;
  return value.kind == ValueMap::Table &&
         (value.values.empty() || value.entries > mostEntries || roundTable(encoding).has_value());
}
