//===- CodedStrategy.cpp - products of codes with codes ----------------------===//
// Activations as 8-bit integers with scales of their own along K, and the codes of a weight that stand for small
// integers: sums are 32-bit integers inside a group of the weight, whole groups of which share a scale on the left, and
// f32 across groups (CodedKind.cpp). Exact but for the roundings of the f32 sum: of a group's sum above 2^24, of each
// scale and of the sum.
#include "CodedWeight.h"
#include "GroupKinds.h"
#include "Strategies.h"

#include "lutra/Support/RescaledCodes.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

namespace {
class CodedStrategy : public ProductStrategy {
public:
  StringRef getName() const override { return "coded"; }
  int64_t getPanelDepth(RankedTensorType rhs) const override {
    return codedPanelDepth(rhs, wordBytes);
  }
  std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                     std::string &why) const override;
  /// Beside those of its kind: fewer rows than two tiles of AMX have, which need no code for one that stays in them,
  /// and a single row whose sums of pairs leave registers for those of a second panel.
  bool tailors(int64_t rows, const ProductStrategy &many, const TileTarget &target) const override {
    bool isCoded = many.getName() == "coded" || many.getName() == "rescaled";
    std::optional<CodedProduct> product = target.getCodedProduct();
    bool fillsTiles = target.hasByteTiles() && rows >= product->unpackRows;
    bool meetsPanels = rows == 1 && product && !product->takesBytes && product->sums > 1;
    return isCoded ? fillsTiles || meetsPanels : this != &many;
  }
  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override { return getCodedKind().grid(emitter); }
  LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const override {
    return getCodedKind().item(emitter, elementwise);
  }

protected:
  static constexpr int64_t wordBytes = 4; // of one column that lie together
};

/// The same with ternary codes in triples, of 5 bits instead of 6: a shuffle finds each code of a triple.
class TernaryStrategy final : public CodedStrategy {
public:
  StringRef getName() const override { return "ternary"; }
  int64_t getPanelDepth(RankedTensorType rhs) const override { return triplePanelDepth(rhs, wordBytes); }
  std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                     std::string &why) const override;

private:
  /// From here on bytes count less than what unpacks them: 792 us, two bits 732 (Xeon with AMX, K = N = 4096).
  static constexpr int64_t tooManyRows = 16;
};

/// The same where the weight may be rounded and many rows meet it: tiles of AMX, and VNNI, multiply codes of all groups
/// of a column as bytes with one scale (CodedRescale.cpp). Other levels, and few rows, take the codes as they are.
class RescaledStrategy final : public CodedStrategy {
public:
  StringRef getName() const override { return "rescaled"; }
  std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                     std::string &why) const override;
  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override { return getRescaledKind().grid(emitter); }
  LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const override {
    return getRescaledKind().item(emitter, elementwise);
  }

private:
  static constexpr int64_t leastRows = 32, greatestGroup = 8192;
  /// Along K, so that 32 bits hold sums of products of bytes: of -128 with 127, where a caller gives codes.
  static constexpr int64_t greatestDepth = ((int64_t(1) << 31) - 1) / (128 * 127);
};
} // namespace

