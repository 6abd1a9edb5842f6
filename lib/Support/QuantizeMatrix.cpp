//===- QuantizeMatrix.cpp - codes of a weight --------------------------------===//
// Rows go in panels of 16, one lane each, so that a panel's errors stay in a cache while H passes by; the columns of H
// and of M lie in fours.
#include "lutra/Support/QuantizeMatrix.h"

#include "CodeTables.h"
#include "DenseKernels.h"

#include "lutra/Support/SideValues.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

using namespace lutra;
using llvm::ArrayRef;
using llvm::MutableArrayRef;

static constexpr int64_t lanes = 16, blockColumns = 128;

namespace {
/// Columns in fours: element (p, k) is at [k / 4][p][k % 4].
class Quads {
public:
  Quads(int64_t size, ParallelFor parallel, llvm::function_ref<float(int64_t p, int64_t k)> at)
      : size(size), data(llvm::divideCeil(size, 4) * size * 4) {
    parallel(size, [&](size_t k) {
      for (int64_t p = 0; p < size; ++p)
        data[(k / 4 * size + p) * 4 + k % 4] = at(p, k);
    });
  }
  const float *quad(int64_t k, int64_t p = 0) const { return data.data() + (k / 4 * size + p) * 4; }
  float at(int64_t p, int64_t k) const { return quad(k, p)[k % 4]; }
  /// out[k][lane] += sum over p < depth of x[p][lane] (p, k), for columns [begin, end); begin is a multiple of 4.
  void multiply(const float *x, int64_t depth, int64_t begin, int64_t end, float *out) const {
    for (int64_t k = begin; k < end; k += 4) {
      float tile[4 * lanes] = {};
      multiplyTile(quad(k), 4, x, depth, tile, lanes);
      for (int64_t i = 0; i < std::min<int64_t>(4, end - k) * lanes; ++i)
        out[(k - begin) * lanes + i] += tile[i];
    }
  }

private:
  int64_t size;
  std::vector<float> data;
};

/// Of forms whose wide groups have codes of their own.
class CoderPair {
public:
  explicit CoderPair(const QuantizedMatrix &matrix)
      : own(matrix.form.narrowForm(), matrix.tensorScale, matrix.table), wide(matrix.form.wideForm()) {}
  const GroupCoder &of(const GroupSide &side) const { return side.wide ? wide : own; }
  uint32_t codeOf(float value, const GroupSide &side) const { return of(side).codeOf(value, side); }
  float valueOf(float value, const GroupSide &side) const { return of(side).valueOf(value, side); }
  bool clips(float value, const GroupSide &side) const { return of(side).clips(value, side); }
  const GroupCoder own, wide;
};

class MatrixQuantizer {
public:
  MatrixQuantizer(std::vector<float> weights, const GramMatrix *gram, const QuantizeOptions &options,
                  ParallelFor parallel, QuantizedMatrix &matrix, QuantizeNotes &notes)
      : weights(std::move(weights)), gram(gram), options(options), parallel(parallel), matrix(matrix), notes(notes),
        n(matrix.n), k(matrix.k), size(matrix.form.group == kWhole ? std::max<int64_t>(1, k) : matrix.form.group) {}
  void run();

private:
  void readDiagonal();
  void fitSides();
  bool fitRow(const CoderPair &coders, int64_t row, ArrayRef<float> importance);
  void widenGroups(const CoderPair &coders, ArrayRef<float> importance);
  void widenRows();
  void correctMean();
  void takeNearest();
  void takeCodes();
  void setAsideOutliers();
  void setAsideElements();
  void fitRest();
  std::vector<float> errorsOf();
  bool runGptq();
  std::vector<double> factor();
  void sweep(int64_t panel, const CoderPair &coder, const Quads &feedback);
  int64_t polish(int64_t panel, const CoderPair &coder, const Quads &rows, ArrayRef<float> diagonal);
  int64_t countClipped(int64_t row);
  void measure();
  /// Columns of a panel of rows: x[j][lane] = value of column order[j].
  void loadPanel(int64_t panel, llvm::function_ref<float(int64_t row, int64_t column)> at, MutableArrayRef<float> x);
  GroupSide &sideOf(int64_t row, int64_t column) { return matrix.sides[row * matrix.groups + column / size]; }
  /// The element of this place that another term holds, or null.
  ScatteredElement *findElement(int64_t row, int64_t column) {
    if (matrix.rest.scattered.empty())
      return nullptr;
    std::vector<ScatteredElement> &elements = matrix.rest.scattered[row];
    auto found = llvm::lower_bound(elements, column, [](const auto &one, int64_t at) { return one.column < at; });
    return found != elements.end() && found->column == column ? &*found : nullptr;
  }
  /// Of H, of stored columns.
  double inputAt(int64_t i, int64_t j) const {
    auto at = [&](int64_t column) { return matrix.columnOrder.empty() ? column : matrix.columnOrder[column]; };
    return gram->getMean()[at(i) * k + at(j)];
  }
  /// The same without what is set aside.
  double meanAt(int64_t i, int64_t j) const {
    bool isAside = !aside.empty() && i != j && (aside[i] || aside[j]);
    return isAside ? 0 : inputAt(i, j);
  }

