//===- CompileMIL.h - the stages of target mil --------------------------------===//
#ifndef LUTRA_PIPELINE_COMPILEMIL_H
#define LUTRA_PIPELINE_COMPILEMIL_H

#include "lutra/Pipeline/Compiler.h"

namespace lutra {

/// Brings an imported module to an .mlpackage (or, with EmitKind::MilText, to MIL text at `outputPath` with
/// its weight file beside it), or to the stage that `options` names.
mlir::LogicalResult compileToMIL(mlir::ModuleOp module, const CompileOptions &options);

} // namespace lutra

#endif // LUTRA_PIPELINE_COMPILEMIL_H
