//===- Scalar.cpp - arith, math and affine ops on scalars ------------------===//
// Scalars are 64-bit integers, wrapped to their type, or doubles, rounded to their type after every
// op (correct rounding of + - * / and sqrt: a double holds more than twice the bits of an f32).
#include "Interpreter.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

static LogicalResult setInteger(Operation *op, Interpreter &interpreter, int64_t value) {
  interpreter.set(op->getResult(0), Datum::of(wrapToType(op->getResult(0).getType(), value)));
  return success();
}

static LogicalResult setNumber(Operation *op, Interpreter &interpreter, double value) {
  interpreter.set(op->getResult(0), Datum::of(roundToType(op->getResult(0).getType(), value)));
  return success();
}

/// The low bits of an integer, without its sign.
static uint64_t unsignedBits(Type type, int64_t value) {
  unsigned bits = integerBits(type);
  return bits >= 64 ? value : static_cast<uint64_t>(value) & ((uint64_t(1) << bits) - 1);
}
/// The low bits with their sign (also of i1, whose truth is kept as 1).
static int64_t signedBits(Type type, int64_t value) {
  return llvm::SignExtend64(static_cast<uint64_t>(value), integerBits(type));
}

template <typename OpTy, double (*function)(double)>
static LogicalResult evaluateNumber1(OpTy op, Interpreter &interpreter) {
  return setNumber(op, interpreter, function(interpreter.getNumber(op->getOperand(0))));
}
template <typename OpTy, double (*function)(double, double)>
static LogicalResult evaluateNumber2(OpTy op, Interpreter &interpreter) {
  return setNumber(op, interpreter,
                   function(interpreter.getNumber(op->getOperand(0)),
                            interpreter.getNumber(op->getOperand(1))));
}

/// Integer ops as functions of two operands and their type; nothing means undefined.
using IntegerFunction = std::optional<int64_t> (*)(int64_t, int64_t, Type);
template <typename OpTy, IntegerFunction function>
static LogicalResult evaluateInteger2(OpTy op, Interpreter &interpreter) {
  std::optional<int64_t> value =
      function(interpreter.getInteger(op->getOperand(0)),
               interpreter.getInteger(op->getOperand(1)), op->getOperand(0).getType());
  if (!value)
    return refuse(op, ErrorCode::Attribute) << "divides by zero";
  return setInteger(op, interpreter, *value);
}

static std::optional<int64_t> divideSigned(int64_t a, int64_t b, Type type) {
  if (b == 0)
    return std::nullopt;
  return b == -1 ? static_cast<int64_t>(-static_cast<uint64_t>(a)) : a / b;
}
static std::optional<int64_t> remainderSigned(int64_t a, int64_t b, Type type) {
  if (b == 0)
    return std::nullopt;
  return b == -1 ? 0 : a % b;
}
static std::optional<int64_t> divideFloor(int64_t a, int64_t b, Type type) {
  if (b == 0)
    return std::nullopt;
  if (b == -1)
    return static_cast<int64_t>(-static_cast<uint64_t>(a));
  return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}
