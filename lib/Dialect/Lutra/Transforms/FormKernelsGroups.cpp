//===- FormKernelsGroups.cpp - which ops share a kernel ---------------------------===//
// Ops are visited from the last to the first. An op joins the group of its users when they are all in
// one group and the rules below allow it; else it ends a group of its own. What joins is never
// computed twice: rules refuse an op under a broadcast when it is heavy, and only Free ops are copied.
//
// Zero points are taken off the codes of two computed operands in the kernel of their product, most often off its sums,
// and computed codes on the right of a product of floats become floats there.
// The left-hand side of a product is computed in its kernel where mayComputeLhs allows it: pointwise ops, and one
// softmax or norm of rows behind them. Values that another product or reduction could finish as its epilogue, at no
// cost of memory traffic, stay with that. dynamic_quantize reads rows twice and computes them in its kernel likewise;
// what others read of them, after it, the kernel returns besides. What a convolution of single channels reads, padding
// and dequantized codes alone, is computed in its kernel where mayComputeWindows allows it.
#include "FormKernelsGroups.h"

#include "lutra/Analysis/CentredCodes.h"
#include "lutra/Analysis/ProductStrategy.h"
#include "lutra/Dialect/Lutra/IR/ProductTypes.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace lutra {

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

FusionClass getFusionClass(Operation *op) {
  return TypeSwitch<Operation *, FusionClass>(op)
      .Case<UnaryOp, BinaryOp, CompareOp, SelectOp, CastOp, QuantizeOp, DequantizeOp, RequantizeOp>(
          [](auto) { return FusionClass::Pointwise; })
      .Case([](ReshapeOp) { return FusionClass::Alias; })
      .Case<IotaOp, FromIndexOp>([](auto) { return FusionClass::Free; })
      .Case([](ExpandOp) { return FusionClass::Expand; })
      .Case([](SliceOp) { return FusionClass::Slice; })
      .Case([](TransposeOp) { return FusionClass::Transpose; })
      .Case([](GatherOp gather) { return gather.isByteTable() ? FusionClass::Pointwise : FusionClass::Gather; })
      .Case<PadOp, GatherElementsOp, GatherNdOp>([](auto) { return FusionClass::Sink; })
      .Case<ConstantOp, WeightOp>([](auto) { return FusionClass::Outside; })
      .Default([](Operation *other) {
        bool isGraphOp = isa_and_nonnull<LutraDialect>(other->getDialect()) && isa<CostOpInterface>(other);
        return isGraphOp ? FusionClass::Root : FusionClass::Outside;
      });
}

bool isHeavy(Operation *op) {
  if (auto unary = dyn_cast<UnaryOp>(op))
    switch (unary.getKind()) {
    case UnaryKind::Abs:
    case UnaryKind::Neg:
    case UnaryKind::Sign:
    case UnaryKind::Ceil:
    case UnaryKind::Floor:
    case UnaryKind::Round:
    case UnaryKind::Relu:
    case UnaryKind::Not:
    case UnaryKind::BitwiseNot:
    case UnaryKind::IsNan:
    case UnaryKind::IsInf: return false;
    default: return true;
    }
  if (auto binary = dyn_cast<BinaryOp>(op))
    return binary.getKind() == BinaryKind::Pow || binary.getKind() == BinaryKind::Mod ||
           binary.getKind() == BinaryKind::Rem || binary.getKind() == BinaryKind::Div;
  return isa<QuantizeOp, RequantizeOp>(op);
}

/// Whether each element of `value` is used for one element of `user`'s result, as far as types show.
static bool sameShape(Value value, Operation *user) {
  return typeOf(value).getShape() == typeOf(user->getResult(0)).getShape();
}

/// An expand whose repeated dimensions are known when it is compiled: a dynamic size may be 1 or the result's.
static bool isStaticExpand(ExpandOp op) { return typeOf(op.getInput()).hasStaticShape(); }

