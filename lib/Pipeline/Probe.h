//===- Probe.h - a model that also returns what happens inside --------------===//
#ifndef LUTRA_LIB_PIPELINE_PROBE_H
#define LUTRA_LIB_PIPELINE_PROBE_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Pipeline/Compiler.h"
#include "lutra/Runtime/Loader.h"
#include "lutra/Support/Npz.h"

#include <memory>

namespace lutra {

/// A tensor in memory, as a model takes or gives it.
struct ProbeTensor {
  lutra_dtype dtype = 0;
  llvm::SmallVector<int64_t> shape;
  llvm::ArrayRef<char> given;     // bytes of somebody else, or
  std::vector<char> own;          // its own

  int64_t count() const;
  llvm::ArrayRef<char> bytes() const { return own.empty() ? given : llvm::ArrayRef(own); }
  llvm::ArrayRef<float> floats() const {
    return {reinterpret_cast<const float *>(bytes().data()), bytes().size() / sizeof(float)};
  }
};

/// A clone of a module, compiled for this machine and loaded into this process. Its inputs are those of the module and
/// then `weights`, which are no constants any more; its results are those of the module and then `taps`.
class Probe {
public:
  /// Errors are diagnostics. `taps` are values of @main outside branches. Without `ownResults` they alone are computed.
  static mlir::FailureOr<std::unique_ptr<Probe>> compile(mlir::ModuleOp module, llvm::ArrayRef<mlir::Value> taps,
                                                         llvm::ArrayRef<GlobalOp> weights,
                                                         const CompileOptions &options, bool ownResults = true);
  Probe(const Probe &) = delete;
  Probe &operator=(const Probe &) = delete;
  ~Probe();

  llvm::ArrayRef<lutra_tensor_info> getInputs() const { return {info().inputs, size_t(info().input_count)}; }
  llvm::ArrayRef<lutra_tensor_info> getOutputs() const { return {info().outputs, size_t(info().output_count)}; }
  /// One call; what is wrong with the inputs is an error without a code.
  llvm::Expected<std::vector<ProbeTensor>> run(llvm::ArrayRef<ProbeTensor> inputs);

private:
  Probe() = default;
  const lutra_model_info &info() const { return *library.api->info; }

  std::string folder;
  lutra_library library = {};
  lutra_model *model = nullptr;
  lutra_context *context = nullptr;
};

/// The type of an array of NumPy; 0: none that models exchange.
lutra_dtype dtypeOf(llvm::StringRef numpy);
llvm::StringRef dtypeName(lutra_dtype dtype);

} // namespace lutra

#endif // LUTRA_LIB_PIPELINE_PROBE_H
