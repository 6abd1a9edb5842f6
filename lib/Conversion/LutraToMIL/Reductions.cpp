//===- Reductions.cpp - reduce, arg_reduce, cumulative, softmax, norms -------===//
// fp16 needs care in two places: epsilons below the smallest subnormal vanish, so they are raised to
// 2^-23, and the square in rms_norm overflows from |x| = 256 on, so the row is divided by its largest
// magnitude first (exact up to rounding: the norm does not see a common factor).
#include "MilLowering.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

/// The last `count` dimensions of a rank.
static SmallVector<int64_t> lastDims(int64_t rank, int64_t count) {
  return llvm::to_vector(llvm::seq<int64_t>(rank - count, rank));
}

static Value reduce(MilLowering &lowering, StringRef name, Value x, ArrayRef<int64_t> axes) {
  return lowering.apply(name, {{"x", x}},
                        {{"axes", lowering.intsAttr(axes)}, {"keep_dims", lowering.boolAttr(true)}});
}

static Value lowerReduce(MilLowering &lowering, ReduceOp op) {
  Value x = lowering.valueOf(op.getInput());
  if (!x)
    return {};
  if (op.getAxes().empty())
    return x;
  std::string name = ("reduce_" + stringifyReduceKind(op.getKind())).str();
  Type element = getElementTypeOrSelf(x.getType());
  if (!element.isInteger(1))
    return reduce(lowering, name, x, op.getAxes());
  Value number = lowering.castTo(x, lowering.builder.getI32Type());
  return lowering.castTo(reduce(lowering, name, number, op.getAxes()), element);
}

static Value lowerArgReduce(MilLowering &lowering, ArgReduceOp op) {
  if (op.getSelectLast())
    return lowering.decline("select_last");
  StringRef name = op.getKind() == ReduceKind::Max ? "reduce_argmax" : "reduce_argmin";
  return lowering.apply(name, {{"x", lowering.valueOf(op.getInput())}},
                        {{"axis", lowering.intAttr(op.getAxis())}, {"keep_dims", lowering.boolAttr(true)}});
}

static Value lowerCumulative(MilLowering &lowering, CumulativeOp op) {
  if (op.getKind() != ReduceKind::Sum)
    return lowering.decline("MIL has running sums alone");
  return lowering.apply("cumsum", {{"x", lowering.valueOf(op.getInput())}},
                        {{"axis", lowering.intAttr(op.getAxis())},
                         {"exclusive", lowering.boolAttr(op.getExclusive())},
                         {"reverse", lowering.boolAttr(op.getReverse())}});
}

static Value lowerSoftmax(MilLowering &lowering, SoftmaxOp op) {
  Value x = lowering.valueOf(op.getInput());
  if (!x)
    return {};
  int64_t axis = op.getAxis();
  if (!op.getLog())
    return lowering.apply("softmax", {{"x", x}}, {{"axis", lowering.intAttr(axis)}});
  Value shifted = lowering.binary("sub", x, reduce(lowering, "reduce_max", x, {axis}));
  Value sum = reduce(lowering, "reduce_sum", lowering.unary("exp", shifted), {axis});
  Type element = getElementTypeOrSelf(x.getType());
  Value log = lowering.apply("log", {{"x", sum}}, {{"epsilon", lowering.floatAttr(0.0, element)}});
  return lowering.binary("sub", shifted, log);
}

static double usableEpsilon(MilLowering &lowering, double epsilon) {
  return lowering.settings.half ? std::max(epsilon, std::ldexp(1.0, -23)) : epsilon;
}

static Value lowerLayerNorm(MilLowering &lowering, LayerNormOp op) {
  Value x = lowering.valueOf(op.getInput());
  if (!x)
    return {};
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<MilLowering::Operand> operands{{"x", x}};
  bool constantScale = !op.getScale() || lowering.constantOf(op.getScale());
  bool constantBias = !op.getBias() || lowering.constantOf(op.getBias());
  bool fused = constantScale && constantBias; // MIL takes both as constants, or we apply them
  if (fused && op.getScale())
    operands.push_back({"gamma", lowering.valueOf(op.getScale())});
  if (fused && op.getBias())
    operands.push_back({"beta", lowering.valueOf(op.getBias())});
  Value result = lowering.apply(
      "layer_norm", operands,
      {{"axes", lowering.intsAttr(lastDims(type.getRank(), op.getDims()))},
       {"epsilon", lowering.floatAttr(usableEpsilon(lowering, op.getEpsilon().convertToDouble()),
                                      type.getElementType())}});
  if (!fused && op.getScale())
    result = lowering.binary("mul", result, lowering.valueOf(op.getScale()));
  if (!fused && op.getBias())
    result = lowering.binary("add", result, lowering.valueOf(op.getBias()));
  return result;
}

static Value lowerRmsNorm(MilLowering &lowering, RmsNormOp op) {
  Value x = lowering.valueOf(op.getInput());
  if (!x)
    return {};
  auto type = cast<RankedTensorType>(x.getType());
  Type element = type.getElementType();
  SmallVector<int64_t> axes = lastDims(type.getRank(), op.getDims());
  double epsilon = op.getEpsilon().convertToDouble();
  Value normal;
  if (lowering.settings.half) {
    Value peak = reduce(lowering, "reduce_max", lowering.unary("abs", x), axes);
    Value scale = lowering.binary("maximum", peak, lowering.scalar(1e-4, element));
    Value unit = lowering.binary("real_div", x, scale);
    Value square = reduce(lowering, "reduce_mean", lowering.binary("mul", unit, unit), axes);
    Value ratio = lowering.binary("real_div", lowering.scalar(std::sqrt(epsilon), element), scale);
    Value small = lowering.binary("maximum", lowering.binary("mul", ratio, ratio),
                                  lowering.scalar(std::ldexp(1.0, -24), element));
    Value root = lowering.binary("pow", lowering.binary("add", square, small), lowering.scalar(-0.5, element));
    normal = lowering.binary("mul", unit, root);
  } else {
    Value square = reduce(lowering, "reduce_mean", lowering.binary("mul", x, x), axes);
    Value sum = lowering.binary("add", square, lowering.scalar(epsilon, element));
    normal = lowering.binary("mul", x, lowering.binary("pow", sum, lowering.scalar(-0.5, element)));
  }
  return op.getScale() ? lowering.binary("mul", normal, lowering.valueOf(op.getScale())) : normal;
}

bool lutra::lowerReduction(MilLowering &lowering, Operation *op) {
  Value result;
  bool known = llvm::TypeSwitch<Operation *, bool>(op)
                   .Case([&](ReduceOp reduce) { return result = lowerReduce(lowering, reduce), true; })
                   .Case([&](ArgReduceOp reduce) { return result = lowerArgReduce(lowering, reduce), true; })
                   .Case([&](CumulativeOp sum) { return result = lowerCumulative(lowering, sum), true; })
                   .Case([&](SoftmaxOp softmax) { return result = lowerSoftmax(lowering, softmax), true; })
                   .Case([&](LayerNormOp norm) { return result = lowerLayerNorm(lowering, norm), true; })
                   .Case([&](RmsNormOp norm) { return result = lowerRmsNorm(lowering, norm), true; })
                   .Default([](Operation *) { return false; });
  if (known)
    lowering.bind(op->getResult(0), result);
  return known;
}
