//===- Pointwise.cpp - scalar functions with NumPy broadcasting ------------===//
// The dialect's rule: an operand dimension is a static 1 or has the result's size. Where two sizes
// cannot be proved equal, one may be 1 at run time, so the operand is expanded first.
#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

std::optional<Shape> GraphBuilder::broadcastShapes(ArrayRef<GraphTensor> tensors) {
  int64_t rank = 0;
  for (GraphTensor tensor : tensors)
    rank = std::max(rank, tensor.rank());
  Shape result(rank, DimExpr(1));
  for (GraphTensor tensor : tensors)
    for (auto [index, dim] : llvm::enumerate(tensor.shape())) {
      DimExpr &known = result[rank - tensor.rank() + index];
      if (dim.isConstant() && known.isConstant() && dim != known && !dim.is(1) && !known.is(1)) {
        fail(ErrorCode::GraphType, "combines sizes " + symbols.text(known) + " and " +
                                       symbols.text(dim) + ", which do not broadcast");
        return std::nullopt;
      }
      known = symbols.broadcast(known, dim);
    }
  if (!checkSize(result))
    return std::nullopt;
  return result;
}

Value GraphBuilder::broadcastOperand(GraphTensor tensor, ArrayRef<DimExpr> shape) {
  ArrayRef<DimExpr> target = shape.take_back(tensor.rank());
  bool fits = true;
  for (auto [have, want] : llvm::zip_equal(tensor.shape(), target))
    fits &= have.is(1) || have == want;
  if (fits)
    return value(tensor);
  return ExpandOp::create(builder, loc, tensorType(tensor.type(), target), value(tensor),
                          dynamicSizes(target));
}

static std::optional<double> evaluateUnary(UnaryKind kind, double x) {
  switch (kind) {
  case UnaryKind::Abs: return std::fabs(x);
  case UnaryKind::Neg: return -x;
  case UnaryKind::Ceil: return std::ceil(x);
  case UnaryKind::Floor: return std::floor(x);
  case UnaryKind::Round: return std::nearbyint(x);
  case UnaryKind::Exp: return std::exp(x);
  case UnaryKind::Log: return std::log(x);
  case UnaryKind::Sqrt: return std::sqrt(x);
  case UnaryKind::Reciprocal: return 1.0 / x;
  case UnaryKind::Sin: return std::sin(x);
  case UnaryKind::Cos: return std::cos(x);
  case UnaryKind::Tanh: return std::tanh(x);
  case UnaryKind::Relu: return x < 0.0 ? 0.0 : x; // NaN stays
  case UnaryKind::Sigmoid: return 1.0 / (1.0 + std::exp(-x));
  default: return std::nullopt;
  }
}

GraphTensor GraphBuilder::unary(UnaryKind kind, GraphTensor input) {
  if (!input)
    return {};
  Type type = input.type();
  if (kind == UnaryKind::Not && !input.isBool())
    return fail(ErrorCode::GraphType, "negates values that are not booleans");
  if (kind == UnaryKind::BitwiseNot && !isa<IntegerType>(type))
    return fail(ErrorCode::GraphType, "complements values that are not integers");
  if (kind == UnaryKind::IsNan || kind == UnaryKind::IsInf)
    type = i1();
  bool isNegatable = kind == UnaryKind::Neg || kind == UnaryKind::Abs || kind == UnaryKind::Not;
  if (isNegatable && isa<IntegerType>(input.type()) && !type.isUnsignedInteger()) {
    GraphTensor folded = foldIntegers(type, input.shape(), {input},
                                 [&](ArrayRef<DimExpr> x) -> std::optional<DimExpr> {
      if (kind == UnaryKind::Neg)
        return DimExpr(0) - x[0];
      if (kind == UnaryKind::Abs)
        return symbols.isProvablyAtMost(0, x[0])   ? std::optional(x[0])
               : symbols.isProvablyAtMost(x[0], 0) ? std::optional(DimExpr(0) - x[0])
                                                   : std::nullopt;
      return x[0].isConstant() ? std::optional(DimExpr(x[0].is(0))) : std::nullopt;
    });
    if (folded)
      return folded;
  }
  if (isa<FloatType>(type))
    if (GraphTensor folded = foldReals(type, input.shape(), {input}, [&](ArrayRef<double> x) {
          return evaluateUnary(kind, x[0]);
        }))
      return folded;
  return emit<UnaryOp>(type, input.shape(), kind, value(input));
}

