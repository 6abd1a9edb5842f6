//===- CodedPipeline.cpp - tiles of codes whose sums are scaled meanwhile -----===//
// Products of rows that fill tiles of AMX. Where K has several groups, the sums of a group leave the tiles as integers
// and are scaled as vectors. Panels follow each other, and for each one the turns of K, in which all rows meet the same
// entries; a unit is a tile of rows in a turn:
//
//   for panels: for turn, tile of rows: unit
//     products of this unit, a tile of steps after the other    rows x entries of the turn
//     a share of the entries of the next turn, after the first
//     sums of the unit before, scaled and added to those in f32, a panel after each product
//     tiles of sums of this unit to memory
//
// Neither tiles nor vectors wait for what is on its way to the cache, and few instructions lie between those of both: a
// core looks ahead less than a unit. After the last turn of some panels the first one of those that follow is next.
// Sums of all of K stay integers where it is one group, or its groups have one scale (CodedRescale.cpp): then a unit
// adds to those that wait, parts of the unpacking lie between its products, and nothing is scaled before the end. Rows
// are copied so that those of a turn lie together, or there those of a tile, and so are their scales. Tiles of such
// sums take whole rows as they lie unless these are many: with copies they are faster by what copies take. Of about 540
// cycles that 32 rows by 32 columns take in a group of 128 (Xeon, K = N = 4096), 340 are left where all lies in the
// first level.
#include "CodedEmission.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lutra;

/// Whether planBlocks will pipe, as far as is known before rows are cut.
bool CodedEmission::mayPipe(const ProductShape &shape, const CodedProduct &product) {
  auto type = cast<RankedTensorType>(op.getRhs().getType());
  bool isMany = (shape.m < 0 && !hasFewRows(product)) || shape.m > product.blockRows;
  return way == CodedWay::Codes && packingOf(type) && emitter.target.hasByteTiles() && isMany;
}

/// Bytes of rows that are copied at once, a part of a second-level cache, and of all that an item has on the stack.
static constexpr int64_t copyBytes = 512 << 10, itemBytes = 832 << 10;

/// Rows of an item, and of one whose rows are read where they lie, as long as they leave room in that cache.
static constexpr int64_t itemRows = 128, mostItemRows = 256, rowsBytes = 1 << 20;

/// Rows from which on results take a page each for too many pages: those of some blocks of panels are written together,
/// and asked for before.
static constexpr int64_t manyRows = 64, blocksAtOnce = 2;

/// Rows that are finished at once: with a pair of panels, as many vectors as registers hold.
static constexpr int64_t finishedRows = 8;

/// Parts of what a unit unpacks, between which its products lie.
static constexpr size_t wholeParts = 4;

/// Rows whose copies serve so many columns that tiles gain more from them: 7 % (K = 4096, 512 rows). Where codes are
/// rescaled, items of twice as many rows share as much, unless rows at this distance keep each other out of the cache.
static constexpr int64_t copiedRows = 3 * itemRows, conflictBytes = 4096;

/// Whether tiles of sums of all of K take rows as they lie: those have no rest.
bool CodedEmission::takesRows(const EncodedPanels &panels, const CodedProduct &product) const {
  int64_t known = knownRows, turn = cutPiped(panels);
  bool gainsCopies = known >= copiedRows && (!rescales || depth % conflictBytes == 0);
  return !copies && sumsWhole(panels) && known > 0 && known % product.blockRows == 0 && turn > 0 &&
         depth % turn == 0 && turn % std::min(rowBytes, turn) == 0 && !gainsCopies;
}

/// The sums of these rows with a pair of panels take a third of the first-level cache.
void CodedEmission::planPipe(ProductPlan &plan, int64_t rowCount, const CodedProduct &product) {
  plan.rowBlock = itemRows;
  plan.columnBlock = 512; // for which rows are copied once, and whose sums wait where that takes several times
  EncodedPanels panels = getStoredPanels(cast<RankedTensorType>(op.getRhs().getType()));
  int64_t turn = std::max<int64_t>(1, cutPiped(panels)), least = sumsWhole(panels) ? 2 : 1, atOnce = copyBytes;
  // Up to 10 % (g128) with scales of groups, of which more is unpacked than of codes with one group.
  if (rescales && rowCount > itemRows && mostItemRows * depth <= rowsBytes && takesRows(panels, product)) {
    plan.rowBlock = mostItemRows;
    atOnce = rowsBytes;
  }
  int64_t taken = plan.rowBlock * depth / turn * llvm::alignTo(turn, rowBytes);
  // Times as many, where rows leave items enough for other threads; half of that where sums of all of them wait.
  int64_t most = depth % turn == 0 && taken <= atOnce ? 4 : 2;
  if (plan.rowBlock * depth <= atOnce)
    plan.columnBlock *= std::clamp<int64_t>(rowCount / plan.rowBlock, least, most);
}

