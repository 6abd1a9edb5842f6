//===- RoundedTable.h - tables whose entries are fixed-point numbers ----------===//
// Beside activations of 8 bits a table of reals, such as NF4's, may have its entries rounded to integers of few digits,
// which instructions for small integers multiply. What that changes is less than what the activations lose, or little
// beside the distance of the entries, which is what codes lose.
#ifndef LUTRA_SUPPORT_ROUNDEDTABLE_H
#define LUTRA_SUPPORT_ROUNDEDTABLE_H

#include "lutra/Support/Encoding.h"

#include "llvm/ADT/ArrayRef.h"

namespace lutra {

/// The encoding with entries of its table rounded to multiples of 2^-13 of their least power of two bound. None where
/// they are such already, where that would move an entry by more than 2^-10 of its magnitude and a 64th of their mean
/// distance, and where the encoding is no single dense term with a table that it states.
std::optional<Encoding> roundTable(const Encoding &encoding);

/// The encoding with values of its codes, which have 6 bits at most, rounded to multiples from -127 to 127 of the
/// number that moves them least (squares): a table then, of the same codes. None where they are such already, where
/// that number is more than a fifth of the mean distance of the values (as RescaledCodes::isFine), and where the
/// encoding is no single dense term of such values without zero points.
std::optional<Encoding> roundToBytes(const Encoding &encoding);

/// The encodings of roundToBytes and roundTable that an n x k matrix may have instead; a table in these bytes of it is
/// stated (lutra::stateTable), and groups are cut (lutra::cutGroups) where there are bytes.
/// Where codes of groups may become bytes with one scale a row (`rescales`), the last is roundToBytes with multiples so
/// few that these bytes tell them apart (RescaledCodes::greatestExtent).
std::vector<Encoding> findRoundedEncodings(const Encoding &encoding, int64_t n, int64_t k,
                                           llvm::ArrayRef<uint8_t> bytes, bool rescales = false);

/// Whether beside such activations a product may round the weight to bf16, and activations times their scales too:
/// no small integers stand for its values as they are, which are fp8, or a table's that is not stated, has more than 64
/// entries or is one that roundTable takes.
bool takesBfloat(const Encoding &encoding);

} // namespace lutra

#endif // LUTRA_SUPPORT_ROUNDEDTABLE_H
