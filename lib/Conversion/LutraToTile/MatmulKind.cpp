//===- MatmulKind.cpp - batched matrix products with their epilogue ----------===//
// A work item is a block of one matrix of the result. Its K dimension is walked in blocks when it is
// long, so that a panel of the right-hand side stays in the first-level cache for all rows; partial
// sums then wait in a stack buffer. Only after the last block the kernel's result is pulled.
//
// The right-hand side is read
// - in panels, when its type is packed,
// - as it lies (row or column major), when few rows use each element or when it is narrow,
// - after it was decoded into panels, one block of K at a time, when its type is encoded,
// - else after it was copied into panels, one block of K at a time.
// A left-hand side that is no buffer, or whose K is not contiguous, is copied in rows likewise. Where panels are pairs
// (integers), it is copied unless it has 16 bits and whole steps of K, which the copy gets; a right-hand side without
// panels is copied likewise. Where panels are fours of bytes, rows become factors (ByteRows.h), which a copy holds but
// where they are a buffer's own bytes in whole words. Then those are copied that are fewer than the rows of a tile.
// A right-hand side of codes without panels is copied to fours; zero points of both sides come off sums
// (CentredBytes.h).
// Codes that stand for floats on the right of a product of floats are read as they lie where those would be, or become
// floats as they are copied.
// Tiles of AMX take all of K at once: rows stay in the second level of cache while items go through the panels.
// One that a softmax or norm computes is copied for all of K at once; an item then has all columns, so that no row is
// computed twice.
// Elementwise, every sum is a loop over K of its own: what the scalar strategy asks for, and the way out when
// an operand's access fits no tile.
#include "CentredBytes.h"
#include "EncodedRhs.h"
#include "GroupKinds.h"
#include "Product.h"
#include "RowFunction.h"

#include "lutra/Analysis/ProductStrategy.h"
#include "lutra/Dialect/Lutra/IR/PanelSums.h"
#include "lutra/Support/BytePanels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace lutra;

namespace {
class MatmulEmission {
public:
  explicit MatmulEmission(KernelEmitter &emitter, bool elementwise = false);
  Value getItems();
  LogicalResult emitItem();

private:
  void choosePlan();
  void chooseOperands();
  void makeBuffers();
  LogicalResult emitElements(ProductRange rows, ProductRange columns);
  LogicalResult emitDepth(Value low, Value depth, bool last);
  LogicalResult checkRowProducer();
  /// Where rows of the left-hand side are copied to.
  struct Copy {
    Value buffer, first, count;
  };
  LogicalResult packLhs(const Copy &copy, Value low, Value depth);
  LogicalResult packLhs(Value low, Value depth) {
    return packLhs({lhs, rows.low, emitter.sub(rows.high, rows.low)}, low, depth);
  }
  LogicalResult packRow(Value row, ArrayRef<Value> source);
  LogicalResult storeLhs(Value buffer, const TileWindow &window, ArrayRef<Value> place);
  /// Some elements of a dimension; `bound` may be null.
  struct Stretch {
    Value first;
    int64_t size;
    Value bound;
  };
  TileWindow columnsWindow(const Stretch &depth, const Stretch &columns);
  LogicalResult packRhs(Value low, Value depth);
  LogicalResult packPairs(Value low, Value depth);
  LogicalResult packFours(Value low, Value depth);
  LogicalResult sumCodes(Value low, Value depth, bool last);
  LogicalResult decodeRhs(Value low, Value depth);
  LogicalResult clearPartial();
  LogicalResult emitSpot(const ProductSpot &spot, Value low, Value depth, bool last);
  ByteRows::Left leftOf(const ProductSpot &spot, Value low);
  LogicalResult finishSums(const ProductSpot &spot, Value sums);
  LogicalResult finish(const ProductSpot &spot, Value sums);
  Value roundUp(Value depth);
  SmallVector<Value> rhsIndices(Value k, Value column);
  SmallVector<Value> panelIndices(Value k, Value column);
  Value loadPacked(Value k, Value column);

