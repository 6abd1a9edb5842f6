//===- TileCodedMatmul.cpp - codes times 8-bit integers on CPU vectors -----===//
// One field of a step (CodedTile.h) meets four neighbours along K, broadcast to all lanes. With VNNI:
//
//   for step, field:
//     values[c] = value(field of words(c));  x[r] = broadcast(load lhs(r, 4 neighbours))
//     wide[r][c] = vpdpbusd(wide[r][c], values[c], x[r])
//
// where few rows take several sums in turn, since each waits for the one before. Values that are codes stay where they
// lie in a byte as long as registers hold sums for each such place: those with b bits below them are 2^b times too
// large, and shifted at the end. With AMX, 16 rows and values in bytes are tiles as they lie (AmxCodedMatmul.cpp).
// Without VNNI:
//
//   for chunk: narrow[r][c] = 0                                             16-bit sums of two products
//     for step of chunk, field:
//       values[c] = value(field of words(c));  x[r] = broadcast(load lhs(r, 4 neighbours))
//       narrow[r][c] += pmaddubsw(values[c], x[r])
//     wide[r][c] += pmaddwd(narrow[r][c], 1)                                32-bit sums
//
// Codes of two bits beside a single row stay a place of two bits above the lowest one in every other field, which sums
// of their own hold, so that one shift does for four fields (Zen 3, N = 1024, K = 4096: 58 us became 53).
//
// A left-hand side of i32 holds for each four neighbours a word of magnitudes, bytes without a sign up to 128, and one
// of masks. A code of 8 bits is then multiplied as the signed byte that its exclusive or with the mask is, and sums of
// two products lie between -2^15 and 2 * 128 * 127:
//
//   wide[r][c] += pmaddwd(pmaddubsw(magnitude[r], words(c) xor mask[r]), 1)
//
// A chunk is as long as 16 bits hold every sum, so that nothing saturates; where they do not hold those of a step, it
// is a part of the step's fields. Values below 0 give x their sign: pmaddubsw(|value|, psignb(x, value)), or take that
// of a single row: pmaddubsw(|x|, psignb(value, x)). 256-bit vectors on every level:
// two 512-bit units do no more of these in a cycle than three of 256 bits. On aarch64 sdot stands for vpdpbusd;
// NeonCodedMatmul.cpp has the rest.
//
// Entries of a table that no byte holds are sums of digits, each with a table and sums of its own:
//
//   value = sum over d of digit[d] * 2^(bits * d);  result = sum over d of wide[d] << (bits * d)
//
// modulo 2^32, so that it is exact wherever 32 bits hold the result. Digits have 8 bits, or 7 without VNNI.
#include "AmxCodedMatmul.h"
#include "NeonCodedMatmul.h"
#include "TileMatmul.h"
#include "WidenedBytes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/DialectConversion.h"

#include "llvm/ADT/SmallSet.h"

#include <numeric>

using namespace mlir;
using namespace lutra;

/// Bytes of a panel that are asked for before a step reads them. From the third level (K = N = 4096, Xeon) M = 1 and 4
/// take 3 % less time with 512 bits, 4 rows of 2 bits a fifth less with 256; M = 1 from memory takes a tenth less.
static constexpr int64_t codesAhead = 2048;

/// Vectors that are multiplied before any of the products is added: Zen 3 lets additions take the units that multiply
/// less often so (4 rows by 16 columns, K = N = 4096, 128 rows, 4 bits in groups of 128: 20.5 ms, 21.5 in turn).
static constexpr int64_t atOnce = 2;

/// How many sums of two products 16 bits hold; 0: none. The other factor reaches -128, or -127 where it takes the sign
/// of the value, which a byte holds up to 127.
static int64_t productsIn16Bits(CodeRange range) {
  if (range.least >= 0)
    return range.greatest == 0 ? 128 : 128 / range.greatest;
  int64_t magnitude = std::max(-range.least, range.greatest);
  return magnitude > 128 || range.greatest > 127 ? 0 : 32767 / (2 * 127 * magnitude);
}

/// The digits of values whose products are added by pairs; none where two are too few.
static std::optional<ValueDigits> findPairDigits(CodeRange range) {
  constexpr unsigned bits = 7;
  constexpr int64_t most = 1 << bits; // of a digit, twice which times -128 16 bits hold
  if (productsIn16Bits(range) > 0)
    return ValueDigits{};
  bool fits = range.least >= 0 && range.greatest < most * (most + 1);
  return fits ? std::optional(ValueDigits{2, bits, false}) : std::nullopt;
}

/// What keeps codes from being read; empty: nothing.
static std::string findCodeObstacle(const CodeMeaning &meaning) {
  if (meaning.values && meaning.bits > 6)
    return "takes tables of at most 64 entries";
  if (meaning.offset != 0 &&
      (meaning.offset != 128 || meaning.bits != 8 || meaning.values || meaning.specialCode >= 0))
    return "takes the offset 128 of codes of 8 bits alone";
  return {};
}

