//===- CodedKind.cpp - products of 8-bit integers with the codes of a weight ===//
// A work item is a block of the result. Inside, one panel of the weight after another meets all rows. Within a group of
// K, codes are multiplied as they are (lutra.tile_coded_matmul) and the sum is exact; what the zero points add is taken
// off as integers too:
//
//   sum over k of x[k] * (factor * entry[k] - bias - z) = factor * sum(x[k] * entry[k]) - (bias + z) * sum(x[k])
//
// where an entry is the code or what a table has for it (CodedValues.h), with the sums of x made once per work item.
// Then the group's scales, and f32 across groups. A left-hand side whose rows end within a step of the panels is copied
// and filled up with zeros.
//
// Where a work item has many rows, entries are unpacked to bytes once for all of them, a block of K of one panel at a
// time, and f32 sums wait in a buffer between the blocks.
//
// Codes of one bit may name sums of four neighbours of a row instead, in tables that a work item makes for its rows.
#include "CodedWeight.h"
#include "EncodedRhs.h"
#include "GroupKinds.h"
#include "Product.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lutra;

namespace {
class CodedEmission {
public:
  CodedEmission(KernelEmitter &emitter, bool looksUp);
  Value getItems() { return emitter.product(counts); }
  LogicalResult emitItem();

private:
  LogicalResult copyRows();
  LogicalResult sumGroups();
  LogicalResult makeTables();
  /// Codes of one panel: as they are stored, or unpacked from `firstGroup` on.
  struct Source {
    Value buffer, panel, firstGroup;
    bool isUnpacked;
  };
  /// Where a block of rows by one panel stands.
  struct PanelBlock {
    Value column, columnBound;
  };
  Value makeSums(int64_t rows);
  TileWindow rowsOf(Value first, int64_t rows, int64_t width);
  LogicalResult finish(const ProductSpot &spot, Value sums) {
    return finishSpot(emitter, op.getResult(), spotWindow(emitter, spot, indices, rowDim, rank - 1), sums);
  }
  Value multiplyGroup(const ProductSpot &spot, Value group, int64_t size, const Source &source,
                      const EncodedRhs::Place &columns);
  Value addGroup(const ProductSpot &spot, Value group, int64_t size, const Source &source, Value accumulator);
  FailureOr<Value> addGroups(const ProductSpot &spot, Value first, int64_t size, const Source &source, Value sums);
  LogicalResult forRows(int64_t most, llvm::function_ref<LogicalResult(Value row, int64_t size)> body);
  LogicalResult emitDirect(const PanelBlock &block);
  LogicalResult emitAcross(const PanelBlock &block);
  Value viewUnpacked(ArrayRef<int64_t> shape);
  LogicalResult unpack(Value panelIndex, Value firstGroup, int64_t size);
  LogicalResult addBlock(const PanelBlock &block, Value firstGroup, int64_t size, bool isOnly);
  LogicalResult emitUnpacked(const PanelBlock &block);
  void planUnpacking(const CodedProduct &product);
  SmallVector<Value> lhsIndices(Value row, Value k);
  DenseI64ArrayAttr getEntries();

  KernelEmitter &emitter;
  MatmulOp op;
  RankedTensorType lhsType, resultType;
  int64_t rank, rowDim, depth, columns; // K and N
  Value m;
  ProductBatch batch;
  SmallVector<Value> counts; // of items: batches, column blocks, row blocks
  ProductBlocks rowBlocks, columnBlocks;
  int64_t tileRows;
  bool copies; // the left-hand side
  bool looksUp;
  /// Rows of a tile of sums that are looked up, or panels that a single row meets: as registers allow.
  int64_t lookupRows = 2;
  int64_t across = 1; // panels that a single row meets

  std::optional<EncodedRhs> weight;
  CodedValues values;
  Value lhs, sums; // rows (a copy: of the item); of the item's rows in each group, times a constant zero point
  int64_t unpackedDepth = 0, unpackedRows = 0; // of a block of K that is unpacked, 0: none; of its tiles
  Value unpacked, waiting;                     // words of entries; f32 sums between blocks
  Value tables;                                // of the item's rows
  SmallVector<Value> indices; // of the result; only batch dimensions are set
  ProductRange rows;
};
} // namespace

