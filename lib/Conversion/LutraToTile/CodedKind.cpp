//===- CodedKind.cpp - products of 8-bit integers with the codes of a weight ===//
// A work item is a block of the result. Inside, a few panels of the weight after another meet all rows. Within a group
// of K, codes are multiplied as they are (lutra.tile_coded_matmul) and the sum is exact; what the zero points add is
// taken off exactly too, in f32 where that holds all of a group's sums (CodedGroups.cpp):
//
//   sum over k of x[k] * (factor * entry[k] - bias - z) = factor * sum(x[k] * entry[k]) - (bias + z) * sum(x[k])
//
// where an entry is the code or what a table has for it (CodedValues.h), with the sums of x made once per work item.
// Then the group's scales, and f32 across groups. A left-hand side whose rows end within a step of the panels is copied
// and filled up with zeros.
//
// Where a work item has many rows, entries are unpacked to bytes once for all of them (CodedBlocks.cpp).
//
// Few bits on both sides may be counted instead (CodedPlanes.cpp). Powers of two may shift elements of rows
// (lutra.tile_shift_matmul).
//
// Codes of few bits may name sums of four neighbours of a row instead, bit by bit, in tables that the kernel of the
// rows made (lutra.with_tables), or else a work item makes for its rows.
#include "CodedEmission.h"

#include "GroupKinds.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace lutra;

/// Neighbouring panels of which one row meets the codes: more hide nothing more.
static constexpr int64_t mostPanels = 4;

/// Columns of an item whose few rows fill tiles and are copied for each item, which takes as long as about 60 columns,
/// and bytes of these rows that a stack holds.
static constexpr int64_t fewRowsColumns = 1024, fewRowsBytes = 512 << 10;

