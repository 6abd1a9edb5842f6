//===- EncodedTerms.h - what decoder and encoder share ----------------------===//
#ifndef LUTRA_LIB_SUPPORT_ENCODEDTERMS_H
#define LUTRA_LIB_SUPPORT_ENCODEDTERMS_H

#include "FormatReader.h"

namespace lutra {

/// An element of the tensor; row -1: none.
struct StoredPlace {
  int64_t row = -1, column = -1;
};

/// The element of each position in the stream of a sparse term (streamRows x streamColumns).
llvm::Expected<std::vector<StoredPlace>> readPlaces(const EncodingTerm &term, int index, const EncodedLayout &layout,
                                                    llvm::ArrayRef<uint8_t> bytes);

/// Blocks of a type map in the order in which each format stores them: [format][own block] = block, row-major.
llvm::Expected<std::vector<std::vector<int64_t>>> readTypeMap(const EncodingTerm &term, int index,
                                                              const EncodedLayout &layout,
                                                              llvm::ArrayRef<uint8_t> bytes);

/// The list of a permutation, or the identity where the encoding has none.
llvm::Expected<std::vector<int64_t>> readPermutation(const EncodedLayout &layout, ArrayRole role, int64_t size,
                                                     llvm::ArrayRef<uint8_t> bytes);

/// Decodes the whole index space of a dense format into rows of `stride` numbers, adding to what is there.
llvm::Error addDense(FormatReader &reader, double *out, int64_t stride);

/// Adds what term `index` stands for to n x k numbers in stored order (before the permutations).
llvm::Error addTerm(const Encoding &encoding, int index, const EncodedLayout &layout, llvm::ArrayRef<uint8_t> bytes,
                    const DictionaryTable &dictionaries, double *out);

} // namespace lutra

#endif // LUTRA_LIB_SUPPORT_ENCODEDTERMS_H