/// Operations that turn a vector of codes into their values, where `shuffles` says that one finds all entries.
static double unpackOperations(const EncodedPanels &panels, const CodedValues &values, const TileTarget &target) {
  bool shuffles = target.hasByteShuffle();
  // Entries of 16 bits for even and odd codes, found by an instruction of up to three operations each.
  bool findsPairs = !shuffles && target.getVectorBits() == 512 && panels.code.bits == 6 && values.digits <= 2;
  double operations = 0;
  for (unsigned field = 0; field < panels.code.fields(); ++field) {
    if (shuffles && (!values.entries.empty() || panels.code.triples)) { // no masks
      for (const CodeWords::Piece &piece : panels.code.piecesOf(field)) // of each triple once
        operations += (field % 3 == 0 || !panels.code.triples) * ((piece.at != piece.to) + (piece.to > 0));
      operations += values.special.empty() ? static_cast<double>(values.digits) : 2;
      continue;
    }
    for (const CodeWords::Piece &piece : panels.code.piecesOf(field))
      operations += (piece.at != piece.to) + (piece.count < 8) + (piece.to > 0);
    if (!values.entries.empty() && findsPairs)
      operations += static_cast<double>(5 + 3 * values.digits);
    else if (!values.entries.empty()) { // a shuffle for 16 entries, what adds them up, and, once, codes less 16
      double parts = panels.code.bits <= 4 ? 1 : panels.code.bits == 5 ? 2 : 4;
      operations += parts - 1 + (2 * parts - 1) * static_cast<double>(values.digits);
    }
    operations += values.special.empty() ? 0 : 2;
    operations += values.least < 0 ? 1 : 0;
  }
  return operations / panels.code.fields() + 0.5; // and a load
}

/// Operations that multiply a vector of values and add.
static double productOperations(const CodedValues &values, const CodedProduct &coded) {
  if (coded.takesBytes || coded.addsFours)
    return static_cast<double>(values.digits);
  if (values.digits > 1)
    return 3.0 * static_cast<double>(values.digits);
  bool hasSign = values.least < 0;
  double magnitude = static_cast<double>(std::max<int64_t>(1, std::max(-values.least, values.greatest)));
  double adds = std::floor((hasSign ? 129 : 128) / magnitude);
  return (hasSign ? 3 : 2) + (adds > 1 ? 2 / adds : 1);
}

std::optional<StrategyOffer> CodedStrategy::match(const ProductProblem &problem, const TileTarget &target,
                                                  std::string &why) const {
  std::optional<CodedWeight> weight = CodedWeight::of(problem, target, *this, why);
  if (!weight)
    return std::nullopt;
  const EncodedPanels &panels = weight->panels;
  const CodedValues &values = weight->values;
  std::optional<CodedProduct> coded = target.getCodedProduct();
  double rows = static_cast<double>(problem.shape.m < 0 ? ProductProblem::assumedRows : problem.shape.m);
  // Tiles of AMX read what is unpacked once for all rows of an item; then whole products take as long as these would
  // with two thirds of a product of vectors at a time (M = 16 and 128, K = N = 4096, groups of 128).
  bool unpacksOnce = target.hasByteTiles() && (values.digits == 1 || values.hasSignedDigits(panels)) &&
                     rows >= static_cast<double>(coded->unpackRows);
  constexpr double itemRows = 128;
  int64_t tileRows = values.digits > 1 ? std::min(coded->rows, getDigitRows(*coded, values.digits)) : coded->rows;
  double tiles = std::ceil(rows / (unpacksOnce ? itemRows : static_cast<double>(tileRows)));
  double weights = static_cast<double>(problem.shape.n) * static_cast<double>(problem.shape.k);
  // Two digits: tiles load a row for both and scale both as one. Sums of whole rows: 214 us (128 rows, 1024 x 2048), in
  // groups of 128 399.
  constexpr double ofTiles = 0.67, twoDigits = 1.13, wholeRows = 0.33;
  double products = productOperations(values, *coded);
  if (unpacksOnce)
    products = values.digits > 1 ? twoDigits : panels.groups() == 1 ? wholeRows : ofTiles;
  double operations = problem.getMultiplyAdds() * products +
                      tiles * weights * unpackOperations(panels, values, target);
  return StrategyOffer{operations / static_cast<double>(coded->vectorBytes) / coded->perCycle};
}

