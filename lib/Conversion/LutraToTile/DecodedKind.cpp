//===- DecodedKind.cpp - products of few rows with codes ----------------------===//
// Values of codes are made where they are multiplied, one vector of a panel after another, and no buffer holds them:
//
//   for group of K:
//     sums[r] = 0
//     for k of group: sums[r] += x[r][k] * (value(code[k]) - zero point)
//     totals[r] += sums[r] * scale
//
// So a scale is applied to sums, not to every value, unless they might leave the range of f32
// (EncodedRhs::mayScaleSums). A value times a scale is then never rounded; docs/design/bounds.md has the bound.
//
// A left-hand side is copied, a block of K at a time, where it is no buffer, or where its rows lie so that a
// first-level cache would not hold a line of each; f32 sums then wait in a buffer between the blocks. Few rows of an
// unknown number are computed so in fours, twos and ones, and more by MatmulKind.cpp, which decodes panels to a buffer.
#include "EncodedRhs.h"
#include "GroupKinds.h"
#include "Product.h"

#include "lutra/Analysis/ProductStrategy.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <numeric>

using namespace mlir;
using namespace lutra;

namespace {
class DecodedEmission {
public:
  /// Of `height` rows; items of columns hold whole ones of `unit`.
  DecodedEmission(KernelEmitter &emitter, int64_t height, int64_t unit = panel);
  Value getItems() { return emitter.product(counts); }
  /// Rows from `row` on, in items as those of `items`.
  LogicalResult emitItem(Value row, const DecodedEmission &items);
  LogicalResult emitItem() { return emitItem(emitter.constant(0), *this); }
  /// Columns that are computed at once.
  int64_t getUnit() const { return across * panel; }

private:
  using Tiles = SmallVector<Value>;

  void planBlocks();
  LogicalResult copyRows(Value low, int64_t size);
  Value loadRows(Value k);
  Value add(Value rows, Value values, Value sums);
  Tiles addPiece(Value low, int64_t size, Value firstPanel, Tiles totals);
  Tiles addBlock(Value low, int64_t size, Value firstPanel, Tiles totals);
  using PanelBody = llvm::function_ref<LogicalResult(Value column, int64_t count)>;
  LogicalResult forPanels(PanelBody body);
  LogicalResult finish(Value column, Tiles totals);
  LogicalResult emitBlocks();
  TileWindow waitingAt(Value column, int64_t index);
  Tiles makeSums(int64_t count) {
    return Tiles(count, emitter.fill(emitter.builder.getF32FloatAttr(0), {height, panel}));
  }

  static constexpr int64_t panel = 16;

  KernelEmitter &emitter;
  MatmulOp op;
  RankedTensorType lhsType, resultType;
  int64_t height, rank, rowDim, depth, columns; // rows, K and N
  int64_t across;                               // panels that are computed at once
  ProductBatch batch;
  SmallVector<Value> counts; // of items: batches, column blocks
  ProductBlocks columnBlocks;
  std::optional<EncodedRhs> weight;
  bool copies = false;    // the left-hand side
  bool scalesSums = true; // not values
  int64_t block = 0;      // of K that is copied at once
  int64_t piece = 0;      // of K under one scale, at most
  Value firstRow;         // of the result
  Value lhs, lhsLow;      // what is read, and the K at which it begins
  Value waiting;          // sums between blocks
  SmallVector<Value> indices; // of the result; only batch dimensions are set
  ProductRange range;         // of columns
};
} // namespace