void CodedEmission::planPipe(const CodedProduct &product) {
  const EncodedPanels &panels = weight->getPanels();
  Builder &builder = emitter.builder;
  // Sums that leave tiles with each group leave two of them at a time: four are 8 % slower.
  unpacking.rows = sumsWhole() ? product.blockRows : product.blockRows / 2;
  choosePanels(product);
  unpacking.fillsRows = true;
  unpacking.slots = 2;
  unpacking.most = llvm::alignTo(rowBlocks.size, unpacking.rows);
  int64_t width = unpacking.panels * panel, groups = llvm::divideCeil(unpacking.depth, panels.group);
  int64_t turns = std::max<int64_t>(1, depth / unpacking.depth), row = getRowLength(unpacking.depth);
  auto turnsIn = [&](int64_t bytes) { return std::clamp<int64_t>(bytes / (unpacking.most * row), 1, turns); };
  bool takes = takesRows(panels, product);
  int64_t atOnce = takes && unpacking.most > itemRows ? rowsBytes : copyBytes;
  unpacking.isOnce = depth % unpacking.depth == 0 && (copies || turnsIn(atOnce) == turns);
  unpacking.copiesRows = !copies && !(unpacking.isOnce && takes);
  int64_t some = std::min(width * (unpacking.most < manyRows ? 1 : blocksAtOnce), columnBlocks.size);
  unpacking.columnsAtOnce = unpacking.isOnce ? some : columnBlocks.size;
  // The last panels of an item may be single ones, one of which is bounded.
  int64_t waitingBlocks = llvm::divideCeil(unpacking.columnsAtOnce, width) + 1;
  int64_t scales = llvm::divideCeil(depth, std::min<int64_t>(op.getBlock(), depth));
  int64_t others = unpacking.most * 4 * (waitingBlocks * width + scales);
  unpacking.turns = unpacking.isOnce || copies ? turns : turnsIn(std::min(copyBytes, itemBytes - others));
  unpacking.entries = makeScratch(emitter, {2 * bytePanels() * unpacking.words * rowBytes}, builder.getI8Type());
  bool isWhole = sumsWhole();
  waiting = makeScratch(emitter, {waitingBlocks, unpacking.most, width},
                        isWhole ? Type(builder.getI32Type()) : builder.getF32Type());
  if (unpacking.copiesRows)
    unpacking.copy = makeScratch(emitter, {unpacking.turns * unpacking.most * copiedTiles(), row / copiedTiles()},
                                 builder.getI8Type());
  if (!isWhole)
    unpacking.partial = makeScratch(emitter, {2, groups, unpacking.rows, bytePanels() * panel}, builder.getI32Type());
}

/// Tiles along K of a copied turn whose rows lie apart: all where sums are whole, so that a tile's rows lie together.
int64_t CodedEmission::copiedTiles() const {
  return sumsWhole() && unpacking.depth % unpacking.step == 0 ? unpacking.depth / unpacking.step : 1;
}

/// Where a copied turn holds the first row of some rows, from tile `index` along K on.
Value CodedEmission::findCopied(Value turn, Value rowTile, int64_t index) {
  int64_t tiles = copiedTiles(), height = tiles > 1 ? unpacking.rows : unpacking.most;
  Value place = emitter.mul(turn, emitter.constant(unpacking.most / height));
  if (tiles > 1)
    place = emitter.add(emitter.mul(emitter.add(place, rowTile), emitter.constant(tiles)), emitter.constant(index));
  return emitter.mul(place, emitter.constant(height));
}

