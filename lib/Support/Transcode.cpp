//===- Transcode.cpp - stored codes as codes that kernels read --------------===//
#include "Transcode.h"

#include "Message.h"

#include "lutra/Support/CodeStream.h"
#include "lutra/Support/SideValues.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <set>

using namespace lutra;
using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;

bool lutra::hasPlainCodes(const WeightFormat &format) {
  return format.code.kind != CodeForm::Dict && format.value.sign == ValueMap::Own &&
         (format.value.kind != ValueMap::Table || (format.value.vector == 1 && format.value.select != ValueMap::Row));
}

/// An empty term of a format.
static Expected<DenseTerm> makeTerm(const WeightFormat &format, int64_t n, int64_t k) {
  DenseTerm term;
  term.encoding.terms.emplace_back().formats = {format};
  Expected<EncodedLayout> layout = EncodedLayout::of(term.encoding, n, k);
  if (!layout)
    return layout.takeError();
  term.layout = std::move(*layout);
  term.bytes.assign(term.layout.bytes, 0);
  return std::move(term);
}

static uint8_t *rowOf(DenseTerm &term, const EncodedArray &array, int64_t row) {
  return term.bytes.data() + array.offset + row * array.rowBytes;
}

/// A number of which all values of a format are multiples, or nothing.
static std::optional<double> unitOf(const WeightFormat &format) {
  return format.value.kind == ValueMap::Affine ? std::optional<double>(1) : factsOf(format).int8Unit;
}

/// Bits of two's complement that hold whole numbers from `low` to `high`.
static unsigned signedBits(double low, double high) {
  unsigned bits = 1;
  while (low < -std::ldexp(1.0, int(bits) - 1) || high > std::ldexp(1.0, int(bits) - 1) - 1)
    ++bits;
  return bits;
}

namespace {
/// Rewrites one format.
class FormatTranscoder {
public:
  FormatTranscoder(const StoredFormat &from, const DictionaryTable &dictionaries)
      : from(from), reader(from.format, from.layout, from.term, from.index, from.bytes, dictionaries) {}
  Expected<std::vector<DenseTerm>> run();

private:
  Expected<std::vector<DenseTerm>> splitRowTables() const;
  Expected<DenseTerm> asIntegers(double low, double high) const;
  Expected<DenseTerm> asTable(ArrayRef<double> entries) const;
  Expected<DenseTerm> finish(WeightFormat format, llvm::function_ref<uint32_t(double)> codeOf,
                             ArrayRef<double> table) const;

  const StoredFormat &from;
  FormatReader reader;
  int64_t n = 0, k = 0;
  std::vector<double> values; // before scales
};
} // namespace

/// The same sides around other codes.
Expected<DenseTerm> FormatTranscoder::finish(WeightFormat format, llvm::function_ref<uint32_t(double)> codeOf,
                                             ArrayRef<double> table) const {
  format.scales = from.format.scales;
  format.zero = from.format.zero;
  Expected<DenseTerm> term = makeTerm(format, n, k);
  if (!term)
    return term.takeError();
  for (const EncodedArray &array : term->layout.arrays) {
    if (array.role == ArrayRole::Codes) {
      std::vector<uint32_t> fields(k);
      for (int64_t row = 0; row < n; ++row) {
        for (int64_t column = 0; column < k; ++column)
          fields[column] = codeOf(values[row * k + column]);
        packFields(fields, array.element.bits(), rowOf(*term, array, row));
      }
    } else if (array.role == ArrayRole::Table) {
      for (auto [entry, value] : llvm::enumerate(table))
        setField(rowOf(*term, array, 0), array.element.bits(), static_cast<int64_t>(entry),
                 encodeSide(array.element, value));
    } else {
      const EncodedArray &old = *from.layout.find(array.role, from.term, from.index, array.level);
      std::memcpy(rowOf(*term, array, 0), from.bytes.data() + old.offset, array.bytes);
    }
  }
  return std::move(*term);
}

