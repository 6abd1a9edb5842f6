//===- SampledRange.cpp - the values that a tensor took, and codes for them --===//
#include "lutra/Support/SampledRange.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace lutra;

void SampledRange::add(float value) {
  double magnitude = std::abs(value);
  if (counts.empty()) {
    counts.assign(bins, 0);
    limit = 0x1p-100;
  }
  for (; magnitude >= limit; limit *= 2) { // two bins become one, about the middle
    for (int64_t bin = 0; bin < bins / 4; ++bin) {
      int64_t up = bins / 2 + bin, down = bins / 2 - 1 - bin;
      counts[up] = counts[bins / 2 + 2 * bin] + counts[bins / 2 + 2 * bin + 1];
      counts[down] = counts[bins / 2 - 1 - 2 * bin] + counts[bins / 2 - 2 - 2 * bin];
    }
    std::fill(counts.begin(), counts.begin() + bins / 4, 0);
    std::fill(counts.end() - bins / 4, counts.end(), 0);
  }
  auto bin = static_cast<int64_t>(std::floor(value / limit * (bins / 2))) + bins / 2;
  ++counts[std::clamp<int64_t>(bin, 0, bins - 1)];
  low = std::min(low, value);
  high = std::max(high, value);
}

void SampledRange::addRows(llvm::ArrayRef<float> rows, int64_t size, llvm::ArrayRef<char> keep) {
  for (size_t i = 0; i < rows.size(); ++i)
    if ((keep.empty() || keep[i / size]) && std::isfinite(rows[i]))
      add(rows[i]);
}

/// The sum of squared errors, of values in the middle of their bins.
double SampledRange::errorOf(const RangeCodes &codes, double least, double most) const {
  double error = 0;
  for (int64_t bin = 0; bin < bins; ++bin) {
    if (counts[bin] == 0)
      continue;
    double value = ((static_cast<double>(bin) + 0.5) / (bins / 2) - 1) * limit;
    double code = std::clamp(std::nearbyint(value / codes.scale) + static_cast<double>(codes.zero), least, most);
    double off = value - (code - static_cast<double>(codes.zero)) * codes.scale;
    error += static_cast<double>(counts[bin]) * off * off;
  }
  return error;
}

RangeCodes SampledRange::fit(const RangeOptions &options) const {
  double most = std::ldexp(1.0, static_cast<int>(options.bits) - 1) - 1;
  auto normal = [](double scale) { return std::max(static_cast<float>(scale), std::numeric_limits<float>::min()); };
  RangeCodes best;
  double least = std::numeric_limits<double>::infinity();
  constexpr int steps = 30; // down to .4 of the extremes
  for (int step = 0; step <= (options.leastSquares && !counts.empty() ? steps : 0); ++step) {
    double share = 1 - step * 0.02;
    RangeCodes codes;
    codes.scale = normal(share * std::max(-low, high) / most);
    float shifted = normal(share * (double(high) - low) / (2 * most + 1));
    bool hasZero = options.hasZero && shifted < 0.8f * codes.scale;
    if (hasZero) {
      codes.scale = shifted;
      codes.zero = static_cast<int64_t>(
          std::clamp(std::nearbyint(-most - 1 - share * low / shifted), -most - 1, most));
    }
    double error = options.leastSquares && !counts.empty() ? errorOf(codes, hasZero ? -most - 1 : -most, most) : 0;
    if (error < least) {
      least = error;
      best = codes;
    }
  }
  return best;
}