/// Columns of a panel, and bytes of a column in a word.
static constexpr int64_t panel = 16, wordBytes = 4;

CodedEmission::CodedEmission(KernelEmitter &kernelEmitter, bool looksUp)
    : emitter(kernelEmitter), op(cast<MatmulOp>(getRoot(kernelEmitter.kernel))), batch(op), looksUp(looksUp) {
  lhsType = cast<RankedTensorType>(op.getLhs().getType());
  resultType = cast<RankedTensorType>(op.getType());
  rank = resultType.getRank();
  rowDim = getRowDim(op);
  depth = lhsType.getShape().back();
  columns = resultType.getShape().back();
  m = emitter.getSize(op.getResult(), rowDim);
  ProductShape shape = getProductProblem(op)->shape;
  ProductPlan plan = emitter.target.planProduct(shape);
  lookupRows = emitter.target.getVectorBits() == 512 && emitter.target.hasByteShuffle() ? 4 : 2;
  tileRows = looksUp ? (shape.m == 1 ? 1 : lookupRows) : emitter.target.getCodedProduct()->rows;
  auto packing = packingOf(cast<RankedTensorType>(op.getRhs().getType()));
  copies = !packing || depth % packing.getDepth() != 0 || !emitter.getBuffer(op.getLhs());
  int64_t rowBlock = llvm::alignTo(plan.rowBlock, std::max(tileRows, emitter.target.getCodedProduct()->blockRows));
  auto limitRows = [&](int64_t bytes, int64_t ofRow) {
    rowBlock = std::max(tileRows, std::min(rowBlock, bytes / std::max<int64_t>(1, ofRow) / tileRows * tileRows));
  };
  if (copies)
    limitRows(codedCopyBytes, depth);
  if (packing) {
    auto type = cast<RankedTensorType>(op.getRhs().getType());
    limitRows(codedSumBytes, llvm::cantFail(EncodedPanels::of(encodingOf(type).getValue(), columns, depth,
                                                              packing.getWidth(), packing.getDepth()))
                                     .groups() *
                                 4);
  }
  rowBlocks = cutEvenly(emitter, m, shape.m, rowBlock, tileRows);
  int64_t items = batch.known * (shape.m > 0 ? llvm::divideCeil(shape.m, rowBlocks.size) : 1);
  columnBlocks = cutEvenly(emitter, emitter.constant(columns), columns,
                           looksUp ? lookupColumns : chooseColumnBlock(plan, shape, items, panel), panel);
  counts = {batch.count(emitter), columnBlocks.count, rowBlocks.count};
}

SmallVector<Value> CodedEmission::lhsIndices(Value row, Value k) {
  if (copies)
    return {emitter.sub(row, rows.low), k};
  SmallVector<Value> at(indices);
  at[rowDim] = row;
  at[rank - 1] = k;
  return at;
}

/// Copies the item's rows, filled up with zeros to whole steps of the panels.
LogicalResult CodedEmission::copyRows() {
  int64_t padded = llvm::alignTo(depth, weight->getPanels().depth);
  lhs = makeScratch(emitter, {rowBlocks.size, padded}, emitter.builder.getI8Type());
  Value zero = arith::ConstantOp::create(emitter.builder, emitter.loc, emitter.builder.getI8IntegerAttr(0));
  return emitter.forEach(rows.low, rows.high, emitter.constant(1), [&](Value row) -> LogicalResult {
    Value to = emitter.sub(row, rows.low);
    SmallVector<Value> at(indices);
    at[rowDim] = row;
    if (failed(emitter.forTiles(emitter.constant(0), emitter.constant(depth), 32,
                                [&](Value k, int64_t size, Value bound) -> LogicalResult {
                                  at[rank - 1] = k;
                                  auto tile = emitter.emitTile(op.getLhs(), TileWindow::row(at, rank - 1, size, bound));
                                  if (failed(tile))
                                    return failure();
                                  emitter.storeTile(*tile, lhs, TileWindow::row({to, k}, 1, size, bound));
                                  return success();
                                })))
      return failure();
    for (int64_t k = depth; k < padded; ++k)
      emitter.storeElement(zero, lhs, {to, emitter.constant(k)});
    return success();
  });
}