Expected<DenseTerm> FormatTranscoder::asIntegers(double low, double high) const {
  WeightFormat format;
  int64_t bits = signedBits(low, high);
  format.code.kind = CodeForm::Int;
  format.code.numbers = {bits};
  uint32_t mask = llvm::maskTrailingOnes<uint32_t>(static_cast<unsigned>(bits));
  auto codeOf = [&](double value) { return static_cast<uint32_t>(static_cast<int64_t>(value)) & mask; };
  return finish(std::move(format), codeOf, {});
}

Expected<DenseTerm> FormatTranscoder::asTable(ArrayRef<double> entries) const {
  WeightFormat format;
  format.code.kind = CodeForm::Uint;
  format.code.numbers = {std::max<int64_t>(1, llvm::Log2_64_Ceil(entries.size()))};
  format.value.kind = ValueMap::Table;
  format.value.entries = int64_t(1) << format.code.numbers[0];
  std::vector<double> table(entries.begin(), entries.end());
  table.resize(format.value.entries, entries.back());
  auto codeOf = [&](double value) {
    return static_cast<uint32_t>(llvm::lower_bound(entries, value) - entries.begin());
  };
  return finish(std::move(format), codeOf, table);
}

/// W[n, k] = sum over entries e of t[n, e] * (1 where the code is e): entries that are 0 everywhere need no term.
Expected<std::vector<DenseTerm>> FormatTranscoder::splitRowTables() const {
  constexpr int64_t mostEntries = 4;
  const ValueTable &table = reader.getTable();
  if (table.codes > mostEntries || reader.hasScales() || reader.hasZero())
    return fault("has tables of ", table.codes, " values for single rows, for which no kernel has codes");
  std::vector<DenseTerm> terms;
  auto entryOf = [&](int64_t row, double value) { // the first of equal ones
    int64_t entry = 0;
    while (table.entry(row, static_cast<uint32_t>(entry))[0] != value)
      ++entry;
    return entry;
  };
  for (int64_t entry = 0; entry < table.codes; ++entry) {
    auto valueOf = [&](int64_t row) { return table.entry(row, static_cast<uint32_t>(entry))[0]; };
    bool isUsed = false;
    for (int64_t row = 0; row < n; ++row)
      isUsed |= valueOf(row) != 0;
    if (!isUsed)
      continue;
    WeightFormat format;
    format.code.numbers = {1};
    ScaleForm &scale = format.scales.emplace_back();
    scale.gn = 1;
    Expected<DenseTerm> term = makeTerm(format, n, k);
    if (!term)
      return term.takeError();
    for (int64_t row = 0; row < n; ++row) {
      std::vector<uint32_t> fields;
      for (double value : ArrayRef(values).slice(row * k, k))
        fields.push_back(entryOf(row, value) == entry);
      packFields(fields, 1, rowOf(*term, *term->layout.find(ArrayRole::Codes, 0, 0), row));
      setField(rowOf(*term, *term->layout.find(ArrayRole::Scales, 0, 0), row), 32, 0,
               encodeSide(scale.element, valueOf(row)));
    }
    terms.push_back(std::move(*term));
  }
  if (terms.empty()) // zeros alone
    return fault("has no elements");
  return std::move(terms);
}

Expected<std::vector<DenseTerm>> FormatTranscoder::run() {
  if (Error error = reader.loadSides())
    return std::move(error);
  n = reader.extent().rows;
  k = reader.extent().columns;
  values.resize(n * k);
  for (int64_t row = 0; row < n; ++row)
    if (Error error = reader.readRow(row, llvm::MutableArrayRef(values).slice(row * k, k)))
      return std::move(error);
  if (values.empty())
    return fault("has no elements");
  if (!llvm::all_of(values, [](double value) { return std::isfinite(value); }))
    return fault("has codes or scales that name no finite value, which no other codes stand for");
  if (from.format.value.kind == ValueMap::Table && from.format.value.select == ValueMap::Row)
    return splitRowTables();
  auto [low, high] = std::minmax_element(values.begin(), values.end());
  bool areIntegers = *low >= -128 && *high <= 127 &&
                     llvm::all_of(values, [](double value) { return value == std::nearbyint(value); });
  std::vector<DenseTerm> terms;
  auto add = [&](Expected<DenseTerm> term) -> Error {
    if (!term)
      return term.takeError();
    terms.push_back(std::move(*term));
    return Error::success();
  };
  if (areIntegers) {
    if (Error error = add(asIntegers(*low, *high)))
      return std::move(error);
    return std::move(terms);
  }
  constexpr size_t mostEntries = 256;
  std::set<double> different;
  for (double value : values)
    if (different.insert(value).second && different.size() > mostEntries)
      return fault("has codes that name more than 256 values, for which no kernel has codes");
  if (Error error = add(asTable(std::vector<double>(different.begin(), different.end()))))
    return std::move(error);
  return std::move(terms);
}

