//===- LutraProgramOps.td - weights, kernels, launches ---------------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAPROGRAMOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAPROGRAMOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/CallInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"

def Lutra_GlobalOp : Lutra_Op<"global", [Symbol]> {
  let summary = "a weight of the module";
  let description = [{
    `data` is a `dense_resource` (mapped from the model's file, never copied) or a small dense attribute. `type` is what
    `lutra.weight` yields; for an encoded or packed type `data` holds the stored bytes as i8.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<Lutra_Tensor>:$type, ElementsAttr:$data);
  let assemblyFormat = "$sym_name attr-dict `:` $type `=` $data";
  let hasVerifier = 1;
}

def Lutra_WeightOp : Lutra_GraphOp<"weight", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the value of a global";
  let description = [{
    A tensor until memory is planned, then the buffer `getBufferType` gives for it, or a view of it with as many
    elements under another shape (a reshaped weight costs nothing).
  }];
  let arguments = (ins FlatSymbolRefAttr:$global);
  let results = (outs AnyTypeOf<[Lutra_Tensor, AnyMemRef]>:$result);
  let assemblyFormat = "$global attr-dict `:` type($result)";
}

def Lutra_KernelOp : Lutra_Op<"kernel", [IsolatedFromAbove, FunctionOpInterface]> {
  let summary = "one fusion group, computed by one launch";
  let description = [{
    A function from tensors (and index values) to tensors whose body is lutra ops. Arguments are
    what it reads, results what it writes; nothing else touches memory.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       OptionalAttr<DictArrayAttr>:$arg_attrs,
                       OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region AnyRegion:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "llvm::StringRef":$name, "mlir::FunctionType":$type)>];
  let extraClassDeclaration = [{
    mlir::ArrayRef<mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    mlir::ArrayRef<mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    mlir::Region *getCallableRegion() { return &getBody(); }
    lutra::YieldOp getYield();
  }];
}

def Lutra_YieldOp : Lutra_Op<"yield", [Pure, ReturnLike, Terminator]> {
  let summary = "values that a kernel or a tile_map returns";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, mlir::ValueRange{}); }]>];
}

def Lutra_LaunchOp : Lutra_Op<"launch", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "runs a kernel";
  let description = [{
    Before memory is planned: `inputs` are tensors (and index values) and each result tensor takes
    its dynamic sizes from `sizes`, in order. Afterwards: tensors became memrefs, `outputs` names the buffers that
    are written and there are no results; `sizes` is empty.
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyType>:$inputs,
                       Variadic<Index>:$sizes, Variadic<AnyMemRef>:$outputs);
  let results = (outs Variadic<Lutra_Tensor>:$results);
  let assemblyFormat = [{
    $kernel `(` $inputs `)` (`sizes` `(` $sizes^ `)`)? (`outs` `(` $outputs^ `:` type($outputs) `)`)?
    attr-dict `:` functional-type($inputs, results)
  }];
}

def Lutra_ArenaOp : Lutra_Op<"arena", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "the buffer that holds every intermediate value of one call, 64-byte aligned";
  let arguments = (ins Index:$bytes);
  let results = (outs MemRefRankOf<[I8], [1]>:$result);
  let assemblyFormat = "$bytes attr-dict `:` type($result)";
}

#endif
