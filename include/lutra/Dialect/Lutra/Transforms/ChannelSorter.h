//===- ChannelSorter.h - channels of a value in another order ----------------===//
// Products that read a value do not care in which order its channels lie, if the rows along K of their weights lie in
// the same one. Where what computes the value can give them in that order, nothing moves while the model runs: columns
// of a product with a constant weight, constants of element-wise ops and of a norm, whose sums have no order.
#ifndef LUTRA_DIALECT_LUTRA_TRANSFORMS_CHANNELSORTER_H
#define LUTRA_DIALECT_LUTRA_TRANSFORMS_CHANNELSORTER_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>

namespace lutra {

class ProductWeights;

class ChannelSorter {
public:
  explicit ChannelSorter(mlir::ModuleOp module);
  ~ChannelSorter();

  /// Puts channel `order[i]` of a value, along its last dimension, in place i, and the rows of the weights of all that
  /// reads it. False: something else reads it, or what computes it has an order of its own; then nothing has changed.
  bool sort(mlir::Value value, llvm::ArrayRef<int64_t> order);

private:
  struct Plan;
  bool visit(mlir::Value value, Plan &plan);
  bool planReaders(mlir::Value value, Plan &plan);
  void permuteMatrix(GlobalOp global, int64_t axis, llvm::ArrayRef<int64_t> order);
  void permuteConstant(mlir::OpOperand &operand, llvm::ArrayRef<int64_t> order);

  std::unique_ptr<ProductWeights> weights;
};

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_TRANSFORMS_CHANNELSORTER_H
