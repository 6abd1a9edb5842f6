//===- RescaledCodesTest.cpp - codes of groups as bytes with one scale a row --===//
#include "lutra/Support/RescaledCodes.h"

#include "lutra/Support/EncodedTensor.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace lutra;

namespace {
constexpr int64_t n = 3, k = 128;

Encoding integers(int64_t bits, int64_t group, bool hasZero) {
  WeightFormat format;
  format.code.numbers = {bits};
  format.value.kind = ValueMap::Affine;
  format.scales = {{{SideType::F32, 32}, 1, group}};
  format.zero.kind = hasZero ? ZeroForm::Tensor : ZeroForm::Const;
  format.zero.constant = std::exp2(bits - 1);
  format.zero.element = {SideType::Uint, static_cast<unsigned>(bits)};
  format.zero.gn = 1;
  format.zero.gk = group;
  Encoding encoding;
  encoding.terms.resize(1);
  encoding.terms.front().formats = {format};
  return encoding;
}

/// Rows alike, but that a group of row 1 is `factor` times as high.
std::optional<RescaledCodes> rescaled(const Encoding &encoding, double factor = 1) {
  std::vector<double> values(n * k);
  for (int64_t i = 0; i < n * k; ++i)
    values[i] = std::sin(static_cast<double>(i % 32)) * (i / 32 == k / 32 + 1 ? factor : 1);
  std::vector<uint8_t> bytes = llvm::cantFail(encodeTensor(encoding, n, k, values));
  return rescaleCodes(encoding, n, k, bytes);
}
} // namespace

/// A row's scale is its greatest value over 127, also where codes of a group reach farther on one side.
TEST(RescaledCodes, scales_of_rows) {
  for (bool hasZero : {false, true}) {
    std::optional<RescaledCodes> codes = rescaled(integers(4, 32, hasZero), 2);
    ASSERT_TRUE(codes);
    EXPECT_EQ(codes->scales.size(), static_cast<size_t>(n));
    EXPECT_EQ(codes->scales[1], 2 * codes->scales[0]);
    EXPECT_EQ(codes->scales[2], codes->scales[0]);
    EXPECT_GE(127 * codes->scales[0], 1 - 1.0 / 30); // half a step from the greatest of the sines
  }
}

/// Steps of few bits are wide beside those of bytes, unless some groups of a row are far greater than the others.
TEST(RescaledCodes, few_bits_of_like_groups_are_fine) {
  for (int64_t bits : {2, 3, 4, 5})
    EXPECT_TRUE(rescaled(integers(bits, 32, true))->isFine()) << bits;
  EXPECT_EQ(rescaled(integers(4, 32, false))->ratio, 8.0 / 127); // 8 steps below 0
  EXPECT_FALSE(rescaled(integers(8, 32, false))->isFine());
  EXPECT_FALSE(rescaled(integers(5, 32, false), 100)->isFine());
}

/// Rows of less than the least scale have that one, beside which their steps are small; greater ones have none.
TEST(RescaledCodes, scales_are_numbers_of_f32) {
  Encoding encoding = integers(4, 32, false);
  auto scaled = [&](double factor) {
    std::vector<double> values(n * k);
    for (int64_t i = 0; i < n * k; ++i)
      values[i] = std::sin(static_cast<double>(i % 32)) * factor;
    return rescaleCodes(encoding, n, k, llvm::cantFail(encodeTensor(encoding, n, k, values)));
  };
  std::optional<RescaledCodes> tiny = scaled(0x1p-110);
  ASSERT_TRUE(tiny);
  EXPECT_EQ(tiny->scales[0], RescaledCodes::leastScale);
  EXPECT_FALSE(tiny->isFine());
  EXPECT_TRUE(scaled(0x1p-80)->isFine());
  EXPECT_FALSE(scaled(0x1p110));
}

TEST(RescaledCodes, declines_what_has_nothing_to_gain) {
  EXPECT_FALSE(rescaled(integers(4, k, false)));
  EXPECT_FALSE(rescaled(integers(4, 32, false), 0) == std::nullopt);
  std::vector<uint8_t> bytes = llvm::cantFail(encodeTensor(integers(4, 32, false), n, k, std::vector<double>(n * k)));
  if (std::optional<RescaledCodes> zeros = rescaleCodes(integers(4, 32, false), n, k, bytes))
    EXPECT_TRUE(std::isfinite(zeros->ratio));
  Encoding twice = integers(4, 32, false);
  twice.terms.push_back(twice.terms.front());
  EXPECT_FALSE(rescaleCodes(twice, n, k, bytes));
}
