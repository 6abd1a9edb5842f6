//===- CodedUnpack.cpp - entries of codes as bytes ----------------------------===//
// Entries of some steps of K of a panel are words of four, those of all columns side by side. Groups begin with a word,
// and with a tile where tiles take them: what a group, or a turn, has less is zeros. Entries with a sign are less their
// zero point; those of two digits are two panels of bytes.
#include "CodedEmission.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lutra;

/// Entries with a sign where instructions take both factors so and bytes hold them.
void CodedEmission::planEntries() {
  const EncodedPanels &panels = weight->getPanels();
  if (rescales) {
    unpacking.isSigned = emitter.target.hasByteTiles();
    return;
  }
  if (values.digits > 1) {
    unpacking.isSigned = true;
    for (int64_t entry : values.entries)
      unpacking.table.push_back(entry - values.bias);
    return;
  }
  int64_t zero = panels.zero ? ((int64_t(1) << panels.zero->element.bits()) - 1) * values.zeroUnits() : 0;
  int64_t least = values.factor * values.least - values.bias, greatest = values.factor * values.greatest - values.bias;
  bool fits = std::min(least, greatest) - zero >= -128 && std::max(least, greatest) <= 127;
  if (!emitter.target.hasByteTiles() || !fits || (!values.special.empty() && values.factor != 1))
    return;
  bool looksUp = panels.code.bits <= emitter.target.getCodedProduct()->tableBits;
  if (!looksUp && values.factor != 1)
    return;
  unpacking.isSigned = true;
  if (!looksUp) {
    unpacking.bias = values.bias;
    return;
  }
  for (int64_t code = 0; code < int64_t(1) << panels.code.bits; ++code)
    unpacking.table.push_back(values.factor * (values.entries.empty() ? code : values.entries[code]) - values.bias);
  for (int64_t entry : values.special)
    unpacking.table.push_back(entry - values.bias);
  if (values.bias == 0 && values.factor == 1 && values.entries.empty())
    unpacking.table.clear(); // codes themselves
}

/// Decides how tiles cut groups. Registers of tiles have one shape in a whole kernel, along K too: tiles of a group are
/// alike, and what the last has more meets zeros.
void CodedEmission::cutGroups() {
  const EncodedPanels &panels = weight->getPanels();
  bool isWhole = sumsWhole();
  int64_t group = isWhole ? depth : panels.group;
  unpacking.step = panels.depth;
  if (emitter.target.hasByteTiles()) {
    int64_t tiles = isWhole ? 1 : llvm::divideCeil(group, rowBytes);
    unpacking.step = std::min<int64_t>(rowBytes, llvm::alignTo(llvm::divideCeil(group, tiles), wordBytes));
  }
  unpacking.group = isWhole ? 0 : llvm::alignTo(group, unpacking.step);
  int64_t stored = isWhole ? llvm::alignTo(unpacking.depth, unpacking.step)
                              : llvm::divideCeil(unpacking.depth, group) * unpacking.group;
  unpacking.words = stored / wordBytes;
}

Value CodedEmission::viewEntries(ArrayRef<int64_t> shape) {
  return memref::ViewOp::create(emitter.builder, emitter.loc, MemRefType::get(shape, emitter.builder.getI8Type()),
                                unpacking.entries, emitter.constant(0), ValueRange());
}

/// The word of a turn's entries with which those of step `low` of K begin: of a group's first, unless all is one group.
Value CodedEmission::getWord(Value low, Value first) {
  int64_t group = weight->getPanels().group;
  Value steps = emitter.sub(low, first);
  if (unpacking.group == 0 || unpacking.group == group)
    return emitter.div(steps, emitter.constant(wordBytes));
  return emitter.mul(emitter.div(steps, emitter.constant(group)), emitter.constant(unpacking.group / wordBytes));
}

/// The word of codes with which those of step `low` of K begin.
Value CodedEmission::getCodeWord(Value low) {
  const EncodedPanels &panels = weight->getPanels();
  return emitter.mul(emitter.div(low, emitter.constant(panels.depth)), emitter.constant(panels.code.words()));
}

