//===- ResidualTerms.h - what a coarse term leaves, in terms of their own -----===//
// W = codes + columns + low rank: of the columns with the greatest errors of outputs (LLM.int8, arXiv 2208.07339,
// keeps those with the greatest inputs) the whole error in bytes, each row with a scale, or of single elements in f16
// (SpQR, arXiv 2306.03078); and of what is then left the part of low rank that takes most off the errors of outputs
// (LoRC, arXiv 2303.08302, weighted by the inputs).
#ifndef LUTRA_SUPPORT_RESIDUALTERMS_H
#define LUTRA_SUPPORT_RESIDUALTERMS_H

#include "lutra/Support/EncodedLayout.h"
#include "lutra/Support/GramMatrix.h"

namespace lutra {

/// A matrix of bytes about 0, each row with a scale of f16.
struct ByteMatrix {
  int64_t rows = 0, columns = 0;
  std::vector<int8_t> codes;
  std::vector<float> scales;

  static ByteMatrix nearest(int64_t rows, int64_t columns, llvm::ArrayRef<float> values);
  float at(int64_t row, int64_t column) const {
    return scales[row] * static_cast<float>(codes[row * columns + column]);
  }
};

/// An element of a row, as f16 holds it.
struct ScatteredElement {
  int64_t column = 0;
  float value = 0;
};

struct ResidualTerms {
  std::vector<std::vector<ScatteredElement>> scattered; // of each row, by rising column; empty: none
  std::vector<int64_t> columns; // rising
  ByteMatrix columnValues;      // [n, columns]
  ByteMatrix left, right;       // [n, rank], [rank, k]

  /// Adds what they stand for to a row.
  void addTo(int64_t row, llvm::MutableArrayRef<float> values) const;
  /// Writes the terms behind the first of a layout.
  void pack(const EncodedLayout &layout, llvm::MutableArrayRef<uint8_t> bytes) const;
};

/// Columns of the greatest sums of squared errors, each times its weight, rising. `errors`: n x k.
std::vector<int64_t> findWorstColumns(llvm::ArrayRef<float> errors, int64_t k, llvm::ArrayRef<double> weights,
                                      int64_t count, ParallelFor parallel);

/// Elements of the greatest squared errors, each times its column's weight, but of no row more than twice its share
/// (kernels take as many for all rows): those of each row, by rising column. `errors`: n x k.
std::vector<std::vector<ScatteredElement>> findWorstElements(llvm::ArrayRef<float> errors, int64_t n, int64_t k,
                                                             llvm::ArrayRef<double> weights, int64_t count);

/// The factors [n, rank] and [rank, k] whose product is nearest to `errors`, n x k, for inputs with the mean of
/// products `gram` (null: any).
std::pair<ByteMatrix, ByteMatrix> fitLowRank(llvm::ArrayRef<float> errors, int64_t n, int64_t k, int64_t rank,
                                             const GramMatrix *gram, ParallelFor parallel);

} // namespace lutra

#endif // LUTRA_SUPPORT_RESIDUALTERMS_H