/// Movement that keeps the last dimension's elements together.
static bool keepsRows(Operation *op) {
  return TypeSwitch<Operation *, bool>(op)
      .Case([](ExpandOp expand) { return isStaticExpand(expand); })
      .Case([](SliceOp slice) { return slice.getSteps().empty() || slice.getSteps().back() == 1; })
      .Case([](TransposeOp transpose) {
        int64_t last = transpose.getPermutation().size() - 1;
        return last < 0 || transpose.getPermutation()[last] == last;
      })
      .Case([](GatherOp gather) {
        return gather.isByteTable() || (int64_t)gather.getAxis() < typeOf(gather.getInput()).getRank() - 1;
      })
      .Default([](Operation *) { return true; });
}

/// Whether `root` accepts values that are computed on the fly for operand number `operand`.
static bool acceptsProducer(Operation *root, unsigned operand) {
  return TypeSwitch<Operation *, bool>(root)
      .Case<SoftmaxOp, IntegerNormOp, IntegerSoftmaxOp, ReduceOp, ArgReduceOp>([](auto) { return true; })
      .Case<LayerNormOp, RmsNormOp>([&](auto) { return operand == 0; })
      .Case<ConcatOp, DynamicQuantizeOp>([](auto) { return true; })
      .Default([](Operation *) { return false; });
}

/// Whether pointwise ops may follow `root` in its kernel.
static bool acceptsEpilogue(Operation *root) {
  return isa<MatmulOp, ConvOp, ConvTransposeOp, PoolOp, ReduceOp, SoftmaxOp, LayerNormOp, RmsNormOp, IntegerNormOp,
             IntegerSoftmaxOp>(root);
}

/// Whether `value`, made by an op that may join, can be computed inside `user`'s kernel where `user` reads it.
static bool mayFeed(Operation *producer, Operation *user, unsigned operand) {
  switch (getFusionClass(user)) {
  case FusionClass::Pointwise:
    return sameShape(producer->getResult(0), user) || !isHeavy(producer);
  case FusionClass::Expand:
    return isStaticExpand(cast<ExpandOp>(user)) && !isHeavy(producer);
  case FusionClass::Slice:
  case FusionClass::Transpose:
    return true;
  case FusionClass::Gather: // the data stays a buffer; indices are read element by element
    return operand == 1 && !isHeavy(producer);
  case FusionClass::Root: return acceptsProducer(user, operand);
  default: return false;
  }
}

/// Whether `op` folds rows: the last dimension alone.
static bool isRowOp(Operation *op) {
  if (auto softmax = dyn_cast<SoftmaxOp>(op))
    return (int64_t)softmax.getAxis() == typeOf(softmax.getResult()).getRank() - 1;
  if (auto layer = dyn_cast<LayerNormOp>(op))
    return layer.getDims() == 1;
  auto rms = dyn_cast<RmsNormOp>(op);
  if (isa<IntegerNormOp, IntegerSoftmaxOp>(op))
    return true;
  return rms && rms.getDims() == 1;
}

/// Whether scales change within a row, between any two elements of a tile.
static bool isBlockwise(Operation *op) {
  if (auto quantize = dyn_cast<QuantizeOp>(op))
    return quantize.getBlock() > 1;
  auto dequantize = dyn_cast<DequantizeOp>(op);
  return dequantize && dequantize.getBlock() > 1;
}

/// Whether `op` has values for the rows and columns of a product's tile at once.
static bool fitsSpot(Operation *op) {
  return getFusionClass(op) != FusionClass::Gather && !isBlockwise(op) && keepsRows(op);
}

