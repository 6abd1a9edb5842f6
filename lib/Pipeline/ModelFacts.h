//===- ModelFacts.h - what tells models and samples apart, and what they take ===//
#ifndef LUTRA_LIB_PIPELINE_MODELFACTS_H
#define LUTRA_LIB_PIPELINE_MODELFACTS_H

#include "Calibration.h"

#include "mlir/IR/BuiltinOps.h"

namespace lutra {

/// 32 hexadecimal digits of the names, types and bytes of constants and of the ops that read them.
std::string hashModel(mlir::ModuleOp module);

/// Likewise of the arrays of samples, in their order.
std::string hashSamples(llvm::ArrayRef<Sample> samples);

/// Bytes of the constants as they are stored.
int64_t countConstantBytes(mlir::ModuleOp module);

/// The most memory that this process has held; 0: not known.
int64_t peakMemory();

} // namespace lutra

#endif // LUTRA_LIB_PIPELINE_MODELFACTS_H
