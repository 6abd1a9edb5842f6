//===- TileToVector.cpp - tile ops become vector code ----------------------===//
#include "lutra/Conversion/Passes.h"
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace lutra {
#define GEN_PASS_DEF_TILETOVECTOR
#include "lutra/Conversion/Passes.h.inc"
} // namespace lutra

using namespace mlir;
using namespace lutra;

namespace {
struct TileToVector final : lutra::impl::TileToVectorBase<TileToVector> {
  using Base::Base;
  void runOnOperation() override {}
};
} // namespace