/// Sums of every row of the item in every group.
LogicalResult CodedEmission::sumGroups() {
  const EncodedPanels &panels = weight->getPanels();
  if (values.bias == 0 && !panels.zero)
    return success();
  Type wide = emitter.builder.getI32Type();
  sums = makeScratch(emitter, {rowBlocks.size, panels.groups()}, wide);
  Value zero = emitter.constant(0), one = emitter.constant(1);
  auto widen = [&](Value tile) {
    return emitter.map(tile, wide, [&](OpBuilder &builder, ValueRange scalars) -> Value {
      return arith::ExtSIOp::create(builder, emitter.loc, wide, scalars[0]);
    });
  };
  auto add = [&](Value left, Value right) {
    return emitter.map({left, right}, wide, [&](OpBuilder &builder, ValueRange scalars) -> Value {
      return arith::AddIOp::create(builder, emitter.loc, scalars[0], scalars[1]);
    });
  };
  int64_t rowLength = copies ? static_cast<int64_t>(llvm::alignTo(depth, panels.depth)) : depth;
  int64_t width = std::min<int64_t>(32, panels.groups() == 1 ? llvm::bit_floor(static_cast<uint64_t>(rowLength))
                                                             : panels.group & -panels.group);
  auto sumGroup = [&](Value row, Value group) -> LogicalResult {
    Value low = emitter.mul(group, emitter.constant(panels.group));
    Value high = emitter.min(emitter.add(low, emitter.constant(panels.group)), emitter.constant(rowLength));
    Value start = emitter.fill(emitter.builder.getI32IntegerAttr(0), {width});
    auto addTile = [&](Value k, int64_t size, Value bound, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
      SmallVector<Value> at = lhsIndices(row, k);
      TileWindow window = TileWindow::row(at, at.size() - 1, size, bound);
      Value tile = widen(emitter.loadTile(lhs, window, emitter.builder.getI8Type()));
      tile = emitter.maskTail(tile, bound, emitter.builder.getI32IntegerAttr(0));
      return KernelEmitter::Carried{add(carried[0], tile)};
    };
    auto sum = emitter.foldTiles(low, high, width, start, addTile);
    if (failed(sum))
      return failure();
    auto type = TileType::get(emitter.builder.getContext(), {}, wide);
    Value total = TileReduceOp::create(emitter.builder, emitter.loc, type, ReduceKind::Sum, (*sum)[0]);
    Value scaled = emitter.map(total, wide, [&](OpBuilder &builder, ValueRange scalars) -> Value {
      if (panels.zero)
        return scalars[0];
      Value point = arith::ConstantIntOp::create(builder, emitter.loc, wide, values.bias);
      return arith::MulIOp::create(builder, emitter.loc, scalars[0], point);
    });
    emitter.storeTile(scaled, sums, TileWindow::element({emitter.sub(row, rows.low), group}));
    return success();
  };
  return emitter.forEach(rows.low, rows.high, one, [&](Value row) {
    return emitter.forEach(zero, emitter.constant(panels.groups()), one,
                           [&](Value group) { return sumGroup(row, group); });
  });
}

