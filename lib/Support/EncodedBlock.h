//===- EncodedBlock.h - a part of an encoded tensor as a matrix of its own ---===//
#ifndef LUTRA_LIB_SUPPORT_ENCODEDBLOCK_H
#define LUTRA_LIB_SUPPORT_ENCODEDBLOCK_H

#include "EncodedTerms.h"

#include "lutra/Support/SplitEncoding.h"

namespace lutra {

/// Where the elements of a block come from.
struct BlockSource {
  using Place = std::pair<int64_t, int64_t>;
  /// In the stream of codes, and among the groups of side values.
  llvm::function_ref<Place(int64_t row, int64_t column)> codeAt, placeAt;
  /// Columns after which groups of whole rows may begin anew.
  int64_t blockColumns = kWhole;
};

/// One format of one term in the bytes of a tensor.
struct StoredFormat {
  const WeightFormat &format;
  const EncodedLayout &layout;
  int term, index;
  llvm::ArrayRef<uint8_t> bytes;
};

/// The n x k elements that `source` names, as a dense term with the same codes and side values. Fails where a group of
/// the new matrix would mix groups of the old one, and on codes that do not lie one by one.
llvm::Expected<SplitMatrix> takeBlock(const StoredFormat &from, int64_t n, int64_t k, const BlockSource &source);

/// A dense matrix as one that kernels read and, where it has minima or zero points that are no codes, the matrix of
/// what each group of `group` columns subtracts.
struct SimpleMatrix {
  SplitMatrix main;
  std::optional<SplitMatrix> minima;
  int64_t group = 0;
};
llvm::Expected<SimpleMatrix> simplify(SplitMatrix matrix);

/// Whether simplify has nothing to do.
bool isSimple(const WeightFormat &format);

} // namespace lutra

#endif // LUTRA_LIB_SUPPORT_ENCODEDBLOCK_H
