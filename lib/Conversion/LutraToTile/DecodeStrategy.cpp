//===- DecodeStrategy.cpp - products that decode their weight ----------------===//
// Few rows multiply what registers decode (DecodedKind.cpp). For more, panels of codes become panels of floats in a
// buffer of the work item (EncodedRhs.cpp), which register tiles then read; its values are those of lutra.decode, bit
// for bit.
#include "EncodedRhs.h"
#include "GroupKinds.h"
#include "Strategies.h"

#include "lutra/Machine/NeonTarget.h"

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
  /// The bfloat strategy decodes few rows by itself.
  bool tailors(int64_t, const ProductStrategy &many, const TileTarget &) const override {
    return many.getName() != "bfloat" && this != &many;
  }
  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override { return getDecodedKind().grid(emitter); }
  LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const override {
    return getDecodedKind().item(emitter, elementwise);
  }
};
} // namespace

/// Operations that find floats of stored tables for a vector of codes (TileFloatTables.cpp).
static double tableOperations(int64_t entries, const TileTarget &target) {
  // What chooses among two, lanes that read for themselves (32 cycles for 16 of them, Xeon), a gather.
  constexpr double choice = 2, turn = 4;
  double bits = target.getVectorBits(), gathered = bits / 32;
  auto inParts = [&](double part, double cost) {
    double parts = std::max(1.0, static_cast<double>(entries) / part);
    return parts * cost + choice * (parts - 1);
  };
  if (getNeonBytes(target) && entries <= 64)
    return 3 + inParts(16, 2);
  if (target.getLookupLanes() == 0)
    return turn * bits / 32;
  if (bits >= 512)
    return entries <= 64 ? inParts(entries <= 16 ? 16 : 32, 1) : gathered;
  return entries <= 32 ? inParts(8, 1) : gathered;
}

double lutra::decodeOperations(const EncodedPanels &panels, const TileTarget &target) {
  double operations = panels.code.words(), fields = panels.code.fields(); // of a step: loads that widen bytes
  for (unsigned field = 0; field < fields; ++field)
    operations += 2 * static_cast<double>(panels.code.piecesOf(field).size()) - 1; // shifts, masks, what joins them
  operations /= fields;
  constexpr double parts = 9, choice = 3; // a float's bits, two tables of 8
  if (panels.code.bits <= 4 && !panels.tableAt && target.getVectorBits() >= 512)
    operations += 1;
  else if (auto linear = panels.linear())
    operations += 1 + (linear->first != 1 ? 1 : 0) + (linear->second != 0 ? 1 : 0);
  else
    operations += panels.tableAt         ? tableOperations(panels.storedEntries(), target) + (panels.tables > 1 ? 1 : 0)
                  : panels.code.bits > 4 ? parts
                                         : choice;
  size_t differing = panels.tableAt ? 0 : findDifferingCodes(panels).size();
  return operations + 2 * static_cast<double>(differing) + (panels.zero ? 1 : 0);
}

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
  auto type = cast<RankedTensorType>(matmul.getRhs().getType());
  EncodedPanels panels =
      llvm::cantFail(EncodedPanels::of(encodingOf(type).getValue(), type.getShape().front(), type.getShape().back(),
                                       target.getPanelWidth(), getPanelDepth(type)));
  double weights = static_cast<double>(problem.shape.n) * static_cast<double>(problem.shape.k);
  double operations = decodeOperations(panels, target) * weights;
  // More rows scale and store each value, once for each block of them, and tiles wait for what they load.
  if (problem.shape.m < 0 || problem.shape.m > target.getDecodedRows())
    operations += 2 * weights + 0.15 * problem.getMultiplyAdds();
  return StrategyOffer{(problem.getMultiplyAdds() + operations) / target.getFmaPerCycle(32)};
}

std::unique_ptr<ProductStrategy> lutra::makeDecodeStrategy() { return std::make_unique<DecodeStrategy>(); }
