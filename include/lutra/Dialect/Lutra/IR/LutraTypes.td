//===- LutraTypes.td - the tile type ---------------------------------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRATYPES_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRATYPES_TD

include "lutra/Dialect/Lutra/IR/LutraBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"

def Lutra_TileType : TypeDef<Lutra_Dialect, "Tile", [ShapedTypeInterface]> {
  let mnemonic = "tile";
  let summary = "a small block of values held by one work item";
  let description = [{
    `!lutra.tile<6x16xf32>`: static shape of rank 0 to 2. Where the values live is the target's
    business: vectors on a CPU, fragments distributed over the threads of a block on a GPU.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "mlir::Type":$elementType);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let builders = [TypeBuilderWithInferredContext<(ins "llvm::ArrayRef<int64_t>":$shape,
                                                      "mlir::Type":$elementType), [{
    return $_get(elementType.getContext(), shape, elementType);
  }]>];
  let extraClassDeclaration = [{
    TileType cloneWith(std::optional<llvm::ArrayRef<int64_t>> shape, mlir::Type elementType) const {
      return get(shape.value_or(getShape()), elementType);
    }
    bool hasRank() const { return true; }
  }];
}
def Lutra_AnyTile : Type<CPred<"::llvm::isa<::lutra::TileType>($_self)">, "tile",
                         "::lutra::TileType">;

#endif
