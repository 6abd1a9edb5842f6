//===- BfloatKind.cpp - products with weights that are decoded to bf16 --------===//
// A work item is a block of the result. Rows of the left-hand side are copied and rounded to bf16, filled up with zeros
// to whole tiles. Panels of the weight are decoded, scaled and rounded to words of two neighbours along K, of which a
// first-level cache holds those of a turn; tiles of all rows then multiply them and add to f32 sums in memory:
//
//   for block of K: copy rows
//     for panels: for turn of the block: for tiles of rows: sums += rows * words; decode a part of the next turn
//
// Two buffers of words take turns. Parts of the next turn stand between the steps of a product, since vectors have time
// while tiles multiply. Rows of a turn, and sums of its columns, lie together: they share pages, and rows do not share
// the sets of a cache.
//
// A scale is applied to each value, so that nothing is left to do for a group. Numbers below the least normal one
// count as 0.
#include "EncodedRhs.h"
#include "GroupKinds.h"
#include "Product.h"

#include "lutra/Analysis/ProductStrategy.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <numeric>

using namespace mlir;
using namespace lutra;

namespace {
class BfloatEmission {
public:
  explicit BfloatEmission(KernelEmitter &emitter);
  Value getItems() { return emitter.product(counts); }
  LogicalResult emitItem();

private:
  /// Some steps of K.
  struct Depth {
    Value low;
    int64_t size;
    int64_t padded() const { return llvm::alignTo(size, tileDepth); }
  };
  struct PanelBlock { // from a column of the item on
    Value column;
    int64_t panels;
  };

  struct Turn {
    PanelBlock block;
    Depth part;
    Value slot; // of its words
  };

  LogicalResult clear();
  LogicalResult copyRows(const Depth &part);
  Value round(Value even, Value odd);
  void prefetch(Value panelIndex, Value low, int64_t size);
  void decodeGroup(Value panelIndex, Value low, int64_t size, Value slot, Value to);
  void decodePiece(Value panelIndex, Value low, int64_t size, Value slot, Value to);
  void decodeUnit(const Turn &turn, Value index);
  LogicalResult decodeRest(const Turn &turn);
  LogicalResult decodeTurn(const Turn &turn);
  LogicalResult multiplyRows(const Turn &turn, Value row, int64_t count, llvm::function_ref<void(int64_t step)> beside);
  LogicalResult addTurn(const Turn &turn, const Turn *next);
  LogicalResult addTurns(Value count, llvm::function_ref<Turn(Value turn)> place);
  Value slotOf(Value turn) { return emitter.mul(emitter.rem(turn, emitter.constant(2)), emitter.constant(turnPanels)); }
  int64_t unitsOf(const PanelBlock &block) const { return block.panels * (turnDepth / unitDepth); }
  TileWindow waitingAt(Value row, Value column, ArrayRef<int64_t> shape);
  using DepthBody = llvm::function_ref<LogicalResult(const Depth &part)>;
  LogicalResult forDepths(const Depth &all, int64_t size, DepthBody body);
  LogicalResult addColumns(const Depth &copy, Value low, Value count, int64_t panels);
  LogicalResult finish();
  LogicalResult fillZeros(Value buffer, Value row, int64_t low, int64_t high);

  /// Rows and columns of a tile of sums, and steps of K of one of factors.
  static constexpr int64_t tileRows = 16, panel = 16, tileDepth = 32;

  KernelEmitter &emitter;
  MatmulOp op;
  int64_t rank, rowDim, depth, columns; // K and N
  int64_t known;                        // rows, -1: unknown
  Value m;
  ProductBatch batch;
  SmallVector<Value> counts; // of items: batches, column blocks, row blocks
  ProductBlocks rowBlocks, columnBlocks;
  int64_t turnPanels, turnDepth, copyDepth;
  int64_t productRows; // of a product of tiles, where rows are left
  int64_t unitDepth;   // steps of a panel that are decoded at once, a part of a turn's

