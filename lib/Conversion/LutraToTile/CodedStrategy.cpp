//===- CodedStrategy.cpp - products of codes with codes ----------------------===//
// Activations as 8-bit integers with a scale for each group of K, and the codes of a weight whose scales have the same
// groups: sums are 32-bit integers inside a group and f32 across groups (CodedKind.cpp). Exact but for the roundings of
// the f32 sum.
#include "EncodedRhs.h"
#include "GroupKinds.h"
#include "Strategies.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

namespace {
class CodedStrategy final : public ProductStrategy {
public:
  StringRef getName() const override { return "coded"; }
  int64_t getPanelDepth(RankedTensorType rhs) const override {
    auto encoding = dyn_cast_if_present<EncodingAttr>(rhs.getEncoding());
    int64_t perByte = encoding ? decodedDepth(encoding.getValue()) : 0;
    return perByte * wordBytes;
  }
  std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                     std::string &why) const override;
  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override { return getCodedKind().grid(emitter); }
  LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const override {
    return getCodedKind().item(emitter, elementwise);
  }

private:
  static constexpr int64_t wordBytes = 4; // of one column that lie together
  std::string findObstacle(MatmulOp op, const CodedProduct &coded, int64_t width) const;
};
} // namespace

/// What the weight and its scales lack; empty: nothing.
std::string CodedStrategy::findObstacle(MatmulOp op, const CodedProduct &coded, int64_t width) const {
  auto type = cast<RankedTensorType>(op.getRhs().getType());
  const Encoding &encoding = cast<EncodingAttr>(type.getEncoding()).getValue();
  int64_t step = getPanelDepth(type), depth = type.getShape().back();
  if (step == 0)
    return "takes one dense term of codes of 1, 2 or 4 bits alone";
  if (PackingAttr packing = packingOf(type);
      packing && (packing.getWidth() != width || packing.getDepth() != step || width != 16))
    return "takes panels of the level's width and of words of 4 bytes alone";
  llvm::Expected<EncodedPanels> panels = EncodedPanels::of(encoding, type.getShape().front(), depth, width, step);
  if (!panels)
    return llvm::toString(panels.takeError());
  if (panels->isSigned || panels->bits > coded.bits)
    return "takes codes of at most " + std::to_string(coded.bits) + " bits without a sign alone";
  if (std::string why = findSideObstacle(*panels); !why.empty())
    return why;
  if (panels->offset != std::round(panels->offset) || std::abs(panels->offset) > 256)
    return "takes constant zero points that are integers up to 256 alone";
  bool oneGroup = panels->groups() == 1;
  int64_t block = op.getBlock();
  if (block != panels->group && !(oneGroup && block >= depth))
    return "takes scales of one size of groups on both sides alone";
  if (!oneGroup && panels->group % step != 0)
    return "takes groups of multiples of " + std::to_string(step) + " along K alone";
  if (panels->groups() * 4 * coded.rows > codedSumBytes)
    return "takes at most " + std::to_string(codedSumBytes / 4 / coded.rows) + " groups along K alone";
  if (depth % step != 0 && depth * coded.rows > codedCopyBytes)
    return "takes at most " + std::to_string(codedCopyBytes / coded.rows) + " elements along K that end within a step";
  // Codes, and zero points with the distance to theirs, times 8-bit integers are added in 32 bits.
  if (std::min(panels->group, depth) > (int64_t(1) << 31) / (2 * 512 * 128))
    return "takes groups whose sums 32 bits hold alone";
  return {};
}

std::optional<StrategyOffer> CodedStrategy::match(const ProductProblem &problem, const TileTarget &target,
                                                  std::string &why) const {
  auto matmul = dyn_cast<MatmulOp>(problem.op);
  std::optional<CodedProduct> coded = target.getCodedProduct();
  if (!matmul || !matmul.getScale())
    why = "takes products of codes with scales alone";
  else if (!problem.encoded || !matmul.getTransposeRhs() ||
           cast<RankedTensorType>(matmul.getRhs().getType()).getRank() != 2)
    why = "takes encoded weights with rows along K alone";
  else if (!cast<RankedTensorType>(matmul.getRhs().getType()).hasStaticShape())
    why = "takes weights of a known shape alone";
  else if (!problem.result.isF32() || !cast<RankedTensorType>(matmul.getScale().getType()).getElementType().isF32())
    why = "takes scales and results of f32 alone";
  else if (!coded || target.getPanelWidth() == 0)
    why = "the level multiplies no codes";
  else
    why = findObstacle(matmul, *coded, target.getPanelWidth());
  if (!why.empty())
    return std::nullopt;
  // About four operations for a vector of codes, once for each tile of rows.
  double tiles = std::ceil((problem.shape.m < 0 ? ProductProblem::assumedRows : problem.shape.m) /
                           static_cast<double>(coded->rows));
  double weights = static_cast<double>(problem.shape.n) * static_cast<double>(problem.shape.k);
  return StrategyOffer{(problem.getMultiplyAdds() + tiles * weights) / coded->perCycle};
}

std::unique_ptr<ProductStrategy> lutra::makeCodedStrategy() { return std::make_unique<CodedStrategy>(); }