/// What keeps an op from these instructions; empty: nothing.
static std::string findObstacle(TileCodedMatmulOp op, const CodedLowering &lowering) {
  bool hasByteDot = lowering.hasByteDot;
  if (std::string why = findCodeObstacle(CodeMeaning::of(op)); !why.empty())
    return why;
  CodeRange range = codeRangeOf(op);
  if (op.getSignedCodes() != op.getUnsignedLhs())
    return "takes one factor with a sign and one without";
  if (op.getSignedCodes())
    return hasByteDot ? "" : "takes codes without a sign";
  bool hasDigits = op.getValues() && !op.getSpecial();
  if (hasByteDot) {
    std::optional<ValueDigits> digits = ValueDigits::find(range, /*isSigned=*/false);
    return !digits ? "takes values of 0 to 2^24 - 1"
           : digits->count > 1 && !hasDigits ? "takes values of 0 to 255"
                                             : "";
  }
  if (hasDigits && lowering.neon && *lowering.neon != NeonBytes::Widen)
    return ValueDigits::find(range, /*isSigned=*/true) ? "" : "takes values of 24 bits";
  std::optional<ValueDigits> digits = findPairDigits(range);
  bool isOneDigit = !hasDigits || lowering.neon;
  if (!digits || (isOneDigit && digits->count > 1) || (range.least < -127 && op.getOffset() == 0))
    return "takes values of which 16 bits hold two products";
  return {};
}

namespace {
/// Sums of products in pairs.
class PairEmitter : public CodedTile {
public:
  PairEmitter(OpBuilder &builder, TileCodedMatmulOp op)
      : CodedTile(builder, op, Vectors{32}), range(codeRangeOf(op)),
        signsOfRow(range.least < 0 && range.least >= -127 && rows == 1) {
    digits = *findPairDigits(range);
    adds = digits.count > 1 ? 1 : productsIn16Bits(range);
    flushesSteps = adds < 2 * fields;
    unrolled = rows > 2 ? 1 : !flushesSteps ? 4 : rows == 1 ? std::max<int64_t>(1, 4 / fields) : 1;
    straight = unrolled > 1 ? 4 : 0;
    bool isPlain = !op.getValues() && !op.getSpecial() && !op.getTriples() && op.getOffset() == 0;
    hasFours = isPlain && op.getBits() == 2 && rows == 1;
  }
  Values emit(ValueRange accumulator);

private:
  Value multiply(Value values, Value magnitudes, Value left);
  void flush(MutableArrayRef<Value> narrow, MutableArrayRef<Value> wide);
  Value codesInPlace(ArrayRef<Value> words, int64_t position);
  void addStep(Value step, Values &narrow, Values *wide);
  void addSteps(Value first, int64_t count, Values &narrow);
  void addChunk(Value first, int64_t count, Values &wide);
  Values splitDigits(ValueRange starts);
  Values joinDigits(ValueRange sums);

  /// Words of a row's fields that registers hold beside sums and codes.
  static constexpr int64_t mostHeld = 4;

  CodeRange range;
  int64_t adds;    // products of a field that 16 bits hold
  bool signsOfRow; // go to the values, of which there are more
  Values fours;        // sums that are four times too large
  bool hasFours;
  bool flushesSteps;   // 16 bits hold one at most
  int64_t unrolled; // steps one after the other: of more rows, the sums would leave the registers
  int64_t straight; // steps of several chunks that need no loop, a group of 32 codes of 4 bits
};

/// Sums of products in pairs, of magnitudes up to 128 with codes that masks change.
class MaskedEmitter : public CodedTile {
public:
  MaskedEmitter(OpBuilder &builder, TileCodedMatmulOp op) : CodedTile(builder, op, Vectors{32}) {}
  Values emit(ValueRange accumulator);

private:
  void addStep(Value step, Values &sums);
  Value loadAgain(Value step, int64_t part, Type element);
};

/// Sums of products in fours by one instruction.
class DotEmitter : public CodedTile {
public:
  DotEmitter(OpBuilder &builder, TileCodedMatmulOp op, Vectors vectors)
      : CodedTile(builder, op, vectors),
        dot(vectorBytes == 16 ? "llvm.aarch64.neon.sdot.v4i32.v16i8"
                              : "llvm.x86.avx512.vpdpbusd." + std::to_string(vectorBytes * 8)) {
    if (op.getValues())
      digits = *ValueDigits::find(codeRangeOf(op), /*isSigned=*/vectorBytes == 16);
  }
  Values emit(ValueRange accumulator);

private:
  /// Sums of the fields whose codes have as many bits below them, or of a digit of all fields.
  struct Place {
    unsigned below;
    SmallVector<int64_t, 8> fields;
    int64_t digit = 0;
  };
  void findPlaces();
  void addStep(Value step, int64_t turn, Values &sums);
  Value total(ArrayRef<Value> sums);
  int64_t sumsOfPart() const { return static_cast<int64_t>(places.size()) * chains; }

