//===- MatmulKind.cpp - batched matrix products with their epilogue ----------===//
// A work item is a block of one matrix of the result. Its K dimension is walked in blocks when it is
// long, so that a panel of the right-hand side stays in the first-level cache for all rows; partial
// sums then wait in a stack buffer. Only after the last block the kernel's result is pulled.
// Operands are read as MatmulPlan.cpp decides, and copied by MatmulCopies.cpp where they do not lie so.
// Elementwise, every sum is a loop over K of its own: what the scalar strategy asks for, and the way out when
// an operand's access fits no tile.
#include "GroupKinds.h"
#include "MatmulEmission.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lutra;

/// Sums that are finished at once: half of the vectors of 512 bits.
static constexpr int64_t finishedSums = 256;

/// Rows of a softmax or norm are held whole.
LogicalResult MatmulEmission::checkRowProducer() {
  if (!rowProducer || holdsLhs)
    return success();
  InFlightDiagnostic error = emitter.error(rowProducer->getLoc(), ErrorCode::UnsupportedOp);
  error << "'" << rowProducer->getName() << "' is in one kernel with a product on " << emitter.target.getName()
        << ", which does not hold rows of ";
  if (shape.k < 0)
    error << "unknown size";
  else
    error << shape.k << " elements";
  return error << " there; give it a kernel of its own";
}

LogicalResult MatmulEmission::emitItem() {
  if (failed(checkRowProducer()))
    return failure();
  if (encodingOf(rhsType) && !packingOf(rhsType))
    return emitter.error(op.getLoc(), ErrorCode::UnsupportedType)
           << "'lutra.matmul' decodes panels, but its right-hand side of type " << rhsType
           << " has no packing; run lutra-pack-weights first";
  SmallVector<Value> position = emitter.delinearize(emitter.getItem(), counts);
  indices = batch.place(emitter, position[0]);
  if (form == ByteForm::Plain)
    std::swap(position[1], position[2]);
  rows = rowBlocks.range(emitter, position[2], m);
  columns = columnBlocks.range(emitter, position[1], n);
  bool isUnpacked = isa<IntegerType>(accumulate) && depthStep == 1; // no tiles of integers without deep panels
  if (elementwise || isUnpacked) {
    if (holdsLhs) {
      copyLhs = true;
      lhs = makeScratch(emitter, {rowBlocks.size, shape.k}, getBufferElement(lhsElement));
      if (failed(packLhs(emitter.constant(0), k)))
        return failure();
    }
    return emitElements(rows, columns);
  }

  chooseOperands();
  makeBuffers();
  if (bytes && failed(bytes->begin(emitter.sub(rows.high, rows.low), columns, columnBlocks.size)))
    return failure();
  if (centred && failed(centred->begin()))
    return failure();
  if (rowProducer && failed(packLhs(emitter.constant(0), k)))
    return failure();
  if (rowProducer && bytes && failed(bytes->add(emitter.sub(rows.high, rows.low), roundUp(k))))
    return failure();
  if (!depthBlock)
    return emitDepth(emitter.constant(0), k, /*last=*/true);
  if (failed(clearPartial()))
    return failure();
  // Whole blocks but the last, then what remains (at least one step).
  Value block = emitter.constant(depthBlock), one = emitter.constant(1);
  Value lastLow = emitter.mul(emitter.div(emitter.sub(emitter.max(k, one), one), block), block);
  if (failed(emitter.forEach(emitter.constant(0), lastLow, block, [&](Value low) {
        return emitDepth(low, block, /*last=*/false);
      })))
    return failure();
  return emitDepth(lastLow, emitter.sub(k, lastLow), /*last=*/true);
}