/// Copies the item's rows over some turns, those of a turn together.
LogicalResult CodedEmission::copyTurns(const PipeTurns &turns) {
  int64_t width = copiedTiles() > 1 ? unpacking.step : turns.size;
  Value height = emitter.constant(unpacking.rows);
  return emitter.forEach(rows.low, rows.high, emitter.constant(1), [&](Value row) {
    return emitter.forEach(emitter.constant(0), turns.count, emitter.constant(1), [&](Value turn) -> LogicalResult {
      Value own = emitter.sub(row, rows.low), rowTile = emitter.div(own, height);
      Depth part = partAt(turns, turn);
      for (int64_t from = 0; from < part.size; from += width) {
        Value to = findCopied(turn, rowTile, from / width);
        to = emitter.add(to, copiedTiles() > 1 ? emitter.rem(own, height) : own);
        Depth some{emitter.add(part.low, emitter.constant(from)), std::min(width, part.size - from)};
        if (failed(copySteps(row, some, to)))
          return failure();
      }
      return success();
    });
  });
}

CodedEmission::Depth CodedEmission::partAt(const PipeTurns &turns, Value turn) {
  return {emitter.mul(emitter.add(turns.first, turn), emitter.constant(unpacking.depth)), turns.size};
}

/// Where `width` sums of a unit lie, from those of panel, or digit, number `first` of a turn on.
TileWindow CodedEmission::pipedAt(const PipeUnit &unit, Value group, int64_t first, int64_t width) {
  TileWindow window;
  window.indices = {unit.place, group, emitter.constant(0), emitter.constant(first * panel)};
  window.shape = {unpacking.rows, width};
  window.dims = {2, 3};
  window.steps = {1, 1};
  return window;
}

CodedEmission::CopiedTurn::CopiedTurn(CodedEmission &emission, const PipeUnit &unit, int64_t from)
    : emission(emission) {
  if (!emission.unpacking.copiesRows)
    return;
  KernelEmitter &emitter = emission.emitter;
  Value place = emission.findCopied(unit.turn, unit.tile, from / emission.unpacking.step);
  bool isCut = emission.copiedTiles() > 1; // rows are counted from the item's first one
  emission.copiedTo = isCut ? emitter.sub(place, emitter.sub(unit.row, emission.rows.low)) : place;
  emission.copiedFrom = isCut ? emitter.add(unit.part.low, emitter.constant(from)) : unit.part.low;
}

/// What a unit takes on tiles: products of each group, in steps that lie apart, the sums of all but the last of which
/// go to memory.
CodedEmission::PipeSteps CodedEmission::multiplyUnit(const PanelBlock &block, const PipeUnit &unit, PipeSums &sums) {
  int64_t group = weight->getPanels().group;
  int64_t stepDepth = unpacking.group == group ? unpacking.step : group; // of a tile, where tiles fill groups
  PipeSteps steps;
  if (sumsWhole()) { // added to those that wait
    int64_t some = unpacking.step;
    for (int64_t from = 0; from < unit.part.size; from += some)
      steps.push_back([=, &sums] {
        KernelEmitter::Scope scope(emitter);
        ProductSpot spot = spotOf(block, unit.row, unpacking.rows);
        CopiedTurn copied(*this, unit, from);
        if (from == 0) {
          TileWindow window = waitingAt(spot);
          Type wide = emitter.builder.getI32Type();
          sums = {unit.startsSums ? makeSums(spot.rows, spot.columns, wide) : emitter.loadTile(waiting, window, wide),
                  window};
        }
        Depth part{emitter.add(unit.part.low, emitter.constant(from)), std::min(some, unit.part.size - from)};
        sums.tile = multiplyGroup(spot, part, sourceOf(unit.part, unit.slot), sums.tile);
      });
    return steps;
  }
  for (int64_t low = 0; low < unit.part.size; low += group) {
    int64_t end = std::min(low + group, unit.part.size);
    for (int64_t from = low; from < end; from += stepDepth)
      steps.push_back([=, &sums] {
        KernelEmitter::Scope scope(emitter);
        ProductSpot spot = spotOf(block, unit.row, unpacking.rows);
        CopiedTurn copied(*this, unit, /*from=*/0);
        PipeSums before = sums;
        if (from == low)
          sums = {makeSums(spot.rows, sumColumns(spot), emitter.builder.getI32Type()),
                  pipedAt(unit, emitter.constant(low / group), 0, sumColumns(spot))};
        Depth part{emitter.add(unit.part.low, emitter.constant(from)), std::min(stepDepth, end - from)};
        sums.tile = multiplyGroup(spot, part, sourceOf(unit.part, unit.slot), sums.tile);
        if (from == low && low > 0)
          storeSums(before);
      });
  }
  return steps;
}

