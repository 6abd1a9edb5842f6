//===- Scalars.cpp - scalar functions of the pointwise ops -------------------===//
// Nothing here may trap: tiles hold zeros where a bound cut them off, so an integer division guards
// its divisor. Comparisons and selects are ordered so that NaN takes the path the op defines.
#include "Scalars.h"

#include "KernelEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;

namespace lutra {

bool isUnsignedElement(Type type) { return type.isUnsignedInteger() || type.isInteger(1); }

static APInt integerLimit(Type type, bool high) {
  unsigned width = type.getIntOrFloatBitWidth();
  if (isUnsignedElement(type))
    return high ? APInt::getMaxValue(width) : APInt::getMinValue(width);
  return high ? APInt::getSignedMaxValue(width) : APInt::getSignedMinValue(width);
}

Value ScalarBuilder::number(Type type, double value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(builder, loc, builder.getFloatAttr(type, value));
  return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, (int64_t)value));
}

TypedAttr ScalarBuilder::neutral(ReduceKind kind, Type type) {
  Builder builder(type.getContext());
  if (isa<FloatType>(type)) {
    Type compute = getComputeType(type);
    double inf = std::numeric_limits<double>::infinity();
    return builder.getFloatAttr(compute, kind == ReduceKind::Sum    ? 0.0
                                         : kind == ReduceKind::Prod ? 1.0
                                         : kind == ReduceKind::Max  ? -inf
                                                                    : inf);
  }
  Type element = getTileElement(type);
  if (kind == ReduceKind::Sum || kind == ReduceKind::Prod)
    return builder.getIntegerAttr(element, kind == ReduceKind::Prod);
  APInt limit = integerLimit(type, kind == ReduceKind::Min);
  unsigned width = element.getIntOrFloatBitWidth();
  return builder.getIntegerAttr(element, isUnsignedElement(type) ? limit.zext(width) : limit.sext(width));
}

Value ScalarBuilder::toCompute(Value x) {
  Type compute = getComputeType(x.getType());
  return compute == x.getType() ? x : arith::ExtFOp::create(builder, loc, compute, x).getResult();
}

Value ScalarBuilder::fromCompute(Value x, Type to) {
  Type element = getTileElement(to);
  return x.getType() == element ? x : arith::TruncFOp::create(builder, loc, element, x).getResult();
}

Value ScalarBuilder::unary(UnaryKind kind, Value x, Type type) {
  return isa<FloatType>(type) ? floatUnary(kind, x) : integerUnary(kind, x, type);
}