CodedEmission::CodedEmission(KernelEmitter &kernelEmitter, CodedOptions options)
    : emitter(kernelEmitter), op(cast<MatmulOp>(getRoot(kernelEmitter.kernel))), batch(op), way(options.way),
      looksUp(way == CodedWay::Tables), rescales(options.rescales && kernelEmitter.target.multipliesRescaled()) {
  lhsType = cast<RankedTensorType>(op.getLhs().getType());
  resultType = cast<RankedTensorType>(op.getType());
  rank = resultType.getRank();
  rowDim = getRowDim(op);
  depth = lhsType.getShape().back();
  columns = resultType.getShape().back();
  m = emitter.getSize(op.getResult(), rowDim);
  ProductShape shape = getProductProblem(op)->shape;
  if (shape.m < 0 && emitter.mostRows == 1) {
    shape.m = 1;
    m = emitter.constant(1);
  }
  knownRows = shape.m;
  ProductPlan plan = emitter.target.planProduct(shape);
  CodedProduct product = *emitter.target.getCodedProduct();
  if (way == CodedWay::Planes) {
    const BitserialProduct counted = *emitter.target.getBitserialProduct();
    product.rows = counted.rows;
    product.sums = counted.sums;
  }
  if (way == CodedWay::Shifts) {
    const ShiftProduct shifted = *emitter.target.getShiftProduct();
    product.rows = shifted.rows;
    product.sums = shifted.sums;
  }
  limitSums(product);
  lookupRows = emitter.target.getVectorBits() == 512 && emitter.target.hasByteShuffle() ? 4 : 2;
  tileRows = looksUp ? (shape.m == 1 ? 1 : lookupRows) : product.rows;
  // Of 256 bits a single row takes 13 % less with four panels than with two (Zen 3, 1 bit, K = 4096).
  lookupPanels = emitter.target.getVectorBits() == 256 ? 4 : lookupRows;
  if (!looksUp) {
    int64_t known = shape.m > 0 ? llvm::bit_floor(static_cast<uint64_t>(shape.m)) : tileRows;
    int64_t rows = std::min(tileRows, known);
    tilePanels = std::max<int64_t>(1, std::min(mostPanels, product.sums / rows));
  }
  auto packing = packingOf(cast<RankedTensorType>(op.getRhs().getType()));
  copies = !packing || depth % packing.getDepth() != 0 || !emitter.getBuffer(op.getLhs());
  // Rows that fill none, or meet one group, keep sums of all columns at once: 15 take half as long again with so many.
  int64_t mostRows = hasFewRows(product) ? emitter.mostRows : shape.m;
  bool isFew = way == CodedWay::Codes && packing && emitter.target.hasByteTiles() && mostRows > 0 &&
               (hasFewRows(product) ||
                (shape.m <= product.blockRows && shape.m % (product.blockRows / 2) == 0)) &&
               mostRows * depth <= fewRowsBytes &&
               getStoredPanels(cast<RankedTensorType>(op.getRhs().getType())).groups() > 1;
  if (mayPipe(shape, product))
    planPipe(plan, shape.m, product);
  else if (isFew)
    plan.columnBlock = std::max(plan.columnBlock, fewRowsColumns);
  bool fillsBlocks = way == CodedWay::Codes && (shape.m < 0 || shape.m > product.blockRows);
  if (sharesUnpacked()) // each item copies its rows and adds them up; wider ones gain 3 % with 512 rows
    plan.columnBlock = std::max<int64_t>(plan.columnBlock, packsWords() || shape.m > 128 ? 1024 : 512);
  rowBlocks = cutEvenly(emitter, m, shape.m, chooseRowBlock(plan, product),
                        fillsBlocks ? std::max(tileRows, product.blockRows) : tileRows);
  int64_t items = batch.known * (shape.m > 0 ? llvm::divideCeil(shape.m, rowBlocks.size) : 1);
  if (packsWords()) // half as many, which pack rows, take 1.4 % less time (128 rows, K = N = 4096, Xeon)
    items *= 2;
  int64_t unit = panel * std::max(tilePanels, 2 * product.blockPanels);
  constexpr int64_t fewItems = 8;
  bool isNarrow = columns < fewItems * lookupColumns && getSharedTables();
  int64_t tableColumns = isNarrow ? sharedTableColumns : lookupColumns;
  int64_t wanted = looksUp ? tableColumns : chooseColumnBlock(plan, shape, isFew ? 2 * items : items, unit);
  columnBlocks = cutEvenly(emitter, emitter.constant(columns), columns, wanted, unit);
  counts = {batch.count(emitter), columnBlocks.count, rowBlocks.count};
}

/// Fewer rows and panels of a tile where entries have digits with sums of their own: as half of the registers hold.
void CodedEmission::limitSums(CodedProduct &product) {
  auto type = cast<RankedTensorType>(op.getRhs().getType());
  if (way != CodedWay::Codes || !packingOf(type))
    return;
  EncodedPanels panels = getStoredPanels(type);
  // Pairs: registers hold words of a step beside the sums of two panels where these are single ones.
  if (!product.takesBytes && product.vectorBytes > 16 && panels.code.words() > 1)
    product.sums = 1;
  int64_t digits = llvm::cantFail(CodedValues::of(panels, product)).digits; // as the offer
  if (digits == 1)
    return;
  product.rows = std::min(product.rows, getDigitRows(product, digits));
  product.sums = std::max<int64_t>(1, product.sums / digits);
}

/// Rows of a work item, of which copies and sums stay in a cache.
int64_t CodedEmission::chooseRowBlock(const ProductPlan &plan, const CodedProduct &product) {
  constexpr int64_t leastUnpacked = 128; // that share what vectors unpack
  int64_t wanted = sharesUnpacked() ? std::max(plan.rowBlock, leastUnpacked) : plan.rowBlock;
  if (hasFewRows(product))
    wanted = product.blockRows;
  int64_t block = llvm::alignTo(wanted, std::max(tileRows, product.blockRows));
  auto limit = [&](int64_t bytes, int64_t ofRow) {
    block = std::max(tileRows, std::min(block, bytes / std::max<int64_t>(1, ofRow) / tileRows * tileRows));
  };
  if (copies)
    limit(codedCopyBytes, getRowStride(depth));
  if (looksUp)
    limit(lookupTableBytes, 4 * getTableParts(cast<RankedTensorType>(op.getRhs().getType())) * depth);
  auto type = cast<RankedTensorType>(op.getRhs().getType());
  if (packingOf(type))
    limit(codedSumBytes, getStoredPanels(type).groups() * 4);
  return block;
}

