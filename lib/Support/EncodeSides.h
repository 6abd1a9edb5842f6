//===- EncodeSides.h - choice of scales, zero points and selectors -----------===//
#ifndef LUTRA_LIB_SUPPORT_ENCODESIDES_H
#define LUTRA_LIB_SUPPORT_ENCODESIDES_H

#include "FormatReader.h"

namespace lutra {

/// Chooses selectors, scales and zero points of format `formatIndex` of term `term` for `target` (rows x columns of its
/// index space) and writes them to `bytes`, where the tables are already.
llvm::Error chooseSides(const WeightFormat &format, const EncodedLayout &layout, int term, int formatIndex,
                        llvm::ArrayRef<double> target, const DictionaryTable &dictionaries,
                        llvm::MutableArrayRef<uint8_t> bytes);

/// Writes `values` (rows x columns) to an array, each rounded to its element type.
void writeArray(const EncodedArray &array, llvm::ArrayRef<double> values, llvm::MutableArrayRef<uint8_t> bytes);

} // namespace lutra

#endif // LUTRA_LIB_SUPPORT_ENCODESIDES_H
