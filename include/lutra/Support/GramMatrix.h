//===- GramMatrix.h - sums of products of inputs, and their factor -----------===//
// H = mean over rows x of x x^T, of the inputs that a product saw in a calibration. Rows are added in f32 within chunks
// and in f64 beyond; every sum has one order, whatever the threads.
#ifndef LUTRA_SUPPORT_GRAMMATRIX_H
#define LUTRA_SUPPORT_GRAMMATRIX_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <cstdint>
#include <vector>

namespace lutra {

/// Calls a body for 0 .. count - 1, side by side.
using ParallelFor = llvm::function_ref<void(size_t count, llvm::function_ref<void(size_t)> body)>;

class GramMatrix {
public:
  explicit GramMatrix(int64_t size)
      : size(size), chunk(chunkRows * size), sums(size * size), rowSum(size), meanRow(size),
        magnitudeSum(size), meanMagnitude(size), greatest(size) {}

  /// Adds rows of `size` elements to the set; `keep` says which (empty: all).
  void addRows(llvm::ArrayRef<float> rows, llvm::ArrayRef<char> keep, ParallelFor parallel);
  /// Ends a set, whose rows weigh as much as `weight` together, however many they are.
  void endSet(ParallelFor parallel, double weight = 1);

  int64_t getSize() const { return size; }
  int64_t getRows() const { return rows; }
  /// Rows with elements that are not finite, which were left out.
  int64_t getBadRows() const { return badRows; }
  /// Both halves; after endSet.
  llvm::ArrayRef<double> getMean() const { return mean; }
  /// The mean of x.
  llvm::ArrayRef<double> getMeanRow() const { return meanRow; }
  /// The mean of |x|.
  llvm::ArrayRef<double> getMeanMagnitudes() const { return meanMagnitude; }
  /// The largest |x|.
  llvm::ArrayRef<float> getGreatest() const { return greatest; }
  /// Some rows of all sets, evenly spread: up to 128, one after another.
  llvm::ArrayRef<float> getSample() const { return sample; }
  /// What rows with elements times factors would have given, without those of the sample.
  GramMatrix scaled(llvm::ArrayRef<float> factors) const;
  /// Bytes that one of this size takes.
  static int64_t bytesOf(int64_t size) { return size * size * 16 + size * (chunkRows + sampleRows) * 4; }

private:
  static constexpr int64_t chunkRows = 512, sampleRows = 128;
  void flush(ParallelFor parallel);
  void addToSample(llvm::ArrayRef<float> row);

  int64_t size, pending = 0, rowsOfSet = 0, rows = 0, badRows = 0;
  int64_t seen = 0, stride = 1; // rows for the sample, of which it takes one of so many
  double setWeights = 0; // of all sets so far
  std::vector<float> chunk;
  std::vector<double> sums, mean, rowSum, meanRow, magnitudeSum, meanMagnitude;
  std::vector<float> greatest, sample;
};

/// Replaces the lower half of a symmetric matrix by L of L L^T and its upper half by zeros; the index of a pivot that
/// is not positive, or -1.
int64_t factorCholesky(llvm::MutableArrayRef<double> matrix, int64_t size, ParallelFor parallel);

} // namespace lutra

#endif // LUTRA_SUPPORT_GRAMMATRIX_H
