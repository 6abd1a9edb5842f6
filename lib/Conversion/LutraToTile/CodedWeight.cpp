//===- CodedWeight.cpp - weights whose codes meet 8-bit integers --------------===//
#include "CodedWeight.h"

#include "EncodedRhs.h"
#include "GroupKinds.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"

using namespace mlir;
using namespace lutra;

int64_t lutra::codedPanelDepth(RankedTensorType type, int64_t wordBytes) {
  auto encoding = dyn_cast_if_present<EncodingAttr>(type.getEncoding());
  return encoding ? panelDepthOf(encoding.getValue(), wordBytes) : 0;
}

int64_t lutra::triplePanelDepth(RankedTensorType type, int64_t wordBytes) {
  auto encoding = dyn_cast_if_present<EncodingAttr>(type.getEncoding());
  return encoding ? tripleDepthOf(encoding.getValue(), wordBytes) : 0;
}

int64_t lutra::lookupPanelDepth(RankedTensorType type) {
  auto encoding = dyn_cast_if_present<EncodingAttr>(type.getEncoding());
  int64_t planes = encoding ? planeDepthOf(encoding.getValue()) : 0;
  return planes > 0 ? planes : codedPanelDepth(type, /*wordBytes=*/1);
}

int64_t lutra::getTableParts(RankedTensorType rhs) { return TileSubsetSumsOp::partsOf(getLhsBits(rhs)); }

int64_t lutra::getLookupLanes(const TileTarget &target, const EncodedPanels &panels) {
  constexpr int64_t least = 2;
  int64_t lanes = target.getLookupLanes(), planeWords = panels.code.planes / 8;
  auto isCut = [&](int64_t size) { return size % (8 * lanes) != 0; };
  while (lanes > least &&
         (planeWords % lanes != 0 || isCut(panels.k) || (panels.groups() > 1 && isCut(panels.group))))
    lanes /= 2;
  return lanes;
}

/// What the weight and its scales lack; empty: nothing.
static std::string findObstacle(MatmulOp op, const EncodedPanels &panels, const CodedProduct &coded,
                                CodedWeight::FindValues findValues) {
  if (PackingAttr packing = packingOf(cast<RankedTensorType>(op.getRhs().getType()));
      panels.width != 16 || (packing && (packing.getWidth() != panels.width || packing.getDepth() != panels.depth)))
    return "takes panels of the level's width and of words of " + std::to_string(panels.wordBytes()) + " bytes alone";
  if (std::string why = findSideObstacle(panels); !why.empty())
    return why;
  llvm::Expected<CodedValues> values = findValues(panels, coded);
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
  if (values->greatestResult(panels) >= int64_t(1) << 31)
    return "takes groups whose sums 32 bits hold alone";
  return {};
}

std::optional<CodedWeight> CodedWeight::of(const ProductProblem &problem, const TileTarget &target,
                                           const ProductStrategy &strategy, std::string &why, FindValues findValues) {
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
                        type.getShape().back(), target.getPanelWidth(),
                        std::max<int64_t>(1, strategy.getPanelDepth(type)));
  why = panels ? findObstacle(matmul, *panels, *coded, findValues) : llvm::toString(panels.takeError());
  if (!why.empty())
    return std::nullopt;
  CodedValues values = llvm::cantFail(findValues(*panels, *coded)); // found no obstacle
  return CodedWeight{std::move(*panels), std::move(values)};
}
