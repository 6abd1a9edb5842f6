//===- CodedBlocks.cpp - codes that are unpacked once for many rows ------------===//
// Entries of some panels and steps of K are unpacked to bytes, which tiles of all rows then multiply. Two buffers take
// turns: tiles of AMX are loaded from the cache, not from stores on their way there.
//
//   few rows:   for panels: for steps of K: turn        panels are one stream of memory
//   many rows:  for steps of K: for panels: turn        rows of these steps stay in the second-level cache
//
// Of few rows, turn i multiplies what buffer i mod 2 holds into tiles in memory, unpacks for turn i + 1, and only then
// reads those sums as vectors, scales and adds them: each finds in the cache what it waits for. Of many, it unpacks
// first; so it does of few whose copies a stack does not hold. Where rows fill tiles or are many, and K has groups,
// units smaller than turns overlap (CodedPipeline.cpp).
//
// Vectors take many rows that way, of one buffer, and ask for the codes of the next turn meanwhile. Rows of these steps
// are copied (CodedRows.cpp), since many a page apart take longer to find than to read. Sums of a turn wait together,
// in memory: registers would not hold them beside those of the next group.
//
// Sums wait in f32, or in i32 where all of K is one group, or becomes one: where the weight may be rounded, entries of
// all groups become bytes with one scale for each column (CodedRescale.cpp, CodedTotals.cpp). Entries of two digits are
// two panels of bytes (CodedUnpack.cpp), whose sums wait side by side and are joined where they are read when all or
// a group of K is there.
// Sums of packed rows begin in the first turn.
// Where rows lie at a distance that is a multiple of the first level's sets, they are copied to another one.
#include "CodedEmission.h"

#include "GroupKinds.h"

#include "lutra/Analysis/ProductStrategy.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lutra;

/// Steps of K in a turn: those given, or the whole groups there.
int64_t CodedEmission::cutDepth(const EncodedPanels &panels, int64_t steps) const {
  if (panels.groups() > 1)
    steps = std::max(panels.group, steps / panels.group * panels.group);
  return std::min<int64_t>(steps, llvm::alignTo(depth, panels.depth));
}

// Entries of both turns and the rows they meet fill about half of the first level.
static constexpr int64_t forFew = 128, forMany = 256, forWhole = 512, forVectors = 512;

int64_t CodedEmission::cutPiped(const EncodedPanels &panels) const {
  return cutDepth(panels, sumsWhole(panels) ? forWhole : forFew);
}