  std::vector<float> weights;
  const GramMatrix *gram;
  const QuantizeOptions &options;
  ParallelFor parallel;
  QuantizedMatrix &matrix;
  QuantizeNotes &notes;
  int64_t n, k, size;
  std::vector<char> aside;      // columns that another term holds; empty: none
  std::vector<float> asideValues; // of them, row by row
  std::vector<double> diagonal; // of H, without zeros
  std::vector<int64_t> order;   // columns as they are taken
  std::vector<float> values;    // that the codes stand for, row by row
  double added = 0;             // to the diagonal
};
} // namespace

void MatrixQuantizer::readDiagonal() {
  double sum = 0;
  for (int64_t i = 0; i < k; ++i) {
    diagonal.push_back(inputAt(i, i));
    sum += diagonal.back();
    notes.deadChannels += diagonal.back() == 0;
  }
  double mean = sum / static_cast<double>(k);
  for (double &own : diagonal)
    own = own == 0 ? mean : own;
}

void MatrixQuantizer::fitSides() {
  std::vector<float> importance;
  if (!diagonal.empty() && matrix.form.method != WeightForm::Nearest) {
    double greatest = *llvm::max_element(diagonal);
    for (double own : diagonal)
      importance.push_back(greatest > 0 ? static_cast<float>(own / greatest) : 1);
  }
  if (matrix.form.values == WeightForm::Table)
    matrix.table = fitTable(weights, k, matrix.form.bits);
  for (;;) {
    CoderPair coders(matrix);
    std::vector<char> held(n, 1);
    parallel(n, [&](size_t row) { held[row] = fitRow(coders, static_cast<int64_t>(row), importance); });
    if (llvm::all_of(held, [](char one) { return one; })) {
      if (matrix.form.wideGroups > 0)
        widenGroups(coders, importance);
      return;
    }
    matrix.form.scale = SideType::F32;
  }
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

void MatrixQuantizer::takeNearest() {
  CoderPair coder(matrix);
  SideType half{SideType::F16, 16};
  parallel(n, [&](size_t row) {
    for (int64_t column = 0; column < k; ++column) {
      const GroupSide &side = sideOf(row, column);
      float value = weights[row * k + column];
      if (ScatteredElement *element = findElement(row, column)) {
        element->value = static_cast<float>(decodeSide(half, encodeSide(half, value - coder.valueOf(0, side))));
        value = 0;
      }
      matrix.codes[row * k + column] = coder.codeOf(value, side);
    }
  });
}

/// L of the reversed and damped H in the order of the columns, or nothing.
std::vector<double> MatrixQuantizer::factor() {
  double mean = std::accumulate(diagonal.begin(), diagonal.end(), 0.0) / static_cast<double>(k);
  double damp = options.damp > 0 ? options.damp : gram->getRows() < 4 * k ? 0.1 : 0.02;
  std::vector<double> reversed(k * k);
  for (; damp <= 10; damp *= 10) {
    parallel(k, [&](size_t i) {
      int64_t row = order[k - 1 - i];
      for (int64_t j = 0; j < k; ++j)
        reversed[i * k + j] = meanAt(row, order[k - 1 - j]);
      reversed[i * k + i] = diagonal[row] + damp * mean;
    });
    if (mean > 0 && factorCholesky(reversed, k, parallel) < 0) {
      notes.damp = damp;
      added = damp * mean;
      return reversed;
    }
  }
  return {};
}

void MatrixQuantizer::loadPanel(int64_t panel, llvm::function_ref<float(int64_t, int64_t)> at,
                                MutableArrayRef<float> x) {
  for (int64_t lane = 0; lane < lanes; ++lane) {
    int64_t row = panel * lanes + lane;
    for (int64_t j = 0; j < k; ++j)
      x[j * lanes + lane] = row < n ? at(row, order[j]) : 0;
  }
}

void MatrixQuantizer::sweep(int64_t panel, const CoderPair &coder, const Quads &feedback) {
  std::vector<float> original(k * lanes), errors(k * lanes), base(blockColumns * lanes);
  loadPanel(panel, [&](int64_t row, int64_t column) { return weights[row * k + column]; }, original);
  int64_t rows = std::min(lanes, n - panel * lanes);
  const SideType half{SideType::F16, 16};
  for (int64_t begin = 0; begin < k; begin += blockColumns) {
    int64_t end = std::min(k, begin + blockColumns);
    llvm::fill(base, 0.0f);
    feedback.multiply(errors.data(), begin, begin, end, base.data());
    for (int64_t j = begin; j < end; ++j) {
      float *wanted = base.data() + (j - begin) * lanes;
      for (int64_t p = begin; p < j; ++p)
        addScaled(feedback.at(p, j), errors.data() + p * lanes, lanes, wanted);
      for (int64_t lane = 0; lane < rows; ++lane) {
        int64_t row = panel * lanes + lane;
        const GroupSide &side = sideOf(row, order[j]);
        float exact = original[j * lanes + lane], value = exact + wanted[lane], rest = 0;
        if (ScatteredElement *element = findElement(row, order[j])) { // it makes up for all that came before
          float coded = coder.valueOf(0, side);
          rest = element->value = static_cast<float>(decodeSide(half, encodeSide(half, value - coded)));
          value = 0;
        }
        matrix.codes[row * k + order[j]] = coder.codeOf(value, side);
        errors[j * lanes + lane] = exact - rest - coder.valueOf(value, side);
      }
    }
  }
}

/// Takes for each code in turn the one of the least error while the others stay; the number of codes that changed.
int64_t MatrixQuantizer::polish(int64_t panel, const CoderPair &coder, const Quads &rows,
                                ArrayRef<float> damped) {
  constexpr int mostSweeps = 3;
  std::vector<float> original(k * lanes), coded(k * lanes), errors(k * lanes), slope(k * lanes), column(k);
  loadPanel(panel, [&](int64_t row, int64_t column) { return weights[row * k + column]; }, original);
  std::vector<float> decoded(k);
  for (int64_t lane = 0; lane < std::min(lanes, n - panel * lanes); ++lane) {
    matrix.readStored(panel * lanes + lane, decoded);
    for (int64_t j = 0; j < k; ++j)
      coded[j * lanes + lane] = decoded[order[j]];
  }
  for (int64_t i = 0; i < k * lanes; ++i)
    errors[i] = original[i] - coded[i];
  rows.multiply(errors.data(), k, 0, k, slope.data());
  int64_t live = std::min(lanes, n - panel * lanes), changes = 0;
  for (int sweep = 0; sweep < mostSweeps; ++sweep) {
    int64_t changed = 0;
    for (int64_t j = 0; j < k; ++j) {
      float steps[lanes] = {};
      bool any = false;
      for (int64_t lane = 0; lane < live; ++lane) {
        int64_t row = panel * lanes + lane;
        const GroupSide &side = sideOf(row, order[j]);
        if (findElement(row, order[j]))
          continue;
        float now = coded[j * lanes + lane], pull = slope[j * lanes + lane];
        float value = now + pull / damped[j], next = coder.valueOf(value, side), step = next - now;
        if (!(step * step * damped[j] < 2 * step * pull))
          continue;
        matrix.codes[row * k + order[j]] = coder.codeOf(value, side);
        coded[j * lanes + lane] = next;
        steps[lane] = -step;
        any = true;
        ++changed;
      }
      if (!any)
        continue;
      for (int64_t p = 0; p < k; ++p)
        column[p] = rows.at(p, j);
      addOuter(column.data(), k, steps, slope.data());
    }
    changes += changed;
    if (changed * 1000 < k * live)
      break;
  }
  return changes;
}

bool MatrixQuantizer::runGptq() {
  order.resize(k);
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](int64_t a, int64_t b) {
    return diagonal[a] != diagonal[b] ? diagonal[a] > diagonal[b] : a < b;
  });
  std::vector<double> lower = factor();
  if (lower.empty()) {
    notes.reason = "the inputs' products have no Cholesky factor";
    return false;
  }
  CoderPair coder(matrix);
  int64_t panels = llvm::divideCeil(n, lanes);
  {
    Quads feedback(k, parallel, [&](int64_t p, int64_t j) {
      const double *column = lower.data() + (k - 1 - j);
      return p < j ? static_cast<float>(column[(k - 1 - p) * k] / column[(k - 1 - j) * k]) : 0;
    });
    lower = {};
    parallel(panels, [&](size_t panel) { sweep(panel, coder, feedback); });
  }
  if (matrix.form.bits > 3)
    return true;
  Quads rows(k, parallel, [&](int64_t p, int64_t j) {
    return static_cast<float>(p == j ? diagonal[order[j]] + added : meanAt(order[p], order[j]));
  });
  std::vector<float> damped;
  for (int64_t column : order)
    damped.push_back(static_cast<float>(diagonal[column] + added));
  std::vector<int64_t> changes(panels);
  parallel(panels, [&](size_t panel) { changes[panel] = polish(panel, coder, rows, damped); });
  notes.polished = std::accumulate(changes.begin(), changes.end(), int64_t(0));
  return true;
}

