//===- ConvertLutraToTile.cpp - kernels become loops over tile ops --------===//
// The driver: finds each kernel's kind and emits its two functions. A kind that cannot use wide tiles
// on a kernel (an access that no tile expresses) says so by failing without a diagnostic; the
// functions are then emitted again with tiles of one element.
#include "GroupKinds.h"

#include "lutra/Analysis/ProductStrategy.h"
#include "lutra/Conversion/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace lutra {
#define GEN_PASS_DEF_CONVERTLUTRATOTILE
#include "lutra/Conversion/Passes.h.inc"
} // namespace lutra

using namespace mlir;
using namespace lutra;

namespace {
struct ConvertLutraToTile final : lutra::impl::ConvertLutraToTileBase<ConvertLutraToTile> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

/// Ops that KernelEmitter::emitTile computes window by window; any other decides its kernel's kind.
static bool isWindowed(Operation *op) {
  return !isa_and_nonnull<LutraDialect>(op->getDialect()) ||
         isa<BinaryOp, CastOp, CompareOp, ConstantOp, DequantizeOp, ExpandOp, FromIndexOp, GatherElementsOp, GatherNdOp,
             GatherOp, IotaOp, PadOp, QuantizeOp, RequantizeOp, ReshapeOp, SelectOp, SliceOp, TransposeOp, UnaryOp>(op);
}

Operation *lutra::getRoot(KernelOp kernel) {
  for (Operation &op : llvm::reverse(kernel.getBody().front().without_terminator()))
    if (!isWindowed(&op))
      return &op;
  return nullptr;
}

Operation *lutra::getRowProducer(KernelOp kernel) {
  Operation *root = getRoot(kernel);
  for (Operation &op : kernel.getBody().front().without_terminator())
    if (&op != root && isa<IntegerNormOp, IntegerSoftmaxOp, LayerNormOp, RmsNormOp, SoftmaxOp>(op))
      return &op;
  return nullptr;
}

using GridEmission = llvm::function_ref<FailureOr<Value>(KernelEmitter &)>;
using ItemEmission = llvm::function_ref<LogicalResult(KernelEmitter &, bool elementwise)>;

static LogicalResult emitFunctions(KernelOp kernel, const TileTarget &target, GridEmission emitGrid,
                                   ItemEmission emitItem) {
  CollapsedDims collapsed = collapseDims(kernel);
  KernelEmitter grid(kernel, target, /*grid=*/true, collapsed);
  FailureOr<Value> items = emitGrid(grid);
  if (failed(items))
    return failure();
  grid.finishGrid(*items);
  for (bool elementwise : {false, true}) {
    KernelEmitter emitter(kernel, target, /*grid=*/false, collapsed);
    if (succeeded(emitItem(emitter, elementwise)))
      return success();
    emitter.function.erase();
    if (emitter.hasError())
      return failure();
  }
  return emitCodedError(kernel.getLoc(), ErrorCode::Internal)
         << "kernel @" << kernel.getName() << " has an access that not even single elements can express";
}

/// The strategy that a product names, or else the cheapest.
static FailureOr<const ProductStrategy *> getStrategy(const ProductProblem &problem, const TileTarget &target) {
  Operation *op = problem.op;
  const ProductStrategies *strategies = ProductStrategies::get(op->getContext());
  if (!strategies) {
    emitCodedError(op->getLoc(), ErrorCode::Internal) << "this tool registers no product strategies";
    return failure();
  }
  auto named = op->getAttrOfType<StrategyAttr>("strategy");
  std::string why;
  const ProductStrategy *found = named ? strategies->find(named.getName()) : strategies->cheapest(problem, target, why);
  if (found && (!named || found->match(problem, target, why)))
    return found;
  InFlightDiagnostic error = emitCodedError(op->getLoc(), ErrorCode::UnsupportedOp);
  if (!named)
    error << "no strategy computes '" << op->getName() << "' on " << target.getName() << ": " << why;
  else if (!found)
    error << "no strategy is named '" << named.getName() << "'";
  else
    error << "strategy '" << named.getName() << "' does not compute '" << op->getName() << "' on "
          << target.getName() << ": " << why;
  return failure();
}

static LogicalResult emitKernel(KernelOp kernel, const TileTarget &target, ArrayRef<GroupKind> kinds) {
  Operation *root = getRoot(kernel);
  if (std::optional<ProductProblem> problem = root ? getProductProblem(root) : std::nullopt) {
    FailureOr<const ProductStrategy *> strategy = getStrategy(*problem, target);
    if (failed(strategy))
      return failure();
    return emitFunctions(
        kernel, target, [&](KernelEmitter &emitter) { return (*strategy)->emitGrid(emitter); },
        [&](KernelEmitter &emitter, bool elementwise) { return (*strategy)->emitItem(emitter, elementwise); });
  }
  const GroupKind *kind = llvm::find_if(kinds, [&](const GroupKind &k) { return k.matches(kernel); });
  if (kind == kinds.end())
    return emitCodedError(root->getLoc(), ErrorCode::UnsupportedOp)
           << "'" << root->getName() << "' has no emission as tile ops";
  return emitFunctions(kernel, target, kind->grid, kind->item);
}

void ConvertLutraToTile::runOnOperation() {
  const TileTarget *tileTarget = getTileTarget(target);
  if (!tileTarget) {
    emitCodedError(getOperation().getLoc(), ErrorCode::UnsupportedTarget)
        << "no tile target is named '" << target << "'; set target to one of "
        << llvm::join(getTileTargetNames(), ", ");
    return signalPassFailure();
  }
  // Tried in this order; products have strategies instead.
  const GroupKind kinds[] = {
      getMapKind(),
      getConvTransposeKind(),
      getDynamicQuantizeKind(),
      getRowKind(),
      getReduceKind(),
      getPoolKind(),
      getArgReduceKind(),
      getCumulativeKind(),
      getTopKKind(),
      getConcatKind(),
      getScatterKind(),
      getResizeKind(),
      getLstmKind(),
  };
  SmallVector<KernelOp> kernels(getOperation().getOps<KernelOp>());
  for (KernelOp kernel : kernels) {
    if (failed(emitKernel(kernel, *tileTarget, kinds)))
      return signalPassFailure();
    kernel.erase();
  }
}