/// Decides how codes are unpacked, where instructions take their entries as bytes and a work item may have many rows.
void CodedEmission::planBlocks(const CodedProduct &product) {
  const EncodedPanels &panels = weight->getPanels();
  int64_t known = knownRows;
  bool hasTiles = emitter.target.hasByteTiles();
  if (product.blockRows == 0 || values.least < 0 || (known >= 0 && known < product.unpackRows) ||
      rowBlocks.size < product.unpackRows || (values.digits > 1 && !(hasTiles && values.hasSignedDigits(panels))))
    return;
  constexpr int64_t mostSteps = 8192;
  bool isMany = !hasTiles || rowBlocks.size > product.blockRows, isOneGroup = panels.groups() == 1;
  // A stack of 1 MiB holds few rows over all of K, their sums and scales, entries of a group and the sums that wait.
  constexpr int64_t mostCopied = 912 << 10;
  int64_t entries = isOneGroup ? 0 : 2 * panel * panels.group * values.digits;
  isMany |= rowBlocks.size * (depth + rowBytes + 8 * panels.groups()) + entries > mostCopied;
  bool fillsSome = hasFewRows(product) || (known > 0 && known % (product.blockRows / 2) == 0); // tiles
  unpacking.isPiped = hasTiles && (rescales || (isOneGroup ? isMany && values.digits == 1 : isMany || fillsSome));
  if (!isOneGroup && panels.group > mostSteps / values.digits)
    return;
  planEntries();
  unpacking.digits = values.digits;
  int64_t steps = !hasTiles ? forVectors : isMany || isOneGroup ? forMany : forFew;
  unpacking.depth = unpacking.isPiped ? cutPiped(panels) : cutDepth(panels, steps);
  cutGroups();
  if (unpacking.isPiped)
    return planPipe(product);
  int64_t tile = product.blockRows / 2;
  bool fillsTiles = known > 0 && known % product.blockRows == 0 && (isOneGroup || !isMany);
  unpacking.rows = hasTiles && !fillsTiles ? tile : product.blockRows;
  unpacking.isStream = !isMany;
  choosePanels(product);
  Builder &builder = emitter.builder;
  unpacking.slots = hasTiles ? 2 : 1;
  unpacking.entries = makeScratch(emitter, {unpacking.slots * bytePanels() * unpacking.words * rowBytes},
                                  builder.getI8Type());
  Type element = sumsWhole() ? Type(builder.getI32Type()) : builder.getF32Type();
  bool packs = packsWords();
  int64_t width = unpacking.panels * panel, turns = llvm::divideCeil(columnBlocks.size, width);
  int64_t all = columnBlocks.size * (isOneGroup ? unpacking.digits : 1);
  waiting = packs ? makeScratch(emitter, {turns, rowBlocks.size, width}, element)
                  : makeScratch(emitter, {rowBlocks.size, all}, element);
  if (hasTiles && !isOneGroup)
    unpacking.partial = makeScratch(
        emitter, {(unpacking.depth + panels.group - 1) / panels.group, rowBlocks.size, bytePanels() * panel},
        builder.getI32Type());
  unpacking.fillsRows = hasTiles && known < 0;
  if (!copies && (getRowStride(depth) != depth || getRowLength(depth) > depth || unpacking.fillsRows))
    (isMany ? unpacking.copiesRows : copies) = true;
  if (!copies && !hasTiles && rowBlocks.size * unpacking.depth <= codedCopyBytes)
    unpacking.copiesRows = true;
  unpacking.packsRows = packs && unpacking.copiesRows;
  if (rescales)
    planTotals();
}

/// Panels of a turn: one where it has digits, which then take the place of panels.
void CodedEmission::choosePanels(const CodedProduct &product) {
  constexpr int64_t mostOfSome = 1024;
  bool isOne = unpacking.depth > mostOfSome || unpacking.digits > 1;
  unpacking.panels = isOne ? 1 : std::min(product.blockPanels, weight->getPanels().panels());
}

/// Steps of K that kernels read of rows of which `size` exist.
int64_t CodedEmission::getRowLength(int64_t size) {
  const EncodedPanels &panels = weight->getPanels();
  int64_t length = size;
  if (unpacking.depth > 0) { // turns, or groups, begin with a tile
    int64_t unit = sumsWhole() ? unpacking.depth : panels.group, whole = (size - 1) / unit * unit;
    length = whole + llvm::alignTo(size - whole, unpacking.step);
  }
  return std::max<int64_t>(length, llvm::alignTo(size, panels.depth));
}

/// Asks for a share of the next turn's codes, before a tile of rows from `row` on meets the group that begins `steps`
/// steps behind this turn's first: memory then works while products do.
void CodedEmission::askAhead(Value row, Value steps) {
  if (!unpacking.ahead)
    return;
  const EncodedPanels &panels = weight->getPanels();
  int64_t group = sumsWhole() ? unpacking.depth : std::min(panels.group, unpacking.depth);
  int64_t groups = unpacking.depth / group;
  int64_t words = unpacking.depth / panels.depth * panels.code.words();
  constexpr int64_t tilesAtLeast = 2;
  int64_t known = std::min(rows.extent, rowBlocks.size);
  int64_t tiles = known > 0 ? llvm::divideCeil(known, unpacking.rows) : tilesAtLeast;
  int64_t share = llvm::divideCeil(words, tiles * groups);
  Value tile = emitter.div(emitter.sub(row, rows.low), emitter.constant(unpacking.rows));
  Value turn = emitter.add(emitter.mul(tile, emitter.constant(groups)), emitter.div(steps, emitter.constant(group)));
  Value zero = emitter.constant(0), first = emitter.mul(turn, emitter.constant(share));
  for (int64_t next = 0; next < unpacking.panels; ++next)
    for (int64_t own = 0; own < share; ++own) {
      Value word = emitter.min(emitter.add(first, emitter.constant(own)), emitter.constant(words - 1));
      Value at[] = {emitter.add(unpacking.ahead->panel, emitter.constant(next)),
                    emitter.add(unpacking.ahead->word, word), zero, zero};
      memref::PrefetchOp::create(emitter.builder, emitter.loc, weight->getCodes(), ValueRange(at), /*isWrite=*/false,
                                 /*localityHint=*/3, /*isDataCache=*/true); // past the end nothing happens
    }
}