/// Sums of the subsets of four neighbours of every row of the item.
LogicalResult CodedEmission::makeTables() {
  int64_t width = 16 * getLookupLanes(emitter.target, weight->getPanels());
  int64_t chunkDepth = width / 2, chunks = depth / chunkDepth;
  tables = makeScratch(emitter, {rowBlocks.size, chunks, 4, width}, emitter.builder.getI8Type());
  auto type = TileType::get(emitter.builder.getContext(), {4, width}, emitter.builder.getI8Type());
  Value zero = emitter.constant(0), one = emitter.constant(1);
  return emitter.forEach(rows.low, rows.high, one, [&](Value row) {
    return emitter.forEach(zero, emitter.constant(chunks), one, [&](Value chunk) {
      SmallVector<Value> from = lhsIndices(row, emitter.mul(chunk, emitter.constant(chunkDepth)));
      Value tile = TileSubsetSumsOp::create(emitter.builder, emitter.loc, type, lhs, from);
      TileWindow window;
      window.indices = {emitter.sub(row, rows.low), chunk, zero, zero};
      window.shape = {4, width};
      window.dims = {2, 3};
      window.steps = {1, 1};
      emitter.storeTile(tile, tables, window);
      return success();
    });
  });
}

/// Of codes, and then those of the special one by table; null where codes stand for themselves.
DenseI64ArrayAttr CodedEmission::getEntries() {
  std::vector<int64_t> entries(values.entries);
  entries.insert(entries.end(), values.special.begin(), values.special.end());
  return entries.empty() ? nullptr : emitter.builder.getDenseI64ArrayAttr(entries);
}

Value CodedEmission::makeSums(int64_t rows) {
  return emitter.fill(emitter.builder.getF32FloatAttr(0), {rows, panel});
}

/// Whole rows of a buffer of rank 2.
TileWindow CodedEmission::rowsOf(Value first, int64_t rows, int64_t width) {
  TileWindow window;
  window.indices = {first, emitter.constant(0)};
  window.shape = {rows, width};
  window.dims = {rows == 1 ? -1 : 0, 1};
  window.steps = {1, 1};
  return window;
}

/// Sums of entries over `size` steps of K in group number `group`.
Value CodedEmission::multiplyGroup(const ProductSpot &spot, Value group, int64_t size, const Source &source,
                                   const EncodedRhs::Place &columns) {
  const EncodedPanels &panels = weight->getPanels();
  OpBuilder &builder = emitter.builder;
  Value low = emitter.mul(group, emitter.constant(panels.group));
  Value sum = emitter.fill(builder.getI32IntegerAttr(0), {spot.rows * across, panel});
  if (looksUp) {
    Value chunk = emitter.mul(group, emitter.constant(panels.group / (8 * getLookupLanes(emitter.target, panels))));
    Value word = emitter.mul(group, emitter.constant(panels.group / panels.depth));
    return TileLookupMatmulOp::create(builder, emitter.loc, sum.getType(), tables,
                                      ValueRange{emitter.sub(spot.row, rows.low), chunk}, source.buffer,
                                      ValueRange{source.panel, word}, sum, size, across > 1);
  }
  Value depthValue = emitter.constant(llvm::alignTo(size, panels.depth));
  SmallVector<Value> left = lhsIndices(spot.row, low);
  int64_t leftDim = copies ? 0 : rowDim;
  if (source.isUnpacked) {
    Value word = emitter.mul(emitter.sub(group, source.firstGroup), emitter.constant(panels.group / wordBytes));
    return TileCodedMatmulOp::create(builder, emitter.loc, sum.getType(), lhs, left, source.buffer,
                                     ValueRange{source.panel, word}, sum, depthValue, Value(), /*bits=*/8, leftDim,
                                     /*offset=*/0, nullptr, /*special_code=*/-1, /*limit=*/values.greatest);
  }
  Value word = emitter.mul(group, emitter.constant(panels.group / panels.depth * panels.code.words()));
  Value special = values.special.empty() ? Value() : weight->loadSelector(columns);
  DenseI64ArrayAttr entries = getEntries();
  return TileCodedMatmulOp::create(builder, emitter.loc, sum.getType(), lhs, left, source.buffer,
                                   ValueRange{source.panel, word}, sum, depthValue, special, panels.code.bits, leftDim,
                                   values.codeOffset, entries, values.specialCode, /*limit=*/-1,
                                   /*signed_codes=*/false, /*unsigned_lhs=*/false, panels.code.triples);
}

