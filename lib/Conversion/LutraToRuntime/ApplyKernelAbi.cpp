//===- ApplyKernelAbi.cpp - one signature for all kernels ------------------===//
#include "Slots.h"

#include "lutra/Conversion/Passes.h"
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace lutra;

namespace lutra {
#define GEN_PASS_DEF_APPLYKERNELABI
#include "lutra/Conversion/Passes.h.inc"
} // namespace lutra

namespace {
struct ApplyKernelAbi final : lutra::impl::ApplyKernelAbiBase<ApplyKernelAbi> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

/// Replaces all but the last `kept` arguments by one array of slots.
static void packArguments(func::FuncOp function, unsigned kept) {
  MLIRContext *context = function.getContext();
  Block &body = function.getBody().front();
  unsigned packed = body.getNumArguments() - kept;
  OpBuilder builder = OpBuilder::atBlockBegin(&body);
  Location loc = function.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(context);
  Value array = body.insertArgument(0u, pointer, loc);
  SlotReader slots(builder, loc, array);
  for (unsigned i = 1; i <= packed; ++i)
    body.getArgument(i).replaceAllUsesWith(slots.read(body.getArgument(i).getType()));
  body.eraseArguments(1, packed);
  function.removeArgAttrsAttr();
  function.setFunctionType(
      FunctionType::get(context, body.getArgumentTypes(), function.getResultTypes()));
  function->setAttr("no_unwind", UnitAttr::get(context));
}

/// The same for the parts that it calls with all of its arguments: they get its array.
static void packCalls(func::FuncOp function, unsigned kept, SymbolTable &symbols) {
  SmallVector<func::CallOp> calls;
  function.walk([&](func::CallOp call) { calls.push_back(call); });
  for (func::CallOp call : calls) {
    auto part = symbols.lookup<func::FuncOp>(call.getCallee());
    if (!part->hasAttr("lutra.part")) // of the C library
      continue;
    part->removeAttr("lutra.part");
    packArguments(part, kept);
    SmallVector<Value> operands = {function.getArgument(0)};
    llvm::append_range(operands, call.getOperands().take_back(kept));
    call.getOperandsMutable().assign(operands);
  }
}

void ApplyKernelAbi::runOnOperation() {
  SmallVector<func::FuncOp> kernels;
  SymbolTable symbols(getOperation());
  for (auto function : getOperation().getOps<func::FuncOp>())
    if (function->hasAttr("lutra.kernel"))
      kernels.push_back(function);
  for (func::FuncOp kernel : kernels) {
    auto grid = symbols.lookup<func::FuncOp>((kernel.getName() + ".grid").str());
    if (!grid) {
      kernel.emitOpError("has no @") << kernel.getName() << ".grid that counts its work items";
      return signalPassFailure();
    }
    if (kernel.getNumArguments() < 2 || grid.getNumArguments() + 2 != kernel.getNumArguments()) {
      kernel.emitOpError("takes ") << kernel.getNumArguments() << " arguments and its grid "
                                   << grid.getNumArguments()
                                   << "; a kernel takes those of its grid, then begin and end";
      return signalPassFailure();
    }
    kernel->removeAttr("lutra.kernel");
    packArguments(kernel, 2);
    packArguments(grid, 0);
    packCalls(kernel, 2, symbols);
    packCalls(grid, 0, symbols);
  }
}
