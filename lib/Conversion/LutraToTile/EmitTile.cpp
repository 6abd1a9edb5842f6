//===- EmitTile.cpp - from a wanted window to tile ops ------------------------===//
// The walk towards the arguments. Its depth is the length of a group's longest chain, which
// lutra-form-kernels limits.
#include "KernelEmitter.h"
#include "Scalars.h"

#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/Matchers.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace lutra {

/// Repeated dimensions become size 1: one form for each set of elements.
static TileWindow normalize(KernelEmitter &emitter, TileWindow window) {
  bool bounded = false;
  for (size_t d = 0; d < window.shape.size(); ++d) {
    if (window.dims[d] == -1 || window.shape[d] == 1) {
      window.shape[d] = 1;
      window.dims[d] = -1;
      window.steps[d] = 1;
      if (!window.bounds.empty())
        window.bounds[d] = emitter.constant(1);
    }
    bounded |= window.shape[d] != 1;
  }
  if (!bounded)
    window.bounds.clear();
  return window;
}

/// The part of `window` (over `result`) that a broadcast operand of type `operand` contributes.
static TileWindow alignOperand(KernelEmitter &emitter, const TileWindow &window,
                               RankedTensorType operand, RankedTensorType result) {
  TileWindow aligned = window;
  int64_t lead = result.getRank() - operand.getRank();
  aligned.indices.assign(window.indices.begin() + lead, window.indices.end());
  for (int64_t dim = 0; dim < operand.getRank(); ++dim)
    if (operand.getDimSize(dim) == 1 && result.getDimSize(dim + lead) != 1)
      aligned.indices[dim] = emitter.constant(0);
  for (int64_t &dim : aligned.dims) {
    if (dim == -1)
      continue;
    dim -= lead;
    if (dim < 0 || (operand.getDimSize(dim) == 1 && result.getDimSize(dim + lead) != 1))
      dim = -1;
  }
  return aligned;
}

void KernelEmitter::bind(Value tensor, const TileWindow &window, Value tile) {
  cache.push_back({tensor, normalize(*this, window), tile});
}

FailureOr<Value> KernelEmitter::emitTile(Value tensor, const TileWindow &asked) {
  TileWindow window = normalize(*this, asked);
  for (const Entry &entry : llvm::reverse(cache))
    if (entry.tensor == tensor && entry.window == window)
      return entry.tile;
  Value tile;
  auto constantOp = tensor.getDefiningOp<ConstantOp>();
  auto splat = constantOp ? dyn_cast<DenseElementsAttr>(constantOp.getValue()) : nullptr;
  if (splat && splat.isSplat() && !splat.empty()) {
    Type element = getTileElement(splat.getElementType());
    SmallVector<int64_t> ones(window.shape.size(), 1);
    TypedAttr value;
    if (auto real = dyn_cast<FloatType>(element)) {
      value = FloatAttr::get(real, splat.getSplatValue<APFloat>());
    } else {
      APInt bits = splat.getSplatValue<APInt>();
      unsigned width = element.getIntOrFloatBitWidth();
      value = IntegerAttr::get(element, isUnsignedElement(splat.getElementType()) ? bits.zextOrTrunc(width)
                                                                                   : bits.sextOrTrunc(width));
    }
    tile = fill(value, ones);
  } else if (Value buffer = getBuffer(tensor)) {
    tile = loadTile(buffer, window, cast<RankedTensorType>(tensor.getType()).getElementType());
  } else {
    FailureOr<Value> made = emitOp(tensor, window);
    if (failed(made))
      return failure();
    tile = *made;
  }
  cache.push_back({tensor, window, tile});
  return tile;
}

