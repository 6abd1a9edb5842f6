//===- Lutra.h - the lutra dialect: types, attributes, interfaces, ops ------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_LUTRA_H
#define LUTRA_DIALECT_LUTRA_IR_LUTRA_H

#include "lutra/Dialect/Lutra/IR/BoundedShapes.h"
#include "lutra/Support/Encoding.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/CallInterfaces.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace lutra {

/// Bytes that a tensor (or scalar) value occupies in its stored form. `sizeOf(value, dim)` answers for dynamic sizes.
int64_t storedBytes(mlir::Value value, llvm::function_ref<int64_t(mlir::Value, int64_t)> sizeOf);

/// Number of elements of a ranked value, dynamic sizes asked of `sizeOf`.
int64_t elementCount(mlir::Value value, llvm::function_ref<int64_t(mlir::Value, int64_t)> sizeOf);

/// The buffer that holds a tensor once memory is planned: row-major and contiguous, i1 as a byte, unsigned integers
/// signless, index as i64. A packed tensor [K.., N] becomes [ceil(N/width), ceil(K/depth), width, depth], where K is
/// the product of all dimensions but the last; without the last dimension when depth is 1. Null for an encoding that
/// has no buffer form.
mlir::MemRefType getBufferType(mlir::RankedTensorType type);

/// How an element lies in a buffer: i1 as i8, ui8 as i8, index as i64, others as they are.
mlir::Type getBufferElementType(mlir::Type type);

} // namespace lutra

#include "lutra/Dialect/Lutra/IR/LutraDialect.h.inc"
#include "lutra/Dialect/Lutra/IR/LutraEnums.h.inc"
#include "lutra/Dialect/Lutra/IR/LutraInterfaces.h.inc"

#define GET_TYPEDEF_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraAttributes.h.inc"

namespace lutra {
class KernelOp;
class TileMapOp;
class YieldOp;

/// The encoding of a tensor type without its packing, or null: its elements are stored as they are.
EncodingAttr encodingOf(mlir::RankedTensorType type);

/// The packing of a tensor type, or null: it lies in row-major order.
PackingAttr packingOf(mlir::RankedTensorType type);

/// Bytes that a tensor of a static type occupies in its stored form.
int64_t storedByteCount(mlir::RankedTensorType type);
} // namespace lutra

#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraIntegerOps.h.inc"
#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraMovementOps.h.inc"
#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraNormOps.h.inc"
#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraPointwiseOps.h.inc"
#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraProductOps.h.inc"
#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraProgramOps.h.inc"
#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraQuantizationOps.h.inc"
#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraReductionOps.h.inc"
#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraTileOps.h.inc"

#endif // LUTRA_DIALECT_LUTRA_IR_LUTRA_H
