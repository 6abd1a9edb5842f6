//===- CodedStrategy.cpp - products of codes with codes ----------------------===//
// Activations as 8-bit integers with scales of their own along K, and the codes of a weight that stand for small
// integers: sums are 32-bit integers inside a group of the weight, whole groups of which share a scale on the left, and
// f32 across groups (CodedKind.cpp). Exact but for the roundings of the f32 sum: of a group's sum above 2^24, of each
// scale and of the sum.
#include "CodedValues.h"
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
    return encoding ? panelDepthOf(encoding.getValue(), wordBytes) : 0;
  }
  std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                     std::string &why) const override;
  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override { return getCodedKind().grid(emitter); }
  LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const override {
    return getCodedKind().item(emitter, elementwise);
  }

private:
  static constexpr int64_t wordBytes = 4; // of one column that lie together
  std::string findObstacle(MatmulOp op, const EncodedPanels &panels, const CodedProduct &coded) const;
};
} // namespace

/// What the weight and its scales lack; empty: nothing.
std::string CodedStrategy::findObstacle(MatmulOp op, const EncodedPanels &panels, const CodedProduct &coded) const {
  if (PackingAttr packing = packingOf(cast<RankedTensorType>(op.getRhs().getType()));
      panels.width != 16 || (packing && (packing.getWidth() != panels.width || packing.getDepth() != panels.depth)))
    return "takes panels of the level's width and of words of 4 bytes alone";
  if (std::string why = findSideObstacle(panels); !why.empty())
    return why;
  llvm::Expected<CodedValues> values = CodedValues::of(panels, coded);
  if (!values)
    return llvm::toString(values.takeError());
  int64_t block = op.getBlock(), depth = panels.k;
  if (block < depth && (block % panels.group != 0 || panels.groups() == 1))
    return "takes scales on the left for whole groups of the weight alone";
  if (panels.groups() > 1 && panels.group % panels.depth != 0)
    return "takes groups of multiples of " + std::to_string(panels.depth) + " along K alone";
  if (panels.groups() * 4 * coded.rows > codedSumBytes)
    return "takes at most " + std::to_string(codedSumBytes / 4 / coded.rows) + " groups along K alone";
  if (depth % panels.depth != 0 && depth * coded.rows > codedCopyBytes)
    return "takes at most " + std::to_string(codedCopyBytes / coded.rows) + " elements along K that end within a step";
  // Entries, and zero points with the distance to theirs, times 8-bit integers are added in 32 bits.
  int64_t entry = std::max(-values->least, values->greatest) * std::abs(values->factor);
  int64_t zero = std::abs(values->bias) + (panels.zero ? 255 * values->zeroUnits() : 0);
  if (std::min(panels.group, depth) > (int64_t(1) << 31) / ((entry + zero) * 128 + 1))
    return "takes groups whose sums 32 bits hold alone";
  return {};
}

/// Operations that turn a vector of codes into their values.
static double unpackOperations(const EncodedPanels &panels, const CodedValues &values) {
  double operations = 0;
  for (unsigned field = 0; field < panels.code.fields(); ++field) {
    for (const CodeWords::Piece &piece : panels.code.piecesOf(field))
      operations += (piece.at != piece.to) + (piece.count < 8) + (piece.to > 0);
    if (!values.entries.empty()) // a shuffle for 16 entries, and what chooses among those
      operations += panels.code.bits <= 4 ? 1 : panels.code.bits == 5 ? 4 : 9;
    operations += values.special.empty() ? 0 : 2;
    operations += values.least < 0 ? 1 : 0;
  }
  return operations / panels.code.fields() + 0.5; // and a load
}

/// Operations that multiply a vector of values and add.
static double productOperations(const CodedValues &values, const CodedProduct &coded) {
  if (coded.takesBytes)
    return 1;
  bool hasSign = values.least < 0;
  double magnitude = static_cast<double>(std::max<int64_t>(1, std::max(-values.least, values.greatest)));
  double adds = std::floor((hasSign ? 129 : 128) / magnitude);
  return (hasSign ? 3 : 2) + (adds > 1 ? 2 / adds : 1);
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
  if (!why.empty())
    return std::nullopt;
  auto type = cast<RankedTensorType>(matmul.getRhs().getType());
  llvm::Expected<EncodedPanels> panels =
      EncodedPanels::of(cast<EncodingAttr>(type.getEncoding()).getValue(), type.getShape().front(),
                        type.getShape().back(), target.getPanelWidth(), std::max<int64_t>(1, getPanelDepth(type)));
  why = panels ? findObstacle(matmul, *panels, *coded) : llvm::toString(panels.takeError());
  if (!why.empty())
    return std::nullopt;
  CodedValues values = llvm::cantFail(CodedValues::of(*panels, *coded)); // found no obstacle
  double tiles = std::ceil((problem.shape.m < 0 ? ProductProblem::assumedRows : problem.shape.m) /
                           static_cast<double>(coded->rows));
  double weights = static_cast<double>(problem.shape.n) * static_cast<double>(problem.shape.k);
  double operations = problem.getMultiplyAdds() * productOperations(values, *coded) +
                      tiles * weights * unpackOperations(*panels, values);
  return StrategyOffer{operations / static_cast<double>(coded->vectorBytes) / coded->perCycle};
}

std::unique_ptr<ProductStrategy> lutra::makeCodedStrategy() { return std::make_unique<CodedStrategy>(); }
