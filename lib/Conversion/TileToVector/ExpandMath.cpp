//===- ExpandMath.cpp - math functions as vector code ---------------------------===//
// exp, log, tanh and erf on f32 (vectors and scalars alike) are polynomials in fused multiply-adds;
// largest errors over the whole range, measured against f64 by test/Conversion/TileToVector/machine.e2e.test:
//   exp 0.88 ulp (Cody-Waite reduction, degree 7)      log 0.82 ulp (mantissa in [sqrt 1/2, sqrt 2))
//   tanh 4.8 ulp (rational 13/6)                       erf 5.5 ulp (rational 13/8, |error| < 3.4e-7)
// (erf of subnormal numbers included). Infinities and NaN come out as the C functions give them. f64 (and an integer by
// way of it) to a narrower type rounds once: through an f32 rounded to odd. Everything else calls libm per element.
#include "TileToVector.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "lutra/Dialect/Lutra/IR/TileFacts.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/ADT/bit.h"

#include <cmath>

using namespace mlir;

namespace lutra {

namespace {
/// Arithmetic on one f32 shape (scalar or vector) and the i32 shape beside it.
struct Real {
  OpBuilder &b;
  Location loc;
  Type real, integer, truth;

  Real(OpBuilder &builder, Location where, Type type) : b(builder), loc(where), real(type) {
    auto like = [&](Type element) -> Type {
      if (auto vector = dyn_cast<VectorType>(type))
        return VectorType::get(vector.getShape(), element);
      return element;
    };
    integer = like(b.getI32Type());
    truth = like(b.getI1Type());
  }

  Value splat(TypedAttr scalar, Type type) {
    if (auto vector = dyn_cast<VectorType>(type))
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, scalar));
    return arith::ConstantOp::create(b, loc, scalar);
  }
  Value num(double value) { return splat(b.getF32FloatAttr(value), real); }
  Value bits(int32_t value) { return splat(b.getI32IntegerAttr(value), integer); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value fma(Value x, Value y, Value z) { return math::FmaOp::create(b, loc, x, y, z); }
  Value less(Value x, Value y) { return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y); }
  Value equal(Value x, Value y) { return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, y); }
  Value select(Value c, Value x, Value y) { return arith::SelectOp::create(b, loc, c, x, y); }
  Value toBits(Value x) { return cast(x, integer); }
  Value fromBits(Value x) { return cast(x, real); }
  Value cast(Value x, Type type) {
    if (isa<VectorType>(type))
      return vector::BitCastOp::create(b, loc, type, x);
    return arith::BitcastOp::create(b, loc, type, x);
  }
  /// NaN passes.
  Value clamp(Value x, double low, double high) {
    x = select(less(x, num(low)), num(low), x);
    return select(less(num(high), x), num(high), x);
  }
  Value horner(Value x, ArrayRef<double> coefficients) {
    Value p = num(coefficients.front());
    for (double c : coefficients.drop_front())
      p = fma(p, x, num(c));
    return p;
  }
};
} // namespace

/// 2^n * exp(r) with |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits, so
/// that no conversion can trap or be undefined on NaN. The scale is applied in two halves: results
/// near the ends of the range overflow and denormalise as they should.
///
/// With `nonPositive` (x <= 0) no overflow is possible and results below the least normal number become 0: one scale,
/// whose exponent field, 127 included, is what the rounding left in the low bits. -88 and less give field 0.
static Value expandExp(Real &r, Value x, bool nonPositive) {
  x = nonPositive ? r.select(r.less(x, r.num(-88.0)), r.num(-88.0), x) : r.clamp(x, -104.0, 89.0);
  Value magic = r.num(nonPositive ? 12582912.0 + 127 : 12582912.0);
  Value shifted = r.fma(x, r.num(1.44269504088896341), magic);
  Value n = r.sub(shifted, magic);
  Value rest = r.fma(n, r.num(-0.693359375), x);
  rest = r.fma(n, r.num(2.12194440e-4), rest);
  Value y = r.horner(rest, {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2,
                            1.6666665459e-1, 5.0000001201e-1, 1, 1});
  if (nonPositive)
    return r.mul(y, r.fromBits(arith::ShLIOp::create(r.b, r.loc, r.toBits(shifted), r.bits(23))));
  Value whole = arith::SubIOp::create(r.b, r.loc, r.toBits(shifted), r.toBits(magic));
  Value half = arith::ShRSIOp::create(r.b, r.loc, whole, r.bits(1));
  Value other = arith::SubIOp::create(r.b, r.loc, whole, half);
  auto power = [&](Value exponent) {
    Value biased = arith::AddIOp::create(r.b, r.loc, exponent, r.bits(127));
    return r.fromBits(arith::ShLIOp::create(r.b, r.loc, biased, r.bits(23)));
  };
  return r.mul(r.mul(y, power(half)), power(other));
}

