//===- NVGPU.h - kernels to PTX and cubins ---------------------------------===//
// Lowered kernels go through LLVM's NVPTX back end; ptxas, run as a subprocess, assembles the text. What ptxas says
// about registers and spills is kept, since it is the only judge of them.
#ifndef LUTRA_TARGET_NVGPU_NVGPU_H
#define LUTRA_TARGET_NVGPU_NVGPU_H

#include "lutra/Machine/NVGPUTarget.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace lutra {

struct NVGPUOptions {
  std::string toolkit; // folder of the CUDA toolkit; empty: search
  bool ptxOnly = false; // no cubin and no numbers of ptxas, which is then not needed
};

/// What ptxas said about one kernel.
struct NVGPUKernelReport {
  std::string name;
  int64_t registers = 0;
  int64_t staticSharedBytes = 0, dynamicSharedBytes = 0;
  int64_t stackBytes = 0, spillStores = 0, spillLoads = 0;

  std::string str(llvm::StringRef arch) const;
};

/// One architecture's code.
struct NVGPUImage {
  const NVGPUArch *arch = nullptr;
  std::string ptx, cubin;
  llvm::SmallVector<NVGPUKernelReport> kernels; // in the order of the module
};

/// Path of ptxas: options, environment (CUDA_HOME, CUDA_PATH, CUDA_ROOT), PATH, default place.
mlir::FailureOr<std::string> findPtxas(mlir::Location loc, llvm::StringRef toolkit);

/// PTX of the kernels of `module` (functions with lutra.block_threads; others are ignored).
mlir::FailureOr<std::string> translateToPtx(mlir::ModuleOp module, const NVGPUArch &arch);

/// PTX, and unless that is all that is wanted, cubin and report.
mlir::FailureOr<NVGPUImage> assembleKernels(mlir::ModuleOp module, const NVGPUArch &arch,
                                            const NVGPUOptions &options);

} // namespace lutra

#endif // LUTRA_TARGET_NVGPU_NVGPU_H
