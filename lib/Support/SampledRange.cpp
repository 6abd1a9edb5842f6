//===- SampledRange.cpp - the values that a tensor took, and codes for them --===//
#include "lutra/Support/SampledRange.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

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

/// The values between which a share of all lies, in whole bins: of magnitudes, or of both ends alike.
std::pair<double, double> SampledRange::findQuantiles(double share, bool perEnd) const {
  int64_t total = 0;
  for (int64_t count : counts)
    total += count;
  double beyond = (1 - share) * static_cast<double>(total) / (perEnd ? 2 : 1);
  int64_t first = 0, last = bins - 1;
  if (perEnd) {
    for (int64_t sum = counts[first]; first < bins / 2 && static_cast<double>(sum) <= beyond;)
      sum += counts[++first];
    for (int64_t sum = counts[last]; last >= bins / 2 && static_cast<double>(sum) <= beyond;)
      sum += counts[--last];
  } else {
    for (int64_t sum = counts[first] + counts[last]; last > bins / 2 && static_cast<double>(sum) <= beyond;) {
      ++first;
      --last;
      sum += counts[first] + counts[last];
    }
  }
  return {std::max<double>(low, valueOf(first)), std::min<double>(high, valueOf(last + 1))};
}

/// The magnitude from which on values are clipped: of the histogram of magnitudes the first i bins, those behind added
/// to the last, beside the same i bins in so many levels, each spread over its bins that are not empty.
double SampledRange::findNearest(int64_t levels) const {
  constexpr int64_t half = bins / 2;
  std::vector<double> magnitudes(half);
  double total = 0;
  for (int64_t bin = 0; bin < half; ++bin) {
    magnitudes[bin] = static_cast<double>(counts[half + bin] + counts[half - 1 - bin]);
    total += magnitudes[bin];
  }
  double best = std::numeric_limits<double>::infinity(), within = 0;
  int64_t found = half;
  for (int64_t bin = 0; bin < levels; ++bin)
    within += magnitudes[bin];
  for (int64_t size = levels; size <= half; ++size) {
    double divergence = 0, beyond = total - within;
    for (int64_t level = 0; level < levels; ++level) {
      int64_t begin = level * size / levels, end = (level + 1) * size / levels, filled = 0;
      double sum = 0;
      for (int64_t bin = begin; bin < end; ++bin) {
        sum += magnitudes[bin];
        filled += magnitudes[bin] > 0 || (bin == size - 1 && beyond > 0);
      }
      for (int64_t bin = begin; bin < end; ++bin) {
        double own = magnitudes[bin] + (bin == size - 1 ? beyond : 0);
        if (own > 0) // a level of clipped values alone counts as one value
          divergence += own * std::log(own * std::max(within, 1.0) * static_cast<double>(filled) /
                                       (total * std::max(sum, 1.0)));
      }
    }
    if (divergence < best) {
      best = divergence;
      found = size;
    }
    if (size < half)
      within += magnitudes[size];
  }
  return limit * static_cast<double>(found) / half;
}

RangeCodes SampledRange::fit(const RangeOptions &options) const {
  double low = this->low, high = this->high;
  if (options.rule == RangeOptions::Quantile && !counts.empty())
    std::tie(low, high) = findQuantiles(options.quantile, options.hasZero);
  if (options.rule == RangeOptions::Entropy && !counts.empty()) {
    double magnitude = findNearest(int64_t(1) << (options.bits - 1));
    low = std::max(low, -magnitude);
    high = std::min(high, magnitude);
  }
  double most = std::ldexp(1.0, static_cast<int>(options.bits) - 1) - 1;
  auto normal = [](double scale) { return std::max(static_cast<float>(scale), std::numeric_limits<float>::min()); };
  RangeCodes best;
  double least = std::numeric_limits<double>::infinity();
  bool searches = options.rule == RangeOptions::Squares && !counts.empty();
  constexpr int steps = 30; // down to .4 of the extremes
  for (int step = 0; step <= (searches ? steps : 0); ++step) {
    double share = 1 - step * 0.02;
    RangeCodes codes;
    codes.scale = normal(share * std::max(-low, high) / most);
    float shifted = normal(share * (high - low) / (2 * most + 1));
    bool hasZero = options.hasZero && shifted < 0.8f * codes.scale;
    if (hasZero) {
      codes.scale = shifted;
      codes.zero = static_cast<int64_t>(
          std::clamp(std::nearbyint(-most - 1 - share * low / shifted), -most - 1, most));
    }
    double error = searches ? errorOf(codes, hasZero ? -most - 1 : -most, most) : 0;
    if (error < least) {
      least = error;
      best = codes;
    }
  }
  return best;
}
