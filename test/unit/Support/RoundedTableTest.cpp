//===- RoundedTableTest.cpp - tables as integers, stored tables as stated -----===//
#include "lutra/Support/RoundedTable.h"

#include "lutra/Support/EncodedTensor.h"
#include "lutra/Support/RescaledCodes.h"
#include "lutra/Support/StatedTable.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstring>

using namespace lutra;

namespace {
/// Codes of some bits under a scale for each group, or row, with these entries or a table in the bytes.
Encoding withTable(int64_t bits, int64_t group, std::vector<double> entries) {
  WeightFormat format;
  format.code.numbers = {bits};
  format.value.kind = ValueMap::Table;
  format.value.entries = int64_t(1) << bits;
  format.value.element = {SideType::F32, 32};
  format.value.values = std::move(entries);
  ScaleForm scale;
  scale.element = {SideType::F32, 32};
  scale.gn = 1;
  scale.gk = group;
  format.scales = {scale};
  Encoding encoding;
  encoding.terms.resize(1);
  encoding.terms.front().formats = {format};
  return encoding;
}

/// Differences of the quantiles of a logistic distribution, the greatest 1.
std::vector<double> entriesOf(int64_t count) {
  std::vector<double> entries;
  for (int64_t i = 0; i < count; ++i)
    entries.push_back(static_cast<float>(std::log((i + 0.5) / (count - i - 0.5)) / std::log(2 * count - 1)));
  return entries;
}

const std::vector<double> &tableOf(const Encoding &encoding) {
  return encoding.terms.front().formats.front().value.values;
}
} // namespace

/// Entries are multiples of one number in a byte and move by half of it at most.
TEST(RoundedTable, bytes_where_entries_are_far_apart) {
  for (int64_t bits : {2, 3, 4, 5}) {
    std::vector<double> entries = entriesOf(int64_t(1) << bits);
    std::optional<Encoding> made = roundToBytes(withTable(bits, kWhole, entries));
    ASSERT_TRUE(made) << bits;
    std::optional<double> unit = factsOf(made->terms.front().formats.front()).int8Unit;
    ASSERT_TRUE(unit) << bits;
    EXPECT_LE(*unit, 0.2 * 2 / static_cast<double>(entries.size() - 1)) << bits;
    for (size_t i = 0; i < entries.size(); ++i)
      EXPECT_LE(std::fabs(tableOf(*made)[i] - entries[i]), *unit / 2) << bits;
    EXPECT_FALSE(roundToBytes(*made)) << bits; // they are now
  }
}

TEST(RoundedTable, digits_where_entries_are_close) {
  Encoding six = withTable(6, kWhole, entriesOf(64));
  EXPECT_FALSE(roundToBytes(six));
  std::optional<Encoding> made = roundTable(six);
  ASSERT_TRUE(made);
  for (size_t i = 0; i < 64; ++i) {
    EXPECT_EQ(tableOf(*made)[i] * 0x1p13, std::round(tableOf(*made)[i] * 0x1p13));
    EXPECT_LE(std::fabs(tableOf(*made)[i] - tableOf(six)[i]), 0x1p-14);
  }
  EXPECT_FALSE(roundTable(*made));
  std::vector<double> many(1024, 0x1.8p-14); // half a multiple, and a tenth of their mean distance
  many.back() = 1;
  EXPECT_FALSE(roundTable(withTable(10, kWhole, many)));
}

/// A stored table becomes part of the encoding, other bytes stay; values are the same.
TEST(StatedTable, decodes_alike) {
  constexpr int64_t n = 3, k = 4096;
  std::vector<double> entries = entriesOf(64), values(n * k);
  for (int64_t i = 0; i < n * k; ++i)
    values[i] = entries[(i * 37 + i / k) % 64] * static_cast<double>(1 + i / k);
  Encoding stored = withTable(6, kWhole, {}), known = withTable(6, kWhole, entries);
  std::vector<uint8_t> bytes = llvm::cantFail(encodeTensor(known, n, k, values));
  // Room for the table, which begins behind the codes.
  int64_t codes = n * k * 6 / 8;
  std::vector<uint8_t> table(64 * sizeof(float));
  for (size_t i = 0; i < 64; ++i) {
    auto entry = static_cast<float>(entries[i]);
    std::memcpy(table.data() + i * sizeof(float), &entry, sizeof(float));
  }
  bytes.insert(bytes.begin() + codes, table.begin(), table.end());
  std::vector<double> before = llvm::cantFail(decodeTensor(stored, n, k, bytes));

  std::optional<Encoding> stated = stateTable(stored, n, k, bytes);
  ASSERT_TRUE(stated);
  EXPECT_EQ(tableOf(*stated), entries);
  EXPECT_FALSE(haveSameBytes(stored, *stated));
  EXPECT_EQ(llvm::cantFail(decodeTensor(*stated, n, k, llvm::cantFail(restate(stored, *stated, n, k, bytes)))), before);

  // Sums of two digits have 32 bits in groups of 512 alone, each with the scale of its row.
  std::optional<Encoding> rounded = roundTable(*stated);
  ASSERT_TRUE(rounded);
  Encoding cut = cutGroups(*rounded, k);
  int64_t group = cut.terms.front().formats.front().scales.front().gk;
  EXPECT_GE(group, 32);
  EXPECT_LT(group, k);
  std::vector<uint8_t> written = llvm::cantFail(restate(stored, cut, n, k, bytes));
  std::vector<double> after = llvm::cantFail(decodeTensor(cut, n, k, written));
  for (int64_t i = 0; i < n * k; ++i)
    ASSERT_LE(std::fabs(after[i] - before[i]), 0x1p-14 * static_cast<double>(1 + i / k)) << i;

  // Bytes times one number sum up without.
  std::optional<Encoding> four = roundToBytes(withTable(4, kWhole, entriesOf(16)));
  ASSERT_TRUE(four);
  EXPECT_EQ(cutGroups(*four, k).terms.front().formats.front().scales.front().gk, kWhole);
}

