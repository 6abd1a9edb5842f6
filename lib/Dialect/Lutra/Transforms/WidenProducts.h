//===- WidenProducts.h - products of f16 and bf16 in f32 ---------------------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_WIDENPRODUCTS_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_WIDENPRODUCTS_H

#include "mlir/IR/Operation.h"

namespace lutra {

/// Makes a product, or a convolution, of f16 or bf16 one of f32 between casts.
void widenProduct(mlir::Operation *op);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_WIDENPRODUCTS_H
