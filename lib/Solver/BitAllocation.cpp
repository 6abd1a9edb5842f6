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

/// Sums over layers.
static FormCost sumOf(Layers layers, llvm::ArrayRef<size_t> picks) {
  FormCost sum;
  for (size_t i = 0; i < layers.size(); ++i) {
    const FormCost &own = layers[i][picks[i]];
    sum = {sum.cost + own.cost, sum.loss + own.loss, sum.second + own.second};
  }
  return sum;
}

/// Replaces one form, or two of different layers, as long as that loses less within both budgets.
static void improveWithin(Layers layers, int64_t budget, int64_t second, std::vector<size_t> &picks) {
  for (bool changed = true; changed;) {
    changed = false;
    FormCost sum = sumOf(layers, picks);
    double bestChange = 0;
    std::vector<size_t> best;
    auto consider = [&](const FormCost &change, llvm::ArrayRef<std::pair<size_t, size_t>> changes) {
      // Sums of floats are not associative: what is no gain in exact numbers must not be one here, or this never ends.
      if (sum.cost + change.cost > budget || sum.second + change.second > second ||
          !(change.loss < bestChange - 1e-12 * sum.loss))
        return;
      bestChange = change.loss;
      best = picks;
      for (auto [layer, form] : changes)
        best[layer] = form;
    };
    auto changeOf = [&](size_t layer, size_t form) {
      const FormCost &from = layers[layer][picks[layer]], &to = layers[layer][form];
      return FormCost{to.cost - from.cost, to.loss - from.loss, to.second - from.second};
    };
    for (size_t a = 0; a < layers.size(); ++a)
      for (size_t form = 0; form < layers[a].size(); ++form) {
        FormCost one = changeOf(a, form);
        consider(one, {{a, form}});
        for (size_t b = a + 1; b < layers.size(); ++b)
          for (size_t other = 0; other < layers[b].size(); ++other) {
            FormCost two = changeOf(b, other);
            consider({one.cost + two.cost, one.loss + two.loss, one.second + two.second}, {{a, form}, {b, other}});
          }
      }
    if (!best.empty()) {
      picks = std::move(best);
      changed = true;
    }
  }
}

/// Second costs at a price: the more they cost, the less of them is taken. Halving finds the least price that keeps
/// them within their budget.
std::optional<std::vector<size_t>> lutra::allocateWithinBoth(Layers layers, int64_t budget, int64_t second) {
  auto allocateAt = [&](double price, double weight) {
    std::vector<std::vector<FormCost>> priced(layers.begin(), layers.end());
    for (std::vector<FormCost> &forms : priced)
      for (FormCost &form : forms)
        form.loss = weight * form.loss + price * static_cast<double>(form.second);
    return allocateBits(priced, budget);
  };
  std::optional<std::vector<size_t>> picks = allocateBits(layers, budget);
  if (!picks || sumOf(layers, *picks).second <= second)
    return picks;
  std::optional<std::vector<size_t>> best = allocateAt(1, 0); // the least second costs
  if (sumOf(layers, *best).second > second)
    return std::nullopt;
  auto take = [&](std::vector<size_t> found) {
    improveWithin(layers, budget, second, found);
    if (sumOf(layers, found).loss < sumOf(layers, *best).loss)
      best = std::move(found);
  };
  take(*best);
  FormCost all = sumOf(layers, *picks);
  double high = all.second > 0 ? std::max(all.loss, 1e-300) / static_cast<double>(all.second) : 1, low = 0;
  constexpr int mostDoublings = 60, halvings = 40;
  for (int doubling = 0; doubling < mostDoublings; ++doubling, high *= 2)
    if (sumOf(layers, *allocateAt(high, 1)).second <= second)
      break;
  std::vector<size_t> last;
  for (int step = 0; step < halvings; ++step) {
    double price = (low + high) / 2;
    std::vector<size_t> found = *allocateAt(price, 1);
    bool fits = sumOf(layers, found).second <= second;
    (fits ? high : low) = price;
    if (fits && found != last)
      take(last = std::move(found));
  }
  return best;
}