static Value expandLog(Real &r, Value x) {
  Value denormal = r.less(x, r.num(1.17549435e-38));
  Value scaled = r.select(denormal, r.mul(x, r.num(8388608.0)), x);
  Value pattern = r.toBits(scaled);
  Value field = arith::ShRUIOp::create(r.b, r.loc, pattern, r.bits(23));
  Value exponent = arith::SIToFPOp::create(r.b, r.loc, r.real, field);
  exponent = r.sub(exponent, r.select(denormal, r.num(127 + 23), r.num(127)));
  Value fraction = arith::AndIOp::create(r.b, r.loc, pattern, r.bits(0x007fffff));
  Value m = r.fromBits(arith::OrIOp::create(r.b, r.loc, fraction, r.bits(0x3f800000)));
  Value large = r.less(r.num(1.41421356237), m);
  m = r.select(large, r.mul(m, r.num(0.5)), m);
  exponent = r.select(large, r.add(exponent, r.num(1)), exponent);
  Value rest = r.sub(m, r.num(1)), square = r.mul(rest, rest);
  Value p = r.horner(rest, {7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1,
                            1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1,
                            3.3333331174e-1});
  Value y = r.mul(r.mul(p, square), rest);
  y = r.fma(exponent, r.num(-2.12194440e-4), y);
  y = r.fma(square, r.num(-0.5), y);
  y = r.fma(exponent, r.num(0.693359375), r.add(rest, y));
  double inf = std::numeric_limits<double>::infinity();
  y = r.select(r.equal(x, r.num(0)), r.num(-inf), y);
  y = r.select(r.less(x, r.num(0)), r.num(std::numeric_limits<double>::quiet_NaN()), y);
  Value finite = arith::CmpFOp::create(r.b, r.loc, arith::CmpFPredicate::OLT, x, r.num(inf));
  return r.select(finite, y, r.select(r.less(x, r.num(0)), y, x)); // +inf and NaN stay
}

/// log(1 + x), the rounding error of 1 + x taken back.
static Value expandLog1p(Real &r, Value x) {
  Value u = r.add(x, r.num(1));
  Value y = r.mul(expandLog(r, u), r.div(x, r.sub(u, r.num(1))));
  return r.select(r.equal(u, r.num(1)), x, y);
}

static Value expandTanh(Real &r, Value x) {
  Value c = r.clamp(x, -7.90531110763549805, 7.90531110763549805), square = r.mul(c, c);
  Value p = r.horner(square, {-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11,
                              5.12229709037114e-08, 1.48572235717979e-05, 6.37261928875436e-04,
                              4.89352455891786e-03});
  Value q = r.horner(square, {1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03,
                              4.89352518554385e-03});
  Value y = r.div(r.mul(p, c), q);
  return r.select(r.less(math::AbsFOp::create(r.b, r.loc, x), r.num(4e-4)), x, y);
}

static Value expandErf(Real &r, Value given) {
  Value x = r.clamp(given, -4, 4);
  Value square = r.mul(x, x);
  Value p = r.horner(square, {-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06,
                              -5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03,
                              -1.60960333262415e-02});
  Value q = r.horner(square, {-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03,
                              -7.37332916720468e-03, -1.42647390514189e-02});
  Value y = r.div(r.mul(p, x), q);
  // Near 0 it is 2 / sqrt(pi) x to 4e-9; p x would lose the last bits of a subnormal x before they are divided by q.
  Value small = r.less(math::AbsFOp::create(r.b, r.loc, given), r.num(1e-4));
  return r.select(small, r.mul(given, r.num(1.1283791670955126)), y);
}

