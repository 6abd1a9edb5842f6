//===- Passes.h - passes of the NVIDIA target ------------------------------===//
#ifndef LUTRA_TARGET_NVGPU_PASSES_H
#define LUTRA_TARGET_NVGPU_PASSES_H

#include "mlir/Pass/Pass.h"

#include <memory>
#include <string>

namespace lutra {

#define GEN_PASS_DECL
#include "lutra/Target/NVGPU/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "lutra/Target/NVGPU/Passes.h.inc"

} // namespace lutra

#endif // LUTRA_TARGET_NVGPU_PASSES_H
