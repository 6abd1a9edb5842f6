//===- ChooseLayout.cpp - convolutions in channels_last order ---------------===//
// A convolution reads contiguous channels under each tap when they lie last (see ConvKind.cpp in
// Conversion/LutraToTile). Every channels_first conv is rewritten between two transposes, and its zero
// padding made explicit; the transposes then move towards the results through every op that does not care about
// the order, and cancel in pairs:
//
//   conv -> T' | T -> conv                    cancels
//   f(T x, T y, c) -> T f(x, y, T^-1 c)       pointwise; c constant or of one element
//   concat, pad, reduce, pool, quantize of T x
//                                             the axis moves along
//   reshape of T x                            the dimensions that it splits or joins move along; where it joins two
//                                             that T swapped (a channel shuffle), the swap alone stays before it, but
//                                             not before a product alone (the heads of an attention)
//   T of a tensor whose moved sizes are 1     is a reshape
//
// An op that cares (reshape, matmul with the zero points of its codes, a graph result) keeps its transpose. Transposes
// of constants are left for lutra-fold-weights. Invariant: each step keeps the value of every tensor that remains.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "Permutations.h"

#include "lutra/Analysis/CentredCodes.h"
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lutra;

namespace lutra {
#define GEN_PASS_DEF_CHOOSELAYOUT
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
struct ChooseLayout final : lutra::impl::ChooseLayoutBase<ChooseLayout> {
  using Base::Base;
  void runOnOperation() override;
};

/// channels_first conv -> transposes around a channels_last conv.
struct TurnConv final : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvOp op, PatternRewriter &rewriter) const override;
};

/// channels_last conv with padding -> pad, conv without.
struct SplitPadding final : OpRewritePattern<ConvOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvOp op, PatternRewriter &rewriter) const override;
};

/// channels_first pool of a turned value -> turned channels_last pool.
struct TurnPool final : OpRewritePattern<PoolOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PoolOp op, PatternRewriter &rewriter) const override;
};

struct SinkThroughPointwise final : RewritePattern {
  explicit SinkThroughPointwise(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override;
};

/// quantize and dequantize with one scale, or one for each position of an axis.
template <typename Op>
struct SinkThroughQuantization final : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override;
};

struct SinkThroughConcat final : OpRewritePattern<ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConcatOp op, PatternRewriter &rewriter) const override;
};

struct SinkThroughPad final : OpRewritePattern<PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PadOp op, PatternRewriter &rewriter) const override;
};

struct SinkThroughReshape final : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const override;
};

/// A channels_first pool of an image whose spatial dimensions were exchanged.
struct SinkThroughPool final : OpRewritePattern<PoolOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(PoolOp op, PatternRewriter &rewriter) const override;
};

struct SinkThroughReduce final : OpRewritePattern<ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReduceOp op, PatternRewriter &rewriter) const override;
};

/// Two transposes in a row are one, or none.
struct JoinTransposes final : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override;
};

/// A transpose that only moves dimensions of size 1 is a reshape.
struct TransposeIsReshape final : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const override;
};
} // namespace

/// The transpose that produces `value`, if it does more than turn a constant.
static TransposeOp producingTranspose(Value value) {
  auto op = value.getDefiningOp<TransposeOp>();
  return op && !op.getInput().getDefiningOp<ConstantOp>() && !op.getInput().getDefiningOp<WeightOp>()
             ? op
             : TransposeOp();
}

static bool isTurnedForConv(TransposeOp op) {
  ArrayRef<int64_t> permutation = op.getPermutation();
  return permutation.size() > 2 && permutation == ArrayRef<int64_t>(toChannelsLast(permutation.size()));
}

