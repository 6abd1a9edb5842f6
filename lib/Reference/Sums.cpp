//===- Sums.cpp - sums of products with their rounding bounds --------------===//
#include "Sums.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace lutra {

DotProducts::DotProducts(Array &out, const Array &lhs, const Array &rhs, Interpreter &interpreter)
    : out(out), lhs(lhs), rhs(rhs), bounds(interpreter.hasBounds()),
      wide(interpreter.isWide() || out.elementType.isF64()),
      independent(interpreter.getErrorModel() == ErrorModel::Independent),
      accumulator(accumulatorOf(out.elementType)), stored(precisionOf(out.elementType)) {
  // Only then is 0 times a factor 0, and its error as well.
  auto isFinite = [](double value) { return std::isfinite(value); };
  finite = llvm::all_of(rhs.floats, isFinite) && llvm::all_of(rhs.errors, isFinite);
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
    squares.assign(columns, 0);
  }
}

void DotProducts::accumulate(int64_t lhsOffset, int64_t rhsOffset, int64_t rhsStride) {
  // The loops over neighbours are the ones that the compiler can vectorise.
  if (rhsStride == 1)
    accumulateRow(lhsOffset, rhsOffset, std::integral_constant<int64_t, 1>());
  else
    accumulateRow(lhsOffset, rhsOffset, rhsStride);
}

/// One factor times a row of exact ones, in a single pass: whole networks spend their time here. `carried` takes the
/// errors, or their squares.
static void addRow(double a, double ownError, const double *__restrict b, size_t columns, double *__restrict sum,
                   double *__restrict magnitude, double *__restrict carried, bool squared) {
  double size = std::fabs(a);
  if (squared) {
    double square = ownError * ownError;
    for (size_t j = 0; j < columns; ++j) {
      double factor = b[j];
      sum[j] += a * factor;
      magnitude[j] += size * std::fabs(factor);
      carried[j] += square * (factor * factor);
    }
    return;
  }
  for (size_t j = 0; j < columns; ++j) {
    double factor = b[j], weight = std::fabs(factor);
    sum[j] += a * factor;
    magnitude[j] += size * weight;
    carried[j] += ownError * weight;
  }
}

template <typename Stride>
void DotProducts::accumulateRow(int64_t lhsOffset, int64_t rhsOffset, Stride stride) {
  if (!out.isFloat()) {
    uint64_t a = lhs.integers[lhsOffset];
    for (size_t j = 0; j < integerSums.size(); ++j)
      integerSums[j] += a * static_cast<uint64_t>(rhs.integers[rhsOffset + j * stride]);
    return;
  }
  double a = lhs.floats[lhsOffset];
  const double *b = rhs.floats.data() + rhsOffset;
  if (!wide) {
    float narrow = static_cast<float>(a), *partial = narrowSums.data();
    for (size_t j = 0, e = narrowSums.size(); j < e; ++j)
      partial[j] += narrow * static_cast<float>(b[j * stride]);
    return;
  }
  size_t columns = sums.size();
  double *sum = sums.data(), *magnitude = magnitudes.data();
  double ownError = bounds ? lhs.errorAt(lhsOffset) : 0;
  if (a == 0 && ownError == 0 && finite)
    return; // adds nothing: half of what a relu leaves
  if (stride == 1 && bounds && rhs.errors.empty())
    return addRow(a, ownError, b, columns, sum, magnitude, independent ? squares.data() : reach.data(), independent);
  for (size_t j = 0; j < columns; ++j)
    sum[j] += a * b[j * stride];
  if (!bounds)
    return;
  double size = std::fabs(a), largest = size + ownError;
  for (size_t j = 0; j < columns; ++j)
    magnitude[j] += size * std::fabs(b[j * stride]);
  if (ownError == 0 && rhs.errors.empty())
    return;
  const double *bErrors = rhs.errors.empty() ? nullptr : rhs.errors.data() + rhsOffset;
  double *worst = reach.data(), *square = squares.data();
  for (size_t j = 0; j < columns; ++j) {
    double error = ownError * std::fabs(b[j * stride]);
    if (bErrors)
      error += largest * bErrors[j * stride];
    worst[j] += error;
    square[j] += error * error;
  }
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
      double carried = independent ? std::sqrt(squares[j]) : reach[j];
      error = carried + sumGrowth(terms) * accumulator.roundoff * (magnitudes[j] + carried) +
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
  squares += term.error * term.error;
  ++count;
}

Bounded RunningSum::get() const {
  if (count <= 1)
    return {sum, error};
  double carried = model == ErrorModel::Independent ? std::sqrt(squares) : error;
  return rounded(sum, carried + sumGrowth(count) * accumulator.roundoff * magnitude, stored);
}

} // namespace lutra