Value ScalarBuilder::floatUnary(UnaryKind kind, Value x) {
  Type t = x.getType();
  OpBuilder &b = builder;
  auto num = [&](double value) { return number(t, value); };
  auto mul = [&](Value l, Value r) -> Value { return arith::MulFOp::create(b, loc, l, r); };
  auto add = [&](Value l, Value r) -> Value { return arith::AddFOp::create(b, loc, l, r); };
  auto div = [&](Value l, Value r) -> Value { return arith::DivFOp::create(b, loc, l, r); };
  auto exp = [&](Value v) -> Value { return math::ExpOp::create(b, loc, v); };
  auto neg = [&](Value v) -> Value { return arith::NegFOp::create(b, loc, v); };
  auto cmp = [&](arith::CmpFPredicate p, Value l, Value r) -> Value {
    return arith::CmpFOp::create(b, loc, p, l, r);
  };
  auto select = [&](Value c, Value l, Value r) -> Value {
    return arith::SelectOp::create(b, loc, c, l, r);
  };
  switch (kind) {
  case UnaryKind::Abs: return math::AbsFOp::create(b, loc, x);
  case UnaryKind::Neg: return neg(x);
  case UnaryKind::Sign:
    return select(cmp(arith::CmpFPredicate::OGT, x, num(0)), num(1),
                  select(cmp(arith::CmpFPredicate::OLT, x, num(0)), num(-1), x));
  case UnaryKind::Ceil: return math::CeilOp::create(b, loc, x);
  case UnaryKind::Floor: return math::FloorOp::create(b, loc, x);
  case UnaryKind::Round: return math::RoundEvenOp::create(b, loc, x);
  case UnaryKind::Exp: return exp(x);
  case UnaryKind::Log: return math::LogOp::create(b, loc, x);
  case UnaryKind::Sqrt: return math::SqrtOp::create(b, loc, x);
  case UnaryKind::Rsqrt: return div(num(1), math::SqrtOp::create(b, loc, x));
  case UnaryKind::Reciprocal: return div(num(1), x);
  case UnaryKind::Erf: return math::ErfOp::create(b, loc, x);
  case UnaryKind::Sin: return math::SinOp::create(b, loc, x);
  case UnaryKind::Cos: return math::CosOp::create(b, loc, x);
  case UnaryKind::Tan: return math::TanOp::create(b, loc, x);
  case UnaryKind::Asin: return math::AsinOp::create(b, loc, x);
  case UnaryKind::Acos: return math::AcosOp::create(b, loc, x);
  case UnaryKind::Atan: return math::AtanOp::create(b, loc, x);
  case UnaryKind::Sinh: return math::SinhOp::create(b, loc, x);
  case UnaryKind::Cosh: return math::CoshOp::create(b, loc, x);
  case UnaryKind::Tanh: return math::TanhOp::create(b, loc, x);
  case UnaryKind::Asinh: return math::AsinhOp::create(b, loc, x);
  case UnaryKind::Acosh: return math::AcoshOp::create(b, loc, x);
  case UnaryKind::Atanh: return math::AtanhOp::create(b, loc, x);
  case UnaryKind::Relu: // x < 0 ? 0 : x keeps NaN and is one instruction
    return select(cmp(arith::CmpFPredicate::OLT, x, num(0)), num(0), x);
  case UnaryKind::Sigmoid: return div(num(1), add(num(1), exp(neg(x))));
  case UnaryKind::Softplus: { // max(x, 0) + log(1 + exp(-|x|)): no overflow
    Value small = exp(neg(math::AbsFOp::create(b, loc, x)));
    Value positive = select(cmp(arith::CmpFPredicate::OLT, x, num(0)), num(0), x);
    return add(positive, math::Log1pOp::create(b, loc, small));
  }
  case UnaryKind::Silu: return div(x, add(num(1), exp(neg(x))));
  case UnaryKind::GeluErf:
    return mul(mul(num(0.5), x), add(num(1), math::ErfOp::create(b, loc, mul(x, num(std::sqrt(0.5))))));
  case UnaryKind::GeluTanh: {
    Value cube = mul(mul(x, x), x);
    Value inner = mul(num(std::sqrt(2 / M_PI)), add(x, mul(num(0.044715), cube)));
    return mul(mul(num(0.5), x), add(num(1), math::TanhOp::create(b, loc, inner)));
  }
  case UnaryKind::IsNan: return cmp(arith::CmpFPredicate::UNO, x, x);
  case UnaryKind::IsInf:
    return cmp(arith::CmpFPredicate::OEQ, math::AbsFOp::create(b, loc, x),
               num(std::numeric_limits<double>::infinity()));
  case UnaryKind::Not:
  case UnaryKind::BitwiseNot: return {};
  }
  return {};
}

Value ScalarBuilder::integerUnary(UnaryKind kind, Value x, Type type) {
  Type t = x.getType();
  OpBuilder &b = builder;
  Value zero = number(t, 0);
  bool isUnsigned = isUnsignedElement(type);
  switch (kind) {
  case UnaryKind::Abs:
    return isUnsigned ? x : math::AbsIOp::create(b, loc, x).getResult();
  case UnaryKind::Neg: return arith::SubIOp::create(b, loc, zero, x);
  case UnaryKind::Sign: {
    Value one = number(t, 1);
    Value positive = arith::CmpIOp::create(
        b, loc, isUnsigned ? arith::CmpIPredicate::ne : arith::CmpIPredicate::sgt, x, zero);
    Value rest = zero;
    if (!isUnsigned)
      rest = arith::SelectOp::create(
          b, loc, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, zero), number(t, -1), zero);
    return arith::SelectOp::create(b, loc, positive, one, rest);
  }
  case UnaryKind::Relu:
    return isUnsigned ? x : arith::MaxSIOp::create(b, loc, x, zero).getResult();
  case UnaryKind::Not:
  case UnaryKind::BitwiseNot: return arith::XOrIOp::create(b, loc, x, number(t, -1));
  case UnaryKind::Ceil:
  case UnaryKind::Floor:
  case UnaryKind::Round: return x;
  case UnaryKind::IsNan:
  case UnaryKind::IsInf: return number(b.getI1Type(), 0);
  default: return {};
  }
}

Value ScalarBuilder::binary(BinaryKind kind, Value a, Value b, Type type) {
  return isa<FloatType>(type) ? floatBinary(kind, a, b) : integerBinary(kind, a, b, type);
}