/// All rows of the item in tiles over entries, the last of which may read and write past them in buffers of the item.
LogicalResult CodedEmission::forBlockRows(RowsBody body) {
  if (!unpacking.fillsRows)
    return forRows(unpacking.rows, body);
  Value step = emitter.constant(unpacking.rows);
  Value tiles = emitter.ceilDiv(emitter.sub(rows.high, rows.low), step);
  return emitter.forEach(emitter.constant(0), tiles, emitter.constant(1), [&](Value tile) {
    return body(emitter.add(rows.low, emitter.mul(tile, step)), unpacking.rows);
  });
}

/// Where the sums of a spot wait: those of its digits side by side, as long as they are integers.
TileWindow CodedEmission::waitingAt(const ProductSpot &spot) {
  bool hasDigits = !cast<MemRefType>(waiting.getType()).getElementType().isF32();
  int64_t digits = hasDigits ? unpacking.digits : 1;
  TileWindow window;
  Value row = emitter.sub(spot.row, rows.low), column = emitter.sub(spot.column, unpacking.columns.low);
  window.indices = {row, emitter.mul(column, emitter.constant(digits))};
  if (cast<MemRefType>(waiting.getType()).getRank() > 2) { // by blocks of panels
    Value width = emitter.constant(unpacking.panels * panel);
    window.indices = {unpacking.place, row, column};
    if (!unpacking.place)
      window.indices = {emitter.div(column, width), row, emitter.rem(column, width)};
  }
  int64_t last = static_cast<int64_t>(window.indices.size()) - 1;
  window.shape = {spot.rows, spot.columns * digits};
  window.dims = {spot.rows == 1 ? -1 : last - 1, last};
  window.steps = {1, 1};
  return window;
}

/// Calls `body` for tiles of all rows and each group of some steps of K, `index` being the group's among them.
LogicalResult CodedEmission::forGroups(const Depth &part,
                                       llvm::function_ref<void(Value row, int64_t size, Value index, Depth)> body) {
  int64_t group = weight->getPanels().group, rest = part.size % group, whole = part.size / group;
  return forBlockRows([&](Value row, int64_t size) -> LogicalResult {
    if (failed(emitter.forEach(emitter.constant(0), emitter.constant(whole), emitter.constant(1), [&](Value index) {
          body(row, size, index, {emitter.add(part.low, emitter.mul(index, emitter.constant(group))), group});
          return success();
        })))
      return failure();
    if (rest > 0)
      body(row, size, emitter.constant(whole), {emitter.add(part.low, emitter.constant(whole * group)), rest});
    return success();
  });
}

/// Sums of all groups, as tiles in memory.
LogicalResult CodedEmission::multiplyBlock(const PanelBlock &block, const Depth &part, Value slot) {
  KernelEmitter::Scope scope(emitter);
  Source source = sourceOf(part, slot);
  return forGroups(part, [&](Value row, int64_t size, Value index, Depth steps) {
    ProductSpot spot = spotOf(block, row, size);
    TileWindow window = partialAt(spot, index, 0, sumColumns(spot));
    Value start = makeSums(size, sumColumns(spot), emitter.builder.getI32Type());
    emitter.storeTile(multiplyGroup(spot, steps, source, start), unpacking.partial, window);
  });
}