LogicalResult TurnConv::matchAndRewrite(ConvOp op, PatternRewriter &rewriter) const {
  if (op.getLayout() != ConvLayout::ChannelsFirst)
    return rewriter.notifyMatchFailure(op, "is channels_last already");
  auto type = cast<RankedTensorType>(op.getType());
  auto filterType = cast<RankedTensorType>(op.getFilter().getType());
  if (filterType.getEncoding() || !filterType.hasStaticShape())
    return rewriter.notifyMatchFailure(op, "filter is encoded or has no static shape");
  int64_t rank = type.getRank();
  SmallVector<int64_t> order = toChannelsLast(rank), filterOrder;
  for (int64_t dim = 2; dim < rank; ++dim) // [F, C, k..] -> [k.., C, F]
    filterOrder.push_back(dim);
  filterOrder.append({1, 0});
  Location loc = op.getLoc();
  Value input;
  if (auto pad = op.getInput().getDefiningOp<PadOp>(); pad && pad->hasOneUse() && pad.getLow().empty() &&
                                                        pad.getHigh().empty() && !producingTranspose(pad.getInput())) {
    // Of what is padded: the padding then goes to whole rows of channels.
    Value inner = transpose(rewriter, loc, pad.getInput(), order);
    input = PadOp::create(rewriter, pad.getLoc(), permuteType(cast<RankedTensorType>(pad.getType()), order), inner,
                          pad.getValue(), ValueRange(), ValueRange(),
                          rewriter.getDenseI64ArrayAttr(permute(pad.getStaticLow(), order)),
                          rewriter.getDenseI64ArrayAttr(permute(pad.getStaticHigh(), order)), pad.getMode());
  } else if (auto source = op.getInput().getDefiningOp<DequantizeOp>();
             source && source->hasOneUse() && cast<RankedTensorType>(source.getScale().getType()).getRank() == 0 &&
             !producingTranspose(source.getInput())) {
    // Codes are fewer bytes.
    auto turned = permuteType(cast<RankedTensorType>(source.getType()), order);
    Value codes = transpose(rewriter, loc, source.getInput(), order);
    input = DequantizeOp::create(rewriter, source.getLoc(), turned, codes, source.getScale(), source.getZeroPoint(),
                                 source.getAxis(), source.getBlock());
  } else {
    input = transpose(rewriter, loc, op.getInput(), order);
  }
  Value filter = transpose(rewriter, loc, op.getFilter(), filterOrder);
  Value conv = ConvOp::create(rewriter, loc, permuteType(type, order), input, filter,
                              ConvLayout::ChannelsLast, op.getStrides(), op.getLow(), op.getHigh(),
                              op.getDilations(), op.getGroups(), op.getStrategyAttr());
  rewriter.replaceOp(op, transpose(rewriter, loc, conv, inverse(order)));
  return success();
}

LogicalResult SplitPadding::matchAndRewrite(ConvOp op, PatternRewriter &rewriter) const {
  if (op.getLayout() != ConvLayout::ChannelsLast)
    return rewriter.notifyMatchFailure(op, "is channels_first");
  auto isZero = [](int64_t size) { return size == 0; };
  if (llvm::all_of(op.getLow(), isZero) && llvm::all_of(op.getHigh(), isZero))
    return rewriter.notifyMatchFailure(op, "has no padding");
  auto type = cast<RankedTensorType>(op.getInput().getType());
  SmallVector<int64_t> low{0}, high{0}, shape(type.getShape());
  llvm::append_range(low, op.getLow());
  llvm::append_range(high, op.getHigh());
  low.push_back(0);
  high.push_back(0);
  for (auto [dim, size] : llvm::enumerate(shape))
    if (!ShapedType::isDynamic(size))
      size += low[dim] + high[dim];
  Type element = type.getElementType();
  auto scalarType = RankedTensorType::get({}, element);
  auto zero = ConstantOp::create(
      rewriter, op.getLoc(), scalarType,
      DenseElementsAttr::get(scalarType, ArrayRef<Attribute>(rewriter.getZeroAttr(element))));
  Value padded = PadOp::create(rewriter, op.getLoc(), RankedTensorType::get(shape, element),
                               op.getInput(), zero, ValueRange(), ValueRange(),
                               rewriter.getDenseI64ArrayAttr(low), rewriter.getDenseI64ArrayAttr(high),
                               PadMode::Constant);
  SmallVector<int64_t> none(op.getLow().size(), 0);
  rewriter.modifyOpInPlace(op, [&] {
    op.getInputMutable().assign(padded);
    op.setLow(none);
    op.setHigh(none);
  });
  return success();
}