/// maximumf and minimumf: one maxps gives the second operand when either is NaN, so only a NaN in the
/// first needs a blend. The sign of a zero is left open.
static Value expandExtremum(OpBuilder &b, Location loc, Value x, Value y, bool maximum) {
  auto predicate = maximum ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT;
  Value first = arith::CmpFOp::create(b, loc, predicate, x, y);
  Value extremum = arith::SelectOp::create(b, loc, first, x, y);
  Value nan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
  return arith::SelectOp::create(b, loc, nan, x, extremum);
}

static Type withElement(Type type, Type element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return VectorType::get(vector.getShape(), element);
  return element;
}

/// bf16 is the upper half of an f32.
static Value expandFromBf16(OpBuilder &b, Location loc, Value x) {
  Type type = x.getType();
  Real r(b, loc, withElement(type, b.getF32Type()));
  Value half = r.cast(x, withElement(type, b.getI16Type()));
  Value wide = arith::ExtUIOp::create(b, loc, r.integer, half);
  return r.fromBits(arith::ShLIOp::create(b, loc, wide, r.bits(16)));
}

/// Round half to even by adding 0x7fff plus the lowest kept bit; NaN becomes the quiet one.
static Value expandToBf16(OpBuilder &b, Location loc, Value x) {
  Real r(b, loc, x.getType());
  Value pattern = r.toBits(x);
  Value upper = arith::ShRUIOp::create(b, loc, pattern, r.bits(16));
  Value odd = arith::AndIOp::create(b, loc, upper, r.bits(1));
  Value rounded = arith::AddIOp::create(b, loc, pattern, arith::AddIOp::create(b, loc, odd, r.bits(0x7fff)));
  rounded = arith::ShRUIOp::create(b, loc, rounded, r.bits(16));
  Value nan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
  rounded = arith::SelectOp::create(b, loc, nan, r.bits(0x7fc0), rounded);
  Value narrow = arith::TruncIOp::create(b, loc, withElement(x.getType(), b.getI16Type()), rounded);
  return r.cast(narrow, withElement(x.getType(), b.getBF16Type()));
}

namespace {
/// The fields of an 8-bit float below its sign. Codes from `special` on are no finite numbers.
struct Fp8 {
  int fraction, bias, special;
  bool hasInfinity;
  int leastExponent() const { return 1 - bias; } // of a normal number

  static std::optional<Fp8> of(Type element) {
    if (isa<Float8E4M3FNType>(element))
      return Fp8{3, 7, 0x7f, false};
    if (isa<Float8E5M2Type>(element))
      return Fp8{2, 15, 0x7c, true};
    return std::nullopt;
  }
};
} // namespace

static Value expandFromFp8(OpBuilder &b, Location loc, Value x, const Fp8 &format) {
  Real r(b, loc, withElement(x.getType(), b.getF32Type()));
  Value code = arith::ExtUIOp::create(b, loc, r.integer, r.cast(x, withElement(x.getType(), b.getI8Type())));
  Value magnitude = arith::AndIOp::create(b, loc, code, r.bits(0x7f));
  Value moved = arith::ShLIOp::create(b, loc, magnitude, r.bits(23 - format.fraction));
  auto withBias = [&](int bias) { return arith::AddIOp::create(b, loc, moved, r.bits(bias << 23)); };
  auto isLess = [&](int bound) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, magnitude, r.bits(bound));
  };
  // Codes less than a normal number's count its least steps.
  Value steps = arith::SIToFPOp::create(b, loc, r.real, magnitude);
  Value subnormal = r.toBits(r.mul(steps, r.num(std::ldexp(1.0, format.leastExponent() - format.fraction))));
  Value value = r.select(isLess(1 << format.fraction), subnormal, withBias(127 - format.bias));
  Value special = format.hasInfinity ? withBias(255 - (format.special >> format.fraction)).getResult()
                                     : r.bits(0x7fc00000);
  value = r.select(isLess(format.special), value, special);
  Value sign = arith::ShLIOp::create(b, loc, arith::ShRUIOp::create(b, loc, code, r.bits(7)), r.bits(31));
  return r.fromBits(arith::OrIOp::create(b, loc, value, sign));
}