  std::optional<EncodedRhs> weight;
  Value lhs;     // [turns of a copy x rows, steps of K] of bf16
  Value copyLow; // step that the copy begins with
  Value words;   // [panels of two turns, pairs of K, columns] of i32
  Value pairs;   // the same as [panels of two turns, pairs of K, columns, 2] of bf16
  Value waiting; // [blocks of panels x rows, columns of a block] of f32
  SmallVector<Value> indices; // of the result; only batch dimensions are set
  ProductRange rows, range;   // of columns
  Value height;               // rows in whole tiles
};
} // namespace

/// Bytes of the sums of an item, and of rows that are copied at once: parts of a second-level cache, and of a stack.
static constexpr int64_t waitingBytes = 512 << 10, copyBytes = 288 << 10;
/// Words of a turn, two of which stay in a first-level cache beside the rows of two tiles.
static constexpr int64_t turnBytes = 16 << 10;

BfloatEmission::BfloatEmission(KernelEmitter &kernelEmitter)
    : emitter(kernelEmitter), op(cast<MatmulOp>(getRoot(kernelEmitter.kernel))), batch(op) {
  auto resultType = cast<RankedTensorType>(op.getType());
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getRhs().getType()).getShape();
  rank = resultType.getRank();
  rowDim = getRowDim(op);
  columns = shape.front();
  depth = shape.back();
  m = emitter.getSize(op.getResult(), rowDim);
  ProductShape problem = getProductProblem(op)->shape;
  known = problem.m;
  rowBlocks = cutEvenly(emitter, m, known, bfloatRows, tileRows);
  turnPanels = std::min<int64_t>(2, llvm::divideCeil(columns, panel));
  int64_t padded = llvm::alignTo(depth, tileDepth);
  turnDepth = std::min(turnBytes / (2 * panel * turnPanels) / tileDepth * tileDepth, padded);
  copyDepth = std::max(turnDepth, copyBytes / 2 / rowBlocks.size / (turnDepth + tileDepth) * turnDepth);
  copyDepth = std::min<int64_t>(copyDepth, llvm::alignTo(depth, turnDepth));
  productRows = known > 0 && known <= tileRows ? tileRows : 2 * tileRows;
  // The products of a turn, step by step, have time for all units of the next one.
  int64_t products = std::max<int64_t>(1, rowBlocks.size / productRows);
  unitDepth = std::max<int64_t>(8, llvm::PowerOf2Ceil(llvm::divideCeil(turnPanels * tileDepth, products)));
  unitDepth = std::gcd(unitDepth, turnDepth); // whole units make a turn
  ProductPlan plan = emitter.target.planProduct(problem);
  plan.rowBlock = rowBlocks.size;
  plan.columnBlock = waitingBytes / 4 / rowBlocks.size;
  int64_t items = batch.known * (known > 0 ? llvm::divideCeil(known, rowBlocks.size) : 1);
  // Each item copies its rows: half as many as other products have pay.
  columnBlocks = cutEvenly(emitter, emitter.constant(columns), columns,
                           chooseColumnBlock(plan, problem, 2 * items, turnPanels * panel), turnPanels * panel);
  counts = {batch.count(emitter), columnBlocks.count, rowBlocks.count};
}

/// Zeros in columns of a row of a buffer.
LogicalResult BfloatEmission::fillZeros(Value buffer, Value row, int64_t low, int64_t high) {
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  int64_t width = 16;
  return emitter.forTiles(emitter.constant(low), emitter.constant(high), width,
                          [&](Value column, int64_t size, Value bound) {
                            Value zero = emitter.fill(emitter.builder.getZeroAttr(element), {size});
                            emitter.storeTile(zero, buffer, TileWindow::row({row, column}, 1, size, bound));
                            return success();
                          });
}

/// Sums of all rows, and rows that are there for whole tiles alone.
LogicalResult BfloatEmission::clear() {
  Value zero = emitter.constant(0), one = emitter.constant(1), stride = emitter.constant(rowBlocks.size);
  auto clearRows = [&](Value buffer, Value from) {
    auto type = cast<MemRefType>(buffer.getType());
    return emitter.forEach(zero, emitter.constant(type.getDimSize(0)), stride, [&](Value part) {
      return emitter.forEach(emitter.add(part, from), emitter.add(part, height), one,
                             [&](Value row) { return fillZeros(buffer, row, 0, type.getDimSize(1)); });
    });
  };
  if (failed(clearRows(waiting, zero)))
    return failure();
  return known > 0 && known % tileRows == 0 ? success() : clearRows(lhs, emitter.sub(rows.high, rows.low));
}

