//===- DotStrategy.cpp - integer products of register tiles ------------------===//
// Integers of 8 or 16 bits with sums of 32; those of 16 are signed, and so is a weight that lies in panels. The left-
// hand side is widened to 16 signed bits while it is copied (a fused subtraction of a zero point runs there), the
// weight stays as narrow as it was given, in panels of two steps of K: each lane of a vector holds a pair, multiplied
// and added by one instruction. Exact modulo 2^32: a pair of 16-bit products wraps only where all four factors are
// -2^15, and then to the right residue. Any other right-hand side is widened and copied to such panels, block by
// block. A convolution reads an input of 16 bits where it lies.
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
  int64_t getPanelDepth(RankedTensorType rhs) const override {
    return encodingOf(rhs) || rhs.getElementType().isUnsignedInteger() ? 0 : 2;
  }
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
  auto rhs = cast<RankedTensorType>(problem.op->getOperand(1).getType());
  bool isPacked = problem.weight && rhs.getRank() == (conv ? rhs.getRank() : 2) && !problem.rhs.isUnsignedInteger();
  if (!isNarrowInteger(problem.lhs) || !isNarrowInteger(problem.rhs) || !problem.result.isInteger(32))
    why = "takes integers of 8 or 16 bits into 32 alone";
  else if (problem.lhs.isUnsignedInteger(16) || problem.rhs.isUnsignedInteger(16))
    why = "takes no unsigned 16 bits, which the signed factors of a pair do not hold";
  else if (conv && !isPacked)
    why = "takes a constant filter with a sign alone";
  else if (target.getPairDotPerCycle() == 0)
    why = "the level adds no products in pairs";
  else if (conv && !isPairedConv(conv, why))
    return std::nullopt;
  if (!why.empty())
    return std::nullopt;
  double copied = 0;
  if (!isPacked) { // once for each block of rows, a few elements at a time
    int64_t rows = problem.shape.m < 0 ? ProductProblem::assumedRows : std::max<int64_t>(1, problem.shape.m);
    copied = 2 * problem.getMultiplyAdds() / std::min<int64_t>(rows, target.planProduct(problem.shape).rowBlock);
  }
  return StrategyOffer{problem.getMultiplyAdds() / target.getPairDotPerCycle() + copied};
}

std::unique_ptr<ProductStrategy> lutra::makeDotStrategy() { return std::make_unique<DotStrategy>(); }
