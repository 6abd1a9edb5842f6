//===- IntervalPacking.cpp - addresses for buffers with lifetimes ----------===//
// Greedy best fit. For each item, in a given order, the items already placed whose lifetimes meet its own leave gaps;
// the smallest gap that holds it wins, the lowest among equals. Ordering by size is the classic of TFLite
// ("Efficient memory management for deep neural net inference", arXiv 2001.03288); duration and begin help
// graphs with long skip connections. Ties break by position, so the answer is a function of the input alone.
#include "lutra/Solver/IntervalPacking.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <limits>
#include <numeric>

using namespace llvm;

namespace lutra {

static bool meet(const PackItem &a, const PackItem &b) { return a.begin < b.end && b.begin < a.end; }

/// Places the items in the order given.
static PackSolution packInOrder(ArrayRef<PackItem> items, ArrayRef<size_t> order) {
  PackSolution solution;
  solution.offsets.assign(items.size(), 0);
  SmallVector<size_t> placed; // by offset
  for (size_t index : order) {
    const PackItem &item = items[index];
    if (item.size == 0)
      continue;
    int64_t best = -1, bestGap = std::numeric_limits<int64_t>::max(), low = 0;
    for (size_t other : placed) {
      if (!meet(item, items[other]))
        continue;
      int64_t at = alignTo(low, item.alignment), gap = solution.offsets[other] - low;
      if (at + item.size <= solution.offsets[other] && gap < bestGap) {
        best = at;
        bestGap = gap;
      }
      low = std::max(low, solution.offsets[other] + items[other].size);
    }
    if (best < 0)
      best = alignTo(low, item.alignment);
    solution.offsets[index] = best;
    solution.total = std::max(solution.total, best + item.size);
    placed.insert(llvm::upper_bound(placed, index,
                                    [&](size_t a, size_t b) {
                                      return solution.offsets[a] < solution.offsets[b];
                                    }),
                  index);
  }
  return solution;
}

PackSolution packGreedily(ArrayRef<PackItem> items) {
  SmallVector<size_t> order(items.size());
  PackSolution best;
  int64_t bound = packLowerBound(items);
  auto attempt = [&](auto key) {
    if (!best.offsets.empty() && best.total <= bound)
      return;
    std::iota(order.begin(), order.end(), 0);
    llvm::sort(order, [&](size_t a, size_t b) {
      auto left = key(items[a]), right = key(items[b]);
      return left != right ? left > right : a < b;
    });
    PackSolution solution = packInOrder(items, order);
    if (best.offsets.empty() || solution.total < best.total)
      best = std::move(solution);
  };
  attempt([](const PackItem &item) { return static_cast<double>(item.size); });
  attempt([](const PackItem &item) {
    return static_cast<double>(item.size) * static_cast<double>(item.end - item.begin);
  });
  attempt([](const PackItem &item) { return static_cast<double>(item.end - item.begin); });
  attempt([](const PackItem &item) { return -static_cast<double>(item.begin); });
  return best;
}

int64_t packLowerBound(ArrayRef<PackItem> items) {
  SmallVector<std::pair<int64_t, int64_t>> events; // (step, change); ends sort before begins
  for (const PackItem &item : items) {
    if (item.begin >= item.end)
      continue;
    events.emplace_back(item.begin, item.size);
    events.emplace_back(item.end, -item.size);
  }
  llvm::sort(events);
  int64_t live = 0, highest = 0;
  for (auto [step, change] : events)
    highest = std::max(highest, live += change);
  return highest;
}

std::string checkPacking(ArrayRef<PackItem> items, const PackSolution &solution) {
  auto name = [](size_t index) { return "item " + std::to_string(index); };
  if (solution.offsets.size() != items.size())
    return "has " + std::to_string(solution.offsets.size()) + " offsets for " +
           std::to_string(items.size()) + " items";
  for (size_t i = 0; i < items.size(); ++i) {
    int64_t begin = solution.offsets[i], end = begin + items[i].size;
    if (begin < 0 || end > solution.total)
      return name(i) + " lies at " + std::to_string(begin) + " to " + std::to_string(end) +
             ", outside 0 to " + std::to_string(solution.total);
    if (begin % items[i].alignment != 0)
      return name(i) + " lies at " + std::to_string(begin) + ", not a multiple of " +
             std::to_string(items[i].alignment);
    for (size_t j = 0; j < i; ++j) {
      int64_t other = solution.offsets[j];
      if (meet(items[i], items[j]) && begin < other + items[j].size && other < end)
        return name(i) + " overlaps " + name(j) + " while both are alive";
    }
  }
  return "";
}

} // namespace lutra
