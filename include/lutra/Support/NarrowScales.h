//===- NarrowScales.h - scales in fewer bits, exactly -------------------------===//
#ifndef LUTRA_SUPPORT_NARROWSCALES_H
#define LUTRA_SUPPORT_NARROWSCALES_H

#include "lutra/Support/Encoding.h"

#include "llvm/ADT/ArrayRef.h"

namespace lutra {

/// Whether a tensor of one dense term has scales of f32 for groups along K, all of which are numbers of f16.
bool hasNarrowScales(const Encoding &encoding, int64_t n, int64_t k, llvm::ArrayRef<uint8_t> bytes);

struct NarrowScales {
  Encoding encoding;
  std::vector<uint8_t> bytes;
};

/// The same tensor with those in f16.
NarrowScales narrowScales(const Encoding &encoding, int64_t n, int64_t k, llvm::ArrayRef<uint8_t> bytes);

} // namespace lutra

#endif // LUTRA_SUPPORT_NARROWSCALES_H