/// Integer arithmetic as the dialect defines it, on sizes that may be symbolic.
static std::optional<DimExpr> evaluateInteger(DimSymbols &symbols, BinaryKind kind,
                                              const DimExpr &a, const DimExpr &b) {
  std::optional<int64_t> x = a.constant(), y = b.constant();
  auto positive = [&] { return symbols.isProvablyAtMost(0, a) && symbols.isProvablyLess(0, b); };
  switch (kind) {
  case BinaryKind::Add: return a + b;
  case BinaryKind::Sub: return a - b;
  case BinaryKind::Mul: return a * b;
  case BinaryKind::Max: return symbols.max(a, b);
  case BinaryKind::Min: return symbols.min(a, b);
  case BinaryKind::Div:
    if (x && y && *y != 0)
      return DimExpr(*x / *y);
    return positive() ? std::optional(symbols.floorDiv(a, b)) : std::nullopt;
  case BinaryKind::Rem:
    if (x && y && *y != 0)
      return DimExpr(*x % *y);
    return positive() ? std::optional(symbols.mod(a, b)) : std::nullopt;
  case BinaryKind::Mod:
    if ((x && y && *y != 0) || positive())
      return symbols.mod(a, b);
    return std::nullopt;
  default: break;
  }
  if (!x || !y)
    return std::nullopt;
  switch (kind) {
  case BinaryKind::And: return DimExpr(*x & *y);
  case BinaryKind::Or: return DimExpr(*x | *y);
  case BinaryKind::Xor: return DimExpr(*x ^ *y);
  default: return std::nullopt;
  }
}

static std::optional<double> evaluateReal(BinaryKind kind, double x, double y) {
  switch (kind) {
  case BinaryKind::Add: return x + y;
  case BinaryKind::Sub: return x - y;
  case BinaryKind::Mul: return x * y;
  case BinaryKind::Div: return x / y;
  case BinaryKind::Pow: return std::pow(x, y);
  case BinaryKind::Max: return std::isnan(x) || std::isnan(y) ? NAN : std::max(x, y);
  case BinaryKind::Min: return std::isnan(x) || std::isnan(y) ? NAN : std::min(x, y);
  default: return std::nullopt;
  }
}

/// The number that every element of a constant holds.
static std::optional<double> splatOf(GraphBuilder &b, GraphTensor tensor) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(tensor->constant);
  if (!dense || !dense.isSplat())
    return std::nullopt;
  auto one = b.constant(dense.resizeSplat(RankedTensorType::get({}, tensor.type())));
  return (*b.constantReals(one))[0];
}

/// Whether combining with that number on the right (or left) gives back the other side, bit for bit.
static bool isNeutral(BinaryKind kind, GraphTensor side, double number, bool isRight) {
  switch (kind) {
  case BinaryKind::Mul:
  case BinaryKind::And:
    return number == 1.0 && (kind == BinaryKind::Mul || side.isBool());
  case BinaryKind::Div:
    return number == 1.0 && isRight;
  case BinaryKind::Add: // -0 + 0 is 0 for floats
    return number == 0.0 && !side.isFloat();
  case BinaryKind::Sub:
    return number == 0.0 && isRight;
  default:
    return false;
  }
}

GraphTensor GraphBuilder::binary(BinaryKind kind, GraphTensor lhs, GraphTensor rhs) {
  if (!lhs || !rhs)
    return {};
  if (lhs.type() != rhs.type()) {
    std::string text;
    llvm::raw_string_ostream(text) << "combines " << lhs.type() << " and " << rhs.type()
                                   << " elements; both sides need one type";
    return fail(ErrorCode::GraphType, text);
  }
  std::optional<Shape> shape = broadcastShapes({lhs, rhs});
  if (!shape)
    return {};
  Type type = lhs.type();
  if (isa<IntegerType>(type))
    if (GraphTensor folded = foldIntegers(type, *shape, {lhs, rhs}, [&](ArrayRef<DimExpr> x) {
          return evaluateInteger(symbols, kind, x[0], x[1]);
        }))
      return folded;
  if (isa<FloatType>(type))
    if (GraphTensor folded = foldReals(type, *shape, {lhs, rhs}, [&](ArrayRef<double> x) {
          return evaluateReal(kind, x[0], x[1]);
        }))
      return folded;
  for (bool isRight : {true, false}) {
    GraphTensor kept = isRight ? lhs : rhs;
    std::optional<double> number = splatOf(*this, isRight ? rhs : lhs);
    if (number && kept.shape() == ArrayRef<DimExpr>(*shape) && isNeutral(kind, kept, *number, isRight))
      return kept;
  }
  return emit<BinaryOp>(type, *shape, kind, broadcastOperand(lhs, *shape),
                        broadcastOperand(rhs, *shape));
}

/// The truth of a comparison of sizes, where it is the same for all inputs.
static std::optional<bool> decide(DimSymbols &symbols, CompareKind kind, const DimExpr &a, const DimExpr &b) {
  auto less = [&](const DimExpr &x, const DimExpr &y) -> std::optional<bool> {
    return symbols.isProvablyLess(x, y)     ? std::optional(true)
           : symbols.isProvablyAtMost(y, x) ? std::optional(false)
                                            : std::nullopt;
  };
  auto negate = [](std::optional<bool> truth) { return truth ? std::optional(!*truth) : truth; };
  auto equal = [&]() -> std::optional<bool> {
    if (a == b)
      return true;
    return symbols.isProvablyLess(a, b) || symbols.isProvablyLess(b, a) ? std::optional(false) : std::nullopt;
  };
  switch (kind) {
  case CompareKind::Equal: return equal();
  case CompareKind::NotEqual: return negate(equal());
  case CompareKind::Less: return less(a, b);
  case CompareKind::LessEqual: return negate(less(b, a));
  case CompareKind::Greater: return less(b, a);
  case CompareKind::GreaterEqual: return negate(less(a, b));
  }
  llvm_unreachable("all kinds are listed");
}

