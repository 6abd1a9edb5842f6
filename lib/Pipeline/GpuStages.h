//===- GpuStages.h - the GPU's part of the stages ---------------------------===//
// Kernels run through the same stages as a CPU's, with architectures in place of instruction-set
// levels; where they would be lowered they become cubins, and what is left of them on the host is
// the grid functions.
#ifndef LUTRA_LIB_PIPELINE_GPUSTAGES_H
#define LUTRA_LIB_PIPELINE_GPUSTAGES_H

#include "lutra/Pipeline/Compiler.h"
#include "lutra/Target/CPU/CpuTarget.h"

#include <memory>

namespace lutra {

/// Checks --gpu-arch and puts the architectures in order, best first. E0604 in a build without the target.
mlir::LogicalResult resolveGpuOptions(CompileOptions &options, mlir::Location loc);

/// Assembles the kernels of the nested modules (tiled for the architecture in `lutra.level`) and empties
/// them; their grids stay. What comes back hands the code to the artifact's host part.
mlir::FailureOr<std::unique_ptr<DeviceCode>> assembleGpuLevels(mlir::ModuleOp module,
                                                               const CompileOptions &options);

} // namespace lutra

#endif // LUTRA_LIB_PIPELINE_GPUSTAGES_H
