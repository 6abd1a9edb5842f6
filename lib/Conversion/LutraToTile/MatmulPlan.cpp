//===- MatmulPlan.cpp - how a matrix product reads its operands --------------===//
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
// Rows that a softmax or norm computes are copied for all of K at once; an item then has all columns, so that no row
// is computed twice.
#include "GroupKinds.h"
#include "MatmulEmission.h"

#include "lutra/Analysis/ProductStrategy.h"
#include "lutra/Dialect/Lutra/IR/PanelSums.h"
#include "lutra/Support/BytePanels.h"

using namespace mlir;
using namespace lutra;

/// Above this the right-hand panel of one block no longer fits the first-level cache beside the rows.
static constexpr int64_t longDepth = 384;
/// Steps of K that a block of a decoded right-hand side is a multiple of: bytes of codes hold up to 8.
static constexpr int64_t decodeUnit = 8;
/// Of bytes: a panel and the rows of a tile fill half of the first level.
static constexpr int64_t byteBlock = 1024;
/// Columns that a row's masks serve: these take as long as 12 columns (Zen 3), a quarter of the time of an item of 32.
static constexpr int64_t leastMaskedColumns = 128;
/// Columns of an item that makes masks, at most: sums of 144 rows are half of an L2 of 512 KB (Zen 3, K = N = 4096: 16,
/// 128 and 512 rows take 2.5, 1.6 and 2 % less time than with 256).
static constexpr int64_t maskedColumnBlock = 512;
/// Where panels are copied: those of a block stay in the second level.
static constexpr int64_t copiedByteBlock = 512;
/// Of the rows of one tile.
static constexpr int64_t byteRowBytes = 1 << 16;
/// Steps of K in a tile of bytes.
static constexpr int64_t tileBytes = 64;
/// Of the copied rows of an item whose tiles read them from the second level, and which lie on the stack.
static constexpr int64_t byteCopyBytes = 1 << 18;

/// Rows of which all are one block, so that each panel is read once, on levels that ask for panels.
static constexpr int64_t mostWholeRows = 144;

/// Whether vectors of 256 bits add products of bytes in pairs alone. Such a level asks for the panel after the one it
/// reads, and takes more rows at once: on a Zen 3, one thread, 128 x 3072 times 3072 x 768 of f32 took 6.57 ms (median
/// 7.96) and so 6.42 (7.39); gpt2 of 4 layers, 128 tokens and 130 MB of weights 107 (141) and 102 (126). No other level
/// was measured.
static bool addsPairsAlone(const TileTarget &target) {
  return target.getVectorBits() == 256 && target.getCodedProduct() && !target.hasByteDot();
}

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

/// Rows of an item that makes masks of them. Where blocks of columns would be narrow, rows are cut into items instead,
/// which makes no row's masks twice.
int64_t MatmulEmission::chooseMaskedRows() {
  constexpr int64_t wantedItems = 8, leastRows = 32;
  if (shape.m <= 0 || shape.n <= 0 || shape.n >= wantedItems * leastMaskedColumns)
    return std::max<int64_t>(shape.m, plan.rowBlock);
  int64_t columns = llvm::divideCeil(shape.n, leastMaskedColumns) * std::max<int64_t>(1, batch.known);
  int64_t pieces = llvm::divideCeil(wantedItems, columns);
  return std::max<int64_t>(leastRows, llvm::alignTo(llvm::divideCeil(shape.m, pieces), plan.rows));
}

void MatmulEmission::choosePlan() {
  plan = emitter.target.planProduct(shape);
  if (form == ByteForm::Masked)
    plan.columnBlock = maskedColumnBlock;
  bool oneColumnBlock = computesLhs && shape.n > 0 && shape.n <= plan.columnBlock;
  int64_t rowBlock = plan.rowBlock ? plan.rowBlock : shape.m;
  bool decodes = static_cast<bool>(encodingOf(rhsType));
  asksAhead = addsPairsAlone(emitter.target);
  if (asksAhead && !computesLhs && shape.m <= mostWholeRows)
    rowBlock = std::max<int64_t>(rowBlock, llvm::alignTo(std::max<int64_t>(shape.m, 0), plan.rows));
  if (decodes) // what is decoded once serves more rows; few columns keep their sums in the cache
    rowBlock *= 4;
  if (form == ByteForm::Masked)
    rowBlock = std::min(rowBlock, chooseMaskedRows());
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
  if (form == ByteForm::Masked)
    columnBlock = std::max<int64_t>(columnBlock, leastMaskedColumns / 2);
  columnBlocks = cutEvenly(emitter, n, shape.n, columnBlock, unit);
  counts = {batch.count(emitter), columnBlocks.count, rowBlocks.count};
  if (form == ByteForm::Plain)
    std::swap(counts[1], counts[2]);
}

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
  bool copiesLeft = form == ByteForm::Plain && !copyLhs && (shape.m < 0 || shape.m % plan.rows != 0);
  chooseDepth(copiesLeft);
  if (!copiesLeft)
    return;
  Value count = emitter.rem(emitter.sub(rows.high, rows.low), emitter.constant(plan.rows));
  Value buffer = makeScratch(emitter, {plan.rows, depthBlock ? depthBlock : shape.k}, emitter.builder.getI8Type());
  leftRows = Copy{buffer, emitter.sub(rows.high, count), count};
}

/// Decides how K is cut. `copiesLeft`: rows that fill no tile are copied.
void MatmulEmission::chooseDepth(bool copiesLeft) {
  int64_t block = plan.depthBlock ? plan.depthBlock : longDepth;
  int64_t most = longDepth + (shape.rhsBits == 8 && depthStep > 1 ? longDepth / 2 : 0); // panels of bytes are smaller
  if (form == ByteForm::Plain) {
    block = std::max<int64_t>(byteBlock, byteCopyBytes / (copiesLeft ? plan.rows : rowBlocks.size));
    block = most = block / tileBytes * tileBytes;
  } else if (form) {
    block = form == ByteForm::Masked ? byteBlock / (plan.columns / panel) : byteBlock;
    // Panels that one tile reads follow each other in memory, as long as its rows fit the second level.
    most = shape.m > 0 && shape.m <= plan.rows ? byteRowBytes / plan.rows : block + block / 2;
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
