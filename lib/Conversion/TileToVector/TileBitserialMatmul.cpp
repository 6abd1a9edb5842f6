//===- TileBitserialMatmul.cpp - products of planes of bits, counted --------===//
// A vector holds four bytes of each of its columns, 32 codes' bits of one plane, which the same bits of a row meet:
//
//   for step of 32 along K:
//     planes[i] = bits i of the step's codes, brought together from `bits` words by shifts and masks
//     for row, j: x = broadcast(32 bits of plane j of the row)
//       for i: sums[row] += weight(i, j) * count(planes[i] & x)          (one plane of the row: ^)
//
// Bytes are counted (vpopcntb, cnt, or two shuffles each where there is neither), then vpdpbusd or sdot multiplies them
// by their weight and adds the four of a column. Without those, counts of a few steps are added as bytes for each
// weight that they share, and then pairs: vpmaddubsw and vpmaddwd, or uaddlp twice.
#include "TileMatmul.h"
#include "TileParts.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"
#include "lutra/Support/EncodedPanels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"

#include <map>

using namespace mlir;
using namespace lutra;

namespace {
class BitserialEmitter {
public:
  using Values = SmallVector<Value>;

  BitserialEmitter(OpBuilder &builder, TileBitserialMatmulOp op, const CodedLowering &lowering);
  Values emit(ValueRange accumulator);

private:
  static constexpr int64_t wordBytes = 4, codeFields = 8; // of 32 codes, a byte of each

  Value splat(VectorType type, int64_t value) {
    return arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(type, APInt(type.getElementTypeBitWidth(), value, false, true)));
  }
  Value index(int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value); }
  Value addIndex(Value lhs, Value rhs) { return builder.createOrFold<arith::AddIOp>(loc, lhs, rhs); }
  Value mulIndex(Value lhs, Value rhs) { return builder.createOrFold<arith::MulIOp>(loc, lhs, rhs); }
  Value add(Value lhs, Value rhs) { return arith::AddIOp::create(builder, loc, lhs, rhs); }
  Value cast(VectorType type, Value value) { return vector::BitCastOp::create(builder, loc, type, value); }
  Value call(StringRef intrinsic, Type type, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(builder, loc, type, builder.getStringAttr(intrinsic), operands)->getResult(0);
  }

  Value loadPlane(Value step, int64_t distance, int64_t row, int64_t plane);
  Values loadCodes(Value step, int64_t distance, int64_t panel, int64_t part);
  Value addCounts(Value sum, Value counts, int64_t weight);
  /// Of plane i of codes and plane j of a row.
  int64_t weightOf(int64_t i, int64_t j) {
    int64_t weight = int64_t(1) << (i + j);
    return j == lhsBits - 1 ? -weight : weight; // also of one alone
  }
  void addSteps(Value step, int64_t count, Values &sums);

  OpBuilder &builder;
  Location loc;
  TileBitserialMatmulOp op;
  const CodedLowering &lowering;
  int64_t vectorBytes, rows, width, panels, parts, bits, lhsBits;
  bool addsFours; // by one instruction
  VectorType bytes, narrowType, wideType;
  FlatOperand planes, codes;
};
} // namespace

BitserialEmitter::BitserialEmitter(OpBuilder &builder, TileBitserialMatmulOp op, const CodedLowering &lowering)
    : builder(builder), loc(op.getLoc()), op(op), lowering(lowering), vectorBytes(lowering.vectorBits / 8),
      rows(op.getAcc().getType().getShape()[0]), width(mlir::cast<MemRefType>(op.getCodes().getType()).getDimSize(2)),
      panels(op.getAcc().getType().getShape()[1] / width), parts(width * wordBytes / vectorBytes), bits(op.getBits()),
      lhsBits(op.getLhsBits()),
      addsFours(lowering.neon ? *lowering.neon != NeonBytes::Widen : lowering.hasByteDot),
      bytes(VectorType::get({vectorBytes}, builder.getI8Type())),
      narrowType(VectorType::get({vectorBytes / 2}, builder.getI16Type())),
      wideType(VectorType::get({vectorBytes / 4}, builder.getI32Type())),
      planes(flattenOperand(builder, loc, op.getPlanes(),
                            ValueRange{op.getPlaneIndices()[0], index(0), op.getPlaneIndices()[1]})),
      codes(flattenOperand(builder, loc, op.getCodes(), op.getCodeIndices())) {}

/// 32 bits in every lane.
Value BitserialEmitter::loadPlane(Value step, int64_t distance, int64_t row, int64_t plane) {
  Value at = addIndex(planes.base, mulIndex(index(row), planes.strides[0]));
  at = addIndex(at, mulIndex(index(plane), planes.strides[1]));
  at = addIndex(addIndex(at, step), index(distance));
  Value word = memref::LoadOp::create(builder, loc, planes.buffer, ValueRange{at});
  return cast(bytes, vector::BroadcastOp::create(builder, loc, wideType, word));
}

