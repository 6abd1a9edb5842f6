//===- LutraProgramOps.cpp - weights, kernels, launches ===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "OpHelpers.h"
#include "VerifyHelpers.h"

#include "lutra/Dialect/Lutra/IR/PanelSums.h"
#include "lutra/Support/BytePanels.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
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

LogicalResult WeightOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  auto tensor = dyn_cast<RankedTensorType>(getType());
  if (!tensor)
    return failure();
  shapes.push_back(mixSizes(builder, tensor, {}));
  return success();
}

int64_t WeightOp::getOperations(SizeFn) { return 0; }

Type lutra::getBufferElementType(Type type) {
  if (type.isIndex())
    return IntegerType::get(type.getContext(), 64);
  if (auto integer = dyn_cast<IntegerType>(type))
    return IntegerType::get(type.getContext(), integer.getWidth() == 1 ? 8 : integer.getWidth());
  return type;
}

bool lutra::hasPanelSums(RankedTensorType type) {
  auto packing = dyn_cast_or_null<PackingAttr>(type.getEncoding());
  return packing && packing.getDepth() == bytePanelDepth && type.getElementType().isSignlessInteger(8);
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
    if (hasPanelSums(type) && !ShapedType::isDynamic(shape[1]))
      ++shape[1];
  } else if (type.getEncoding()) {
    if (!type.hasStaticShape())
      return {};
    return MemRefType::get({storedByteCount(type)}, IntegerType::get(type.getContext(), 8));
  }
  return MemRefType::get(shape, getBufferElementType(type.getElementType()));
}

LogicalResult GlobalOp::verify() {
  auto type = cast<RankedTensorType>(getType());
  if (!type.hasStaticShape()) // E1
    return emitOpError("has type ") << type << "; a weight needs a static shape";
  ShapedType data = getData().getShapedType();
  if (!type.getEncoding()) {
    if (data != type) // E2
      return emitOpError("has type ") << type << ", but its data is " << data
                                      << "; make them equal";
    return success();
  }
  int64_t bytes = storedByteCount(type);
  if (!data.getElementType().isSignlessInteger(8) || data.getRank() != 1 ||
      data.getNumElements() != bytes) // E3
    return emitOpError("has type ") << type << ", which is stored in " << bytes
                                    << " bytes, but its data is " << data << "; give tensor<" << bytes
                                    << "xi8>";
  return success();
}

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto global = symbols.lookupNearestSymbolFrom<GlobalOp>(*this, getGlobalAttr());
  if (!global) // E1
    return emitOpError("refers to @")
           << getGlobal() << ", which is not a lutra.global of the module; define it or rename";
  if (global.getType() == getType())
    return success();
  if (auto buffer = dyn_cast<MemRefType>(getType())) {
    MemRefType stored = getBufferType(cast<RankedTensorType>(global.getType()));
    if (stored && stored.getElementType() == buffer.getElementType() && buffer.hasStaticShape() &&
        stored.getNumElements() == buffer.getNumElements())
      return success();
    return emitOpError("views @") // E3
           << getGlobal() << " as " << buffer << ", but it is stored as " << stored
           << "; a view keeps elements and their number";
  }
  InFlightDiagnostic diag = emitOpError("has type ") // E2
                            << getType() << ", but @" << getGlobal() << " holds "
                            << global.getType() << "; make them equal";
  diag.attachNote(global.getLoc()) << "the global is here";
  return diag;
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

YieldOp KernelOp::getYield() { return cast<YieldOp>(getBody().front().getTerminator()); }

LogicalResult KernelOp::verifyRegions() {
  if (!getBody().hasOneBlock() || getBody().front().empty() ||
      !isa<YieldOp>(getBody().front().back())) // E1
    return emitOpError("has a body that is not one block ended by lutra.yield; give it one");
  TypeRange yielded = getYield().getValues().getTypes();
  if (yielded != TypeRange(getResultTypes())) { // E2
    InFlightDiagnostic diag = getYield().emitOpError("returns (")
                              << yielded << "), but its kernel declares (" << getResultTypes()
                              << "); make them equal";
    return diag;
  }
  for (Type type : getArgumentTypes())
    if (!isa<RankedTensorType, IndexType>(type)) // E3
      return emitOpError("has an argument of type ")
             << type << ", but a kernel takes ranked tensors and index values only";
  for (Type type : getResultTypes())
    if (!isa<RankedTensorType>(type)) // E3
      return emitOpError("has a result of type ")
             << type << ", but a kernel returns ranked tensors only";
  return success();
}