FailureOr<Value> KernelEmitter::emitOp(Value tensor, const TileWindow &window) {
  Operation *op = tensor.getDefiningOp();
  return TypeSwitch<Operation *, FailureOr<Value>>(op)
      .Case<UnaryOp, BinaryOp, CompareOp, SelectOp, CastOp>(
          [&](auto) { return emitPointwise(op, window); })
      .Case<QuantizeOp, DequantizeOp>([&](auto) { return emitQuantization(op, window); })
      .Case<ReshapeOp>([&](ReshapeOp reshape) { return emitReshape(reshape, window); })
      .Case<ExpandOp>([&](ExpandOp expand) { return emitExpand(expand, window); })
      .Case<SliceOp>([&](SliceOp slice) { return emitSlice(slice, window); })
      .Case<ConcatOp>([&](ConcatOp concat) { return emitConcat(concat, window); })
      .Case<PadOp>([&](PadOp pad) { return emitPad(pad, window); })
      .Case<GatherOp>([&](GatherOp gather) { return emitGather(gather, window); })
      .Case<GatherElementsOp>([&](GatherElementsOp gather) { return emitGatherElements(gather, window); })
      .Case<GatherNdOp>([&](GatherNdOp gather) { return emitGatherNd(gather, window); })
      .Case<IotaOp>([&](IotaOp iota) { return emitIota(iota, window); })
      .Case<TransposeOp>([&](TransposeOp transpose) {
        TileWindow inner = window;
        for (auto [dim, source] : llvm::enumerate(transpose.getPermutation()))
          inner.indices[source] = window.indices[dim];
        for (int64_t &dim : inner.dims)
          dim = dim == -1 ? -1 : transpose.getPermutation()[dim];
        return emitTile(transpose.getInput(), inner);
      })
      .Case<FromIndexOp>([&](FromIndexOp fromIndex) -> FailureOr<Value> {
        SmallVector<int64_t> ones(window.shape.size(), 1);
        Type element = cast<RankedTensorType>(fromIndex.getType()).getElementType();
        return fill(arith::IndexCastOp::create(builder, loc, element, getIndex(fromIndex.getValue())), ones);
      })
      .Default([&](Operation *other) -> FailureOr<Value> {
        error(other->getLoc(), ErrorCode::UnsupportedOp)
            << "'" << other->getName() << "' cannot be computed tile by tile inside kernel @"
            << kernel.getName() << "; give it a kernel of its own";
        return failure();
      });
}

FailureOr<Value> KernelEmitter::emitPointwise(Operation *op, const TileWindow &window) {
  auto resultType = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<Value> tiles;
  SmallVector<Type> types;
  for (Value operand : op->getOperands()) {
    auto type = cast<RankedTensorType>(operand.getType());
    FailureOr<Value> tile = emitTile(operand, alignOperand(*this, window, type, resultType));
    if (failed(tile))
      return failure();
    tiles.push_back(*tile);
    types.push_back(type.getElementType());
  }
  Type resultElement = resultType.getElementType();
  // A constant exponent is worth seeing: pow(x, 2) is a product.
  std::optional<FloatAttr> exponent;
  if (auto binary = dyn_cast<BinaryOp>(op); binary && binary.getKind() == BinaryKind::Pow)
    if (auto power = binary.getRhs().getDefiningOp<ConstantOp>())
      if (auto dense = dyn_cast<DenseFPElementsAttr>(power.getValue()); dense && dense.isSplat()) {
        Type compute = getComputeType(types[0]);
        exponent = FloatAttr::get(compute, dense.getSplatValue<FloatAttr>().getValueAsDouble());
        tiles.pop_back();
      }
  bool known = true;
  Value result = map(tiles, getTileElement(resultElement), [&](OpBuilder &b, ValueRange scalars) -> Value {
    ScalarBuilder scalar{b, op->getLoc()};
    SmallVector<Value> in;
    bool isCast = isa<CastOp>(op);
    for (Value value : scalars)
      in.push_back(isCast ? value : scalar.toCompute(value));
    if (exponent)
      in.push_back(arith::ConstantOp::create(b, op->getLoc(), *exponent));
    Value out;
    if (auto unary = dyn_cast<UnaryOp>(op))
      out = scalar.unary(unary.getKind(), in[0], types[0]);
    else if (auto binary = dyn_cast<BinaryOp>(op))
      out = scalar.binary(binary.getKind(), in[0], in[1], types[0]);
    else if (auto compare = dyn_cast<CompareOp>(op))
      out = scalar.compare(compare.getKind(), in[0], in[1], types[0]);
    else if (isa<SelectOp>(op))
      out = arith::SelectOp::create(b, op->getLoc(), in[0], in[1], in[2]);
    else
      out = scalar.cast(in[0], types[0], resultElement);
    if (!out) {
      known = false;
      return ub::PoisonOp::create(b, op->getLoc(), getTileElement(resultElement));
    }
    return isa<FloatType>(out.getType()) ? scalar.fromCompute(out, resultElement) : out;
  });
  if (!known) {
    error(op->getLoc(), ErrorCode::UnsupportedType)
        << "'" << op->getName() << "' of this kind has no meaning on elements of type " << types[0];
    return failure();
  }
  return result;
}

