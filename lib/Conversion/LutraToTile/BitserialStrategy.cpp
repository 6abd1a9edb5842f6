//===- BitserialStrategy.cpp - products of few bits with few bits -------------===//
// Left-hand sides of 1 to 4 bits and codes of 1 to 4 bits that are multiplied as they are: bits of both are joined by
// and (or, where 1 bit stands for 1 and -1, by xor) and counted, for each pair of a bit of the one and a bit of the
// other (CodedPlanes.cpp). Integers are the same as those of the coded strategy (CodedKind.cpp), and so are results,
// bit for bit; panels are the same, too.
#include "CodedWeight.h"
#include "GroupKinds.h"
#include "Strategies.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

namespace {
class BitserialStrategy final : public ProductStrategy {
public:
  StringRef getName() const override { return "bitserial"; }
  int64_t getPanelDepth(RankedTensorType rhs) const override { return codedPanelDepth(rhs, /*wordBytes=*/4); }
  std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                     std::string &why) const override;
  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override { return getBitserialKind().grid(emitter); }
  LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const override {
    return getBitserialKind().item(emitter, elementwise);
  }

private:
  static constexpr int64_t mostBits = 4, wordDepth = 32;
  /// Rows times pairs of bits, more of which tiles of AMX multiply sooner: one bit each and 16 rows 313 us, coded 353,
  /// two bits on the left 497 and 364; four rows with two bits on the right 177 and 237, on both sides 272 and 234
  /// (Xeon with AMX, K = N = 4096). What coded offers for tiles is more than they take, up to this often.
  static constexpr int64_t mostBesideTiles = 20;
  static constexpr double besideTiles = 4;
};
} // namespace

std::optional<StrategyOffer> BitserialStrategy::match(const ProductProblem &problem, const TileTarget &target,
                                                      std::string &why) const {
  std::optional<BitserialProduct> product = target.getBitserialProduct();
  if (!product) {
    why = "the level counts no bits";
    return std::nullopt;
  }
  std::optional<CodedWeight> weight = CodedWeight::of(problem, target, *this, why);
  if (!weight)
    return std::nullopt;
  const EncodedPanels &panels = weight->panels;
  int64_t bits = panels.code.bits;
  int64_t lhsBits = getLhsBits(cast<RankedTensorType>(cast<MatmulOp>(problem.op).getRhs().getType()));
  if (lhsBits > mostBits)
    why = "takes activations of at most " + std::to_string(mostBits) + " bits alone";
  else if (bits > mostBits || !weight->values.entries.empty() || weight->values.codeOffset != 0)
    why = "takes codes of at most " + std::to_string(mostBits) + " bits that are multiplied as they are alone";
  else if (llvm::alignTo(panels.k, panels.depth) % wordDepth != 0 ||
           (panels.groups() > 1 && panels.group % wordDepth != 0))
    why = "takes K and groups of multiples of " + std::to_string(wordDepth) + " alone";
  if (!why.empty())
    return std::nullopt;
  // Of a vector of each plane of codes: what loads it and brings it together.
  constexpr double unpackOperations[] = {1, 3, 7, 9};
  double rows = static_cast<double>(problem.shape.m < 0 ? ProductProblem::assumedRows : problem.shape.m);
  double blocks = static_cast<double>(problem.batch > 0 ? problem.batch : 1);
  double vectors = static_cast<double>(panels.panels() * panels.width) * static_cast<double>(panels.k) / 8 /
                   static_cast<double>(product->vectorBytes);
  double tiles = std::ceil(rows / static_cast<double>(product->rows));
  double operations = vectors * static_cast<double>(bits) *
                      (rows * static_cast<double>(lhsBits) * product->pairOperations +
                       tiles * unpackOperations[bits - 1]);
  // Words of a row, and what every group adds to a vector of sums.
  operations += rows * (static_cast<double>(panels.k) / 64 * static_cast<double>(4 + 3 * lhsBits) +
                        static_cast<double>(panels.panels() * panels.groups()) * 8);
  if (target.hasByteTiles() && rows * static_cast<double>(bits * lhsBits) > mostBesideTiles)
    operations *= besideTiles;
  return StrategyOffer{operations * blocks / product->perCycle};
}

std::unique_ptr<ProductStrategy> lutra::makeBitserialStrategy() { return std::make_unique<BitserialStrategy>(); }