/// Adds what a unit has in memory, scaled: in a step for each panel.
CodedEmission::PipeSteps CodedEmission::scaleUnit(const PanelBlock &block, const PipeUnit &unit) {
  PipeSteps steps;
  if (sumsWhole())
    return steps;
  for (int64_t next = 0; next < block.panels; ++next)
    steps.push_back([=] {
      KernelEmitter::Scope scope(emitter);
      int64_t group = weight->getPanels().group;
      Type real = emitter.builder.getF32Type(), wide = emitter.builder.getI32Type();
      ProductSpot spot = spotOf({emitter.add(block.column, emitter.constant(next * panel)), Value(), 1}, unit.row,
                                unpacking.rows);
      TileWindow window = waitingAt(spot);
      Value total = emitter.loadTile(waiting, window, real);
      Value first = emitter.div(unit.part.low, emitter.constant(group));
      for (int64_t index = 0; index * group < unit.part.size; ++index) {
        Value sum = loadSums(next, [&](int64_t firstSum) {
          return emitter.loadTile(unpacking.partial, pipedAt(unit, emitter.constant(index), firstSum, panel), wide);
        });
        total = scaleGroup(spot, emitter.add(first, emitter.constant(index)), sum, total, unpacking.isSigned);
      }
      emitter.storeTile(total, waiting, window);
    });
  return steps;
}

/// Asks for a share of the lines that results of the unit's rows will be written to, a page apart where rows are long:
/// the index-th of `count`, as many at once would keep others out.
LogicalResult CodedEmission::askForResults(const PanelBlock &block, const PipeUnit &unit, int64_t index,
                                           int64_t count) {
  if (!unpacking.isOnce || unpacking.most < manyRows)
    return success();
  int64_t lines = unpacking.rows * block.panels, share = llvm::divideCeil(lines, unpacking.turns * count);
  Value panels = emitter.constant(block.panels), one = emitter.constant(1);
  Value part = emitter.add(emitter.mul(unit.turn, emitter.constant(count)), emitter.constant(index));
  Value low = emitter.mul(part, emitter.constant(share)), lastRow = emitter.sub(rows.high, one);
  Value high = emitter.min(emitter.add(low, emitter.constant(share)), emitter.constant(lines));
  auto ask = [&](Value line) {
    SmallVector<Value> at(indices);
    at[rowDim] = emitter.min(emitter.add(unit.row, emitter.div(line, panels)), lastRow);
    at[rank - 1] = emitter.add(block.column, emitter.mul(emitter.rem(line, panels), emitter.constant(panel)));
    for (unsigned index = 0; index < emitter.kernel.getYield().getValues().size(); ++index)
      memref::PrefetchOp::create(emitter.builder, emitter.loc, emitter.getOutput(index), ValueRange(at),
                                 /*isWrite=*/true, /*localityHint=*/3, /*isDataCache=*/true);
    return success();
  };
  return share == 1 ? ask(emitter.min(low, emitter.constant(lines - 1))) : emitter.forEach(low, high, one, ask);
}

