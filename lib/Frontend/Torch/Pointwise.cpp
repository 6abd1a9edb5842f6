//===- Pointwise.cpp - arithmetic, comparisons, activations, casts -----------===//
#include "Operators.h"

#include <cmath>

using namespace mlir;
using namespace lutra;
using namespace lutra::torch;
using Results = std::vector<torch::Value>;

/// Functions of real numbers give floats for integer input.
static GraphTensor asFloat(GraphBuilder &builder, GraphTensor input) {
  return !input || input.isFloat() ? input : builder.cast(input, builder.f32());
}

template <UnaryKind kind> static Results realFunction(Arguments &args) {
  return {args.builder.unary(kind, asFloat(args.builder, args.tensor("self")))};
}

/// Functions that keep integers; rounding does nothing to them.
template <UnaryKind kind> static Results anyFunction(Arguments &args) {
  GraphTensor x = args.tensor("self");
  bool rounds = kind == UnaryKind::Ceil || kind == UnaryKind::Floor || kind == UnaryKind::Round;
  if (x && rounds && !x.isFloat())
    return {x};
  if (kind == UnaryKind::Round && args.integer("decimals") != 0)
    return {args.builder.fail(ErrorCode::UnsupportedOp, "rounds to decimals")};
  return {args.builder.unary(kind, x)};
}

template <UnaryKind kind> static Results testFunction(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (x && !x.isFloat())
    return {args.builder.filled(args.builder.i1(), x.shape(), 0)};
  return {args.builder.unary(kind, x)};
}

/// Sums and products of truth values are truth values: one is true, or both are.
static BinaryKind onTruth(BinaryKind kind) {
  if (kind == BinaryKind::Add || kind == BinaryKind::Max)
    return BinaryKind::Or;
  return kind == BinaryKind::Mul || kind == BinaryKind::Min ? BinaryKind::And : kind;
}

template <BinaryKind kind> static Results arithmetic(Arguments &args) {
  auto [a, b] = promoted(args, "self", "other");
  return {args.builder.binary(a && a.isBool() ? onTruth(kind) : kind, a, b)};
}

/// self + alpha * other, and the like.
template <bool subtract, bool reversed> static Results scaledSum(Arguments &args) {
  auto [a, b] = promoted(args, "self", "other");
  if (reversed)
    std::swap(a, b);
  double alpha = args.real("alpha", 1.0);
  if (b && alpha != 1.0)
    b = args.builder.mul(b, alpha);
  BinaryKind kind = subtract ? BinaryKind::Sub : BinaryKind::Add;
  return {args.builder.binary(a && a.isBool() ? onTruth(kind) : kind, a, b)};
}

static GraphTensor floorQuotient(GraphBuilder &builder, GraphTensor a, GraphTensor b) {
  if (!a || !b)
    return {};
  if (a.isFloat())
    return builder.unary(UnaryKind::Floor, builder.div(a, b));
  return builder.div(builder.sub(a, builder.binary(BinaryKind::Mod, a, b)), b); // exact, so truncation is floor
}

static Results divide(Arguments &args) {
  GraphBuilder &builder = args.builder;
  auto [a, b] = promoted(args, "self", "other");
  StringRef mode = args.text("rounding_mode");
  if (mode == "floor")
    return {floorQuotient(builder, a, b)};
  if (mode == "trunc") {
    GraphTensor quotient = builder.div(a, b);
    if (!quotient || !quotient.isFloat())
      return {quotient};
    GraphTensor size = builder.unary(UnaryKind::Floor, builder.unary(UnaryKind::Abs, quotient));
    return {builder.mul(builder.unary(UnaryKind::Sign, quotient), size)};
  }
  return {builder.div(asFloat(builder, a), asFloat(builder, b))};
}

static Results floorDivide(Arguments &args) {
  auto [a, b] = promoted(args, "self", "other");
  return {floorQuotient(args.builder, a, b)};
}

