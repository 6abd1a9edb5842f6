//===- CheckEntry.cpp - what a module must be to become a model -------------===//
// Importers make such modules; IR text may hold anything that verifies.
#include "CheckEntry.h"

#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace lutra;

/// Elements that a caller can hand over (include/lutra/Runtime/ModelTable.h).
static bool isExchanged(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.isSignlessInteger(1) ||
           (!integer.isSigned() && llvm::is_contained({8u, 16u, 32u, 64u}, integer.getWidth()));
  return type.isF16() || type.isBF16() || type.isF32() || type.isF64() || isa<Float8E4M3FNType, Float8E5M2Type>(type);
}

static LogicalResult checkValue(func::FuncOp main, Type type, DictionaryAttr attributes, const std::string &role) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getEncoding() || !isExchanged(tensor.getElementType()))
    return emitCodedError(main.getLoc(), ErrorCode::UnsupportedType)
           << role << " of @main is a " << type
           << "; a model exchanges tensors of bool, integers of 8 to 64 bits and floats, without an encoding";
  auto fail = [&](StringRef what) {
    return emitCodedError(main.getLoc(), ErrorCode::IrSyntax) << role << " of @main has " << what;
  };
  if (!attributes)
    return success();
  if (Attribute name = attributes.get("lutra.name"); name && !isa<StringAttr>(name))
    return fail("a lutra.name that is no string");
  Attribute names = attributes.get("lutra.dim_names");
  auto list = dyn_cast_if_present<ArrayAttr>(names);
  bool isList = list && llvm::all_of(list, [](Attribute name) { return isa<StringAttr>(name); });
  if (names && (!isList || static_cast<int64_t>(list.size()) != tensor.getRank()))
    return fail("a lutra.dim_names that is no list of a string for each dimension");
  return success();
}

LogicalResult lutra::checkEntry(ModuleOp module) {
  if (module.lookupSymbol("main.signature") || module.lookupSymbol("main.shapes"))
    return success();
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return emitCodedError(module.getLoc(), ErrorCode::IrSyntax) << "the module's @main is no function with a body";
  for (func::FuncOp other : module.getOps<func::FuncOp>())
    if (other != main)
      return emitCodedError(other.getLoc(), ErrorCode::UnsupportedOp)
             << "function @" << other.getSymName() << " stands beside @main; a model has one function, "
             << "so inline what it calls and leave out the rest";
  if (main.getNumResults() == 0)
    return emitCodedError(main.getLoc(), ErrorCode::IrSyntax) << "@main returns nothing; a model has results";
  for (auto [index, type] : llvm::enumerate(main.getArgumentTypes()))
    if (failed(checkValue(main, type, main.getArgAttrDict(index), llvm::formatv("argument {0}", index).str())))
      return failure();
  for (auto [index, type] : llvm::enumerate(main.getResultTypes()))
    if (failed(checkValue(main, type, main.getResultAttrDict(index), llvm::formatv("result {0}", index).str())))
      return failure();
  WalkResult walk = module.walk([](tensor::DimOp op) {
    std::optional<int64_t> dim = op.getConstantIndex();
    auto type = dyn_cast<RankedTensorType>(op.getSource().getType());
    if (!dim || !type || (*dim >= 0 && *dim < type.getRank()))
      return WalkResult::advance();
    emitCodedError(op.getLoc(), ErrorCode::GraphType)
        << "asks for dimension " << *dim << " of a tensor of rank " << type.getRank();
    return WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}