/// Where codes may be rescaled, the last are multiples that few bytes tell apart.
TEST(RoundedTable, fewer_multiples_for_rescaled_codes) {
  std::vector<double> entries = entriesOf(16);
  Encoding encoding = withTable(4, 32, entries);
  std::vector<Encoding> few = findRoundedEncodings(encoding, 8, 64, {}, /*rescales=*/true);
  ASSERT_EQ(few.size(), findRoundedEncodings(encoding, 8, 64, {}).size() + 1);
  std::optional<double> unit = factsOf(few.back().terms.front().formats.front()).int8Unit;
  ASSERT_TRUE(unit);
  EXPECT_LE(1 / *unit, RescaledCodes::greatestExtent + 0.5);
  for (size_t i = 0; i < entries.size(); ++i)
    EXPECT_LE(std::fabs(tableOf(few.back())[i] - entries[i]), *unit / 2) << i;
  // Of 5 bits these would be more than a fifth of their distance.
  encoding = withTable(5, 32, entriesOf(32));
  EXPECT_EQ(findRoundedEncodings(encoding, 8, 64, {}, /*rescales=*/true).size(),
            findRoundedEncodings(encoding, 8, 64, {}).size());
}

/// One scale for each row, or for groups, as scales of shorter groups with the same values.
TEST(StatedTable, repeats_scales) {
  constexpr int64_t n = 5, k = 77, group = 16;
  std::vector<double> values(n * k);
  for (int64_t i = 0; i < n * k; ++i)
    values[i] = static_cast<double>(i * 37 % 101 - 50) * static_cast<double>(1 + i / 32);
  for (int64_t own : {kWhole, int64_t(32), int64_t(100)}) {
    Encoding encoding = withTable(4, own, entriesOf(16));
    std::optional<Encoding> repeated = repeatScales(encoding, k, group);
    ASSERT_TRUE(repeated);
    EXPECT_EQ(repeated->terms.front().formats.front().scales.front().gk, group);
    EXPECT_FALSE(haveSameBytes(encoding, *repeated));
    EXPECT_FALSE(repeatScales(*repeated, k, group));
    std::vector<uint8_t> bytes = llvm::cantFail(encodeTensor(encoding, n, k, values));
    std::vector<uint8_t> written = llvm::cantFail(restate(encoding, *repeated, n, k, bytes));
    EXPECT_EQ(llvm::cantFail(decodeTensor(*repeated, n, k, written)),
              llvm::cantFail(decodeTensor(encoding, n, k, bytes)));
  }
  EXPECT_FALSE(repeatScales(withTable(4, 24, entriesOf(16)), k, group)); // ends within one of these
  EXPECT_FALSE(repeatScales(withTable(4, kWhole, entriesOf(16)), k, k)); // one group
}

/// Codes of two planes, or of one, in a bit more, with the same values.
TEST(StatedTable, widens_codes) {
  constexpr int64_t n = 5, k = 53;
  std::vector<double> values(n * k);
  for (int64_t i = 0; i < n * k; ++i)
    values[i] = static_cast<double>(i * 37 % 101) - 50;
  for (std::vector<int64_t> planes : {std::vector<int64_t>{3}, {2, 1}, {1, 4}, {7}}) {
    Encoding narrow = withTable(3, 16, {});
    WeightFormat &format = narrow.terms.front().formats.front();
    format.value = ValueMap();
    format.code.kind = planes.size() > 1 ? CodeForm::Planes : CodeForm::Uint;
    format.code.numbers = planes;
    format.value.offset = -(int64_t(1) << (format.code.codeBits() - 1));
    std::optional<Encoding> wide = widenCodes(narrow);
    ASSERT_TRUE(wide);
    EXPECT_EQ(wide->terms.front().formats.front().code.codeBits(), format.code.codeBits() + 1);
    EXPECT_FALSE(haveSameBytes(narrow, *wide));
    EXPECT_FALSE(widenCodes(*wide));
    std::vector<uint8_t> bytes = llvm::cantFail(encodeTensor(narrow, n, k, values));
    std::vector<uint8_t> written = llvm::cantFail(restate(narrow, *wide, n, k, bytes));
    EXPECT_EQ(llvm::cantFail(decodeTensor(*wide, n, k, written)), llvm::cantFail(decodeTensor(narrow, n, k, bytes)));
  }
  EXPECT_FALSE(widenCodes(withTable(3, 16, entriesOf(8))));
}
