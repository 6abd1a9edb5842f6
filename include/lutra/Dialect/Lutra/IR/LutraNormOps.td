//===- LutraNormOps.td - normalisations along one axis ---------------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRANORMOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRANORMOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_SoftmaxOp : Lutra_GraphOp<"softmax", [SameOperandsAndResultType]> {
  let summary = "exp(x - max) / sum along one axis; its logarithm with `log`";
  let arguments = (ins Lutra_FloatTensor:$input, I64Attr:$axis, UnitAttr:$log);
  let results = (outs Lutra_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Lutra_LayerNormOp : Lutra_GraphOp<"layer_norm", [AttrSizedOperandSegments]> {
  let summary = "(x - mean) / sqrt(variance + epsilon) * scale + bias over the last `dims` dimensions";
  // scale and bias (optional) have the shape of the last `dims` dimensions of input.
  let arguments = (ins Lutra_FloatTensor:$input, Optional<Lutra_FloatTensor>:$scale,
                       Optional<Lutra_FloatTensor>:$bias, I64Attr:$dims, F64Attr:$epsilon);
  let results = (outs Lutra_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`scale` `(` $scale^ `:` type($scale) `)`)? (`bias` `(` $bias^ `:` type($bias) `)`)?
    attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_RmsNormOp : Lutra_GraphOp<"rms_norm"> {
  let summary = "x / sqrt(mean(x^2) + epsilon) * scale over the last `dims` dimensions";
  let arguments = (ins Lutra_FloatTensor:$input, Optional<Lutra_FloatTensor>:$scale, I64Attr:$dims,
                       F64Attr:$epsilon);
  let results = (outs Lutra_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`scale` `(` $scale^ `:` type($scale) `)`)? attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif
