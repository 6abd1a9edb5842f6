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

static constexpr double leastFactor = 1e-4, mostFactor = 1e4;

/// Factors about 1, in f32.
static std::vector<float> centered(ArrayRef<double> factors) {
  auto [low, high] = std::minmax_element(factors.begin(), factors.end());
  double middle = std::sqrt(*low * *high);
  std::vector<float> stored;
  for (double factor : factors)
    stored.push_back(static_cast<float>(std::clamp(factor / middle, leastFactor, mostFactor)));
  return stored;
}

/// Of AWQ.
static std::vector<float> factorsOf(ArrayRef<double> magnitudes, double power) {
  std::vector<double> factors;
  for (double magnitude : magnitudes) // a channel that is always 0 has no say
    factors.push_back(magnitude > 0 ? std::max(std::pow(magnitude, power), leastFactor) : 1);
  return centered(factors);
}

namespace {
/// What rounding of activations makes of the columns of all weights that read them.
struct Columns {
  Columns(ArrayRef<ScaledWeight> weights, ArrayRef<float> inputs)
      : inputs(inputs), greatest(inputs.size()), powers(inputs.size()) {
    for (const ScaledWeight &weight : weights)
      for (auto [index, value] : llvm::enumerate(weight.values)) {
        size_t column = index % inputs.size();
        greatest[column] = std::max(greatest[column], std::fabs(value));
        powers[column] += double(value) * value;
      }
  }
  /// Of SmoothQuant.
  std::vector<float> factorsOf(double power) const {
    std::vector<double> factors;
    for (auto [input, own] : llvm::zip_equal(inputs, greatest)) {
      double factor = input > 0 && own > 0 ? std::pow(input, power) / std::pow(own, 1 - power) : 1;
      factors.push_back(std::clamp(factor, leastFactor, mostFactor));
    }
    return centered(factors);
  }
  /// The mean error of the outputs if inputs of so many rows, divided by the factors, are rounded. Scales that are
  /// known before just fit these rows, and others exceed them: a tail that falls as exp(-x / b) reaches g = b ln T in T
  /// rows, passes c once in T exp((c - g) / b) rows, and its square beyond is 2 b^2 in the mean.
  double errorWith(ArrayRef<float> factors, const ActivationRounding &rounding, int64_t rows) const {
    double reach = 0, power = 0, clipped = 0;
    for (auto [input, own, factor] : llvm::zip_equal(inputs, powers, factors)) {
      reach = std::max(reach, double(input) / factor);
      power += own * factor * factor;
    }
    double many = std::max(2.0, static_cast<double>(rows));
    for (auto [input, own, factor] : llvm::zip_equal(inputs, powers, factors))
      if (double tail = input / std::log(many); rounding.isStatic() && tail > 0)
        clipped += own * 2 * tail * tail / many * std::exp((input - reach * factor) / tail);
    double step = 2 * reach / (std::ldexp(1.0, static_cast<int>(rounding.bits)) - 1);
    return step * step / 12 * power + clipped;
  }

  /// The same where each row has a scale of its own: what rounding makes of some rows.
  double errorOfRows(ArrayRef<float> factors, const ActivationRounding &rounding, ArrayRef<float> sample) const {
    size_t k = factors.size();
    double sum = 0, codes = std::ldexp(1.0, static_cast<int>(rounding.bits));
    std::vector<double> row(k);
    for (size_t begin = 0; begin < sample.size(); begin += k) {
      double low = 0, high = 0;
      for (size_t i = 0; i < k; ++i) {
        row[i] = double(sample[begin + i]) / factors[i];
        low = std::min(low, row[i]);
        high = std::max(high, row[i]);
      }
      double step = rounding.symmetric ? std::max(-low, high) / (codes / 2 - 1) : (high - low) / (codes - 1);
      for (size_t i = 0; i < k && step > 0; ++i) // zero points are multiples of the step
        sum += powers[i] * std::pow(factors[i] * (row[i] - step * std::nearbyint(row[i] / step)), 2);
    }
    return sum * static_cast<double>(k) / static_cast<double>(std::max<size_t>(1, sample.size()));
  }

  ArrayRef<float> inputs; // the greatest magnitudes
  std::vector<float> greatest;
  std::vector<double> powers; // sums of squares
};
} // namespace

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

InputScales lutra::fitInputScales(ArrayRef<ScaledWeight> weights, const GramMatrix &gram,
                                  const ActivationRounding &rounding, ParallelFor parallel) {
  constexpr int steps = 20, firstSmooth = 6;
  Columns columns(weights, gram.getGreatest());
  InputScales best{0, std::vector<float>(gram.getSize(), 1)};
  double least = std::numeric_limits<double>::infinity();
  for (int step = 0; step < steps; ++step) {
    double power = double(step) / steps;
    if (rounding.smoothing > 0) { // asked for
      if (step > 0)
        break;
      power = rounding.smoothing;
    }
    if (rounding.smooths && step > 0 && step < firstSmooth)
      continue;
    std::vector<float> factors = power == 0         ? best.factors
                                 : rounding.smooths ? columns.factorsOf(power)
                                                    : factorsOf(gram.getMeanMagnitudes(), power);
    std::vector<float> inverse;
    for (float factor : factors)
      inverse.push_back(1 / factor);
    GramMatrix own = gram.scaled(inverse);
    bool byRow = rounding.scales == ActivationRounding::Token && !gram.getSample().empty();
    double error = !rounding.smooths ? 0
                   : byRow           ? columns.errorOfRows(factors, rounding, gram.getSample())
                                     : columns.errorWith(factors, rounding, gram.getRows());
    for (const ScaledWeight &weight : weights)
      error += errorWith(weight, factors, own, parallel);
    if (error < least) {
      least = error;
      best = {power, std::move(factors)};
    }
  }
  return best;
}
