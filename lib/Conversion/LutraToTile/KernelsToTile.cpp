//===- KernelsToTile.cpp - kernels become loops over tile ops --------------===//
#include "KernelEmitter.h"

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
  void runOnOperation() override {}
};
} // namespace
