//===- CodeStream.cpp - fields of any width in a stream of bytes ------------===//
#include "lutra/Support/CodeStream.h"

#include "llvm/Support/MathExtras.h"

#include <cassert>

using namespace lutra;

void lutra::unpackFields(const uint8_t *row, unsigned bits, llvm::MutableArrayRef<uint32_t> fields) {
  assert(bits >= 1 && bits <= 32 && "fields fit in a word");
  size_t count = fields.size();
  if (bits == 8) {
    for (size_t i = 0; i < count; ++i)
      fields[i] = row[i];
    return;
  }
  if (bits == 4) {
    for (size_t i = 0; i + 1 < count; i += 2) {
      fields[i] = row[i / 2] & 15;
      fields[i + 1] = row[i / 2] >> 4;
    }
    if (count % 2)
      fields[count - 1] = row[count / 2] & 15;
    return;
  }
  uint64_t pending = 0, mask = llvm::maskTrailingOnes<uint64_t>(bits);
  unsigned have = 0;
  for (uint32_t &field : fields) {
    for (; have < bits; have += 8)
      pending |= uint64_t(*row++) << have;
    field = uint32_t(pending & mask);
    pending >>= bits;
    have -= bits;
  }
}

void lutra::packFields(llvm::ArrayRef<uint32_t> fields, unsigned bits, uint8_t *row) {
  assert(bits >= 1 && bits <= 32 && "fields fit in a word");
  uint64_t pending = 0, mask = llvm::maskTrailingOnes<uint64_t>(bits);
  unsigned have = 0;
  for (uint32_t field : fields) {
    pending |= (field & mask) << have;
    for (have += bits; have >= 8; have -= 8) {
      *row++ = uint8_t(pending);
      pending >>= 8;
    }
  }
  if (have)
    *row = uint8_t(pending);
}

uint32_t lutra::getField(const uint8_t *row, unsigned bits, int64_t index) {
  int64_t first = index * bits;
  unsigned shift = first % 8;
  uint64_t word = 0;
  for (unsigned byte = 0; byte * 8 < shift + bits; ++byte)
    word |= uint64_t(row[first / 8 + byte]) << (8 * byte);
  return uint32_t((word >> shift) & llvm::maskTrailingOnes<uint64_t>(bits));
}

void lutra::setField(uint8_t *row, unsigned bits, int64_t index, uint32_t value) {
  int64_t first = index * bits;
  unsigned shift = first % 8;
  uint64_t mask = llvm::maskTrailingOnes<uint64_t>(bits) << shift;
  uint64_t word = (uint64_t(value) << shift) & mask;
  for (unsigned byte = 0; byte * 8 < shift + bits; ++byte) {
    uint8_t &target = row[first / 8 + byte];
    target = uint8_t((target & ~(mask >> (8 * byte))) | (word >> (8 * byte)));
  }
}

std::optional<int64_t> lutra::splitDigits(llvm::ArrayRef<uint32_t> words, RadixForm form,
                                          llvm::MutableArrayRef<uint32_t> codes) {
  size_t next = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    uint32_t rest = words[i];
    for (unsigned digit = 0; digit < form.digits; ++digit, rest /= form.base)
      if (next < codes.size())
        codes[next++] = rest % form.base;
    if (rest)
      return i;
  }
  return std::nullopt;
}

void lutra::joinDigits(llvm::ArrayRef<uint32_t> codes, RadixForm form,
                       llvm::MutableArrayRef<uint32_t> words) {
  for (size_t i = 0; i < words.size(); ++i) {
    uint32_t word = 0;
    for (unsigned digit = form.digits; digit-- > 0;) {
      size_t place = i * form.digits + digit;
      word = word * form.base + (place < codes.size() ? codes[place] : 0);
    }
    words[i] = word;
  }
}
