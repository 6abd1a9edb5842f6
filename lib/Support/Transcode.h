//===- Transcode.h - stored codes as codes that kernels read ----------------===//
// Some codes do not lie one by one (dictionaries), name several values or none by themselves (tables of vectors, tables
// for rows, signs apart), or change their type from block to block. Here they become dense codes of at most 8 bits with
// exactly the same values, at the price of the bytes that the richer form saved.
#ifndef LUTRA_LIB_SUPPORT_TRANSCODE_H
#define LUTRA_LIB_SUPPORT_TRANSCODE_H

#include "EncodedBlock.h"

namespace lutra {

/// A dense term of its own, in stored order.
struct DenseTerm {
  Encoding encoding;
  EncodedLayout layout;
  std::vector<uint8_t> bytes;
  StoredFormat format() const { return {encoding.terms[0].formats[0], layout, 0, 0, bytes}; }
};

/// Whether codes lie one by one and name single values of one table, or one for each group.
bool hasPlainCodes(const WeightFormat &format);

/// Terms that add up to one format: integers of a few bits where all values are such, else a table of all values that
/// occur; a table of up to four values for each row becomes a bit for each element and value. Fails where neither has
/// room.
llvm::Expected<std::vector<DenseTerm>> transcodeFormat(const StoredFormat &from, const DictionaryTable &dictionaries);

/// One term for a type map of integers (or multiples of one number) under scales and zero points: codes of as many bits
/// as the widest block needs. Scales are f32, or those of the formats where all are alike.
llvm::Expected<DenseTerm> transcodeBlocks(const EncodingTerm &term, int index, const EncodedLayout &layout,
                                          llvm::ArrayRef<uint8_t> bytes);

} // namespace lutra

#endif // LUTRA_LIB_SUPPORT_TRANSCODE_H
