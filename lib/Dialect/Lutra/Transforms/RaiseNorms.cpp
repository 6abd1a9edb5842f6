//===- RaiseNorms.cpp - LayerNorm, RMSNorm and softmax from their parts ----===//
// Older exporters spell a norm as ReduceMean, Sub, Pow, Sqrt, Div. One op keeps the row in registers and
// has an error bound of its own. Three steps, each a pattern:
//   d / sqrt(mean(d * d) + eps) with d = x - mean(x)   -> layer_norm of x
//   x / sqrt(mean(x * x) + eps)                        -> rms_norm of x
//   norm * scale, norm + bias                          -> operands of the norm
//   e / sum(e) with e = exp(x - max(x))                -> softmax of x
// Division may be multiplication with a reciprocal or rsqrt. The axes are the last ones (softmax: any
// one axis) and their sizes static, because the mean's divisor is compared with them.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "ScalarMatch.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace lutra;

namespace lutra {
#define GEN_PASS_DEF_RAISENORMS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

/// The reduction of which `value` is the mean: its sum divided by the number of elements, or multiplied with the
/// nearest number to its reciprocal. A second constant makes another statistic of it: n / (n - 1), which gives the
/// unbiased variance, is near 1.
static ReduceOp matchMean(Value value) {
  Product product = factorsOf(value);
  if (product.factors.size() != 1 || product.constants > 1)
    return {};
  auto sum = product.factors[0].getDefiningOp<ReduceOp>();
  if (!sum || sum.getKind() != ReduceKind::Sum)
    return {};
  auto type = cast<RankedTensorType>(sum.getInput().getType());
  double count = 1;
  for (int64_t axis : sum.getAxes()) {
    if (type.isDynamicDim(axis))
      return {};
    count *= (double)type.getDimSize(axis);
  }
  return isRounding(product.scalar * count, 1.0, type.getElementType(), 1) ? sum : ReduceOp();
}

/// How many of the last dimensions the reduction covers, or nullopt if they are others.
static std::optional<int64_t> lastDims(ReduceOp reduce) {
  int64_t rank = cast<RankedTensorType>(reduce.getInput().getType()).getRank();
  int64_t count = reduce.getAxes().size();
  for (auto [index, axis] : llvm::enumerate(reduce.getAxes()))
    if (axis != rank - count + (int64_t)index)
      return std::nullopt;
  return count;
}

/// Whether `value` is `x * x` (or its second power).
static bool isSquareOf(Value value, Value x) {
  if (BinaryOp product = definingBinary(value, BinaryKind::Mul))
    return product.getLhs() == x && product.getRhs() == x;
  if (BinaryOp power = definingBinary(value, BinaryKind::Pow))
    return power.getLhs() == x && scalarOf(power.getRhs()) == 2.0;
  return false;
}

namespace {
/// `numerator / sqrt(variance)`.
struct Quotient {
  Value numerator, variance;
};

struct RaiseQuotient final : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override;
};

struct AbsorbAffine final : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override;
};

struct RaiseSoftmax final : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override;
};

struct RaiseNorms final : lutra::impl::RaiseNormsBase<RaiseNorms> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

static std::optional<Quotient> matchQuotient(BinaryOp op) {
  if (op.getKind() == BinaryKind::Div) {
    UnaryOp root = definingUnary(op.getRhs(), UnaryKind::Sqrt);
    return root ? std::optional(Quotient{op.getLhs(), root.getInput()}) : std::nullopt;
  }
  if (op.getKind() != BinaryKind::Mul)
    return std::nullopt;
  for (auto [numerator, inverse] :
       {std::pair(op.getLhs(), op.getRhs()), std::pair(op.getRhs(), op.getLhs())}) {
    if (UnaryOp root = definingUnary(inverse, UnaryKind::Rsqrt))
      return Quotient{numerator, root.getInput()};
    if (UnaryOp reciprocal = definingUnary(inverse, UnaryKind::Reciprocal))
      if (UnaryOp root = definingUnary(reciprocal.getInput(), UnaryKind::Sqrt))
        return Quotient{numerator, root.getInput()};
  }
  return std::nullopt;
}

