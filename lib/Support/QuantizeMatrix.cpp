//===- QuantizeMatrix.cpp - codes of a weight --------------------------------===//
// Rows go in panels of 16, one lane each, so that a panel's errors stay in a cache while H passes by; the columns of H
// and of M lie in fours.
#include "lutra/Support/QuantizeMatrix.h"

#include "DenseKernels.h"

#include "lutra/Support/CodeStream.h"
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
  void takeNearest();
  void takeCodes();
  void setAsideOutliers();
  void fitRest();
  std::vector<float> errorsOf();
  bool runGptq();
  std::vector<double> factor();
  void sweep(int64_t panel, const GroupCoder &coder, const Quads &feedback);
  int64_t polish(int64_t panel, const GroupCoder &coder, const Quads &rows, ArrayRef<float> diagonal);
  void measure();
  /// Columns of a panel of rows: x[j][lane] = value of column order[j].
  void loadPanel(int64_t panel, llvm::function_ref<float(int64_t row, int64_t column)> at, MutableArrayRef<float> x);
  GroupSide &sideOf(int64_t row, int64_t column) { return matrix.sides[row * matrix.groups + column / size]; }
  /// Of H without what is set aside.
  double meanAt(int64_t i, int64_t j) const {
    bool isAside = !aside.empty() && i != j && (aside[i] || aside[j]);
    return isAside ? 0 : gram->getMean()[i * k + j];
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
    diagonal.push_back(gram->getMean()[i * k + i]);
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
  for (;;) {
    GroupCoder coder(matrix.form, matrix.tensorScale);
    std::vector<char> held(n, 1);
    parallel(n, [&](size_t row) {
      ArrayRef<float> own = ArrayRef(weights).slice(row * k, k);
      for (int64_t group = 0; group < matrix.groups; ++group) {
        int64_t begin = group * size, count = std::min(size, k - begin);
        GroupSide &side = matrix.sides[row * matrix.groups + group];
        side = coder.fit(own.slice(begin, count),
                         importance.empty() ? ArrayRef<float>() : ArrayRef(importance).slice(begin, count));
        held[row] &= coder.holds(side);
      }
    });
    if (llvm::all_of(held, [](char one) { return one; }))
      return;
    matrix.form.scale = SideType::F32;
  }
}

