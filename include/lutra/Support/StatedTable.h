//===- StatedTable.h - weights written anew for kernels of integers -----------===//
// A weight may hold the entries of its table beside its codes. What chooses kernels by values wants them in the
// encoding: such a weight is written anew without its table, and with more scales where sums of a group grow too large
// or where activations have scales of shorter groups.
// Words of 3, 5 or 7 bits hold more codes than short groups have: these get a bit more.
#ifndef LUTRA_SUPPORT_STATEDTABLE_H
#define LUTRA_SUPPORT_STATEDTABLE_H

#include "lutra/Support/Encoding.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace lutra {

/// The encoding with the entries of its stored table, which these bytes of an n x k matrix hold. None where it has no
/// table for all elements of a single dense term, of at most 64 finite entries, that lies in the bytes.
std::optional<Encoding> stateTable(const Encoding &encoding, int64_t n, int64_t k, llvm::ArrayRef<uint8_t> bytes);

/// The encoding with the finest scale for so many elements along k that products of its table's entries with 8-bit
/// integers have sums of 32 bits; as it is where they have, and where groups cannot be cut so.
Encoding cutGroups(const Encoding &encoding, int64_t k);

/// The encoding with its scale repeated for each `group` elements along k. None where its groups are no longer, do not
/// end with these, or have more than one scale, and where the encoding is no single dense term without stored zeros.
std::optional<Encoding> repeatScales(const Encoding &encoding, int64_t k, int64_t group);

/// The encoding with integers of 3, 5 or 7 bits, a single dense term of them, in one bit more. None of other codes.
std::optional<Encoding> widenCodes(const Encoding &encoding);

/// Whether a matrix has the same bytes in both encodings, of which one is the other with a table that it states (or
/// other entries), groups that were cut, scales that were repeated or codes that were widened.
bool haveSameBytes(const Encoding &from, const Encoding &to);
/// Its bytes in the other one.
llvm::Expected<std::vector<uint8_t>> restate(const Encoding &from, const Encoding &to, int64_t n, int64_t k,
                                             llvm::ArrayRef<uint8_t> bytes);

} // namespace lutra

#endif // LUTRA_SUPPORT_STATEDTABLE_H
