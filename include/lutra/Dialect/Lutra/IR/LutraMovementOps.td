//===- LutraMovementOps.td - elements move, values do not change -----------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAMOVEMENTOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAMOVEMENTOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_ConstantOp : Lutra_GraphOp<"constant", [ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "a small constant tensor";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Lutra_IotaOp : Lutra_GraphOp<"iota"> {
  let summary = "the index along one axis: start 0, step 1";
  let arguments = (ins Variadic<Index>:$sizes, I64Attr:$axis);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "`(` $sizes `)` attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Lutra_FromIndexOp : Lutra_GraphOp<"from_index"> {
  let summary = "a rank-0 tensor that holds an index value (a size computed at run time)";
  let arguments = (ins Index:$value);
  let results = (outs RankedTensorOf<[I32, I64]>:$result);
  let assemblyFormat = "$value attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Lutra_ReshapeOp : Lutra_GraphOp<"reshape"> {
  let summary = "the same elements in row-major order under another shape";
  // sizes: one index per dynamic dimension of the result, in order. Products must agree.
  let arguments = (ins Lutra_Tensor:$input, Variadic<Index>:$sizes);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "$input `[` $sizes `]` attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Lutra_TransposeOp : Lutra_GraphOp<"transpose"> {
  let summary = "result dimension i is input dimension permutation[i]";
  let arguments = (ins Lutra_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "$input $permutation attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Lutra_ExpandOp : Lutra_GraphOp<"expand"> {
  let summary = "NumPy broadcast of the input to a shape";
  // A dynamic input size is either 1 or the result's size; which one is decided at run time.
  let arguments = (ins Lutra_Tensor:$input, Variadic<Index>:$sizes);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "$input `[` $sizes `]` attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_SliceOp : Lutra_GraphOp<"slice", [AttrSizedOperandSegments]> {
  let summary = "result[i] = input[offset + i * step] in each dimension";
  // static_offsets holds ShapedType::kDynamic where the next of `offsets` gives the value; steps may
  // be negative (offset is then the first, largest index). sizes: one per dynamic result dimension.
  let arguments = (ins Lutra_Tensor:$input, Variadic<Index>:$offsets, Variadic<Index>:$sizes,
                       DenseI64ArrayAttr:$static_offsets, DenseI64ArrayAttr:$steps);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    $input `` custom<DynamicIndexList>($offsets, $static_offsets) `sizes` ` ` `[` $sizes `]` `steps` $steps
    attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_ConcatOp : Lutra_GraphOp<"concat"> {
  let summary = "tensors joined along one axis";
  let arguments = (ins Variadic<Lutra_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type($inputs, results)";
  let hasVerifier = 1;
}

def Lutra_PadOp : Lutra_GraphOp<"pad", [AttrSizedOperandSegments]> {
  let summary = "elements added before and after each dimension";
  // static_low/static_high hold kDynamic where `low`/`high` give the value; negative crops.
  let arguments = (ins Lutra_Tensor:$input, Lutra_Tensor:$value, Variadic<Index>:$low,
                       Variadic<Index>:$high, DenseI64ArrayAttr:$static_low,
                       DenseI64ArrayAttr:$static_high, Lutra_PadMode:$mode);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    `` $mode $input `,` $value `low` custom<DynamicIndexList>($low, $static_low)
    `high` custom<DynamicIndexList>($high, $static_high)
    attr-dict `:` type($input) `,` type($value) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_GatherOp : Lutra_GraphOp<"gather"> {
  let summary = "slices of the input at indices along one axis (NumPy take)";
  // result shape = input[:axis] ++ indices ++ input[axis+1:]; negative indices count from the end;
  // an index outside is clamped (no trap at run time).
  let arguments = (ins Lutra_Tensor:$input, Lutra_IndexTensor:$indices, I64Attr:$axis);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    $input `,` $indices attr-dict `:` `(` type($input) `,` type($indices) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_GatherElementsOp : Lutra_GraphOp<"gather_elements"> {
  let summary = "one element for each index, along one axis (NumPy take_along_axis)";
  let arguments = (ins Lutra_Tensor:$input, Lutra_IndexTensor:$indices, I64Attr:$axis);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    $input `,` $indices attr-dict `:` `(` type($input) `,` type($indices) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_GatherNdOp : Lutra_GraphOp<"gather_nd"> {
  let summary = "slices of the input at index tuples";
  let arguments = (ins Lutra_Tensor:$input, Lutra_IndexTensor:$indices, I64Attr:$batch_dims);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    $input `,` $indices attr-dict `:` `(` type($input) `,` type($indices) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_ScatterElementsOp : Lutra_GraphOp<"scatter_elements"> {
  let summary = "a copy of the input with single elements replaced or combined along one axis";
  let arguments = (ins Lutra_Tensor:$input, Lutra_IndexTensor:$indices, Lutra_Tensor:$updates,
                       I64Attr:$axis, Lutra_ScatterKind:$kind);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    `` $kind $input `,` $indices `,` $updates attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Lutra_ScatterNdOp : Lutra_GraphOp<"scatter_nd"> {
  let summary = "a copy of the input with slices replaced or combined at index tuples";
  let arguments = (ins Lutra_Tensor:$input, Lutra_IndexTensor:$indices, Lutra_Tensor:$updates,
                       Lutra_ScatterKind:$kind);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    `` $kind $input `,` $indices `,` $updates attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Lutra_ResizeOp : Lutra_GraphOp<"resize"> {
  let summary = "interpolation to another size";
  // scales: one per dimension, output/input as used by the coordinate transform. sizes: one per
  // dynamic result dimension.
  let arguments = (ins Lutra_Tensor:$input, Variadic<Index>:$sizes, DenseF64ArrayAttr:$scales,
                       Lutra_ResizeMode:$mode, Lutra_ResizeCoordinates:$coordinates,
                       Lutra_ResizeRounding:$rounding, F64Attr:$cubic_coefficient,
                       UnitAttr:$exclude_outside);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "`` $mode $input `[` $sizes `]` attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

#endif
