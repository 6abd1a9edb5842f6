//===- Passes.td - passes from the lutra dialect to the lutra dialect ------===//
// Sorted by name. Each description says what the pass needs, what it guarantees and what it leaves alone.
#ifndef LUTRA_DIALECT_LUTRA_TRANSFORMS_PASSES_TD
#define LUTRA_DIALECT_LUTRA_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def ChooseLayout : Pass<"lutra-choose-layout", "mlir::ModuleOp"> {
  let summary = "runs convolutions in channels_last order";
  let description = [{
    Needs: graph level, before fusion and packing. Guarantees: every conv whose filter is static and not encoded is
    channels_last and has no padding (a `lutra.pad` before it has it); pools behind a conv are
    channels_last; transposes stand only where an op that cares about the order (a reshape that joins channels and
    image, matmul, an input or result of the graph) meets one that was turned. A channel shuffle exchanges its two
    channel dimensions alone. Codes that one scale makes the values of a conv are turned before it does. Leaves alone:
    conv_transpose, pools that no conv feeds.
    Transposes of constants remain for lutra-fold-weights.

    ```mlir
    %a = lutra.conv<channels_first> %x, %f ...
    %b = lutra.unary<relu> %a ...
    %c = lutra.conv<channels_first> %b, %g ...
    // becomes
    %t = lutra.transpose %x [0, 2, 3, 1] ...
    %a = lutra.conv<channels_last> %t, %f2 ...
    %b = lutra.unary<relu> %a ...
    %c = lutra.conv<channels_last> %b, %g2 ...
    %y = lutra.transpose %c [0, 3, 1, 2] ...
    ```
  }];
  let dependentDialects = ["lutra::LutraDialect", "mlir::tensor::TensorDialect"];
}

def ChooseStrategy : Pass<"lutra-choose-strategy", "mlir::ModuleOp"> {
  let summary = "names the strategy of every product";
  let description = [{
    Needs: kernels (lutra-form-kernels), and the strategies of the tool's registry. Guarantees: each matmul and conv
    inside a kernel carries `strategy`: the one of least cost, summed over `targets`, among those that compute it on
    all of them; with `strategy` set, the first of those names, separated by commas, that computes it, or an error for
    each product that none does (`coded,auto` leaves it to the least cost). A remark names the chosen one and why or
    at what cost others were not. A product of an unknown number of rows with an encoded weight may get `fewer_rows`
    besides: strategies that read the weight in the same packing and compute up to so many rows each, where that is
    cheaper or has code of its own; kernels choose when they run. Where a strategy reads tables of rows that another
    kernel rounds, in one form on all of `targets`, that kernel yields them as well (lutra.subset_sums). Leaves alone:
    products that carry a strategy (unless `strategy` is without `auto`), and everything else.

    ```mlir
    %p = lutra.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
    // becomes
    %p = lutra.matmul %x, %w {strategy = #lutra.strategy<"tiled">}
           : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>

    %p = lutra.matmul %x, %w scale(%s : tensor<?x1xf32>) {block = 512 : i64, rounds_rhs, transpose_rhs} ...
    // becomes, for AMX, where %x has an unknown number of rows
    %p = lutra.matmul %x, %w scale(%s : tensor<?x1xf32>)
           {block = 512 : i64, fewer_rows = [{most = 31 : i64, strategy = #lutra.strategy<"coded">} ], rounds_rhs,
            strategy = #lutra.strategy<"rescaled">, transpose_rhs} ...
    ```
  }];
  let options = [ListOption<"targets", "targets", "std::string", "tile targets that the program is for">,
                 Option<"strategy", "strategy", "std::string", "\"auto\"",
                        "auto, or strategies, of which a product gets the first that computes it">];
  let dependentDialects = ["lutra::LutraDialect"];
}

def EncodeWeights : Pass<"lutra-encode-weights", "mlir::ModuleOp"> {
  let summary = "makes encoded weights of dequantized constants";
  let description = [{
    Needs: graph level, before fusion and packing. Guarantees: a product of f32, f16 or bf16 with a constant of 8-bit
    codes on its right that a `lutra.dequantize` makes a matrix (one scale and zero point, one for each column of the
    result, or one for each block of K), reads a weight of f32 with a dense `#lutra.encoding` of the fewest bits that
    hold its codes, rows along K: integers of 2, 4 or 8 bits, and of fp8 codes the floats of 4, 6 or 8 bits with their
    values, whose scales stay e8m0 where all are powers of two, and e4m3 times one factor. A product of 16 bits becomes
    one of f32 between casts. Other dequantizations of constants to f32, f16 and bf16 are computed: those of
    matrices of fewer than 4096 elements, of groups of fewer than 16 or no multiple of 8, of codes that are no finite
    numbers, and of products that name a strategy among them. Where one scale serves a table that is looked up in, what
    was looked up is dequantized instead. A product of dequantized codes with a constant f32 matrix of three values -s,
    0 and s reads ternary codes, five to a byte, with the scale s, which decode to these values (-0 to 0). A remark
    names each weight. Leaves alone: codes that are computed.

    ```mlir
    %w = lutra.weight @w : tensor<64x64xi8>
    %f = lutra.dequantize %w scale(%s : tensor<64xf32>) {axis = 1 : i64, block = 0 : i64}
           : tensor<64x64xi8> -> tensor<64x64xf32>
    %p = lutra.matmul %x, %f : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
    // becomes
    %q = lutra.weight @w.encoded : tensor<64x64xf32, #int8>
    %p = lutra.matmul %x, %q {transpose_rhs} : (tensor<?x64xf32>, tensor<64x64xf32, #int8>) -> tensor<?x64xf32>
    ```
  }];
  let options = [Option<"strategy", "strategy", "std::string", "\"auto\"",
                        "auto, or strategies, of which a product gets the first that computes it">];
  let dependentDialects = ["lutra::LutraDialect"];
}

