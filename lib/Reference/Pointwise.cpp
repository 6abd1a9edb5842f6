//===- Pointwise.cpp - one result element from one element of each operand ===//
#include "Interpreter.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace lutra;

static constexpr double infinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// unary
//===----------------------------------------------------------------------===//

/// Integer forms; nothing for kinds that exist on floats alone.
static std::optional<int64_t> integerUnary(UnaryKind kind, int64_t x, bool isUnsigned) {
  switch (kind) {
  case UnaryKind::Abs:
    return isUnsigned || x >= 0 ? x : static_cast<int64_t>(-static_cast<uint64_t>(x));
  case UnaryKind::Neg:
    return static_cast<int64_t>(-static_cast<uint64_t>(x));
  case UnaryKind::Sign:
    return isUnsigned ? x != 0 : (x > 0) - (x < 0);
  case UnaryKind::Relu:
    return isUnsigned ? x : std::max<int64_t>(x, 0);
  case UnaryKind::Not:
    return x == 0;
  case UnaryKind::BitwiseNot:
    return ~x;
  case UnaryKind::Ceil:
  case UnaryKind::Floor:
  case UnaryKind::Round:
    return x;
  case UnaryKind::IsNan:
  case UnaryKind::IsInf:
    return 0;
  default:
    return std::nullopt;
  }
}

static LogicalResult evaluateUnary(UnaryOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  auto result = interpreter.makeResult(op->getResult(0), input.shape);
  if (failed(result))
    return failure();
  Array &out = **result;
  UnaryKind kind = op.getKind();
  Precision precision = precisionOf(input.elementType);
  for (int64_t i = 0, e = out.count(); i < e; ++i) {
    double error = 0;
    if (input.isFloat()) {
      Bounded y = interpreter.hasBounds() ? unary(kind, input.at(i), precision)
                                          : Bounded{unaryValue(kind, input.floats[i]), 0};
      if (out.isFloat())
        out.floats[i] = y.value;
      else
        out.integers[i] = y.value != 0;
      error = y.error;
    } else {
      std::optional<int64_t> y =
          integerUnary(kind, input.integers[i], isUnsignedType(input.elementType));
      if (!y || out.isFloat())
        return refuse(op, ErrorCode::UnsupportedType)
               << "of kind " << stringifyUnaryKind(kind) << " is not defined on "
               << input.elementType;
      out.integers[i] = wrapToType(out.elementType, *y);
      error = input.errorAt(i) != 0 ? infinity : 0;
    }
    if (interpreter.hasBounds())
      out.errors[i] = error;
  }
  return interpreter.setArray(op->getResult(0), *result);
}

//===----------------------------------------------------------------------===//
// binary
//===----------------------------------------------------------------------===//

/// x to the power n in wrapping arithmetic; a negative n gives the truncated reciprocal.
static int64_t integerPower(int64_t x, int64_t n, bool isUnsigned) {
  if (!isUnsigned && n < 0) {
    if (x == 1 || x == -1)
      return x == 1 || n % 2 == 0 ? 1 : -1;
    return 0;
  }
  uint64_t result = 1, base = x, exponent = n;
  for (; exponent; exponent >>= 1, base *= base)
    if (exponent & 1)
      result *= base;
  return result;
}

/// The integer forms in 64 bits, wrapped by the caller. Nothing on a division by zero.
static std::optional<int64_t> integerBinary(BinaryKind kind, int64_t a, int64_t b, Type type) {
  bool isUnsigned = isUnsignedType(type);
  uint64_t ua = a, ub = b;
  unsigned bits = integerBits(type);
  switch (kind) {
  case BinaryKind::Add:
    return ua + ub;
  case BinaryKind::Sub:
    return ua - ub;
  case BinaryKind::Mul:
    return ua * ub;
  case BinaryKind::Div:
  case BinaryKind::Mod:
  case BinaryKind::Rem: {
    if (b == 0)
      return std::nullopt;
    if (isUnsigned)
      return kind == BinaryKind::Div ? ua / ub : ua % ub;
    if (b == -1) // the quotient of the least number wraps
      return kind == BinaryKind::Div ? static_cast<int64_t>(-ua) : 0;
    if (kind == BinaryKind::Div)
      return a / b;
    int64_t r = a % b;
    return kind == BinaryKind::Mod && r != 0 && (r < 0) != (b < 0) ? r + b : r;
  }
  case BinaryKind::Pow:
    return integerPower(a, b, isUnsigned);
  case BinaryKind::Max:
    return isUnsigned ? static_cast<int64_t>(std::max(ua, ub)) : std::max(a, b);
  case BinaryKind::Min:
    return isUnsigned ? static_cast<int64_t>(std::min(ua, ub)) : std::min(a, b);
  case BinaryKind::And:
    return a & b;
  case BinaryKind::Or:
    return a | b;
  case BinaryKind::Xor:
    return a ^ b;
  case BinaryKind::ShiftLeft:
  case BinaryKind::ShiftRight: {
    if (ub >= bits)
      return 0;
    uint64_t low = bits == 64 ? ua : ua & ((uint64_t(1) << bits) - 1);
    return kind == BinaryKind::ShiftLeft ? low << ub : low >> ub;
  }
  }
  return std::nullopt;
}

