//===- Registration.cpp - dialects and passes of the whole compiler --------===//
#include "lutra/Pipeline/Registration.h"

#include "lutra/Conversion/Passes.h"
#ifdef LUTRA_ENABLE_NVGPU
#include "lutra/Conversion/TileToNVVM/Passes.h"
#include "lutra/Target/NVGPU/Passes.h"
#endif
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Dialect/Lutra/Transforms/Passes.h"
#include "lutra/Dialect/MIL/IR/MIL.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

void lutra::registerAllDialects(DialectRegistry &registry) {
  registry.insert<LutraDialect, affine::AffineDialect, arith::ArithDialect, cf::ControlFlowDialect,
                  func::FuncDialect, LLVM::LLVMDialect, NVVM::NVVMDialect, math::MathDialect,
                  memref::MemRefDialect, mil::MILDialect, scf::SCFDialect, tensor::TensorDialect,
                  vector::VectorDialect>();
}

void lutra::registerAllPasses() {
  mlir::registerTransformsPasses();
  registerLutraConversionPasses();
  registerLutraTransformsPasses();
#ifdef LUTRA_ENABLE_NVGPU
  registerLutraTargetNVGPUPasses();
  registerLutraTileToNVVMPasses();
#endif
}
