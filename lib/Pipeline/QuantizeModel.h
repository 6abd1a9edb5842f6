//===- QuantizeModel.h - --quantize with inputs of the model -----------------===//
#ifndef LUTRA_LIB_PIPELINE_QUANTIZEMODEL_H
#define LUTRA_LIB_PIPELINE_QUANTIZEMODEL_H

#include "lutra/Pipeline/Compiler.h"

namespace lutra {

/// Whether --quantize needs more than the pass lutra-quantize-weights.
bool needsQuantizeModel(const CompileOptions &options);

/// Does what --quantize asks for to a module at the end of stage legal, runs the model where that needs a calibration,
/// writes the list. `report` gets the text of the report, if one is asked for. Errors are diagnostics.
mlir::LogicalResult quantizeModel(mlir::ModuleOp module, const CompileOptions &options, std::string &report);

/// Writes a report that there is to its file, when all else is done.
mlir::LogicalResult writeQuantizeReport(llvm::StringRef report, const CompileOptions &options, mlir::Location loc);

} // namespace lutra

#endif // LUTRA_LIB_PIPELINE_QUANTIZEMODEL_H