/// Round half to even, as to bf16; below the normal numbers by adding one whose steps are theirs. What is too large
/// becomes infinity, or NaN where the format has none.
static Value expandToFp8(OpBuilder &b, Location loc, Value x, const Fp8 &format, Type type) {
  Real r(b, loc, x.getType());
  int shift = 23 - format.fraction;
  Value pattern = r.toBits(x);
  Value magnitude = arith::AndIOp::create(b, loc, pattern, r.bits(0x7fffffff));
  Value odd = arith::AndIOp::create(b, loc, arith::ShRUIOp::create(b, loc, magnitude, r.bits(shift)), r.bits(1));
  Value half = arith::AddIOp::create(b, loc, odd, r.bits((1 << (shift - 1)) - 1));
  Value rounded = arith::ShRUIOp::create(b, loc, arith::AddIOp::create(b, loc, magnitude, half), r.bits(shift));
  Value normal = arith::SubIOp::create(b, loc, rounded, r.bits((127 - format.bias) << format.fraction));
  double least = std::ldexp(1.0, format.leastExponent()), adder = std::ldexp(least, shift);
  auto patternOf = [&](double value) { return llvm::bit_cast<int32_t>(static_cast<float>(value)); };
  Value sum = r.toBits(r.add(r.fromBits(magnitude), r.num(adder)));
  Value subnormal = arith::SubIOp::create(b, loc, sum, r.bits(patternOf(adder)));
  auto isLess = [&](Value value, int32_t bound) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, value, r.bits(bound));
  };
  Value code = r.select(isLess(magnitude, patternOf(least)), subnormal, normal);
  code = r.select(isLess(code, format.special), code, r.bits(format.special));
  if (format.hasInfinity)
    code = r.select(isLess(magnitude, 0x7f800001), code, r.bits(0x7e));
  Value sign = arith::AndIOp::create(b, loc, arith::ShRUIOp::create(b, loc, pattern, r.bits(24)), r.bits(0x80));
  Value narrow = arith::TruncIOp::create(b, loc, withElement(type, b.getI8Type()),
                                         arith::OrIOp::create(b, loc, code, sign));
  return r.cast(narrow, type);
}

/// f64 to f32 rounded to odd: towards zero, with the last bit set if anything was lost. A second rounding to a type of
/// at least two bits less then gives what one rounding of x gives.
static Value roundToOdd(OpBuilder &b, Location loc, Value x) {
  Real r(b, loc, withElement(x.getType(), b.getF32Type()));
  Value nearest = arith::TruncFOp::create(b, loc, r.real, x);
  Value back = arith::ExtFOp::create(b, loc, x.getType(), nearest);
  Value zero = r.bits(0), one = r.bits(1);
  auto magnitude = [&](Value v) -> Value { return math::AbsFOp::create(b, loc, v); };
  // Both comparisons are false for NaN, which stays. Less by one is towards zero for either sign, and from infinity.
  Value above = r.less(magnitude(x), magnitude(back));
  Value inexact = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ONE, x, back);
  Value down = arith::SubIOp::create(b, loc, r.toBits(nearest), r.select(above, one, zero));
  return r.fromBits(arith::OrIOp::create(b, loc, down, r.select(inexact, one, zero)));
}

/// x as a float of 8 or 16 bits; null where the machine's own instruction does it.
static Value expandTruncation(OpBuilder &b, Location loc, Value x, Type type) {
  Type element = getElementTypeOrSelf(type);
  bool fromDouble = getElementTypeOrSelf(x.getType()).isF64();
  std::optional<Fp8> format = Fp8::of(element);
  if (!format && !element.isBF16() && !(element.isF16() && fromDouble))
    return {};
  if (fromDouble)
    x = roundToOdd(b, loc, x);
  if (format)
    return expandToFp8(b, loc, x, *format, type);
  return element.isBF16() ? expandToBf16(b, loc, x) : arith::TruncFOp::create(b, loc, type, x).getResult();
}

/// The C function of a math op without a polynomial, or "".
static StringRef libmName(Operation *op) {
  return TypeSwitch<Operation *, StringRef>(op)
      .Case([](math::AcosOp) { return "acos"; })
      .Case([](math::AcoshOp) { return "acosh"; })
      .Case([](math::AsinOp) { return "asin"; })
      .Case([](math::AsinhOp) { return "asinh"; })
      .Case([](math::AtanOp) { return "atan"; })
      .Case([](math::AtanhOp) { return "atanh"; })
      .Case([](math::CosOp) { return "cos"; })
      .Case([](math::CoshOp) { return "cosh"; })
      .Case([](math::ErfOp) { return "erf"; })
      .Case([](math::ExpOp) { return "exp"; })
      .Case([](math::LogOp) { return "log"; })
      .Case([](math::Log1pOp) { return "log1p"; })
      .Case([](math::PowFOp) { return "pow"; })
      .Case([](math::SinOp) { return "sin"; })
      .Case([](math::SinhOp) { return "sinh"; })
      .Case([](math::TanOp) { return "tan"; })
      .Case([](math::TanhOp) { return "tanh"; })
      .Case([](arith::RemFOp) { return "fmod"; })
      .Default([](Operation *) { return ""; });
}

