//===- LutraTileOps.td - the contract between compiler and targets ---------===//
// A kernel at tile level is loops (scf) over these ops. Values of type !lutra.tile live wherever the
// target keeps them. Every op here has one conversion per target and nothing above it names a target.
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRATILEOPS_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRATILEOPS_TD

include "lutra/Dialect/Lutra/IR/LutraOpBase.td"

def Lutra_TileFillOp : Lutra_Op<"tile_fill", [Pure]> {
  let summary = "a tile whose elements all equal one scalar";
  let arguments = (ins Lutra_Scalar:$value);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = "$value attr-dict `:` type($value) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_TileIotaOp : Lutra_Op<"tile_iota", [Pure]> {
  let summary = "base + position along tile dimension `dim`, as index values";
  let arguments = (ins Index:$base, I64Attr:$dim);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = "$base attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def Lutra_TileLoadOp : Lutra_Op<"tile_load", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "reads a tile from a buffer";
  let description = [{
    Element (t0, t1, ..) of the tile comes from `source[indices + sum over d of t_d * steps[d] *
    unit(dims[d])]`, where dims[d] is the buffer dimension along which tile dimension d advances, or
    -1 when it is repeated. `bounds` (none, or one per tile dimension) is the number of elements
    that exist; the others read as zero and touch no memory.
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
  let summary = "writes a tile to a buffer; addressing as in tile_load";
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
  let arguments = (ins AnyMemRef:$source, Lutra_AnyTile:$offsets, Variadic<Index>:$bounds);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = [{
    $source `[` $offsets `]` (`bounds` `(` $bounds^ `)`)? attr-dict `:` type($source) `,` type($offsets)
    `->` type($result)
  }];
  let hasVerifier = 1;
}

def Lutra_TileMapOp : Lutra_Op<"tile_map", [Pure, SingleBlockImplicitTerminator<"YieldOp">,
    RecursiveMemoryEffects, IsolatedFromAbove]> {
  let summary = "a scalar region applied to each element";
  let description = [{
    The region takes one scalar per input tile and yields one per result; it holds `arith` and
    `math` ops on scalars. Inputs of rank 0 and size-1 dimensions are broadcast.
  }];
  let arguments = (ins Variadic<Lutra_AnyTile>:$inputs);
  let results = (outs Variadic<Lutra_AnyTile>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `(` $inputs `)` attr-dict `:` functional-type(operands, results) $body
  }];
  let hasVerifier = 1;
}

def Lutra_TileReduceOp : Lutra_Op<"tile_reduce", [Pure]> {
  let summary = "sum, product, maximum or minimum of a tile along its last dimension";
  // Fixed pairwise tree: the same bits on every target. Unsigned integers take ui element types.
  let arguments = (ins Lutra_ReduceKind:$kind, Lutra_AnyTile:$input);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = "`` $kind $input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_TileExtractOp : Lutra_Op<"tile_extract", [Pure]> {
  let summary = "the scalar of a tile of rank 0 (or of one element)";
  let arguments = (ins Lutra_AnyTile:$input);
  let results = (outs Lutra_Scalar:$result);
  let assemblyFormat = "$input attr-dict `:` type($input) `->` type($result)";
  let hasVerifier = 1;
}

def Lutra_TileMatmulOp : Lutra_Op<"tile_matmul", [AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "acc + lhs * rhs for one tile, over `depth` steps of K";
  let description = [{
    acc is [rows, columns]. lhs is read at lhs[lhsIndices]: row r adds r to index dimension
    `lhs_row_dim`, step k adds k to the last dimension. rhs is read at rhs[rhsIndices] by
    `rhs_layout`: row_major: the last two dimensions are [K, N]; col_major: [N, K]; panel: the last three are
    [panel, K, width] and `columns` is a multiple of width (further panels follow). `row_step` is the
    distance of two rows in units of lhs_row_dim (a convolution's stride). `bounds` (none, or rows
    and columns) is the part of the tile that exists: operands outside of it are not read, and what
    the result holds there is unspecified.
    One fused multiply-add per product, in the order of k.
  }];
  let arguments = (ins AnyMemRef:$lhs, Variadic<Index>:$lhs_indices, AnyMemRef:$rhs,
                       Variadic<Index>:$rhs_indices, Lutra_AnyTile:$acc, Index:$depth,
                       Variadic<Index>:$bounds,
                       I64Attr:$lhs_row_dim, DefaultValuedAttr<I64Attr, "1">:$row_step,
                       Lutra_PanelLayout:$rhs_layout);
  let results = (outs Lutra_AnyTile:$result);
  let assemblyFormat = [{
    $lhs `[` $lhs_indices `]` `,` $rhs `` $rhs_layout `[` $rhs_indices `]` `,` $acc `depth` $depth
    (`bounds` `(` $bounds^ `)`)? attr-dict `:` type($lhs) `,` type($rhs) `,` type($acc) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif
