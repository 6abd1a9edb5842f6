//===- Product.cpp - pipeline and checks of a tile product -----------------===//
#include "ProductEmitter.h"

#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lutra {

/// Three stages keep two blocks in flight, 96 KiB for tiles of 128 x 128.
static constexpr int64_t stageCount = 3;

ProductEmitter::ProductEmitter(BlockEmitter &block, TileMatmulOp op)
    : block(block), at(block.at), op(op), layout(block.distribution.get(op.getResult())) {
  ArrayRef<int64_t> shape = cast<TileType>(op.getType()).getShape();
  rows = shape[0];
  columns = shape[1];
}

/// Whether the tensor cores multiply `element` into `accumulator`.
static bool isSupported(Type element, Type accumulator) {
  if (element.isInteger(8))
    return accumulator.isInteger(32);
  return isa<Float16Type, BFloat16Type, Float32Type>(element) && accumulator.isF32();
}

LogicalResult ProductEmitter::check() {
  auto lhsType = cast<MemRefType>(op.getLhs().getType());
  auto rhsType = cast<MemRefType>(op.getRhs().getType());
  auto accType = cast<TileType>(op.getType());
  if (lhsType.getElementType() != rhsType.getElementType() ||
      !isSupported(lhsType.getElementType(), accType.getElementType()))
    return emitCodedError(op.getLoc(), ErrorCode::UnsupportedType)
           << "product of " << lhsType.getElementType() << " and " << rhsType.getElementType()
           << " into " << accType.getElementType() << " has no tensor-core instruction on "
           << block.arch.name << "; use f32, f16 or bf16 into f32, or i8 into i32";
  if (op.getRhsLayout() == PanelLayout::Panel || op.getRhsLayout() == PanelLayout::DeepPanel)
    return emitCodedError(op.getLoc(), ErrorCode::UnsupportedOp)
           << "product reads panels packed for a CPU, which " << block.arch.name
           << " does not; pack the weights for this target";
  if (!getAccumulatorLayout(accType, block.arch))
    return emitCodedError(op.getLoc(), ErrorCode::UnsupportedOp)
           << "product tile of " << rows << " x " << columns << " has no fragments on "
           << block.arch.name << "; use powers of two from 16 x 64 to 128 x 256";
  return success();
}

/// The static checks of a layout: they can only fail when this file and LinearLayout disagree.
LogicalResult ProductEmitter::checkLayouts() {
  if (!layout.isBijective())
    return emitCodedError(op.getLoc(), ErrorCode::Internal)
           << "accumulator layout " << layout.str() << " does not hold each element once";
  SmallVector<int64_t> wide;
  for (int64_t lane = 0; lane < 32; ++lane)
    wide.push_back(SwizzledRows::offset(lane & 15, (lane >> 4) * SwizzledRows::chunkBytes));
  if (int64_t degree = bankConflictDegree(wide, 16); degree != 1)
    return emitCodedError(op.getLoc(), ErrorCode::Internal)
           << "operand loads conflict " << degree << " ways in shared memory";
  if (stageCount * stageBytes > block.arch.maxSharedBytes)
    return emitCodedError(op.getLoc(), ErrorCode::LimitMemory)
           << "product tile of " << rows << " x " << columns << " needs " << stageCount * stageBytes
           << " bytes of shared memory, but " << block.arch.name << " has "
           << block.arch.maxSharedBytes << " per block; use a smaller tile";
  return success();
}

