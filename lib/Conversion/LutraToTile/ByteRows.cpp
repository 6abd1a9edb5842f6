//===- ByteRows.cpp - left-hand rows as factors of bytes -----------------------===//
// Four bytes at a time, as one integer of 32 bits.
#include "ByteRows.h"

#include "lutra/Support/BytePanels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lutra;

/// Bytes of a word, and words of a tile.
static constexpr int64_t wordBytes = bytePanelDepth, tileWords = 8;

static Value number(OpBuilder &builder, Location loc, Type type, int64_t value) {
  APInt bits(type.getIntOrFloatBitWidth(), value, /*isSigned=*/true, /*implicitTrunc=*/true);
  return arith::ConstantOp::create(builder, loc, IntegerAttr::get(type, bits));
}

/// The sum of the bytes of a word, without signs.
static Value addBytes(OpBuilder &builder, Location loc, Value word) {
  Type type = word.getType();
  Value fields = number(builder, loc, type, 0x00FF00FF);
  auto shift = [&](Value value, int64_t bits) {
    return arith::ShRUIOp::create(builder, loc, value, number(builder, loc, type, bits)).getResult();
  };
  Value pairs = arith::AddIOp::create(builder, loc, arith::AndIOp::create(builder, loc, word, fields),
                                      arith::AndIOp::create(builder, loc, shift(word, 8), fields));
  Value low = arith::AndIOp::create(builder, loc, pairs, number(builder, loc, type, 0xFFFF));
  return arith::AddIOp::create(builder, loc, low, shift(pairs, 16));
}

/// A byte of ones for each byte of a word that is below 0, else of zeros.
static Value maskOf(OpBuilder &builder, Location loc, Value word) {
  Type type = word.getType();
  Value high = arith::ShRUIOp::create(builder, loc, word, number(builder, loc, type, 7));
  Value signs = arith::AndIOp::create(builder, loc, high, number(builder, loc, type, 0x01010101));
  Value shifted = arith::ShLIOp::create(builder, loc, signs, number(builder, loc, type, 8));
  return arith::SubIOp::create(builder, loc, shifted, signs); // times 255
}

/// The magnitude of each byte of a word.
static Value magnitudeOf(OpBuilder &builder, Location loc, Value word, Value mask) {
  Value ones = arith::AndIOp::create(builder, loc, mask, number(builder, loc, word.getType(), 0x01010101));
  return arith::AddIOp::create(builder, loc, arith::XOrIOp::create(builder, loc, word, mask), ones);
}

Value ByteRows::makeView(Value bytes, ArrayRef<int64_t> shape, Type element) {
  return memref::ViewOp::create(emitter.builder, emitter.loc, MemRefType::get(shape, element), bytes,
                                emitter.constant(0), ValueRange());
}

ByteForm lutra::byteFormOf(const TileTarget &target, const ProductShape &shape) {
  if (!target.hasByteDot())
    return ByteForm::Masked;
  // A product of tiles lasts as long for one row as for eight, and tiles have known sizes.
  bool isFlat = shape.m > 0 && shape.m < 4;
  return target.hasByteTiles() && !isFlat && shape.k >= 0 ? ByteForm::Plain : ByteForm::Raised;
}

ByteRows::ByteRows(KernelEmitter &emitter, ByteForm form, Value panels, int64_t height, int64_t depth, bool isUnsigned,
                   bool hasSums)
    : emitter(emitter), form(form), panels(panels), isUnsigned(isUnsigned), hasSums(hasSums) {
  if (depth == 0)
    return;
  Builder &builder = emitter.builder;
  Value bytes = makeScratch(emitter, {height * depth}, builder.getI8Type());
  copy = makeView(bytes, {height, depth}, builder.getI8Type());
  if (form != ByteForm::Masked)
    return;
  words = makeView(bytes, {height, depth / wordBytes}, builder.getI32Type());
  Value both = makeScratch(emitter, {2 * height * depth}, builder.getI8Type());
  masked = makeView(both, {height, 2 * (depth / wordBytes)}, builder.getI32Type());
  maskedPairs = makeView(both, {height, depth / wordBytes}, builder.getI64Type());
  leftOver = makeScratch(emitter, {height}, builder.getI32Type());
}

Value ByteRows::convert(Value bytes) {
  if (form == ByteForm::Plain || isUnsigned == (form == ByteForm::Raised))
    return bytes;
  return emitter.map(bytes, emitter.builder.getI8Type(), [&](OpBuilder &builder, ValueRange scalars) -> Value {
    Value bias = number(builder, emitter.loc, builder.getI8Type(), bytePanelBias);
    return arith::XOrIOp::create(builder, emitter.loc, scalars[0], bias);
  });
}

