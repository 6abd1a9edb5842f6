//===- OpHelpers.h - shape reification shared by the op families -----------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_IR_OPHELPERS_H
#define LUTRA_LIB_DIALECT_LUTRA_IR_OPHELPERS_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

namespace lutra {

using SizeFn = llvm::function_ref<int64_t(mlir::Value, int64_t)>;

/// Size of dimension `dim` of `value`: an attribute when static, else tensor.dim.
inline mlir::OpFoldResult sizeOf(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value,
                                 int64_t dim) {
  return mlir::tensor::getMixedSize(builder, loc, value, dim);
}

/// All sizes of `value`.
inline llvm::SmallVector<mlir::OpFoldResult> sizesOf(mlir::OpBuilder &builder, mlir::Location loc,
                                                     mlir::Value value) {
  return mlir::tensor::getMixedSizes(builder, loc, value);
}

/// Result sizes where static ones come from the type and dynamic ones, in order, from `sizes`.
inline llvm::SmallVector<mlir::OpFoldResult>
mixSizes(mlir::OpBuilder &builder, mlir::RankedTensorType type, mlir::ValueRange sizes) {
  llvm::SmallVector<mlir::OpFoldResult> result;
  unsigned next = 0;
  for (int64_t size : type.getShape())
    result.push_back(mlir::ShapedType::isDynamic(size)
                         ? mlir::OpFoldResult(sizes[next++])
                         : mlir::OpFoldResult(builder.getIndexAttr(size)));
  return result;
}

/// Replaces entries that `type` knows statically by attributes.
inline void preferStatic(mlir::OpBuilder &builder, mlir::RankedTensorType type,
                         llvm::SmallVectorImpl<mlir::OpFoldResult> &sizes) {
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (!type.isDynamicDim(dim))
      sizes[dim] = builder.getIndexAttr(type.getDimSize(dim));
}

/// How a window walks along one spatial dimension.
struct WindowWalk {
  int64_t window, stride, low, high, dilation;
  bool ceil; // keep a last window that only partly fits, if it starts inside the input
};

/// Number of places of a window along an extent; dynamic when the extent is.
int64_t windowCount(int64_t extent, const WindowWalk &walk);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_IR_OPHELPERS_H
