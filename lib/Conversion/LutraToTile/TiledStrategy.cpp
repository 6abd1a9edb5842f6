//===- TiledStrategy.cpp - products of register tiles ------------------------===//
// Floats alone, through lutra.tile_matmul (depthwise convolutions: vectors over channels). The right-hand side is read
// in panels: packed at compile time when it is a weight, else copied or read as it lies, see MatmulPlan.cpp
// and ConvKind.cpp.
#include "GroupKinds.h"
#include "Product.h"
#include "Strategies.h"

using namespace mlir;
using namespace lutra;

namespace {
class TiledStrategy final : public ProductStrategy {
public:
  StringRef getName() const override { return "tiled"; }
  int64_t getPanelDepth(RankedTensorType rhs) const override { return encodingOf(rhs) ? 0 : 1; }
  std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                     std::string &why) const override;
  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override { return kindOf(emitter).grid(emitter); }
  LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const override {
    return kindOf(emitter).item(emitter, elementwise);
  }

private:
  static GroupKind kindOf(KernelEmitter &emitter) {
    return hasRoot<MatmulOp>(emitter.kernel) ? getMatmulKind() : getConvKind();
  }
};
} // namespace

std::optional<StrategyOffer> TiledStrategy::match(const ProductProblem &problem, const TileTarget &target,
                                                  std::string &why) const {
  if (problem.encoded) {
    why = "reads no encoded weight";
    return std::nullopt;
  }
  if (!isTileFloat(problem.lhs) || !isTileFloat(problem.rhs) || !isTileFloat(problem.result)) {
    why = "takes products of floats alone";
    return std::nullopt;
  }
  if (auto conv = dyn_cast<ConvOp>(problem.op); conv && !isTileableConv(conv, why))
    return std::nullopt;
  StrategyOffer offer;
  offer.cycles = problem.getMultiplyAdds() / target.getFmaPerCycle(problem.shape.accBits);
  return offer;
}

std::unique_ptr<ProductStrategy> lutra::makeTiledStrategy() { return std::make_unique<TiledStrategy>(); }
