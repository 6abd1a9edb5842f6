//===- StrategyNames.cpp - the strategies that a pass is told -------------------===//
#include "StrategyNames.h"

#include "lutra/Support/ErrorCodes.h"

using namespace mlir;

namespace lutra {

const ProductStrategies *findStrategies(StringRef names, Location loc) {
  const ProductStrategies *strategies = ProductStrategies::get(loc.getContext());
  if (!strategies) {
    emitCodedError(loc, ErrorCode::Internal) << "this tool registers no product strategies";
    return nullptr;
  }
  SmallVector<StringRef> wanted(llvm::split(names, ','));
  auto unknown = llvm::find_if(wanted, [&](StringRef name) { return name != "auto" && !strategies->find(name); });
  if (unknown == wanted.end())
    return strategies;
  InFlightDiagnostic error = emitCodedError(loc, ErrorCode::UnsupportedOp)
                             << "no strategy is named '" << *unknown << "'; take auto";
  for (const std::unique_ptr<ProductStrategy> &known : strategies->all())
    error << ", " << known->getName();
  return nullptr;
}

} // namespace lutra