/// Copies the item's rows, rounded.
LogicalResult BfloatEmission::copyRows(const Depth &part) {
  return emitter.forEach(rows.low, rows.high, emitter.constant(1), [&](Value row) -> LogicalResult {
    SmallVector<Value> at(indices);
    at[rowDim] = row;
    return forDepths({emitter.constant(0), part.size}, turnDepth, [&](const Depth &turn) -> LogicalResult {
      Value number = emitter.div(turn.low, emitter.constant(turnDepth));
      Value to = emitter.add(emitter.mul(number, emitter.constant(rowBlocks.size)), emitter.sub(row, rows.low));
      at[rank - 1] = emitter.add(part.low, turn.low);
      if (failed(copyRow(emitter, op.getLhs(), at, turn.size, lhs, to)))
        return failure();
      return turn.size == turn.padded() ? success() : fillZeros(lhs, to, turn.size, turn.padded());
    });
  });
}

/// Words of two numbers in bf16, rounded to the nearest, ties away from 0. Decoded weights are never NaN.
Value BfloatEmission::round(Value even, Value odd) {
  Type wide = emitter.builder.getI32Type();
  return emitter.map({even, odd}, wide, [&](OpBuilder &builder, ValueRange scalars) -> Value {
    Location loc = emitter.loc;
    auto number = [&](int64_t value) { return arith::ConstantIntOp::create(builder, loc, wide, value); };
    auto nearest = [&](Value value) {
      Value bits = arith::BitcastOp::create(builder, loc, wide, value);
      return arith::AddIOp::create(builder, loc, bits, number(0x8000));
    };
    Value low = arith::ShRUIOp::create(builder, loc, nearest(scalars[0]), number(16));
    Value high = arith::AndIOp::create(builder, loc, nearest(scalars[1]), number(-0x10000));
    return arith::OrIOp::create(builder, loc, low, high);
  });
}

/// Asks for codes of some steps some lines ahead, in the same panel.
void BfloatEmission::prefetch(Value panelIndex, Value low, int64_t size) {
  constexpr int64_t ahead = 1024, line = 64;
  const EncodedPanels &panels = weight->getPanels();
  int64_t wordBytes = panels.width * panels.wordBytes();
  int64_t bytes = size / panels.depth * panels.stepBytes();
  Value zero = emitter.constant(0);
  Value first = emitter.mul(emitter.div(low, emitter.constant(panels.depth)), emitter.constant(panels.code.words()));
  for (int64_t byte = 0; byte < bytes; byte += line) {
    Value word = emitter.add(first, emitter.constant((ahead + byte) / wordBytes));
    memref::PrefetchOp::create(emitter.builder, emitter.loc, weight->getCodes(),
                               ValueRange{panelIndex, word, zero, zero}, /*isWrite=*/false, /*localityHint=*/3,
                               /*isDataCache=*/true);
  }
}

/// Decodes `size` steps of K of a panel from `low` on, which share their scales, to words of slot `slot` from pair `to`
/// on.
void BfloatEmission::decodeGroup(Value panelIndex, Value low, int64_t size, Value slot, Value to) {
  const EncodedPanels &panels = weight->getPanels();
  EncodedRhs::Place place{panelIndex, emitter.div(low, emitter.constant(panels.group)), {panel}, {2}};
  EncodedRhs::Group group = weight->loadGroup(place);
  int64_t step = panels.depth, stride = std::max<int64_t>(2, step);
  for (int64_t first = 0; first < size; first += stride) {
    SmallVector<Value> values;
    for (int64_t next = first; next < std::min(size, first + stride); next += step) {
      SmallVector<Value> read = weight->loadStep(place, emitter.add(low, emitter.constant(next)));
      for (int64_t field = 0; field < step; ++field)
        values.push_back(weight->scale(weight->decode(read, field, group), group));
    }
    if (values.size() % 2 != 0)
      values.push_back(emitter.fill(emitter.builder.getF32FloatAttr(0), {panel}));
    for (int64_t value = 0; value < static_cast<int64_t>(values.size()); value += 2) {
      Value pair = emitter.add(to, emitter.constant((first + value) / 2));
      emitter.storeTile(round(values[value], values[value + 1]), words,
                        TileWindow::row({slot, pair, emitter.constant(0)}, 2, panel));
    }
  }
}

