//===- RoundedTable.cpp - tables whose entries are fixed-point numbers --------===//
#include "lutra/Support/RoundedTable.h"

#include "lutra/Support/DenseFormat.h"
#include "lutra/Support/RescaledCodes.h"
#include "lutra/Support/StatedTable.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>

using namespace lutra;

static double findGreatest(const std::vector<double> &values) {
  double greatest = 0;
  for (double value : values)
    greatest = std::max(greatest, std::fabs(value));
  return greatest;
}

static void roundTo(double unit, std::vector<double> &values) {
  for (double &value : values)
    value = std::round(value / unit) * unit;
}

static double findMeanDistance(const std::vector<double> &values) {
  auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
  return (*highest - *lowest) / static_cast<double>(values.size() - 1);
}

std::optional<Encoding> lutra::roundTable(const Encoding &encoding) {
  constexpr int fraction = 13; // with a sign 16385 values, which two digits of 7 bits hold
  constexpr double mostError = 0x1p-10, ofDistance = 1.0 / 64;
  if (!findDenseFormat(encoding))
    return std::nullopt;
  Encoding rounded = encoding;
  WeightFormat &format = rounded.terms.front().formats.front();
  if (format.value.kind != ValueMap::Table || format.value.values.size() < 2 || format.zero.kind != ZeroForm::None)
    return std::nullopt;
  const std::vector<double> values = format.value.values;
  double greatest = findGreatest(values);
  if (greatest == 0 || !std::isfinite(greatest))
    return std::nullopt;
  int exponent = 0;
  if (std::frexp(greatest, &exponent) == 0.5) // a power of two
    --exponent;
  roundTo(std::ldexp(1.0, exponent - fraction), format.value.values);
  double distance = findMeanDistance(values);
  auto isNear = [&](double value, double made) {
    return std::fabs(made - value) <= std::max(mostError * std::fabs(value), ofDistance * distance);
  };
  if (format.value.values == values || !llvm::all_of(llvm::zip_equal(values, format.value.values), [&](auto pair) {
        return isNear(std::get<0>(pair), std::get<1>(pair)); // not NaN
      }))
    return std::nullopt;
  format.value.element = {SideType::F32, 32};
  return rounded;
}

/// The values of all codes of a single dense term without zero points that a table of as many entries could have;
/// none: there is no such.
static std::vector<double> findValues(const Encoding &encoding) {
  constexpr unsigned mostBits = 6;
  const WeightFormat *dense = findDenseFormat(encoding);
  if (!dense)
    return {};
  const WeightFormat &format = *dense;
  const ValueMap &map = format.value;
  bool isTable = map.kind == ValueMap::Table && map.select == ValueMap::Tensor && map.vector == 1;
  bool isPlain = (isTable || map.kind == ValueMap::Float || map.kind == ValueMap::Pot) && map.sign == ValueMap::Own;
  bool hasFields = format.code.kind == CodeForm::Uint || format.code.kind == CodeForm::Planes;
  if (!isPlain || !hasFields || format.zero.kind != ZeroForm::None || format.code.codeBits() > mostBits)
    return {};
  std::vector<double> values;
  int64_t codes = isTable ? map.entries : int64_t(1) << format.code.codeBits();
  for (int64_t code = 0; code < codes; ++code) {
    std::optional<double> value = valueOfCode(format, code);
    if (!value || !std::isfinite(*value))
      return {};
    values.push_back(*value);
  }
  return values;
}

/// The encoding with values rounded to at most so many times one number, more than half of them.
static std::optional<Encoding> roundToMultiples(const Encoding &encoding, double most) {
  constexpr double finest = 0x1p-16, fineShare = 0.2;
  const std::vector<double> values = findValues(encoding);
  double greatest = findGreatest(values);
  if (values.size() < 2 || greatest == 0)
    return std::nullopt;
  Encoding made = encoding;
  WeightFormat &format = made.terms.front().formats.front();
  if (factsOf(format).int8Unit)
    return std::nullopt;
  int exponent = 0;
  std::frexp(greatest, &exponent);
  double quantum = std::max(finest, std::ldexp(finest, exponent)), unit = 0, least = 0;
  double coarsest = std::min(greatest / std::ceil(most / 2), fineShare * findMeanDistance(values));
  for (double count = std::ceil(greatest / most / quantum); count * quantum <= coarsest; ++count) {
    double error = 0;
    for (double value : values)
      error += std::pow(value - std::round(value / (count * quantum)) * (count * quantum), 2);
    if (unit == 0 || error < least) {
      unit = count * quantum;
      least = error;
    }
  }
  if (unit == 0)
    return std::nullopt;
  ValueMap table;
  table.kind = ValueMap::Table;
  table.entries = static_cast<int64_t>(values.size());
  table.element = {SideType::F32, 32};
  table.values = values;
  roundTo(unit, table.values);
  format.value = table;
  return made;
}

std::optional<Encoding> lutra::roundToBytes(const Encoding &encoding) { return roundToMultiples(encoding, 127); }

std::vector<Encoding> lutra::findRoundedEncodings(const Encoding &encoding, int64_t n, int64_t k,
                                                  llvm::ArrayRef<uint8_t> bytes, bool rescales) {
  std::optional<Encoding> stated = bytes.empty() ? std::nullopt : stateTable(encoding, n, k, bytes);
  const Encoding &known = stated ? *stated : encoding;
  std::vector<Encoding> found;
  if (std::optional<Encoding> made = roundToBytes(known))
    found.push_back(std::move(*made));
  if (std::optional<Encoding> made = roundTable(known))
    found.push_back(std::move(*made));
  else if (stated) // as it is
    found.push_back(*stated);
  if (rescales)
    if (std::optional<Encoding> made = roundToMultiples(known, RescaledCodes::greatestExtent))
      found.push_back(std::move(*made));
  if (!bytes.empty())
    for (Encoding &made : found)
      made = cutGroups(made, k);
  return found;
}

bool lutra::takesBfloat(const Encoding &encoding) {
  const WeightFormat *format = findDenseFormat(encoding);
  if (!format)
    return false;
  constexpr int64_t mostEntries = 64;
  const ValueMap &value = format->value;
  if (value.kind == ValueMap::Float)
    return 1 + value.exponent + value.mantissa > 6;
  return value.kind == ValueMap::Table &&
         (value.values.empty() || value.entries > mostEntries || roundTable(encoding).has_value());
}
