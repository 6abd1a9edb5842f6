//===- TileTargetNames.cpp - the targets that a pass is told --------------------===//
#include "TileTargetNames.h"

#include "lutra/Support/ErrorCodes.h"

using namespace mlir;

namespace lutra {

FailureOr<SmallVector<const TileTarget *>> findTileTargets(ArrayRef<std::string> names, Location loc) {
  SmallVector<const TileTarget *> targets;
  for (const std::string &name : names) {
    targets.push_back(getTileTarget(name));
    if (!targets.back())
      return emitCodedError(loc, ErrorCode::UnsupportedTarget)
             << "no tile target is named '" << name << "'; registered are " << llvm::join(getTileTargetNames(), ", ");
  }
  return targets;
}

} // namespace lutra