/// Elements of a row that are beyond the range of their codes; those that another term holds are not.
int64_t MatrixQuantizer::countClipped(int64_t row) {
  auto wide = llvm::lower_bound(matrix.wideRows, row);
  bool isWide = !matrix.wide.empty() && wide != matrix.wideRows.end() && *wide == row;
  const QuantizedMatrix &stored = isWide ? matrix.wide.front() : matrix;
  int64_t place = isWide ? wide - matrix.wideRows.begin() : row, count = 0;
  int64_t group = stored.form.group == kWhole ? k : stored.form.group;
  CoderPair coder(stored);
  for (int64_t i = 0; i < k; ++i)
    if (!findElement(row, i))
      count += coder.clips(weights[row * k + i], stored.sides[place * stored.groups + i / group]);
  return count;
}

/// Sums over rows first, so that threads change nothing.
void MatrixQuantizer::measure() {
  std::vector<double> powers(n), errors(n);
  std::vector<int64_t> clipped(n);
  std::vector<float> rest(n * k);
  parallel(n, [&](size_t row) {
    MutableArrayRef<float> own = MutableArrayRef(rest).slice(row * k, k);
    matrix.readStored(row, own);
    for (int64_t i = 0; i < k; ++i) {
      float exact = weights[row * k + i];
      own[i] = exact - own[i];
      powers[row] += double(exact) * exact;
      errors[row] += double(own[i]) * own[i];
    }
    clipped[row] = countClipped(static_cast<int64_t>(row));
  });
  notes.weightPower = std::accumulate(powers.begin(), powers.end(), 0.0);
  notes.weightError = std::accumulate(errors.begin(), errors.end(), 0.0);
  notes.clipped = std::accumulate(clipped.begin(), clipped.end(), int64_t(0));
  if (!gram)
    return;
  order.resize(k);
  std::iota(order.begin(), order.end(), 0);
  Quads rows(k, parallel, [&](int64_t p, int64_t j) { return static_cast<float>(inputAt(p, j)); });
  int64_t panels = llvm::divideCeil(n, lanes);
  auto form = [&](ArrayRef<float> matrixRows) {
    std::vector<double> sums(panels);
    parallel(panels, [&](size_t panel) {
      std::vector<float> x(k * lanes), product(k * lanes);
      loadPanel(panel, [&](int64_t row, int64_t column) { return matrixRows[row * k + column]; }, x);
      rows.multiply(x.data(), k, 0, k, product.data());
      for (int64_t i = 0; i < k * lanes; ++i)
        sums[panel] += double(x[i]) * product[i];
    });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
  };
  notes.outputPower = form(weights);
  notes.outputError = form(rest);
  for (float mean : matrix.correction) // the mean of squares less the square of the mean
    notes.outputError -= double(mean) * mean;
}

