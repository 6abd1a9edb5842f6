//===- ResidualTerms.cpp - what a coarse term leaves, in terms of their own --===//
// The factors of low rank are those of E L for H = L L^T: U holds the first eigenvectors of E H E^T, found by a few
// steps of subspace iteration, and E is nearest to U (U^T E) among all products with U, whatever the inputs. Every sum
// has one order, whatever the threads.
#include "lutra/Support/ResidualTerms.h"

#include "lutra/Support/CodeStream.h"
#include "lutra/Support/SideValues.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

using namespace lutra;
using llvm::ArrayRef;
using llvm::MutableArrayRef;

static constexpr SideType halfType{SideType::F16, 16};

ByteMatrix ByteMatrix::nearest(int64_t rows, int64_t columns, ArrayRef<float> values) {
  ByteMatrix made{rows, columns, std::vector<int8_t>(rows * columns), std::vector<float>(rows)};
  for (int64_t row = 0; row < rows; ++row) {
    ArrayRef<float> own = values.slice(row * columns, columns);
    float most = 0;
    for (float value : own)
      most = std::max(most, std::fabs(value));
    float scale = made.scales[row] =
        static_cast<float>(lutra::decodeSide(halfType, encodeSide(halfType, double(most) / 127)));
    for (int64_t column = 0; scale > 0 && column < columns; ++column)
      made.codes[row * columns + column] =
          static_cast<int8_t>(std::clamp(std::nearbyint(own[column] / scale), -127.0f, 127.0f));
  }
  return made;
}

void ResidualTerms::addTo(int64_t row, MutableArrayRef<float> values) const {
  for (int64_t index = 0; index < columnValues.columns; ++index)
    values[columns[index]] += columnValues.at(row, index);
  if (!scattered.empty())
    for (const ScatteredElement &element : scattered[row])
      values[element.column] += element.value;
  for (int64_t r = 0; r < left.columns; ++r) {
    float factor = left.at(row, r);
    for (int64_t column = 0; column < right.columns; ++column)
      values[column] += factor * right.at(r, column);
  }
}

static void packBytes(const ByteMatrix &matrix, const EncodedLayout &layout, int term, int format,
                      MutableArrayRef<uint8_t> bytes) {
  const EncodedArray &scales = *layout.find(ArrayRole::Scales, term, format);
  for (int64_t row = 0; row < matrix.rows; ++row)
    setField(bytes.data() + scales.offset + row * scales.rowBytes, 16, 0, encodeSide(halfType, matrix.scales[row]));
}

void ResidualTerms::pack(const EncodedLayout &layout, MutableArrayRef<uint8_t> bytes) const {
  int term = 1;
  auto place = [&](ArrayRole role, int format) {
    return bytes.data() + layout.find(role, term, format)->offset;
  };
  if (!scattered.empty()) {
    uint32_t count = 0;
    for (auto [row, elements] : llvm::enumerate(scattered)) {
      for (const ScatteredElement &element : elements) {
        setField(place(ArrayRole::Codes, 0), 16, count, encodeSide(halfType, element.value));
        setField(place(ArrayRole::Places, -1), 16, count++, static_cast<uint32_t>(element.column));
      }
      setField(place(ArrayRole::Starts, -1), 32, static_cast<int64_t>(row) + 1, count);
    }
    ++term;
  }
  if (!columns.empty()) { // one column after the other
    uint8_t *codes = place(ArrayRole::Codes, 0);
    for (size_t index = 0; index < columns.size(); ++index)
      for (int64_t row = 0; row < columnValues.rows; ++row)
        *codes++ = static_cast<uint8_t>(columnValues.codes[row * columnValues.columns + index]);
    packBytes(columnValues, layout, term, 0, bytes);
    setField(place(ArrayRole::Starts, -1), 32, 1, static_cast<uint32_t>(columns.size()));
    for (auto [index, column] : llvm::enumerate(columns))
      setField(place(ArrayRole::Places, -1), 16, static_cast<int64_t>(index), static_cast<uint32_t>(column));
    ++term;
  }
  if (left.columns > 0)
    for (auto [format, factor] : llvm::enumerate(ArrayRef<const ByteMatrix *>{&left, &right})) {
      llvm::copy(factor->codes, reinterpret_cast<int8_t *>(place(ArrayRole::Codes, static_cast<int>(format))));
      packBytes(*factor, layout, term, static_cast<int>(format), bytes);
    }
}

std::vector<int64_t> lutra::findWorstColumns(ArrayRef<float> errors, int64_t k, ArrayRef<double> weights,
                                             int64_t count, ParallelFor parallel) {
  int64_t n = k == 0 ? 0 : static_cast<int64_t>(errors.size()) / k;
  std::vector<double> sums(k);
  constexpr int64_t block = 64;
  parallel((k + block - 1) / block, [&](size_t index) {
    for (int64_t row = 0; row < n; ++row)
      for (int64_t column = index * block; column < std::min<int64_t>(k, (index + 1) * block); ++column)
        sums[column] += double(errors[row * k + column]) * errors[row * k + column];
  });
  for (size_t column = 0; column < weights.size(); ++column)
    sums[column] *= weights[column];
  std::vector<int64_t> order(k);
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](int64_t a, int64_t b) { return sums[a] != sums[b] ? sums[a] > sums[b] : a < b; });
  order.resize(std::min(count, k));
  llvm::sort(order);
  return order;
}

