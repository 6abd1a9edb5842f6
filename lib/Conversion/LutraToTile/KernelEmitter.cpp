//===- KernelEmitter.cpp - functions, buffers and tiles of a kernel -===//
// See KernelEmitter.h. The walk from a result towards the arguments is in EmitTile.cpp, loops and index arithmetic
// in KernelLoops.cpp; this file holds what they and the group kinds stand on.
#include "KernelEmitter.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace lutra {

TileWindow TileWindow::element(ArrayRef<Value> indices) {
  TileWindow window;
  window.indices.assign(indices.begin(), indices.end());
  return window;
}

TileWindow TileWindow::row(ArrayRef<Value> indices, int64_t dim, int64_t width, Value bound) {
  TileWindow window = element(indices);
  window.shape = {width};
  window.dims = {dim};
  window.steps = {1};
  if (bound)
    window.bounds = {bound};
  return window;
}

bool TileWindow::operator==(const TileWindow &other) const {
  return indices == other.indices && shape == other.shape && dims == other.dims &&
         steps == other.steps && bounds == other.bounds;
}

Type getTileElement(Type element) {
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer || integer.getWidth() == 1)
    return element;
  return IntegerType::get(element.getContext(), std::max(8u, integer.getWidth()));
}

Type getBufferElement(Type element) {
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer)
    return element;
  return IntegerType::get(element.getContext(), std::max(8u, integer.getWidth()));
}

Type getComputeType(Type element) {
  if (isa<Float16Type, BFloat16Type, Float8E4M3FNType, Float8E5M2Type>(element))
    return Float32Type::get(element.getContext());
  return element;
}

KernelEmitter::KernelEmitter(KernelOp kernelOp, const TileTarget &tileTarget, bool grid,
                             const CollapsedDims &collapsed, const KernelRows &rows)
    : mostRows(rows.most), builder(kernelOp), loc(kernelOp.getLoc()), kernel(kernelOp), target(tileTarget) {
  FunctionType type = kernel.getFunctionType();
  Type index = builder.getIndexType();
  SmallVector<Type> arguments;
  auto addArguments = [&](TypeRange types) {
    for (Type t : types)
      arguments.push_back(isa<RankedTensorType>(t) ? Type(getBufferType(cast<RankedTensorType>(t))) : t);
  };
  addArguments(type.getInputs());
  addArguments(type.getResults());
  if (!grid)
    arguments.append(2, index);
  std::string name = (kernel.getName() + rows.suffix + (grid ? ".grid" : "")).str();
  function = func::FuncOp::create(
      builder, loc, name,
      builder.getFunctionType(arguments, grid ? TypeRange(index) : TypeRange()));
  if (!rows.suffix.empty()) {
    function.setPrivate();
    function->setAttr("lutra.part", builder.getUnitAttr());
  } else if (!grid) {
    function->setAttr("lutra.kernel", builder.getUnitAttr());
  }
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  unsigned position = 0;
  // Joined dimensions are views of the arguments.
  auto join = [&](ArrayRef<SmallVector<ReassociationIndices>> groups, unsigned i) -> Value {
    Value argument = entry->getArgument(position++);
    auto memref = dyn_cast<MemRefType>(argument.getType());
    if (groups.empty() || !memref || groups[i].empty() || (int64_t)groups[i].size() == memref.getRank())
      return argument;
    return memref::CollapseShapeOp::create(builder, loc, argument, groups[i]);
  };
  for (BlockArgument argument : kernel.getBody().getArguments())
    buffers.map(Value(argument), join(collapsed.arguments, argument.getArgNumber()));
  for (unsigned i = 0; i < type.getNumResults(); ++i)
    outputs.push_back(join(collapsed.results, i));
  if (grid || rows.chooses)
    return;
  begin = entry->getArgument(position++);
  end = entry->getArgument(position++);
  auto loop = scf::ForOp::create(builder, loc, begin, end, constant(1));
  func::ReturnOp::create(builder, loc);
  itemLoop = loop;
  item = loop.getInductionVar();
  builder.setInsertionPointToStart(loop.getBody());
}

void KernelEmitter::finishGrid(Value items) { func::ReturnOp::create(builder, loc, items); }

