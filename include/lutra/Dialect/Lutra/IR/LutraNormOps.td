//===- LutraNormOps.td - normalisations along the last axes ----------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRANORMOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRANORMOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_NormGroup : OpDocGroup {
  let summary = "Normalisation ops";
  let description = [{
    Each row is scaled by what the row itself holds. Sums are taken in f32 at least, whatever the
    element type.
  }];
}

let opDocGroup = Lutra_NormGroup in {

def Lutra_SoftmaxOp : Lutra_GraphOp<"softmax", [SameOperandsAndResultType]> {
  let summary = "exp(x - max) / sum along one axis; its logarithm with `log`";
  let description = [{
    Shapes: `input` and `result` have one type.

    Semantics: with m = max of the row, e[i] = exp(x[i] - m), s = sum of e: result[i] = e[i] / s; with
    `log`, result[i] = x[i] - m - log(s). A row of -inf alone gives NaN.

    Errors: (E1) `axis` is outside the rank.

    Example:
    ```mlir
    %r = lutra.softmax %x {axis = 1 : i64} : tensor<?x5xf32>
    ```
    Source: common to ONNX (since version 13), PyTorch and MIL.
  }];
  let arguments = (ins Lutra_FloatTensor:$input, I64Attr:$axis, UnitAttr:$log);
  let results = (outs Lutra_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def Lutra_LayerNormOp : Lutra_GraphOp<"layer_norm", [AttrSizedOperandSegments]> {
  let summary = "(x - mean) / sqrt(variance + epsilon) * scale + bias over the last `dims` dimensions";
  let description = [{
    Shapes: `result` has the type of `input`; `scale` and `bias`, where given, have the shape of its
    last `dims` dimensions.

    Semantics: with mean and variance (divided by the number of elements) over the last `dims`
    dimensions: result = (x - mean) / sqrt(variance + epsilon) * scale + bias.

    Errors: (E1) `dims` is not in 1 .. rank. (E2) `scale` or `bias` has another shape than the last
    `dims` dimensions. (E3) `result` has another type than `input`. (E4) `epsilon` is negative or not finite.

    Example:
    ```mlir
    %r = lutra.layer_norm %x scale(%g : tensor<5xf32>) bias(%b : tensor<5xf32>)
           {dims = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<?x5xf32> -> tensor<?x5xf32>
    ```
    Source: arXiv 1607.06450 (Layer Normalization).
  }];
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
  let description = [{
    Shapes: `result` has the type of `input`; `scale`, where given, has the shape of its last `dims`
    dimensions.

    Semantics: result = x / sqrt(mean of x^2 + epsilon) * scale, the mean over the last `dims`
    dimensions.

    Errors: (E1) `dims` is not in 1 .. rank. (E2) `scale` has another shape than the last `dims`
    dimensions. (E3) `result` has another type than `input`. (E4) `epsilon` is negative or not finite.

    Example:
    ```mlir
    %r = lutra.rms_norm %x scale(%g : tensor<5xf32>) {dims = 1 : i64, epsilon = 1.0e-6 : f64}
           : tensor<?x5xf32> -> tensor<?x5xf32>
    ```
    Source: arXiv 1910.07467 (Root Mean Square Layer Normalization).
  }];
  let arguments = (ins Lutra_FloatTensor:$input, Optional<Lutra_FloatTensor>:$scale, I64Attr:$dims,
                       F64Attr:$epsilon);
  let results = (outs Lutra_FloatTensor:$result);
  let assemblyFormat = [{
    $input (`scale` `(` $scale^ `:` type($scale) `)`)? attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

} // opDocGroup

#endif
