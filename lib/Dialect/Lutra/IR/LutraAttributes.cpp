//===- LutraAttributes.cpp - encodings, packings, strategies ---------------===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

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

} // namespace lutra
