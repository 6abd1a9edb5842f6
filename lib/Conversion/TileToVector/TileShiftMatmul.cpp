//===- TileShiftMatmul.cpp - sums of shifted elements -------------------------===//
// Each 32-bit lane of a vector holds codes of four neighbours along K in one column (CodedTile.h). Elements are shifted
// in lanes of 16 bits, of bytes 0 and 2 together, then of bytes 1 and 3, or of 32 bits where no narrower ones have
// counts of their own (AVX2):
//
//   for step of K, field f, place s of a lane:
//     x[row] = the row's elements of bytes that stand at place s, in every lane of their column
//     counts = codes >> 8 s & (2^(bits - 1) - 1), signs = the bit above, 1 or -1
//     sums[row] += signs * (x[row] << counts)
//
// A shifted element is at most 128 * 2^7, so 16 bits hold it with either sign. vpmaddwd gives signs and adds pairs of
// lanes; vpsignd gives them to lanes of 32 bits; on aarch64 a lane takes the element or its negative, and sadalp adds
// pairs.
#include "CodedTile.h"
#include "TileMatmul.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/DialectConversion.h"

using namespace mlir;
using namespace lutra;

namespace {
class ShiftEmitter final : public CodedWords {
public:
  ShiftEmitter(OpBuilder &builder, TileShiftMatmulOp op, const ShiftProduct &product, bool isNeon)
      : CodedWords(builder, op.getLoc(), meaningOf(op), op.getAcc().getType().getShape()[1], {product.vectorBytes}),
        op(op), isNeon(isNeon), rows(op.getAcc().getType().getShape()[0]), laneBytes(product.laneBytes),
        lanes(laneBytes == 2 ? narrowType : wideType) {}
  Values emit(ValueRange accumulator);

private:
  static CodeMeaning meaningOf(TileShiftMatmulOp op) {
    return {static_cast<unsigned>(op.getBits()), 0, std::nullopt, -1, {}, false};
  }
  Value shiftBy(Value value, int64_t bits) { // to the left; below 0: to the right, without a sign
    if (bits == 0)
      return value;
    Value count = splat(lanes, std::abs(bits));
    return bits > 0 ? arith::ShLIOp::create(builder, loc, value, count).getResult()
                    : arith::ShRUIOp::create(builder, loc, value, count).getResult();
  }
  Value loadWord(Value step, int64_t row, int64_t field);
  Value elementsOf(Value word, int64_t place);
  Value countsOf(Value codes, int64_t place);
  Value signsOf(Value codes, int64_t place);
  Value addShifted(Value sum, Value elements, Value counts, Value signs);
  void addStep(Value step, Values &sums);

  TileShiftMatmulOp op;
  bool isNeon;
  int64_t rows, laneBytes;
  VectorType lanes;
  FlatOperand lhs;
  Values rowOffset;
};
} // namespace

/// Four neighbours of a row in every 32 bits.
Value ShiftEmitter::loadWord(Value step, int64_t row, int64_t field) {
  Value address = add(add(lhs.base, mul(step, op.getStepDepth())), add(rowOffset[row], index(field * wordBytes)));
  return vector::BitCastOp::create(builder, loc, lanes, loadFour(lhs, address));
}

/// The byte at a place of each lane, with its sign.
Value ShiftEmitter::elementsOf(Value word, int64_t place) {
  Value high = shiftBy(word, 8 * (laneBytes - 1 - place));
  return arith::ShRSIOp::create(builder, loc, high, splat(lanes, 8 * (laneBytes - 1)));
}

Value ShiftEmitter::countsOf(Value codes, int64_t place) {
  int64_t mask = (int64_t(1) << (meaning.bits - 1)) - 1;
  return arith::AndIOp::create(builder, loc, shiftBy(codes, -8 * place), splat(lanes, mask));
}

/// 1 or -1 for vpmaddwd; for vpsignd above or below 0; on aarch64 whether below.
Value ShiftEmitter::signsOf(Value codes, int64_t place) {
  int64_t laneBits = 8 * laneBytes;
  Value high = shiftBy(codes, laneBits - meaning.bits - 8 * place);
  if (isNeon)
    return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, high, splat(lanes, 0));
  if (laneBytes == 2)
    high = arith::ShRSIOp::create(builder, loc, high, splat(lanes, laneBits - 1));
  return arith::OrIOp::create(builder, loc, high, splat(lanes, 1));
}