/// The same of steps with several scales.
void BfloatEmission::decodePiece(Value panelIndex, Value low, int64_t size, Value slot, Value to) {
  const EncodedPanels &panels = weight->getPanels();
  prefetch(panelIndex, low, size);
  int64_t whole = llvm::alignTo(size, std::max<int64_t>(2, panels.depth));
  int64_t piece = panels.groups() == 1 ? whole : std::gcd(whole, panels.group);
  for (int64_t at = 0; at < size; at += piece)
    decodeGroup(panelIndex, emitter.add(low, emitter.constant(at)), std::min(piece, size - at), slot,
                emitter.add(to, emitter.constant(at / 2)));
}

/// One of the units of a whole turn.
void BfloatEmission::decodeUnit(const Turn &turn, Value index) {
  Value perPanel = emitter.constant(turnDepth / unitDepth);
  Value next = emitter.div(index, perPanel);
  Value at = emitter.mul(emitter.rem(index, perPanel), emitter.constant(unitDepth));
  decodePiece(emitter.add(emitter.div(turn.block.column, emitter.constant(panel)), next),
              emitter.add(turn.part.low, at), unitDepth, emitter.add(turn.slot, next),
              emitter.div(at, emitter.constant(2)));
}

/// All words of a turn that is no whole one, filled up with zeros.
LogicalResult BfloatEmission::decodeRest(const Turn &turn) {
  const EncodedPanels &panels = weight->getPanels();
  const Depth &part = turn.part;
  int64_t piece = panels.groups() == 1 ? 8 : std::gcd<int64_t>(8, panels.group);
  piece = std::max(piece, panels.depth);
  int64_t whole = part.size / piece * piece;
  Value zero = emitter.constant(0), one = emitter.constant(1);
  Value firstPanel = emitter.div(turn.block.column, emitter.constant(panel));
  return emitter.forEach(zero, emitter.constant(turn.block.panels), one, [&](Value next) -> LogicalResult {
    Value panelIndex = emitter.add(firstPanel, next), slot = emitter.add(turn.slot, next);
    auto decodeAt = [&](Value at, int64_t size) {
      decodePiece(panelIndex, emitter.add(part.low, at), size, slot, emitter.div(at, emitter.constant(2)));
    };
    if (failed(emitter.forEach(zero, emitter.constant(whole), emitter.constant(piece), [&](Value at) {
          decodeAt(at, piece);
          return success();
        })))
      return failure();
    if (whole < part.size)
      decodeAt(emitter.constant(whole), part.size - whole);
    Value none = emitter.fill(emitter.builder.getI32IntegerAttr(0), {panel});
    for (int64_t pair = llvm::alignTo(part.size, std::max<int64_t>(2, panels.depth)) / 2; pair < part.padded() / 2;
         ++pair)
      emitter.storeTile(none, words, TileWindow::row({slot, emitter.constant(pair), zero}, 2, panel));
    return success();
  });
}

LogicalResult BfloatEmission::decodeTurn(const Turn &turn) {
  if (turn.part.size < turnDepth)
    return decodeRest(turn);
  return emitter.forEach(emitter.constant(0), emitter.constant(unitsOf(turn.block)), emitter.constant(1),
                         [&](Value index) {
                           decodeUnit(turn, index);
                           return success();
                         });
}

