//===- LutraPointwiseOps.td - one result element from one element of each operand ===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAPOINTWISEOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAPOINTWISEOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_PointwiseGroup : OpDocGroup {
  let summary = "Pointwise ops";
  let description = [{
    One result element from one element of each operand. Shapes broadcast as in NumPy: they are
    aligned at the last dimension, and a missing or static size 1 is repeated. A dynamic size is
    never repeated: it equals the result's. A builder that cannot prove this inserts `lutra.expand`.
    Signless integers are signed, `ui` types unsigned, `i1` is a truth value; integer arithmetic
    wraps.
  }];
}

let opDocGroup = Lutra_PointwiseGroup in {

def Lutra_UnaryOp : Lutra_GraphOp<"unary"> {
  let summary = "a scalar function of each element";
  let description = [{
    Shapes: `input` and `result` have one shape.

    Semantics: result[i] = kind(input[i]). On floats the IEEE result of the C function of that name;
    `round` rounds half to even; `gelu_erf` is x/2 (1 + erf(x / sqrt 2)), `gelu_tanh` its form with
    tanh; `silu` is x sigmoid(x). `sign` of 0 is 0 and of NaN is NaN; `relu` of NaN is NaN. `abs` and
    `neg` of the smallest integer wrap. `not` takes truth values, `bitwise_not` integers.

    Errors: (E1) `result` has another shape than `input`. (E2) `kind` is not defined for the element
    type. (E3) the element type of `result` is neither that of `input` nor, for `is_nan` and
    `is_inf`, i1.

    Example:
    ```mlir
    %r = lutra.unary<exp> %x : tensor<?x5xf32> -> tensor<?x5xf32>
    ```
    Source: common to ONNX, PyTorch and MIL.
  }];
  let arguments = (ins Lutra_UnaryKind:$kind, Lutra_Tensor:$input);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "`` $kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Lutra_BinaryOp : Lutra_GraphOp<"binary"> {
  let summary = "a scalar function of two elements, with broadcasting";
  let description = [{
    Shapes: `lhs` and `rhs` broadcast to `result`.

    Semantics: result[i] = kind(lhs[i], rhs[i]). Integers: `div` truncates towards zero and
    `shift_right` fills with zeros; a divisor of 0 and a shift by the width or more have no defined
    result. `mod` has the sign of the divisor, `rem` that of the dividend (C `fmod`). `max` and
    `min` of a NaN are NaN; on truth values they are or and and.

    Errors: (E1) the operands do not broadcast to the shape of `result`. (E2) the element types of
    `lhs`, `rhs` and `result` differ. (E3) `kind` is not defined for the element type.

    Example:
    ```mlir
    %r = lutra.binary<add> %x, %bias : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
    ```
    Source: common to ONNX, PyTorch and MIL.
  }];
  let arguments = (ins Lutra_BinaryKind:$kind, Lutra_Tensor:$lhs, Lutra_Tensor:$rhs);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    `` $kind $lhs `,` $rhs attr-dict `:` `(` type($lhs) `,` type($rhs) `)` `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Lutra_CompareOp : Lutra_GraphOp<"compare"> {
  let summary = "a comparison of two elements, with broadcasting";
  let description = [{
    Shapes: `lhs` and `rhs` broadcast to `result`, whose elements are i1.

    Semantics: result[i] = lhs[i] kind rhs[i]. A comparison with NaN is false, but `ne` is true.

    Errors: (E1) the operands do not broadcast to the shape of `result`. (E2) the element types of
    `lhs` and `rhs` differ. (E3) truth values are compared by order.

    Example:
    ```mlir
    %r = lutra.compare<lt> %x, %y : (tensor<?x5xf32>, tensor<1x5xf32>) -> tensor<?x5xi1>
    ```
    Source: common to ONNX, PyTorch and MIL.
  }];
  let arguments = (ins Lutra_CompareKind:$kind, Lutra_Tensor:$lhs, Lutra_Tensor:$rhs);
  let results = (outs Lutra_BoolTensor:$result);
  let assemblyFormat = [{
    `` $kind $lhs `,` $rhs attr-dict `:` `(` type($lhs) `,` type($rhs) `)` `->` type($result)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Lutra_SelectOp : Lutra_GraphOp<"select"> {
  let summary = "one of two elements, by a truth value, with broadcasting";
  let description = [{
    Shapes: `condition`, `lhs` and `rhs` broadcast to `result`.

    Semantics: result[i] = condition[i] ? lhs[i] : rhs[i]. The other element has no influence, not
    even as NaN.

    Errors: (E1) the operands do not broadcast to the shape of `result`. (E2) the element types of
    `lhs`, `rhs` and `result` differ.

    Example:
    ```mlir
    %r = lutra.select %c, %x, %y
           : (tensor<?x5xi1>, tensor<?x5xf32>, tensor<f32>) -> tensor<?x5xf32>
    ```
    Source: ONNX Where, torch.where.
  }];
  let arguments = (ins Lutra_BoolTensor:$condition, Lutra_Tensor:$lhs, Lutra_Tensor:$rhs);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    $condition `,` $lhs `,` $rhs attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Lutra_CastOp : Lutra_GraphOp<"cast"> {
  let summary = "conversion of each element to another type";
  let description = [{
    Shapes: `input` and `result` have one shape.

    Semantics: float to integer truncates towards zero and saturates, NaN becomes 0; integer to
    integer keeps the low bits (or extends by the sign of the source type); to i1 is x != 0 (NaN is
    true); to a float rounds half to even.

    Errors: (E1) `result` has another shape than `input`. (E2) an element type is neither integer nor
    float.

    Example:
    ```mlir
    %r = lutra.cast %x : tensor<?x5xf32> -> tensor<?x5xi8>
    ```
    Source: ONNX Cast, torch.Tensor.to.
  }];
  let arguments = (ins Lutra_Tensor:$input);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

} // opDocGroup

#endif
