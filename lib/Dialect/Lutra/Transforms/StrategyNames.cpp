//===- StrategyNames.cpp - the strategies that a pass is told -------------------===//
#include "StrategyNames.h"

#include "lutra/Support/ErrorCodes.h"

using namespace mlir;

namespace lutra {

const ProductStrategies *findStrategies(StringRef only, Location loc) {
  const ProductStrategies *strategies = ProductStrategies::get(loc.getContext());
  if (!strategies) {
    emitCodedError(loc, ErrorCode::Internal) << "this tool registers no product strategies";
    return nullptr;
  }
  if (only == "auto" || strategies->find(only))
    return strategies;
  InFlightDiagnostic error = emitCodedError(loc, ErrorCode::UnsupportedOp)
                             << "no strategy is named '" << only << "'; take auto";
  for (const std::unique_ptr<ProductStrategy> &known : strategies->all())
    error << ", " << known->getName();
  return nullptr;
}

} // namespace lutra
