//===- LutraAttributes.td - encodings, packings, strategies ----------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAATTRIBUTES_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAATTRIBUTES_TD

include "lutra/Dialect/Lutra/IR/LutraBase.td"
include "mlir/IR/TensorEncoding.td"

class Lutra_Attr<string name, string mnemonic_, list<Trait> traits = []>
    : AttrDef<Lutra_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}

def Lutra_PackingAttr : Lutra_Attr<"Packing", "packing", [
    DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "how the codes of a weight lie in memory";
  let description = [{
    `#lutra.packing<width = 16, depth = 1>`: panels of `width` output columns; within a panel the
    product's depth (K) advances in steps of `depth` elements that lie together. A matrix [K, N]
    becomes [ceil(N / width), ceil(K / depth), width, depth], the last panel filled with zeros. All
    dimensions but the last form K, so that a channels_last filter [k.., C, F] is one matrix. Chosen by a
    strategy, never part of a weight's meaning.

    Errors: (E1) `width` or `depth` is below 1 or above 2^24. (E2) on a type: fewer than 2 dimensions.
  }];
  let parameters = (ins "int64_t":$width, "int64_t":$depth);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

// The text is the canonical one of lib/Support; equal text, equal encoding.
def Lutra_EncodingValue : AttrParameter<"::lutra::Encoding", "terms, permutations, activation form"> {
  let cppAccessorType = "const ::lutra::Encoding &";
  let comparator = "$_lhs == $_rhs";
}

def Lutra_EncodingAttr : Lutra_Attr<"Encoding", "encoding", [
    DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "how the values of a tensor are stored";
  let description = [{
    On a tensor type, shape and element type are the logical ones and the encoding says what is stored for
    them. With k the last dimension and n all others, W[n, k] is the sum of the terms, and

    ```
    dense term[n, k] = product over scales of S[n / gn, k / gk] * (value(code[n, k]) - zero[n, k])

    encoding   ::= `#lutra.encoding<` `[` term (`,` term)* `]` (`,` `perm_n` `=` @list)? (`,` `perm_k` `=` @list)?
                   (`,` `act` `=` activation)? (`,` `packing` `=` #lutra.packing)? `>`
    term       ::= `dense<` format `>` | `sparse<` format `,` sparsity `>` | `lowrank<` r `,` {format} `,` {format} `>`
                 | `parts<` (rows `columns<` b `,` e `>` {format}),.. `>`  with rows ::= `rows<` begin `,` end `>`
                 | `typemap<` @map `,` gn `,` gk `,` `[` shares `]` `,` {format},.. `>`
    format     ::= code `,` value (`,` `scales` `=` scale (`*` scale)*)? (`,` `zero` `=` zero)?
    code       ::= `uint<b>` | `int<b>` | `planes<b0, ..>` | `radix<r, n, bits>`
                 | `dict<` bits `,` @table `,` (`fixed<` n `>` | `prefix<` mean `>`) `>`
    value      ::= `affine` (`<` o `>`)? | `bipolar` | `float<e, m, bias` (`,` (`fn` | `ieee`))? `>`
                 | `signmag` | `pot<n, k>` | `signed_by<` (`plane` | `parity7`) `,` value `>`
                 | `table<` entries `,` elem (`,` `vec<` d `>`)? (`,` `select<` (`row` | `group` `,` bits) `>`)?
                   (`,` `[` values `]`)? `>`
    scale      ::= `[` elem `,` group (`,` `affine<` o `>` | minus)? `]`
    group      ::= `tensor` | `row` | gn `,` gk     (`*`: all)
    zero       ::= `const<` c `>` | `tensor<` elem `,` group (`,` `value`)? minus? (`,` scales)? `>`
                 | `min<` elem `,` group minus? (`,` scales)? `>`
    minus      ::= `,` `minus<` elem `,` group `>`
    sparsity   ::= (`nm<n, m, bits>` | `block<bn, bk,` (`csr` | `bitmap`) `>` | `bitmap<` word `>`
                   | `csr<index, pointer>`) (`,` `density<` d `>`)?
    activation ::= `f32` | `f16` | `bf16` | (`e4m3` | `e5m2`) (`<` (`row` | `group<` k `>`) `>`)?
                 | `int<` b `,` (`sym` | `asym`) `,` (`tensor` | `row` | `group<` g `>`) `>`
                 | `blocks<` @map `,` k `,` `[` activation,.. `]` `>`
    elem       ::= u1..u32 | i2..i32 | f32 | f16 | bf16 | e8m0 | e4m3 | ue4m3 | e5m2
    ```
    Scales are listed finest first. `affine<o>` adds o to the code. A `min` and a zero `tensor` in `value` are
    subtracted outside the scales, the others inside; `minus` subtracts a stored number first. All of it is meant in
    double precision, in the order of include/lutra/Support/EncodedTensor.h. Facts (size, exactness in int8, range,
    symmetry, need of activation sums) are computed by lib/Support.

    Stored bytes (data of a `lutra.global`) are arrays at multiples of 64 bytes: for each term and format codes (each
    plane, the starts of runs), sign planes, the table, table selectors, scales (finest first, each before its zeros),
    zero points or minima; then the places of a sparse term, a type map, permutations (stored row i is row perm_n[i])
    and the map of activation blocks. Each array is a matrix of fields whose rows are little-endian bit streams that
    start on a byte; include/lutra/Support/EncodedLayout.h has the shapes. For two rows of three int4 numbers with an
    f16 scale each:

    ```
    bytes 0..3    codes   [2, 3] u4: row 0 in the nibbles 0, 1, 2 (low ones first), nibble 3 empty; row 1 from byte 2
    bytes 64..67  scale0  [2, 1] f16
    ```

    Lists that a symbol names (permutations, type maps) lie in the tensor's bytes; tensors that name one symbol hold the
    same list. Dictionaries of `dict` lie apart, in a `lutra.global` of bytes with the symbol's name: for `fixed<n>` n
    codes of 8 bits for each entry, for `prefix` the length of each entry and its codes.

    Errors: (E1) no term. (E2) a code form with impossible numbers. (E3) a value map that does not fit the code. (E4) an
    empty group, or one above 2^31 elements each way. (E5) scales not nested from fine to coarse. (E6) a table that does
    not fit its codes. (E7) a sparsity with impossible numbers. (E8) a rank, part or type map with impossible numbers.
    (E9) an activation form with impossible numbers. (E10) on a type: elements that are not floats, or rank 0. (E11) on
    a type: a shape for which there is no layout (parts that overlap, indices too narrow, sizes that overflow). (E12) on
    a type: a packing of an encoding that has no panels (include/lutra/Support/EncodedPanels.h).
  }];
  let parameters = (ins Lutra_EncodingValue:$value, OptionalParameter<"::lutra::PackingAttr">:$packing);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Lutra_StrategyAttr : Lutra_Attr<"Strategy", "strategy"> {
  let summary = "how a product is computed";
  let description = [{
    `#lutra.strategy<"tiled">`: the name of a registered strategy (include/lutra/Analysis/ProductStrategy.h).
    Written by lutra-choose-strategy, read by lutra-pack-weights and convert-lutra-to-tile. The tile is not part of
    it: one program serves several instruction-set levels, and each has its own.
  }];
  let parameters = (ins StringRefParameter<"registered name">:$name);
  let assemblyFormat = "`<` $name `>`";
}

#endif
