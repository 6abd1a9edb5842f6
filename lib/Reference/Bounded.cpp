//===- Bounded.cpp - a value and how far a right program may be from it ----===//
#include "Bounded.h"

#include "lutra/Reference/Tensor.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace lutra {

static constexpr double infinity = std::numeric_limits<double>::infinity();

Precision precisionOf(Type type) {
  switch (elementKindOf(type).value_or(ElementKind::F64)) {
  case ElementKind::F32:
    return {std::ldexp(1, -24), std::ldexp(1, -149), std::numeric_limits<float>::max()};
  case ElementKind::F16:
    return {std::ldexp(1, -11), std::ldexp(1, -24), 65504.0};
  case ElementKind::BF16:
    return {std::ldexp(1, -8), std::ldexp(1, -133), std::ldexp(1.9921875, 127)};
  case ElementKind::F8E4M3FN:
  case ElementKind::F8E4M3FNUZ:
    return {std::ldexp(1, -4), std::ldexp(1, -10), 448.0};
  case ElementKind::F8E5M2:
  case ElementKind::F8E5M2FNUZ:
    return {std::ldexp(1, -3), std::ldexp(1, -17), 57344.0};
  default:
    return {std::ldexp(1, -53), std::numeric_limits<double>::denorm_min(),
            std::numeric_limits<double>::max()};
  }
}

Precision accumulatorOf(Type type) {
  return type.isF64() ? precisionOf(type) : precisionOf(Float32Type::get(type.getContext()));
}

double sumGrowth(int64_t terms) { return 4 * std::sqrt(static_cast<double>(std::max<int64_t>(terms, 1))); }

Bounded rounded(double value, double error, Precision p) {
  if (std::isnan(error))
    return {value, infinity};
  if (!std::isfinite(value)) // must appear in the program as well, unless an input is unknown
    return {value, error == infinity ? infinity : 0};
  double magnitude = std::fabs(value);
  // The program's value rounds to infinity from half a unit above the largest number on.
  double limit = p.largest + std::ldexp(p.roundoff, std::ilogb(p.largest));
  if (magnitude >= limit)
    return {std::copysign(infinity, value), magnitude - error >= limit ? 0 : infinity};
  if (magnitude + error >= limit)
    return {value, infinity};
  // Against a program in f64 the reference, in f64 as well, rounds as often as the program.
  double roundoff = p.roundoff < std::ldexp(1, -52) ? 2 * p.roundoff : p.roundoff;
  return {value, error + roundoff * (magnitude + error) + p.tiny};
}

/// The result of + - or * on exact operands, which f32 does not round when it can hold it (masks of
/// 0 and -3.4e38 stay exact so).
static Bounded roundedOnce(double value, double error, Precision p) {
  bool isSingle = p.roundoff == std::ldexp(1, -24);
  if (error == 0 && isSingle && roundToKind(ElementKind::F32, value) == value)
    return {value, 0};
  return rounded(value, error, p);
}

Bounded add(Bounded a, Bounded b, Precision p) {
  return roundedOnce(a.value + b.value, a.error + b.error, p);
}

Bounded subtract(Bounded a, Bounded b, Precision p) {
  return roundedOnce(a.value - b.value, a.error + b.error, p);
}

/// a * b without NaN from infinity * 0: an unknown error times an exact zero factor stays zero only
/// when the factor itself is exact.
static double scaledError(double factor, double error) {
  return error == 0 ? 0 : std::fabs(factor) * error;
}

Bounded multiply(Bounded a, Bounded b, Precision p) {
  double error = scaledError(a.value, b.error) + scaledError(b.value, a.error) +
                 scaledError(a.error, b.error);
  return roundedOnce(a.value * b.value, error, p);
}

Bounded divide(Bounded a, Bounded b, Precision p) {
  double quotient = a.value / b.value;
  if (a.error == 0 && b.error == 0)
    return rounded(quotient, std::isfinite(quotient) ? p.roundoff * std::fabs(quotient) : 0, p);
  double least = std::fabs(b.value) - b.error;
  double error = least > 0 ? (a.error + std::fabs(quotient) * b.error) / least : infinity;
  return rounded(quotient, error + p.roundoff * std::fabs(quotient), p);
}

double ulpLimit(UnaryKind kind) {
  switch (kind) {
  case UnaryKind::Abs:
  case UnaryKind::Neg:
  case UnaryKind::Sign:
  case UnaryKind::Ceil:
  case UnaryKind::Floor:
  case UnaryKind::Round:
  case UnaryKind::Relu:
  case UnaryKind::IsNan:
  case UnaryKind::IsInf:
  case UnaryKind::Not:
  case UnaryKind::BitwiseNot:
    return 0;
  case UnaryKind::Sqrt:
  case UnaryKind::Reciprocal:
    return 1;
  case UnaryKind::Rsqrt:
    return 2;
  default:
    return 4;
  }
}

double monotoneSpread(function_ref<double(double)> function, Bounded x, double atX) {
  if (x.error == 0)
    return 0;
  double low = std::fabs(function(x.value - x.error) - atX);
  double high = std::fabs(function(x.value + x.error) - atX);
  return std::isnan(low) || std::isnan(high) ? infinity : std::max(low, high);
}

