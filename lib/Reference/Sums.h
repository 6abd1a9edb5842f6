//===- Sums.h - sums of products with their rounding bounds ----------------===//
// Rule 3 of docs/design/bounds.md: |c' - c| <= f(n) u_acc S + u_out |c| + tiny, with S the sum of the
// products' magnitudes, plus what the operands' own errors contribute.
#ifndef LUTRA_LIB_REFERENCE_SUMS_H
#define LUTRA_LIB_REFERENCE_SUMS_H

#include "Interpreter.h"

namespace lutra {

/// A row of dot products that share their left factors. Used by products and convolutions.
class DotProducts {
public:
  DotProducts(Array &out, const Array &lhs, const Array &rhs, Interpreter &interpreter);

  /// Clears `columns` sums.
  void start(int64_t columns);
  /// Adds lhs[lhsOffset] * rhs[rhsOffset + j * rhsStride] to sum j, for all j.
  void accumulate(int64_t lhsOffset, int64_t rhsOffset, int64_t rhsStride);
  /// Writes sum j to out[offset + j * stride]; `terms` products went into each.
  void finish(int64_t offset, int64_t stride, int64_t terms);

private:
  Array &out;
  const Array &lhs, &rhs;
  bool bounds, wide;
  Precision accumulator, stored;
  std::vector<double> sums, magnitudes, reach; // reach: sum of (|a| + ea)(|b| + eb)
  std::vector<float> narrowSums;
  std::vector<int64_t> integerSums;
};

/// A plain sum of bounded terms.
class RunningSum {
public:
  RunningSum(mlir::Type type) : accumulator(accumulatorOf(type)), stored(precisionOf(type)) {}
  void add(Bounded term);
  /// The sum so far, rounded to the stored type.
  Bounded get() const;
  int64_t terms() const { return count; }

private:
  Precision accumulator, stored;
  double sum = 0, magnitude = 0, error = 0;
  int64_t count = 0;
};

} // namespace lutra

#endif // LUTRA_LIB_REFERENCE_SUMS_H