/// Bytes of left-hand rows that are copied at once: a third of a small first-level cache.
static constexpr int64_t copyBytes = 12 << 10;
DecodedEmission::DecodedEmission(KernelEmitter &kernelEmitter, int64_t height, int64_t unit)
    : emitter(kernelEmitter), op(cast<MatmulOp>(getRoot(kernelEmitter.kernel))), height(height), batch(op) {
  lhsType = cast<RankedTensorType>(op.getLhs().getType());
  resultType = cast<RankedTensorType>(op.getType());
  rank = resultType.getRank();
  rowDim = getRowDim(op);
  depth = cast<RankedTensorType>(op.getRhs().getType()).getShape().back();
  columns = resultType.getShape().back();
  // Panels share what is loaded of a row; sums take half of the registers, and zero points a fourth.
  int64_t registers = emitter.target.getVectorBits() >= 512 ? 32 : 16;
  int64_t vectors = panel * 32 / emitter.target.getVectorBits();
  for (across = 4; across > 1 && (height * across * vectors > registers / 2 || across * vectors > registers / 4);)
    --across;
  ProductShape shape = getProductProblem(op)->shape;
  shape.m = height;
  unit = std::max(unit, getUnit());
  int64_t wanted = chooseColumnBlock(emitter.target.planProduct(shape), shape, batch.known, unit);
  columnBlocks = cutEvenly(emitter, emitter.constant(columns), columns, wanted, unit);
  counts = {batch.count(emitter), columnBlocks.count};
}

/// Whether lines of that many rows lie in a first-level cache beside each other and panels.
static bool fitsWays(int64_t rows, int64_t rowBytes) {
  constexpr int64_t way = 4096, ways = 4; // half of a small one
  return rows <= ways * (way / std::gcd(rowBytes, way));
}

void DecodedEmission::planBlocks() {
  const EncodedPanels &panels = weight->getPanels();
  copies = !emitter.getBuffer(op.getLhs()) || op.getTransposeLhs() || !fitsWays(height, depth * 4);
  scalesSums = weight->mayScaleSums();
  block = depth;
  int64_t most = std::max<int64_t>(panels.depth, llvm::bit_floor(static_cast<uint64_t>(copyBytes / 4 / height)));
  if (copies && depth > most)
    block = panels.groups() == 1     ? most
            : panels.group >= most ? std::gcd(panels.group, most)
                                   : most / panels.group * panels.group;
  piece = panels.groups() == 1 ? block : std::min(block, panels.group);
  lhsLow = emitter.constant(0);
  if (copies) // 16 more: rows are no multiple of a way apart
    lhs = makeScratch(emitter, {height, block + 16}, emitter.builder.getF32Type());
  else
    lhs = emitter.getBuffer(op.getLhs());
  if (block < depth)
    waiting = makeScratch(emitter, {columnBlocks.size / panel, height, panel}, emitter.builder.getF32Type());
}

/// Copies K in [low, low + size) of all rows.
LogicalResult DecodedEmission::copyRows(Value low, int64_t size) {
  if (!copies)
    return success();
  int64_t sourceRow = op.getTransposeLhs() ? rank - 1 : rowDim;
  int64_t sourceDepth = op.getTransposeLhs() ? rank - 2 : rank - 1;
  lhsLow = low;
  return emitter.forEach(emitter.constant(0), emitter.constant(height), emitter.constant(1), [&](Value row) {
    SmallVector<Value> source = indices;
    source[sourceRow] = emitter.add(firstRow, row);
    return emitter.forTiles(emitter.constant(0), emitter.constant(size), emitter.getTileWidth(),
                            [&](Value at, int64_t width, Value bound) -> LogicalResult {
                              source[sourceDepth] = emitter.add(low, at);
                              FailureOr<Value> tile = emitter.emitTile(
                                  op.getLhs(), TileWindow::row(source, sourceDepth, width, bound));
                              if (failed(tile))
                                return failure();
                              emitter.storeTile(*tile, lhs, TileWindow::row({row, at}, 1, width, bound));
                              return success();
                            });
  });
}

/// Step `k` of all rows.
Value DecodedEmission::loadRows(Value k) {
  TileWindow window;
  if (copies) {
    window.indices = {emitter.constant(0), emitter.sub(k, lhsLow)};
  } else {
    window.indices = indices;
    window.indices[rowDim] = firstRow;
    window.indices[rank - 1] = k;
  }
  window.shape = {height, 1};
  window.dims = {height == 1 ? -1 : copies ? 0 : rowDim, -1};
  window.steps = {1, 1};
  return emitter.loadTile(lhs, window, emitter.builder.getF32Type());
}