LogicalResult TurnPool::matchAndRewrite(PoolOp op, PatternRewriter &rewriter) const {
  if (op.getLayout() != ConvLayout::ChannelsFirst)
    return rewriter.notifyMatchFailure(op, "is channels_last already");
  auto type = cast<RankedTensorType>(op.getType());
  SmallVector<int64_t> order = toChannelsLast(type.getRank());
  TransposeOp producer = producingTranspose(op.getInput());
  if (!producer || producer.getPermutation() != ArrayRef<int64_t>(inverse(order)))
    return rewriter.notifyMatchFailure(op, "input is not turned");
  Value input = producer.getInput();
  auto pool = cast<PoolOp>(rewriter.clone(*op));
  pool.getInputMutable().assign(input);
  pool.setLayout(ConvLayout::ChannelsLast);
  pool.getResult().setType(permuteType(type, order));
  rewriter.replaceOp(op, transpose(rewriter, op.getLoc(), pool.getResult(), inverse(order)));
  return success();
}

/// Whether `value` can be had in `order` at no cost at run time.
static bool canTurn(Value value, ArrayRef<int64_t> order) {
  auto type = cast<RankedTensorType>(value.getType());
  if (auto op = producingTranspose(value))
    return inverse(op.getPermutation()) == SmallVector<int64_t>(order);
  if (type.getRank() == 0)
    return true;
  Operation *origin = value.getDefiningOp();
  while (isa_and_nonnull<ReshapeOp, TransposeOp>(origin)) // lutra-fold-weights removes these
    origin = origin->getOperand(0).getDefiningOp();
  return isa_and_nonnull<ConstantOp, WeightOp>(origin) && !type.getEncoding() && type.hasStaticShape();
}

/// `value` in `order`; canTurn holds.
static Value turnBack(OpBuilder &builder, Location loc, Value value, ArrayRef<int64_t> order) {
  if (auto op = producingTranspose(value))
    return op.getInput();
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == 0)
    return value;
  SmallVector<int64_t> shape(order.size() - type.getRank(), 1);
  if (!shape.empty()) {
    llvm::append_range(shape, type.getShape());
    value = ReshapeOp::create(builder, loc, RankedTensorType::get(shape, type.getElementType()),
                              value, ValueRange());
  }
  return transpose(builder, loc, value, order);
}

LogicalResult SinkThroughPointwise::matchAndRewrite(Operation *op, PatternRewriter &rewriter) const {
  if (!isa<UnaryOp, BinaryOp, CompareOp, SelectOp, CastOp>(op))
    return failure();
  TransposeOp first;
  auto resultType = cast<RankedTensorType>(op->getResult(0).getType());
  for (Value operand : op->getOperands())
    if (auto producer = producingTranspose(operand);
        producer && cast<RankedTensorType>(operand.getType()).getRank() == resultType.getRank())
      first = first ? first : producer;
  if (!first)
    return rewriter.notifyMatchFailure(op, "reads no transposed value");
  if (findCentredProduct(op))
    return rewriter.notifyMatchFailure(op, "is computed where a product reads codes, which are fewer bytes");
  SmallVector<int64_t> order = inverse(first.getPermutation());
  SmallVector<Value> operands;
  if (!llvm::all_of(op->getOperands(), [&](Value operand) { return canTurn(operand, order); }))
    return rewriter.notifyMatchFailure(op, "another operand has another order");
  for (Value operand : op->getOperands())
    operands.push_back(turnBack(rewriter, op->getLoc(), operand, order));
  Operation *inner = rewriter.clone(*op);
  inner->setOperands(operands);
  inner->getResult(0).setType(permuteType(resultType, order));
  rewriter.replaceOp(op, transpose(rewriter, op->getLoc(), inner->getResult(0), first.getPermutation()));
  return success();
}

