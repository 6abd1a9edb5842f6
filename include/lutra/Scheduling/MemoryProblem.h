//===- MemoryProblem.h - where each buffer of one call lies ----------------===//
// The order of the launches is given; a buffer lives from the launch that writes it to the last one that reads it.
//
// Sizes are closed formulas of the run-time dimensions: bytes = units * D, where D (the buffer's group) is a product of
// run-time sizes and units is known at compile time. Group 0 has D = 1. Within a group D scales every
// size and every offset alike, so a packing of the units is a packing of the bytes for every D >= 0. The
// groups lie one after another:
//
//   address(b) = base(group(b)) + D * offset(b),   base(g + 1) = base(g) + roundUp(D_g * total_g, 64)
//
// Constraints, checked by `verify`: (1) two buffers of a group whose lifetimes meet do not overlap in units;
// (2) each lies within its group's total; (3) offsets keep the buffer's alignment.
#ifndef LUTRA_SCHEDULING_MEMORYPROBLEM_H
#define LUTRA_SCHEDULING_MEMORYPROBLEM_H

#include "mlir/Support/LLVM.h"

#include <cstdint>
#include <string>

namespace lutra {

/// Address of every arena buffer is a multiple of this where its group's D allows.
inline constexpr int64_t arenaAlignment = 64;

struct MemoryBuffer {
  unsigned group = 0;
  int64_t units = 0;
  int64_t begin = 0, end = 0; // steps: written at begin, last read at end (inclusive)
};

struct MemoryPlan {
  mlir::SmallVector<int64_t> offsets;     // in units, one per buffer
  mlir::SmallVector<int64_t> groupTotals; // in units, one per group
  mlir::SmallVector<int64_t> groupBounds; // no plan of the group is lower
};

struct MemoryProblem {
  mlir::SmallVector<MemoryBuffer> buffers;
  unsigned groups = 1;

  /// Greedy now; a solver with a time limit may replace it.
  MemoryPlan solve() const;
  /// Empty when legal, else the broken constraint.
  std::string verify(const MemoryPlan &plan) const;
};

} // namespace lutra

#endif // LUTRA_SCHEDULING_MEMORYPROBLEM_H
