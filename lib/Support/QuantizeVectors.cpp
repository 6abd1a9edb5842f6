//===- QuantizeVectors.cpp - codes that stand for runs of a row ---------------===//
// With H the runs go in the order of what their inputs count and each takes the entry of least error given those
// before, as GPTQ does with numbers (GPTVQ, arXiv 2402.15319): for a run B, M and U as in QuantizeMatrix.h, and
// t = w M_BB + sum over p before B of e_p M_pB, the error of q is the sum over k in B of U_kk^2 (t - q M_BB)_k^2. The
// table times M_BB is the same for all rows.
#include "MatrixQuantizer.h"

#include "VectorCoder.h"

#include <cmath>
#include <limits>
#include <numeric>

using namespace lutra;
using llvm::ArrayRef;
using llvm::MutableArrayRef;

static constexpr int64_t lanes = panelLanes, blockColumns = 128;

void MatrixQuantizer::fitVectors() {
  constexpr float reach = 127; // few elements are far out in rows of some models, and clipping them costs most
  std::vector<float> scales(n);
  parallel(n, [&](size_t row) {
    float extreme = 0;
    for (float value : ArrayRef(weights).slice(row * k, k))
      extreme = std::max(extreme, std::fabs(value));
    scales[row] = matrix.sides[row].scale = std::max(extreme / reach, std::numeric_limits<float>::min());
  });
  matrix.table = fitVectorTable(weights, scales, k, matrix.form.bits, matrix.form.vector, parallel);
}

/// Nearest entries, and the scale of least squared error for them.
void MatrixQuantizer::takeNearestVectors() {
  int64_t length = matrix.form.vector;
  VectorCoder coder(matrix.table, length);
  // Inputs that are 0 in all samples say nothing.
  bool counts = llvm::any_of(diagonal, [](double value) { return value > 0; });
  std::vector<float> importance(llvm::alignTo(k, length));
  for (int64_t i = 0; i < k; ++i)
    importance[i] = counts ? static_cast<float>(diagonal[i]) : 1;
  parallel(n, [&](size_t row) {
    std::vector<float> target(length);
    GroupSide &side = matrix.sides[row];
    double product = 0, square = 0;
    for (int64_t begin = 0; begin < k; begin += length) {
      for (int64_t i = 0; i < std::min(length, k - begin); ++i)
        target[i] = weights[row * k + begin + i] / side.scale;
      int64_t code = coder.nearest(target, ArrayRef(importance).slice(begin, length));
      matrix.codes[row * k + begin] = static_cast<uint8_t>(code);
      for (int64_t i = 0; i < std::min(length, k - begin); ++i) {
        double unit = coder.entry(code)[i], weight = importance[begin + i];
        product += weight * weights[row * k + begin + i] * unit;
        square += weight * unit * unit;
      }
    }
    if (product > 0)
      side.scale = std::max(static_cast<float>(product / square), std::numeric_limits<float>::min());
  });
}

/// Columns in runs, the runs in the order of what their inputs count; a short one is the last.
void MatrixQuantizer::orderVectors() {
  int64_t length = matrix.form.vector;
  std::vector<double> sums(llvm::divideCeil(k, length));
  for (int64_t i = 0; i < k; ++i)
    sums[i / length] += k - i / length * length < length ? 0 : diagonal[i];
  std::vector<int64_t> runs(sums.size());
  std::iota(runs.begin(), runs.end(), 0);
  llvm::sort(runs, [&](int64_t a, int64_t b) { return sums[a] != sums[b] ? sums[a] > sums[b] : a < b; });
  order.clear();
  for (int64_t run : runs)
    for (int64_t i = run * length; i < std::min(k, (run + 1) * length); ++i)
      order.push_back(i);
}

void MatrixQuantizer::sweepVectors(int64_t panel, const Quads &feedback, ArrayRef<float> pivots) {
  int64_t length = matrix.form.vector, rows = std::min(lanes, n - panel * lanes);
  std::vector<float> original(k * lanes), errors(k * lanes), base(blockColumns * lanes);
  std::vector<float> own(matrix.table.size()), target(length), shares(length);
  loadPanel(panel, [&](int64_t row, int64_t column) { return weights[row * k + column]; }, original);
  for (int64_t begin = 0; begin < k; begin += blockColumns) {
    int64_t end = std::min(k, begin + blockColumns);
    llvm::fill(base, 0.0f);
    feedback.multiply(errors.data(), begin, begin, end, base.data());
    for (int64_t first = begin; first < end; first += length) {
      int64_t size = std::min(length, end - first);
      for (int64_t j = first; j < first + size; ++j)
        for (int64_t p = begin; p < first; ++p)
          addScaled(feedback.at(p, j), errors.data() + p * lanes, lanes, base.data() + (j - begin) * lanes);
      own = matrix.table;
      llvm::fill(shares, 0.0f);
      for (int64_t j = size - 1; j >= 0; --j) {
        shares[j] = pivots[first + j];
        for (int64_t p = 0; p < j; ++p)
          for (size_t entry = 0; entry < own.size(); entry += length)
            own[entry + j] += feedback.at(first + p, first + j) * matrix.table[entry + p];
      }
      VectorCoder coder(own, length);
      for (int64_t lane = 0; lane < rows; ++lane) {
        int64_t row = panel * lanes + lane;
        float scale = matrix.sides[row].scale;
        for (int64_t j = 0; j < size; ++j) {
          float wanted = base[(first - begin + j) * lanes + lane];
          for (int64_t p = 0; p <= j; ++p)
            wanted += (p == j ? 1 : feedback.at(first + p, first + j)) * original[(first + p) * lanes + lane];
          target[j] = wanted / scale;
        }
        int64_t code = coder.nearest(target, shares);
        matrix.codes[row * k + order[first]] = static_cast<uint8_t>(code);
        for (int64_t j = 0; j < size; ++j)
          errors[(first + j) * lanes + lane] =
              original[(first + j) * lanes + lane] - scale * matrix.table[code * length + j];
      }
    }
  }
}
