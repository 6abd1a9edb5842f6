//===- NeonCodedMatmul.h - codes times 8-bit integers on aarch64 -------------===//
#ifndef LUTRA_LIB_CONVERSION_TILETOVECTOR_NEONCODEDMATMUL_H
#define LUTRA_LIB_CONVERSION_TILETOVECTOR_NEONCODEDMATMUL_H

#include "mlir/IR/Builders.h"

namespace lutra {

class TileCodedMatmulOp;

/// The rows of the accumulator after the product, by smmla; rows are even. `special` may be null, as below.
llvm::SmallVector<mlir::Value> emitNeonMatrixProduct(mlir::OpBuilder &builder, TileCodedMatmulOp op,
                                                     mlir::Value special, mlir::ValueRange accumulator);

/// The same without instructions that add products of bytes in fours.
llvm::SmallVector<mlir::Value> emitNeonWidenedProduct(mlir::OpBuilder &builder, TileCodedMatmulOp op,
                                                      mlir::Value special, mlir::ValueRange accumulator);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_TILETOVECTOR_NEONCODEDMATMUL_H
