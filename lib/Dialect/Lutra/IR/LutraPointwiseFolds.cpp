//===- LutraPointwiseFolds.cpp - identities and small constants ------------===//
// An identity is taken only where it is exact for every value: x + 0.0 is not (it turns -0.0 into 0.0), x
// + -0.0 and x - 0.0 are. Arithmetic on constants is done in the element's own format, rounded half to
// even; functions of the C library are taken in double and rounded once.
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Dialect/Lutra/IR/ScalarValues.h"

#include "FoldHelpers.h"

#include "mlir/IR/Matchers.h"
#include "llvm/ADT/APSInt.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

static APFloat roundTo(double value, const llvm::fltSemantics &format) {
  APFloat result(value);
  bool lost = false;
  result.convert(format, APFloat::rmNearestTiesToEven, &lost);
  return result;
}

static double asDouble(APFloat value) {
  bool lost = false;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
  return value.convertToDouble();
}

/// Whether a float function is taken in double; others are done exactly or are not a float's.
static bool isLibraryFunction(UnaryKind kind) {
  switch (kind) {
  case UnaryKind::Exp:
  case UnaryKind::Log:
  case UnaryKind::Sqrt:
  case UnaryKind::Rsqrt:
  case UnaryKind::Reciprocal:
  case UnaryKind::Erf:
  case UnaryKind::Sin:
  case UnaryKind::Cos:
  case UnaryKind::Tanh:
  case UnaryKind::Sigmoid:
    return true;
  default:
    return false;
  }
}

static std::optional<APFloat> evaluate(UnaryKind kind, APFloat x) {
  switch (kind) {
  case UnaryKind::Abs:
    x.clearSign();
    return x;
  case UnaryKind::Neg:
    x.changeSign();
    return x;
  case UnaryKind::Sign:
    if (x.isNaN() || x.isZero())
      return x;
    return roundTo(x.isNegative() ? -1.0 : 1.0, x.getSemantics());
  case UnaryKind::Ceil:
    x.roundToIntegral(APFloat::rmTowardPositive);
    return x;
  case UnaryKind::Floor:
    x.roundToIntegral(APFloat::rmTowardNegative);
    return x;
  case UnaryKind::Round:
    x.roundToIntegral(APFloat::rmNearestTiesToEven);
    return x;
  case UnaryKind::Relu:
    return x.isNaN() || !x.isNegative() ? x : APFloat::getZero(x.getSemantics());
  default:
    if (isLibraryFunction(kind))
      return roundTo(unaryValue(kind, asDouble(x)), x.getSemantics());
    return std::nullopt;
  }
}

static std::optional<APInt> evaluate(UnaryKind kind, const llvm::APSInt &x) {
  switch (kind) {
  case UnaryKind::Not:
  case UnaryKind::BitwiseNot:
    return ~x;
  case UnaryKind::Neg:
    return -x;
  case UnaryKind::Abs:
    return x.isNegative() ? -x : x;
  case UnaryKind::Sign:
    return APInt(x.getBitWidth(), x.isZero() ? 0 : x.isNegative() ? -1 : 1, /*isSigned=*/true);
  case UnaryKind::Relu:
    return x.isNegative() ? APInt::getZero(x.getBitWidth()) : APInt(x);
  default:
    return std::nullopt;
  }
}

static std::optional<APFloat> evaluate(BinaryKind kind, APFloat a, const APFloat &b) {
  constexpr auto nearest = APFloat::rmNearestTiesToEven;
  switch (kind) {
  case BinaryKind::Add:
    a.add(b, nearest);
    return a;
  case BinaryKind::Sub:
    a.subtract(b, nearest);
    return a;
  case BinaryKind::Mul:
    a.multiply(b, nearest);
    return a;
  case BinaryKind::Div:
    a.divide(b, nearest);
    return a;
  case BinaryKind::Max:
    return llvm::maximum(a, b);
  case BinaryKind::Min:
    return llvm::minimum(a, b);
  case BinaryKind::Rem:
    a.mod(b);
    return a;
  case BinaryKind::Mod:
    a.mod(b);
    if (!a.isNaN() && !a.isZero() && a.isNegative() != b.isNegative())
      a.add(b, nearest);
    return a;
  case BinaryKind::Pow:
    return roundTo(std::pow(asDouble(a), asDouble(b)), a.getSemantics());
  default:
    return std::nullopt;
  }
}