/// Where `width` sums of rows of a spot lie, from those of panel, or digit, number `first` of a turn on.
TileWindow CodedEmission::partialAt(const ProductSpot &spot, Value group, int64_t first, int64_t width) {
  TileWindow window;
  window.indices = {group, emitter.sub(spot.row, rows.low), emitter.constant(first * panel)};
  window.shape = {spot.rows, width};
  window.dims = {spot.rows == 1 ? -1 : 1, 2};
  window.steps = {1, 1};
  return window;
}

/// The sums of panel number `next` of a turn, those of its digits joined modulo 2^32.
Value CodedEmission::loadSums(int64_t next, llvm::function_ref<Value(int64_t first)> load) {
  Type wide = emitter.builder.getI32Type();
  Value total = load(next);
  for (int64_t digit = 1; digit < unpacking.digits; ++digit)
    total = emitter.map({total, load(next + digit)}, wide, [&](OpBuilder &builder, ValueRange scalars) -> Value {
      Value places = arith::ConstantIntOp::create(builder, emitter.loc, wide, 8 * digit);
      Value shifted = arith::ShLIOp::create(builder, emitter.loc, scalars[1], places);
      return arith::AddIOp::create(builder, emitter.loc, scalars[0], shifted);
    });
  return total;
}

/// Adds what multiplyBlock stored, scaled.
LogicalResult CodedEmission::scaleBlock(const PanelBlock &block, const Depth &part) {
  KernelEmitter::Scope scope(emitter);
  return forGroups(part, [&](Value row, int64_t size, Value index, Depth steps) {
    for (int64_t next = 0; next < block.panels; ++next) {
      ProductSpot spot = spotOf({emitter.add(block.column, emitter.constant(next * panel)), Value(), 1}, row, size);
      TileWindow window = waitingAt(spot);
      Value sum = loadSums(next, [&](int64_t first) {
        return emitter.loadTile(unpacking.partial, partialAt(spot, index, first, panel), emitter.builder.getI32Type());
      });
      Value total = emitter.loadTile(waiting, window, emitter.builder.getF32Type());
      Value group = emitter.div(steps.low, emitter.constant(weight->getPanels().group));
      emitter.storeTile(scaleGroup(spot, group, sum, total, unpacking.isSigned), waiting, window);
    }
  });
}

/// Adds the products of all rows with what was unpacked.
LogicalResult CodedEmission::addBlock(const PanelBlock &block, const Depth &part, Value slot) {
  KernelEmitter::Scope scope(emitter);
  Source source = sourceOf(part, slot);
  bool isWhole = sumsWhole();
  Type element = cast<MemRefType>(waiting.getType()).getElementType();
  if (!isWhole && unpacking.packsRows)
    return forGroups(part, [&](Value row, int64_t size, Value, Depth steps) {
      ProductSpot spot = spotOf(block, row, size);
      TileWindow window = waitingAt(spot);
      Value group = emitter.div(steps.low, emitter.constant(weight->getPanels().group));
      Value sum = sumGroup(spot, steps, source), total = emitter.loadTile(waiting, window, element);
      emitter.storeTile(scaleGroup(spot, group, sum, total, unpacking.isSigned), waiting, window);
    });
  return forBlockRows([&](Value row, int64_t size) -> LogicalResult {
    ProductSpot spot = spotOf(block, row, size);
    TileWindow window = waitingAt(spot);
    Value start = unpacking.startsSums ? makeSums(size, window.shape.back(), element)
                                       : emitter.loadTile(waiting, window, element);
    if (isWhole)
      askAhead(row, emitter.constant(0));
    FailureOr<Value> total =
        isWhole ? multiplyGroup(spot, part, source, start) : addGroups(spot, part, source, start);
    if (failed(total))
      return failure();
    emitter.storeTile(*total, waiting, window);
    return success();
  });
}