static std::optional<int64_t> divideCeil(int64_t a, int64_t b, Type type) {
  if (b == 0)
    return std::nullopt;
  if (b == -1)
    return static_cast<int64_t>(-static_cast<uint64_t>(a));
  return a / b + (a % b != 0 && (a % b < 0) == (b < 0));
}
static std::optional<int64_t> divideUnsigned(int64_t a, int64_t b, Type type) {
  if (b == 0)
    return std::nullopt;
  return unsignedBits(type, a) / unsignedBits(type, b);
}
static std::optional<int64_t> divideCeilUnsigned(int64_t a, int64_t b, Type type) {
  if (b == 0)
    return std::nullopt;
  return llvm::divideCeil(unsignedBits(type, a), unsignedBits(type, b));
}
static std::optional<int64_t> remainderUnsigned(int64_t a, int64_t b, Type type) {
  if (b == 0)
    return std::nullopt;
  return unsignedBits(type, a) % unsignedBits(type, b);
}
static std::optional<int64_t> plus(int64_t a, int64_t b, Type) {
  return static_cast<uint64_t>(a) + static_cast<uint64_t>(b);
}
static std::optional<int64_t> minus(int64_t a, int64_t b, Type) {
  return static_cast<uint64_t>(a) - static_cast<uint64_t>(b);
}
static std::optional<int64_t> times(int64_t a, int64_t b, Type) {
  return static_cast<uint64_t>(a) * static_cast<uint64_t>(b);
}
static std::optional<int64_t> bitAnd(int64_t a, int64_t b, Type) { return a & b; }
static std::optional<int64_t> bitOr(int64_t a, int64_t b, Type) { return a | b; }
static std::optional<int64_t> bitXor(int64_t a, int64_t b, Type) { return a ^ b; }
static std::optional<int64_t> maxSigned(int64_t a, int64_t b, Type type) {
  return std::max(signedBits(type, a), signedBits(type, b));
}
static std::optional<int64_t> minSigned(int64_t a, int64_t b, Type type) {
  return std::min(signedBits(type, a), signedBits(type, b));
}
static std::optional<int64_t> maxUnsigned(int64_t a, int64_t b, Type type) {
  return std::max(unsignedBits(type, a), unsignedBits(type, b));
}
static std::optional<int64_t> minUnsigned(int64_t a, int64_t b, Type type) {
  return std::min(unsignedBits(type, a), unsignedBits(type, b));
}
static std::optional<int64_t> shiftLeft(int64_t a, int64_t b, Type type) {
  return unsignedBits(type, b) >= integerBits(type) ? 0 : static_cast<uint64_t>(a) << b;
}
static std::optional<int64_t> shiftRightUnsigned(int64_t a, int64_t b, Type type) {
  return unsignedBits(type, b) >= integerBits(type) ? 0 : unsignedBits(type, a) >> b;
}
static std::optional<int64_t> shiftRightSigned(int64_t a, int64_t b, Type type) {
  int64_t value = signedBits(type, a);
  return unsignedBits(type, b) >= integerBits(type) ? (value < 0 ? -1 : 0) : value >> b;
}

static double addNumbers(double a, double b) { return a + b; }
static double subtractNumbers(double a, double b) { return a - b; }
static double multiplyNumbers(double a, double b) { return a * b; }
static double divideNumbers(double a, double b) { return a / b; }
static double negate(double a) { return -a; }
static double rsqrt(double a) { return 1 / std::sqrt(a); }
static double maximum(double a, double b) { return binaryValue(BinaryKind::Max, a, b); }
static double minimum(double a, double b) { return binaryValue(BinaryKind::Min, a, b); }
static double maxNumber(double a, double b) { return std::fmax(a, b); }
static double minNumber(double a, double b) { return std::fmin(a, b); }
static double roundAway(double a) { return std::round(a); }
static double roundEven(double a) { return std::nearbyint(a); }

/// lutra.constant on scalars: also dense constants of arith, which are tensors.
static LogicalResult evaluateConstant(arith::ConstantOp op, Interpreter &interpreter) {
  if (auto integer = dyn_cast<IntegerAttr>(op.getValue())) {
    bool truth = op.getType().isInteger(1);
    return setInteger(op, interpreter,
                      truth ? !integer.getValue().isZero() : integer.getValue().getSExtValue());
  }
  if (auto number = dyn_cast<FloatAttr>(op.getValue()))
    return setNumber(op, interpreter, number.getValueAsDouble());
  return refuse(op, ErrorCode::UnsupportedType) << "of type " << op.getType()
                                                << " is not a scalar; use lutra.constant";
}

static LogicalResult evaluateCompareIntegers(arith::CmpIOp op, Interpreter &interpreter) {
  Type type = op.getLhs().getType();
  int64_t lhs = interpreter.getInteger(op.getLhs()), rhs = interpreter.getInteger(op.getRhs());
  int64_t a = signedBits(type, lhs), b = signedBits(type, rhs);
  uint64_t ua = unsignedBits(type, lhs), ub = unsignedBits(type, rhs);
  switch (op.getPredicate()) {
  case arith::CmpIPredicate::eq:
    return setInteger(op, interpreter, a == b);
  case arith::CmpIPredicate::ne:
    return setInteger(op, interpreter, a != b);
  case arith::CmpIPredicate::slt:
    return setInteger(op, interpreter, a < b);
  case arith::CmpIPredicate::sle:
    return setInteger(op, interpreter, a <= b);
  case arith::CmpIPredicate::sgt:
    return setInteger(op, interpreter, a > b);
  case arith::CmpIPredicate::sge:
    return setInteger(op, interpreter, a >= b);
  case arith::CmpIPredicate::ult:
    return setInteger(op, interpreter, ua < ub);
  case arith::CmpIPredicate::ule:
    return setInteger(op, interpreter, ua <= ub);
  case arith::CmpIPredicate::ugt:
    return setInteger(op, interpreter, ua > ub);
  case arith::CmpIPredicate::uge:
    return setInteger(op, interpreter, ua >= ub);
  }
  return failure();
}

