//===- QuantizeReport.h - what --quantize did to each layer ------------------===//
#ifndef LUTRA_LIB_PIPELINE_QUANTIZEREPORT_H
#define LUTRA_LIB_PIPELINE_QUANTIZEREPORT_H

#include "OutputErrors.h"

#include "lutra/Dialect/Lutra/Transforms/CacheQuantizer.h"
#include "lutra/Dialect/Lutra/Transforms/WeightQuantizer.h"

#include "llvm/Support/JSON.h"

#include <chrono>

namespace lutra {

/// Factors between a product's input and its weight.
struct InputScaling {
  double power = 0;    // of the mean magnitudes of the input
  bool folded = false; // into what computes it
};

/// Gathers layers and outputs; docs/quantization.md lists the fields of the file.
class QuantizeReport {
public:
  std::string spec, calibration, model; // the last is a hash
  Calibration *sets = nullptr; // null: there is none
  double lossBound = 0;        // that outputs are held to; 0: none
  int64_t bytesBefore = 0, bytesAfter = 0; // of all constants
  bool fitted = true; // the samples that are measured were also fitted to
  std::optional<double> predictedLoss, measuredLoss; // of the types chosen: summed over layers, and together
  std::optional<double> cachesLoss; // of all caches together, beside weights that are floats
  std::optional<int64_t> floatTime, otherTime; // nanoseconds of the float model, and without products with a choice

  /// `times`: nanoseconds of its forms, none: not measured. `orderFolded`: what computes the input sorts its channels,
  /// else a gather does; none: nothing.
  void add(const QuantizedProduct &product, const WeightForm &form, int64_t bytes, const QuantizeNotes &notes,
           std::optional<double> loss, llvm::ArrayRef<int64_t> times, const std::optional<InputScaling> &scaling,
           std::optional<bool> orderFolded);
  /// Puts layers, which were added in this order of products, into that of the products.
  void sortLayers(llvm::ArrayRef<size_t> products);
  /// Of the layer of this product: what it reads and gives in the quantized model, errors of those before it
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
  /// Seconds since the call before, or since the report was made, go to a phase.
  void endPhase(llvm::StringRef phase);
  /// The report in JSON.
  std::string text();

private:
  llvm::json::Array layers, kept, tables, caches;
  std::optional<llvm::json::Object> blamed;
  std::vector<OutputErrors> outputs;
  int64_t bytes = 0, weights = 0;
  int64_t filterBytes = 0, tableBytes = 0;
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
  llvm::json::Object seconds;
};

/// A line of --quantize=list.
void listProduct(llvm::raw_ostream &out, const QuantizedProduct &product, const WeightQuantizer &quantizer);
void listProduct(llvm::raw_ostream &out, const KeptProduct &product);
void listTable(llvm::raw_ostream &out, const QuantizedTable &table);
void listCache(llvm::raw_ostream &out, const KeyValueCache &cache);
void listCache(llvm::raw_ostream &out, const KeptCache &cache);

} // namespace lutra

#endif // LUTRA_LIB_PIPELINE_QUANTIZEREPORT_H