std::optional<StrategyOffer> TernaryStrategy::match(const ProductProblem &problem, const TileTarget &target,
                                                    std::string &why) const {
  auto matmul = dyn_cast<MatmulOp>(problem.op);
  if (!target.hasByteShuffle())
    why = "the level finds no bytes among 32 by one instruction";
  else if (problem.shape.m >= tooManyRows)
    why = "takes fewer than " + std::to_string(tooManyRows) + " rows alone";
  else if (!matmul || getPanelDepth(cast<RankedTensorType>(matmul.getRhs().getType())) == 0)
    why = "takes weights of digits of base 3 alone";
  return why.empty() ? CodedStrategy::match(problem, target, why) : std::nullopt;
}

std::optional<StrategyOffer> RescaledStrategy::match(const ProductProblem &problem, const TileTarget &target,
                                                     std::string &why) const {
  auto matmul = dyn_cast<MatmulOp>(problem.op);
  if (!matmul || !matmul.getRoundsRhs())
    why = "takes products that may round their weight alone";
  else if (problem.shape.m >= 0 && problem.shape.m < leastRows)
    why = "takes " + std::to_string(leastRows) + " rows or more alone";
  std::optional<CodedWeight> weight = why.empty() ? CodedWeight::of(problem, target, *this, why) : std::nullopt;
  if (!weight)
    return std::nullopt;
  std::optional<StrategyOffer> offer = CodedStrategy::match(problem, target, why);
  if (!offer || !target.multipliesRescaled())
    return offer;
  const EncodedPanels &panels = weight->panels;
  const CodedValues &values = weight->values;
  if (static_cast<int64_t>(matmul.getBlock()) < panels.k)
    why = "takes rows with one scale each alone";
  else if (panels.groups() == 1)
    why = "takes weights of several groups along K alone";
  else if (panels.group > greatestGroup)
    why = "takes groups of at most " + std::to_string(greatestGroup) + " along K alone";
  else if (panels.k > greatestDepth)
    why = "takes at most " + std::to_string(greatestDepth) + " elements along K, whose sums 32 bits hold";
  else if (values.digits > 1 || values.greatestExtent(panels) > RescaledCodes::greatestExtent)
    why = "takes values that are multiples of a number up to " + std::to_string(RescaledCodes::greatestExtent) +
          " alone";
  if (!why.empty())
    return std::nullopt;
  constexpr double itemRows = 128;
  double rows = static_cast<double>(problem.shape.m < 0 ? ProductProblem::assumedRows : problem.shape.m);
  double weights = static_cast<double>(problem.shape.n) * static_cast<double>(problem.shape.k);
  if (!target.hasByteTiles()) {
    // Cycles with vectors of 512 bits that the coded strategy does not take, or this one alone: scaling a group's sum,
    // and in each block of rows a weight, and a group of a column (K = N = 4096, Xeon, microseconds with 32, 64, 128
    // rows: groups of 128 1575, 3010, 6031 as coded, 1761, 2977, 5631 so; of 32 2095, 4149, 8182 and 1859, 3118, 5718).
    constexpr double ofSum = 0.16, ofByte = 0.065, ofGroup = 2;
    double groups = static_cast<double>(problem.shape.n) * static_cast<double>(panels.groups());
    double more = std::ceil(rows / itemRows) * (weights * ofByte + groups * ofGroup) - rows * groups * ofSum;
    return StrategyOffer{offer->cycles + more * 64 / static_cast<double>(target.getCodedProduct()->vectorBytes)};
  }
  // Cycles of a multiply-add, and of a weight in each block of rows (M = 32 to 256, K = N = 4096, Xeon).
  constexpr double ofProduct = 0.003, ofWeight = 0.093;
  return StrategyOffer{problem.getMultiplyAdds() * ofProduct + std::ceil(rows / itemRows) * weights * ofWeight};
}

std::unique_ptr<ProductStrategy> lutra::makeRescaledStrategy() { return std::make_unique<RescaledStrategy>(); }
std::unique_ptr<ProductStrategy> lutra::makeTernaryStrategy() { return std::make_unique<TernaryStrategy>(); }
std::unique_ptr<ProductStrategy> lutra::makeCodedStrategy() { return std::make_unique<CodedStrategy>(); }
