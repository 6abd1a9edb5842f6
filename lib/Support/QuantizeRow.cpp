//===- QuantizeRow.cpp - codes and scales of one row of a weight -------------===//
#include "lutra/Support/QuantizeRow.h"

#include "lutra/Support/SideValues.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace lutra;
using llvm::ArrayRef;

namespace {
/// The scale and the zero point of a group.
struct Fit {
  float scale = 1, zero = 0;
  double error = std::numeric_limits<double>::infinity();
};

/// Sums over a group under one scale, d the distance of a code from the zero point.
struct Sums {
  double error = 0;   // of (w - scale d)^2
  double product = 0; // of w d
  double square = 0;  // of d^2
};

class GroupQuantizer {
public:
  /// Of values that were moved by 2^-exponent; a scale moved back is a normal number and makes finite ones.
  GroupQuantizer(ArrayRef<float> values, const WeightForm &form, int exponent)
      : values(values), form(form), most(static_cast<float>((1 << form.bits) - 1)),
        middle(static_cast<float>(1 << (form.bits - 1))),
        leastScale(std::ldexp(std::numeric_limits<float>::min(), -exponent)),
        greatestScale(std::ldexp(std::numeric_limits<float>::max(), -exponent) / most) {}
  Fit choose() const;
  /// The distance of the code of `value` from the zero point.
  float distance(float value, float inverse, float zero) const {
    float quotient = std::min(std::max(value * inverse, least() - zero), most - zero);
    constexpr float toEven = 12582912; // 1.5 * 2^23: adding it leaves no fraction
    return (quotient + toEven) - toEven;
  }

private:
  float least() const { return form.symmetric ? 1 : 0; } // symmetric codes reach as far on both sides
  float stored(double scale) const;
  Fit fitRange(double low, double high) const;
  Sums sumsOf(const Fit &fit) const;

  ArrayRef<float> values;
  const WeightForm &form;
  float most, middle, leastScale, greatestScale;
};
} // namespace

/// The scale as it is stored.
float GroupQuantizer::stored(double scale) const {
  if (!form.halfScales)
    return std::min(std::max(static_cast<float>(scale), leastScale), greatestScale);
  SideType half{SideType::F16};
  return static_cast<float>(decodeSide(half, encodeSide(half, scale)));
}

/// Lets [low, high], which holds 0, just fit the codes.
Fit GroupQuantizer::fitRange(double low, double high) const {
  Fit fit;
  fit.scale = stored(form.symmetric ? std::max(-low, high) / (middle - 1) : (high - low) / most);
  double zero = std::nearbyint(-low / fit.scale);
  fit.zero = form.symmetric ? middle : static_cast<float>(std::min<double>(std::max(zero, 0.0), most));
  return fit;
}

/// In the order of lanes, so that compilers make vectors of them.
Sums GroupQuantizer::sumsOf(const Fit &fit) const {
  constexpr size_t lanes = 8;
  float error[lanes] = {}, product[lanes] = {}, square[lanes] = {};
  float inverse = 1 / fit.scale;
  auto add = [&](size_t lane, float value) {
    float code = distance(value, inverse, fit.zero), rest = value - fit.scale * code;
    error[lane] += rest * rest;
    product[lane] += value * code;
    square[lane] += code * code;
  };
  size_t whole = values.size() / lanes * lanes;
  for (size_t first = 0; first < whole; first += lanes)
    for (size_t lane = 0; lane < lanes; ++lane)
      add(lane, values[first + lane]);
  for (size_t rest = whole; rest < values.size(); ++rest)
    add(rest - whole, values[rest]);
  Sums sums;
  for (size_t lane = 0; lane < lanes; ++lane) {
    sums.error += error[lane];
    sums.product += product[lane];
    sums.square += square[lane];
  }
  return sums;
}

Fit GroupQuantizer::choose() const {
  double low = 0, high = 0;
  for (float value : values) {
    low = std::min<double>(low, value);
    high = std::max<double>(high, value);
  }
  if (low == high) { // all of them 0
    Fit fit;
    fit.zero = form.symmetric ? middle : 0;
    return fit;
  }
  Fit best = fitRange(low, high);
  if (!form.search || best.scale == 0)
    return best;
  constexpr int trials = 20;
  double narrowest = form.bits > 3 ? 0.4 : 0.25;
  for (int trial = 0; trial <= trials; ++trial) {
    double share = 1 - (1 - narrowest) * trial / trials;
    Fit fit = fitRange(low * share, high * share);
    if (fit.scale == 0)
      break;
    Sums sums = sumsOf(fit);
    fit.error = sums.error;
    if (fit.error < best.error)
      best = fit;
    if (sums.product <= 0)
      continue;
    // With these codes another scale has less error: e(s') = e(s) + (s' - s) ((s' + s) square - 2 product).
    Fit refitted = fit;
    refitted.scale = stored(sums.product / sums.square);
    double step = double(refitted.scale) - fit.scale;
    refitted.error += step * ((double(refitted.scale) + fit.scale) * sums.square - 2 * sums.product);
    if (refitted.scale != 0 && refitted.error < best.error)
      best = refitted;
  }
  return best;
}

bool lutra::quantizeRow(ArrayRef<float> values, const WeightForm &form, llvm::MutableArrayRef<uint32_t> codes,
                        llvm::MutableArrayRef<float> scales, llvm::MutableArrayRef<uint32_t> zeros) {
  size_t size = form.group == kWhole ? std::max<size_t>(1, values.size()) : form.group;
  // Below its least normal number an f16 loses bits, and beyond its greatest there is nothing.
  constexpr float leastHalf = 6.103515625e-05f, greatestHalf = 65504;
  for (size_t group = 0; group < scales.size(); ++group) {
    ArrayRef<float> own = values.slice(group * size, std::min(size, values.size() - group * size));
    // Squares of what lies far from 1 leave f32; no f16 is a scale of it either.
    float extreme = 0;
    for (float value : own)
      extreme = std::max(extreme, std::abs(value));
    int exponent = extreme != 0 && (extreme < 0x1p-40f || extreme > 0x1p40f) ? std::ilogb(extreme) : 0;
    if (exponent != 0 && form.halfScales)
      return false;
    std::vector<float> moved;
    if (exponent != 0) {
      for (float value : own)
        moved.push_back(std::ldexp(value, -exponent));
      own = moved;
    }
    GroupQuantizer quantizer(own, form, exponent);
    Fit fit = quantizer.choose();
    if (form.halfScales && !(fit.scale >= leastHalf && fit.scale < greatestHalf))
      return false;
    scales[group] = std::ldexp(fit.scale, exponent);
    zeros[group] = static_cast<uint32_t>(fit.zero);
    for (auto [k, value] : llvm::enumerate(own))
      codes[group * size + k] =
          static_cast<uint32_t>(quantizer.distance(value, 1 / fit.scale, fit.zero) + fit.zero);
  }
  return true;
}
