//===- Distribution.cpp - which thread holds which element of a tile -------===//
#include "Distribution.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lutra {

SmallVector<int64_t, 2> getPaddedShape(TileType type) {
  SmallVector<int64_t, 2> shape;
  for (int64_t size : type.getShape())
    shape.push_back(llvm::PowerOf2Ceil(std::max<int64_t>(size, 1)));
  return shape;
}

std::optional<LinearLayout> getAccumulatorLayout(TileType type, const NVGPUArch &arch) {
  ArrayRef<int64_t> shape = type.getShape();
  if (shape.size() != 2 || !llvm::isPowerOf2_64(shape[0]) || !llvm::isPowerOf2_64(shape[1]))
    return std::nullopt;
  int64_t rows = shape[0], columns = shape[1];
  if (arch.wgmma && rows % 64 == 0 && rows <= 128 && columns >= 16 && columns <= 256)
    return LinearLayout::wgmmaAccumulator(rows, columns);
  // Two rows and two columns of warps, or four columns when there are 16 rows.
  unsigned rowBits = rows >= 32 ? 1 : 0;
  if (rows < 16 || rows > 128 || columns < 16 << (blockWarpBits - rowBits) || columns > 256)
    return std::nullopt;
  return LinearLayout::mmaAccumulator(rows, columns, rowBits, blockWarpBits - rowBits);
}

static int64_t elementBytes(Type type) {
  return type.isIndex() ? 4 : std::max(1u, type.getIntOrFloatBitWidth() / 8);
}

namespace {
/// Values that share a layout, and the layout once it is known.
class Classes {
public:
  void add(Value value) {
    if (isa<TileType>(value.getType()) && members.insert({value, {}}).second)
      classes.insert(value);
  }
  void join(Value a, Value b) {
    if (isa<TileType>(a.getType()) &&
        cast<TileType>(a.getType()).getShape() == cast<TileType>(b.getType()).getShape())
      classes.unionSets(a, b);
  }
  std::optional<LinearLayout> &layoutOf(Value value) {
    return members[classes.getLeaderValue(value)];
  }
  /// The first value of the largest class that has no layout yet.
  Value findLargest() {
    Value largest;
    int64_t best = -1;
    for (auto &[value, unused] : members) {
      int64_t elements = ShapedType::getNumElements(getPaddedShape(cast<TileType>(value.getType())));
      if (elements > best && !layoutOf(value)) {
        best = elements;
        largest = value;
      }
    }
    return largest;
  }
  int64_t widestElement(Value value) {
    int64_t bytes = 1;
    for (Value member : classes.members(value))
      bytes = std::max(bytes, elementBytes(cast<TileType>(member.getType()).getElementType()));
    return bytes;
  }
  llvm::MapVector<Value, std::optional<LinearLayout>> members;

private:
  llvm::EquivalenceClasses<Value> classes;
};
} // namespace

static void joinControlFlow(Operation *op, Classes &classes) {
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    auto yielded = loop.getYieldedValues();
    for (auto [init, arg, next, result] : llvm::zip_equal(
             loop.getInitArgs(), loop.getRegionIterArgs(), yielded, loop.getResults())) {
      classes.join(init, arg);
      classes.join(arg, next);
      classes.join(arg, result);
    }
  } else if (auto branch = dyn_cast<scf::IfOp>(op); branch && branch.getNumResults()) {
    for (auto [result, yes, no] :
         llvm::zip_equal(branch.getResults(), branch.thenYield().getOperands(),
                         branch.elseYield().getOperands())) {
      classes.join(result, yes);
      classes.join(result, no);
    }
  }
}

static void joinOp(Operation *op, Classes &classes) {
  joinControlFlow(op, classes);
  if (auto product = dyn_cast<TileMatmulOp>(op))
    classes.join(product.getAcc(), product.getResult());
  if (auto map = dyn_cast<TileMapOp>(op))
    for (Value result : map.getResults())
      for (Value input : map.getInputs())
        classes.join(result, input);
  if (auto gather = dyn_cast<TileGatherOp>(op))
    classes.join(gather.getOffsets(), gather.getResult());
}

/// The layout of `small` where it is read against a value of layout `large` (same rank, sizes equal or 1).
static std::optional<LinearLayout> projectOnto(TileType small, const LinearLayout &large) {
  SmallVector<int64_t, 2> shape = getPaddedShape(small);
  if (shape.size() != large.getRank())
    return std::nullopt;
  SmallVector<bool> removed;
  for (auto [mine, theirs] : llvm::zip_equal(shape, large.getShape())) {
    if (mine != theirs && mine != 1)
      return std::nullopt;
    removed.push_back(mine == 1);
  }
  return large.project(removed);
}

/// Passes known layouts on to the classes that depend on them; true when something was learnt.
static bool propagate(Operation *op, Classes &classes) {
  bool changed = false;
  if (auto map = dyn_cast<TileMapOp>(op)) {
    std::optional<LinearLayout> large = classes.layoutOf(map.getResult(0));
    if (large)
      for (Value input : map.getInputs()) {
        std::optional<LinearLayout> &mine = classes.layoutOf(input);
        if (mine)
          continue;
        mine = projectOnto(cast<TileType>(input.getType()), *large);
        changed |= mine.has_value();
      }
  } else if (auto reduce = dyn_cast<TileReduceOp>(op)) {
    std::optional<LinearLayout> input = classes.layoutOf(reduce.getInput());
    std::optional<LinearLayout> &mine = classes.layoutOf(reduce.getResult());
    if (input && !mine) {
      SmallVector<bool> removed(input->getRank(), false);
      removed.back() = true;
      mine = input->project(removed);
      if (cast<TileType>(reduce.getType()).getShape().size() < input->getRank())
        mine = mine->dropDim(input->getRank() - 1);
      changed = true;
    }
  }
  return changed;
}

Distribution::Distribution(FunctionOpInterface kernel, const NVGPUArch &arch) {
  Classes classes;
  SmallVector<Operation *> ops;
  kernel->walk<WalkOrder::PreOrder>([&](Operation *op) {
    ops.push_back(op);
    for (Value result : op->getResults())
      classes.add(result);
    for (Region &region : op->getRegions())
      for (BlockArgument argument : region.getArguments())
        classes.add(argument);
  });
  for (Operation *op : ops)
    joinOp(op, classes);
  for (Operation *op : ops)
    if (auto product = dyn_cast<TileMatmulOp>(op))
      classes.layoutOf(product.getResult()) =
          getAccumulatorLayout(cast<TileType>(product.getType()), arch);

  for (;;) {
    bool changed = true;
    while (changed) {
      changed = false;
      for (Operation *op : ops)
        changed |= propagate(op, classes);
    }
    Value next = classes.findLargest();
    if (!next)
      break;
    classes.layoutOf(next) = LinearLayout::blocked(getPaddedShape(cast<TileType>(next.getType())),
                                                   16 / classes.widestElement(next), blockWarpBits);
  }
  for (auto &[value, unused] : classes.members)
    layouts[value] = *classes.layoutOf(value);
}

const LinearLayout &Distribution::get(Value tile) const {
  auto found = layouts.find(tile);
  assert(found != layouts.end() && "every tile value has a layout");
  return found->second;
}

} // namespace lutra