/// Adds the products of `size` steps of K in group number `group` to the f32 tile.
Value CodedEmission::addGroup(const ProductSpot &spot, Value group, int64_t size, const Source &source,
                              Value accumulator) {
  const EncodedPanels &panels = weight->getPanels();
  Type wide = emitter.builder.getI32Type(), real = emitter.builder.getF32Type();
  EncodedRhs::Place columns{
      emitter.div(spot.column, emitter.constant(panel)), group, {across, panel}, {across > 1 ? 0 : -1, 2}};
  auto ofRows = [&](ArrayRef<Value> at, int64_t dim) {
    TileWindow window;
    window.indices.assign(at.begin(), at.end());
    window.shape = {spot.rows, 1};
    window.dims = {spot.rows == 1 ? -1 : dim, -1};
    window.steps = {1, 1};
    return window;
  };
  SmallVector<Value> at(indices);
  at[rowDim] = spot.row;
  int64_t block = op.getBlock();
  at[rank - 1] = block >= depth ? emitter.constant(0) : emitter.div(group, emitter.constant(block / panels.group));
  Value rowScale = emitter.loadTile(emitter.getBuffer(op.getScale()), ofRows(at, rowDim), real);
  SmallVector<Value> tiles{multiplyGroup(spot, group, size, source, columns), accumulator, rowScale};
  for (size_t index = 0; index < panels.scales.size(); ++index)
    tiles.push_back(weight->loadScale(index, columns));
  size_t scalesEnd = tiles.size();
  if (sums)
    tiles.push_back(emitter.loadTile(sums, ofRows({emitter.sub(spot.row, rows.low), group}, 0), wide));
  if (panels.zero)
    tiles.push_back(weight->loadZeroCode(columns));
  return emitter.map(tiles, real, [&](OpBuilder &inner, ValueRange scalars) -> Value {
    Location loc = emitter.loc;
    auto multiplied = [&](Value value, int64_t by) -> Value {
      if (by == 1)
        return value;
      return arith::MulIOp::create(inner, loc, value, arith::ConstantIntOp::create(inner, loc, wide, by));
    };
    Value value = multiplied(scalars[0], values.factor);
    if (panels.zero) {
      Value point = multiplied(scalars[scalesEnd + 1], values.zeroUnits());
      if (values.bias != 0)
        point = arith::AddIOp::create(inner, loc, point,
                                      arith::ConstantIntOp::create(inner, loc, wide, values.bias));
      value = arith::SubIOp::create(inner, loc, value, arith::MulIOp::create(inner, loc, scalars[scalesEnd], point));
    } else if (sums) {
      value = arith::SubIOp::create(inner, loc, value, scalars[scalesEnd]);
    }
    // One scale after the other: their product may be too large or too small where the sum is neither.
    Value scaled = arith::SIToFPOp::create(inner, loc, real, value);
    if (values.unit != 1)
      scaled = arith::MulFOp::create(inner, loc, scaled,
                                     arith::ConstantOp::create(inner, loc, FloatAttr::get(real, values.unit)));
    for (Value scale : scalars.slice(3, scalesEnd - 3))
      scaled = arith::MulFOp::create(inner, loc, scaled, scale);
    return math::FmaOp::create(inner, loc, scaled, scalars[2], scalars[1]);
  });
}

/// Adds `size` steps of K from the beginning of group `first` on to f32 sums.
FailureOr<Value> CodedEmission::addGroups(const ProductSpot &spot, Value first, int64_t size, const Source &source,
                                          Value sums) {
  const EncodedPanels &panels = weight->getPanels();
  int64_t rest = size % panels.group;
  Value end = emitter.add(first, emitter.constant(size / panels.group));
  auto total = emitter.fold(first, end, emitter.constant(1), sums,
                            [&](Value group, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
                              return KernelEmitter::Carried{addGroup(spot, group, panels.group, source, carried[0])};
                            });
  if (failed(total))
    return failure();
  return rest > 0 ? addGroup(spot, end, rest, source, (*total)[0]) : (*total)[0];
}

