//===- TileLookupMatmul.cpp - codes of few bits by tables ---------------------===//
// A shuffle of bytes looks 32 indices up, in one table of 16 entries for each half of the vector: two words of 16
// columns. Entries are 10 bits in two parts of five, so that eight of them fit a byte:
//
//   for block of 4 chunks:
//     for chunk, row, part:  narrow[row][part] += shuffle(table, low halves) + shuffle(table, high halves)     bytes
//     sum[row][part] += narrow as 16-bit words;  odd[row][part] += those words >> 8
//
// The sums of all words, modulo 2^16, are the even columns and 256 times the odd ones; the latter are known apart:
// even = sum - 256 * odd. Both parts, and then both halves of the vector, are joined in 16 bits and widened. The tables
// of 16 steps of K come from pairs of products with the bits of the index.
//
// With VBMI and VNNI a shuffle looks 64 up in four tables, whose number stands above the index. Bytes of a chunk's four
// words are brought together by columns first, so that vpdpbusd adds and widens what they found:
//
//   for chunk:
//     words = shuffle(chunk, columns);  low = words & 15 | table number;  high = words >> 4 & 15 | table number
//     for row, half:  sum[row] += vpdpbusd(shuffle(part 0, half), 1) + vpdpbusd(shuffle(part 1, half), 32)
//
// Sums of integers of few bits have one part, of which a byte may hold several.
//
// Planes of codes of more bits are taken one after the other: vpdpbusd weighs what they find, else sums are weighed as
// they are widened.
//
// On aarch64 a vector is one word of 16 columns: tbl looks them up in one table, and bytes are added to sums of 16 bits
// as they are (uaddw).
#include "TileMatmul.h"
#include "TileParts.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace lutra;

namespace {
/// Vectors of as many lanes of 128 bits as there are tables beside each other.
class TableVectors {
public:
  using Values = SmallVector<Value>;

  TableVectors(OpBuilder &builder, Location loc, int64_t lanes)
      : builder(builder), loc(loc), lanes(lanes), vectorBytes(16 * lanes),
        bytes(VectorType::get({vectorBytes}, builder.getI8Type())),
        narrowType(VectorType::get({vectorBytes / 2}, builder.getI16Type())),
        wideType(VectorType::get({vectorBytes / 4}, builder.getI32Type())) {}

protected:
  static constexpr int64_t panel = 16, wideLanes = 4;

  Value index(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }
  Value addIndex(Value lhs, Value rhs) { return builder.createOrFold<arith::AddIOp>(loc, lhs, rhs); }
  Value splat(VectorType type, int64_t value) {
    auto attribute = IntegerAttr::get(type.getElementType(), value);
    return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, attribute.getValue()));
  }
  Value bytesOf(llvm::function_ref<int64_t(int64_t)> entry) {
    SmallVector<int8_t> entries;
    for (int64_t i = 0; i < vectorBytes; ++i)
      entries.push_back(static_cast<int8_t>(entry(i)));
    return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(bytes, ArrayRef(entries)));
  }
  Value call(StringRef intrinsic, Type type, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(builder, loc, type, builder.getStringAttr(intrinsic), operands)->getResult(0);
  }
  /// Of the same lane or, of wide vectors, of any.
  Value shuffleBytes(Value table, Value indices) {
    return call(lanes == wideLanes ? "llvm.x86.avx512.permvar.qi.512" : "llvm.x86.avx2.pshuf.b", bytes,
                {table, indices});
  }
  Value cast(VectorType type, Value value) { return vector::BitCastOp::create(builder, loc, type, value); }
  Value add(Value lhs, Value rhs) { return arith::AddIOp::create(builder, loc, lhs, rhs); }
  Value bitAnd(Value lhs, Value rhs) { return arith::AndIOp::create(builder, loc, lhs, rhs); }
  Value shiftRight(Value words, int64_t by) {
    return arith::ShRUIOp::create(builder, loc, words, splat(narrowType, by));
  }
  Value shiftLeft(Value words, int64_t by) {
    return arith::ShLIOp::create(builder, loc, words, splat(narrowType, by));
  }

  OpBuilder &builder;
  Location loc;
  int64_t lanes, vectorBytes;
  VectorType bytes, narrowType, wideType;
};

