//===- TileCodedMatmul.cpp - codes times 8-bit integers on CPU vectors -----===//
// Each 32-bit lane of a vector holds the bytes of one column, and each byte a code in every field. One field of a step
// meets four neighbours along K, broadcast to all lanes:
//
//   for chunk: narrow[r][c] = 0                                             16-bit sums of two products
//     for step of chunk, field:
//       values[c] = value(field of words(c));  x[r] = broadcast(load lhs(r, 4 neighbours))
//       narrow[r][c] += pmaddubsw(values[c], x[r])
//     wide[r][c] += pmaddwd(narrow[r][c], 1)                                32-bit sums
//
// A chunk is as long as 16 bits hold every sum, so that nothing saturates; where they do not hold those of a step, it
// is a part of the step's fields. Values below 0 give x their sign: pmaddubsw(|value|, psignb(x, value)). 256-bit
// vectors on every level: two 512-bit units do no more of these in a cycle than three of 256 bits.
#include "TileMatmul.h"
#include "TileParts.h"
#include "TileToVector.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/EncodedPanels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"

#include <numeric>

using namespace mlir;
using namespace lutra;

/// Bytes of a native vector, and of a column in a word.
static constexpr int64_t vectorBytes = 32, wordBytes = 4;

namespace {
/// The least and the greatest value of a code.
struct ValueRangeOf {
  int64_t least, greatest;
};
} // namespace

static ValueRangeOf valueRange(TileCodedMatmulOp op) {
  if (std::optional<ArrayRef<int64_t>> values = op.getValues())
    return {*llvm::min_element(*values), *llvm::max_element(*values)};
  int64_t offset = op.getOffset();
  return {-offset, (int64_t(1) << op.getBits()) - 1 - offset};
}

/// How many sums of two products 16 bits hold; 0: none. The other factor reaches -128, or -127 where it takes the sign
/// of the value.
static int64_t productsIn16Bits(ValueRangeOf range) {
  if (range.least >= 0)
    return range.greatest == 0 ? 128 : 128 / range.greatest;
  int64_t magnitude = std::max(-range.least, range.greatest);
  return magnitude > 128 ? 0 : 32767 / (2 * 127 * magnitude);
}

/// What keeps an op from these instructions; empty: nothing.
static std::string findObstacle(TileCodedMatmulOp op) {
  if (op.getValues() && op.getBits() > 6)
    return "takes tables of at most 64 entries";
  if (op.getOffset() != 0 && (op.getOffset() != 128 || op.getBits() != 8 || op.getValues()))
    return "takes the offset 128 of codes of 8 bits alone";
  if (productsIn16Bits(valueRange(op)) == 0)
    return "takes values of which 16 bits hold two products";
  return {};
}

namespace {
class CodedMatmulEmitter {
public:
  using Values = SmallVector<Value>;

  CodedMatmulEmitter(OpBuilder &builder, TileCodedMatmulOp op);
  /// `specialRow` may be null.
  Values emit(ValueRange accumulator, Value specialRow);

private:
  Value index(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }
  Value add(Value lhs, Value rhs) { return builder.createOrFold<arith::AddIOp>(loc, lhs, rhs); }
  Value mul(Value lhs, int64_t rhs) { return builder.createOrFold<arith::MulIOp>(loc, lhs, index(rhs)); }
  Value call(StringRef intrinsic, Type type, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(builder, loc, type, builder.getStringAttr(intrinsic), operands)->getResult(0);
  }
  Value splat(VectorType type, int64_t value) {
    auto attribute = IntegerAttr::get(type.getElementType(), value);
    return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, attribute.getValue()));
  }
  Value field(ArrayRef<Value> words, int64_t field);
  Value lookUp(Value codes);
  Value valuesOf(Value codes, int64_t part);
  Value loadRow(Value step, int64_t row, int64_t field);
  Value multiply(Value values, Value magnitudes, Value left);
  void flush(Values &narrow, Values &wide);
  void addStep(Value step, Values &narrow, Values *wide);
  void addChunk(Value first, int64_t count, Values &wide);
  Values loop(Value upper, int64_t step, ValueRange carried, LoopBody body) {
    return carryLoop(builder, loc, {index(0), upper, index(step)}, carried, body);
  }

  OpBuilder &builder;
  TileCodedMatmulOp op;
  Location loc;
  CodeWords code;
  int64_t fields, rows, parts;
  ValueRangeOf range;
  int64_t adds; // products of a field that 16 bits hold
  VectorType bytes, narrowType, wideType;
  FlatOperand lhs, codes;
  Values rowOffset, special; // special: by part
};
} // namespace

CodedMatmulEmitter::CodedMatmulEmitter(OpBuilder &builder, TileCodedMatmulOp op)
    : builder(builder), op(op), loc(op.getLoc()), code{static_cast<unsigned>(op.getBits())}, fields(code.fields()),
      range(valueRange(op)), adds(productsIn16Bits(range)) {
  auto tileType = op.getAcc().getType();
  rows = tileType.getShape()[0];
  parts = tileType.getShape()[1] * wordBytes / vectorBytes;
  bytes = VectorType::get({vectorBytes}, builder.getI8Type());
  narrowType = VectorType::get({vectorBytes / 2}, builder.getI16Type());
  wideType = VectorType::get({vectorBytes / 4}, builder.getI32Type());
}

