//===- LutraReductionOps.td - many elements to one, running sums, selection ===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAREDUCTIONOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAREDUCTIONOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_ReduceOp : Lutra_GraphOp<"reduce"> {
  let summary = "sum, product, maximum or minimum along axes, which keep size 1";
  // axes: sorted, unique, may be all; result has size 1 there. Empty extents give the neutral element.
  let arguments = (ins Lutra_ReduceKind:$kind, Lutra_Tensor:$input, DenseI64ArrayAttr:$axes);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    `` $kind $input `axes` `=` $axes attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_ArgReduceOp : Lutra_GraphOp<"arg_reduce"> {
  let summary = "index of the maximum or minimum along one axis, which keeps size 1";
  let arguments = (ins Lutra_ReduceKind:$kind, Lutra_Tensor:$input, I64Attr:$axis,
                       UnitAttr:$select_last);
  let results = (outs RankedTensorOf<[I64]>:$result);
  let assemblyFormat = "`` $kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_CumulativeOp : Lutra_GraphOp<"cumulative", [SameOperandsAndResultType]> {
  let summary = "running sum, product, maximum or minimum along one axis";
  let arguments = (ins Lutra_ReduceKind:$kind, Lutra_Tensor:$input, I64Attr:$axis,
                       UnitAttr:$exclusive, UnitAttr:$reverse);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "`` $kind $input attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Lutra_TopKOp : Lutra_GraphOp<"top_k"> {
  let summary = "the k largest or smallest elements along one axis, sorted, and their indices";
  // Ties: lower index first. k is the result's (static or dynamic) size, given by `k` (index).
  let arguments = (ins Lutra_Tensor:$input, Index:$k, I64Attr:$axis, BoolAttr:$largest);
  let results = (outs Lutra_Tensor:$values, RankedTensorOf<[I64]>:$indices);
  let assemblyFormat = [{
    $input `,` $k attr-dict `:` type($input) `->` type($values) `,` type($indices)
  }];
  let hasVerifier = 1;
}

#endif
