//===- OutputErrors.h - a quantized model beside the float one ---------------===//
#ifndef LUTRA_LIB_PIPELINE_OUTPUTERRORS_H
#define LUTRA_LIB_PIPELINE_OUTPUTERRORS_H

#include "Calibration.h"

#include "llvm/Support/JSON.h"

namespace lutra {

/// JSON has no other numbers than finite ones.
llvm::json::Value numberOrNull(double value);

/// Signal over noise in decibels; null where there is none of one.
llvm::json::Value decibels(double power, double error);

/// Squares of what should be, and of what it is off by.
struct ErrorSums {
  double power = 0, error = 0;
  /// Adds the rows of a tensor that count.
  void add(const Sample &sample, const ProbeTensor &exact, const ProbeTensor &other);
};

/// What an output is off by, over some samples. docs/quantization.md lists the fields.
class OutputErrors {
public:
  std::string name;

  /// One call of the float model and the same call of the quantized one.
  void add(const Sample &sample, const ProbeTensor &exact, const ProbeTensor &other);
  bool isMeasured() const { return !losses.empty(); }
  /// 1 - the mean cosine.
  double getLoss() const;
  llvm::json::Object fields() const;

private:
  void addRows(const Sample &sample, const ProbeTensor &exact, const ProbeTensor &other);

  std::vector<double> losses; // of the samples
  double greatestError = 0, divergence = 0;
  int64_t rows = 0, sameTop = 0; // of those with several columns
  ErrorSums sums;
  std::vector<std::vector<double>> exactMeans, otherMeans; // of the rows of each sample
};

/// Spearman's rank correlation of two lists of numbers, equal ones having the mean of their ranks; NaN where one is
/// constant.
double rankCorrelation(llvm::ArrayRef<double> a, llvm::ArrayRef<double> b);

} // namespace lutra

#endif // LUTRA_LIB_PIPELINE_OUTPUTERRORS_H