/// Whether a value of type `given` serves where a kernel declares `declared`: the same type but for
/// sizes known on one side alone, or a memref that stores such a tensor. Stored bytes of an encoded
/// tensor have a shape of their own.
static bool servesAs(Type given, Type declared) {
  auto tensor = dyn_cast<RankedTensorType>(declared);
  if (!tensor)
    return given == declared;
  if (auto buffer = dyn_cast<MemRefType>(given)) {
    MemRefType stored = getBufferType(tensor);
    return !stored || (shapesAgree(buffer.getShape(), stored.getShape()) &&
                       buffer.getElementType() == stored.getElementType());
  }
  auto givenTensor = dyn_cast<RankedTensorType>(given);
  return givenTensor && givenTensor.getElementType() == tensor.getElementType() &&
         givenTensor.getEncoding() == tensor.getEncoding() &&
         shapesAgree(givenTensor.getShape(), tensor.getShape());
}

LogicalResult LaunchOp::verify() {
  if (!getOutputs().empty() && (getNumResults() > 0 || !getSizes().empty())) // E2
    return emitOpError("has ") << getOutputs().size() << " outputs beside " << getNumResults()
                               << " results and " << getSizes().size()
                               << " sizes; a launch that writes buffers returns nothing";
  int64_t dynamic = 0;
  for (Type type : getResultTypes())
    dynamic += cast<RankedTensorType>(type).getNumDynamicDims();
  if (dynamic != (int64_t)getSizes().size()) // E3
    return emitOpError("gives ") << getSizes().size() << " sizes, but its results have " << dynamic
                                 << " dynamic dimensions; give one index value for each of them";
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  Operation *symbol = symbols.lookupNearestSymbolFrom(*this, getKernelAttr());
  if (!symbol) // E1
    return emitOpError("launches @")
           << getKernel() << ", which the module does not define; define it or rename";
  auto kernel = dyn_cast<KernelOp>(symbol);
  if (!kernel)
    return success(); // lowered already: its arguments are checked by its own lowering
  bool buffers = !getOutputs().empty();
  SmallVector<Type> written(buffers ? TypeRange(getOutputs()) : TypeRange(getResultTypes()));
  auto check = [&](StringRef what, TypeRange given, ArrayRef<Type> declared) -> LogicalResult {
    if (given.size() != declared.size()) { // E4
      InFlightDiagnostic diag = emitOpError("has ") << given.size() << " " << what << ", but @"
                                                    << getKernel() << " has " << declared.size();
      diag.attachNote(kernel.getLoc()) << "the kernel is here";
      return diag;
    }
    for (auto [number, givenType] : llvm::enumerate(given))
      if (!servesAs(givenType, declared[number])) { // E5
        InFlightDiagnostic diag = emitOpError("has ")
                                  << what << " with " << givenType << " at " << number << ", but @"
                                  << getKernel() << " has " << declared[number] << " there";
        diag.attachNote(kernel.getLoc()) << "the kernel is here";
        return diag;
      }
    return success();
  };
  if (failed(check("inputs", getInputs().getTypes(), kernel.getArgumentTypes())))
    return failure();
  return check(buffers ? "outputs" : "results", written, kernel.getResultTypes());
}

LogicalResult ArenaOp::verify() {
  int64_t size = shapedOf(getResult()).getDimSize(0);
  std::optional<int64_t> bytes = getConstantIntValue(getBytes());
  if (bytes && !sizesAgree(size, *bytes)) // E1
    return emitOpError("has ") << *bytes << " bytes, but its result has " << size
                               << "; make them equal or the result dynamic";
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