  std::string dot;
  SmallVector<Place, 4> places; // the first one: none below
  int64_t chains = 1;           // sums of a place of one part of a row
};
} // namespace

/// Sums of two products each, the magnitudes being those of the factor that gives the other its sign.
Value PairEmitter::multiply(Value values, Value magnitudes, Value left) {
  if (!magnitudes)
    return call("llvm.x86.avx2.pmadd.ub.sw", narrowType, {values, left});
  Value taken = signsOfRow ? values : left, giver = signsOfRow ? left : values;
  taken = call("llvm.x86.avx2.psign.b", bytes, {taken, giver});
  return call("llvm.x86.avx2.pmadd.ub.sw", narrowType, {magnitudes, taken});
}

/// Moves the 16-bit sums to the 32-bit ones.
void PairEmitter::flush(MutableArrayRef<Value> narrow, MutableArrayRef<Value> wide) {
  Value one = splat(narrowType, 1);
  for (auto [sum, part] : llvm::zip_equal(wide, narrow)) {
    sum = arith::AddIOp::create(builder, loc, sum, call("llvm.x86.avx2.pmadd.wd", wideType, {part, one}));
    part = Value();
  }
}

/// Codes of two bits, those of odd fields times four: one shift for all fields.
Value PairEmitter::codesInPlace(ArrayRef<Value> words, int64_t position) {
  Value word = words.front();
  if (position >= 2) {
    Value pairs = vector::BitCastOp::create(builder, loc, narrowType, word);
    pairs = arith::ShRUIOp::create(builder, loc, pairs, splat(narrowType, 4));
    word = vector::BitCastOp::create(builder, loc, bytes, pairs);
  }
  return arith::AndIOp::create(builder, loc, word, splat(bytes, position % 2 == 0 ? 3 : 12));
}

/// Adds one step to the 16-bit sums, null where they are 0. With `wide` they are moved there whenever they are full.
/// Where registers hold a single row's words, codes of a column are done with before those of the next one are loaded.
void PairEmitter::addStep(Value step, Values &narrow, Values *wide) {
  SmallVector<Values> words = loadWords(step);
  int64_t columns = parts * digits.count; // digits of a part side by side
  bool holdsRow = rows == 1 && fields <= mostHeld;
  int64_t together = holdsRow ? 1 : columns;
  Values lefts; // of a row that is held
  for (int64_t first = 0; first < columns; first += together) {
    if (readsWeights)
      prefetch(step, codesAhead, first, columns / together);
    for (int64_t position = 0; position < fields; ++position) {
      Values values(columns), magnitudes(columns);
      for (int64_t column = first; column < first + together; ++column) {
        int64_t part = column / digits.count;
        values[column] = hasFours ? codesInPlace(words[part], position)
                                  : valuesOf(words[part], position, part, column % digits.count);
        if (range.least < 0 && !signsOfRow)
          magnitudes[column] = math::AbsIOp::create(builder, loc, values[column]);
      }
      for (int64_t row = 0; row < rows; ++row) {
        bool isLoaded = holdsRow && first > 0;
        Value left = isLoaded ? lefts[position] : loadRow(step, row, position);
        if (holdsRow && !isLoaded)
          lefts.push_back(left);
        if (signsOfRow)
          magnitudes.assign(columns, math::AbsIOp::create(builder, loc, left));
        for (int64_t begin = first, end = first + together; begin < end; begin += atOnce) {
          Values products;
          for (int64_t column = begin; column < std::min(begin + atOnce, end); ++column)
            products.push_back(multiply(values[column], magnitudes[column], left));
          for (auto [place, product] : llvm::enumerate(products)) {
            int64_t column = begin + static_cast<int64_t>(place);
            Value &sum = (hasFours && position % 2 != 0 ? fours : narrow)[row * columns + column];
            sum = sum ? arith::AddIOp::create(builder, loc, sum, product).getResult() : product;
          }
        }
      }
      if (wide && ((position + 1) % adds == 0 || position + 1 == fields))
        flush(MutableArrayRef(narrow).slice(first, rows * together),
              MutableArrayRef(*wide).slice(first, rows * together));
    }
  }
}

/// Adds `count` steps, of which 16 bits hold the sums that are four times too large, to the 16-bit sums.
void PairEmitter::addSteps(Value first, int64_t count, Values &narrow) {
  fours.assign(narrow.size(), Value());
  for (int64_t step = 0; step < count; ++step)
    addStep(add(first, index(step)), narrow, nullptr);
  if (hasFours)
    for (auto [sum, four] : llvm::zip_equal(narrow, fours))
      sum = arith::AddIOp::create(builder, loc, sum,
                                  arith::ShRSIOp::create(builder, loc, four, splat(narrowType, 2)));
}

