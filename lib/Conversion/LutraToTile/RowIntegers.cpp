//===- RowIntegers.cpp - softmax and norms of codes without floats ---------------------===//
// What lutra.integer_softmax and lutra.integer_norm say, bit for bit (FixedPoint.h). One division for each row of a
// softmax, and one with five of Newton's steps for each of a norm, are those of 64-bit integers; elements take a
// product of 32 bits by 32 and shifts.
#include "RowFunction.h"

#include "lutra/Support/FixedPoint.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace lutra {

namespace {
/// Arithmetic of one integer type.
struct Integers {
  OpBuilder &builder;
  Location loc;
  Type type;

  Value constant(int64_t value) { return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(type, value)); }
  Value add(Value a, Value b) { return arith::AddIOp::create(builder, loc, a, b); }
  Value sub(Value a, Value b) { return arith::SubIOp::create(builder, loc, a, b); }
  Value mul(Value a, Value b) { return arith::MulIOp::create(builder, loc, a, b); }
  Value divide(Value a, Value b) { return arith::DivUIOp::create(builder, loc, a, b); }
  Value shiftLeft(Value a, int64_t bits) { return arith::ShLIOp::create(builder, loc, a, constant(bits)); }
  Value shiftRight(Value a, int64_t bits) { return arith::ShRUIOp::create(builder, loc, a, constant(bits)); }
  Value extend(Value a) { return arith::ExtUIOp::create(builder, loc, type, a); }
  Value extendSigned(Value a) { return arith::ExtSIOp::create(builder, loc, type, a); }
};
} // namespace

/// 2^-(difference * step / 2^fraction) in units of 2^-30, in 32 bits: powerOfHalf.
static Value emitPowerOfHalf(Integers word, Value difference, int64_t step, int64_t fraction) {
  using P = PowerOfHalf;
  Value exponent = word.mul(difference, word.constant(step));
  Value whole = word.shiftRight(exponent, fraction);
  Value part = arith::AndIOp::create(word.builder, word.loc, word.shiftRight(exponent, fraction - P::fraction),
                                     word.constant(P::one - 1));
  Value power = word.constant(P::c3);
  for (int64_t coefficient : {P::c2, P::c1, P::one})
    power = word.sub(word.constant(coefficient), word.shiftRight(word.mul(part, power), P::fraction));
  Value shift = arith::MinUIOp::create(word.builder, word.loc, whole, word.constant(31));
  return arith::ShRUIOp::create(word.builder, word.loc, word.shiftLeft(power, softmaxFraction - P::fraction), shift);
}

LogicalResult RowFunction::integerSoftmax() {
  auto softmax = cast<IntegerSoftmaxOp>(op);
  takeBuffer();
  OpBuilder &builder = emitter.builder;
  Location loc = emitter.loc;
  RowCodes codes{input, 1, 0};
  Type word = builder.getI32Type(), wide = builder.getI64Type();
  Value kept = findCodeBuffer(codes);
  Reduction greatest{emitter, ReduceKind::Max, codes.element()};
  FailureOr<Value> peak =
      greatest.alongRow(input, base.indices, axes, sizes, width, [&](Value tile, const TileWindow &window) {
        keepCodes(codes, tile, window);
        return FailureOr<Value>(tile);
      });
  if (failed(peak))
    return failure();
  KernelEmitter::Scope scope(emitter);
  if (kept)
    emitter.bindBuffer(input, kept);
  auto exponential = [&](const TileWindow &window) -> FailureOr<Value> {
    FailureOr<Value> tile = loadCodes(codes, window);
    if (failed(tile))
      return failure();
    return emitter.map({*peak, *tile}, word, [&](OpBuilder &b, ValueRange v) -> Value {
      Integers words{b, loc, word};
      Value difference = arith::SubIOp::create(b, loc, v[0], v[1]);
      return emitPowerOfHalf(words, words.extend(difference), softmax.getStep(), softmax.getFraction());
    });
  };
  Reduction total{emitter, ReduceKind::Sum, wide};
  auto keepTerm = [&](const TileWindow &window) -> FailureOr<Value> {
    FailureOr<Value> e = exponential(window);
    if (failed(e))
      return failure();
    if (sink.buffer)
      keep(*e, window);
    return emitter.map(*e, wide, [&](OpBuilder &b, ValueRange v) -> Value {
      return arith::ExtUIOp::create(b, loc, wide, v[0]);
    });
  };
  FailureOr<Value> sum = reduceRow(total, builder.getI64IntegerAttr(0), keepTerm);
  if (failed(sum))
    return failure();
  Value reciprocal = emitter.map(*sum, word, [&](OpBuilder &b, ValueRange v) -> Value {
    Integers words{b, loc, wide};
    Value divisor = arith::MaxUIOp::create(b, loc, v[0], words.constant(1)); // of an empty row
    Value quotient = words.divide(words.constant(int64_t(1) << (2 * softmaxFraction)), divisor);
    return arith::TruncIOp::create(b, loc, word, quotient);
  });
  return forRow([&](const TileWindow &window) -> LogicalResult {
    FailureOr<Value> e = sink.buffer ? FailureOr<Value>(emitter.loadTile(sink.buffer, placed(window), word))
                                     : exponential(window);
    if (failed(e))
      return failure();
    Value y = emitter.map({*e, reciprocal}, word, [&](OpBuilder &b, ValueRange v) -> Value {
      Integers words{b, loc, wide};
      Value product = words.mul(words.extend(v[0]), words.extend(v[1]));
      return arith::TruncIOp::create(b, loc, word, words.shiftRight(product, softmaxFraction));
    });
    emitter.bind(result, window, y);
    return sink.store(window);
  });
}

