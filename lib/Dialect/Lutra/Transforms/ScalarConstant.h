//===- ScalarConstant.h - constants of one element ---------------------------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SCALARCONSTANT_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SCALARCONSTANT_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

namespace lutra {

/// A tensor without dimensions that holds a number of a float or integer type, which has it.
inline mlir::Value makeScalar(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type element, double number) {
  auto type = mlir::RankedTensorType::get({}, element);
  auto value = mlir::isa<mlir::FloatType>(element)
                   ? mlir::TypedAttr(builder.getFloatAttr(element, number))
                   : mlir::TypedAttr(builder.getIntegerAttr(element, static_cast<int64_t>(number)));
  return ConstantOp::create(builder, loc, type,
                            mlir::DenseElementsAttr::get(type, llvm::ArrayRef<mlir::Attribute>(value)));
}

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SCALARCONSTANT_H