/// The planes of 32 codes of some columns.
BitserialEmitter::Values BitserialEmitter::loadCodes(Value step, int64_t distance, int64_t panel, int64_t part) {
  int64_t stride = width * wordBytes;
  Values words;
  Value first = addIndex(codes.base, mulIndex(index(panel), codes.strides[0]));
  first = addIndex(first, mulIndex(step, index(bits * stride)));
  for (int64_t word = 0; word < bits; ++word) {
    Value at = addIndex(first, index((distance * bits + word) * stride + part * vectorBytes));
    words.push_back(vector::LoadOp::create(builder, loc, bytes, codes.buffer, ValueRange{at}));
  }
  CodeWords form{static_cast<unsigned>(bits)};
  int64_t fields = form.fields(), stepWords = form.words();
  Values result;
  for (int64_t bit = 0; bit < bits; ++bit) {
    std::map<std::pair<int64_t, int64_t>, int64_t> masks; // by word and shift to the left: bits of a byte after it
    for (int64_t field = 0; field < codeFields; ++field)
      for (const CodeWords::Piece &piece : form.piecesOf(field % fields)) {
        if (bit < piece.to || bit >= piece.to + piece.count)
          continue;
        int64_t from = piece.at + bit - piece.to, to = TileBitPlanesOp::placeOf(field, bits);
        masks[{field / fields * stepWords + piece.word, to - from}] |= int64_t(1) << to;
      }
    Value plane;
    for (auto [place, mask] : masks) {
      auto [word, shift] = place;
      Value value = words[word];
      if (shift != 0) {
        Value lanes = cast(narrowType, value), by = splat(narrowType, std::abs(shift));
        lanes = shift > 0 ? arith::ShLIOp::create(builder, loc, lanes, by).getResult()
                          : arith::ShRUIOp::create(builder, loc, lanes, by).getResult();
        value = cast(bytes, lanes);
      }
      if (mask != 255)
        value = arith::AndIOp::create(builder, loc, value, splat(bytes, mask));
      plane = plane ? arith::OrIOp::create(builder, loc, plane, value).getResult() : value;
    }
    result.push_back(plane);
  }
  return result;
}

/// Counts of bytes, no more than 255, times a weight of at most 64.
Value BitserialEmitter::addCounts(Value sum, Value counts, int64_t weight) {
  if (lowering.neon && addsFours)
    return call("llvm.aarch64.neon.sdot.v4i32.v16i8", wideType, {sum, counts, splat(bytes, weight)});
  if (lowering.neon) {
    Value pairs = call("llvm.aarch64.neon.uaddlp.v8i16.v16i8", narrowType, {counts});
    Value fours = call("llvm.aarch64.neon.uaddlp.v4i32.v8i16", wideType, {pairs});
    fours = arith::ShLIOp::create(builder, loc, fours, splat(wideType, llvm::Log2_64(std::abs(weight))));
    return weight < 0 ? arith::SubIOp::create(builder, loc, sum, fours).getResult() : add(sum, fours);
  }
  bool isWide = vectorBytes == 64;
  if (addsFours)
    return call(isWide ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256", wideType,
                {sum, counts, splat(bytes, weight)});
  Value pairs = call(isWide ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw", narrowType,
                     {counts, splat(bytes, weight)});
  return add(sum, call(isWide ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd", wideType,
                       {pairs, splat(narrowType, 1)}));
}

void BitserialEmitter::addSteps(Value step, int64_t count, Values &sums) {
  std::map<std::pair<int64_t, int64_t>, Value> counted; // by sum and weight
  for (int64_t next = 0; next < count; ++next)
    for (int64_t panel = 0; panel < panels; ++panel)
      for (int64_t part = 0; part < parts; ++part) {
        Values right = loadCodes(step, next, panel, part);
        for (int64_t row = 0; row < rows; ++row)
          for (int64_t j = 0; j < lhsBits; ++j) {
            Value left = loadPlane(step, next, row, j);
            for (int64_t i = 0; i < bits; ++i) {
              Value joined = lhsBits == 1 ? arith::XOrIOp::create(builder, loc, right[i], left).getResult()
                                          : arith::AndIOp::create(builder, loc, right[i], left).getResult();
              Value counts = math::CtPopOp::create(builder, loc, joined);
              int64_t place = (row * panels + panel) * parts + part, weight = weightOf(i, j);
              if (addsFours) {
                sums[place] = addCounts(sums[place], counts, weight);
                continue;
              }
              Value &known = counted[{place, weight}];
              known = known ? add(known, counts) : counts;
            }
          }
      }
  for (auto [key, counts] : counted)
    sums[key.first] = addCounts(sums[key.first], counts, key.second);
}