LogicalResult MatmulEmission::clearPartial() {
  Value zero = emitter.fill(emitter.builder.getZeroAttr(accumulate), {panel});
  Value height = emitter.sub(rows.high, rows.low), width = emitter.sub(columns.high, columns.low);
  return emitter.forEach(emitter.constant(0), height, emitter.constant(1), [&](Value row) {
    return emitter.forEach(emitter.constant(0), width, emitter.constant(panel), [&](Value column) {
      emitter.storeTile(zero, partial, TileWindow::row({row, column}, 1, panel));
      return success();
    });
  });
}

/// Indices of one element of a packed right-hand side.
SmallVector<Value> MatmulEmission::panelIndices(Value depth, Value column) {
  Value width = emitter.constant(panel), step = emitter.constant(depthStep);
  if (depthStep == 1)
    return {emitter.div(column, width), depth, emitter.rem(column, width)};
  return {emitter.div(column, width), emitter.div(depth, step), emitter.rem(column, width), emitter.rem(depth, step)};
}

/// An element of a packed right-hand side.
Value MatmulEmission::loadPacked(Value depth, Value column) {
  return emitter.loadElement(emitter.getBuffer(op.getRhs()), panelIndices(depth, column), rhsType.getElementType());
}

/// One block of K of the whole item.
LogicalResult MatmulEmission::emitDepth(Value low, Value depth, bool last) {
  KernelEmitter::Scope scope(emitter);
  if (copyLhs && !rowProducer && failed(packLhs(low, depth)))
    return failure();
  if (leftRows && failed(packLhs(*leftRows, low, depth)))
    return failure();
  if (bytes && !rowProducer && failed(bytes->add(emitter.sub(rows.high, rows.low), roundUp(depth))))
    return failure();
  if (copyRhs && failed(encoded       ? decodeRhs(low, depth)
                        : centred     ? packFours(low, depth)
                        : copiesPairs ? packPairs(low, depth)
                                      : packRhs(low, depth)))
    return failure();
  if (centred && failed(sumCodes(low, depth, last)))
    return failure();
  return forSpots(emitter, shape, rows, columns, [&](const ProductSpot &spot) {
    return emitSpot(spot, low, depth, last);
  });
}

/// Asks for a share of the panels after those of a spot, one of as many as there are tiles of rows: they are in the
/// second level of cache, wherever they lie, when the first tile reads them.
void MatmulEmission::askAhead(const ProductSpot &spot, ArrayRef<Value> place) {
  constexpr int64_t lineBytes = 64, leastTiles = 2;
  bool isPacked = !copyRhs && (layout == PanelLayout::Panel || layout == PanelLayout::DeepPanel);
  int64_t tiles = rowBlocks.size / plan.rows;
  if (!asksAhead || !isPacked || shape.k < 0 || spot.rows != plan.rows || spot.rowBound || tiles < leastTiles)
    return;
  int64_t steps = llvm::divideCeil(depthBlock ? depthBlock : shape.k, depthStep);
  int64_t stepBytes = panel * depthStep * cast<MemRefType>(rhs.getType()).getElementTypeBitWidth() / 8;
  int64_t apart = std::max<int64_t>(1, lineBytes / stepBytes); // steps from one line to the next
  int64_t share = llvm::divideCeil(llvm::divideCeil(steps, apart), tiles);
  Value tile = emitter.div(emitter.sub(spot.row, rows.low), emitter.constant(plan.rows));
  Value first = emitter.add(place[1], emitter.mul(tile, emitter.constant(share * apart)));
  for (int64_t number = spot.columns / panel; number < 2 * (spot.columns / panel); ++number) {
    SmallVector<Value> at(place);
    at[0] = emitter.add(place[0], emitter.constant(number));
    for (int64_t line = 0; line < share; ++line) {
      at[1] = emitter.add(first, emitter.constant(line * apart)); // past the end nothing happens
      memref::PrefetchOp::create(emitter.builder, emitter.loc, rhs, ValueRange(at), /*isWrite=*/false,
                                 /*localityHint=*/2, /*isDataCache=*/true);
    }
  }
}

