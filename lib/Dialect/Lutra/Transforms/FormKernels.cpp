//===- FormKernels.cpp - graph ops become kernels and launches -----------------------===//
//   1. Sizes of intermediate values are written as formulas of the inputs' sizes, next to the values.
//   2. Transposes that move only dimensions of size 1 become reshapes, which stay in @main as views;
//      transposes before a product become its flags.
//   3. Ops are grouped (FormKernelsGroups.cpp) and each group outlined. Constants and Free ops
//      are copied in; equal kernels are made once.
//   4. A result that would be an argument, a weight or another result gets a kernel that copies it.
#include "FormKernelsGroups.h"

#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
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

  LogicalResult build();
  /// One value per dynamic dimension of `value`.
  SmallVector<Value> dynamicSizes(Value value);

private:
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
  void copyResults(func::FuncOp function, SizeTable &sizes);
  /// The kernel of that body, made before or now.
  KernelOp intern(KernelOp kernel);
  /// Launches `kernel` on `inputs` at the builder's position.
  LaunchOp launch(OpBuilder &builder, Location loc, KernelOp kernel, ValueRange inputs, ValueRange sizes);

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

LogicalResult SizeTable::build() {
  SmallVector<Operation *> ops;
  for (Operation &op : function.getBody().front())
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
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(get(value, dim));
  return sizes;
}

/// A matmul reads a matrix either way. A transpose that swaps the last two dimensions becomes a flag; of one
/// that also moves others, what is left keeps its last dimension and copies whole rows.
static void foldTransposes(func::FuncOp function) {
  SmallVector<MatmulOp> products(function.getBody().front().getOps<MatmulOp>());
  for (MatmulOp product : products) {
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
  SmallVector<TransposeOp> ops(function.getBody().front().getOps<TransposeOp>());
  for (TransposeOp op : ops) {
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
  builder.setInsertionPoint(sink->getParentOp());
  auto type = builder.getFunctionType(llvm::to_vector(ValueRange(inputs.getArrayRef()).getTypes()),
                                      sink->getResultTypes());
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
  for (Value result : sink->getResults())
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
  for (Value result : sink->getResults())
    for (Value size : sizes.dynamicSizes(result)) {
      dynamic.push_back(size);
      Operation *def = size.getDefiningOp();
      if (def && def->getBlock() == sink->getBlock() && builder.getInsertionPoint() != sink->getBlock()->end() &&
          !def->isBeforeInBlock(&*builder.getInsertionPoint()))
        builder.setInsertionPointAfter(def);
    }
  LaunchOp op = launch(builder, sink->getLoc(), kernel, inputs.getArrayRef(), dynamic);
  sink->replaceAllUsesWith(op.getResults());
}

void FormKernels::copyResults(func::FuncOp function, SizeTable &sizes) {
  auto returnOp = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  llvm::SmallPtrSet<Value, 8> taken;
  for (OpOperand &operand : returnOp->getOpOperands()) {
    Value base = operand.get();
    if (!isa<RankedTensorType>(base.getType()))
      continue;
    while (auto reshape = base.getDefiningOp<ReshapeOp>())
      base = reshape.getInput();
    if (base.getDefiningOp<LaunchOp>() && taken.insert(base).second)
      continue;
    // Outlined like any group: a kernel that yields its argument.
    OpBuilder builder(function);
    Value value = operand.get();
    Location loc = returnOp.getLoc();
    auto kernel = KernelOp::create(builder, loc, "k", builder.getFunctionType(value.getType(), value.getType()));
    Block *body = builder.createBlock(&kernel.getBody());
    YieldOp::create(builder, loc, ValueRange(body->addArgument(value.getType(), loc)));
    kernel = intern(kernel);
    builder.setInsertionPoint(returnOp);
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

LogicalResult FormKernels::runOnMain(func::FuncOp function) {
  Block &block = function.getBody().front();
  if (llvm::none_of(block, [](Operation &op) {
        FusionClass kind = getFusionClass(&op);
        return kind != FusionClass::Outside || isa<ConstantOp, WeightOp>(op);
      }) &&
      !block.getOps<LaunchOp>().empty())
    return success(); // formed before
  foldTransposes(function);
  SizeTable sizes(function);
  if (failed(sizes.build()))
    return failure();
  relabelTransposes(function, sizes);
  // Dead ops would become kernels. Sizes have no users yet.
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isa_and_nonnull<LutraDialect>(op.getDialect()) && isOpTriviallyDead(&op))
      op.erase();
  // A reshape that feeds only results or kernels is a view of whatever it reads. One of a Free op
  // needs something to view: that op then ends a group.
  std::vector<KernelGroup> groups = formGroups(block, maxOps);
  llvm::SmallPtrSet<Operation *, 32> grouped;
  for (const KernelGroup &group : groups)
    grouped.insert(group.members.begin(), group.members.end());
  for (Operation &op : block) {
    bool needed = getFusionClass(&op) == FusionClass::Free &&
                  llvm::any_of(op.getUsers(), [&](Operation *user) { return !grouped.contains(user); });
    if (needed) {
      KernelGroup group;
      group.sink = &op;
      group.members.insert(&op);
      groups.push_back(std::move(group));
    }
  }
  llvm::sort(groups, [](const KernelGroup &a, const KernelGroup &b) { return a.sink->isBeforeInBlock(b.sink); });
  for (const KernelGroup &group : groups)
    outline(group, sizes);
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
  copyResults(function, sizes);
  return success();
}

/// Whether memory is planned already: buffers come in, nothing is left to group.
static bool isPlanned(func::FuncOp function) {
  return llvm::any_of(function.getArgumentTypes(), [](Type type) { return isa<MemRefType>(type); });
}

void FormKernels::runOnOperation() {
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
