//===- IntervalPackingTest.cpp - properties of the packing ------------------===//
#include "lutra/Solver/IntervalPacking.h"

#include "gtest/gtest.h"

using namespace lutra;

namespace {

/// SplitMix64: the same numbers on every library.
struct Random {
  uint64_t state;
  int64_t below(int64_t limit) {
    uint64_t z = state += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return static_cast<int64_t>((z ^ z >> 31) % static_cast<uint64_t>(limit));
  }
};

/// A legal layout of `height` units over `steps` steps without any gap, whose addresses are then hidden: the memory is
/// cut into shelves and each shelf's time into lifetimes.
llvm::SmallVector<PackItem> buildAndHide(Random &random, int64_t height, int64_t steps) {
  llvm::SmallVector<PackItem> items;
  for (int64_t low = 0; low < height;) {
    int64_t size = std::min(height - low, 64 * (1 + random.below(8)));
    for (int64_t begin = 0; begin < steps;) {
      int64_t end = std::min(steps, begin + 1 + random.below(steps));
      items.push_back({size, begin, end, 64});
      begin = end;
    }
    low += size;
  }
  for (size_t i = items.size(); i > 1; --i)
    std::swap(items[i - 1], items[random.below(i)]);
  return items;
}

} // namespace

TEST(IntervalPacking, FindsLegalLayoutsWhereOneIsHidden) {
  double worst = 1;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random{seed};
    int64_t height = 64 * (4 + random.below(60)), steps = 2 + random.below(30);
    auto items = buildAndHide(random, height, steps);
    ASSERT_EQ(packLowerBound(items), height) << "seed " << seed;
    PackSolution solution = packGreedily(items);
    ASSERT_EQ(checkPacking(items, solution), "") << "seed " << seed;
    worst = std::max(worst, static_cast<double>(solution.total) / static_cast<double>(height));
  }
  EXPECT_LE(worst, 1.6); // tightens only
}

TEST(IntervalPacking, IsAFunctionOfItsInput) {
  Random random{7};
  auto items = buildAndHide(random, 64 * 40, 25);
  EXPECT_EQ(packGreedily(items).offsets, packGreedily(items).offsets);
}

TEST(IntervalPacking, SharesMemoryOfBuffersThatNeverMeet) {
  PackSolution solution = packGreedily({{128, 0, 1, 64}, {128, 1, 2, 64}, {128, 2, 3, 64}});
  EXPECT_EQ(solution.total, 128);
}

TEST(IntervalPacking, TakesTheSmallestGap) {
  // Two holes of 192 and 64 are open at step 1; the 64-unit item takes the small one.
  PackSolution solution = packGreedily(
      {{256, 0, 9, 64}, {192, 0, 1, 64}, {128, 0, 9, 64}, {64, 0, 1, 64}, {64, 1, 2, 64}});
  EXPECT_EQ(solution.total, 640);
}

TEST(IntervalPacking, HandlesEmptySizesAndNoItems) {
  EXPECT_EQ(packGreedily({}).total, 0);
  PackSolution solution = packGreedily({{0, 0, 5, 64}, {10, 0, 5, 64}});
  EXPECT_EQ(solution.total, 10);
}

TEST(IntervalPacking, CheckerRefusesBrokenLayouts) {
  llvm::SmallVector<PackItem> items = {{100, 0, 2, 64}, {100, 1, 3, 64}};
  EXPECT_EQ(checkPacking(items, {{0, 128}, 228}), "");
  EXPECT_NE(checkPacking(items, {{0, 64}, 164}), "");  // overlap
  EXPECT_NE(checkPacking(items, {{0, 100}, 200}), ""); // alignment
  EXPECT_NE(checkPacking(items, {{0, 128}, 200}), ""); // beyond the end
  EXPECT_NE(checkPacking(items, {{0}, 100}), "");      // one is missing
}
