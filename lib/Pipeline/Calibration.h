//===- Calibration.h - samples of a model's inputs ---------------------------===//
#ifndef LUTRA_LIB_PIPELINE_CALIBRATION_H
#define LUTRA_LIB_PIPELINE_CALIBRATION_H

#include "Probe.h"

namespace lutra {

/// The inputs of one call.
struct Sample {
  std::string name; // of its file, and of its place in it
  std::vector<NamedArray> arrays;
  std::vector<ProbeTensor> inputs; // in the order of the model; bytes of `arrays`
  std::vector<char> keep;          // of attention_mask: elements that are not 0; empty: all
};

/// Sets of samples.
struct Calibration {
  std::vector<std::vector<Sample>> sets;
  std::vector<double> weights; // of the sets, whatever their numbers of samples
  std::vector<std::string> paths; // of the sets

  /// Reads `path` (see docs/quantization.md) and compares it with the inputs of @main. `splits`: arrays hold samples
  /// along their first axis.
  static mlir::FailureOr<Calibration> read(llvm::StringRef path, mlir::ModuleOp module, bool splits);
  size_t size() const;
};

/// Which of `rows` rows of a tensor count: those that the sample's mask keeps where it has as many elements, else all.
llvm::ArrayRef<char> rowsToKeep(const Sample &sample, int64_t rows);

/// Tokens or vectors of a sample: elements of its largest input, but of vectors of f32 their number.
int64_t countRows(const Sample &sample);

/// 1 - cosine of what two runs gave, over the kept rows of all outputs of f32; the mean of the outputs. Nothing where
/// there is no such output.
std::optional<double> lossOf(const Sample &sample, llvm::ArrayRef<ProbeTensor> exact,
                             llvm::ArrayRef<ProbeTensor> other);

} // namespace lutra

#endif // LUTRA_LIB_PIPELINE_CALIBRATION_H