LogicalResult RaiseQuotient::matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const {
  std::optional<Quotient> quotient = matchQuotient(op);
  if (!quotient || quotient->numerator.getType() != op.getType())
    return rewriter.notifyMatchFailure(op, "no division by a root");
  BinaryOp sum = definingBinary(quotient->variance, BinaryKind::Add);
  if (!sum)
    return rewriter.notifyMatchFailure(op, "the root's operand has no epsilon");
  std::optional<double> epsilon = scalarOf(sum.getRhs());
  ReduceOp squares = matchMean(epsilon ? sum.getLhs() : sum.getRhs());
  if (!epsilon)
    epsilon = scalarOf(sum.getLhs());
  if (!epsilon || !squares || !isSquareOf(squares.getInput(), quotient->numerator))
    return rewriter.notifyMatchFailure(op, "the root's operand is no mean of squares");
  std::optional<int64_t> dims = lastDims(squares);
  if (!dims)
    return rewriter.notifyMatchFailure(op, "the mean is not over the last dimensions");
  auto epsilonAttr = rewriter.getF64FloatAttr(*epsilon);
  auto dimsAttr = rewriter.getI64IntegerAttr(*dims);
  if (BinaryOp centred = definingBinary(quotient->numerator, BinaryKind::Sub)) {
    ReduceOp mean = matchMean(centred.getRhs());
    if (mean && mean.getInput() == centred.getLhs() && mean.getAxes() == squares.getAxes() &&
        centred.getLhs().getType() == op.getType()) {
      rewriter.replaceOpWithNewOp<LayerNormOp>(op, op.getType(), centred.getLhs(), Value(), Value(),
                                               dimsAttr, epsilonAttr);
      return success();
    }
  }
  rewriter.replaceOpWithNewOp<RmsNormOp>(op, op.getType(), quotient->numerator, Value(), dimsAttr,
                                         epsilonAttr);
  return success();
}

/// Whether `value` has exactly the shape of the last `dims` dimensions of `type`.
static bool fitsLast(Value value, RankedTensorType type, int64_t dims) {
  auto own = cast<RankedTensorType>(value.getType());
  return own.hasStaticShape() && own.getShape() == type.getShape().take_back(dims) &&
         own.getElementType() == type.getElementType();
}

LogicalResult AbsorbAffine::matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const {
  if (op.getKind() != BinaryKind::Mul && op.getKind() != BinaryKind::Add)
    return rewriter.notifyMatchFailure(op, "neither product nor sum");
  bool isScale = op.getKind() == BinaryKind::Mul;
  for (auto [norm, operand] :
       {std::pair(op.getLhs(), op.getRhs()), std::pair(op.getRhs(), op.getLhs())}) {
    if (!norm.hasOneUse() || norm.getType() != op.getType())
      continue;
    auto type = cast<RankedTensorType>(op.getType());
    if (auto rms = norm.getDefiningOp<RmsNormOp>(); rms && isScale && !rms.getScale() &&
                                                    fitsLast(operand, type, rms.getDims())) {
      rewriter.replaceOpWithNewOp<RmsNormOp>(op, type, rms.getInput(), operand, rms.getDimsAttr(),
                                             rms.getEpsilonAttr());
      return success();
    }
    auto layer = norm.getDefiningOp<LayerNormOp>();
    if (!layer || layer.getBias() || (isScale && layer.getScale()) ||
        (!isScale && !layer.getScale()) || !fitsLast(operand, type, layer.getDims()))
      continue;
    rewriter.replaceOpWithNewOp<LayerNormOp>(
        op, type, layer.getInput(), isScale ? operand : layer.getScale(),
        isScale ? Value() : operand, layer.getDimsAttr(), layer.getEpsilonAttr());
    return success();
  }
  return rewriter.notifyMatchFailure(op, "no operand is a norm that lacks this part");
}

LogicalResult RaiseSoftmax::matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const {
  if (op.getKind() != BinaryKind::Div)
    return rewriter.notifyMatchFailure(op, "no division");
  auto sum = op.getRhs().getDefiningOp<ReduceOp>();
  UnaryOp exponential = definingUnary(op.getLhs(), UnaryKind::Exp);
  if (!sum || sum.getKind() != ReduceKind::Sum || !exponential || sum.getInput() != op.getLhs() ||
      sum.getAxes().size() != 1)
    return rewriter.notifyMatchFailure(op, "no exponential divided by its sum along one axis");
  BinaryOp shifted = definingBinary(exponential.getInput(), BinaryKind::Sub);
  auto largest = shifted ? shifted.getRhs().getDefiningOp<ReduceOp>() : ReduceOp();
  if (!largest || largest.getKind() != ReduceKind::Max || largest.getInput() != shifted.getLhs() ||
      largest.getAxes() != sum.getAxes() || shifted.getLhs().getType() != op.getType())
    return rewriter.notifyMatchFailure(op, "the exponential's operand is not shifted by its maximum");
  rewriter.replaceOpWithNewOp<SoftmaxOp>(op, op.getType(), shifted.getLhs(),
                                         rewriter.getI64IntegerAttr(sum.getAxes()[0]), UnitAttr());
  return success();
}

void RaiseNorms::runOnOperation() {
  RewritePatternSet patterns(&getContext());
  patterns.add<AbsorbAffine, RaiseQuotient, RaiseSoftmax>(&getContext());
  if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
    signalPassFailure();
}