LogicalResult MatmulEmission::emitSpot(const ProductSpot &spot, Value low, Value depth, bool last) {
  OpBuilder &builder = emitter.builder;
  Value row = emitter.sub(spot.row, rows.low), column = emitter.sub(spot.column, columns.low);
  TileWindow partialWindow;
  partialWindow.indices = {row, column};
  partialWindow.shape = {spot.rows, spot.columns};
  partialWindow.dims = {spot.rows == 1 ? -1 : 0, 1};
  partialWindow.steps = {1, 1};
  Value accumulator = depthBlock ? emitter.loadTile(partial, partialWindow, accumulate)
                                 : emitter.fill(builder.getZeroAttr(accumulate), partialWindow.shape);

  ByteRows::Left from = leftOf(spot, low);
  SmallVector<Value> rhsAt;
  if (copyRhs)
    rhsAt = SmallVector<Value>(cast<MemRefType>(rhs.getType()).getRank(), emitter.constant(0));
  if (copyRhs)
    rhsAt.front() = emitter.div(column, emitter.constant(panel));
  else if (layout == PanelLayout::DeepPanel)
    rhsAt = {emitter.div(spot.column, emitter.constant(panel)), emitter.div(low, emitter.constant(depthStep)),
             emitter.constant(0), emitter.constant(0)};
  else if (layout == PanelLayout::Panel)
    rhsAt = {emitter.div(spot.column, emitter.constant(panel)), low, emitter.constant(0)};
  else
    rhsAt = rhsIndices(low, spot.column);
  SmallVector<Value> bounds;
  bool isPanel = layout == PanelLayout::Panel || layout == PanelLayout::DeepPanel;
  bool boundRows = spot.rowBound && !copyLhs, boundColumns = spot.columnBound && !isPanel;
  if ((boundRows || boundColumns) && !plan.maskedEdges)
    bounds = {spot.rowBound ? spot.rowBound : emitter.constant(spot.rows),
              spot.columnBound ? spot.columnBound : emitter.constant(spot.columns)};
  askAhead(spot, rhsAt);
  if (bytes)
    accumulator = bytes->multiply(accumulator, from, rhsAt, roundUp(depth));
  else
    accumulator = TileMatmulOp::create(builder, emitter.loc, accumulator.getType(), from.buffer, from.place, rhs, rhsAt,
                                       accumulator, roundUp(depth), bounds, from.rowDim, /*row_step=*/1, layout);
  if (!last) {
    emitter.storeTile(accumulator, partial, partialWindow);
    return success();
  }
  return form == ByteForm::Plain ? finishSums(spot, accumulator) : finish(spot, accumulator);
}

/// Where the rows of a spot begin, at step `low` of K.
ByteRows::Left MatmulEmission::leftOf(const ProductSpot &spot, Value low) {
  if (leftRows && spot.rowBound)
    return {leftRows->buffer, {emitter.sub(spot.row, leftRows->first), emitter.constant(0)}, 0};
  if (copyLhs)
    return {lhs, {emitter.sub(spot.row, rows.low), rowProducer ? low : emitter.constant(0)}, 0};
  SmallVector<Value> at = indices;
  at[rowDim] = spot.row;
  at[rank - 1] = low;
  return {lhs, std::move(at), rowDim};
}

/// Takes off what operands have more than their products, and stores what follows from the sums.
LogicalResult MatmulEmission::finish(const ProductSpot &spot, Value sums) {
  Value row = emitter.sub(spot.row, rows.low), column = emitter.sub(spot.column, columns.low);
  if (bytes)
    sums = bytes->complete(sums, row, column);
  if (centred)
    sums = centred->complete(sums, row, column);
  return finishSpot(emitter, op.getResult(), spotWindow(emitter, spot, indices, rowDim, rank - 1), sums);
}

