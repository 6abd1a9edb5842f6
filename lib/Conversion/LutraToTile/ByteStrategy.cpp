//===- ByteStrategy.cpp - products of bytes --------------------------------------===//
// Sums have 32 bits and are exact modulo 2^32. A weight, of bytes with a sign, lies in panels of four steps of K, a
// word of four bytes for each column, whose products one instruction (VNNI) or three (AVX2) add at once; AMX multiplies
// tiles of them. Rows of a matrix, also with a sign, are copied into the factors that these instructions take
// (ByteRows.h), once for all columns of a work item, unless they are what they take. Codes of 8 bits that are computed
// are copied to such panels, and each side may have a zero point (CentredBytes.h). The input of a convolution has no
// sign and is read where it lies (ByteConvKind.cpp).
#include "GroupKinds.h"
#include "Product.h"
#include "Strategies.h"

#include "lutra/Analysis/CentredCodes.h"
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/BytePanels.h"

using namespace mlir;
using namespace lutra;

namespace {
class ByteStrategy final : public ProductStrategy {
public:
  StringRef getName() const override { return "bytes"; }
  int64_t getPanelDepth(RankedTensorType rhs) const override {
    return !encodingOf(rhs) && rhs.getElementType().isSignlessInteger(8) ? bytePanelDepth : 0;
  }
  std::optional<StrategyOffer> match(const ProductProblem &problem, const TileTarget &target,
                                     std::string &why) const override;
  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override { return kindOf(emitter).grid(emitter); }
  LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const override {
    return kindOf(emitter).item(emitter, elementwise);
  }

private:
  static GroupKind kindOf(KernelEmitter &emitter) {
    return hasRoot<MatmulOp>(emitter.kernel) ? getMatmulKind() : getByteConvKind();
  }
};
} // namespace

static std::optional<StrategyOffer> matchConv(ConvOp conv, const ProductProblem &problem, const TileTarget &target,
                                              std::string &why) {
  std::optional<CodedProduct> product = target.getCodedProduct();
  auto filter = cast<RankedTensorType>(conv.getFilter().getType());
  if (!problem.lhs.isUnsignedInteger(8) || !problem.rhs.isSignlessInteger(8) || !problem.result.isInteger(32))
    why = "takes a convolution's bytes without a sign, and a filter's with one, into 32 alone";
  else if (!problem.weight || encodingOf(filter))
    why = "takes constant filters alone";
  else if (!product || !target.getByteTile())
    why = "the level multiplies no bytes";
  else if (!isByteConv(conv, why))
    return std::nullopt;
  if (!why.empty())
    return std::nullopt;
  // Without an instruction for them bytes are widened: ten operations for eight of pairs. Those that are masked take
  // as long as pairs or less, but their sums a way through memory (Zen 3, 3x3, 56 x 56 x 64: 1.58 ms, pairs 1.51;
  // 14 x 14 x 256: 1.61, 1.95).
  if (!target.hasByteDot())
    return StrategyOffer{1.25 * problem.getMultiplyAdds() / target.getPairDotPerCycle()};
  return StrategyOffer{problem.getMultiplyAdds() / static_cast<double>(product->vectorBytes) / product->perCycle};
}

std::optional<StrategyOffer> ByteStrategy::match(const ProductProblem &problem, const TileTarget &target,
                                                 std::string &why) const {
  if (auto conv = dyn_cast<ConvOp>(problem.op))
    return matchConv(conv, problem, target, why);
  auto matmul = dyn_cast<MatmulOp>(problem.op);
  std::optional<CodedProduct> product = target.getCodedProduct();
  bool isPacked = matmul && problem.weight && cast<RankedTensorType>(matmul.getRhs().getType()).getRank() == 2;
  if (!matmul || matmul.getScale() || problem.encoded)
    why = "takes products of matrices without scales and encodings alone";
  else if (isPacked && (!problem.lhs.isSignlessInteger(8) || !problem.rhs.isSignlessInteger(8)))
    why = "takes integers of 8 bits with a sign beside a constant matrix alone";
  else if (!problem.result.isInteger(32) || !CentredCodes::of(matmul.getLhs()) || !CentredCodes::of(matmul.getRhs()))
    why = "takes codes of 8 bits, less a zero point, into 32 alone";
  else if (!product || target.getPanelWidth() == 0 || (!product->takesBytes && target.getVectorBits() < 256))
    why = "the level multiplies no bytes, nor magnitudes with masks";
  if (!why.empty())
    return std::nullopt;
  // Rows are turned into factors, and a panel at a time is one stream of memory: one row took 1.5 times as long as in
  // pairs (Zen 3, K = N = 4096), four and more as long.
  int64_t rows = problem.shape.m;
  double operations = product->takesBytes ? 1 : rows > 0 && rows < product->rows ? 8 : 4; // for a vector
  double copied = 0;
  if (!isPacked) { // once for each block of rows, a word of four bytes at a time
    if (!product->takesBytes) // sums of rows are products with masks, too: 12 x 128 x 32 with K = 128 142 us, pairs 100
      operations = std::max(operations, 6.0);
    int64_t count = rows < 0 ? ProductProblem::assumedRows : std::max<int64_t>(1, rows);
    copied = problem.getMultiplyAdds() / 3 / std::min<int64_t>(count, target.planProduct(problem.shape).rowBlock);
  }
  return StrategyOffer{problem.getMultiplyAdds() * operations / static_cast<double>(product->vectorBytes) /
                           product->perCycle + copied};
}

std::unique_ptr<ProductStrategy> lutra::makeByteStrategy() { return std::make_unique<ByteStrategy>(); }