static Value callLibm(OpBuilder &b, Operation *op, StringRef function) {
  Type type = op->getResult(0).getType(), element = getElementTypeOrSelf(type);
  std::string name = (function + (element.isF32() ? "f" : "")).str();
  auto module = op->getParentOfType<ModuleOp>();
  if (!module.lookupSymbol(name)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    SmallVector<Type> inputs(op->getNumOperands(), element);
    func::FuncOp::create(b, op->getLoc(), name, b.getFunctionType(inputs, element)).setPrivate();
  }
  auto call = [&](ValueRange operands) {
    return func::CallOp::create(b, op->getLoc(), name, element, operands).getResult(0);
  };
  auto vector = dyn_cast<VectorType>(type);
  if (!vector)
    return call(op->getOperands());
  SmallVector<Value> elements;
  for (int64_t i = 0; i < vector.getNumElements(); ++i) {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(vector::ExtractOp::create(b, op->getLoc(), operand, i));
    elements.push_back(call(operands));
  }
  return vector::FromElementsOp::create(b, op->getLoc(), vector, elements);
}

void expandMath(func::FuncOp function) {
  SmallVector<Operation *> ops;
  function.walk([&](Operation *op) {
    if (op->getNumResults() == 1 &&
        (isa_and_nonnull<math::MathDialect>(op->getDialect()) ||
         isa<arith::MaximumFOp, arith::MinimumFOp, arith::RemFOp, arith::ExtFOp, arith::TruncFOp, arith::SIToFPOp,
             arith::UIToFPOp>(op)))
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    OpBuilder b(op);
    Location loc = op->getLoc();
    Type type = op->getResult(0).getType();
    Value x = op->getOperand(0), replacement;
    if (getElementTypeOrSelf(type).isF32()) {
      Real r(b, loc, type);
      replacement = TypeSwitch<Operation *, Value>(op)
                        .Case([&](math::ExpOp) { return expandExp(r, x, op->hasAttr(nonPositiveAttrName)); })
                        .Case([&](math::LogOp) { return expandLog(r, x); })
                        .Case([&](math::Log1pOp) { return expandLog1p(r, x); })
                        .Case([&](math::TanhOp) { return expandTanh(r, x); })
                        .Case([&](math::ErfOp) { return expandErf(r, x); })
                        .Default([](Operation *) { return Value(); });
    }
    if (isa<arith::MaximumFOp, arith::MinimumFOp>(op))
      replacement = expandExtremum(b, loc, x, op->getOperand(1), isa<arith::MaximumFOp>(op));
    std::optional<Fp8> format = Fp8::of(getElementTypeOrSelf(x.getType()));
    if (isa<arith::ExtFOp>(op) && (format || getElementTypeOrSelf(x.getType()).isBF16())) {
      replacement = format ? expandFromFp8(b, loc, x, *format) : expandFromBf16(b, loc, x);
      if (replacement.getType() != type)
        replacement = arith::ExtFOp::create(b, loc, type, replacement);
    }
    if (isa<arith::TruncFOp>(op))
      replacement = expandTruncation(b, loc, x, type);
    if (isa<arith::SIToFPOp, arith::UIToFPOp>(op) && getElementTypeOrSelf(type).isBF16()) {
      bool isShort = getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth() < 24; // exact in f32
      Type wide = withElement(type, isShort ? b.getF32Type() : b.getF64Type());
      Value real = isa<arith::SIToFPOp>(op) ? arith::SIToFPOp::create(b, loc, wide, x).getResult()
                                            : arith::UIToFPOp::create(b, loc, wide, x).getResult();
      replacement = expandTruncation(b, loc, real, type);
    }
    if (StringRef name = libmName(op); !replacement && !name.empty())
      replacement = callLibm(b, op, name);
    if (!replacement)
      continue;
    op->getResult(0).replaceAllUsesWith(replacement);
    op->erase();
  }
}

} // namespace lutra
