//===- SplitLevels.cpp - a copy of each kernel for each instruction set ------===//
// Tiling differs by level, so kernels are copied before it. A level's kernels are dealt out over a few nested modules
// in turn: nested modules are compiled independently of each other, by the threads of the compiler.
#include "lutra/Conversion/Passes.h"
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace lutra;

namespace lutra {
#define GEN_PASS_DEF_SPLITLEVELS
#include "lutra/Conversion/Passes.h.inc"
} // namespace lutra

namespace {
struct SplitLevels final : lutra::impl::SplitLevelsBase<SplitLevels> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

/// `kernel`, its grid and everything that they refer to.
static void collect(Operation *kernel, SymbolTable &symbols, llvm::SetVector<Operation *> &all) {
  SmallVector<Operation *> pending = {kernel};
  StringRef name = SymbolTable::getSymbolName(kernel).getValue();
  if (Operation *grid = symbols.lookup((name + ".grid").str()))
    pending.push_back(grid);
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val();
    if (!all.insert(op))
      continue;
    if (auto uses = SymbolTable::getSymbolUses(op))
      for (SymbolTable::SymbolUse use : *uses)
        if (Operation *used = symbols.lookup(use.getSymbolRef().getLeafReference()))
          pending.push_back(used);
  }
}

void SplitLevels::runOnOperation() {
  ModuleOp module = getOperation();
  SymbolTable symbols(module);
  SmallVector<Operation *> kernels;
  for (Operation &op : *module.getBody())
    if (isa<KernelOp>(op) || op.hasAttr("lutra.kernel"))
      kernels.push_back(&op);
  unsigned count = std::max<unsigned>(1, std::min<size_t>(chunks, kernels.size()));
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  SmallVector<Operation *> parts;
  for (const std::string &level : levels)
    for (unsigned chunk = 0; chunk < count; ++chunk) {
      llvm::SetVector<Operation *> wanted;
      for (size_t i = chunk; i < kernels.size(); i += count)
        collect(kernels[i], symbols, wanted);
      auto part = ModuleOp::create(builder, module.getLoc(), level + "_" + std::to_string(chunk));
      part->setAttr("lutra.level", builder.getStringAttr(level));
      OpBuilder inner = OpBuilder::atBlockEnd(part.getBody());
      for (Operation &op : *module.getBody())
        if (wanted.contains(&op))
          inner.clone(op);
    }
}
