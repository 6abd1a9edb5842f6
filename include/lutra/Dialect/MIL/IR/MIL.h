//===- MIL.h - the exit dialect for Apple's MIL -----------------------------===//
#ifndef LUTRA_DIALECT_MIL_IR_MIL_H
#define LUTRA_DIALECT_MIL_IR_MIL_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "lutra/Dialect/MIL/IR/MILDialect.h.inc"

namespace lutra::mil {
class ReturnOp;

/// Whether `name` may stand in a program: a letter or underscore, then letters, digits, underscores.
bool isIdentifier(llvm::StringRef name);

} // namespace lutra::mil

#define GET_OP_CLASSES
#include "lutra/Dialect/MIL/IR/MILOps.h.inc"

#endif // LUTRA_DIALECT_MIL_IR_MIL_H
