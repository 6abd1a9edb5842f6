//===- ShiftStrategy.cpp - products with powers of two by shifts --------------===//
// Left-hand sides as 8-bit integers and codes that are a sign and the exponent of a power of two: elements are shifted
// by the exponent and added with the sign (tile_shift_matmul). Integers are the same as those of the coded strategy
// (CodedKind.cpp), and so are results, bit for bit; panels are the same, too.
//
// A shift takes a lane of 16 or 32 bits for each weight, where bytes are multiplied in fours: it pays where the
// greatest power, 128, leaves no byte for it and no such instruction adds the digits that take its place.
#include "CodedWeight.h"
#include "GroupKinds.h"
#include "Strategies.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

namespace {
class ShiftStrategy final : public ProductStrategy {
public:
  StringRef getName() const override { return "shift"; }
  int64_t getPanelDepth(RankedTensorType rhs) const override { return codedPanelDepth(rhs, /*wordBytes=*/4); }
  std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                     std::string &why) const override;
  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override { return getShiftKind().grid(emitter); }
  LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const override {
    return getShiftKind().item(emitter, elementwise);
  }
};
} // namespace

std::optional<StrategyOffer> ShiftStrategy::match(const ProductProblem &problem, const TileTarget &target,
                                                  std::string &why) const {
  std::optional<ShiftProduct> product = target.getShiftProduct();
  if (!product) {
    why = "the level shifts no elements by counts of their own";
    return std::nullopt;
  }
  auto findValues = [](const EncodedPanels &panels, const CodedProduct &) { return CodedValues::ofShifts(panels); };
  std::optional<CodedWeight> weight = CodedWeight::of(problem, target, *this, why, findValues);
  if (!weight)
    return std::nullopt;
  double rows = static_cast<double>(problem.shape.m < 0 ? ProductProblem::assumedRows : problem.shape.m);
  double weights = static_cast<double>(problem.shape.n) * static_cast<double>(problem.shape.k);
  double blocks = static_cast<double>(problem.batch > 0 ? problem.batch : 1);
  double tiles = std::ceil(rows / static_cast<double>(product->rows));
  double vectors = weights * static_cast<double>(product->laneBytes) / static_cast<double>(product->vectorBytes);
  double operations = vectors * (rows * product->rowOperations + tiles * product->codeOperations);
  return StrategyOffer{operations * blocks / product->perCycle};
}

std::unique_ptr<ProductStrategy> lutra::makeShiftStrategy() { return std::make_unique<ShiftStrategy>(); }