/// Where sums wait; columns of a window lie in one block of panels.
TileWindow BfloatEmission::waitingAt(Value row, Value column, ArrayRef<int64_t> shape) {
  Value width = emitter.constant(turnPanels * panel), at = emitter.sub(column, range.low);
  Value first = emitter.mul(emitter.div(at, width), emitter.constant(rowBlocks.size));
  TileWindow window;
  window.indices = {emitter.add(first, row), emitter.rem(at, width)};
  window.shape.assign(shape.begin(), shape.end());
  window.dims = {shape[0] == 1 ? -1 : 0, 1};
  window.steps = {1, 1};
  return window;
}

/// Adds the products of `count` rows from `row` on with the words of a turn; `beside` comes after each step.
LogicalResult BfloatEmission::multiplyRows(const Turn &turn, Value row, int64_t count,
                                           llvm::function_ref<void(int64_t step)> beside) {
  KernelEmitter::Scope scope(emitter);
  Value zero = emitter.constant(0), stepDepth = emitter.constant(tileDepth);
  Value number = emitter.div(emitter.sub(turn.part.low, copyLow), emitter.constant(turnDepth));
  Value lhsRow = emitter.add(emitter.mul(number, emitter.constant(rowBlocks.size)), row);
  TileWindow window = waitingAt(row, turn.block.column, {count, turn.block.panels * panel});
  Value sums = emitter.loadTile(waiting, window, emitter.builder.getF32Type());
  for (int64_t step = 0; step < turn.part.padded() / tileDepth; ++step) {
    Value k = emitter.constant(step * tileDepth), pair = emitter.constant(step * tileDepth / 2);
    sums = TileMatmulOp::create(emitter.builder, emitter.loc, sums.getType(), lhs, ValueRange{lhsRow, k}, pairs,
                                ValueRange{turn.slot, pair, zero, zero}, sums, stepDepth, ValueRange(),
                                /*lhs_row_dim=*/0, /*row_step=*/1, PanelLayout::DeepPanel);
    beside(step);
  }
  emitter.storeTile(sums, waiting, window);
  return success();
}

/// Adds the products of all rows with the words of a turn, and decodes all of the next one if there is one.
LogicalResult BfloatEmission::addTurn(const Turn &turn, const Turn *next) {
  KernelEmitter::Scope scope(emitter);
  Value zero = emitter.constant(0), one = emitter.constant(1), unit = emitter.constant(productRows);
  bool isOne = productRows == tileRows;
  int64_t steps = turn.part.padded() / tileDepth;
  Value products = isOne ? one : emitter.div(height, unit);
  int64_t count = next ? unitsOf(next->block) : 0;
  if (failed(emitter.forEach(zero, products, one, [&](Value index) {
        Value first = emitter.mul(index, emitter.constant(steps));
        return multiplyRows(turn, emitter.mul(index, unit), productRows, [&](int64_t step) {
          if (next)
            decodeUnit(*next, emitter.min(emitter.add(first, emitter.constant(step)), emitter.constant(count - 1)));
        });
      })))
    return failure();
  bool mayLeave = known < 0 || llvm::alignTo(known, tileRows) % productRows != 0 || rowBlocks.size % productRows != 0;
  if (!isOne && mayLeave &&
      failed(emitter.forEach(emitter.mul(products, unit), height, emitter.constant(tileRows), [&](Value row) {
        return multiplyRows(turn, row, tileRows, [](int64_t) {});
      })))
    return failure();
  if (!next)
    return success();
  Value units = emitter.constant(count), done = emitter.min(emitter.mul(products, emitter.constant(steps)), units);
  return emitter.forEach(done, units, one, [&](Value index) {
    decodeUnit(*next, index);
    return success();
  });
}

/// Turns number 0 to `count` - 1 of one size.
LogicalResult BfloatEmission::addTurns(Value count, llvm::function_ref<Turn(Value turn)> place) {
  Value zero = emitter.constant(0), one = emitter.constant(1);
  bool isWhole = false;
  if (failed(emitter.forEach(zero, emitter.min(count, one), one, [&](Value turn) {
        Turn first = place(turn);
        isWhole = first.part.size == turnDepth;
        return isWhole ? decodeTurn(first) : success();
      })))
    return failure();
  // The turn after the last one is that itself, in the other buffer.
  return emitter.forEach(zero, count, one, [&](Value number) -> LogicalResult {
    Turn turn = place(number);
    if (!isWhole)
      return failed(decodeTurn(turn)) ? failure() : addTurn(turn, nullptr);
    Value following = emitter.add(number, one);
    Turn next = place(emitter.min(following, emitter.sub(count, one)));
    next.slot = slotOf(following);
    return addTurn(turn, &next);
  });
}

