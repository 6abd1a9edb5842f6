//===- MoveCodes.cpp - transposes and reshapes of codes, not of values ------===//
// With one scale for all of a tensor it does not matter whether codes are moved or what they stand for, but codes are a
// quarter of the bytes, and a product next to a dequantization finds its codes there:
//
//   move(dequantize(c))     ->  dequantize(move(c))
//   quantize(f(move(x)))    ->  move(quantize(f(x)))     f: functions of one tensor and scalars, each used once
//   quantize(dequantize(c)) ->  c                        of one scale and zero point
//   quantize(pool<max>(x))  ->  pool<max>(quantize(x))   each used once, or x dequantized: codes rise with values
//
// The last is exact: (c - z) * s / s is within two roundings of c - z, of at most 8 bits.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "ScalarMatch.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace lutra;

namespace lutra {
#define GEN_PASS_DEF_MOVECODES
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Whether codes are bytes with one scale.
static bool hasOneScale(Value codes, Value scale) {
  Type element = typeOf(codes).getElementType();
  return (element.isSignlessInteger(8) || element.isUnsignedInteger(8)) && typeOf(scale).getRank() == 0;
}

/// `move` of another tensor, whose elements stay as they are.
static Value moveOther(PatternRewriter &rewriter, Operation *move, Value from) {
  auto type = typeOf(move->getResult(0)).clone(typeOf(from).getElementType());
  if (auto transpose = dyn_cast<TransposeOp>(move))
    return TransposeOp::create(rewriter, move->getLoc(), type, from, transpose.getPermutation());
  return ReshapeOp::create(rewriter, move->getLoc(), type, from, cast<ReshapeOp>(move).getSizes());
}

/// The operand of a pointwise op that is no scalar, if the others are and all have its type; null else.
static OpOperand *findTensorOperand(Operation *op) {
  if (!isa_and_nonnull<UnaryOp, BinaryOp>(op))
    return nullptr;
  OpOperand *found = nullptr;
  for (OpOperand &operand : op->getOpOperands()) {
    if (scalarOf(operand.get()) && typeOf(operand.get()).getNumElements() == 1 && op->getNumOperands() > 1)
      continue;
    if (found || operand.get().getType() != op->getResult(0).getType())
      return nullptr;
    found = &operand;
  }
  return found;
}

namespace {
template <typename MoveOp> struct MoveBeforeDequantize final : OpRewritePattern<MoveOp> {
  using OpRewritePattern<MoveOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(MoveOp op, PatternRewriter &rewriter) const override {
    auto source = op.getInput().template getDefiningOp<DequantizeOp>();
    if (!source || !hasOneScale(source.getInput(), source.getScale()))
      return rewriter.notifyMatchFailure(op, "does not move what codes of one scale stand for");
    if (isa_and_nonnull<WeightOp, ConstantOp>(source.getInput().getDefiningOp()))
      return rewriter.notifyMatchFailure(op, "moves a constant, which products look for behind the dequantization");
    Value codes = moveOther(rewriter, op, source.getInput());
    rewriter.replaceOpWithNewOp<DequantizeOp>(op, op.getType(), codes, source.getScale(), source.getZeroPoint(),
                                              /*axis=*/0, /*block=*/0);
    return success();
  }
};

struct QuantizeBeforeMove final : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const override;
};

struct DropRequantization final : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const override {
    auto source = op.getInput().getDefiningOp<DequantizeOp>();
    if (!source || !hasOneScale(source.getInput(), source.getScale()) || source.getInput().getType() != op.getType() ||
        source.getScale() != op.getScale() || source.getZeroPoint() != op.getZeroPoint() ||
        !isUsualScale(op.getScale()))
      return rewriter.notifyMatchFailure(op, "has no codes of its own scale before it");
    rewriter.replaceOp(op, source.getInput());
    return success();
  }

private:
  /// With which nothing overflows or is subnormal.
  static bool isUsualScale(Value value) {
    std::optional<double> scale = scalarOf(value);
    return scale && *scale >= 0x1p-100 && *scale <= 0x1p100;
  }
};

/// A maximum of codes is the code of the maximum.
struct QuantizeBeforePool final : OpRewritePattern<QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const override {
    auto pool = op.getInput().getDefiningOp<PoolOp>();
    std::optional<double> scale = scalarOf(op.getScale());
    if (!pool || pool.getKind() != PoolKind::Max || !pool->hasOneUse() || !hasOneScale(op.getResult(), op.getScale()) ||
        !scale || !(*scale > 0))
      return rewriter.notifyMatchFailure(op, "quantizes no maximum with one scale for it alone");
    Value value = pool.getInput();
    if (!value.hasOneUse() && !value.getDefiningOp<DequantizeOp>())
      return rewriter.notifyMatchFailure(op, "quantizes a maximum of what others read");
    Type element = typeOf(op.getResult()).getElementType();
    Value codes = QuantizeOp::create(rewriter, op.getLoc(), typeOf(value).clone(element), value, op.getScale(),
                                     op.getZeroPoint(), /*axis=*/0, /*block=*/0);
    rewriter.replaceOpWithNewOp<PoolOp>(op, TypeRange{op.getType()}, ValueRange{codes}, pool->getAttrs());
    return success();
  }
};

struct MoveCodes final : lutra::impl::MoveCodesBase<MoveCodes> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

LogicalResult QuantizeBeforeMove::matchAndRewrite(QuantizeOp op, PatternRewriter &rewriter) const {
  if (!hasOneScale(op.getResult(), op.getScale()))
    return rewriter.notifyMatchFailure(op, "has several scales");
  SmallVector<Operation *> functions;
  Value value = op.getInput();
  Operation *move = value.getDefiningOp();
  for (; move && value.hasOneUse(); move = value.getDefiningOp()) {
    OpOperand *operand = findTensorOperand(move);
    if (!operand)
      break;
    functions.push_back(move);
    value = operand->get();
  }
  if (!isa_and_nonnull<TransposeOp, ReshapeOp>(move) || !value.hasOneUse())
    return rewriter.notifyMatchFailure(op, "quantizes nothing that was moved for it alone");
  Value before = move->getOperand(0);
  RankedTensorType type = typeOf(before);
  for (Operation *function : functions)
    for (Value operand : function->getOperands())
      if (scalarOf(operand) && typeOf(operand).getRank() > type.getRank())
        return rewriter.notifyMatchFailure(op, "has scalars of more dimensions than what was moved");
  for (Operation *function : llvm::reverse(functions)) {
    IRMapping mapping;
    mapping.map(findTensorOperand(function)->get(), before);
    Operation *copy = rewriter.clone(*function, mapping);
    copy->getResult(0).setType(type);
    before = copy->getResult(0);
  }
  auto codeType = type.clone(typeOf(op.getResult()).getElementType());
  Value codes = QuantizeOp::create(rewriter, op.getLoc(), codeType, before, op.getScale(), op.getZeroPoint(),
                                   /*axis=*/0, /*block=*/0);
  rewriter.replaceOp(op, moveOther(rewriter, move, codes));
  return success();
}

void MoveCodes::runOnOperation() {
  RewritePatternSet patterns(&getContext());
  patterns.add<MoveBeforeDequantize<TransposeOp>, MoveBeforeDequantize<ReshapeOp>, QuantizeBeforeMove,
               QuantizeBeforePool, DropRequantization>(&getContext());
  if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
    signalPassFailure();
}
