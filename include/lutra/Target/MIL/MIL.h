//===- MIL.h - ML programs as files: packages and text -----------------------===//
#ifndef LUTRA_TARGET_MIL_MIL_H
#define LUTRA_TARGET_MIL_MIL_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace lutra {

struct MilOptions {
  std::string author;      // metadata of the package, may be empty
  std::string description; // likewise
  int64_t blobElements = 10; // constants of at least this many elements go to the weight file
};

/// Writes the module's one mil.func as the folder `path` (a .mlpackage). The folder appears whole or
/// not at all; the same module gives the same bytes. Replaces an older package, nothing else.
mlir::LogicalResult emitMlpackage(mlir::ModuleOp module, llvm::StringRef path, const MilOptions &options);

/// MIL text of a module, and the weight file it refers to.
struct MilText {
  std::string text;
  std::string weights;
};
mlir::FailureOr<MilText> emitMilText(mlir::ModuleOp module, const MilOptions &options);

/// The module that a MIL text stands for. `weights` is the weight file it refers to, empty if none.
/// Errors carry line and column of `fileName`.
mlir::OwningOpRef<mlir::ModuleOp> parseMilText(llvm::StringRef text, llvm::StringRef weights,
                                               llvm::StringRef fileName, mlir::MLIRContext *context);

/// Checks a package as written, byte by byte: manifest, interface, names, operations, weight file.
/// Reports every fault at `loc`; what it accepts, Core ML's own loader accepts too.
mlir::LogicalResult checkMlpackage(llvm::StringRef path, mlir::Location loc);

} // namespace lutra

#endif // LUTRA_TARGET_MIL_MIL_H