static LogicalResult evaluateCompareNumbers(arith::CmpFOp op, Interpreter &interpreter) {
  double a = interpreter.getNumber(op.getLhs()), b = interpreter.getNumber(op.getRhs());
  bool holds = arith::applyCmpPredicate(op.getPredicate(), APFloat(a), APFloat(b));
  return setInteger(op, interpreter, holds);
}

static LogicalResult evaluateSelect(arith::SelectOp op, Interpreter &interpreter) {
  bool first = interpreter.getInteger(op.getCondition()) != 0;
  Datum chosen = interpreter.get(first ? op.getTrueValue() : op.getFalseValue());
  interpreter.set(op.getResult(), chosen);
  return success();
}

template <typename OpTy>
static LogicalResult evaluateSigned(OpTy op, Interpreter &interpreter) {
  return setInteger(op, interpreter,
                    signedBits(op.getIn().getType(), interpreter.getInteger(op.getIn())));
}
template <typename OpTy>
static LogicalResult evaluateUnsigned(OpTy op, Interpreter &interpreter) {
  return setInteger(op, interpreter,
                    unsignedBits(op.getIn().getType(), interpreter.getInteger(op.getIn())));
}
template <typename OpTy>
static LogicalResult evaluateFloatCast(OpTy op, Interpreter &interpreter) {
  return setNumber(op, interpreter, interpreter.getNumber(op.getIn()));
}
static LogicalResult evaluateSignedToFloat(arith::SIToFPOp op, Interpreter &interpreter) {
  return setNumber(op, interpreter,
                   static_cast<double>(
                       signedBits(op.getIn().getType(), interpreter.getInteger(op.getIn()))));
}
static LogicalResult evaluateUnsignedToFloat(arith::UIToFPOp op, Interpreter &interpreter) {
  return setNumber(op, interpreter,
                   static_cast<double>(
                       unsignedBits(op.getIn().getType(), interpreter.getInteger(op.getIn()))));
}

/// Conversions to integers are undefined outside the range: an error here, so that a lowering that
/// relies on it shows.
template <typename OpTy>
static LogicalResult evaluateFloatToInteger(OpTy op, Interpreter &interpreter) {
  bool isSigned = std::is_same_v<OpTy, arith::FPToSIOp>;
  unsigned bits = integerBits(op.getType());
  double value = std::trunc(interpreter.getNumber(op.getIn()));
  double low = isSigned ? -std::ldexp(1, bits - 1) : 0;
  double high = std::ldexp(1, isSigned ? bits - 1 : bits);
  if (!(value >= low && value < high))
    return refuse(op, ErrorCode::Attribute)
           << "converts a value outside the range of " << op.getType()
           << ", which is undefined; clamp it first";
  return setInteger(op, interpreter,
                    isSigned ? static_cast<int64_t>(value)
                             : static_cast<int64_t>(static_cast<uint64_t>(value)));
}

static LogicalResult evaluateBitcast(arith::BitcastOp op, Interpreter &interpreter) {
  std::optional<ElementKind> from = elementKindOf(op.getIn().getType());
  std::optional<ElementKind> to = elementKindOf(op.getType());
  if (!from || !to || bytesOf(*from) != bytesOf(*to))
    return refuse(op, ErrorCode::UnsupportedType) << "to " << op.getType() << " is not supported";
  Tensor source(*from, {}), dest(*to, {});
  if (source.isFloat())
    source.setFloat(0, interpreter.getNumber(op.getIn()));
  else
    source.setInt(0, interpreter.getInteger(op.getIn()));
  llvm::copy(source.getBytes(), dest.getBytes().begin());
  return dest.isFloat() ? setNumber(op, interpreter, dest.getFloat(0))
                        : setInteger(op, interpreter, dest.getInt(0));
}