Value ScalarBuilder::floatBinary(BinaryKind kind, Value a, Value b) {
  switch (kind) {
  case BinaryKind::Add: return arith::AddFOp::create(builder, loc, a, b);
  case BinaryKind::Sub: return arith::SubFOp::create(builder, loc, a, b);
  case BinaryKind::Mul: return arith::MulFOp::create(builder, loc, a, b);
  case BinaryKind::Div: return arith::DivFOp::create(builder, loc, a, b);
  case BinaryKind::Pow: {
    // Exponents that models use are constants: spare them the general function.
    if (auto op = b.getDefiningOp<arith::ConstantOp>()) {
      double exponent = llvm::cast<FloatAttr>(op.getValue()).getValueAsDouble();
      if (exponent == 1.0)
        return a;
      if (exponent == 2.0)
        return arith::MulFOp::create(builder, loc, a, a);
      if (exponent == 3.0)
        return arith::MulFOp::create(builder, loc, arith::MulFOp::create(builder, loc, a, a), a);
      if (exponent == 0.5)
        return math::SqrtOp::create(builder, loc, a);
    }
    return math::PowFOp::create(builder, loc, a, b);
  }
  case BinaryKind::Max: return arith::MaximumFOp::create(builder, loc, a, b);
  case BinaryKind::Min: return arith::MinimumFOp::create(builder, loc, a, b);
  case BinaryKind::Rem: return arith::RemFOp::create(builder, loc, a, b);
  case BinaryKind::Mod: {
    Value zero = number(a.getType(), 0);
    Value r = arith::RemFOp::create(builder, loc, a, b);
    auto less = [&](Value x) -> Value {
      return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, x, zero);
    };
    Value differs = arith::XOrIOp::create(builder, loc, less(r), less(b));
    Value nonzero = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNE, r, zero);
    return arith::SelectOp::create(builder, loc, arith::AndIOp::create(builder, loc, differs, nonzero),
                                   arith::AddFOp::create(builder, loc, r, b), r);
  }
  default: return {};
  }
}

Value ScalarBuilder::safeDivisor(Value a, Value b, bool isSigned) {
  Type t = a.getType();
  Value one = number(t, 1);
  Value bad = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, b, number(t, 0));
  if (isSigned) { // minimum / -1 traps too; divided by 1 it gives the same bits
    Value lowest = arith::ConstantOp::create(
        builder, loc, builder.getIntegerAttr(t, APInt::getSignedMinValue(t.getIntOrFloatBitWidth())));
    Value overflow = arith::AndIOp::create(
        builder, loc, arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, a, lowest),
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, b, number(t, -1)));
    bad = arith::OrIOp::create(builder, loc, bad, overflow);
  }
  return arith::SelectOp::create(builder, loc, bad, one, b);
}

Value ScalarBuilder::integerBinary(BinaryKind kind, Value a, Value b, Type type) {
  bool isUnsigned = isUnsignedElement(type);
  Type t = a.getType();
  switch (kind) {
  case BinaryKind::Add: return arith::AddIOp::create(builder, loc, a, b);
  case BinaryKind::Sub: return arith::SubIOp::create(builder, loc, a, b);
  case BinaryKind::Mul: return arith::MulIOp::create(builder, loc, a, b);
  case BinaryKind::Div: {
    Value divisor = safeDivisor(a, b, !isUnsigned);
    if (isUnsigned)
      return arith::DivUIOp::create(builder, loc, a, divisor);
    return arith::DivSIOp::create(builder, loc, a, divisor);
  }
  case BinaryKind::Pow: { // by way of f64, exact below 2^53
    Type real = builder.getF64Type();
    Value power = math::PowFOp::create(builder, loc, cast(a, type, real), cast(b, type, real));
    return cast(power, real, type);
  }
  case BinaryKind::Max:
    if (isUnsigned)
      return arith::MaxUIOp::create(builder, loc, a, b);
    return arith::MaxSIOp::create(builder, loc, a, b);
  case BinaryKind::Min:
    if (isUnsigned)
      return arith::MinUIOp::create(builder, loc, a, b);
    return arith::MinSIOp::create(builder, loc, a, b);
  case BinaryKind::Rem:
  case BinaryKind::Mod: {
    Value divisor = safeDivisor(a, b, !isUnsigned);
    if (isUnsigned)
      return arith::RemUIOp::create(builder, loc, a, divisor);
    Value r = arith::RemSIOp::create(builder, loc, a, divisor);
    if (kind == BinaryKind::Rem)
      return r;
    Value zero = number(t, 0);
    auto less = [&](Value x) -> Value {
      return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, x, zero);
    };
    Value differs = arith::XOrIOp::create(builder, loc, less(r), less(divisor));
    Value nonzero = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, r, zero);
    return arith::SelectOp::create(builder, loc, arith::AndIOp::create(builder, loc, differs, nonzero),
                                   arith::AddIOp::create(builder, loc, r, divisor), r);
  }
  case BinaryKind::And: return arith::AndIOp::create(builder, loc, a, b);
  case BinaryKind::Or: return arith::OrIOp::create(builder, loc, a, b);
  case BinaryKind::Xor: return arith::XOrIOp::create(builder, loc, a, b);
  case BinaryKind::ShiftLeft:
  case BinaryKind::ShiftRight: { // a shift by the width or more gives 0
    unsigned width = t.getIntOrFloatBitWidth();
    Value limit = number(t, width), zero = number(t, 0);
    Value inside = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, b, limit);
    Value amount = arith::SelectOp::create(builder, loc, inside, b, zero);
    Value shifted = kind == BinaryKind::ShiftLeft
                        ? arith::ShLIOp::create(builder, loc, a, amount).getResult()
                        : arith::ShRUIOp::create(builder, loc, a, amount).getResult();
    return arith::SelectOp::create(builder, loc, inside, shifted, zero);
  }
  }
  return {};
}

