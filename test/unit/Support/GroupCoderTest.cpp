//===- GroupCoderTest.cpp - codes and scales of rows ------------------------===//
#include "lutra/Support/GroupCoder.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <random>

using namespace lutra;

namespace {
WeightForm makeForm(unsigned bits, int64_t group, bool symmetric, WeightForm::Method method, SideType::Kind scale) {
  WeightForm form;
  form.bits = bits;
  form.group = group;
  form.symmetric = symmetric;
  form.method = method;
  form.scale = scale;
  return form;
}

struct Row {
  std::vector<uint32_t> codes, zeros;
  std::vector<float> scales, decoded;
  bool fits = true;

  Row(const std::vector<float> &values, const WeightForm &form) {
    size_t size = form.group == kWhole ? values.size() : form.group;
    GroupCoder coder(form);
    for (size_t begin = 0; begin < values.size(); begin += size) {
      llvm::ArrayRef<float> own = llvm::ArrayRef(values).slice(begin, std::min(size, values.size() - begin));
      GroupSide side = coder.fit(own);
      fits &= coder.holds(side);
      scales.push_back(side.scale);
      zeros.push_back(static_cast<uint32_t>(side.zero));
      for (float value : own) {
        codes.push_back(coder.codeOf(value, side));
        decoded.push_back(coder.valueOf(value, side));
      }
    }
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
TEST(GroupCoder, searched_scales_have_less_error) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  for (unsigned bits : {2, 3, 4, 5, 6, 7, 8})
    for (bool symmetric : {false, true})
      for (SideType::Kind scale : {SideType::F32, SideType::F16}) {
        std::vector<float> values(256);
        for (float &value : values)
          value = normal(random);
        WeightForm form = makeForm(bits, 64, symmetric, WeightForm::Nearest, scale);
        Row plain(values, form);
        form.method = WeightForm::Search;
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
TEST(GroupCoder, magnitudes_change_nothing) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::vector<float> values(96);
  for (float &value : values)
    value = normal(random);
  for (bool symmetric : {false, true}) {
    WeightForm form = makeForm(4, 32, symmetric, WeightForm::Search, SideType::F32);
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
      form.scale = SideType::F16;
      EXPECT_FALSE(Row(moved, form).fits);
      form.scale = SideType::F32;
    }
    std::vector<float> least;
    for (float value : values)
      least.push_back(std::ldexp(value, -140));
    for (float scale : Row(least, form).scales)
      EXPECT_GE(std::fabs(scale), std::numeric_limits<float>::min());
    form = makeForm(2, kWhole, symmetric, WeightForm::Search, SideType::F32);
    std::vector<float> greatest(8, 3.4e38f);
    for (size_t k = 0; k < greatest.size(); k += 2)
      greatest[k] = -greatest[k];
    Row ends(greatest, form);
    for (uint32_t code : ends.codes)
      EXPECT_TRUE(std::isfinite(ends.scales[0] * (float(code) - float(ends.zeros[0]))));
  }
}

/// Codes about the middle one reach a step farther below it than above: the sign of the scale says on which side. Bytes
/// need no such step.
TEST(GroupCoder, symmetric_scales_have_either_sign) {
  for (unsigned bits : {2, 3, 4, 7, 8})
    for (double sign : {-1.0, 1.0})
      for (SideType::Kind scale : {SideType::F32, SideType::F16})
        for (int64_t group : {int64_t(256), kWhole}) {
          std::vector<float> values;
          int64_t reach = 1 << (bits - 1);
          for (int64_t i = 0; i < 256; ++i)
            values.push_back(static_cast<float>(sign * 0.25 * double(i % (2 * reach) - reach)));
          Row nearest(values, makeForm(bits, group, true, WeightForm::Nearest, scale));
          EXPECT_GT(nearest.error(values), 0);
          EXPECT_GT(nearest.scales[0], 0);
          Row searched(values, makeForm(bits, group, true, WeightForm::Search, scale));
          ASSERT_TRUE(searched.fits);
          EXPECT_EQ(searched.error(values) == 0, bits < 8) << bits;
          EXPECT_EQ(searched.scales[0] < 0, bits < 8 && sign < 0) << bits;
        }
}

/// What f16 holds no scale of is never made codes of 0 and a scale of 1.
TEST(GroupCoder, symmetric_scales_that_vanish_do_not_fit) {
  std::vector<float> values(32, 1e-12f);
  EXPECT_FALSE(Row(values, makeForm(4, 32, true, WeightForm::Search, SideType::F16)).fits);
  EXPECT_TRUE(Row(values, makeForm(4, 32, true, WeightForm::Search, SideType::F32)).fits);
}

TEST(GroupCoder, exact_values_stay) {
  std::vector<float> values;
  for (int i = 0; i < 32; ++i)
    values.push_back(0.25f * static_cast<float>(i % 16 - 6));
  for (WeightForm::Method method : {WeightForm::Nearest, WeightForm::Search}) {
    Row row(values, makeForm(4, 32, false, method, SideType::F16));
    EXPECT_EQ(row.error(values), 0);
    EXPECT_EQ(row.scales[0], 0.25f);
    EXPECT_EQ(row.zeros[0], 6u);
  }
}

TEST(GroupCoder, groups_of_zeros_and_a_short_last_group) {
  std::vector<float> values(40, 0.0f);
  values[39] = 1.0f;
  Row row(values, makeForm(4, 32, false, WeightForm::Search, SideType::F16));
  ASSERT_EQ(row.scales.size(), 2u);
  EXPECT_EQ(row.scales[0] * (double(row.codes[0]) - row.zeros[0]), 0);
  EXPECT_LE(std::fabs(row.scales[1] * (double(row.codes[39]) - row.zeros[1]) - 1), row.scales[1] / 2);
}

/// Scales that an f16 does not hold.
TEST(GroupCoder, says_where_f16_is_too_narrow) {
  EXPECT_FALSE(Row(std::vector<float>(16, 3e6f), makeForm(4, 16, false, WeightForm::Search, SideType::F16)).fits);
  EXPECT_FALSE(Row(std::vector<float>(16, 1e-6f), makeForm(4, 16, false, WeightForm::Search, SideType::F16)).fits);
  EXPECT_TRUE(Row(std::vector<float>(16, 3e6f), makeForm(4, 16, false, WeightForm::Search, SideType::F32)).fits);
  EXPECT_TRUE(Row(std::vector<float>(16, 1e-6f), makeForm(4, 16, false, WeightForm::Search, SideType::F32)).fits);
}

/// Every type of a name: no code is farther from its value than half the step there, and values of codes stay. Weights
/// steer what a search makes small.
TEST(GroupCoder, tables_take_nearest_values) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (const char *name : {"fp4", "mxfp4", "nvfp4", "nf4", "iq4nl", "bitmod3", "bitmod4", "fp6", "fp8", "fp6e3m2",
                           "fp8e5m2", "pot3", "pot4"})
    for (bool search : {false, true}) {
      WeightForm form = *WeightForm::of(name);
      form.method = search ? WeightForm::Search : WeightForm::Nearest;
      std::vector<float> values(128), weights(128);
      for (float &value : values)
        value = normal(random);
      for (float &weight : weights)
        weight = std::fabs(normal(random));
      GroupCoder coder(form, GroupCoder::tensorScaleOf(form, 3.5f));
      GroupSide side = coder.fit(values), steered = coder.fit(values, weights);
      Encoding encoding = form.encoding();
      const WeightFormat &format = encoding.terms[0].formats[0];
      double own = 0, other = 0;
      for (size_t k = 0; k < values.size(); ++k) {
        double least = std::numeric_limits<double>::infinity();
        for (int64_t code = 0; code < int64_t(1) << form.bits; ++code)
          if (std::optional<double> unit = valueOfCode(format, code, side.table))
            least = std::min(least, std::fabs(*unit * side.scale - values[k]));
        double unit = *valueOfCode(format, coder.codeOf(values[k], side), side.table);
        // A quotient in f32 may take the other of two values that are equally near but for its rounding.
        double rounding = 4 * std::numeric_limits<float>::epsilon() * std::fabs(values[k]);
        EXPECT_NEAR(std::fabs(unit * side.scale - values[k]), least, rounding) << name;
        EXPECT_EQ(coder.valueOf(values[k], side), static_cast<float>(unit) * side.scale) << name;
        own += weights[k] * std::pow(values[k] - coder.valueOf(values[k], steered), 2);
        other += weights[k] * std::pow(values[k] - coder.valueOf(values[k], side), 2);
      }
      EXPECT_LE(own, other * (1 + 1e-6)) << name;
    }
}

static std::vector<float> normalValues(unsigned seed, size_t count) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float &value : values)
    value = normal(random);
  return values;
}