void MatrixQuantizer::takeNearest() {
  GroupCoder coder(matrix.form, matrix.tensorScale);
  parallel(n, [&](size_t row) {
    for (int64_t column = 0; column < k; ++column) {
      const GroupSide &side = sideOf(row, column);
      matrix.codes[row * k + column] = coder.codeOf(weights[row * k + column], side);
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

void MatrixQuantizer::sweep(int64_t panel, const GroupCoder &coder, const Quads &feedback) {
  std::vector<float> original(k * lanes), errors(k * lanes), base(blockColumns * lanes);
  loadPanel(panel, [&](int64_t row, int64_t column) { return weights[row * k + column]; }, original);
  int64_t rows = std::min(lanes, n - panel * lanes);
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
        float exact = original[j * lanes + lane], value = exact + wanted[lane];
        matrix.codes[row * k + order[j]] = coder.codeOf(value, side);
        errors[j * lanes + lane] = exact - coder.valueOf(value, side);
      }
    }
  }
}

/// Takes for each code in turn the one of the least error while the others stay; the number of codes that changed.
int64_t MatrixQuantizer::polish(int64_t panel, const GroupCoder &coder, const Quads &rows,
                                ArrayRef<float> damped) {
  constexpr int mostSweeps = 3;
  std::vector<float> original(k * lanes), coded(k * lanes), errors(k * lanes), slope(k * lanes), column(k);
  loadPanel(panel, [&](int64_t row, int64_t column) { return weights[row * k + column]; }, original);
  std::vector<float> decoded(k);
  for (int64_t lane = 0; lane < std::min(lanes, n - panel * lanes); ++lane) {
    matrix.readRow(panel * lanes + lane, decoded);
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
  GroupCoder coder(matrix.form, matrix.tensorScale);
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

/// Sums over rows first, so that threads change nothing.
void MatrixQuantizer::measure() {
  GroupCoder coder(matrix.form, matrix.tensorScale);
  std::vector<double> powers(n), errors(n);
  std::vector<int64_t> clipped(n);
  std::vector<float> rest(n * k);
  parallel(n, [&](size_t row) {
    MutableArrayRef<float> own = MutableArrayRef(rest).slice(row * k, k);
    matrix.readRow(row, own);
    for (int64_t i = 0; i < k; ++i) {
      float exact = weights[row * k + i];
      own[i] = exact - own[i];
      powers[row] += double(exact) * exact;
      errors[row] += double(own[i]) * own[i];
      clipped[row] += coder.clips(exact, sideOf(row, i));
    }
  });
  notes.weightPower = std::accumulate(powers.begin(), powers.end(), 0.0);
  notes.weightError = std::accumulate(errors.begin(), errors.end(), 0.0);
  notes.clipped = std::accumulate(clipped.begin(), clipped.end(), int64_t(0));
  if (!gram)
    return;
  order.resize(k);
  std::iota(order.begin(), order.end(), 0);
  Quads rows(k, parallel, [&](int64_t p, int64_t j) { return static_cast<float>(gram->getMean()[p * k + j]); });
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
}

/// What the codes leave, row by row.
std::vector<float> MatrixQuantizer::errorsOf() {
  std::vector<float> errors(n * k);
  parallel(n, [&](size_t row) {
    MutableArrayRef<float> own = MutableArrayRef(errors).slice(row * k, k);
    matrix.readRow(row, own);
    for (int64_t i = 0; i < k; ++i)
      own[i] = weights[row * k + i] - own[i];
  });
  return errors;
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
    setAsideOutliers();
  takeCodes();
  if (matrix.form.isSum())
    fitRest();
  if (options.measure)
    measure();
}

void MatrixQuantizer::takeCodes() {
  fitSides();
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
  matrix.form = form;
  matrix.n = source.n;
  matrix.k = source.k;
  matrix.groups = groupsOf(source.k, form.group);
  matrix.codes.assign(source.n * source.k, 0);
  matrix.sides.assign(source.n * matrix.groups, GroupSide());
  matrix.tensorScale =
      GroupCoder::tensorScaleOf(form, extremes.empty() ? 0 : *llvm::max_element(extremes));
  MatrixQuantizer(std::move(weights), gram, options, parallel, matrix, notes).run();
  return QuantizeFault::None;
}

void QuantizedMatrix::readRow(int64_t row, MutableArrayRef<float> values) const {
  Encoding encoding = form.encoding();
  const WeightFormat &format = encoding.terms.front().formats.front();
  int64_t size = form.group == kWhole ? std::max<int64_t>(1, k) : form.group;
  std::vector<float> units; // of tables, one after another
  int64_t entries = int64_t(1) << form.bits;
  if (!form.isInteger())
    for (int64_t table = 0; table < (format.value.select == ValueMap::Tensor ? 1 : 4); ++table)
      for (int64_t code = 0; code < entries; ++code)
        units.push_back(static_cast<float>(valueOfCode(format, code, table).value_or(0)));
  for (int64_t i = 0; i < k; ++i) {
    const GroupSide &side = sides[row * groups + i / size];
    uint8_t code = codes[row * k + i];
    float unit = form.isInteger() ? static_cast<float>(code) - side.zero : units[side.table * entries + code];
    values[i] = side.scale * unit;
  }
  rest.addTo(row, values);
}

void QuantizedMatrix::pack(const EncodedLayout &layout, MutableArrayRef<uint8_t> bytes, ParallelFor parallel) const {
  auto rowOf = [&](const EncodedArray &array, int64_t row) {
    return bytes.data() + array.offset + row * array.rowBytes;
  };
  const EncodedArray &codeArray = *layout.find(ArrayRole::Codes, 0, 0);
  const EncodedArray &scaleArray = *layout.find(ArrayRole::Scales, 0, 0);
  const EncodedArray *whole = layout.find(ArrayRole::Scales, 0, 0, 1);
  const EncodedArray *zeros = layout.find(ArrayRole::Zeros, 0, 0);
  const EncodedArray *selectors = layout.find(ArrayRole::Selectors, 0, 0);
  if (const EncodedArray *table = layout.find(ArrayRole::Table, 0, 0)) {
    Encoding encoding = form.encoding();
    const std::vector<double> &entries = encoding.terms.front().formats.front().value.values;
    for (int64_t row = 0; row < table->rows; ++row)
      for (int64_t column = 0; column < table->columns; ++column)
        setField(rowOf(*table, row), table->element.bits(), column,
                 encodeSide(table->element, entries[row * table->columns + column]));
  }
  if (whole)
    setField(rowOf(*whole, 0), 32, 0, encodeSide(whole->element, tensorScale));
  parallel(n, [&](size_t row) {
    std::vector<uint32_t> fields(codes.begin() + row * k, codes.begin() + (row + 1) * k);
    packFields(fields, form.bits, rowOf(codeArray, row));
    ArrayRef<GroupSide> own = ArrayRef(sides).slice(row * groups, groups);
    auto packSides = [&](const EncodedArray &array, llvm::function_ref<uint32_t(const GroupSide &)> field) {
      std::vector<uint32_t> words;
      for (const GroupSide &side : own)
        words.push_back(field(side));
      packFields(words, array.element.bits(), rowOf(array, row));
    };
    packSides(scaleArray, [&](const GroupSide &side) {
      return encodeSide(scaleArray.element, whole ? double(side.scale) / tensorScale : side.scale);
    });
    if (zeros)
      packSides(*zeros, [](const GroupSide &side) { return static_cast<uint32_t>(side.zero); });
    if (selectors)
      packSides(*selectors, [](const GroupSide &side) { return side.table; });
  });
  rest.pack(layout, bytes);
}