/// sums + rows * values.
Value DecodedEmission::add(Value rows, Value values, Value sums) {
  return emitter.map({rows, values, sums}, emitter.builder.getF32Type(),
                     [&](OpBuilder &builder, ValueRange scalars) -> Value {
                       return math::FmaOp::create(builder, emitter.loc, scalars[0], scalars[1], scalars[2]);
                     });
}

/// Adds `size` steps of K from `low` on, which lie under one scale, to the totals of neighbouring panels.
SmallVector<Value> DecodedEmission::addPiece(Value low, int64_t size, Value firstPanel, Tiles totals) {
  const EncodedPanels &panels = weight->getPanels();
  int64_t count = totals.size(), step = panels.depth;
  SmallVector<EncodedRhs::Place> places;
  SmallVector<EncodedRhs::Group> groups;
  for (int64_t index = 0; index < count; ++index) {
    places.push_back({emitter.add(firstPanel, emitter.constant(index)),
                      emitter.div(low, emitter.constant(panels.group)), {1, panel}, {-1, 2}});
    groups.push_back(weight->loadGroup(places.back()));
  }
  auto addStep = [&](Value k, int64_t fields, int64_t chains, Tiles &sums) {
    SmallVector<SmallVector<Value>> words;
    for (const EncodedRhs::Place &place : places)
      words.push_back(weight->loadStep(place, k));
    for (int64_t field = 0; field < fields; ++field) {
      Value rows = loadRows(emitter.add(k, emitter.constant(field)));
      for (int64_t index = 0; index < count; ++index) {
        Value values = weight->decode(words[index], field, groups[index]);
        if (!scalesSums)
          values = weight->scale(values, groups[index]);
        Value &sum = sums[index * chains + field % chains];
        sum = add(rows, values, sum);
      }
    }
  };
  // Neighbouring steps of single sums take turns, since each waits for the one before.
  int64_t chains = height * count < 4 && step > 1 ? 2 : 1;
  int64_t whole = size / step * step, stride = whole % 8 == 0 ? 8 : step;
  Tiles sums = scalesSums ? makeSums(count * chains) : Tiles();
  if (!scalesSums)
    for (Value total : totals) {
      sums.push_back(total);
      sums.append(chains - 1, makeSums(1).front());
    }
  if (whole > 0) {
    auto added = emitter.fold(low, emitter.add(low, emitter.constant(whole)), emitter.constant(stride), sums,
                              [&](Value k, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
                                Tiles next(carried);
                                for (int64_t at = 0; at < stride; at += step)
                                  addStep(emitter.add(k, emitter.constant(at)), step, chains, next);
                                return next;
                              });
    sums = *added;
  }
  if (whole < size)
    addStep(emitter.add(low, emitter.constant(whole)), size - whole, chains, sums);
  for (int64_t index = 0; index < count; ++index) {
    Value sum = sums[index * chains];
    if (chains > 1)
      sum = emitter.map({sum, sums[index * chains + 1]}, emitter.builder.getF32Type(),
                        [&](OpBuilder &builder, ValueRange scalars) -> Value {
                          return arith::AddFOp::create(builder, emitter.loc, scalars[0], scalars[1]);
                        });
    totals[index] = scalesSums ? weight->addScaled(sum, groups[index], totals[index]) : sum;
  }
  return totals;
}

/// Adds `size` steps of K from `low` on, a multiple of a piece.
SmallVector<Value> DecodedEmission::addBlock(Value low, int64_t size, Value firstPanel, Tiles totals) {
  int64_t whole = size / piece * piece;
  if (whole > piece) {
    auto added = emitter.fold(low, emitter.add(low, emitter.constant(whole)), emitter.constant(piece), totals,
                              [&](Value k, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
                                return addPiece(k, piece, firstPanel, Tiles(carried));
                              });
    totals = *added;
  } else if (whole > 0) {
    totals = addPiece(low, piece, firstPanel, totals);
  }
  if (whole < size)
    totals = addPiece(emitter.add(low, emitter.constant(whole)), size - whole, firstPanel, totals);
  return totals;
}

