//===- RoundedTable.h - tables whose entries are fixed-point numbers ----------===//
// Beside activations of 8 bits a table of reals, such as NF4's, may have its entries rounded to integers of few digits,
// which instructions for small integers multiply. What that changes is less than what the activations lose.
#ifndef LUTRA_SUPPORT_ROUNDEDTABLE_H
#define LUTRA_SUPPORT_ROUNDEDTABLE_H

#include "lutra/Support/Encoding.h"

namespace lutra {

struct RoundedTable {
  Encoding encoding;
  /// The most that an entry moves, relative to its magnitude.
  double error;
};

/// The encoding with entries of its table rounded to multiples of 2^-13 of their least power of two bound. None where
/// they are such already, where the encoding is no single dense term with a table that it states, and where rounding
/// would move an entry by more than 2^-10 of its magnitude.
std::optional<RoundedTable> roundTable(const Encoding &encoding);

/// Whether beside such activations a product may round the weight to bf16, and activations times their scales too:
/// no small integers stand for its values as they are, which are fp8, or a table's that is not stated, has more than 64
/// entries or is one that roundTable takes.
bool takesBfloat(const Encoding &encoding);

} // namespace lutra

#endif // LUTRA_SUPPORT_ROUNDEDTABLE_H