/// What the codes leave, row by row.
std::vector<float> MatrixQuantizer::errorsOf() {
  std::vector<float> errors(n * k);
  parallel(n, [&](size_t row) {
    MutableArrayRef<float> own = MutableArrayRef(errors).slice(row * k, k);
    matrix.readStored(row, own);
    for (int64_t i = 0; i < k; ++i)
      own[i] = weights[row * k + i] - own[i];
  });
  return errors;
}

/// Leaves the elements to another term that the nearest codes serve worst.
void MatrixQuantizer::setAsideElements() {
  const WeightForm asked = matrix.form;
  matrix.form.method = WeightForm::Search; // clips what a few elements alone would need
  fitSides();
  takeNearest();
  matrix.rest.scattered = findWorstElements(errorsOf(), n, k, diagonal, matrix.form.outlierElements(n, k));
  matrix.form = asked;
}

/// Takes the columns out of the weights that the nearest codes serve worst.
void MatrixQuantizer::setAsideOutliers() {
  const WeightForm asked = matrix.form;
  matrix.form.method = WeightForm::Nearest; // a search would let the worst column alone have a good scale
  fitSides();
  takeNearest();
  matrix.rest.columns = findWorstColumns(errorsOf(), k, diagonal, matrix.form.outlierColumns(k), parallel);
  aside.assign(k, 0);
  for (int64_t column : matrix.rest.columns)
    aside[column] = 1;
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column : matrix.rest.columns)
      asideValues.push_back(std::exchange(weights[row * k + column], 0.0f));
  matrix.form = asked;
}

