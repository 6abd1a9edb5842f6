//===- RowCodes.cpp - softmax and norms of rows of 8-bit codes --------------------------===//
// Differences and sums are those of integers; f32 is what is rounded once:
//   softmax     max of codes; d = max - code, one of 256, and exp(-d * scale) from two tables of 16: that of the upper
//               half of d times that of the lower one; their sum; quotients, or the codes that they are rounded to,
//               where 1 / (sum * scale of the result) is one factor of the row
//   layer_norm  sums of c and c^2, exact in 32 bits; variance = (n * sum of c^2 - (sum of c)^2) / n^2, exact in 64
//   rms_norm    the sum of c^2
// An exponential is off by three roundings (two entries, one product), less than the polynomial is allowed to be.
// Codes that some op computes are kept in the result's bytes, where it has as many and nobody reads those of other
// rows, so that the op runs once.
#include "RowCodes.h"

#include "GroupKinds.h"
#include "KnownScale.h"
#include "Product.h"
#include "RowFunction.h"

#include "lutra/Machine/NeonTarget.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <cmath>

using namespace mlir;

namespace lutra {

/// Elements of a row of which 32 bits hold the sum of squares, 255^2 at most.
static constexpr int64_t summedSquares = (int64_t(1) << 31) / (255 * 255);

std::optional<RowCodes> RowCodes::of(Value values) {
  auto op = values.getDefiningOp<DequantizeOp>();
  if (!op || !getElementTypeOrSelf(op.getInput()).isInteger(8) || !getElementTypeOrSelf(values).isF32())
    return std::nullopt;
  DenseElementsAttr scale = findSplat(op.getScale());
  if (!scale || !scale.getElementType().isF32() || op.getBlock() != 0)
    return std::nullopt;
  RowCodes found{op.getInput(), scale.getSplatValue<float>(), 0};
  if (!(found.scale >= 0x1p-60f && found.scale <= 0x1p60f))
    return std::nullopt;
  if (op.getZeroPoint()) {
    DenseElementsAttr zero = findSplat(op.getZeroPoint());
    if (!zero)
      return std::nullopt;
    APInt bits = zero.getSplatValue<APInt>();
    found.zero = found.element().isUnsignedInteger() ? bits.getZExtValue() : bits.getSExtValue();
  }
  return found;
}

bool RowFunction::takesCodes(const RowCodes &codes) {
  if (width == 1 || axes.size() != 1 || !isAlongLast() || !element.isF32() || emitter.target.getVectorBits() == 0)
    return false;
  std::optional<int64_t> size = getConstantIntValue(sizes[rank - 1]);
  if (!isa<SoftmaxOp>(op))
    return size && *size <= summedSquares;
  // Tables of 16 are looked up in vectors.
  bool looksUp = emitter.target.getVectorBits() >= 256 || getNeonBytes(emitter.target);
  // Tiles at the end of a row of known length are narrow, unless exponentials wait for their sum.
  return looksUp && !cast<SoftmaxOp>(op).getLog() && (!size || sink.buffer);
}

void RowFunction::keepCodes(const RowCodes &codes, Value tile, const TileWindow &window) {
  if (Value kept = findCodeBuffer(codes))
    emitter.storeTile(tile, kept, window);
}

/// Bytes of the kernel's result where codes that an op of it computes can wait; null: none.
Value RowFunction::findCodeBuffer(const RowCodes &codes) {
  if (emitter.getBuffer(codes.codes) || getRoot(emitter.kernel) != op || emitter.kernel.getNumResults() != 1)
    return {};
  auto yielded = cast<RankedTensorType>(emitter.kernel.getYield().getValues()[0].getType());
  bool fits = yielded.getElementType().isInteger(8) && isReadInPlace(codes.codes) &&
              yielded.getShape() == cast<RankedTensorType>(codes.codes.getType()).getShape();
  return fits ? emitter.getOutput(0) : Value();
}

/// A tile of codes, of the window's shape.
FailureOr<Value> RowFunction::loadCodes(const RowCodes &codes, const TileWindow &window) {
  FailureOr<Value> tile = emitter.emitTile(codes.codes, window);
  if (failed(tile))
    return failure();
  return emitter.broadcast(*tile, window.shape);
}

FailureOr<Value> RowFunction::reduceRow(Reduction reduction, TypedAttr neutral,
                                        llvm::function_ref<FailureOr<Value>(const TileWindow &)> tileOf) {
  auto addTile = [&](const TileWindow &window, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
    FailureOr<Value> tile = tileOf(window);
    if (failed(tile))
      return failure();
    Value bound = window.bounds.empty() ? Value() : window.bounds[0];
    return KernelEmitter::Carried{reduction.combine(carried[0], emitter.maskTail(*tile, bound, neutral))};
  };
  auto folded = foldRow(emitter.fill(neutral, {width}), addTile);
  if (failed(folded))
    return failure();
  auto type = TileType::get({}, neutral.getType());
  return TileReduceOp::create(emitter.builder, emitter.loc, type, reduction.kind, folded->front(),
                              /*is_unsigned=*/false)
      .getResult();
}

FailureOr<KernelEmitter::Carried>
RowFunction::foldRow(ValueRange start, llvm::function_ref<FailureOr<KernelEmitter::Carried>(const TileWindow &,
                                                                                             ValueRange)> body) {
  return emitter.foldTiles(emitter.constant(0), sizes[rank - 1], width, start,
                           [&](Value index, int64_t size, Value bound, ValueRange carried) {
                             SmallVector<Value> indices(base.indices);
                             indices[rank - 1] = index;
                             TileWindow window = TileWindow::row(indices, rank - 1, size, bound);
                             window.aligned = true;
                             return body(window, carried);
                           });
}

/// exp(-d * scale) for each difference of two codes, bytes without a sign.
static Value lookUpExponentials(KernelEmitter &emitter, Value differences, float scale) {
  OpBuilder &builder = emitter.builder;
  Type word = builder.getI32Type(), real = builder.getF32Type();
  auto entry = [&](Value indices, double step) -> Value {
    SmallVector<float> table;
    for (int i = 0; i < 16; ++i)
      table.push_back(static_cast<float>(std::exp(-step * i * scale)));
    auto type = TileType::get(builder.getContext(), cast<TileType>(indices.getType()).getShape(), real);
    return TileLookupOp::create(builder, emitter.loc, type, indices, builder.getDenseF32ArrayAttr(table));
  };
  Value wide = emitter.map(differences, word, [&](OpBuilder &b, ValueRange v) -> Value {
    return arith::ExtUIOp::create(b, emitter.loc, word, v[0]);
  });
  Value upper = emitter.map(wide, word, [&](OpBuilder &b, ValueRange v) -> Value {
    Value four = arith::ConstantOp::create(b, emitter.loc, b.getI32IntegerAttr(4));
    return arith::ShRUIOp::create(b, emitter.loc, v[0], four);
  });
  Value factors[] = {entry(upper, 16), entry(wide, 1)}; // indices are taken modulo 16
  return emitter.map(factors, real, [&](OpBuilder &b, ValueRange v) -> Value {
    return arith::MulFOp::create(b, emitter.loc, v[0], v[1]);
  });
}

LogicalResult RowFunction::softmaxOfCodes(const RowCodes &codes) {
  OpBuilder &builder = emitter.builder;
  Type real = builder.getF32Type();
  Location loc = emitter.loc;
  Type code = codes.element();
  std::optional<int64_t> size = getConstantIntValue(sizes[rank - 1]);
  // Codes fill vectors of bytes where these divide the row.
  int64_t bytes = emitter.target.getVectorBits() / 8;
  Value kept = findCodeBuffer(codes);
  Reduction greatest{emitter, ReduceKind::Max, code};
  FailureOr<Value> peak = greatest.alongRow(codes.codes, base.indices, axes, sizes,
                                            size && *size % bytes == 0 ? std::max(bytes, width) : width,
                                            [&](Value tile, const TileWindow &window) {
                                              keepCodes(codes, tile, window);
                                              return FailureOr<Value>(tile);
                                            });
  if (failed(peak))
    return failure();
  KernelEmitter::Scope scope(emitter);
  if (kept)
    emitter.bindBuffer(codes.codes, kept);
  auto exponential = [&](const TileWindow &window) -> FailureOr<Value> {
    FailureOr<Value> tile = loadCodes(codes, window);
    if (failed(tile))
      return failure();
    Value difference = emitter.map({*peak, *tile}, builder.getI8Type(), [&](OpBuilder &b, ValueRange v) -> Value {
      return arith::SubIOp::create(b, loc, v[0], v[1]);
    });
    return lookUpExponentials(emitter, difference, codes.scale);
  };
  Reduction total{emitter, ReduceKind::Sum, real};
  FailureOr<Value> sum = reduceRow(total, builder.getF32FloatAttr(0), [&](const TileWindow &window) {
    FailureOr<Value> e = exponential(window);
    if (succeeded(e) && sink.buffer)
      keep(*e, window);
    return e;
  });
  if (failed(sum))
    return failure();
  Value factor = map({*sum}, [&](ScalarBuilder &s, ValueRange v) -> Value {
    return arith::DivFOp::create(s.builder, s.loc, s.number(real, rounding ? rounding->inverse : 1), v[0]);
  });
  return forRow([&](const TileWindow &window) -> LogicalResult {
    FailureOr<Value> e = sink.buffer ? FailureOr<Value>(emitter.loadTile(sink.buffer, placed(window), real))
                                     : exponential(window);
    if (failed(e))
      return failure();
    bindQuotient(*e, factor, window, /*mayBeNan=*/false);
    return sink.store(window);
  });
}

Value RowFunction::centreCodes(const RowCodes &codes, Value tile) {
  Location loc = emitter.loc;
  Type word = emitter.builder.getI32Type();
  return emitter.map(tile, word, [&](OpBuilder &b, ValueRange v) -> Value {
    bool isUnsigned = codes.element().isUnsignedInteger();
    Value x = isUnsigned ? arith::ExtUIOp::create(b, loc, word, v[0]).getResult()
                         : arith::ExtSIOp::create(b, loc, word, v[0]).getResult();
    if (codes.zero == 0)
      return x;
    Value zero = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(static_cast<int32_t>(codes.zero)));
    return arith::SubIOp::create(b, loc, x, zero);
  });
}

