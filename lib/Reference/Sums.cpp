//===- Sums.cpp - sums of products with their rounding bounds --------------===//
#include "Sums.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace lutra {

DotProducts::DotProducts(Array &out, const Array &lhs, const Array &rhs, Interpreter &interpreter)
    : out(out), lhs(lhs), rhs(rhs), bounds(interpreter.hasBounds()),
      wide(interpreter.isWide() || out.elementType.isF64()),
      accumulator(accumulatorOf(out.elementType)), stored(precisionOf(out.elementType)) {
  if (bounds)
    out.errors.assign(out.count(), 0);
}

void DotProducts::start(int64_t columns) {
  if (!out.isFloat())
    return integerSums.assign(columns, 0);
  if (!wide)
    return narrowSums.assign(columns, 0);
  sums.assign(columns, 0);
  if (bounds) {
    magnitudes.assign(columns, 0);
    reach.assign(columns, 0);
  }
}

void DotProducts::accumulate(int64_t lhsOffset, int64_t rhsOffset, int64_t rhsStride) {
  if (!out.isFloat()) {
    uint64_t a = lhs.integers[lhsOffset];
    for (size_t j = 0; j < integerSums.size(); ++j)
      integerSums[j] += a * static_cast<uint64_t>(rhs.integers[rhsOffset + j * rhsStride]);
    return;
  }
  double a = lhs.floats[lhsOffset];
  const double *b = rhs.floats.data() + rhsOffset;
  if (!wide) {
    float narrow = static_cast<float>(a);
    for (size_t j = 0; j < narrowSums.size(); ++j)
      narrowSums[j] += narrow * static_cast<float>(b[j * rhsStride]);
    return;
  }
  for (size_t j = 0; j < sums.size(); ++j)
    sums[j] += a * b[j * rhsStride];
  if (!bounds)
    return;
  double size = std::fabs(a), largest = size + lhs.errorAt(lhsOffset);
  for (size_t j = 0; j < sums.size(); ++j)
    magnitudes[j] += size * std::fabs(b[j * rhsStride]);
  for (size_t j = 0; j < sums.size(); ++j)
    reach[j] += largest * (std::fabs(b[j * rhsStride]) + rhs.errorAt(rhsOffset + j * rhsStride));
}

void DotProducts::finish(int64_t offset, int64_t stride, int64_t terms) {
  if (!out.isFloat()) {
    for (size_t j = 0; j < integerSums.size(); ++j)
      out.integers[offset + j * stride] = wrapToType(out.elementType, integerSums[j]);
    if (bounds && (!lhs.errors.empty() || !rhs.errors.empty()))
      for (size_t j = 0; j < integerSums.size(); ++j)
        out.errors[offset + j * stride] = std::numeric_limits<double>::infinity();
    return;
  }
  if (!wide) {
    for (size_t j = 0; j < narrowSums.size(); ++j)
      out.floats[offset + j * stride] = narrowSums[j];
    return;
  }
  for (size_t j = 0; j < sums.size(); ++j) {
    double error = 0;
    if (bounds) {
      double carried = std::max(0.0, reach[j] - magnitudes[j]);
      error = carried + sumGrowth(terms) * accumulator.roundoff * reach[j] +
              accumulator.tiny * static_cast<double>(terms);
    }
    Bounded sum = bounds ? rounded(sums[j], error, stored) : Bounded{sums[j], 0};
    out.floats[offset + j * stride] = sum.value;
    if (bounds)
      out.errors[offset + j * stride] = sum.error;
  }
}

void RunningSum::add(Bounded term) {
  sum += term.value;
  magnitude += std::fabs(term.value) + term.error;
  error += term.error;
  ++count;
}

Bounded RunningSum::get() const {
  if (count <= 1)
    return {sum, error};
  return rounded(sum, error + sumGrowth(count) * accumulator.roundoff * magnitude, stored);
}

} // namespace lutra