/// Adds `count` steps, no more than a chunk or, where 16 bits hold one at most, no more than are unrolled, to the
/// 32-bit sums.
void PairEmitter::addChunk(Value first, int64_t count, Values &wide) {
  int64_t stride = std::gcd(count, unrolled);
  Values narrow(wide.size());
  if (flushesSteps) {
    for (int64_t step = 0; step < count; ++step)
      addStep(add(first, index(step)), narrow, &wide);
  } else if (count <= unrolled) {
    addSteps(first, count, narrow);
  } else {
    narrow.assign(wide.size(), splat(narrowType, 0));
    narrow = loop(index(count), stride, narrow,
                  [&](Value step, Values &sums) { addSteps(add(first, step), stride, sums); });
  }
  if (!flushesSteps)
    flush(narrow, wide);
}

/// Sums of one digit after the other; the first of each part starts with what the part does.
SmallVector<Value> PairEmitter::splitDigits(ValueRange starts) {
  Values sums;
  for (Value start : starts)
    for (int64_t digit = 0; digit < digits.count; ++digit)
      sums.push_back(digit == 0 ? start : splat(wideType, 0));
  return sums;
}

SmallVector<Value> PairEmitter::joinDigits(ValueRange sums) {
  Values totals;
  for (auto [place, sum] : llvm::enumerate(sums)) {
    int64_t digit = static_cast<int64_t>(place) % digits.count;
    if (digit == 0) {
      totals.push_back(sum);
      continue;
    }
    Value shifted = arith::ShLIOp::create(builder, loc, sum, splat(wideType, digit * digits.bits));
    totals.back() = arith::AddIOp::create(builder, loc, totals.back(), shifted);
  }
  return totals;
}

SmallVector<Value> PairEmitter::emit(ValueRange accumulator) {
  Values wide = splitDigits(splitRows(builder, loc, accumulator, wideType, parts));
  int64_t chunk = flushesSteps ? unrolled : llvm::bit_floor(static_cast<uint64_t>(adds / fields));
  std::optional<int64_t> depth = getConstantIntValue(op.getDepth());
  if (depth) {
    int64_t steps = *depth / op.getStepDepth(), whole = steps / chunk * chunk;
    if (whole > std::max(chunk, straight))
      wide = loop(index(whole), chunk, wide, [&](Value step, Values &sums) { addChunk(step, chunk, sums); });
    else
      for (int64_t step = 0; step < whole; step += chunk)
        addChunk(index(step), chunk, wide);
    if (whole < steps)
      addChunk(index(whole), steps - whole, wide);
  } else {
    Value steps = builder.createOrFold<arith::DivUIOp>(loc, op.getDepth(), index(op.getStepDepth()));
    wide = loop(steps, 1, wide, [&](Value step, Values &sums) { addChunk(step, 1, sums); });
  }
  return joinRows(builder, loc, joinDigits(wide), llvm::to_vector(accumulator.getTypes()), parts);
}

/// The words of a part of the columns once more, as other elements.
Value MaskedEmitter::loadAgain(Value step, int64_t part, Type element) {
  auto type = VectorType::get({vectorBytes * 8 / element.getIntOrFloatBitWidth()}, element);
  Value view = memref::ViewOp::create(builder, loc, MemRefType::get(type.getShape(), element), codes.buffer,
                                      addressOfWords(step, /*word=*/0, part), ValueRange());
  return vector::LoadOp::create(builder, loc, type, view, ValueRange{index(0)}, /*nontemporal=*/false,
                                llvm::MaybeAlign(1));
}

void MaskedEmitter::addStep(Value step, Values &sums) {
  // Where words of all parts fill the registers, each row reads them anew, as an operand of the exclusive or: 38
  // operations of a step instead of 42 (Zen 3, from the first level, 2 rows by 32 columns: 28.5 products of a clock,
  // 26.1; 4 by 16: 26.6). LLVM takes two loads for one unless they have elements of their own.
  Type elements[] = {builder.getI8Type(), builder.getI32Type(), builder.getI16Type(), builder.getI64Type()};
  bool readsAnew = parts > 2 && rows <= static_cast<int64_t>(std::size(elements));
  Value one = splat(narrowType, 1);
  SmallVector<Values> words = loadWords(step);
  for (int64_t row = 0; row < rows; ++row) {
    MaskedWord left = loadMasked(step, row);
    auto change = [&](int64_t part) -> Value {
      if (!readsAnew || row == 0)
        return arith::XOrIOp::create(builder, loc, words[part].front(), left.mask);
      Value own = loadAgain(step, part, elements[row]);
      Value mask = vector::BitCastOp::create(builder, loc, own.getType(), left.mask);
      return vector::BitCastOp::create(builder, loc, bytes, arith::XOrIOp::create(builder, loc, own, mask));
    };
    int64_t together = readsAnew ? parts : atOnce;
    for (int64_t first = 0; first < parts; first += together) {
      Values products;
      for (int64_t part = first; part < std::min(first + together, parts); ++part)
        products.push_back(change(part));
      for (Value &product : products)
        product = call("llvm.x86.avx2.pmadd.ub.sw", narrowType, {left.magnitude, product});
      for (Value &product : products)
        product = call("llvm.x86.avx2.pmadd.wd", wideType, {product, one});
      for (auto [place, product] : llvm::enumerate(products)) {
        Value &sum = sums[row * parts + first + static_cast<int64_t>(place)];
        sum = arith::AddIOp::create(builder, loc, sum, product);
      }
    }
  }
}