  KernelEmitter &emitter;
  MatmulOp op;
  Value left, right; // the operands, or their codes
  RankedTensorType lhsType, rhsType, resultType;
  Type accumulate;
  int64_t rank, rhsRank, rowDim;
  Value m, n, k;
  ProductShape shape;
  ProductPlan plan;
  ProductBatch batch;
  SmallVector<Value> counts; // of items: batches, column blocks, row blocks, or these the other way round
  ProductBlocks rowBlocks, columnBlocks;
  int64_t depthBlock = 0; // 0: all of K at once
  int64_t depthStep = 1;  // steps of K that lie together in a panel
  std::optional<EncodedRhs> encoded; // how the right-hand side is decoded
  int64_t decodeStep = 0;            // steps of K under one scale in a block

  bool elementwise;
  Operation *rowProducer;    // a softmax or norm before the left-hand side; null: none
  bool computesLhs = false;  // the left-hand side is no buffer
  bool holdsLhs = false;     // all of its rows may be computed at once
  bool copyLhs = false, copyRhs = false;
  bool copiesPairs = false; // the right-hand side, to deep panels
  std::optional<ByteForm> form; // of the left-hand side, where panels are fours of bytes
  std::optional<ByteRows> bytes;
  std::optional<CentredCodes> leftCodes, rightCodes; // of a product that copies fours
  std::optional<CentredBytes> centred;
  std::optional<Copy> leftRows; // fewer than a tile's, where the others are not copied
  PanelLayout layout = PanelLayout::Panel;
  Type lhsElement;         // of the buffer
  Value lhs, rhs, partial; // buffers that tile_matmul reads; sums between blocks of K
  SmallVector<Value> indices; // of the result; only batch dimensions are set
  ProductRange rows, columns;
};
} // namespace

/// Above this the right-hand panel of one block no longer fits the first-level cache beside the rows.
static constexpr int64_t longDepth = 384;
static constexpr int64_t panel = 16;
/// Steps of K that a block of a decoded right-hand side is a multiple of: bytes of codes hold up to 8.
static constexpr int64_t decodeUnit = 8;
/// Of bytes: a panel and the rows of a tile fill half of the first level.
static constexpr int64_t byteBlock = 1024;
/// Where panels are copied: those of a block stay in the second level.
static constexpr int64_t copiedByteBlock = 512;
/// Of the rows of one tile.
static constexpr int64_t byteRowBytes = 1 << 16;
/// Steps of K in a tile of bytes.
static constexpr int64_t tileBytes = 64;
/// Of the copied rows of an item whose tiles read them from the second level, and which lie on the stack.
static constexpr int64_t byteCopyBytes = 1 << 18;
/// Sums that are finished at once: half of the vectors of 512 bits.
static constexpr int64_t finishedSums = 256;
/// Steps of K in the panels that a right-hand side of integers is copied to.
static constexpr int64_t pairDepth = 2;

MatmulEmission::MatmulEmission(KernelEmitter &kernelEmitter, bool elementwise)
    : emitter(kernelEmitter), op(cast<MatmulOp>(getRoot(kernelEmitter.kernel))), batch(op), elementwise(elementwise),
      rowProducer(getRowProducer(kernelEmitter.kernel)) {
  bool isBytes = op.getStrategyAttr() && op.getStrategyAttr().getName() == "bytes" &&
                 !cast<RankedTensorType>(op.getRhs().getType()).getEncoding();
  if (isBytes) {
    leftCodes = CentredCodes::of(op.getLhs());
    rightCodes = leftCodes ? CentredCodes::of(op.getRhs()) : std::nullopt;
  }
  if (!rightCodes)
    leftCodes.reset();
  left = leftCodes ? leftCodes->codes : op.getLhs();
  right = rightCodes ? rightCodes->codes : op.getRhs();
  if (Value codes = findCodesOfFloats(op); codes && emitter.getBuffer(codes))
    right = codes;
  computesLhs = !emitter.getBuffer(left);
  lhsType = cast<RankedTensorType>(left.getType());
  rhsType = cast<RankedTensorType>(right.getType());
  resultType = cast<RankedTensorType>(op.getType());
  rank = resultType.getRank();
  rhsRank = rhsType.getRank();
  accumulate = getAccumulatorType(resultType.getElementType());
  rowDim = getRowDim(op);
  m = emitter.getSize(op.getResult(), rowDim);
  n = emitter.getSize(op.getResult(), rank - 1);
  k = emitter.getSize(left, rank - (op.getTransposeLhs() ? 2 : 1));
  shape = getProductProblem(op)->shape;
  if (shape.k >= 0) // which the right-hand side may know alone
    k = emitter.constant(shape.k);
  lhsElement = lhsType.getElementType();
  if (auto packing = dyn_cast_if_present<PackingAttr>(rhsType.getEncoding())) {
    depthStep = packing.getDepth();
    if (hasPanelSums(rhsType))
      form = byteFormOf(emitter.target, shape);
  } else if (rightCodes) {
    depthStep = bytePanelDepth;
    shape.lhsBits = shape.rhsBits = 8;
    shape.constantRhs = true; // its panels are as those of a constant
    form = byteFormOf(emitter.target, shape);
    lhsElement = emitter.builder.getI8Type();
  } else if (op.getStrategyAttr() && op.getStrategyAttr().getName() == "dot") {
    depthStep = pairDepth;
    copiesPairs = true;
  }
  if (depthStep == pairDepth) { // of 16 bits
    lhsElement = emitter.builder.getI16Type();
    shape.lhsBits = 16;
  }
  choosePlan();
}

