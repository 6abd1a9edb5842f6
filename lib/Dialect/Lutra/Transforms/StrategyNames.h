//===- StrategyNames.h - the strategies that a pass is told ---------------------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_STRATEGYNAMES_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_STRATEGYNAMES_H

#include "lutra/Analysis/ProductStrategy.h"

namespace lutra {

/// The strategies of a context, which have all of `names` (ProductStrategies::choose), or null after an error at `loc`.
const ProductStrategies *findStrategies(llvm::StringRef names, mlir::Location loc);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_STRATEGYNAMES_H
