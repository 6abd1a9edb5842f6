//===- ResizeKind.cpp - interpolation ------------------------------------------------------===//
// Each result element is a weighted sum of neighbours, the product over the dimensions that change
// of 1 (nearest), 2 (linear) or 4 (cubic) positions. Coordinates are computed in f64, once for each element;
// where the last dimension does not change, windows are tiles of it.
#include "GroupKinds.h"
#include "OutputWalk.h"
#include "Reductions.h"
#include "Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lutra;

namespace {
/// One position along a dimension and its share (f64; null is 1).
struct Neighbour {
  Value index, weight;
};

/// Scalar f64 arithmetic on positions.
struct Coordinates {
  KernelEmitter &emitter;
  ResizeOp op;
  Type real = emitter.builder.getF64Type();

  Value num(double value) { return arith::ConstantOp::create(b(), loc(), b().getF64FloatAttr(value)); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b(), loc(), x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b(), loc(), x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b(), loc(), x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b(), loc(), x, y); }
  Value floor(Value x) { return math::FloorOp::create(b(), loc(), x); }
  Value ceil(Value x) { return math::CeilOp::create(b(), loc(), x); }
  Value toReal(Value index) {
    return arith::SIToFPOp::create(b(), loc(), real, arith::IndexCastOp::create(b(), loc(), b().getI64Type(), index));
  }
  Value toIndex(Value x) {
    return arith::IndexCastOp::create(b(), loc(), b().getIndexType(),
                                      arith::FPToSIOp::create(b(), loc(), b().getI64Type(), x));
  }
  Value clamp(Value index, Value size) {
    return emitter.max(emitter.constant(0), emitter.min(index, emitter.sub(size, emitter.constant(1))));
  }

  Value source(Value output, int64_t dim) {
    Value o = toReal(output);
    Value scale = num(op.getScales()[dim]);
    Value half = sub(div(add(o, num(0.5)), scale), num(0.5));
    Value inSize = emitter.getSize(op.getInput(), dim), outSize = emitter.getSize(op.getResult(), dim);
    auto larger = [&] {
      return arith::CmpIOp::create(b(), loc(), arith::CmpIPredicate::sgt, outSize, emitter.constant(1));
    };
    switch (op.getCoordinates()) {
    case ResizeCoordinates::HalfPixel: return half;
    case ResizeCoordinates::PytorchHalfPixel:
      return arith::SelectOp::create(b(), loc(), larger(), half, num(0));
    case ResizeCoordinates::AlignCorners: {
      Value steps = toReal(emitter.max(emitter.constant(1), emitter.sub(outSize, emitter.constant(1))));
      Value x = div(mul(o, toReal(emitter.sub(inSize, emitter.constant(1)))), steps);
      return arith::SelectOp::create(b(), loc(), larger(), x, num(0));
    }
    case ResizeCoordinates::Asymmetric: return div(o, scale);
    }
    llvm_unreachable("all coordinate systems are handled");
  }

  SmallVector<Neighbour> neighbours(Value output, int64_t dim) {
    Value size = emitter.getSize(op.getInput(), dim), x = source(output, dim);
    if (op.getMode() == ResizeMode::Nearest) {
      Value rounded;
      switch (op.getRounding()) {
      case ResizeRounding::RoundPreferFloor: rounded = ceil(sub(x, num(0.5))); break;
      case ResizeRounding::RoundPreferCeil: rounded = floor(add(x, num(0.5))); break;
      case ResizeRounding::Floor: rounded = floor(x); break;
      case ResizeRounding::Ceil: rounded = ceil(x); break;
      }
      return {{clamp(toIndex(rounded), size), Value()}};
    }
    Value base = floor(x), ratio = sub(x, base), first = toIndex(base);
    SmallVector<Neighbour> result;
    SmallVector<Value> weights;
    int64_t before = 0;
    if (op.getMode() == ResizeMode::Linear) {
      weights = {sub(num(1), ratio), ratio};
    } else {
      before = 1;
      double a = op.getCubicCoefficient().convertToDouble();
      auto near = [&](Value t) { // |t| <= 1: (a + 2) t^3 - (a + 3) t^2 + 1
        return add(mul(mul(sub(mul(num(a + 2), t), num(a + 3)), t), t), num(1));
      };
      auto far = [&](Value t) { // 1 < |t| < 2: a t^3 - 5a t^2 + 8a t - 4a
        return sub(mul(add(mul(sub(mul(num(a), t), num(5 * a)), t), num(8 * a)), t), num(4 * a));
      };
      Value rest = sub(num(1), ratio);
      weights = {far(add(ratio, num(1))), near(ratio), near(rest), far(add(rest, num(1)))};
    }
    Value total = num(0);
    for (auto [i, weight] : llvm::enumerate(weights)) {
      Value index = emitter.add(first, emitter.constant((int64_t)i - before));
      if (op.getExcludeOutside()) {
        Value inside = arith::CmpIOp::create(b(), loc(), arith::CmpIPredicate::ult, index, size);
        weight = arith::SelectOp::create(b(), loc(), inside, weight, num(0));
        total = add(total, weight);
      }
      result.push_back({clamp(index, size), weight});
    }
    if (op.getExcludeOutside())
      for (Neighbour &neighbour : result)
        neighbour.weight = div(neighbour.weight, total);
    return result;
  }

