//===- BfloatStrategy.cpp - products of numbers rounded to bf16 ---------------===//
// Both factors are rounded to bf16, the weight once for all rows of a work item, and tiles multiply them with sums of
// f32 (BfloatKind.cpp). Levels without such tiles decode to f32, in the same panels, and round nothing.
#include "EncodedRhs.h"
#include "GroupKinds.h"
#include "Strategies.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lutra;

namespace {
class BfloatStrategy final : public ProductStrategy {
public:
  StringRef getName() const override { return "bfloat"; }
  int64_t getPanelDepth(RankedTensorType rhs) const override { return decode->getPanelDepth(rhs); }
  std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                     std::string &why) const override;
  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override { return getBfloatKind().grid(emitter); }
  LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const override {
    return getBfloatKind().item(emitter, elementwise);
  }

private:
  std::unique_ptr<ProductStrategy> decode = makeDecodeStrategy();
};
} // namespace

std::optional<StrategyOffer> BfloatStrategy::match(const ProductProblem &problem, const TileTarget &target,
                                                   std::string &why) const {
  auto matmul = dyn_cast<MatmulOp>(problem.op);
  EncodingAttr encoding = matmul ? encodingOf(cast<RankedTensorType>(matmul.getRhs().getType())) : EncodingAttr();
  if (!encoding || encoding.getValue().activation.kind != ActivationForm::BF16) {
    why = "takes encoded weights with act = bf16 alone";
    return std::nullopt;
  }
  std::optional<StrategyOffer> decoded = decode->match(problem, target, why);
  if (!decoded || !target.hasBfloatTiles())
    return decoded;
  auto type = cast<RankedTensorType>(matmul.getRhs().getType());
  auto kernel = matmul->getParentOfType<KernelOp>();
  if (matmul.getTransposeLhs())
    why = "takes left-hand sides with rows along K alone";
  else if (!problem.result.isF32())
    why = "takes results of f32 alone";
  else if (type.getNumElements() == 0)
    why = "takes weights with elements alone";
  else if (kernel && getRowProducer(kernel))
    why = "takes no rows that its kernel computes";
  if (!why.empty())
    return std::nullopt;
  EncodedPanels panels =
      llvm::cantFail(EncodedPanels::of(encoding.getValue(), type.getShape().front(), type.getShape().back(),
                                       target.getPanelWidth(), getPanelDepth(type)));
  // Cycles of a product of tiles with what it loads, of 16 weights beside their decoding (a scale, half a rounding and
  // half a store), of 16 elements that are rounded. test/bench, Xeon with AMX, K = N = 4096, M = 16 and 128.
  constexpr double ofTiles = 21, ofRounding = 3, operationsPerCycle = 2, lanes = 16, tileSize = 16 * 16 * 32;
  int64_t rows = problem.shape.m < 0 ? ProductProblem::assumedRows : problem.shape.m;
  double batch = static_cast<double>(problem.batch < 0 ? 1 : problem.batch);
  double n = static_cast<double>(llvm::alignTo(problem.shape.n, 16));
  double k = static_cast<double>(llvm::alignTo(problem.shape.k, 32));
  double padded = static_cast<double>(llvm::alignTo(rows, 16));
  double rowBlocks = static_cast<double>(llvm::divideCeil(rows, bfloatRows));
  double items = 4; // each rounds its rows
  double cycles = padded * n * k / tileSize * ofTiles +
                  rowBlocks * n * k / lanes * (decodeOperations(panels, target) + 3) / operationsPerCycle +
                  items * padded * k / lanes * ofRounding;
  return StrategyOffer{batch * cycles};
}

std::unique_ptr<ProductStrategy> lutra::makeBfloatStrategy() { return std::make_unique<BfloatStrategy>(); }
