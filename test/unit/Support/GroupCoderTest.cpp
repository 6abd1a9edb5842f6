//===- QuantizeRowTest.cpp - codes and scales of rows ------------------------===//
#include "lutra/Support/QuantizeRow.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <random>

using namespace lutra;

namespace {
struct Row {
  std::vector<uint32_t> codes, zeros;
  std::vector<float> scales;
  bool fits;

  Row(const std::vector<float> &values, const WeightForm &form) : codes(values.size()) {
    size_t size = form.group == kWhole ? values.size() : form.group;
    scales.resize((values.size() + size - 1) / size);
    zeros.resize(scales.size());
    fits = quantizeRow(values, form, codes, scales, zeros);
  }
  double error(const std::vector<float> &values) const {
    double sum = 0;
    size_t size = (values.size() + scales.size() - 1) / scales.size();
    for (size_t k = 0; k < values.size(); ++k)
      sum += std::pow(values[k] - scales[k / size] * (double(codes[k]) - zeros[k / size]), 2);
    return sum;
  }
};
} // namespace

/// Codes lie in their range, no value that extremes allow is off by more than half a step, and a search is never worse.
TEST(QuantizeRow, searched_scales_have_less_error) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  for (unsigned bits : {2, 4, 8})
    for (bool symmetric : {false, true})
      for (bool half : {false, true}) {
        std::vector<float> values(256);
        for (float &value : values)
          value = normal(random);
        WeightForm form{bits, 64, symmetric, /*search=*/false, half};
        Row plain(values, form);
        form.search = true;
        Row searched(values, form);
        ASSERT_TRUE(plain.fits && searched.fits);
        EXPECT_LE(searched.error(values), plain.error(values) * 1.0001);
        for (size_t k = 0; k < values.size(); ++k) {
          EXPECT_LT(plain.codes[k], 1u << bits);
          EXPECT_GE(plain.codes[k], symmetric ? 1u : 0u);
          // A zero point is rounded, and so is a scale of f16: one extreme may be clipped by half a step.
          double off = values[k] - plain.scales[k / 64] * (double(plain.codes[k]) - plain.zeros[k / 64]);
          EXPECT_LE(std::fabs(off), 1.01 * plain.scales[k / 64]);
        }
      }
}

/// Weights far from 1, whose squares f32 does not hold, are quantized as those near it; the least normal scale holds.
TEST(QuantizeRow, magnitudes_change_nothing) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::vector<float> values(96);
  for (float &value : values)
    value = normal(random);
  for (bool symmetric : {false, true}) {
    WeightForm form{4, 32, symmetric, /*search=*/true, /*halfScales=*/false};
    Row near(values, form);
    for (int exponent : {-110, -60, 60, 120}) {
      std::vector<float> moved;
      for (float value : values)
        moved.push_back(std::ldexp(value, exponent));
      Row far(moved, form);
      EXPECT_EQ(near.codes, far.codes) << exponent;
      EXPECT_EQ(near.zeros, far.zeros) << exponent;
      for (size_t group = 0; group < near.scales.size(); ++group)
        EXPECT_EQ(std::ldexp(near.scales[group], exponent), far.scales[group]) << exponent;
      form.halfScales = true;
      EXPECT_FALSE(Row(moved, form).fits);
      form.halfScales = false;
    }
    std::vector<float> least;
    for (float value : values)
      least.push_back(std::ldexp(value, -140));
    for (float scale : Row(least, form).scales)
      EXPECT_GE(scale, std::numeric_limits<float>::min());
    form = WeightForm{2, kWhole, symmetric, /*search=*/true, /*halfScales=*/false};
    std::vector<float> greatest(8, 3.4e38f);
    for (size_t k = 0; k < greatest.size(); k += 2)
      greatest[k] = -greatest[k];
    Row ends(greatest, form);
    for (uint32_t code : ends.codes)
      EXPECT_TRUE(std::isfinite(ends.scales[0] * (float(code) - float(ends.zeros[0]))));
  }
}

TEST(QuantizeRow, exact_values_stay) {
  std::vector<float> values;
  for (int i = 0; i < 32; ++i)
    values.push_back(0.25f * static_cast<float>(i % 16 - 6));
  for (bool search : {false, true}) {
    Row row(values, {4, 32, false, search, true});
    EXPECT_EQ(row.error(values), 0);
    EXPECT_EQ(row.scales[0], 0.25f);
    EXPECT_EQ(row.zeros[0], 6u);
  }
}

TEST(QuantizeRow, groups_of_zeros_and_a_short_last_group) {
  std::vector<float> values(40, 0.0f);
  values[39] = 1.0f;
  Row row(values, {4, 32, false, true, true});
  ASSERT_EQ(row.scales.size(), 2u);
  EXPECT_EQ(row.scales[0] * (double(row.codes[0]) - row.zeros[0]), 0);
  EXPECT_LE(std::fabs(row.scales[1] * (double(row.codes[39]) - row.zeros[1]) - 1), row.scales[1] / 2);
}

/// Scales that an f16 does not hold.
TEST(QuantizeRow, says_where_f16_is_too_narrow) {
  EXPECT_FALSE(Row(std::vector<float>(16, 3e6f), {4, 16, false, true, true}).fits);
  EXPECT_FALSE(Row(std::vector<float>(16, 1e-6f), {4, 16, false, true, true}).fits);
  EXPECT_TRUE(Row(std::vector<float>(16, 3e6f), {4, 16, false, true, false}).fits);
  EXPECT_TRUE(Row(std::vector<float>(16, 1e-6f), {4, 16, false, true, false}).fits);
}
