//===- SampledRangeTest.cpp - codes for the values that a tensor took ---------===//
#include "lutra/Support/SampledRange.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace lutra;

namespace {
SampledRange rangeOf(const std::vector<float> &values) {
  SampledRange range;
  range.addRows(values, 1, {});
  return range;
}

/// The sum of squared errors of the values themselves.
double errorOf(const std::vector<float> &values, const RangeCodes &codes, bool hasZero) {
  double error = 0;
  for (float value : values) {
    double code = std::nearbyint(value / codes.scale) + static_cast<double>(codes.zero);
    code = std::min(127.0, std::max(hasZero ? -128.0 : -127.0, code));
    error += std::pow(value - (code - static_cast<double>(codes.zero)) * codes.scale, 2);
  }
  return error;
}
} // namespace

/// The greatest magnitude gets the greatest code; nothing gets a scale that is a number.
TEST(SampledRange, extremes_just_fit) {
  EXPECT_EQ(rangeOf({1.0f, -2.54f, 0.5f}).fit({8, false}), (RangeCodes{2.54f / 127, 0}));
  EXPECT_EQ(rangeOf({-3.5f, 2.0f}).fit({4, false}), (RangeCodes{0.5f, 0}));
  EXPECT_EQ(rangeOf({}).fit({8, true, RangeOptions::Squares}).scale, std::numeric_limits<float>::min());
  EXPECT_EQ(rangeOf({0, 0}).fit({8, true, RangeOptions::Squares}).scale, std::numeric_limits<float>::min());
}

/// A range on one side of 0 takes all codes; one about 0 has nothing to gain.
TEST(SampledRange, zero_points_where_they_pay) {
  EXPECT_EQ(rangeOf({0, 5.1f, 1}).fit({8, true}), (RangeCodes{5.1f / 255, -128}));
  EXPECT_EQ(rangeOf({-5.1f, 0}).fit({8, true}), (RangeCodes{5.1f / 255, 127}));
  EXPECT_EQ(rangeOf({-1, 1}).fit({8, true}).zero, 0);
  RangeCodes gelu = rangeOf({-0.17f, 3}).fit({8, true});
  EXPECT_LT(gelu.scale, 3.0f / 200);
  EXPECT_NEAR((-128 - static_cast<float>(gelu.zero)) * gelu.scale, -0.17f, gelu.scale);
  EXPECT_NEAR((127 - static_cast<float>(gelu.zero)) * gelu.scale, 3, gelu.scale);
}

/// One far value is clipped where many near ones gain; masked rows and what is no number do not count.
TEST(SampledRange, squares_clip) {
  std::vector<float> values;
  for (int i = 0; i < 20000; ++i)
    values.push_back(std::sin(static_cast<float>(i)));
  values.push_back(1.6f);
  SampledRange range = rangeOf(values);
  RangeCodes extremes = range.fit({4, false}), squares = range.fit({4, false, RangeOptions::Squares});
  EXPECT_LT(squares.scale, 0.8f * extremes.scale);
  RangeCodes wide = range.fit({8, false}), best = range.fit({8, false, RangeOptions::Squares});
  EXPECT_LE(errorOf(values, best, false), errorOf(values, wide, false) * 1.01); // bins stand for their middles
  std::vector<float> rows = {1, 2, 1000, -1000, std::numeric_limits<float>::quiet_NaN(), 2};
  SampledRange masked;
  masked.addRows(rows, 2, {1, 0, 1});
  EXPECT_EQ(masked.fit({8, false}), (RangeCodes{2.0f / 127, 0}));
}

/// A share of the magnitudes, or of both ends, to within a bin, of which 4096 cover the next power of two.
TEST(SampledRange, quantiles_clip_a_share) {
  std::vector<float> values;
  for (int i = -1000; i <= 1000; ++i)
    values.push_back(static_cast<float>(i) / 1000);
  values.push_back(50);
  SampledRange range = rangeOf(values);
  constexpr float bin = 128.0f / 4096, fine = 4.0f / 4096;
  auto reach = [&](double share) { return range.fit({8, false, RangeOptions::Quantile, share}).scale * 127; };
  EXPECT_NEAR(reach(0.999), 0.999f, bin);
  EXPECT_NEAR(reach(0.5), 0.5f, bin);
  EXPECT_EQ(range.fit({8, false, RangeOptions::Quantile, 0.9999}), range.fit({8, false}));
  std::vector<float> positive;
  for (int i = 0; i <= 1000; ++i)
    positive.push_back(static_cast<float>(i) / 500);
  RangeCodes ends = rangeOf(positive).fit({8, true, RangeOptions::Quantile, 0.98});
  EXPECT_NEAR(ends.scale * 255, 1.98f, fine);
  EXPECT_EQ(rangeOf({}).fit({8, true, RangeOptions::Quantile, 0.9}).scale, std::numeric_limits<float>::min());
}

/// Far values that are few are clipped; those of a uniform distribution are not.
TEST(SampledRange, entropy_clips_what_is_rare) {
  std::vector<float> uniform, peaked;
  for (int i = 0; i < 40000; ++i) {
    uniform.push_back(static_cast<float>(i % 4001) / 2000 - 1);
    peaked.push_back(std::sin(static_cast<float>(i)) * 0.1f);
  }
  peaked.push_back(4);
  peaked.push_back(-4);
  EXPECT_GT(rangeOf(uniform).fit({8, false, RangeOptions::Entropy}).scale * 127, 0.97f);
  float reach = rangeOf(peaked).fit({8, false, RangeOptions::Entropy}).scale * 127;
  EXPECT_LT(reach, 1);
  EXPECT_GT(reach, 0.09f);
  EXPECT_EQ(rangeOf({}).fit({4, false, RangeOptions::Entropy}).scale, std::numeric_limits<float>::min());
  EXPECT_EQ(rangeOf({0, 0}).fit({4, true, RangeOptions::Entropy}).scale, std::numeric_limits<float>::min());
}

/// Values in any order give the same codes, though the histogram grows with them.
TEST(SampledRange, order_changes_nothing) {
  std::vector<float> rising, falling;
  for (int i = 0; i < 3000; ++i)
    rising.push_back(std::ldexp(1.0f + static_cast<float>(i % 13), i / 100 - 20));
  falling.assign(rising.rbegin(), rising.rend());
  RangeOptions options{8, true, RangeOptions::Squares};
  EXPECT_EQ(rangeOf(rising).fit(options), rangeOf(falling).fit(options));
}