class TableEmitter : public TableVectors {
public:
  TableEmitter(OpBuilder &builder, TileSubsetSumsOp op)
      : TableVectors(builder, op.getLoc(), op.getType().getShape()[1] / 16),
        parts(TileSubsetSumsOp::partsOf(static_cast<int64_t>(op.getLhsBits()))),
        offset(TileSubsetSumsOp::offsetOf(static_cast<int64_t>(op.getLhsBits()))) {}
  /// The rows of tables of 8 steps of K for each lane, which lie from `lhs` on.
  Values emit(const FlatOperand &lhs);

private:
  Values emitNarrow(const FlatOperand &lhs);

  int64_t parts, offset;
};

/// Reads tables and codes of one op.
class LookupReader : public TableVectors {
public:
  LookupReader(OpBuilder &builder, TileLookupMatmulOp op)
      : TableVectors(builder, op.getLoc(), op.getChunkDepth() / 8), op(op), rows(op.getAcc().getType().getShape()[0]),
        bits(static_cast<int64_t>(op.getBits())),
        parts(TileSubsetSumsOp::partsOf(static_cast<int64_t>(op.getLhsBits()))),
        offset(TileSubsetSumsOp::offsetOf(static_cast<int64_t>(op.getLhsBits()))),
        tables(flattenOperand(builder, loc, op.getTables(), op.getTableIndices())),
        codes(flattenOperand(builder, loc, op.getCodes(), op.getCodeIndices())) {}

protected:
  /// The words of a plane of chunk number chunk + distance for a row, and the tables of both halves in their parts.
  /// `chunk` begins a step of whole words of all planes.
  Value loadWords(Value chunk, int64_t distance, int64_t plane, int64_t row) {
    int64_t together = bits == 1 ? 1 : static_cast<int64_t>(op.getPlaneWords()) / lanes; // chunks of a plane
    int64_t vectors = (distance / together * bits + plane) * together + distance % together;
    return load(codes, chunk, 0, bits * vectorBytes, row, vectors * vectorBytes);
  }
  Values loadTables(Value chunk, int64_t distance, int64_t row) {
    Values table;
    for (int64_t i = 0; i < 2 * parts; ++i)
      table.push_back(load(tables, chunk, distance, 2 * parts * vectorBytes, row, i * vectorBytes));
    return table;
  }

  TileLookupMatmulOp op;
  int64_t rows, bits;
  int64_t parts, offset; // of entries

private:
  Value load(const FlatOperand &from, Value chunk, int64_t distance, int64_t stride, int64_t row, int64_t at) {
    Value place = addIndex(from.base, builder.createOrFold<arith::MulIOp>(loc, chunk, index(stride)));
    place = addIndex(place, builder.createOrFold<arith::MulIOp>(loc, index(row), from.strides[0]));
    return vector::LoadOp::create(builder, loc, bytes, from.buffer,
                                  ValueRange{addIndex(place, index(distance * stride + at))});
  }

  FlatOperand tables, codes;
};

