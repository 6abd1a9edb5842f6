//===- TileFloatTables.cpp - floats found in tables by their codes ------------===//
// tile_lookup states its table; tile_gather reads one that lies in memory and has as many floats as registers hold.
// Instructions find entries in parts of a table, and the higher bits of a code choose among what was found:
//   512 bits  parts of 32 (vpermi2ps), or one of 16 (vpermps); more than 64 floats are gathered: 8 cycles for 16 codes
//             on a Xeon, where parts of 256 floats take 11
//   256 bits  parts of 8 (vpermps), up to 32 floats; more are gathered
//   aarch64   parts of 16 floats as bytes (tbl, then tbx, which leaves what it does not find), up to 64
// Elsewhere lanes read what they need one by one (256 bits: twice the cycles of a gather, 11 for 8 codes, on a Xeon), a
// table that is stated in parts of 8, which LLVM finds words for.
#include "TileToVector.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace lutra;

namespace {
/// Finds entries of one table; its size is a power of two.
class FloatTable {
public:
  /// `count` entries from `first` on, as a vector.
  using Entries = llvm::function_ref<Value(int64_t first, int64_t count)>;
  FloatTable(OpBuilder &builder, Location loc, const FloatTableForm &form, int64_t size, Entries entries)
      : builder(builder), loc(loc), form(form), size(size), entries(entries) {}

  /// Entries of the codes of a row, in vectors of the level; bits above those of the table's size are not read.
  Value findRow(Value codes);

private:
  Value find(Value codes);
  Value findPart(Value codes, int64_t first, int64_t part);
  Value findBytes(Value codes);
  Value load(int64_t first, int64_t lanes);
  Value splat(Value like, int64_t value) {
    auto attribute = builder.getI32IntegerAttr(static_cast<int32_t>(value));
    return arith::ConstantOp::create(builder, loc,
                                     DenseElementsAttr::get(cast<VectorType>(like.getType()), attribute));
  }
  Value call(StringRef intrinsic, VectorType type, ValueRange operands) {
    return LLVM::CallIntrinsicOp::create(builder, loc, type, builder.getStringAttr(intrinsic), operands)->getResult(0);
  }
  VectorType floats(int64_t count) { return VectorType::get({count}, builder.getF32Type()); }

  OpBuilder &builder;
  Location loc;
  const FloatTableForm &form;
  int64_t size;
  Entries entries;
};
} // namespace

/// Entries from `first` on in a vector, from the beginning again where there are no more.
Value FloatTable::load(int64_t first, int64_t lanes) {
  int64_t count = std::min(lanes, size);
  Value part = entries(first, count);
  if (count == lanes)
    return part;
  SmallVector<int64_t> repeated;
  for (int64_t lane = 0; lane < lanes; ++lane)
    repeated.push_back(lane % count);
  return vector::ShuffleOp::create(builder, loc, part, part, repeated);
}

/// Among `part` entries.
Value FloatTable::findPart(Value codes, int64_t first, int64_t part) {
  VectorType type = floats(form.lanes());
  if (form.kind == FloatTableForm::Wide && part > form.lanes())
    return call("llvm.x86.avx512.vpermi2var.ps.512", type,
                {load(first, form.lanes()), codes, load(first + form.lanes(), form.lanes())});
  if (form.kind == FloatTableForm::Wide)
    return call("llvm.x86.avx512.permvar.sf.512", type, {load(first, form.lanes()), codes});
  if (form.kind == FloatTableForm::Narrow)
    return call("llvm.x86.avx2.permps", type, {load(first, form.lanes()), codes});
  Value table = load(first, form.lanes()), place = arith::AndIOp::create(builder, loc, codes, splat(codes, part - 1));
  SmallVector<Value> found;
  for (int64_t lane = 0; lane < form.lanes(); ++lane) {
    Value entry = vector::ExtractOp::create(builder, loc, place, lane);
    Value index = arith::IndexCastUIOp::create(builder, loc, builder.getIndexType(), entry);
    found.push_back(vector::ExtractOp::create(builder, loc, table, index));
  }
  return vector::FromElementsOp::create(builder, loc, type, found);
}