/// What 1 / sqrt(w) is the product of, for 1 <= w < 2^62: ReciprocalRoot.
static std::pair<Value, Value> emitReciprocalRoot(Integers words, Value w) {
  Value shift = words.constant(0);
  for (int64_t bits : {32, 16, 8, 4, 2}) {
    Value isSmall = arith::CmpIOp::create(words.builder, words.loc, arith::CmpIPredicate::ult, w,
                                          words.constant(int64_t(1) << (62 - bits)));
    auto choose = [&](Value a, Value b) { return arith::SelectOp::create(words.builder, words.loc, isSmall, a, b); };
    w = choose(words.shiftLeft(w, bits), w);
    shift = choose(words.add(shift, words.constant(bits)), shift);
  }
  Value root = words.constant(int64_t(1) << 31);
  for (int64_t step = 0; step < rootSteps; ++step)
    root = words.shiftRight(words.add(root, words.divide(w, root)), 1);
  return {words.divide(words.constant((int64_t(1) << 61) - 1), root), shift};
}

LogicalResult RowFunction::integerNorm() {
  auto norm = cast<IntegerNormOp>(op);
  OpBuilder &builder = emitter.builder;
  Location loc = emitter.loc;
  RowCodes codes{input, 1, static_cast<int64_t>(norm.getZeroPoint())};
  Type word = builder.getI32Type(), wide = builder.getI64Type();
  int64_t size = cast<RankedTensorType>(input.getType()).getShape().back();
  Value kept = findCodeBuffer(codes);
  FailureOr<std::pair<Value, Value>> sums = sumCodes(codes);
  if (failed(sums))
    return failure();
  KernelEmitter::Scope scope(emitter);
  if (kept)
    emitter.bindBuffer(input, kept);
  Value sum = sums->first, squares = sums->second;
  auto root = [&](bool isShift) {
    return emitter.map({sum, squares}, word, [&](OpBuilder &b, ValueRange v) -> Value {
      Integers words{b, loc, wide};
      Value spread = words.mul(words.extendSigned(v[1]), words.constant(size));
      if (norm.getCentred()) {
        Value mean = words.extendSigned(v[0]);
        spread = words.sub(spread, words.mul(mean, mean));
      }
      Value variance = words.add(words.shiftLeft(spread, epsilonFraction), words.constant(norm.getEpsilon()));
      variance = arith::MaxUIOp::create(b, loc, variance, words.constant(1));
      auto [reciprocal, shift] = emitReciprocalRoot(words, variance);
      // The shift of products, by half of that of the variance less.
      Value chosen = isShift ? words.sub(words.constant(35), words.shiftRight(shift, 1)) : reciprocal;
      return arith::TruncIOp::create(b, loc, word, chosen);
    });
  };
  Value reciprocal = root(false), shift = root(true);
  return forRow([&](const TileWindow &window) -> LogicalResult {
    FailureOr<Value> tile = loadCodes(codes, window);
    if (failed(tile))
      return failure();
    SmallVector<Value> tiles{centreCodes(codes, *tile), reciprocal, shift};
    if (norm.getCentred())
      tiles.push_back(sum);
    Value y = emitter.map(tiles, word, [&](OpBuilder &b, ValueRange v) -> Value {
      Integers words{b, loc, word}, wides{b, loc, wide};
      Value x = words.mul(v[0], words.constant(size));
      if (norm.getCentred())
        x = words.sub(x, v[3]);
      Value product = wides.mul(wides.extendSigned(x), wides.extendSigned(v[1]));
      Value shifted = arith::ShRSIOp::create(b, loc, product, wides.extend(v[2]));
      return arith::TruncIOp::create(b, loc, word, shifted);
    });
    emitter.bind(result, window, y);
    return sink.store(window);
  });
}

} // namespace lutra