/// No scale has less error than the one that is computed: all magnitudes are tried as the least that counts.
TEST(GroupCoder, signs_have_the_best_scale) {
  for (const char *name : {"ternary", "binary"}) {
    WeightForm form = *WeightForm::of(name);
    form.scale = SideType::F32;
    GroupCoder coder(form);
    for (unsigned seed = 0; seed < 20; ++seed) {
      std::vector<float> values = normalValues(seed, 64);
      double own = coder.errorOf(values, {}, coder.fit(values));
      for (int step = 1; step < 200; ++step) {
        GroupSide side;
        side.scale = 0.02f * static_cast<float>(step);
        EXPECT_LE(own, coder.errorOf(values, {}, side) * (1 + 1e-6)) << name;
      }
    }
  }
}

/// Zero points of floats and minima fit what is far from 0; a search is never worse than the extremes.
TEST(GroupCoder, zero_points_of_floats) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::vector<float> values = normalValues(seed, 32);
    for (float &value : values)
      value -= 1.5f;
    WeightForm form = *WeightForm::of("int3"), minima = *WeightForm::of("q4_k");
    form.method = WeightForm::Search;
    double codes = GroupCoder(form).errorOf(values, {}, GroupCoder(form).fit(values));
    form.method = WeightForm::HalfQuadratic;
    GroupCoder half(form);
    GroupSide side = half.fit(values);
    EXPECT_EQ(half.storedScale(side.scale), side.scale);
    EXPECT_LT(half.errorOf(values, {}, side), 3 * codes);
    minima.method = WeightForm::Nearest;
    GroupCoder nearest(minima);
    minima.method = WeightForm::Search;
    GroupCoder search(minima);
    EXPECT_LE(search.errorOf(values, {}, search.fit(values)), nearest.errorOf(values, {}, nearest.fit(values)));
  }
}