ProductEmitter::Operand ProductEmitter::makeOperand(Value memref, ValueRange indices,
                                                    int64_t rowDim, int64_t rowStep,
                                                    bool depthContiguous, int64_t tileRows) {
  const GlobalBuffer &buffer = block.getBuffer(memref);
  MemRefType type = buffer.type;
  int64_t last = type.getRank() - 1, bytes = elementBytes;
  Operand operand;
  operand.element = type.getElementType();
  operand.rows = tileRows;
  Value offset = block.index(0);
  int64_t divisor = 64;
  auto strideDivisor = [&](int64_t dim) {
    int64_t result = 1;
    for (int64_t size : type.getShape().drop_front(dim + 1))
      if (!ShapedType::isDynamic(size))
        result *= size == 0 ? 64 : size & -size;
    return std::min<int64_t>(result, 64);
  };
  for (int64_t dim = 0; dim <= last; ++dim) {
    offset = block.add(offset, block.mul(block.lookup(indices[dim]), buffer.strides[dim]));
    divisor = std::min(divisor, getKnownDivisor(indices[dim]) * strideDivisor(dim));
  }
  operand.base = block.offsetPointer(buffer.pointer, operand.element, offset);
  // Memory rows: of depth along rowDim, or of columns along the dimension before the last.
  int64_t memoryRow = depthContiguous ? rowDim : last - 1;
  operand.stride = block.mul(block.toI32(buffer.strides[memoryRow]), block.i32(rowStep));
  divisor = std::min(divisor, strideDivisor(memoryRow) * (rowStep & -rowStep));
  operand.granule = std::min<int64_t>(16, divisor * bytes);
  if (depthContiguous) {
    operand.form = Form::DepthRows;
  } else if (bytes == 2 && tileRows % 64 == 0) {
    operand.form = Form::ColumnRows;
  } else {
    operand.form = Form::Transposed;
    operand.granule = bytes;
  }
  return operand;
}

void ProductEmitter::setBound(Operand &operand, Value bound, Value memref, Value index, int64_t dim,
                              int64_t rowStep) {
  if (bound) {
    if (getKnownValue(bound).value_or(0) >= operand.rows)
      return;
    operand.rowBound = block.toI32(block.lookup(bound));
    operand.boundDivisor = getKnownDivisor(bound);
    return;
  }
  int64_t size = cast<MemRefType>(memref.getType()).getDimSize(dim);
  bool isStatic = !ShapedType::isDynamic(size);
  int64_t sizeDivisor = isStatic ? size & -size : 1;
  std::optional<int64_t> first = getKnownValue(index);
  if (isStatic && rowStep == 1 &&
      ((first && *first + operand.rows <= size) ||
       (size % operand.rows == 0 && getKnownDivisor(index) >= operand.rows)))
    return;
  Value left = block.toI32(at.createOrFold<arith::SubIOp>(block.getBuffer(memref).sizes[dim],
                                                          block.lookup(index)));
  if (rowStep != 1)
    left = at.createOrFold<arith::CeilDivSIOp>(left, block.i32(rowStep));
  operand.rowBound = left;
  operand.boundDivisor = rowStep == 1 ? std::min(sizeDivisor, getKnownDivisor(index)) : 1;
}