static std::optional<APInt> evaluate(BinaryKind kind, const llvm::APSInt &a,
                                     const llvm::APSInt &b) {
  bool isUnsigned = a.isUnsigned();
  switch (kind) {
  case BinaryKind::Add:
    return a + b;
  case BinaryKind::Sub:
    return a - b;
  case BinaryKind::Mul:
    return a * b;
  case BinaryKind::Max:
    return a > b ? a : b;
  case BinaryKind::Min:
    return a < b ? a : b;
  case BinaryKind::And:
    return a & b;
  case BinaryKind::Or:
    return a | b;
  case BinaryKind::Xor:
    return a ^ b;
  case BinaryKind::Div:
    if (b.isZero())
      return std::nullopt;
    return isUnsigned ? a.udiv(b) : a.sdiv(b);
  case BinaryKind::Rem:
  case BinaryKind::Mod: {
    if (b.isZero())
      return std::nullopt;
    APInt rest = isUnsigned ? a.urem(b) : a.srem(b);
    bool wrongSign = !isUnsigned && !rest.isZero() && rest.isNegative() != b.isNegative();
    return kind == BinaryKind::Mod && wrongSign ? rest + b : rest;
  }
  case BinaryKind::ShiftLeft:
  case BinaryKind::ShiftRight:
    if (b.isNegative() || b.getZExtValue() >= a.getBitWidth())
      return std::nullopt;
    return kind == BinaryKind::ShiftLeft ? APInt(a).shl(b.getZExtValue())
                                         : APInt(a).lshr(b.getZExtValue());
  case BinaryKind::Pow:
    return std::nullopt;
  }
  return std::nullopt;
}

/// An operand's elements in the order of the result's elements.
template <typename Element>
static SmallVector<Element> expanded(DenseElementsAttr operand, RankedTensorType result) {
  SmallVector<Element> values;
  auto source = operand.getValues<Element>();
  for (int64_t position :
       broadcastPositions(cast<RankedTensorType>(operand.getType()).getShape(), result.getShape()))
    values.push_back(*(source.begin() + position));
  return values;
}

/// The constant whose element i is function(first[i], others[i]..), elements being APFloat or APSInt;
/// null when one has no value.
template <typename Result, typename Function, typename First, typename... Others>
static Attribute mapElements(RankedTensorType type, Function function, const First &first,
                             const Others &...others) {
  SmallVector<Result> results;
  for (size_t i = 0; i < first.size(); ++i) {
    std::optional<Result> result = function(first[i], others[i]...);
    if (!result)
      return {};
    results.push_back(*result);
  }
  return DenseElementsAttr::get(type, results);
}

static SmallVector<llvm::APSInt> withSign(ArrayRef<APInt> values, Type element) {
  return llvm::map_to_vector(values, [&](const APInt &value) {
    return llvm::APSInt(value, isUnsignedElement(element));
  });
}

OpFoldResult UnaryOp::fold(FoldAdaptor adaptor) {
  auto producer = getInput().getDefiningOp<UnaryOp>();
  if (producer && producer.getKind() == getKind()) {
    bool undoes = getKind() == UnaryKind::Not || getKind() == UnaryKind::BitwiseNot ||
                  getKind() == UnaryKind::Neg;
    bool repeats = getKind() == UnaryKind::Abs || getKind() == UnaryKind::Relu ||
                   getKind() == UnaryKind::Ceil || getKind() == UnaryKind::Floor ||
                   getKind() == UnaryKind::Round || getKind() == UnaryKind::Sign;
    if (undoes && producer.getInput().getType() == getType())
      return producer.getInput();
    if (repeats && producer.getType() == getType())
      return producer.getResult();
  }
  DenseElementsAttr input = foldableConstant(adaptor.getInput());
  auto type = cast<RankedTensorType>(getType());
  if (!input || !isFoldableResult(type) || getKind() == UnaryKind::IsNan ||
      getKind() == UnaryKind::IsInf)
    return {};
  auto apply = [&](const auto &x) { return evaluate(getKind(), x); };
  Type element = type.getElementType();
  if (isa<FloatType>(element))
    return mapElements<APFloat>(type, apply, expanded<APFloat>(input, type));
  return mapElements<APInt>(type, apply, withSign(expanded<APInt>(input, type), element));
}

