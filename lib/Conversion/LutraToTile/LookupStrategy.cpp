//===- LookupStrategy.cpp - products with codes of few bits, by tables --------===//
// For few rows of 8-bit integers: the sums of all subsets of four neighbours along K are made once for each row, by the
// kernel that rounds it (lutra.subset_sums, ShareTables.cpp) or else by each work item (lutra.tile_subset_sums), and
// four codes of a column name one of them (lutra.tile_lookup_matmul). Integers
// are the same as those of the coded strategy (CodedKind.cpp), and so are results, bit for bit. Panels hold words of
// one byte, as those of the decode strategy; codes of more bits than one lie in planes of bits, each of which is looked
// up as codes of one bit are, times a power of two. Sums of activations of up to 6 bits take one byte, of others two.
#include "CodedWeight.h"
#include "GroupKinds.h"
#include "Strategies.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

namespace {
class LookupStrategy final : public ProductStrategy {
public:
  StringRef getName() const override { return "lookup"; }
  int64_t getPanelDepth(RankedTensorType rhs) const override { return lookupPanelDepth(rhs); }
  std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                     std::string &why) const override;
  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override { return getLookupKind().grid(emitter); }
  LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const override {
    return getLookupKind().item(emitter, elementwise);
  }

private:
  /// On 64 bytes tables of more rows than three leave the first-level cache: four rows take 337 us, coded 281 (Xeon
  /// with VBMI, K = N = 4096, groups of 128). Without VNNI more gain as well: AVX2 takes 457 with 4 and 1809 with 16,
  /// coded 625 and 2494. Tables of one part are half as large: four rows take 162 us, six 258, coded 246 and 240.
  static constexpr int64_t mostRowsOfFour = 3, mostRowsOfBytes = 4, mostRows = 64;
};
} // namespace

std::optional<StrategyOffer> LookupStrategy::match(const ProductProblem &problem, const TileTarget &target,
                                                   std::string &why) const {
  int64_t rows = problem.shape.m;
  if (target.getLookupLanes() == 0) {
    why = "the level looks up no sums";
    return std::nullopt;
  }
  std::optional<CodedWeight> weight = CodedWeight::of(problem, target, *this, why);
  if (!weight)
    return std::nullopt;
  const EncodedPanels &panels = weight->panels;
  int64_t parts = getTableParts(cast<RankedTensorType>(cast<MatmulOp>(problem.op).getRhs().getType()));
  int64_t chunk = 8 * getLookupLanes(target, panels);
  int64_t most = chunk < 32 ? mostRows : parts == 1 ? mostRowsOfBytes : mostRowsOfFour;
  if ((panels.code.bits != 1 && panels.code.planes == 0) || !weight->values.entries.empty())
    why = "takes codes of at most 4 bits that are multiplied as they are alone";
  else if (panels.k % chunk != 0 || (panels.groups() > 1 && panels.group % chunk != 0))
    why = "takes K and groups of multiples of " + std::to_string(chunk) + " alone";
  else if (rows < 0 || rows > most)
    why = "takes a known number of at most " + std::to_string(most) + " rows alone";
  else if (std::min<int64_t>(rows, 4) * panels.k * 4 * parts > lookupTableBytes)
    why = "takes tables of at most " + std::to_string(lookupTableBytes) + " bytes alone";
  if (!why.empty())
    return std::nullopt;
  double codes = static_cast<double>(panels.panels() * panels.width) * static_cast<double>(panels.k) *
                 static_cast<double>(panels.code.bits); // of one bit
  double sums = static_cast<double>(panels.panels() * panels.groups());
  double tables = static_cast<double>(llvm::divideCeil(panels.n, lookupColumns) * panels.k) * 28; // instructions
  double count = static_cast<double>(rows), blocks = static_cast<double>(problem.batch > 0 ? problem.batch : 1);
  // Entries of one part, of which a byte holds the sum of some.
  int64_t lhsBits = getLhsBits(cast<RankedTensorType>(cast<MatmulOp>(problem.op).getRhs().getType()));
  double perByte = std::floor(255 / (std::exp2(lhsBits + 2) - 4));
  int64_t tableBits = std::max<int64_t>(2, lhsBits);
  if (chunk == 32) {
    // On 64 bytes: five make indices of a vector of codes, for up to four rows; each then looks up and adds four times,
    // or twice.
    double ofRow = 4 * static_cast<double>(parts);
    double operations = codes / 512 * (5 * std::ceil(count / 4) + ofRow * count) + count * (4 * sums + tables / 32);
    return StrategyOffer{operations * blocks / 2, chunk / 8, tableBits};
  }
  if (chunk == 8) {
    // On 16 bytes: three make indices of a vector of codes, for up to two rows; each then looks up and adds four times,
    // and widens a fourth of four. No machine was at hand to measure on.
    double ofRow = parts == 1 ? 4 + 2 / perByte : 9;
    double operations = codes / 128 * (3 * std::ceil(count / 2) + ofRow * count) + count * (12 * sums + tables / 4);
    return StrategyOffer{operations * blocks / 2, chunk / 8, tableBits};
  }
  // On 32 bytes: a vector of codes is taken apart once for two rows; each then looks up and adds four times, and widens
  // a fourth of six. Every block of columns makes the tables, and every group joins its sums.
  double ofRow = parts == 1 ? 4 + 4 / perByte : 9.5;
  double operations =
      codes / 256 * (4 * std::ceil(count / 2) + ofRow * count) + count * (14 * sums + tables / 16);
  // Zen 3, K = N = 4096: two of four units shuffle, and tables are loaded from where they are. Four rows gain nothing.
  constexpr double perCycle = 2.3;
  return StrategyOffer{operations * blocks / perCycle, chunk / 8, tableBits};
}

std::unique_ptr<ProductStrategy> lutra::makeLookupStrategy() { return std::make_unique<LookupStrategy>(); }
