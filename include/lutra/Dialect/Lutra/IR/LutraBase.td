//===- LutraBase.td - dialect definition and op base classes --------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRABASE_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRABASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/AttrTypeBase.td"

def Lutra_Dialect : Dialect {
  let name = "lutra";
  let summary = "networks with quantized, low-bit and sparse products as first-class ops";
  let description = [{
    Graph-level ops state what is computed on tensors and nothing about a machine. Kernel ops hold
    one fusion group each. Tile ops are the contract between the target-independent compiler and
    the targets: loops over `!lutra.tile` values.
  }];
  let cppNamespace = "::lutra";
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let extraClassDeclaration = [{
    // One per op family, each in the family's own file.
    void addIntegerOps();
    void addMovementOps();
    void addNormOps();
    void addPointwiseOps();
    void addProductOps();
    void addProgramOps();
    void addQuantizationOps();
    void addReductionOps();
    void addTileOps();
    void addAttributeKinds();
    void addTypeKinds();
    /// TilingInterface, as external models: one implementation serves all tiled ops.
    void addTiling();
  }];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
                           "mlir::tensor::TensorDialect"];
}

// Sizes that are known multiply to at most 2^48, so that counts of elements, bits and operations need no care.
def Lutra_BoundedShapes : NativeOpTrait<"BoundedShapes"> {
  let cppNamespace = "::lutra";
}

class Lutra_Op<string mnemonic, list<Trait> traits = []>
    : Op<Lutra_Dialect, mnemonic, [Lutra_BoundedShapes] # traits>;

class Lutra_Enum<string name, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, "", cases> {
  let cppNamespace = "::lutra";
  let genSpecializedAttr = 0;
}
class Lutra_EnumAttr<EnumInfo info, string mnemonic> : EnumAttr<Lutra_Dialect, info, mnemonic> {
  let assemblyFormat = "`<` $value `>`";
}

#endif
