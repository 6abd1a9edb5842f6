//===- ByteStrategy.cpp - products of bytes with a weight of bytes -------------===//
// Both sides are 8-bit integers with a sign, sums have 32 bits and are exact modulo 2^32. The weight lies in panels of
// four steps of K, a word of four bytes for each column, whose products one instruction (VNNI) or three (AVX2) add at
// once; AMX multiplies tiles of them. Rows of the left-hand side are copied into the factors that these instructions
// take (ByteRows.h), once for all columns of a work item, unless they are what they take.
#include "GroupKinds.h"
#include "Product.h"
#include "Strategies.h"

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
  FailureOr<Value> emitGrid(KernelEmitter &emitter) const override { return getMatmulKind().grid(emitter); }
  LogicalResult emitItem(KernelEmitter &emitter, bool elementwise) const override {
    return getMatmulKind().item(emitter, elementwise);
  }
};
} // namespace

std::optional<StrategyOffer> ByteStrategy::match(const ProductProblem &problem, const TileTarget &target,
                                                 std::string &why) const {
  auto matmul = dyn_cast<MatmulOp>(problem.op);
  std::optional<CodedProduct> product = target.getCodedProduct();
  if (!matmul || matmul.getScale())
    why = "takes products of matrices without scales alone";
  else if (!problem.lhs.isSignlessInteger(8) || !problem.rhs.isSignlessInteger(8) || !problem.result.isInteger(32))
    why = "takes integers of 8 bits with a sign into 32 alone";
  else if (!problem.weight || problem.encoded || cast<RankedTensorType>(matmul.getRhs().getType()).getRank() != 2)
    why = "takes constant matrices alone";
  else if (!product || target.getPanelWidth() == 0 || (!product->takesBytes && target.getVectorBits() < 256))
    why = "the level multiplies no bytes, nor magnitudes with masks";
  if (!why.empty())
    return std::nullopt;
  // Rows are turned into factors, and a panel at a time is one stream of memory: one row took 1.5 times as long as in
  // pairs (Zen 3, K = N = 4096), four and more as long.
  int64_t rows = problem.shape.m;
  double operations = product->takesBytes ? 1 : rows > 0 && rows < product->rows ? 8 : 4; // for a vector
  return StrategyOffer{problem.getMultiplyAdds() * operations / static_cast<double>(product->vectorBytes) /
                       product->perCycle};
}

std::unique_ptr<ProductStrategy> lutra::makeByteStrategy() { return std::make_unique<ByteStrategy>(); }