SmallVector<Value> MaskedEmitter::emit(ValueRange accumulator) {
  Values sums = splitRows(builder, loc, accumulator, wideType, parts);
  Value steps = builder.createOrFold<arith::DivUIOp>(loc, op.getDepth(), index(op.getStepDepth()));
  // A row alone takes hardly more operations than the loop around it.
  constexpr int64_t fewSums = 4;
  std::optional<int64_t> depth = getConstantIntValue(op.getDepth());
  int64_t unrolled = depth && rows * parts <= fewSums ? std::gcd<int64_t>(*depth / op.getStepDepth(), 4) : 1;
  sums = loop(steps, unrolled, sums, [&](Value step, Values &carried) {
    for (int64_t next = 0; next < unrolled; ++next)
      addStep(add(step, index(next)), carried);
  });
  return joinRows(builder, loc, sums, llvm::to_vector(accumulator.getTypes()), parts);
}

/// Which sums fields share. Where registers hold sums for each place in a byte, codes stay there and sums are shifted
/// once at the end (K = 2048, N = 1024, 4 bits: 18.0 us became 15.5); else codes are shifted and share all sums.
void DotEmitter::findPlaces() {
  constexpr int64_t longest = 1 << 16; // products of 255 * 128 that 32 bits hold
  std::optional<int64_t> depth = getConstantIntValue(op.getDepth());
  bool stay = vectorBytes > 16 && !op.getSignedCodes() && depth && *depth <= longest;
  SmallVector<unsigned> below;
  for (int64_t field = 0; field < fields; ++field)
    below.push_back(stay ? bitsBelow(field) : 0);
  int64_t mostSums = vectorBytes == 64 ? 16 : 8; // half of the registers
  llvm::SmallSet<unsigned, 8> distinct(below.begin(), below.end());
  if (rows * parts * static_cast<int64_t>(distinct.size()) > mostSums)
    below.assign(fields, 0);
  for (int64_t digit = 1; digit < digits.count; ++digit)
    places.push_back({0, llvm::to_vector<8>(llvm::seq(fields)), digit});
  places.insert(places.begin(), Place{0, {}});
  for (int64_t field = 0; field < fields; ++field) {
    auto *place = llvm::find_if(places, [&](const Place &other) { return other.below == below[field]; });
    if (place == places.end())
      place = &places.emplace_back(Place{below[field], {}});
    place->fields.push_back(field);
  }
}

/// Adds one step, the turn-th of some, to the sums, of which each field of a place takes the next.
void DotEmitter::addStep(Value step, int64_t turn, Values &sums) {
  SmallVector<Values> words = loadWords(step);
  if (vectorBytes > 16 && readsWeights)
    prefetch(step, codesAhead);
  for (auto [place, own] : llvm::enumerate(places))
    for (auto [number, position] : llvm::enumerate(own.fields)) {
      Values values;
      for (int64_t part = 0; part < parts; ++part)
        values.push_back(own.below > 0 ? maskedInPlace(words[part], position)
                                       : valuesOf(words[part], position, part, own.digit));
      int64_t chain = place * chains + (turn * own.fields.size() + number) % chains;
      for (int64_t row = 0; row < rows; ++row) {
        Value left = loadRow(step, row, position);
        for (int64_t part = 0; part < parts; ++part) {
          Value &sum = sums[(row * parts + part) * sumsOfPart() + chain];
          sum = op.getSignedCodes() ? call(dot, wideType, {sum, left, values[part]})
                                    : call(dot, wideType, {sum, values[part], left});
        }
      }
    }
}

/// Those of one part of a row.
Value DotEmitter::total(ArrayRef<Value> sums) {
  Value total;
  for (auto [place, own] : llvm::enumerate(places)) {
    Value sum = sums[place * chains];
    for (Value next : sums.slice(place * chains + 1, chains - 1))
      sum = arith::AddIOp::create(builder, loc, sum, next);
    if (own.below > 0)
      sum = arith::ShRSIOp::create(builder, loc, sum, splat(wideType, own.below));
    if (own.digit > 0)
      sum = arith::ShLIOp::create(builder, loc, sum, splat(wideType, own.digit * digits.bits));
    total = total ? arith::AddIOp::create(builder, loc, total, sum).getResult() : sum;
  }
  return total;
}

