//===- KernelsToTile.cpp - kernels become loops over tile ops --------------===//
// The driver: finds each kernel's kind and emits its two functions. A kind that cannot use wide tiles
// on a kernel (an access that no tile expresses) says so by failing without a diagnostic; the
// functions are then emitted again with tiles of one element.
#include "GroupKinds.h"

#include "lutra/Conversion/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace lutra {
#define GEN_PASS_DEF_KERNELSTOTILE
#include "lutra/Conversion/Passes.h.inc"
} // namespace lutra

using namespace mlir;
using namespace lutra;

namespace {
struct KernelsToTile final : lutra::impl::KernelsToTileBase<KernelsToTile> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

/// Ops that KernelEmitter::emitTile computes window by window; any other decides its kernel's kind.
static bool isWindowed(Operation *op) {
  return !isa_and_nonnull<LutraDialect>(op->getDialect()) ||
         isa<BinaryOp, CastOp, CompareOp, ConstantOp, DequantizeOp, ExpandOp, FromIndexOp, GatherElementsOp, GatherNdOp,
             GatherOp, IotaOp, PadOp, QuantizeOp, ReshapeOp, SelectOp, SliceOp, TransposeOp, UnaryOp>(op);
}

Operation *lutra::getRoot(KernelOp kernel) {
  for (Operation &op : kernel.getBody().front().without_terminator())
    if (!isWindowed(&op))
      return &op;
  return nullptr;
}

static LogicalResult emitKernel(KernelOp kernel, const TileTarget &target, ArrayRef<GroupKind> kinds) {
  const GroupKind *kind = llvm::find_if(kinds, [&](const GroupKind &k) { return k.matches(kernel); });
  if (kind == kinds.end())
    return emitCodedError(getRoot(kernel)->getLoc(), ErrorCode::UnsupportedOp)
           << "'" << getRoot(kernel)->getName() << "' has no emission as tile ops";
  CollapsedDims collapsed = collapseDims(kernel);
  KernelEmitter grid(kernel, target, /*grid=*/true, collapsed);
  FailureOr<Value> items = kind->grid(grid);
  if (failed(items))
    return failure();
  grid.finishGrid(*items);
  for (bool elementwise : {false, true}) {
    KernelEmitter emitter(kernel, target, /*grid=*/false, collapsed);
    if (succeeded(kind->item(emitter, elementwise)))
      return success();
    emitter.function.erase();
    if (emitter.hasError())
      return failure();
  }
  return emitCodedError(kernel.getLoc(), ErrorCode::Internal)
         << "kernel @" << kernel.getName() << " has an access that not even single elements can express";
}

void KernelsToTile::runOnOperation() {
  const TileTarget *tileTarget = getTileTarget(target);
  if (!tileTarget) {
    emitCodedError(getOperation().getLoc(), ErrorCode::UnsupportedTarget)
        << "no tile target is named '" << target << "'; registered are "
        << llvm::join(getTileTargetNames(), ", ");
    return signalPassFailure();
  }
  // Tried in this order.
  const GroupKind kinds[] = {
      getMapKind(),
      getMatmulKind(),
      getConvKind(),
      getConvTransposeKind(),
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
