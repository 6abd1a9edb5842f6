//===- FormCosts.h - what forms of weights cost: bytes beside them, and time --===//
#ifndef LUTRA_LIB_PIPELINE_FORMCOSTS_H
#define LUTRA_LIB_PIPELINE_FORMCOSTS_H

#include "Probe.h"

#include "lutra/Dialect/Lutra/Transforms/WeightQuantizer.h"
#include "lutra/Solver/BitAllocation.h"

#include <map>

namespace lutra {

/// Bytes that a size in MB counts beside the weights with a choice: those of fixed forms and all that stays as it is.
int64_t countOtherBytes(mlir::ModuleOp module, const WeightQuantizer &quantizer,
                        llvm::function_ref<bool(mlir::Operation *weight)> hasChoice);

/// Fails unless what is compiled runs on this machine, the only one whose times can be measured.
mlir::LogicalResult checkMeasurable(mlir::Location loc, const CompileOptions &options);

/// What a budget in time leaves for layers with a choice after `others` nanoseconds of a call with `sample`, if the
/// fastest form of each layer takes no more.
mlir::FailureOr<int64_t> timeLeft(mlir::Location loc, double budget, int64_t others,
                                  llvm::ArrayRef<std::vector<FormCost>> costs, llvm::StringRef sample);

/// The least of a few runs, in nanoseconds.
llvm::Expected<int64_t> timeOf(Probe &probe, llvm::ArrayRef<ProbeTensor> inputs);

/// Compiles products alone and measures them on this machine, each once (as OHQ, arXiv 2309.01945, does on a chip).
class FormTimes {
public:
  FormTimes(mlir::Location loc, const CompileOptions &options) : loc(loc), options(options) {}
  /// Of [rows, k] times the transpose of an n x k weight; a form that keeps is f32.
  mlir::FailureOr<int64_t> get(int64_t rows, int64_t n, int64_t k, const WeightForm &form,
                               const ActivationRounding &rounding);

private:
  mlir::OwningOpRef<mlir::ModuleOp> makeModule(int64_t rows, int64_t n, int64_t k, const WeightForm &form,
                                               const ActivationRounding &rounding) const;

  mlir::Location loc;
  const CompileOptions &options;
  std::map<std::string, int64_t> done; // by sizes and form
};

} // namespace lutra

#endif // LUTRA_LIB_PIPELINE_FORMCOSTS_H