/// Whether register tiles compute the product, whatever its kernel computes before.
static bool isTiledProduct(const ProductProblem &problem) {
  bool isFloat = isa<FloatType>(problem.lhs) && isa<FloatType>(problem.rhs);
  if (isFloat || !isNarrowInteger(problem.lhs) || !isNarrowInteger(problem.rhs))
    return isFloat;
  if (problem.rhs.isUnsignedInteger() || problem.lhs.isUnsignedInteger(16)) // no factors of the dot strategy
    return false;
  if (auto conv = dyn_cast<ConvOp>(problem.op))
    return problem.lhs.isSignlessInteger(16) && conv.getFilter().getDefiningOp<WeightOp>();
  auto matmul = dyn_cast<MatmulOp>(problem.op);
  return matmul && matmul.getRhs().getDefiningOp<WeightOp>() && typeOf(matmul.getRhs()).getRank() == 2;
}

namespace {
class Grouper {
public:
  Grouper(Block &block, const GroupOptions &options) : block(block), options(options) {}

  std::vector<KernelGroup> run() {
    for (Operation &op : llvm::reverse(block)) {
      FusionClass kind = getFusionClass(&op);
      if (kind == FusionClass::Outside || kind == FusionClass::Alias || kind == FusionClass::Free)
        continue;
      if (std::optional<unsigned> group = findGroup(&op)) {
        KernelGroup &joined = groups[*group];
        joined.members.insert(&op);
        if (isOperandOf(&op, joined) || (joined.root && findCentredProduct(&op) == joined.root) ||
            isCodesOf(&op, joined))
          joined.operand.insert(&op);
        if (llvm::any_of(op.getUsers(), [&](Operation *user) { return !joined.members.contains(user); }))
          joined.kept.push_back(&op);
        if (kind == FusionClass::Root)
          (joined.root ? joined.row : joined.root) = &op;
        groupOf[&op] = *group;
        continue;
      }
      groupOf[&op] = groups.size();
      KernelGroup group;
      group.sink = &op;
      group.root = kind == FusionClass::Root ? &op : nullptr;
      group.members.insert(&op);
      groups.push_back(std::move(group));
    }
    std::reverse(groups.begin(), groups.end());
    return std::move(groups);
  }

private:
  /// Whether every path from `op` to the sink inside the group passes pointwise ops of one shape.
  bool isEpilogueOf(Operation *op, const KernelGroup &group) {
    SmallVector<Operation *> worklist(op->getResult(0).getUsers().begin(), op->getResult(0).getUsers().end());
    llvm::SmallPtrSet<Operation *, 16> seen;
    while (!worklist.empty()) {
      Operation *user = worklist.pop_back_val();
      if (!seen.insert(user).second)
        continue;
      if (getFusionClass(user) != FusionClass::Pointwise || !sameShape(op->getResult(0), user))
        return false;
      if (user != group.sink)
        worklist.append(user->getResult(0).getUsers().begin(), user->getResult(0).getUsers().end());
    }
    return true;
  }

  std::optional<unsigned> findGroup(Operation *op) {
    FusionClass kind = getFusionClass(op);
    if (std::optional<unsigned> windows = findWindows(op))
      return windows;
    if (op->getNumResults() != 1 || op->use_empty() || kind == FusionClass::Sink)
      return std::nullopt;
    std::optional<unsigned> found = findRows(op);
    if (found)
      return found;
    for (OpOperand &use : op->getResult(0).getUses()) {
      auto user = groupOf.find(use.getOwner());
      if (user == groupOf.end() || (found && *found != user->second))
        return std::nullopt;
      found = user->second;
    }
    KernelGroup &group = groups[*found];
    if ((int64_t)group.members.size() >= options.maxOps)
      return std::nullopt;
    if ((group.root && findCentredProduct(op) == group.root) || isCodesOf(op, group))
      return found;
    if (isOperandOf(op, group))
      return mayComputeOperand(op, group) ? found : std::nullopt;
    if (isa_and_nonnull<DynamicQuantizeOp>(group.root) && kind == FusionClass::Pointwise && finishesRoot(op, group))
      return std::nullopt;
    // Used for the product's operand and elsewhere: it would be computed for both.
    if (llvm::any_of(op->getUsers(), [&](Operation *user) { return group.operand.contains(user); }))
      return std::nullopt;
    if (kind == FusionClass::Root) {
      if (group.root || !acceptsEpilogue(op) || !isEpilogueOf(op, group) ||
          (isa<MatmulOp, ConvOp>(op) && !llvm::all_of(group.members, fitsSpot)))
        return std::nullopt;
      return found;
    }
    for (OpOperand &use : op->getResult(0).getUses())
      if (!mayFeed(op, use.getOwner(), use.getOperandNumber()))
        return std::nullopt;
    if (kind == FusionClass::Expand && !isStaticExpand(cast<ExpandOp>(op)))
      return std::nullopt;
    if (group.root && !keepsRows(op))
      return std::nullopt;
    if (isa_and_nonnull<MatmulOp, ConvOp>(group.root) && !fitsSpot(op))
      return std::nullopt;
    // What another product ends with; codes are fewer bytes between two kernels than its sums.
    if (isa<QuantizeOp, RequantizeOp>(op) && (group.root || !isEpilogueOf(op, group)) && finishesRoot(op, group))
      return std::nullopt;
    return found;
  }

