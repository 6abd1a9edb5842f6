//===- SampledRange.h - the values that a tensor took, and codes for them ----===//
// Extremes and a histogram whose width doubles as values grow, so that memory does not grow with the samples.
#ifndef LUTRA_SUPPORT_SAMPLEDRANGE_H
#define LUTRA_SUPPORT_SAMPLEDRANGE_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace lutra {

/// value = (code - zero) * scale for codes from -2^(bits - 1) to 2^(bits - 1) - 1, without a zero point from one more.
struct RangeCodes {
  float scale = 1;
  int64_t zero = 0;
  bool operator==(const RangeCodes &other) const { return scale == other.scale && zero == other.zero; }
};

struct RangeOptions {
  unsigned bits = 8;
  bool hasZero = false;      // a zero point, where it makes the steps a fifth smaller at least
  /// Extremes just fit. Squares clips where that makes the squared error smaller, Quantile what lies beyond a share of
  /// the values (of each end half of it, with a zero point), Entropy where that brings the distribution of the codes
  /// nearest to that of the values (Kullback-Leibler).
  enum Rule { Extremes, Squares, Quantile, Entropy } rule = Extremes;
  double quantile = 1;
};

class SampledRange {
public:
  /// Adds rows of `size` values; `keep` says which (empty: all).
  void addRows(llvm::ArrayRef<float> rows, int64_t size, llvm::ArrayRef<char> keep);
  bool isEmpty() const { return counts.empty(); }
  /// The greatest magnitude; 0: there was no other value.
  float getGreatest() const { return high > -low ? high : -low; }
  RangeCodes fit(const RangeOptions &options) const;

private:
  static constexpr int64_t bins = 4096;
  void add(float value);
  double errorOf(const RangeCodes &codes, double least, double most) const;
  double valueOf(int64_t bin) const { return (static_cast<double>(bin) / (bins / 2) - 1) * limit; }
  std::pair<double, double> findQuantiles(double share, bool perEnd) const;
  double findNearest(int64_t levels) const;

  float low = 0, high = 0;     // 0 always has a code
  double limit = 0;            // bins cover [-limit, limit)
  std::vector<int64_t> counts; // empty: no value yet
};

} // namespace lutra

#endif // LUTRA_SUPPORT_SAMPLEDRANGE_H
