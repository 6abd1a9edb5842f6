//===- NeonTarget.h - what the levels of aarch64 answer tiling --------------===//
#ifndef LUTRA_MACHINE_NEONTARGET_H
#define LUTRA_MACHINE_NEONTARGET_H

#include "lutra/Machine/TileTarget.h"

namespace lutra {

/// "neon", "dotprod" and "i8mm".
llvm::ArrayRef<const TileTarget *> getNeonTileTargets();

/// What multiplies bytes there; nothing for other targets.
enum class NeonBytes {
  Widen, ///< products of 16 bits, added in pairs
  Dot,   ///< sums of four products
  Matrix ///< also 2 x 8 by 8 x 2
};
std::optional<NeonBytes> getNeonBytes(const TileTarget &target);

} // namespace lutra

#endif // LUTRA_MACHINE_NEONTARGET_H