/// Makes entries 0 that no group, or no turn, has but its tiles read.
LogicalResult CodedEmission::clearEntries() {
  int64_t group = weight->getPanels().group, count = unpacking.slots * bytePanels() * unpacking.words;
  bool endsWithTile = unpacking.depth % unpacking.step == 0 || unpacking.depth >= depth; // of all of K the rows are 0
  if (unpacking.group == 0 ? endsWithTile : unpacking.group == group)
    return success();
  Value words = viewEntries({count, rowBytes});
  Value none = emitter.fill(emitter.builder.getI8IntegerAttr(0), {1, rowBytes});
  return emitter.forEach(emitter.constant(0), emitter.constant(count), emitter.constant(1), [&](Value word) {
    TileWindow window;
    window.indices = {word, emitter.constant(0)};
    window.shape = {1, rowBytes};
    window.dims = {-1, 1};
    window.steps = {1, 1};
    emitter.storeTile(none, words, window);
    return success();
  });
}

/// The zero points of columns, each in the four bytes of a word.
Value CodedEmission::loadZeroBytes(const EncodedRhs::Place &columns) {
  Type wide = emitter.builder.getI32Type(), byte = emitter.builder.getI8Type();
  Value words = emitter.map(weight->loadZeroCode(columns), wide, [&](OpBuilder &builder, ValueRange scalars) -> Value {
    Value four = arith::ConstantIntOp::create(builder, emitter.loc, wide, 0x01010101 * values.zeroUnits());
    return arith::MulIOp::create(builder, emitter.loc, scalars[0], four);
  });
  Value bytes = makeScratch(emitter, {rowBytes}, byte);
  Value view = memref::ViewOp::create(emitter.builder, emitter.loc, MemRefType::get({panel}, wide), bytes,
                                      emitter.constant(0), ValueRange());
  TileWindow window;
  window.indices = {emitter.constant(0)};
  window.shape = {1, panel};
  window.dims = {-1, 0};
  window.steps = {1, 1};
  emitter.storeTile(words, view, window);
  window.shape = {1, rowBytes};
  return emitter.loadTile(bytes, window, byte);
}

/// The entries of one digit that codes name where they are unpacked; null: codes are entries.
DenseI64ArrayAttr CodedEmission::getUnpackedEntries(int64_t digit) {
  if (!unpacking.isSigned || rescales)
    return getEntries();
  std::vector<int64_t> table = unpacking.table;
  if (unpacking.digits > 1)
    for (int64_t &entry : table)
      entry = getSignedDigit(entry, digit);
  return table.empty() ? nullptr : emitter.builder.getDenseI64ArrayAttr(table);
}

/// The entries of a word of codes, a tile of bytes for each digit. `special`, numbers of tables, and `less`, zero
/// points, may be null.
SmallVector<Value> CodedEmission::unpackWord(ArrayRef<Value> place, Value special, Value less) {
  const EncodedPanels &panels = weight->getPanels();
  OpBuilder &builder = emitter.builder;
  Type byte = builder.getI8Type();
  auto type = TileType::get(builder.getContext(), {panels.code.fields(), rowBytes}, byte);
  SmallVector<Value> tiles;
  for (int64_t digit = 0; digit < unpacking.digits; ++digit)
    tiles.push_back(TileUnpackOp::create(builder, emitter.loc, type, weight->getCodes(), place, special,
                                         panels.code.bits, values.codeOffset, getUnpackedEntries(digit),
                                         values.specialCode, panels.code.triples));
  if (!less && unpacking.bias == 0)
    return tiles;
  if (less)
    tiles.push_back(less);
  return {emitter.map(tiles, byte, [&](OpBuilder &inner, ValueRange scalars) -> Value {
    Value bias = less ? scalars[1]
                      : arith::ConstantOp::create(inner, emitter.loc, inner.getI8IntegerAttr(unpacking.bias));
    return arith::SubIOp::create(inner, emitter.loc, scalars[0], bias);
  })};
}