/// Adds some turns to the sums of a block of panels.
LogicalResult CodedEmission::addPiped(const PanelBlock &block, const PipeTurns &turns) {
  Value zero = emitter.constant(0), one = emitter.constant(1), two = emitter.constant(2);
  Value height = emitter.constant(unpacking.rows);
  // Divisions by it may be hoisted to where an item has no rows for tiles.
  Value tiles = emitter.max(emitter.ceilDiv(emitter.sub(rows.high, rows.low), height), one);
  // Entries of the next block's first turn, if there is one, are unpacked while this one's last turn lasts.
  Value width = emitter.constant(block.panels * panel);
  Value number = emitter.div(emitter.sub(block.column, block.low), width);
  Value firstSlot = emitter.mul(number, turns.count);
  Value left = emitter.min(emitter.ceilDiv(emitter.sub(block.high, block.column), width), two);
  Value last = emitter.sub(emitter.add(turns.count, left), one);
  auto slotOf = [&](Value turn) { return emitter.rem(emitter.add(firstSlot, turn), two); };
  auto unitAt = [&](Value index) {
    Value turn = emitter.div(index, tiles), tile = emitter.rem(index, tiles);
    Value row = emitter.add(rows.low, emitter.mul(tile, height));
    return PipeUnit{partAt(turns, turn), turn, tile, row, slotOf(turn), emitter.rem(index, two)};
  };
  auto placeOf = [&](Value turn) -> std::pair<PanelBlock, Depth> {
    Value ahead = emitter.div(turn, turns.count);
    Value column = emitter.add(block.column, emitter.mul(ahead, width));
    Value own = emitter.sub(turn, emitter.mul(ahead, turns.count));
    return {PanelBlock{column, Value(), block.panels}, partAt(turns, own)};
  };
  auto unpackTurn = [&](Value turn, std::optional<Share> share) {
    auto [from, part] = placeOf(turn);
    return unpack(from, part, slotOf(turn), share);
  };
  auto prepareTurn = [&](Value turn) {
    auto [from, part] = placeOf(turn);
    return prepareRescaling(from, part);
  };
  // One of `count` parts of what a unit unpacks.
  auto unpackNext = [&](const PipeUnit &unit, size_t index, size_t count) {
    Value next = emitter.add(unit.turn, one), end = emitter.min(emitter.add(next, one), last);
    Value parts = emitter.constant(static_cast<int64_t>(count));
    Value own = emitter.add(emitter.mul(unit.tile, parts), emitter.constant(static_cast<int64_t>(index)));
    return emitter.forEach(next, end, one,
                           [&](Value turn) { return unpackTurn(turn, Share{own, emitter.mul(tiles, parts)}); });
  };
  auto prepareNext = [&](const PipeUnit &unit) {
    Value next = emitter.add(unit.turn, one), ahead = emitter.min(emitter.add(next, one), last);
    Value isFirst = isMore(one, unit.tile);
    Value end = arith::SelectOp::create(emitter.builder, emitter.loc, isFirst, ahead, next);
    return emitter.forEach(next, end, one, prepareTurn);
  };
  // Steps on tiles and those of vectors take turns: tiles have no time to wait for in a row.
  auto emitUnit = [&](const PipeUnit &unit, const PipeSteps &scaling) -> LogicalResult {
    PipeSums sums;
    PipeSteps products = multiplyUnit(block, unit, sums);
    if (rescales && failed(prepareNext(unit)))
      return failure();
    size_t scaled = 0, parts = sumsWhole() ? std::min(products.size(), wholeParts) : 1;
    size_t between = sumsWhole() ? products.size() / parts : products.size();
    for (auto [index, multiply] : llvm::enumerate(products)) {
      multiply();
      if (failed(askForResults(block, unit, index, products.size())))
        return failure();
      if (index % between == 0 && index / between < parts && failed(unpackNext(unit, index / between, parts)))
        return failure();
      for (; scaled * products.size() < (index + 1) * scaling.size(); ++scaled)
        scaling[scaled]();
    }
    storeSums(sums);
    return success();
  };
  auto unpackFirst = [&](Value turn) {
    return failure((rescales && failed(prepareTurn(turn))) || failed(unpackTurn(turn, std::nullopt)));
  };
  Value end = emitter.mul(turns.count, tiles);
  if (failed(emitter.forEach(number, one, one, unpackFirst)))
    return failure();
  if (sumsWhole()) {
    auto emitUnits = [&](Value low, Value high, bool startsSums) {
      return emitter.forEach(low, high, one, [&](Value index) {
        PipeUnit unit = unitAt(index);
        unit.startsSums = startsSums;
        return emitUnit(unit, {});
      });
    };
    Value others = unpacking.isOnce ? tiles : zero;
    return failure((unpacking.isOnce && failed(emitUnits(zero, others, /*startsSums=*/true))) ||
                   failed(emitUnits(others, end, /*startsSums=*/false)));
  }
  if (failed(emitUnit(unitAt(zero), {})))
    return failure();
  auto emitNext = [&](Value index) {
    return emitUnit(unitAt(index), scaleUnit(block, unitAt(emitter.sub(index, one))));
  };
  if (failed(emitter.forEach(one, end, one, emitNext)))
    return failure();
  for (const auto &scale : scaleUnit(block, unitAt(emitter.sub(end, one))))
    scale();
  return success();
}

