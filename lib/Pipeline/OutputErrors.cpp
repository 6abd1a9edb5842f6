//===- OutputErrors.cpp - a quantized model beside the float one -------------===//
#include "OutputErrors.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>
#include <limits>
#include <numeric>

using namespace lutra;
using llvm::ArrayRef;

llvm::json::Value lutra::numberOrNull(double value) {
  return std::isfinite(value) ? llvm::json::Value(value) : llvm::json::Value(nullptr);
}

llvm::json::Value lutra::decibels(double power, double error) {
  if (!(power > 0) || !(error > 0))
    return nullptr;
  return numberOrNull(10 * std::log10(power / error));
}

static int64_t columnsOf(const ProbeTensor &tensor) {
  return tensor.shape.empty() ? 1 : std::max<int64_t>(1, tensor.shape.back());
}

void ErrorSums::add(const Sample &sample, const ProbeTensor &exact, const ProbeTensor &other) {
  int64_t columns = columnsOf(exact);
  ArrayRef<char> keep = rowsToKeep(sample, exact.count() / columns);
  for (auto [i, a, b] : llvm::enumerate(exact.floats(), other.floats())) {
    if (!keep.empty() && !keep[i / columns])
      continue;
    power += double(a) * a;
    error += (double(a) - b) * (double(a) - b);
  }
}

/// The divergence of the distributions that softmax makes of two rows, in nats.
static double divergenceOf(ArrayRef<float> exact, ArrayRef<float> other) {
  auto shifted = [](ArrayRef<float> row) { // by the logarithm of the sum of exponentials
    double most = *llvm::max_element(row), sum = 0;
    for (float value : row)
      sum += std::exp(value - most);
    return most + std::log(sum);
  };
  double a = shifted(exact), b = shifted(other), divergence = 0;
  for (auto [x, y] : llvm::zip_equal(exact, other))
    divergence += std::exp(x - a) * ((x - a) - (y - b));
  return divergence;
}

void OutputErrors::addRows(const Sample &sample, const ProbeTensor &exact, const ProbeTensor &other) {
  int64_t columns = columnsOf(exact), count = exact.count() / columns, kept = 0;
  ArrayRef<char> keep = rowsToKeep(sample, count);
  std::vector<double> exactMean(columns), otherMean(columns);
  for (int64_t row = 0; row < count; ++row) {
    if (!keep.empty() && !keep[row])
      continue;
    ArrayRef<float> a = exact.floats().slice(row * columns, columns), b = other.floats().slice(row * columns, columns);
    for (auto [column, x, y] : llvm::enumerate(a, b)) {
      greatestError = std::max(greatestError, std::fabs(double(x) - y));
      exactMean[column] += x;
      otherMean[column] += y;
    }
    ++kept;
    if (columns < 2)
      continue;
    ++rows;
    sameTop += llvm::max_element(a) - a.begin() == llvm::max_element(b) - b.begin();
    divergence += divergenceOf(a, b);
  }
  if (kept == 0 || columns < 2)
    return;
  exactMeans.push_back(std::move(exactMean));
  otherMeans.push_back(std::move(otherMean));
}

void OutputErrors::add(const Sample &sample, const ProbeTensor &exact, const ProbeTensor &other) {
  std::optional<double> loss = lossOf(sample, exact, other);
  if (!loss)
    return;
  losses.push_back(*loss);
  sums.add(sample, exact, other);
  addRows(sample, exact, other);
}

double OutputErrors::getLoss() const {
  return std::accumulate(losses.begin(), losses.end(), 0.0) / static_cast<double>(losses.size());
}

static std::vector<double> ranksOf(ArrayRef<double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::stable_sort(order, [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0, end; begin < order.size(); begin = end) {
    for (end = begin + 1; end < order.size() && values[order[end]] == values[order[begin]];)
      ++end;
    for (size_t i = begin; i < end; ++i)
      ranks[order[i]] = static_cast<double>(begin + end - 1) / 2;
  }
  return ranks;
}

double lutra::rankCorrelation(ArrayRef<double> a, ArrayRef<double> b) {
  std::vector<double> left = ranksOf(a), right = ranksOf(b);
  double mean = (static_cast<double>(a.size()) - 1) / 2, product = 0, own = 0, its = 0;
  for (auto [x, y] : llvm::zip_equal(left, right)) {
    product += (x - mean) * (y - mean);
    own += (x - mean) * (x - mean);
    its += (y - mean) * (y - mean);
  }
  return product / std::sqrt(own * its);
}

/// The cosines of all pairs.
static std::vector<double> similaritiesOf(ArrayRef<std::vector<double>> vectors) {
  std::vector<double> lengths, pairs;
  auto product = [](ArrayRef<double> a, ArrayRef<double> b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  for (const std::vector<double> &vector : vectors)
    lengths.push_back(std::sqrt(product(vector, vector)));
  for (size_t i = 0; i < vectors.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      pairs.push_back(product(vectors[i], vectors[j]) / std::max(lengths[i] * lengths[j], 1e-300));
  return pairs;
}

llvm::json::Object OutputErrors::fields() const {
  auto count = static_cast<double>(losses.size());
  double loss = getLoss(), spread = 0, most = *llvm::max_element(losses);
  for (double own : losses)
    spread += (own - loss) * (own - loss);
  // Extremes pass over NaN, sums do not.
  auto unless = [](double sum, double value) { return numberOrNull(std::isfinite(sum) ? value : sum); };
  llvm::json::Object fields{{"name", llvm::json::fixUTF8(name)},
                            {"samples", static_cast<int64_t>(losses.size())},
                            {"meanCosine", numberOrNull(1 - loss)},
                            {"leastCosine", unless(loss, 1 - most)},
                            {"greatestError", unless(sums.error, greatestError)},
                            {"sqnr", decibels(sums.power, sums.error)}};
  if (losses.size() > 1)
    fields["standardError"] = numberOrNull(std::sqrt(spread / (count - 1) / count));
  if (rows > 0) {
    fields["topAgreement"] = unless(sums.error, static_cast<double>(sameTop) / static_cast<double>(rows));
    fields["meanDivergence"] = numberOrNull(divergence / static_cast<double>(rows));
  }
  bool isAlike = llvm::all_of(exactMeans, [&](const auto &mean) { return mean.size() == exactMeans[0].size(); });
  if (constexpr size_t fewest = 3; exactMeans.size() >= fewest && isAlike && std::isfinite(sums.error))
    fields["rankCorrelation"] = numberOrNull(rankCorrelation(similaritiesOf(exactMeans), similaritiesOf(otherMeans)));
  return fields;
}
