//===- CodedRows.cpp - rows beside codes that are unpacked once ---------------===//
// With VNNI words of 16 rows lie side by side in a copy, so that one address finds them all. They are the panels of a
// product with ones then, which gives the sums of groups, and with an offset the totals that CodedTotals.cpp takes off.
#include "CodedEmission.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lutra;

/// Copies the scales of the item's rows, those of a group side by side, and zeros behind them to the end of a tile.
LogicalResult CodedEmission::copyScales() {
  Type real = emitter.builder.getF32Type();
  Value from = emitter.getBuffer(op.getScale()), zero = emitter.constant(0), one = emitter.constant(1);
  int64_t count = llvm::divideCeil(depth, std::min<int64_t>(op.getBlock(), depth));
  int64_t most = llvm::alignTo(rowBlocks.size, unpacking.rows);
  unpacking.scales = makeScratch(emitter, {count, most}, real);
  auto store = [&](Value index, Value row, Value scale) {
    emitter.storeTile(scale, unpacking.scales, TileWindow::element({index, row}));
    return success();
  };
  Value rowCount = emitter.sub(rows.high, rows.low), step = emitter.constant(unpacking.rows);
  Value filled = emitter.mul(emitter.ceilDiv(rowCount, step), step);
  return emitter.forEach(zero, emitter.constant(count), one, [&](Value index) -> LogicalResult {
    if (failed(emitter.forEach(zero, rowCount, one, [&](Value row) {
          SmallVector<Value> at(indices);
          at[rowDim] = emitter.add(rows.low, row);
          at[rank - 1] = index;
          return store(index, row, emitter.loadTile(from, TileWindow::element(at), real));
        })))
      return failure();
    return emitter.forEach(rowCount, filled, one, [&](Value row) {
      return store(index, row, emitter.fill(emitter.builder.getF32FloatAttr(0), {}));
    });
  });
}

/// A row of bytes that all are one number, without a sign.
void CodedEmission::makeUnits(int64_t count, int64_t unit) {
  unpacking.units = makeScratch(emitter, {1, count}, emitter.builder.getI8Type());
  Value zero = emitter.constant(0);
  TileWindow window = TileWindow::row({zero, zero}, 1, count);
  auto byte = static_cast<int8_t>(unit);
  emitter.storeTile(emitter.fill(emitter.builder.getI8IntegerAttr(byte), {count}), unpacking.units, window);
}

/// Adds products of that row with `steps` bytes of each of a block of packed rows: words of 16 rows are those of a
/// panel.
Value CodedEmission::sumWords(Value block, Value word, int64_t steps, Value start) {
  Value zero = emitter.constant(0);
  return TileCodedMatmulOp::create(emitter.builder, emitter.loc, start.getType(), unpacking.units,
                                   ValueRange{zero, zero}, lhs, ValueRange{block, word}, start,
                                   emitter.constant(steps), Value(), /*bits=*/8, /*lhs_row_dim=*/0, /*offset=*/0,
                                   nullptr, /*special_code=*/-1, /*limit=*/-1, /*signed_codes=*/true,
                                   /*unsigned_lhs=*/true);
}

/// Sums of the groups of some steps of K of a block of packed rows.
LogicalResult CodedEmission::sumPacked(Value block, const Depth &part) {
  int64_t group = weight->getPanels().group;
  auto sumSteps = [&](Value low, int64_t size) {
    int64_t steps = llvm::alignTo(size, unpacking.step);
    Value word = emitter.div(emitter.sub(low, part.low), emitter.constant(wordBytes));
    Value none = makeSums(1, packedRows, emitter.builder.getI32Type());
    Value total = sumWords(block, word, steps, none);
    Type stored = cast<MemRefType>(sums.getType()).getElementType();
    auto negate = [&](OpBuilder &inner, ValueRange scalars) { return negateSum(inner, scalars[0]); };
    total = emitter.map(total, stored, negate);
    TileWindow window;
    window.indices = {emitter.div(low, emitter.constant(group)), emitter.mul(block, emitter.constant(packedRows))};
    window.shape = {1, packedRows};
    window.dims = {-1, 1};
    window.steps = {1, 1};
    emitter.storeTile(total, sums, window);
    return success();
  };
  int64_t rest = part.size % group;
  Value end = emitter.add(part.low, emitter.constant(part.size - rest));
  if (failed(emitter.forEach(part.low, end, emitter.constant(group), [&](Value low) { return sumSteps(low, group); })))
    return failure();
  return rest > 0 ? sumSteps(end, rest) : success();
}

/// Copies some steps of the item's rows such that words of `packedRows` rows lie side by side.
LogicalResult CodedEmission::packRows(const Depth &part) {
  KernelEmitter::Scope scope(emitter);
  OpBuilder &builder = emitter.builder;
  Type byte = builder.getI8Type(), word = builder.getI32Type();
  int64_t length = llvm::alignTo(getRowLength(unpacking.depth), packedRows * wordBytes), words = length / wordBytes;
  int64_t blocks = llvm::divideCeil(rowBlocks.size, packedRows);
  if (!unpacking.staged) {
    unpacking.staged = makeScratch(emitter, {packedRows * length}, byte);
    unpacking.packed = makeScratch(emitter, {blocks * packedRows * length}, byte);
  }
  Value zero = emitter.constant(0), count = emitter.constant(packedRows);
  auto view = [&](Value buffer, ArrayRef<int64_t> shape, Type element) -> Value {
    return memref::ViewOp::create(builder, emitter.loc, MemRefType::get(shape, element), buffer, zero, ValueRange());
  };
  Value from = view(unpacking.staged, {packedRows, words}, word);
  Value to = view(unpacking.packed, {blocks, words, packedRows}, word);
  lhs = view(unpacking.staged, {packedRows, length}, byte);
  Value packed = view(unpacking.packed, {blocks, words, packedRows, wordBytes}, byte);
  int64_t width = emitter.target.getTurnWidth(32);
  LogicalResult copied = emitter.forEach(rows.low, rows.high, count, [&](Value low) -> LogicalResult {
    Value high = emitter.min(emitter.add(low, count), rows.high);
    if (failed(emitter.forEach(low, high, emitter.constant(1),
                               [&](Value row) { return copySteps(row, part, emitter.sub(row, low)); })))
      return failure();
    Value block = emitter.div(emitter.sub(low, rows.low), count);
    LogicalResult turned = emitter.forEach(zero, emitter.constant(words), emitter.constant(width), [&](Value first) {
      for (int64_t row = 0; row < packedRows; row += width) { // of rows that do not exist nothing is read
        TileWindow window;
        window.indices = {emitter.constant(row), first};
        window.shape = {width, width};
        window.dims = {1, 0};
        window.steps = {1, 1};
        Value tile = emitter.loadTile(from, window, word);
        window.indices = {block, first, emitter.constant(row)};
        window.dims = {1, 2};
        emitter.storeTile(tile, to, window);
      }
      return success();
    });
    std::swap(lhs, packed);
    if (succeeded(turned) && unpacking.packsSums)
      turned = sumPacked(block, part);
    if (unpacking.addsTotals)
      addTotals(block, part);
    std::swap(lhs, packed);
    return turned;
  });
  lhs = packed;
  return copied;
}