SmallVector<Value> BitserialEmitter::emit(ValueRange accumulator) {
  // Bytes hold the counts of 31 vectors; up to `pairs` of a step have one weight.
  int64_t pairs = std::min(bits, lhsBits), steps = static_cast<int64_t>(op.getDepth()) / op.wordDepth;
  int64_t most = addsFours ? 4 : std::min<int64_t>(8, 31 / pairs), whole = steps / most * most;
  Values sums = splitRows(builder, loc, accumulator, wideType, panels * parts);
  if (whole > most)
    sums = carryLoop(builder, loc, {index(0), index(whole), index(most)}, sums,
                     [&](Value step, Values &carried) { addSteps(step, most, carried); });
  else if (whole > 0)
    addSteps(index(0), most, sums);
  if (whole < steps)
    addSteps(index(whole), steps - whole, sums);
  return joinRows(builder, loc, sums, llvm::to_vector(accumulator.getTypes()), panels * parts);
}

namespace {
struct ConvertTileBitPlanes final : OpConversionPattern<TileBitPlanesOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(TileBitPlanesOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t planes = op.getType().getShape()[0], steps = op.getType().getShape()[1];
    constexpr int64_t depth = TileBitserialMatmulOp::wordDepth;
    if (steps > 2)
      return rewriter.notifyMatchFailure(op, "takes one step, or two");
    if (!cast<MemRefType>(op.getLhs().getType()).areTrailingDimsContiguous(1))
      return rewriter.notifyMatchFailure(op, "takes a buffer whose last dimension is contiguous");
    FlatOperand lhs = flattenOperand(rewriter, loc, op.getLhs(), op.getIndices());
    auto type = VectorType::get({steps * depth}, rewriter.getI8Type());
    Value read = vector::LoadOp::create(rewriter, loc, type, lhs.buffer, ValueRange{lhs.base});
    SmallVector<int64_t> order(steps * depth);
    for (int64_t k = 0; k < steps * depth; ++k)
      order[k / depth * depth + k % 4 * 8 + TileBitPlanesOp::placeOf(k % depth / 4, op.getCodeBits())] = k;
    read = vector::ShuffleOp::create(rewriter, loc, read, read, order);
    Value zero = arith::ConstantOp::create(rewriter, loc, rewriter.getZeroAttr(type));
    SmallVector<Value> rows;
    for (int64_t plane = 0; plane < planes; ++plane) {
      Value tested = read;
      auto predicate = planes == 1 ? arith::CmpIPredicate::sgt : arith::CmpIPredicate::ne;
      if (planes > 1) {
        Value mask = arith::ConstantOp::create(
            rewriter, loc, DenseElementsAttr::get(type, static_cast<int8_t>(1 << plane)));
        tested = arith::AndIOp::create(rewriter, loc, read, mask);
      }
      Value flags = arith::CmpIOp::create(rewriter, loc, predicate, tested, zero);
      Value words = vector::BitCastOp::create(rewriter, loc, VectorType::get({steps}, rewriter.getI32Type()), flags);
      rows.push_back(steps == 1 ? vector::ExtractOp::create(rewriter, loc, words, 0).getResult() : words);
    }
    rewriter.replaceOpWithMultiple(op, {rows});
    return success();
  }
};

/// Needs an accumulator that was converted to its rows.
struct ConvertTileBitserialMatmul final : OpConversionPattern<TileBitserialMatmulOp> {
  ConvertTileBitserialMatmul(const TypeConverter &converter, MLIRContext *context, CodedLowering lowering)
      : OpConversionPattern(converter, context), lowering(lowering) {}

  LogicalResult matchAndRewrite(TileBitserialMatmulOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto isPlain = [](Value buffer) { return cast<MemRefType>(buffer.getType()).getLayout().isIdentity(); };
    if (cast<MemRefType>(op.getCodes().getType()).getDimSize(2) != 16)
      return rewriter.notifyMatchFailure(op, "takes panels of 16 columns");
    if (!isPlain(op.getPlanes()) || !isPlain(op.getCodes()))
      return rewriter.notifyMatchFailure(op, "takes planes and codes that lie one after the other");
    if (adaptor.getAcc().size() != static_cast<size_t>(op.getAcc().getType().getShape()[0]))
      return rewriter.notifyMatchFailure(op, "accumulator was not converted to its rows");
    rewriter.replaceOpWithMultiple(op, {BitserialEmitter(rewriter, op, lowering).emit(adaptor.getAcc())});
    return success();
  }

private:
  CodedLowering lowering;
};
} // namespace

void lutra::populateTileBitserialMatmulPatterns(const TypeConverter &converter, CodedLowering lowering,
                                                RewritePatternSet &patterns) {
  patterns.add<ConvertTileBitPlanes>(converter, patterns.getContext());
  patterns.add<ConvertTileBitserialMatmul>(converter, patterns.getContext(), lowering);
}
