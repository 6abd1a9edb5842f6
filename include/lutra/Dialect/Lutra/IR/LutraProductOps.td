//===- LutraProductOps.td - matmul, convolution, pooling, recurrences ------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAPRODUCTOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAPRODUCTOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_ProductGroup : OpDocGroup {
  let summary = "Product ops";
  let description = [{
    Sums of products: matrix products, convolutions, recurrences, and pooling, which shares the
    windows of convolutions. `channels_first` is [batch, channels, spatial..], `channels_last` is
    [batch, spatial.., channels]. Products of 8- and 16-bit integers, signed or not in any mixture (codes,
    or their distances from a zero point), accumulate in i32 modulo 2^32; float products may be summed in
    any order in at least f32.
  }];
}

let opDocGroup = Lutra_ProductGroup in {

def Lutra_MatmulOp : Lutra_GraphOp<"matmul"> {
  let summary = "batched matrix product";
  let description = [{
    Shapes: `lhs` [B.., M, K] ([B.., K, M] with `transpose_lhs`), `rhs` [B.., K, N] ([B.., N, K] with
    `transpose_rhs`) or of rank 2 for all batches, `result` [B.., M, N]. Batch sizes are equal.

    Semantics: result[b.., m, n] = sum over k of lhs[b.., m, k] * rhs[b.., k, n]. Operands of 8- or 16-bit
    integers in any mixture give i32. `rhs` may carry an encoding and a packing; its shape
    stays the logical one. Where that encoding has an activation form, a product may round `lhs` to it first, and
    nothing further. With `scale` [B.., M, ceil(K / block)] the elements of `lhs` are i8 codes that stand
    for lhs[b.., m, k] * scale[b.., m, k / block]: from -127 to 127, or from -128 on where every target takes that
    beside the values of `rhs` (lutra-quantize-activations); where the activation form of `rhs` is symmetric
    integers of fewer bits b, from -(2^(b - 1) - 1) to 2^(b - 1) - 1, and of one bit 1 and -1. With `rounds_rhs` each
    value of an encoded `rhs` may move by 0.6 of a 127th of the greatest magnitude that any codes would stand for in
    its column of the result. `strategy` is written by the strategy chooser and changes no value beyond rounding.

    Errors: (E1) the ranks are not those above. (E2) `lhs` and `rhs` differ in K. (E3) batch sizes
    differ. (E4) `result` has another shape. (E5) the element types do not fit: floats of one type (a
    result may be wider), 8- and 16-bit integers to i32, or wider integers of one type; with `scale` i8, and floats of
    one type otherwise. (E6) `scale` has another shape, `block` is below 1 with it or not 0 without it, or
    `transpose_lhs` is set with it.

    Example:
    ```mlir
    %r = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
    ```
    Source: common to ONNX, PyTorch and MIL.
  }];
  let arguments = (ins Lutra_Tensor:$lhs, Lutra_Tensor:$rhs, Optional<Lutra_FloatTensor>:$scale,
                       UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs,
                       DefaultValuedAttr<I64Attr, "0">:$block, OptionalAttr<Lutra_StrategyAttr>:$strategy,
                       UnitAttr:$rounds_rhs);
  let results = (outs Lutra_Tensor:$result);
  let builders = [OpBuilder<(ins "mlir::Type":$result, "mlir::Value":$lhs, "mlir::Value":$rhs, "bool":$transposeLhs,
                                 "bool":$transposeRhs, "StrategyAttr":$strategy), [{
    build($_builder, $_state, result, lhs, rhs, mlir::Value(), transposeLhs, transposeRhs, /*block=*/0, strategy);
  }]>];
  let assemblyFormat = [{
    $lhs `,` $rhs (`scale` `(` $scale^ `:` type($scale) `)`)? attr-dict
    `:` `(` type($lhs) `,` type($rhs) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_ConvOp : Lutra_GraphOp<"conv"> {
  let summary = "convolution (cross-correlation) over 1 to 3 spatial dimensions";
  let description = [{
    Shapes: `channels_first`: input [B, C, d..], filter [F, C/groups, k..], result [B, F, o..];
    `channels_last`: input [B, d.., C], filter [k.., C/groups, F], result [B, o.., F], with
    o = (d + low + high - dilation * (k - 1) - 1) / stride + 1, rounded down.

    Semantics: result[b, f, o] = sum over c, k of input[b, c, o * stride - low + k * dilation] *
    filter[f, c, k], where the input reads 0 outside and group g's filters see the g-th part of the channels.

    Errors: (E1) the ranks are not equal and in 3 .. 5. (E2) an attribute list does not have one
    entry for each spatial dimension. (E3) a stride or dilation or `groups` is below 1, or a padding is
    negative. (E4) channels or filters do not fit `groups`. (E5) a window size is dynamic. (E6)
    `result` has another shape. (E7) the element types do not fit (as in `lutra.matmul`).

    Example:
    ```mlir
    %r = lutra.conv<channels_last> %x, %f {strides = array<i64: 2, 2>, low = array<i64: 1, 1>,
           high = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
           : (tensor<?x8x8x3xf32>, tensor<3x3x3x16xf32>) -> tensor<?x4x4x16xf32>
    ```
    Source: common to ONNX, PyTorch and MIL.
  }];
  let arguments = (ins Lutra_Tensor:$input, Lutra_Tensor:$filter, Lutra_ConvLayout:$layout,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high,
                       DenseI64ArrayAttr:$dilations, I64Attr:$groups,
                       OptionalAttr<Lutra_StrategyAttr>:$strategy);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    `` $layout $input `,` $filter attr-dict `:` `(` type($input) `,` type($filter) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_ConvTransposeOp : Lutra_GraphOp<"conv_transpose"> {
  let summary = "transposed convolution (the gradient of conv with respect to its input)";
  let description = [{
    Shapes: channels first alone: input [B, C, d..], filter [C, F/groups, k..], result [B, F, o..] with
    o = (d - 1) * stride + dilation * (k - 1) + 1 + output_padding - low - high.

    Semantics: result = 0; then each input[b, c, i] * filter[c, f, k] is added at
    result[b, f, i * stride + k * dilation - low] where that exists.

    Errors: (E1) the ranks are not equal and in 3 .. 5. (E2) an attribute list does not have one
    entry for each spatial dimension. (E3) a stride or dilation or `groups` is below 1, or an
    output padding is negative. (E4) channels do not fit `groups`. (E5) a window size or the number of filters is
    dynamic. (E6) `result` has another shape. (E7) the element types do not fit (as in `lutra.matmul`).

    Example:
    ```mlir
    %r = lutra.conv_transpose %x, %f {strides = array<i64: 2>, low = array<i64: 0>,
           high = array<i64: 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>,
           groups = 1 : i64} : (tensor<?x3x8xf32>, tensor<3x4x2xf32>) -> tensor<?x4x16xf32>
    ```
    Source: ONNX ConvTranspose, torch.nn.ConvTranspose.
  }];
  let arguments = (ins Lutra_Tensor:$input, Lutra_Tensor:$filter, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high,
                       DenseI64ArrayAttr:$output_padding, DenseI64ArrayAttr:$dilations,
                       I64Attr:$groups);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    $input `,` $filter attr-dict `:` `(` type($input) `,` type($filter) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_PoolOp : Lutra_GraphOp<"pool"> {
  let summary = "maximum or average over windows of 1 to 3 spatial dimensions";
  let description = [{
    Shapes: as `lutra.conv` with the channels kept; with r = d + low + high - dilation * (window - 1)
    - 1: o = floor(r / stride) + 1, or with `ceil_mode`
    o = min(ceil(r / stride) + 1, ceil((d + low) / stride)), so that no window starts behind the input.

    Semantics: the maximum or the mean of the window. Padding never wins a maximum. It counts in a
    mean only with `count_padding` (the divisor is then the window clipped to the padded extent);
    otherwise the divisor is the number of elements inside the input.

    Errors: (E1) the ranks are not equal and in 3 .. 5. (E2) an attribute list does not have one
    entry for each spatial dimension. (E3) a window, stride or dilation is below 1, or a padding is negative. (E4)
    `result` has another shape. (E5) the element types differ.

    Example:
    ```mlir
    %r = lutra.pool<max> %x {layout = #lutra.conv_layout<channels_first>,
           window = array<i64: 2, 2>, strides = array<i64: 2, 2>, low = array<i64: 0, 0>,
           high = array<i64: 0, 0>, dilations = array<i64: 1, 1>}
           : tensor<?x3x8x8xf32> -> tensor<?x3x4x4xf32>
    ```
    Source: ONNX MaxPool and AveragePool (version 22), torch.nn.MaxPool.
  }];
  let arguments = (ins Lutra_PoolKind:$kind, Lutra_Tensor:$input, Lutra_ConvLayout:$layout,
                       DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high,
                       DenseI64ArrayAttr:$dilations, UnitAttr:$count_padding, UnitAttr:$ceil_mode);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "`` $kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_LstmOp : Lutra_GraphOp<"lstm"> {
  let summary = "long short-term memory over a sequence";
  let description = [{
    Shapes: with D directions (2 if bidirectional, else 1) and H hidden units: input [S, B, I];
    weights [D, 4H, I], gates in the order i, o, f, c; recurrence [D, 4H, H]; bias [D, 8H] (of the
    input product, then of the recurrence); initial_h and initial_c [D, B, H]. Results: sequence [S, D, B, H], last_h
    and last_c [D, B, H].

    Semantics: g = x W^T + h R^T + b; c = sigmoid(f) * c + sigmoid(i) * tanh(c~); h = sigmoid(o) *
    tanh(c), step by step; a reverse direction starts at the last step and writes its own step's place.

    Errors: (E1) the ranks are not those above. (E2) D is not that of `direction`. (E3) sizes
    disagree with H, I, B or S. (E4) the element types differ.

    Example:
    ```mlir
    %y, %h, %c = lutra.lstm<forward> %x, %w, %r, %b, %h0, %c0
      : (tensor<?x1x4xf32>, tensor<1x32x4xf32>, tensor<1x32x8xf32>, tensor<1x64xf32>,
         tensor<1x1x8xf32>, tensor<1x1x8xf32>)
      -> (tensor<?x1x1x8xf32>, tensor<1x1x8xf32>, tensor<1x1x8xf32>)
    ```
    Source: ONNX LSTM, without peepholes and clipping.
  }];
  let arguments = (ins Lutra_FloatTensor:$input, Lutra_FloatTensor:$weights,
                       Lutra_FloatTensor:$recurrence, Lutra_FloatTensor:$bias,
                       Lutra_FloatTensor:$initial_h, Lutra_FloatTensor:$initial_c,
                       Lutra_RecurrentDirection:$direction);
  let results = (outs Lutra_FloatTensor:$sequence, Lutra_FloatTensor:$last_h,
                      Lutra_FloatTensor:$last_c);
  let assemblyFormat = "`` $direction operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

} // opDocGroup

#endif