/// Operand strides at the result's positions, or a diagnostic.
static FailureOr<SmallVector<SmallVector<int64_t>>>
broadcast(Operation *op, Interpreter &interpreter, ArrayRef<int64_t> shape) {
  SmallVector<SmallVector<int64_t>> all;
  for (Value operand : op->getOperands()) {
    const Array &array = interpreter.getArray(operand);
    std::optional<SmallVector<int64_t>> strides = broadcastStrides(array.shape, shape);
    if (!strides)
      return refuse(op, ErrorCode::GraphType)
             << "cannot broadcast an operand of shape [" << ArrayRef(array.shape) << "] to ["
             << shape << "]";
    all.push_back(*strides);
  }
  return all;
}

/// NumPy's result shape of the operands.
static FailureOr<SmallVector<int64_t>> broadcastShape(Operation *op, Interpreter &interpreter) {
  SmallVector<int64_t> shape;
  for (Value operand : op->getOperands()) {
    ArrayRef<int64_t> own = interpreter.getArray(operand).shape;
    while (shape.size() < own.size())
      shape.insert(shape.begin(), 1);
    for (size_t i = 0; i < own.size(); ++i) {
      int64_t &size = shape[shape.size() - own.size() + i];
      if (size != own[i] && size != 1 && own[i] != 1)
        return refuse(op, ErrorCode::GraphType)
               << "cannot broadcast sizes " << size << " and " << own[i] << " to one";
      if (size == 1)
        size = own[i];
    }
  }
  return shape;
}

static LogicalResult evaluateBinary(BinaryOp op, Interpreter &interpreter) {
  const Array &lhs = interpreter.getArray(op.getLhs()), &rhs = interpreter.getArray(op.getRhs());
  auto shape = broadcastShape(op, interpreter);
  if (failed(shape))
    return failure();
  auto strides = broadcast(op, interpreter, *shape);
  auto result = interpreter.makeResult(op->getResult(0), *shape);
  if (failed(strides) || failed(result))
    return failure();
  Array &out = **result;
  if (lhs.isFloat() != rhs.isFloat() || lhs.isFloat() != out.isFloat())
    return refuse(op, ErrorCode::GraphType) << "mixes float and integer operands";
  if (out.isFloat() && op.getKind() >= BinaryKind::And)
    return refuse(op, ErrorCode::UnsupportedType)
           << "of kind " << stringifyBinaryKind(op.getKind()) << " is not defined on floats";
  BinaryKind kind = op.getKind();
  Precision precision = precisionOf(out.elementType);
  int64_t undefinedAt = -1;
  forEachPosition(*shape, [&](ArrayRef<int64_t> index, int64_t i) {
    int64_t a = offsetOf(index, (*strides)[0]), b = offsetOf(index, (*strides)[1]);
    if (out.isFloat()) {
      if (!interpreter.hasBounds()) {
        out.floats[i] = binaryValue(kind, lhs.floats[a], rhs.floats[b]);
        return;
      }
      Bounded y = binary(kind, lhs.at(a), rhs.at(b), precision);
      out.floats[i] = y.value;
      out.errors[i] = y.error;
      return;
    }
    std::optional<int64_t> y =
        integerBinary(kind, lhs.integers[a], rhs.integers[b], out.elementType);
    if (!y)
      undefinedAt = i;
    out.integers[i] = wrapToType(out.elementType, y.value_or(0));
    if (interpreter.hasBounds() && (lhs.errorAt(a) != 0 || rhs.errorAt(b) != 0))
      out.errors[i] = infinity;
  });
  if (undefinedAt >= 0)
    return refuse(op, ErrorCode::Attribute)
           << "divides integers by zero at result element " << undefinedAt;
  return interpreter.setArray(op->getResult(0), *result);
}

//===----------------------------------------------------------------------===//
// compare, select
//===----------------------------------------------------------------------===//

static LogicalResult evaluateCompare(CompareOp op, Interpreter &interpreter) {
  const Array &lhs = interpreter.getArray(op.getLhs()), &rhs = interpreter.getArray(op.getRhs());
  auto shape = broadcastShape(op, interpreter);
  if (failed(shape))
    return failure();
  auto strides = broadcast(op, interpreter, *shape);
  auto result = interpreter.makeResult(op->getResult(0), *shape);
  if (failed(strides) || failed(result))
    return failure();
  Array &out = **result;
  if (lhs.isFloat() != rhs.isFloat())
    return refuse(op, ErrorCode::GraphType) << "mixes float and integer operands";
  CompareKind kind = op.getKind();
  forEachPosition(*shape, [&](ArrayRef<int64_t> index, int64_t i) {
    int64_t a = offsetOf(index, (*strides)[0]), b = offsetOf(index, (*strides)[1]);
    if (lhs.isFloat())
      out.integers[i] = compareValue(kind, lhs.floats[a], rhs.floats[b]);
    else if (isUnsignedType(lhs.elementType))
      out.integers[i] = compareValue<uint64_t>(kind, lhs.integers[a], rhs.integers[b]);
    else
      out.integers[i] = compareValue(kind, lhs.integers[a], rhs.integers[b]);
    if (!interpreter.hasBounds())
      return;
    // The order is known when the distance exceeds what both may be off.
    double error = lhs.errorAt(a) + rhs.errorAt(b);
    if (error > 0 && !(std::fabs(lhs.asFloat(a) - rhs.asFloat(b)) > error))
      out.errors[i] = infinity;
  });
  return interpreter.setArray(op->getResult(0), *result);
}