/// The codes of one field of all bytes.
Value CodedMatmulEmitter::field(ArrayRef<Value> words, int64_t field) {
  Value codes;
  for (const CodeWords::Piece &piece : code.piecesOf(field)) {
    Value bits = words[piece.word];
    int distance = static_cast<int>(piece.at) - static_cast<int>(piece.to);
    if (distance != 0) {
      Value shift = splat(narrowType, std::abs(distance));
      Value pairs = vector::BitCastOp::create(builder, loc, narrowType, bits);
      pairs = distance > 0 ? arith::ShRUIOp::create(builder, loc, pairs, shift).getResult()
                           : arith::ShLIOp::create(builder, loc, pairs, shift).getResult();
      bits = vector::BitCastOp::create(builder, loc, bytes, pairs);
    }
    if (piece.count < 8)
      bits = arith::AndIOp::create(builder, loc, bits, splat(bytes, ((1 << piece.count) - 1) << piece.to));
    codes = codes ? arith::OrIOp::create(builder, loc, codes, bits).getResult() : bits;
  }
  return codes;
}

/// The entries of the table for codes: each 16 by a shuffle, and of those the one that the upper bits say.
Value CodedMatmulEmitter::lookUp(Value codes) {
  ArrayRef<int64_t> table = *op.getValues();
  SmallVector<Value> found;
  for (size_t first = 0; first < table.size(); first += 16) {
    SmallVector<int8_t> entries; // in both halves of the vector
    for (int64_t i = 0; i < vectorBytes; ++i)
      entries.push_back(static_cast<int8_t>(table[first + i % 16 % std::min<size_t>(16, table.size())]));
    Value shuffled = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(bytes, ArrayRef(entries)));
    found.push_back(call("llvm.x86.avx2.pshuf.b", bytes, {shuffled, codes}));
  }
  for (int64_t bit = 16; found.size() > 1; bit *= 2) {
    Value clear = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        arith::AndIOp::create(builder, loc, codes, splat(bytes, bit)),
                                        splat(bytes, 0));
    SmallVector<Value> chosen;
    for (size_t i = 0; i < found.size(); i += 2)
      chosen.push_back(arith::SelectOp::create(builder, loc, clear, found[i], found[i + 1]));
    found = std::move(chosen);
  }
  return found.front();
}

/// What codes stand for.
Value CodedMatmulEmitter::valuesOf(Value codes, int64_t part) {
  if (op.getOffset() != 0) // 128 in bytes
    return arith::XOrIOp::create(builder, loc, codes, splat(bytes, op.getOffset()));
  Value values = op.getValues() ? lookUp(codes) : codes;
  if (special.empty())
    return values;
  Value isSpecial = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, codes,
                                          splat(bytes, op.getSpecialCode()));
  return arith::SelectOp::create(builder, loc, isSpecial, special[part], values);
}

/// Four neighbours of a row in every lane.
Value CodedMatmulEmitter::loadRow(Value step, int64_t row, int64_t field) {
  // What changes with the step is one register for all rows, where their distance is a number.
  Value address = add(add(lhs.base, mul(step, op.getStepDepth())), add(rowOffset[row], index(field * wordBytes)));
  auto four = VectorType::get({wordBytes}, builder.getI8Type());
  auto word = VectorType::get({1}, builder.getI32Type());
  Value loaded = vector::LoadOp::create(builder, loc, four, lhs.buffer, ValueRange{address});
  Value scalar = vector::ExtractOp::create(builder, loc, vector::BitCastOp::create(builder, loc, word, loaded), 0);
  return vector::BitCastOp::create(builder, loc, bytes, vector::BroadcastOp::create(builder, loc, wideType, scalar));
}

/// Sums of two products each.
Value CodedMatmulEmitter::multiply(Value values, Value magnitudes, Value left) {
  if (magnitudes)
    left = call("llvm.x86.avx2.psign.b", bytes, {left, values});
  return call("llvm.x86.avx2.pmadd.ub.sw", narrowType, {magnitudes ? magnitudes : values, left});
}

/// Moves the 16-bit sums to the 32-bit ones.
void CodedMatmulEmitter::flush(Values &narrow, Values &wide) {
  Value one = splat(narrowType, 1);
  for (auto [sum, part] : llvm::zip_equal(wide, narrow)) {
    sum = arith::AddIOp::create(builder, loc, sum, call("llvm.x86.avx2.pmadd.wd", wideType, {part, one}));
    part = Value();
  }
}

