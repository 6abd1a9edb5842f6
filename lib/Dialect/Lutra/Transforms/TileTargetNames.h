//===- TileTargetNames.h - the targets that a pass is told ----------------------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_TILETARGETNAMES_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_TILETARGETNAMES_H

#include "lutra/Machine/TileTarget.h"

#include "mlir/IR/Location.h"
#include "mlir/Support/LLVM.h"

#include <string>

namespace lutra {

/// The targets of these names, or an error at `loc` that names the first unknown one.
mlir::FailureOr<llvm::SmallVector<const TileTarget *>> findTileTargets(llvm::ArrayRef<std::string> names,
                                                                       mlir::Location loc);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_TILETARGETNAMES_H