/// What the input's error can do to the exact function.
static double unarySpread(UnaryKind kind, Bounded x, double y) {
  if (x.error == 0)
    return 0;
  auto function = [kind](double v) { return unaryValue(kind, v); };
  double low = x.value - x.error, high = x.value + x.error;
  switch (kind) {
  case UnaryKind::Abs:
  case UnaryKind::Neg:
    return x.error;
  case UnaryKind::Sin:
  case UnaryKind::Cos:
    return std::min(x.error, 2.0);
  case UnaryKind::Tan: // monotone between two poles
    return std::floor(low / M_PI + 0.5) == std::floor(high / M_PI + 0.5)
               ? monotoneSpread(function, x, y)
               : infinity;
  case UnaryKind::Sqrt: // an exact argument is not negative because a bound says so
    return monotoneSpread([](double v) { return std::sqrt(std::max(v, 0.0)); }, x, y);
  case UnaryKind::Asin:
  case UnaryKind::Acos:
    return monotoneSpread(
        [&](double v) { return unaryValue(kind, std::min(1.0, std::max(-1.0, v))); }, x, y);
  case UnaryKind::Acosh:
    return monotoneSpread([](double v) { return std::acosh(std::max(v, 1.0)); }, x, y);
  case UnaryKind::Cosh:
    return std::max(monotoneSpread(function, x, y), low < 0 && high > 0 ? std::fabs(y - 1) : 0.0);
  case UnaryKind::Reciprocal:
  case UnaryKind::Rsqrt:
    return (low < 0) == (high < 0) && low != 0 && high != 0 ? monotoneSpread(function, x, y)
                                                            : infinity;
  case UnaryKind::Silu: // slopes are at most 1.1 and 1.13
    return 1.1 * x.error;
  case UnaryKind::GeluErf:
  case UnaryKind::GeluTanh:
    return 1.13 * x.error;
  case UnaryKind::IsNan:
  case UnaryKind::IsInf:
    return x.error == infinity ? infinity : 0;
  default:
    return monotoneSpread(function, x, y);
  }
}

Bounded unary(UnaryKind kind, Bounded x, Precision p) {
  double y = unaryValue(kind, x.value);
  double spread = unarySpread(kind, x, y);
  double ulps = ulpLimit(kind);
  if (ulps == 0) // the result is representable (in the input's own format)
    return {y, std::isnan(spread) ? infinity : spread};
  double own = std::isfinite(y) ? 2 * p.roundoff * ulps * std::fabs(y) : 0;
  double magnitude = std::isfinite(x.value) ? std::fabs(x.value) : 0;
  switch (kind) {
  case UnaryKind::GeluErf: // 1 + erf cancels for negative x
  case UnaryKind::GeluTanh:
    own += 8 * p.roundoff * std::min(magnitude, 10.0);
    break;
  case UnaryKind::Softplus: // log(1 + exp(x)) loses what exp(x) is below 1
  case UnaryKind::Sin:
  case UnaryKind::Cos: // argument reduction is exact to the unit of the result's range
  case UnaryKind::Asin:
  case UnaryKind::Acos:
    own += 4 * p.roundoff;
    break;
  case UnaryKind::Tan:
    own += 4 * p.roundoff * (1 + y * y);
    break;
  case UnaryKind::Silu:
  case UnaryKind::Sigmoid: {
    // exp(-x) overflows where 1 / (1 + exp(-x)) is below the accumulator's least normal number, which may become 0.
    double flushed = std::ldexp(1, p.roundoff < std::ldexp(1, -24) ? -1022 : -126);
    own += 4 * p.tiny + flushed * (kind == UnaryKind::Silu ? magnitude : 1);
    break;
  }
  default:
    break;
  }
  return rounded(y, spread + own, p);
}

/// The floored quotient's remainder, with the sign of the divisor.
/// x^y over the box of the errors: exp(y log x) is monotone in each argument apart.
static double powSpread(Bounded a, Bounded b, double y) {
  if (a.error == 0 && b.error == 0)
    return 0;
  double spread = 0;
  if (a.value - a.error <= 0 && a.error > 0) {
    // An even or positive whole exponent is still continuous at and below zero.
    if (b.error != 0 || b.value != std::nearbyint(b.value) || b.value < 0)
      return infinity;
    double top = std::fabs(a.value) + a.error;
    return b.value * std::pow(top, b.value - 1) * a.error;
  }
  for (double x : {a.value - a.error, a.value + a.error})
    for (double e : {b.value - b.error, b.value + b.error}) {
      double change = std::fabs(std::pow(x, e) - y);
      spread = std::isnan(change) ? infinity : std::max(spread, change);
    }
  return spread;
}

/// The remainder jumps where the quotient crosses an integer.
static double remainderSpread(BinaryKind kind, Bounded a, Bounded b) {
  if (a.error == 0 && b.error == 0)
    return 0;
  double quotient = a.value / b.value;
  double change = (a.error + std::fabs(quotient) * b.error) / (std::fabs(b.value) - b.error);
  if (!(std::fabs(b.value) > b.error) ||
      std::floor(quotient - change) != std::floor(quotient + change))
    return infinity;
  return a.error + (std::fabs(quotient) + 1) * b.error;
}

Bounded binary(BinaryKind kind, Bounded a, Bounded b, Precision p) {
  switch (kind) {
  case BinaryKind::Add:
    return add(a, b, p);
  case BinaryKind::Sub:
    return subtract(a, b, p);
  case BinaryKind::Mul:
    return multiply(a, b, p);
  case BinaryKind::Div:
    return divide(a, b, p);
  case BinaryKind::Max:
  case BinaryKind::Min:
    return {binaryValue(kind, a.value, b.value), std::max(a.error, b.error)};
  case BinaryKind::Pow: {
    double y = std::pow(a.value, b.value);
    double own = 0;
    if (std::isfinite(y) && y != 0)
      own = p.roundoff * std::fabs(y) * (8 + 2 * std::fabs(std::log(std::fabs(y))));
    return rounded(y, powSpread(a, b, y) + own, p);
  }
  default:
    return rounded(binaryValue(kind, a.value, b.value), remainderSpread(kind, a, b), p);
  }
}

} // namespace lutra
