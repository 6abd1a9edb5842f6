//===- Inputs.cpp - seeded test inputs -------------------------------------===//
#include "lutra/Reference/Inputs.h"

#include "llvm/ADT/StringSwitch.h"

#include <cmath>
#include <limits>

using namespace lutra;

uint64_t SplitMix64::next() {
  uint64_t z = state += 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

double SplitMix64::uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

double SplitMix64::normal() {
  double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * M_PI * uniform());
}

int64_t SplitMix64::between(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(next() % static_cast<uint64_t>(high - low + 1));
}

std::optional<ValueSet> lutra::valueSetOf(llvm::StringRef name) {
  return llvm::StringSwitch<std::optional<ValueSet>>(name)
      .Case("normal", ValueSet::Normal)
      .Case("integers", ValueSet::Integers)
      .Case("positive", ValueSet::Positive)
      .Case("outliers", ValueSet::Outliers)
      .Case("cancelling", ValueSet::Cancelling)
      .Case("subnormal", ValueSet::Subnormal)
      .Case("huge", ValueSet::Huge)
      .Case("equal", ValueSet::Equal)
      .Case("zeros", ValueSet::Zeros)
      .Case("one-nan", ValueSet::OneNan)
      .Case("one-inf", ValueSet::OneInf)
      .Case("saturating", ValueSet::Saturating)
      .Default(std::nullopt);
}

static double largestOf(ElementKind kind) {
  switch (kind) {
  case ElementKind::F64:
    return std::numeric_limits<double>::max();
  case ElementKind::F32:
  case ElementKind::BF16:
    return std::ldexp(1, 127);
  case ElementKind::F16:
    return 65504;
  default:
    return 224;
  }
}

static double leastOf(ElementKind kind) {
  switch (kind) {
  case ElementKind::F64:
    return std::numeric_limits<double>::denorm_min();
  case ElementKind::F32:
    return std::ldexp(1, -149);
  case ElementKind::BF16:
    return std::ldexp(1, -133);
  case ElementKind::F16:
    return std::ldexp(1, -24);
  default:
    return std::ldexp(1, -9);
  }
}

static double floatElement(ElementKind kind, ValueSet set, int64_t i, double previous,
                           SplitMix64 &random) {
  switch (set) {
  case ValueSet::Integers:
    return static_cast<double>(random.between(-4, 4));
  case ValueSet::Positive:
    return 0.5 + random.uniform();
  case ValueSet::Outliers:
    return random.normal() * (i % 13 == 0 ? 100 : 1);
  case ValueSet::Cancelling:
    return i % 2 ? -previous : random.normal();
  case ValueSet::Subnormal:
    return leastOf(kind) * static_cast<double>(random.between(-3, 3));
  case ValueSet::Huge:
    return largestOf(kind) * (random.uniform() - 0.5);
  case ValueSet::Equal:
    return 0.75;
  case ValueSet::Zeros:
    return 0;
  default:
    return random.normal();
  }
}

static int64_t integerElement(ElementKind kind, ValueSet set, SplitMix64 &random) {
  unsigned bits = bitsOf(kind);
  if (kind == ElementKind::I1)
    return set == ValueSet::Zeros ? 0 : random.between(0, 1);
  bool isUnsigned = isUnsignedKind(kind);
  if (set == ValueSet::Saturating) {
    int64_t extreme = isUnsigned ? -1 : bits == 64 ? std::numeric_limits<int64_t>::max()
                                                   : (int64_t(1) << (bits - 1)) - 1;
    switch (random.between(0, 3)) {
    case 0:
      return 0;
    case 1:
      return extreme;
    case 2:
      return isUnsigned ? extreme - 127 : -extreme - 1;
    default:
      return 1;
    }
  }
  if (set == ValueSet::Zeros)
    return 0;
  if (set == ValueSet::Equal)
    return 1;
  int64_t reach = bits < 4 ? 1 : 7;
  return isUnsigned ? random.between(0, 2 * reach) : random.between(-reach, reach);
}

Tensor lutra::makeInput(ElementKind kind, llvm::ArrayRef<int64_t> shape, ValueSet set,
                        uint64_t seed, uint64_t index) {
  SplitMix64 random(seed * 0x9E3779B97F4A7C15 + index + 1);
  Tensor tensor(kind, shape);
  double previous = 0;
  for (int64_t i = 0, e = tensor.getCount(); i < e; ++i) {
    if (tensor.isFloat())
      tensor.setFloat(i, previous = floatElement(kind, set, i, previous, random));
    else
      tensor.setInt(i, integerElement(kind, set, random));
  }
  if (tensor.isFloat() && tensor.getCount() > 0 &&
      (set == ValueSet::OneNan || set == ValueSet::OneInf))
    tensor.setFloat(random.between(0, tensor.getCount() - 1),
                    set == ValueSet::OneNan ? std::numeric_limits<double>::quiet_NaN()
                                            : std::numeric_limits<double>::infinity());
  return tensor;
}
