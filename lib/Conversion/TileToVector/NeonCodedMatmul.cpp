//===- NeonCodedMatmul.cpp - codes times 8-bit integers on aarch64 -----------===//
// A vector of a word holds four columns, four neighbours along K of each (CodedTile.h). sdot takes it as vpdpbusd does
// on x86 (TileCodedMatmul.cpp). smmla multiplies two rows by two columns, eight neighbours of each, which two words
// that follow each other along K hold in turns:
//
//   for words w, w + 1, part:
//     right[0], right[1] = zip(values(w, part), values(w + 1, part)), columns as lanes
//     for rows r, r + 1: left = 8 neighbours of r, 8 of r + 1
//       block[r][part][i] = smmla(block[r][part][i], left, right[i])
//
// where a block has the sums [r, c] [r, c + 1] [r + 1, c] [r + 1, c + 1].
//
// Without either, products of 16 bits are added as often as 16 bits hold their sum, then pairs of neighbours in 32:
//
//   for a few words, part, row:
//     for half, word: narrow[half] += smlal(values(word, part)[half], broadcast(4 neighbours))
//     wide[row][part][half] = sadalp(wide[row][part][half], narrow[half])
#include "NeonCodedMatmul.h"

#include "CodedTile.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lutra;

namespace {
/// What both ways share: steps of K, a few of them in a turn of the loop.
class NeonEmitter : public CodedTile {
public:
  NeonEmitter(OpBuilder &builder, TileCodedMatmulOp op) : CodedTile(builder, op, Vectors{16}) {}

protected:
  static constexpr int64_t halves = 2;
  using TurnBody = llvm::function_ref<void(Value step, int64_t count, Values &sums)>;

  /// All steps, `most` of them in a turn where there are as many.
  Values addSteps(int64_t most, Values sums, TurnBody body);
  /// The values of `count` steps, by word along K and by part.
  SmallVector<Values> loadValues(Value step, int64_t count);
  Value shuffle(Value low, Value high, ArrayRef<int64_t> lanes) {
    return vector::ShuffleOp::create(builder, loc, low, high, lanes);
  }
};

class MatrixEmitter : public NeonEmitter {
public:
  using NeonEmitter::NeonEmitter;
  Values emit(ValueRange accumulator);

private:
  Value loadRows(Value step, int64_t row, int64_t word, bool hasBoth);
  void addTurn(Value step, int64_t count, Values &sums);
};

class WidenEmitter : public NeonEmitter {
public:
  WidenEmitter(OpBuilder &builder, TileCodedMatmulOp op);
  Values emit(ValueRange accumulator);

private:
  Value half(Value bytes, int64_t number);
  void addTurn(Value step, int64_t count, Values &sums);

  int64_t adds; // products that 16 bits hold
};
} // namespace

SmallVector<Value> NeonEmitter::addSteps(int64_t most, Values sums, TurnBody body) {
  Value steps = builder.createOrFold<arith::DivUIOp>(loc, op.getDepth(), index(op.getStepDepth()));
  std::optional<int64_t> depth = getConstantIntValue(op.getDepth());
  auto addRange = [&](Value low, Value high, int64_t count) {
    sums = carryLoop(builder, loc, {low, high, index(count)}, sums,
                     [&](Value step, Values &carried) { body(step, count, carried); });
  };
  if (!depth) {
    Value whole = mul(builder.createOrFold<arith::DivUIOp>(loc, steps, index(most)), most);
    if (most > 1)
      addRange(index(0), whole, most);
    addRange(most > 1 ? whole : index(0), steps, 1);
    return sums;
  }
  int64_t count = *depth / op.getStepDepth(), whole = count / most * most;
  if (whole > most)
    addRange(index(0), index(whole), most);
  else if (whole > 0)
    body(index(0), most, sums);
  if (whole < count)
    body(index(whole), count - whole, sums);
  return sums;
}

SmallVector<NeonEmitter::Values> NeonEmitter::loadValues(Value step, int64_t count) {
  SmallVector<Values> values;
  for (int64_t next = 0; next < count; ++next) {
    SmallVector<Values> words = loadWords(add(step, index(next)));
    for (int64_t field = 0; field < fields; ++field) {
      values.emplace_back();
      for (int64_t part = 0; part < parts; ++part)
        values.back().push_back(valuesOf(words[part], field, part));
    }
  }
  return values;
}

/// Eight neighbours of two rows; with one word alone four, and zeros.
Value MatrixEmitter::loadRows(Value step, int64_t row, int64_t word, bool hasBoth) {
  auto lane = hasBoth ? builder.getI64Type() : builder.getI32Type();
  auto loaded = VectorType::get({hasBoth ? 2 * wordBytes : wordBytes}, builder.getI8Type());
  Value zero = arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(lane, 0));
  Values lanes;
  for (int64_t next : {row, row + 1}) {
    Value read = vector::LoadOp::create(builder, loc, loaded, lhs.buffer, ValueRange{addressOf(step, next, word)});
    Value cast = vector::BitCastOp::create(builder, loc, VectorType::get({1}, lane), read);
    lanes.push_back(vector::ExtractOp::create(builder, loc, cast, 0));
    if (!hasBoth)
      lanes.push_back(zero);
  }
  auto type = VectorType::get({static_cast<int64_t>(lanes.size())}, lane);
  return vector::BitCastOp::create(builder, loc, bytes, vector::FromElementsOp::create(builder, loc, type, lanes));
}