LogicalResult ByteRows::begin(Value rows, ProductRange columns, int64_t width) {
  Builder &builder = emitter.builder;
  Type i32 = builder.getI32Type();
  Value zero = emitter.constant(0), one = emitter.constant(1);
  if (form == ByteForm::Plain)
    return success();
  if (form == ByteForm::Masked) {
    Value none = number(emitter.builder, emitter.loc, i32, 0);
    return emitter.forEach(zero, rows, one, [&](Value row) {
      emitter.storeElement(none, leftOver, {row});
      return success();
    });
  }
  if (!hasSums)
    return success();
  // The words at the end of each panel.
  auto type = cast<MemRefType>(panels.getType());
  SmallVector<int64_t> shape(type.getShape().drop_back());
  SmallVector<ReassociationIndices> all{{0, 1, 2, 3}};
  Value bytes = memref::CollapseShapeOp::create(emitter.builder, emitter.loc, panels, all);
  Value ends = makeView(bytes, shape, i32);
  leftOver = makeScratch(emitter, {width}, i32);
  int64_t panelWidth = shape[2];
  Value panel = emitter.constant(panelWidth), last = emitter.constant(shape[1] - 1);
  Value first = emitter.div(columns.low, panel);
  Value count = emitter.ceilDiv(emitter.sub(columns.high, columns.low), panel);
  return emitter.forEach(zero, count, one, [&](Value index) {
    TileWindow from = TileWindow::row({emitter.add(first, index), last, zero}, 2, panelWidth);
    emitter.storeTile(emitter.loadTile(ends, from, i32), leftOver,
                      TileWindow::row({emitter.mul(index, panel)}, 0, panelWidth));
    return success();
  });
}

LogicalResult ByteRows::addRow(Value row, Value count) {
  Type i32 = emitter.builder.getI32Type(), i64 = emitter.builder.getI64Type();
  Location loc = emitter.loc;
  auto addTile = [&](Value at, int64_t size, Value bound, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
    TileWindow window = TileWindow::row({row, at}, 1, size, bound);
    Value tile = emitter.maskTail(emitter.loadTile(words, window, i32), bound, emitter.builder.getI32IntegerAttr(0));
    auto pair = [&](OpBuilder &builder, ValueRange scalars) -> Value {
      Value mask = maskOf(builder, loc, scalars[0]);
      Value low = arith::ExtUIOp::create(builder, loc, i64, magnitudeOf(builder, loc, scalars[0], mask));
      Value high = arith::ShLIOp::create(builder, loc, arith::ExtUIOp::create(builder, loc, i64, mask),
                                         number(builder, loc, i64, 32));
      return arith::OrIOp::create(builder, loc, low, high);
    };
    emitter.storeTile(emitter.map(tile, i64, pair), maskedPairs, window);
    Value sum = emitter.map({tile, carried[0]}, i32, [&](OpBuilder &builder, ValueRange scalars) -> Value {
      Value mask = maskOf(builder, loc, scalars[0]);
      Value below = arith::AndIOp::create(builder, loc, magnitudeOf(builder, loc, scalars[0], mask), mask);
      return arith::AddIOp::create(builder, loc, scalars[1], addBytes(builder, loc, below));
    });
    return KernelEmitter::Carried{sum};
  };
  Value start = emitter.fill(emitter.builder.getI32IntegerAttr(0), {tileWords});
  auto sum = emitter.foldTiles(emitter.constant(0), count, tileWords, start, addTile);
  if (failed(sum))
    return failure();
  OpBuilder &builder = emitter.builder;
  Value one = TileReduceOp::create(builder, loc, TileType::get(builder.getContext(), {}, i32), ReduceKind::Sum,
                                   (*sum)[0]);
  TileWindow place = TileWindow::element({row});
  Value total = emitter.map({one, emitter.loadTile(leftOver, place, i32)}, i32,
                            [&](OpBuilder &builder, ValueRange scalars) -> Value {
    return arith::AddIOp::create(builder, loc, scalars[0], scalars[1]);
  });
  emitter.storeTile(total, leftOver, place);
  return success();
}

LogicalResult ByteRows::add(Value rows, Value depth) {
  if (form != ByteForm::Masked)
    return success();
  Value count = emitter.div(depth, emitter.constant(wordBytes));
  return emitter.forEach(emitter.constant(0), rows, emitter.constant(1),
                         [&](Value row) { return addRow(row, count); });
}

Value ByteRows::multiply(Value sums, Left left, ValueRange place, Value depth, Value others) {
  bool isMasked = form == ByteForm::Masked;
  if (isMasked) {
    left.buffer = masked;
    left.place.back() = emitter.div(left.place.back(), emitter.constant(wordBytes / 2));
  }
  return TileCodedMatmulOp::create(emitter.builder, emitter.loc, sums.getType(), left.buffer, left.place,
                                   others ? others : panels, ValueRange{place[0], place[1]}, sums, depth, Value(),
                                   /*bits=*/8, left.rowDim, /*offset=*/0, nullptr, /*special_code=*/-1, /*limit=*/-1,
                                   /*signed_codes=*/!isMasked,
                                   /*unsigned_lhs=*/form == ByteForm::Raised ||
                                       (form == ByteForm::Plain && isUnsigned));
}

Value ByteRows::complete(Value sums, Value row, Value column) {
  if (!leftOver)
    return sums;
  Type i32 = emitter.builder.getI32Type();
  TileWindow window;
  window.indices = {form == ByteForm::Masked ? row : column};
  int64_t along = form == ByteForm::Masked ? 0 : 1;
  window.shape = {1, 1};
  window.shape[along] = cast<TileType>(sums.getType()).getShape()[along];
  window.dims = {-1, -1};
  window.dims[along] = window.shape[along] == 1 ? -1 : 0;
  window.steps = {1, 1};
  return emitter.map({sums, emitter.loadTile(leftOver, window, i32)}, i32,
                     [&](OpBuilder &builder, ValueRange scalars) -> Value {
    return arith::AddIOp::create(builder, emitter.loc, scalars[0], scalars[1]);
  });
}
