//===- LutraMovementOps.td - elements move, values do not change -----------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAMOVEMENTOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAMOVEMENTOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_MovementGroup : OpDocGroup {
  let summary = "Movement ops";
  let description = [{
    Elements move, values do not change. A shape computed at run time comes as index values:
    `sizes` has one for each dynamic dimension of the result, in order. An axis counts from 0 and is
    never negative.
  }];
}

let opDocGroup = Lutra_MovementGroup in {

def Lutra_ConstantOp : Lutra_GraphOp<"constant", [ConstantLike,
    AllTypesMatch<["value", "result"]>]> {
  let summary = "a small constant tensor";
  let description = [{
    Shapes: `result` has the type of `value`.

    Semantics: result = value. Large weights are `lutra.global`, so that a module prints on few pages.

    Errors: none; the type of `result` is read from `value`.

    Example:
    ```mlir
    %r = lutra.constant dense<[1.0, 2.0]> : tensor<2xf32>
    ```
    Source: common to all front ends.
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

def Lutra_IotaOp : Lutra_GraphOp<"iota"> {
  let summary = "the index along one axis: start 0, step 1";
  let description = [{
    Shapes: `result` of any rank from 1; `sizes` gives its dynamic dimensions.

    Semantics: result[i0, i1, ..] = i_axis, converted to the element type (integers wrap).

    Errors: (E1) `axis` is outside the rank. (E2) `sizes` does not have one value for each dynamic
    dimension. (E3) the elements are neither integers (wider than i1) nor floats.

    Example:
    ```mlir
    %r = lutra.iota(%n) {axis = 0 : i64} : tensor<?xi64>
    ```
    Source: ONNX Range and torch.arange are iota with a product and a sum.
  }];
  let arguments = (ins Variadic<Index>:$sizes, I64Attr:$axis);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "`(` $sizes `)` attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Lutra_FromIndexOp : Lutra_GraphOp<"from_index"> {
  let summary = "a rank-0 tensor that holds an index value";
  let description = [{
    Shapes: `result` has rank 0.

    Semantics: result = value, low bits kept. It carries a size computed at run time back into the graph.

    Errors: (E1) `result` does not have rank 0.

    Example:
    ```mlir
    %r = lutra.from_index %n : tensor<i64>
    ```
    Source: ONNX Shape and Size whose result is used as data.
  }];
  let arguments = (ins Index:$value);
  let results = (outs RankedTensorOf<[I32, I64]>:$result);
  let assemblyFormat = "$value attr-dict `:` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Lutra_ReshapeOp : Lutra_GraphOp<"reshape"> {
  let summary = "the same elements in row-major order under another shape";
  let description = [{
    Shapes: `input` and `result` have the same number of elements; `sizes` gives the dynamic
    dimensions of `result`.

    Semantics: the element at row-major position p of `result` is the one at p of `input`. That run-time
    sizes agree is the producer's duty; nothing checks it.

    Errors: (E1) `sizes` does not have one value for each dynamic dimension. (E2) the numbers of
    elements differ, or no value of the dynamic sizes can make them equal. (E3) the element types differ.

    Example:
    ```mlir
    %r = lutra.reshape %x [%n] : tensor<?x6xf32> -> tensor<?x2x3xf32>
    ```
    Source: common to ONNX, PyTorch and MIL.
  }];
  let arguments = (ins Lutra_Tensor:$input, Variadic<Index>:$sizes);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "$input `[` $sizes `]` attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Lutra_TransposeOp : Lutra_GraphOp<"transpose"> {
  let summary = "result dimension i is input dimension permutation[i]";
  let description = [{
    Shapes: result size i = input size permutation[i].

    Semantics: result[j0, j1, ..] = input[i0, i1, ..] where i_permutation[d] = j_d.

    Errors: (E1) `permutation` does not name each dimension of `input` once. (E2) `result` has
    another shape than the permuted one. (E3) the element types differ.

    Example:
    ```mlir
    %r = lutra.transpose %x [1, 0] : tensor<?x5xf32> -> tensor<5x?xf32>
    ```
    Source: common to ONNX, PyTorch and MIL.
  }];
  let arguments = (ins Lutra_Tensor:$input, DenseI64ArrayAttr:$permutation);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "$input $permutation attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Lutra_ExpandOp : Lutra_GraphOp<"expand"> {
  let summary = "broadcast of the input to a shape";
  let description = [{
    Shapes: aligned at the last dimension, each size of `input` is 1 or that of `result`; `sizes`
    gives the dynamic dimensions of `result`.

    Semantics: result[.., i, ..] = input[.., i or 0, ..]. A dynamic input size is either 1 or the
    result's; which one is decided at run time. This is the only op that repeats a dynamic dimension.

    Errors: (E1) `sizes` does not have one value for each dynamic dimension. (E2) `input` does not
    broadcast to the shape of `result`. (E3) the element types differ.

    Example:
    ```mlir
    %r = lutra.expand %x [%n] : tensor<1x5xf32> -> tensor<?x5xf32>
    ```
    Source: ONNX Expand, torch.Tensor.expand.
  }];
  let arguments = (ins Lutra_Tensor:$input, Variadic<Index>:$sizes);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "$input `[` $sizes `]` attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Lutra_SliceOp : Lutra_GraphOp<"slice", [AttrSizedOperandSegments]> {
  let summary = "result[i] = input[offset + i * step] in each dimension";
  let description = [{
    Shapes: `result` has the rank of `input`; `sizes` gives its dynamic dimensions.

    Semantics: result[i0, i1, ..] = input[o0 + i0 * steps[0], ..]. `static_offsets` holds
    ShapedType::kDynamic where the next of `offsets` gives the value (the two print as one list). A
    step may be negative; its offset is then the largest index. Offsets are already clamped and
    count from the start.

    Errors: (E1) `static_offsets` or `steps` does not have one entry for each dimension of `input`,
    or `result` has another rank. (E2) `offsets` does not have one value for each dynamic offset.
    (E3) `sizes` does not have one value for each dynamic dimension. (E4) a step is 0. (E5) the slice
    leaves a static extent. (E6) the element types differ.

    Example:
    ```mlir
    %r = lutra.slice %x[%o, 7] sizes [%n] steps [1, -2] : tensor<?x8xf32> -> tensor<?x4xf32>
    ```
    Source: ONNX Slice, Python slices.
  }];
  let arguments = (ins Lutra_Tensor:$input, Variadic<Index>:$offsets, Variadic<Index>:$sizes,
                       DenseI64ArrayAttr:$static_offsets, DenseI64ArrayAttr:$steps);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    $input `` custom<DynamicIndexList>($offsets, $static_offsets) `sizes` ` ` `[` $sizes `]` `steps` $steps
    attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Lutra_ConcatOp : Lutra_GraphOp<"concat"> {
  let summary = "tensors joined along one axis";
  let description = [{
    Shapes: all `inputs` and `result` agree but at `axis`, where the sizes of `inputs` add up.

    Semantics: the inputs one after another along `axis`.

    Errors: (E1) no inputs. (E2) `axis` is outside the rank. (E3) an input differs from `result` in
    rank or elsewhere than at `axis`. (E4) the sizes along `axis` do not add up to the result's.
    (E5) the element types differ.

    Example:
    ```mlir
    %r = lutra.concat %x, %y {axis = 1 : i64}
           : (tensor<?x5xf32>, tensor<?x2xf32>) -> tensor<?x7xf32>
    ```
    Source: common to ONNX, PyTorch and MIL.
  }];
  let arguments = (ins Variadic<Lutra_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type($inputs, results)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Lutra_PadOp : Lutra_GraphOp<"pad", [AttrSizedOperandSegments]> {
  let summary = "elements added (or cut) before and after each dimension";
  let description = [{
    Shapes: result size = low + input size + high; `value` has rank 0.

    Semantics: `constant` adds `value`; `edge` repeats the border; `reflect` mirrors about the border
    element; `wrap` continues at the other end. A negative amount cuts. `static_low` and
    `static_high` hold ShapedType::kDynamic where the next of `low` and `high` gives the value (each
    pair prints as one list). `value` is unused, but present, in the other modes.

    Errors: (E1) `static_low` or `static_high` does not have one entry for each dimension, or
    `result` has another rank. (E2) `low` or `high` does not have one value for each dynamic amount.
    (E3) `value` is not a rank-0 tensor of the input's elements. (E4) `result` has another size than
    low + input + high. (E5) `reflect` by more than the extent less 1, or `wrap` or `edge` of nothing. (E6) the element
    types differ.

    Example:
    ```mlir
    %r = lutra.pad<constant> %x, %v low [%o, 0] high [0, 2]
           : tensor<?x8xf32>, tensor<f32> -> tensor<?x10xf32>
    ```
    Source: ONNX Pad, torch.nn.functional.pad.
  }];
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
  let hasFolder = 1;
}

def Lutra_GatherOp : Lutra_GraphOp<"gather"> {
  let summary = "slices of the input at indices along one axis";
  let description = [{
    Shapes: result = input[: axis] ++ indices ++ input[axis + 1 :].

    Semantics: result[a.., j.., b..] = input[a.., indices[j..], b..]. A negative index counts from the
    end; one that is still outside is silently clamped, to 0 or the last (no trap and no check at run time). So any
    8-bit index, with or without a sign, picks the entry of its bit pattern from an axis of size 256.

    Errors: (E1) `axis` is outside the rank of `input`. (E2) `result` has another shape. (E3) the
    element types of `input` and `result` differ.

    Example:
    ```mlir
    %r = lutra.gather %x, %i {axis = 0 : i64} : (tensor<9x5xf32>, tensor<?xi64>) -> tensor<?x5xf32>
    ```
    Source: ONNX Gather, numpy.take.
  }];
  let arguments = (ins Lutra_Tensor:$input, RankedTensorOf<[I8, UI8, I32, I64]>:$indices, I64Attr:$axis);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    $input `,` $indices attr-dict `:` `(` type($input) `,` type($indices) `)` `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// Whether codes of 8 bits pick single elements, one for each bit pattern.
    bool isByteTable();
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Lutra_GatherElementsOp : Lutra_GraphOp<"gather_elements"> {
  let summary = "one element for each index, along one axis";
  let description = [{
    Shapes: `indices` and `result` have one shape, of the rank of `input`, and are nowhere but at
    `axis` larger than `input`.

    Semantics: result[.., j, ..] = input[.., indices[.., j, ..], ..]. Indices are clamped as in `lutra.gather`.

    Errors: (E1) `axis` is outside the rank, or the ranks differ. (E2) `indices` exceeds `input`
    elsewhere than at `axis`. (E3) `result` has another shape than `indices`. (E4) the element types
    of `input` and `result` differ.

    Example:
    ```mlir
    %r = lutra.gather_elements %x, %i {axis = 1 : i64}
           : (tensor<?x5xf32>, tensor<?x3xi64>) -> tensor<?x3xf32>
    ```
    Source: ONNX GatherElements, torch.gather, numpy.take_along_axis.
  }];
  let arguments = (ins Lutra_Tensor:$input, Lutra_IndexTensor:$indices, I64Attr:$axis);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    $input `,` $indices attr-dict `:` `(` type($input) `,` type($indices) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_GatherNdOp : Lutra_GraphOp<"gather_nd"> {
  let summary = "slices of the input at index tuples";
  let description = [{
    Shapes: with b = `batch_dims` and tuples of t = last size of `indices`: result =
    indices[: -1] ++ input[b + t :].

    Semantics: result[n.., j.., r..] = input[n.., indices[n.., j.., 0 .. t], r..], n the b batch
    positions. Indices are clamped as in `lutra.gather`.

    Errors: (E1) `batch_dims` is not below both ranks. (E2) t is dynamic, or b + t exceeds the rank of
    `input`. (E3) the batch sizes differ. (E4) `result` has another shape. (E5) the element types of
    `input` and `result` differ.

    Example:
    ```mlir
    %r = lutra.gather_nd %x, %i {batch_dims = 0 : i64}
           : (tensor<9x5x4xf32>, tensor<?x2xi64>) -> tensor<?x4xf32>
    ```
    Source: ONNX GatherND.
  }];
  let arguments = (ins Lutra_Tensor:$input, Lutra_IndexTensor:$indices, I64Attr:$batch_dims);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    $input `,` $indices attr-dict `:` `(` type($input) `,` type($indices) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_ScatterElementsOp : Lutra_GraphOp<"scatter_elements"> {
  let summary = "a copy of the input with single elements replaced or combined along one axis";
  let description = [{
    Shapes: `indices` and `updates` have one shape, of the rank of `input`; `result` has the type of
    `input`.

    Semantics: result = input; then, in row-major order of `indices`, result[.., indices[.., j, ..], ..]
    = kind(that element, updates[.., j, ..]), where `set` takes the update. Indices are clamped as in `lutra.gather`.

    Errors: (E1) `axis` is outside the rank, or the ranks differ. (E2) `updates` has another shape
    than `indices`. (E3) `result` has another type than `input`. (E4) `updates` has other elements
    than `input`.

    Example:
    ```mlir
    %r = lutra.scatter_elements<add> %x, %i, %u {axis = 1 : i64}
           : (tensor<?x5xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x5xf32>
    ```
    Source: ONNX ScatterElements, torch.scatter.
  }];
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
  let description = [{
    Shapes: with tuples of t = last size of `indices`: updates = indices[: -1] ++ input[t :]; `result`
    has the type of `input`.

    Semantics: result = input; then, in row-major order of the tuples, result[indices[j.., 0 .. t],
    r..] = kind(that element, updates[j.., r..]). Indices are clamped as in `lutra.gather`.

    Errors: (E1) t is dynamic or exceeds the rank of `input`. (E2) `updates` has another shape.
    (E3) `result` has another type than `input`. (E4) `updates` has other elements than `input`.

    Example:
    ```mlir
    %r = lutra.scatter_nd<set> %x, %i, %u
           : (tensor<9x5xf32>, tensor<?x1xi64>, tensor<?x5xf32>) -> tensor<9x5xf32>
    ```
    Source: ONNX ScatterND, torch.index_put.
  }];
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
  let description = [{
    Shapes: `result` has the rank of `input`; `sizes` gives its dynamic dimensions, `scales` one
    factor (result / input, as the coordinate transform uses it) for each dimension.

    Semantics: the source coordinate of result index i along a dimension is, by `coordinates`:
    half_pixel (i + 0.5) / scale - 0.5; pytorch_half_pixel the same, or 0 where the result has size
    1; align_corners i (in - 1) / (out - 1); asymmetric i / scale. `nearest` rounds it by `rounding`;
    `linear` and `cubic` (Keys with `cubic_coefficient`) interpolate in each dimension, clamped to
    the border; `exclude_outside` gives weights outside 0 and rescales the others.

    Errors: (E1) `result` has another rank than `input`, or `scales` another length. (E2) `sizes`
    does not have one value for each dynamic dimension. (E3) a scale is not positive and finite.
    (E4) the element types differ.

    Example:
    ```mlir
    %r = lutra.resize<nearest> %x [] {scales = array<f64: 1.0, 2.0>,
           coordinates = #lutra.resize_coordinates<asymmetric>,
           rounding = #lutra.resize_rounding<floor>, cubic_coefficient = -0.75 : f64}
           : tensor<3x4xf32> -> tensor<3x8xf32>
    ```
    Source: ONNX Resize, torch.nn.functional.interpolate.
  }];
  let arguments = (ins Lutra_Tensor:$input, Variadic<Index>:$sizes, DenseF64ArrayAttr:$scales,
                       Lutra_ResizeMode:$mode, Lutra_ResizeCoordinates:$coordinates,
                       Lutra_ResizeRounding:$rounding, F64Attr:$cubic_coefficient,
                       UnitAttr:$exclude_outside);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "`` $mode $input `[` $sizes `]` attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

} // opDocGroup

#endif