/// Writes the entries of steps of K from `low` on, of one group, or of all where no entry depends on it: words `range`
/// of their codes.
LogicalResult CodedEmission::unpackSteps(const UnpackedTurn &turn, Value low, std::pair<Value, Value> range) {
  const EncodedPanels &panels = weight->getPanels();
  int64_t fields = panels.code.fields();
  SmallVector<Value> special(turn.panels), less(turn.panels);
  Value group = emitter.div(low, emitter.constant(panels.group));
  for (int64_t next = 0; next < turn.panels; ++next) {
    EncodedRhs::Place columns{emitter.add(turn.panel, emitter.constant(next)), group, {1, panel}, {-1, 2}};
    if (!values.special.empty())
      special[next] = weight->loadSelector(columns);
    if (subtractsZeros())
      less[next] = loadZeroBytes(columns);
  }
  Value first = getCodeWord(low), to = getWord(low, turn.low);
  return emitter.forEach(range.first, range.second, emitter.constant(1), [&](Value step) {
    Value word = emitter.add(first, emitter.mul(step, emitter.constant(panels.code.words())));
    Value own = rescales ? emitter.mul(step, emitter.constant(panels.depth)) : Value(); // steps of K
    for (int64_t next = 0; next < turn.panels; ++next) {
      Value from = emitter.add(turn.panel, emitter.constant(next));
      SmallVector<Value> tiles = unpackWord({from, word}, special[next], less[next]);
      if (rescales)
        tiles = {rescale(tiles.front(), next, emitter.add(emitter.sub(low, turn.low), own))};
      for (auto [digit, tile] : llvm::enumerate(tiles)) {
        TileWindow window;
        window.indices = {emitter.add(turn.slot, emitter.constant(next + static_cast<int64_t>(digit))),
                          emitter.add(to, emitter.mul(step, emitter.constant(fields))), emitter.constant(0)};
        window.shape = {fields, rowBytes};
        window.dims = {fields == 1 ? -1 : 1, 2};
        window.steps = {1, 1};
        emitter.storeTile(tile, turn.words, window);
      }
    }
    return success();
  });
}

/// Writes the entries of some steps of K, which begin with a group or lie in the only one, or a share of them: groups
/// where their entries depend on them.
LogicalResult CodedEmission::unpack(const PanelBlock &block, const Depth &part, Value slot,
                                    std::optional<Share> share) {
  KernelEmitter::Scope scope(emitter);
  const EncodedPanels &panels = weight->getPanels();
  Value zero = emitter.constant(0), one = emitter.constant(1);
  UnpackedTurn turn{part.low, block.panels, viewEntries({unpacking.slots * bytePanels(), unpacking.words, rowBytes}),
                    emitter.div(block.column, emitter.constant(panel)),
                    emitter.mul(slot, emitter.constant(bytePanels()))};
  auto shareOf = [&](int64_t size) -> std::pair<Value, Value> {
    Value all = emitter.constant(size);
    if (!share)
      return {zero, all};
    return {emitter.div(emitter.mul(share->index, all), share->count),
            emitter.div(emitter.mul(emitter.add(share->index, one), all), share->count)};
  };
  auto wordsOf = [&](int64_t size) { return static_cast<int64_t>(llvm::divideCeil(size, panels.depth)); };
  bool isEven = unpacking.group == 0 || unpacking.group == panels.group;
  if ((values.special.empty() && !subtractsZeros() && isEven) || panels.groups() == 1)
    return unpackSteps(turn, part.low, shareOf(wordsOf(part.size)));
  auto unpackGroup = [&](Value index, int64_t size) {
    Value low = emitter.add(part.low, emitter.mul(index, emitter.constant(panels.group)));
    return unpackSteps(turn, low, {zero, emitter.constant(wordsOf(size))});
  };
  int64_t rest = part.size % panels.group, whole = part.size / panels.group;
  auto [first, last] = shareOf(whole);
  if (failed(emitter.forEach(first, last, one, [&](Value index) { return unpackGroup(index, panels.group); })))
    return failure();
  return rest > 0 ? unpackGroup(emitter.constant(whole), rest) : success();
}

CodedEmission::Source CodedEmission::sourceOf(const Depth &part, Value slot) {
  Value buffer = viewEntries({unpacking.slots * bytePanels(), unpacking.words, panel, wordBytes});
  return {buffer, emitter.mul(slot, emitter.constant(bytePanels())), part.low, true};
}
