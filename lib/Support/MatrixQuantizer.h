//===- MatrixQuantizer.h - the steps of quantizing one weight ----------------===//
// Steps that all methods share are in QuantizeMatrix.cpp, scales and tables in QuantizeSides.cpp, GPTQ in
// QuantizeFeedback.cpp, what is stored beside the codes in QuantizeTerms.cpp.
#ifndef LUTRA_LIB_SUPPORT_MATRIXQUANTIZER_H
#define LUTRA_LIB_SUPPORT_MATRIXQUANTIZER_H

#include "DenseKernels.h"

#include "lutra/Support/QuantizeMatrix.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <utility>

namespace lutra {

/// Rows of a panel.
constexpr int64_t panelLanes = 16;

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
      float tile[4 * panelLanes] = {};
      multiplyTile(quad(k), 4, x, depth, tile, panelLanes);
      for (int64_t i = 0; i < std::min<int64_t>(4, end - k) * panelLanes; ++i)
        out[(k - begin) * panelLanes + i] += tile[i];
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
  void fitTableSides(llvm::ArrayRef<float> importance);
  void setTableScales(bool ofSquares);
  double fitRows(llvm::ArrayRef<float> importance);
  bool fitBlocks(const CoderPair &coders, int64_t first, llvm::ArrayRef<float> importance);
  bool fitRow(const CoderPair &coders, int64_t row, llvm::ArrayRef<float> importance);
  void widenGroups(const CoderPair &coders, llvm::ArrayRef<float> importance);
  void widenRows();
  void correctMean();
  void takeNearest();
  void fitVectors();
  void takeNearestVectors();
  void orderVectors();
  void sweepVectors(int64_t panel, const Quads &feedback, llvm::ArrayRef<float> pivots);
  void takeCodes();
  void setAsideOutliers();
  void setAsideElements();
  void fitRest();
  std::vector<float> errorsOf();
  bool runGptq();
  std::vector<double> factor();
  void sweep(int64_t panel, const CoderPair &coder, const Quads &feedback);
  int64_t polish(int64_t panel, const CoderPair &coder, const Quads &rows, llvm::ArrayRef<float> diagonal);
  int64_t countClipped(int64_t row);
  void measure();
  /// Columns of a panel of rows: x[j][lane] = value of column order[j].
  void loadPanel(int64_t panel, llvm::function_ref<float(int64_t row, int64_t column)> at,
                 llvm::MutableArrayRef<float> x);
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
  double added = 0;             // to the diagonal
};

} // namespace lutra

#endif // LUTRA_LIB_SUPPORT_MATRIXQUANTIZER_H
