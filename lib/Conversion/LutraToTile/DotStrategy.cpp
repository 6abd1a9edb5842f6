//===- DotStrategy.cpp - integer products of register tiles ------------------===//
// Integers of 8 or 16 bits with sums of 32; the weight is signed, and so are 16 bits on the left. The left-hand side is
// widened to 16 signed bits while it is copied (a fused subtraction of a zero point runs there), the weight stays as
// narrow as it was given, in panels of two steps of K: each lane of a vector holds a pair, multiplied and added by one
// instruction. Exact modulo 2^32: a pair of 16-bit products wraps only where all four factors are -2^15, and then to
// the right residue.
#include "GroupKinds.h"
#include "Strategies.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Dialect/Lutra/IR/ProductTypes.h"

using namespace mlir;
using namespace lutra;

namespace {
class DotStrategy final : public ProductStrategy {
public:
  StringRef getName() const override { return "dot"; }
  int64_t getPanelDepth(RankedTensorType rhs) const override { return encodingOf(rhs) ? 0 : 2; }
  std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                     std::string &why) const override;
  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override { return getMatmulKind().grid(emitter); }
  LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const override {
    return getMatmulKind().item(emitter, elementwise);
  }
};
} // namespace

std::optional<StrategyOffer> DotStrategy::match(const ProductProblem &problem, const TileTarget &target,
                                                std::string &why) const {
  if (!isa<MatmulOp>(problem.op))
    why = "takes matrix products alone";
  else if (!isNarrowInteger(problem.lhs) || !isNarrowInteger(problem.rhs) || !problem.result.isInteger(32))
    why = "takes integers of 8 or 16 bits into 32 alone";
  else if (problem.rhs.isUnsignedInteger())
    why = "takes no unsigned weight";
  else if (problem.lhs.isUnsignedInteger(16))
    why = "takes no unsigned 16 bits, which the signed factors of a pair do not hold";
  else if (!problem.weight || cast<RankedTensorType>(cast<MatmulOp>(problem.op).getRhs().getType()).getRank() != 2)
    why = "takes a weight of rank 2 on the right alone";
  else if (target.getPairDotPerCycle() == 0)
    why = "the level adds no products in pairs";
  if (!why.empty())
    return std::nullopt;
  return StrategyOffer{problem.getMultiplyAdds() / target.getPairDotPerCycle()};
}

std::unique_ptr<ProductStrategy> lutra::makeDotStrategy() { return std::make_unique<DotStrategy>(); }