/// All rows of the item in tiles, of `most` rows first and then of half as many.
LogicalResult CodedEmission::forRows(int64_t most,
                                     llvm::function_ref<LogicalResult(Value row, int64_t size)> body) {
  Value low = rows.low;
  for (int64_t size = most; size > 0; size /= 2) {
    Value step = emitter.constant(size);
    Value end = emitter.add(low, emitter.mul(emitter.div(emitter.sub(rows.high, low), step), step));
    if (failed(emitter.forEach(low, end, step, [&](Value row) { return body(row, size); })))
      return failure();
    low = end;
  }
  return success();
}

/// Codes are taken apart for every tile of rows.
LogicalResult CodedEmission::emitDirect(const PanelBlock &block) {
  Source source{weight->getCodes(), emitter.div(block.column, emitter.constant(panel)), Value(), false};
  return forRows(tileRows, [&](Value row, int64_t size) -> LogicalResult {
    ProductSpot spot{Value(), row, block.column, size, panel, Value(), block.columnBound};
    FailureOr<Value> total = addGroups(spot, emitter.constant(0), depth, source, makeSums(size));
    if (failed(total))
      return failure();
    return finish(spot, *total);
  });
}

/// Several panels meet one row after the other: the tables of a row are read once for them.
LogicalResult CodedEmission::emitAcross(const PanelBlock &block) {
  across = lookupRows;
  Source source{weight->getCodes(), emitter.div(block.column, emitter.constant(panel)), Value(), false};
  LogicalResult result = emitter.forEach(rows.low, rows.high, emitter.constant(1), [&](Value row) -> LogicalResult {
    ProductSpot spot{Value(), row, block.column, 1, panel, Value(), Value()};
    FailureOr<Value> total = addGroups(spot, emitter.constant(0), depth, source, makeSums(across));
    if (failed(total))
      return failure();
    emitter.storeTile(*total, waiting, rowsOf(emitter.constant(0), across, panel));
    for (int64_t next = 0; next < across; ++next) {
      Value sums = emitter.loadTile(waiting, rowsOf(emitter.constant(next), 1, panel), emitter.builder.getF32Type());
      spot.column = emitter.add(block.column, emitter.constant(next * panel));
      if (failed(finish(spot, sums)))
        return failure();
    }
    return success();
  });
  across = 1;
  return result;
}

Value CodedEmission::viewUnpacked(ArrayRef<int64_t> shape) {
  return memref::ViewOp::create(emitter.builder, emitter.loc, MemRefType::get(shape, emitter.builder.getI8Type()),
                                unpacked, emitter.constant(0), ValueRange());
}

/// Writes the entries of `size` steps of K from group `firstGroup` on to the buffer.
LogicalResult CodedEmission::unpack(Value panelIndex, Value firstGroup, int64_t size) {
  const EncodedPanels &panels = weight->getPanels();
  OpBuilder &builder = emitter.builder;
  int64_t fields = panels.code.fields(), stepsOfGroup = llvm::divideCeil(panels.group, panels.depth);
  auto type = TileType::get(builder.getContext(), {fields, panel * wordBytes}, builder.getI8Type());
  DenseI64ArrayAttr entries = getEntries();
  Value zero = emitter.constant(0), one = emitter.constant(1);
  Value rowsOfWords = viewUnpacked({unpackedDepth / wordBytes, panel * wordBytes});
  auto unpackGroup = [&](Value index, int64_t steps) {
    EncodedRhs::Place columns{panelIndex, emitter.add(firstGroup, index), {1, panel}, {-1, 2}};
    Value special = values.special.empty() ? Value() : weight->loadSelector(columns);
    Value first = emitter.mul(index, emitter.constant(stepsOfGroup));
    Value stored = emitter.mul(columns.group, emitter.constant(stepsOfGroup));
    return emitter.forEach(zero, emitter.constant(steps), one, [&](Value step) {
      Value word = emitter.mul(emitter.add(stored, step), emitter.constant(panels.code.words()));
      Value tile = TileUnpackOp::create(builder, emitter.loc, type, weight->getCodes(), ValueRange{panelIndex, word},
                                        special, panels.code.bits, values.codeOffset, entries, values.specialCode,
                                        panels.code.triples);
      Value row = emitter.mul(emitter.add(first, step), emitter.constant(fields));
      emitter.storeTile(tile, rowsOfWords, rowsOf(row, fields, panel * wordBytes));
      return success();
    });
  };
  int64_t whole = size / panels.group, rest = size % panels.group;
  if (failed(emitter.forEach(zero, emitter.constant(whole), one,
                             [&](Value index) { return unpackGroup(index, stepsOfGroup); })))
    return failure();
  return rest > 0 ? unpackGroup(emitter.constant(whole), llvm::divideCeil(rest, panels.depth)) : success();
}

