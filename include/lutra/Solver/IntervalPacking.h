//===- IntervalPacking.h - addresses for buffers with lifetimes ------------===//
// Offline dynamic storage allocation: rectangles of fixed time span and size get an address so that none overlap and
// the highest end is low. Vectors in, vectors out; nothing here knows the IR, so an exact solver can take the same
// problem.
#ifndef LUTRA_SOLVER_INTERVALPACKING_H
#define LUTRA_SOLVER_INTERVALPACKING_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <string>

namespace lutra {

/// One buffer: `size` units, live in steps [begin, end), its address a multiple of `alignment`.
struct PackItem {
  int64_t size = 0;
  int64_t begin = 0, end = 0;
  int64_t alignment = 1;
};

struct PackSolution {
  llvm::SmallVector<int64_t> offsets; // one per item
  int64_t total = 0;                  // end of the highest item
};

/// Always answers. Tries a few orders (size, size times duration, begin), places each item into the
/// smallest gap that holds it among the items alive with it, keeps the lowest total. O(n^2 log n).
PackSolution packGreedily(llvm::ArrayRef<PackItem> items);

/// The largest sum of sizes alive at one step: no packing is lower.
int64_t packLowerBound(llvm::ArrayRef<PackItem> items);

/// Empty when `solution` is legal, else what is wrong with it. Knows nothing of how it was found.
std::string checkPacking(llvm::ArrayRef<PackItem> items, const PackSolution &solution);

} // namespace lutra

#endif // LUTRA_SOLVER_INTERVALPACKING_H