LogicalResult ProductEmitter::run() {
  if (failed(check()))
    return failure();
  Type element = cast<MemRefType>(op.getLhs().getType()).getElementType();
  elementBytes = element.getIntOrFloatBitWidth() / 8;
  blockDepth = SwizzledRows::rowBytes / elementBytes;
  byGroup = block.arch.wgmma && rows % 64 == 0;
  depth = block.toI32(block.lookup(op.getDepth()));
  std::optional<int64_t> knownDepth = getKnownValue(op.getDepth());
  wholeBlocks = knownDepth && *knownDepth % blockDepth == 0;
  depthDivisor = getKnownDivisor(op.getDepth());

  Value rowBound, columnBound;
  if (!op.getBounds().empty()) {
    rowBound = op.getBounds()[0];
    columnBound = op.getBounds()[1];
  }
  int64_t rowDim = op.getLhsRowDim(), rowStep = op.getRowStep();
  lhs = makeOperand(op.getLhs(), op.getLhsIndices(), rowDim, rowStep, /*depthContiguous=*/true, rows);
  setBound(lhs, rowBound, op.getLhs(), op.getLhsIndices()[rowDim], rowDim, rowStep);
  int64_t rhsRank = cast<MemRefType>(op.getRhs().getType()).getRank();
  bool colMajor = op.getRhsLayout() == PanelLayout::ColMajor;
  int64_t columnDim = colMajor ? rhsRank - 2 : rhsRank - 1;
  rhs = makeOperand(op.getRhs(), op.getRhsIndices(), rhsRank - 2, 1, colMajor, columns);
  setBound(rhs, columnBound, op.getRhs(), op.getRhsIndices()[columnDim], columnDim, 1);
  rhs.stageOffset = rows * SwizzledRows::rowBytes;
  stageBytes = (rows + columns) * SwizzledRows::rowBytes;
  if (failed(checkLayouts()))
    return failure();
  block.useShared(stageCount * stageBytes);

  Value blocks = at.createOrFold<arith::CeilDivSIOp>(depth, block.i32(blockDepth));
  for (int64_t stage = 0; stage + 1 < stageCount; ++stage) {
    // Copies of whole blocks have no depth check of their own.
    if (!wholeBlocks || *knownDepth > stage * blockDepth)
      copyBlock(block.i32(stage * stageBytes), block.i32(stage * blockDepth));
    NVVM::CpAsyncCommitGroupOp::create(at);
  }
  Fragment acc = block.getAs(op.getAcc(), layout);
  SmallVector<Value> carried = {block.i32(0), block.i32((stageCount - 1) * stageBytes)};
  llvm::append_range(carried, acc.registers);
  auto loop = scf::ForOp::create(at, block.i32(0), blocks, block.i32(1), carried);
  // LLVM must not unroll the ring: the copies would crowd out the products.
  auto noUnroll = LLVM::LoopUnrollAttr::get(at.getContext(), at.getBoolAttr(true), {}, {}, {}, {}, {}, {});
  auto annotation = LLVM::LoopAnnotationAttr::get(at.getContext(), {}, {}, {}, noUnroll, {}, {}, {},
                                                  {}, {}, {}, {}, {}, {}, {}, {});
  loop->setAttr("loop_annotation", annotation);
  {
    OpBuilder::InsertionGuard guard(at);
    at.setInsertionPointToEnd(loop.getBody());
    Value readStage = loop.getRegionIterArgs()[0], writeStage = loop.getRegionIterArgs()[1];
    NVVM::CpAsyncWaitGroupOp::create(at, stageCount - 2);
    if (byGroup) // wgmma reads through another proxy than the copies wrote
      NVVM::FenceProxyOp::create(at, NVVM::ProxyKindAttr::get(at.getContext(), NVVM::ProxyKind::async_shared),
                                 NVVM::SharedSpaceAttr::get(at.getContext(), NVVM::SharedSpace::shared_cta));
    block.barrier();
    Value ahead = block.add(loop.getInductionVar(), block.i32(stageCount - 1));
    Value more = arith::CmpIOp::create(at, arith::CmpIPredicate::slt, ahead, blocks);
    auto copy = scf::IfOp::create(at, more, /*withElseRegion=*/false);
    {
      OpBuilder::InsertionGuard inner(at);
      at.setInsertionPoint(copy.thenYield());
      copyBlock(writeStage, block.mul(ahead, block.i32(blockDepth)));
    }
    NVVM::CpAsyncCommitGroupOp::create(at); // empty at the end: the waits keep counting
    SmallVector<Value> next(loop.getRegionIterArgs().drop_front(2));
    if (byGroup)
      multiplyGroup(readStage, next);
    else
      multiplyWarps(readStage, next);
    auto advance = [&](Value stage) -> Value {
      Value following = block.add(stage, block.i32(stageBytes));
      Value wraps = arith::CmpIOp::create(at, arith::CmpIPredicate::eq, following,
                                          block.i32(stageCount * stageBytes));
      return arith::SelectOp::create(at, wraps, block.i32(0), following);
    };
    SmallVector<Value> yielded = {advance(readStage), advance(writeStage)};
    llvm::append_range(yielded, next);
    scf::YieldOp::create(at, yielded);
  }
  NVVM::CpAsyncWaitGroupOp::create(at, 0);
  block.barrier();
  auto results = loop.getResults().drop_front(2);
  block.bind(op.getResult(), {layout, SmallVector<Value, 0>(results.begin(), results.end())});
  return success();
}

LogicalResult BlockEmitter::emitMatmul(TileMatmulOp op) { return ProductEmitter(*this, op).run(); }

} // namespace lutra
