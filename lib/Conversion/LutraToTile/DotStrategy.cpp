//===- DotStrategy.cpp - integer products of register tiles ------------------===//
// Integers of 8 or 16 bits with sums of 32; the weight is signed, and so are 16 bits on the left. The left-hand side is
// widened to 16 signed bits while it is copied (a fused subtraction of a zero point runs there), the weight stays as
// narrow as it was given, in panels of two steps of K: each lane of a vector holds a pair, multiplied and added by one
// instruction. Exact modulo 2^32: a pair of 16-bit products wraps only where all four factors are -2^15, and then to
// the right residue. A convolution reads an input of 16 bits where it lies.
#include "GroupKinds.h"
#include "Product.h"
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

/// Whether the pairs of a convolution lie together, in its input and in its filter's panels.
static bool isPairedConv(ConvOp op, std::string &why) {
  auto input = cast<RankedTensorType>(op.getInput().getType());
  if (!isTileableConv(op, why))
    return false;
  if (!input.getElementType().isSignlessInteger(16))
    why = "takes a convolution's input in 16 bits with a sign alone";
  else if (op.getGroups() != 1 || input.isDynamicDim(input.getRank() - 1) || input.getShape().back() % 2 != 0)
    why = "takes one group of an even number of channels alone";
  return why.empty();
}

std::optional<StrategyOffer> DotStrategy::match(const ProductProblem &problem, const TileTarget &target,
                                                std::string &why) const {
  auto conv = dyn_cast<ConvOp>(problem.op);
  auto isMatrix = [&] { return cast<RankedTensorType>(problem.op->getOperand(1).getType()).getRank() == 2; };
  if (!isNarrowInteger(problem.lhs) || !isNarrowInteger(problem.rhs) || !problem.result.isInteger(32))
    why = "takes integers of 8 or 16 bits into 32 alone";
  else if (problem.rhs.isUnsignedInteger())
    why = "takes no unsigned weight";
  else if (problem.lhs.isUnsignedInteger(16))
    why = "takes no unsigned 16 bits, which the signed factors of a pair do not hold";
  else if (!problem.weight || (!conv && !isMatrix()))
    why = "takes a weight of rank 2 on the right alone";
  else if (target.getPairDotPerCycle() == 0)
    why = "the level adds no products in pairs";
  else if (conv && !isPairedConv(conv, why))
    return std::nullopt;
  if (!why.empty())
    return std::nullopt;
  return StrategyOffer{problem.getMultiplyAdds() / target.getPairDotPerCycle()};
}

std::unique_ptr<ProductStrategy> lutra::makeDotStrategy() { return std::make_unique<DotStrategy>(); }