/// Calls `body` for blocks of panels, whose sums each have a place of their own.
LogicalResult CodedEmission::forPipedPanels(ProductRange block, PanelBody body) {
  LogicalResult result = forPanels(block, unpacking.panels, [&](const PanelBlock &panelBlock) {
    unpacking.columns = {panelBlock.column, Value()};
    // Of pairs, and of each single panel behind them.
    Value number = emitter.div(emitter.sub(panelBlock.column, block.low), emitter.constant(panel));
    unpacking.place = emitter.ceilDiv(number, emitter.constant(unpacking.panels));
    return body(panelBlock);
  });
  unpacking.place = Value();
  return result;
}

LogicalResult CodedEmission::emitPipe(ProductRange block) {
  Type real = emitter.builder.getF32Type(), element = cast<MemRefType>(waiting.getType()).getElementType();
  Value original = lhs;
  bool copied = copies;
  if (failed(clearEntries()) || failed(copyScales()) || (rescales && failed(findColumnScales(block))))
    return failure();
  if (unpacking.copiesRows) {
    copies = true;
    lhs = unpacking.copy;
  }
  auto withAll = [](const PanelBlock &panelBlock) { // a panel has all its columns
    return PanelBlock{panelBlock.column, Value(), panelBlock.panels, panelBlock.low, panelBlock.high};
  };
  auto clear = [&](const PanelBlock &panelBlock) {
    return forBlockRows([&](Value row, int64_t size) {
      ProductSpot spot = spotOf(withAll(panelBlock), row, size);
      emitter.storeTile(makeSums(size, spot.columns, element), waiting, waitingAt(spot));
      return success();
    });
  };
  auto end = [&](ProductRange some) { // of some rows all columns, which lie side by side: each row takes a page
    return forRows(std::min(unpacking.rows, finishedRows), [&](Value row, int64_t rowCount) {
      return forPipedPanels(some, [&](const PanelBlock &panelBlock) {
        ProductSpot spot = spotOf(panelBlock, row, rowCount);
        Value total = emitter.loadTile(waiting, waitingAt(spot), element);
        if (rescales)
          total = scaleColumns(spot, total);
        else if (sumsWhole())
          total = scaleGroup(spot, emitter.constant(0), total, makeSums(rowCount, spot.columns, real),
                             unpacking.isSigned);
        return finish(spot, total);
      });
    });
  };
  int64_t whole = depth / unpacking.depth, rest = depth % unpacking.depth;
  Value zero = emitter.constant(0), wholeTurns = emitter.constant(whole), step = emitter.constant(unpacking.turns);
  auto copy = [&](const PipeTurns &turns) { return unpacking.copiesRows ? copyTurns(turns) : success(); };
  auto add = [&](ProductRange some, const PipeTurns &turns) {
    return forPipedPanels(some, [&](const PanelBlock &panelBlock) { return addPiped(withAll(panelBlock), turns); });
  };
  PipeTurns all{zero, wholeTurns, unpacking.depth};
  auto addSome = [&](ProductRange some) -> LogicalResult {
    if (unpacking.isOnce)
      return add(some, all);
    auto copyAndAdd = [&](const PipeTurns &turns) {
      return failure(failed(copy(turns)) || failed(add(some, turns)));
    };
    auto addFrom = [&](Value first) {
      return copyAndAdd({first, emitter.min(emitter.sub(wholeTurns, first), step), unpacking.depth});
    };
    return failure(failed(emitter.forEach(zero, wholeTurns, step, addFrom)) ||
                   (rest > 0 && failed(copyAndAdd({wholeTurns, emitter.constant(1), rest}))));
  };
  if (unpacking.isOnce && failed(copy(all)))
    return failure();
  Value width = emitter.constant(unpacking.columnsAtOnce);
  LogicalResult added = emitter.forEach(block.low, block.high, width, [&](Value low) {
    ProductRange some{low, emitter.min(emitter.add(low, width), block.high)};
    bool startsSums = sumsWhole() && unpacking.isOnce;
    return failure((!startsSums && failed(forPipedPanels(some, clear))) || failed(addSome(some)) || failed(end(some)));
  });
  lhs = original;
  copies = copied;
  unpacking.scales = Value();
  return added;
}
