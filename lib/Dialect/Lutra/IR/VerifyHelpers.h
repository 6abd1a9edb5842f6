//===- VerifyHelpers.h - checks that the verifiers of all families share ----===//
// Each check reports on `op` and returns failure, or says nothing and returns success. Sizes that are
// dynamic are compatible with every size: they are checked again once they are known.
#ifndef LUTRA_LIB_DIALECT_LUTRA_IR_VERIFYHELPERS_H
#define LUTRA_LIB_DIALECT_LUTRA_IR_VERIFYHELPERS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

#include <string>

namespace lutra {

/// The shaped type of a value that ODS already proved to be ranked.
inline mlir::ShapedType shapedOf(mlir::Value value) {
  return mlir::cast<mlir::ShapedType>(value.getType());
}

/// "[2, ?, 4]".
std::string shapeText(llvm::ArrayRef<int64_t> shape);

/// Whether two sizes can be equal: one is dynamic or they are the same.
inline bool sizesAgree(int64_t a, int64_t b) {
  return mlir::ShapedType::isDynamic(a) || mlir::ShapedType::isDynamic(b) || a == b;
}

/// Whether two shapes can be equal.
bool shapesAgree(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b);

/// a + b, dynamic when one of them is.
inline int64_t addSizes(int64_t a, int64_t b) {
  return mlir::ShapedType::isDynamic(a) || mlir::ShapedType::isDynamic(b)
             ? mlir::ShapedType::kDynamic
             : a + b;
}

/// `axis` is in [0, rank).
llvm::LogicalResult verifyAxis(mlir::Operation *op, int64_t axis, int64_t rank,
                               llvm::StringRef name = "axis");

/// `count` index values serve the dynamic dimensions of `type`.
llvm::LogicalResult verifySizeCount(mlir::Operation *op, mlir::ShapedType type, size_t count);

/// The result has the shape `expected`; `reason` says where that shape comes from.
llvm::LogicalResult verifyResultShape(mlir::Operation *op, mlir::Value result,
                                      llvm::ArrayRef<int64_t> expected, llvm::StringRef reason);

/// Both values have one element type.
llvm::LogicalResult verifySameElements(mlir::Operation *op, mlir::Value a, llvm::StringRef aName,
                                       mlir::Value b, llvm::StringRef bName);

/// The operands broadcast to exactly the shape of the result.
llvm::LogicalResult verifyBroadcast(mlir::Operation *op, mlir::OperandRange operands,
                                    mlir::Value result);

/// Elements of a product: floats of one type into that or a wider float, integers of 8 or 16 bits into i32,
/// wider integers of one type.
llvm::LogicalResult verifyProductElements(mlir::Operation *op, mlir::Type lhs, mlir::Type rhs,
                                          mlir::Type result);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_IR_VERIFYHELPERS_H