FailureOr<std::pair<Value, Value>> RowFunction::sumCodes(const RowCodes &codes) {
  OpBuilder &builder = emitter.builder;
  Location loc = emitter.loc;
  Type word = builder.getI32Type();
  TypedAttr none = builder.getI32IntegerAttr(0);
  Reduction total{emitter, ReduceKind::Sum, word};
  Value start = emitter.fill(none, {width});
  auto sums = foldRow({start, start},
                      [&](const TileWindow &window, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
                        FailureOr<Value> tile = loadCodes(codes, window);
                        if (failed(tile))
                          return failure();
                        keepCodes(codes, *tile, window);
                        Value bound = window.bounds.empty() ? Value() : window.bounds[0];
                        Value x = emitter.maskTail(centreCodes(codes, *tile), bound, none);
                        Value square = emitter.map(x, word, [&](OpBuilder &b, ValueRange v) -> Value {
                          return arith::MulIOp::create(b, loc, v[0], v[0]);
                        });
                        return KernelEmitter::Carried{total.combine(carried[0], x), total.combine(carried[1], square)};
                      });
  if (failed(sums))
    return failure();
  auto fold = [&](Value tile) -> Value {
    return TileReduceOp::create(builder, loc, TileType::get({}, word), ReduceKind::Sum, tile, /*is_unsigned=*/false);
  };
  Value sum = fold((*sums)[0]);
  return std::pair(sum, fold((*sums)[1]));
}