/// Scales and minima of a super-block are multiples of theirs, none is lost, and no scale is 0.
TEST(GroupCoder, super_blocks_hold_codes) {
  for (const char *name : {"q2_k", "q3_k", "q4_k", "q5_k", "q6_k"}) {
    WeightForm form = *WeightForm::of(name);
    GroupCoder coder(form);
    std::vector<GroupSide> sides;
    for (unsigned group = 0; group < 8; ++group) {
      std::vector<float> values = normalValues(group, form.group);
      for (float &value : values)
        value *= group == 3 ? 0 : group == 5 ? 1e-4f : 1;
      sides.push_back(coder.fit(values));
    }
    std::vector<GroupSide> joined = sides;
    SuperSide super = coder.join(joined);
    EXPECT_TRUE(coder.holds(super)) << name;
    double most = form.bits == 6 ? 127 : form.bits == 2 ? 15 : form.bits == 3 ? 31 : 63;
    for (auto [side, before] : llvm::zip_equal(joined, sides)) {
      double code = double(side.scale) / super.scale;
      constexpr double rounding = 256 * std::numeric_limits<float>::epsilon(); // of codes up to 127
      EXPECT_NEAR(code, std::nearbyint(code), rounding) << name;
      EXPECT_GE(std::fabs(code), 1 - rounding) << name;
      EXPECT_LE(std::fabs(code), most + rounding) << name;
      EXPECT_NEAR(side.scale, before.scale, super.scale * (1 + rounding)) << name;
      if (!form.symmetric && super.minimum > 0) {
        double least = double(side.scale) * side.zero / super.minimum;
        EXPECT_NEAR(least, std::nearbyint(least), rounding) << name;
      }
    }
  }
}
