//===- ConvertLutraToTile.cpp - kernels become loops over tile ops --------===//
// The driver: finds each kernel's kind and emits its two functions. A kind that cannot use wide tiles
// on a kernel (an access that no tile expresses) says so by failing without a diagnostic; the
// functions are then emitted again with tiles of one element.
#include "GroupKinds.h"

#include "lutra/Analysis/ProductStrategy.h"
#include "lutra/Conversion/Passes.h"
#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"

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
             GatherOp, IotaOp, PadOp, QuantizeOp, RequantizeOp, ReshapeOp, SelectOp, SliceOp, SubsetSumsOp, TransposeOp,
             UnaryOp, WithTablesOp>(op);
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

static LogicalResult emitFunctions(KernelOp kernel, const TileTarget &target, const CollapsedDims &collapsed,
                                   const KernelRows &rows, GridEmission emitGrid, ItemEmission emitItem) {
  KernelEmitter grid(kernel, target, /*grid=*/true, collapsed, rows);
  FailureOr<Value> items = emitGrid(grid);
  if (failed(items))
    return failure();
  grid.finishGrid(*items);
  for (bool elementwise : {false, true}) {
    KernelEmitter emitter(kernel, target, /*grid=*/false, collapsed, rows);
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

static LogicalResult emitProduct(KernelOp kernel, const TileTarget &target, const CollapsedDims &collapsed,
                                 const KernelRows &rows, const ProductStrategy &strategy) {
  return emitFunctions(
      kernel, target, collapsed, rows, [&](KernelEmitter &emitter) { return strategy.emitGrid(emitter); },
      [&](KernelEmitter &emitter, bool elementwise) { return strategy.emitItem(emitter, elementwise); });
}

namespace {
/// What computes a product of few rows.
struct FewRows {
  KernelRows rows;
  const ProductStrategy *strategy;
};
} // namespace

/// Those that a product names (`fewer_rows`) and that have code of their own on the level, fewest first.
static SmallVector<FewRows> findFewRows(ProductProblem problem, const TileTarget &target,
                                        const ProductStrategy &most) {
  SmallVector<FewRows> few;
  const ProductStrategy *many = &most;
  if (problem.shape.m >= 0 || !isa<MatmulOp>(problem.op))
    return few;
  SmallVector<RowRange> ranges = getRowRanges(problem.op);
  for (const RowRange &range : llvm::reverse(ranges)) {
    const ProductStrategy *strategy = ProductStrategies::get(problem.op->getContext())->find(range.strategy);
    problem.shape.m = range.most;
    std::string why;
    if (!strategy || !strategy->tailors(range.most, *many, target) || !strategy->match(problem, target, why))
      continue;
    many = strategy;
    few.insert(few.begin(), {{range.most, ".rows" + std::to_string(range.most)}, strategy});
  }
  return few;
}

/// The function that calls the one for the rows that there are, of a grid or of items.
static void emitChoice(KernelOp kernel, const TileTarget &target, const CollapsedDims &collapsed,
                       ArrayRef<FewRows> few, StringRef manySuffix, bool isGrid) {
  KernelEmitter emitter(kernel, target, isGrid, collapsed, {-1, "", /*chooses=*/true});
  auto op = cast<MatmulOp>(getRoot(kernel));
  OpBuilder &builder = emitter.builder;
  Value rows = emitter.getSize(op.getResult(), getRowDim(op));
  TypeRange types = emitter.function.getResultTypes();
  auto call = [&](const Twine &suffix) {
    std::string name = (kernel.getName() + suffix + (isGrid ? ".grid" : "")).str();
    return func::CallOp::create(builder, emitter.loc, name, types, emitter.function.getArguments());
  };
  auto yield = [&](ValueRange values) {
    if (!values.empty()) // else branches end with one from the start
      scf::YieldOp::create(builder, emitter.loc, values);
  };
  scf::IfOp outer;
  for (const FewRows &range : few) {
    auto predicate = range.rows.most == 1 ? arith::CmpIPredicate::eq : arith::CmpIPredicate::sle;
    Value fits = arith::CmpIOp::create(builder, emitter.loc, predicate, rows, emitter.constant(range.rows.most));
    auto branch = scf::IfOp::create(builder, emitter.loc, types, fits, /*withElseRegion=*/true);
    if (!outer)
      outer = branch;
    else
      yield(branch.getResults());
    builder.setInsertionPointToStart(branch.thenBlock());
    yield(call(range.rows.suffix).getResults());
    builder.setInsertionPointToStart(branch.elseBlock());
  }
  yield(call(manySuffix).getResults());
  builder.setInsertionPointAfter(outer);
  func::ReturnOp::create(builder, emitter.loc, outer.getResults());
}

static LogicalResult emitKernel(KernelOp kernel, const TileTarget &target, ArrayRef<GroupKind> kinds) {
  Operation *root = getRoot(kernel);
  if (std::optional<ProductProblem> problem = root ? getProductProblem(root) : std::nullopt) {
    FailureOr<const ProductStrategy *> strategy = getStrategy(*problem, target);
    if (failed(strategy))
      return failure();
    SmallVector<FewRows> few = findFewRows(*problem, target, **strategy);
    CollapsedDims collapsed = collapseDims(kernel);
    StringRef manySuffix = few.empty() ? "" : ".rows";
    for (const FewRows &range : few)
      if (failed(emitProduct(kernel, target, collapsed, range.rows, *range.strategy)))
        return failure();
    if (failed(emitProduct(kernel, target, collapsed, {-1, manySuffix.str()}, **strategy)))
      return failure();
    for (bool isGrid : {true, false})
      if (!few.empty())
        emitChoice(kernel, target, collapsed, few, manySuffix, isGrid);
    return success();
  }
  const GroupKind *kind = llvm::find_if(kinds, [&](const GroupKind &k) { return k.matches(kernel); });
  if (kind == kinds.end())
    return emitCodedError(root->getLoc(), ErrorCode::UnsupportedOp)
           << "'" << root->getName() << "' has no emission as tile ops";
  return emitFunctions(kernel, target, collapseDims(kernel), {}, kind->grid, kind->item);
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
