//===- BitAllocation.h - one form for each layer within a size ---------------===//
#ifndef LUTRA_SOLVER_BITALLOCATION_H
#define LUTRA_SOLVER_BITALLOCATION_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace lutra {

/// What a form of a layer costs.
struct FormCost {
  int64_t cost = 0; // at least 0: bytes, nanoseconds
  double loss = 0;
  int64_t second = 0; // likewise, of a second budget
};

/// The forms of all layers with the least sum of losses whose costs are at most `budget` (a multiple-choice knapsack);
/// nothing where even the least do not fit. Of equal sums the one of less cost. Exact where costs have a common
/// divisor of at least budget / 2^18; else costs are rounded up to that, and no answer of a greedy walk along the lower
/// convex hulls of the layers is better. Sums up to `enough` are as good as none: of these the one of least cost.
std::optional<std::vector<size_t>> allocateBits(llvm::ArrayRef<std::vector<FormCost>> layers, int64_t budget,
                                                double enough = 0);

/// The same within a second budget, too. Nothing where no forms are found that keep both, which the least sum of second
/// costs within the first budget decides. No single form, and no two, can be replaced by others within both budgets
/// that lose less; the sum of losses need not be the least there is.
std::optional<std::vector<size_t>> allocateWithinBoth(llvm::ArrayRef<std::vector<FormCost>> layers, int64_t budget,
                                                      int64_t second);

} // namespace lutra

#endif // LUTRA_SOLVER_BITALLOCATION_H
