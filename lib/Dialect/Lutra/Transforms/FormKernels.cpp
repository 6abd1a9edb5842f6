//===- FormKernels.cpp - graph ops become kernels and launches -----------------------===//
//   1. Sizes of intermediate values are written as formulas of the inputs' sizes, next to the values.
//   2. Transposes that move only dimensions of size 1 become reshapes, which stay in @main as views;
//      transposes before a product become its flags.
//   3. Ops are grouped (FormKernelsGroups.cpp) and each group outlined. Constants and Free ops
//      are copied in; equal kernels are made once.
//   4. A result that would be an argument, a weight or another result gets a kernel that copies it.
// A branch (scf.if) has its own block: groups do not cross its border, its results are treated as those of @main, and
// the sizes of its values are computed before it.
#include "FormKernelsGroups.h"
#include "TileTargetNames.h"

#include "lutra/Dialect/Lutra/Transforms/Passes.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;
using namespace lutra;

#define DEBUG_TYPE "lutra-form-kernels"

namespace lutra {
#define GEN_PASS_DEF_FORMKERNELS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {

/// Sizes of every value of @main as index values that depend on arguments alone.
class SizeTable {
public:
  explicit SizeTable(func::FuncOp function) : function(function) {}

  LogicalResult build() { return buildBlock(function.getBody().front()); }
  /// One value per dynamic dimension of `value`.
  SmallVector<Value> dynamicSizes(Value value);

private:
  LogicalResult buildBlock(Block &block);
  LogicalResult buildBranch(scf::IfOp branch);
  Value get(Value value, int64_t dim);
  func::FuncOp function;
  DenseMap<Value, SmallVector<OpFoldResult>> table;
};

struct FormKernels final : lutra::impl::FormKernelsBase<FormKernels> {
  using Base::Base;
  void runOnOperation() override;

private:
  LogicalResult runOnMain(func::FuncOp function);
  void outline(const KernelGroup &group, SizeTable &sizes);
  void copyResults(Operation *terminator, SizeTable &sizes);
  /// The kernel of that body, made before or now.
  KernelOp intern(KernelOp kernel);
  /// Launches `kernel` on `inputs` at the builder's position.
  LaunchOp launch(OpBuilder &builder, Location loc, KernelOp kernel, ValueRange inputs, ValueRange sizes);

  SmallVector<const TileTarget *> levels;
  llvm::StringMap<KernelOp> kernels; // printed body -> kernel
  unsigned count = 0;
};
} // namespace

Value SizeTable::get(Value value, int64_t dim) {
  auto known = table.find(value);
  if (known == table.end())
    return {};
  OpFoldResult size = known->second[dim];
  if (auto result = dyn_cast<Value>(size))
    return result;
  return {};
}

/// The entry block and those of branches, outer ones first.
static SmallVector<Block *> blocksOf(func::FuncOp function) {
  SmallVector<Block *> blocks;
  function.walk<WalkOrder::PreOrder>([&](Block *block) {
    if (isa<func::FuncOp, scf::IfOp>(block->getParentOp()))
      blocks.push_back(block);
  });
  return blocks;
}

template <typename OpTy>
static SmallVector<OpTy> collectOps(func::FuncOp function) {
  SmallVector<OpTy> ops;
  for (Block *block : blocksOf(function))
    llvm::append_range(ops, block->getOps<OpTy>());
  return ops;
}

/// Moves index arithmetic that needs nothing of `branch` before it.
static void hoistSizes(scf::IfOp branch) {
  for (Region &region : branch->getRegions())
    for (Operation &op : llvm::make_early_inc_range(region.getOps())) {
      bool isSize = isa<tensor::DimOp>(op) ||
                    isa_and_nonnull<arith::ArithDialect, affine::AffineDialect>(op.getDialect());
      if (isSize && op.getNumRegions() == 0 && llvm::none_of(op.getOperands(), [&](Value operand) {
            return branch->isAncestor(operand.getParentRegion()->getParentOp());
          }))
        op.moveBefore(branch);
    }
}