/// Sums of bytes, then of 16 bits, then of 32.
class ByteLookupEmitter : public LookupReader {
public:
  virtual ~ByteLookupEmitter() = default;
  Values emit(ValueRange accumulator);

protected:
  /// `segmentChunks`: those whose sums 16 bits hold, no more than 64 of 1020. `vectors`: of 32 bits of a row.
  ByteLookupEmitter(OpBuilder &builder, TileLookupMatmulOp op, int64_t segmentChunks, int64_t vectors)
      : LookupReader(builder, op), entriesOfByte(parts == 2 ? 255 / 31 : 255 / (2 * offset - 4)),
        segmentChunks(segmentChunks), vectors(vectors) {}
  /// The upper halves of bytes, as bytes.
  virtual Value upperHalves(Value words) = 0;
  virtual Value find(Value table, Value indices) = 0;
  /// Adds the sums of bytes of a block, one for each part of a row, to those of 16 bits.
  virtual void addBlock(const Values &narrow, Values &sums) = 0;
  /// Adds the sums of 16 bits of a plane of `count` chunks to those of 32.
  virtual void addWide(const Values &sums, int64_t count, int64_t plane, Values &wide) = 0;
  /// Adds words of 16 bits, less what entries of `count` chunks are raised by, to a sum of 32.
  void addWords(Value words, int64_t count, int64_t plane, Value &sum) {
    words = arith::ExtUIOp::create(builder, loc, wideType, words);
    words = arith::SubIOp::create(builder, loc, words, splat(wideType, offset * 2 * lanes * count));
    sum = add(sum, plane == 0 ? words : arith::ShLIOp::create(builder, loc, words, splat(wideType, plane)).getResult());
  }

private:
  /// `later`: of upper halves, where a byte holds one entry.
  void addChunk(Value chunk, int64_t distance, int64_t plane, Values &narrow, Values &later);
  void addPlane(Value chunk, int64_t count, int64_t plane, Values &wide);
  void addSegment(Value chunk, int64_t count, Values &wide) {
    for (int64_t plane = 0; plane < bits; ++plane)
      addPlane(chunk, count, plane, wide);
  }

  /// Of which a byte holds the sum.
  int64_t entriesOfByte;
  int64_t segmentChunks, vectors;
};

/// Two lanes.
class LookupEmitter final : public ByteLookupEmitter {
public:
  LookupEmitter(OpBuilder &builder, TileLookupMatmulOp op) : ByteLookupEmitter(builder, op, 16, 2) {}

private:
  Value upperHalves(Value words) override {
    return bitAnd(cast(bytes, shiftRight(cast(narrowType, words), 4)), splat(bytes, 15));
  }
  Value find(Value table, Value indices) override { return shuffleBytes(table, indices); }
  void addBlock(const Values &narrow, Values &sums) override;
  void addWide(const Values &sums, int64_t count, int64_t plane, Values &wide) override;
};

/// Sums in 32 bits, four lanes.
class WideLookupEmitter : public LookupReader {
public:
  using LookupReader::LookupReader;
  Values emit(ValueRange accumulator);

private:
  static constexpr int64_t unrolled = 4;

  void addChunk(Value chunk, int64_t distance, int64_t plane, Values &sums);
};

/// One lane.
class NeonLookupEmitter final : public ByteLookupEmitter {
public:
  NeonLookupEmitter(OpBuilder &builder, TileLookupMatmulOp op) : ByteLookupEmitter(builder, op, 32, 2 * halves) {}

private:
  static constexpr int64_t halves = 2;

  Value upperHalves(Value words) override {
    return arith::ShRUIOp::create(builder, loc, words, splat(bytes, 4));
  }
  Value find(Value table, Value indices) override {
    return call("llvm.aarch64.neon.tbl1.v16i8", bytes, {table, indices});
  }
  void addBlock(const Values &narrow, Values &sums) override;
  void addWide(const Values &sums, int64_t count, int64_t plane, Values &wide) override;
  Value widen(Value value, int64_t half, VectorType type) {
    int64_t count = type.getNumElements();
    Value part = vector::ExtractStridedSliceOp::create(builder, loc, value, {half * count}, {count}, {1});
    return arith::ExtUIOp::create(builder, loc, type, part);
  }
};
} // namespace