std::vector<std::vector<ScatteredElement>> lutra::findWorstElements(ArrayRef<float> errors, int64_t n, int64_t k,
                                                                    ArrayRef<double> weights, int64_t count) {
  std::vector<std::pair<double, int64_t>> scores(n * k);
  for (int64_t i = 0; i < n * k; ++i)
    scores[i] = {double(errors[i]) * errors[i] * (weights.empty() ? 1 : weights[i % k]), -i};
  int64_t most = (2 * count + n - 1) / n;
  // All that a row may give twice over: what is capped makes room for others.
  auto middle = scores.begin() + std::min<int64_t>(n * k, 4 * count);
  std::nth_element(scores.begin(), middle, scores.end(), std::greater<>());
  std::sort(scores.begin(), middle, std::greater<>());
  std::vector<std::vector<ScatteredElement>> rows(n);
  for (const auto &[score, negated] : llvm::make_range(scores.begin(), middle)) {
    std::vector<ScatteredElement> &row = rows[-negated / k];
    if (count == 0)
      break;
    if (static_cast<int64_t>(row.size()) == most)
      continue;
    row.push_back({-negated % k, 0});
    --count;
  }
  for (std::vector<ScatteredElement> &row : rows)
    llvm::sort(row, [](const auto &a, const auto &b) { return a.column < b.column; });
  return rows;
}

namespace {
/// Columns of a thin matrix, one after the other.
struct Thin {
  int64_t rows, columns;
  std::vector<double> values;
  Thin(int64_t rows, int64_t columns) : rows(rows), columns(columns), values(rows * columns) {}
  MutableArrayRef<double> column(int64_t index) { return MutableArrayRef(values).slice(index * rows, rows); }
};
} // namespace

/// Gram-Schmidt, twice; columns that vanish stay 0.
static void orthonormalize(Thin &basis) {
  for (int64_t index = 0; index < basis.columns; ++index) {
    MutableArrayRef<double> own = basis.column(index);
    for (int pass = 0; pass < 2; ++pass)
      for (int64_t before = 0; before < index; ++before) {
        MutableArrayRef<double> other = basis.column(before);
        double product = std::inner_product(own.begin(), own.end(), other.begin(), 0.0);
        for (int64_t i = 0; i < basis.rows; ++i)
          own[i] -= product * other[i];
      }
    double length = std::sqrt(std::inner_product(own.begin(), own.end(), own.begin(), 0.0));
    for (double &value : own)
      value = length > 0 ? value / length : 0;
  }
}

/// errors^T * x, [k, columns].
static Thin multiplyTransposed(ArrayRef<float> errors, int64_t k, Thin &x, ParallelFor parallel) {
  Thin made(k, x.columns);
  parallel(x.columns, [&](size_t index) {
    MutableArrayRef<double> out = made.column(index), in = x.column(index);
    for (int64_t row = 0; row < x.rows; ++row)
      for (int64_t column = 0; column < k; ++column)
        out[column] += in[row] * errors[row * k + column];
  });
  return made;
}

std::pair<ByteMatrix, ByteMatrix> lutra::fitLowRank(ArrayRef<float> errors, int64_t n, int64_t k, int64_t rank,
                                                    const GramMatrix *gram, ParallelFor parallel) {
  constexpr int64_t spare = 4; // more columns make the steps few
  constexpr int steps = 6;
  Thin basis(n, std::min(n, rank + spare));
  uint64_t state = 1; // a linear congruence: any start that is no eigenvector
  for (double &value : basis.values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = static_cast<double>(state >> 40) / 0x1p23 - 1;
  }
  orthonormalize(basis);
  for (int step = 0; step < steps; ++step) {
    Thin wide = multiplyTransposed(errors, k, basis, parallel), weighted(k, basis.columns);
    if (gram)
      parallel(basis.columns, [&](size_t index) {
        MutableArrayRef<double> in = wide.column(index), out = weighted.column(index);
        for (int64_t i = 0; i < k; ++i)
          for (int64_t j = 0; j < k; ++j)
            out[i] += gram->getMean()[i * k + j] * in[j];
      });
    Thin &next = gram ? weighted : wide;
    parallel(basis.columns, [&](size_t index) {
      MutableArrayRef<double> in = next.column(index), out = basis.column(index);
      for (int64_t row = 0; row < n; ++row) {
        double sum = 0;
        for (int64_t column = 0; column < k; ++column)
          sum += errors[row * k + column] * in[column];
        out[row] = sum;
      }
    });
    orthonormalize(basis);
  }
  basis.columns = std::min(rank, basis.columns);
  basis.values.resize(n * basis.columns);
  Thin right = multiplyTransposed(errors, k, basis, parallel);
  std::vector<float> leftValues(n * rank), rightValues(rank * k);
  for (int64_t r = 0; r < basis.columns; ++r) {
    double length = std::sqrt(std::inner_product(right.column(r).begin(), right.column(r).end(),
                                                 right.column(r).begin(), 0.0));
    double share = std::sqrt(length); // both factors of one size
    for (int64_t row = 0; row < n; ++row)
      leftValues[row * rank + r] = static_cast<float>(basis.column(r)[row] * share);
    for (int64_t column = 0; share > 0 && column < k; ++column)
      rightValues[r * k + column] = static_cast<float>(right.column(r)[column] / share);
  }
  return {ByteMatrix::nearest(n, rank, leftValues), ByteMatrix::nearest(rank, k, rightValues)};
}
