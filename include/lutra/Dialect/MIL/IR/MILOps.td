//===- MILOps.td - the exit dialect for Apple's MIL ------------------------===//
// Four ops hold a whole ML program. What an operation of MIL is called, which parameters it takes and
// what it returns is a table (MILOpTable.cpp), because every one of them has the same form: named
// parameters, of which some are tensors and the others constants, and named results.
#ifndef LUTRA_DIALECT_MIL_IR_MILOPS_TD
#define LUTRA_DIALECT_MIL_IR_MILOPS_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/CommonTypeConstraints.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def MIL_Dialect : Dialect {
  let name = "mil";
  let summary = "programs in Apple's MIL, one op for each statement";
  let description = [{
    The last form before a `.mlpackage` or MIL text: statements in order, each with the names that
    the file will carry. Types are ranked static tensors of f16, f32, i32, i1, i8, i16, ui8, ui16; a
    MIL scalar is a tensor of rank 0.
  }];
  let cppNamespace = "::lutra::mil";
}

class MIL_Op<string mnemonic, list<Trait> traits = []> : Op<MIL_Dialect, mnemonic, traits>;
def MIL_Tensor : StaticShapeTensorOf<[F16, F32, I32, I1, I8, I16, UI8, UI16]>;

def MIL_FuncOp : MIL_Op<"func", [IsolatedFromAbove, FunctionOpInterface]> {
  let summary = "a function of an ML program";
  let description = [{
    Shapes: any.

    Semantics: one function of a program, compiled for the specification version `spec` (7 to 9,
    which fixes the opset: CoreML6 to CoreML8). `input_names` are the names of the arguments.

    Errors: (E1) `input_names` does not name every argument once. (E2) a name is used twice, or is
    no identifier. (E3) `spec` is not 7, 8 or 9. (E4) an operation, or a parameter of it, is newer
    than `spec`. (E5) a result is an argument or a constant. (E6) a result is returned twice.
    (E7) the returned types are not the declared ones.

    Example:
    ```mlir
    mil.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> attributes {input_names = ["x"], spec = 9 : i64} {
      %0 = mil.apply "relu"(x = %x) as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
      mil.return %0 : tensor<2x3xf32>
    }
    ```
    Source: Core ML's Model.proto and MIL.proto.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                       StrArrayAttr:$input_names, I64Attr:$spec,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       OptionalAttr<DictArrayAttr>:$arg_attrs,
                       OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "llvm::StringRef":$name, "mlir::FunctionType":$type,
                                 "mlir::ArrayAttr":$inputNames, "int64_t":$spec)>];
  let extraClassDeclaration = [{
    mlir::ArrayRef<mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    mlir::ArrayRef<mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    mlir::Region *getCallableRegion() { return &getBody(); }
    lutra::mil::ReturnOp getReturn();
    /// Name of argument `index` in the file.
    llvm::StringRef getInputName(unsigned index);
  }];
}

def MIL_ReturnOp : MIL_Op<"return", [Pure, ReturnLike, Terminator, HasParent<"FuncOp">]> {
  let summary = "the results of a function, in order";
  let arguments = (ins Variadic<MIL_Tensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, mlir::ValueRange{}); }]>];
}

def MIL_ConstOp : MIL_Op<"const", [Pure, AllTypesMatch<["value", "result"]>]> {
  let summary = "a constant that is a tensor operand: a weight, a table, a scalar";
  let description = [{
    Shapes: any.

    Semantics: the value. Long ones go to the weight file, short ones into the program.

    Errors: (E1) a 16-bit float value is NaN or infinite,
    which Core ML's compilers turn into garbage without a message.

    Example:
    ```mlir
    %w = mil.const "w" dense<1.0> : tensor<4x3xf16>
    ```
    Source: MIL.proto, Value.
  }];
  let arguments = (ins StrAttr:$name, ElementsAttr:$value);
  let results = (outs MIL_Tensor:$result);
  let assemblyFormat = "$name attr-dict $value";
  let hasVerifier = 1;
}

def MIL_ApplyOp : MIL_Op<"apply", [Pure]> {
  let summary = "one operation of MIL";
  let description = [{
    Shapes: by the operation (MILOpTable.cpp names the rule).

    Semantics: the operation that `op` names, of the opset of the function. `operand_names` gives the
    parameter of each operand; a list parameter repeats its name. `params` holds the parameters that
    MIL wants constant: integers are i32, lists `array<i32: ..>` or `array<i1: ..>`, floats have the
    type of the first operand.

    Errors: (E1) no operation of that name. (E2) no parameter of that name. (E3) a required parameter
    is missing. (E4) a parameter is given twice. (E5) a constant parameter has the wrong kind of
    value. (E6) the number of names is not the number of results. (E7) a result's type contradicts
    the operation. (E8) an operand or result has a rank above 5.

    Example:
    ```mlir
    %y = mil.apply "softmax"(x = %x) {axis = -1 : i32} as "y" : (tensor<2x3xf32>) -> tensor<2x3xf32>
    ```
    Source: coremltools' op registry, iOS15 to iOS18.
  }];
  let arguments = (ins StrAttr:$op, Variadic<MIL_Tensor>:$operands_, StrArrayAttr:$operand_names,
                       DictionaryAttr:$params, StrArrayAttr:$names);
  let results = (outs Variadic<MIL_Tensor>:$results_);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
  let extraClassDeclaration = [{
    /// The operand bound to a parameter (the first of a list), or null.
    mlir::Value getOperandOf(llvm::StringRef parameter);
    /// Every operand bound to a parameter, in order.
    llvm::SmallVector<mlir::Value> getOperandsOf(llvm::StringRef parameter);
    /// Name of result `index` in the file.
    llvm::StringRef getNameOf(unsigned index);
  }];
}

#endif
