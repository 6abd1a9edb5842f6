//===- LutraAttributes.cpp - encodings, packings, strategies ---------------===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/EncodedLayout.h"
#include "lutra/Support/EncodedPanels.h"

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
  constexpr int64_t most = int64_t(1) << 24;
  if (width < 1 || depth < 1 || width > most || depth > most) // E1
    return emitError() << "packing has width " << width << " and depth " << depth
                       << ", both must be at least 1 and at most " << most;
  return success();
}

EncodingAttr encodingOf(RankedTensorType type) {
  auto encoding = dyn_cast_or_null<EncodingAttr>(type.getEncoding());
  return encoding ? EncodingAttr::get(type.getContext(), encoding.getValue(), PackingAttr())
                  : EncodingAttr();
}

PackingAttr packingOf(RankedTensorType type) {
  if (auto encoding = dyn_cast_or_null<EncodingAttr>(type.getEncoding()))
    return encoding.getPacking();
  return dyn_cast_or_null<PackingAttr>(type.getEncoding());
}

int64_t storedByteCount(RankedTensorType type) {
  if (type.getRank() == 0 || !type.getEncoding()) {
    int64_t bits = type.getElementType().isIndex() ? 64 : type.getElementTypeBitWidth();
    return type.getNumElements() * std::max<int64_t>(bits, 8) / 8;
  }
  PackingAttr packing = packingOf(type);
  int64_t last = type.getShape().back();
  int64_t others = ShapedType::getNumElements(type.getShape().drop_back());
  if (auto encoding = dyn_cast<EncodingAttr>(type.getEncoding())) {
    const Encoding &value = encoding.getValue();
    if (packing)
      return llvm::cantFail(EncodedPanels::of(value, others, last, packing.getWidth(), packing.getDepth())).bytes;
    return llvm::cantFail(EncodedLayout::of(value, others, last)).bytes;
  }
  MemRefType buffer = getBufferType(type);
  return buffer.getNumElements() * llvm::divideCeil(buffer.getElementTypeBitWidth(), 8);
}

} // namespace lutra
