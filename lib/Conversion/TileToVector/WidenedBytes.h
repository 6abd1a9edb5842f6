//===- WidenedBytes.h - bytes with a sign times bytes without, by pairs --------===//
#ifndef LUTRA_LIB_CONVERSION_TILETOVECTOR_WIDENEDBYTES_H
#define LUTRA_LIB_CONVERSION_TILETOVECTOR_WIDENEDBYTES_H

#include "mlir/IR/Builders.h"

namespace lutra {

class TileCodedMatmulOp;

/// The rows of the accumulator after a product of `signed_codes` and `unsigned_lhs` on x86 without VNNI. With `mayMask`
/// bytes are multiplied where the words' loop allows it and that takes fewer operations.
llvm::SmallVector<mlir::Value> emitWidenedProduct(mlir::OpBuilder &builder, TileCodedMatmulOp op,
                                                  mlir::ValueRange accumulator, bool mayMask);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_TILETOVECTOR_WIDENEDBYTES_H