/// The sizes of a branch's results are those of what its first region yields; the memory plan compares both.
LogicalResult SizeTable::buildBranch(scf::IfOp branch) {
  for (Region &region : branch->getRegions())
    if (!region.empty() && failed(buildBlock(region.front())))
      return failure();
  hoistSizes(branch);
  for (auto [result, yielded] : llvm::zip(branch.getResults(), branch.thenYield().getResults())) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type || type.hasStaticShape())
      continue;
    OpBuilder builder(branch);
    SmallVector<OpFoldResult> shape;
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      if (!ShapedType::isDynamic(size)) {
        shape.push_back(builder.getIndexAttr(size));
        continue;
      }
      bool isOutside = !branch->isAncestor(yielded.getParentRegion()->getParentOp());
      Value known = get(yielded, dim);
      if (!known && isOutside)
        known = tensor::DimOp::create(builder, branch.getLoc(), yielded, dim);
      if (!known || branch->isAncestor(known.getParentRegion()->getParentOp()))
        return emitCodedError(branch.getLoc(), ErrorCode::UnsupportedOp)
               << "a branch decides how large its result is; give both branches results whose sizes follow from the "
                  "inputs' sizes";
      shape.push_back(known);
    }
    table[result] = std::move(shape);
  }
  return success();
}

LogicalResult SizeTable::buildBlock(Block &block) {
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  auto resolve = [&](tensor::DimOp dim) {
    std::optional<int64_t> position = dim.getConstantIndex();
    if (!position)
      return;
    if (Value size = get(dim.getSource(), *position)) {
      dim.getResult().replaceAllUsesWith(size);
      dim.erase();
    }
  };
  for (Operation *op : ops) {
    if (auto dim = dyn_cast<tensor::DimOp>(op)) {
      resolve(dim);
      continue;
    }
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      if (failed(buildBranch(branch)))
        return failure();
      continue;
    }
    if (!isa_and_nonnull<LutraDialect>(op->getDialect()) || !isa<ReifyRankedShapedTypeOpInterface>(op))
      continue;
    bool isStatic = llvm::all_of(op->getResultTypes(), [](Type type) {
      return cast<RankedTensorType>(type).hasStaticShape();
    });
    if (isStatic)
      continue;
    OpBuilder builder(op->getContext());
    builder.setInsertionPointAfter(op);
    Operation *end = op->getNextNode();
    ReifiedRankedShapedTypeDims shapes;
    if (failed(reifyResultShapes(builder, op, shapes)))
      return op->emitOpError("does not say the sizes of its results");
    for (auto [result, shape] : llvm::zip_equal(op->getResults(), shapes))
      table[result] = SmallVector<OpFoldResult>(shape);
    SmallVector<tensor::DimOp> dims;
    for (Operation *made = op->getNextNode(); made != end; made = made->getNextNode())
      if (auto dim = dyn_cast<tensor::DimOp>(made))
        dims.push_back(dim);
    for (tensor::DimOp dim : dims) {
      std::optional<int64_t> position = dim.getConstantIndex();
      Value size = position ? get(dim.getSource(), *position) : Value();
      if (!size)
        continue;
      for (auto &[value, shape] : table)
        if (value.getDefiningOp() == op)
          for (OpFoldResult &entry : shape)
            if (auto old = dyn_cast<Value>(entry); old && old == dim.getResult())
              entry = size;
      dim.getResult().replaceAllUsesWith(size);
      dim.erase();
    }
  }
  return success();
}

SmallVector<Value> SizeTable::dynamicSizes(Value value) {
  SmallVector<Value> sizes;
  auto type = cast<RankedTensorType>(value.getType());
  auto known = table.find(value);
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (!type.isDynamicDim(dim))
      continue;
    if (Value size = get(value, dim)) {
      sizes.push_back(size);
      continue;
    }
    // A number where the type says nothing, or the size of an argument.
    OpBuilder builder(function.getContext());
    if (known != table.end()) {
      builder.setInsertionPointToStart(&function.getBody().front());
      sizes.push_back(getValueOrCreateConstantIndexOp(builder, value.getLoc(), known->second[dim]));
    } else {
      builder.setInsertionPointAfterValue(value);
      sizes.push_back(tensor::DimOp::create(builder, value.getLoc(), value, dim));
    }
  }
  return sizes;
}

