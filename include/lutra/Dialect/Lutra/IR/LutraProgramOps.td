//===- LutraProgramOps.td - weights, kernels, launches ---------------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAPROGRAMOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAPROGRAMOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/CallInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"

def Lutra_ProgramGroup : OpDocGroup {
  let summary = "Program ops";
  let description = [{
    What a compiled model is made of: weights, kernels (one fusion group each), and the launches of
    its entry function. Kernels keep tensor semantics; the launches work on tensors until memory is
    planned and on memrefs afterwards. In memory i1 is a byte and `uiN` is `iN`.
  }];
}

let opDocGroup = Lutra_ProgramGroup in {

def Lutra_GlobalOp : Lutra_Op<"global", [Symbol]> {
  let summary = "a weight of the module";
  let description = [{
    Shapes: `type` is static.

    Semantics: names `data`, a `dense_resource` (mapped from the model's file, never copied) or a
    small dense attribute. `type` is what `lutra.weight` yields; for a type with an encoding or a
    packing `data` holds the stored bytes as a rank-1 tensor of i8.

    Errors: (E1) `type` has a dynamic dimension. (E2) `data` of a plain type has another type. (E3)
    `data` of an encoded or packed type is not the stored number of bytes as i8.

    Example:
    ```mlir
    lutra.global @w : tensor<2x2xf32> = dense<1.0> : tensor<2x2xf32>
    ```
    Source: initialisers of ONNX, parameters of torch.export.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<Lutra_Tensor>:$type, ElementsAttr:$data);
  let assemblyFormat = "$sym_name attr-dict `:` $type `=` $data";
  let hasVerifier = 1;
}

def Lutra_WeightOp : Lutra_GraphOp<"weight", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a global";
  let description = [{
    Shapes: `result` has the type of the global until memory is planned; then it is the buffer that
    `getBufferType` gives for it, or a view of it with as many elements under another static shape.

    Semantics: result = the weight. Reading or reshaping it copies nothing.

    Errors: (E1) `global` names no `lutra.global` of the module. (E2) that global has another type.
    (E3) `result` is a buffer that is no view of the stored weight.

    Example:
    ```mlir
    %w = lutra.weight @w : tensor<2x2xf32>
    ```
    Source: initialisers of ONNX, parameters of torch.export.
  }];
  let arguments = (ins FlatSymbolRefAttr:$global);
  let results = (outs AnyTypeOf<[Lutra_Tensor, AnyMemRef]>:$result);
  let assemblyFormat = "$global attr-dict `:` type($result)";
}

def Lutra_KernelOp : Lutra_Op<"kernel", [IsolatedFromAbove, FunctionOpInterface]> {
  let summary = "one fusion group, computed by one launch";
  let description = [{
    Shapes: a function from tensors and index values (sizes, offsets) to tensors.

    Semantics: computes its results from its arguments, which are all that it reads; nothing else
    touches memory. One block, ended by `lutra.yield`.

    Errors: (E1) the body is not one block ended by `lutra.yield`. (E2) the yielded types are not the
    result types. (E3) an argument is neither a ranked tensor nor an index, or a result is not a
    ranked tensor.

    Example:
    ```mlir
    lutra.kernel @exp(%x: tensor<?x5xf32>) -> tensor<?x5xf32> {
      %r = lutra.unary<exp> %x : tensor<?x5xf32> -> tensor<?x5xf32>
      lutra.yield %r : tensor<?x5xf32>
    }
    ```
    Source: fusion groups; see the dialect's rationale.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       OptionalAttr<DictArrayAttr>:$arg_attrs,
                       OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region AnyRegion:$body);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "llvm::StringRef":$name, "mlir::FunctionType":$type)>];
  let extraClassDeclaration = [{
    mlir::ArrayRef<mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    mlir::ArrayRef<mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    mlir::Region *getCallableRegion() { return &getBody(); }
    lutra::YieldOp getYield();
  }];
}

def Lutra_YieldOp : Lutra_Op<"yield", [Pure, ReturnLike, Terminator,
    ParentOneOf<["::lutra::KernelOp", "::lutra::TileMapOp"]>]> {
  let summary = "values that a kernel or a tile_map returns";
  let description = [{
    Shapes: as many values as the parent has results.

    Semantics: ends the body of `lutra.kernel` or `lutra.tile_map`.

    Errors: none of its own; the parent checks count and types (kernel E2, tile_map E3).

    Example:
    ```mlir
    lutra.yield %r : tensor<?x5xf32>
    ```
    Source: the region terminators of MLIR's own dialects.
  }];
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, mlir::ValueRange{}); }]>];
}

def Lutra_LaunchOp : Lutra_Op<"launch", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "runs a kernel";
  let description = [{
    Shapes: before memory is planned `inputs` are the kernel's arguments, `results` its results, and
    each dynamic dimension of `results` takes its size from `sizes`, in order. Afterwards tensors
    have become memrefs, `outputs` names the buffers written, and there are neither results nor `sizes`.

    Semantics: runs the kernel once over all its work items. In memref form it reads `inputs` and
    writes all of `outputs`, which overlap no input.

    Errors: (E1) `kernel` names nothing in the module. (E2) both `outputs` and `results`, or
    `outputs` and `sizes`, are given. (E3) `sizes` does not have one value for each dynamic dimension of
    `results`. (E4) the number of inputs, results or outputs is not the kernel's. (E5) an input,
    result or output does not have the type of the kernel's. E4 and E5 hold while `kernel` names a `lutra.kernel`.

    Example:
    ```mlir
    %r = lutra.launch @exp(%x) sizes(%n) : (tensor<?x5xf32>) -> tensor<?x5xf32>
    ```
    Source: fusion groups; see the dialect's rationale.
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyType>:$inputs,
                       Variadic<Index>:$sizes, Variadic<AnyMemRef>:$outputs);
  let results = (outs Variadic<Lutra_Tensor>:$results);
  let assemblyFormat = [{
    $kernel `(` $inputs `)` (`sizes` `(` $sizes^ `)`)? (`outs` `(` $outputs^ `:` type($outputs) `)`)?
    attr-dict `:` functional-type($inputs, results)
  }];
  let hasVerifier = 1;
}

def Lutra_ArenaOp : Lutra_Op<"arena", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "the buffer that holds every intermediate value of one call";
  let description = [{
    Shapes: `result` is a rank-1 memref of i8, dynamic or of the constant `bytes`.

    Semantics: `bytes` bytes, 64-byte aligned, owned by the call's context and undefined at first.

    Errors: (E1) a static size of `result` differs from a constant `bytes`.

    Example:
    ```mlir
    %a = lutra.arena %bytes : memref<?xi8>
    ```
    Source: memory plan; see the dialect's rationale.
  }];
  let arguments = (ins Index:$bytes);
  let results = (outs MemRefRankOf<[I8], [1]>:$result);
  let assemblyFormat = "$bytes attr-dict `:` type($result)";
  let hasVerifier = 1;
}

} // opDocGroup

#endif
