//===- TileFacts.h - what scalar ops inside lutra.tile_map may be told -------===//
// Discardable attributes: a target may use them or not.
#ifndef LUTRA_DIALECT_LUTRA_IR_TILEFACTS_H
#define LUTRA_DIALECT_LUTRA_IR_TILEFACTS_H

#include "llvm/ADT/StringRef.h"

namespace lutra {

/// On math.exp: the operand is zero, negative or NaN, and a result below the least normal number may be 0 (softmax,
/// after the maximum was taken out).
inline constexpr llvm::StringLiteral nonPositiveAttrName = "lutra.nonpositive";

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_IR_TILEFACTS_H