/// One lane: all entries of a half side by side, in 16 bits.
SmallVector<Value> TableEmitter::emitNarrow(const FlatOperand &lhs) {
  constexpr int64_t entries = 16, neighbours = 4;
  auto sumType = VectorType::get({entries}, builder.getI16Type());
  Value read = vector::LoadOp::create(builder, loc, VectorType::get({2 * neighbours}, builder.getI8Type()), lhs.buffer,
                                      ValueRange{lhs.base});
  read = arith::ExtSIOp::create(builder, loc, narrowType, read);
  Values tables;
  for (int64_t side = 0; side < 2; ++side) {
    Value sum = splat(sumType, offset);
    for (int64_t j = 0; j < neighbours; ++j) {
      SmallVector<int16_t> mask;
      for (int64_t entry = 0; entry < entries; ++entry)
        mask.push_back(entry >> j & 1 ? -1 : 0);
      Value has = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(sumType, ArrayRef(mask)));
      Value value = vector::ExtractOp::create(builder, loc, read, side * neighbours + j);
      sum = add(sum, bitAnd(vector::BroadcastOp::create(builder, loc, sumType, value), has));
    }
    if (parts == 1) {
      tables.push_back(arith::TruncIOp::create(builder, loc, bytes, sum));
      continue;
    }
    Value upper = arith::ShRUIOp::create(builder, loc, sum, splat(sumType, 5));
    tables.push_back(arith::TruncIOp::create(builder, loc, bytes, bitAnd(sum, splat(sumType, 31))));
    tables.push_back(arith::TruncIOp::create(builder, loc, bytes, upper));
  }
  return tables;
}

SmallVector<Value> TableEmitter::emit(const FlatOperand &lhs) {
  if (lanes == 1)
    return emitNarrow(lhs);
  auto half = VectorType::get({vectorBytes / 2}, builder.getI8Type());
  Value read = vector::LoadOp::create(builder, loc, half, lhs.buffer, ValueRange{lhs.base});
  SmallVector<int64_t> twice;
  for (int64_t i = 0; i < vectorBytes; ++i)
    twice.push_back(i % (vectorBytes / 2));
  Value both = vector::ShuffleOp::create(builder, loc, read, read, twice);
  // Word e of each lane stands for entry e, or (upper) e + 8.
  Value lowBits = bytesOf([](int64_t i) { return i % 16 / 2 >> i % 2 & 1; });
  Value highBits = bytesOf([](int64_t i) { return i % 2 == 0 ? i % 16 / 2 >> 2 & 1 : 0; });
  Value upperBits = bytesOf([](int64_t i) { return i % 2 == 0 ? i % 16 / 2 >> 2 & 1 : 1; });
  auto multiply = [&](Value bits, Value neighbours) {
    StringRef name = lanes == wideLanes ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw";
    return call(name, narrowType, {bits, neighbours});
  };
  auto pack = [&](Value low, Value high) {
    return call(lanes == wideLanes ? "llvm.x86.avx512.packuswb.512" : "llvm.x86.avx2.packuswb", bytes, {low, high});
  };
  Values tables;
  for (int64_t side = 0; side < 2; ++side) {
    auto pair = [&](int64_t first) {
      return shuffleBytes(both, bytesOf([&](int64_t i) { return i / 16 * 8 + 4 * side + first + i % 2; }));
    };
    Value later = pair(2);
    Value start = add(multiply(lowBits, pair(0)), splat(narrowType, offset));
    Value lower = add(start, multiply(highBits, later)), upper = add(start, multiply(upperBits, later));
    if (parts == 1) {
      tables.push_back(pack(lower, upper));
      continue;
    }
    Value mask = splat(narrowType, 31);
    tables.push_back(pack(bitAnd(lower, mask), bitAnd(upper, mask)));
    tables.push_back(pack(shiftRight(lower, 5), shiftRight(upper, 5)));
  }
  return tables;
}

/// Adds what the codes of chunk number chunk + distance name to the bytes, null where they are 0.
void ByteLookupEmitter::addChunk(Value chunk, int64_t distance, int64_t plane, Values &narrow, Values &later) {
  Value halves[2];
  Values table; // of both halves, in their parts
  for (int64_t row = 0; row < rows; ++row) {
    if (row == 0 || op.getAcross()) {
      Value words = loadWords(chunk, distance, plane, row);
      halves[0] = bitAnd(words, splat(bytes, 15));
      halves[1] = upperHalves(words);
    }
    if (row == 0 || !op.getAcross())
      table = loadTables(chunk, distance, row);
    for (int64_t part = 0; part < parts; ++part) {
      Value lower = find(table[part], halves[0]), upper = find(table[parts + part], halves[1]);
      Value &sum = narrow[parts * row + part];
      if (entriesOfByte == 1) {
        sum = lower;
        later.push_back(upper);
        continue;
      }
      Value found = add(lower, upper);
      sum = sum ? add(sum, found) : found;
    }
  }
}