void MatrixEmitter::addTurn(Value step, int64_t count, Values &sums) {
  SmallVector<Values> values = loadValues(step, count);
  for (size_t word = 0; word < values.size(); word += 2) {
    bool hasBoth = word + 1 < values.size();
    Values left;
    for (int64_t row = 0; row < rows; row += 2)
      left.push_back(loadRows(step, row, static_cast<int64_t>(word), hasBoth));
    for (int64_t part = 0; part < parts; ++part) {
      Value low = vector::BitCastOp::create(builder, loc, wideType, values[word][part]);
      Value high = hasBoth ? vector::BitCastOp::create(builder, loc, wideType, values[word + 1][part]).getResult()
                           : splat(wideType, 0);
      for (int64_t pair = 0; pair < halves; ++pair) {
        Value columns = shuffle(low, high, {2 * pair, 2 * pair + 4, 2 * pair + 1, 2 * pair + 5});
        Value right = vector::BitCastOp::create(builder, loc, bytes, columns);
        for (auto [rowPair, both] : llvm::enumerate(left)) {
          Value &sum = sums[(rowPair * parts + part) * halves + pair];
          sum = call("llvm.aarch64.neon.smmla.v4i32.v16i8", wideType, {sum, both, right});
        }
      }
    }
  }
}

SmallVector<Value> MatrixEmitter::emit(ValueRange accumulator) {
  // Both rows of a pair in two columns, and back.
  Values starts = splitRows(builder, loc, accumulator, wideType, parts), sums;
  for (int64_t row = 0; row < rows; row += 2)
    for (int64_t part = 0; part < parts; ++part) {
      Value upper = starts[row * parts + part], lower = starts[(row + 1) * parts + part];
      sums.push_back(shuffle(upper, lower, {0, 1, 4, 5}));
      sums.push_back(shuffle(upper, lower, {2, 3, 6, 7}));
    }
  sums = addSteps(fields == 1 ? 2 : 1, sums, [&](Value step, int64_t count, Values &carried) {
    addTurn(step, count, carried);
  });
  Values totals(starts.size());
  for (int64_t row = 0; row < rows; row += 2)
    for (int64_t part = 0; part < parts; ++part) {
      Value left = sums[(row / 2 * parts + part) * halves], right = sums[(row / 2 * parts + part) * halves + 1];
      totals[row * parts + part] = shuffle(left, right, {0, 1, 4, 5});
      totals[(row + 1) * parts + part] = shuffle(left, right, {2, 3, 6, 7});
    }
  return joinRows(builder, loc, totals, llvm::to_vector(accumulator.getTypes()), parts);
}

/// The other factor reaches -128, or -127 where values are below 0.
WidenEmitter::WidenEmitter(OpBuilder &builder, TileCodedMatmulOp op) : NeonEmitter(builder, op) {
  CodeRange range = codeRangeOf(op);
  int64_t product = std::max(-range.least, range.greatest) * (range.least < 0 ? 127 : 128);
  adds = product == 0 ? 128 : 32767 / product;
}

/// Eight of 16 bytes in 16 bits.
Value WidenEmitter::half(Value value, int64_t number) {
  Value part = vector::ExtractStridedSliceOp::create(builder, loc, value, {number * 8}, {8}, {1});
  return arith::ExtSIOp::create(builder, loc, narrowType, part);
}

void WidenEmitter::addTurn(Value step, int64_t count, Values &sums) {
  SmallVector<Values> values = loadValues(step, count);
  int64_t words = static_cast<int64_t>(values.size());
  for (int64_t part = 0; part < parts; ++part)
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t number = 0; number < halves; ++number) {
        Value &sum = sums[(row * parts + part) * halves + number];
        Value narrow;
        for (int64_t word = 0; word < words; ++word) {
          Value product = arith::MulIOp::create(builder, loc, half(values[word][part], number),
                                                half(loadRow(step, row, word), number));
          narrow = narrow ? arith::AddIOp::create(builder, loc, narrow, product).getResult() : product;
          if ((word + 1) % adds != 0 && word + 1 < words)
            continue;
          sum = arith::AddIOp::create(builder, loc, sum,
                                      call("llvm.aarch64.neon.saddlp.v4i32.v8i16", wideType, {narrow}));
          narrow = Value();
        }
      }
}

SmallVector<Value> WidenEmitter::emit(ValueRange accumulator) {
  constexpr int64_t words = 2; // of a turn, where a step has fewer; four leave the registers
  Values starts = splitRows(builder, loc, accumulator, wideType, parts);
  Values sums(starts.size() * halves, splat(wideType, 0)), totals;
  sums = addSteps(std::max<int64_t>(1, words / fields), sums, [&](Value step, int64_t count, Values &carried) {
    addTurn(step, count, carried);
  });
  for (auto [place, start] : llvm::enumerate(starts)) {
    Value low = sums[place * halves], high = sums[place * halves + 1];
    Value added = arith::AddIOp::create(builder, loc, shuffle(low, high, {0, 2, 4, 6}),
                                        shuffle(low, high, {1, 3, 5, 7}));
    totals.push_back(arith::AddIOp::create(builder, loc, start, added));
  }
  return joinRows(builder, loc, totals, llvm::to_vector(accumulator.getTypes()), parts);
}

SmallVector<Value> lutra::emitNeonMatrixProduct(OpBuilder &builder, TileCodedMatmulOp op, Value special,
                                                ValueRange accumulator) {
  MatrixEmitter emitter(builder, op);
  emitter.prepare(special);
  return emitter.emit(accumulator);
}

SmallVector<Value> lutra::emitNeonWidenedProduct(OpBuilder &builder, TileCodedMatmulOp op, Value special,
                                                 ValueRange accumulator) {
  WidenEmitter emitter(builder, op);
  emitter.prepare(special);
  return emitter.emit(accumulator);
}