Value ScalarBuilder::compare(CompareKind kind, Value a, Value b, Type type) {
  unsigned position = static_cast<unsigned>(kind);
  if (isa<FloatType>(type)) {
    const arith::CmpFPredicate predicates[] = {
        arith::CmpFPredicate::OEQ, arith::CmpFPredicate::UNE, arith::CmpFPredicate::OLT,
        arith::CmpFPredicate::OLE, arith::CmpFPredicate::OGT, arith::CmpFPredicate::OGE};
    return arith::CmpFOp::create(builder, loc, predicates[position], a, b);
  }
  const arith::CmpIPredicate isSigned[] = {arith::CmpIPredicate::eq,  arith::CmpIPredicate::ne,
                                           arith::CmpIPredicate::slt, arith::CmpIPredicate::sle,
                                           arith::CmpIPredicate::sgt, arith::CmpIPredicate::sge};
  const arith::CmpIPredicate isUnsigned[] = {arith::CmpIPredicate::eq,  arith::CmpIPredicate::ne,
                                             arith::CmpIPredicate::ult, arith::CmpIPredicate::ule,
                                             arith::CmpIPredicate::ugt, arith::CmpIPredicate::uge};
  return arith::CmpIOp::create(
      builder, loc, isUnsignedElement(type) ? isUnsigned[position] : isSigned[position], a, b);
}

Value ScalarBuilder::combine(ReduceKind kind, Value a, Value b, Type type) {
  const BinaryKind kinds[] = {BinaryKind::Add, BinaryKind::Mul, BinaryKind::Max, BinaryKind::Min};
  return binary(kinds[static_cast<unsigned>(kind)], a, b, type);
}

Value ScalarBuilder::limit(Value x, double low, double high) {
  for (auto [isOutside, value] : {std::pair(arith::CmpFPredicate::OLT, low), {arith::CmpFPredicate::OGT, high}}) {
    Value bound = number(x.getType(), value);
    x = arith::SelectOp::create(builder, loc, arith::CmpFOp::create(builder, loc, isOutside, x, bound), bound, x);
  }
  return x;
}

Value ScalarBuilder::requantize(ValueRange operands, Type from, int64_t shift, Type to) {
  Type wide = builder.getI64Type(), word = builder.getI32Type();
  auto number = [&](Type type, int64_t value) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, value));
  };
  Value x = isUnsignedElement(from) ? arith::ExtUIOp::create(builder, loc, wide, operands[0]).getResult()
                                    : arith::ExtSIOp::create(builder, loc, wide, operands[0]).getResult();
  Value multiplier = arith::ExtSIOp::create(builder, loc, wide, operands[1]);
  Value sum = arith::AddIOp::create(builder, loc, arith::MulIOp::create(builder, loc, x, multiplier), operands[2]);
  Type type = wide;
  if (shift >= 32) { // 32 bits hold what is left: no vectors of 64 bits are compared
    type = word;
    sum = arith::TruncIOp::create(builder, loc, word, arith::ShRUIOp::create(builder, loc, sum, number(wide, 32)));
    shift -= 32;
  }
  Value code = arith::ShRSIOp::create(builder, loc, sum, number(type, shift));
  int64_t least = isUnsignedElement(to) ? 0 : -128;
  code = arith::MaxSIOp::create(builder, loc, code, number(type, least));
  code = arith::MinSIOp::create(builder, loc, code, number(type, least + 255));
  return arith::TruncIOp::create(builder, loc, builder.getI8Type(), code);
}

