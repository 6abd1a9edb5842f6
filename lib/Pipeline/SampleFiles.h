//===- SampleFiles.h - files that hold inputs of a model ---------------------===//
#ifndef LUTRA_LIB_PIPELINE_SAMPLEFILES_H
#define LUTRA_LIB_PIPELINE_SAMPLEFILES_H

#include "lutra/Support/Npz.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace lutra {

/// What one call takes, by the names of the file.
struct NamedArrays {
  std::string name; // of the file, and of the place in it
  std::vector<NamedArray> arrays;
};

/// The files of a set in the order of their names.
std::vector<std::string> sampleFilesOf(llvm::StringRef path);

/// The names of @main's inputs, in their order.
std::vector<std::string> inputNames(mlir::func::FuncOp main);

/// The samples of a file, with the names and types of @main's inputs where the file has none. `splits`: arrays hold
/// samples along their first axis, but for lines of JSON, which are samples. Errors are diagnostics.
mlir::LogicalResult readSamples(llvm::StringRef path, mlir::func::FuncOp main, bool splits,
                                std::vector<NamedArrays> &samples);

} // namespace lutra

#endif // LUTRA_LIB_PIPELINE_SAMPLEFILES_H