void MatmulEmission::choosePlan() {
  plan = emitter.target.planProduct(shape);
  bool oneColumnBlock = computesLhs && shape.n > 0 && shape.n <= plan.columnBlock;
  int64_t rowBlock = plan.rowBlock ? plan.rowBlock : shape.m;
  bool decodes = static_cast<bool>(encodingOf(rhsType));
  if (decodes) // what is decoded once serves more rows; few columns keep their sums in the cache
    rowBlock *= 4;
  if (oneColumnBlock)
    rowBlock = chooseRowBlock(plan, shape, batch.known);
  rowBlocks = cutEvenly(emitter, m, shape.m, rowBlock, plan.rows);
  holdsLhs = computesLhs && !leftCodes && !op.getTransposeLhs() && shape.k >= 0 &&
             rowBlocks.size * shape.k * lhsElement.getIntOrFloatBitWidth() / 8 <= plan.lhsBytes;
  int64_t items = batch.known * (shape.m > 0 ? llvm::divideCeil(shape.m, rowBlocks.size) : 1);
  // Tiles of left-over rows may be wider than the others: blocks fit all of them.
  int64_t unit = plan.columns;
  for (int64_t count : {int64_t(1), plan.rows / 2, shape.m > 0 ? shape.m % plan.rows : 0})
    if (count > 0 && (shape.m <= 0 || count == shape.m % plan.rows))
      unit = std::max(unit, emitter.target.getProductColumns(shape, count));
  int64_t columnBlock = oneColumnBlock ? llvm::alignTo(shape.n, unit) : chooseColumnBlock(plan, shape, items, unit);
  if (decodes && !oneColumnBlock)
    columnBlock = std::min<int64_t>(columnBlock, 64);
  columnBlocks = cutEvenly(emitter, n, shape.n, columnBlock, unit);
  counts = {batch.count(emitter), columnBlocks.count, rowBlocks.count};
  if (form == ByteForm::Plain)
    std::swap(counts[1], counts[2]);
}

Value MatmulEmission::getItems() { return emitter.product(counts); }