static Results power(Arguments &args) {
  GraphBuilder &builder = args.builder;
  bool scalarBase = !args.get("self").isTensor();
  GraphTensor exponent = scalarBase ? args.tensor("exponent") : GraphTensor();
  GraphTensor base = args.operand("self", exponent);
  if (!scalarBase)
    exponent = args.operand("exponent", base);
  if (!base || !exponent)
    return {GraphTensor()};
  Type type = promote(base, exponent);
  return {builder.pow(builder.cast(base, type), builder.cast(exponent, type))};
}

template <CompareKind kind> static Results comparison(Arguments &args) {
  auto [a, b] = promoted(args, "self", "other");
  return {args.builder.compare(kind, a, b)};
}

static GraphTensor truth(GraphBuilder &builder, GraphTensor input) {
  return input ? builder.cast(input, builder.i1()) : input;
}

template <BinaryKind kind> static Results logical(Arguments &args) {
  GraphBuilder &builder = args.builder;
  return {builder.binary(kind, truth(builder, args.tensor("self")), truth(builder, args.tensor("other")))};
}

static Results logicalNot(Arguments &args) {
  return {args.builder.unary(UnaryKind::Not, truth(args.builder, args.tensor("self")))};
}

static Results bitwiseNot(Arguments &args) {
  GraphTensor x = args.tensor("self");
  return {args.builder.unary(x && x.isBool() ? UnaryKind::Not : UnaryKind::BitwiseNot, x)};
}

static Results where(Arguments &args) {
  auto [a, b] = promoted(args, "self", "other");
  return {args.builder.select(truth(args.builder, args.tensor("condition")), a, b)};
}

static Results maskedFill(Arguments &args) {
  GraphTensor x = args.tensor("self");
  GraphTensor value = args.operand("value", x);
  if (!x || !value)
    return {GraphTensor()};
  return {args.builder.select(args.tensor("mask"), args.builder.cast(value, x.type()), x)};
}

static Results clamp(Arguments &args) {
  GraphBuilder &builder = args.builder;
  GraphTensor x = args.tensor("self");
  for (auto [names, kind] : {std::pair(std::array{"min", "min_val"}, BinaryKind::Max),
                             std::pair(std::array{"max", "max_val"}, BinaryKind::Min)})
    for (StringRef name : names) {
      if (!args.has(name) || !x)
        continue;
      GraphTensor bound = args.operand(name, x);
      Type type = bound ? promote(x, bound) : x.type();
      x = builder.binary(kind, builder.cast(x, type), builder.cast(bound, type));
    }
  return {x};
}

static Results gelu(Arguments &args) {
  UnaryKind kind = args.text("approximate") == "tanh" ? UnaryKind::GeluTanh : UnaryKind::GeluErf;
  return {args.builder.unary(kind, args.tensor("self"))};
}

static Results leakyRelu(Arguments &args) {
  GraphTensor x = args.tensor("self");
  return {x ? args.builder.leakyRelu(x, args.builder.scalar(x.type(), args.real("negative_slope", 0.01))) : x};
}

static Results elu(Arguments &args) {
  if (args.real("scale", 1.0) != 1.0 || args.real("input_scale", 1.0) != 1.0)
    return {args.builder.fail(ErrorCode::UnsupportedOp, "elu with scales")};
  return {args.builder.elu(args.tensor("self"), args.real("alpha", 1.0))};
}

/// log(1 + exp(beta x)) / beta; x itself where beta x is above the threshold.
static Results softplus(Arguments &args) {
  GraphBuilder &builder = args.builder;
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  double beta = args.real("beta", 1.0), threshold = args.real("threshold", 20.0);
  GraphTensor scaled = beta == 1.0 ? x : builder.mul(x, beta);
  GraphTensor curve = builder.unary(UnaryKind::Softplus, scaled);
  if (beta != 1.0)
    curve = builder.mul(curve, 1.0 / beta);
  if (threshold >= 20.0 && !x.type().isF64()) // exp(-20) is below half a unit in the last place of 20 in f32
    return {curve};
  return {builder.select(builder.compare(CompareKind::Greater, scaled, builder.scalar(x.type(), threshold)), x, curve)};
}

