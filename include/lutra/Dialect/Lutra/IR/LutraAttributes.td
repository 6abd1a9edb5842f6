//===- LutraAttributes.td - encodings, packings, strategies ----------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAATTRIBUTES_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAATTRIBUTES_TD

include "lutra/Dialect/Lutra/IR/LutraBase.td"

class Lutra_Attr<string name, string mnemonic_, list<Trait> traits = []>
    : AttrDef<Lutra_Dialect, name, traits> {
  let mnemonic = mnemonic_;
}

def Lutra_PackingAttr : Lutra_Attr<"Packing", "packing"> {
  let summary = "how the codes of a weight lie in memory";
  let description = [{
    `#lutra.packing<width = 16, depth = 1>`: panels of `width` output columns; within a panel the
    product's depth (K) advances in steps of `depth` elements that lie together. A matrix [K, N]
    becomes [ceil(N / width), ceil(K / depth), width, depth], the last panel filled with zeros. All
    dimensions but the last form K, so that a channels_last filter [k.., C, F] is one matrix. Chosen by a
    strategy, never part of a weight's meaning.
  }];
  let parameters = (ins "int64_t":$width, "int64_t":$depth);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Lutra_StrategyAttr : Lutra_Attr<"Strategy", "strategy"> {
  let summary = "how a product is computed";
  let description = [{
    `#lutra.strategy<"panel-fma", tile = [6, 16]>`: the name of a registered strategy and the tile
    it asks for. Written by choose-strategy, read by tiling.
  }];
  let parameters = (ins StringRefParameter<"registered name">:$name,
                        ArrayRefParameter<"int64_t">:$tile);
  let assemblyFormat = "`<` $name `,` `tile` `=` `[` $tile `]` `>`";
}

#endif
