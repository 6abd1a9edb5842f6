//===- GpuTable.h - GPU code as constants of the host module ---------------===//
#ifndef LUTRA_TARGET_NVGPU_GPUTABLE_H
#define LUTRA_TARGET_NVGPU_GPUTABLE_H

#include "lutra/Target/NVGPU/NVGPU.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace llvm {
class Constant;
class Module;
} // namespace llvm

namespace lutra {

/// Symbol of the host function that counts a kernel's blocks for one architecture.
using GridSymbol = llvm::function_ref<std::string(llvm::StringRef arch, llvm::StringRef kernel)>;

/// Adds a lutra_gpu_table (Runtime/GpuTable.h) with `images` to `host` and returns its address. `kernels`
/// is the order in which launches number them.
llvm::Constant *emitGpuTable(llvm::Module &host, llvm::ArrayRef<NVGPUImage> images,
                             llvm::ArrayRef<std::string> kernels, GridSymbol gridSymbol);

/// The runtime's backend for these tables.
inline constexpr llvm::StringLiteral gpuBackendName = "lutra_gpu_backend";

} // namespace lutra

#endif // LUTRA_TARGET_NVGPU_GPUTABLE_H
