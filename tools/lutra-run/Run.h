//===- Run.h - what the files of lutra-run share ---------------------------===//
#ifndef LUTRA_TOOLS_LUTRA_RUN_RUN_H
#define LUTRA_TOOLS_LUTRA_RUN_RUN_H

#include "lutra/Reference/Compare.h"
#include "lutra/Reference/Evaluator.h"
#include "lutra/Reference/Inputs.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

namespace lutra::run {

/// The flags, as plain data.
struct Options {
  std::string file;
  std::string function;
  uint64_t seed = 0;
  ValueSet values = ValueSet::Normal;
  llvm::StringMap<int64_t> dims;       ///< by name, "ARG.DIM" or "*"
  llvm::StringMap<std::string> inputs; ///< .npy file by name or argument index
  std::string outputFolder;
  bool print = false;
  bool bounds = false;
  std::string beforeAfter; ///< pass pipeline
  std::string compareFile;
  bool exact = false;
  int64_t corrupt = -1;
};

/// An error line with a code: printed, remembered for the exit code.
void report(ErrorCode code, const llvm::Twine &message);
/// The exit code of the first error, or Ok.
ExitCode exitCode();
/// Prints diagnostics as one line each and remembers their codes.
void printDiagnostics(mlir::MLIRContext &context);

/// The functions that a run evaluates: the named one, else @main, else every public function.
mlir::FailureOr<llvm::SmallVector<mlir::FunctionOpInterface>>
pickFunctions(mlir::ModuleOp module, const Options &options);

/// Inputs of a function by the flags: files, or seeded values of the stated sizes.
mlir::FailureOr<llvm::SmallVector<Tensor>> makeInputs(mlir::FunctionOpInterface function,
                                                      const Options &options);

/// Name of an argument or result: its lutra.name, else its index.
std::string argumentName(mlir::FunctionOpInterface function, unsigned index);
std::string resultName(mlir::FunctionOpInterface function, unsigned index);

/// "2x3xf32" and nested brackets.
std::string typeText(const Tensor &tensor);
std::string valueText(const Tensor &tensor);

/// The modes of the tool. Each returns failure after it reported why.
mlir::LogicalResult evaluateFile(mlir::ModuleOp module, const Options &options);
mlir::LogicalResult compareBeforeAfter(mlir::ModuleOp module, const Options &options);
mlir::LogicalResult compareModules(mlir::ModuleOp before, mlir::ModuleOp after,
                                   const Options &options);

} // namespace lutra::run

#endif // LUTRA_TOOLS_LUTRA_RUN_RUN_H