/// Finishes more sums than registers hold, a few rows at a time.
LogicalResult MatmulEmission::finishSums(const ProductSpot &spot, Value sums) {
  int64_t slice = std::min<int64_t>(spot.rows, llvm::bit_floor(static_cast<uint64_t>(finishedSums / spot.columns)));
  if (slice == spot.rows)
    return finish(spot, sums);
  auto held = static_cast<int64_t>(llvm::alignTo(spot.rows, slice));
  Value buffer = makeScratch(emitter, {held, spot.columns}, accumulate);
  TileWindow window;
  window.indices = {emitter.constant(0), emitter.constant(0)};
  window.shape = {spot.rows, spot.columns};
  window.dims = {0, 1};
  window.steps = {1, 1};
  emitter.storeTile(sums, buffer, window);
  Value height = spot.rowBound ? emitter.min(spot.rowBound, emitter.constant(spot.rows)) : emitter.constant(spot.rows);
  bool even = !spot.rowBound && spot.rows % slice == 0;
  return emitter.forEach(emitter.constant(0), height, emitter.constant(slice), [&](Value row) {
    ProductSpot part = spot;
    part.row = emitter.add(spot.row, row);
    part.rows = slice;
    part.rowBound = even ? Value() : emitter.min(emitter.sub(height, row), emitter.constant(slice));
    TileWindow from = window;
    from.indices[0] = row;
    from.shape[0] = slice;
    from.dims[0] = slice == 1 ? -1 : 0;
    return finish(part, emitter.loadTile(buffer, from, accumulate));
  });
}

/// One result element after another.
LogicalResult MatmulEmission::emitElements(ProductRange rowRange, ProductRange columnRange) {
  Value zero = emitter.constant(0), one = emitter.constant(1);
  Type element = getElementTypeOrSelf(op.getLhs()), rhsElement = getElementTypeOrSelf(op.getRhs());
  return emitter.forEach(rowRange.low, rowRange.high, one, [&](Value row) {
    return emitter.forEach(columnRange.low, columnRange.high, one, [&](Value column) -> LogicalResult {
      SmallVector<Value> at = indices;
      at[rowDim] = row;
      at[rank - 1] = column;
      Value init = arith::ConstantOp::create(emitter.builder, emitter.loc, emitter.builder.getZeroAttr(accumulate));
      auto addStep = [&](Value step, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
        SmallVector<Value> lhsAt = at;
        lhsAt[rowDim] = row;
        lhsAt[rank - 1] = step;
        if (op.getTransposeLhs())
          std::swap(lhsAt[rank - 2], lhsAt[rank - 1]);
        FailureOr<Value> left, right;
        if (copyLhs)
          left = emitter.loadElement(lhs, {emitter.sub(row, rows.low), step}, lhsElement);
        else
          left = emitter.emitElement(op.getLhs(), lhsAt);
        if (rhsType.getEncoding()) // packed: the panel's element
          right = loadPacked(step, column);
        else
          right = emitter.emitElement(op.getRhs(), rhsIndices(step, column));
        if (failed(left) || failed(right))
          return failure();
        OpBuilder &builder = emitter.builder;
        Value wide = multiplyAdd(builder, emitter.loc,
                                 widenOperand(builder, emitter.loc, *left, element, accumulate),
                                 widenOperand(builder, emitter.loc, *right, rhsElement, accumulate), carried[0]);
        return KernelEmitter::Carried{wide};
      };
      auto sum = emitter.fold(zero, k, one, init, addStep);
      if (failed(sum))
        return failure();
      Value tile = emitter.fill((*sum)[0], {});
      return finishSpot(emitter, op.getResult(), TileWindow::element(at), tile);
    });
  });
}

GroupKind lutra::getMatmulKind() {
  return {hasRoot<MatmulOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> { return MatmulEmission(emitter).getItems(); },
          [](KernelEmitter &emitter, bool elementwise) {
            return MatmulEmission(emitter, elementwise).emitItem();
          }};
}
