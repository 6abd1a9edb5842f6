//===- ByteRows.cpp - left-hand rows as factors of bytes -----------------------===//
// Four bytes at a time, as one integer of 32 bits.
#include "ByteRows.h"

#include "Product.h"

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

ByteRows::ByteRows(KernelEmitter &emitter, int64_t height, int64_t depth)
    : emitter(emitter), isMasked(!emitter.target.getCodedProduct()->takesBytes) {
  Builder &builder = emitter.builder;
  Value bytes = makeScratch(emitter, {height * depth}, builder.getI8Type());
  copy = makeView(bytes, {height, depth}, builder.getI8Type());
  words = makeView(bytes, {height, depth / wordBytes}, builder.getI32Type());
  if (isMasked) {
    Value both = makeScratch(emitter, {2 * height * depth}, builder.getI8Type());
    masked = makeView(both, {height, 2 * (depth / wordBytes)}, builder.getI32Type());
    maskedPairs = makeView(both, {height, depth / wordBytes}, builder.getI64Type());
  }
  leftOut = makeScratch(emitter, {height}, builder.getI32Type());
}

LogicalResult ByteRows::clear(Value rows) {
  Value zero = number(emitter.builder, emitter.loc, emitter.builder.getI32Type(), 0);
  return emitter.forEach(emitter.constant(0), rows, emitter.constant(1), [&](Value row) {
    emitter.storeElement(zero, leftOut, {row});
    return success();
  });
}

LogicalResult ByteRows::addRow(Value row, Value count) {
  Type i32 = emitter.builder.getI32Type(), i64 = emitter.builder.getI64Type();
  Location loc = emitter.loc;
  auto addTile = [&](Value at, int64_t size, Value bound, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
    TileWindow window = TileWindow::row({row, at}, 1, size, bound);
    Value tile = emitter.maskTail(emitter.loadTile(words, window, i32), bound, emitter.builder.getI32IntegerAttr(0));
    if (isMasked)
      emitter.storeTile(emitter.map(tile, i64,
                                    [&](OpBuilder &builder, ValueRange scalars) -> Value {
                                      Value mask = maskOf(builder, loc, scalars[0]);
                                      Value low = arith::ExtUIOp::create(
                                          builder, loc, i64, magnitudeOf(builder, loc, scalars[0], mask));
                                      Value signs = arith::XOrIOp::create(builder, loc, mask,
                                                                          number(builder, loc, i32, 0x80808080));
                                      Value high = arith::ShLIOp::create(
                                          builder, loc, arith::ExtUIOp::create(builder, loc, i64, signs),
                                          number(builder, loc, i64, 32));
                                      return arith::OrIOp::create(builder, loc, low, high);
                                    }),
                        maskedPairs, window);
    Value sum = emitter.map({tile, carried[0]}, i32, [&](OpBuilder &builder, ValueRange scalars) -> Value {
      if (isMasked) {
        Value mask = maskOf(builder, loc, scalars[0]);
        Value below = arith::AndIOp::create(builder, loc, magnitudeOf(builder, loc, scalars[0], mask), mask);
        return arith::AddIOp::create(builder, loc, scalars[1], addBytes(builder, loc, below));
      }
      Value raised = arith::XOrIOp::create(builder, loc, scalars[0], number(builder, loc, i32, 0x80808080));
      Value bytes = arith::SubIOp::create(builder, loc, addBytes(builder, loc, raised),
                                          number(builder, loc, i32, 128 * wordBytes));
      return arith::AddIOp::create(builder, loc, scalars[1], bytes);
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
  Value total = emitter.map({one, emitter.loadTile(leftOut, place, i32)}, i32,
                            [&](OpBuilder &builder, ValueRange scalars) -> Value {
    Value more = scalars[0];
    if (!isMasked)
      more = arith::MulIOp::create(builder, loc, more, number(builder, loc, i32, -128));
    return arith::AddIOp::create(builder, loc, more, scalars[1]);
  });
  emitter.storeTile(total, leftOut, place);
  return success();
}

LogicalResult ByteRows::add(Value rows, Value depth) {
  Value count = emitter.div(depth, emitter.constant(wordBytes));
  return emitter.forEach(emitter.constant(0), rows, emitter.constant(1),
                         [&](Value row) { return addRow(row, count); });
}

Value ByteRows::multiply(Value sums, Value row, Value first, Value panels, ValueRange place, Value depth) {
  Value word = place[1], at = isMasked ? emitter.div(first, emitter.constant(wordBytes / 2)) : first;
  return TileCodedMatmulOp::create(emitter.builder, emitter.loc, sums.getType(), isMasked ? masked : copy,
                                   ValueRange{row, at}, panels, ValueRange{place[0], word}, sums, depth, Value(),
                                   /*bits=*/8, /*lhs_row_dim=*/0, /*offset=*/0, nullptr, /*special_code=*/-1,
                                   /*limit=*/-1);
}

Value ByteRows::complete(Value sums, Value row) {
  Type i32 = emitter.builder.getI32Type();
  TileWindow window;
  window.indices = {row};
  window.shape = SmallVector<int64_t>(cast<TileType>(sums.getType()).getShape());
  window.dims = {window.shape[0] == 1 ? -1 : 0, -1};
  window.steps = {1, 1};
  return emitter.map({sums, emitter.loadTile(leftOut, window, i32)}, i32,
                     [&](OpBuilder &builder, ValueRange scalars) -> Value {
    return arith::AddIOp::create(builder, emitter.loc, scalars[0], scalars[1]);
  });
}