/// Bytes of a row of a copy: those of a tile's rows do not all share one set of the first-level cache.
int64_t CodedEmission::getRowStride(int64_t size) {
  constexpr int64_t sets = 4096, line = 64;
  return emitter.target.hasByteTiles() && size % sets == 0 ? size + line : size;
}

/// Copies some steps of a row, filled up with zeros to whole steps of the panels, to row `to` of the copy.
LogicalResult CodedEmission::copySteps(Value row, const Depth &part, Value to) {
  SmallVector<Value> at(indices);
  at[rowDim] = row;
  at[rank - 1] = part.low;
  if (failed(copyRow(emitter, op.getLhs(), at, part.size, lhs, to)))
    return failure();
  if (int64_t missing = getRowLength(part.size) - part.size; missing > 0)
    emitter.storeTile(emitter.fill(emitter.builder.getI8IntegerAttr(0), {missing}), lhs,
                      TileWindow::row({to, emitter.constant(part.size)}, 1, missing));
  return success();
}

/// Copies the item's rows.
LogicalResult CodedEmission::copyRows(const Depth &part) {
  if (!lhs)
    lhs = makeScratch(emitter, {rowBlocks.size, getRowStride(getRowLength(part.size))}, emitter.builder.getI8Type());
  return emitter.forEach(rows.low, rows.high, emitter.constant(1),
                         [&](Value row) { return copySteps(row, part, emitter.sub(row, rows.low)); });
}

/// Sums of what `widen` makes of the elements of rows, from `firstRow` on, in every group that `into` has a place for,
/// after `finish`: one is all of K.
LogicalResult CodedEmission::addRows(Value into, ScalarMap widen, ScalarMap finish) {
  const EncodedPanels &panels = weight->getPanels();
  Type wide = emitter.builder.getI32Type(), stored = cast<MemRefType>(into.getType()).getElementType();
  Value zero = emitter.constant(0), one = emitter.constant(1);
  auto add = [&](Value left, Value right) {
    return emitter.map({left, right}, wide, [&](OpBuilder &builder, ValueRange scalars) -> Value {
      return arith::AddIOp::create(builder, emitter.loc, scalars[0], scalars[1]);
    });
  };
  int64_t rowLength = copies ? static_cast<int64_t>(llvm::alignTo(depth, panels.depth)) : depth;
  int64_t groups = cast<MemRefType>(into.getType()).getDimSize(0), size = groups == 1 ? rowLength : panels.group;
  int64_t width = std::min<int64_t>(32, groups == 1 ? llvm::bit_floor(static_cast<uint64_t>(rowLength)) : size & -size);
  auto sumGroup = [&](Value row, Value group) -> LogicalResult {
    Value low = emitter.mul(group, emitter.constant(size)), count = emitter.constant(size);
    if (rowLength % size != 0) // else no tile ends early, which a constant says
      count = emitter.min(count, emitter.sub(emitter.constant(rowLength), low));
    Value start = emitter.fill(emitter.builder.getI32IntegerAttr(0), {width});
    auto addTile = [&](Value k, int64_t size, Value bound, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
      SmallVector<Value> at = lhsIndices(row, emitter.add(low, k));
      TileWindow window = TileWindow::row(at, at.size() - 1, size, bound);
      Value tile = emitter.loadTile(lhs, window, emitter.builder.getI8Type());
      tile = emitter.map(tile, wide, [&](OpBuilder &inner, ValueRange scalars) { return widen(inner, scalars[0]); });
      tile = emitter.maskTail(tile, bound, emitter.builder.getI32IntegerAttr(0));
      return KernelEmitter::Carried{add(carried[0], tile)};
    };
    auto sum = emitter.foldTiles(emitter.constant(0), count, width, start, addTile);
    if (failed(sum))
      return failure();
    auto type = TileType::get(emitter.builder.getContext(), {}, wide);
    Value total = TileReduceOp::create(emitter.builder, emitter.loc, type, ReduceKind::Sum, (*sum)[0]);
    total = emitter.map(total, stored, [&](OpBuilder &inner, ValueRange scalars) { return finish(inner, scalars[0]); });
    emitter.storeTile(total, into, TileWindow::element({group, emitter.sub(row, rows.low)}));
    return success();
  };
  return emitter.forEach(firstRow ? firstRow : rows.low, rows.high, one, [&](Value row) {
    return emitter.forEach(zero, emitter.constant(groups), one, [&](Value group) { return sumGroup(row, group); });
  });
}