/// Adds a plane of `count` chunks, no more than a segment, to the 32-bit sums.
void ByteLookupEmitter::addPlane(Value chunk, int64_t count, int64_t plane, Values &wide) {
  Values sums;
  int64_t blockChunks = std::max<int64_t>(1, entriesOfByte / 2);
  for (int64_t first = 0; first < count; first += blockChunks) {
    Values narrow(parts * rows), later;
    for (int64_t next = first; next < std::min(count, first + blockChunks); ++next)
      addChunk(chunk, next, plane, narrow, later);
    addBlock(narrow, sums);
    if (!later.empty())
      addBlock(later, sums);
  }
  addWide(sums, count, plane, wide);
}

SmallVector<Value> ByteLookupEmitter::emit(ValueRange accumulator) {
  Values wide = splitRows(builder, loc, accumulator, wideType, vectors);
  int64_t chunks = static_cast<int64_t>(op.getDepth()) / op.getChunkDepth();
  int64_t whole = chunks / segmentChunks * segmentChunks;
  if (whole > segmentChunks)
    wide = carryLoop(builder, loc, {index(0), index(whole), index(segmentChunks)}, wide,
                     [&](Value chunk, Values &carried) { addSegment(chunk, segmentChunks, carried); });
  else if (whole > 0)
    addSegment(index(0), whole, wide);
  if (whole < chunks)
    addSegment(index(whole), chunks - whole, wide);
  return joinRows(builder, loc, wide, llvm::to_vector(accumulator.getTypes()), vectors);
}

/// All words of each sum, then the upper bytes of all: what is left of the first is that of the lower ones.
void LookupEmitter::addBlock(const Values &narrow, Values &sums) {
  int64_t count = parts * rows;
  sums.resize(2 * count);
  for (int64_t i = 0; i < count; ++i) {
    Value words = cast(narrowType, narrow[i]), upper = shiftRight(words, 8);
    Value &all = sums[i], &odd = sums[count + i];
    all = all ? add(all, words) : words;
    odd = odd ? add(odd, upper) : upper;
  }
}

void LookupEmitter::addWide(const Values &sums, int64_t count, int64_t plane, Values &wide) {
  auto shuffle = [&](Value lhs, Value rhs, llvm::function_ref<int64_t(int64_t)> from) -> Value {
    SmallVector<int64_t> order;
    for (int64_t i = 0; i < panel; ++i)
      order.push_back(from(i));
    return vector::ShuffleOp::create(builder, loc, lhs, rhs, order);
  };
  // Words of one half of the vector: an even column, an odd one.
  auto interleave = [&](Value even, Value odds, int64_t from) {
    return shuffle(even, odds, [&](int64_t i) { return i / 8 * 8 + from + i % 8 / 2 + i % 2 * panel; });
  };
  auto halves = [&](Value low, Value high, int64_t from) {
    return shuffle(low, high, [&](int64_t i) { return i / 8 * panel + from + i % 8; });
  };
  for (int64_t row = 0; row < rows; ++row) {
    ArrayRef<Value> own = ArrayRef(sums).slice(parts * row), odd = own.drop_front(parts * rows);
    Value all = parts == 1 ? own[0] : add(own[0], shiftLeft(own[1], 5));
    Value odds = parts == 1 ? odd[0] : add(odd[0], shiftLeft(odd[1], 5));
    Value even = arith::SubIOp::create(builder, loc, all, shiftLeft(odds, 8));
    Value low = interleave(even, odds, 0), high = interleave(even, odds, 4);
    Value columns = add(halves(low, high, 0), halves(low, high, 8));
    for (int64_t part = 0; part < 2; ++part) {
      Value words = vector::ExtractStridedSliceOp::create(builder, loc, columns, {part * 8}, {8}, {1});
      addWords(words, count, plane, wide[2 * row + part]);
    }
  }
}

