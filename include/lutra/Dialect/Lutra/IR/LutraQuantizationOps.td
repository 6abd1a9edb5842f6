//===- LutraQuantizationOps.td - codes and values --------------------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAQUANTIZATIONOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAQUANTIZATIONOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_QuantizeOp : Lutra_GraphOp<"quantize"> {
  let summary = "code = saturate(round_half_even(x / scale) + zero_point)";
  // scale, zero_point: rank 0 (per tensor); rank 1 along `axis` (per channel); or the rank of input,
  // with size ceil(d / block) along `axis` (per block of `block` elements).
  let arguments = (ins Lutra_FloatTensor:$input, Lutra_FloatTensor:$scale,
                       Optional<Lutra_Tensor>:$zero_point, I64Attr:$axis, I64Attr:$block);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    $input `scale` `(` $scale `:` type($scale) `)`
    (`zero_point` `(` $zero_point^ `:` type($zero_point) `)`)?
    attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_DequantizeOp : Lutra_GraphOp<"dequantize"> {
  let summary = "x = (code - zero_point) * scale";
  let arguments = (ins Lutra_Tensor:$input, Lutra_FloatTensor:$scale,
                       Optional<Lutra_Tensor>:$zero_point, I64Attr:$axis, I64Attr:$block);
  let results = (outs Lutra_FloatTensor:$result);
  let assemblyFormat = [{
    $input `scale` `(` $scale `:` type($scale) `)`
    (`zero_point` `(` $zero_point^ `:` type($zero_point) `)`)?
    attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_DecodeOp : Lutra_GraphOp<"decode"> {
  let summary = "the values that an encoded tensor stands for";
  let arguments = (ins Lutra_Tensor:$input);
  let results = (outs Lutra_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_PackOp : Lutra_GraphOp<"pack"> {
  let summary = "the same matrix under another packing";
  // Types differ in their #lutra.packing alone. On a constant it is done at compile time.
  let arguments = (ins Lutra_Tensor:$input);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

#endif