static LogicalResult evaluateFma(math::FmaOp op, Interpreter &interpreter) {
  double a = interpreter.getNumber(op.getA()), b = interpreter.getNumber(op.getB()),
         c = interpreter.getNumber(op.getC());
  if (op.getType().isF32())
    return setNumber(op, interpreter,
                     std::fma(static_cast<float>(a), static_cast<float>(b), static_cast<float>(c)));
  return setNumber(op, interpreter, std::fma(a, b, c));
}

static LogicalResult evaluatePower(math::PowFOp op, Interpreter &interpreter) {
  return setNumber(op, interpreter, std::pow(interpreter.getNumber(op.getLhs()),
                                             interpreter.getNumber(op.getRhs())));
}
static LogicalResult evaluateIntegerPower(math::FPowIOp op, Interpreter &interpreter) {
  return setNumber(op, interpreter,
                   std::pow(interpreter.getNumber(op.getLhs()),
                            static_cast<double>(interpreter.getInteger(op.getRhs()))));
}
static LogicalResult evaluateAbs(math::AbsIOp op, Interpreter &interpreter) {
  int64_t value = interpreter.getInteger(op.getOperand());
  return setInteger(op, interpreter, value < 0 ? -static_cast<uint64_t>(value) : value);
}
static LogicalResult evaluateIsNan(math::IsNaNOp op, Interpreter &interpreter) {
  return setInteger(op, interpreter, std::isnan(interpreter.getNumber(op.getOperand())));
}
static LogicalResult evaluateIsInf(math::IsInfOp op, Interpreter &interpreter) {
  return setInteger(op, interpreter, std::isinf(interpreter.getNumber(op.getOperand())));
}

/// The results of an affine map on dims then symbols, in operand order.
static FailureOr<SmallVector<int64_t>> applyMap(Operation *op, AffineMap map,
                                                Interpreter &interpreter) {
  Builder builder(op->getContext());
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands())
    operands.push_back(builder.getIndexAttr(interpreter.getInteger(operand)));
  SmallVector<Attribute> folded;
  if (failed(map.constantFold(operands, folded)))
    return refuse(op, ErrorCode::Attribute) << "divides by zero";
  SmallVector<int64_t> values;
  for (Attribute value : folded)
    values.push_back(cast<IntegerAttr>(value).getInt());
  return values;
}

static LogicalResult evaluateAffineApply(affine::AffineApplyOp op, Interpreter &interpreter) {
  auto values = applyMap(op, op.getAffineMap(), interpreter);
  return failed(values) ? failure() : setInteger(op, interpreter, values->front());
}
static LogicalResult evaluateAffineMin(affine::AffineMinOp op, Interpreter &interpreter) {
  auto values = applyMap(op, op.getMap(), interpreter);
  return failed(values) ? failure() : setInteger(op, interpreter, *llvm::min_element(*values));
}
static LogicalResult evaluateAffineMax(affine::AffineMaxOp op, Interpreter &interpreter) {
  auto values = applyMap(op, op.getMap(), interpreter);
  return failed(values) ? failure() : setInteger(op, interpreter, *llvm::max_element(*values));
}

/// Upstream's ops also take tensors, element by element; what stands here takes scalars.
template <typename OpTy, LogicalResult (*function)(OpTy, Interpreter &)>
static LogicalResult onScalars(OpTy op, Interpreter &interpreter) {
  Type type = op->getResult(0).getType();
  // A choice between tensors by one condition is no computation on them.
  if (isa<arith::SelectOp>(op.getOperation()))
    type = op->getOperand(0).getType();
  if (isa<ShapedType>(type))
    return refuse(op, ErrorCode::UnsupportedType)
           << "works on " << type << ", but the evaluator knows it on scalars alone; use an op of lutra";
  return function(op, interpreter);
}

template <typename OpTy, LogicalResult (*function)(OpTy, Interpreter &)>
static void addScalar(HandlerTable &table) {
  table.add<OpTy, onScalars<OpTy, function>>();
}