  /// The group of the convolution whose windows alone read `op`: a constant border, or codes that get their values.
  std::optional<unsigned> findWindows(Operation *op) {
    if (!isa<PadOp, DequantizeOp>(op) || !op->hasOneUse() || options.targets.empty())
      return std::nullopt;
    auto found = groupOf.find(*op->user_begin());
    KernelGroup *group = found == groupOf.end() ? nullptr : &groups[found->second];
    auto conv = group ? dyn_cast_or_null<ConvOp>(group->root) : ConvOp();
    if (!conv || !isOperandOf(op, *group) || !mayComputeWindows(conv) ||
        static_cast<int64_t>(group->members.size()) >= options.maxOps ||
        llvm::any_of(options.targets, [](const TileTarget *target) { return target->getVectorBits() == 0; }))
      return std::nullopt;
    if (auto pad = dyn_cast<PadOp>(op)) {
      bool isPlain = pad.getMode() == PadMode::Constant && pad.getLow().empty() && pad.getHigh().empty() &&
                     pad.getStaticLow().back() == 0 && pad.getStaticHigh().back() == 0 && group->operand.empty();
      return isPlain ? std::optional(found->second) : std::nullopt;
    }
    auto dequantize = cast<DequantizeOp>(op);
    return typeOf(dequantize.getScale()).getRank() == 0 ? std::optional(found->second) : std::nullopt;
  }

  /// The group of a dynamic_quantize whose rows `op` computes: the softmax or norm of them, or a pointwise op whose
  /// result others read too, all of them after the group.
  std::optional<unsigned> findRows(Operation *op) {
    bool isPointwise = getFusionClass(op) == FusionClass::Pointwise && !isBlockwise(op);
    if (!isPointwise && !isRowOp(op))
      return std::nullopt;
    Value result = op->getResult(0);
    auto mayJoin = [&](unsigned index) {
      const KernelGroup &group = groups[index];
      if (!isa_and_nonnull<DynamicQuantizeOp>(group.root) || !sameShape(result, group.root) ||
          (int64_t)group.members.size() >= options.maxOps)
        return false;
      auto reads = [&](Operation *member) { return group.members.contains(member); };
      bool isElsewhere = false;
      for (Operation *user : op->getUsers()) {
        isElsewhere |= !reads(user);
        Operation *inBlock = block.findAncestorOpInBlock(*user);
        bool isOwn = reads(user) && (user == group.root || sameShape(result, user));
        if (!isOwn && (reads(user) || !inBlock || !group.sink->isBeforeInBlock(inBlock)))
          return false;
      }
      return isPointwise ? isElsewhere && !finishesRoot(op, group) : !group.row;
    };
    for (Operation *user : op->getUsers())
      if (auto group = groupOf.find(user); group != groupOf.end() && mayJoin(group->second))
        return group->second;
    return std::nullopt;
  }