/// Unpacks `size` steps of K and adds their products to all rows; the only block finishes them.
LogicalResult CodedEmission::addBlock(const PanelBlock &block, Value firstGroup, int64_t size, bool isOnly) {
  KernelEmitter::Scope scope(emitter);
  Value panelIndex = emitter.div(block.column, emitter.constant(panel)), zero = emitter.constant(0);
  if (failed(unpack(panelIndex, firstGroup, size)))
    return failure();
  Source source{viewUnpacked({1, unpackedDepth / wordBytes, panel, wordBytes}), zero, firstGroup, true};
  return forRows(unpackedRows, [&](Value row, int64_t rowCount) -> LogicalResult {
    ProductSpot spot{Value(), row, block.column, rowCount, panel, Value(), block.columnBound};
    TileWindow window = rowsOf(emitter.sub(row, rows.low), rowCount, panel);
    Value start = isOnly ? makeSums(rowCount) : emitter.loadTile(waiting, window, emitter.builder.getF32Type());
    FailureOr<Value> total = addGroups(spot, firstGroup, size, source, start);
    if (failed(total))
      return failure();
    if (isOnly)
      return finish(spot, *total);
    emitter.storeTile(*total, waiting, window);
    return success();
  });
}

LogicalResult CodedEmission::emitUnpacked(const PanelBlock &block) {
  Value zero = emitter.constant(0);
  if (depth <= unpackedDepth)
    return addBlock(block, zero, depth, /*isOnly=*/true);
  auto forWaiting = [&](bool finishes) {
    return forRows(unpackedRows, [&](Value row, int64_t rowCount) -> LogicalResult {
      TileWindow window = rowsOf(emitter.sub(row, rows.low), rowCount, panel);
      if (!finishes) {
        emitter.storeTile(makeSums(rowCount), waiting, window);
        return success();
      }
      ProductSpot spot{Value(), row, block.column, rowCount, panel, Value(), block.columnBound};
      return finish(spot, emitter.loadTile(waiting, window, emitter.builder.getF32Type()));
    });
  };
  int64_t groups = unpackedDepth / weight->getPanels().group, blocks = depth / unpackedDepth;
  if (failed(forWaiting(/*finishes=*/false)) ||
      failed(emitter.forEach(zero, emitter.constant(blocks), emitter.constant(1), [&](Value index) {
        return addBlock(block, emitter.mul(index, emitter.constant(groups)), unpackedDepth, /*isOnly=*/false);
      })))
    return failure();
  if (int64_t rest = depth % unpackedDepth;
      rest > 0 && failed(addBlock(block, emitter.constant(blocks * groups), rest, /*isOnly=*/false)))
    return failure();
  return forWaiting(/*finishes=*/true);
}

/// Whole groups, about as many as fill half a first-level cache, where instructions take their entries as bytes.
void CodedEmission::planUnpacking(const CodedProduct &product) {
  const EncodedPanels &panels = weight->getPanels();
  constexpr int64_t usual = 1024, most = 8192;
  int64_t padded = llvm::alignTo(depth, panels.depth), group = panels.groups() == 1 ? padded : panels.group;
  if (product.blockRows == 0 || values.least < 0 || group > most)
    return;
  unpackedDepth = std::min<int64_t>(llvm::alignTo(padded, panels.group), std::max(group, usual / group * group));
  if (panels.groups() == 1)
    unpackedDepth = padded;
  unpackedRows = product.blockRows;
  unpacked = makeScratch(emitter, {unpackedDepth * panel}, emitter.builder.getI8Type());
  if (depth > unpackedDepth)
    waiting = makeScratch(emitter, {rowBlocks.size, panel}, emitter.builder.getF32Type());
}

