//===- ConvertTileToNVVM.cpp - kernels become functions of one thread -----===//
#include "lutra/Conversion/TileToNVVM/Passes.h"

#include "BlockEmitter.h"

#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace lutra {
#define GEN_PASS_DEF_CONVERTTILETONVVM
#include "lutra/Conversion/TileToNVVM/Passes.h.inc"
} // namespace lutra

using namespace mlir;
using namespace lutra;

static constexpr llvm::StringLiteral kernelAttrName = "lutra.kernel";

/// Parameters of the converted kernel: the slots of the kernel ABI.
static FunctionType getKernelType(func::FuncOp kernel) {
  MLIRContext *context = kernel.getContext();
  SmallVector<Type> slots;
  for (Type type : kernel.getArgumentTypes().drop_back(2)) {
    auto memref = dyn_cast<MemRefType>(type);
    if (!memref) {
      slots.push_back(type);
      continue;
    }
    slots.push_back(LLVM::LLVMPointerType::get(context, 1));
    slots.append(memref.getNumDynamicDims(), IndexType::get(context));
  }
  return FunctionType::get(context, slots, {});
}

/// One array for the dynamic shared memory of every kernel; a launch gives it its size.
static void declareSharedMemory(ModuleOp module) {
  if (module.lookupSymbol(sharedMemoryName))
    return;
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), 0);
  LLVM::GlobalOp::create(builder, module.getLoc(), type, /*isConstant=*/false,
                         LLVM::Linkage::External, sharedMemoryName, Attribute(),
                         SwizzledRows::alignment, /*addrSpace=*/3);
}

/// Functions other than exp: polynomials on f32, to which narrower types are widened.
static LogicalResult expandMath(func::FuncOp kernel) {
  RewritePatternSet patterns(kernel.getContext());
  populateMathPolynomialApproximationPatterns(patterns);
  math::populateExpansionPatterns(patterns, {"ceilf", "powf", "roundeven", "round", "sinh", "cosh", "tan",
                                             "asinh", "acosh", "atanh", "fpowi", "exp2f"});
  GreedyRewriteConfig config;
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  return applyPatternsGreedily(kernel, std::move(patterns), config);
}

/// Functions of f64 for which a GPU has neither an instruction nor a polynomial above.
static LogicalResult refuseWideMath(func::FuncOp kernel, StringRef target) {
  WalkResult result = kernel.walk([&](Operation *op) {
    bool hasCode = !isa<math::MathDialect>(op->getDialect()) ||
                   isa<math::AbsFOp, math::CeilOp, math::CopySignOp, math::FloorOp, math::FmaOp, math::IsFiniteOp,
                       math::IsInfOp, math::IsNaNOp, math::RoundEvenOp, math::RsqrtOp, math::SqrtOp, math::TruncOp>(op);
    if (hasCode || !llvm::is_contained(op->getOperandTypes(), Float64Type::get(op->getContext())))
      return WalkResult::advance();
    emitCodedError(op->getLoc(), ErrorCode::UnsupportedType)
        << "'" << op->getName() << "' of 'f64' has no code for " << target
        << "; compute it in f32, or compile this model for target cpu";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

static FailureOr<func::FuncOp> convertKernel(func::FuncOp kernel, const NVGPUArch &arch) {
  OpBuilder builder(kernel);
  auto target = func::FuncOp::create(builder, kernel.getLoc(), kernel.getName(), getKernelType(kernel));
  target.addEntryBlock();
  BlockEmitter emitter(kernel, target, arch);
  if (failed(emitter.run())) {
    target.erase();
    return failure();
  }
  if (emitter.getSharedBytes() > arch.maxSharedBytes) {
    target.erase();
    return emitCodedError(kernel.getLoc(), ErrorCode::LimitMemory)
           << "kernel \"" << kernel.getName() << "\" needs " << emitter.getSharedBytes()
           << " bytes of shared memory, but " << arch.name << " has " << arch.maxSharedBytes
           << " per block; use smaller tiles";
  }
  target->setAttr(blockThreadsAttrName, builder.getI64IntegerAttr(nvgpuBlockThreads));
  target->setAttr(sharedBytesAttrName, builder.getI64IntegerAttr(emitter.getSharedBytes()));
  kernel.erase();
  return target;
}

namespace {
struct ConvertTileToNVVM final : lutra::impl::ConvertTileToNVVMBase<ConvertTileToNVVM> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

void ConvertTileToNVVM::runOnOperation() {
  ModuleOp module = getOperation();
  const NVGPUArch *arch = getNVGPUArch(target);
  if (!arch) {
    emitCodedError(module.getLoc(), ErrorCode::UnsupportedTarget)
        << "no GPU architecture \"" << target << "\"; known are sm_80 and sm_90a";
    return signalPassFailure();
  }
  SmallVector<func::FuncOp> kernels;
  for (func::FuncOp function : module.getOps<func::FuncOp>())
    if (function->hasAttr(kernelAttrName))
      kernels.push_back(function);
  if (!kernels.empty())
    declareSharedMemory(module);
  for (func::FuncOp kernel : kernels) {
    FailureOr<func::FuncOp> converted = convertKernel(kernel, *arch);
    if (failed(converted) || failed(expandMath(*converted)) ||
        failed(refuseWideMath(*converted, arch->name)))
      return signalPassFailure();
  }
}
