//===- ScalarValues.cpp - pointwise ops on single numbers, in double precision ---===//
#include "lutra/Dialect/Lutra/IR/ScalarValues.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace lutra {

static constexpr double infinity = std::numeric_limits<double>::infinity();

double unaryValue(UnaryKind kind, double x) {
  switch (kind) {
  case UnaryKind::Abs:
    return std::fabs(x);
  case UnaryKind::Neg:
    return -x;
  case UnaryKind::Sign:
    return std::isnan(x) ? x : (x > 0) - (x < 0);
  case UnaryKind::Ceil:
    return std::ceil(x);
  case UnaryKind::Floor:
    return std::floor(x);
  case UnaryKind::Round:
    return std::nearbyint(x);
  case UnaryKind::Exp:
    return std::exp(x);
  case UnaryKind::Log:
    return std::log(x);
  case UnaryKind::Sqrt:
    return std::sqrt(x);
  case UnaryKind::Rsqrt:
    return 1 / std::sqrt(x);
  case UnaryKind::Reciprocal:
    return 1 / x;
  case UnaryKind::Erf:
    return std::erf(x);
  case UnaryKind::Sin:
    return std::sin(x);
  case UnaryKind::Cos:
    return std::cos(x);
  case UnaryKind::Tan:
    return std::tan(x);
  case UnaryKind::Asin:
    return std::asin(x);
  case UnaryKind::Acos:
    return std::acos(x);
  case UnaryKind::Atan:
    return std::atan(x);
  case UnaryKind::Sinh:
    return std::sinh(x);
  case UnaryKind::Cosh:
    return std::cosh(x);
  case UnaryKind::Tanh:
    return std::tanh(x);
  case UnaryKind::Asinh:
    return std::asinh(x);
  case UnaryKind::Acosh:
    return std::acosh(x);
  case UnaryKind::Atanh:
    return std::atanh(x);
  case UnaryKind::Relu:
    return x < 0 ? 0 : x;
  case UnaryKind::Sigmoid:
    return 1 / (1 + std::exp(-x));
  case UnaryKind::Softplus:
    return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
  case UnaryKind::Silu:
    return x == -infinity ? -0.0 : x / (1 + std::exp(-x));
  case UnaryKind::GeluErf:
    return x == -infinity ? -0.0 : x * 0.5 * std::erfc(-x * std::sqrt(0.5));
  case UnaryKind::GeluTanh: {
    double inner = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
    // 1 + tanh(t) = 2 / (1 + exp(-2t)), which does not cancel for negative t.
    return x == -infinity ? -0.0 : x / (1 + std::exp(-2 * inner));
  }
  case UnaryKind::Not:
  case UnaryKind::BitwiseNot:
    break;
  case UnaryKind::IsNan:
    return std::isnan(x);
  case UnaryKind::IsInf:
    return std::isinf(x);
  }
  return x;
}

static double flooredMod(double a, double b) {
  double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

double binaryValue(BinaryKind kind, double a, double b) {
  bool hasNan = std::isnan(a) || std::isnan(b);
  switch (kind) {
  case BinaryKind::Add:
    return a + b;
  case BinaryKind::Sub:
    return a - b;
  case BinaryKind::Mul:
    return a * b;
  case BinaryKind::Div:
    return a / b;
  case BinaryKind::Pow:
    return std::pow(a, b);
  case BinaryKind::Max:
    return hasNan ? a + b : std::max(a, b);
  case BinaryKind::Min:
    return hasNan ? a + b : std::min(a, b);
  case BinaryKind::Mod:
    return flooredMod(a, b);
  case BinaryKind::Rem:
    return std::fmod(a, b);
  default:
    return std::numeric_limits<double>::quiet_NaN();
  }
}

double quotientValue(double x, double scale, bool isDouble) {
  return isDouble ? x / scale : static_cast<float>(static_cast<float>(x) / static_cast<float>(scale));
}

double quantizedValue(double x, double scale, double zero, IntegerType type, bool isDouble) {
  double quotient = quotientValue(x, scale, isDouble);
  if (std::isnan(quotient))
    quotient = 0;
  unsigned bits = type.getWidth();
  bool isUnsigned = type.isUnsigned() || bits == 1;
  double low = isUnsigned ? 0 : -std::ldexp(1, bits - 1), high = std::ldexp(1, isUnsigned ? bits : bits - 1) - 1;
  return std::max(low, std::min(high, std::nearbyint(quotient) + zero));
}

} // namespace lutra
