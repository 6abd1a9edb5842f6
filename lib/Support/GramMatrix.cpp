//===- GramMatrix.cpp - sums of products of inputs, and their factor ---------===//
#include "lutra/Support/GramMatrix.h"

#include "DenseKernels.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>

using namespace lutra;

/// One row of every `stride`; where they become too many, every second of them.
void GramMatrix::addToSample(llvm::ArrayRef<float> row) {
  int64_t index = seen++;
  if (index % stride != 0)
    return;
  if (static_cast<int64_t>(sample.size()) == sampleRows * size) {
    for (int64_t kept = 1; kept < sampleRows / 2; ++kept)
      std::copy_n(sample.begin() + 2 * kept * size, size, sample.begin() + kept * size);
    sample.resize(sampleRows / 2 * size);
    stride *= 2; // of which `index`, the one behind an even number of them, is a multiple
  }
  sample.insert(sample.end(), row.begin(), row.end());
}

void GramMatrix::addRows(llvm::ArrayRef<float> values, llvm::ArrayRef<char> keep, ParallelFor parallel) {
  for (size_t row = 0; row * size < values.size(); ++row) {
    llvm::ArrayRef<float> own = values.slice(row * size, size);
    if (!keep.empty() && !keep[row])
      continue;
    if (!std::all_of(own.begin(), own.end(), [](float value) { return std::isfinite(value); })) {
      ++badRows;
      continue;
    }
    std::copy(own.begin(), own.end(), chunk.begin() + pending * size);
    for (int64_t k = 0; k < size; ++k) {
      rowSum[k] += own[k];
      magnitudeSum[k] += std::fabs(own[k]);
      greatest[k] = std::max(greatest[k], std::fabs(own[k]));
    }
    addToSample(own);
    ++rowsOfSet;
    if (++pending == chunkRows)
      flush(parallel);
  }
}

/// The chunk lies in panels of 16 columns, so that a tile of the result reads two of them in order.
void GramMatrix::flush(ParallelFor parallel) {
  constexpr int64_t width = 16;
  int64_t panels = llvm::divideCeil(size, width);
  std::vector<float> packed(panels * pending * width);
  for (int64_t row = 0; row < pending; ++row)
    for (int64_t k = 0; k < size; ++k)
      packed[(k / width * pending + row) * width + k % width] = chunk[row * size + k];
  parallel(panels, [&](size_t column) {
    for (size_t row = 0; row <= column; ++row) {
      float tile[width * width] = {};
      for (int64_t part = 0; part < width; part += 4)
        multiplyTile(packed.data() + row * pending * width + part, width, packed.data() + column * pending * width,
                     pending, tile + part * width, width);
      for (int64_t i = row * width; i < std::min<int64_t>(size, (row + 1) * width); ++i)
        for (int64_t j = column * width; j < std::min<int64_t>(size, (column + 1) * width); ++j)
          sums[i * size + j] += tile[i % width * width + j % width];
    }
  });
  pending = 0;
}

void GramMatrix::endSet(ParallelFor parallel, double weight) {
  if (pending > 0)
    flush(parallel);
  if (rowsOfSet == 0)
    return;
  if (mean.empty())
    mean.assign(sums.size(), 0);
  // The mean of the means so far and this one.
  setWeights += weight;
  double part = weight / setWeights;
  parallel(size, [&](size_t i) {
    for (size_t j = i; j < static_cast<size_t>(size); ++j) {
      double &own = mean[i * size + j];
      own += (sums[i * size + j] / static_cast<double>(rowsOfSet) - own) * part;
      sums[i * size + j] = 0;
    }
  });
  for (int64_t i = 0; i < size; ++i)
    for (int64_t j = 0; j < i; ++j)
      mean[i * size + j] = mean[j * size + i];
  for (int64_t k = 0; k < size; ++k) {
    meanRow[k] += (rowSum[k] / static_cast<double>(rowsOfSet) - meanRow[k]) * part;
    meanMagnitude[k] += (magnitudeSum[k] / static_cast<double>(rowsOfSet) - meanMagnitude[k]) * part;
    rowSum[k] = magnitudeSum[k] = 0;
  }
  rows += rowsOfSet;
  rowsOfSet = 0;
}

GramMatrix GramMatrix::scaled(llvm::ArrayRef<float> factors) const {
  GramMatrix other(size);
  other.sums.clear();
  other.rows = rows;
  other.setWeights = setWeights;
  other.mean.resize(mean.size());
  for (int64_t i = 0; i < size; ++i) {
    other.meanRow[i] = meanRow[i] * factors[i];
    other.meanMagnitude[i] = meanMagnitude[i] * std::fabs(factors[i]);
    other.greatest[i] = greatest[i] * std::fabs(factors[i]);
    for (int64_t j = 0; j < size; ++j)
      other.mean[i * size + j] = mean[i * size + j] * factors[i] * factors[j];
  }
  return other;
}

/// Right-looking, in blocks of columns.
int64_t lutra::factorCholesky(llvm::MutableArrayRef<double> matrix, int64_t size, ParallelFor parallel) {
  constexpr int64_t block = 64, width = 8;
  double *a = matrix.data();
  for (int64_t begin = 0; begin < size; begin += block) {
    int64_t end = std::min(size, begin + block), depth = end - begin, rest = size - end;
    for (int64_t j = begin; j < end; ++j) {
      double pivot = a[j * size + j];
      for (int64_t p = begin; p < j; ++p)
        pivot -= a[j * size + p] * a[j * size + p];
      if (!(pivot > 0))
        return j;
      pivot = std::sqrt(pivot);
      a[j * size + j] = pivot;
      for (int64_t i = j + 1; i < end; ++i) {
        double value = a[i * size + j];
        for (int64_t p = begin; p < j; ++p)
          value -= a[i * size + p] * a[j * size + p];
        a[i * size + j] = value / pivot;
      }
    }
    parallel(rest, [&](size_t row) {
      double *own = a + (end + row) * size;
      for (int64_t j = begin; j < end; ++j) {
        double value = own[j];
        for (int64_t p = begin; p < j; ++p)
          value -= own[p] * a[j * size + p];
        own[j] = value / a[j * size + j];
      }
    });
    // The rest loses L21 L21^T, in tiles of 4 x 8; panels of 8 columns are packed.
    int64_t panels = llvm::divideCeil(rest, width);
    std::vector<double> packed(panels * depth * width);
    for (int64_t row = 0; row < rest; ++row)
      for (int64_t p = 0; p < depth; ++p)
        packed[(row / width * depth + p) * width + row % width] = a[(end + row) * size + begin + p];
    parallel(llvm::divideCeil(rest, 4), [&](size_t quad) {
      int64_t first = quad * 4, rows = std::min<int64_t>(4, rest - first);
      std::vector<double> own(4 * depth);
      for (int64_t r = 0; r < rows; ++r)
        std::copy_n(a + (end + first + r) * size + begin, depth, own.data() + r * depth);
      for (int64_t panel = 0; panel * width < first + rows; ++panel) {
        double tile[4 * width] = {};
        subtractTile(own.data(), depth, packed.data() + panel * depth * width, depth, tile, width);
        for (int64_t r = 0; r < rows; ++r)
          for (int64_t l = 0; l < std::min(width, rest - panel * width); ++l)
            a[(end + first + r) * size + end + panel * width + l] += tile[r * width + l];
      }
    });
  }
  for (int64_t i = 0; i < size; ++i)
    std::fill(a + i * size + i + 1, a + (i + 1) * size, 0.0);
  return -1;
}
