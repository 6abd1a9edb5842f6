//===- MemoryProblem.cpp - where each buffer of one call lies --------------===//
#include "lutra/Scheduling/MemoryProblem.h"

#include "lutra/Solver/IntervalPacking.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lutra {

/// Small units are scaled by D: rounding them to a cache line would multiply their memory. 8 keeps all types aligned.
static PackItem makeItem(const MemoryBuffer &buffer) {
  int64_t alignment = buffer.group == 0 || buffer.units >= 8 * arenaAlignment ? arenaAlignment : 8;
  return {buffer.units, buffer.begin, buffer.end + 1, alignment};
}

/// The buffers of one group, and their positions in the problem.
static std::pair<SmallVector<PackItem>, SmallVector<size_t>> selectGroup(const MemoryProblem &problem,
                                                                         unsigned group) {
  SmallVector<PackItem> items;
  SmallVector<size_t> positions;
  for (auto [position, buffer] : llvm::enumerate(problem.buffers))
    if (buffer.group == group) {
      items.push_back(makeItem(buffer));
      positions.push_back(position);
    }
  return {items, positions};
}

MemoryPlan MemoryProblem::solve() const {
  MemoryPlan plan;
  plan.offsets.assign(buffers.size(), 0);
  for (unsigned group = 0; group < groups; ++group) {
    auto [items, positions] = selectGroup(*this, group);
    PackSolution solution = packGreedily(items);
    for (auto [position, offset] : llvm::zip_equal(positions, solution.offsets))
      plan.offsets[position] = offset;
    plan.groupTotals.push_back(solution.total);
    plan.groupBounds.push_back(packLowerBound(items));
  }
  return plan;
}

std::string MemoryProblem::verify(const MemoryPlan &plan) const {
  if (plan.offsets.size() != buffers.size() || plan.groupTotals.size() != groups)
    return "has " + std::to_string(plan.offsets.size()) + " offsets in " +
           std::to_string(plan.groupTotals.size()) + " groups for " +
           std::to_string(buffers.size()) + " buffers in " + std::to_string(groups);
  for (unsigned group = 0; group < groups; ++group) {
    auto [items, positions] = selectGroup(*this, group);
    PackSolution solution;
    for (size_t position : positions)
      solution.offsets.push_back(plan.offsets[position]);
    solution.total = plan.groupTotals[group];
    std::string wrong = checkPacking(items, solution);
    if (!wrong.empty())
      return "group " + std::to_string(group) + ": " + wrong;
  }
  return "";
}

} // namespace lutra
