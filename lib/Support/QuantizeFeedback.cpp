//===- QuantizeFeedback.cpp - codes that make up for the errors of others ---===//
// Rows go in panels of 16, one lane each, so that a panel's errors stay in a cache while H passes by; the columns of H
// and of M lie in fours.
#include "MatrixQuantizer.h"

#include "lutra/Support/SideValues.h"

#include <numeric>

using namespace lutra;
using llvm::ArrayRef;
using llvm::MutableArrayRef;

static constexpr int64_t lanes = panelLanes, blockColumns = 128;

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
  orderVectors(); // runs of one column each are columns
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
    std::vector<float> pivots;
    for (int64_t j = k - 1; j >= 0; --j)
      pivots.push_back(static_cast<float>(lower[j * k + j] * lower[j * k + j]));
    lower = {};
    bool areVectors = matrix.form.vector > 1;
    parallel(panels, [&](size_t panel) {
      areVectors ? sweepVectors(panel, feedback, pivots) : sweep(panel, coder, feedback);
    });
  }
  if (matrix.form.bits > 3 || matrix.form.vector > 1)
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
