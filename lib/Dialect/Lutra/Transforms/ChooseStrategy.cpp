//===- ChooseStrategy.cpp - how each product is computed ---------------------===//
// Asks every registered strategy (ProductStrategy.h) for every product and level. One program serves all levels of
// an artifact, and weights are packed once, so one strategy is chosen for all of them: the cheapest in sum among those
// that every level takes. Where the number of rows is unknown, few of them may have strategies of their own, which read
// the same packed weight; kernels choose among them when they run. Tables that a strategy reads in the place of rows
// are made where those are, if all levels read the same ones (ShareTables.h).
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "KernelLaunches.h"
#include "ShareTables.h"
#include "StrategyNames.h"
#include "TileTargetNames.h"

#include "lutra/Analysis/ProductStrategy.h"
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/IR/Remarks.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace lutra;

#define DEBUG_TYPE "lutra-choose-strategy"

namespace lutra {
#define GEN_PASS_DEF_CHOOSESTRATEGY
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
struct ChooseStrategy final : lutra::impl::ChooseStrategyBase<ChooseStrategy> {
  using Base::Base;
  void runOnOperation() override;

private:
  LogicalResult findTargets();
  LogicalResult choose(const ProductProblem &problem, const ProductStrategies &strategies);
  LogicalResult checkNamed(const ProductProblem &problem, StringRef name, const ProductStrategies &strategies);
  SmallVector<std::string> chooseForFewerRows(ProductProblem problem, const ProductStrategies &strategies,
                                              const ProductStrategy &most);

  SmallVector<const TileTarget *> levels;
  SmallVector<TableReader> readers;
};
} // namespace

LogicalResult ChooseStrategy::findTargets() {
  FailureOr<SmallVector<const TileTarget *>> found = findTileTargets(targets, getOperation().getLoc());
  if (failed(found))
    return failure();
  levels = *found;
  if (levels.empty())
    return emitCodedError(getOperation().getLoc(), ErrorCode::UnsupportedTarget)
           << "lutra-choose-strategy needs at least one of targets=" << llvm::join(getTileTargetNames(), ",");
  return success();
}

/// The right-hand side of a product.
static Value getRhs(Operation *op) {
  auto matmul = dyn_cast<MatmulOp>(op);
  return matmul ? matmul.getRhs() : cast<ConvOp>(op).getFilter();
}

/// Gives a product of an unknown number of rows what computes few of them sooner; the choices as text.
SmallVector<std::string> ChooseStrategy::chooseForFewerRows(ProductProblem problem,
                                                            const ProductStrategies &strategies,
                                                            const ProductStrategy &most) {
  // A token at a time, and less than two tiles of AMX have.
  constexpr int64_t greatest[] = {31, 1};
  auto matmul = dyn_cast<MatmulOp>(problem.op);
  if (!matmul || problem.shape.m >= 0 || !problem.weight || !problem.encoded)
    return {};
  auto weight = cast<RankedTensorType>(matmul.getRhs().getType());
  auto readsSame = [&](const ProductStrategy &other) {
    return other.getPanelDepth(weight) == most.getPanelDepth(weight);
  };
  SmallVector<RowRange> ranges;
  SmallVector<std::string> texts;
  const ProductStrategy *many = &most;
  for (int64_t rows : greatest) {
    SmallVector<std::string> others;
    problem.shape.m = rows;
    std::optional<StrategyChoice> best = strategies.choose(problem, levels, strategy, others, readsSame);
    if (!best || llvm::none_of(levels, [&](const TileTarget *level) {
          return best->strategy->tailors(rows, *many, *level);
        }))
      continue;
    many = best->strategy;
    ranges.insert(ranges.begin(), {rows, many->getName().str()});
    texts.push_back(
        llvm::formatv("{0} up to {1} rows {2:e2} cycles", many->getName(), rows, best->cycles).str());
  }
  if (!ranges.empty())
    setRowRanges(problem.op, ranges);
  return texts;
}

LogicalResult ChooseStrategy::choose(const ProductProblem &problem, const ProductStrategies &strategies) {
  SmallVector<std::string> others;
  std::optional<StrategyChoice> best = strategies.choose(problem, levels, strategy, others);
  Operation *op = problem.op;
  auto notSplit = dyn_cast_if_present<StringAttr>(op->removeAttr("not_split")); // of lutra-split-encodings
  if (!best) {
    InFlightDiagnostic error = emitCodedError(op->getLoc(), ErrorCode::UnsupportedOp)
                               << "no strategy" << (strategy == "auto" ? "" : " of those allowed") << " computes '"
                               << op->getName() << "': " << llvm::join(others, "; ");
    if (notSplit)
      error << "; weight " << notSplit.getValue();
    if (!ProductStrategies::hasAuto(strategy))
      error << "; '" << strategy << ",auto' gives such products the cheapest";
    return error;
  }
  op->setAttr("strategy", StrategyAttr::get(op->getContext(), best->strategy->getName()));
  if (best->tableLanes > 0)
    readers.push_back({cast<MatmulOp>(op), best->tableLanes, best->tableBits});
  auto opts = remark::RemarkOpts::name("ChooseStrategy").category(DEBUG_TYPE);
  auto told = remark::passed(op->getLoc(), opts);
  told << remark::metric("Chosen", best->strategy->getName()) << remark::metric("Cycles", best->cycles);
  for (auto [name, size] : {std::pair("M", problem.shape.m), std::pair("N", problem.shape.n),
                            std::pair("K", problem.shape.k), std::pair("Products", problem.batch)})
    if (size >= 0)
      told << remark::metric(name, size);
  for (const std::string &text : chooseForFewerRows(problem, strategies, *best->strategy))
    told << remark::metric("FewerRows", text);
  told << remark::metric("Lhs", problem.lhs) << remark::metric("Rhs", getRhs(op).getType());
  for (const std::string &other : others)
    told << remark::metric("Rejected", other);
  return success();
}

/// A product that names its strategy, as a spec of --quantize may ask for.
LogicalResult ChooseStrategy::checkNamed(const ProductProblem &problem, StringRef name,
                                         const ProductStrategies &strategies) {
  SmallVector<std::string> others;
  if (strategies.choose(problem, levels, name, others))
    return success();
  return emitCodedError(problem.op->getLoc(), ErrorCode::UnsupportedOp)
         << "strategy '" << name << "', which '" << problem.op->getName() << "' names, does not compute it: "
         << llvm::join(others, "; ") << "; name another one, or none";
}

void ChooseStrategy::runOnOperation() {
  if (failed(findTargets()))
    return signalPassFailure();
  const ProductStrategies *strategies = findStrategies(strategy, getOperation().getLoc());
  if (!strategies)
    return signalPassFailure();
  readers.clear();
  KernelLaunches launches(getOperation());
  bool good = true; // every product that cannot be computed gets its own error
  for (auto kernel : getOperation().getOps<KernelOp>()) {
    kernel.walk([&](Operation *op) {
      std::optional<ProductProblem> problem = getProductProblem(op);
      if (!problem)
        return;
      problem->weight |= launches.isWeight(getRhs(op));
      auto named = op->getAttrOfType<StrategyAttr>("strategy");
      if (named && ProductStrategies::hasAuto(strategy))
        good &= succeeded(checkNamed(*problem, named.getName(), *strategies));
      else
        good &= succeeded(choose(*problem, *strategies));
    });
  }
  if (!good)
    return signalPassFailure();
  shareTables(getOperation(), readers);
}
