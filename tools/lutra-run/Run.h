//===- Run.h - what the files of lutra-run share ---------------------------===//
#ifndef LUTRA_TOOLS_LUTRA_RUN_RUN_H
#define LUTRA_TOOLS_LUTRA_RUN_RUN_H

#include "CompiledModel.h"

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
  EvaluatorOptions evaluator;
  std::string beforeAfter; ///< pass pipeline
  std::string compareFile;
  bool exact = false;
  int64_t corrupt = -1;
  int32_t threads = 0;  ///< of an artifact; 0: one per CPU
  unsigned repeat = 0;  ///< timed runs of an artifact
  bool guardStarts = false; ///< buffers of an artifact begin where memory does, else they end there
  bool profile = false; ///< time every kernel of an artifact
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

/// The inputs of a function.
mlir::FailureOr<llvm::SmallVector<TensorSpec>> specsOf(mlir::FunctionOpInterface function);

/// Refuses --input and --dim for names that none of the functions has.
mlir::LogicalResult checkNames(llvm::ArrayRef<llvm::SmallVector<TensorSpec>> functions, const Options &options);

/// Inputs by the flags: files, or seeded values of the stated sizes.
mlir::FailureOr<llvm::SmallVector<Tensor>> makeInputs(llvm::ArrayRef<TensorSpec> specs,
                                                      const Options &options);

/// Names of all results: lutra.name, else the index. Destinations follow.
llvm::SmallVector<std::string> resultNames(mlir::FunctionOpInterface function, size_t count);

/// Results of one function, with bounds when they are wanted.
mlir::FailureOr<llvm::SmallVector<BoundedTensor>>
evaluateOne(mlir::ModuleOp module, llvm::StringRef function, llvm::ArrayRef<Tensor> inputs,
            bool bounds, const EvaluatorOptions &evaluator);

/// Prints results and writes them to the output folder.
mlir::LogicalResult emitResults(llvm::StringRef function, llvm::ArrayRef<std::string> names,
                                llvm::ArrayRef<Tensor> results, const Options &options);

/// Compares results with references and prints one line for each; fails when one is outside.
mlir::LogicalResult compareResults(llvm::StringRef function, llvm::ArrayRef<std::string> names,
                                   llvm::MutableArrayRef<Tensor> results,
                                   llvm::ArrayRef<BoundedTensor> references,
                                   const Options &options);

/// "2x3xf32" and nested brackets.
std::string typeText(const Tensor &tensor);
std::string valueText(const Tensor &tensor);

/// The modes of the tool. Each returns failure after it reported why.
mlir::LogicalResult runArtifact(mlir::ModuleOp reference, const Options &options);
mlir::LogicalResult evaluateFile(mlir::ModuleOp module, const Options &options);
mlir::LogicalResult compareBeforeAfter(mlir::ModuleOp before, mlir::ModuleOp after, const Options &options);
mlir::LogicalResult compareModules(mlir::ModuleOp before, mlir::ModuleOp after,
                                   const Options &options);

} // namespace lutra::run

#endif // LUTRA_TOOLS_LUTRA_RUN_RUN_H