/// Adds what the codes of chunk number chunk + distance name to the sums, one for each half of a row's bytes.
void WideLookupEmitter::addChunk(Value chunk, int64_t distance, int64_t plane, Values &sums) {
  Value columns = bytesOf([](int64_t i) { return i % wideLanes * panel + i / wideLanes; });
  Value numbers = bytesOf([](int64_t i) { return i % wideLanes * 16; }), mask = splat(bytes, 15), halves[2];
  auto place = [&](Value index) -> Value { return arith::OrIOp::create(builder, loc, bitAnd(index, mask), numbers); };
  Values table; // of both halves, in their parts
  for (int64_t row = 0; row < rows; ++row) {
    if (row == 0 || op.getAcross()) {
      Value words = shuffleBytes(loadWords(chunk, distance, plane, row), columns);
      halves[0] = place(words);
      halves[1] = place(cast(bytes, shiftRight(cast(narrowType, words), 4)));
    }
    if (row == 0 || !op.getAcross())
      table = loadTables(chunk, distance, row);
    for (int64_t i = 0; i < 2 * parts; ++i) {
      Value &sum = sums[2 * row + i / parts];
      sum = call("llvm.x86.avx512.vpdpbusd.512", wideType,
                 {sum, shuffleBytes(table[i], halves[i / parts]), splat(bytes, (i % parts == 0 ? 1 : 32) << plane)});
    }
  }
}

SmallVector<Value> WideLookupEmitter::emit(ValueRange accumulator) {
  int64_t chunks = static_cast<int64_t>(op.getDepth()) / op.getChunkDepth(), whole = chunks / unrolled * unrolled;
  Values sums;
  for (Value start : splitRows(builder, loc, accumulator, wideType, 1)) {
    sums.push_back(start);
    sums.push_back(splat(wideType, -offset * 2 * lanes * chunks * ((1 << bits) - 1)));
  }
  auto addChunks = [&](Value first, int64_t count, Values &carried) {
    for (int64_t next = 0; next < count * bits; ++next)
      addChunk(first, next / bits, next % bits, carried);
  };
  if (whole > unrolled)
    sums = carryLoop(builder, loc, {index(0), index(whole), index(unrolled)}, sums,
                     [&](Value chunk, Values &carried) { addChunks(chunk, unrolled, carried); });
  else
    addChunks(index(0), whole, sums);
  addChunks(index(whole), chunks - whole, sums);
  Values totals;
  for (int64_t row = 0; row < rows; ++row)
    totals.push_back(add(sums[2 * row], sums[2 * row + 1]));
  return joinRows(builder, loc, totals, llvm::to_vector(accumulator.getTypes()), 1);
}

void NeonLookupEmitter::addBlock(const Values &narrow, Values &sums) {
  sums.resize(parts * rows * halves);
  for (int64_t i = 0; i < parts * rows; ++i)
    for (int64_t half = 0; half < halves; ++half) {
      Value words = widen(narrow[i], half, narrowType);
      Value &sum = sums[i * halves + half];
      sum = sum ? add(sum, words) : words;
    }
}

void NeonLookupEmitter::addWide(const Values &sums, int64_t count, int64_t plane, Values &wide) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t part = 0; part < 2 * halves; ++part) {
      int64_t half = part / 2;
      Value all = sums[parts * row * halves + half];
      if (parts == 2)
        all = add(all, shiftLeft(sums[(2 * row + 1) * halves + half], 5));
      Value half16 = vector::ExtractStridedSliceOp::create(builder, loc, all, {part % 2 * 4}, {4}, {1});
      addWords(half16, count, plane, wide[2 * row * halves + part]);
    }
}