int64_t KernelEmitter::getTileWidth() {
  unsigned bits = 8;
  kernel.walk([&](Operation *op) {
    // Sums of 64 bits are those of one op.
    for (Value value : isa<RequantizeOp>(op) ? op->getOperands().take_front() : op->getOperands())
      if (auto type = dyn_cast<RankedTensorType>(value.getType()); type && type.getElementType().isIntOrFloat())
        bits = std::max(bits, getComputeType(type.getElementType()).getIntOrFloatBitWidth());
  });
  return target.getMapWidth(bits);
}

/// Moves the builder to where values that every item shares are computed.
static void toEntry(OpBuilder &builder, func::FuncOp function, Operation *itemLoop) {
  if (itemLoop)
    builder.setInsertionPoint(itemLoop);
  else
    builder.setInsertionPointToEnd(&function.getBody().front());
}

Value KernelEmitter::getConstantBuffer(ConstantOp op) {
  OpBuilder::InsertionGuard guard(builder);
  auto type = cast<RankedTensorType>(op.getType());
  MemRefType bufferType = getBufferType(type);
  ElementsAttr data = op.getValue();
  Type element = bufferType.getElementType();
  if (auto dense = dyn_cast<DenseElementsAttr>(data); dense && element != type.getElementType()) {
    auto integer = cast<IntegerType>(element);
    bool isSigned = !type.getElementType().isUnsignedInteger() && !type.getElementType().isInteger(1);
    SmallVector<APInt> values;
    for (const APInt &value : dense.getValues<APInt>())
      values.push_back(isSigned ? value.sext(integer.getWidth()) : value.zext(integer.getWidth()));
    data = DenseElementsAttr::get(RankedTensorType::get(type.getShape(), element), values);
  }
  unsigned position = 0;
  for (Operation &other : *op->getBlock()) {
    if (&other == op.getOperation())
      break;
    position += isa<ConstantOp>(other);
  }
  std::string name = (kernel.getName() + ".constant" + Twine(position)).str();
  if (!SymbolTable::lookupNearestSymbolFrom(kernel, builder.getStringAttr(name))) {
    builder.setInsertionPoint(function);
    memref::GlobalOp::create(builder, op.getLoc(), name, builder.getStringAttr("private"), bufferType,
                             data, /*constant=*/true, builder.getI64IntegerAttr(64));
  }
  toEntry(builder, function, itemLoop);
  return memref::GetGlobalOp::create(builder, loc, bufferType, name);
}

Value KernelEmitter::getBuffer(Value tensor) {
  for (auto &[value, buffer] : llvm::reverse(boundBuffers))
    if (value == tensor)
      return buffer;
  if (Value known = buffers.lookupOrNull(tensor))
    return known;
  Value buffer;
  if (auto op = tensor.getDefiningOp<ConstantOp>()) {
    buffer = getConstantBuffer(op);
  } else if (auto op = tensor.getDefiningOp<WithTablesOp>()) {
    buffer = getBuffer(op.getRows());
    if (!buffer)
      return {};
  } else if (auto op = tensor.getDefiningOp<ReshapeOp>()) {
    // Buffers are contiguous: another shape of one is a view.
    Value source = getBuffer(op.getInput());
    if (!source)
      return {};
    SmallVector<OpFoldResult> shape = getAsOpFoldResult(getSizes(tensor)), strides(shape.size());
    OpBuilder::InsertionGuard guard(builder);
    toEntry(builder, function, itemLoop);
    OpFoldResult stride = builder.getIndexAttr(1);
    for (int64_t dim = shape.size() - 1; dim >= 0; --dim) {
      strides[dim] = stride;
      Value next = mul(getValueOrCreateConstantIndexOp(builder, loc, stride),
                       getValueOrCreateConstantIndexOp(builder, loc, shape[dim]));
      stride = getAsOpFoldResult(next);
    }
    MemRefType type = getBufferType(cast<RankedTensorType>(tensor.getType()));
    SmallVector<int64_t> staticStrides;
    SmallVector<Value> dynamicStrides;
    dispatchIndexOpFoldResults(strides, dynamicStrides, staticStrides);
    SmallVector<int64_t> staticSizes;
    SmallVector<Value> dynamicSizes;
    dispatchIndexOpFoldResults(shape, dynamicSizes, staticSizes);
    auto strided = MemRefType::get(
        staticSizes, type.getElementType(),
        StridedLayoutAttr::get(builder.getContext(), /*offset=*/0, staticStrides));
    buffer = memref::ReinterpretCastOp::create(builder, loc, strided, source,
                                               builder.getIndexAttr(0), shape, strides);
  } else {
    return {};
  }
  buffers.map(tensor, buffer);
  return buffer;
}