SmallVector<Value> DotEmitter::emit(ValueRange accumulator) {
  // Enough sums that none waits; as many steps are unrolled as give each a field, and for few rows more, since the loop
  // counts beside so few operations. Of many rows four fields gain 3 % (16 to 512 rows, K = N = 4096, Xeon), and eight
  // 0.7 % more where the loop is long.
  constexpr int64_t latency = 5, units = 2, mostUnrolled = 8, leastUnrolled = 4, longLoop = 128;
  findPlaces();
  Values starts = splitRows(builder, loc, accumulator, wideType, parts);
  int64_t perPart = std::max<int64_t>(1, llvm::bit_floor(static_cast<uint64_t>(latency * units / (rows * parts))));
  std::optional<int64_t> depth = getConstantIntValue(op.getDepth());
  int64_t steps = depth ? *depth / op.getStepDepth() : 1, unrolled = std::max<int64_t>(1, perPart / fields);
  if (rows <= 2 || rows * parts * fields < mostUnrolled)
    unrolled = std::max(unrolled, mostUnrolled / fields);
  if (rows > 2)
    unrolled = std::max(unrolled, (steps < longLoop || vectorBytes < 64 ? leastUnrolled : mostUnrolled) / fields);
  unrolled = std::min(unrolled, std::max<int64_t>(1, steps));
  chains = std::max<int64_t>(1, std::min(perPart, unrolled * fields) / static_cast<int64_t>(places.size()));
  Values sums;
  for (Value start : starts)
    for (int64_t chain = 0; chain < sumsOfPart(); ++chain)
      sums.push_back(chain == 0 ? start : splat(wideType, 0));
  auto addSteps = [&](Value base, int64_t count, Values &carried) {
    for (int64_t step = 0; step < count; ++step)
      addStep(add(base, index(step)), step, carried);
  };
  if (depth) {
    int64_t whole = steps / unrolled * unrolled;
    if (whole > unrolled)
      sums = loop(index(whole), unrolled, sums,
                  [&](Value step, Values &carried) { addSteps(step, unrolled, carried); });
    else if (whole > 0)
      addSteps(index(0), whole, sums);
    if (whole < steps)
      addSteps(index(whole), steps - whole, sums);
  } else {
    Value count = builder.createOrFold<arith::DivUIOp>(loc, op.getDepth(), index(op.getStepDepth()));
    sums = loop(count, 1, sums, [&](Value step, Values &carried) { addSteps(step, 1, carried); });
  }
  Values totals;
  for (size_t first = 0; first < sums.size(); first += sumsOfPart())
    totals.push_back(total(ArrayRef(sums).slice(first, sumsOfPart())));
  return joinRows(builder, loc, totals, llvm::to_vector(accumulator.getTypes()), parts);
}

namespace {
/// The values of a step.
struct ConvertTileUnpack final : OpConversionPattern<TileUnpackOp> {
  ConvertTileUnpack(const TypeConverter &converter, MLIRContext *context, CodedLowering lowering)
      : OpConversionPattern(converter, context), lowering(lowering) {}

  LogicalResult matchAndRewrite(TileUnpackOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    int64_t vectorBytes = lowering.vectorBits / 8, rowBytes = op.getType().getShape()[1];
    ArrayRef<int64_t> words = cast<MemRefType>(op.getCodes().getType()).getShape();
    if (words.back() != CodedWords::wordBytes || rowBytes % vectorBytes != 0)
      return rewriter.notifyMatchFailure(op, "takes words of 4 bytes, columns that fill vectors");
    if (std::string why = findCodeObstacle(CodeMeaning::of(op)); !why.empty())
      return rewriter.notifyMatchFailure(op, why);
    CodedWords reader(rewriter, op.getLoc(), CodeMeaning::of(op), rowBytes / CodedWords::wordBytes,
                      {vectorBytes, lowering.hasByteShuffle});
    reader.prepareCodes(op.getCodes(), op.getCodeIndices(), op.getSpecial() ? adaptor.getSpecial().front() : Value());
    SmallVector<CodedWords::Values> read =
        reader.loadWords(arith::ConstantIndexOp::create(rewriter, op.getLoc(), 0));
    if (lowering.hasByteTiles)
      reader.prefetch(arith::ConstantIndexOp::create(rewriter, op.getLoc(), 0), /*distance=*/2048);
    CodedWords::Values values;
    for (int64_t field = 0; field < reader.getFields(); ++field)
      for (int64_t part = 0; part < reader.getParts(); ++part)
        values.push_back(reader.valuesOf(read[part], field, part));
    auto rowType = VectorType::get({rowBytes}, rewriter.getI8Type());
    SmallVector<Type> rowTypes(reader.getFields(), rowType);
    rewriter.replaceOpWithMultiple(op, {joinRows(rewriter, op.getLoc(), values, rowTypes, reader.getParts())});
    return success();
  }

private:
  CodedLowering lowering;
};

/// Needs an accumulator that was converted to its rows.
struct ConvertTileCodedMatmul final : OpConversionPattern<TileCodedMatmulOp> {
  ConvertTileCodedMatmul(const TypeConverter &converter, MLIRContext *context, CodedLowering lowering)
      : OpConversionPattern(converter, context), lowering(lowering) {}

