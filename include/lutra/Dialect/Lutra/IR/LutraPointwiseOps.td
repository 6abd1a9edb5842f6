//===- LutraPointwiseOps.td - one result element from one element of each operand ===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAPOINTWISEOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAPOINTWISEOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_UnaryOp : Lutra_GraphOp<"unary", [SameOperandsAndResultShape]> {
  let summary = "a scalar function of each element";
  let arguments = (ins Lutra_UnaryKind:$kind, Lutra_Tensor:$input);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "`` $kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

// Broadcasting of the pointwise ops: operand shapes are aligned at their last dimension; a missing
// or static size 1 is repeated; a dynamic size equals the result's (a builder that cannot prove it
// inserts lutra.expand).
def Lutra_BinaryOp : Lutra_GraphOp<"binary"> {
  let summary = "a scalar function of two elements, with NumPy broadcasting";
  let arguments = (ins Lutra_BinaryKind:$kind, Lutra_Tensor:$lhs, Lutra_Tensor:$rhs);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    `` $kind $lhs `,` $rhs attr-dict `:` `(` type($lhs) `,` type($rhs) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_CompareOp : Lutra_GraphOp<"compare"> {
  let summary = "a comparison of two elements, with NumPy broadcasting";
  let arguments = (ins Lutra_CompareKind:$kind, Lutra_Tensor:$lhs, Lutra_Tensor:$rhs);
  let results = (outs Lutra_BoolTensor:$result);
  let assemblyFormat = [{
    `` $kind $lhs `,` $rhs attr-dict `:` `(` type($lhs) `,` type($rhs) `)` `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_SelectOp : Lutra_GraphOp<"select"> {
  let summary = "one of two elements, by a truth value, with NumPy broadcasting";
  let arguments = (ins Lutra_BoolTensor:$condition, Lutra_Tensor:$lhs, Lutra_Tensor:$rhs);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = [{
    $condition `,` $lhs `,` $rhs attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Lutra_CastOp : Lutra_GraphOp<"cast", [SameOperandsAndResultShape]> {
  let summary = "conversion of each element to another type";
  // float -> int truncates towards zero and saturates, NaN -> 0; int -> int wraps; x -> i1 is x != 0;
  // float -> float rounds half to even.
  let arguments = (ins Lutra_Tensor:$input);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

#endif
