//===- TileParts.h - what the products of tiles share -------------------------===//
#ifndef LUTRA_LIB_CONVERSION_TILETOVECTOR_TILEPARTS_H
#define LUTRA_LIB_CONVERSION_TILETOVECTOR_TILEPARTS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace lutra {

/// A buffer as one dimension: element (t0, t1, ..) of the operand lies at base + sum of t_d * strides[d].
struct FlatOperand {
  mlir::Value buffer; // memref<?xT>
  mlir::Value base;
  llvm::SmallVector<mlir::Value> strides; // one per dimension of the original buffer
  mlir::Type elementType;
};

/// `buffer` with its element at `indices` as the base; indices may be fewer than dimensions.
FlatOperand flattenOperand(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value buffer, mlir::ValueRange indices);

/// The `parts` vectors of type `partType` of every row of a tile, row by row.
llvm::SmallVector<mlir::Value> splitRows(mlir::OpBuilder &builder, mlir::Location loc, mlir::ValueRange rows,
                                         mlir::VectorType partType, int64_t parts);
/// The rows of those vectors.
llvm::SmallVector<mlir::Value> joinRows(mlir::OpBuilder &builder, mlir::Location loc,
                                        llvm::ArrayRef<mlir::Value> values, llvm::ArrayRef<mlir::Type> rowTypes,
                                        int64_t parts);

/// The bounds of a loop.
struct LoopRange {
  mlir::Value lower, upper, step;
};
/// One turn of a loop: changes the carried values.
using LoopBody = llvm::function_ref<void(mlir::Value index, llvm::SmallVector<mlir::Value> &carried)>;
/// A loop that carries values; what they are after it.
llvm::SmallVector<mlir::Value> carryLoop(mlir::OpBuilder &builder, mlir::Location loc, LoopRange range,
                                         mlir::ValueRange carried, LoopBody body);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_TILETOVECTOR_TILEPARTS_H