static LogicalResult evaluateSelect(SelectOp op, Interpreter &interpreter) {
  const Array &condition = interpreter.getArray(op.getCondition());
  const Array &lhs = interpreter.getArray(op.getLhs()), &rhs = interpreter.getArray(op.getRhs());
  auto shape = broadcastShape(op, interpreter);
  if (failed(shape))
    return failure();
  auto strides = broadcast(op, interpreter, *shape);
  auto result = interpreter.makeResult(op->getResult(0), *shape);
  if (failed(strides) || failed(result))
    return failure();
  Array &out = **result;
  if (lhs.isFloat() != out.isFloat() || rhs.isFloat() != out.isFloat())
    return refuse(op, ErrorCode::GraphType) << "mixes float and integer operands";
  forEachPosition(*shape, [&](ArrayRef<int64_t> index, int64_t i) {
    int64_t c = offsetOf(index, (*strides)[0]);
    int64_t a = offsetOf(index, (*strides)[1]), b = offsetOf(index, (*strides)[2]);
    bool first = condition.integers[c] != 0;
    copyElement(first ? lhs : rhs, first ? a : b, out, i);
    if (!interpreter.hasBounds() || condition.errorAt(c) == 0)
      return;
    // Either side may be taken.
    double distance = std::fabs(lhs.asFloat(a) - rhs.asFloat(b));
    if (lhs.asFloat(a) == rhs.asFloat(b))
      distance = 0;
    double error = distance + std::max(lhs.errorAt(a), rhs.errorAt(b));
    out.errors[i] = std::isnan(error) ? infinity : error;
  });
  return interpreter.setArray(op->getResult(0), *result);
}

//===----------------------------------------------------------------------===//
// cast
//===----------------------------------------------------------------------===//

/// Towards zero, saturating; NaN gives 0.
static int64_t floatToInteger(double value, Type type) {
  if (std::isnan(value))
    return 0;
  unsigned bits = integerBits(type);
  double whole = std::trunc(value);
  if (isUnsignedType(type)) {
    if (whole <= 0)
      return 0;
    if (whole >= std::ldexp(1, bits))
      return static_cast<int64_t>(bits == 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1);
    return static_cast<int64_t>(static_cast<uint64_t>(whole));
  }
  if (whole >= std::ldexp(1, bits - 1))
    return llvm::maxIntN(bits);
  if (whole < -std::ldexp(1, bits - 1))
    return llvm::minIntN(bits);
  return static_cast<int64_t>(whole);
}

static bool isTruth(Type type) { return type.isInteger(1); }

static LogicalResult evaluateCast(CastOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  auto result = interpreter.makeResult(op->getResult(0), input.shape);
  if (failed(result))
    return failure();
  Array &out = **result;
  Type to = out.elementType;
  Precision precision = precisionOf(to);
  for (int64_t i = 0, e = out.count(); i < e; ++i) {
    double error = input.errorAt(i);
    if (out.isFloat()) {
      double value = input.asFloat(i);
      // Rounding happens only when the value does not fit the format.
      bool exact = error == 0 && (roundToType(to, value) == value || std::isnan(value));
      Bounded y = exact ? Bounded{value, 0} : rounded(value, error, precision);
      out.floats[i] = y.value;
      error = y.error;
    } else if (!input.isFloat()) {
      out.integers[i] = isTruth(to) ? input.integers[i] != 0 : wrapToType(to, input.integers[i]);
    } else if (isTruth(to)) {
      out.integers[i] = input.floats[i] != 0;
      error = error > 0 && std::fabs(input.floats[i]) <= error ? infinity : 0;
    } else {
      auto convert = [&](double v) { return static_cast<double>(floatToInteger(v, to)); };
      out.integers[i] = floatToInteger(input.floats[i], to);
      error = monotoneSpread(convert, input.at(i), convert(input.floats[i]));
    }
    if (interpreter.hasBounds())
      out.errors[i] = error;
  }
  return interpreter.setArray(op->getResult(0), *result);
}

void lutra::addPointwiseHandlers(HandlerTable &table) {
  table.add<UnaryOp, evaluateUnary>();
  table.add<BinaryOp, evaluateBinary>();
  table.add<CompareOp, evaluateCompare>();
  table.add<SelectOp, evaluateSelect>();
  table.add<CastOp, evaluateCast>();
}