/// What a sum of a row's elements in a group adds to that of products where codes have no zero points of their own.
Value CodedEmission::negateSum(OpBuilder &builder, Value total) {
  const EncodedPanels &panels = weight->getPanels();
  Type wide = builder.getI32Type();
  Value factor = arith::ConstantIntOp::create(builder, emitter.loc, wide, panels.zero ? -1 : -values.bias);
  Value negated = arith::MulIOp::create(builder, emitter.loc, total, factor);
  Type real = builder.getF32Type();
  return addsFloats ? arith::SIToFPOp::create(builder, emitter.loc, real, negated).getResult() : negated;
}

/// A place for the sums of every row of the item in every group, those of a group side by side; null where none count.
void CodedEmission::planSums() {
  const EncodedPanels &panels = weight->getPanels();
  if (values.bias == 0 && !panels.zero)
    return;
  Type stored = addsFloats ? Type(emitter.builder.getF32Type()) : emitter.builder.getI32Type();
  // Tiles read whole ones, and copies make sums of whole blocks.
  int64_t unit = unpacking.packsRows ? packedRows : std::max<int64_t>(1, unpacking.rows);
  sums = makeScratch(emitter, {panels.groups(), static_cast<int64_t>(llvm::alignTo(rowBlocks.size, unit))}, stored);
}

/// Those sums of rows from `firstRow` on.
LogicalResult CodedEmission::sumGroups() {
  if (!sums)
    return success();
  auto widen = [&](OpBuilder &builder, Value value) -> Value {
    return arith::ExtSIOp::create(builder, emitter.loc, builder.getI32Type(), value);
  };
  return addRows(sums, widen, [&](OpBuilder &builder, Value total) { return negateSum(builder, total); });
}

/// Tables that another kernel made of all rows, as this one reads them; null: there are none.
Value CodedEmission::getSharedTables() {
  auto with = op.getLhs().getDefiningOp<WithTablesOp>();
  auto rhsType = cast<RankedTensorType>(op.getRhs().getType());
  if (!looksUp || !with || !packingOf(rhsType))
    return {};
  auto bits = std::max<int64_t>(2, getLhsBits(rhsType));
  RankedTensorType wanted =
      SubsetSumsOp::typeOf(lhsType, getLookupLanes(emitter.target, getStoredPanels(rhsType)), bits);
  bool fits = with.getTables().getType() == wanted && static_cast<int64_t>(with.getLhsBits()) == bits &&
              wanted.getDimSize(0) == knownRows;
  return fits ? emitter.getBuffer(with.getTables()) : Value();
}

