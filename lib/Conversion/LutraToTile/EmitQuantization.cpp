//===- EmitQuantization.cpp - codes and values in tiles ----------------------===//
#include "KernelEmitter.h"
#include "KnownScale.h"
#include "Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;

namespace lutra {

DenseElementsAttr findSplat(Value value) {
  DenseElementsAttr known;
  return matchPattern(value, m_Constant(&known)) && known.isSplat() ? known : DenseElementsAttr();
}

std::optional<KnownScale> KnownScale::of(QuantizeOp op) {
  auto code = dyn_cast<IntegerType>(getElementTypeOrSelf(op.getResult()));
  DenseElementsAttr scale = findSplat(op.getScale());
  if (!code || code.getWidth() > 16 || !scale || !scale.getElementType().isF32() ||
      !getElementTypeOrSelf(op.getInput()).isF32())
    return std::nullopt;
  float divisor = scale.getSplatValue<float>();
  if (!(divisor >= 0x1p-60f && divisor <= 0x1p60f))
    return std::nullopt;
  KnownScale known{divisor, 1.0f / divisor, 0, 0, 0};
  if (op.getZeroPoint()) {
    DenseElementsAttr zero = findSplat(op.getZeroPoint());
    if (!zero)
      return std::nullopt;
    APInt bits = zero.getSplatValue<APInt>();
    known.zero = code.isUnsigned() ? bits.getZExtValue() : bits.getSExtValue();
  }
  int64_t count = int64_t(1) << code.getWidth();
  known.low = (code.isUnsigned() ? 0 : -count / 2) - known.zero;
  known.high = known.low + count - 1;
  return known;
}

/// x / divisor, rounded once. The product with the inverse is one correction away from a neighbour of the quotient, and
/// another from the nearest (Markstein), unless the remainder is subnormal, where the quotient is nearly 0. Where the
/// inverse is off by less than a quarter of a unit in the last place, the product is a neighbour already: its own
/// rounding adds half a unit, and the inverse's error less than half of one.
Value KnownScale::divide(OpBuilder &builder, Location loc, Value x) const {
  auto number = [&](float value) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(value));
  };
  double error = std::fabs(static_cast<double>(inverse) * divisor - 1);
  int steps = error == 0 ? 0 : error < 0x1p-25 ? 1 : 2;
  Value near = arith::MulFOp::create(builder, loc, x, number(inverse));
  for (int step = 0; step < steps; ++step) {
    Value remainder = math::FmaOp::create(builder, loc, near, number(-divisor), x);
    near = math::FmaOp::create(builder, loc, remainder, number(inverse), near);
  }
  return near;
}

/// What is added to round a float of less than 2^22 to an integer, half to even, in its lowest bits.
static constexpr float roundingShift = 0x1.8p23f;

/// Limits are applied to x, of which the quotient rounds to the same integer as the limit's own: then no code is out of
/// range. NaN counts as 0.
Value KnownScale::round(OpBuilder &builder, Location loc, Value x) const {
  auto number = [&](float value) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(value));
  };
  auto limit = [&](arith::CmpFPredicate isInside, int64_t integer) {
    Value bound = number(static_cast<float>(integer) * divisor);
    x = arith::SelectOp::create(builder, loc, arith::CmpFOp::create(builder, loc, isInside, x, bound), x, bound);
  };
  Value isNumber = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::ORD, x, x);
  limit(arith::CmpFPredicate::OGT, low);
  limit(arith::CmpFPredicate::OLT, high);
  x = arith::SelectOp::create(builder, loc, isNumber, x, number(0));
  return arith::AddFOp::create(builder, loc, divide(builder, loc, x), number(roundingShift));
}

Value KnownScale::roundQuotient(OpBuilder &builder, Location loc, Value quotient, bool mayBeNan) const {
  auto number = [&](float value) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(value));
  };
  auto limit = [&](arith::CmpFPredicate isInside, float bound) { // takes the bound for NaN
    Value keeps = arith::CmpFOp::create(builder, loc, isInside, quotient, number(bound));
    quotient = arith::SelectOp::create(builder, loc, keeps, quotient, number(bound));
  };
  if (mayBeNan)
    limit(arith::CmpFPredicate::OGT, 0);
  limit(arith::CmpFPredicate::OLT, static_cast<float>(high));
  return arith::AddFOp::create(builder, loc, quotient, number(roundingShift));
}

Value KnownScale::makeCode(OpBuilder &builder, Location loc, Value rounded, Type code) const {
  Value bits = arith::BitcastOp::create(builder, loc, builder.getI32Type(), rounded);
  Value integer = arith::TruncIOp::create(builder, loc, code, bits);
  if (zero == 0)
    return integer;
  APInt wrapped(code.getIntOrFloatBitWidth(), zero, /*isSigned=*/true, /*implicitTrunc=*/true);
  Value shift = arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(code, wrapped));
  return arith::AddIOp::create(builder, loc, integer, shift);
}

/// The quantization whose codes `op` reads with the same scale and zero point, all known.
static QuantizeOp findRounding(DequantizeOp op) {
  auto source = op.getInput().getDefiningOp<QuantizeOp>();
  auto isSame = [](Value a, Value b) { return a == b || (a && b && findSplat(a) && findSplat(a) == findSplat(b)); };
  if (!source || !isSame(source.getScale(), op.getScale()) || !isSame(source.getZeroPoint(), op.getZeroPoint()) ||
      !getElementTypeOrSelf(op.getResult()).isF32())
    return {};
  return source;
}

