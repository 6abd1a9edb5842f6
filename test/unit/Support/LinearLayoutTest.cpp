//===- LinearLayoutTest.cpp - tensor-core fragments and shared-memory banks ===//
#include "lutra/Support/LinearLayout.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <numeric>

using namespace lutra;
using Point = LinearLayout::Point;

/// Holds for every (register, lane) of one warp: the figure's element.
static void expectElements(const LinearLayout &layout,
                           llvm::function_ref<Point(int64_t reg, int64_t g, int64_t t)> element) {
  for (int64_t lane = 0; lane < 32; ++lane)
    for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg)
      EXPECT_EQ(layout.apply(reg, lane), element(reg, lane >> 2, lane & 3))
          << layout.str() << " register " << reg << " lane " << lane;
}

TEST(LinearLayout, fragments_match_the_instruction_tables) {
  for (int64_t perRegister : {1, 2, 4, 8, 32}) {
    LinearLayout a = LinearLayout::mmaOperandA(perRegister);
    expectElements(a, [&](int64_t reg, int64_t g, int64_t t) {
      int64_t word = reg / perRegister, inside = reg % perRegister;
      return Point{g + (word & 1) * 8, (word >> 1) * 4 * perRegister + t * perRegister + inside};
    });
    EXPECT_TRUE(a.isBijective());
    LinearLayout b = LinearLayout::mmaOperandB(perRegister);
    expectElements(b, [&](int64_t reg, int64_t g, int64_t t) {
      int64_t word = reg / perRegister, inside = reg % perRegister;
      return Point{g, word * 4 * perRegister + t * perRegister + inside};
    });
    EXPECT_TRUE(b.isBijective());
  }
  expectElements(LinearLayout::mmaAccumulator(64, 64, 1, 1), [](int64_t reg, int64_t g, int64_t t) {
    return Point{g + (reg >> 1 & 1) * 8 + (reg >> 4) * 16, 2 * t + (reg & 1) + (reg >> 2 & 3) * 8};
  });
}

TEST(LinearLayout, tiles_are_held_exactly_once) {
  for (int64_t rows : {32, 64, 128})
    for (int64_t columns : {16, 64, 128, 256})
      EXPECT_TRUE(LinearLayout::mmaAccumulator(rows, columns, 1, 1).isBijective());
  for (int64_t rows : {64, 128})
    for (int64_t columns : {8, 64, 128, 256}) {
      LinearLayout layout = LinearLayout::wgmmaAccumulator(rows, columns);
      EXPECT_TRUE(layout.isBijective());
      EXPECT_EQ(layout.getNumRegisters(), rows * columns / 128);
      EXPECT_EQ(layout.apply(0, 3 * 32 + 4), (Point{49, 0})); // warp 3 begins at row 48
    }
  EXPECT_TRUE(LinearLayout::blocked({1024}, 4, 2).isBijective());
  EXPECT_TRUE(LinearLayout::blocked({8, 256}, 4, 2).isBijective());
}

TEST(LinearLayout, short_tiles_are_replicated) {
  LinearLayout layout = LinearLayout::blocked({16}, 4, 2);
  EXPECT_TRUE(layout.isSurjective());
  EXPECT_FALSE(layout.isBijective());
  EXPECT_EQ(layout.getNumRegisters(), 1);
  EXPECT_EQ(layout.getReplicatedThreads(), 0x70);
  LinearLayout scalar = LinearLayout::blocked({}, 4, 2);
  EXPECT_EQ(scalar.getNumRegisters(), 1);
  EXPECT_EQ(scalar.getReplicatedThreads(), 0x7f);
}

TEST(LinearLayout, a_row_statistic_broadcasts_without_moving) {
  LinearLayout tile = LinearLayout::mmaAccumulator(64, 64, 1, 1);
  LinearLayout rows = tile.project({false, true});
  EXPECT_EQ(rows.getNumRegisters(), 4); // 2 blocks of 16 rows, 2 rows of each
  auto registers = tile.registersFrom(rows);
  ASSERT_TRUE(registers.has_value());
  for (int64_t reg = 0; reg < tile.getNumRegisters(); ++reg)
    for (int64_t thread : {0, 5, 77, 127})
      EXPECT_EQ(tile.apply(reg, thread)[0], rows.apply((*registers)[reg], thread)[0]);
  // Another distribution of the rows is in other threads.
  EXPECT_FALSE(tile.registersFrom(LinearLayout::blocked({64, 1}, 1, 2)).has_value());
}

TEST(SwizzledRows, offsets_invert) {
  std::vector<bool> seen(64 * 128);
  for (int64_t row = 0; row < 64; ++row)
    for (int64_t byte = 0; byte < 128; ++byte) {
      int64_t offset = SwizzledRows::offset(row, byte);
      ASSERT_LT(offset, 64 * 128);
      EXPECT_FALSE(seen[offset]);
      seen[offset] = true;
      // The permutation is its own inverse within a row.
      EXPECT_EQ(SwizzledRows::offset(row, offset - row * 128), row * 128 + byte);
    }
}

TEST(SwizzledRows, tensor_core_accesses_have_no_bank_conflicts) {
  for (int64_t k = 0; k < 4; ++k) {
    llvm::SmallVector<int64_t> operandA, operandB, transposed;
    for (int64_t lane = 0; lane < 32; ++lane) {
      operandA.push_back(SwizzledRows::offset(lane & 15, k * 32 + (lane >> 4) * 16));
      operandB.push_back(
          SwizzledRows::offset((lane & 7) + (lane >> 4) * 8, k * 32 + (lane >> 3 & 1) * 16));
      transposed.push_back(SwizzledRows::offset(k * 16 + (lane & 15), (lane >> 4) * 16));
    }
    EXPECT_EQ(bankConflictDegree(operandA, 16), 1);
    EXPECT_EQ(bankConflictDegree(operandB, 16), 1);
    EXPECT_EQ(bankConflictDegree(transposed, 16), 1);
  }
  // Copies: 16 bytes with eight lanes to a row; 4 bytes that transpose a row-major operand.
  llvm::SmallVector<int64_t> wide, narrow, unswizzled;
  for (int64_t lane = 0; lane < 32; ++lane) {
    wide.push_back(SwizzledRows::offset(lane >> 3, (lane & 7) * 16));
    narrow.push_back(SwizzledRows::offset(lane >> 2, (lane & 3) * 4));
    unswizzled.push_back((lane & 15) * 128 + (lane >> 4) * 16);
  }
  EXPECT_EQ(bankConflictDegree(wide, 16), 1);
  EXPECT_EQ(bankConflictDegree(narrow, 4), 1);
  EXPECT_EQ(bankConflictDegree(unswizzled, 16), 8); // the check can fail
}

TEST(SwizzledRows, asynchronous_copies_cover_each_byte_once) {
  for (int64_t granule : {4, 8, 16}) {
    int64_t perRow = 128 / granule, rowsPerStep = 128 / perRow;
    std::vector<int> written(64 * 128);
    for (int64_t step = 0; step < 64 / rowsPerStep; ++step)
      for (int64_t thread = 0; thread < 128; ++thread) {
        int64_t row = thread / perRow + step * rowsPerStep;
        int64_t first = SwizzledRows::offset(row, thread % perRow * granule);
        for (int64_t byte = 0; byte < granule; ++byte)
          ++written[first + byte];
      }
    EXPECT_TRUE(llvm::all_of(written, [](int count) { return count == 1; })) << granule;
  }
}