template <int base> static Results logarithm(Arguments &args) { // of base 2 or 10, or log(1 + x) for 0
  GraphBuilder &builder = args.builder;
  GraphTensor x = asFloat(builder, args.tensor("self"));
  if (base == 0)
    return {builder.unary(UnaryKind::Log, builder.add(x, 1.0))};
  return {builder.mul(builder.unary(UnaryKind::Log, x), 1.0 / std::log(double(base)))};
}

static Results exponentialMinusOne(Arguments &args) {
  return {args.builder.add(args.builder.unary(UnaryKind::Exp, asFloat(args.builder, args.tensor("self"))), -1.0)};
}

static Results square(Arguments &args) {
  GraphTensor x = args.tensor("self");
  return {args.builder.mul(x, x)};
}

/// self + value * a * b, or a / b.
template <bool divides> static Results addProduct(Arguments &args) {
  GraphBuilder &builder = args.builder;
  GraphTensor a = args.tensor("tensor1"), b = args.tensor("tensor2");
  GraphTensor product = divides ? builder.div(a, b) : builder.mul(a, b);
  return {builder.add(args.tensor("self"), builder.mul(product, args.real("value", 1.0)))};
}

static Results lerp(Arguments &args) {
  GraphBuilder &builder = args.builder;
  GraphTensor a = args.tensor("self"), weight = args.operand("weight", a);
  return {builder.add(a, builder.mul(weight, builder.sub(args.tensor("end"), a)))};
}

static Results convert(Arguments &args) {
  GraphTensor x = args.tensor("self");
  return {x ? args.builder.cast(x, args.type("dtype", x.type())) : x};
}

static Results convertLike(Arguments &args) {
  GraphTensor x = args.tensor("self"), other = args.tensor("other");
  return {x && other ? args.builder.cast(x, other.type()) : x};
}

/// A copy, or an operator that does nothing outside of training.
static Results same(Arguments &args) { return {args.has("self") ? args.tensor("self") : args.tensor("input")}; }

static Results dropout(Arguments &args) {
  if (args.boolean("train") && args.real("p", 0.5) != 0.0)
    return {args.builder.fail(ErrorCode::UnsupportedOp, "drops values at random; export the model after .eval()")};
  return {args.tensor("input")};
}

template <GraphTensor (GraphBuilder::*method)(GraphTensor)> static Results composite(Arguments &args) {
  return {(args.builder.*method)(args.tensor("self"))};
}

static Results hardSigmoid(Arguments &args) {
  return {args.builder.hardSigmoid(args.tensor("self"), 1.0 / 6.0, 0.5)};
}

static Results relu6(Arguments &args) { return {args.builder.min(args.builder.max(args.tensor("self"), 0.0), 6.0)}; }