/// All panels of the item, `across` of them at once and what is left alone.
LogicalResult DecodedEmission::forPanels(PanelBody body) {
  Value step = emitter.constant(across * panel), width = emitter.sub(range.high, range.low);
  Value whole = emitter.add(range.low, emitter.mul(emitter.div(width, step), step));
  if (failed(emitter.forEach(range.low, whole, step, [&](Value column) { return body(column, across); })))
    return failure();
  if (columns % (across * panel) == 0)
    return success();
  return emitter.forEach(whole, range.high, emitter.constant(panel), [&](Value column) { return body(column, 1); });
}

LogicalResult DecodedEmission::finish(Value column, Tiles totals) {
  for (auto [index, total] : llvm::enumerate(totals)) {
    Value first = emitter.add(column, emitter.constant(index * panel)), bound;
    if (columns % panel != 0)
      bound = emitter.min(emitter.sub(emitter.constant(columns), first), emitter.constant(panel));
    ProductSpot spot{Value(), firstRow, first, height, panel, Value(), bound};
    if (failed(finishSpot(emitter, op.getResult(), spotWindow(emitter, spot, indices, rowDim, rank - 1), total)))
      return failure();
  }
  return success();
}

/// The sums of panel `index` after the one that begins at `column`.
TileWindow DecodedEmission::waitingAt(Value column, int64_t index) {
  TileWindow window;
  Value place = emitter.div(emitter.sub(column, range.low), emitter.constant(panel));
  window.indices = {emitter.add(place, emitter.constant(index)), emitter.constant(0), emitter.constant(0)};
  window.shape = {height, panel};
  window.dims = {height == 1 ? -1 : 1, 2};
  window.steps = {1, 1};
  return window;
}

/// One block of K after another.
LogicalResult DecodedEmission::emitBlocks() {
  auto addNext = [&](Value low, int64_t size) -> LogicalResult {
    KernelEmitter::Scope scope(emitter);
    if (failed(copyRows(low, size)))
      return failure();
    return forPanels([&](Value column, int64_t count) {
      Tiles totals;
      for (int64_t index = 0; index < count; ++index)
        totals.push_back(emitter.loadTile(waiting, waitingAt(column, index), emitter.builder.getF32Type()));
      totals = addBlock(low, size, emitter.div(column, emitter.constant(panel)), totals);
      for (auto [index, total] : llvm::enumerate(totals))
        emitter.storeTile(total, waiting, waitingAt(column, index));
      return success();
    });
  };
  auto clear = [&](Value column, int64_t count) {
    for (auto [index, sum] : llvm::enumerate(makeSums(count)))
      emitter.storeTile(sum, waiting, waitingAt(column, index));
    return success();
  };
  int64_t whole = depth / block * block;
  if (failed(forPanels(clear)) ||
      failed(emitter.forEach(emitter.constant(0), emitter.constant(whole), emitter.constant(block),
                             [&](Value low) { return addNext(low, block); })) ||
      (whole < depth && failed(addNext(emitter.constant(whole), depth - whole))))
    return failure();
  return forPanels([&](Value column, int64_t count) {
    Tiles totals;
    for (int64_t index = 0; index < count; ++index)
      totals.push_back(emitter.loadTile(waiting, waitingAt(column, index), emitter.builder.getF32Type()));
    return finish(column, totals);
  });
}

LogicalResult DecodedEmission::emitItem(Value row, const DecodedEmission &items) {
  firstRow = row;
  columnBlocks = items.columnBlocks;
  SmallVector<Value> position = emitter.delinearize(emitter.getItem(), items.counts);
  indices = batch.place(emitter, position[0]);
  range = columnBlocks.range(emitter, position[1], emitter.constant(columns));
  weight.emplace(emitter, cast<RankedTensorType>(op.getRhs().getType()), emitter.getBuffer(op.getRhs()));
  planBlocks();
  if (block < depth)
    return emitBlocks();
  Value zero = emitter.constant(0);
  if (failed(copyRows(zero, depth)))
    return failure();
  return forPanels([&](Value column, int64_t count) {
    return finish(column, addBlock(zero, depth, emitter.div(column, emitter.constant(panel)), makeSums(count)));
  });
}

