//===- Fp8Types.h - element types of activations in fp8 ----------------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_FP8TYPES_H
#define LUTRA_DIALECT_LUTRA_IR_FP8TYPES_H

#include "lutra/Support/Encoding.h"

#include "mlir/IR/BuiltinTypes.h"

namespace lutra {

/// The type of a form that is fp8 (ActivationForm::isFp8).
inline mlir::FloatType getFp8Type(mlir::MLIRContext *context, ActivationForm::Kind kind) {
  if (kind == ActivationForm::E5M2)
    return mlir::Float8E5M2Type::get(context);
  return mlir::Float8E4M3FNType::get(context);
}

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_IR_FP8TYPES_H