  LogicalResult matchAndRewrite(TileCodedMatmulOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    bool isMasked = cast<MemRefType>(op.getLhs().getType()).getElementType().isInteger(32);
    if (isMasked && lowering.neon)
      return rewriter.notifyMatchFailure(op, "takes no masked codes on aarch64");
    bool isWidened = op.getSignedCodes() && op.getUnsignedLhs() && !lowering.hasByteDot && !lowering.neon;
    int64_t vectorBytes = (lowering.hasByteDot || lowering.neon) && !isMasked ? lowering.vectorBits / 8 : 32;
    ArrayRef<int64_t> words = cast<MemRefType>(op.getCodes().getType()).getShape();
    ArrayRef<int64_t> tile = op.getAcc().getType().getShape();
    if (words.back() != CodedTile::wordBytes || words[2] * CodedTile::wordBytes % vectorBytes != 0)
      return rewriter.notifyMatchFailure(op, "takes words of 4 bytes, panels that fill vectors");
    CodedWords::Vectors vectors{vectorBytes, lowering.hasByteShuffle};
    if (op.getLhsWords() && (lowering.neon || isMasked || isWidened))
      return rewriter.notifyMatchFailure(op, "takes no words of rows side by side");
    bool takesTiles = useTiles(op);
    bool isPlain = isMasked || takesTiles || isWidened;
    if (std::string why = findObstacle(op, lowering); !isPlain && !why.empty())
      return rewriter.notifyMatchFailure(op, why);
    if (adaptor.getAcc().size() != static_cast<size_t>(tile[0]))
      return rewriter.notifyMatchFailure(op, "accumulator was not converted to its rows");
    Value special = op.getSpecial() ? adaptor.getSpecial().front() : Value();
    if (lowering.neon == NeonBytes::Widen) {
      rewriter.replaceOpWithMultiple(op, {emitNeonWidenedProduct(rewriter, op, special, adaptor.getAcc())});
      return success();
    }
    bool isByte = llvm::all_of(op.getValues().value_or(ArrayRef<int64_t>()),
                               [](int64_t value) { return llvm::isInt<8>(value); });
    if (lowering.neon == NeonBytes::Matrix && tile[0] % 2 == 0 && isByte) {
      rewriter.replaceOpWithMultiple(op, {emitNeonMatrixProduct(rewriter, op, special, adaptor.getAcc())});
      return success();
    }
    auto replace = [&](auto emitter) {
      emitter.prepare(special);
      rewriter.replaceOpWithMultiple(op, {emitter.emit(adaptor.getAcc())});
      return success();
    };
    if (isMasked)
      return replace(MaskedEmitter(rewriter, op));
    if (isWidened) {
      bool mayMask = lowering.vectorBits == 256; // levels of 512 bits were not measured
      rewriter.replaceOpWithMultiple(op, {emitWidenedProduct(rewriter, op, adaptor.getAcc(), mayMask)});
      return success();
    }
    if (takesTiles && succeeded(storeTiles(op, vectors, rewriter)))
      return success();
    if (takesTiles && op->hasOneUse())
      if (auto next = dyn_cast<TileCodedMatmulOp>(*op->user_begin()); next && precedes(op, next)) {
        rewriter.replaceOpWithMultiple(op, {llvm::to_vector(adaptor.getAcc())}); // the next one multiplies both
        return success();
      }
    if (takesTiles) {
      SmallVector<TileCodedMatmulOp> products = chainTo(op);
      return replace(AmxTiles(rewriter, products, vectors, isMixed(op)));
    }
    return lowering.hasByteDot || lowering.neon ? replace(DotEmitter(rewriter, op, vectors))
                                                : replace(PairEmitter(rewriter, op));
  }

private:
  /// Where rows of a tile of sums lie in a buffer, columns side by side; null: elsewhere.
  template <typename Op> static Value strideOf(Op op, const FlatOperand &flat) {
    auto type = cast<MemRefType>(flat.buffer.getType());
    ArrayRef<int64_t> dims = op.getDims(), steps = op.getSteps();
    int64_t last = static_cast<int64_t>(flat.strides.size()) - 1;
    bool fits = type.getElementType().isInteger(32) && dims.size() == 2 && dims[1] == last && steps[1] == 1 &&
                op.getBounds().empty() && (dims[0] < 0 || steps[0] == 1);
    return !fits ? Value() : dims[0] < 0 ? flat.strides[last] : flat.strides[dims[0]];
  }

  /// Products that follow each other into the sums of `op`, the last.
  SmallVector<TileCodedMatmulOp> chainTo(TileCodedMatmulOp op) const {
    SmallVector<TileCodedMatmulOp> products{op};
    for (auto last = op; (last = last.getAcc().getDefiningOp<TileCodedMatmulOp>()) && last->hasOneUse() &&
                         precedes(last, products.back());)
      products.push_back(last);
    std::reverse(products.begin(), products.end());
    return products;
  }