/// Turns number 0 to `count` - 1, each of which unpacks for the next one.
LogicalResult CodedEmission::addTurns(Value count, TurnPlace place) {
  Value zero = emitter.constant(0), one = emitter.constant(1), two = emitter.constant(2);
  auto unpackTurn = [&](Value turn) {
    auto [block, part] = place(turn);
    return unpack(block, part, emitter.rem(turn, two));
  };
  if (unpacking.slots == 1)
    return emitter.forEach(zero, count, one, [&](Value turn) -> LogicalResult {
      auto [block, part] = place(turn);
      if ((rescales && failed(prepareRescaling(block, part))) || failed(unpack(block, part, zero)))
        return failure();
      // After the last panels, the first ones of the next steps.
      Value next = emitter.add(turn, one), wraps = emitter.div(next, count);
      auto [nextBlock, nextPart] = place(emitter.sub(next, emitter.mul(wraps, count)));
      Value low = emitter.add(nextPart.low, emitter.mul(wraps, emitter.constant(part.size)));
      unpacking.ahead = {emitter.div(nextBlock.column, emitter.constant(panel)), getCodeWord(low)};
      LogicalResult added = addBlock(block, part, zero);
      unpacking.ahead.reset();
      return added;
    });
  if (failed(emitter.forEach(zero, emitter.min(count, one), one, unpackTurn)))
    return failure();
  return emitter.forEach(zero, count, one, [&](Value turn) -> LogicalResult {
    auto [block, part] = place(turn);
    Value next = emitter.add(turn, one), slot = emitter.rem(turn, two);
    // Between two of products, loads and what they wait for, lies the unpacking of a turn.
    if (unpacking.partial && failed(multiplyBlock(block, part, slot)))
      return failure();
    if (failed(emitter.forEach(next, emitter.min(emitter.add(next, one), count), one, unpackTurn)))
      return failure();
    return unpacking.partial ? scaleBlock(block, part) : addBlock(block, part, slot);
  });
}

/// All of K for columns that whole blocks of `panels` panels fill.
LogicalResult CodedEmission::addBlocks(ProductRange block, int64_t panels) {
  Value width = emitter.constant(panels * panel), zero = emitter.constant(0), one = emitter.constant(1);
  Value count = emitter.div(emitter.sub(block.high, block.low), width);
  auto blockAt = [&](Value index) {
    return PanelBlock{emitter.add(block.low, emitter.mul(index, width)), Value(), panels};
  };
  int64_t whole = depth / unpacking.depth, rest = depth % unpacking.depth;
  Value steps = emitter.constant(unpacking.depth), restLow = emitter.constant(whole * unpacking.depth);
  if (unpacking.isStream) {
    return emitter.forEach(zero, count, one, [&](Value index) -> LogicalResult {
      PanelBlock panelBlock = blockAt(index);
      if (failed(addTurns(emitter.constant(whole), [&](Value turn) {
            return std::pair(panelBlock, Depth{emitter.mul(turn, steps), unpacking.depth});
          })))
        return failure();
      return rest == 0 ? success() : addTurns(one, [&](Value) { return std::pair(panelBlock, Depth{restLow, rest}); });
    });
  }
  auto addSteps = [&](const Depth &part) -> LogicalResult {
    Value original = lhs;
    bool copied = copies;
    if (unpacking.copiesRows) {
      lhs = Value();
      copies = true;
      copiedFrom = part.low;
      if (failed(unpacking.packsRows ? packRows(part) : copyRows(part)))
        return failure();
    }
    LogicalResult added = addTurns(count, [&](Value turn) { return std::pair(blockAt(turn), part); });
    lhs = original;
    copies = copied;
    copiedFrom = Value();
    return added;
  };
  Value first = zero;
  if (unpacking.startsSums) { // a loop of its own
    if (failed(addSteps({zero, whole > 0 ? unpacking.depth : rest})))
      return failure();
    unpacking.startsSums = false;
    if (whole == 0)
      return success();
    first = one;
  }
  if (failed(emitter.forEach(first, emitter.constant(whole), one, [&](Value index) {
        return addSteps({emitter.mul(index, steps), unpacking.depth});
      })))
    return failure();
  return rest == 0 ? success() : addSteps({restLow, rest});
}