/// The other terms, of what the codes leave.
void MatrixQuantizer::fitRest() {
  ResidualTerms &rest = matrix.rest;
  for (size_t i = 0; i < asideValues.size(); ++i)
    weights[i / rest.columns.size() * k + rest.columns[i % rest.columns.size()]] = asideValues[i];
  if (!rest.columns.empty()) {
    std::vector<float> errors = errorsOf(), own;
    for (int64_t row = 0; row < n; ++row)
      for (int64_t column : rest.columns)
        own.push_back(errors[row * k + column]);
    rest.columnValues = ByteMatrix::nearest(n, rest.columns.size(), own);
  }
  if (matrix.form.rank > 0)
    std::tie(rest.left, rest.right) = fitLowRank(errorsOf(), n, k, matrix.form.rank, gram, parallel);
}

void MatrixQuantizer::run() {
  notes.method = matrix.form.method;
  if (gram)
    readDiagonal();
  notes.tokens = gram ? gram->getRows() : 0;
  if (matrix.form.outliers > 0)
    matrix.form.scattered ? setAsideElements() : setAsideOutliers();
  takeCodes();
  if (matrix.form.wideRows > 0)
    widenRows();
  if (matrix.form.isSum())
    fitRest();
  if (gram && gram->getRows() > 0 && notes.method != WeightForm::Gptq)
    correctMean();
  if (options.measure)
    measure();
}

/// The mean error of outputs (Nagel et al., arXiv 2106.08295, section 3.2).
void MatrixQuantizer::correctMean() {
  matrix.correction.resize(n);
  parallel(n, [&](size_t row) {
    std::vector<float> own(k);
    matrix.readStored(static_cast<int64_t>(row), own);
    double sum = 0;
    for (int64_t i = 0; i < k; ++i)
      sum += (double(weights[row * k + i]) - own[i]) *
             gram->getMeanRow()[matrix.columnOrder.empty() ? i : matrix.columnOrder[i]];
    matrix.correction[row] = static_cast<float>(sum);
  });
}

void MatrixQuantizer::takeCodes() {
  if (matrix.rest.scattered.empty()) {
    fitSides();
  } else { // scales of what codes stand for
    std::vector<float> all = weights;
    for (int64_t row = 0; row < n; ++row)
      for (const ScatteredElement &element : matrix.rest.scattered[row])
        weights[row * k + element.column] = 0;
    fitSides();
    weights = std::move(all);
  }
  bool isGptq = matrix.form.method == WeightForm::Gptq;
  if (isGptq && (!gram || gram->getRows() * 4 < k)) {
    notes.reason = "its inputs are not known";
    if (gram)
      notes.reason = llvm::formatv("{0} rows of inputs are fewer than a quarter of K = {1}", gram->getRows(), k).str();
    isGptq = false;
  }
  if (isGptq)
    isGptq = runGptq();
  if (!isGptq) {
    if (notes.method == WeightForm::Gptq)
      notes.method = WeightForm::Search;
    takeNearest();
  }
}