  /// Sums that only a tile_store takes go to memory as tiles, without a way through vectors; so do those that a
  /// tile_load of the same place begins. Each product stays where it is: vectors that read sums soon after their
  /// store would wait for it, and the store for products.
  LogicalResult storeTiles(TileCodedMatmulOp op, CodedWords::Vectors vectors,
                           ConversionPatternRewriter &rewriter) const {
    SmallVector<TileCodedMatmulOp> products = chainTo(op);
    TileCodedMatmulOp first = products.front();
    auto store = op->hasOneUse() ? dyn_cast<TileStoreOp>(*op->user_begin()) : TileStoreOp();
    auto load = first.getAcc().getDefiningOp<TileLoadOp>();
    auto fill = first.getAcc().getDefiningOp<TileFillOp>();
    if (!store || store->getBlock() != op->getBlock() || (!load && !fill))
      return failure();
    bool staged = isMixed(op); // blocks of tiles, each of which is stored before the next one
    if (staged)
      for (Operation *between = first->getNextNode(); between != store; between = between->getNextNode())
        if (!isa<TileCodedMatmulOp>(between) && !isMemoryEffectFree(between))
          return failure();
    if (fill && !matchPattern(fill.getValue(), m_Zero()))
      return failure();
    if (load && (load.getSource() != store.getDest() || load.getIndices() != store.getIndices() ||
                 load.getDims() != store.getDims() || load.getSteps() != store.getSteps() || !load->hasOneUse() ||
                 !isUndisturbed(load, first)))
      return failure();
    rewriter.setInsertionPoint(store);
    FlatOperand out = flattenOperand(rewriter, op.getLoc(), store.getDest(), store.getIndices());
    Value stride = strideOf(store, out);
    if (!stride)
      return failure();
    AmxTiles tiles(rewriter, products, vectors, staged);
    tiles.prepare(Value());
    AmxTiles::SumPlaces to = tiles.placesAt(out, stride);
    auto goTo = [&](TileCodedMatmulOp product) {
      rewriter.setInsertionPoint(staged ? store.getOperation() : product.getOperation());
    };
    goTo(first);
    std::optional<AmxTiles::SumPlaces> from;
    if (load) {
      FlatOperand in = flattenOperand(rewriter, op.getLoc(), load.getSource(), load.getIndices());
      from = tiles.placesAt(in, strideOf(load, in));
    }
    for (const AmxTiles::Block &block : tiles.getBlocks()) {
      goTo(first);
      SmallVector<Value> sums = tiles.start(block, from ? &*from : nullptr);
      for (TileCodedMatmulOp product : products) {
        goTo(product);
        tiles.multiply(block, product, sums);
      }
      rewriter.setInsertionPoint(store);
      tiles.store(block, sums, to);
    }
    rewriter.eraseOp(store);
    rewriter.eraseOp(op);
    return success();
  }

  /// Whether nothing touches memory between a load and what reads it.
  static bool isUndisturbed(TileLoadOp load, Operation *reader) {
    if (load->getBlock() != reader->getBlock())
      return false;
    for (Operation *between = load->getNextNode(); between != reader; between = between->getNextNode())
      if (!isMemoryEffectFree(between))
        return false;
    return true;
  }

  /// Whether the tiles of sums of `next` go on from those of `op`.
  bool precedes(TileCodedMatmulOp op, TileCodedMatmulOp next) const {
    return next.getAcc() == op.getResult() && op->getBlock() == next->getBlock() && useTiles(op) && useTiles(next) &&
           op.getSignedCodes() == next.getSignedCodes() && op.getUnsignedLhs() == next.getUnsignedLhs();
  }
  bool isMixed(TileCodedMatmulOp op) const {
    return lowering.mixedDepths.contains(op->getParentOfType<func::FuncOp>());
  }

  bool useTiles(TileCodedMatmulOp op) const {
    ArrayRef<int64_t> words = cast<MemRefType>(op.getCodes().getType()).getShape();
    ArrayRef<int64_t> tile = op.getAcc().getType().getShape();
    bool isPlain = op.getBits() == 8 && op.getOffset() == 0 && !op.getValues() && !op.getSpecial() &&
                   !op.getLhsWords() && cast<MemRefType>(op.getLhs().getType()).getElementType().isInteger(8);
    // Few rows pay where signs leave no other way or, as registers of tiles have one shape in all of a function, where
    // their number is the only one: rows that are left over from other tiles meet codes with a limit.
    bool isOnly = tile[0] >= AmxTiles::leastRows && static_cast<int64_t>(op.getLimit()) < 0;
    bool pays = tile[0] % AmxTiles::tileRows == 0 || isOnly || op.getSignedCodes() != op.getUnsignedLhs();
    return lowering.hasByteTiles && isPlain && pays && AmxTiles::fits(tile) &&
           words[2] * CodedWords::wordBytes == AmxTiles::tileBytes && getConstantIntValue(op.getDepth());
  }

  CodedLowering lowering;
};
} // namespace

void lutra::populateTileCodedMatmulPatterns(const TypeConverter &converter, CodedLowering lowering,
                                            RewritePatternSet &patterns) {
  patterns.add<ConvertTileCodedMatmul, ConvertTileUnpack>(converter, patterns.getContext(), lowering);
}
