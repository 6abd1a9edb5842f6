//===- RaiseActivations.cpp - SiLU and GELU from chains of pointwise ops ---===//
// Exporters spell activations out. One op instead of five is what fusion, the accuracy bound and the
// targets with such an op want. The root is always a product: its factors are gathered in any order and nesting,
// scalars multiplied up, and the formula compared with the definitions:
//   silu(x)      = x * sigmoid(x)
//   gelu_erf(x)  = 0.5 * x * (1 + erf(x / sqrt 2))
//   gelu_tanh(x) = 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))
// Constants arrive rounded to the element type, or as a few decimal digits. With u its unit roundoff, gelu's bound
// (docs/design/bounds.md) is at least 8 u |x|. A relative error d of 1 / sqrt 2 moves the result by up to 0.242 |x| d
// (at |x| = 1), of sqrt(2 / pi) by 0.224 |x| d, of 0.044715 by 0.016 |x| d: d may be 8 u, a quarter of the bound. That
// of 0.5 moves it by |gelu(x)| d and may be 2 u, an eighth of what the bound is relative to the result: 1 / sqrt 2
// twice makes a 0.5. The 1 must be 1. So f32 takes 1.414213 and refuses 1.41421 and 0.7071: those stay pointwise ops.
// Invariant: the rewritten value has the type of x, so broadcasting never hides in a raised op.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "ScalarMatch.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace lutra;

/// How many unit roundoffs the constants of gelu may be off: see above.
static constexpr unsigned innerRoundings = 8, halfRoundings = 2;

namespace lutra {
#define GEN_PASS_DEF_RAISEACTIVATIONS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

/// Whether `value` is `scale * x`.
static bool isScaled(Value value, double scale, Value x) {
  Product product = factorsOf(value);
  return product.factors.size() == 1 && product.factors[0] == x &&
         isRounding(product.scalar, scale, getElementTypeOrSelf(value.getType()), innerRoundings);
}

/// Whether `value` is `scale * x^3`, written as a power or as products.
static bool isScaledCube(Value value, double scale, Value x) {
  Product product = factorsOf(value);
  if (!isRounding(product.scalar, scale, getElementTypeOrSelf(value.getType()), innerRoundings))
    return false;
  unsigned power = 0;
  for (Value factor : product.factors) {
    BinaryOp pow = definingBinary(factor, BinaryKind::Pow);
    if (factor == x) {
      power += 1;
    } else if (pow && pow.getLhs() == x) {
      std::optional<double> exponent = scalarOf(pow.getRhs());
      if (!exponent || (*exponent != 2.0 && *exponent != 3.0))
        return false;
      power += (unsigned)*exponent;
    } else {
      return false;
    }
  }
  return power == 3;
}

/// Whether `value` is `sqrt(2 / pi) * (x + 0.044715 * x^3)`.
static bool isTanhArgument(Value value, Value x) {
  constexpr double outer = 0.7978845608028654, inner = 0.044715;
  Product product = factorsOf(value);
  if (product.factors.size() == 1 &&
      isRounding(product.scalar, outer, getElementTypeOrSelf(value.getType()), innerRoundings))
    if (BinaryOp sum = definingBinary(product.factors[0], BinaryKind::Add))
      return (sum.getLhs() == x && isScaledCube(sum.getRhs(), inner, x)) ||
             (sum.getRhs() == x && isScaledCube(sum.getLhs(), inner, x));
  return false;
}

/// The GELU form of which `gate` is the second factor, with the first being x.
static std::optional<UnaryKind> matchGelu(Value gate, Value x) {
  Value function = addedTo(gate, 1.0);
  if (!function)
    return std::nullopt;
  if (UnaryOp erf = definingUnary(function, UnaryKind::Erf))
    if (isScaled(erf.getInput(), 0.7071067811865476, x))
      return UnaryKind::GeluErf;
  if (UnaryOp tanh = definingUnary(function, UnaryKind::Tanh))
    if (isTanhArgument(tanh.getInput(), x))
      return UnaryKind::GeluTanh;
  return std::nullopt;
}

namespace {
struct RaiseProduct final : OpRewritePattern<BinaryOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const override;
};

struct RaiseActivations final : lutra::impl::RaiseActivationsBase<RaiseActivations> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

LogicalResult RaiseProduct::matchAndRewrite(BinaryOp op, PatternRewriter &rewriter) const {
  if (op.getKind() != BinaryKind::Mul && op.getKind() != BinaryKind::Div)
    return rewriter.notifyMatchFailure(op, "not a product");
  Product product = factorsOf(op.getResult());
  if (product.factors.size() != 2)
    return rewriter.notifyMatchFailure(op, "product has other than two factors");
  for (unsigned first : {0u, 1u}) {
    Value x = product.factors[first], gate = product.factors[1 - first];
    if (x.getType() != op.getType())
      continue;
    std::optional<UnaryKind> kind;
    UnaryOp sigmoid = definingUnary(gate, UnaryKind::Sigmoid);
    if (sigmoid && sigmoid.getInput() == x && product.scalar == 1.0)
      kind = UnaryKind::Silu;
    else if (isRounding(product.scalar, 0.5, op.getType().getElementType(), halfRoundings))
      kind = matchGelu(gate, x);
    if (!kind)
      continue;
    rewriter.replaceOpWithNewOp<UnaryOp>(op, op.getType(), *kind, x);
    return success();
  }
  return rewriter.notifyMatchFailure(op, "factors are no activation's");
}

void RaiseActivations::runOnOperation() {
  RewritePatternSet patterns(&getContext());
  patterns.add<RaiseProduct>(&getContext());
  if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
    signalPassFailure();
}
