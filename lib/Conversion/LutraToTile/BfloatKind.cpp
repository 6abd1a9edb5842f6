//===- BfloatKind.cpp - products with weights that are decoded to bf16 --------===//
// A work item is a block of the result. Rows of the left-hand side are copied and rounded to bf16, filled up with zeros
// to whole tiles. Panels of the weight are decoded, scaled and rounded to words of two neighbours along K, of which a
// first-level cache holds those of a turn; tiles of all rows then multiply them and add to f32 sums in memory:
//
//   for block of K: copy rows
//     for panels: for turn of the block: decode; for tiles of rows: sums += rows * words
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

  LogicalResult clear();
  LogicalResult copyRows(const Depth &part);
  Value round(Value even, Value odd);
  LogicalResult decodeGroup(Value firstPanel, int64_t count, Value low, int64_t size, Value to);
  LogicalResult decode(const PanelBlock &block, const Depth &part);
  LogicalResult multiply(const PanelBlock &block, const Depth &part, Value lhsLow);
  using DepthBody = llvm::function_ref<LogicalResult(const Depth &part)>;
  LogicalResult forDepths(const Depth &all, int64_t size, DepthBody body);
  LogicalResult forPanels(llvm::function_ref<LogicalResult(const PanelBlock &)> body);
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

  std::optional<EncodedRhs> weight;
  Value lhs;     // [rows, steps of K] of bf16
  Value words;   // [panels, pairs of K, columns] of i32
  Value pairs;   // the same as [panels, pairs of K, columns, 2] of bf16
  Value waiting; // [rows, columns] of f32
  SmallVector<Value> indices; // of the result; only batch dimensions are set
  ProductRange rows, range;   // of columns
  Value height;               // rows in whole tiles
};
} // namespace

/// Bytes of the sums of an item, and of rows that are copied at once: parts of a second-level cache, and of a stack.
static constexpr int64_t waitingBytes = 512 << 10, copyBytes = 288 << 10;
/// Words of a turn, which stay in a first-level cache beside the rows of two tiles.
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
  turnPanels = known > 0 && known <= tileRows ? 4 : 2;
  turnPanels = std::min<int64_t>(turnPanels, llvm::divideCeil(columns, panel));
  int64_t padded = llvm::alignTo(depth, tileDepth);
  turnDepth = std::min(turnBytes / (2 * panel * turnPanels) / tileDepth * tileDepth, padded);
  copyDepth = std::max(turnDepth, (copyBytes / 2 / rowBlocks.size - tileDepth) / turnDepth * turnDepth);
  copyDepth = std::min<int64_t>(copyDepth, llvm::alignTo(depth, turnDepth));
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
  Value zero = emitter.constant(0), one = emitter.constant(1);
  auto clearRow = [&](Value buffer, Value from) {
    return emitter.forEach(from, height, one, [&](Value row) {
      return fillZeros(buffer, row, 0, cast<MemRefType>(buffer.getType()).getDimSize(1));
    });
  };
  if (failed(clearRow(waiting, zero)))
    return failure();
  return known > 0 && known % tileRows == 0 ? success() : clearRow(lhs, emitter.sub(rows.high, rows.low));
}

