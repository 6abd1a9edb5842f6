//===- StrategyNames.h - the strategies that a pass is told ---------------------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_STRATEGYNAMES_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_STRATEGYNAMES_H

#include "lutra/Analysis/ProductStrategy.h"

namespace lutra {

/// The strategies of a context, of which one has the name `only` unless it is "auto", or null after an error at `loc`.
const ProductStrategies *findStrategies(llvm::StringRef only, mlir::Location loc);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_STRATEGYNAMES_H