def FlattenBranches : Pass<"lutra-flatten-branches", "mlir::ModuleOp"> {
  let summary = "computes both branches of an scf.if and selects";
  let description = [{
    For targets that cannot branch between kernels. Needs: graph level; the condition of each scf.if is the element of
    a rank-0 tensor. Guarantees: no scf.if is left outside kernels: its ops stand in a row, and each result is a
    `lutra.select`. Fails on other conditions and on results that are no tensors.

    ```mlir
    %f = tensor.extract %c[] : tensor<i1>
    %r = scf.if %f -> (tensor<4xf32>) {
      %a = lutra.unary<exp> %x : tensor<4xf32> -> tensor<4xf32>
      scf.yield %a : tensor<4xf32>
    } else {
      %b = lutra.unary<neg> %x : tensor<4xf32> -> tensor<4xf32>
      scf.yield %b : tensor<4xf32>
    }
    // becomes
    %a = lutra.unary<exp> %x : tensor<4xf32> -> tensor<4xf32>
    %b = lutra.unary<neg> %x : tensor<4xf32> -> tensor<4xf32>
    %r = lutra.select %c, %a, %b : (tensor<i1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let dependentDialects = ["lutra::LutraDialect"];
}

def FoldWeights : Pass<"lutra-fold-weights", "mlir::ModuleOp"> {
  let summary = "moves the elements of constants at compile time";
  let description = [{
    Guarantees: no transpose or reshape, and no cast of f16 or bf16 to f32, reads a `lutra.weight` or
    `lutra.constant` of whole-byte elements; globals that nothing names are gone. With `decode`, no `lutra.decode` and
    no product reads an encoded weight either (its values become a plain weight; for targets that cannot decode).
    Leaves alone: truth values, otherwise encoded weights, and packed ones. Fails on bytes that do not follow their
    encoding.

    ```mlir
    %w = lutra.weight @w : tensor<2x3xf32>
    %t = lutra.transpose %w [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
    // becomes
    %t = lutra.weight @w_0 : tensor<3x2xf32>
    ```
  }];
  let options = [Option<"decode", "decode", "bool", "false", "also turn encoded weights into plain ones">];
  let dependentDialects = ["lutra::LutraDialect"];
}

def FormKernels : Pass<"lutra-form-kernels", "mlir::ModuleOp"> {
  let summary = "groups the ops of @main into kernels";
  let description = [{
    Needs: graph level. Guarantees: public functions hold launches, weights, constants, reshapes (which
    are views, they move nothing) and index arithmetic; each launch runs a `lutra.kernel` of one
    root op (product, row op, reduction, or a single op), its pointwise epilogue and the pointwise and
    movement ops that produce its operands, or of pointwise and movement ops alone. A product takes pointwise ops
    and one softmax or norm over the last dimension as producers of its left-hand side where all `targets` can hold
    whole rows of it and few columns need it, and where no root before could take them as its epilogue. A
    convolution of single channels takes a constant border and codes dequantized with one scale as producers of its
    input, which blocks of rows share but for those at their edges. No other value is computed twice but for iota and
    from_index, which are copied into their users. Groups that are equal share a kernel. A branch (scf.if) keeps its
    regions; no kernel reaches across their borders, and what a region yields is the result of a launch of its own.
    Sizes of intermediate values became formulas of the arguments' sizes. A result is the result of a launch that no
    other result shares. Leaves alone: private functions, and
    functions that hold launches only.

    ```mlir
    %p = lutra.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
    %s = lutra.binary<add> %p, %b : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
    %y = lutra.unary<relu> %s : tensor<4x8xf32> -> tensor<4x8xf32>
    // becomes
    %y = lutra.launch @k0(%x, %w, %b) : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<4x8xf32>
    ```
  }];
  // 48 ops: BERT's longest chain between products is 9; more only lengthens live ranges.
  let options = [Option<"maxOps", "max-ops", "int64_t", "48", "ops in one kernel at most">,
                 ListOption<"targets", "targets", "std::string",
                            "tile targets whose products may compute their left-hand side">];
  let dependentDialects = ["lutra::LutraDialect", "mlir::affine::AffineDialect",
                           "mlir::arith::ArithDialect", "mlir::tensor::TensorDialect"];
}

def MoveCodes : Pass<"lutra-move-codes"> {
  let summary = "moves codes instead of the values they stand for";
  let description = [{
    Needs: graph level. Guarantees: where all of a tensor has one scale, a transpose or reshape comes before the
    dequantization and after the quantization, with functions of one tensor and scalars between them, so that bytes are
    moved; a quantization of what was dequantized with the same scale and zero point is gone; a maximum over windows is
    one of codes. All values are equal (a NaN has no code).
    Leaves alone: scales along an axis, values that have other users, codes of fewer or more than 8 bits.

    ```mlir
    %x = lutra.dequantize %c scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64}
           : tensor<4x?xi8> -> tensor<4x?xf32>
    %t = lutra.transpose %x [1, 0] : tensor<4x?xf32> -> tensor<?x4xf32>
    // becomes
    %m = lutra.transpose %c [1, 0] : tensor<4x?xi8> -> tensor<?x4xi8>
    %t = lutra.dequantize %m scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64}
           : tensor<?x4xi8> -> tensor<?x4xf32>
    ```
  }];
  let dependentDialects = ["lutra::LutraDialect"];
}

def PackWeights : Pass<"lutra-pack-weights", "mlir::ModuleOp"> {
  let summary = "stores constant operands of products as panels";
  let description = [{
    Needs: convolutions in channels_last order where they are to be packed. May run before or after
    lutra-form-kernels. Guarantees: the right-hand side of a matmul (rank 2) and the filter of a channels_last
    conv, where they are weights and the product's strategy reads panels (before one is chosen: floats), have the
    type tensor<KxN, #lutra.packing<width, depth>> over a new global, with the strategy's depth, and a matmul has lost
    `transpose_rhs`. An encoded right-hand side [N, K] has a packing inside its encoding and keeps its shape and
    `transpose_rhs`; scales of f32 for groups along K are f16 where f16 holds all of them (of all launches of a
    kernel). Weights that nothing reads are gone. Leaves alone: operands that are computed, depthwise filters (one panel
    column per channel gains nothing).

    ```mlir
    lutra.global @w : tensor<8x4xf32> = dense_resource<w>
    %y = lutra.matmul %x, %w {transpose_rhs} : (tensor<2x4xf32>, tensor<8x4xf32>) -> tensor<2x8xf32>
    // becomes
    lutra.global @w.packed : tensor<4x8xf32, #lutra.packing<width = 16, depth = 1>> = dense_resource<..>
    %y = lutra.matmul %x, %w : (tensor<2x4xf32>, tensor<4x8xf32, #lutra.packing<..>>) -> tensor<2x8xf32>
    ```
  }];
  let options = [Option<"width", "width", "int64_t", "16", "columns of a panel">];
  let dependentDialects = ["lutra::LutraDialect"];
}

def PlanMemory : Pass<"lutra-plan-memory", "mlir::ModuleOp"> {
  let summary = "gives every value of @main its place in memory";
  let description = [{
    Needs: @main holds launches, weights, reshapes and index arithmetic on tensors only
    (lutra-form-kernels). Guarantees: @main holds launches on buffers: arguments, results as trailing
    arguments, weights, and views of one `lutra.arena` at offsets that are closed formulas of the input
    sizes; buffers whose lifetimes meet do not overlap. A branch (scf.if) has no results any more: both regions write
    to the place of each, or copy there what lies elsewhere; its condition is a byte that is loaded. Fails when the
    regions' results differ in size. Arguments carry `lutra.type`, their type in the graph; `lutra.inputs` counts the
    inputs. `@main.shapes` maps the run-time sizes of the inputs to those of the results and the bytes of the arena. A
    reshape is a view. Leaves alone: kernels, and a @main that is already planned.

    ```mlir
    %h = lutra.launch @k0(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %y = lutra.launch @k1(%h) : (tensor<4x8xf32>) -> tensor<4x8xf32>
    // becomes
    %arena = lutra.arena %c128 : memref<?xi8>
    %h = memref.view %arena[%c0][] : memref<?xi8> to memref<4x8xf32>
    lutra.launch @k0(%x) outs(%h : memref<4x8xf32>) : (memref<4x8xf32>) -> ()
    lutra.launch @k1(%h) outs(%y : memref<4x8xf32>) : (memref<4x8xf32>) -> ()
    ```
  }];
  let dependentDialects = ["lutra::LutraDialect", "mlir::arith::ArithDialect",
                           "mlir::func::FuncDialect", "mlir::memref::MemRefDialect"];
}

def QuantizeActivations : Pass<"lutra-quantize-activations", "mlir::ModuleOp"> {
  let summary = "writes out the rounding of activations that encodings allow";
  let description = [{
    Needs: graph level, and the strategies of the tool's registry. Guarantees: an f32 product with a weight whose
    encoding has the activation form int<b, .., group<g>> or int<b, .., row>, b up to 8, becomes a product of codes
    where a strategy computes that one on all `targets`, in fewer cycles than the other, codes included: those of
    `lutra.dynamic_quantize`; with b = 1 (sym alone) the scale is max(mean magnitude, least normal number), and codes
    are 1 for what is 0 or more, else -1. Of asym forms, b from 4 on, the sums of the weight's columns in each group,
    which are a new weight, times scale and zero point are subtracted. A group that holds an infinity or NaN gives NaN
    or infinities. Where the left-hand side of a product with an encoded weight is dequantized with one scale and zero
    point from 8-bit codes, or from those of a symmetric `lutra.dynamic_quantize`, and the form asks for no fewer than 8
    bits, those codes are multiplied, less 128 where they have no sign. What the zero point stands for, scale times zero
    point times the sums of the weight's columns, is subtracted; codes that may be -128 are left alone where one of
    `targets` adds products in pairs, unless the weight's codes are integers of fewer than 8 bits. A weight whose values
    are no small integers gets the encoding of lutra::findRoundedEncodings that takes the fewest cycles, if these are
    fewer than with its own, and keeps its bytes but for a stored table, which is stated first (lutra::stateTable), and
    for scales of long groups, which sums of 32 bits do not hold (lutra::cutGroups); codes that no strategy multiplies
    get another bit where one does then (lutra::widenCodes). Where lutra::takesBfloat says that its values are no small
    integers, the form is sym and that takes fewer cycles, codes become numbers instead, of a product that may round
    both operands to bf16 (act = bf16): a cast of the codes, whose scales multiply the results, where those are of rows,
    else a `lutra.dequantize` of them. Leaves alone: everything else, and all of it without `targets`.

    ```mlir
    %p = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<8x64xf32, #w4>) -> tensor<?x8xf32>
    // becomes
    %q, %s = lutra.dynamic_quantize %x {block = 32 : i64, bits = 8 : i64}
               : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x2xf32>
    %p = lutra.matmul %q, %w scale(%s : tensor<?x2xf32>) {transpose_rhs, block = 32 : i64}
           : (tensor<?x64xi8>, tensor<8x64xf32, #w4>) -> tensor<?x8xf32>
    ```
  }];
  let options = [ListOption<"targets", "targets", "std::string", "tile targets that the program is for">,
                 Option<"strategy", "strategy", "std::string", "\"auto\"",
                        "auto, or strategies, of which a product gets the first that computes it">];
  let dependentDialects = ["lutra::LutraDialect", "mlir::tensor::TensorDialect"];
}

def RaiseSignProducts : Pass<"lutra-raise-sign-products", "mlir::ModuleOp"> {
  let summary = "products of signs with weights of few values become products of codes";
  let description = [{
    Needs: graph level, layouts chosen, weights folded, and the strategies of the tool's registry. Guarantees: an f32
    matmul, or a channels_last convolution without groups and padding whose sizes but the batch are known, becomes a
    product of codes where a strategy computes that one on all `targets`, in fewer cycles than the other, if

    - its input holds nothing but -1, 0 and 1 (or NaN): what sign, a choice between such constants and sums and products
      of these with constants leave, also padded with such a number; and
    - its weight is constant, and each column, or filter, an f32 that is normal times whole numbers of 1 to 4 bits (1
      and -1; -1, 0 and 1; -3 to 3; -7 to 7).

    The windows of a convolution lie side by side as rows, tap after tap. Codes have one bit where 0 cannot occur, in
    the padding either, else two. Where the input may be NaN, the scale of a row that holds one is NaN, so results are
    what the graph says, but for the rounding of its sums. A remark says why a product of signs stays as it is. Leaves
    alone: everything else, and all of it without `targets`.

    ```mlir
    %s = lutra.unary<sign> %x : tensor<1x8x8x64xf32> -> tensor<1x8x8x64xf32>
    %y = lutra.conv<channels_last> %s, %f {..} : (tensor<1x8x8x64xf32>, tensor<1x1x64x32xf32>) -> tensor<1x8x8x32xf32>
    // becomes
    %q = lutra.cast %s : tensor<1x8x8x64xf32> -> tensor<1x8x8x64xi8>
    %r = lutra.reshape %q [] : tensor<1x8x8x64xi8> -> tensor<64x64xi8>
    %p = lutra.matmul %r, %w scale(%t : tensor<64x1xf32>) {transpose_rhs, block = 64 : i64}
           : (tensor<64x64xi8>, tensor<32x64xf32, #bits>) -> tensor<64x32xf32>
    %y = lutra.reshape %p [] : tensor<64x32xf32> -> tensor<1x8x8x32xf32>
    ```
  }];
  let options = [ListOption<"targets", "targets", "std::string", "tile targets that the program is for">,
                 Option<"strategy", "strategy", "std::string", "\"auto\"",
                        "auto, or strategies, of which a product gets the first that computes it">];
  let dependentDialects = ["lutra::LutraDialect", "mlir::arith::ArithDialect", "mlir::tensor::TensorDialect"];
}

def NarrowActivations : Pass<"lutra-narrow-activations", "mlir::ModuleOp"> {
  let summary = "writes out the rounding of activations to fp8 and f16";
  let description = [{
    Needs: graph level. Guarantees: an f32 product with a weight whose encoding has the activation form e4m3 or e5m2, by
    row or group, reads the values of the codes of a `lutra.dynamic_quantize`, which all such products of an operand
    share; the scale of a row multiplies the result, that of a group along K the values. One with the form f16 reads
    values limited to the greatest of f16, rounded to it. Weights with such forms then have the form bf16, which holds
    all numbers of fp8, or none after f16. Leaves alone: the left-hand side where rows along K have no known length
    (fp8), it is no f32, or the form has one scale for the tensor.

    ```mlir
    %p = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<8x64xf32, #w8>) -> tensor<?x8xf32>
    // becomes
    %q, %s = lutra.dynamic_quantize %x {block = 64 : i64, bits = 8 : i64}
               : tensor<?x64xf32> -> tensor<?x64xf8E4M3FN>, tensor<?x1xf32>
    %v = lutra.cast %q : tensor<?x64xf8E4M3FN> -> tensor<?x64xf32>
    %r = lutra.matmul %v, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<8x64xf32, #w16>) -> tensor<?x8xf32>
    %p = lutra.binary<mul> %r, %s : (tensor<?x8xf32>, tensor<?x1xf32>) -> tensor<?x8xf32>
    ```
  }];
  let dependentDialects = ["lutra::LutraDialect"];
}

def SplitEncodings : Pass<"lutra-split-encodings", "mlir::ModuleOp"> {
  let summary = "products with sums of terms become sums of products";
  let description = [{
    Needs: graph level. Guarantees: an f32 product with an encoded weight [N, K] in rows along K that is no single dense
    term of codes with plain scales and zero points of codes becomes products with weights that are
    (include/lutra/Support/SplitEncoding.h): one for each term; two for a term of low rank; side by side (concat) for
    regions of rows, added for regions of columns; a gather or slice of the left-hand side where columns are permuted or
    few, a gather of the result where rows are and their groups forbid to undo it in the codes; sums of groups of the
    left-hand side times the minima, or the zero points of floats with their scales; some columns, and gathered
    elements times the values of the other scattered outliers. Codes that do not lie one by one (dictionaries), name
    vectors or have a sign apart, and formats for blocks that are neither whole rows nor whole columns become dense
    codes with the same values, of as many bits as the widest needs, as do sparse terms that fill half of the product if
    a code is 0; tables of up to four values for each row one product for each value, of codes of one bit; other such
    terms and tables, and codes of more than 8 bits, f32. That costs bytes, which a remark tells. Each part keeps the
    activation form where what it rounds stays the same and no minima are subtracted; where they are and the form is
    int<b, sym, ..> with b from 2 on, both products read the `lutra.dequantize` of the codes of a
    `lutra.dynamic_quantize`. A remark names each weight, or what forbids it: then the product stays, with the reason in
    the attribute `not_split`. Fails (E0402) on encoded weights whose bytes the evaluator refuses: side data that are
    not finite, codes that name no value, places out of range. Leaves alone: everything else.

    ```mlir
    #w = #lutra.encoding<[parts<rows<0, 8> columns<0, *> {int<8>, affine, scales = [f32, row]},
                                rows<8, *> columns<0, *> {uint<4>, affine<-8>, scales = [f16, 1, 32]}>]>
    %p = lutra.matmul %x, %w {transpose_rhs} : (tensor<?x64xf32>, tensor<64x64xf32, #w>) -> tensor<?x64xf32>
    // becomes
    %a = lutra.matmul %x, %w0 {transpose_rhs} : (tensor<?x64xf32>, tensor<8x64xf32, #w8>) -> tensor<?x8xf32>
    %b = lutra.matmul %x, %w1 {transpose_rhs} : (tensor<?x64xf32>, tensor<56x64xf32, #w4>) -> tensor<?x56xf32>
    %p = lutra.concat %a, %b {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x56xf32>) -> tensor<?x64xf32>
    ```
  }];
  let dependentDialects = ["lutra::LutraDialect", "mlir::tensor::TensorDialect"];
}

def QuantizeWeights : Pass<"lutra-quantize-weights", "mlir::ModuleOp"> {
  let summary = "stores constant matrices of products in few bits";
  let description = [{
    Needs: graph level, transposes of weights folded. Guarantees: each product with a constant f32 matrix [K, N] or
    [N, K] on the right for which `spec` has a form (include/lutra/Support/QuantizeSpec.h) reads a weight [N, K] with
    that encoding; one that several products read is encoded once. Rows of fewer than 64 elements stay as they are
    unless `spec` names them. With `embeddings=int8` lookups (lutra.gather along axis 0) in constant f32 matrices of 64
    rows or more read bytes, which are cast and multiplied with the scales of their rows, with `embeddings=int4` two
    codes in a byte, which are unpacked and dequantized with scales and zero points of groups of 32. A lutra.conv of f32
    with a constant filter of one pixel and no padding or groups becomes such a product first, of the channels of each
    pixel (`pixel-filters`). Fails (E0301) on a spec that it does not know or that needs inputs of the model (which the
    pipeline has, lib/Pipeline/QuantizeModel.cpp), a pattern without a weight, elements that are not finite, and where
    nothing changes. A remark names each weight.
    Leaves alone: everything else.

    ```mlir
    %p = lutra.matmul %x, %w : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32>
    // becomes
    %q = lutra.weight @w.quantized : tensor<8x64xf32, #w4>
    %p = lutra.matmul %x, %q {transpose_rhs} : (tensor<?x64xf32>, tensor<8x64xf32, #w4>) -> tensor<?x8xf32>
    ```
  }];
  let options = [Option<"spec", "spec", "std::string", "\"int4\"", "what is quantized, and how">,
                 Option<"pixelFilters", "pixel-filters", "bool", "true", "whether filters of one pixel are matrices">];
  let dependentDialects = ["lutra::LutraDialect", "mlir::tensor::TensorDialect"];
}

def QuantizeCaches : Pass<"lutra-quantize-caches", "mlir::ModuleOp"> {
  let summary = "keeps the keys and values of earlier tokens in 8 bits";
  let description = [{
    Needs: graph level, after lutra-group-heads. A cache is an argument of @main that is f32, whose rows (last
    dimension) have a known size and which is read by one lutra.concat alone, as its first operand and along another
    dimension, or by one lutra.scatter_nd<set> that replaces rows of it, whose result @main returns and products read on
    their right, behind reshapes that keep rows, transposes, expands and factors that are scalar constants. Guarantees:
    of each cache for which `spec` asks (`kv=int8`) argument and result are codes of i8, and an argument and a result of
    f32 follow all others, named NAME.scale, with one scale for each row; new rows are rounded by
    lutra.dynamic_quantize; the codes of old ones are only copied. Products read codes, cast to f32: scales of rows that
    lie along K multiply the left-hand side, others the columns of the result.
    With `kv=int8:asym` each row has a zero point of i8, too (NAME.zero_point, behind NAME.scale), and products lose
    sums of the left-hand side times zero points. Sizes that @main relates by name stay so. Fails (E0301) on a spec that
    it does not know, and where it asks for caches and there are none. A remark names each cache, and what keeps an
    argument that looks like one.
    Leaves alone: everything else.

    ```mlir
    %k = lutra.concat %past, %new {axis = 2 : i64}
           : (tensor<1x2x?x64xf32>, tensor<1x2x1x64xf32>) -> tensor<1x2x?x64xf32>
    // becomes
    %c, %s = lutra.dynamic_quantize %new {bits = 8 : i64, block = 64 : i64}
               : tensor<1x2x1x64xf32> -> tensor<1x2x1x64xi8>, tensor<1x2x1x1xf32>
    %k = lutra.concat %past, %c {axis = 2 : i64} : (tensor<1x2x?x64xi8>, tensor<1x2x1x64xi8>) -> tensor<1x2x?x64xi8>
    ```
  }];
  let options = [Option<"spec", "spec", "std::string", "\"kv=int8\"", "what is quantized, and how">];
  let dependentDialects = ["lutra::LutraDialect"];
}

def GroupHeads : Pass<"lutra-group-heads"> {
  let summary = "multiplies all rows that meet a repeated matrix at once";
  let description = [{
    Needs: graph level. Guarantees: a product whose right-hand matrices were repeated, [B, H, K, N] to [B, H * G, K, N]
    by a reshape, an expand and a reshape (grouped-query attention), reads them once each: its left-hand side
    [B, H * G, M, K] is [B, H, G * M, K], which is the same memory. Results are equal.
    Leaves alone: numbers of heads that are not known, matrices whose last two dimensions are transposed before they are
    repeated in other ways, products that name a strategy.

    ```mlir
    %u = lutra.reshape %k[%n] : tensor<1x2x?x64xf32> -> tensor<1x2x1x?x64xf32>
    %e = lutra.expand %u[%n] : tensor<1x2x1x?x64xf32> -> tensor<1x2x4x?x64xf32>
    %r = lutra.reshape %e[%n] : tensor<1x2x4x?x64xf32> -> tensor<1x8x?x64xf32>
    %p = lutra.matmul %q, %r {transpose_rhs}
           : (tensor<1x8x1x64xf32>, tensor<1x8x?x64xf32>) -> tensor<1x8x1x?xf32>
    // becomes
    %g = lutra.reshape %q[] : tensor<1x8x1x64xf32> -> tensor<1x2x4x64xf32>
    %m = lutra.matmul %g, %k {transpose_rhs}
           : (tensor<1x2x4x64xf32>, tensor<1x2x?x64xf32>) -> tensor<1x2x4x?xf32>
    %p = lutra.reshape %m[%n] : tensor<1x2x4x?xf32> -> tensor<1x8x1x?xf32>
    ```
    Source: GQA, arXiv 2305.13245.
  }];
  let dependentDialects = ["lutra::LutraDialect", "mlir::arith::ArithDialect", "mlir::tensor::TensorDialect"];
}

def RaiseActivations : Pass<"lutra-raise-activations"> {
  let summary = "names activations that arrive as chains of pointwise ops";
  let description = [{
    Needs: graph level. Guarantees: `x * sigmoid(x)` becomes unary silu; `0.5 * x * (1 + erf(x / sqrt 2))`
    becomes gelu_erf; its tanh form becomes gelu_tanh; the factors of a product may stand in any order. Constants may be
    off by 8 unit roundoffs of the element type, the 0.5 by 2, the 1 by none: the result stays within the error bound.
    Leaves alone: chains whose constants are not splat or are others, or whose x differs.

    ```mlir
    %s = lutra.unary<sigmoid> %x : tensor<4xf32> -> tensor<4xf32>
    %y = lutra.binary<mul> %x, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    // becomes
    %y = lutra.unary<silu> %x : tensor<4xf32> -> tensor<4xf32>
    ```
  }];
  let dependentDialects = ["lutra::LutraDialect"];
}

def RaiseCodeMaps : Pass<"lutra-raise-code-maps"> {
  let summary = "looks functions of one 8-bit code up in tables";
  let description = [{
    Needs: graph level, after lutra-raise-activations. Guarantees: what one 8-bit integer of each element decides (a
    dequantization, pointwise ops with scalar constants, a quantization, and all of these again) is a gather from a
    constant of 256 bytes, whose entries are computed here as the evaluator computes them; a map of each code to
    itself is gone. Leaves alone: codes that go through integers alone, scales that are computed or lie along an axis,
    f16 and other types than f32.

    ```mlir
    %x = lutra.dequantize %c scale(%s : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?xi8> -> tensor<?xf32>
    %g = lutra.unary<gelu_erf> %x : tensor<?xf32> -> tensor<?xf32>
    %q = lutra.quantize %g scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64} : tensor<?xf32> -> tensor<?xi8>
    // becomes
    %q = lutra.gather %table, %c {axis = 0 : i64} : (tensor<256xi8>, tensor<?xi8>) -> tensor<?xi8>
    ```
  }];
  let dependentDialects = ["lutra::LutraDialect"];
}

def RaiseIntegerProducts : Pass<"lutra-raise-integer-products", "mlir::ModuleOp"> {
  let summary = "multiplies the codes of dequantized operands";
  let description = [{
    Needs: graph level, before lutra-encode-weights. Guarantees: a matmul of f32 whose left-hand side dequantizes 8-bit
    codes with one scale (constant or computed), and whose right-hand side dequantizes a constant matrix of 8-bit codes
    with one scale, or one for each column of the result, multiplies the differences of codes and zero points into i32
    and scales the sums; so does a conv, channels first and without groups, whose input is then in 16 bits with an even
    number of channels. The differences of the weight are computed: 8 bits where all fit, else 16. Where they fit and
    one of `targets` multiplies bytes by one instruction, the left-hand side of a matmul is codes with a sign, 128
    less than those without, and sums get what the weight's columns add up to, times the distance of the zero point;
    so do matmuls that were integers from the start. The input of a conv of known size is codes without a sign there,
    padded with its zero point to channels in fours, and it may have groups of 16 filters. Where one of `targets`
    multiplies bytes by one instruction, so does a matmul of two computed operands of 8-bit codes with one scale each
    and a known K. A remark says why a product of two dequantized operands stays as it is. Leaves alone: sums that 32
    bits, or scaled f32, may not hold, products that name a strategy, everything else, and all products where one of
    `targets` adds no products of integers in pairs.

    ```mlir
    %l = lutra.dequantize %x scale(%sx : tensor<f32>) {axis = 0 : i64, block = 0 : i64}
           : tensor<?x64xi8> -> tensor<?x64xf32>
    %r = lutra.dequantize %w scale(%sw : tensor<8xf32>) {axis = 1 : i64, block = 0 : i64}
           : tensor<64x8xi8> -> tensor<64x8xf32>
    %p = lutra.matmul %l, %r : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32>
    // becomes
    %i = lutra.matmul %x, %w.integers : (tensor<?x64xi8>, tensor<64x8xi8>) -> tensor<?x8xi32>
    %f = lutra.cast %i : tensor<?x8xi32> -> tensor<?x8xf32>
    %s = lutra.binary<mul> %f, %sw : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
    %p = lutra.binary<mul> %s, %sx : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
    ```
  }];
  let options = [ListOption<"targets", "targets", "std::string", "tile targets that the program is for">,
                 Option<"strategy", "strategy", "std::string", "\"auto\"",
                        "auto, or strategies, of which a product gets the first that computes it">];
  let dependentDialects = ["lutra::LutraDialect"];
}

def RaiseLookups : Pass<"lutra-raise-lookups", "mlir::ModuleOp"> {
  let summary = "makes gathers of products with one-hot matrices";
  let description = [{
    Needs: graph level. Guarantees: the product of a one-hot matrix (indices compared for equality with 0, 1, ..) and a
    constant f32 matrix whose elements are all finite becomes a gather of its rows, zero where the index lies
    outside. The values are equal. Leaves alone: matrices that are computed, hold NaN or infinities, or are
    transposed.

    ```mlir
    %h = lutra.compare<eq> %i, %count : (tensor<4x1xi32>, tensor<1x9xi32>) -> tensor<4x9xi1>
    %o = lutra.cast %h : tensor<4x9xi1> -> tensor<4x9xf32>
    %y = lutra.matmul %o, %w : (tensor<4x9xf32>, tensor<9x8xf32>) -> tensor<4x8xf32>
    // becomes
    %r = lutra.gather %w, %flat {axis = 0 : i64} : (tensor<9x8xf32>, tensor<4xi32>) -> tensor<4x8xf32>
    %y = lutra.select %inside, %r, %zero : (tensor<4x1xi1>, tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
    ```
  }];
  let dependentDialects = ["lutra::LutraDialect", "mlir::tensor::TensorDialect"];
}

def RaiseNorms : Pass<"lutra-raise-norms"> {
  let summary = "names norms and softmax that arrive as reductions and pointwise ops";
  let description = [{
    Needs: graph level. Guarantees: layer norm and RMS norm over static last dimensions, with scale and
    bias of exactly their shape, and softmax along one axis become one op each; division may be
    multiplication with a reciprocal root, means sums with a divisor or a factor, which is the number of elements or its
    reciprocal rounded once. Leaves alone: means over other dimensions or with another divisor (an unbiased variance),
    exponentials without the maximum taken out.

    ```mlir
    %m = lutra.reduce<max> %x axes = [1] : tensor<4x8xf32> -> tensor<4x1xf32>
    %d = lutra.binary<sub> %x, %m : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
    %e = lutra.unary<exp> %d : tensor<4x8xf32> -> tensor<4x8xf32>
    %s = lutra.reduce<sum> %e axes = [1] : tensor<4x8xf32> -> tensor<4x1xf32>
    %y = lutra.binary<div> %e, %s : (tensor<4x8xf32>, tensor<4x1xf32>) -> tensor<4x8xf32>
    // becomes
    %y = lutra.softmax %x {axis = 1 : i64} : tensor<4x8xf32>
    ```
  }];
  let dependentDialects = ["lutra::LutraDialect"];
}

def RaiseRounding : Pass<"lutra-raise-rounding"> {
  let summary = "names roundings of activations that arrive as chains of float ops";
  let description = [{
    Needs: graph level, constants folded. Guarantees: `clamp(round(x * s)) / s` of f32 with
    `s = C / max(reduce<max>(abs(x)), floor)`, or C times the reciprocal, over the last dimension, which is static, with
    C = 127 (or the greatest code of 2 to 7 bits), limits C and -C or -C - 1 (which nothing reaches), and a floor of
    2^-118 at least, becomes `lutra.dynamic_quantize` and `lutra.dequantize`: the very same codes, and values that
    differ by the roundings of code / s, which is code * (1 / s) then. `x + (y - x)` of such a y, which lets gradients
    pass in training, becomes y. A remark says why a chain with such an s stays as it is. Leaves alone: everything else.

    ```mlir
    %y = lutra.binary<div> %c, %s : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
    // becomes
    %q, %t = lutra.dynamic_quantize %x {block = 64 : i64, bits = 8 : i64, floor = 1.0e-5 : f32}
               : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?x1xf32>
    %y = lutra.dequantize %q scale(%t : tensor<?x1xf32>) {axis = 1 : i64, block = 64 : i64}
           : tensor<?x64xi8> -> tensor<?x64xf32>
    ```
  }];
  let dependentDialects = ["lutra::LutraDialect"];
}

def UseIntegerArithmetic : Pass<"lutra-use-integer-arithmetic", "mlir::ModuleOp"> {
  let summary = "computes codes from integers in fixed point";
  let description = [{
    Needs: graph level, after lutra-raise-integer-products and lutra-choose-layout. Guarantees: a quantize into 8-bit
    codes with one known scale, of a sum of integers with constant factors (one for all, or of one shape; weights or
    constants) and a constant, becomes lutra.requantize. Integers are casts of i32 or less, dequantized codes, softmax
    of dequantized 8-bit codes along the last dimension (lutra.integer_softmax), and a layer or RMS norm of such
    (lutra.integer_norm), all with one known scale. A relu or a minimum or maximum with a constant before the quantize
    becomes one of codes. Each code is that of floats or a neighbour: the fixed point adds less than a sixteenth of a
    step where a term is an integer; what softmax and norms add is said in docs/design/bounds.md. A remark says why a
    quantize stays. Leaves alone: everything else, among it quantize of values that no integers make, such as a
    model's inputs.

    ```mlir
    %f = lutra.cast %i : tensor<?x8xi32> -> tensor<?x8xf32>
    %s = lutra.binary<mul> %f, %sw : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
    %b = lutra.binary<add> %s, %bias : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
    %q = lutra.quantize %b scale(%t : tensor<f32>) {axis = 0 : i64, block = 0 : i64}
           : tensor<?x8xf32> -> tensor<?x8xi8>
    // becomes
    %q = lutra.requantize %i multiplier(%m : tensor<8xi32>) offset(%o : tensor<8xi64>) {shift = 40 : i64}
           : tensor<?x8xi32> -> tensor<?x8xi8>
    ```
  }];
  let dependentDialects = ["lutra::LutraDialect"];
}

#endif