/// Copies the item's rows, rounded.
LogicalResult BfloatEmission::copyRows(const Depth &part) {
  return emitter.forEach(rows.low, rows.high, emitter.constant(1), [&](Value row) -> LogicalResult {
    Value to = emitter.sub(row, rows.low);
    SmallVector<Value> at(indices);
    at[rowDim] = row;
    at[rank - 1] = part.low;
    if (failed(copyRow(emitter, op.getLhs(), at, part.size, lhs, to)))
      return failure();
    return part.size == part.padded() ? success() : fillZeros(lhs, to, part.size, part.padded());
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

/// Decodes `size` steps of K from `low` on, which share their scales, to words from pair `to` on.
LogicalResult BfloatEmission::decodeGroup(Value firstPanel, int64_t count, Value low, int64_t size, Value to) {
  const EncodedPanels &panels = weight->getPanels();
  SmallVector<EncodedRhs::Place> places;
  SmallVector<EncodedRhs::Group> groups;
  for (int64_t next = 0; next < count; ++next) {
    places.push_back({emitter.add(firstPanel, emitter.constant(next)),
                      emitter.div(low, emitter.constant(panels.group)), {panel}, {2}});
    groups.push_back(weight->loadGroup(places.back()));
  }
  int64_t step = panels.depth, stride = std::max<int64_t>(2, step);
  // A line of the codes of the panels after these, which lie in other pages.
  auto prefetch = [&](Value k) {
    for (const EncodedRhs::Place &place : places) {
      Value last = emitter.constant(panels.panels() - 1);
      Value next = emitter.min(emitter.add(place.panel, emitter.constant(turnPanels)), last);
      Value step = emitter.div(emitter.add(low, k), emitter.constant(panels.depth));
      Value word = emitter.mul(step, emitter.constant(panels.code.words()));
      memref::PrefetchOp::create(emitter.builder, emitter.loc, weight->getCodes(),
                                 ValueRange{next, word, emitter.constant(0), emitter.constant(0)}, /*isWrite=*/false,
                                 /*localityHint=*/2, /*isDataCache=*/true);
    }
  };
  // Steps k.. of all panels, the first `most` of which are there.
  auto decodeSteps = [&](Value k, int64_t most) {
    for (int64_t next = 0; next < count; ++next) {
      SmallVector<Value> values;
      for (int64_t first = 0; first < std::min(most, stride); first += step) {
        SmallVector<Value> read =
            weight->loadStep(places[next], emitter.add(low, emitter.add(k, emitter.constant(first))));
        for (int64_t field = 0; field < step; ++field)
          values.push_back(weight->scale(weight->decode(read, field, groups[next]), groups[next]));
      }
      if (values.size() % 2 != 0)
        values.push_back(emitter.fill(emitter.builder.getF32FloatAttr(0), {panel}));
      Value pair = emitter.add(to, emitter.div(k, emitter.constant(2)));
      for (size_t value = 0; value < values.size(); value += 2) {
        Value place = emitter.add(pair, emitter.constant(static_cast<int64_t>(value) / 2));
        emitter.storeTile(round(values[value], values[value + 1]), words,
                          TileWindow::row({emitter.constant(next), place, emitter.constant(0)}, 2, panel));
      }
    }
  };
  int64_t whole = size / stride * stride, unrolled = whole % 8 == 0 ? std::max<int64_t>(8, stride) : stride;
  if (failed(emitter.forEach(emitter.constant(0), emitter.constant(whole), emitter.constant(unrolled), [&](Value k) {
        prefetch(k);
        for (int64_t first = 0; first < unrolled; first += stride)
          decodeSteps(emitter.add(k, emitter.constant(first)), stride);
        return success();
      })))
    return failure();
  if (whole < size)
    decodeSteps(emitter.constant(whole), size - whole);
  return success();
}

/// The words of a turn, filled up with zeros.
LogicalResult BfloatEmission::decode(const PanelBlock &block, const Depth &part) {
  KernelEmitter::Scope scope(emitter);
  const EncodedPanels &panels = weight->getPanels();
  Value firstPanel = emitter.div(block.column, emitter.constant(panel));
  int64_t piece = panels.groups() == 1 ? part.size : std::gcd(turnDepth, panels.group);
  int64_t whole = part.size / piece * piece;
  auto decodePiece = [&](Value at, int64_t size) {
    return decodeGroup(firstPanel, block.panels, emitter.add(part.low, at), size,
                       emitter.div(at, emitter.constant(2)));
  };
  if (failed(emitter.forEach(emitter.constant(0), emitter.constant(whole), emitter.constant(piece),
                             [&](Value at) { return decodePiece(at, piece); })))
    return failure();
  if (whole < part.size && failed(decodePiece(emitter.constant(whole), part.size - whole)))
    return failure();
  Value zero = emitter.fill(emitter.builder.getI32IntegerAttr(0), {panel});
  for (int64_t next = 0; next < block.panels; ++next)
    for (int64_t pair = llvm::alignTo(part.size, std::max<int64_t>(2, panels.depth)) / 2; pair < part.padded() / 2;
         ++pair)
      emitter.storeTile(zero, words,
                        TileWindow::row({emitter.constant(next), emitter.constant(pair), emitter.constant(0)}, 2,
                                        panel));
  return success();
}

/// Adds the products of all rows with the words of a turn; the copy of rows begins at step `lhsLow`.
LogicalResult BfloatEmission::multiply(const PanelBlock &block, const Depth &part, Value lhsLow) {
  KernelEmitter::Scope scope(emitter);
  Value zero = emitter.constant(0);
  auto multiplyRows = [&](Value row, int64_t count) {
    TileWindow window;
    window.indices = {row, emitter.sub(block.column, range.low)};
    window.shape = {count, block.panels * panel};
    window.dims = {0, 1};
    window.steps = {1, 1};
    Value sums = emitter.loadTile(waiting, window, emitter.builder.getF32Type());
    Value added = TileMatmulOp::create(emitter.builder, emitter.loc, sums.getType(), lhs,
                                       ValueRange{row, emitter.sub(part.low, lhsLow)}, pairs,
                                       ValueRange{zero, zero, zero, zero}, sums, emitter.constant(part.padded()),
                                       ValueRange(), /*lhs_row_dim=*/0, /*row_step=*/1, PanelLayout::DeepPanel);
    emitter.storeTile(added, waiting, window);
    return success();
  };
  constexpr int64_t two = 2 * tileRows;
  bool isOne = known > 0 && known <= tileRows;
  Value whole = isOne ? zero : emitter.mul(emitter.div(height, emitter.constant(two)), emitter.constant(two));
  if (!isOne &&
      failed(emitter.forEach(zero, whole, emitter.constant(two), [&](Value row) { return multiplyRows(row, two); })))
    return failure();
  if (known > 0 && llvm::alignTo(known, tileRows) % two == 0 && rowBlocks.size % two == 0)
    return success();
  return emitter.forEach(whole, height, emitter.constant(tileRows),
                         [&](Value row) { return multiplyRows(row, tileRows); });
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

/// Blocks of panels, then single ones.
LogicalResult BfloatEmission::forPanels(llvm::function_ref<LogicalResult(const PanelBlock &)> body) {
  Value width = emitter.constant(turnPanels * panel), one = emitter.constant(panel);
  Value end = emitter.add(range.low, emitter.mul(emitter.ceilDiv(emitter.sub(range.high, range.low), one), one));
  Value whole = emitter.mul(emitter.div(emitter.sub(end, range.low), width), width);
  Value middle = emitter.add(range.low, whole);
  if (failed(emitter.forEach(range.low, middle, width, [&](Value column) {
        return body({column, turnPanels});
      })))
    return failure();
  if (llvm::divideCeil(columns, panel) % turnPanels == 0)
    return success();
  return emitter.forEach(middle, end, one, [&](Value column) { return body({column, 1}); });
}

/// Hands the sums on.
LogicalResult BfloatEmission::finish() {
  return emitter.forEach(rows.low, rows.high, emitter.constant(1), [&](Value row) {
    int64_t width = 2 * panel;
    return emitter.forTiles(range.low, range.high, width, [&](Value column, int64_t size, Value bound) {
      ProductSpot spot{Value(), row, column, 1, size, Value(), bound};
      TileWindow window;
      window.indices = {emitter.sub(row, rows.low), emitter.sub(column, range.low)};
      window.shape = {1, size};
      window.dims = {-1, 1};
      window.steps = {1, 1};
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
  lhs = makeScratch(emitter, {rowBlocks.size, copyDepth + tileDepth}, builder.getBF16Type());
  waiting = makeScratch(emitter, {rowBlocks.size, columnBlocks.size + panel}, builder.getF32Type());
  Value bytes = makeScratch(emitter, {turnPanels * turnDepth * panel * 2}, builder.getI8Type());
  auto view = [&](ArrayRef<int64_t> shape, Type element) -> Value {
    return memref::ViewOp::create(builder, emitter.loc, MemRefType::get(shape, element), bytes, emitter.constant(0),
                                  ValueRange());
  };
  words = view({turnPanels, turnDepth / 2, panel}, builder.getI32Type());
  pairs = view({turnPanels, turnDepth / 2, panel, 2}, builder.getBF16Type());
  if (failed(clear()))
    return failure();
  auto addTurns = [&](const Depth &copy) -> LogicalResult {
    if (failed(copyRows(copy)))
      return failure();
    return forPanels([&](const PanelBlock &block) {
      return forDepths(copy, turnDepth, [&](const Depth &part) {
        return failed(decode(block, part)) ? failure() : multiply(block, part, copy.low);
      });
    });
  };
  if (failed(forDepths({emitter.constant(0), depth}, copyDepth, addTurns)))
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
