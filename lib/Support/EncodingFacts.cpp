//===- EncodingFacts.cpp - values, exactness and size, computed from an encoding ===//
// Values are enumerated (codes have at most 16 bits), so a fact holds for a new format without new code.
// Sizes add up one array after another, each rounded up to whole bytes.
#include "lutra/Support/Encoding.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace lutra;

static std::optional<double> floatValue(const ValueMap &map, int64_t code) {
  int64_t fieldBits = map.exponent + map.mantissa;
  int64_t exponent = (code >> map.mantissa) & ((int64_t(1) << map.exponent) - 1);
  int64_t mantissa = code & ((int64_t(1) << map.mantissa) - 1);
  int64_t highest = (int64_t(1) << map.exponent) - 1;
  bool isTop = exponent == highest;
  bool isNan = (map.special == ValueMap::Fn && isTop && mantissa == (int64_t(1) << map.mantissa) - 1) ||
               (map.special == ValueMap::Ieee && isTop);
  if (isNan)
    return std::nullopt;
  double fraction = std::ldexp((double)mantissa, -map.mantissa);
  double value = exponent == 0 ? std::ldexp(fraction, 1 - map.bias)
                               : std::ldexp(1 + fraction, exponent - map.bias);
  return (code >> fieldBits) & 1 ? -value : value;
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
  unsigned bits = format.code.codeBits();
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

/// Bytes of an array of `count` fields of `bits` bits.
static int64_t arrayBytes(int64_t count, int64_t bits) { return llvm::divideCeil(count * bits, 8); }

static int64_t groupCount(int64_t n, int64_t k, int64_t gn, int64_t gk) {
  int64_t rows = gn == kWhole ? 1 : llvm::divideCeil(n, gn);
  return rows * (gk == kWhole ? 1 : llvm::divideCeil(k, gk));
}

static int64_t scaleBytes(llvm::ArrayRef<ScaleForm> scales, int64_t n, int64_t k) {
  int64_t bytes = 0;
  for (const ScaleForm &scale : scales) {
    bytes += arrayBytes(groupCount(n, k, scale.gn, scale.gk), scale.element.bits());
    if (scale.map == ScaleForm::Minus)
      bytes += arrayBytes(groupCount(n, k, scale.zeroGn, scale.zeroGk), scale.zeroElement.bits());
  }
  return bytes;
}

/// Bytes of `count` codes in rows of `k` (the last run of a row may be short).
static int64_t codeBytes(const WeightFormat &format, int64_t n, int64_t k) {
  const CodeForm &code = format.code;
  if (format.value.kind == ValueMap::Table)
    k = llvm::divideCeil(k, format.value.vector);
  switch (code.kind) {
  case CodeForm::Uint:
  case CodeForm::Int:
    return arrayBytes(n * k, code.numbers[0]);
  case CodeForm::Planes: {
    int64_t bytes = 0;
    for (int64_t plane : code.numbers)
      bytes += arrayBytes(n * k, plane);
    return bytes;
  }
  case CodeForm::Radix:
    return arrayBytes(n * llvm::divideCeil(k, code.numbers[1]), code.numbers[2]);
  case CodeForm::Dict:
    // Runs of different lengths end somewhere in a row, so a row has an offset of its own.
    if (code.prefix)
      return arrayBytes((int64_t)std::ceil(n * k / code.length), code.numbers[0]) + 4 * (n + 1);
    return arrayBytes(n * (int64_t)std::ceil(k / code.length), code.numbers[0]);
  }
  return 0;
}

static int64_t signBytes(const WeightFormat &format, int64_t count) {
  if (format.value.sign == ValueMap::Plane)
    return arrayBytes(count, 1);
  return format.value.sign == ValueMap::Parity7 ? arrayBytes(llvm::divideCeil(count, 8), 7) : 0;
}

/// Bytes of tables that are not part of the attribute, and of the selectors.
static int64_t tableBytes(const WeightFormat &format, int64_t n, int64_t k) {
  const ValueMap &value = format.value;
  if (value.kind != ValueMap::Table)
    return 0;
  int64_t bytes = 0;
  if (value.values.empty()) {
    int64_t tables = value.select == ValueMap::Row ? n : int64_t(1) << value.selectBits;
    bytes += arrayBytes(tables * value.entries * value.vector, value.element.bits());
  }
  if (value.select == ValueMap::Group) {
    int64_t gn = format.scales.empty() ? kWhole : format.scales.front().gn;
    int64_t gk = format.scales.empty() ? kWhole : format.scales.front().gk;
    bytes += arrayBytes(groupCount(n, k, gn, gk), value.selectBits);
  }
  return bytes;
}

/// Side data: scales, zero points, tables.
static int64_t sideBytes(const WeightFormat &format, int64_t n, int64_t k) {
  int64_t bytes = scaleBytes(format.scales, n, k) + tableBytes(format, n, k);
  if (format.zero.kind == ZeroForm::Tensor || format.zero.kind == ZeroForm::Min)
    bytes += arrayBytes(groupCount(n, k, format.zero.gn, format.zero.gk), format.zero.element.bits()) +
             scaleBytes(format.zero.scales, n, k);
  return bytes;
}

static int64_t formatBytes(const WeightFormat &format, int64_t n, int64_t k) {
  return codeBytes(format, n, k) + signBytes(format, n * k) + sideBytes(format, n, k);
}

static int64_t sparseBytes(const EncodingTerm &term, int64_t n, int64_t k) {
  const SparsityForm &sparsity = term.sparsity;
  const WeightFormat &format = term.formats[0];
  int64_t side = sideBytes(format, n, k);
  auto valueBytes = [&](int64_t count) {
    return codeBytes(format, 1, count) + signBytes(format, count);
  };
  int64_t kept = (int64_t)std::ceil(n * k * sparsity.density);
  switch (sparsity.kind) {
  case SparsityForm::None:
    return formatBytes(format, n, k);
  case SparsityForm::NM: {
    int64_t count = n * llvm::divideCeil(k, sparsity.b) * sparsity.a;
    return valueBytes(count) + arrayBytes(count, sparsity.c) + side;
  }
  case SparsityForm::Block: {
    int64_t rows = llvm::divideCeil(n, sparsity.a), columns = llvm::divideCeil(k, sparsity.b);
    int64_t blocks = (int64_t)std::ceil(rows * columns * sparsity.density);
    int64_t index = sparsity.blockBitmap ? arrayBytes(rows * columns, 1)
                                         : arrayBytes(blocks, 16) + 4 * (rows + 1);
    return valueBytes(blocks * sparsity.a * sparsity.b) + index + side;
  }
  case SparsityForm::Bitmap:
    return valueBytes(kept) + n * arrayBytes(llvm::alignTo(k, sparsity.a), 1) + side;
  case SparsityForm::Csr:
    return valueBytes(kept) + arrayBytes(kept, sparsity.a) + arrayBytes(n + 1, sparsity.b) + side;
  }
  return 0;
}

static int64_t termBytes(const EncodingTerm &term, int64_t n, int64_t k) {
  switch (term.kind) {
  case EncodingTerm::Dense:
    return formatBytes(term.formats[0], n, k);
  case EncodingTerm::Sparse:
    return sparseBytes(term, n, k);
  case EncodingTerm::LowRank:
    return formatBytes(term.formats[0], n, term.rank) + formatBytes(term.formats[1], term.rank, k);
  case EncodingTerm::Parts: {
    int64_t bytes = 0;
    for (size_t i = 0; i < term.regions.size(); ++i) {
      const PartRange &region = term.regions[i];
      int64_t rows = std::min(region.rowEnd == kWhole ? n : region.rowEnd, n) - region.rowBegin;
      int64_t columns =
          std::min(region.columnEnd == kWhole ? k : region.columnEnd, k) - region.columnBegin;
      if (rows > 0 && columns > 0)
        bytes += formatBytes(term.formats[i], rows, columns);
    }
    return bytes;
  }
  case EncodingTerm::TypeMap: {
    // A format's share of the blocks lies in one array of whole blocks.
    int64_t blocks = groupCount(n, k, term.gn, term.gk), left = blocks, bytes = 0;
    for (size_t i = 0; i < term.formats.size(); ++i) {
      int64_t own = i + 1 == term.formats.size()
                        ? left
                        : std::min<int64_t>(left, std::llround(blocks * term.shares[i]));
      bytes += formatBytes(term.formats[i], own * term.gn, term.gk);
      left -= own;
    }
    return bytes + arrayBytes(blocks, llvm::Log2_64_Ceil(term.formats.size()));
  }
  }
  return 0;
}

int64_t lutra::storedBytes(const Encoding &encoding, int64_t n, int64_t k) {
  int64_t bytes = 0;
  for (const EncodingTerm &term : encoding.terms)
    bytes += termBytes(term, n, k);
  bytes += encoding.permN.empty() ? 0 : 4 * n;
  return bytes + (encoding.permK.empty() ? 0 : 4 * k);
}

double lutra::bitsPerWeight(const Encoding &encoding, int64_t n, int64_t k) {
  return 8.0 * storedBytes(encoding, n, k) / ((double)n * k);
}