Value ScalarBuilder::saturate(Value x, Type to) {
  Type t = x.getType(), element = getTileElement(to);
  unsigned width = to.getIntOrFloatBitWidth(), stored = element.getIntOrFloatBitWidth();
  bool isUnsigned = isUnsignedElement(to);
  double low = isUnsigned ? 0.0 : -std::ldexp(1.0, width - 1);
  double high = std::ldexp(1.0, isUnsigned ? width : width - 1); // first value that is too large
  if (stored < 32) { // floats hold the limits: two selects between them, whose masks are as wide as what they choose
    Value isNumber = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::ORD, x, x);
    x = arith::SelectOp::create(builder, loc, isNumber, x, number(t, 0));
    auto limit = [&](arith::CmpFPredicate isInside, double value) {
      Value bound = number(t, value);
      x = arith::SelectOp::create(builder, loc, arith::CmpFOp::create(builder, loc, isInside, x, bound), x, bound);
    };
    limit(arith::CmpFPredicate::OGT, low);
    limit(arith::CmpFPredicate::OLT, high - 1);
    // Through i32, which vector units convert to.
    Value wide = arith::FPToSIOp::create(builder, loc, builder.getI32Type(), x);
    return arith::TruncIOp::create(builder, loc, element, wide);
  }
  auto attr = [&](bool top) {
    APInt limit = integerLimit(to, top);
    return arith::ConstantOp::create(
        builder, loc, builder.getIntegerAttr(element, isUnsigned ? limit.zext(stored) : limit.sext(stored)));
  };
  Value tooLow = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, x, number(t, low));
  Value tooHigh = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGE, x, number(t, high));
  Value isNan = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNO, x, x);
  Value outside = arith::OrIOp::create(builder, loc, arith::OrIOp::create(builder, loc, tooLow, tooHigh), isNan);
  Value safe = arith::SelectOp::create(builder, loc, outside, number(t, 0), x);
  Value converted = isUnsigned ? arith::FPToUIOp::create(builder, loc, element, safe).getResult()
                               : arith::FPToSIOp::create(builder, loc, element, safe).getResult();
  converted = arith::SelectOp::create(builder, loc, tooLow, attr(false), converted);
  return arith::SelectOp::create(builder, loc, tooHigh, attr(true), converted);
}

Value ScalarBuilder::cast(Value x, Type from, Type to) {
  Type target = getTileElement(to);
  if (from == to)
    return x;
  if (auto toFloat = dyn_cast<FloatType>(target)) {
    if (isa<FloatType>(from)) {
      x = toCompute(x);
      unsigned have = x.getType().getIntOrFloatBitWidth(), want = toFloat.getWidth();
      if (have == want)
        return x;
      if (have < want)
        return arith::ExtFOp::create(builder, loc, target, x);
      return arith::TruncFOp::create(builder, loc, target, x);
    }
    Type compute = getComputeType(target);
    Value wide = x;
    unsigned width = x.getType().getIntOrFloatBitWidth();
    if (width < 32) { // vector units convert from i32
      if (isUnsignedElement(from))
        wide = arith::ExtUIOp::create(builder, loc, builder.getI32Type(), x);
      else
        wide = arith::ExtSIOp::create(builder, loc, builder.getI32Type(), x);
    }
    if (toFloat.isBF16() && width >= 32) // f32 would round a first time; some i64 above 2^53 do so in f64
      compute = builder.getF64Type();
    Value real = isUnsignedElement(from) && width >= 32
                     ? arith::UIToFPOp::create(builder, loc, compute, wide).getResult()
                     : arith::SIToFPOp::create(builder, loc, compute, wide).getResult();
    return fromCompute(real, target);
  }
  if (isa<FloatType>(from)) {
    x = toCompute(x);
    if (to.isInteger(1))
      return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNE, x, number(x.getType(), 0));
    return saturate(x, to);
  }
  if (to.isInteger(1))
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, x, number(x.getType(), 0));
  unsigned have = x.getType().getIntOrFloatBitWidth(), want = target.getIntOrFloatBitWidth();
  if (have > want)
    return arith::TruncIOp::create(builder, loc, target, x);
  if (have == want)
    return x;
  if (isUnsignedElement(from))
    return arith::ExtUIOp::create(builder, loc, target, x);
  return arith::ExtSIOp::create(builder, loc, target, x);
}

} // namespace lutra