LogicalResult CodedEmission::emitItem() {
  auto rhsType = cast<RankedTensorType>(op.getRhs().getType());
  if (!packingOf(rhsType))
    return emitter.error(op.getLoc(), ErrorCode::UnsupportedType)
           << "'lutra.matmul' reads panels of codes, but its right-hand side of type " << rhsType
           << " has no packing; run lutra-pack-weights first";
  weight.emplace(emitter, rhsType, emitter.getBuffer(op.getRhs()));
  values = llvm::cantFail(CodedValues::of(weight->getPanels(), *emitter.target.getCodedProduct())); // as the offer
  SmallVector<Value> position = emitter.delinearize(emitter.getItem(), counts);
  indices = batch.place(emitter, position[0]);
  rows = rowBlocks.range(emitter, position[2], m);
  ProductRange block = columnBlocks.range(emitter, position[1], emitter.constant(columns));
  lhs = emitter.getBuffer(op.getLhs());
  if ((copies && failed(copyRows())) || failed(sumGroups()) || (looksUp && failed(makeTables())))
    return failure();

  int64_t rest = columns % panel;
  Value width = emitter.constant(panel);
  auto forPanels = [&](Value low, Value high, auto body) -> LogicalResult {
    Value wholeEnd = emitter.min(high, emitter.constant(columns - rest));
    if (failed(emitter.forEach(low, wholeEnd, width, [&](Value column) { return body(PanelBlock{column, Value()}); })))
      return failure();
    if (rest == 0)
      return success();
    return emitter.forEach(emitter.max(low, wholeEnd), high, width,
                           [&](Value column) { return body(PanelBlock{column, emitter.constant(rest)}); });
  };
  auto direct = [&](const PanelBlock &panelBlock) { return emitDirect(panelBlock); };
  if (looksUp && getProductProblem(op)->shape.m == 1) {
    waiting = makeScratch(emitter, {lookupRows, panel}, emitter.builder.getF32Type());
    Value step = emitter.constant(lookupRows * panel), whole = emitter.constant(columns - rest);
    Value end = emitter.max(emitter.min(block.high, whole), block.low);
    end = emitter.add(block.low, emitter.mul(emitter.div(emitter.sub(end, block.low), step), step));
    if (failed(emitter.forEach(block.low, end, step,
                               [&](Value column) { return emitAcross(PanelBlock{column, Value()}); })))
      return failure();
    return forPanels(end, block.high, direct);
  }
  const CodedProduct product = *emitter.target.getCodedProduct();
  int64_t known = getProductProblem(op)->shape.m;
  if (!looksUp && (known < 0 || known >= product.unpackRows) && rowBlocks.size >= product.unpackRows)
    planUnpacking(product);
  if (unpackedDepth == 0)
    return forPanels(block.low, block.high, direct);
  // Many rows take all panels one way, few the other.
  Value isMany = arith::CmpIOp::create(emitter.builder, emitter.loc, arith::CmpIPredicate::sge,
                                       emitter.sub(rows.high, rows.low), emitter.constant(product.unpackRows));
  Value middle = arith::SelectOp::create(emitter.builder, emitter.loc, isMany, block.high, block.low);
  if (failed(forPanels(block.low, middle, [&](const PanelBlock &panelBlock) { return emitUnpacked(panelBlock); })))
    return failure();
  return forPanels(middle, block.high, direct);
}

template <bool looksUp> static GroupKind makeKind() {
  return {hasRoot<MatmulOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> { return CodedEmission(emitter, looksUp).getItems(); },
          [](KernelEmitter &emitter, bool elementwise) -> LogicalResult {
            return elementwise ? failure() : CodedEmission(emitter, looksUp).emitItem();
          }};
}

GroupKind lutra::getCodedKind() { return makeKind<false>(); }
GroupKind lutra::getLookupKind() { return makeKind<true>(); }