/// Sums of the subsets of four neighbours of every row of the item.
LogicalResult CodedEmission::makeTables() {
  firstTable = rows.low;
  if ((tables = getSharedTables())) {
    firstTable = emitter.constant(0);
    return success();
  }
  int64_t width = 16 * getLookupLanes(emitter.target, weight->getPanels());
  int64_t chunkDepth = width / 2, chunks = depth / chunkDepth;
  auto rhsType = cast<RankedTensorType>(op.getRhs().getType());
  int64_t halves = 2 * getTableParts(rhsType), bits = std::max<int64_t>(2, getLhsBits(rhsType));
  tables = makeScratch(emitter, {rowBlocks.size, chunks, halves, width}, emitter.builder.getI8Type());
  auto type = TileType::get(emitter.builder.getContext(), {halves, width}, emitter.builder.getI8Type());
  Value zero = emitter.constant(0), one = emitter.constant(1);
  return emitter.forEach(rows.low, rows.high, one, [&](Value row) {
    return emitter.forEach(zero, emitter.constant(chunks), one, [&](Value chunk) {
      SmallVector<Value> from = lhsIndices(row, emitter.mul(chunk, emitter.constant(chunkDepth)));
      Value tile = TileSubsetSumsOp::create(emitter.builder, emitter.loc, type, lhs, from, bits);
      TileWindow window;
      window.indices = {emitter.sub(row, rows.low), chunk, zero, zero};
      window.shape = {halves, width};
      window.dims = {2, 3};
      window.steps = {1, 1};
      emitter.storeTile(tile, tables, window);
      return success();
    });
  });
}

Value CodedEmission::isMore(Value left, Value right) {
  return arith::CmpIOp::create(emitter.builder, emitter.loc, arith::CmpIPredicate::sgt, left, right);
}

/// The first row that takes codes as they lie: all of the item's where they are few or, where tiles are filled, those
/// that are left over from whole ones and few.
Value CodedEmission::findDirectRows() {
  Value few = emitter.constant(emitter.target.getCodedProduct()->unpackRows);
  Value rest = emitter.sub(rows.high, rows.low);
  if (unpacking.fillsRows && !unpacking.isPiped)
    rest = emitter.rem(rest, emitter.constant(unpacking.rows));
  return arith::SelectOp::create(emitter.builder, emitter.loc, isMore(few, rest), emitter.sub(rows.high, rest),
                                 rows.high);
}

/// All rows of the item in tiles of `most` rows. The rest is a tile of its own where its size is known, else it is
/// taken in tiles of half as many each time.
LogicalResult CodedEmission::forRows(int64_t most, RowsBody body) {
  SmallVector<int64_t> sizes;
  bool isKnown = rows.extent >= 0 && (getConstantIntValue(rowBlocks.count) == 1 || rowBlocks.size % most == 0);
  if (isKnown && !looksUp) { // only the last item has a rest
    sizes = {most, rows.extent % most};
    llvm::erase_if(sizes, [&](int64_t size) { return size == 0 || size > rows.extent; });
  } else {
    for (int64_t size = most; size > 0; size /= 2)
      sizes.push_back(size);
  }
  Value low = firstRow ? firstRow : rows.low;
  for (int64_t size : sizes) {
    Value step = emitter.constant(size);
    Value end = emitter.add(low, emitter.mul(emitter.div(emitter.sub(rows.high, low), step), step));
    if (failed(emitter.forEach(low, end, step, [&](Value row) { return body(row, size); })))
      return failure();
    low = end;
  }
  return success();
}

/// Columns in blocks of `panels` panels, then what is left in single ones.
LogicalResult CodedEmission::forPanels(ProductRange block, int64_t panels, PanelBody body) {
  Value low = block.low;
  int64_t rest = columns % panel;
  Value wholeEnd = emitter.min(block.high, emitter.constant(columns - rest));
  for (int64_t count : {panels, int64_t(1)}) {
    Value step = emitter.constant(count * panel);
    Value end = emitter.add(low, emitter.mul(emitter.div(emitter.sub(emitter.max(wholeEnd, low), low), step), step));
    if (failed(emitter.forEach(low, end, step, [&](Value column) {
          return body({column, Value(), count, low, end});
        })))
      return failure();
    low = end;
    if (count == 1 || columns / panel % panels == 0)
      break;
  }
  if (rest == 0)
    return success();
  Value first = emitter.max(block.low, wholeEnd);
  return emitter.forEach(first, block.high, emitter.constant(panel), [&](Value column) {
    return body({column, emitter.constant(rest), 1, first, block.high});
  });
}

