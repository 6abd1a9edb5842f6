//===- ScalarStrategy.cpp - products one multiply-add after another ----------===//
// For every layout, padding, group and type, integers included. Slow, and so simple that a wrong result of another
// strategy is found by asking for this one: lutra-compile --strategy=scalar.
#include "GroupKinds.h"
#include "Product.h"
#include "Strategies.h"

using namespace mlir;
using namespace lutra;

namespace {
class ScalarStrategy final : public ProductStrategy {
public:
  StringRef getName() const override { return "scalar"; }

  std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                     std::string &why) const override {
    if (problem.encoded) {
      why = "reads no encoded weight";
      return std::nullopt;
    }
    if (auto matmul = dyn_cast<MatmulOp>(problem.op); matmul && matmul.getScale()) {
      why = "multiplies no codes with scales";
      return std::nullopt;
    }
    // Each sum is one chain: a multiply-add waits for the one before, 4 cycles on the CPUs and GPUs at hand.
    StrategyOffer offer;
    offer.cycles = 4 * problem.getMultiplyAdds();
    return offer;
  }

  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override {
    return hasRoot<MatmulOp>(emitter.kernel) ? getMatmulKind().grid(emitter) : getConvElementItems(emitter);
  }

  LogicalResult emitItem(KernelEmitter &emitter, bool) const override {
    return hasRoot<MatmulOp>(emitter.kernel) ? getMatmulKind().item(emitter, /*elementwise=*/true)
                                             : emitConvElements(emitter);
  }
};
} // namespace

std::unique_ptr<ProductStrategy> lutra::makeScalarStrategy() { return std::make_unique<ScalarStrategy>(); }