/// Parts of `size` steps, the last of which may be smaller.
LogicalResult BfloatEmission::forDepths(const Depth &all, int64_t size, DepthBody body) {
  int64_t whole = all.size / size * size;
  if (failed(emitter.forEach(emitter.constant(0), emitter.constant(whole), emitter.constant(size),
                             [&](Value low) { return body({emitter.add(all.low, low), size}); })))
    return failure();
  return whole == all.size ? success()
                           : body({emitter.add(all.low, emitter.constant(whole)), all.size - whole});
}

/// All steps of a copy for `count` blocks of `panels` panels from column `low` on.
LogicalResult BfloatEmission::addColumns(const Depth &copy, Value low, Value count, int64_t panels) {
  Value width = emitter.constant(panels * panel);
  int64_t whole = copy.size / turnDepth, rest = copy.size % turnDepth;
  auto turnAt = [&](Value index, Value turn, Value step, int64_t size) {
    Value column = emitter.add(low, emitter.mul(index, width));
    return Turn{{column, panels}, {emitter.add(copy.low, step), size}, slotOf(turn)};
  };
  if (whole > 0) {
    Value turns = emitter.constant(whole);
    if (failed(addTurns(emitter.mul(count, turns), [&](Value turn) {
          Value step = emitter.mul(emitter.rem(turn, turns), emitter.constant(turnDepth));
          return turnAt(emitter.div(turn, turns), turn, step, turnDepth);
        })))
      return failure();
  }
  if (rest == 0)
    return success();
  return addTurns(count, [&](Value turn) { return turnAt(turn, turn, emitter.constant(whole * turnDepth), rest); });
}

/// Hands the sums on.
LogicalResult BfloatEmission::finish() {
  return emitter.forEach(rows.low, rows.high, emitter.constant(1), [&](Value row) {
    int64_t width = turnPanels * panel;
    return emitter.forTiles(range.low, range.high, width, [&](Value column, int64_t size, Value bound) {
      ProductSpot spot{Value(), row, column, 1, size, Value(), bound};
      TileWindow window = waitingAt(emitter.sub(row, rows.low), column, {1, size});
      Value sums = emitter.loadTile(waiting, window, emitter.builder.getF32Type());
      return finishSpot(emitter, op.getResult(), spotWindow(emitter, spot, indices, rowDim, rank - 1), sums);
    });
  });
}