static void addArithHandlers(HandlerTable &table) {
  table.add<arith::ConstantOp, evaluateConstant>();
  addScalar<arith::AddIOp, evaluateInteger2<arith::AddIOp, plus>>(table);
  addScalar<arith::SubIOp, evaluateInteger2<arith::SubIOp, minus>>(table);
  addScalar<arith::MulIOp, evaluateInteger2<arith::MulIOp, times>>(table);
  addScalar<arith::DivSIOp, evaluateInteger2<arith::DivSIOp, divideSigned>>(table);
  addScalar<arith::DivUIOp, evaluateInteger2<arith::DivUIOp, divideUnsigned>>(table);
  addScalar<arith::FloorDivSIOp, evaluateInteger2<arith::FloorDivSIOp, divideFloor>>(table);
  addScalar<arith::CeilDivSIOp, evaluateInteger2<arith::CeilDivSIOp, divideCeil>>(table);
  addScalar<arith::CeilDivUIOp, evaluateInteger2<arith::CeilDivUIOp, divideCeilUnsigned>>(table);
  addScalar<arith::RemSIOp, evaluateInteger2<arith::RemSIOp, remainderSigned>>(table);
  addScalar<arith::RemUIOp, evaluateInteger2<arith::RemUIOp, remainderUnsigned>>(table);
  addScalar<arith::AndIOp, evaluateInteger2<arith::AndIOp, bitAnd>>(table);
  addScalar<arith::OrIOp, evaluateInteger2<arith::OrIOp, bitOr>>(table);
  addScalar<arith::XOrIOp, evaluateInteger2<arith::XOrIOp, bitXor>>(table);
  addScalar<arith::MaxSIOp, evaluateInteger2<arith::MaxSIOp, maxSigned>>(table);
  addScalar<arith::MinSIOp, evaluateInteger2<arith::MinSIOp, minSigned>>(table);
  addScalar<arith::MaxUIOp, evaluateInteger2<arith::MaxUIOp, maxUnsigned>>(table);
  addScalar<arith::MinUIOp, evaluateInteger2<arith::MinUIOp, minUnsigned>>(table);
  addScalar<arith::ShLIOp, evaluateInteger2<arith::ShLIOp, shiftLeft>>(table);
  addScalar<arith::ShRUIOp, evaluateInteger2<arith::ShRUIOp, shiftRightUnsigned>>(table);
  addScalar<arith::ShRSIOp, evaluateInteger2<arith::ShRSIOp, shiftRightSigned>>(table);
  addScalar<arith::AddFOp, evaluateNumber2<arith::AddFOp, addNumbers>>(table);
  addScalar<arith::SubFOp, evaluateNumber2<arith::SubFOp, subtractNumbers>>(table);
  addScalar<arith::MulFOp, evaluateNumber2<arith::MulFOp, multiplyNumbers>>(table);
  addScalar<arith::DivFOp, evaluateNumber2<arith::DivFOp, divideNumbers>>(table);
  addScalar<arith::RemFOp, evaluateNumber2<arith::RemFOp, std::fmod>>(table);
  addScalar<arith::NegFOp, evaluateNumber1<arith::NegFOp, negate>>(table);
  addScalar<arith::MaximumFOp, evaluateNumber2<arith::MaximumFOp, maximum>>(table);
  addScalar<arith::MinimumFOp, evaluateNumber2<arith::MinimumFOp, minimum>>(table);
  addScalar<arith::MaxNumFOp, evaluateNumber2<arith::MaxNumFOp, maxNumber>>(table);
  addScalar<arith::MinNumFOp, evaluateNumber2<arith::MinNumFOp, minNumber>>(table);
  addScalar<arith::CmpIOp, evaluateCompareIntegers>(table);
  addScalar<arith::CmpFOp, evaluateCompareNumbers>(table);
  addScalar<arith::SelectOp, evaluateSelect>(table);
  addScalar<arith::ExtSIOp, evaluateSigned<arith::ExtSIOp>>(table);
  addScalar<arith::ExtUIOp, evaluateUnsigned<arith::ExtUIOp>>(table);
  addScalar<arith::TruncIOp, evaluateSigned<arith::TruncIOp>>(table);
  addScalar<arith::IndexCastOp, evaluateSigned<arith::IndexCastOp>>(table);
  addScalar<arith::IndexCastUIOp, evaluateUnsigned<arith::IndexCastUIOp>>(table);
  addScalar<arith::ExtFOp, evaluateFloatCast<arith::ExtFOp>>(table);
  addScalar<arith::TruncFOp, evaluateFloatCast<arith::TruncFOp>>(table);
  addScalar<arith::SIToFPOp, evaluateSignedToFloat>(table);
  addScalar<arith::UIToFPOp, evaluateUnsignedToFloat>(table);
  addScalar<arith::FPToSIOp, evaluateFloatToInteger<arith::FPToSIOp>>(table);
  addScalar<arith::FPToUIOp, evaluateFloatToInteger<arith::FPToUIOp>>(table);
  addScalar<arith::BitcastOp, evaluateBitcast>(table);
}

