//===- FlattenBranches.cpp - branches become selects ------------------------===//
// Graph ops have no side effects, so both regions of an scf.if may run: their ops move before it and each result is
// chosen element by element. Inner branches go first; their ops then move with those around them.
// Invariant: the condition is the one element of a tensor, which `lutra.select` repeats over the result.
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Dialect/Lutra/Transforms/Passes.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lutra;

namespace lutra {
#define GEN_PASS_DEF_FLATTENBRANCHES
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
struct FlattenBranches final : lutra::impl::FlattenBranchesBase<FlattenBranches> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

static LogicalResult flatten(scf::IfOp branch) {
  auto condition = branch.getCondition().getDefiningOp<tensor::ExtractOp>();
  bool onTensors = llvm::all_of(branch.getResultTypes(), llvm::IsaPred<RankedTensorType>);
  if (!onTensors || !condition || !condition.getIndices().empty())
    return emitCodedError(branch.getLoc(), ErrorCode::UnsupportedOp)
           << "this target computes both branches and selects, which takes tensors as results and the element of a "
              "rank-0 tensor as condition";
  OpBuilder builder(branch);
  SmallVector<SmallVector<Value>, 2> yields;
  for (Region &region : branch->getRegions()) {
    if (region.empty())
      continue;
    Block &block = region.front();
    yields.emplace_back(block.getTerminator()->getOperands());
    for (Operation &op : llvm::make_early_inc_range(block.without_terminator()))
      op.moveBefore(branch);
  }
  for (OpResult result : branch.getResults()) {
    unsigned index = result.getResultNumber();
    result.replaceAllUsesWith(SelectOp::create(builder, branch.getLoc(), result.getType(), condition.getTensor(),
                                               yields[0][index], yields[1][index]));
  }
  branch.erase();
  return success();
}

void FlattenBranches::runOnOperation() {
  SmallVector<scf::IfOp> branches;
  for (auto function : getOperation().getOps<func::FuncOp>())
    if (!function->hasAttr("lutra.kernel"))
      function.walk([&](scf::IfOp branch) { branches.push_back(branch); }); // inner ones first
  for (scf::IfOp branch : branches)
    if (failed(flatten(branch)))
      return signalPassFailure();
}