template <typename Op>
LogicalResult SinkThroughQuantization<Op>::matchAndRewrite(Op op, PatternRewriter &rewriter) const {
  TransposeOp producer = producingTranspose(op.getInput());
  int64_t scales = cast<RankedTensorType>(op.getScale().getType()).getRank();
  if (!producer || scales > 1)
    return rewriter.notifyMatchFailure(op, "input is not transposed, or scales lie in blocks");
  if (isa<DequantizeOp>(op) && isTurnedForConv(producer) && producer.getPermutation().size() > 3)
    return rewriter.notifyMatchFailure(op, "codes were turned for the conv behind them");
  SmallVector<int64_t> order = inverse(producer.getPermutation());
  auto type = cast<RankedTensorType>(op.getType());
  auto inner = cast<Op>(rewriter.clone(*op));
  inner.getInputMutable().assign(producer.getInput());
  if (scales == 1)
    inner.setAxis(producer.getPermutation()[op.getAxis()]);
  inner.getResult().setType(permuteType(type, order));
  rewriter.replaceOp(op, transpose(rewriter, op.getLoc(), inner.getResult(), producer.getPermutation()));
  return success();
}

LogicalResult SinkThroughConcat::matchAndRewrite(ConcatOp op, PatternRewriter &rewriter) const {
  SmallVector<Value> inputs;
  ArrayRef<int64_t> permutation;
  for (Value input : op.getInputs()) {
    TransposeOp producer = producingTranspose(input);
    if (!producer || (!permutation.empty() && producer.getPermutation() != permutation))
      return rewriter.notifyMatchFailure(op, "inputs have different orders");
    permutation = producer.getPermutation();
    inputs.push_back(producer.getInput());
  }
  if (inputs.empty())
    return failure();
  SmallVector<int64_t> order = inverse(permutation);
  auto type = permuteType(cast<RankedTensorType>(op.getType()), order);
  Value concat = ConcatOp::create(rewriter, op.getLoc(), type, inputs,
                                  rewriter.getI64IntegerAttr(permutation[op.getAxis()]));
  rewriter.replaceOp(op, transpose(rewriter, op.getLoc(), concat, permutation));
  return success();
}

LogicalResult SinkThroughPad::matchAndRewrite(PadOp op, PatternRewriter &rewriter) const {
  TransposeOp producer = producingTranspose(op.getInput());
  if (!producer || !op.getLow().empty() || !op.getHigh().empty())
    return rewriter.notifyMatchFailure(op, "input is not transposed, or amounts are dynamic");
  ArrayRef<int64_t> permutation = producer.getPermutation();
  if (isTurnedForConv(producer))
    return rewriter.notifyMatchFailure(op, "input was turned for the conv behind the padding");
  SmallVector<int64_t> order = inverse(permutation);
  auto type = permuteType(cast<RankedTensorType>(op.getType()), order);
  Value pad = PadOp::create(rewriter, op.getLoc(), type, producer.getInput(), op.getValue(), ValueRange(),
                            ValueRange(), rewriter.getDenseI64ArrayAttr(permute(op.getStaticLow(), order)),
                            rewriter.getDenseI64ArrayAttr(permute(op.getStaticHigh(), order)), op.getMode());
  rewriter.replaceOp(op, transpose(rewriter, op.getLoc(), pad, permutation));
  return success();
}

namespace {
/// Dimensions of the input and of the result of a reshape that hold the same elements.
struct ReshapePart {
  SmallVector<int64_t> in, out;
};
} // namespace

/// The finest parts of a reshape between shapes without empty dimensions; nothing when a dynamic size is split or
/// joined. One may stand on each side: it is followed as a prime number that no size has for a factor. Sizes of 1 join
/// a neighbour.
static std::optional<SmallVector<ReshapePart>> splitReshape(RankedTensorType from, RankedTensorType to) {
  constexpr int64_t dynamicSize = (int64_t(1) << 31) - 1;
  auto count = [](SmallVectorImpl<int64_t> &shape) -> int64_t {
    int64_t product = llvm::count_if(shape, ShapedType::isDynamic) > 1 ? 0 : 1;
    for (int64_t &size : shape) {
      size = ShapedType::isDynamic(size) ? dynamicSize : size;
      if (llvm::MulOverflow(product, size, product))
        return 0;
    }
    return product;
  };
  SmallVector<int64_t> in(from.getShape()), out(to.getShape());
  int64_t elements = count(in);
  if (elements == 0 || elements != count(out))
    return std::nullopt;
  SmallVector<ReshapePart> parts;
  size_t i = 0, o = 0;
  while (i < in.size() && o < out.size()) {
    ReshapePart part;
    int64_t inSize = in[i], outSize = out[o];
    part.in.push_back(i++);
    part.out.push_back(o++);
    while (inSize != outSize) {
      bool takeIn = inSize < outSize;
      (takeIn ? inSize : outSize) *= takeIn ? in[i] : out[o];
      (takeIn ? part.in : part.out).push_back(takeIn ? i++ : o++);
    }
    while (o < out.size() && out[o] == 1 && (i == in.size() || in[i] != 1))
      part.out.push_back(o++);
    while (i < in.size() && in[i] == 1 && (o == out.size() || out[o] != 1))
      part.in.push_back(i++);
    parts.push_back(std::move(part));
  }
  return parts;
}

