//===- LutraProgramOps.cpp - weights, kernels, launches ===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "OpHelpers.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace lutra;

#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraProgramOps.cpp.inc"

void LutraDialect::addProgramOps() {
  addOperations<
#define GET_OP_LIST
#include "lutra/Dialect/Lutra/IR/LutraProgramOps.cpp.inc"
      >();
}

LogicalResult GlobalOp::verify() { return success(); }

Type lutra::getBufferElementType(Type type) {
  if (type.isIndex())
    return IntegerType::get(type.getContext(), 64);
  if (auto integer = dyn_cast<IntegerType>(type))
    return IntegerType::get(type.getContext(), integer.getWidth() == 1 ? 8 : integer.getWidth());
  return type;
}

MemRefType lutra::getBufferType(RankedTensorType type) {
  SmallVector<int64_t> shape(type.getShape());
  if (auto packing = dyn_cast_or_null<PackingAttr>(type.getEncoding())) {
    if (shape.size() < 2)
      return {};
    int64_t columns = shape.pop_back_val(), depth = 1;
    for (int64_t size : shape)
      depth = ShapedType::isDynamic(size) || ShapedType::isDynamic(depth) ? ShapedType::kDynamic
                                                                          : depth * size;
    auto divide = [](int64_t size, int64_t by) {
      return ShapedType::isDynamic(size) ? size : (size + by - 1) / by;
    };
    shape.assign({divide(columns, packing.getWidth()), divide(depth, packing.getDepth()),
                  packing.getWidth()});
    if (packing.getDepth() != 1)
      shape.push_back(packing.getDepth());
  } else if (type.getEncoding()) {
    return {};
  }
  return MemRefType::get(shape, getBufferElementType(type.getElementType()));
}

LogicalResult WeightOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  if (auto tensor = dyn_cast<RankedTensorType>(getType()))
    shapes.push_back(mixSizes(builder, tensor, {}));
  else
    return failure();
  return success();
}

int64_t WeightOp::getOperations(SizeFn) { return 0; }

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto global = symbols.lookupNearestSymbolFrom<GlobalOp>(*this, getGlobalAttr());
  if (!global)
    return emitOpError("refers to @") << getGlobal() << ", which is not a lutra.global of the module";
  if (auto buffer = dyn_cast<MemRefType>(getType())) {
    MemRefType stored = getBufferType(cast<RankedTensorType>(global.getType()));
    if (!stored || stored.getElementType() != buffer.getElementType() ||
        !buffer.hasStaticShape() || stored.getNumElements() != buffer.getNumElements())
      return emitOpError("views @") << getGlobal() << " as " << buffer << ", but it holds "
                                    << global.getType();
    return success();
  }
  if (global.getType() != getType())
    return emitOpError("has type ") << getType() << ", but @" << getGlobal() << " holds "
                                    << global.getType();
  return success();
}

void KernelOp::build(OpBuilder &builder, OperationState &state, StringRef name, FunctionType type) {
  state.addAttribute(SymbolTable::getSymbolAttrName(), builder.getStringAttr(name));
  state.addAttribute(getFunctionTypeAttrName(state.name), TypeAttr::get(type));
  state.addRegion();
}

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  auto buildType = [](Builder &builder, ArrayRef<Type> arguments, ArrayRef<Type> results,
                      function_interface_impl::VariadicFlag, std::string &) {
    return builder.getFunctionType(arguments, results);
  };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false, getFunctionTypeAttrName(result.name), buildType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void KernelOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(printer, *this, /*isVariadic=*/false,
                                           getFunctionTypeAttrName(), getArgAttrsAttrName(),
                                           getResAttrsAttrName());
}

LogicalResult KernelOp::verify() { return success(); }

YieldOp KernelOp::getYield() { return cast<YieldOp>(getBody().front().getTerminator()); }

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!symbols.lookupNearestSymbolFrom(*this, getKernelAttr()))
    return emitOpError("launches @") << getKernel() << ", which the module does not define";
  return success();
}

void LaunchOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &operand : getInputsMutable())
    if (isa<MemRefType>(operand.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &operand,
                           SideEffects::DefaultResource::get());
  for (OpOperand &operand : getOutputsMutable())
    effects.emplace_back(MemoryEffects::Write::get(), &operand,
                         SideEffects::DefaultResource::get());
}

void ArenaOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effects.emplace_back(MemoryEffects::Allocate::get(), getOperation()->getOpResult(0),
                       SideEffects::DefaultResource::get());
}
