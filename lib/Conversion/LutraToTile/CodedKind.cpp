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
#include "CodedValues.h"
#include "EncodedRhs.h"
#include "GroupKinds.h"
#include "Product.h"

#include "lutra/Analysis/ProductStrategy.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lutra;

namespace {
class CodedEmission {
public:
  explicit CodedEmission(KernelEmitter &emitter);
  Value getItems() { return emitter.product(counts); }
  LogicalResult emitItem();

private:
  LogicalResult copyRows();
  LogicalResult sumGroups();
  LogicalResult emitSpot(const ProductSpot &spot);
  Value multiplyGroup(const ProductSpot &spot, Value group, int64_t size, const EncodedRhs::Place &columns);
  Value addGroup(const ProductSpot &spot, Value group, int64_t size, Value accumulator);
  Value loadSpecial(const EncodedRhs::Place &columns);
  SmallVector<Value> lhsIndices(Value row, Value k);

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

  std::optional<EncodedRhs> weight;
  CodedValues values;
  Value lhs, sums; // rows (a copy: of the item); of the item's rows in each group, times a constant zero point
  SmallVector<Value> indices; // of the result; only batch dimensions are set
  ProductRange rows;
};
} // namespace

static constexpr int64_t panel = 16;

CodedEmission::CodedEmission(KernelEmitter &kernelEmitter)
    : emitter(kernelEmitter), op(cast<MatmulOp>(getRoot(kernelEmitter.kernel))), batch(op) {
  lhsType = cast<RankedTensorType>(op.getLhs().getType());
  resultType = cast<RankedTensorType>(op.getType());
  rank = resultType.getRank();
  rowDim = getRowDim(op);
  depth = lhsType.getShape().back();
  columns = resultType.getShape().back();
  m = emitter.getSize(op.getResult(), rowDim);
  ProductShape shape = getProductProblem(op)->shape;
  ProductPlan plan = emitter.target.planProduct(shape);
  tileRows = emitter.target.getCodedProduct()->rows;
  auto packing = packingOf(cast<RankedTensorType>(op.getRhs().getType()));
  copies = !packing || depth % packing.getDepth() != 0 || !emitter.getBuffer(op.getLhs());
  int64_t rowBlock = llvm::alignTo(plan.rowBlock, tileRows);
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
                           chooseColumnBlock(plan, shape, items, panel), panel);
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

/// The entries that the table of each column has for the special code.
Value CodedEmission::loadSpecial(const EncodedRhs::Place &columns) {
  Type wide = emitter.builder.getI32Type();
  return emitter.map(weight->loadSelector(columns), wide, [&](OpBuilder &builder, ValueRange scalars) -> Value {
    auto number = [&](int64_t value) -> Value {
      return arith::ConstantIntOp::create(builder, emitter.loc, wide, value);
    };
    Value entry = number(values.special.front());
    for (size_t table = 1; table < values.special.size(); ++table) {
      Value isOwn = arith::CmpIOp::create(builder, emitter.loc, arith::CmpIPredicate::eq, scalars[0],
                                          number(static_cast<int64_t>(table)));
      entry = arith::SelectOp::create(builder, emitter.loc, isOwn, number(values.special[table]), entry);
    }
    return entry;
  });
}

/// Sums of entries over `size` steps of K in group number `group`.
Value CodedEmission::multiplyGroup(const ProductSpot &spot, Value group, int64_t size,
                                   const EncodedRhs::Place &columns) {
  const EncodedPanels &panels = weight->getPanels();
  OpBuilder &builder = emitter.builder;
  Value low = emitter.mul(group, emitter.constant(panels.group));
  Value word = emitter.mul(group, emitter.constant(panels.group / panels.depth * panels.code.words()));
  Value sum = emitter.fill(builder.getI32IntegerAttr(0), {spot.rows, panel});
  Value special = values.special.empty() ? Value() : loadSpecial(columns);
  DenseI64ArrayAttr entries = values.entries.empty() ? nullptr : builder.getDenseI64ArrayAttr(values.entries);
  return TileCodedMatmulOp::create(builder, emitter.loc, sum.getType(), lhs, lhsIndices(spot.row, low),
                                   weight->getCodes(), ValueRange{columns.panel, word}, sum,
                                   emitter.constant(llvm::alignTo(size, panels.depth)), special, panels.code.bits,
                                   copies ? 0 : rowDim, values.codeOffset, entries, values.specialCode);
}

/// Adds the products of `size` steps of K in group number `group` to the f32 tile.
Value CodedEmission::addGroup(const ProductSpot &spot, Value group, int64_t size, Value accumulator) {
  const EncodedPanels &panels = weight->getPanels();
  Type wide = emitter.builder.getI32Type(), real = emitter.builder.getF32Type();
  EncodedRhs::Place columns{emitter.div(spot.column, emitter.constant(panel)), group, {1, panel}, {-1, 2}};
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
  SmallVector<Value> tiles{multiplyGroup(spot, group, size, columns), accumulator, rowScale};
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

LogicalResult CodedEmission::emitSpot(const ProductSpot &spot) {
  const EncodedPanels &panels = weight->getPanels();
  Value start = emitter.fill(emitter.builder.getF32FloatAttr(0), {spot.rows, panel});
  int64_t whole = depth / panels.group, rest = depth % panels.group;
  auto sum = emitter.fold(emitter.constant(0), emitter.constant(whole), emitter.constant(1), start,
                          [&](Value group, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
                            return KernelEmitter::Carried{addGroup(spot, group, panels.group, carried[0])};
                          });
  if (failed(sum))
    return failure();
  Value total = (*sum)[0];
  if (rest > 0)
    total = addGroup(spot, emitter.constant(whole), rest, total);
  return finishSpot(emitter, op.getResult(), spotWindow(emitter, spot, indices, rowDim, rank - 1), total);
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
  if ((copies && failed(copyRows())) || failed(sumGroups()))
    return failure();

  int64_t rest = columns % panel;
  Value width = emitter.constant(panel), wholeEnd = emitter.min(block.high, emitter.constant(columns - rest));
  auto forRows = [&](Value column, Value columnBound) -> LogicalResult {
    Value low = rows.low;
    for (int64_t size = tileRows; size > 0; size /= 2) {
      Value step = emitter.constant(size);
      Value end = emitter.add(low, emitter.mul(emitter.div(emitter.sub(rows.high, low), step), step));
      if (failed(emitter.forEach(low, end, step, [&](Value row) {
            return emitSpot({Value(), row, column, size, panel, Value(), columnBound});
          })))
        return failure();
      low = end;
    }
    return success();
  };
  if (failed(emitter.forEach(block.low, wholeEnd, width, [&](Value column) { return forRows(column, {}); })))
    return failure();
  if (rest == 0)
    return success();
  return emitter.forEach(emitter.max(block.low, wholeEnd), block.high, width,
                         [&](Value column) { return forRows(column, emitter.constant(rest)); });
}

GroupKind lutra::getCodedKind() {
  return {hasRoot<MatmulOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> { return CodedEmission(emitter).getItems(); },
          [](KernelEmitter &emitter, bool elementwise) -> LogicalResult {
            return elementwise ? failure() : CodedEmission(emitter).emitItem();
          }};
}
