//===- QuantizeReport.h - what --quantize did to each layer ------------------===//
#ifndef LUTRA_LIB_PIPELINE_QUANTIZEREPORT_H
#define LUTRA_LIB_PIPELINE_QUANTIZEREPORT_H

#include "Calibration.h"

#include "lutra/Dialect/Lutra/Transforms/CacheQuantizer.h"
#include "lutra/Dialect/Lutra/Transforms/WeightQuantizer.h"

#include "llvm/Support/JSON.h"

namespace lutra {

/// Factors between a product's input and its weight.
struct InputScaling {
  double power = 0;    // of the mean magnitudes of the input
  bool folded = false; // into what computes it
};

/// Squares of what should be, and of what it is off by.
struct ErrorSums {
  double power = 0, error = 0;
  /// Adds the rows of a tensor that count.
  void add(const Sample &sample, const ProbeTensor &exact, const ProbeTensor &other);
};

/// Gathers layers and outputs; docs/quantization.md lists the fields of the file.
class QuantizeReport {
public:
  std::string spec, calibration;
  size_t samples = 0;
  bool fitted = true; // the samples that are measured were also fitted to
  std::optional<double> predictedLoss, measuredLoss; // of the types chosen: summed over layers, and together
  std::optional<double> cachesLoss; // of all caches together, beside weights that are floats
  std::optional<int64_t> floatTime, otherTime; // nanoseconds of the float model, and without products with a choice

  /// `times`: nanoseconds of its forms, none: not measured. `orderFolded`: what computes the input sorts its channels,
  /// else a gather does; none: nothing.
  void add(const QuantizedProduct &product, const WeightForm &form, int64_t bytes, const QuantizeNotes &notes,
           std::optional<double> loss, llvm::ArrayRef<int64_t> times, const std::optional<InputScaling> &scaling,
           std::optional<bool> orderFolded);
  /// Of the layer that was added as this one: what it reads and gives in the quantized model, errors of those before it
  /// included. The first whose codes lose much of what reaches it is blamed.
  void addErrors(size_t layer, const ErrorSums &input, const ErrorSums &output);
  void add(const KeptProduct &product);
  void add(const QuantizedTable &table);
  /// `loss`: of the outputs with this cache alone, and `rows` what its codes are off by; null: not measured.
  void add(const KeyValueCache &cache, std::optional<double> loss, const ErrorSums *rows);
  void add(const KeptCache &cache);
  /// One call of the float model and the same call of the quantized one.
  void addSample(const Sample &sample, llvm::ArrayRef<ProbeTensor> exact, llvm::ArrayRef<ProbeTensor> other,
                 llvm::ArrayRef<lutra_tensor_info> infos);
  /// The report in JSON.
  std::string text();

private:
  struct Output {
    std::string name;
    int64_t samples = 0;
    double cosine = 0, leastCosine = 1, greatestError = 0;
    ErrorSums sums;
  };
  llvm::json::Array layers, kept, tables, caches;
  std::optional<llvm::json::Object> blamed;
  std::vector<Output> outputs;
  int64_t bytes = 0, weights = 0;
};

/// A line of --quantize=list.
void listProduct(llvm::raw_ostream &out, const QuantizedProduct &product, const WeightQuantizer &quantizer);
void listProduct(llvm::raw_ostream &out, const KeptProduct &product);
void listTable(llvm::raw_ostream &out, const QuantizedTable &table);
void listCache(llvm::raw_ostream &out, const KeyValueCache &cache);
void listCache(llvm::raw_ostream &out, const KeptCache &cache);

} // namespace lutra

#endif // LUTRA_LIB_PIPELINE_QUANTIZEREPORT_H
