//===- LutraQuantizationOps.td - codes and values --------------------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAQUANTIZATIONOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAQUANTIZATIONOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_QuantizationGroup : OpDocGroup {
  let summary = "Quantization ops";
  let description = [{
    Codes and the values that they stand for. `quantize` and `dequantize` keep codes and scales as
    tensors of their own, as QDQ graphs do; `decode` and `pack` work on a tensor whose type carries
    `#lutra.encoding`, where codes and side data are one value.

    `scale` and `zero_point` have one of three forms: rank 0 (per tensor); rank 1, one entry for each
    index along `axis` (per channel, `block` = 0); or the rank of the tensor, with ceil(d / block)
    entries along `axis` and the tensor's size elsewhere (per block, `block` >= 1).
  }];
}

let opDocGroup = Lutra_QuantizationGroup in {

def Lutra_QuantizeOp : Lutra_GraphOp<"quantize"> {
  let summary = "code = saturate(round_half_even(x / scale) + zero_point)";
  let description = [{
    Shapes: `result` has the shape of `input`; `scale` and `zero_point` as the group says.

    Semantics: result = saturate(round_half_even(input / scale) + zero_point) in the integer result
    type; for an fp8 result the quotient is rounded to it with saturation.

    Errors: (E1) `result` has another shape than `input`. (E2) `scale` has none of the three forms.
    (E3) `zero_point` has another shape than `scale`, or other elements than `result`. (E4) the
    elements of `result` are neither integers of at most 16 bits nor floats of at most 8.

    Example:
    ```mlir
    %q = lutra.quantize %x scale(%s : tensor<f32>) zero_point(%z : tensor<ui8>)
           {axis = 0 : i64, block = 0 : i64} : tensor<?x5xf32> -> tensor<?x5xui8>
    ```
    Source: ONNX QuantizeLinear (version 21).
  }];
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
  let description = [{
    Shapes: `result` has the shape of `input`; `scale` and `zero_point` as the group says.

    Semantics: result = (input - zero_point) * scale; the difference is exact.

    Errors: (E1) `result` has another shape than `input`. (E2) `scale` has none of the three forms.
    (E3) `zero_point` has another shape than `scale`, or other elements than `input`. (E4) the
    elements of `input` are neither integers of at most 32 bits nor floats of at most 8.

    Example:
    ```mlir
    %x = lutra.dequantize %q scale(%s : tensor<5xf32>) {axis = 1 : i64, block = 0 : i64}
           : tensor<?x5xi8> -> tensor<?x5xf32>
    ```
    Source: ONNX DequantizeLinear (version 21).
  }];
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

def Lutra_DynamicQuantizeOp : Lutra_GraphOp<"dynamic_quantize"> {
  let summary = "codes of groups of neighbours, each with a scale found from its values";
  let description = [{
    Shapes: `input` [.., K]; `codes` has its shape; `scale` and `zero_point` have ceil(K / block) in place of K.

    Semantics: each `block` neighbours along the last dimension (the last group may be short) share a scale. All in f32,
    with most = 2^(bits - 1) - 1:

    - without `zero_point`: range = max(max |x|, floor), scale = range / most,
      code = clamp(round_half_even(x * (most / range)), -most, most);
    - with it: least = max(-2^(bits - 1), -127), steps = most - least, low = min(min x, 0), high = max(max x, 0),
      range = max(high - low, floor), scale = range / steps,
      zero_point = clamp(round_half_even(least - low * (steps / range)), least, most),
      code = clamp(round_half_even(x * (steps / range)) + zero_point, least, most);
    - with codes of fp8: as without `zero_point`, but most is the greatest number of that type (448 of f8E4M3FN, 57344
      of f8E5M2), and code = x * (most / range), limited to -most and most, rounded to the type.

    With `reciprocal` these factors of x are most * (1 / range) and steps * (1 / range), as frameworks write them.
    Where a NaN would be rounded, the code is 0. A group with a NaN has the scale NaN, one with an infinity that scale,
    and so has, with zero points, one whose greatest value is further from its least than f32 reaches.

    Errors: (E1) K is dynamic, or `block` is not positive. (E2) `bits` is not 2 to 8, or not 8 for codes of fp8. (E3)
    `floor` is less than 2^-118, below which a scale may be subnormal. (E4) a result has another shape than stated. (E5)
    the input's elements have more than 32 bits. (E6) codes of fp8 have zero points.

    Example:
    ```mlir
    %q, %s = lutra.dynamic_quantize %x {block = 32 : i64, bits = 8 : i64}
               : tensor<?x70xf32> -> tensor<?x70xi8>, tensor<?x3xf32>
    ```
    Source: LLM.int8(), arXiv 2208.07339 (vector-wise absmax); ONNX DynamicQuantizeLinear (zero points); FP8 formats for
    deep learning, arXiv 2209.05433 (scales of fp8).
  }];
  let arguments = (ins Lutra_FloatTensor:$input, I64Attr:$block, I64Attr:$bits,
                       DefaultValuedAttr<F32Attr, "0x1p-118f">:$floor, UnitAttr:$reciprocal);
  let results = (outs RankedTensorOf<[I8, F8E4M3FN, F8E5M2]>:$codes, RankedTensorOf<[F32]>:$scale,
                      Optional<RankedTensorOf<[I8]>>:$zero_point);
  let assemblyFormat = [{
    $input attr-dict `:` type($input) `->` type($codes) `,` type($scale) (`,` type($zero_point)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::Type getCodeElement() { return getCodes().getType().getElementType(); }
    bool hasFloatCodes() { return ::mlir::isa<::mlir::FloatType>(getCodeElement()); }
    /// The greatest code, and the least one.
    int64_t getMost() {
      if (hasFloatCodes())
        return ::mlir::isa<::mlir::Float8E4M3FNType>(getCodeElement()) ? 448 : 57344;
      return (int64_t(1) << (getBits() - 1)) - 1;
    }
    int64_t getLeast() { return getZeroPoint() ? std::max(-getMost() - 1, int64_t(-127)) : -getMost(); }
    /// Steps that a range is cut into.
    int64_t getSteps() { return getZeroPoint() ? getMost() - getLeast() : getMost(); }
  }];
  let hasVerifier = 1;
}

def Lutra_DecodeOp : Lutra_GraphOp<"decode"> {
  let summary = "the values that an encoded tensor stands for";
  let description = [{
    Shapes: `result` has the shape and the element type of `input`, but no encoding.

    Semantics: result[n, k] = the value that the encoding of `input` gives (in double precision, in the order of
    `#lutra.encoding`), rounded half to even to the element type. Bytes that do not follow the encoding are an
    error of the evaluator; compiled code does not check them.

    Errors: (E1) `input` carries neither an encoding nor a packing. (E2) `result` has another shape or
    element type, or carries an encoding itself.

    Example:
    ```mlir
    %r = lutra.decode %w : tensor<16x32xf32, #lutra.packing<width = 16, depth = 1>> -> tensor<16x32xf32>
    ```
    Source: design of the encoding attribute; the reference page of each format.
  }];
  let arguments = (ins Lutra_Tensor:$input);
  let results = (outs Lutra_FloatTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_PackOp : Lutra_GraphOp<"pack"> {
  let summary = "the same matrix under another packing";
  let description = [{
    Shapes: `input` and `result` have one logical shape and element type, and one encoding; only
    `#lutra.packing` differs.

    Semantics: the values stay; their order in memory changes. On a weight it is done at compile time.

    Errors: (E1) the shapes or element types differ. (E2) the encodings differ otherwise than in the
    packing. (E3) neither type carries a packing.

    Example:
    ```mlir
    %r = lutra.pack %w : tensor<16x32xf32> -> tensor<16x32xf32, #lutra.packing<width = 16, depth = 1>>
    ```
    Source: panel packing of dense products (Goto and van de Geijn, ACM TOMS 34.3).
  }];
  let arguments = (ins Lutra_Tensor:$input);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

} // opDocGroup

#endif
