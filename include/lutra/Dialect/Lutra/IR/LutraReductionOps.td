//===- LutraReductionOps.td - many elements to one, running sums, selection ===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAREDUCTIONOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAREDUCTIONOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_ReductionGroup : OpDocGroup {
  let summary = "Reduction ops";
  let description = [{
    Many elements to one, running sums and selection. Reduced dimensions stay in the shape with size
    1; an importer that must drop them adds a `lutra.reshape`.
  }];
}

let opDocGroup = Lutra_ReductionGroup in {

def Lutra_ReduceOp : Lutra_GraphOp<"reduce"> {
  let summary = "sum, product, maximum or minimum along axes, which keep size 1";
  let description = [{
    Shapes: `result` is the shape of `input` with 1 at each of `axes`, which are sorted and unique.

    Semantics: result[..1..] = kind over the elements along `axes`. No element gives the neutral
    element: 0, 1, the lowest or the highest value. A NaN makes the result NaN. The order of a sum of
    floats is free. Integers wrap. On truth values `max` is "any" and `min` is "all".

    Errors: (E1) `axes` are not sorted, unique and inside the rank. (E2) `result` has another shape
    than the reduced one. (E3) the element types differ. (E4) `sum` or `prod` of truth values.

    Example:
    ```mlir
    %r = lutra.reduce<sum> %x axes = [1] : tensor<?x5xf32> -> tensor<?x1xf32>
    ```
    Source: common to ONNX, PyTorch and MIL.
  }];
  let arguments = (ins Lutra_ReduceKind:$kind, Lutra_Tensor:$input, DenseI64ArrayAttr:$axes);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    `` $kind $input `axes` `=` $axes attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Lutra_ArgReduceOp : Lutra_GraphOp<"arg_reduce"> {
  let summary = "index of the maximum or minimum along one axis, which keeps size 1";
  let description = [{
    Shapes: `result` is the shape of `input` with 1 at `axis`.

    Semantics: the first (with `select_last` the last) index whose element equals the maximum or
    minimum. Elements that are NaN win.

    Errors: (E1) `kind` is neither `max` nor `min`. (E2) `axis` is outside the rank. (E3) `result`
    has another shape than the reduced one.

    Example:
    ```mlir
    %r = lutra.arg_reduce<max> %x {axis = 1 : i64} : tensor<?x5xf32> -> tensor<?x1xi64>
    ```
    Source: ONNX ArgMax and ArgMin, torch.argmax.
  }];
  let arguments = (ins Lutra_ReduceKind:$kind, Lutra_Tensor:$input, I64Attr:$axis,
                       UnitAttr:$select_last);
  let results = (outs RankedTensorOf<[I64]>:$result);
  let assemblyFormat = "`` $kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_CumulativeOp : Lutra_GraphOp<"cumulative", [SameOperandsAndResultType]> {
  let summary = "running sum, product, maximum or minimum along one axis";
  let description = [{
    Shapes: `input` and `result` have one type.

    Semantics: result[i] = kind over input[0..i] along `axis`; with `exclusive` over input[0..i-1]
    (the first is the neutral element); with `reverse` from the other end.

    Errors: (E1) `axis` is outside the rank. (E2) the elements are truth values.

    Example:
    ```mlir
    %r = lutra.cumulative<sum> %x {axis = 0 : i64, exclusive} : tensor<?x5xf32>
    ```
    Source: ONNX CumSum, torch.cumsum.
  }];
  let arguments = (ins Lutra_ReduceKind:$kind, Lutra_Tensor:$input, I64Attr:$axis,
                       UnitAttr:$exclusive, UnitAttr:$reverse);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "`` $kind $input attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Lutra_TopKOp : Lutra_GraphOp<"top_k"> {
  let summary = "the k largest or smallest elements along one axis, sorted, and their indices";
  let description = [{
    Shapes: `values` and `indices` have the shape of `input`, but `k` at `axis`.

    Semantics: the `k` largest (or smallest) elements in falling (or rising) order; of equal elements
    the lower index first; NaN counts as the largest.

    Errors: (E1) `axis` is outside the rank. (E2) `values` or `indices` differ from the shape of
    `input` elsewhere than at `axis`, or from each other. (E3) `values` has other elements than
    `input`. (E4) the result's static size along `axis` exceeds the input's or differs from a constant `k`.

    Example:
    ```mlir
    %v, %i = lutra.top_k %x, %k {axis = 1 : i64, largest = true}
               : tensor<?x5xf32> -> tensor<?x3xf32>, tensor<?x3xi64>
    ```
    Source: ONNX TopK, torch.topk.
  }];
  let arguments = (ins Lutra_Tensor:$input, Index:$k, I64Attr:$axis, BoolAttr:$largest);
  let results = (outs Lutra_Tensor:$values, RankedTensorOf<[I64]>:$indices);
  let assemblyFormat = [{
    $input `,` $k attr-dict `:` type($input) `->` type($values) `,` type($indices)
  }];
  let hasVerifier = 1;
}

} // opDocGroup

#endif
