//===- SplitEncoding.h - an encoded matrix as summands that kernels read -----===//
// Kernels multiply with one dense term of codes of at most 8 bits whose zero points are codes (EncodedPanels.h). An
// encoding can say more: sums of terms, regions of different formats, permutations, minima. Here such a matrix W[n, k]
// becomes a list of terms that add up to it, each of them made of products with matrices of the simple form:
//
//   y = sum over terms t of y_t,   y_t[.., r] = z_t[.., order[r]],   z_t = products side by side, or added where they
//                                                                         have the same rows
//   product       z = x[columns] * matrix^T
//   low rank      z = (x[columns] * matrix^T) * second^T
//   group sums    z = - s * matrix^T with s the sums of `group` neighbours in x[columns]: minima, zero points of floats
//   entries       z[.., r] = sum over slots j of x[.., places[j, r]] * values[j, r]: scattered outliers
//
// Numbers are those of lutra.decode but for one rounding to f32 of side values that are computed here: scales that were
// stored with a distance of their own, products of a zero point and its scale, elements of sparse terms
// and of codes of more than 8 bits. Codes out of dictionaries, tables of vectors or for rows, sparse terms that fill
// half of a product, and formats that change from block to block are written anew as dense codes with the same values,
// or as floats where no codes of 8 bits have them, which takes more bytes: `note` says so.
#ifndef LUTRA_SUPPORT_SPLITENCODING_H
#define LUTRA_SUPPORT_SPLITENCODING_H

#include "lutra/Support/EncodedTensor.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace lutra {

/// A matrix [n, k] on the right of a product.
struct SplitMatrix {
  int64_t n = 0, k = 0;
  std::optional<Encoding> encoding; // of one dense term; none: plain values
  std::vector<uint8_t> bytes;       // of the encoding (EncodedLayout.h)
  std::vector<float> values;        // row-major
};

struct SplitProduct {
  enum Kind { Plain, LowRank, GroupSums, Entries } kind = Plain;
  int64_t rowBegin = 0, rows = 0;   // of the term's result before its order
  std::vector<int64_t> columns;     // of the left-hand side; Plain, LowRank, GroupSums
  SplitMatrix matrix;               // LowRank: [rank, k]; GroupSums: [rows, groups]; Entries: values [slots, rows]
  SplitMatrix second;               // LowRank: [rows, rank]
  int64_t group = 0;                // GroupSums
  int activation = -1;              // Plain: form of activations of its columns, where blocks of them have several
  std::vector<int64_t> places;      // Entries: [slots, rows]
};

struct SplitTerm {
  std::vector<SplitProduct> products; // by rising rowBegin; those of one rowBegin have the same rows
  std::vector<int64_t> order;         // empty: as they are
  std::string note;                   // what its codes became, and what that costs; empty: they stayed
};

/// Whether kernels cannot read an encoding as it is for a reason that splitting may remove.
bool needsSplit(const Encoding &encoding);

/// The terms of the n x k matrix with these bytes, or why there are none.
llvm::Expected<std::vector<SplitTerm>> splitEncoding(const Encoding &encoding, int64_t n, int64_t k,
                                                     llvm::ArrayRef<uint8_t> bytes,
                                                     const DictionaryTable &dictionaries = {});

} // namespace lutra

#endif // LUTRA_SUPPORT_SPLITENCODING_H
