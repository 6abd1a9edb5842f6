//===- VectorCoder.cpp - a codebook of vectors for a weight ------------------===//
#include "VectorCoder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace lutra;
using llvm::ArrayRef;

static constexpr int64_t lanes = 16;

VectorCoder::VectorCoder(ArrayRef<float> table, int64_t length)
    : table(table), length(length), count(static_cast<int64_t>(table.size()) / length),
      turned(llvm::alignTo(count, lanes) * length, std::numeric_limits<float>::max()) {
  for (int64_t code = 0; code < count; ++code)
    for (int64_t i = 0; i < length; ++i)
      turned[(code / lanes * length + i) * lanes + code % lanes] = table[code * length + i];
}

int64_t VectorCoder::nearest(ArrayRef<float> target, ArrayRef<float> weights) const {
  float least[lanes];
  int32_t codes[lanes] = {};
  std::fill_n(least, lanes, std::numeric_limits<float>::infinity());
  for (int64_t block = 0; block * lanes < count; ++block) {
    float errors[lanes] = {};
    for (int64_t i = 0; i < length; ++i)
      for (int64_t lane = 0; lane < lanes; ++lane) {
        float rest = target[i] - turned[(block * length + i) * lanes + lane];
        errors[lane] += weights[i] * (rest * rest);
      }
    for (int64_t lane = 0; lane < lanes; ++lane) {
      bool isLess = errors[lane] < least[lane];
      least[lane] = isLess ? errors[lane] : least[lane];
      codes[lane] = isLess ? static_cast<int32_t>(block) : codes[lane];
    }
  }
  int64_t best = 0;
  for (int64_t lane = 1; lane < lanes; ++lane)
    if (least[lane] < least[best])
      best = lane;
  return codes[best] * lanes + best;
}

namespace {
/// Lloyd's steps on a sample of the runs.
class TableFit {
public:
  TableFit(ArrayRef<float> rows, ArrayRef<float> scales, int64_t k, int64_t length);
  std::vector<float> run(int64_t count, ParallelFor parallel);

private:
  ArrayRef<float> runAt(size_t index) const { return ArrayRef(runs).slice(index * length, length); }
  ArrayRef<float> weightsAt(size_t index) const { return ArrayRef(shares).slice(index * length, length); }
  std::vector<float> start(int64_t count) const;
  double distance(size_t index, ArrayRef<float> centre) const;

  int64_t length;
  std::vector<float> runs, shares;
  size_t size = 0; // runs
};
} // namespace

TableFit::TableFit(ArrayRef<float> rows, ArrayRef<float> scales, int64_t k, int64_t length)
    : length(length) {
  constexpr int64_t mostRuns = 65536;
  int64_t perRow = llvm::divideCeil(k, length), all = perRow * static_cast<int64_t>(scales.size());
  int64_t step = std::max<int64_t>(1, llvm::divideCeil(all, mostRuns));
  while (step > 1 && std::gcd(step, perRow) > 1) // else some columns are never seen
    ++step;
  for (int64_t at = 0; at < all; at += step, ++size) {
    int64_t row = at / perRow, first = at % perRow * length;
    for (int64_t i = 0; i < length; ++i) {
      bool isIn = first + i < k;
      runs.push_back(isIn ? rows[row * k + first + i] / scales[row] : 0);
      shares.push_back(isIn ? scales[row] * scales[row] : 0);
    }
  }
  double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (float &share : shares)
    share = sum > 0 ? static_cast<float>(share * (double(shares.size()) / sum)) : 1;
}

double TableFit::distance(size_t index, ArrayRef<float> centre) const {
  double sum = 0;
  for (int64_t i = 0; i < length; ++i) {
    double rest = runAt(index)[i] - centre[i];
    sum += weightsAt(index)[i] * rest * rest;
  }
  return sum;
}

/// Runs drawn with the probability of their distance to those before.
std::vector<float> TableFit::start(int64_t count) const {
  uint64_t state = 1; // a linear congruence
  auto draw = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return double(state >> 11) * 0x1p-53;
  };
  std::vector<float> centres;
  std::vector<double> distances(size, std::numeric_limits<double>::infinity()), sums(size);
  for (int64_t code = 0; code < count; ++code) {
    size_t chosen = static_cast<size_t>(draw() * double(size));
    if (code > 0 && sums.back() > 0)
      chosen = llvm::upper_bound(sums, draw() * sums.back()) - sums.begin();
    chosen = std::min(chosen, size - 1);
    centres.insert(centres.end(), runAt(chosen).begin(), runAt(chosen).end());
    double sum = 0;
    for (size_t index = 0; index < size; ++index) {
      distances[index] = std::min(distances[index], distance(index, ArrayRef(centres).take_back(length)));
      sums[index] = sum += distances[index];
    }
  }
  return centres;
}

std::vector<float> TableFit::run(int64_t count, ParallelFor parallel) {
  constexpr int steps = 25;
  constexpr size_t chunk = 1024;
  std::vector<float> centres = start(count);
  std::vector<int64_t> codes(size);
  for (int step = 0; step < steps; ++step) {
    VectorCoder coder(centres, length);
    parallel(llvm::divideCeil(size, chunk), [&](size_t part) {
      for (size_t index = part * chunk; index < std::min(size, (part + 1) * chunk); ++index)
        codes[index] = coder.nearest(runAt(index), weightsAt(index));
    });
    std::vector<double> sums(centres.size()), counts(centres.size());
    for (size_t index = 0; index < size; ++index)
      for (int64_t i = 0; i < length; ++i) {
        sums[codes[index] * length + i] += double(weightsAt(index)[i]) * runAt(index)[i];
        counts[codes[index] * length + i] += weightsAt(index)[i];
      }
    for (auto [centre, sum, all] : llvm::zip_equal(centres, sums, counts))
      centre = all > 0 ? static_cast<float>(sum / all) : centre;
  }
  return centres;
}

std::vector<float> lutra::fitVectorTable(ArrayRef<float> rows, ArrayRef<float> scales, int64_t k, unsigned bits,
                                         int64_t length, ParallelFor parallel) {
  constexpr float reach = 127;
  std::vector<float> table = TableFit(rows, scales, k, length).run(int64_t(1) << bits, parallel);
  for (float &value : table)
    value = std::clamp(std::nearbyint(value), -reach, reach);
  return table;
}
