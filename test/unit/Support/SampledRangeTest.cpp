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
  EXPECT_EQ(rangeOf({1.0f, -2.54f, 0.5f}).fit({8, false, false}), (RangeCodes{2.54f / 127, 0}));
  EXPECT_EQ(rangeOf({-3.5f, 2.0f}).fit({4, false, false}), (RangeCodes{0.5f, 0}));
  EXPECT_EQ(rangeOf({}).fit({8, true, true}).scale, std::numeric_limits<float>::min());
  EXPECT_EQ(rangeOf({0, 0}).fit({8, true, true}).scale, std::numeric_limits<float>::min());
}

/// A range on one side of 0 takes all codes; one about 0 has nothing to gain.
TEST(SampledRange, zero_points_where_they_pay) {
  EXPECT_EQ(rangeOf({0, 5.1f, 1}).fit({8, true, false}), (RangeCodes{5.1f / 255, -128}));
  EXPECT_EQ(rangeOf({-5.1f, 0}).fit({8, true, false}), (RangeCodes{5.1f / 255, 127}));
  EXPECT_EQ(rangeOf({-1, 1}).fit({8, true, false}).zero, 0);
  RangeCodes gelu = rangeOf({-0.17f, 3}).fit({8, true, false});
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
  RangeCodes extremes = range.fit({4, false, false}), squares = range.fit({4, false, true});
  EXPECT_LT(squares.scale, 0.8f * extremes.scale);
  RangeCodes wide = range.fit({8, false, false}), best = range.fit({8, false, true});
  EXPECT_LE(errorOf(values, best, false), errorOf(values, wide, false) * 1.01); // bins stand for their middles
  std::vector<float> rows = {1, 2, 1000, -1000, std::numeric_limits<float>::quiet_NaN(), 2};
  SampledRange masked;
  masked.addRows(rows, 2, {1, 0, 1});
  EXPECT_EQ(masked.fit({8, false, false}), (RangeCodes{2.0f / 127, 0}));
}

/// Values in any order give the same codes, though the histogram grows with them.
TEST(SampledRange, order_changes_nothing) {
  std::vector<float> rising, falling;
  for (int i = 0; i < 3000; ++i)
    rising.push_back(std::ldexp(1.0f + static_cast<float>(i % 13), i / 100 - 20));
  falling.assign(rising.rbegin(), rising.rend());
  EXPECT_EQ(rangeOf(rising).fit({8, true, true}), rangeOf(falling).fit({8, true, true}));
}