/// Makes the sums of a block of columns 0, or finishes them.
LogicalResult CodedEmission::forWaiting(ProductRange block, bool finishes) {
  const EncodedPanels &panels = weight->getPanels();
  Type element = cast<MemRefType>(waiting.getType()).getElementType(), real = emitter.builder.getF32Type();
  // Of some rows all columns, which lie side by side: many rows take a page each.
  if (!finishes)
    return forBlockRows([&](Value row, int64_t rowCount) {
      return forPanels(block, unpacking.panels, [&](const PanelBlock &panelBlock) -> LogicalResult {
        ProductSpot spot = spotOf(panelBlock, row, rowCount);
        TileWindow window = waitingAt(spot);
        emitter.storeTile(makeSums(rowCount, window.shape.back(), element), waiting, window);
        return success();
      });
    });
  return forRows(unpacking.rows, [&](Value row, int64_t rowCount) {
    return forPanels(block, unpacking.panels, [&](const PanelBlock &panelBlock) -> LogicalResult {
      ProductSpot spot = spotOf(panelBlock, row, rowCount);
      TileWindow window = waitingAt(spot);
      window.shape.back() = spot.columns;
      auto load = [&](int64_t digit) {
        TileWindow own = window;
        own.indices.back() = emitter.add(own.indices.back(), emitter.constant(digit * panel));
        return emitter.loadTile(waiting, own, element);
      };
      Value total = panels.groups() == 1 ? loadSums(0, load) : load(0);
      if (rescales)
        total = scaleColumns(spot, total);
      else if (panels.groups() == 1)
        total = scaleGroup(spot, emitter.constant(0), total, makeSums(rowCount, spot.columns, real),
                           unpacking.isSigned);
      return finish(spot, total);
    });
  });
}

LogicalResult CodedEmission::emitBlocks(ProductRange block) {
  if (unpacking.isPiped)
    return emitPipe(block);
  unpacking.columns = block;
  bool scalesGroups = unpacking.packsRows && weight->getPanels().groups() > 1;
  if ((unpacking.fillsRows || scalesGroups || rescales) && failed(copyScales()))
    return failure();
  if (rescales && (failed(findColumnScales(block)) || failed(sumRows())))
    return failure();
  if (unpacking.packsSums) {
    int64_t group = std::min(weight->getPanels().group, unpacking.depth);
    makeUnits(llvm::alignTo(group, unpacking.step), 1);
  }
  bool startsSums = sumsWhole() && unpacking.packsRows;
  unpacking.startsSums = startsSums;
  if (failed(clearEntries()) || (!startsSums && failed(forWaiting(block, /*finishes=*/false))))
    return failure();
  // Whole blocks of panels, then single ones: a panel has all its columns.
  Value width = emitter.constant(panel), blockWidth = emitter.constant(unpacking.panels * panel);
  Value end = emitter.add(block.low, emitter.mul(emitter.ceilDiv(emitter.sub(block.high, block.low), width), width));
  Value whole = emitter.mul(emitter.div(emitter.sub(end, block.low), blockWidth), blockWidth);
  Value wholeEnd = emitter.add(block.low, whole);
  if (failed(addBlocks({block.low, wholeEnd}, unpacking.panels)))
    return failure();
  unpacking.addsTotals = false; // copies of the same rows follow
  unpacking.startsSums = startsSums;
  if (weight->getPanels().panels() % unpacking.panels != 0 && failed(addBlocks({wholeEnd, end}, 1)))
    return failure();
  LogicalResult finished = forWaiting(block, /*finishes=*/true);
  unpacking.scales = Value();
  return finished;
}