  /// Whether `op` is used for the left-hand side of the group's product alone.
  static bool isOperandOf(Operation *op, const KernelGroup &group) {
    return isa_and_nonnull<MatmulOp, ConvOp>(group.root) && op != group.root &&
           llvm::all_of(op->getUses(), [&](OpOperand &use) {
             return group.operand.contains(use.getOwner()) ||
                    (use.getOwner() == group.root && use.getOperandNumber() == 0);
           });
  }

  /// Whether `op` makes floats of the codes on the right of the group's product, whose kernel reads these as they lie.
  bool isCodesOf(Operation *op, const KernelGroup &group) const {
    auto matmul = dyn_cast_or_null<MatmulOp>(group.root);
    return matmul && isa<CastOp>(op) && op == matmul.getRhs().getDefiningOp() && findCodesOfFloats(matmul) &&
           !options.targets.empty() &&
           llvm::all_of(options.targets, [](const TileTarget *target) { return target->getVectorBits() > 0; });
  }

  /// Whether an op gives the values of narrower ones.
  static bool widens(Operation *op) {
    auto cast = dyn_cast<CastOp>(op);
    return cast && typeOf(cast.getInput()).getElementTypeBitWidth() < typeOf(cast.getResult()).getElementTypeBitWidth();
  }

  bool mayComputeOperand(Operation *op, const KernelGroup &group) {
    std::optional<ProductProblem> problem = getProductProblem(group.root);
    bool isPointwise = getFusionClass(op) == FusionClass::Pointwise && !isBlockwise(op);
    bool isRow = isRowOp(op) && isa<MatmulOp>(group.root);
    if (!isPointwise && (!isRow || group.row))
      return false;
    // Products with codes copy their rows anyway, and may widen them as they do.
    auto matmul = dyn_cast<MatmulOp>(group.root);
    bool copies = matmul && encodingOf(typeOf(matmul.getRhs())) && !matmul.getTransposeLhs();
    if (options.targets.empty() || !problem || !isTiledProduct(*problem) ||
        (!(copies && widens(op)) &&
         !llvm::all_of(options.targets, [&](const TileTarget *target) { return mayComputeLhs(*problem, *target); })))
      return false;
    // The whole row is the row op's to compute, and one element is computed for one element.
    if (typeOf(op->getResult(0)).getShape() != typeOf(group.root->getOperand(0)).getShape() ||
        llvm::any_of(op->getUsers(), [&](Operation *user) { return user == group.row; }))
      return false;
    // Codes are fewer bytes between two kernels than what they stand for.
    return isRow || isa<DequantizeOp>(op) || widens(op) || !finishesRoot(op, group);
  }

  /// Whether `op`, pointwise, and those before it may be the epilogue of a root that cannot join `group`.
  bool finishesRoot(Operation *op, const KernelGroup &group) {
    SmallVector<Operation *> worklist{op};
    llvm::SmallPtrSet<Operation *, 16> seen;
    while (!worklist.empty()) {
      Operation *user = worklist.pop_back_val();
      for (Value operand : user->getOperands()) {
        Operation *def = operand.getDefiningOp();
        if (!def || def == group.root || def->getBlock() != &block || !sameShape(operand, op) ||
            !seen.insert(def).second)
          continue;
        if (getFusionClass(def) == FusionClass::Pointwise)
          worklist.push_back(def);
        bool joins = isRowOp(def) && isa_and_nonnull<MatmulOp, DynamicQuantizeOp>(group.root) && !group.row;
        auto isPointwise = [](Operation *other) { return getFusionClass(other) == FusionClass::Pointwise; };
        if (getFusionClass(def) == FusionClass::Root && acceptsEpilogue(def) && !joins &&
            llvm::all_of(def->getUsers(), isPointwise))
          return true;
      }
    }
    return false;
  }

  Block &block;
  GroupOptions options;
  std::vector<KernelGroup> groups;
  DenseMap<Operation *, unsigned> groupOf;
};
} // namespace

std::vector<KernelGroup> formGroups(Block &block, const GroupOptions &options) { return Grouper(block, options).run(); }

} // namespace lutra
