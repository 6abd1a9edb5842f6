//===- KernelLaunches.cpp - who launches a kernel, and with which weights ----===//
#include "KernelLaunches.h"

using namespace mlir;
using namespace lutra;

KernelLaunches::KernelLaunches(ModuleOp module) {
  module.walk([&](LaunchOp launch) { launches[launch.getKernel()].push_back(launch); });
}

ArrayRef<LaunchOp> KernelLaunches::of(KernelOp kernel) const {
  auto found = launches.find(kernel.getSymName());
  return found == launches.end() ? ArrayRef<LaunchOp>() : ArrayRef<LaunchOp>(found->second);
}

bool KernelLaunches::isWeight(Value value) const {
  auto argument = dyn_cast<BlockArgument>(value);
  auto kernel = argument ? dyn_cast<KernelOp>(argument.getOwner()->getParentOp()) : KernelOp();
  if (!kernel)
    return false;
  ArrayRef<LaunchOp> uses = of(kernel);
  auto givesWeight = [&](LaunchOp launch) {
    return launch.getInputs()[argument.getArgNumber()].getDefiningOp<WeightOp>() != nullptr;
  };
  return !uses.empty() && llvm::all_of(uses, givesWeight);
}
