//===- LutraAttributes.cpp - encodings, packings, strategies ---------------===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#define GET_ATTRDEF_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraAttributes.cpp.inc"

using namespace mlir;

namespace lutra {

void LutraDialect::addAttributeKinds() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "lutra/Dialect/Lutra/IR/LutraAttributes.cpp.inc"
      >();
}

LogicalResult PackingAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t width,
                                  int64_t depth) {
  if (width < 1 || depth < 1)
    return emitError() << "packing has width " << width << " and depth " << depth
                       << ", both must be at least 1";
  return success();
}

Attribute encodingOf(RankedTensorType type) {
  return isa_and_nonnull<PackingAttr>(type.getEncoding()) ? Attribute() : type.getEncoding();
}

PackingAttr packingOf(RankedTensorType type) {
  return dyn_cast_or_null<PackingAttr>(type.getEncoding());
}

int64_t storedByteCount(RankedTensorType type) {
  SmallVector<int64_t> shape(type.getShape());
  if (PackingAttr packing = packingOf(type)) {
    int64_t rank = shape.size();
    shape[rank - 1] = llvm::alignTo(shape[rank - 1], packing.getWidth());
    shape[rank - 2] = llvm::alignTo(shape[rank - 2], packing.getDepth());
  }
  int64_t bits = type.getElementType().isIndex() ? 64 : type.getElementTypeBitWidth();
  return ShapedType::getNumElements(shape) * std::max<int64_t>(bits, 8) / 8;
}

} // namespace lutra
