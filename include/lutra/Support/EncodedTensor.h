//===- EncodedTensor.h - values from stored bytes, stored bytes from values --===//
// The meaning of the arrays of EncodedLayout.h, in double precision and in this order:
//
//   scale = (S0 * S1) * ..           S = stored, stored + offset, or stored - its zero
//   zero  = ((Z - its zero) * ZS0) * ..
//   W     = scale * (value - zero), or scale * value - zero for minima and zero points `in value`
//
// terms are added in their order. Small numbers make all of it exact; otherwise this order is the meaning. Bytes that
// do not follow the layout are refused with one message: wrong length, a scale, zero point or table entry that is not
// finite, a code that names no value, an index out of its range, a list that is no permutation.
#ifndef LUTRA_SUPPORT_ENCODEDTENSOR_H
#define LUTRA_SUPPORT_ENCODEDTENSOR_H

#include "lutra/Support/EncodedLayout.h"

#include <map>

namespace lutra {

/// The runs of codes (of 8 bits) that the indices of dict<..> stand for. Tensors share dictionaries, so they lie apart,
/// in a lutra.global of bytes that has the symbol's name: fixed<n>: n codes for each entry; prefix: for each entry its
/// length and as many codes.
struct CodeDictionary {
  std::vector<uint8_t> codes;
  std::vector<uint32_t> starts = {0}; // of each entry, and the end
  int64_t size() const { return starts.size() - 1; }
  llvm::ArrayRef<uint8_t> entry(int64_t index) const {
    return llvm::ArrayRef(codes).slice(starts[index], starts[index + 1] - starts[index]);
  }
  static llvm::Expected<CodeDictionary> read(const CodeForm &code, llvm::ArrayRef<uint8_t> bytes);
};
/// By the symbol in the encoding.
using DictionaryTable = std::map<std::string, CodeDictionary>;

/// The names of all dictionaries of an encoding, each with the code form that reads it.
std::vector<std::pair<std::string, CodeForm>> dictionariesOf(const Encoding &encoding);

/// The n x k values that `bytes` (layout.bytes of them) stand for, row-major.
llvm::Expected<std::vector<double>> decodeTensor(const Encoding &encoding, int64_t n, int64_t k,
                                                 llvm::ArrayRef<uint8_t> bytes,
                                                 const DictionaryTable &dictionaries = {});

/// What decodeTensor refuses about `bytes`, found without the values: side data that are no finite numbers, places and
/// permutations out of range, codes that name no value. Codes out of dictionaries are not looked at.
llvm::Error checkTensor(const Encoding &encoding, int64_t n, int64_t k, llvm::ArrayRef<uint8_t> bytes);

/// What encodeTensor does not find by itself.
struct EncodeOptions {
  /// Values of arrays by their name in the layout: tables that the attribute does not list ("term0.table"),
  /// permutations ("perm_k"), type maps ("term0.type_map"), the activation's map ("activation_map"). Without one,
  /// a permutation is the identity (or see below), a type map gives the blocks of the greatest magnitudes to the
  /// format of the most bits, an activation map takes form 0. A table must be given.
  std::map<std::string, std::vector<double>> arrays;
  DictionaryTable dictionaries;
  /// Order rows and columns by falling magnitude where an encoding has a permutation that is not given, so that
  /// outliers share their blocks.
  bool sortByMagnitude = false;
  /// Bytes of an earlier encoding under the same layout: everything but codes and signs is taken from them.
  llvm::ArrayRef<uint8_t> sides;
};

/// The bytes of values (n x k, row-major, finite). Deterministic: a group's scale lets its extremes just fit (where
/// they are exact under a smaller scale, that one), is rounded to its storage type, and then each value takes the
/// nearest code, of two equally near the even one. e8m0 scales are 2^(floor(log2 extreme) - floor(log2 greatest value))
/// as in OCP MX (if the greatest value is a power of two: the least that clips nothing). Sparse terms keep the largest
/// magnitudes; each further term encodes what is left by those before.
llvm::Expected<std::vector<uint8_t>> encodeTensor(const Encoding &encoding, int64_t n, int64_t k,
                                                  llvm::ArrayRef<double> values, const EncodeOptions &options = {});

} // namespace lutra

#endif // LUTRA_SUPPORT_ENCODEDTENSOR_H
