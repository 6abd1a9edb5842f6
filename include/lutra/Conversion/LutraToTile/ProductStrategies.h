//===- ProductStrategies.h - the strategies that exist ---------------------===//
#ifndef LUTRA_CONVERSION_LUTRATOTILE_PRODUCTSTRATEGIES_H
#define LUTRA_CONVERSION_LUTRATOTILE_PRODUCTSTRATEGIES_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace lutra {

/// Gives the lutra dialect of a registry every strategy (ProductStrategies in Analysis).
void registerProductStrategies(mlir::DialectRegistry &registry);
llvm::SmallVector<llvm::StringRef> getProductStrategyNames();

} // namespace lutra

#endif // LUTRA_CONVERSION_LUTRATOTILE_PRODUCTSTRATEGIES_H