/// Rows of a product that is computed so, -1: an unknown number, where it is few; 0: none.
static int64_t fewRows(KernelEmitter &emitter) {
  auto op = cast<MatmulOp>(getRoot(emitter.kernel));
  int64_t rows = getProductProblem(op)->shape.m, most = emitter.target.getDecodedRows();
  auto rhs = cast<RankedTensorType>(op.getRhs().getType());
  bool isWhole = rhs.getShape().back() > 0 && rhs.getShape().front() > 0;
  if (most == 0 || getRowProducer(emitter.kernel) || !packingOf(rhs) || !isWhole || rows == 0)
    return 0;
  return rows < 0 ? -1 : rows <= most ? rows : 0;
}

/// Rows that are computed together, of an unknown number of few.
static constexpr int64_t heights[] = {4, 2, 1};

static Value countRows(KernelEmitter &emitter) {
  auto op = cast<MatmulOp>(getRoot(emitter.kernel));
  return emitter.getSize(op.getResult(), getRowDim(op));
}

/// Whether there are few, as a truth value.
static Value hasFewRows(KernelEmitter &emitter) {
  return arith::CmpIOp::create(emitter.builder, emitter.loc, arith::CmpIPredicate::sle, countRows(emitter),
                               emitter.constant(emitter.target.getDecodedRows()));
}

/// The items of few rows: what they all fit.
static DecodedEmission planFew(KernelEmitter &emitter) {
  int64_t unit = 1;
  for (int64_t height : heights)
    unit = std::lcm(unit, DecodedEmission(emitter, height).getUnit());
  return DecodedEmission(emitter, 1, unit);
}

static LogicalResult emitFew(KernelEmitter &emitter) {
  DecodedEmission items = planFew(emitter);
  Value low = emitter.constant(0), rows = countRows(emitter);
  for (int64_t height : heights) {
    Value step = emitter.constant(height);
    Value end = emitter.add(low, emitter.mul(emitter.div(emitter.sub(rows, low), step), step));
    if (failed(emitter.forEach(low, end, step, [&](Value row) -> LogicalResult {
          return DecodedEmission(emitter, height).emitItem(row, items);
        })))
      return failure();
    low = end;
  }
  return success();
}

static FailureOr<Value> emitGrid(KernelEmitter &emitter) {
  int64_t rows = fewRows(emitter);
  if (rows > 0)
    return DecodedEmission(emitter, rows).getItems();
  FailureOr<Value> many = getMatmulKind().grid(emitter);
  if (rows == 0 || failed(many))
    return many;
  Value few = planFew(emitter).getItems();
  return arith::SelectOp::create(emitter.builder, emitter.loc, hasFewRows(emitter), few, *many).getResult();
}

static LogicalResult emitDecoded(KernelEmitter &emitter) {
  int64_t rows = fewRows(emitter);
  if (rows > 0)
    return DecodedEmission(emitter, rows).emitItem();
  if (rows == 0)
    return getMatmulKind().item(emitter, false);
  auto branch = scf::IfOp::create(emitter.builder, emitter.loc, hasFewRows(emitter), /*withElseRegion=*/true);
  {
    KernelEmitter::Scope scope(emitter);
    emitter.builder.setInsertionPointToStart(branch.thenBlock());
    if (failed(emitFew(emitter)))
      return failure();
  }
  KernelEmitter::Scope scope(emitter);
  emitter.builder.setInsertionPointToStart(branch.elseBlock());
  return getMatmulKind().item(emitter, false);
}

GroupKind lutra::getDecodedKind() {
  return {hasRoot<MatmulOp>, emitGrid, [](KernelEmitter &emitter, bool elementwise) -> LogicalResult {
            return elementwise ? failure() : emitDecoded(emitter);
          }};
}