Value KernelEmitter::getIndex(Value kernelIndex) {
  if (Value known = buffers.lookupOrNull(kernelIndex))
    return known;
  Operation *op = kernelIndex.getDefiningOp();
  if (!op || op->getParentOp() != kernel)
    return kernelIndex;
  OpBuilder::InsertionGuard guard(builder);
  toEntry(builder, function, itemLoop);
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    Value size = getSize(dim.getSource(), *dim.getConstantIndex());
    buffers.map(kernelIndex, size);
    return size;
  }
  IRMapping mapping;
  for (Value operand : op->getOperands())
    mapping.map(operand, getIndex(operand));
  builder.clone(*op, mapping);
  Value result = mapping.lookup(kernelIndex);
  buffers.map(kernelIndex, result);
  return result;
}

Value KernelEmitter::getSize(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return constant(type.getDimSize(dim));
  if (Value known = sizes.lookup({tensor, dim}))
    return known;
  OpBuilder::InsertionGuard guard(builder);
  toEntry(builder, function, itemLoop);
  Value size;
  auto yielded = kernel.getYield().getValues();
  if (isa<BlockArgument>(tensor)) {
    size = memref::DimOp::create(builder, loc, buffers.lookup(tensor), dim);
  } else if (auto found = llvm::find(yielded, tensor); found != yielded.end()) {
    size = memref::DimOp::create(builder, loc, outputs[found - yielded.begin()], dim);
  } else {
    size = reifySize(cast<OpResult>(tensor), dim);
  }
  return sizes[{tensor, dim}] = size;
}

Value KernelEmitter::reifySize(OpResult result, int64_t dim) {
  Block *block = builder.getInsertionBlock();
  Operation *before = itemLoop ? itemLoop->getPrevNode() : (block->empty() ? nullptr : &block->back());
  ReifiedRankedShapedTypeDims shapes;
  LogicalResult reified = reifyResultShapes(builder, result.getOwner(), shapes);
  assert(succeeded(reified) && "every graph op reifies its shape");
  (void)reified;
  OpFoldResult size = shapes[result.getResultNumber()][dim];
  // Reification speaks of the kernel's tensors and indices; translate what it wrote.
  Operation *first = before ? before->getNextNode() : block->empty() ? nullptr : &block->front();
  SmallVector<Operation *> created;
  for (Operation *op = first; op && op != itemLoop; op = op->getNextNode())
    created.push_back(op);
  IRMapping dims;
  for (Operation *op : created) {
    builder.setInsertionPoint(op);
    if (auto dimOp = dyn_cast<tensor::DimOp>(op)) {
      // A size may be asked for inside this one: sizes found on the way stand before `op`.
      Operation *saved = itemLoop;
      itemLoop = op;
      Value translated = getSize(dimOp.getSource(), *dimOp.getConstantIndex());
      itemLoop = saved;
      dims.map(dimOp.getResult(), translated);
      if (auto value = dyn_cast<Value>(size); value == dimOp.getResult())
        size = translated;
      dimOp.getResult().replaceAllUsesWith(translated);
      op->erase();
      continue;
    }
    for (OpOperand &operand : op->getOpOperands()) {
      Value value = operand.get();
      bool foreign = value.getParentRegion() == &kernel.getBody();
      if (foreign)
        operand.set(getIndex(value));
    }
  }
  if (auto value = dyn_cast<Value>(size))
    return value.getParentRegion() == &kernel.getBody() ? getIndex(value) : value;
  return constant(*getConstantIntValue(size));
}

SmallVector<Value> KernelEmitter::getSizes(Value tensor) {
  SmallVector<Value> result;
  for (int64_t dim = 0, rank = cast<RankedTensorType>(tensor.getType()).getRank(); dim < rank; ++dim)
    result.push_back(getSize(tensor, dim));
  return result;
}

//===----------------------------------------------------------------------===//
// Buffers and tiles
//===----------------------------------------------------------------------===//

void KernelEmitter::bindBuffer(Value tensor, Value buffer) { boundBuffers.push_back({tensor, buffer}); }

KernelEmitter::Scope::Scope(KernelEmitter &scoped)
    : emitter(scoped), cacheSize(scoped.cache.size()), bufferCount(scoped.boundBuffers.size()),
      guard(scoped.builder) {}

KernelEmitter::Scope::~Scope() {
  emitter.cache.truncate(cacheSize);
  emitter.boundBuffers.truncate(bufferCount);
}