LogicalResult BfloatEmission::emitItem() {
  auto rhsType = cast<RankedTensorType>(op.getRhs().getType());
  if (!packingOf(rhsType))
    return emitter.error(op.getLoc(), ErrorCode::UnsupportedType)
           << "'lutra.matmul' reads panels of codes, but its right-hand side of type " << rhsType
           << " has no packing; run lutra-pack-weights first";
  OpBuilder &builder = emitter.builder;
  weight.emplace(emitter, rhsType, emitter.getBuffer(op.getRhs()));
  SmallVector<Value> position = emitter.delinearize(emitter.getItem(), counts);
  indices = batch.place(emitter, position[0]);
  rows = rowBlocks.range(emitter, position[2], m);
  range = columnBlocks.range(emitter, position[1], emitter.constant(columns));
  Value sixteen = emitter.constant(tileRows);
  height = emitter.mul(emitter.ceilDiv(emitter.sub(rows.high, rows.low), sixteen), sixteen);
  // Rows are no multiple of a way of the first level apart.
  int64_t turns = llvm::divideCeil(copyDepth, turnDepth), blockWidth = turnPanels * panel;
  int64_t columnParts = llvm::divideCeil(columnBlocks.size, blockWidth);
  lhs = makeScratch(emitter, {turns * rowBlocks.size, turnDepth + tileDepth}, builder.getBF16Type());
  waiting = makeScratch(emitter, {columnParts * rowBlocks.size, blockWidth}, builder.getF32Type());
  Value bytes = makeScratch(emitter, {2 * turnPanels * turnDepth * panel * 2}, builder.getI8Type());
  auto view = [&](ArrayRef<int64_t> shape, Type element) -> Value {
    return memref::ViewOp::create(builder, emitter.loc, MemRefType::get(shape, element), bytes, emitter.constant(0),
                                  ValueRange());
  };
  words = view({2 * turnPanels, turnDepth / 2, panel}, builder.getI32Type());
  pairs = view({2 * turnPanels, turnDepth / 2, panel, 2}, builder.getBF16Type());
  if (failed(clear()))
    return failure();
  // Whole blocks of panels, then single ones.
  Value width = emitter.constant(turnPanels * panel), one = emitter.constant(panel);
  Value all = emitter.ceilDiv(emitter.sub(range.high, range.low), one);
  Value blocks = emitter.div(all, emitter.constant(turnPanels));
  Value middle = emitter.add(range.low, emitter.mul(blocks, width));
  auto addCopy = [&](const Depth &copy) -> LogicalResult {
    copyLow = copy.low;
    if (failed(copyRows(copy)) || failed(addColumns(copy, range.low, blocks, turnPanels)))
      return failure();
    if (llvm::divideCeil(columns, panel) % turnPanels == 0)
      return success();
    return addColumns(copy, middle, emitter.rem(all, emitter.constant(turnPanels)), 1);
  };
  if (failed(forDepths({emitter.constant(0), depth}, copyDepth, addCopy)))
    return failure();
  return finish();
}

/// Whether tiles take all products of the kernel, or those of an unknown number of rows that are many.
static bool takesTiles(KernelEmitter &emitter) {
  return emitter.target.hasBfloatTiles() && !getRowProducer(emitter.kernel);
}

/// Whether there are rows enough, as a truth value.
static Value hasManyRows(KernelEmitter &emitter) {
  constexpr int64_t fewest = 9; // fewer are decoded in registers sooner
  auto op = cast<MatmulOp>(getRoot(emitter.kernel));
  Value rows = emitter.getSize(op.getResult(), getRowDim(op));
  return arith::CmpIOp::create(emitter.builder, emitter.loc, arith::CmpIPredicate::sge, rows,
                               emitter.constant(fewest));
}

static bool hasKnownRows(KernelEmitter &emitter) {
  return getProductProblem(getRoot(emitter.kernel))->shape.m >= 0;
}

static FailureOr<Value> emitGrid(KernelEmitter &emitter) {
  if (!takesTiles(emitter))
    return getDecodedKind().grid(emitter);
  Value many = BfloatEmission(emitter).getItems();
  if (hasKnownRows(emitter))
    return many;
  FailureOr<Value> few = getDecodedKind().grid(emitter);
  if (failed(few))
    return failure();
  return arith::SelectOp::create(emitter.builder, emitter.loc, hasManyRows(emitter), many, *few).getResult();
}

static LogicalResult emitBfloat(KernelEmitter &emitter, bool elementwise) {
  if (!takesTiles(emitter))
    return getDecodedKind().item(emitter, elementwise);
  if (elementwise)
    return failure();
  if (hasKnownRows(emitter))
    return BfloatEmission(emitter).emitItem();
  auto branch = scf::IfOp::create(emitter.builder, emitter.loc, hasManyRows(emitter), /*withElseRegion=*/true);
  {
    KernelEmitter::Scope scope(emitter);
    emitter.builder.setInsertionPointToStart(branch.thenBlock());
    if (failed(BfloatEmission(emitter).emitItem()))
      return failure();
  }
  KernelEmitter::Scope scope(emitter);
  emitter.builder.setInsertionPointToStart(branch.elseBlock());
  return getDecodedKind().item(emitter, elementwise);
}

GroupKind lutra::getBfloatKind() { return {hasRoot<MatmulOp>, emitGrid, emitBfloat}; }
