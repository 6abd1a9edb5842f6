//===- Strategies.h - one function per strategy, listed in Strategies.cpp ----===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_STRATEGIES_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_STRATEGIES_H

#include "lutra/Analysis/ProductStrategy.h"

namespace lutra {

std::unique_ptr<ProductStrategy> makeBfloatStrategy();
std::unique_ptr<ProductStrategy> makeBitserialStrategy();
std::unique_ptr<ProductStrategy> makeByteStrategy();
std::unique_ptr<ProductStrategy> makeCodedStrategy();
std::unique_ptr<ProductStrategy> makeDecodeStrategy();
std::unique_ptr<ProductStrategy> makeDotStrategy();
std::unique_ptr<ProductStrategy> makeLookupStrategy();
std::unique_ptr<ProductStrategy> makeRescaledStrategy();
std::unique_ptr<ProductStrategy> makeScalarStrategy();
std::unique_ptr<ProductStrategy> makeShiftStrategy();
std::unique_ptr<ProductStrategy> makeTernaryStrategy();
std::unique_ptr<ProductStrategy> makeTiledStrategy();

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_STRATEGIES_H