/// A matmul reads a matrix either way. A transpose that swaps the last two dimensions becomes a flag; of one
/// that also moves others, what is left keeps its last dimension and copies whole rows.
static void foldTransposes(func::FuncOp function) {
  for (MatmulOp product : collectOps<MatmulOp>(function)) {
    for (unsigned side : {0, 1}) {
      auto transpose = product->getOperand(side).getDefiningOp<TransposeOp>();
      if (!transpose || transpose.getPermutation().size() < 2)
        continue;
      SmallVector<int64_t> swapped(transpose.getPermutation());
      int64_t last = swapped.size() - 1;
      std::swap(swapped[last], swapped[last - 1]);
      bool isSwap = llvm::equal(swapped, llvm::seq<int64_t>(0, last + 1));
      bool helps = swapped[last] == last && transpose->hasOneUse();
      if (!isSwap && !helps)
        continue;
      Value operand = transpose.getInput();
      if (!isSwap) {
        OpBuilder builder(transpose);
        auto type = cast<RankedTensorType>(transpose.getType());
        SmallVector<int64_t> shape(type.getShape());
        std::swap(shape[last], shape[last - 1]);
        operand = TransposeOp::create(builder, transpose.getLoc(), RankedTensorType::get(shape, type.getElementType()),
                                      operand, swapped);
      }
      product->setOperand(side, operand);
      if (side == 0)
        product.setTransposeLhs(!product.getTransposeLhs());
      else
        product.setTransposeRhs(!product.getTransposeRhs());
      if (transpose->use_empty())
        transpose.erase();
    }
  }
}

/// Transposes without data movement: the dimensions larger than 1 keep their order.
static void relabelTransposes(func::FuncOp function, SizeTable &sizes) {
  for (TransposeOp op : collectOps<TransposeOp>(function)) {
    auto in = cast<RankedTensorType>(op.getInput().getType());
    int64_t last = -1;
    bool moves = false;
    for (int64_t source : op.getPermutation()) {
      if (in.getDimSize(source) == 1)
        continue;
      moves |= source < last;
      last = source;
    }
    if (moves)
      continue;
    OpBuilder builder(op);
    builder.setInsertionPointAfter(op);
    // Its sizes stand after it; the reshape comes after these.
    SmallVector<Value> dynamic = sizes.dynamicSizes(op.getResult());
    for (Value size : dynamic)
      if (Operation *def = size.getDefiningOp(); def && def->getBlock() == op->getBlock() && op->isBeforeInBlock(def))
        builder.setInsertionPointAfter(def);
    auto reshape = ReshapeOp::create(builder, op.getLoc(), op.getType(), op.getInput(), dynamic);
    op.getResult().replaceAllUsesWith(reshape.getResult());
  }
}

KernelOp FormKernels::intern(KernelOp kernel) {
  // Names of values are numbered in order: equal bodies print equally.
  kernel.setName("k");
  std::string text;
  llvm::raw_string_ostream stream(text);
  kernel->print(stream, OpPrintingFlags().useLocalScope());
  auto [entry, isNew] = kernels.try_emplace(text, kernel);
  if (!isNew) {
    kernel.erase();
    return entry->second;
  }
  kernel.setName("k" + std::to_string(count++));
  return kernel;
}

LaunchOp FormKernels::launch(OpBuilder &builder, Location loc, KernelOp kernel, ValueRange inputs,
                             ValueRange sizes) {
  return LaunchOp::create(builder, loc, kernel.getResultTypes(), kernel.getName(), inputs, sizes, ValueRange());
}

