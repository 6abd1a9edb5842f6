//===- CodedPipeline.cpp - tiles of codes whose sums are scaled meanwhile -----===//
// Products of rows that fill tiles of AMX, where K has several groups: the sums of a group leave the tiles as integers
// and are scaled as vectors. Panels follow each other, and for each one the turns of K, in which all rows meet the same
// entries; a unit is a tile of rows in a turn:
//
//   for panels: for turn, tile of rows: unit
//     tiles of sums of this unit to memory     rows x entries of the turn
//     a share of the entries of the next turn
//     sums of the unit before, scaled and added to those in f32
//
// Tiles are in use while vectors scale: neither waits for sums or entries that are on their way to the cache. Rows
// are copied so that those of a turn lie together, and so are their scales. Of about 500 cycles that 32 rows by 32
// columns take in a group of 128 (Xeon, K = N = 4096) a fifth goes to rows that come from the second level.
#include "CodedEmission.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lutra;

/// Whether planBlocks will pipe, as far as is known before rows are cut.
bool CodedEmission::mayPipe(const ProductShape &shape, const CodedProduct &product) {
  auto type = cast<RankedTensorType>(op.getRhs().getType());
  bool isMany = shape.m < 0 || shape.m > product.blockRows;
  return way == CodedWay::Codes && packingOf(type) && emitter.target.hasByteTiles() && isMany &&
         getStoredPanels(type).groups() > 1;
}

/// Bytes of rows that are copied at once, a part of a second-level cache, and of all that an item has on the stack.
static constexpr int64_t copyBytes = 512 << 10, itemBytes = 832 << 10;

/// The sums of these rows with a pair of panels take a third of the first-level cache.
void CodedEmission::planPipe(ProductPlan &plan) {
  plan.rowBlock = 128;
  plan.columnBlock = 512; // for which rows are copied once, and whose sums wait where that takes several times
}

void CodedEmission::planPipe(const CodedProduct &product) {
  constexpr int64_t mostOfSome = 1024;
  const EncodedPanels &panels = weight->getPanels();
  Builder &builder = emitter.builder;
  unpacking.rows = product.blockRows / 2; // of a tile
  unpacking.panels = unpacking.depth <= mostOfSome ? std::min(product.blockPanels, panels.panels()) : 1;
  unpacking.fillsRows = true;
  unpacking.copiesRows = !copies;
  unpacking.slots = 2;
  unpacking.most = llvm::alignTo(rowBlocks.size, unpacking.rows);
  int64_t width = unpacking.panels * panel, groups = llvm::divideCeil(unpacking.depth, panels.group);
  int64_t turns = std::max<int64_t>(1, depth / unpacking.depth), row = getRowLength(unpacking.depth);
  auto turnsIn = [&](int64_t bytes) { return std::clamp<int64_t>(bytes / (unpacking.most * row), 1, turns); };
  unpacking.isOnce = depth % unpacking.depth == 0 && (copies || turnsIn(copyBytes) == turns);
  // The last panels of an item may be single ones, one of which is bounded.
  int64_t waitingBlocks = unpacking.isOnce ? 1 : llvm::divideCeil(columnBlocks.size, width) + 1;
  int64_t scales = llvm::divideCeil(depth, std::min<int64_t>(op.getBlock(), depth));
  int64_t others = unpacking.most * 4 * (waitingBlocks * width + scales);
  unpacking.turns = unpacking.isOnce || copies ? turns : turnsIn(std::min(copyBytes, itemBytes - others));
  unpacking.entries = makeScratch(emitter, {2 * unpacking.panels * unpacking.words * rowBytes}, builder.getI8Type());
  waiting = makeScratch(emitter, {waitingBlocks * unpacking.most, width}, builder.getF32Type());
  if (unpacking.copiesRows)
    unpacking.copy = makeScratch(emitter, {unpacking.turns * unpacking.most, row}, builder.getI8Type());
  unpacking.partial = makeScratch(emitter, {2, groups, unpacking.rows, width}, builder.getI32Type());
}

