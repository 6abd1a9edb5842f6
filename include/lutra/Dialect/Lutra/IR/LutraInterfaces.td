//===- LutraInterfaces.td - what every lutra op can tell a pass ------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAINTERFACES_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAINTERFACES_TD

include "mlir/IR/OpBase.td"

def CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::lutra";
  let description = [{
    Work of one execution: floating-point (or integer) operations, and the bytes that each operand
    and result holds in its stored form (the encoding decides, not the logical element type). A
    dynamic size is asked of the caller, so that one answer serves every shape.
  }];
  let methods = [
    InterfaceMethod<"Operations of one execution, a fused multiply-add counted as two.", "int64_t",
      "getOperations", (ins "llvm::function_ref<int64_t(mlir::Value, int64_t)>":$sizeOf)>,
    InterfaceMethod<"Bytes that operand `index` holds in its stored form.", "int64_t",
      "getOperandBytes",
      (ins "unsigned":$index, "llvm::function_ref<int64_t(mlir::Value, int64_t)>":$sizeOf), "",
      [{ return ::lutra::storedBytes($_op->getOperand(index), sizeOf); }]>,
    InterfaceMethod<"Bytes that result `index` holds in its stored form.", "int64_t",
      "getResultBytes",
      (ins "unsigned":$index, "llvm::function_ref<int64_t(mlir::Value, int64_t)>":$sizeOf), "",
      [{ return ::lutra::storedBytes($_op->getResult(index), sizeOf); }]>,
  ];
}

#endif
