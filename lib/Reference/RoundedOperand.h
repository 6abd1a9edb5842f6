//===- RoundedOperand.h - operands of products in fewer bits ---------------===//
#ifndef LUTRA_LIB_REFERENCE_ROUNDEDOPERAND_H
#define LUTRA_LIB_REFERENCE_ROUNDEDOPERAND_H

#include "Interpreter.h"

namespace lutra {

/// The left-hand side that a matmul multiplies: the values of its codes, where it has scales. Where the encoding of the
/// right-hand side allows to round it, errors have room for that.
mlir::FailureOr<ArrayPtr> getProductOperand(MatmulOp op, Interpreter &interpreter);
/// The right-hand side, whose errors have room for what its encoding allows to round of it.
ArrayPtr getProductWeight(MatmulOp op, Interpreter &interpreter);

} // namespace lutra

#endif // LUTRA_LIB_REFERENCE_ROUNDEDOPERAND_H
