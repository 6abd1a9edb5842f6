//===- TileCodedMatmul.cpp - codes times 8-bit integers on CPU vectors -----===//
// Each 32-bit lane of a vector holds the bytes of one column, and each byte a code in every field. One field of a step
// meets four neighbours along K, broadcast to all lanes:
//
//   for chunk: narrow[r][c] = 0                                             16-bit sums of two products
//     for step of chunk, field:
//       codes[c] = (load step(c) >> field) & mask;  x[r] = broadcast(load lhs(r, 4 neighbours))
//       narrow[r][c] += pmaddubsw(codes[c], x[r])
//     wide[r][c] += pmaddwd(narrow[r][c], 1)                                32-bit sums
//
// A chunk is as long as 16 bits hold every sum, so that nothing saturates. 256-bit vectors on every level: two 512-bit
// units do no more of these in a cycle than three of 256 bits.
#include "TileMatmul.h"
#include "TileParts.h"
#include "TileToVector.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"

#include <numeric>

using namespace mlir;
using namespace lutra;

namespace {
class CodedMatmulEmitter {
public:
  using Values = SmallVector<Value>;

  CodedMatmulEmitter(OpBuilder &builder, TileCodedMatmulOp op);
  Values emit(ValueRange accumulator);

private:
  Value index(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }
  Value add(Value lhs, Value rhs) { return builder.createOrFold<arith::AddIOp>(loc, lhs, rhs); }
  Value mul(Value lhs, int64_t rhs) { return builder.createOrFold<arith::MulIOp>(loc, lhs, index(rhs)); }
  Value call(StringRef intrinsic, Type type, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(builder, loc, type, builder.getStringAttr(intrinsic), operands)->getResult(0);
  }
  Value loadCodes(Value step, int64_t part);
  Value field(Value codes, int64_t field);
  Value loadRow(Value step, int64_t row, int64_t field);
  void addStep(Value step, Values &narrow);
  void addChunk(Value first, int64_t count, Values &wide);
  Values loop(Value upper, int64_t step, ValueRange carried, LoopBody body) {
    return carryLoop(builder, loc, {index(0), upper, index(step)}, carried, body);
  }

  OpBuilder &builder;
  TileCodedMatmulOp op;
  Location loc;
  int64_t bits, fields, rows, parts;
  VectorType bytes, words, narrowType, wideType;
  FlatOperand lhs, codes;
  Values rowOffset;
};
} // namespace

/// Bytes of a native vector, and of a column in a step.
static constexpr int64_t vectorBytes = 32, wordBytes = 4;

/// Steps whose products, added in pairs, 16 bits hold.
static int64_t chunkSteps(int64_t bits) {
  int64_t step = 8 / bits * 2 * ((int64_t(1) << bits) - 1) * 128;
  return llvm::bit_floor(static_cast<uint64_t>(32768 / step));
}

CodedMatmulEmitter::CodedMatmulEmitter(OpBuilder &builder, TileCodedMatmulOp op)
    : builder(builder), op(op), loc(op.getLoc()), bits(op.getBits()), fields(8 / bits) {
  auto tileType = op.getAcc().getType();
  rows = tileType.getShape()[0];
  parts = tileType.getShape()[1] * wordBytes / vectorBytes;
  bytes = VectorType::get({vectorBytes}, builder.getI8Type());
  narrowType = VectorType::get({vectorBytes / 2}, builder.getI16Type());
  words = wideType = VectorType::get({vectorBytes / 4}, builder.getI32Type());
}

Value CodedMatmulEmitter::loadCodes(Value step, int64_t part) {
  Value address = add(add(codes.base, mul(step, parts * vectorBytes)), index(part * vectorBytes));
  return vector::LoadOp::create(builder, loc, bytes, codes.buffer, ValueRange{address});
}

/// The codes of one field of all bytes.
Value CodedMatmulEmitter::field(Value codes, int64_t field) {
  if (field > 0) {
    Value shift = arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(narrowType, builder.getI16IntegerAttr(field * bits)));
    Value pairs = vector::BitCastOp::create(builder, loc, narrowType, codes);
    codes = vector::BitCastOp::create(builder, loc, bytes, arith::ShRUIOp::create(builder, loc, pairs, shift));
  }
  auto mask = DenseElementsAttr::get(bytes, builder.getI8IntegerAttr((1 << bits) - 1));
  return arith::AndIOp::create(builder, loc, codes, arith::ConstantOp::create(builder, loc, mask));
}

