//===- PlanMemoryParts.h - what the memory plan is put together from --------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_PLANMEMORYPARTS_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_PLANMEMORYPARTS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace lutra {

/// Whether an op computes sizes: index arithmetic without tensors, but for tensor.dim.
bool isSizeOp(mlir::Operation &op);

/// @main.shapes of a function whose size arithmetic stands in its entry block: from the run-time sizes of the inputs to
/// `results`, sizes that it computes.
mlir::func::FuncOp makeShapesFunction(mlir::func::FuncOp function, unsigned inputCount, mlir::ValueRange results);

/// `buffer` under another shape with as many elements; both are contiguous. `sizes`: the dynamic sizes of `type`.
mlir::Value viewBuffer(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value buffer, mlir::MemRefType type,
                       mlir::ValueRange sizes);

/// What no arena reaches: bytes of one call saturate there, and the call fails for want of memory.
constexpr int64_t arenaLimit = int64_t(1) << 62;
/// constant * factors in index arithmetic, at most arenaLimit.
mlir::Value limitedProduct(mlir::OpBuilder &builder, mlir::Location loc, int64_t constant, mlir::ValueRange factors);
/// lhs + rhs of numbers up to arenaLimit, at most that.
mlir::Value limitedSum(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value lhs, mlir::Value rhs);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_PLANMEMORYPARTS_H
