//===- LutraOpBase.td - traits and operand sets shared by the op families --===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRAOPBASE_TD
#define LUTRA_DIALECT_LUTRA_IR_LUTRAOPBASE_TD

include "lutra/Dialect/Lutra/IR/LutraAttributes.td"
include "lutra/Dialect/Lutra/IR/LutraEnums.td"
include "lutra/Dialect/Lutra/IR/LutraInterfaces.td"
include "lutra/Dialect/Lutra/IR/LutraTypes.td"
include "mlir/IR/CommonTypeConstraints.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

// Signless integers are signed; ui8..ui64 are unsigned; i1 is a truth value (a byte in memory).
def Lutra_Tensor : RankedTensorOf<[AnyType]>;
def Lutra_Scalar : AnyTypeOf<[AnyFloat, AnyInteger, Index]>;
def Lutra_BoolTensor : RankedTensorOf<[I1]>;
def Lutra_FloatTensor : RankedTensorOf<[AnyFloat]>;
def Lutra_IntTensor : RankedTensorOf<[AnyInteger]>;
def Lutra_IndexTensor : RankedTensorOf<[I32, I64]>;

// A graph-level op: pure, knows its result shape and its cost.
class Lutra_GraphOp<string mnemonic, list<Trait> traits = []>
    : Lutra_Op<mnemonic, traits # [Pure,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
        DeclareOpInterfaceMethods<CostOpInterface>]>;

#endif
