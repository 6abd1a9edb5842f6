//===- VectorCoder.h - a codebook of vectors for a weight --------------------===//
// Runs of a row stand for entries of one table, times the row's scale; entries are bytes. The table is found by k-means
// on the weight's own runs, each weighted by the square of its row's scale (GPTVQ, arXiv 2402.15319, begins so); starts
// are drawn with a fixed seed (k-means++). Weights of columns would spend the table on the few that count most.
#ifndef LUTRA_LIB_SUPPORT_VECTORCODER_H
#define LUTRA_LIB_SUPPORT_VECTORCODER_H

#include "lutra/Support/GramMatrix.h"

#include "llvm/ADT/ArrayRef.h"

#include <vector>

namespace lutra {

class VectorCoder {
public:
  /// `table`: entries one after another, of `length` numbers.
  VectorCoder(llvm::ArrayRef<float> table, int64_t length);

  llvm::ArrayRef<float> entry(int64_t code) const { return table.slice(code * length, length); }
  /// The entry of least sum of weights[i] * (target[i] - entry[i])^2. Elements beyond the end of a row weigh 0.
  int64_t nearest(llvm::ArrayRef<float> target, llvm::ArrayRef<float> weights) const;

private:
  llvm::ArrayRef<float> table;
  int64_t length, count;
  std::vector<float> turned; // element by element, so that entries lie in lanes
};

/// 2^bits entries for rows of k elements over their scales.
std::vector<float> fitVectorTable(llvm::ArrayRef<float> rows, llvm::ArrayRef<float> scales, int64_t k,
                                  unsigned bits, int64_t length, ParallelFor parallel);

} // namespace lutra

#endif // LUTRA_LIB_SUPPORT_VECTORCODER_H
