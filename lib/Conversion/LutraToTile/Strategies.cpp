//===- Strategies.cpp - the list of strategies ---------------------------------===//
#include "Strategies.h"

#include "lutra/Conversion/LutraToTile/ProductStrategies.h"
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/IR/DialectRegistry.h"

using namespace mlir;
using namespace lutra;

/// A new strategy is one file and one line here. The first of two equal offers wins.
static std::vector<std::unique_ptr<ProductStrategy>> makeStrategies() {
  std::vector<std::unique_ptr<ProductStrategy>> list;
  list.push_back(makeTiledStrategy());
  list.push_back(makeCodedStrategy());
  list.push_back(makeDecodeStrategy());
  list.push_back(makeBfloatStrategy());
  list.push_back(makeByteStrategy());
  list.push_back(makeDotStrategy());
  list.push_back(makeLookupStrategy());
  list.push_back(makeTernaryStrategy());
  list.push_back(makeRescaledStrategy());
  list.push_back(makeBitserialStrategy());
  list.push_back(makeShiftStrategy());
  list.push_back(makeScalarStrategy());
  return list;
}

void lutra::registerProductStrategies(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *, LutraDialect *dialect) {
    auto strategies = std::make_unique<ProductStrategies>(dialect);
    for (std::unique_ptr<ProductStrategy> &strategy : makeStrategies())
      strategies->add(std::move(strategy));
    dialect->addInterface(std::move(strategies));
  });
}

SmallVector<StringRef> lutra::getProductStrategyNames() {
  SmallVector<StringRef> names;
  for (const std::unique_ptr<ProductStrategy> &strategy : makeStrategies())
    names.push_back(strategy->getName());
  return names;
}
