//===- QuantizeSides.cpp - scales and types of groups and rows --------------===//
#include "MatrixQuantizer.h"

#include "CodeTables.h"

#include <cmath>
#include <limits>
#include <numeric>

using namespace lutra;
using llvm::ArrayRef;
using llvm::MutableArrayRef;

void MatrixQuantizer::fitSides() {
  if (matrix.form.vector > 1)
    return fitVectors();
  std::vector<float> importance;
  if (!diagonal.empty() && matrix.form.method != WeightForm::Nearest) {
    double greatest = *llvm::max_element(diagonal);
    for (double own : diagonal)
      importance.push_back(greatest > 0 ? static_cast<float>(own / greatest) : 1);
  }
  if (matrix.form.values == WeightForm::Table)
    fitTableSides(importance);
  for (;;) {
    CoderPair coders(matrix);
    int64_t rows = matrix.form.blockRows;
    std::vector<char> held(llvm::divideCeil(n, rows), 1);
    parallel(held.size(), [&](size_t index) {
      int64_t first = static_cast<int64_t>(index) * rows;
      held[index] = rows > 1 ? fitBlocks(coders, first, importance) : fitRow(coders, first, importance);
    });
    if (llvm::all_of(held, [](char one) { return one; })) {
      if (matrix.form.wideGroups > 0)
        widenGroups(coders, importance);
      return;
    }
    matrix.form.scale = SideType::F32;
  }
}

/// Table and scales in turn, each the best for the other, from scales of the extremes and, for few values, of which the
/// extremes of rows with outliers say little, from root mean squares. The table of the least error is taken.
void MatrixQuantizer::fitTableSides(ArrayRef<float> importance) {
  bool isFew = matrix.form.bits <= 4;
  std::vector<float> best;
  double least = std::numeric_limits<double>::infinity();
  for (bool ofSquares : {false, true}) {
    if (ofSquares && !isFew)
      break;
    setTableScales(ofSquares);
    matrix.table = fitTable(weights, k, size, matrix.sides, matrix.form.bits, {});
    constexpr int rounds = 3;
    for (int round = 0; isFew && round < rounds; ++round) {
      fitRows(importance);
      matrix.table = fitTable(weights, k, size, matrix.sides, matrix.form.bits, matrix.table);
    }
    if (double error = isFew ? fitRows(importance) : 0; error < least) {
      least = error;
      best = matrix.table;
    }
  }
  if (!best.empty())
    matrix.table = std::move(best);
}

/// Scales to begin with: the greatest magnitude of each group, or the root of its mean square.
void MatrixQuantizer::setTableScales(bool ofSquares) {
  parallel(n, [&](size_t row) {
    for (int64_t group = 0; group < matrix.groups; ++group) {
      ArrayRef<float> own = ArrayRef(weights).slice(row * k + group * size, std::min(size, k - group * size));
      float extreme = 0;
      for (float value : own)
        extreme = std::max(extreme, std::fabs(value));
      double sum = 0; // over the extreme, so that squares are numbers
      for (float value : own)
        sum += extreme > 0 ? std::pow(double(value) / extreme, 2) : 0;
      double mean = std::sqrt(sum / static_cast<double>(own.size()));
      matrix.sides[row * matrix.groups + group].scale = ofSquares ? static_cast<float>(extreme * mean) : extreme;
    }
  });
}

/// Fits all rows to the table; the sum of their errors.
double MatrixQuantizer::fitRows(ArrayRef<float> importance) {
  CoderPair coders(matrix);
  std::vector<double> errors(n);
  parallel(n, [&](size_t row) {
    fitRow(coders, static_cast<int64_t>(row), importance);
    for (int64_t group = 0; group < matrix.groups; ++group) {
      int64_t begin = group * size, count = std::min(size, k - begin);
      errors[row] += coders.own.errorOf(ArrayRef(weights).slice(row * k + begin, count),
                                        importance.empty() ? importance : importance.slice(begin, count),
                                        matrix.sides[row * matrix.groups + group]);
    }
  });
  return std::accumulate(errors.begin(), errors.end(), 0.0);
}