/// Copies the item's rows over some turns, those of a turn together.
LogicalResult CodedEmission::copyTurns(const PipeTurns &turns) {
  return emitter.forEach(rows.low, rows.high, emitter.constant(1), [&](Value row) {
    return emitter.forEach(emitter.constant(0), turns.count, emitter.constant(1), [&](Value turn) {
      Value to = emitter.add(emitter.mul(turn, emitter.constant(unpacking.most)), emitter.sub(row, rows.low));
      return copySteps(row, partAt(turns, turn), to);
    });
  });
}

CodedEmission::Depth CodedEmission::partAt(const PipeTurns &turns, Value turn) {
  return {emitter.mul(emitter.add(turns.first, turn), emitter.constant(unpacking.depth)), turns.size};
}

/// Where the sums of a unit lie that begins with panel number `first` of a turn's.
TileWindow CodedEmission::pipedAt(const PipeUnit &unit, Value group, int64_t first, int64_t width) {
  TileWindow window;
  window.indices = {unit.place, group, emitter.constant(0), emitter.constant(first * panel)};
  window.shape = {unpacking.rows, width};
  window.dims = {2, 3};
  window.steps = {1, 1};
  return window;
}

/// Sums of all groups, as tiles in memory.
LogicalResult CodedEmission::multiplyUnit(const PanelBlock &block, const PipeUnit &unit) {
  KernelEmitter::Scope scope(emitter);
  int64_t group = weight->getPanels().group;
  ProductSpot spot = spotOf(block, unit.row, unpacking.rows);
  Source source = sourceOf(unit.part, unit.slot);
  if (unpacking.copiesRows) {
    copiedFrom = unit.part.low;
    copiedTo = emitter.mul(unit.turn, emitter.constant(unpacking.most));
  }
  for (int64_t low = 0, index = 0; low < unit.part.size; low += group, ++index) {
    Depth steps{emitter.add(unit.part.low, emitter.constant(low)), std::min(group, unit.part.size - low)};
    Value start = makeSums(spot.rows, spot.columns, emitter.builder.getI32Type());
    emitter.storeTile(multiplyGroup(spot, steps, source, start), unpacking.partial,
                      pipedAt(unit, emitter.constant(index), 0, spot.columns));
  }
  copiedFrom = copiedTo = Value();
  return success();
}

/// Adds what multiplyUnit stored, scaled.
LogicalResult CodedEmission::scaleUnit(const PanelBlock &block, const PipeUnit &unit) {
  KernelEmitter::Scope scope(emitter);
  int64_t group = weight->getPanels().group;
  Type real = emitter.builder.getF32Type(), wide = emitter.builder.getI32Type();
  for (int64_t next = 0; next < block.panels; ++next) {
    ProductSpot spot = spotOf({emitter.add(block.column, emitter.constant(next * panel)), Value(), 1}, unit.row,
                              unpacking.rows);
    TileWindow window = waitingAt(spot);
    Value total = emitter.loadTile(waiting, window, real);
    Value first = emitter.div(unit.part.low, emitter.constant(group));
    for (int64_t index = 0; index * group < unit.part.size; ++index) {
      Value sum = emitter.loadTile(unpacking.partial, pipedAt(unit, emitter.constant(index), next, panel), wide);
      total = scaleGroup(spot, emitter.add(first, emitter.constant(index)), sum, total, unpacking.isSigned);
    }
    emitter.storeTile(total, waiting, window);
  }
  return success();
}

/// Adds some turns to the sums of a block of panels.
LogicalResult CodedEmission::addPiped(const PanelBlock &block, const PipeTurns &turns) {
  Value zero = emitter.constant(0), one = emitter.constant(1), two = emitter.constant(2);
  Value height = emitter.constant(unpacking.rows);
  // Divisions by it may be hoisted to where an item has no rows for tiles.
  Value tiles = emitter.max(emitter.ceilDiv(emitter.sub(rows.high, rows.low), height), one);
  auto unitAt = [&](Value index) {
    Value turn = emitter.div(index, tiles), tile = emitter.rem(index, tiles);
    Value row = emitter.add(rows.low, emitter.mul(tile, height));
    return PipeUnit{partAt(turns, turn), turn, tile, row, emitter.rem(turn, two), emitter.rem(index, two)};
  };
  auto begin = [&](const PipeUnit &unit) -> LogicalResult {
    if (failed(multiplyUnit(block, unit)))
      return failure();
    Value next = emitter.add(unit.turn, one), end = emitter.min(emitter.add(next, one), turns.count); // no last one
    return emitter.forEach(next, end, one, [&](Value turn) {
      return unpack(block, partAt(turns, turn), emitter.rem(turn, two), Share{unit.tile, tiles});
    });
  };
  if (failed(unpack(block, partAt(turns, zero), zero)) || failed(begin(unitAt(zero))))
    return failure();
  Value end = emitter.mul(turns.count, tiles);
  if (failed(emitter.forEach(one, end, one, [&](Value index) -> LogicalResult {
        if (failed(begin(unitAt(index))))
          return failure();
        return scaleUnit(block, unitAt(emitter.sub(index, one)));
      })))
    return failure();
  return scaleUnit(block, unitAt(emitter.sub(end, one)));
}

