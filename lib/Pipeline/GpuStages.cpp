//===- GpuStages.cpp - the GPU's part of the stages -------------------------===//
#include "GpuStages.h"

#include "lutra/Support/ErrorCodes.h"

#ifdef LUTRA_ENABLE_NVGPU
#include "lutra/Conversion/TileToNVVM/Passes.h"
#include "lutra/Machine/NVGPUTarget.h"
#include "lutra/Target/NVGPU/GpuTable.h"
#include "lutra/Target/NVGPU/NVGPU.h"
#endif

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace lutra {

#ifndef LUTRA_ENABLE_NVGPU

LogicalResult resolveGpuOptions(CompileOptions &options, Location loc) {
  return emitCodedError(loc, ErrorCode::UnsupportedTarget)
         << "this build lacks target 'nvgpu'; build with LUTRA_ENABLE_NVGPU=ON or take target cpu";
}

FailureOr<std::unique_ptr<DeviceCode>> assembleGpuLevels(ModuleOp module, const CompileOptions &options) {
  return failure();
}

#else

/// Whether ptxas has to run: dumps and PTX hold no machine code.
static bool needsMachineCode(const CompileOptions &options) {
  return options.stopAfter == Stage::Artifact && options.emit != EmitKind::Assembly;
}

LogicalResult resolveGpuOptions(CompileOptions &options, Location loc) {
  for (const std::string &name : options.gpuArchs)
    if (!getNVGPUArch(name))
      return emitCodedError(loc, ErrorCode::UnsupportedTarget)
             << "GPU architecture '" << name << "' is unknown; take sm_80, sm_90a or both";
  // Newest first: the runtime takes the first image that the device can run.
  SmallVector<std::string> ordered;
  for (const NVGPUArch &arch : llvm::reverse(getNVGPUArchs()))
    if (options.gpuArchs.empty() || llvm::is_contained(options.gpuArchs, arch.name))
      ordered.push_back(arch.name.str());
  options.gpuArchs = std::move(ordered);
  // Before anything is compiled: a missing tool is found at once.
  return needsMachineCode(options) ? LogicalResult(findPtxas(loc, options.cudaToolkit)) : success();
}

/// What is left on the host: the grid functions need the kernels' signatures beside them.
static void emptyKernels(ModuleOp part) {
  for (auto kernel : llvm::make_early_inc_range(part.getOps<func::FuncOp>())) {
    if (!kernel->hasAttr("lutra.kernel"))
      continue;
    Block &body = kernel.getBody().front();
    body.clear();
    OpBuilder builder = OpBuilder::atBlockEnd(&body);
    func::ReturnOp::create(builder, kernel.getLoc());
  }
}

FailureOr<std::unique_ptr<DeviceCode>> assembleGpuLevels(ModuleOp module, const CompileOptions &options) {
  auto images = std::make_shared<SmallVector<NVGPUImage, 0>>();
  auto code = std::make_unique<DeviceCode>();
  code->target = llvm::join(options.gpuArchs, ", ");
  code->backend = gpuBackendName;
  NVGPUOptions assembly;
  assembly.toolkit = options.cudaToolkit;
  assembly.ptxOnly = !needsMachineCode(options);
  for (const std::string &name : options.gpuArchs) {
    const NVGPUArch *arch = getNVGPUArch(name);
    code->levels.push_back({arch->name, arch->name, "x86-64", "", 128, 0});
    for (auto part : module.getOps<ModuleOp>()) {
      auto level = part->getAttrOfType<StringAttr>("lutra.level");
      if (!level || level.getValue() != name)
        continue;
      OwningOpRef<ModuleOp> device = part.clone();
      PassManager manager(module.getContext());
      ConvertTileToNVVMOptions conversion;
      conversion.target = name;
      manager.addPass(createConvertTileToNVVM(conversion));
      if (failed(manager.run(*device)))
        return failure();
      FailureOr<NVGPUImage> image = assembleKernels(*device, *arch, assembly);
      if (failed(image))
        return failure();
      code->assembly += image->ptx;
      images->push_back(std::move(*image));
      emptyKernels(part);
    }
  }
  code->emitTable = [images](llvm::Module &host, ArrayRef<std::string> kernels,
                             DeviceCode::GridSymbol grid) {
    return emitGpuTable(host, *images, kernels, grid);
  };
  return code;
}

#endif

} // namespace lutra