/// Codes are taken apart for every tile of rows.
LogicalResult CodedEmission::emitDirect(const PanelBlock &block) {
  Source source{weight->getCodes(), emitter.div(block.column, emitter.constant(panel)), Value(), false};
  return forRows(tileRows, [&](Value row, int64_t size) -> LogicalResult {
    ProductSpot spot = spotOf(block, row, size);
    Value start = makeSums(size, spot.columns, emitter.builder.getF32Type());
    FailureOr<Value> total = addGroups(spot, {emitter.constant(0), depth}, source, start);
    if (failed(total))
      return failure();
    return finish(spot, *total);
  });
}

/// Several panels meet one row after the other: the tables of a row are read once for them.
LogicalResult CodedEmission::emitAcross(const PanelBlock &block, int64_t panels) {
  across = panels;
  Source source{weight->getCodes(), emitter.div(block.column, emitter.constant(panel)), Value(), false};
  LogicalResult result = emitter.forEach(rows.low, rows.high, emitter.constant(1), [&](Value row) -> LogicalResult {
    ProductSpot spot = spotOf(block, row, 1);
    Value start = makeSums(across, panel, emitter.builder.getF32Type());
    FailureOr<Value> total = addGroups(spot, {emitter.constant(0), depth}, source, start);
    if (failed(total))
      return failure();
    TileWindow window;
    window.indices = {emitter.constant(0), emitter.constant(0)};
    window.shape = {across, panel};
    window.dims = {0, 1};
    window.steps = {1, 1};
    emitter.storeTile(*total, waiting, window);
    for (int64_t next = 0; next < across; ++next) {
      TileWindow line = TileWindow::row({emitter.constant(next), emitter.constant(0)}, 1, panel);
      line.shape = {1, panel};
      line.dims = {-1, 1};
      line.steps = {1, 1};
      Value sums = emitter.loadTile(waiting, line, emitter.builder.getF32Type());
      spot.column = emitter.add(block.column, emitter.constant(next * panel));
      if (failed(finish(spot, sums)))
        return failure();
    }
    return success();
  });
  across = 1;
  return result;
}

/// Sums that are looked up for a single row.
LogicalResult CodedEmission::emitLookup(ProductRange block) {
  waiting = makeScratch(emitter, {lookupPanels, panel}, emitter.builder.getF32Type());
  Value whole = emitter.max(emitter.min(block.high, emitter.constant(columns - columns % panel)), block.low);
  for (int64_t panels = lookupPanels; panels > 1; panels /= 2) {
    Value step = emitter.constant(panels * panel);
    Value end = emitter.add(block.low, emitter.mul(emitter.div(emitter.sub(whole, block.low), step), step));
    if (failed(emitter.forEach(block.low, end, step,
                               [&](Value column) { return emitAcross({column, Value(), 1}, panels); })))
      return failure();
    block.low = end;
  }
  return forPanels(block, 1, [&](const PanelBlock &panelBlock) { return emitDirect(panelBlock); });
}

