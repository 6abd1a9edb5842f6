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
  template <typename Stride>
  void accumulateRow(int64_t lhsOffset, int64_t rhsOffset, Stride stride);

  Array &out;
  const Array &lhs, &rhs;
  bool bounds, wide, independent;
  bool finite = false; // all of rhs
  Precision accumulator, stored;
  // reach: what the operands' errors add at worst; squares: of the same, term by term.
  std::vector<double> sums, magnitudes, reach, squares;
  std::vector<float> narrowSums;
  std::vector<int64_t> integerSums;
};

/// A plain sum of bounded terms.
class RunningSum {
public:
  RunningSum(Precision accumulator, Precision stored, ErrorModel model)
      : accumulator(accumulator), stored(stored), model(model) {}
  RunningSum(mlir::Type type, ErrorModel model)
      : RunningSum(accumulatorOf(type), precisionOf(type), model) {}
  void add(Bounded term);
  /// The sum so far, rounded to the stored type.
  Bounded get() const;
  int64_t terms() const { return count; }

private:
  Precision accumulator, stored;
  ErrorModel model;
  double sum = 0, magnitude = 0, error = 0, squares = 0;
  int64_t count = 0;
};

} // namespace lutra

#endif // LUTRA_LIB_REFERENCE_SUMS_H