/// Calls `body` for blocks of panels, whose sums have a place of their own where they wait for rows to be copied.
LogicalResult CodedEmission::forPipedPanels(ProductRange block, PanelBody body) {
  LogicalResult result = forPanels(block, unpacking.panels, [&](const PanelBlock &panelBlock) {
    unpacking.columns = {panelBlock.column, Value()};
    if (!unpacking.isOnce) { // of pairs, and of each single panel behind them
      Value number = emitter.div(emitter.sub(panelBlock.column, block.low), emitter.constant(panel));
      Value place = emitter.ceilDiv(number, emitter.constant(unpacking.panels));
      unpacking.waitingRow = emitter.mul(place, emitter.constant(unpacking.most));
    }
    return body(panelBlock);
  });
  unpacking.waitingRow = Value();
  return result;
}

LogicalResult CodedEmission::emitPipe(ProductRange block) {
  Type real = emitter.builder.getF32Type();
  Value original = lhs;
  bool copied = copies;
  if (failed(clearEntries()) || failed(copyScales()))
    return failure();
  if (unpacking.copiesRows) {
    copies = true;
    lhs = unpacking.copy;
  }
  auto withAll = [](const PanelBlock &panelBlock) { // a panel has all its columns
    return PanelBlock{panelBlock.column, Value(), panelBlock.panels};
  };
  auto clear = [&](const PanelBlock &panelBlock) {
    return forBlockRows([&](Value row, int64_t size) {
      ProductSpot spot = spotOf(withAll(panelBlock), row, size);
      emitter.storeTile(makeSums(size, spot.columns, real), waiting, waitingAt(spot));
      return success();
    });
  };
  auto end = [&](const PanelBlock &panelBlock) {
    return forRows(unpacking.rows, [&](Value row, int64_t rowCount) {
      ProductSpot spot = spotOf(panelBlock, row, rowCount);
      return finish(spot, emitter.loadTile(waiting, waitingAt(spot), real));
    });
  };
  int64_t whole = depth / unpacking.depth, rest = depth % unpacking.depth;
  Value zero = emitter.constant(0), wholeTurns = emitter.constant(whole), step = emitter.constant(unpacking.turns);
  auto copyTurnsOf = [&](const PipeTurns &turns) { return unpacking.copiesRows ? copyTurns(turns) : success(); };
  auto add = [&](const PipeTurns &turns) {
    return failure(failed(copyTurnsOf(turns)) || failed(forPipedPanels(block, [&](const PanelBlock &panelBlock) {
                     return addPiped(withAll(panelBlock), turns);
                   })));
  };
  LogicalResult added = success();
  if (unpacking.isOnce) {
    PipeTurns all{zero, wholeTurns, unpacking.depth};
    added = failure(failed(copyTurnsOf(all)) || failed(forPipedPanels(block, [&](const PanelBlock &panelBlock) {
                      return failure(failed(clear(panelBlock)) || failed(addPiped(withAll(panelBlock), all)) ||
                                     failed(end(panelBlock)));
                    })));
  } else {
    auto addSome = [&](Value first) {
      return add({first, emitter.min(emitter.sub(wholeTurns, first), step), unpacking.depth});
    };
    added = failure(failed(forPipedPanels(block, clear)) || failed(emitter.forEach(zero, wholeTurns, step, addSome)) ||
                    (rest > 0 && failed(add({wholeTurns, emitter.constant(1), rest}))) ||
                    failed(forPipedPanels(block, end)));
  }
  lhs = original;
  copies = copied;
  unpacking.scales = Value();
  return added;
}