  OpBuilder &b() { return emitter.builder; }
  Location loc() { return emitter.loc; }
};
} // namespace

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

/// Whether a dimension keeps its size and positions.
static bool isUnchanged(ResizeOp op, int64_t dim) {
  int64_t in = typeOf(op.getInput()).getDimSize(dim), out = typeOf(op.getResult()).getDimSize(dim);
  return op.getScales()[dim] == 1.0 && (in == out || ShapedType::isDynamic(in) || ShapedType::isDynamic(out));
}

static OutputWalk walkResize(KernelEmitter &emitter, ResizeOp op) {
  int64_t rank = typeOf(op.getResult()).getRank(), work = 8;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (!isUnchanged(op, dim))
      work *= op.getMode() == ResizeMode::Nearest ? 1 : op.getMode() == ResizeMode::Linear ? 2 : 4;
  return {emitter, emitter.getSizes(op.getResult()), rank > 0 && isUnchanged(op, rank - 1), emitter.constant(work)};
}

static LogicalResult emitResize(KernelEmitter &emitter, bool elementwise) {
  auto op = cast<ResizeOp>(getRoot(emitter.kernel));
  Type element = typeOf(op.getInput()).getElementType();
  bool nearest = op.getMode() == ResizeMode::Nearest;
  Type compute = nearest || !isa<FloatType>(element) ? element : getComputeType(element);
  if (!nearest && !isa<FloatType>(element))
    compute = emitter.builder.getF32Type();
  return walkResize(emitter, op).run(elementwise, [&](const TileWindow &window) -> LogicalResult {
    Coordinates coordinates{emitter, op};
    int64_t rank = window.indices.size();
    SmallVector<SmallVector<Neighbour>> choices;
    for (int64_t dim = 0; dim < rank; ++dim) {
      if (isUnchanged(op, dim))
        choices.push_back({{window.indices[dim], Value()}});
      else
        choices.push_back(coordinates.neighbours(window.indices[dim], dim));
    }
    Value sum;
    SmallVector<unsigned> digits(rank, 0);
    while (true) {
      TileWindow at = window;
      Value weight;
      for (int64_t dim = 0; dim < rank; ++dim) {
        const Neighbour &neighbour = choices[dim][digits[dim]];
        at.indices[dim] = neighbour.index;
        if (neighbour.weight)
          weight = weight ? coordinates.mul(weight, neighbour.weight) : neighbour.weight;
      }
      FailureOr<Value> tile = emitter.emitTile(op.getInput(), at);
      if (failed(tile))
        return failure();
      Value term = emitter.broadcast(*tile, window.shape);
      if (weight) {
        SmallVector<int64_t> ones(window.shape.size(), 1);
        term = emitter.map({term, emitter.fill(weight, ones)}, compute, [&](OpBuilder &b, ValueRange v) -> Value {
          ScalarBuilder scalar{b, emitter.loc};
          Value share = scalar.cast(v[1], b.getF64Type(), compute);
          return arith::MulFOp::create(b, emitter.loc, scalar.cast(v[0], element, compute), share);
        });
        sum = sum ? emitter.map({sum, term}, compute,
                                [&](OpBuilder &b, ValueRange v) -> Value {
                                  return arith::AddFOp::create(b, emitter.loc, v[0], v[1]);
                                })
                  : term;
      } else {
        sum = term;
      }
      int64_t dim = rank - 1;
      while (dim >= 0 && ++digits[dim] == choices[dim].size())
        digits[dim--] = 0;
      if (dim < 0)
        break;
    }
    if (cast<TileType>(sum.getType()).getElementType() != getTileElement(element))
      sum = emitter.map({sum}, getTileElement(element), [&](OpBuilder &b, ValueRange v) {
        return ScalarBuilder{b, emitter.loc}.cast(v[0], compute, element);
      });
    emitter.bind(op.getResult(), window, sum);
    return emitter.emitResults(window);
  });
}

GroupKind lutra::getResizeKind() {
  return {hasRoot<ResizeOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> {
            return walkResize(emitter, cast<ResizeOp>(getRoot(emitter.kernel))).items();
          },
          emitResize};
}