Expected<std::vector<DenseTerm>> lutra::transcodeFormat(const StoredFormat &from,
                                                        const DictionaryTable &dictionaries) {
  return FormatTranscoder(from, dictionaries).run();
}

//===----------------------------------------------------------------------===//
// Blocks of different types
//===----------------------------------------------------------------------===//

namespace {
/// Numbers of a matrix as integers, with a scale and a zero point for each group along k.
class BlockTranscoder {
public:
  BlockTranscoder(const EncodingTerm &term, int index, const EncodedLayout &layout, ArrayRef<uint8_t> bytes)
      : term(term), index(index), layout(layout), bytes(bytes), n(layout.n), k(layout.k) {}
  Expected<DenseTerm> run();

private:
  Error findGroup();
  Error readFormat(int own, ArrayRef<int64_t> blocks);
  bool hasOneScale() const;

  const EncodingTerm &term;
  int index;
  const EncodedLayout &layout;
  ArrayRef<uint8_t> bytes;
  int64_t n, k, group = 0;
  std::vector<int64_t> integers; // less zero points
  std::vector<double> scales;    // of groups, row by row
};
} // namespace

/// The finest group along k of all side values.
Error BlockTranscoder::findGroup() {
  std::vector<int64_t> sizes = {std::min(term.gk, k)};
  auto add = [&](int64_t gk) { sizes.push_back(gk == kWhole ? term.gk : gk); };
  for (const WeightFormat &format : term.formats) {
    if (!hasPlainCodes(format) || !isSimple(format) || format.code.codeBits() > 8)
      return fault("has formats for blocks of ", term.gn, " x ", term.gk,
                   " elements with codes that do not lie one by one, or minima; kernels read those of whole rows or "
                   "whole columns alone");
    for (const ScaleForm &scale : format.scales)
      add(scale.gk);
    if (format.zero.kind == ZeroForm::Tensor)
      add(format.zero.gk);
  }
  group = *llvm::min_element(sizes);
  for (int64_t size : sizes)
    if (size % group != 0 && size < k)
      return fault("has formats for blocks of ", term.gn, " x ", term.gk, " elements, whose groups do not nest");
  return Error::success();
}

Error BlockTranscoder::readFormat(int own, ArrayRef<int64_t> blocks) {
  const WeightFormat &format = term.formats[own];
  std::optional<double> unit = unitOf(format);
  DictionaryTable none;
  FormatReader reader(format, layout, index, own, bytes, none);
  if (Error error = reader.loadSides())
    return error;
  if (!unit)
    return fault("has formats for blocks of ", term.gn, " x ", term.gk,
                 " elements whose values are no small integers; kernels read those of whole rows or whole columns "
                 "alone");
  int64_t across = llvm::divideCeil(k, term.gk), groups = llvm::divideCeil(k, group);
  std::vector<double> values(term.gk);
  constexpr double mostNumber = 1 << 16; // beyond that no codes of 8 bits hold them with any zero point
  for (auto [place, block] : llvm::enumerate(blocks))
    for (int64_t inner = 0; inner < term.gn; ++inner) {
      int64_t row = block / across * term.gn + inner, first = block % across * term.gk;
      int64_t stored = static_cast<int64_t>(place) * term.gn + inner;
      if (row >= n)
        continue;
      if (Error error = reader.readRow(stored, values))
        return error;
      for (int64_t i = 0; i < std::min(term.gk, k - first); ++i) {
        double number = (values[i] - reader.zeroAt(stored, i)) / *unit;
        if (!(std::fabs(number) <= mostNumber) || number != std::nearbyint(number))
          return fault("has formats for blocks of ", term.gn, " x ", term.gk,
                       " elements with zero points between their values");
        integers[row * k + first + i] = static_cast<int64_t>(number);
        if (i % group == 0)
          scales[row * groups + (first + i) / group] = reader.scaleAt(stored, i) * *unit;
      }
    }
  return Error::success();
}

