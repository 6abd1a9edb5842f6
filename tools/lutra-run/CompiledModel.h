//===- CompiledModel.h - loads and calls a compiled model --------------------===//
// Shared by lutra-run and the tests that compile and run in one process.
#ifndef LUTRA_TOOLS_LUTRA_RUN_COMPILEDMODEL_H
#define LUTRA_TOOLS_LUTRA_RUN_COMPILEDMODEL_H

#include "lutra/Reference/Tensor.h"
#include "lutra/Runtime/Loader.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/Twine.h"

#include <functional>

namespace lutra::run {

/// What an input or output looks like. Negative sizes are known at run time only.
struct TensorSpec {
  std::string name;
  ElementKind kind = ElementKind::F32;
  llvm::SmallVector<int64_t> sizes;
  llvm::SmallVector<std::string> dimNames; ///< "" where unnamed
};

/// A loaded artifact with one context. Failures go to `report` with their code.
class CompiledModel {
public:
  using Report = std::function<void(ErrorCode, const llvm::Twine &)>;

  /// Buffers end where memory does, or begin there.
  explicit CompiledModel(Report report, bool guardStarts = false)
      : report(std::move(report)), guardStarts(guardStarts) {}
  CompiledModel(const CompiledModel &) = delete;
  CompiledModel &operator=(const CompiledModel &) = delete;
  ~CompiledModel();

  /// Loads the library, opens the model, makes a context with `threads` threads (0: one per CPU) that tells `trace`
  /// (may be null) of its kernels.
  mlir::LogicalResult open(const std::string &file, int32_t threads, lutra_trace trace = nullptr,
                           void *traceUser = nullptr);
  llvm::StringRef getName() const { return api->info->name; }
  llvm::ArrayRef<TensorSpec> getInputs() const { return inputs; }
  llvm::ArrayRef<TensorSpec> getOutputs() const { return outputs; }
  /// One call, with `repeat` more that are timed and printed; `afterRun` is called after each.
  mlir::FailureOr<llvm::SmallVector<Tensor>> call(llvm::ArrayRef<Tensor> arguments, unsigned repeat = 0,
                                                  llvm::function_ref<void()> afterRun = [] {});

private:
  mlir::LogicalResult check(lutra_status status, const lutra_error &error);
  mlir::FailureOr<llvm::SmallVector<TensorSpec>>
  readSpecs(const lutra_tensor_info *infos, int32_t count);
  /// Lets the model compare the arguments with its inputs.
  mlir::LogicalResult checkArguments(llvm::ArrayRef<Tensor> arguments);
  mlir::LogicalResult runTimed(llvm::ArrayRef<lutra_buffer> in, llvm::ArrayRef<int64_t> inDims,
                               llvm::ArrayRef<lutra_buffer> out, unsigned repeat,
                               llvm::function_ref<void()> afterRun);

  Report report;
  bool guardStarts;
  lutra_library library = {};
  const lutra_model_api *api = nullptr;
  lutra_model *model = nullptr;
  lutra_context *context = nullptr;
  llvm::SmallVector<TensorSpec> inputs, outputs;
};

} // namespace lutra::run

#endif // LUTRA_TOOLS_LUTRA_RUN_COMPILEDMODEL_H