Value ShiftEmitter::addShifted(Value sum, Value elements, Value counts, Value signs) {
  if (isNeon) {
    Value negated = arith::SubIOp::create(builder, loc, splat(lanes, 0), elements);
    elements = arith::SelectOp::create(builder, loc, signs, negated, elements);
  }
  Value shifted = arith::ShLIOp::create(builder, loc, elements, counts);
  if (isNeon)
    shifted = call("llvm.aarch64.neon.saddlp.v4i32.v8i16", wideType, {shifted});
  else if (laneBytes == 2)
    shifted = call(vectorBytes == 64 ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd", wideType,
                   {shifted, signs});
  else
    shifted = call("llvm.x86.avx2.psign.d", wideType, {shifted, signs});
  return arith::AddIOp::create(builder, loc, sum, shifted);
}

void ShiftEmitter::addStep(Value step, Values &sums) {
  SmallVector<Values> words = loadWords(step);
  for (int64_t field = 0; field < fields; ++field) {
    Values rowWords;
    for (int64_t row = 0; row < rows; ++row)
      rowWords.push_back(loadWord(step, row, field));
    for (int64_t place = 0; place < laneBytes; ++place) {
      Values elements;
      for (Value word : rowWords)
        elements.push_back(elementsOf(word, place));
      for (int64_t part = 0; part < parts; ++part) {
        Value codes = vector::BitCastOp::create(builder, loc, lanes, valuesOf(words[part], field, part));
        Value counts = countsOf(codes, place), signs = signsOf(codes, place);
        for (int64_t row = 0; row < rows; ++row) {
          Value &sum = sums[row * parts + part];
          sum = addShifted(sum, elements[row], counts, signs);
        }
      }
    }
  }
}

CodedWords::Values ShiftEmitter::emit(ValueRange accumulator) {
  prepareCodes(op.getCodes(), op.getCodeIndices(), /*tableRow=*/Value());
  lhs = flattenOperand(builder, loc, op.getLhs(), op.getLhsIndices());
  for (int64_t row = 0; row < rows; ++row)
    rowOffset.push_back(builder.createOrFold<arith::MulIOp>(loc, index(row), lhs.strides[op.getLhsRowDim()]));
  Values sums = splitRows(builder, loc, accumulator, wideType, parts);
  int64_t steps = static_cast<int64_t>(op.getDepth()) / op.getStepDepth();
  if (steps == 1)
    addStep(index(0), sums);
  else
    sums = carryLoop(builder, loc, {index(0), index(steps), index(1)}, sums,
                     [&](Value step, Values &carried) { addStep(step, carried); });
  return joinRows(builder, loc, sums, llvm::to_vector(accumulator.getTypes()), parts);
}

namespace {
/// Needs an accumulator that was converted to its rows.
struct ConvertTileShiftMatmul final : OpConversionPattern<TileShiftMatmulOp> {
  ConvertTileShiftMatmul(const TypeConverter &converter, MLIRContext *context, const ShiftProduct &product, bool isNeon)
      : OpConversionPattern(converter, context), product(product), isNeon(isNeon) {}

  LogicalResult matchAndRewrite(TileShiftMatmulOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto codes = cast<MemRefType>(op.getCodes().getType()), lhs = cast<MemRefType>(op.getLhs().getType());
    if (codes.getDimSize(2) != 16)
      return rewriter.notifyMatchFailure(op, "takes panels of 16 columns");
    if (!lhs.areTrailingDimsContiguous(1) || !codes.areTrailingDimsContiguous(3))
      return rewriter.notifyMatchFailure(op, "takes rows along K and words that lie one after the other");
    if (adaptor.getAcc().size() != static_cast<size_t>(op.getAcc().getType().getShape()[0]))
      return rewriter.notifyMatchFailure(op, "accumulator was not converted to its rows");
    rewriter.replaceOpWithMultiple(op, {ShiftEmitter(rewriter, op, product, isNeon).emit(adaptor.getAcc())});
    return success();
  }

private:
  ShiftProduct product;
  bool isNeon;
};
} // namespace

void lutra::populateTileShiftMatmulPatterns(const TypeConverter &converter, const TileTarget &target,
                                            RewritePatternSet &patterns) {
  patterns.add<ConvertTileShiftMatmul>(converter, patterns.getContext(), *target.getShiftProduct(),
                                       getNeonBytes(target).has_value());
}
