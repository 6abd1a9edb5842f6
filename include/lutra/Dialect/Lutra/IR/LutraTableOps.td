//===- LutraTableOps.td - tile ops that look sums up ------------------------===//
// A part of the contract of LutraTileOps.td that only the kernels of one strategy need, and the two graph-level ops
// with which a kernel hands its tables to others.
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRATABLEOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRATABLEOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_TableGroup : OpDocGroup {
  let summary = "Tile ops that look sums up";
  let description = [{
    Sums of few elements are made once for all values that the other operand can have, whose codes then name them.
  }];
}

let opDocGroup = Lutra_TableGroup in {

def Lutra_SubsetSumsOp : Lutra_GraphOp<"subset_sums"> {
  let summary = "sums of the subsets of four neighbours along K, as tables for each row";
  let description = [{
    Shapes: `rows` is [.., K] of i8; `tables` is [R, K / (8 * lanes), 4, 16 * lanes] of i8, R rows in the order of their
    indices, or with 2 in the place of 4 with `lhs_bits` up to 6.

    Semantics: tables(r, c) is the tile that tile_subset_sums makes of row r from step 8 * lanes * c of K on. With
    `lhs_bits` = B up to 6, elements of `rows` are -2^(B - 1) to 2^(B - 1) - 1, else results are unspecified.

    Errors: (E1) `rows` is not of i8 and a static shape with a dimension. (E2) `lhs_bits` is not 2 to 8. (E3) `tables`
    has another type than stated for any number of lanes.

    Example:
    ```mlir
    %t = lutra.subset_sums %x : tensor<2x128xi8> -> tensor<2x8x4x32xi8>
    ```
    Source: T-MAC, arXiv 2407.00088; LUT Tensor Core, arXiv 2408.06003 (tables made once, where activations are made).
  }];
  let arguments = (ins Lutra_Tensor:$rows, DefaultValuedAttr<I64Attr, "8">:$lhs_bits);
  let results = (outs Lutra_Tensor:$tables);
  let assemblyFormat = "$rows attr-dict `:` type($rows) `->` type($tables)";
  let extraClassDeclaration = [{
    /// The type of the tables of rows of a type, each of `lanes` lanes; null where there are none.
    static ::mlir::RankedTensorType typeOf(::mlir::RankedTensorType rows, int64_t lanes, int64_t bits);
  }];
  let hasVerifier = 1;
}

def Lutra_WithTablesOp : Lutra_GraphOp<"with_tables", [AllTypesMatch<["rows", "result"]>]> {
  let summary = "rows whose subset sums are at hand";
  let description = [{
    Shapes: `rows` and `tables` as for subset_sums; `result` has the type of `rows`.

    Semantics: result = rows. Who multiplies `result` may read `tables`, which must be subset_sums of `rows` with the
    same `lhs_bits`, in its place; else what it computes is unspecified.

    Errors: (E1) `rows` is not of i8 and a static shape with a dimension. (E2) `lhs_bits` is not 2 to 8. (E3) `tables`
    has another type than subset_sums gives for any number of lanes.

    Example:
    ```mlir
    %y = lutra.with_tables %x, %t : tensor<2x128xi8>, tensor<2x8x4x32xi8>
    ```
    Source: T-MAC, arXiv 2407.00088.
  }];
  let arguments = (ins Lutra_Tensor:$rows, Lutra_Tensor:$tables, DefaultValuedAttr<I64Attr, "8">:$lhs_bits);
  let results = (outs Lutra_Tensor:$result);
  let assemblyFormat = "$rows `,` $tables attr-dict `:` type($rows) `,` type($tables)";
  let hasVerifier = 1;
}

def Lutra_TileSubsetSumsOp : Lutra_Op<"tile_subset_sums",
    [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "sums of the subsets of four neighbours along K, as tables";
  let description = [{
    Shapes: `lhs` has i8 elements, K along its last dimension; `result` is [4, 16 * lanes] of i8, or [2, 16 * lanes]
    with `lhs_bits` up to 6; one of `indices` for each dimension of `lhs`.

    Semantics: each lane l covers 8 steps of K, in two halves h of four. With lhs(k) for `lhs` at `indices` with k added
    to the last, signed, and s(l, h, e) = 512 + sum over those j < 4 of which bit is set in e of lhs(8 l + 4 h + j),
    which is 0 to 1020: result[2 h, 16 l + e] = s(l, h, e) mod 32, result[2 h + 1, 16 l + e] = s(l, h, e) div 32.
    With `lhs_bits` = B up to 6, elements of `lhs` are -2^(B - 1) to 2^(B - 1) - 1, else results are unspecified, and a
    byte holds a sum: with 2^(B + 1) in the place of 512, result[h, 16 l + e] = s(l, h, e). tile_lookup_matmul reads
    such tables.

    CPUs lower one lane on aarch64, two with AVX2, and four with VBMI.

    Errors: (E1) `result` is not of i8, of as many rows, or its columns are no multiple of 16. (E2) `indices` are not
    one for each dimension of `lhs`. (E3) the elements of `lhs` are not i8. (E4) `lhs` has no dimension. (E5)
    `lhs_bits` is not 2 to 8.

    Example:
    ```mlir
    %t = lutra.tile_subset_sums %x[%i, %k] : memref<?x?xi8> -> !lutra.tile<4x32xi8>
    ```
    Source: T-MAC, arXiv 2407.00088 (tables of four 1-bit products); see the dialect's rationale.
  }];
  let arguments = (ins AnyMemRef:$lhs, Variadic<Index>:$indices, DefaultValuedAttr<I64Attr, "8">:$lhs_bits);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = "$lhs `[` $indices `]` attr-dict `:` type($lhs) `->` type($result)";
  let extraClassDeclaration = [{
    /// Bytes of an entry beside integers of `bits` bits, and what entries are raised by.
    static constexpr int64_t partsOf(int64_t bits) { return bits <= 6 ? 1 : 2; }
    static constexpr int64_t offsetOf(int64_t bits) { return partsOf(bits) == 1 ? int64_t(2) << bits : 512; }
  }];
  let hasVerifier = 1;
}

def Lutra_TileLookupMatmulOp : Lutra_Op<"tile_lookup_matmul", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "acc + products of rows with codes of few bits, which are looked up in tables of the rows";
  let description = [{
    Shapes: `tables` is [rows, chunks, 4 or 2, 16 * lanes] of i8: tiles of tile_subset_sums, one chunk for 8 * lanes
    steps of K; `codes` is [panels, words, columns, 1] of i8, a word for 8 steps of each of `bits` planes,
    `plane_words` words of a plane beside each other; `acc` and `result` are [rows, columns] of i32; two
    `table_indices`: the first row and the first chunk; two `code_indices`: the panel and the first word. With
    `across`, row r of `acc` belongs to the first row of `tables` and panel r from the first on instead.

    Semantics: with w = 0 .. `depth` / 8 - 1, chunk w div lanes, lane l = w mod lanes, p = 0 .. `bits` - 1, and e the
    low (h = 0) or the high (h = 1) half of the byte of word v(w, p) in column c, where P = `plane_words` and v(w, p)
    = (w div P * `bits` + p) * P + w mod P, result[r, c] = acc[r, c] + sum over w, p, h of 2^p * (tables(r, chunk, 2 h,
    16 l + e) + 32 * tables(r, chunk, 2 h + 1, 16 l + e) - 512), modulo 2^32. Entries of the tables are 0 to 31, else
    results are unspecified. With tables of tile_subset_sums that is the sum over k < `depth` of lhs(r, k) * code(k, c),
    where bit p of code k is bit k mod 8 of word v(k div 8, p), and exact. With `lhs_bits` up to 6 an entry is
    tables(r, chunk, h, 16 l + e) less 2^(`lhs_bits` + 1) instead, and that of a table less than twice this.

    CPUs lower 16 columns, the lanes of their tables and, of more bits than one, `plane_words` that those divide and
    that divide 16.

    Errors: (E1) `acc` does not have rank 2 and i32 elements, or `result` another type. (E2) `table_indices` or
    `code_indices` are not two. (E3) `tables` is not of i8 and rank 4 with static tables of 4 by a multiple of 16. (E4)
    `codes` is not of i8 and rank 4 with the columns of `acc` and words of one byte. (E5) `depth` is no positive
    multiple of the steps in a chunk. (E6) `bits` is not 1 to 4, or `plane_words` not positive. (E7) `lhs_bits` is not 2
    to 8.

    Example:
    ```mlir
    %r = lutra.tile_lookup_matmul %t[%i, %c], %w[%p, %s], %acc {depth = 128 : i64}
           : memref<1x256x4x32xi8>, memref<?x?x16x1xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
    ```
    Source: T-MAC, arXiv 2407.00088 (codes of more bits than one as planes of bits), with sums in two parts so that they
    are exact; see the dialect's rationale.
  }];
  let arguments = (ins AnyMemRef:$tables, Variadic<Index>:$table_indices, AnyMemRef:$codes,
                       Variadic<Index>:$code_indices, Lutra_AnyTile:$acc, I64Attr:$depth, UnitAttr:$across,
                       DefaultValuedAttr<I64Attr, "1">:$bits, DefaultValuedAttr<I64Attr, "1">:$plane_words,
                       DefaultValuedAttr<I64Attr, "8">:$lhs_bits);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = [{
    $tables `[` $table_indices `]` `,` $codes `[` $code_indices `]` `,` $acc attr-dict
    `:` type($tables) `,` type($codes) `,` type($acc) `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// Steps of K of a table's tile.
    int64_t getChunkDepth();
  }];
  let hasVerifier = 1;
}

def Lutra_TileBitPlanesOp : Lutra_Op<"tile_bit_planes", [DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "bits of neighbours along K, in words of 32 for each place of a bit";
  let description = [{
    Shapes: `lhs` has i8 elements, K along its last dimension; `result` is [bits, steps] of i32, 32 neighbours for each
    step; one of `indices` for each dimension of `lhs`.

    Semantics: with lhs(k) for `lhs` at `indices` with k added to the last, bit 8 b + place(f) of result[j, t], for b =
    0 .. 3 and f = 0 .. 7, is bit j of lhs(32 t + 4 f + b) in two's complement, or with one bit alone whether that is
    above 0. place(f) is where codes of `code_bits` bits leave the lowest bit of field f once the planes of
    `code_bits` words are brought together: with p = 8 div code_bits, code_bits * (f mod p) + f div p for f < p *
    code_bits, and f for others. tile_bitserial_matmul reads such words.

    CPUs lower one step, and two.

    Errors: (E1) `result` is not of i32 and rank 2 with 1 to 4 rows. (E2) `indices` are not one for each dimension of
    `lhs`. (E3) the elements of `lhs` are not i8. (E4) `lhs` has no dimension. (E5) `code_bits` is not 1 to 4.

    Example:
    ```mlir
    %p = lutra.tile_bit_planes %x[%i, %k] {code_bits = 1 : i64} : memref<?x?xi8> -> !lutra.tile<1x2xi32>
    ```
    Source: XNOR-Net, arXiv 1603.05279, and for more bits than one arXiv 2409.17870; see the dialect's rationale.
  }];
  let arguments = (ins AnyMemRef:$lhs, Variadic<Index>:$indices, I64Attr:$code_bits);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = "$lhs `[` $indices `]` attr-dict `:` type($lhs) `->` type($result)";
  let extraClassDeclaration = [{
    /// Where in a byte the planes of codes of `bits` bits have field `field` of 32 codes.
    static int64_t placeOf(int64_t field, int64_t bits) {
      int64_t fit = 8 / bits;
      return field < fit * bits ? bits * (field % fit) + field / fit : field;
    }
  }];
  let hasVerifier = 1;
}

def Lutra_TileBitserialMatmulOp : Lutra_Op<"tile_bitserial_matmul", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "acc + products of planes of bits, counted";
  let description = [{
    Shapes: `planes` is [rows, lhs bits, steps] of i32: tiles of tile_bit_planes, a step for 32 of K; `codes` is
    [panels, words, width, 4] of i8, `bits` words for 32 codes; `acc` and `result` are [rows, panels * width] of i32;
    two `plane_indices`: the first row and step; two `code_indices`: the first panel and word.

    Semantics: with q(k, c) for the code of column c at step k and x(j, k) for the bit of plane j that tile_bit_planes
    takes from it, of `lhs bits` = B planes, over k < `depth` and j < B,

      result[r, c] = acc[r, c] + sum over k, j of weight(j) * x(j, k) * q(k, c)

    modulo 2^32 with weight(j) = 2^j, but -2^(B - 1) for the last. One plane, B = 1, stands for 1 and -1 instead:
    result[r, c] = acc[r, c] - sum over k, i < `bits` of 2^i * (x(0, k) xor bit i of q(k, c)), which with (2^bits - 1)
    times the number of bits set in the row's plane is the sum of products with 1 and -1. Exact. Codes lie in words as
    for tile_coded_matmul.

    CPUs lower panels of 16 columns.

    Errors: (E1) `acc` does not have rank 2 and i32 elements, or `result` another type. (E2) `plane_indices` or
    `code_indices` are not two. (E3) `planes` is not of i32 and rank 3 with 1 to 4 planes. (E4) `codes` is not of i8 and
    rank 4 with a width that divides the columns of `acc` and words of four bytes. (E5) `bits` is not 1 to 4. (E6)
    `depth` is no positive multiple of 32.

    Example:
    ```mlir
    %r = lutra.tile_bitserial_matmul %p[%i, %s], %w[%n, %k], %acc {depth = 128 : i64, bits = 1 : i64}
           : memref<1x1x128xi32>, memref<?x?x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
    ```
    Source: XNOR-Net, arXiv 1603.05279, and for more bits than one arXiv 2409.17870; see the dialect's rationale.
  }];
  let arguments = (ins AnyMemRef:$planes, Variadic<Index>:$plane_indices, AnyMemRef:$codes,
                       Variadic<Index>:$code_indices, Lutra_AnyTile:$acc, I64Attr:$depth, I64Attr:$bits);
  let results = (outs Lutra_AnyTile:$result);
  let extraClassDeclaration = [{
    /// Steps of K in a word of a plane.
    static constexpr int64_t wordDepth = 32;
    int64_t getLhsBits() { return mlir::cast<mlir::MemRefType>(getPlanes().getType()).getDimSize(1); }
  }];
  let assemblyFormat = [{
    $planes `[` $plane_indices `]` `,` $codes `[` $code_indices `]` `,` $acc attr-dict
    `:` type($planes) `,` type($codes) `,` type($acc) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_TileShiftMatmulOp : Lutra_Op<"tile_shift_matmul", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "acc + rows, each element shifted by the exponent and added with the sign of a code";
  let description = [{
    Shapes: `lhs` has i8 elements, K along its last dimension, rows along dimension `lhs_row_dim`; `codes` is [panels,
    words, width, 4] of i8; `acc` and `result` are [rows, panels * width] of i32; one of `lhs_indices` for each
    dimension of `lhs`: the first row and step of K; two `code_indices`: the first panel and word.

    Semantics: with q(k, c) for the code of column c at step k, without a sign, and e = q mod 2^(bits - 1),

      result[r, c] = acc[r, c] + sum over k < `depth` of sign(q(k, c)) * (lhs(r, k) * 2^e)

    modulo 2^32, where sign is -1 if bit `bits` - 1 of the code is set, else 1. Exact. Codes lie in words as for
    tile_coded_matmul, and as many are read as fill whole steps of these words; `lhs` is read as far.

    CPUs lower panels of 16 columns.

    Errors: (E1) `acc` does not have rank 2 and i32 elements, or `result` another type. (E2) `lhs_indices` are not one
    for each dimension of `lhs`, or `code_indices` are not two. (E3) `lhs_row_dim` is no dimension of `lhs` before the
    last. (E4) the elements of `lhs` are not i8. (E5) `codes` is not of i8 and rank 4 with a width that divides the
    columns of `acc` and words of four bytes. (E6) `bits` is not 2 to 4. (E7) `depth` is no positive multiple of the
    codes in a step's words.

    Example:
    ```mlir
    %r = lutra.tile_shift_matmul %x[%i, %k], %w[%n, %s], %acc {depth = 32 : i64, bits = 4 : i64, lhs_row_dim = 0 : i64}
           : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<1x16xi32> -> !lutra.tile<1x16xi32>
    ```
    Source: DenseShift, arXiv 2208.09708 (weights that are powers of two without 0, with a sign); ShiftAddLLM, arXiv
    2406.05981 (shifts and additions in place of products); see the dialect's rationale.
  }];
  let arguments = (ins AnyMemRef:$lhs, Variadic<Index>:$lhs_indices, AnyMemRef:$codes, Variadic<Index>:$code_indices,
                       Lutra_AnyTile:$acc, I64Attr:$depth, I64Attr:$bits, I64Attr:$lhs_row_dim);
  let results = (outs Lutra_AnyTile:$result);
  let extraClassDeclaration = [{
    /// Steps of K in a step's words, and these.
    int64_t getStepDepth();
    int64_t getStepWords();
  }];
  let assemblyFormat = [{
    $lhs `[` $lhs_indices `]` `,` $codes `[` $code_indices `]` `,` $acc attr-dict
    `:` type($lhs) `,` type($codes) `,` type($acc) `->` type($result)
  }];
  let hasVerifier = 1;
}

} // opDocGroup

#endif
