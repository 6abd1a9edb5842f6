//===- ProductWeights.h - constant weights that rewrites of products may change ===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_PRODUCTWEIGHTS_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_PRODUCTWEIGHTS_H

#include "WeightData.h"

#include "llvm/ADT/StringMap.h"

namespace lutra {

/// Knows who reads the globals of one module. Made when all readers of weights exist.
class ProductWeights {
public:
  explicit ProductWeights(mlir::ModuleOp module);

  WeightStore &getStore() { return store; }
  /// The weight of a product, a constant f32 matrix on the right, if all that reads it multiplies this product's
  /// left-hand side with it in the same way; else null.
  GlobalOp getOwn(MatmulOp op);
  /// The same if this product alone reads it.
  GlobalOp getSole(MatmulOp op);

private:
  WeightStore store;
  llvm::StringMap<llvm::SmallVector<WeightOp>> readers; // of globals
};

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_PRODUCTWEIGHTS_H
