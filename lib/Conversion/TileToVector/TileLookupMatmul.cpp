//===- TileLookupMatmul.cpp - codes of one bit by tables on AVX2 ------------===//
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
/// Vectors of 256 bits.
class HalfVectors {
public:
  using Values = SmallVector<Value>;

  HalfVectors(OpBuilder &builder, Location loc)
      : builder(builder), loc(loc), bytes(VectorType::get({32}, builder.getI8Type())),
        narrowType(VectorType::get({16}, builder.getI16Type())), wideType(VectorType::get({8}, builder.getI32Type())) {}

protected:
  static constexpr int64_t vectorBytes = 32, panel = 16, lanes = 2;

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
  Value shuffleBytes(Value table, Value indices) { return call("llvm.x86.avx2.pshuf.b", bytes, {table, indices}); }
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
  VectorType bytes, narrowType, wideType;
};

class TableEmitter : public HalfVectors {
public:
  using HalfVectors::HalfVectors;
  /// The rows of tables of 16 steps of K, which lie from `lhs` on.
  Values emit(const FlatOperand &lhs);
};

class LookupEmitter : public HalfVectors {
public:
  LookupEmitter(OpBuilder &builder, TileLookupMatmulOp op);
  Values emit(ValueRange accumulator);

private:
  /// Chunks whose entries bytes hold the sum of, and whose sums 16 bits hold: 8 entries of 31, and 64 of 1020.
  static constexpr int64_t blockChunks = 4, segmentChunks = 16;

  void addChunk(Value chunk, int64_t distance, Values &narrow);
  void addSegment(Value chunk, int64_t count, Values &wide);

  TileLookupMatmulOp op;
  int64_t rows;
  FlatOperand tables, codes;
};
} // namespace

SmallVector<Value> TableEmitter::emit(const FlatOperand &lhs) {
  auto half = VectorType::get({16}, builder.getI8Type());
  Value read = vector::LoadOp::create(builder, loc, half, lhs.buffer, ValueRange{lhs.base});
  SmallVector<int64_t> twice;
  for (int64_t i = 0; i < vectorBytes; ++i)
    twice.push_back(i % 16);
  Value both = vector::ShuffleOp::create(builder, loc, read, read, twice);
  // Word e of either half stands for entry e, or (upper) e + 8.
  Value lowBits = bytesOf([](int64_t i) { return i % 16 / 2 >> i % 2 & 1; });
  Value highBits = bytesOf([](int64_t i) { return i % 2 == 0 ? i % 16 / 2 >> 2 & 1 : 0; });
  Value upperBits = bytesOf([](int64_t i) { return i % 2 == 0 ? i % 16 / 2 >> 2 & 1 : 1; });
  auto multiply = [&](Value bits, Value neighbours) {
    return call("llvm.x86.avx2.pmadd.ub.sw", narrowType, {bits, neighbours});
  };
  auto pack = [&](Value low, Value high) { return call("llvm.x86.avx2.packuswb", bytes, {low, high}); };
  Values parts;
  for (int64_t side = 0; side < 2; ++side) {
    auto pair = [&](int64_t first) {
      return shuffleBytes(both, bytesOf([&](int64_t i) { return i / 16 * 8 + 4 * side + first + i % 2; }));
    };
    Value later = pair(2);
    Value start = add(multiply(lowBits, pair(0)), splat(narrowType, 512));
    Value lower = add(start, multiply(highBits, later)), upper = add(start, multiply(upperBits, later));
    Value mask = splat(narrowType, 31);
    parts.push_back(pack(bitAnd(lower, mask), bitAnd(upper, mask)));
    parts.push_back(pack(shiftRight(lower, 5), shiftRight(upper, 5)));
  }
  return parts;
}

LookupEmitter::LookupEmitter(OpBuilder &builder, TileLookupMatmulOp op)
    : HalfVectors(builder, op.getLoc()), op(op), rows(op.getAcc().getType().getShape()[0]),
      tables(flattenOperand(builder, loc, op.getTables(), op.getTableIndices())),
      codes(flattenOperand(builder, loc, op.getCodes(), op.getCodeIndices())) {}

/// Adds what the codes of chunk number chunk + distance name to the bytes, null where they are 0.
void LookupEmitter::addChunk(Value chunk, int64_t distance, Values &narrow) {
  constexpr int64_t chunkBytes = 4 * vectorBytes;
  auto load = [&](const FlatOperand &from, int64_t stride, int64_t row, int64_t at) -> Value {
    Value place = addIndex(from.base, builder.createOrFold<arith::MulIOp>(loc, chunk, index(stride)));
    place = addIndex(place, builder.createOrFold<arith::MulIOp>(loc, index(row), from.strides[0]));
    return vector::LoadOp::create(builder, loc, bytes, from.buffer,
                                  ValueRange{addIndex(place, index(distance * stride + at))});
  };
  Value mask = splat(bytes, 15), halves[2];
  Values table; // of both halves, in two parts each
  for (int64_t row = 0; row < rows; ++row) {
    if (row == 0 || op.getAcross()) {
      Value word = load(codes, vectorBytes, row, 0);
      halves[0] = bitAnd(word, mask);
      halves[1] = bitAnd(cast(bytes, shiftRight(cast(narrowType, word), 4)), mask);
    }
    if (row == 0 || !op.getAcross()) {
      table.clear();
      for (int64_t i = 0; i < 4; ++i)
        table.push_back(load(tables, chunkBytes, row, i * vectorBytes));
    }
    for (int64_t part = 0; part < 2; ++part) {
      Value found = add(shuffleBytes(table[part], halves[0]), shuffleBytes(table[2 + part], halves[1]));
      Value &sum = narrow[2 * row + part];
      sum = sum ? add(sum, found) : found;
    }
  }
}

