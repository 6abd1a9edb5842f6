//===- Permutations.cpp - orders of dimensions -------------------------------===//
#include "Permutations.h"

using namespace mlir;
using namespace lutra;

SmallVector<int64_t> lutra::inverse(ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> result(permutation.size());
  for (auto [index, dim] : llvm::enumerate(permutation))
    result[dim] = index;
  return result;
}

SmallVector<int64_t> lutra::toChannelsLast(int64_t rank) {
  SmallVector<int64_t> permutation{0};
  for (int64_t dim = 2; dim < rank; ++dim)
    permutation.push_back(dim);
  permutation.push_back(1);
  return permutation;
}

RankedTensorType lutra::permuteType(RankedTensorType type, ArrayRef<int64_t> permutation) {
  return RankedTensorType::get(permute(type.getShape(), permutation), type.getElementType());
}

Value lutra::transpose(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(value.getType());
  return TransposeOp::create(builder, loc, permuteType(type, permutation), value,
                             builder.getDenseI64ArrayAttr(permutation));
}
