//===- MatmulCopies.cpp - operands of a matrix product as tiles read them ----===//
// Rows of the left-hand side, and columns of the right-hand side as panels: of floats, of pairs of 16 bits or of fours
// of bytes.
#include "GroupKinds.h"
#include "MatmulEmission.h"
#include "RowFunction.h"

#include "lutra/Support/BytePanels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lutra;

/// Copies rows of the left-hand side, K in [low, low + depth).
LogicalResult MatmulEmission::packLhs(const Copy &copy, Value low, Value depth) {
  int64_t tensorRow = op.getTransposeLhs() ? rank - 1 : rowDim;
  int64_t tensorDepth = op.getTransposeLhs() ? rank - 2 : rank - 1;
  int64_t width = elementwise ? 1 : emitter.getTileWidth();
  return emitter.forEach(emitter.constant(0), copy.count, emitter.constant(1), [&](Value row) {
    for (int64_t step = 1; step < depthStep; ++step) { // up to a whole step of K; what exists is written over
      Value zero = arith::ConstantOp::create(emitter.builder, emitter.loc, emitter.builder.getZeroAttr(lhsElement));
      Value last = emitter.constant(cast<MemRefType>(copy.buffer.getType()).getDimSize(1) - 1);
      emitter.storeElement(zero, copy.buffer, {row, emitter.min(emitter.add(depth, emitter.constant(step - 1)), last)});
    }
    SmallVector<Value> source = indices;
    source[tensorRow] = emitter.add(copy.first, row);
    if (rowProducer)
      return packRow(row, source);
    return emitter.forTiles(emitter.constant(0), depth, width, [&](Value at, int64_t size, Value bound) {
      source[tensorDepth] = emitter.add(low, at);
      return storeLhs(copy.buffer, TileWindow::row(source, tensorDepth, size, bound), {row, at});
    });
  });
}

/// Computes one whole row, which begins at `source`, through the softmax or norm it comes from.
LogicalResult MatmulEmission::packRow(Value row, ArrayRef<Value> source) {
  RowSink sink;
  sink.store = [&](const TileWindow &window) { return storeLhs(lhs, window, {row, window.indices.back()}); };
  Type computed = cast<RankedTensorType>(rowProducer->getResult(0).getType()).getElementType();
  if (lhsElement == computed && computed == getComputeType(computed) && !bytes) {
    sink.buffer = lhs;
    sink.place = [&](const TileWindow &window) {
      TileWindow place = window;
      place.indices = {row, window.indices.back()};
      for (int64_t &dim : place.dims)
        dim = dim == rank - 1 ? 1 : -1;
      return place;
    };
  }
  return RowFunction(emitter, rowProducer, elementwise ? 1 : emitter.getTileWidth(), std::move(sink))
      .emit(TileWindow::element(source));
}

/// Computes a window of the left-hand side and stores it at `place` of the copy, widened.
LogicalResult MatmulEmission::storeLhs(Value buffer, const TileWindow &window, ArrayRef<Value> place) {
  Type element = lhsType.getElementType();
  auto tile = emitter.emitTile(left, window);
  if (failed(tile))
    return failure();
  Value wide = element.getIntOrFloatBitWidth() == lhsElement.getIntOrFloatBitWidth()
                   ? *tile
                   : emitter.map(*tile, lhsElement, [&](OpBuilder &builder, ValueRange scalars) {
                       return widenOperand(builder, emitter.loc, scalars[0], element, lhsElement);
                     });
  if (bytes)
    wide = bytes->convert(wide);
  TileWindow copy = window;
  copy.indices.assign(place.begin(), place.end());
  for (int64_t &dim : copy.dims)
    dim = 1;
  emitter.storeTile(wide, buffer, copy);
  return success();
}

/// To whole steps of the panels.
Value MatmulEmission::roundUp(Value depth) {
  Value step = emitter.constant(depthStep);
  return depthStep == 1 ? depth : emitter.mul(emitter.ceilDiv(depth, step), step);
}

SmallVector<Value> MatmulEmission::rhsIndices(Value depth, Value column) {
  SmallVector<Value> result;
  for (int64_t dim = 0; dim < rhsRank - 2; ++dim)
    result.push_back(indices[dim + rank - rhsRank]);
  result.push_back(op.getTransposeRhs() ? column : depth);
  result.push_back(op.getTransposeRhs() ? depth : column);
  return result;
}

