//===- LutraIntegerOps.td - what float steps between codes become in integers ---===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAINTEGEROPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAINTEGEROPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_IntegerGroup : OpDocGroup {
  let summary = "Integer ops";
  let description = [{
    Fixed point between codes: no number of these ops is a float, and results are the same in every
    bit on every machine. `lutra-use-integer-arithmetic` writes them.
  }];
}

let opDocGroup = Lutra_IntegerGroup in {

def Lutra_RequantizeOp : Lutra_GraphOp<"requantize"> {
  let summary = "code = saturate((x * multiplier + offset) >> shift)";
  let description = [{
    Shapes: `input`, `multiplier` and `offset` broadcast to `result`.

    Semantics: result = saturate((input * multiplier + offset) >> shift) in the result type; product
    and sum in 64 bits (they wrap), the shift rounds down. An offset of 2^(shift - 1) rounds to the
    nearest, one more for each 2^-shift of a bias and 2^shift times a zero point.

    Errors: (E1) the operands do not broadcast to the shape of `result`. (E2) the elements of `input`
    are no integers of 8 to 32 bits, or those of `result` have not 8. (E3) `shift` is not 1 to 62.

    Example:
    ```mlir
    %q = lutra.requantize %x multiplier(%m : tensor<5xi32>) offset(%o : tensor<5xi64>)
           {shift = 40 : i64} : tensor<?x5xi32> -> tensor<?x5xi8>
    ```
    Source: arXiv 1712.05877 (a multiplier of 31 bits and a rounding shift).
  }];
  let arguments = (ins Lutra_IntTensor:$input, RankedTensorOf<[I32]>:$multiplier,
                       RankedTensorOf<[I64]>:$offset, I64Attr:$shift);
  let results = (outs Lutra_IntTensor:$result);
  let assemblyFormat = [{
    $input `multiplier` `(` $multiplier `:` type($multiplier) `)` `offset` `(` $offset `:` type($offset) `)`
    attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_IntegerSoftmaxOp : Lutra_GraphOp<"integer_softmax"> {
  let summary = "softmax of 8-bit codes along the last dimension, in units of 2^-30";
  let description = [{
    Shapes: `result` has the shape of `input`, of rank 1 at least.

    Semantics: with d = max of the row - code, x = d * step and f the 15 bits of x below its bit
    `fraction`: e = ((2^15 - f (c1 - f (c2 - f c3))) * 2^15) >> min(x >> fraction, 31), every product of
    f and a number in units of 2^-15, cut to units (c1 = 22664, c2 = 7576, c3 = 1298), is 2^-(d * step /
    2^fraction) in units of 2^-30. With r = floor(2^60 / sum of e): result = (e * r) >> 30. With step =
    2^fraction * scale / ln 2 this is the softmax of the values that codes stand for.

    Errors: (E1) `result` has another shape than `input`, or rank 0. (E2) `fraction` is not 15 to 30. (E3)
    255 * `step` is not between 255 and 2^31.

    Example:
    ```mlir
    %p = lutra.integer_softmax %x {step = 387303 : i64, fraction = 22 : i64}
           : tensor<?x5xi8> -> tensor<?x5xi32>
    ```
    Source: I-BERT, arXiv 2101.01321 (a shift by the whole part and a polynomial of the rest).
  }];
  let arguments = (ins RankedTensorOf<[I8, UI8]>:$input, I64Attr:$step, I64Attr:$fraction);
  let results = (outs RankedTensorOf<[I32]>:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_IntegerNormOp : Lutra_GraphOp<"integer_norm"> {
  let summary = "codes over their deviation along the last dimension, in units of 2^-20";
  let description = [{
    Shapes: `result` has the shape of `input`, of rank 1 at least, whose last dimension n is known.

    Semantics: with x = code - zero_point, t = n * (sum of x^2), and with `centred` m = sum of x, else
    m = 0: w = max((t - m^2) * 2^12 + epsilon, 1) is multiplied by the power s of 4 that takes it to 2^60 or
    more and less than 2^62. Five steps root = (root + w / root) >> 1 from 2^31 give its root, and r = floor((2^61 - 1)
    / root). result = ((n * x - m) * r) >> (35 - log2(s) / 2). With epsilon = eps * n^2 * 2^12 / scale^2 these are
    (x - mean) / sqrt(variance + eps) of the values that codes stand for, with `centred`, else x / sqrt(mean of
    x^2 + eps).

    Errors: (E1) `result` has another shape than `input`, or rank 0. (E2) n is not 1 to 32768. (E3)
    `epsilon` is negative or above 2^60. (E4) `zero_point` is no code.

    Example:
    ```mlir
    %y = lutra.integer_norm %x {centred, zero_point = 3 : i64, epsilon = 4096 : i64}
           : tensor<?x64xi8> -> tensor<?x64xi32>
    ```
    Source: I-BERT, arXiv 2101.01321 (Newton's method for the root).
  }];
  let arguments = (ins RankedTensorOf<[I8, UI8]>:$input, UnitAttr:$centred, I64Attr:$zero_point, I64Attr:$epsilon);
  let results = (outs RankedTensorOf<[I32]>:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

} // opDocGroup

#endif
