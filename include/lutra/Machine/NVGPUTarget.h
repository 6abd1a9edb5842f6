//===- NVGPUTarget.h - what NVIDIA tensor-core GPUs are --------------------===//
// Facts that tiling, the conversion to nvvm and the artifact read. One row per architecture that
// cubins are made for; PTX of the lowest one serves every other GPU through the driver.
#ifndef LUTRA_MACHINE_NVGPUTARGET_H
#define LUTRA_MACHINE_NVGPUTARGET_H

#include "lutra/Machine/TileTarget.h"

#include "llvm/ADT/ArrayRef.h"

namespace lutra {

/// One architecture. Limits are per thread block.
struct NVGPUArch {
  llvm::StringRef name;      // of the chip, for LLVM and ptxas: "sm_80"
  llvm::StringRef features;  // PTX version needed, as an LLVM feature string
  int major, minor;          // compute capability that its cubin runs on
  bool exactMinor;           // the cubin runs on that capability alone
  bool wgmma;                // tensor cores read shared memory by warp group
  int64_t maxSharedBytes;    // dynamic shared memory that a block may ask for
  int64_t maxRegisters = 255;
};

/// Threads of a block: four warps, one warp group.
inline constexpr int64_t nvgpuBlockThreads = 128;

/// The architecture of that name, or null.
const NVGPUArch *getNVGPUArch(llvm::StringRef name);
llvm::ArrayRef<NVGPUArch> getNVGPUArchs();

/// Its tile shapes.
llvm::ArrayRef<const TileTarget *> getNVGPUTileTargets();

} // namespace lutra

#endif // LUTRA_MACHINE_NVGPUTARGET_H