/// Columns of a right-hand side [N, K], each with its steps of K.
TileWindow MatmulEmission::columnsWindow(const Stretch &depth, const Stretch &columns) {
  TileWindow window;
  window.indices = rhsIndices(depth.first, columns.first);
  window.shape = {columns.size, depth.size};
  window.dims = {columns.size == 1 ? -1 : rhsRank - 2, depth.size == 1 ? -1 : rhsRank - 1};
  window.steps = {1, 1};
  if (columns.bound || depth.bound)
    window.bounds = {columns.bound ? columns.bound : emitter.constant(columns.size),
                     depth.bound ? depth.bound : emitter.constant(depth.size)};
  return window;
}

/// Copies columns [columns] of the right-hand side, K in [low, low + depth), to panels.
LogicalResult MatmulEmission::packRhs(Value low, Value depth) {
  Value width = emitter.sub(columns.high, columns.low);
  Value zero = emitter.constant(0);
  return emitter.forTiles(zero, width, panel, [&](Value column, int64_t size, Value bound) {
    Value panelIndex = emitter.div(column, emitter.constant(panel));
    Value first = emitter.add(columns.low, column);
    if (!op.getTransposeRhs())
      return emitter.forEach(zero, depth, emitter.constant(1), [&](Value step) -> LogicalResult {
        TileWindow window = TileWindow::row(rhsIndices(emitter.add(low, step), first), rhsRank - 1, size, bound);
        auto tile = emitter.emitTile(op.getRhs(), window);
        if (failed(tile))
          return failure();
        emitter.storeTile(*tile, rhs, TileWindow::row({panelIndex, step, zero}, 2, size));
        return success();
      });
    // Rows of the source lie along K: read them so and let the store turn them.
    return emitter.forTiles(zero, depth, 8, [&](Value step, int64_t steps, Value stepBound) -> LogicalResult {
      TileWindow window = columnsWindow({emitter.add(low, step), steps, stepBound}, {first, size, bound});
      auto tile = emitter.emitTile(op.getRhs(), window);
      if (failed(tile))
        return failure();
      TileWindow out = window;
      out.indices = {panelIndex, step, zero};
      out.dims = {size == 1 ? -1 : 2, steps == 1 ? -1 : 1};
      emitter.storeTile(*tile, rhs, out);
      return success();
    });
  });
}

/// The same to deep panels of 16 bits. What they hold after an odd K meets zeros.
LogicalResult MatmulEmission::packPairs(Value low, Value depth) {
  Value width = emitter.sub(columns.high, columns.low), zero = emitter.constant(0), pair = emitter.constant(pairDepth);
  Type element = rhsType.getElementType();
  auto store = [&](const TileWindow &from, const TileWindow &to) -> LogicalResult {
    auto tile = emitter.emitTile(op.getRhs(), from);
    if (failed(tile))
      return failure();
    Value wide = element.getIntOrFloatBitWidth() == 16
                     ? *tile
                     : emitter.map(*tile, lhsElement, [&](OpBuilder &builder, ValueRange scalars) {
                         return widenOperand(builder, emitter.loc, scalars[0], element, lhsElement);
                       });
    emitter.storeTile(wide, rhs, to);
    return success();
  };
  return emitter.forTiles(zero, width, panel, [&](Value column, int64_t size, Value bound) {
    Value panelIndex = emitter.div(column, emitter.constant(panel)), first = emitter.add(columns.low, column);
    if (!op.getTransposeRhs())
      return emitter.forEach(zero, depth, emitter.constant(1), [&](Value step) {
        return store(TileWindow::row(rhsIndices(emitter.add(low, step), first), rhsRank - 1, size, bound),
                     TileWindow::row({panelIndex, emitter.div(step, pair), zero, emitter.rem(step, pair)}, 2, size));
      });
    return emitter.forTiles(zero, depth, pairDepth, [&](Value step, int64_t steps, Value stepBound) {
      TileWindow from = columnsWindow({emitter.add(low, step), steps, stepBound}, {first, size, bound});
      TileWindow to = from;
      to.indices = {panelIndex, emitter.div(step, pair), zero, zero};
      to.dims = {size == 1 ? -1 : 2, steps == 1 ? -1 : 3};
      return store(from, to);
    });
  });
}

