//===- LutraProductOps.td - matmul and convolution -------------------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAPRODUCTOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAPRODUCTOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_MatmulOp : Lutra_GraphOp<"matmul"> {
  let summary = "batched matrix product";
  // lhs [B.., M, K] ([B.., K, M] with transpose_lhs), rhs [B.., K, N] ([B.., N, K] with
  // transpose_rhs) or rank 2 for all batches, result [B.., M, N]. Batch sizes are equal (no broadcast).
  // Integer operands (i8, ui8) accumulate in i32 = the result type. rhs may be packed (encoding
  // attribute #lutra.packing on its type): then its logical shape still is [K, N].
  let arguments = (ins Lutra_Tensor:$lhs, Lutra_Tensor:$rhs, UnitAttr:$transpose_lhs,
                       UnitAttr:$transpose_rhs, OptionalAttr<Lutra_StrategyAttr>:$strategy);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs attr-dict `:` `(` type($lhs) `,` type($rhs) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_ConvOp : Lutra_GraphOp<"conv"> {
  let summary = "convolution (cross-correlation) over 1 to 3 spatial dimensions";
  // channels_first: input [B, C, D..], filter [F, C/groups, k..], result [B, F, o..].
  // channels_last: input [B, D.., C], filter [k.., C/groups, F], result [B, o.., F].
  // o = (d + low + high - dilation * (k - 1) - 1) / stride + 1. Zero padding.
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
  // channels_first only: input [B, C, D..], filter [C, F/groups, k..], result [B, F, o..].
  // o = (d - 1) * stride + dilation * (k - 1) + 1 + output_padding - low - high.
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
  // Padding never wins a maximum; it counts in an average only with count_padding (then the divisor is
  // the window size clipped to the padded extent).
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
  // input [S, B, I]; weights [D, 4H, I], gates in order i, o, f, c (ONNX); recurrence [D, 4H, H];
  // bias [D, 8H]; initial_h, initial_c [D, B, H]; outputs: sequence [S, D, B, H], last h and c [D, B, H].
  let arguments = (ins Lutra_FloatTensor:$input, Lutra_FloatTensor:$weights,
                       Lutra_FloatTensor:$recurrence, Lutra_FloatTensor:$bias,
                       Lutra_FloatTensor:$initial_h, Lutra_FloatTensor:$initial_c,
                       Lutra_RecurrentDirection:$direction);
  let results = (outs Lutra_FloatTensor:$sequence, Lutra_FloatTensor:$last_h,
                      Lutra_FloatTensor:$last_c);
  let assemblyFormat = "`` $direction operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif
