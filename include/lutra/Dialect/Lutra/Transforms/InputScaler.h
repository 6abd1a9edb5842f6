//===- InputScaler.h - factors of channels moved from inputs into weights ----===//
// x W = (x / s) (s W): the products that read x multiply row j of their weights by s_j, and x is divided by s, or
// better what computes x: the scale and bias of a norm, the columns of a product with a constant weight (also behind
// sums with constants, relu, changes of shape, and products whose rows it passes, such as those of attention with
// values). Where nothing takes the division, or x is read elsewhere, x is multiplied by a constant in front of the
// products.
#ifndef LUTRA_DIALECT_LUTRA_TRANSFORMS_INPUTSCALER_H
#define LUTRA_DIALECT_LUTRA_TRANSFORMS_INPUTSCALER_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/IR/BuiltinOps.h"

#include <memory>
#include <optional>

namespace lutra {

class ProductWeights;

class InputScaler {
public:
  explicit InputScaler(mlir::ModuleOp module);
  ~InputScaler();

  /// Whether all that reads the product's weight, a constant f32 matrix, multiplies this product's left-hand side with
  /// it in the same way.
  bool canScale(MatmulOp op);
  /// Scales the inputs of products that read one value, each of which can be. True: what computes it took the inverse
  /// factors, which are positive.
  bool scale(llvm::ArrayRef<MatmulOp> products, llvm::ArrayRef<float> factors);

private:
  struct Factor;
  void scaleMatrix(GlobalOp global, int64_t axis, llvm::ArrayRef<float> factors);
  mlir::Value scaleConstant(mlir::Operation *user, mlir::Value constant, const Factor &factor);
  bool fold(mlir::Value value, Factor factor);
  std::optional<Factor> passShape(mlir::Operation *op, const Factor &factor) const;

  std::unique_ptr<ProductWeights> weights;
};

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_TRANSFORMS_INPUTSCALER_H
