//===- CentredCodes.cpp - codes less a zero point ----------------------------===//
#include "lutra/Analysis/CentredCodes.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace lutra;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static bool isCode(Value value) {
  Type element = typeOf(value).getElementType();
  return isa<IntegerType>(element) && element.getIntOrFloatBitWidth() == 8;
}

/// What is widened to 16 bits, or `value` itself.
static Value narrow(Value value) {
  auto cast = value.getDefiningOp<CastOp>();
  return cast && isa<IntegerType>(typeOf(cast.getInput()).getElementType()) ? cast.getInput() : value;
}

static bool isOne(Value value) { return typeOf(value).hasStaticShape() && typeOf(value).getNumElements() == 1; }

/// The integer that a constant is over and over.
static std::optional<int64_t> findInteger(Value value) {
  DenseElementsAttr known;
  if (!matchPattern(value, m_Constant(&known)) || !known.isSplat())
    return std::nullopt;
  APInt bits = known.getSplatValue<APInt>();
  return known.getElementType().isUnsignedInteger() ? static_cast<int64_t>(bits.getZExtValue()) : bits.getSExtValue();
}

/// Whether `value` is one integer from -128 to 255, as its type before it was widened or as a constant says.
static bool isZeroPoint(Value value) {
  if (!isOne(value))
    return false;
  if (std::optional<int64_t> zero = findInteger(value))
    return *zero >= -128 && *zero <= 255;
  if (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getInput();
  return isCode(narrow(value));
}

std::optional<CentredCodes> CentredCodes::of(Value integers) {
  if (isCode(integers))
    return CentredCodes{integers, Value()};
  if (!typeOf(integers).getElementType().isSignlessInteger(16))
    return std::nullopt;
  auto difference = integers.getDefiningOp<BinaryOp>();
  if (!difference)
    return isCode(narrow(integers)) ? std::optional(CentredCodes{narrow(integers), Value()}) : std::nullopt;
  Value codes = narrow(difference.getLhs()), zero = difference.getRhs();
  if (difference.getKind() != BinaryKind::Sub || !isCode(codes) || !isZeroPoint(zero) ||
      typeOf(codes).getShape() != typeOf(integers).getShape())
    return std::nullopt;
  return CentredCodes{codes, zero};
}

Value lutra::findCodesOfFloats(MatmulOp op) {
  auto cast = op.getRhs().getDefiningOp<CastOp>();
  auto isF32 = [](Value value) { return typeOf(value).getElementType().isF32(); };
  if (!cast || !cast->hasOneUse() || op.getScale() || !isF32(op.getLhs()) || !isF32(op.getResult()) ||
      !typeOf(cast.getInput()).getElementType().isSignlessInteger(8))
    return {};
  return isa_and_present<WeightOp, ConstantOp>(cast.getInput().getDefiningOp()) ? Value() : cast.getInput();
}

std::optional<int64_t> CentredCodes::getKnownZero() const { return zero ? findInteger(zero) : 0; }

MatmulOp lutra::findCentredProduct(Operation *op) {
  Operation *last = op;
  auto isStep = [](Operation *step) { return isa<CastOp, BinaryOp>(step); };
  while (isStep(last) && last->hasOneUse() && isStep(*last->user_begin()))
    last = *last->user_begin();
  bool isZero = isStep(op) && isOne(op->getResult(0)); // which is one step before the last
  if (!isStep(last) || !last->hasOneUse() ||
      (!isZero && typeOf(op->getResult(0)).getShape() != typeOf(last->getResult(0)).getShape()))
    return {};
  auto matmul = dyn_cast<MatmulOp>(*last->user_begin());
  std::optional<CentredCodes> side = CentredCodes::of(last->getResult(0));
  if (!matmul || matmul.getRhs().getDefiningOp<WeightOp>() || !side || side->codes == last->getResult(0) ||
      !CentredCodes::of(matmul.getLhs()) || !CentredCodes::of(matmul.getRhs()))
    return {};
  return matmul;
}