/// Whether all elements are the given small integer (floats too; the sign of a zero counts).
static bool isSplatOf(Attribute attr, double value) {
  DenseElementsAttr elements = foldableConstant(attr);
  if (!elements || !elements.isSplat())
    return false;
  if (isa<FloatType>(elements.getElementType())) {
    APFloat have = elements.getSplatValue<APFloat>();
    return have.bitwiseIsEqual(roundTo(value, have.getSemantics()));
  }
  return elements.getSplatValue<APInt>() == APInt(elements.getElementType().getIntOrFloatBitWidth(),
                                                  (int64_t)value, /*isSigned=*/true,
                                                  /*implicitTrunc=*/true);
}

/// Whether `kind` with the constant on the right (or on the left) gives back the other operand.
static bool isNeutral(BinaryKind kind, Attribute constant, bool right, bool isFloat) {
  switch (kind) {
  case BinaryKind::Add:
    return isSplatOf(constant, isFloat ? -0.0 : 0.0);
  case BinaryKind::Sub:
    return right && isSplatOf(constant, 0.0);
  case BinaryKind::Mul:
    return isSplatOf(constant, 1.0);
  case BinaryKind::Div:
  case BinaryKind::Pow:
    return right && isSplatOf(constant, 1.0);
  case BinaryKind::And:
    return isSplatOf(constant, -1.0);
  case BinaryKind::Or:
  case BinaryKind::Xor:
    return isSplatOf(constant, 0.0);
  case BinaryKind::ShiftLeft:
  case BinaryKind::ShiftRight:
    return right && isSplatOf(constant, 0.0);
  default:
    return false;
  }
}

OpFoldResult BinaryOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  Type element = type.getElementType();
  bool isFloat = isa<FloatType>(element);
  if (getLhs().getType() == type && isNeutral(getKind(), adaptor.getRhs(), true, isFloat))
    return getLhs();
  if (getRhs().getType() == type && isNeutral(getKind(), adaptor.getLhs(), false, isFloat))
    return getRhs();
  bool idempotent = getKind() == BinaryKind::Max || getKind() == BinaryKind::Min ||
                    getKind() == BinaryKind::And || getKind() == BinaryKind::Or;
  if (idempotent && getLhs() == getRhs() && getLhs().getType() == type)
    return getLhs();
  DenseElementsAttr lhs = foldableConstant(adaptor.getLhs());
  DenseElementsAttr rhs = foldableConstant(adaptor.getRhs());
  if (!lhs || !rhs || !isFoldableResult(type))
    return {};
  auto apply = [&](const auto &a, const auto &b) { return evaluate(getKind(), a, b); };
  if (isFloat)
    return mapElements<APFloat>(type, apply, expanded<APFloat>(lhs, type),
                                expanded<APFloat>(rhs, type));
  return mapElements<APInt>(type, apply, withSign(expanded<APInt>(lhs, type), element),
                            withSign(expanded<APInt>(rhs, type), element));
}

OpFoldResult CompareOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  DenseElementsAttr lhs = foldableConstant(adaptor.getLhs());
  DenseElementsAttr rhs = foldableConstant(adaptor.getRhs());
  if (!lhs || !rhs || !isFoldableResult(type))
    return {};
  auto apply = [&](const auto &a, const auto &b) {
    return std::optional<bool>(compareValue(getKind(), a, b));
  };
  Type element = lhs.getElementType();
  if (isa<FloatType>(element))
    return mapElements<bool>(type, apply, expanded<APFloat>(lhs, type),
                             expanded<APFloat>(rhs, type));
  return mapElements<bool>(type, apply, withSign(expanded<APInt>(lhs, type), element),
                           withSign(expanded<APInt>(rhs, type), element));
}