/// Whether a level of `most` lanes reads tables of `lanes`: its own or, on x86, those of every level.
static bool takesLanes(int64_t lanes, int64_t most) { return lanes == most || (lanes == 2 && most > 2); }

namespace {
struct ConvertTileSubsetSums final : OpConversionPattern<TileSubsetSumsOp> {
  ConvertTileSubsetSums(const TypeConverter &converter, MLIRContext *context, int64_t lanes)
      : OpConversionPattern(converter, context), lanes(lanes) {}

  LogicalResult matchAndRewrite(TileSubsetSumsOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    int64_t own = op.getType().getShape()[1] / 16;
    if (!takesLanes(own, lanes))
      return rewriter.notifyMatchFailure(op, "takes two lanes, or as many as vectors have");
    if (!cast<MemRefType>(op.getLhs().getType()).areTrailingDimsContiguous(1))
      return rewriter.notifyMatchFailure(op, "takes a buffer whose last dimension is contiguous");
    FlatOperand lhs = flattenOperand(rewriter, op.getLoc(), op.getLhs(), op.getIndices());
    rewriter.replaceOpWithMultiple(op, {TableEmitter(rewriter, op).emit(lhs)});
    return success();
  }

private:
  int64_t lanes; // at most
};

/// Needs an accumulator that was converted to its rows.
struct ConvertTileLookupMatmul final : OpConversionPattern<TileLookupMatmulOp> {
  ConvertTileLookupMatmul(const TypeConverter &converter, MLIRContext *context, int64_t lanes)
      : OpConversionPattern(converter, context), lanes(lanes) {}

  LogicalResult matchAndRewrite(TileLookupMatmulOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ArrayRef<int64_t> tile = op.getAcc().getType().getShape();
    auto isPlain = [](Value buffer) { return cast<MemRefType>(buffer.getType()).getLayout().isIdentity(); };
    int64_t own = op.getChunkDepth() / 8;
    if (!takesLanes(own, lanes) || tile[1] != 16)
      return rewriter.notifyMatchFailure(op, "takes two lanes, or as many as vectors have, and 16 columns");
    int64_t bits = static_cast<int64_t>(op.getBits()), parts = TileSubsetSumsOp::partsOf(op.getLhsBits());
    int64_t planeWords = static_cast<int64_t>(op.getPlaneWords());
    bool isHeavy = own > 2 && parts == 2 && bits > widePlanes;
    if (bits > 1 && (planeWords % own != 0 || mostWords % planeWords != 0 || isHeavy))
      return rewriter.notifyMatchFailure(op, "takes words of planes that lanes divide and that divide 16, and weights "
                                             "that bytes hold");
    if (!isPlain(op.getTables()) || !isPlain(op.getCodes()))
      return rewriter.notifyMatchFailure(op, "takes tables and codes that lie one after the other");
    if (adaptor.getAcc().size() != static_cast<size_t>(tile[0]))
      return rewriter.notifyMatchFailure(op, "accumulator was not converted to its rows");
    rewriter.replaceOpWithMultiple(op, {own > 2   ? WideLookupEmitter(rewriter, op).emit(adaptor.getAcc())
                                        : own > 1 ? LookupEmitter(rewriter, op).emit(adaptor.getAcc())
                                                  : NeonLookupEmitter(rewriter, op).emit(adaptor.getAcc())});
    return success();
  }

private:
  /// Of which vpdpbusd weighs what it adds, times 1 and 32, in a byte.
  static constexpr int64_t widePlanes = 2;
  /// Words of a plane: loops begin with a whole step of planes each time (LookupReader::loadWords).
  static constexpr int64_t mostWords = 16;

  int64_t lanes; // at most
};
} // namespace

void lutra::populateTileLookupMatmulPatterns(const TypeConverter &converter, int64_t lanes,
                                             RewritePatternSet &patterns) {
  patterns.add<ConvertTileSubsetSums, ConvertTileLookupMatmul>(converter, patterns.getContext(), lanes);
}
