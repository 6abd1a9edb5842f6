//===- CodeTables.cpp - tables that weights store themselves -----------------===//
#include "CodeTables.h"

#include "lutra/Support/SideValues.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>

using namespace lutra;
using llvm::ArrayRef;

namespace {
/// Weighted sums of the numbers up to each bin of [-reach, reach].
struct Histogram {
  static constexpr int64_t bins = 4096;
  double reach;
  std::vector<double> counts, sums;
  explicit Histogram(double reach) : reach(reach), counts(bins + 1), sums(bins + 1) {}
  void add(double value, double weight) {
    auto bin = static_cast<int64_t>((value / reach + 1) / 2 * bins);
    bin = std::clamp<int64_t>(bin, 0, bins - 1) + 1;
    counts[bin] += weight;
    sums[bin] += weight * value;
  }
  void accumulate() {
    for (int64_t bin = 1; bin <= bins; ++bin) {
      counts[bin] += counts[bin - 1];
      sums[bin] += sums[bin - 1];
    }
  }
  /// Bins that begin below a number.
  int64_t below(double value) const {
    return std::clamp<int64_t>(std::llround((value / reach + 1) / 2 * bins), 0, bins);
  }
  /// The number below which a share of all lies.
  double quantile(double share) const {
    auto found = llvm::lower_bound(counts, share * counts.back());
    return (double(found - counts.begin()) / bins * 2 - 1) * reach;
  }
};
} // namespace

std::vector<float> lutra::fitTable(ArrayRef<float> weights, int64_t k, int64_t size, ArrayRef<GroupSide> sides,
                                   unsigned bits, ArrayRef<float> start) {
  constexpr int steps = 30;
  int64_t groups = llvm::divideCeil(k, size);
  auto scaleAt = [&](size_t index) -> double {
    auto row = static_cast<int64_t>(index) / k, column = static_cast<int64_t>(index) % k;
    return sides[row * groups + column / size].scale;
  };
  constexpr double mostReach = 8; // what lies farther out counts as it is, in the outermost bins
  double reach = 1;
  for (auto [index, value] : llvm::enumerate(weights))
    if (double scale = scaleAt(index); scale != 0)
      reach = std::clamp(std::fabs(value / scale), reach, mostReach);
  Histogram histogram(reach);
  for (auto [index, value] : llvm::enumerate(weights))
    if (double scale = scaleAt(index); scale != 0)
      histogram.add(value / scale, std::max(scale * scale, 1e-300));
  histogram.accumulate();
  int64_t count = int64_t(1) << bits;
  std::vector<double> centres(start.begin(), start.end());
  for (int64_t index = 0; start.empty() && index < count; ++index) {
    double share = (double(index) + 0.5) / double(count);
    centres.push_back((histogram.quantile(share) + (2 * share - 1) * reach) / 2);
  }
  for (int step = 0; step < steps; ++step) {
    int64_t begin = 0;
    for (int64_t index = 0; index < count; ++index) {
      int64_t end = index + 1 < count ? histogram.below((centres[index] + centres[index + 1]) / 2) : Histogram::bins;
      end = std::max(begin, end);
      double own = histogram.counts[end] - histogram.counts[begin];
      if (own > 0)
        centres[index] = (histogram.sums[end] - histogram.sums[begin]) / own;
      begin = end;
    }
  }
  SideType half{SideType::F16, 16};
  std::vector<float> table;
  for (double centre : centres)
    table.push_back(static_cast<float>(decodeSide(half, encodeSide(half, centre))));
  llvm::sort(table);
  return table;
}

std::vector<float> lutra::dynamicTable() {
  constexpr int exponents = 7;
  std::vector<float> table = {0, 1};
  for (int exponent = 0; exponent < exponents; ++exponent) {
    int parts = 1 << exponent;
    for (int part = 0; part < parts; ++part) {
      double mean = 0.1 + 0.9 * (part + 0.5) / parts;
      auto value = static_cast<float>(mean * std::pow(10.0, exponent - exponents + 1));
      table.push_back(value);
      table.push_back(-value);
    }
  }
  llvm::sort(table);
  return table;
}
