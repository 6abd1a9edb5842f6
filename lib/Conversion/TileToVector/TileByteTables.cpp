//===- TileByteTables.cpp - bytes found in tables of 256 --------------------===//
// A gather at offsets of bytes reads one table of 256, of which instructions find entries in parts:
//   VBMI     two parts of 128 (vpermi2b), chosen by the sign bit of the code
//   aarch64  four parts of 64 (tbl, then tbx, which leaves what it does not find)
//   AVX2     sixteen of 16: the code, less 16 for each part before, stays below 16 in its own part alone. Added to 112
//            with saturation it then has no highest bit, and vpshufb finds 0 for all others.
// Elsewhere, and for single codes, GatherPattern reads element by element.
#include "TileToVector.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace lutra;

namespace {
/// Finds entries for one vector of codes.
class ByteTable {
public:
  ByteTable(OpBuilder &builder, Location loc, Value buffer, ByteTableForm form)
      : builder(builder), loc(loc), buffer(buffer), form(form) {}

  /// Codes of one instruction.
  int64_t lanes() const { return form == ByteTableForm::Halves ? 64 : form == ByteTableForm::Quarters ? 16 : 32; }
  Value find(Value codes) {
    switch (form) {
    case ByteTableForm::Halves: return findHalves(codes);
    case ByteTableForm::Quarters: return findQuarters(codes);
    case ByteTableForm::Sixteenths: return findSixteenths(codes);
    }
    return {};
  }

private:
  VectorType bytes(int64_t count) { return VectorType::get({count}, builder.getI8Type()); }
  Value splat(int64_t value) {
    return arith::ConstantOp::create(builder, loc,
                                     DenseElementsAttr::get(bytes(lanes()), APInt(8, value, false, true)));
  }
  Value entries(int64_t first, int64_t count) {
    Value at = arith::ConstantIndexOp::create(builder, loc, first);
    return vector::LoadOp::create(builder, loc, bytes(count), buffer, at);
  }
  Value call(StringRef intrinsic, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(builder, loc, bytes(lanes()), builder.getStringAttr(intrinsic), operands)
        ->getResult(0);
  }

  Value findHalves(Value codes) {
    SmallVector<Value, 2> found;
    for (int64_t first : {0, 128})
      found.push_back(
          call("llvm.x86.avx512.vpermi2var.qi.512", {entries(first, 64), codes, entries(first + 64, 64)}));
    Value isHigh = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, codes, splat(0));
    return arith::SelectOp::create(builder, loc, isHigh, found[1], found[0]);
  }

  Value findQuarters(Value codes) {
    Value found;
    for (int64_t first = 0; first < 256; first += 64) {
      SmallVector<Value> operands;
      if (found)
        operands.push_back(found);
      for (int64_t part = 0; part < 64; part += 16)
        operands.push_back(entries(first + part, 16));
      operands.push_back(first == 0 ? codes : arith::SubIOp::create(builder, loc, codes, splat(first)).getResult());
      found = call(found ? "llvm.aarch64.neon.tbx4.v16i8" : "llvm.aarch64.neon.tbl4.v16i8", operands);
    }
    return found;
  }

  Value findSixteenths(Value codes) {
    SmallVector<int64_t> twice;
    for (int64_t lane = 0; lane < lanes(); ++lane)
      twice.push_back(lane % 16);
    Value found;
    for (int64_t first = 0; first < 256; first += 16) {
      Value part = entries(first, 16);
      part = vector::ShuffleOp::create(builder, loc, part, part, twice);
      Value own = call("llvm.x86.avx2.pshuf.b", {part, call("llvm.uadd.sat.v32i8", {codes, splat(112)})});
      found = found ? arith::OrIOp::create(builder, loc, found, own).getResult() : own;
      codes = arith::SubIOp::create(builder, loc, codes, splat(16));
    }
    return found;
  }

  OpBuilder &builder;
  Location loc;
  Value buffer;
  ByteTableForm form;
};

struct ByteTablePattern final : OpConversionPattern<TileGatherOp> {
  ByteTablePattern(const TypeConverter &converter, MLIRContext *context, ByteTableForm form)
      : OpConversionPattern(converter, context, /*benefit=*/2), form(form) {}

  LogicalResult matchAndRewrite(TileGatherOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto source = cast<MemRefType>(op.getSource().getType());
    auto isByte = [](Type type) { return type.isSignlessInteger(8); };
    int64_t columns = getTileColumns(op.getType());
    if (!isByte(op.getOffsets().getType().getElementType()) || !isByte(source.getElementType()) ||
        source.getRank() != 1 || !op.getBounds().empty() || columns == 1)
      return rewriter.notifyMatchFailure(op, "no whole vector of codes with bytes for entries");
    Location loc = op.getLoc();
    ByteTable table(rewriter, loc, op.getSource(), form);
    int64_t lanes = table.lanes();
    auto rowType = cast<VectorType>(getRowType(op.getType()));
    SmallVector<Value> rows;
    for (Value codes : adaptor.getOffsets()) {
      Value row = arith::ConstantOp::create(rewriter, loc, rewriter.getZeroAttr(rowType));
      for (int64_t first = 0; first < columns; first += lanes) {
        int64_t count = std::min(lanes, columns - first);
        SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(first, first + count));
        order.resize(lanes, first);
        Value found = table.find(vector::ShuffleOp::create(rewriter, loc, codes, codes, order));
        if (count != lanes)
          found = vector::ExtractStridedSliceOp::create(rewriter, loc, found, 0, count, 1);
        row = vector::InsertStridedSliceOp::create(rewriter, loc, found, row, first, 1);
      }
      rows.push_back(row);
    }
    rewriter.replaceOpWithMultiple(op, {rows});
    return success();
  }

private:
  ByteTableForm form;
};
} // namespace

void lutra::populateTileByteTablePatterns(const TypeConverter &converter, ByteTableForm form,
                                          RewritePatternSet &patterns) {
  patterns.add<ByteTablePattern>(converter, patterns.getContext(), form);
}