/// The sides of blocks of rows from `first` on, the same for each row; whether their types hold them.
bool MatrixQuantizer::fitBlocks(const CoderPair &coders, int64_t first, ArrayRef<float> importance) {
  int64_t rows = std::min(matrix.form.blockRows, n - first);
  bool held = true;
  std::vector<float> values, weighted;
  for (int64_t group = 0; group < matrix.groups; ++group) {
    int64_t begin = group * size, count = std::min(size, k - begin);
    values.clear();
    weighted.clear();
    for (int64_t row = first; row < first + rows; ++row) {
      ArrayRef<float> own = ArrayRef(weights).slice(row * k + begin, count);
      values.insert(values.end(), own.begin(), own.end());
      if (!importance.empty())
        weighted.insert(weighted.end(), importance.begin() + begin, importance.begin() + begin + count);
    }
    GroupSide side = coders.own.fit(values, weighted);
    held &= coders.own.holds(side);
    for (int64_t row = first; row < first + rows; ++row)
      matrix.sides[row * matrix.groups + group] = side;
  }
  return held;
}

/// The sides of a row; whether their types hold them.
bool MatrixQuantizer::fitRow(const CoderPair &coders, int64_t row, ArrayRef<float> importance) {
  ArrayRef<float> own = ArrayRef(weights).slice(row * k, k);
  MutableArrayRef<GroupSide> sides = MutableArrayRef(matrix.sides).slice(row * matrix.groups, matrix.groups);
  bool held = true;
  for (int64_t group = 0; group < matrix.groups; ++group) {
    int64_t begin = group * size, count = std::min(size, k - begin);
    sides[group] = coders.own.fit(own.slice(begin, count), importance.empty() ? importance
                                                                              : importance.slice(begin, count));
    held &= coders.own.holds(sides[group]);
  }
  if (matrix.form.values != WeightForm::KQuant)
    return held;
  int64_t width = matrix.form.superGroups(), supers = llvm::divideCeil(matrix.groups, width);
  for (int64_t index = 0; index < supers; ++index) {
    SuperSide &super = matrix.supers[row * supers + index];
    super = coders.own.join(sides.slice(index * width, std::min(width, matrix.groups - index * width)));
    held &= coders.own.holds(super);
  }
  return held;
}

/// Gives codes of more bits to the groups whose error falls most.
void MatrixQuantizer::widenGroups(const CoderPair &coders, ArrayRef<float> importance) {
  std::vector<GroupSide> sides(matrix.sides.size());
  std::vector<double> gains(matrix.sides.size());
  parallel(n, [&](size_t row) {
    for (int64_t group = 0; group < matrix.groups; ++group) {
      int64_t begin = group * size, count = std::min(size, k - begin), at = row * matrix.groups + group;
      ArrayRef<float> values = ArrayRef(weights).slice(row * k + begin, count);
      ArrayRef<float> own = importance.empty() ? importance : importance.slice(begin, count);
      sides[at] = coders.wide.fit(values, own);
      sides[at].wide = true;
      gains[at] = coders.wide.holds(sides[at]) ? coders.own.errorOf(values, own, matrix.sides[at]) -
                                                     coders.wide.errorOf(values, own, sides[at])
                                               : -1;
    }
  });
  std::vector<int64_t> order(gains.size());
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](int64_t a, int64_t b) { return gains[a] != gains[b] ? gains[a] > gains[b] : a < b; });
  Encoding encoding = matrix.form.encodingOf(n, k);
  int64_t count = blocksOfFormats(encoding.terms.front(), static_cast<int64_t>(gains.size()))[1];
  for (int64_t at : ArrayRef(order).take_front(count))
    matrix.sides[at] = sides[at];
}

/// Gives bytes to the rows of the greatest errors of outputs.
void MatrixQuantizer::widenRows() {
  std::vector<float> errors = errorsOf();
  std::vector<double> sums(n);
  parallel(n, [&](size_t row) {
    for (int64_t i = 0; i < k; ++i)
      sums[row] += double(errors[row * k + i]) * errors[row * k + i] * (diagonal.empty() ? 1 : diagonal[i]);
  });
  std::vector<int64_t> &rows = matrix.wideRows;
  rows.resize(n);
  std::iota(rows.begin(), rows.end(), 0);
  llvm::sort(rows, [&](int64_t a, int64_t b) { return sums[a] != sums[b] ? sums[a] > sums[b] : a < b; });
  rows.resize(matrix.form.wideRowsOf(n));
  llvm::sort(rows);
  if (rows.empty())
    return;
  QuantizeNotes ignored;
  auto read = [&](int64_t row, MutableArrayRef<float> values) {
    llvm::copy(ArrayRef(weights).slice(rows[row] * k, k), values.begin());
  };
  MatrixSource source{static_cast<int64_t>(rows.size()), k, read};
  // Elements are finite: they were read before.
  (void)quantizeMatrix(source, matrix.form.wideForm(), gram, {options.damp, false}, parallel,
                       matrix.wide.emplace_back(), ignored);
}
