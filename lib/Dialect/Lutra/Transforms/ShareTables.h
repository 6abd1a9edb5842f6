//===- ShareTables.h - tables that several products and work items read -------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SHARETABLES_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SHARETABLES_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/IR/BuiltinOps.h"

namespace lutra {

/// A product that may read tables of its left-hand side's rows, and their form (StrategyOffer).
struct TableReader {
  MatmulOp op;
  int64_t lanes, bits;
};

/// Lets the kernels that round the rows of such products make the tables, where these are few enough.
void shareTables(mlir::ModuleOp module, llvm::ArrayRef<TableReader> readers);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_SHARETABLES_H