/// Adds `count` chunks, no more than a segment, to the 32-bit sums.
void LookupEmitter::addSegment(Value chunk, int64_t count, Values &wide) {
  Values sums(2 * rows), odd(2 * rows);
  for (int64_t first = 0; first < count; first += blockChunks) {
    Values narrow(2 * rows);
    for (int64_t next = first; next < std::min(count, first + blockChunks); ++next)
      addChunk(chunk, next, narrow);
    for (int64_t i = 0; i < 2 * rows; ++i) {
      Value words = cast(narrowType, narrow[i]), upper = shiftRight(words, 8);
      sums[i] = sums[i] ? add(sums[i], words) : words;
      odd[i] = odd[i] ? add(odd[i], upper) : upper;
    }
  }
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
    Value all = add(sums[2 * row], shiftLeft(sums[2 * row + 1], 5));
    Value odds = add(odd[2 * row], shiftLeft(odd[2 * row + 1], 5));
    Value even = arith::SubIOp::create(builder, loc, all, shiftLeft(odds, 8));
    Value low = interleave(even, odds, 0), high = interleave(even, odds, 4);
    Value columns = add(halves(low, high, 0), halves(low, high, 8));
    for (int64_t part = 0; part < 2; ++part) {
      Value words = vector::ExtractStridedSliceOp::create(builder, loc, columns, {part * 8}, {8}, {1});
      Value &sum = wide[2 * row + part];
      sum = add(sum, arith::ExtUIOp::create(builder, loc, wideType, words));
      sum = arith::SubIOp::create(builder, loc, sum, splat(wideType, 512 * 2 * lanes * count));
    }
  }
}

SmallVector<Value> LookupEmitter::emit(ValueRange accumulator) {
  Values wide = splitRows(builder, loc, accumulator, wideType, 2);
  int64_t chunks = static_cast<int64_t>(op.getDepth()) / op.getChunkDepth();
  int64_t whole = chunks / segmentChunks * segmentChunks;
  if (whole > segmentChunks)
    wide = carryLoop(builder, loc, {index(0), index(whole), index(segmentChunks)}, wide,
                     [&](Value chunk, Values &carried) { addSegment(chunk, segmentChunks, carried); });
  else if (whole > 0)
    addSegment(index(0), whole, wide);
  if (whole < chunks)
    addSegment(index(whole), chunks - whole, wide);
  return joinRows(builder, loc, wide, llvm::to_vector(accumulator.getTypes()), 2);
}

namespace {
struct ConvertTileSubsetSums final : OpConversionPattern<TileSubsetSumsOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(TileSubsetSumsOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (op.getType().getShape()[1] != 32)
      return rewriter.notifyMatchFailure(op, "takes two lanes");
    if (!cast<MemRefType>(op.getLhs().getType()).areTrailingDimsContiguous(1))
      return rewriter.notifyMatchFailure(op, "takes a buffer whose last dimension is contiguous");
    FlatOperand lhs = flattenOperand(rewriter, op.getLoc(), op.getLhs(), op.getIndices());
    rewriter.replaceOpWithMultiple(op, {TableEmitter(rewriter, op.getLoc()).emit(lhs)});
    return success();
  }
};

/// Needs an accumulator that was converted to its rows.
struct ConvertTileLookupMatmul final : OpConversionPattern<TileLookupMatmulOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(TileLookupMatmulOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ArrayRef<int64_t> tile = op.getAcc().getType().getShape();
    auto isPlain = [](Value buffer) { return cast<MemRefType>(buffer.getType()).getLayout().isIdentity(); };
    if (op.getChunkDepth() != 16 || tile[1] != 16)
      return rewriter.notifyMatchFailure(op, "takes two lanes and 16 columns");
    if (!isPlain(op.getTables()) || !isPlain(op.getCodes()))
      return rewriter.notifyMatchFailure(op, "takes tables and codes that lie one after the other");
    if (adaptor.getAcc().size() != static_cast<size_t>(tile[0]))
      return rewriter.notifyMatchFailure(op, "accumulator was not converted to its rows");
    rewriter.replaceOpWithMultiple(op, {LookupEmitter(rewriter, op).emit(adaptor.getAcc())});
    return success();
  }
};
} // namespace

void lutra::populateTileLookupMatmulPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ConvertTileSubsetSums, ConvertTileLookupMatmul>(converter, patterns.getContext());
}
