//===- Pointwise.cpp - unary, binary, compare, select, cast ------------------===//
// Integer semantics differ in two places: MIL divides towards minus infinity where lutra truncates,
// and its remainder is lutra's `mod`, so `div` and `rem` are built from magnitudes and signs.
#include "MilLowering.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace lutra;

/// Name of the MIL operation that takes x alone and means the same on floats; empty if there is none.
static StringRef directName(UnaryKind kind) {
  switch (kind) {
  case UnaryKind::Abs:
  case UnaryKind::Sign:
  case UnaryKind::Ceil:
  case UnaryKind::Floor:
  case UnaryKind::Round:
  case UnaryKind::Exp:
  case UnaryKind::Sqrt:
  case UnaryKind::Erf:
  case UnaryKind::Sin:
  case UnaryKind::Cos:
  case UnaryKind::Tan:
  case UnaryKind::Asin:
  case UnaryKind::Acos:
  case UnaryKind::Atan:
  case UnaryKind::Sinh:
  case UnaryKind::Cosh:
  case UnaryKind::Tanh:
  case UnaryKind::Atanh:
  case UnaryKind::Relu:
  case UnaryKind::Sigmoid:
  case UnaryKind::Softplus:
  case UnaryKind::Silu:
    return stringifyUnaryKind(kind);
  default:
    return "";
  }
}

static bool isFloat(Value value) { return isa<FloatType>(getElementTypeOrSelf(value.getType())); }

static Value lowerUnary(MilLowering &lowering, UnaryOp op) {
  Value x = lowering.valueOf(op.getInput());
  if (!x)
    return {};
  UnaryKind kind = op.getKind();
  Type element = getElementTypeOrSelf(x.getType());
  if (kind == UnaryKind::Not)
    return lowering.unary("logical_not", x);
  if (kind == UnaryKind::Neg)
    return lowering.binary("mul", x, lowering.scalar(-1.0, element));
  if (kind == UnaryKind::Relu && !isFloat(x))
    return lowering.binary("maximum", x, lowering.scalar(0, element));
  if (!isFloat(x) && kind != UnaryKind::Abs && kind != UnaryKind::Sign)
    return lowering.decline("on integers");
  if (StringRef name = directName(kind); !name.empty())
    return lowering.unary(name, x);
  switch (kind) {
  case UnaryKind::Log:
  case UnaryKind::Rsqrt: // MIL adds an epsilon unless told not to
    return lowering.apply(stringifyUnaryKind(kind), {{"x", x}},
                          {{"epsilon", lowering.floatAttr(0.0, element)}});
  case UnaryKind::Reciprocal:
    return lowering.binary("real_div", lowering.scalar(1.0, element), x);
  case UnaryKind::GeluErf:
    return lowering.apply("gelu", {{"x", x}}, {{"mode", lowering.stringAttr("EXACT")}});
  case UnaryKind::GeluTanh:
    return lowering.apply("gelu", {{"x", x}}, {{"mode", lowering.stringAttr("TANH_APPROXIMATION")}});
  case UnaryKind::IsNan:
    return lowering.binary("not_equal", x, x);
  default:
    return lowering.decline("no such operation in MIL");
  }
}

/// Quotient of magnitudes, truncated: sign(a) * sign(b) * floor(|a| / |b|).
static Value lowerIntegerDivision(MilLowering &lowering, Value a, Value b) {
  Value quotient = lowering.binary("floor_div", lowering.unary("abs", a), lowering.unary("abs", b));
  Value sign = lowering.binary("mul", lowering.unary("sign", a), lowering.unary("sign", b));
  return lowering.binary("mul", quotient, sign);
}

static Value lowerBinary(MilLowering &lowering, BinaryOp op) {
  if (lowering.absorbed.contains(op))
    return {};
  Value a = lowering.valueOf(op.getLhs()), b = lowering.valueOf(op.getRhs());
  if (!a || !b)
    return {};
  bool isBool = getElementTypeOrSelf(a.getType()).isInteger(1);
  auto either = [&](StringRef number, StringRef truth) -> Value {
    StringRef name = isBool ? truth : number;
    return name.empty() ? lowering.decline(isBool ? "on truth values" : "no such operation in MIL")
                        : lowering.binary(name, a, b);
  };
  switch (op.getKind()) {
  case BinaryKind::Add:
    return either("add", "");
  case BinaryKind::Sub:
    return either("sub", "");
  case BinaryKind::Mul:
    return either("mul", "logical_and");
  case BinaryKind::Div:
    if (!isBool && !isFloat(a))
      return lowerIntegerDivision(lowering, a, b);
    return either("real_div", "");
  case BinaryKind::Pow:
    return isFloat(a) ? lowering.binary("pow", a, b) : lowering.decline("on integers");
  case BinaryKind::Max:
    return either("maximum", "logical_or");
  case BinaryKind::Min:
    return either("minimum", "logical_and");
  case BinaryKind::Mod:
    return either("mod", "");
  case BinaryKind::Rem: {
    if (isBool)
      return lowering.decline("on truth values");
    Value magnitude = lowering.binary("mod", lowering.unary("abs", a), lowering.unary("abs", b));
    return lowering.binary("mul", magnitude, lowering.unary("sign", a));
  }
  case BinaryKind::And:
    return either("", "logical_and");
  case BinaryKind::Or:
    return either("", "logical_or");
  case BinaryKind::Xor:
    return either("", "logical_xor");
  case BinaryKind::ShiftLeft:
  case BinaryKind::ShiftRight:
    return lowering.decline("no such operation in MIL");
  }
  llvm_unreachable("every kind has a case");
}

static Value lowerCompare(MilLowering &lowering, CompareOp op) {
  Value a = lowering.valueOf(op.getLhs()), b = lowering.valueOf(op.getRhs());
  if (!a || !b)
    return {};
  Type number = lowering.builder.getI32Type();
  if (getElementTypeOrSelf(a.getType()).isInteger(1)) {
    a = lowering.castTo(a, number);
    b = lowering.castTo(b, number);
  }
  static constexpr StringLiteral names[] = {"equal",      "not_equal", "less",
                                            "less_equal", "greater",   "greater_equal"};
  return lowering.binary(names[static_cast<int>(op.getKind())], a, b);
}

bool lutra::lowerPointwise(MilLowering &lowering, Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](UnaryOp unary) {
        lowering.bind(unary, lowerUnary(lowering, unary));
        return true;
      })
      .Case([&](BinaryOp binary) {
        if (!lowering.absorbed.contains(op))
          lowering.bind(binary, lowerBinary(lowering, binary));
        return true;
      })
      .Case([&](CompareOp compare) {
        lowering.bind(compare, lowerCompare(lowering, compare));
        return true;
      })
      .Case([&](SelectOp select) {
        lowering.bind(select, lowering.apply("select", {{"cond", lowering.valueOf(select.getCondition())},
                                                        {"a", lowering.valueOf(select.getLhs())},
                                                        {"b", lowering.valueOf(select.getRhs())}}));
        return true;
      })
      .Case([&](CastOp cast) {
        Type element = lowering.elementType(getElementTypeOrSelf(cast.getType()));
        lowering.bind(cast, element ? lowering.castTo(lowering.valueOf(cast.getInput()), element)
                                    : lowering.decline("to a type that MIL does not compute in"));
        return true;
      })
      .Default([](Operation *) { return false; });
}