static void addMathHandlers(HandlerTable &table) {
  addScalar<math::AbsFOp, evaluateNumber1<math::AbsFOp, std::fabs>>(table);
  addScalar<math::CeilOp, evaluateNumber1<math::CeilOp, std::ceil>>(table);
  addScalar<math::FloorOp, evaluateNumber1<math::FloorOp, std::floor>>(table);
  addScalar<math::TruncOp, evaluateNumber1<math::TruncOp, std::trunc>>(table);
  addScalar<math::RoundOp, evaluateNumber1<math::RoundOp, roundAway>>(table);
  addScalar<math::RoundEvenOp, evaluateNumber1<math::RoundEvenOp, roundEven>>(table);
  addScalar<math::ExpOp, evaluateNumber1<math::ExpOp, std::exp>>(table);
  addScalar<math::Exp2Op, evaluateNumber1<math::Exp2Op, std::exp2>>(table);
  addScalar<math::ExpM1Op, evaluateNumber1<math::ExpM1Op, std::expm1>>(table);
  addScalar<math::LogOp, evaluateNumber1<math::LogOp, std::log>>(table);
  addScalar<math::Log2Op, evaluateNumber1<math::Log2Op, std::log2>>(table);
  addScalar<math::Log10Op, evaluateNumber1<math::Log10Op, std::log10>>(table);
  addScalar<math::Log1pOp, evaluateNumber1<math::Log1pOp, std::log1p>>(table);
  addScalar<math::SqrtOp, evaluateNumber1<math::SqrtOp, std::sqrt>>(table);
  addScalar<math::RsqrtOp, evaluateNumber1<math::RsqrtOp, rsqrt>>(table);
  addScalar<math::CbrtOp, evaluateNumber1<math::CbrtOp, std::cbrt>>(table);
  addScalar<math::ErfOp, evaluateNumber1<math::ErfOp, std::erf>>(table);
  addScalar<math::ErfcOp, evaluateNumber1<math::ErfcOp, std::erfc>>(table);
  addScalar<math::SinOp, evaluateNumber1<math::SinOp, std::sin>>(table);
  addScalar<math::CosOp, evaluateNumber1<math::CosOp, std::cos>>(table);
  addScalar<math::TanOp, evaluateNumber1<math::TanOp, std::tan>>(table);
  addScalar<math::AsinOp, evaluateNumber1<math::AsinOp, std::asin>>(table);
  addScalar<math::AcosOp, evaluateNumber1<math::AcosOp, std::acos>>(table);
  addScalar<math::AtanOp, evaluateNumber1<math::AtanOp, std::atan>>(table);
  addScalar<math::SinhOp, evaluateNumber1<math::SinhOp, std::sinh>>(table);
  addScalar<math::CoshOp, evaluateNumber1<math::CoshOp, std::cosh>>(table);
  addScalar<math::TanhOp, evaluateNumber1<math::TanhOp, std::tanh>>(table);
  addScalar<math::AsinhOp, evaluateNumber1<math::AsinhOp, std::asinh>>(table);
  addScalar<math::AcoshOp, evaluateNumber1<math::AcoshOp, std::acosh>>(table);
  addScalar<math::AtanhOp, evaluateNumber1<math::AtanhOp, std::atanh>>(table);
  addScalar<math::CopySignOp, evaluateNumber2<math::CopySignOp, std::copysign>>(table);
  addScalar<math::Atan2Op, evaluateNumber2<math::Atan2Op, std::atan2>>(table);
  addScalar<math::PowFOp, evaluatePower>(table);
  addScalar<math::FPowIOp, evaluateIntegerPower>(table);
  addScalar<math::FmaOp, evaluateFma>(table);
  addScalar<math::AbsIOp, evaluateAbs>(table);
  addScalar<math::IsNaNOp, evaluateIsNan>(table);
  addScalar<math::IsInfOp, evaluateIsInf>(table);
}

void lutra::addScalarHandlers(HandlerTable &table) {
  addArithHandlers(table);
  addMathHandlers(table);
  table.add<affine::AffineApplyOp, evaluateAffineApply>();
  table.add<affine::AffineMinOp, evaluateAffineMin>();
  table.add<affine::AffineMaxOp, evaluateAffineMax>();
}
