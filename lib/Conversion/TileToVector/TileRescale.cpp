//===- TileRescale.cpp - bytes times factors ----------------------------------===//
// Two bytes are a word of 16 bits, whose even and odd byte are multiplied apart:
//
//   pairs = row as words;  f, o = factors and offsets
//   result = ((pairs & 255) * f + o) >> 8  |  ((pairs >> 8) * f + o) & ~255
#include "TileToVector.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lutra;

namespace {
struct ConvertTileRescale final : OpConversionPattern<TileRescaleOp> {
  ConvertTileRescale(const TypeConverter &converter, MLIRContext *context, bool hasTernaryLogic)
      : OpConversionPattern(converter, context), hasTernaryLogic(hasTernaryLogic) {}

  LogicalResult matchAndRewrite(TileRescaleOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override;

private:
  bool hasTernaryLogic; // of three vectors of 512 bits
};
} // namespace

LogicalResult ConvertTileRescale::matchAndRewrite(TileRescaleOp op, OneToNOpAdaptor adaptor,
                                                  ConversionPatternRewriter &rewriter) const {
  Location loc = op.getLoc();
  auto rowType = cast<VectorType>(getRowType(op.getType()));
  auto pairsType = VectorType::get({rowType.getNumElements() / 2}, rewriter.getI16Type());
  auto splat = [&](int64_t value) -> Value {
    auto element = rewriter.getIntegerAttr(rewriter.getI16Type(), value);
    return arith::ConstantOp::create(rewriter, loc, DenseElementsAttr::get(pairsType, element));
  };
  auto asPairs = [&](Value row) -> Value { // of one pair it is a scalar
    return isa<VectorType>(row.getType()) ? row : vector::BroadcastOp::create(rewriter, loc, pairsType, row);
  };
  Value factors = asPairs(adaptor.getFactors().front()), offsets = asPairs(adaptor.getOffsets().front());
  Value eight = splat(8), below = splat(0xFF), above = splat(-0x100);
  auto scale = [&](Value values) -> Value {
    Value product = arith::MulIOp::create(rewriter, loc, values, factors);
    return arith::AddIOp::create(rewriter, loc, product, offsets);
  };
  // LLVM would see a shuffle of bytes in what is one logical operation of AVX-512, and take three for it.
  auto wordsType = VectorType::get({16}, rewriter.getI32Type());
  auto asWords = [&](Value value) -> Value { return vector::BitCastOp::create(rewriter, loc, wordsType, value); };
  auto join = [&](Value even, Value odd) -> Value {
    if (pairsType.getNumElements() != 32 || !hasTernaryLogic) {
      odd = arith::AndIOp::create(rewriter, loc, odd, above);
      return arith::OrIOp::create(rewriter, loc, even, odd);
    }
    constexpr int64_t chooses = 0xCA; // the second where a bit of the first is set, else the third
    Value table = arith::ConstantOp::create(rewriter, loc, rewriter.getI32IntegerAttr(chooses));
    Value operands[] = {asWords(above), asWords(odd), asWords(even), table};
    auto name = rewriter.getStringAttr("llvm.x86.avx512.pternlog.d.512");
    Value joined = LLVM::CallIntrinsicOp::create(rewriter, loc, wordsType, name, operands).getResult(0);
    return vector::BitCastOp::create(rewriter, loc, pairsType, joined);
  };
  SmallVector<Value> rows;
  for (Value row : adaptor.getInput()) {
    Value pairs = vector::BitCastOp::create(rewriter, loc, pairsType, row);
    Value even = scale(arith::AndIOp::create(rewriter, loc, pairs, below));
    Value odd = scale(arith::ShRUIOp::create(rewriter, loc, pairs, eight));
    even = arith::ShRUIOp::create(rewriter, loc, even, eight);
    rows.push_back(vector::BitCastOp::create(rewriter, loc, rowType, join(even, odd)));
  }
  rewriter.replaceOpWithMultiple(op, {rows});
  return success();
}

void lutra::populateTileRescalePatterns(const TypeConverter &converter, int64_t vectorBits,
                                        RewritePatternSet &patterns) {
  patterns.add<ConvertTileRescale>(converter, patterns.getContext(), vectorBits == 512);
}
