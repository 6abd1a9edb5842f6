//===- DecodeStrategy.cpp - products that decode their weight ----------------===//
// Panels of codes become panels of floats in a buffer of the work item (EncodedRhs.cpp), which register tiles then
// read. Values are those of lutra.decode, bit for bit, so that nothing is lost beyond the encoding itself.
#include "EncodedRhs.h"
#include "GroupKinds.h"
#include "Strategies.h"

using namespace mlir;
using namespace lutra;

namespace {
class DecodeStrategy final : public ProductStrategy {
public:
  StringRef getName() const override { return "decode"; }
  int64_t getPanelDepth(RankedTensorType rhs) const override {
    auto encoding = dyn_cast_if_present<EncodingAttr>(rhs.getEncoding());
    return encoding ? panelDepthOf(encoding.getValue(), 1) : 0;
  }
  std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                     std::string &why) const override;
  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override { return getMatmulKind().grid(emitter); }
  LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const override {
    return elementwise ? failure() : getMatmulKind().item(emitter, false);
  }
};
} // namespace

std::optional<StrategyOffer> DecodeStrategy::match(const ProductProblem &problem, const TileTarget &target,
                                                   std::string &why) const {
  auto matmul = dyn_cast<MatmulOp>(problem.op);
  if (!problem.encoded)
    why = "takes encoded weights alone";
  else if (!matmul || !matmul.getTransposeRhs() || cast<RankedTensorType>(matmul.getRhs().getType()).getRank() != 2)
    why = "takes products with a matrix of rows along K alone";
  else if (!problem.lhs.isF32())
    why = "takes values of f32 alone";
  else if (target.getPanelWidth() == 0)
    why = "the level reads no panels";
  else if (PackingAttr packing = packingOf(cast<RankedTensorType>(matmul.getRhs().getType()));
           packing && (packing.getWidth() != target.getPanelWidth() ||
                       packing.getDepth() != getPanelDepth(cast<RankedTensorType>(matmul.getRhs().getType()))))
    why = "takes panels of the level's width and of whole bytes alone";
  else if (cast<RankedTensorType>(matmul.getRhs().getType()).hasStaticShape())
    why = findDecodeObstacle(cast<RankedTensorType>(matmul.getRhs().getType()), target.getPanelWidth());
  else
    why = "takes weights of a known shape alone";
  if (!why.empty())
    return std::nullopt;
  // About four operations for a vector of weights, once for each block of rows.
  double weights = static_cast<double>(problem.shape.n) * static_cast<double>(problem.shape.k);
  return StrategyOffer{(problem.getMultiplyAdds() + 4 * weights) / target.getFmaPerCycle(32)};
}

std::unique_ptr<ProductStrategy> lutra::makeDecodeStrategy() { return std::make_unique<DecodeStrategy>(); }
