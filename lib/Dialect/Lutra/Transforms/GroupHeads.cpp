//===- GroupHeads.cpp - rows that meet a repeated matrix are those of one product ===//
// Grouped-query attention (arXiv 2305.13245) has fewer heads of keys and values than of queries. Graphs repeat them
// with an expand, which would copy a whole cache at each call. Heads of queries that share one follow each other in
// memory:
//
//   [B, H * G, M, K] x repeated [B, H, K, N]  =  [B, H, G * M, K] x [B, H, K, N]  read as  [B, H * G, M, N]
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lutra;

namespace lutra {
#define GEN_PASS_DEF_GROUPHEADS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
struct GroupHeads final : lutra::impl::GroupHeadsBase<GroupHeads> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

namespace {
/// A dimension of a value.
struct Extent {
  Value value;
  int64_t dim;
};
} // namespace

/// Where a dimension comes from, through what keeps its size.
static Extent traceExtent(Extent extent) {
  while (Operation *op = extent.value.getDefiningOp()) {
    if (auto concat = dyn_cast<ConcatOp>(op); concat && static_cast<int64_t>(concat.getAxis()) != extent.dim)
      extent.value = concat.getInputs().front();
    else if (auto transpose = dyn_cast<TransposeOp>(op))
      extent = {transpose.getInput(), transpose.getPermutation()[extent.dim]};
    else
      break;
  }
  return extent;
}

/// What an input's dimension is called; null: it is no input's or has no name.
static StringAttr nameOf(Extent extent) {
  auto argument = dyn_cast<BlockArgument>(extent.value);
  auto function = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : func::FuncOp();
  auto names = function ? function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "lutra.dim_names") : nullptr;
  auto name = names ? dyn_cast<StringAttr>(names[extent.dim]) : nullptr;
  return name && !name.getValue().empty() ? name : nullptr;
}

/// Whether `size` is certainly that of a dimension.
static bool isSize(Value size, Extent extent) {
  auto dim = size.getDefiningOp<tensor::DimOp>();
  std::optional<int64_t> index = dim ? dim.getConstantIndex() : std::nullopt;
  if (!index)
    return false;
  Extent own = traceExtent({dim.getSource(), *index}), other = traceExtent(extent);
  StringAttr name = nameOf(own);
  return (own.value == other.value && own.dim == other.dim) || (name && name == nameOf(other));
}

/// The matrices that `value` holds several times each, or null.
static Value findRepeated(Value value) {
  auto joined = value.getDefiningOp<ReshapeOp>();
  auto repeated = joined ? joined.getInput().getDefiningOp<ExpandOp>() : ExpandOp();
  auto split = repeated ? repeated.getInput().getDefiningOp<ReshapeOp>() : ReshapeOp();
  if (!split)
    return {};
  Value source = split.getInput();
  ArrayRef<int64_t> from = typeOf(source).getShape(), one = typeOf(split).getShape();
  ArrayRef<int64_t> many = typeOf(repeated).getShape(), to = typeOf(joined).getShape();
  if (from.size() != 4 || one.size() != 5 || many.size() != 5 || to.size() != 4 || from[1] < 1 || many[2] < 1)
    return {};
  if (one[1] != from[1] || one[2] != 1 || many[1] != from[1] || to[1] != from[1] * many[2])
    return {};
  // The same sizes where types do not tell them.
  if (!llvm::equal(split.getSizes(), repeated.getSizes()) || !llvm::equal(split.getSizes(), joined.getSizes()))
    return {};
  for (auto [a, b, c, d] : {std::tuple(from[0], one[0], many[0], to[0]), std::tuple(from[2], one[3], many[3], to[2]),
                            std::tuple(from[3], one[4], many[4], to[3])})
    if (a != b || b != c || c != d)
      return {};
  // A reshape keeps the number of elements: one size that is not known follows from the others.
  int64_t unproved = 0, next = 0;
  for (int64_t dim : {0, 2, 3})
    if (ShapedType::isDynamic(from[dim]))
      unproved += !isSize(split.getSizes()[next++], {source, dim});
  return unproved > 1 ? Value() : source;
}

/// The sizes of `type` that are not known: those of `value`, but along dimension 1 and 2 as given.
static SmallVector<Value> sizesOf(OpBuilder &builder, Location loc, RankedTensorType type, Value value, Value rows) {
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(dim == 2 ? rows : tensor::DimOp::create(builder, loc, value, dim).getResult());
  return sizes;
}

static void group(MatmulOp op) {
  // A transpose of the last two dimensions is a flag.
  Value right = op.getRhs();
  auto turn = right.getDefiningOp<TransposeOp>();
  bool turned = turn && ArrayRef<int64_t>(turn.getPermutation()) == ArrayRef<int64_t>({0, 1, 3, 2});
  Value source = findRepeated(turned ? turn.getInput() : right);
  auto left = typeOf(op.getLhs()), result = typeOf(op.getResult());
  if (!source || op.getTransposeLhs() || op.getScale() || op.getStrategyAttr() || left.getRank() != 4)
    return;
  OpBuilder builder(op);
  Location loc = op.getLoc();
  int64_t heads = typeOf(source).getDimSize(1), repeats = left.getDimSize(1) / heads, m = left.getDimSize(2);
  if (repeats < 2)
    return;
  int64_t rows = ShapedType::isDynamic(m) ? m : repeats * m;
  Value plain, all; // rows of one head and of a group
  if (ShapedType::isDynamic(m)) {
    plain = tensor::DimOp::create(builder, loc, op.getLhs(), 2);
    all = arith::MulIOp::create(builder, loc, plain, arith::ConstantIndexOp::create(builder, loc, repeats));
  }
  auto grouped = [&](RankedTensorType type) {
    return type.clone(ArrayRef<int64_t>{type.getDimSize(0), heads, rows, type.getDimSize(3)});
  };
  RankedTensorType leftType = grouped(left), productType = grouped(result);
  Value queries =
      ReshapeOp::create(builder, loc, leftType, op.getLhs(), sizesOf(builder, loc, leftType, op.getLhs(), all));
  Value product = MatmulOp::create(builder, loc, productType, queries, source, /*transpose_lhs=*/false,
                                   op.getTransposeRhs() != turned, StrategyAttr());
  Value back = ReshapeOp::create(builder, loc, result, product, sizesOf(builder, loc, result, product, plain));
  op.getResult().replaceAllUsesWith(back);
  op.erase();
}

void GroupHeads::runOnOperation() {
  SmallVector<MatmulOp> products;
  getOperation()->walk([&](MatmulOp op) { products.push_back(op); });
  for (MatmulOp op : products)
    group(op);
}