namespace {
/// A divisor and what is nearest to its inverse.
struct Reciprocal {
  float divisor, inverse;
};
} // namespace

/// Of a constant scale of f32, where the steps of divideByConstant are as exact as a division.
static std::optional<Reciprocal> findReciprocal(Value scale) {
  DenseElementsAttr known;
  if (!matchPattern(scale, m_Constant(&known)) || !known.isSplat() || !known.getElementType().isF32())
    return std::nullopt;
  float divisor = known.getSplatValue<float>();
  if (!(divisor >= 0x1p-60f && divisor <= 0x1p60f))
    return std::nullopt;
  return Reciprocal{divisor, 1.0f / divisor};
}

/// x / divisor, rounded once, where it matters to what rounds it to an integer of 16 bits. The product with the inverse
/// is one correction away from a neighbour of the quotient, and another from the nearest (Markstein), unless the
/// remainder is subnormal, where the quotient is nearly 0; past the limits codes are saturated.
static Value divideByConstant(OpBuilder &builder, Location loc, Value x, const Reciprocal &reciprocal) {
  auto number = [&](float value) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(value));
  };
  auto limit = [&](arith::CmpFPredicate isBeyond, float bound) { // NaN stays
    Value most = number(bound), beyond = arith::CmpFOp::create(builder, loc, isBeyond, x, most);
    x = arith::SelectOp::create(builder, loc, beyond, most, x);
  };
  const float most = 0x1p20f * reciprocal.divisor; // the remainder of a larger quotient may overflow
  limit(arith::CmpFPredicate::OGT, most);
  limit(arith::CmpFPredicate::OLT, -most);
  Value near = arith::MulFOp::create(builder, loc, x, number(reciprocal.inverse));
  for (int step = 0; step < 2; ++step) {
    Value remainder = math::FmaOp::create(builder, loc, near, number(-reciprocal.divisor), x);
    near = math::FmaOp::create(builder, loc, remainder, number(reciprocal.inverse), near);
  }
  return near;
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
  std::optional<Reciprocal> reciprocal;
  if (quantize && isa<IntegerType>(resultElement) && target.getCodedProduct()) // whose levels have fused multiply-adds
    reciprocal = findReciprocal(scale);
  return map(tiles, getTileElement(resultElement), [&](OpBuilder &b, ValueRange scalars) -> Value {
    ScalarBuilder scalar{b, op->getLoc()};
    Value s = scalar.toCompute(scalars[1]);
    Type real = s.getType();
    if (dequantize) {
      // Codes are narrow: their difference is exact in i32.
      Type code = inputElement;
      Value x = scalars[0];
      if (zero) {
        Type wide = b.getI32Type();
        x = arith::SubIOp::create(b, loc, scalar.cast(x, inputElement, wide),
                                  scalar.cast(scalars[2], inputElement, wide));
        code = wide;
      }
      Value product = arith::MulFOp::create(b, loc, scalar.cast(x, code, real), s);
      return scalar.fromCompute(product, resultElement);
    }
    Value x = scalar.toCompute(scalars[0]);
    if (x.getType() != real)
      x = scalar.cast(x, x.getType(), real);
    Value quotient = reciprocal ? divideByConstant(b, loc, x, *reciprocal)
                                : arith::DivFOp::create(b, loc, x, s).getResult();
    Value code = math::RoundEvenOp::create(b, loc, quotient);
    if (zero)
      code = arith::AddFOp::create(b, loc, code, scalar.cast(scalars[2], resultElement, real));
    return scalar.saturate(code, resultElement);
  });
}

} // namespace lutra