Value KernelEmitter::loadTile(Value buffer, const TileWindow &window, Type element) {
  auto type = TileType::get(window.shape, getTileElement(element));
  return TileLoadOp::create(builder, loc, type, buffer, window.indices, window.bounds, window.dims,
                            window.steps);
}

void KernelEmitter::storeTile(Value tile, Value buffer, const TileWindow &window) {
  TileStoreOp::create(builder, loc, broadcast(tile, window.shape), buffer, window.indices,
                      window.bounds, window.dims, window.steps);
}

Value KernelEmitter::loadElement(Value buffer, ArrayRef<Value> indices, Type element) {
  return TileExtractOp::create(builder, loc, getTileElement(element),
                               loadTile(buffer, TileWindow::element(indices), element));
}

void KernelEmitter::storeElement(Value scalar, Value buffer, ArrayRef<Value> indices) {
  storeTile(fill(scalar, {}), buffer, TileWindow::element(indices));
}

FailureOr<Value> KernelEmitter::emitElement(Value tensor, ArrayRef<Value> indices) {
  FailureOr<Value> tile = emitTile(tensor, TileWindow::element(indices));
  if (failed(tile))
    return failure();
  return TileExtractOp::create(builder, loc, cast<TileType>(tile->getType()).getElementType(), *tile)
      .getResult();
}

LogicalResult KernelEmitter::emitResult(unsigned index, const TileWindow &window) {
  FailureOr<Value> tile = emitTile(kernel.getYield().getValues()[index], window);
  if (failed(tile))
    return failure();
  storeTile(*tile, outputs[index], window);
  return success();
}

LogicalResult KernelEmitter::emitResults(const TileWindow &window) {
  for (unsigned i = 0; i < outputs.size(); ++i)
    if (failed(emitResult(i, window)))
      return failure();
  return success();
}

Value KernelEmitter::map(ValueRange tiles, Type element, MapBody body) {
  SmallVector<int64_t> shape;
  for (Value tile : tiles) {
    ArrayRef<int64_t> tileShape = cast<TileType>(tile.getType()).getShape();
    if (tileShape.empty())
      continue;
    if (shape.empty())
      shape.assign(tileShape.begin(), tileShape.end());
    for (auto [mine, other] : llvm::zip_equal(shape, tileShape))
      mine = std::max(mine, other);
  }
  auto op = TileMapOp::create(builder, loc, TypeRange(TileType::get(shape, element)), tiles);
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&op.getBody());
  for (Value tile : tiles)
    block->addArgument(cast<TileType>(tile.getType()).getElementType(), loc);
  Value result = body(builder, block->getArguments());
  YieldOp::create(builder, loc, result);
  return op.getResult(0);
}

Value KernelEmitter::fill(Value scalar, ArrayRef<int64_t> shape) {
  return TileFillOp::create(builder, loc, TileType::get(shape, scalar.getType()), scalar);
}

Value KernelEmitter::fill(TypedAttr scalar, ArrayRef<int64_t> shape) {
  return fill(arith::ConstantOp::create(builder, loc, scalar), shape);
}

Value KernelEmitter::broadcast(Value tile, ArrayRef<int64_t> shape) {
  auto type = cast<TileType>(tile.getType());
  if (type.getShape() == shape)
    return tile;
  auto op = TileMapOp::create(builder, loc, TypeRange(TileType::get(shape, type.getElementType())), tile);
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&op.getBody());
  YieldOp::create(builder, loc, block->addArgument(type.getElementType(), loc));
  return op.getResult(0);
}

Value KernelEmitter::maskTail(Value tile, Value bound, TypedAttr neutral) {
  if (!bound)
    return tile;
  auto type = cast<TileType>(tile.getType());
  SmallVector<int64_t> ones(type.getRank(), 1), shape = ones;
  shape.back() = type.getShape().back();
  Value position = TileIotaOp::create(builder, loc, TileType::get(shape, builder.getIndexType()),
                                      constant(0), type.getRank() - 1);
  return map({tile, position, fill(bound, ones)}, type.getElementType(),
             [&](OpBuilder &b, ValueRange scalars) -> Value {
               Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, scalars[1], scalars[2]);
               Value rest = arith::ConstantOp::create(b, loc, neutral);
               return arith::SelectOp::create(b, loc, inside, scalars[0], rest);
             });
}

} // namespace lutra