FailureOr<Value> KernelEmitter::emitQuantization(Operation *op, const TileWindow &window) {
  auto resultType = cast<RankedTensorType>(op->getResult(0).getType());
  auto quantize = dyn_cast<QuantizeOp>(op);
  auto dequantize = dyn_cast<DequantizeOp>(op);
  Value input = quantize ? quantize.getInput() : dequantize.getInput();
  Value scale = quantize ? quantize.getScale() : dequantize.getScale();
  Value zero = quantize ? quantize.getZeroPoint() : dequantize.getZeroPoint();
  int64_t axis = quantize ? quantize.getAxis() : dequantize.getAxis();
  int64_t block = quantize ? quantize.getBlock() : dequantize.getBlock();
  int64_t rank = resultType.getRank();
  // What rounds with known scales, at levels that have fused multiply-adds, computes no codes where only their values
  // are used.
  QuantizeOp rounding = quantize ? quantize : findRounding(dequantize);
  std::optional<KnownScale> known;
  if (rounding && target.getCodedProduct() && (quantize || !getBuffer(input)))
    known = KnownScale::of(rounding);
  if (known) {
    FailureOr<Value> tile = emitTile(rounding.getInput(), window);
    if (failed(tile))
      return failure();
    return map(*tile, getTileElement(resultType.getElementType()), [&](OpBuilder &b, ValueRange scalars) -> Value {
      Value rounded = known->round(b, loc, scalars[0]);
      if (quantize)
        return known->makeCode(b, loc, rounded, getTileElement(resultType.getElementType()));
      auto number = [&](float value) -> Value { return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value)); };
      Value integer = arith::SubFOp::create(b, loc, rounded, number(roundingShift));
      return arith::MulFOp::create(b, loc, integer, number(known->divisor));
    });
  }

  auto parameterWindow = [&](Value parameter) -> FailureOr<TileWindow> {
    int64_t parameterRank = cast<RankedTensorType>(parameter.getType()).getRank();
    TileWindow inner = window;
    if (parameterRank == 0) {
      inner.indices.clear();
      inner.dims.assign(inner.dims.size(), -1);
    } else if (parameterRank == 1 && rank != 1) {
      inner.indices = {window.indices[axis]};
      for (int64_t &dim : inner.dims)
        dim = dim == axis ? 0 : -1;
    } else if (block > 1) {
      inner.indices[axis] = div(window.indices[axis], constant(block));
      for (auto [d, dim] : llvm::enumerate(inner.dims)) {
        if (dim != axis)
          continue;
        // A tile inside one block sees one parameter.
        if (!window.aligned || window.steps[d] != 1 || block % window.shape[d])
          return failure();
        dim = -1;
      }
    }
    return inner;
  };
  SmallVector<Value> tiles;
  FailureOr<Value> value = emitTile(input, window);
  if (failed(value))
    return failure();
  tiles.push_back(*value);
  for (Value parameter : {scale, zero}) {
    if (!parameter)
      continue;
    FailureOr<TileWindow> inner = parameterWindow(parameter);
    if (failed(inner))
      return failure();
    FailureOr<Value> tile = emitTile(parameter, *inner);
    if (failed(tile))
      return failure();
    tiles.push_back(*tile);
  }
  Type resultElement = resultType.getElementType();
  Type inputElement = cast<RankedTensorType>(input.getType()).getElementType();
  return map(tiles, getTileElement(resultElement), [&](OpBuilder &b, ValueRange scalars) -> Value {
    ScalarBuilder scalar{b, op->getLoc()};
    Value s = scalar.toCompute(scalars[1]);
    Type real = s.getType();
    if (dequantize) {
      // Codes are narrow: their difference is exact in i32, or f32.
      Type code = inputElement;
      Value x = scalars[0];
      if (zero) {
        Type wide = isa<FloatType>(inputElement) ? real : b.getI32Type();
        x = scalar.binary(BinaryKind::Sub, scalar.cast(x, inputElement, wide),
                          scalar.cast(scalars[2], inputElement, wide), wide);
        code = wide;
      }
      Value product = arith::MulFOp::create(b, loc, scalar.cast(x, code, real), s);
      return scalar.fromCompute(product, resultElement);
    }
    Value x = scalar.toCompute(scalars[0]);
    if (x.getType() != real)
      x = scalar.cast(x, x.getType(), real);
    Value quotient = arith::DivFOp::create(b, loc, x, s);
    if (auto narrow = dyn_cast<FloatType>(resultElement)) { // whose zero point is 0
      double most = APFloat::getLargest(narrow.getFloatSemantics()).convertToDouble();
      return scalar.cast(scalar.limit(quotient, -most, most), real, resultElement);
    }
    if (zero) { // NaN counts as 0
      Value isNumber = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD, quotient, quotient);
      quotient = arith::SelectOp::create(b, loc, isNumber, quotient, scalar.number(real, 0));
    }
    Value code = math::RoundEvenOp::create(b, loc, quotient);
    if (zero)
      code = arith::AddFOp::create(b, loc, code, scalar.cast(scalars[2], resultElement, real));
    return scalar.saturate(code, resultElement);
  });
}

} // namespace lutra