/// Decides how each operand is read.
void MatmulEmission::chooseOperands() {
  lhs = emitter.getBuffer(left);
  bool isWhole = shape.k >= 0 && shape.k % depthStep == 0;
  bool isPaired = depthStep == 1 || (getTileElement(lhsType.getElementType()) == lhsElement && isWhole);
  copyLhs = !lhs || op.getTransposeLhs() || !isPaired || (form && form != ByteForm::Plain);
  rhs = emitter.getBuffer(right);
  if (isa_and_present<EncodingAttr>(rhsType.getEncoding())) {
    encoded.emplace(emitter, rhsType, rhs);
    copyRhs = true;
  } else if (rhsType.getEncoding()) {
    layout = depthStep > 1 ? PanelLayout::DeepPanel : PanelLayout::Panel;
  } else if (rhs && !plan.maskedEdges) {
    layout = op.getTransposeRhs() ? PanelLayout::ColMajor : PanelLayout::RowMajor;
    bool fewRows = shape.m > 0 && shape.m <= (op.getTransposeRhs() ? 4 : 2 * plan.rows);
    bool narrow = !op.getTransposeRhs() && shape.n > 0 && shape.n <= 128;
    copyRhs = !fewRows && !narrow;
  } else if (rhs) {
    layout = op.getTransposeRhs() ? PanelLayout::ColMajor : PanelLayout::RowMajor;
  } else {
    copyRhs = true;
  }
  copyRhs |= copiesPairs || rightCodes;
  if (copyRhs)
    layout = copiesPairs || rightCodes ? PanelLayout::DeepPanel : PanelLayout::Panel;
  int64_t block = plan.depthBlock ? plan.depthBlock : longDepth;
  int64_t most = longDepth + (shape.rhsBits == 8 && depthStep > 1 ? longDepth / 2 : 0); // panels of bytes are smaller
  bool copiesLeft = form == ByteForm::Plain && !copyLhs && (shape.m < 0 || shape.m % plan.rows != 0);
  if (form == ByteForm::Plain) {
    block = std::max<int64_t>(byteBlock, byteCopyBytes / (copiesLeft ? plan.rows : rowBlocks.size));
    block = most = block / tileBytes * tileBytes;
  } else if (form) {
    block = byteBlock;
    // Panels that one tile reads follow each other in memory, as long as its rows fit the second level.
    most = shape.m > 0 && shape.m <= plan.rows ? byteRowBytes / plan.rows : byteBlock + byteBlock / 2;
  }
  if (rightCodes)
    block = most = std::min(block, copiedByteBlock);
  bool copies = (copyLhs && !rowProducer) || copyRhs || copiesLeft;
  // Several tiles read each panel.
  bool reused = (shape.m < 0 || shape.m > plan.rows) && form != ByteForm::Plain;
  if (shape.k < 0 ? copies : shape.k > most && (copies || (reused && plan.depthBlock)))
    depthBlock = shape.k < 0 ? block
                             : llvm::divideCeil(shape.k, llvm::divideCeil(shape.k, block));
  depthBlock = llvm::alignTo(depthBlock, form == ByteForm::Plain ? tileBytes : depthStep);
  if (encoded) {
    depthBlock = llvm::alignTo(depthBlock, decodeUnit);
    decodeStep = encoded->getStep(depthBlock ? depthBlock : llvm::alignTo(shape.k, decodeUnit));
  }
  if (!copiesLeft)
    return;
  Value count = emitter.rem(emitter.sub(rows.high, rows.low), emitter.constant(plan.rows));
  Value buffer = makeScratch(emitter, {plan.rows, depthBlock ? depthBlock : shape.k}, emitter.builder.getI8Type());
  leftRows = Copy{buffer, emitter.sub(rows.high, count), count};
}

void MatmulEmission::makeBuffers() {
  int64_t depth = llvm::alignTo(depthBlock ? depthBlock : shape.k, encoded ? decodeUnit : depthStep);
  int64_t height = rowBlocks.size, width = columnBlocks.size;
  if (rightCodes) {
    centred.emplace(emitter, *form, *leftCodes, *rightCodes);
    centred->makeBuffers(height, width, depth);
    rhs = centred->getPanels();
  }
  if (form) {
    int64_t held = rowProducer ? static_cast<int64_t>(llvm::alignTo(shape.k, depthStep)) : depth;
    bytes.emplace(emitter, *form, rhs, height, copyLhs ? held : 0, lhsType.getElementType().isUnsignedInteger(),
                  /*hasSums=*/!rightCodes);
    if (copyLhs)
      lhs = bytes->getCopy();
  } else if (copyLhs) {
    lhs = makeScratch(emitter, {height, rowProducer ? static_cast<int64_t>(llvm::alignTo(shape.k, depthStep)) : depth},
                      getBufferElement(lhsElement));
  }
  if (copiesPairs)
    rhs = makeScratch(emitter, {(width + panel - 1) / panel, depth / pairDepth, panel, pairDepth}, lhsElement);
  else if (copyRhs && !rightCodes)
    rhs = makeScratch(emitter, {(width + panel - 1) / panel, depth, panel}, getElementTypeOrSelf(op.getRhs()));
  if (depthBlock)
    partial = makeScratch(emitter, {height, width}, accumulate);
}

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