void FormKernels::outline(const KernelGroup &group, SizeTable &sizes) {
  Operation *sink = group.sink;
  SmallVector<Operation *> members(group.members.begin(), group.members.end());
  llvm::sort(members, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  llvm::SetVector<Value> inputs;
  llvm::SetVector<Operation *> copied;
  llvm::SmallPtrSet<Operation *, 16> inside(members.begin(), members.end());
  std::function<void(Operation *)> collect = [&](Operation *op) {
    for (Value operand : op->getOperands()) {
      Operation *def = operand.getDefiningOp();
      if (def && inside.contains(def))
        continue;
      bool isCopied = def && (isa<ConstantOp, arith::ConstantOp>(def) || getFusionClass(def) == FusionClass::Free);
      if (!isCopied) {
        inputs.insert(operand);
        continue;
      }
      if (copied.contains(def))
        continue;
      collect(def); // one level: a Free op's operands are indices
      copied.insert(def);
    }
  };
  for (Operation *op : members)
    collect(op);

  OpBuilder builder(&getContext());
  builder.setInsertionPoint(sink->getParentOfType<func::FuncOp>());
  SmallVector<Value> wanted(sink->getResults());
  for (Operation *op : group.kept)
    wanted.push_back(op->getResult(0));
  auto type = builder.getFunctionType(llvm::to_vector(ValueRange(inputs.getArrayRef()).getTypes()),
                                      llvm::to_vector(ValueRange(wanted).getTypes()));
  auto kernel = KernelOp::create(builder, sink->getLoc(), "k", type);
  Block *body = builder.createBlock(&kernel.getBody());
  IRMapping mapping;
  for (Value input : inputs)
    mapping.map(input, body->addArgument(input.getType(), input.getLoc()));
  for (Operation *op : copied)
    builder.clone(*op, mapping);
  for (Operation *op : members)
    builder.clone(*op, mapping);
  SmallVector<Value> results;
  for (Value result : wanted)
    results.push_back(mapping.lookup(result));
  YieldOp::create(builder, sink->getLoc(), results);

  auto opts = remark::RemarkOpts::name("FormKernels").category(DEBUG_TYPE);
  remark::passed(sink->getLoc(), opts)
      << "kernel of " << remark::metric("Ops", static_cast<int64_t>(members.size()))
      << (group.root ? group.root->getName().getStringRef() : StringRef("pointwise"));
  kernel = intern(kernel);

  // Sizes may stand after the sink.
  SmallVector<Value> dynamic;
  builder.setInsertionPointAfter(sink);
  for (Value result : wanted)
    for (Value size : sizes.dynamicSizes(result)) {
      dynamic.push_back(size);
      Operation *def = size.getDefiningOp();
      if (def && def->getBlock() == sink->getBlock() && builder.getInsertionPoint() != sink->getBlock()->end() &&
          !def->isBeforeInBlock(&*builder.getInsertionPoint()))
        builder.setInsertionPointAfter(def);
    }
  LaunchOp op = launch(builder, sink->getLoc(), kernel, inputs.getArrayRef(), dynamic);
  for (auto [value, result] : llvm::zip_equal(wanted, op.getResults()))
    value.replaceUsesWithIf(result, [&](OpOperand &use) { return !inside.contains(use.getOwner()); });
}

void FormKernels::copyResults(Operation *terminator, SizeTable &sizes) {
  llvm::SmallPtrSet<Value, 8> taken;
  for (OpOperand &operand : terminator->getOpOperands()) {
    Value base = operand.get();
    if (!isa<RankedTensorType>(base.getType()))
      continue;
    while (auto reshape = base.getDefiningOp<ReshapeOp>())
      base = reshape.getInput();
    Operation *producer = base.getDefiningOp();
    if (isa_and_nonnull<LaunchOp, scf::IfOp>(producer) && producer->getBlock() == terminator->getBlock() &&
        taken.insert(base).second)
      continue;
    // Outlined like any group: a kernel that yields its argument.
    OpBuilder builder(terminator->getParentOfType<func::FuncOp>());
    Value value = operand.get();
    Location loc = terminator->getLoc();
    auto kernel = KernelOp::create(builder, loc, "k", builder.getFunctionType(value.getType(), value.getType()));
    Block *body = builder.createBlock(&kernel.getBody());
    YieldOp::create(builder, loc, ValueRange(body->addArgument(value.getType(), loc)));
    kernel = intern(kernel);
    builder.setInsertionPoint(terminator);
    SmallVector<Value> dynamic;
    auto type = cast<RankedTensorType>(value.getType());
    for (int64_t dim = 0; dim < type.getRank(); ++dim)
      if (type.isDynamicDim(dim))
        dynamic.push_back(tensor::DimOp::create(builder, loc, base == value ? value : base, dim));
    if (base != value)
      dynamic = sizes.dynamicSizes(value);
    operand.set(launch(builder, loc, kernel, value, dynamic).getResult(0));
  }
}

/// Canonicalization makes this of a branch whose ops went elsewhere.
static void nameSelects(func::FuncOp function) {
  for (auto select : collectOps<arith::SelectOp>(function)) {
    auto extract = select.getCondition().getDefiningOp<tensor::ExtractOp>();
    if (!isa<RankedTensorType>(select.getType()) || !extract || !extract.getIndices().empty())
      continue;
    OpBuilder builder(select);
    Value named = SelectOp::create(builder, select.getLoc(), select.getType(), extract.getTensor(),
                                   select.getTrueValue(), select.getFalseValue());
    select.replaceAllUsesWith(named);
    select.erase();
  }
}

LogicalResult FormKernels::runOnMain(func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return emitCodedError(function.getLoc(), ErrorCode::UnsupportedOp)
           << "@" << function.getSymName() << " has several blocks, but kernels are formed in one; branch with scf.if";
  nameSelects(function);
  SmallVector<Block *> blocks = blocksOf(function);
  bool isFormed = !collectOps<LaunchOp>(function).empty();
  for (Block *block : blocks)
    isFormed &= llvm::none_of(*block, [](Operation &op) {
      return getFusionClass(&op) != FusionClass::Outside || isa<ConstantOp, WeightOp>(op);
    });
  if (isFormed)
    return success();
  foldTransposes(function);
  SizeTable sizes(function);
  if (failed(sizes.build()))
    return failure();
  relabelTransposes(function, sizes);
  // Dead ops would become kernels. Sizes have no users yet.
  for (Block *block : llvm::reverse(blocks))
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
      if (isa_and_nonnull<LutraDialect>(op.getDialect()) && isOpTriviallyDead(&op))
        op.erase();
  std::vector<std::vector<KernelGroup>> groups; // of each block
  llvm::SmallPtrSet<Operation *, 32> grouped;
  for (Block *block : blocks) {
    groups.push_back(formGroups(*block, {maxOps, levels}));
    for (const KernelGroup &group : groups.back())
      grouped.insert(group.members.begin(), group.members.end());
  }
  for (auto [block, own] : llvm::zip_equal(blocks, groups)) {
    // A reshape that feeds only results or kernels is a view of whatever it reads. One of a Free op
    // needs something to view: that op then ends a group.
    for (Operation &op : *block) {
      bool needed = getFusionClass(&op) == FusionClass::Free &&
                    llvm::any_of(op.getUsers(), [&](Operation *user) { return !grouped.contains(user); });
      if (needed) {
        KernelGroup group;
        group.sink = &op;
        group.members.insert(&op);
        own.push_back(std::move(group));
      }
    }
    llvm::sort(own, [](const KernelGroup &a, const KernelGroup &b) { return a.sink->isBeforeInBlock(b.sink); });
    for (const KernelGroup &group : own)
      outline(group, sizes);
  }
  for (Block *block : llvm::reverse(blocks))
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
      if (isOpTriviallyDead(&op))
        op.erase();
  for (Block *block : blocksOf(function)) // a branch without users is gone
    copyResults(block->getTerminator(), sizes);
  return success();
}

/// Whether memory is planned already: buffers come in, nothing is left to group.
static bool isPlanned(func::FuncOp function) {
  return llvm::any_of(function.getArgumentTypes(), [](Type type) { return isa<MemRefType>(type); });
}

void FormKernels::runOnOperation() {
  FailureOr<SmallVector<const TileTarget *>> found = findTileTargets(targets, getOperation().getLoc());
  if (failed(found))
    return signalPassFailure();
  levels = *found;
  for (auto kernel : getOperation().getOps<KernelOp>()) {
    (void)kernel;
    ++count; // names after those of an earlier run
  }
  for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>()))
    if (!function.isDeclaration() && !function->hasAttr("lutra.kernel") && function.isPublic() &&
        !isPlanned(function))
      if (failed(runOnMain(function)))
        return signalPassFailure();
}
