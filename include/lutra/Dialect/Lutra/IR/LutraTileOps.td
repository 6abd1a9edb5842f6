//===- LutraTileOps.td - the contract between compiler and targets ---------===//
// A kernel at tile level is loops (scf) over these ops. Values of type !lutra.tile live wherever the
// target keeps them. Every op here has one conversion per target and nothing above it names a target.
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRATILEOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRATILEOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_TileGroup : OpDocGroup {
  let summary = "Tile ops";
  let description = [{
    Loops over these ops are what a kernel becomes. A tile has static sizes; at a ragged edge
    `bounds` says how many elements along each tile dimension exist. The element of a tile and that
    of a buffer may differ in name where memory knows no better: i1 is stored as i8, `uiN` as `iN`.
  }];
}

let opDocGroup = Lutra_TileGroup in {

def Lutra_TileFillOp : Lutra_Op<"tile_fill", [Pure]> {
  let summary = "a tile whose elements all equal one scalar";
  let description = [{
    Shapes: any tile.

    Semantics: result[t..] = value.

    Errors: (E1) `value` has another type than the elements of `result`.

    Example:
    ```mlir
    %t = lutra.tile_fill %zero : f32 -> !lutra.tile<6x16xf32>
    ```
    Source: tile level of the compiler; see the dialect's rationale.
  }];
  let arguments = (ins Lutra_Scalar:$value);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = "$value attr-dict `:` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_TileIotaOp : Lutra_Op<"tile_iota", [Pure]> {
  let summary = "base + position along tile dimension `dim`, as index values";
  let description = [{
    Shapes: a tile of index elements.

    Semantics: result[t0, t1] = base + t_dim.

    Errors: (E1) `dim` is outside the rank of `result`. (E2) the elements are not index.

    Example:
    ```mlir
    %t = lutra.tile_iota %base {dim = 0 : i64} : !lutra.tile<16xindex>
    ```
    Source: tile level of the compiler; see the dialect's rationale.
  }];
  let arguments = (ins Index:$base, I64Attr:$dim);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = "$base attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Lutra_TileLoadOp : Lutra_Op<"tile_load", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "reads a tile from a buffer";
  let description = [{
    Shapes: one of `indices` for each buffer dimension; one of `dims`, `steps` and (where given)
    `bounds` for each tile dimension.

    Semantics: element (t0, t1) comes from source[indices + sum over d of t_d * steps[d] *
    unit(dims[d])], where dims[d] is the buffer dimension along which tile dimension d advances, or
    -1 where it is repeated. `bounds` is the number of elements that exist; the others read as zero
    and touch no memory. A dimension of size 1 always exists. Tile elements are signless; a tile of
    i1 (truth values) is read from bytes, non-zero being true.

    Errors: (E1) `indices` does not have one value for each buffer dimension. (E2) `dims` or `steps`
    does not have one entry for each tile dimension. (E3) an entry of `dims` is neither -1 nor a
    buffer dimension. (E4) `bounds` has neither no value nor one for each tile dimension. (E5) the
    buffer does not store elements of the tile's type.

    Example:
    ```mlir
    %t = lutra.tile_load %m[%i, %j] bounds(%b) dims = [1] steps = [1]
           : memref<?x64xf32> -> !lutra.tile<16xf32>
    ```
    Source: tile level of the compiler; see the dialect's rationale.
  }];
  let arguments = (ins AnyMemRef:$source, Variadic<Index>:$indices, Variadic<Index>:$bounds,
                       DenseI64ArrayAttr:$dims, DenseI64ArrayAttr:$steps);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = [{
    $source `[` $indices `]` (`bounds` `(` $bounds^ `)`)? `dims` `=` $dims `steps` `=` $steps
    attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_TileStoreOp : Lutra_Op<"tile_store", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "writes a tile to a buffer";
  let description = [{
    Shapes: as `lutra.tile_load`.

    Semantics: the elements inside `bounds` go to the places from which `lutra.tile_load` would read
    them. No two elements inside may have one place, so no dimension is repeated.

    Errors: (E1) `indices` does not have one value for each buffer dimension. (E2) `dims` or `steps`
    does not have one entry for each tile dimension. (E3) an entry of `dims` is not a buffer
    dimension, or a tile dimension longer than 1 is repeated. (E4) `bounds` has neither no value nor
    one for each tile dimension. (E5) the buffer does not store elements of the tile's type.

    Example:
    ```mlir
    lutra.tile_store %t, %m[%i, %j] dims = [1] steps = [1] : !lutra.tile<16xf32>, memref<?x64xf32>
    ```
    Source: tile level of the compiler; see the dialect's rationale.
  }];
  let arguments = (ins Lutra_AnyTile:$value, AnyMemRef:$dest, Variadic<Index>:$indices,
                       Variadic<Index>:$bounds, DenseI64ArrayAttr:$dims, DenseI64ArrayAttr:$steps);
  let assemblyFormat = [{
    $value `,` $dest `[` $indices `]` (`bounds` `(` $bounds^ `)`)? `dims` `=` $dims `steps` `=` $steps
    attr-dict `:` type($value) `,` type($dest)
  }];
  let hasVerifier = 1;
}

def Lutra_TileGatherOp : Lutra_Op<"tile_gather", [
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "reads each element of a tile at its own linear (row-major) offset";
  let description = [{
    Shapes: `offsets` and `result` have one shape.

    Semantics: result[t..] = the element of `source` at row-major position offsets[t..]; outside
    `bounds` 0, without touching memory. Offsets of i8 have no sign, and `source` has 256 elements then, of which
    any may be read.

    Errors: (E1) `offsets` has another shape than `result`, or its elements are neither index, i32
    nor i64, nor i8 beside 256 elements. (E2) `bounds` has neither no value nor one for each tile
    dimension. (E3) the buffer does not store elements of the tile's type.

    Example:
    ```mlir
    %t = lutra.tile_gather %m[%o] : memref<?xf32>, !lutra.tile<16xindex> -> !lutra.tile<16xf32>
    ```
    Source: tile level of the compiler; see the dialect's rationale.
  }];
  let arguments = (ins AnyMemRef:$source, Lutra_AnyTile:$offsets, Variadic<Index>:$bounds);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = [{
    $source `[` $offsets `]` (`bounds` `(` $bounds^ `)`)? attr-dict `:` type($source) `,` type($offsets)
    `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_TileLookupOp : Lutra_Op<"tile_lookup", [Pure]> {
  let summary = "the entry of a small table for each element of a tile";
  let description = [{
    Shapes: `codes` (of i32) and `result` (of f32) have one shape.

    Semantics: result[t..] = table[codes[t..] modulo the number of entries], codes without a sign.

    Errors: (E1) `codes` has another shape than `result` or other elements than i32, or `result` others than f32. (E2)
    the entries are not 2, 4, 8 or 16.

    Example:
    ```mlir
    %v = lutra.tile_lookup %c [-1.0, 0.0, 1.0, 2.0] : !lutra.tile<16xi32> -> !lutra.tile<16xf32>
    ```
    Source: tile level of the compiler; see the dialect's rationale.
  }];
  let arguments = (ins Lutra_AnyTile:$codes, DenseF32ArrayAttr:$table);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = "$codes $table attr-dict `:` type($codes) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_TileMapOp : Lutra_Op<"tile_map", [Pure, SingleBlockImplicitTerminator<"YieldOp">,
    RecursiveMemoryEffects, IsolatedFromAbove]> {
  let summary = "a scalar region applied to each element";
  let description = [{
    Shapes: all `results` have one shape; inputs have that shape, rank 0, or size 1 in some dimensions.

    Semantics: results[t..] = body(inputs[t..]), inputs of rank 0 and size-1 dimensions repeated. The
    region takes one scalar per input and yields one per result; it holds `arith` and `math` ops on
    scalars. Element types `uiN` are `iN` inside, since arith knows signless integers alone.

    Errors: (E1) an input or a result does not fit the shape of the results. (E2) the region's
    arguments are not the inputs' elements. (E3) the yielded values are not the results' elements.
    (E4) the region holds an op that touches memory.

    Example:
    ```mlir
    %r = lutra.tile_map(%t) : (!lutra.tile<16xf32>) -> !lutra.tile<16xf32> {
    ^bb0(%x: f32):
      %y = arith.addf %x, %x : f32
      lutra.yield %y : f32
    }
    ```
    Source: tile level of the compiler; see the dialect's rationale.
  }];
  let arguments = (ins Variadic<Lutra_AnyTile>:$inputs);
  let results = (outs Variadic<Lutra_AnyTile>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $inputs `)` attr-dict `:` functional-type(operands, results) $body
  }];
  let hasRegionVerifier = 1;
}

def Lutra_TileReduceOp : Lutra_Op<"tile_reduce", [Pure]> {
  let summary = "sum, product, maximum or minimum of a tile along its last dimension";
  let description = [{
    Shapes: `result` is `input` without its last dimension.

    Semantics: the elements are combined in a fixed pairwise tree: while more than one is left,
    element i is combined with element i + ceil(n / 2). So every target gives the same bits.
    NaN wins a maximum or minimum. `is_unsigned` tells how integers compare.

    Errors: (E1) `input` has rank 0. (E2) `result` has another shape. (E3) the element types differ.

    Example:
    ```mlir
    %r = lutra.tile_reduce<sum> %t : !lutra.tile<16xf32> -> !lutra.tile<f32>
    ```
    Source: tile level of the compiler; see the dialect's rationale.
  }];
  let arguments = (ins Lutra_ReduceKind:$kind, Lutra_AnyTile:$input,
                       UnitAttr:$is_unsigned);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = "`` $kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_TileExtractOp : Lutra_Op<"tile_extract", [Pure]> {
  let summary = "the scalar of a tile of one element";
  let description = [{
    Shapes: `input` has one element.

    Semantics: result = that element.

    Errors: (E1) `input` has more than one element. (E2) `result` has another type than the element.

    Example:
    ```mlir
    %s = lutra.tile_extract %t : !lutra.tile<f32> -> f32
    ```
    Source: tile level of the compiler; see the dialect's rationale.
  }];
  let arguments = (ins Lutra_AnyTile:$input);
  let results = (outs Lutra_Scalar:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_TileJoinOp : Lutra_Op<"tile_join", [Pure]> {
  let summary = "tiles side by side";
  let description = [{
    Shapes: all `inputs` are [rows, columns] with one number of rows, `result` has the columns of all.

    Semantics: result[r, c] = inputs[i][r, c - those of the inputs before i].

    Errors: (E1) there is no input. (E2) an input has another rank than 2, other rows or other elements than `result`,
    or columns do not add up to those of `result`.

    Example:
    ```mlir
    %t = lutra.tile_join %a, %b : !lutra.tile<1x16xf32>, !lutra.tile<1x16xf32> -> !lutra.tile<1x32xf32>
    ```
    Source: tile level of the compiler; see the dialect's rationale.
  }];
  let arguments = (ins Variadic<Lutra_AnyTile>:$inputs);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = "$inputs attr-dict `:` type($inputs) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_TileMatmulOp : Lutra_Op<"tile_matmul", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "acc + lhs * rhs for one tile, over `depth` steps of K";
  let description = [{
    Shapes: `acc` and `result` are [rows, columns]; one of `lhs_indices` and `rhs_indices` for each
    dimension of its buffer.

    Semantics: result[r, c] = acc[r, c] + sum over k < depth of lhs(r, k) * rhs(k, c), one fused
    multiply-add per product, in the order of k. lhs(r, k) is `lhs` at `lhs_indices` with
    r * row_step added to dimension `lhs_row_dim` and k to the last (`row_step` is a convolution's
    stride). rhs(k, c) is read by `rhs_layout`: row_major: the last two dimensions are [K, N];
    col_major: [N, K]; panel: the last three are [panel, K, width], and further panels follow when
    `columns` is a multiple of width; deep_panel: the last four are [panel, K / step, width, step], `depth` is a
    multiple of step, and so is the first k. Floats of col_major may be added in any order. Integers are read as signed,
    and beside an f32 `lhs` those of 8 bits stand for the same floats. `bounds` (none, or rows and columns) is the
    part of the tile that exists: operands outside of it are not read, and what the result holds there is unspecified.

    Errors: (E1) `acc` does not have rank 2, or `result` another type. (E2) an index list does not
    have one value for each dimension of its buffer. (E3) `lhs_row_dim` is not a dimension of `lhs`
    before the last, or `row_step` is below 1. (E4) `rhs` has too low a rank for `rhs_layout`, or
    `columns` is no multiple of the panel's width, or the step is not static. (E5) the element types do not fit (as in
    `lutra.matmul`; `rhs` of i8 beside f32 does). (E6) `bounds` has neither no value nor rows and columns.

    Example:
    ```mlir
    %r = lutra.tile_matmul %a[%i, %k], %b<panel>[%p, %k, %z], %acc depth %d {lhs_row_dim = 0 : i64}
           : memref<?x?xf32>, memref<?x?x16xf32>, !lutra.tile<6x16xf32> -> !lutra.tile<6x16xf32>
    ```
    Source: tile level of the compiler; see the dialect's rationale.
  }];
  let arguments = (ins AnyMemRef:$lhs, Variadic<Index>:$lhs_indices, AnyMemRef:$rhs,
                       Variadic<Index>:$rhs_indices, Lutra_AnyTile:$acc, Index:$depth,
                       Variadic<Index>:$bounds, I64Attr:$lhs_row_dim, DefaultValuedAttr<I64Attr, "1">:$row_step,
                       Lutra_PanelLayout:$rhs_layout);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = [{
    $lhs `[` $lhs_indices `]` `,` $rhs `` $rhs_layout `[` $rhs_indices `]` `,` $acc `depth` $depth
    (`bounds` `(` $bounds^ `)`)? attr-dict `:` type($lhs) `,` type($rhs) `,` type($acc) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_TileCodedMatmulOp : Lutra_Op<"tile_coded_matmul", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "acc + lhs * values of codes for one tile, over `depth` steps of K, in 32-bit integers";
  let description = [{
    Shapes: `lhs` has i8 elements, K along its last dimension (or see `lhs_words`); `codes` is [panels, words, width,
    bytes] of i8; `acc` and `result` are [rows, columns] of i32, where columns are those of one panel or of several
    that follow each other; `special`, if there, is [1, columns] of i32; one of `lhs_indices` for each dimension of
    `lhs`, and two `code_indices`: the first panel and the first word.

    Semantics: result[r, c] = acc[r, c] + sum over k < depth of lhs(r, k) * value(k, c) modulo 2^32. lhs(r, k) is `lhs`
    at `lhs_indices` with r added to dimension `lhs_row_dim` and k to the last, signed. Words hold codes of `bits` bits
    without a sign in the order of CodeWords (include/lutra/Support/EncodedPanels.h); `depth` is a multiple of the codes
    that a step of words holds of one column. The value of a code is code - `offset`, or its entry of `values` where
    there are any. With `special`, more entries follow those of codes, one for each of some tables, and that of table
    special[0, c] is the value of code `special_code` in column c. No code is above `limit`, and `special` names such
    tables; else results are unspecified. With `triples`, words hold codes 0 to 2 in threes (CodeWords).

    With `signed_codes` codes have a sign (two's complement); they have 8 bits then and neither `offset`, `values`,
    `special` nor `limit`. With `unsigned_lhs` the elements of `lhs` have none.

    With `lhs_words` words of rows lie side by side, 4 neighbours along K in each: `lhs_row_dim` is the last dimension
    of `lhs` but one, the last has 4 elements, and k / 4 is added to the dimension before the rows', k mod 4 to the
    last.

    Beside codes of 8 bits without `values` or `special`, `lhs` may be of i32: for four neighbours along K one word of
    magnitudes, bytes without a sign that are 128 at most, and one of masks, so that its last dimension has half as many
    elements as K. A product is then that of a magnitude with the signed byte that the code is after an exclusive or
    with its mask (128: the code - 128; 127: 127 - the code).

    CPUs lower words of 4 bytes and values of -127 to 127 or, by `offset` 128 alone, from -128 on; where a value is
    below 0, `lhs` must hold no -128, for which results are unspecified. With VNNI they lower values of 0 to 255,
    or `signed_codes` beside `unsigned_lhs`; with AMX also all other pairs of signs. Without `special`, entries of
    `values` may be larger: each is a sum of digits times powers of 256 (of 0 to 255; on aarch64 of -128 to 127), up to
    three of them, or up to 128 * 128 + 127 without VNNI, where those of 0 to 128 count 128. The sums of each digit are
    exact, and added in the end. Without products in fours aarch64 lowers values of one digit alone.

    Errors: (E1) `acc` does not have rank 2 and i32 elements, or `result` another type. (E2) `lhs_indices` does not
    have one value for each dimension of `lhs`, or `code_indices` not two. (E3) `lhs_row_dim` is not a dimension of
    `lhs` before the last. (E4) `codes` has another rank, a width that does not divide the columns of `acc`, or words
    that are dynamic, empty or above 2^31 bytes. (E5) the elements of `codes` are not i8, or those of `lhs` neither i8
    nor, as above, i32. (E6) `bits` is not 1 to 8. (E7) `values` has not one entry for each code
    and, with `special`, more, or one beyond 32 bits. (E8) `special` has another shape, or `special_code` is there
    without it or is no code. (E9) `limit` is neither -1,
    for all codes, nor a code. (E10) `signed_codes` stands beside what it excludes, or it or `unsigned_lhs` beside an
    `lhs` of i32. (E11) `triples` are not of codes of 2 bits without `special` and `offset`. (E12)
    `lhs_words` stands beside an `lhs` that is not i8 of shape [.., words, rows, 4] with rows along the last but one.

    Example:
    ```mlir
    %r = lutra.tile_coded_matmul %a[%i, %k], %w[%p, %s], %acc depth %d {bits = 4 : i64, lhs_row_dim = 0 : i64}
           : memref<?x?xi8>, memref<?x?x16x4xi8>, !lutra.tile<4x16xi32> -> !lutra.tile<4x16xi32>
    ```
    Source: tile level of the compiler; see the dialect's rationale.
  }];
  let arguments = (ins AnyMemRef:$lhs, Variadic<Index>:$lhs_indices, AnyMemRef:$codes,
                       Variadic<Index>:$code_indices, Lutra_AnyTile:$acc, Index:$depth,
                       Optional<Lutra_AnyTile>:$special, I64Attr:$bits, I64Attr:$lhs_row_dim,
                       DefaultValuedAttr<I64Attr, "0">:$offset, OptionalAttr<DenseI64ArrayAttr>:$values,
                       DefaultValuedAttr<I64Attr, "-1">:$special_code, DefaultValuedAttr<I64Attr, "-1">:$limit,
                       UnitAttr:$signed_codes, UnitAttr:$unsigned_lhs, UnitAttr:$triples,
                       UnitAttr:$lhs_words);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = [{
    $lhs `[` $lhs_indices `]` `,` $codes `[` $code_indices `]` `,` $acc `depth` $depth
    (`special` `(` $special^ `:` type($special) `)`)? attr-dict
    `:` type($lhs) `,` type($codes) `,` type($acc) `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// Codes of one column in a step, and the words that hold them.
    int64_t getStepDepth();
    int64_t getStepWords();
  }];
  let hasVerifier = 1;
}

def Lutra_TileUnpackOp : Lutra_Op<"tile_unpack", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "the values of one step of codes, in bytes";
  let description = [{
    Shapes: `codes` is [panels, words, columns, bytes] of i8, `special`, if there, [1, columns] of i32, `result`
    [fields, columns * bytes] of i8, where a step has `fields` codes in each byte; two `code_indices`: the panel and the
    first word.

    Semantics: result[f, c * bytes + b] = the value of code f * bytes + b of column c in the step, modulo 2^8; values as
    tile_coded_matmul has them. Its rows, one after another, are the words of a panel of codes of 8 bits.

    Errors: (E1) `result` does not have rank 2 and i8 elements, or the rows of another number of fields. (E2)
    `code_indices` are not two. (E3) `codes` has another rank, other elements or other columns and bytes than `result`.
    (E4) to (E7): (E6) to (E8) and (E11) of tile_coded_matmul.

    Example:
    ```mlir
    %v = lutra.tile_unpack %w[%p, %s] {bits = 4 : i64} : memref<?x?x16x4xi8> -> !lutra.tile<2x64xi8>
    ```
    Source: tile level of the compiler; see the dialect's rationale.
  }];
  let arguments = (ins AnyMemRef:$codes, Variadic<Index>:$code_indices, Optional<Lutra_AnyTile>:$special,
                       I64Attr:$bits, DefaultValuedAttr<I64Attr, "0">:$offset,
                       OptionalAttr<DenseI64ArrayAttr>:$values, DefaultValuedAttr<I64Attr, "-1">:$special_code,
                       UnitAttr:$triples);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = [{
    $codes `[` $code_indices `]` (`special` `(` $special^ `:` type($special) `)`)? attr-dict
    `:` type($codes) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_TileRescaleOp : Lutra_Op<"tile_rescale", [Pure, AllTypesMatch<["input", "result"]>,
    AllTypesMatch<["factors", "offsets"]>]> {
  let summary = "bytes times factors";
  let description = [{
    Shapes: `input` and `result` [rows, bytes] of i8, `factors` and `offsets` [1, bytes / 2] of i16.

    Semantics: result[r, i] = bits 8 to 15 of input[r, i] * factors[i / 2] + offsets[i / 2], where elements of `input`
    have no sign: fixed-point numbers with 8 bits behind the point, rounded down, modulo 2^8. An offset with 128 added
    rounds to the nearest.

    Errors: (E1) `input` does not have rank 2, i8 elements and rows of an even length. (E2) `factors` and `offsets` are
    no rows of i16 with one for each two bytes.

    Example:
    ```mlir
    %r = lutra.tile_rescale %v by %f plus %o : !lutra.tile<2x64xi8>, !lutra.tile<1x32xi16>
    ```
    Source: tile level of the compiler; see the dialect's rationale.
  }];
  let arguments = (ins Lutra_AnyTile:$input, Lutra_AnyTile:$factors, Lutra_AnyTile:$offsets);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = [{
    $input `by` $factors `plus` $offsets attr-dict `:` type($input) `,` type($factors)
  }];
  let hasVerifier = 1;
}

} // opDocGroup

#endif
