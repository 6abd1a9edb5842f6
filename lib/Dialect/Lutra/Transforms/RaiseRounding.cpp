//===- RaiseRounding.cpp - dynamic_quantize from its parts -----------------===//
// Models that are trained with rounded activations export the rounding in floats, as BitLinear does (arXiv 2402.17764):
//
//   c = clamp(round(x * s)) / s with s = 127 / max(max |x|, floor) over the last dimension
//
// becomes the codes of one op and a dequantization, which a product of codes takes as it is. What lets gradients pass,
// x + (c - x), is c but for its own two roundings.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "ScalarMatch.h"

#include "mlir/IR/Remarks.h"

#include <algorithm>
#include <cmath>
#include <string>

using namespace mlir;
using namespace lutra;

#define DEBUG_TYPE "lutra-raise-rounding"

namespace lutra {
#define GEN_PASS_DEF_RAISEROUNDING
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
struct RaiseRounding final : lutra::impl::RaiseRoundingBase<RaiseRounding> {
  using Base::Base;
  void runOnOperation() override;
};

/// most / max(max |x|, floor) of each row, or most times the reciprocal of that.
struct RowScale {
  Value x;
  double most, floor;
  bool reciprocal;
};
} // namespace

/// The other operand of an op of `kind` with a scalar, and the scalar; null: it is no such op.
static std::pair<Value, double> withScalar(Value value, BinaryKind kind) {
  if (BinaryOp op = definingBinary(value, kind))
    for (unsigned side : {0, 1})
      if (std::optional<double> scalar = scalarOf(op->getOperand(side)))
        return {op->getOperand(1 - side), *scalar};
  return {};
}

/// A scalar over what is returned.
static Value overScalar(Value value, double &scalar) {
  BinaryOp quotient = definingBinary(value, BinaryKind::Div);
  std::optional<double> found = quotient ? scalarOf(quotient.getLhs()) : std::nullopt;
  scalar = found.value_or(0);
  return found ? quotient.getRhs() : Value();
}

static std::optional<RowScale> matchScale(Value value) {
  RowScale scale{};
  Value range = overScalar(value, scale.most);
  if (auto [inverse, most] = withScalar(value, BinaryKind::Mul); inverse) {
    double one = 1;
    UnaryOp reciprocal = definingUnary(inverse, UnaryKind::Reciprocal);
    range = reciprocal ? reciprocal.getInput() : overScalar(inverse, one);
    if (one != 1)
      return std::nullopt;
    scale.most = most;
    scale.reciprocal = true;
  }
  auto [greatest, floor] = range ? withScalar(range, BinaryKind::Max) : std::pair<Value, double>();
  if (!greatest && range)
    greatest = range;
  auto reduce = greatest ? greatest.getDefiningOp<ReduceOp>() : ReduceOp();
  UnaryOp magnitude = reduce && reduce.getKind() == ReduceKind::Max ? definingUnary(reduce.getInput(), UnaryKind::Abs)
                                                                    : UnaryOp();
  if (!magnitude ||
      reduce.getAxes() != ArrayRef<int64_t>{cast<RankedTensorType>(magnitude.getType()).getRank() - 1})
    return std::nullopt;
  scale.x = magnitude.getInput();
  scale.floor = floor;
  return scale;
}

/// The bits of which `most` is the greatest code; 0: of none.
static unsigned bitsOf(double most) {
  for (unsigned bits = 2; bits <= 8; ++bits)
    if (most == std::ldexp(1, static_cast<int>(bits) - 1) - 1)
      return bits;
  return 0;
}

/// Peels two limits off `value`.
static Value peelLimits(Value value, double &low, double &high) {
  for (int step = 0; step < 2; ++step) {
    if (auto [inner, limit] = withScalar(value, BinaryKind::Min); inner) {
      value = inner;
      high = std::min(high, limit);
    } else if (auto [other, bound] = withScalar(value, BinaryKind::Max); other) {
      value = other;
      low = std::max(low, bound);
    }
  }
  return value;
}

/// Why `op`, a quotient by `scale`, is not the values of codes; empty: it is.
static std::string findFault(BinaryOp op, const RowScale &scale) {
  auto type = cast<RankedTensorType>(op.getType());
  double low = -HUGE_VAL, high = HUGE_VAL;
  UnaryOp round = definingUnary(peelLimits(op.getLhs(), low, high), UnaryKind::Round);
  BinaryOp product = round ? definingBinary(round.getInput(), BinaryKind::Mul) : BinaryOp();
  Value factor = op.getRhs();
  if (!product || (product.getLhs() != factor && product.getRhs() != factor))
    return "the quotient is not of what was multiplied with the same scale and rounded half to even";
  if ((product.getLhs() == factor ? product.getRhs() : product.getLhs()) != scale.x)
    return "the scale is that of other values";
  if (!type.getElementType().isF32())
    return "the values are not f32";
  if (scale.x.getType() != type || type.isDynamicDim(type.getRank() - 1) || type.getShape().back() < 1)
    return "the length of a row is not known";
  if (bitsOf(scale.most) == 0)
    return "the scale's numerator is the greatest code of no 2 to 8 bits";
  if (high != scale.most || (low != -scale.most && low != -scale.most - 1))
    return "the limits are not those of the codes";
  if (!(scale.floor >= 0x1p-118))
    return "the scale has no floor of 2^-118 or more, so that rows of zeros give NaN";
  return "";
}

static void raiseCodes(BinaryOp op, const RowScale &scale) {
  OpBuilder builder(op);
  auto type = cast<RankedTensorType>(op.getType());
  int64_t depth = type.getShape().back(), axis = type.getRank() - 1;
  auto codes = DynamicQuantizeOp::create(builder, op.getLoc(), type.clone(builder.getI8Type()), op.getRhs().getType(),
                                         /*zero_point=*/Type(), scale.x, depth, bitsOf(scale.most),
                                         APFloat(static_cast<float>(scale.floor)), scale.reciprocal);
  auto values = DequantizeOp::create(builder, op.getLoc(), type, codes.getCodes(), codes.getScale(),
                                     /*zero_point=*/Value(), axis, depth);
  op.replaceAllUsesWith(values.getResult());
}

/// What `x + (y - x)` stands for, with y the rounded values of x; null: it is no such sum.
static Value findPassed(BinaryOp op) {
  for (unsigned side : {0, 1}) {
    BinaryOp difference = definingBinary(op->getOperand(side), BinaryKind::Sub);
    auto values = difference ? difference.getLhs().getDefiningOp<DequantizeOp>() : DequantizeOp();
    auto codes = values ? values.getInput().getDefiningOp<DynamicQuantizeOp>() : DynamicQuantizeOp();
    Value x = op->getOperand(1 - side);
    if (codes && codes.getInput() == x && difference.getRhs() == x)
      return values.getResult();
  }
  return {};
}

void RaiseRounding::runOnOperation() {
  getOperation()->walk([](BinaryOp op) {
    if (Value passed = op.getKind() == BinaryKind::Add ? findPassed(op) : Value())
      op.replaceAllUsesWith(passed);
    std::optional<RowScale> scale = op.getKind() == BinaryKind::Div ? matchScale(op.getRhs()) : std::nullopt;
    if (!scale)
      return;
    auto opts = remark::RemarkOpts::name("RaiseRounding").category(DEBUG_TYPE);
    std::string why = findFault(op, *scale);
    if (!why.empty()) {
      remark::missed(op.getLoc(), opts) << remark::reason("{0}", why);
      return;
    }
    remark::passed(op.getLoc(), opts) << remark::metric("Bits", bitsOf(scale->most));
    raiseCodes(op, *scale);
  });
}