LogicalResult RowFunction::normOfCodes(const RowCodes &codes) {
  Type real = emitter.builder.getF32Type(), wide = emitter.builder.getI64Type();
  bool centres = isa<LayerNormOp>(op);
  int64_t size = *getConstantIntValue(sizes[rank - 1]);
  Value kept = findCodeBuffer(codes);
  FailureOr<std::pair<Value, Value>> sums = sumCodes(codes);
  if (failed(sums))
    return failure();
  Value both[] = {sums->first, sums->second};
  KernelEmitter::Scope scope(emitter);
  if (kept)
    emitter.bindBuffer(codes.codes, kept);
  Value mean = map({both[0]}, [&](ScalarBuilder &s, ValueRange v) -> Value {
    Value whole = arith::SIToFPOp::create(s.builder, s.loc, real, v[0]);
    return arith::DivFOp::create(s.builder, s.loc, whole, s.number(real, static_cast<double>(size)));
  });
  double epsilon = (centres ? cast<LayerNormOp>(op).getEpsilon() : cast<RmsNormOp>(op).getEpsilon()).convertToDouble();
  // scale / sqrt(scale^2 * variance of codes + epsilon)
  Value factor = map(both, [&](ScalarBuilder &s, ValueRange v) -> Value {
    auto widen = [&](Value x) -> Value { return arith::ExtSIOp::create(s.builder, s.loc, wide, x); };
    Value squares = widen(v[1]), count = arith::ConstantOp::create(s.builder, s.loc, s.builder.getI64IntegerAttr(size));
    double divisor = static_cast<double>(size);
    if (centres) {
      Value sum = widen(v[0]);
      squares = arith::SubIOp::create(s.builder, s.loc, arith::MulIOp::create(s.builder, s.loc, squares, count),
                                      arith::MulIOp::create(s.builder, s.loc, sum, sum));
      divisor *= divisor;
    }
    double step = codes.scale;
    Value variance = arith::SIToFPOp::create(s.builder, s.loc, real, squares);
    variance = arith::MulFOp::create(s.builder, s.loc, variance, s.number(real, step * step / divisor));
    Value shifted = arith::AddFOp::create(s.builder, s.loc, variance, s.number(real, epsilon));
    Value root = math::SqrtOp::create(s.builder, s.loc, shifted);
    return arith::DivFOp::create(s.builder, s.loc, s.number(real, step), root);
  });
  return forRow([&](const TileWindow &window) -> LogicalResult {
    FailureOr<Value> tile = loadCodes(codes, window);
    if (failed(tile))
      return failure();
    SmallVector<Value> tiles{centreCodes(codes, *tile), factor};
    if (centres)
      tiles.push_back(mean);
    Value y = map(tiles, [&](ScalarBuilder &s, ValueRange v) -> Value {
      Value x = arith::SIToFPOp::create(s.builder, s.loc, real, v[0]);
      if (centres)
        x = arith::SubFOp::create(s.builder, s.loc, x, v[2]);
      return arith::MulFOp::create(s.builder, s.loc, x, v[1]);
    });
    return finishNorm(y, window);
  });
}

} // namespace lutra