static constexpr Row kRows[] = {
    {"aten.__and__", arithmetic<BinaryKind::And>},
    {"aten.__or__", arithmetic<BinaryKind::Or>},
    {"aten.__xor__", arithmetic<BinaryKind::Xor>},
    {"aten._to_copy", convert},
    {"aten.abs", anyFunction<UnaryKind::Abs>},
    {"aten.acos", realFunction<UnaryKind::Acos>},
    {"aten.acosh", realFunction<UnaryKind::Acosh>},
    {"aten.add", scaledSum<false, false>},
    {"aten.addcdiv", addProduct<true>},
    {"aten.addcmul", addProduct<false>},
    {"aten.alias", same},
    {"aten.asin", realFunction<UnaryKind::Asin>},
    {"aten.asinh", realFunction<UnaryKind::Asinh>},
    {"aten.atan", realFunction<UnaryKind::Atan>},
    {"aten.atanh", realFunction<UnaryKind::Atanh>},
    {"aten.bitwise_and", arithmetic<BinaryKind::And>},
    {"aten.bitwise_not", bitwiseNot},
    {"aten.bitwise_or", arithmetic<BinaryKind::Or>},
    {"aten.bitwise_xor", arithmetic<BinaryKind::Xor>},
    {"aten.ceil", anyFunction<UnaryKind::Ceil>},
    {"aten.clamp", clamp},
    {"aten.clamp_max", clamp},
    {"aten.clamp_min", clamp},
    {"aten.clone", same},
    {"aten.contiguous", same},
    {"aten.cos", realFunction<UnaryKind::Cos>},
    {"aten.cosh", realFunction<UnaryKind::Cosh>},
    {"aten.detach", same},
    {"aten.detach_", same},
    {"aten.div", divide},
    {"aten.dropout", dropout},
    {"aten.elu", elu},
    {"aten.eq", comparison<CompareKind::Equal>},
    {"aten.erf", realFunction<UnaryKind::Erf>},
    {"aten.exp", realFunction<UnaryKind::Exp>},
    {"aten.expm1", exponentialMinusOne},
    {"aten.feature_dropout", dropout},
    {"aten.floor", anyFunction<UnaryKind::Floor>},
    {"aten.floor_divide", floorDivide},
    {"aten.fmod", arithmetic<BinaryKind::Rem>},
    {"aten.ge", comparison<CompareKind::GreaterEqual>},
    {"aten.gelu", gelu},
    {"aten.gt", comparison<CompareKind::Greater>},
    {"aten.hardsigmoid", hardSigmoid},
    {"aten.hardswish", composite<&GraphBuilder::hardSwish>},
    {"aten.hardtanh", clamp},
    {"aten.isinf", testFunction<UnaryKind::IsInf>},
    {"aten.isnan", testFunction<UnaryKind::IsNan>},
    {"aten.le", comparison<CompareKind::LessEqual>},
    {"aten.leaky_relu", leakyRelu},
    {"aten.lerp", lerp},
    {"aten.lift_fresh_copy", same},
    {"aten.log", realFunction<UnaryKind::Log>},
    {"aten.log10", logarithm<10>},
    {"aten.log1p", logarithm<0>},
    {"aten.log2", logarithm<2>},
    {"aten.logical_and", logical<BinaryKind::And>},
    {"aten.logical_not", logicalNot},
    {"aten.logical_or", logical<BinaryKind::Or>},
    {"aten.logical_xor", logical<BinaryKind::Xor>},
    {"aten.lt", comparison<CompareKind::Less>},
    {"aten.masked_fill", maskedFill},
    {"aten.maximum", arithmetic<BinaryKind::Max>},
    {"aten.minimum", arithmetic<BinaryKind::Min>},
    {"aten.mish", composite<&GraphBuilder::mish>},
    {"aten.mul", arithmetic<BinaryKind::Mul>},
    {"aten.ne", comparison<CompareKind::NotEqual>},
    {"aten.neg", anyFunction<UnaryKind::Neg>},
    {"aten.pow", power},
    {"aten.reciprocal", realFunction<UnaryKind::Reciprocal>},
    {"aten.relu", anyFunction<UnaryKind::Relu>},
    {"aten.relu6", relu6},
    {"aten.remainder", arithmetic<BinaryKind::Mod>},
    {"aten.round", anyFunction<UnaryKind::Round>},
    {"aten.rsqrt", realFunction<UnaryKind::Rsqrt>},
    {"aten.rsub", scaledSum<true, true>},
    {"aten.sigmoid", realFunction<UnaryKind::Sigmoid>},
    {"aten.sign", anyFunction<UnaryKind::Sign>},
    {"aten.silu", realFunction<UnaryKind::Silu>},
    {"aten.sin", realFunction<UnaryKind::Sin>},
    {"aten.sinh", realFunction<UnaryKind::Sinh>},
    {"aten.softplus", softplus},
    {"aten.sqrt", realFunction<UnaryKind::Sqrt>},
    {"aten.square", square},
    {"aten.sub", scaledSum<true, false>},
    {"aten.tan", realFunction<UnaryKind::Tan>},
    {"aten.tanh", realFunction<UnaryKind::Tanh>},
    {"aten.to", convert},
    {"aten.type_as", convertLike},
    {"aten.where", where},
};

ArrayRef<Row> torch::pointwiseRows() { return kRows; }
