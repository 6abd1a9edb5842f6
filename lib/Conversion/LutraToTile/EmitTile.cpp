//===- EmitTile.cpp - from a wanted window to tile ops ------------------------===//
// The walk towards the arguments. Its depth is the length of a group's longest chain, which
// lutra-form-kernels limits.
#include "KernelEmitter.h"
#include "Scalars.h"

#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/UB/IR/UBOps.h"

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
      .Case<UnaryOp, BinaryOp, CompareOp, SelectOp, CastOp, RequantizeOp>(
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
    bool isCast = isa<CastOp, RequantizeOp>(op);
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
    else if (auto requantize = dyn_cast<RequantizeOp>(op))
      out = scalar.requantize(in, types[0], requantize.getShift(), resultElement);
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

} // namespace lutra