/// Four neighbours of a row in every lane.
Value CodedMatmulEmitter::loadRow(Value step, int64_t row, int64_t field) {
  // What changes with the step is one register for all rows, where their distance is a number.
  Value address = add(add(lhs.base, mul(step, op.getStepDepth())), add(rowOffset[row], index(field * wordBytes)));
  auto four = VectorType::get({wordBytes}, builder.getI8Type());
  auto word = VectorType::get({1}, builder.getI32Type());
  Value loaded = vector::LoadOp::create(builder, loc, four, lhs.buffer, ValueRange{address});
  Value scalar = vector::ExtractOp::create(builder, loc, vector::BitCastOp::create(builder, loc, word, loaded), 0);
  return vector::BitCastOp::create(builder, loc, bytes, vector::BroadcastOp::create(builder, loc, words, scalar));
}

/// Adds one step to the 16-bit sums.
void CodedMatmulEmitter::addStep(Value step, Values &narrow) {
  Values loaded;
  for (int64_t part = 0; part < parts; ++part)
    loaded.push_back(loadCodes(step, part));
  for (int64_t position = 0; position < fields; ++position) {
    Values factors;
    for (Value vector : loaded)
      factors.push_back(field(vector, position));
    for (int64_t row = 0; row < rows; ++row) {
      Value left = loadRow(step, row, position);
      for (int64_t part = 0; part < parts; ++part) {
        Value &sum = narrow[row * parts + part];
        sum = arith::AddIOp::create(builder, loc, sum,
                                    call("llvm.x86.avx2.pmadd.ub.sw", narrowType, {factors[part], left}));
      }
    }
  }
}

/// Adds `count` steps, no more than a chunk, to the 32-bit sums.
void CodedMatmulEmitter::addChunk(Value first, int64_t count, Values &wide) {
  Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(narrowType));
  Values narrow(wide.size(), zero);
  // Unrolled, the sums of more rows would leave the registers.
  int64_t unrolled = rows <= 2 ? 4 : 1, stride = std::gcd(count, unrolled);
  auto addSteps = [&](Value base, int64_t steps, Values &sums) {
    for (int64_t step = 0; step < steps; ++step)
      addStep(add(base, index(step)), sums);
  };
  if (count <= unrolled)
    addSteps(first, count, narrow);
  else
    narrow = loop(index(count), stride, narrow,
                  [&](Value step, Values &sums) { addSteps(add(first, step), stride, sums); });
  Value one = arith::ConstantOp::create(builder, loc,
                                        DenseElementsAttr::get(narrowType, builder.getI16IntegerAttr(1)));
  for (auto [sum, part] : llvm::zip_equal(wide, narrow))
    sum = arith::AddIOp::create(builder, loc, sum, call("llvm.x86.avx2.pmadd.wd", wideType, {part, one}));
}

CodedMatmulEmitter::Values CodedMatmulEmitter::emit(ValueRange accumulator) {
  lhs = flattenOperand(builder, loc, op.getLhs(), op.getLhsIndices());
  codes = flattenOperand(builder, loc, op.getCodes(), op.getCodeIndices());
  for (int64_t row = 0; row < rows; ++row)
    rowOffset.push_back(builder.createOrFold<arith::MulIOp>(loc, index(row), lhs.strides[op.getLhsRowDim()]));
  Values wide = splitRows(builder, loc, accumulator, wideType, parts);
  int64_t chunk = chunkSteps(bits);
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
    ArrayRef<int64_t> panel = cast<MemRefType>(op.getCodes().getType()).getShape();
    ArrayRef<int64_t> tile = op.getAcc().getType().getShape();
    if (panel.back() != wordBytes || tile[1] * wordBytes % vectorBytes != 0 || chunkSteps(op.getBits()) == 0)
      return rewriter.notifyMatchFailure(op, "takes codes of at most 4 bits in words of 4 bytes, columns in eights");
    if (adaptor.getAcc().size() != static_cast<size_t>(tile[0]))
      return rewriter.notifyMatchFailure(op, "accumulator was not converted to its rows");
    CodedMatmulEmitter emitter(rewriter, op);
    rewriter.replaceOpWithMultiple(op, {emitter.emit(adaptor.getAcc())});
    return success();
  }
};
} // namespace

void lutra::populateTileCodedMatmulPatterns(const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<ConvertTileCodedMatmul>(converter, patterns.getContext());
}