/// The same to fours of bytes with a sign, and zeros up to a whole four.
LogicalResult MatmulEmission::packFours(Value low, Value depth) {
  Value width = emitter.sub(columns.high, columns.low), zero = emitter.constant(0);
  Value four = emitter.constant(bytePanelDepth);
  Type i8 = emitter.builder.getI8Type();
  bool isTurned = op.getTransposeRhs();
  auto store = [&](Value tile, Value panelIndex, Value step, Value stepBound) {
    ArrayRef<int64_t> shape = cast<TileType>(tile.getType()).getShape();
    TileWindow to;
    to.indices = {panelIndex, emitter.div(step, four), zero, zero};
    to.shape.assign(shape.begin(), shape.end());
    to.dims = isTurned ? SmallVector<int64_t>{2, 3} : SmallVector<int64_t>{3, 2};
    to.steps = {1, 1};
    for (auto [dim, size] : llvm::zip_equal(to.dims, shape))
      dim = size == 1 ? -1 : dim;
    if (stepBound)
      to.bounds = {isTurned ? emitter.constant(shape[0]) : stepBound,
                   isTurned ? stepBound : emitter.constant(shape[1])};
    emitter.storeTile(tile, rhs, to);
  };
  return emitter.forTiles(zero, width, panel, [&](Value column, int64_t size, Value bound) {
    Value panelIndex = emitter.div(column, emitter.constant(panel)), first = emitter.add(columns.low, column);
    return emitter.forTiles(zero, depth, bytePanelDepth, [&](Value step, int64_t steps, Value stepBound) {
      TileWindow from;
      from.indices = rhsIndices(emitter.add(low, step), first);
      from.shape = isTurned ? SmallVector<int64_t>{size, steps} : SmallVector<int64_t>{steps, size};
      from.dims = {from.shape[0] == 1 ? -1 : rhsRank - 2, from.shape[1] == 1 ? -1 : rhsRank - 1};
      from.steps = {1, 1};
      if (bound || stepBound) {
        from.bounds = {bound ? bound : emitter.constant(size), stepBound ? stepBound : emitter.constant(steps)};
        if (!isTurned)
          std::swap(from.bounds[0], from.bounds[1]);
      }
      auto tile = emitter.emitTile(right, from);
      if (failed(tile))
        return LogicalResult(failure());
      if (centred->turnsRight())
        *tile = emitter.map(*tile, i8, [&](OpBuilder &builder, ValueRange scalars) -> Value {
          Value bias = arith::ConstantOp::create(builder, emitter.loc, builder.getI8IntegerAttr(-bytePanelBias));
          return arith::XOrIOp::create(builder, emitter.loc, scalars[0], bias);
        });
      if (steps < bytePanelDepth || stepBound)
        store(emitter.fill(emitter.builder.getI8IntegerAttr(0), isTurned ? ArrayRef<int64_t>({panel, bytePanelDepth})
                                                                         : ArrayRef<int64_t>({bytePanelDepth, panel})),
              panelIndex, step, {});
      store(*tile, panelIndex, step, stepBound);
      return LogicalResult(success());
    });
  });
}

/// Adds what zero points ask for: the sums of columns and rows over a block of K.
LogicalResult MatmulEmission::sumCodes(Value low, Value depth, bool last) {
  Value width = emitter.constant(panel), steps = roundUp(depth);
  Value panels = emitter.ceilDiv(emitter.sub(columns.high, columns.low), width);
  if (failed(centred->addColumns(panels, steps)) || (last && failed(centred->scaleColumns(panels, k))))
    return failure();
  if (!centred->sumsRows())
    return success();
  Value zero = emitter.constant(0);
  ProductShape ones = shape;
  ones.n = panel;
  return forSpots(emitter, ones, rows, {zero, width, panel}, [&](const ProductSpot &spot) {
    TileWindow window;
    Value row = emitter.sub(spot.row, rows.low);
    window.indices = {row, zero};
    window.shape = {spot.rows, spot.columns};
    window.dims = {spot.rows == 1 ? -1 : 0, 1};
    window.steps = {1, 1};
    Value sums = emitter.loadTile(centred->getRowSums(), window, accumulate);
    sums = bytes->multiply(sums, leftOf(spot, low), {zero, zero}, steps, centred->getOnes());
    if (last)
      sums = centred->scaleRows(bytes->complete(sums, row, zero));
    emitter.storeTile(sums, centred->getRowSums(), window);
    return success();
  });
}

/// Decodes columns [columns] of the right-hand side, K in [low, low + depth), to panels.
LogicalResult MatmulEmission::decodeRhs(Value low, Value depth) {
  Value width = emitter.constant(panel), zero = emitter.constant(0);
  Value first = emitter.div(columns.low, width), count = emitter.ceilDiv(emitter.sub(columns.high, columns.low), width);
  return emitter.forEach(zero, count, emitter.constant(1), [&](Value index) {
    return encoded->copy(emitter.add(first, index), low, depth, decodeStep, rhs, index);
  });
}