/// Adds one step to the 16-bit sums, null where they are 0. With `wide` they are moved there whenever they are full.
void CodedMatmulEmitter::addStep(Value step, Values &narrow, Values *wide) {
  SmallVector<Values> words(parts);
  int64_t stepWords = code.words();
  for (int64_t word = 0; word < stepWords; ++word)
    for (int64_t part = 0; part < parts; ++part) {
      Value address = add(add(codes.base, mul(step, stepWords * parts * vectorBytes)),
                          index((word * parts + part) * vectorBytes));
      words[part].push_back(vector::LoadOp::create(builder, loc, bytes, codes.buffer, ValueRange{address}));
    }
  for (int64_t position = 0; position < fields; ++position) {
    Values values, magnitudes(parts);
    for (int64_t part = 0; part < parts; ++part) {
      values.push_back(valuesOf(field(words[part], position), part));
      if (range.least < 0)
        magnitudes[part] = math::AbsIOp::create(builder, loc, values.back());
    }
    for (int64_t row = 0; row < rows; ++row) {
      Value left = loadRow(step, row, position);
      for (int64_t part = 0; part < parts; ++part) {
        Value &sum = narrow[row * parts + part];
        Value product = multiply(values[part], magnitudes[part], left);
        sum = sum ? arith::AddIOp::create(builder, loc, sum, product).getResult() : product;
      }
    }
    if (wide && ((position + 1) % adds == 0 || position + 1 == fields))
      flush(narrow, *wide);
  }
}

/// Adds `count` steps, no more than a chunk, to the 32-bit sums.
void CodedMatmulEmitter::addChunk(Value first, int64_t count, Values &wide) {
  // Unrolled, the sums of more rows would leave the registers.
  int64_t unrolled = rows <= 2 ? 4 : 1, stride = std::gcd(count, unrolled);
  Values narrow(wide.size());
  if (adds < fields || count <= unrolled) {
    for (int64_t step = 0; step < count; ++step)
      addStep(add(first, index(step)), narrow, adds < fields ? &wide : nullptr);
  } else {
    narrow.assign(wide.size(), splat(narrowType, 0));
    narrow = loop(index(count), stride, narrow, [&](Value step, Values &sums) {
      for (int64_t next = 0; next < stride; ++next)
        addStep(add(add(first, step), index(next)), sums, nullptr);
    });
  }
  if (adds >= fields)
    flush(narrow, wide);
}

CodedMatmulEmitter::Values CodedMatmulEmitter::emit(ValueRange accumulator, Value specialRow) {
  if (specialRow) // the same byte four times
    for (Value part : splitRows(builder, loc, specialRow, wideType, parts)) {
      Value low = arith::AndIOp::create(builder, loc, part, splat(wideType, 0xFF));
      Value four = arith::MulIOp::create(builder, loc, low, splat(wideType, 0x01010101));
      special.push_back(vector::BitCastOp::create(builder, loc, bytes, four));
    }
  lhs = flattenOperand(builder, loc, op.getLhs(), op.getLhsIndices());
  codes = flattenOperand(builder, loc, op.getCodes(), op.getCodeIndices());
  for (int64_t row = 0; row < rows; ++row)
    rowOffset.push_back(builder.createOrFold<arith::MulIOp>(loc, index(row), lhs.strides[op.getLhsRowDim()]));
  Values wide = splitRows(builder, loc, accumulator, wideType, parts);
  int64_t chunk = adds < fields ? 1 : llvm::bit_floor(static_cast<uint64_t>(adds / fields));
  std::optional<int64_t> depth = getConstantIntValue(op.getDepth());
  if (depth) {
    int64_t steps = *depth / op.getStepDepth(), whole = steps / chunk * chunk;
    if (whole > chunk)
      wide = loop(index(whole), chunk, wide, [&](Value step, Values &sums) { addChunk(step, chunk, sums); });
    else if (whole > 0)
      addChunk(index(0), chunk, wide);
    if (whole < steps)
      addChunk(index(whole), steps - whole, wide);
  } else {
    Value steps = builder.createOrFold<arith::DivUIOp>(loc, op.getDepth(), index(op.getStepDepth()));
    wide = loop(steps, 1, wide, [&](Value step, Values &sums) { addChunk(step, 1, sums); });
  }
  return joinRows(builder, loc, wide, llvm::to_vector(accumulator.getTypes()), parts);
}

namespace {
/// Needs an accumulator that was converted to its rows.
struct ConvertTileCodedMatmul final : OpConversionPattern<TileCodedMatmulOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(TileCodedMatmulOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ArrayRef<int64_t> words = cast<MemRefType>(op.getCodes().getType()).getShape();
    ArrayRef<int64_t> tile = op.getAcc().getType().getShape();
    if (words.back() != wordBytes || tile[1] * wordBytes % vectorBytes != 0)
      return rewriter.notifyMatchFailure(op, "takes words of 4 bytes, columns in eights");
    if (std::string why = findObstacle(op); !why.empty())
      return rewriter.notifyMatchFailure(op, why);
    if (adaptor.getAcc().size() != static_cast<size_t>(tile[0]))
      return rewriter.notifyMatchFailure(op, "accumulator was not converted to its rows");
    Value special = op.getSpecial() ? adaptor.getSpecial().front() : Value();
    CodedMatmulEmitter emitter(rewriter, op);
    rewriter.replaceOpWithMultiple(op, {emitter.emit(adaptor.getAcc(), special)});
    return success();
  }
};
} // namespace

void lutra::populateTileCodedMatmulPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ConvertTileCodedMatmul>(converter, patterns.getContext());
}
