//===- QuantizeMatrix.cpp - codes of a weight --------------------------------===//
#include "MatrixQuantizer.h"

#include "CodeTables.h"

#include "lutra/Support/SideValues.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

using namespace lutra;
using llvm::ArrayRef;
using llvm::MutableArrayRef;

static constexpr int64_t lanes = panelLanes;

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
  ArrayRef<float> greatest = gram->getGreatest();
  std::vector<float> live;
  llvm::copy_if(greatest, std::back_inserter(live), [](float own) { return own > 0; });
  if (live.empty())
    return;
  llvm::sort(live);
  notes.outlierChannel = llvm::max_element(greatest) - greatest.begin();
  notes.outlierRatio = double(live.back()) / live[live.size() / 2];
}

void MatrixQuantizer::takeNearest() {
  if (matrix.form.vector > 1)
    return takeNearestVectors();
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

void MatrixQuantizer::loadPanel(int64_t panel, llvm::function_ref<float(int64_t, int64_t)> at,
                                MutableArrayRef<float> x) {
  for (int64_t lane = 0; lane < lanes; ++lane) {
    int64_t row = panel * lanes + lane;
    for (int64_t j = 0; j < k; ++j)
      x[j * lanes + lane] = row < n ? at(row, order[j]) : 0;
  }
}

/// Elements of a row that are beyond the range of their codes; those that another term holds are not.
int64_t MatrixQuantizer::countClipped(int64_t row) {
  auto wide = llvm::lower_bound(matrix.wideRows, row);
  bool isWide = !matrix.wide.empty() && wide != matrix.wideRows.end() && *wide == row;
  const QuantizedMatrix &stored = isWide ? matrix.wide.front() : matrix;
  int64_t place = isWide ? wide - matrix.wideRows.begin() : row, count = 0;
  int64_t group = stored.form.group == kWhole ? k : stored.form.group;
  if (stored.form.vector > 1) // entries have no range of their own
    return 0;
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

static std::vector<float> findExtremes(ArrayRef<float> weights, int64_t k) {
  std::vector<float> extremes(k);
  for (auto [index, value] : llvm::enumerate(weights))
    extremes[index % k] = std::max(extremes[index % k], std::fabs(value));
  return extremes;
}

std::vector<int64_t> lutra::orderColumns(ArrayRef<float> extremes) {
  std::vector<int64_t> order(extremes.size());
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
  bool sortsChannels = options.activations.wideBlocks > 0 && form.maySort();
  if (sortsChannels)
    matrix.wideBlocks = options.activations.wideBlocksOf(source.k);
  if (form.sorted || sortsChannels) {
    bool isKnown = sortsChannels && gram && !options.inOrder;
    matrix.columnOrder = isKnown       ? orderColumns(gram->getGreatest())
                         : form.sorted ? orderColumns(findExtremes(weights, source.k))
                                       : orderColumns(std::vector<float>(source.k));
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
  if (form.vector > 1) {
    for (int64_t i = 0, length = form.vector; i < k; ++i)
      values[i] = sides[row].scale * table[codes[row * k + i / length * length] * length + i % length];
    return;
  }
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
