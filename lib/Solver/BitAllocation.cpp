//===- BitAllocation.cpp - one form for each layer within a size -------------===//
// A table over sizes, layer by layer: least[b] is the least loss of the layers so far in at most b units. The greedy
// walk starts at the smallest forms and takes the step along a hull that saves the most loss for a byte.
#include "lutra/Solver/BitAllocation.h"

#include <algorithm>
#include <limits>
#include <numeric>

using namespace lutra;

using Layers = llvm::ArrayRef<std::vector<FormCost>>;

static size_t smallestOf(const std::vector<FormCost> &forms) {
  size_t best = 0;
  for (size_t i = 1; i < forms.size(); ++i)
    if (std::make_pair(forms[i].cost, forms[i].loss) < std::make_pair(forms[best].cost, forms[best].loss))
      best = i;
  return best;
}

static std::pair<double, int64_t> costOf(Layers layers, llvm::ArrayRef<size_t> picks) {
  std::pair<double, int64_t> cost(0, 0);
  for (size_t i = 0; i < layers.size(); ++i) {
    cost.first += layers[i][picks[i]].loss;
    cost.second += layers[i][picks[i]].cost;
  }
  return cost;
}

static std::vector<size_t> allocateGreedily(Layers layers, int64_t budget, double enough) {
  std::vector<size_t> picks;
  for (const std::vector<FormCost> &forms : layers)
    picks.push_back(smallestOf(forms));
  int64_t left = budget - costOf(layers, picks).second;
  for (;;) {
    double bestRate = 0;
    size_t bestLayer = 0, bestForm = 0;
    for (size_t layer = 0; layer < layers.size(); ++layer) {
      const FormCost &now = layers[layer][picks[layer]];
      for (size_t form = 0; form < layers[layer].size(); ++form) {
        int64_t more = layers[layer][form].cost - now.cost;
        double saved = now.loss - layers[layer][form].loss;
        if (more <= 0 || more > left || saved / static_cast<double>(more) <= bestRate)
          continue;
        bestRate = saved / static_cast<double>(more);
        bestLayer = layer;
        bestForm = form;
      }
    }
    if (bestRate == 0 || costOf(layers, picks).first <= enough)
      return picks;
    left -= layers[bestLayer][bestForm].cost - layers[bestLayer][picks[bestLayer]].cost;
    picks[bestLayer] = bestForm;
  }
}

/// The table, in units; nothing where rounding up leaves no room.
static std::optional<std::vector<size_t>> allocateByTable(Layers layers, int64_t budget, int64_t unit, double enough) {
  int64_t units = budget / unit;
  constexpr double never = std::numeric_limits<double>::infinity();
  std::vector<double> least(units + 1, 0);
  std::vector<std::vector<uint8_t>> picked;
  for (const std::vector<FormCost> &forms : layers) {
    std::vector<double> next(units + 1, never);
    std::vector<uint8_t> &own = picked.emplace_back(units + 1);
    for (size_t form = 0; form < forms.size(); ++form) {
      int64_t size = (forms[form].cost + unit - 1) / unit;
      for (int64_t total = size; total <= units; ++total) {
        double loss = least[total - size] + forms[form].loss;
        if (loss < next[total]) {
          next[total] = loss;
          own[total] = form;
        }
      }
    }
    least = std::move(next);
  }
  if (least[units] == never)
    return std::nullopt;
  // As few units as reach the least loss, or one that is little enough.
  double aim = std::max(least[units], enough);
  int64_t total = std::lower_bound(least.begin(), least.end(), aim, std::greater<>()) - least.begin();
  std::vector<size_t> picks(layers.size());
  for (size_t layer = layers.size(); layer-- > 0;) {
    picks[layer] = picked[layer][total];
    total -= (layers[layer][picks[layer]].cost + unit - 1) / unit;
  }
  return picks;
}

std::optional<std::vector<size_t>> lutra::allocateBits(Layers layers, int64_t budget, double enough) {
  std::vector<size_t> greedy = allocateGreedily(layers, budget, enough);
  if (costOf(layers, greedy).second > budget)
    return std::nullopt;
  int64_t divisor = 0;
  for (const std::vector<FormCost> &forms : layers)
    for (const FormCost &form : forms)
      divisor = std::gcd(divisor, form.cost);
  constexpr int64_t mostUnits = 1 << 18;
  int64_t unit = std::max<int64_t>({1, divisor, (budget + mostUnits - 1) / mostUnits});
  std::optional<std::vector<size_t>> exact = allocateByTable(layers, budget, unit, enough);
  auto rank = [&](llvm::ArrayRef<size_t> picks) {
    auto [loss, cost] = costOf(layers, picks);
    return std::make_pair(std::max(loss, enough), cost);
  };
  return exact && rank(*exact) < rank(greedy) ? *exact : greedy;
}
