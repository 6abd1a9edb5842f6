//===- InputScales.cpp - factors that let codes serve the inputs that count --===//
#include "lutra/Support/InputScales.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace lutra;
using llvm::ArrayRef;
using llvm::MutableArrayRef;

static std::vector<float> factorsOf(ArrayRef<double> magnitudes, double power) {
  constexpr double least = 1e-4, most = 1e4;
  std::vector<double> factors;
  for (double magnitude : magnitudes) // a channel that is always 0 has no say
    factors.push_back(magnitude > 0 ? std::max(std::pow(magnitude, power), least) : 1);
  auto [low, high] = std::minmax_element(factors.begin(), factors.end());
  double middle = std::sqrt(*low * *high);
  std::vector<float> stored;
  for (double factor : factors)
    stored.push_back(static_cast<float>(std::clamp(factor / middle, least, most)));
  return stored;
}

/// The error of the outputs of some rows, times as many as there are.
static double errorWith(const ScaledWeight &weight, ArrayRef<float> factors, const GramMatrix &gram,
                        ParallelFor parallel) {
  constexpr int64_t mostRows = 256;
  auto k = static_cast<int64_t>(factors.size());
  int64_t step = llvm::divideCeil(weight.n, mostRows), rows = llvm::divideCeil(weight.n, step);
  auto read = [&](int64_t row, MutableArrayRef<float> values) {
    for (int64_t i = 0; i < k; ++i)
      values[i] = weight.values[row * step * k + i] * factors[i];
  };
  QuantizedMatrix matrix;
  QuantizeNotes notes;
  if (quantizeMatrix({rows, k, read}, weight.form, &gram, {0, /*measure=*/true}, parallel, matrix, notes) !=
      QuantizeFault::None)
    return std::numeric_limits<double>::infinity();
  return notes.outputError * static_cast<double>(weight.n) / static_cast<double>(rows);
}

InputScales lutra::fitInputScales(ArrayRef<ScaledWeight> weights, const GramMatrix &gram, ParallelFor parallel) {
  constexpr int steps = 20;
  InputScales best{0, std::vector<float>(gram.getSize(), 1)};
  double least = std::numeric_limits<double>::infinity();
  for (int step = 0; step < steps; ++step) {
    double power = double(step) / steps;
    std::vector<float> factors = factorsOf(gram.getMeanMagnitudes(), power), inverse;
    for (float factor : factors)
      inverse.push_back(1 / factor);
    GramMatrix own = gram.scaled(inverse);
    double error = 0;
    for (const ScaledWeight &weight : weights)
      error += errorWith(weight, factors, own, parallel);
    if (error < least) {
      least = error;
      best = {power, std::move(factors)};
    }
  }
  return best;
}