GraphTensor GraphBuilder::compare(CompareKind kind, GraphTensor lhs, GraphTensor rhs) {
  if (!lhs || !rhs)
    return {};
  if (lhs.type() != rhs.type())
    return fail(ErrorCode::GraphType, "compares elements of two types; both sides need one type");
  std::optional<Shape> shape = broadcastShapes({lhs, rhs});
  if (!shape)
    return {};
  if (isa<IntegerType>(lhs.type()))
    if (GraphTensor folded = foldIntegers(i1(), *shape, {lhs, rhs},
                                     [&](ArrayRef<DimExpr> x) -> std::optional<DimExpr> {
          std::optional<bool> truth = decide(symbols, kind, x[0], x[1]);
          return truth ? std::optional(DimExpr(*truth)) : std::nullopt;
        }))
      return folded;
  return emit<CompareOp>(i1(), *shape, kind, broadcastOperand(lhs, *shape),
                         broadcastOperand(rhs, *shape));
}

GraphTensor GraphBuilder::select(GraphTensor condition, GraphTensor lhs, GraphTensor rhs) {
  if (!condition || !lhs || !rhs)
    return {};
  if (!condition.isBool() || lhs.type() != rhs.type())
    return fail(ErrorCode::GraphType,
                "selects with a condition that is not boolean or between two types");
  std::optional<Shape> shape = broadcastShapes({condition, lhs, rhs});
  if (!shape)
    return {};
  if (isa<IntegerType>(lhs.type()))
    if (GraphTensor folded = foldIntegers(lhs.type(), *shape, {condition, lhs, rhs},
                                     [&](ArrayRef<DimExpr> x) -> std::optional<DimExpr> {
          return x[0].isConstant() ? std::optional(x[0].is(0) ? x[2] : x[1]) : std::nullopt;
        }))
      return folded;
  return emit<SelectOp>(lhs.type(), *shape, broadcastOperand(condition, *shape),
                        broadcastOperand(lhs, *shape), broadcastOperand(rhs, *shape));
}

GraphTensor GraphBuilder::cast(GraphTensor input, Type type) {
  if (!input || input.type() == type)
    return input;
  if (isa<IntegerType>(input.type()) && isa<IntegerType>(type))
    if (GraphTensor folded = foldIntegers(type, input.shape(), {input},
                                     [&](ArrayRef<DimExpr> x) -> std::optional<DimExpr> {
          if (!type.isInteger(1))
            return x[0];
          if (symbols.isProvablyLess(0, x[0]))
            return DimExpr(1);
          return x[0].isConstant() ? std::optional(DimExpr(!x[0].is(0))) : std::nullopt;
        }))
      return folded;
  if (GraphTensor folded = foldReals(type, input.shape(), {input},
                                [&](ArrayRef<double> x) -> std::optional<double> {
        if (isa<FloatType>(type))
          return x[0];
        if (type.isInteger(1))
          return x[0] != 0.0;
        unsigned width = type.getIntOrFloatBitWidth();
        double limit = std::ldexp(1.0, type.isUnsignedInteger() ? width : width - 1);
        double low = type.isUnsignedInteger() ? 0.0 : -limit;
        // The ends of 64-bit types are no doubles: those casts are left to run time.
        if (std::isnan(x[0]) || x[0] <= low - 1.0 || x[0] >= limit)
          return std::nullopt;
        return std::trunc(x[0]);
      }))
    return folded;
  return emit<CastOp>(type, input.shape(), value(input));
}

GraphTensor GraphBuilder::pow(GraphTensor base, GraphTensor exponent) {
  if (!base || !exponent)
    return {};
  if (!base.isFloat() && exponent.isFloat()) {
    Type wide = exponent.type();
    return cast(binary(BinaryKind::Pow, cast(base, wide), exponent), base.type());
  }
  std::optional<SmallVector<double>> known = constantReals(exponent, 1);
  if (base.isFloat() && known && known->size() == 1 && exponent.rank() <= base.rank()) {
    if ((*known)[0] == 1.0)
      return base;
    if ((*known)[0] == 2.0)
      return mul(base, base);
    if ((*known)[0] == 0.5)
      return unary(UnaryKind::Sqrt, base);
    if ((*known)[0] == -1.0)
      return unary(UnaryKind::Reciprocal, base);
  }
  return binary(BinaryKind::Pow, base, cast(exponent, base.type()));
}

GraphTensor GraphBuilder::clip(GraphTensor input, GraphTensor low, GraphTensor high) {
  if (!input)
    return {};
  if (low)
    input = binary(BinaryKind::Max, input, low);
  if (high)
    input = binary(BinaryKind::Min, input, high);
  return input;
}
