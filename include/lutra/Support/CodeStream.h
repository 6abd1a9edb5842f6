//===- CodeStream.h - fields of any width in a stream of bytes --------------===//
// The canonical order of codes in memory: field i occupies bits [i b, (i + 1) b) of a little-endian bit stream, so
// the first field lies in the lowest bits of the first byte. A row of fields starts on a byte.
#ifndef LUTRA_SUPPORT_CODESTREAM_H
#define LUTRA_SUPPORT_CODESTREAM_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <optional>

namespace lutra {

/// Bytes of `count` fields of `bits` bits.
inline int64_t streamBytes(int64_t count, unsigned bits) { return (count * bits + 7) / 8; }

/// Reads the first fields of `row` (1 to 32 bits each), as many as `fields` holds.
void unpackFields(const uint8_t *row, unsigned bits, llvm::MutableArrayRef<uint32_t> fields);
/// Writes fields to a row; the bits behind the last one are cleared up to the byte.
void packFields(llvm::ArrayRef<uint32_t> fields, unsigned bits, uint8_t *row);
/// Field `index` of a row.
uint32_t getField(const uint8_t *row, unsigned bits, int64_t index);
void setField(uint8_t *row, unsigned bits, int64_t index, uint32_t value);

/// Words of `digits` digits of base `base`, the first digit least significant.
struct RadixForm {
  unsigned base = 2, digits = 1;
};
/// Splits words into digits, as many as `codes` holds; the index of the first word that is base^digits or more.
std::optional<int64_t> splitDigits(llvm::ArrayRef<uint32_t> words, RadixForm form,
                                   llvm::MutableArrayRef<uint32_t> codes);
/// Joins digits to words; missing digits of the last word are 0.
void joinDigits(llvm::ArrayRef<uint32_t> codes, RadixForm form, llvm::MutableArrayRef<uint32_t> words);

} // namespace lutra

#endif // LUTRA_SUPPORT_CODESTREAM_H
