//===- BitAllocationTest.cpp - forms of layers within a size -----------------===//
#include "lutra/Solver/BitAllocation.h"

#include "gtest/gtest.h"

#include <cmath>
#include <limits>
#include <random>

using namespace lutra;

static double lossOf(const std::vector<std::vector<FormCost>> &layers, const std::vector<size_t> &picks,
                     int64_t &bytes) {
  double loss = 0;
  bytes = 0;
  for (size_t i = 0; i < layers.size(); ++i) {
    loss += layers[i][picks[i]].loss;
    bytes += layers[i][picks[i]].cost;
  }
  return loss;
}

/// 6 layers of 4 forms against all 4096 choices, at budgets from too small to ample; sizes with and without a divisor.
TEST(BitAllocation, equals_brute_force) {
  std::mt19937 random(3);
  for (int trial = 0; trial < 40; ++trial) {
    int64_t unit = trial % 2 ? 1 : 4608;
    std::vector<std::vector<FormCost>> layers(6);
    int64_t smallest = 0, greatest = 0;
    for (std::vector<FormCost> &forms : layers) {
      int64_t bytes = 0;
      double loss = 1 + static_cast<double>(random() % 1000) / 100;
      for (int form = 0; form < 4; ++form) {
        bytes += static_cast<int64_t>(random() % 50 + 1) * unit;
        loss *= static_cast<double>(random() % 100) / 100;
        forms.push_back({bytes, loss});
      }
      smallest += forms.front().cost;
      greatest += forms.back().cost;
    }
    int64_t third = (smallest * 2 + greatest) / 3, half = (smallest + greatest) / 2;
    for (int64_t budget : {smallest - 1, smallest, third, half, greatest}) {
      double best = -1;
      for (int choice = 0; choice < 4096; ++choice) {
        std::vector<size_t> picks;
        for (int i = 0; i < 6; ++i)
          picks.push_back(choice >> (2 * i) & 3);
        int64_t bytes;
        double loss = lossOf(layers, picks, bytes);
        if (bytes <= budget && (best < 0 || loss < best))
          best = loss;
      }
      std::optional<std::vector<size_t>> picks = allocateBits(layers, budget);
      ASSERT_EQ(picks.has_value(), best >= 0);
      if (!picks)
        continue;
      int64_t bytes;
      EXPECT_EQ(lossOf(layers, *picks, bytes), best); // summed in the same order
      EXPECT_LE(bytes, budget);
    }
  }
}

/// Of equal losses the fewer bytes.
TEST(BitAllocation, ties_take_fewer_bytes) {
  std::vector<std::vector<FormCost>> layers = {{{10, 1}, {20, 1}, {30, 0.5}, {40, 0.5}}, {{10, 2}, {20, 2}}};
  EXPECT_EQ(*allocateBits(layers, 100), (std::vector<size_t>{2, 0}));
  EXPECT_EQ(allocateBits(layers, 19), std::nullopt);
}

/// A loss that is little enough needs no more bytes; one that cannot be reached gives the least there is.
TEST(BitAllocation, stops_at_enough) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 40; ++trial) {
    std::vector<std::vector<FormCost>> layers(4);
    for (std::vector<FormCost> &forms : layers)
      for (int form = 0; form < 4; ++form)
        forms.push_back({static_cast<int64_t>(random() % 50 + 1), static_cast<double>(random() % 1000)});
    constexpr int64_t ample = 200;
    for (double enough : {0.0, 300.0, 1000.0, 4000.0}) {
      std::pair<double, int64_t> best(std::numeric_limits<double>::infinity(), 0);
      for (int choice = 0; choice < 256; ++choice) {
        std::vector<size_t> picks;
        for (int i = 0; i < 4; ++i)
          picks.push_back(choice >> (2 * i) & 3);
        int64_t bytes;
        double loss = std::max(enough, lossOf(layers, picks, bytes));
        best = std::min(best, std::make_pair(loss, bytes));
      }
      int64_t bytes;
      double loss = lossOf(layers, *allocateBits(layers, ample, enough), bytes);
      EXPECT_EQ(std::make_pair(std::max(enough, loss), bytes), best);
    }
  }
}