/// Byte b of a lane's entry is byte 4 * code + b of the table.
Value FloatTable::findBytes(Value codes) {
  constexpr int64_t part = 16; // entries of one instruction
  auto bytes = VectorType::get({16}, builder.getI8Type());
  auto asBytes = [&](Value value) -> Value { return vector::BitCastOp::create(builder, loc, bytes, value); };
  Value place = arith::AndIOp::create(builder, loc, codes, splat(codes, size - 1));
  place = arith::MulIOp::create(builder, loc, place, splat(codes, 0x04040404));
  place = asBytes(arith::AddIOp::create(builder, loc, place, splat(codes, 0x03020100)));
  Value found;
  for (int64_t first = 0; first < size; first += part) {
    SmallVector<Value> operands;
    if (found)
      operands.push_back(found);
    int64_t end = std::min(size, first + part);
    for (int64_t at = first; at < end; at += form.lanes())
      operands.push_back(asBytes(load(at, form.lanes())));
    Value own = place;
    if (first > 0) {
      Value distance = arith::ConstantOp::create(builder, loc,
                                                 DenseElementsAttr::get(bytes, APInt(8, 4 * first, false, true)));
      own = arith::SubIOp::create(builder, loc, place, distance);
    }
    operands.push_back(own);
    std::string registers = std::to_string(llvm::divideCeil(end - first, form.lanes()));
    found = call("llvm.aarch64.neon." + std::string(found ? "tbx" : "tbl") + registers + ".v16i8", bytes, operands);
  }
  return vector::BitCastOp::create(builder, loc, floats(form.lanes()), found);
}

Value FloatTable::find(Value codes) {
  if (form.kind == FloatTableForm::Bytes)
    return findBytes(codes);
  int64_t part = form.kind == FloatTableForm::Wide && size > form.lanes() ? 2 * form.lanes()
                                                                         : std::min(size, form.lanes());
  SmallVector<Value> found;
  for (int64_t first = 0; first < size; first += part)
    found.push_back(findPart(codes, first, part));
  for (int64_t bit = part; found.size() > 1; bit *= 2) {
    Value high = arith::AndIOp::create(builder, loc, codes, splat(codes, bit));
    Value isHigh = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, high, splat(codes, 0));
    SmallVector<Value> chosen;
    for (size_t index = 0; index < found.size(); index += 2)
      chosen.push_back(arith::SelectOp::create(builder, loc, isHigh, found[index + 1], found[index]));
    found = std::move(chosen);
  }
  return found.front();
}

Value FloatTable::findRow(Value codes) {
  int64_t columns = cast<VectorType>(codes.getType()).getNumElements(), lanes = form.lanes();
  Value row = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(floats(columns)));
  for (int64_t first = 0; first < columns; first += lanes) {
    Value part = vector::ExtractStridedSliceOp::create(builder, loc, codes, first, lanes, 1);
    row = vector::InsertStridedSliceOp::create(builder, loc, find(part), row, first, 1);
  }
  return row;
}

/// Codes without a mask that keeps all bits that number the entries.
static Value withoutMask(Value codes, int64_t size) {
  auto masked = codes.getDefiningOp<arith::AndIOp>();
  DenseIntElementsAttr mask;
  bool keepsAll = masked && matchPattern(masked.getRhs(), m_Constant(&mask)) && mask.isSplat() &&
                  (mask.getSplatValue<APInt>() & (size - 1)) == size - 1;
  return keepsAll ? masked.getLhs() : codes;
}

namespace {
struct LookupPattern final : OpConversionPattern<TileLookupOp> {
  LookupPattern(const TypeConverter &converter, MLIRContext *context, FloatTableForm form)
      : OpConversionPattern(converter, context), form(form) {}

  LogicalResult matchAndRewrite(TileLookupOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    int64_t columns = getTileColumns(op.getType());
    FloatTableForm own = form;
    if (own.kind == FloatTableForm::Wide && columns % own.lanes() != 0)
      own.kind = FloatTableForm::Narrow;
    if (columns == 1 || columns % own.lanes() != 0)
      return rewriter.notifyMatchFailure(op, "takes columns in whole vectors");
    ArrayRef<float> stated = op.getTable();
    auto entries = [&](int64_t first, int64_t count) -> Value {
      auto type = VectorType::get({count}, rewriter.getF32Type());
      return arith::ConstantOp::create(rewriter, loc, DenseElementsAttr::get(type, stated.slice(first, count)));
    };
    FloatTable table(rewriter, loc, own, static_cast<int64_t>(stated.size()), entries);
    SmallVector<Value> rows;
    for (Value codes : adaptor.getCodes())
      rows.push_back(table.findRow(codes));
    rewriter.replaceOpWithMultiple(op, {rows});
    return success();
  }

private:
  FloatTableForm form;
};

struct FloatGatherPattern final : OpConversionPattern<TileGatherOp> {
  FloatGatherPattern(const TypeConverter &converter, MLIRContext *context, FloatTableForm form)
      : OpConversionPattern(converter, context, /*benefit=*/2), form(form) {}

