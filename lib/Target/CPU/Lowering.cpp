//===- Lowering.cpp - the passes from vectors and loops to the LLVM dialect ---===//
#include "lutra/Target/CPU/CpuTarget.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ConvertToLLVM/ToLLVMPass.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVMPass.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/TargetParser/Triple.h"

using namespace mlir;

namespace lutra {

void setCpuTarget(ModuleOp module, StringRef name) {
  Builder builder(module.getContext());
  llvm::Triple triple(llvm::Triple::normalize(name));
  // The conversions read pointer and index widths from the layout.
  module->setAttr(LLVM::LLVMDialect::getDataLayoutAttrName(), builder.getStringAttr(triple.computeDataLayout()));
  module->setAttr(LLVM::LLVMDialect::getTargetTripleAttrName(), builder.getStringAttr(triple.str()));
}

void buildLowerToLLVM(OpPassManager &manager, const CpuLevel *level) {
  auto cleanUp = [&] {
    manager.addPass(createCanonicalizerPass());
    manager.addPass(createCSEPass());
  };
  cleanUp();
  // Multi-dimensional transfers unroll to rows while loops are still loops.
  VectorTransferToSCFOptions transfers;
  transfers.enableFullUnroll();
  manager.addPass(createConvertVectorToSCFPass(transfers));
  cleanUp();
  // LLVM lacks the alias facts to hoist loads and masks by itself.
  manager.addPass(createLoopInvariantCodeMotionPass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  // bf16 rounding would be a call per element below AVX512-BF16.
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  manager.addPass(arith::createArithExpandOpsPass(expand));
  // Intrinsics first: what is left (erf, atan and so on) becomes calls of libm.
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createConvertMathToLibmPass());
  ConvertVectorToLLVMPassOptions vectors;
  vectors.force32BitVectorIndices = true;
  vectors.vectorContractLowering = vector::VectorContractLowering::OuterProduct;
  manager.addPass(createConvertVectorToLLVMPass(vectors));
  manager.addPass(createConvertToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  cleanUp();
}

OwningOpRef<ModuleOp> extractHost(ModuleOp module) {
  OpBuilder builder(module.getContext());
  OwningOpRef<ModuleOp> host = ModuleOp::create(module.getLoc());
  builder.setInsertionPointToEnd(host->getBody());
  for (Operation &op : *module.getBody())
    if (auto function = dyn_cast<func::FuncOp>(op);
        (function && !function.isExternal()) || isa<LLVM::LLVMFuncOp>(op))
      builder.clone(op);
  return host;
}

} // namespace lutra