/// Sizes far beyond the table: within a thousandth of the bound that taking parts of forms gives.
TEST(BitAllocation, great_sizes_are_near_the_optimum) {
  std::mt19937_64 random(9);
  std::vector<std::vector<FormCost>> layers(200);
  int64_t total = 0;
  for (std::vector<FormCost> &forms : layers) {
    auto size = static_cast<int64_t>(10'000'000 + random() % 40'000'001);
    double loss = static_cast<double>(random() % 1000 + 1);
    for (int bits : {2, 3, 4, 5, 6, 8})
      forms.push_back({size * bits / 8, loss / std::pow(4.0, bits)});
    total += size;
  }
  int64_t budget = total / 2, bytes;
  std::vector<size_t> picks = *allocateBits(layers, budget);
  double loss = lossOf(layers, picks, bytes);
  EXPECT_LE(bytes, budget);
  double bound = 0; // of the Lagrangian, at its best rate
  for (double rate = 1e-12; rate < 1e-3; rate *= 1.01) {
    double sum = -rate * static_cast<double>(budget);
    for (const std::vector<FormCost> &forms : layers) {
      double least = std::numeric_limits<double>::infinity();
      for (const FormCost &form : forms)
        least = std::min(least, form.loss + rate * static_cast<double>(form.cost));
      sum += least;
    }
    bound = std::max(bound, sum);
  }
  EXPECT_LE(loss, bound * 1.003);
}

/// Two budgets: what there is keeps both, and is the best of all 4096 choices or near it.
TEST(BitAllocation, keeps_two_budgets) {
  std::mt19937 random(11);
  double found = 0, exact = 0;
  for (int trial = 0; trial < 60; ++trial) {
    std::vector<std::vector<FormCost>> layers(6);
    FormCost least{}, most{};
    for (std::vector<FormCost> &forms : layers) {
      FormCost form{0, 1 + static_cast<double>(random() % 1000) / 100, 0};
      for (int index = 0; index < 4; ++index) { // more bytes lose less, and are sometimes quicker
        form.cost += static_cast<int64_t>(random() % 50 + 1);
        form.loss *= static_cast<double>(random() % 100) / 100;
        form.second = static_cast<int64_t>(random() % 60 + 1);
        forms.push_back(form);
      }
      least.cost += forms.front().cost;
      most.cost += forms.back().cost;
    }
    for (int64_t second : {20, 90, 150, 220, 400}) {
      int64_t budget = (least.cost + most.cost) / 2;
      double best = std::numeric_limits<double>::infinity();
      for (int choice = 0; choice < 4096; ++choice) {
        FormCost sum{};
        for (int i = 0; i < 6; ++i) {
          const FormCost &own = layers[i][choice >> (2 * i) & 3];
          sum = {sum.cost + own.cost, sum.loss + own.loss, sum.second + own.second};
        }
        if (sum.cost <= budget && sum.second <= second)
          best = std::min(best, sum.loss);
      }
      std::optional<std::vector<size_t>> picks = allocateWithinBoth(layers, budget, second);
      ASSERT_EQ(picks.has_value(), std::isfinite(best));
      if (!picks)
        continue;
      FormCost sum{};
      for (int i = 0; i < 6; ++i) {
        const FormCost &own = layers[i][(*picks)[i]];
        sum = {sum.cost + own.cost, sum.loss + own.loss, sum.second + own.second};
      }
      EXPECT_LE(sum.cost, budget);
      EXPECT_LE(sum.second, second);
      found += sum.loss;
      exact += best;
    }
  }
  EXPECT_LE(found, exact * 1.02);
}