LogicalResult CodedEmission::emitItem() {
  auto rhsType = cast<RankedTensorType>(op.getRhs().getType());
  if (!packingOf(rhsType))
    return emitter.error(op.getLoc(), ErrorCode::UnsupportedType)
           << "'lutra.matmul' reads panels of codes, but its right-hand side of type " << rhsType
           << " has no packing; run lutra-pack-weights first";
  weight.emplace(emitter, rhsType, emitter.getBuffer(op.getRhs()));
  const CodedProduct product = *emitter.target.getCodedProduct();
  values = llvm::cantFail(way == CodedWay::Shifts ? CodedValues::ofShifts(weight->getPanels())
                                                  : CodedValues::of(weight->getPanels(), product)); // as the offer
  SmallVector<Value> position = emitter.delinearize(emitter.getItem(), counts);
  indices = batch.place(emitter, position[0]);
  rows = rowBlocks.range(emitter, position[2], m);
  ProductRange block = columnBlocks.range(emitter, position[1], emitter.constant(columns));
  if (way == CodedWay::Codes)
    planBlocks(product);
  if (!copies)
    lhs = emitter.getBuffer(op.getLhs());
  else if (failed(copyRows({emitter.constant(0), depth})))
    return failure();
  int64_t known = knownRows;
  int64_t last = known > 0 ? known % rowBlocks.size : 1; // rows of the last item
  bool isOneWay = unpacking.depth > 0 && known >= product.unpackRows && (last == 0 || last >= product.unpackRows);
  // Of a number of rows that may be either, many take all panels one way, few the other.
  ProductRange all = rows;
  Value direct, middle;
  if (unpacking.depth > 0 && !isOneWay) {
    direct = findDirectRows();
    middle = arith::SelectOp::create(emitter.builder, emitter.loc, isMore(direct, rows.low), block.high, block.low);
  }
  beginsWithSums = way == CodedWay::Codes && !weight->getPanels().zero && values.factor == 1 && values.bias != 0 &&
                   (unpacking.depth == 0 || (!emitter.target.hasByteTiles() && weight->getPanels().groups() > 1));
  addsFloats = !beginsWithSums && values.greatestSum(weight->getPanels()) < int64_t(1) << 24;
  planSums();
  // Entries less their zero points need no sums; rows that are packed get theirs then.
  unpacking.packsSums = sums && unpacking.packsRows && !sumsWhole();
  bool isLate = unpacking.isSigned || unpacking.packsSums || unpacking.totals;
  firstRow = isLate ? direct : Value();
  if (!(isOneWay && isLate) && failed(sumGroups()))
    return failure();
  if ((looksUp && failed(makeTables())) || (way == CodedWay::Planes && failed(makePlanes())))
    return failure();
  firstRow = Value();
  if (looksUp && knownRows == 1)
    return emitLookup(block);
  auto emitPanel = [&](const PanelBlock &panelBlock) { return emitDirect(panelBlock); };
  if (unpacking.depth == 0)
    return forPanels(block, tilePanels, emitPanel);
  if (isOneWay)
    return emitBlocks(block);
  rows.high = direct;
  if (failed(emitBlocks({block.low, middle})))
    return failure();
  rows = all;
  firstRow = direct;
  middle = arith::SelectOp::create(emitter.builder, emitter.loc, isMore(rows.high, direct), block.low, block.high);
  return forPanels({middle, block.high}, tilePanels, emitPanel);
}

template <CodedWay way, bool rescales = false> static GroupKind makeKind() {
  return {hasRoot<MatmulOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> { return CodedEmission(emitter, {way, rescales}).getItems(); },
          [](KernelEmitter &emitter, bool elementwise) -> LogicalResult {
            return elementwise ? failure() : CodedEmission(emitter, {way, rescales}).emitItem();
          }};
}

GroupKind lutra::getCodedKind() { return makeKind<CodedWay::Codes>(); }
GroupKind lutra::getRescaledKind() { return makeKind<CodedWay::Codes, /*rescales=*/true>(); }
GroupKind lutra::getLookupKind() { return makeKind<CodedWay::Tables>(); }
GroupKind lutra::getBitserialKind() { return makeKind<CodedWay::Planes>(); }
GroupKind lutra::getShiftKind() { return makeKind<CodedWay::Shifts>(); }