OpFoldResult SelectOp::fold(FoldAdaptor adaptor) {
  if (getLhs() == getRhs() && getLhs().getType() == getType())
    return getLhs();
  DenseElementsAttr condition = foldableConstant(adaptor.getCondition());
  if (!condition || !condition.isSplat())
    return {};
  Value chosen = condition.getSplatValue<bool>() ? getLhs() : getRhs();
  return chosen.getType() == getType() ? chosen : Value();
}

/// Whether every value of `from` is a value of `to`.
static bool isExactCast(Type from, Type to) {
  if (from == to)
    return true;
  auto fromFloat = dyn_cast<FloatType>(from), toFloat = dyn_cast<FloatType>(to);
  if (fromFloat && toFloat)
    return APFloat::isRepresentableBy(fromFloat.getFloatSemantics(), toFloat.getFloatSemantics());
  auto fromInt = dyn_cast<IntegerType>(from), toInt = dyn_cast<IntegerType>(to);
  if (!fromInt || !toInt || toInt.getWidth() == 1)
    return false;
  if (isUnsignedElement(from))
    return isUnsignedElement(to) ? fromInt.getWidth() <= toInt.getWidth()
                                 : fromInt.getWidth() < toInt.getWidth();
  return !isUnsignedElement(to) && fromInt.getWidth() <= toInt.getWidth();
}

/// One element converted as lutra.cast says.
template <typename Result>
static std::optional<Result> convert(const APFloat &x, Type to) {
  if constexpr (std::is_same_v<Result, APFloat>) {
    APFloat result = x;
    bool lost = false;
    result.convert(cast<FloatType>(to).getFloatSemantics(), APFloat::rmNearestTiesToEven, &lost);
    return result;
  } else {
    if (to.isInteger(1))
      return APInt(1, !x.isZero());
    llvm::APSInt result(to.getIntOrFloatBitWidth(), isUnsignedElement(to));
    bool exact = false;
    x.convertToInteger(result, APFloat::rmTowardZero, &exact);
    return result;
  }
}

template <typename Result>
static std::optional<Result> convert(const llvm::APSInt &x, Type to) {
  if constexpr (std::is_same_v<Result, APFloat>) {
    APFloat result(cast<FloatType>(to).getFloatSemantics());
    result.convertFromAPInt(x, x.isSigned(), APFloat::rmNearestTiesToEven);
    return result;
  } else {
    if (to.isInteger(1))
      return APInt(1, !x.isZero());
    return x.extOrTrunc(to.getIntOrFloatBitWidth());
  }
}

OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  if (getInput().getType() == type)
    return getInput();
  Type to = type.getElementType();
  if (auto producer = getInput().getDefiningOp<CastOp>()) {
    // Of integers and floats alike, since a float's conversion saturates where an integer's wraps.
    Type first = cast<RankedTensorType>(producer.getInput().getType()).getElementType();
    Type middle = cast<RankedTensorType>(producer.getType()).getElementType();
    if (isExactCast(first, middle)) {
      getInputMutable().assign(producer.getInput());
      return getResult();
    }
  }
  DenseElementsAttr input = foldableConstant(adaptor.getInput());
  if (!input || !isFoldableResult(type))
    return {};
  Type from = input.getElementType();
  auto toFloat = [&](const auto &x) { return convert<APFloat>(x, to); };
  auto toInt = [&](const auto &x) { return convert<APInt>(x, to); };
  bool resultIsFloat = isa<FloatType>(to);
  if (isa<FloatType>(from)) {
    SmallVector<APFloat> values = expanded<APFloat>(input, type);
    return resultIsFloat ? mapElements<APFloat>(type, toFloat, values)
                         : mapElements<APInt>(type, toInt, values);
  }
  SmallVector<llvm::APSInt> values = withSign(expanded<APInt>(input, type), from);
  return resultIsFloat ? mapElements<APFloat>(type, toFloat, values)
                       : mapElements<APInt>(type, toInt, values);
}