/// Columns by falling magnitude.
static std::vector<int64_t> orderColumns(ArrayRef<float> weights, int64_t k) {
  std::vector<float> extremes(k);
  for (auto [index, value] : llvm::enumerate(weights))
    extremes[index % k] = std::max(extremes[index % k], std::fabs(value));
  std::vector<int64_t> order(k);
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](int64_t a, int64_t b) {
    return extremes[a] != extremes[b] ? extremes[a] > extremes[b] : a < b;
  });
  return order;
}

QuantizeFault lutra::quantizeMatrix(const MatrixSource &source, const WeightForm &form, const GramMatrix *gram,
                                    const QuantizeOptions &options, ParallelFor parallel, QuantizedMatrix &matrix,
                                    QuantizeNotes &notes) {
  std::vector<float> weights(source.n * source.k), extremes(source.n);
  parallel(source.n, [&](size_t row) {
    MutableArrayRef<float> own = MutableArrayRef(weights).slice(row * source.k, source.k);
    source.read(row, own);
    for (float value : own) // a NaN stays one
      extremes[row] = std::isfinite(value) && std::isfinite(extremes[row]) ? std::max(extremes[row], std::fabs(value))
                                                                            : NAN;
  });
  if (!llvm::all_of(extremes, [](float extreme) { return std::isfinite(extreme); }))
    return QuantizeFault::NotFinite;
  if (form.sorted) {
    matrix.columnOrder = orderColumns(weights, source.k);
    std::vector<float> moved(weights.size());
    parallel(source.n, [&](size_t row) {
      for (int64_t column = 0; column < source.k; ++column)
        moved[row * source.k + column] = weights[row * source.k + matrix.columnOrder[column]];
    });
    weights = std::move(moved);
  }
  matrix.form = form;
  matrix.n = source.n;
  matrix.k = source.k;
  matrix.groups = groupsOf(source.k, form.group);
  matrix.codes.assign(source.n * source.k, 0);
  matrix.sides.assign(source.n * matrix.groups, GroupSide());
  if (form.values == WeightForm::KQuant)
    matrix.supers.resize(source.n * llvm::divideCeil(matrix.groups, form.superGroups()));
  if (form.values == WeightForm::Dynamic)
    matrix.table = dynamicTable();
  matrix.tensorScale =
      GroupCoder::tensorScaleOf(form, extremes.empty() ? 0 : *llvm::max_element(extremes));
  MatrixQuantizer(std::move(weights), gram, options, parallel, matrix, notes).run();
  return QuantizeFault::None;
}

void QuantizedMatrix::readStored(int64_t row, MutableArrayRef<float> values) const {
  if (auto found = llvm::lower_bound(wideRows, row); !wide.empty() && found != wideRows.end() && *found == row)
    return wide.front().readStored(found - wideRows.begin(), values);
  Encoding encoding = form.encoding();
  const WeightFormat &format = encoding.terms.front().formats.front();
  int64_t size = form.group == kWhole ? std::max<int64_t>(1, k) : form.group;
  std::vector<float> units = table; // of tables, one after another
  int64_t entries = int64_t(1) << form.bits;
  if (!form.isLinear() && units.empty())
    for (int64_t index = 0; index < (format.value.select == ValueMap::Tensor ? 1 : 4); ++index)
      for (int64_t code = 0; code < entries; ++code)
        units.push_back(static_cast<float>(valueOfCode(format, code, index).value_or(0)));
  for (int64_t i = 0; i < k; ++i) {
    const GroupSide &side = sides[row * groups + i / size];
    uint8_t code = codes[row * k + i];
    float unit = form.isLinear() ? static_cast<float>(code) - side.zero : units[side.table * entries + code];
    values[i] = side.scale * unit;
  }
  rest.addTo(row, values);
}

void QuantizedMatrix::readRow(int64_t row, MutableArrayRef<float> values) const {
  readStored(row, values);
  if (columnOrder.empty())
    return;
  std::vector<float> stored(values.begin(), values.end());
  for (int64_t i = 0; i < k; ++i)
    values[columnOrder[i]] = stored[i];
}

void QuantizedMatrix::pack(const EncodedLayout &layout, MutableArrayRef<uint8_t> bytes, ParallelFor parallel) const {
  packCodes(*this, layout, bytes, parallel);
  rest.pack(layout, bytes);
}
