//===- LutraTypes.cpp - the tile type --------------------------------------===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#define GET_TYPEDEF_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraTypes.cpp.inc"

using namespace mlir;

namespace lutra {

void LutraDialect::addTypeKinds() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "lutra/Dialect/Lutra/IR/LutraTypes.cpp.inc"
      >();
}

Type TileType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type element;
  if (parser.parseLess() || parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(element) || parser.parseGreater())
    return {};
  return parser.getChecked<TileType>(parser.getContext(), shape, element);
}

void TileType::print(AsmPrinter &printer) const {
  printer << '<';
  for (int64_t size : getShape())
    printer << size << 'x';
  printer << getElementType() << '>';
}

LogicalResult TileType::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<int64_t> shape, Type elementType) {
  if (shape.size() > 2)
    return emitError() << "tile has rank " << shape.size() << ", but at most 2 is possible";
  for (int64_t size : shape)
    if (size < 1)
      return emitError() << "tile has a size of " << size << ", all must be at least 1";
  if (!elementType.isIntOrIndexOrFloat())
    return emitError() << "tile has elements of type " << elementType
                       << ", only integers, index and floats are possible";
  return success();
}

} // namespace lutra
