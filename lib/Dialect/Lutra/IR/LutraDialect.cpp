//===- LutraDialect.cpp - registration and shared helpers ------------------===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"

#include "lutra/Dialect/Lutra/IR/LutraDialect.cpp.inc"
#include "lutra/Dialect/Lutra/IR/LutraEnums.cpp.inc"
#include "lutra/Dialect/Lutra/IR/LutraInterfaces.cpp.inc"

using namespace mlir;

namespace lutra {

void LutraDialect::initialize() {
  addAttributeKinds();
  addTypeKinds();
  addIntegerOps();
  addMovementOps();
  addNormOps();
  addPointwiseOps();
  addProductOps();
  addProgramOps();
  addQuantizationOps();
  addReductionOps();
  addTileOps();
  addTiling();
}

Operation *LutraDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type,
                                             Location loc) {
  if (auto elements = dyn_cast<ElementsAttr>(value))
    if (elements.getType() == type)
      return ConstantOp::create(builder, loc, cast<RankedTensorType>(type), elements);
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

int64_t elementCount(Value value, function_ref<int64_t(Value, int64_t)> sizeOf) {
  auto type = dyn_cast<ShapedType>(value.getType());
  if (!type)
    return 1;
  SmallVector<int64_t> sizes(type.getShape());
  for (auto [dim, size] : llvm::enumerate(sizes))
    size = ShapedType::isDynamic(size) ? sizeOf(value, dim) : size;
  return saturatingProduct(sizes);
}

int64_t storedBytes(Value value, function_ref<int64_t(Value, int64_t)> sizeOf) {
  Type element = getElementTypeOrSelf(value.getType());
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  if (tensor && tensor.getEncoding()) {
    SmallVector<int64_t> shape(tensor.getShape());
    for (auto [dim, size] : llvm::enumerate(shape))
      if (ShapedType::isDynamic(size))
        size = sizeOf(value, dim);
    return storedByteCount(RankedTensorType::get(shape, element, tensor.getEncoding()));
  }
  int64_t bits = element.isIntOrFloat() ? std::max(8u, element.getIntOrFloatBitWidth()) : 64;
  return saturatingProduct({elementCount(value, sizeOf), bits / 8});
}

} // namespace lutra
