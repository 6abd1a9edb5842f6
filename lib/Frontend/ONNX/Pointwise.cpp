//===- Pointwise.cpp - ONNX operators on single elements -------------------===//
#include "Importer.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

template <UnaryKind kind>
static GraphTensor importUnary(NodeImport &n) {
  n.ignore({"consumed_inputs"});
  return n.b.unary(kind, n.in(0));
}

/// The second operand, aligned as operator set 6 asks: from `axis` on, when `broadcast` is set.
static GraphTensor alignedRight(NodeImport &n) {
  GraphTensor lhs = n.in(0), rhs = n.in(1);
  n.ignore({"consumed_inputs"});
  if (n.version >= 7 || !lhs || !rhs)
    return rhs;
  int64_t broadcast = n.integer("broadcast", 0), axis = n.integer("axis", lhs.rank() - rhs.rank());
  if (!broadcast || rhs.rank() == 0)
    return rhs;
  axis = n.axis(axis, lhs.rank());
  if (axis + rhs.rank() > lhs.rank())
    return n.invalid(ErrorCode::Attribute, "broadcasts past the last dimension");
  Shape shape(rhs.shape());
  shape.append(lhs.rank() - axis - rhs.rank(), DimExpr(1));
  return n.b.reshape(rhs, shape);
}

template <BinaryKind kind>
static GraphTensor importBinary(NodeImport &n) {
  return n.b.binary(kind, n.in(0), alignedRight(n));
}

template <BinaryKind kind>
static GraphTensor importLogical(NodeImport &n) {
  GraphTensor lhs = n.in(0);
  if (lhs && !lhs.isBool())
    return n.invalid(ErrorCode::GraphType, "combines truth values, but its operand has none");
  return n.b.binary(kind, lhs, alignedRight(n));
}

template <CompareKind kind>
static GraphTensor importCompare(NodeImport &n) {
  return n.b.compare(kind, n.in(0), alignedRight(n));
}

template <BinaryKind kind>
static GraphTensor importVariadic(NodeImport &n) {
  n.ignore({"consumed_inputs"});
  GraphTensor result = n.in(0);
  for (unsigned index = 1; index < n.inputCount(); ++index)
    result = n.b.binary(kind, result, n.in(index));
  return result;
}

static GraphTensor importMean(NodeImport &n) {
  GraphTensor sum = importVariadic<BinaryKind::Add>(n);
  return n.inputCount() == 1 || !sum ? sum : n.b.div(sum, n.b.scalar(sum.type(), n.inputCount()));
}

static GraphTensor importMod(NodeImport &n) {
  bool isRemainder = n.integer("fmod", 0) != 0;
  GraphTensor lhs = n.in(0);
  if (lhs && lhs.isFloat() && !isRemainder && n.version < 28)
    return n.invalid(ErrorCode::Attribute, "takes the remainder of floats, which needs fmod = 1");
  return n.b.binary(isRemainder ? BinaryKind::Rem : BinaryKind::Mod, lhs, n.in(1));
}

static GraphTensor importBitShift(NodeImport &n) {
  std::string direction = n.text("direction", "");
  GraphTensor lhs = n.in(0);
  if (direction != "LEFT" && direction != "RIGHT")
    return n.invalid(ErrorCode::Attribute, "has direction " + quoted(direction) + "; use LEFT or RIGHT");
  if (lhs && direction == "RIGHT" && !lhs.type().isUnsignedInteger()) {
    // The sign moves in: floor(x / 2^n), where x - mod(x, 2^n) divides exactly. Amounts that leave
    // nothing but the sign are kept apart, because 2^n is no positive number for them.
    GraphTensor amount = n.in(1), zero = n.b.scalar(lhs.type(), 0.0);
    double most = lhs.type().getIntOrFloatBitWidth() - 2.0;
    GraphTensor fits = n.b.binary(BinaryKind::And, n.b.compare(CompareKind::GreaterEqual, amount, zero),
                                  n.b.compare(CompareKind::LessEqual, amount, n.b.scalar(lhs.type(), most)));
    amount = n.b.select(fits, amount, zero);
    GraphTensor power = n.b.binary(BinaryKind::ShiftLeft, n.b.scalar(lhs.type(), 1.0), amount);
    GraphTensor shifted = n.b.div(n.b.sub(lhs, n.b.binary(BinaryKind::Mod, lhs, power)), power);
    GraphTensor sign = n.b.select(n.b.compare(CompareKind::Less, lhs, zero), n.b.scalar(lhs.type(), -1.0), zero);
    return n.b.select(fits, shifted, sign);
  }
  return n.b.binary(direction == "LEFT" ? BinaryKind::ShiftLeft : BinaryKind::ShiftRight, lhs, n.in(1));
}

static GraphTensor importIsInf(NodeImport &n) {
  bool positive = n.integer("detect_positive", 1), negative = n.integer("detect_negative", 1);
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  GraphTensor infinite = n.b.unary(UnaryKind::IsInf, x), zero = n.b.scalar(x.type(), 0.0);
  if (positive && negative)
    return infinite;
  if (!positive && !negative)
    return n.b.filled(n.b.i1(), x.shape(), 0.0);
  GraphTensor side = n.b.compare(positive ? CompareKind::Greater : CompareKind::Less, x, zero);
  return n.b.binary(BinaryKind::And, infinite, side);
}