/// Whether a permutation keeps the order of the dimensions larger than 1.
static bool movesNothing(ArrayRef<int64_t> permutation, ArrayRef<int64_t> shape) {
  int64_t last = -1;
  for (int64_t dim : permutation) {
    if (shape[dim] == 1)
      continue;
    if (dim < last)
      return false;
    last = dim;
  }
  return true;
}

LogicalResult SinkThroughReshape::matchAndRewrite(ReshapeOp op, PatternRewriter &rewriter) const {
  TransposeOp producer = producingTranspose(op.getInput());
  if (!producer)
    return rewriter.notifyMatchFailure(op, "input is not transposed");
  auto inType = cast<RankedTensorType>(op.getInput().getType()), outType = cast<RankedTensorType>(op.getType());
  std::optional<SmallVector<ReshapePart>> split = splitReshape(inType, outType);
  if (!split)
    return rewriter.notifyMatchFailure(op, "has an empty dimension, several dynamic ones, or changes a dynamic one");
  auto sourceType = cast<RankedTensorType>(producer.getInput().getType());
  ArrayRef<int64_t> permutation = producer.getPermutation(), source = sourceType.getShape();
  SmallVector<ReshapePart> parts = std::move(*split);
  // Parts in the order of the source; sizes of 1 have no place of their own.
  auto place = [&](const ReshapePart &part) {
    int64_t first = source.size(), any = source.size();
    for (int64_t dim : part.in) {
      any = std::min(any, permutation[dim]);
      if (source[permutation[dim]] != 1)
        first = std::min(first, permutation[dim]);
    }
    return first == (int64_t)source.size() ? any : first;
  };
  llvm::sort(parts, [&](const ReshapePart &a, const ReshapePart &b) {
    return std::make_pair(place(a), a.in.front()) < std::make_pair(place(b), b.in.front());
  });
  SmallVector<int64_t> before, moved, movedShape;
  for (const ReshapePart &part : parts) {
    for (int64_t dim : part.in)
      before.push_back(permutation[dim]);
    for (int64_t dim : part.out) {
      moved.push_back(dim);
      movedShape.push_back(outType.getDimSize(dim));
    }
  }
  SmallVector<int64_t> after = inverse(moved);
  if (movesNothing(moved, outType.getShape()))
    return rewriter.notifyMatchFailure(op, "the transpose ends at the reshape");
  Location loc = op.getLoc();
  Value value = producer.getInput();
  if (!movesNothing(before, source)) {
    if (after.size() < 3 || after != inverse(toChannelsLast(after.size())))
      return rewriter.notifyMatchFailure(op, "joins dimensions that were exchanged");
    if (llvm::all_of(op->getUsers(), [](Operation *user) { return isa<MatmulOp>(user); }))
      return rewriter.notifyMatchFailure(op, "would leave two transposes before a product");
    value = transpose(rewriter, loc, value, before);
  }
  value = ReshapeOp::create(rewriter, loc, RankedTensorType::get(movedShape, outType.getElementType()), value,
                            op.getSizes());
  rewriter.replaceOp(op, transpose(rewriter, loc, value, after));
  return success();
}