  LogicalResult matchAndRewrite(TileGatherOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto source = cast<MemRefType>(op.getSource().getType());
    int64_t columns = getTileColumns(op.getType());
    bool isTable = source.getRank() == 1 && source.hasStaticShape() && source.getElementType().isF32() &&
                   source.getLayout().isIdentity() && llvm::isPowerOf2_64(source.getNumElements());
    if (!isTable || !op.getOffsets().getType().getElementType().isInteger(32) || !op.getBounds().empty() ||
        columns == 1 || columns % form.lanes() != 0)
      return rewriter.notifyMatchFailure(op, "no whole vectors of codes with floats for entries");
    int64_t size = source.getNumElements();
    if (size > form.mostEntries() && form.kind != FloatTableForm::Wide && form.kind != FloatTableForm::Narrow)
      return rewriter.notifyMatchFailure(op, "registers do not hold the table");
    auto entries = [&](int64_t first, int64_t count) -> Value {
      Value at = arith::ConstantIndexOp::create(rewriter, loc, first);
      return vector::LoadOp::create(rewriter, loc, VectorType::get({count}, rewriter.getF32Type()), op.getSource(), at);
    };
    FloatTable table(rewriter, loc, form, size, entries);
    SmallVector<Value> rows;
    for (Value codes : adaptor.getOffsets())
      rows.push_back(size <= form.mostEntries()               ? table.findRow(withoutMask(codes, size))
                     : form.kind == FloatTableForm::Narrow ? gatherParts(rewriter, loc, op.getSource(), codes)
                                                           : gather(rewriter, loc, op.getSource(), codes));
    rewriter.replaceOpWithMultiple(op, {rows});
    return success();
  }

private:
  static Value gather(OpBuilder &builder, Location loc, Value source, Value offsets) {
    auto shape = cast<VectorType>(offsets.getType());
    VectorType type = shape.clone(builder.getF32Type()), truth = shape.clone(builder.getI1Type());
    Value all = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(truth, true));
    Value none = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
    Value first = arith::ConstantIndexOp::create(builder, loc, 0);
    return vector::GatherOp::create(builder, loc, type, source, ValueRange{first}, offsets, all, none);
  }

  /// LLVM has no gathers of 256 bits where nothing says that they are quick.
  static Value gatherParts(OpBuilder &builder, Location loc, Value source, Value offsets) {
    constexpr int64_t lanes = 8;
    auto type = VectorType::get({lanes}, builder.getF32Type());
    auto word = VectorType::get({lanes}, builder.getI32Type());
    Value address = memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, source);
    address = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), address);
    Value table = LLVM::IntToPtrOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext()), address);
    Value none = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type));
    Value all = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(word, builder.getI32IntegerAttr(-1)));
    all = arith::BitcastOp::create(builder, loc, type, all);
    Value bytes = arith::ConstantOp::create(builder, loc, builder.getI8IntegerAttr(4)); // of an entry
    Value row = arith::ConstantOp::create(
        builder, loc, builder.getZeroAttr(cast<VectorType>(offsets.getType()).clone(builder.getF32Type())));
    for (int64_t first = 0; first < cast<VectorType>(offsets.getType()).getNumElements(); first += lanes) {
      Value part = vector::ExtractStridedSliceOp::create(builder, loc, offsets, first, lanes, 1);
      Value found = LLVM::CallIntrinsicOp::create(builder, loc, type,
                                                  builder.getStringAttr("llvm.x86.avx2.gather.d.ps.256"),
                                                  ValueRange{none, table, part, all, bytes})
                        ->getResult(0);
      row = vector::InsertStridedSliceOp::create(builder, loc, found, row, first, 1);
    }
    return row;
  }

  FloatTableForm form;
};
} // namespace

void lutra::populateTileFloatTablePatterns(const TypeConverter &converter, FloatTableForm form,
                                           RewritePatternSet &patterns) {
  patterns.add<LookupPattern>(converter, patterns.getContext(), form);
  if (form.kind != FloatTableForm::Words)
    patterns.add<FloatGatherPattern>(converter, patterns.getContext(), form);
}