/// Whether all formats have one scale of one type, and integers for values.
bool BlockTranscoder::hasOneScale() const {
  auto isLike = [&](const WeightFormat &format) {
    return format.scales.size() == 1 && format.scales[0].map == ScaleForm::Linear && unitOf(format) == 1.0 &&
           format.scales[0].element.text() == term.formats[0].scales[0].element.text();
  };
  return !term.formats[0].scales.empty() && llvm::all_of(term.formats, isLike);
}

Expected<DenseTerm> BlockTranscoder::run() {
  Expected<std::vector<std::vector<int64_t>>> blocks = readTypeMap(term, index, layout, bytes);
  if (!blocks)
    return blocks.takeError();
  if (Error error = findGroup())
    return std::move(error);
  int64_t groups = llvm::divideCeil(k, group);
  integers.resize(n * k);
  scales.resize(n * groups);
  for (auto [own, list] : llvm::enumerate(*blocks))
    if (Error error = readFormat(static_cast<int>(own), list))
      return std::move(error);
  // Zero points that lift the least number of a group to 0.
  std::vector<int64_t> zeros(n * groups), tops(n * groups);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < k; ++column) {
      int64_t at = row * groups + column / group, number = integers[row * k + column];
      zeros[at] = std::max(zeros[at], -number);
      tops[at] = std::max(tops[at], number);
    }
  unsigned bits = 1;
  for (auto [zero, top] : llvm::zip_equal(zeros, tops))
    bits = std::max(bits, llvm::Log2_64(std::max<int64_t>(1, zero + top)) + 1);
  if (bits > 8)
    return fault("has formats for blocks of ", term.gn, " x ", term.gk, " elements of which some need ", bits,
                 " bits as integers with a zero point; kernels read 8");
  WeightFormat format;
  format.code.numbers = {bits};
  ScaleForm &scale = format.scales.emplace_back();
  scale.gn = 1;
  scale.gk = group;
  if (hasOneScale())
    scale.element = term.formats[0].scales[0].element;
  format.zero.kind = ZeroForm::Tensor;
  format.zero.element = {SideType::Uint, bits};
  format.zero.gn = 1;
  format.zero.gk = group;
  Expected<DenseTerm> made = makeTerm(format, n, k);
  if (!made)
    return made.takeError();
  std::vector<uint32_t> fields(k);
  for (int64_t row = 0; row < n; ++row) {
    for (int64_t column = 0; column < k; ++column)
      fields[column] = static_cast<uint32_t>(integers[row * k + column] + zeros[row * groups + column / group]);
    packFields(fields, bits, rowOf(*made, *made->layout.find(ArrayRole::Codes, 0, 0), row));
    for (int64_t own = 0; own < groups; ++own) {
      setField(rowOf(*made, *made->layout.find(ArrayRole::Scales, 0, 0), row), scale.element.bits(), own,
               encodeSide(scale.element, scales[row * groups + own]));
      setField(rowOf(*made, *made->layout.find(ArrayRole::Zeros, 0, 0), row), bits, own,
               static_cast<uint32_t>(zeros[row * groups + own]));
    }
  }
  return std::move(*made);
}

Expected<DenseTerm> lutra::transcodeBlocks(const EncodingTerm &term, int index, const EncodedLayout &layout,
                                           ArrayRef<uint8_t> bytes) {
  return BlockTranscoder(term, index, layout, bytes).run();
}