LogicalResult SinkThroughPool::matchAndRewrite(PoolOp op, PatternRewriter &rewriter) const {
  TransposeOp producer = producingTranspose(op.getInput());
  if (!producer || op.getLayout() != ConvLayout::ChannelsFirst)
    return rewriter.notifyMatchFailure(op, "input is not transposed, or the pool is turned");
  ArrayRef<int64_t> permutation = producer.getPermutation();
  if (permutation[0] != 0 || permutation[1] != 1)
    return rewriter.notifyMatchFailure(op, "batch or channels were moved");
  SmallVector<int64_t> order = inverse(permutation), spatial;
  for (int64_t dim : ArrayRef<int64_t>(order).drop_front(2))
    spatial.push_back(dim - 2);
  auto pool = cast<PoolOp>(rewriter.clone(*op));
  pool.getInputMutable().assign(producer.getInput());
  pool.setWindow(permute(op.getWindow(), spatial));
  pool.setStrides(permute(op.getStrides(), spatial));
  pool.setLow(permute(op.getLow(), spatial));
  pool.setHigh(permute(op.getHigh(), spatial));
  pool.setDilations(permute(op.getDilations(), spatial));
  pool.getResult().setType(permuteType(cast<RankedTensorType>(op.getType()), order));
  rewriter.replaceOp(op, transpose(rewriter, op.getLoc(), pool.getResult(), permutation));
  return success();
}

LogicalResult SinkThroughReduce::matchAndRewrite(ReduceOp op, PatternRewriter &rewriter) const {
  TransposeOp producer = producingTranspose(op.getInput());
  if (!producer)
    return rewriter.notifyMatchFailure(op, "input is not transposed");
  ArrayRef<int64_t> permutation = producer.getPermutation();
  SmallVector<int64_t> axes = permute(permutation, op.getAxes());
  llvm::sort(axes);
  auto type = permuteType(cast<RankedTensorType>(op.getType()), inverse(permutation));
  Value reduce = ReduceOp::create(rewriter, op.getLoc(), type, op.getKind(), producer.getInput(),
                                  rewriter.getDenseI64ArrayAttr(axes));
  rewriter.replaceOp(op, transpose(rewriter, op.getLoc(), reduce, permutation));
  return success();
}

LogicalResult JoinTransposes::matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const {
  auto producer = op.getInput().getDefiningOp<TransposeOp>();
  if (!producer)
    return rewriter.notifyMatchFailure(op, "input is not transposed");
  SmallVector<int64_t> permutation = permute(producer.getPermutation(), op.getPermutation());
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    rewriter.replaceOp(op, producer.getInput());
  else
    rewriter.replaceOp(op, transpose(rewriter, op.getLoc(), producer.getInput(), permutation));
  return success();
}

LogicalResult TransposeIsReshape::matchAndRewrite(TransposeOp op, PatternRewriter &rewriter) const {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  if (!movesNothing(op.getPermutation(), type.getShape()))
    return rewriter.notifyMatchFailure(op, "moves elements");
  SmallVector<Value> sizes;
  for (int64_t dim : op.getPermutation())
    if (type.isDynamicDim(dim))
      sizes.push_back(rewriter.createOrFold<tensor::DimOp>(op.getLoc(), op.getInput(), dim));
  rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), op.getInput(), sizes);
  return success();
}

void ChooseLayout::runOnOperation() {
  RewritePatternSet sinking(&getContext());
  sinking.add<TurnConv, SplitPadding, TurnPool, SinkThroughPointwise, SinkThroughQuantization<QuantizeOp>,
              SinkThroughQuantization<DequantizeOp>, SinkThroughConcat, SinkThroughPad,
              SinkThroughPool, SinkThroughReduce, SinkThroughReshape, JoinTransposes>(&getContext());
  if (failed(applyPatternsGreedily(getOperation(), std::move(sinking))))
    return signalPassFailure();
  // Only now: a reshape would stop a transpose that could still cancel.
  RewritePatternSet cleaning(&getContext());
  cleaning.add<JoinTransposes, TransposeIsReshape>(&getContext());
  if (failed(applyPatternsGreedily(getOperation(), std::move(cleaning))))
    signalPassFailure();
}