/// A cast; floats of 8 bits saturate.
static GraphTensor castTo(NodeImport &n, Type type) {
  n.ignore({"saturate", "round_mode"}); // the latter is of e8m0, which has no form in the dialect
  GraphTensor x = n.in(0);
  if (!x || x.type() == type || !isFp8(type))
    return n.b.cast(x, type);
  if (!saturates(n, type))
    return {};
  if (!x.isFloat() || isFp8(x.type()))
    x = n.b.cast(x, n.b.f32());
  return n.b.quantize(x, n.b.scalar(x.type(), 1.0), GraphTensor(), type, /*axis=*/-1, /*block=*/0);
}

static GraphTensor importCast(NodeImport &n) {
  Type type = n.type("to", {});
  if (!type && !n.b.hasError())
    return n.invalid(ErrorCode::Attribute, "lacks its attribute \"to\"");
  return type ? castTo(n, type) : GraphTensor();
}

static GraphTensor importCastLike(NodeImport &n) {
  GraphTensor like = n.in(1);
  return like ? castTo(n, like.type()) : GraphTensor();
}

static GraphTensor importClip(NodeImport &n) {
  n.ignore({"consumed_inputs"});
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  if (n.version >= 11)
    return n.b.clip(x, n.optional(1), n.optional(2));
  auto bound = [&](StringRef name) {
    return n.hasAttribute(name) ? n.b.scalar(x.type(), n.real(name, 0.0)) : GraphTensor();
  };
  return n.b.clip(x, bound("min"), bound("max"));
}

static GraphTensor importWhere(NodeImport &n) { return n.b.select(n.in(0), n.in(1), n.in(2)); }
static GraphTensor importPow(NodeImport &n) { return n.b.pow(n.in(0), alignedRight(n)); }

ArrayRef<OpEntry> frontend::pointwiseOps() {
  static const OpEntry table[] = {
      {"Abs", 1, importUnary<UnaryKind::Abs>},
      {"Acos", 7, importUnary<UnaryKind::Acos>},
      {"Acosh", 9, importUnary<UnaryKind::Acosh>},
      {"Add", 1, importBinary<BinaryKind::Add>},
      {"And", 1, importLogical<BinaryKind::And>},
      {"Asin", 7, importUnary<UnaryKind::Asin>},
      {"Asinh", 9, importUnary<UnaryKind::Asinh>},
      {"Atan", 7, importUnary<UnaryKind::Atan>},
      {"Atanh", 9, importUnary<UnaryKind::Atanh>},
      {"BitShift", 11, importBitShift},
      {"BitwiseAnd", 18, importBinary<BinaryKind::And>},
      {"BitwiseNot", 18, importUnary<UnaryKind::BitwiseNot>},
      {"BitwiseOr", 18, importBinary<BinaryKind::Or>},
      {"BitwiseXor", 18, importBinary<BinaryKind::Xor>},
      {"Cast", 6, importCast},
      {"CastLike", 15, importCastLike},
      {"Ceil", 1, importUnary<UnaryKind::Ceil>},
      {"Clip", 1, importClip},
      {"Cos", 7, importUnary<UnaryKind::Cos>},
      {"Cosh", 9, importUnary<UnaryKind::Cosh>},
      {"Div", 1, importBinary<BinaryKind::Div>},
      {"Equal", 1, importCompare<CompareKind::Equal>},
      {"Erf", 9, importUnary<UnaryKind::Erf>},
      {"Exp", 1, importUnary<UnaryKind::Exp>},
      {"Floor", 1, importUnary<UnaryKind::Floor>},
      {"Greater", 1, importCompare<CompareKind::Greater>},
      {"GreaterOrEqual", 12, importCompare<CompareKind::GreaterEqual>},
      {"IsInf", 10, importIsInf},
      {"IsNaN", 9, importUnary<UnaryKind::IsNan>},
      {"Less", 1, importCompare<CompareKind::Less>},
      {"LessOrEqual", 12, importCompare<CompareKind::LessEqual>},
      {"Log", 1, importUnary<UnaryKind::Log>},
      {"Max", 1, importVariadic<BinaryKind::Max>},
      {"Mean", 1, importMean},
      {"Min", 1, importVariadic<BinaryKind::Min>},
      {"Mod", 10, importMod},
      {"Mul", 1, importBinary<BinaryKind::Mul>},
      {"Neg", 1, importUnary<UnaryKind::Neg>},
      {"Not", 1, importUnary<UnaryKind::Not>},
      {"Or", 1, importLogical<BinaryKind::Or>},
      {"Pow", 1, importPow},
      {"Reciprocal", 1, importUnary<UnaryKind::Reciprocal>},
      {"Round", 11, importUnary<UnaryKind::Round>},
      {"Sign", 9, importUnary<UnaryKind::Sign>},
      {"Sin", 7, importUnary<UnaryKind::Sin>},
      {"Sinh", 9, importUnary<UnaryKind::Sinh>},
      {"Sqrt", 1, importUnary<UnaryKind::Sqrt>},
      {"Sub", 1, importBinary<BinaryKind::Sub>},
      {"Sum", 1, importVariadic<BinaryKind::Add>},
      {"Tan", 7, importUnary<UnaryKind::Tan>},
      {"Tanh", 1, importUnary<UnaryKind::Tanh>},
      {"Where", 9, importWhere},
      {"Xor", 1, importLogical<BinaryKind::Xor>},
  };
  return table;
}
