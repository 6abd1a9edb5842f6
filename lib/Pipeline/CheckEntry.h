//===- CheckEntry.h - what a module must be to become a model ---------------===//
#ifndef LUTRA_LIB_PIPELINE_CHECKENTRY_H
#define LUTRA_LIB_PIPELINE_CHECKENTRY_H

#include "mlir/IR/BuiltinOps.h"

namespace lutra {

/// Whether @main of a module at graph level is the only function, takes and returns tensors that a caller can hold, and
/// names them and their sizes as the model's table can say it. A module whose memory is planned is taken as it is.
mlir::LogicalResult checkEntry(mlir::ModuleOp module);

} // namespace lutra

#endif // LUTRA_LIB_PIPELINE_CHECKENTRY_H
