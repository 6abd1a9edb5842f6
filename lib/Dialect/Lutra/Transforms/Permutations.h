//===- Permutations.h - orders of dimensions ---------------------------------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_PERMUTATIONS_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_PERMUTATIONS_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

namespace lutra {

llvm::SmallVector<int64_t> inverse(llvm::ArrayRef<int64_t> permutation);

/// [B, C, D..] -> [B, D.., C].
llvm::SmallVector<int64_t> toChannelsLast(int64_t rank);

/// Values at these places; some or all of them, in any order.
template <typename T> llvm::SmallVector<T> permute(llvm::ArrayRef<T> values, llvm::ArrayRef<int64_t> permutation) {
  return llvm::map_to_vector(permutation, [&](int64_t dim) { return values[dim]; });
}

mlir::RankedTensorType permuteType(mlir::RankedTensorType type, llvm::ArrayRef<int64_t> permutation);

mlir::Value transpose(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                      llvm::ArrayRef<int64_t> permutation);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_PERMUTATIONS_H
