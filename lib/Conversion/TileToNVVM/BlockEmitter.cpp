//===- BlockEmitter.cpp - control flow and scalars of a block --------------===//
#include "BlockEmitter.h"

#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lutra {

BlockEmitter::BlockEmitter(func::FuncOp source, func::FuncOp target, const NVGPUArch &arch)
    : source(source), target(target), arch(arch),
      at(ImplicitLocOpBuilder::atBlockEnd(source.getLoc(), &target.getBody().front())),
      distribution(cast<FunctionOpInterface>(source.getOperation()), arch) {}

LogicalResult BlockEmitter::run() {
  thread = NVVM::ThreadIdXOp::create(at, at.getI32Type());
  shared = LLVM::AddressOfOp::create(at, LLVM::LLVMPointerType::get(at.getContext(), 3),
                                     sharedMemoryName);
  Value block = at.create<arith::IndexCastUIOp>(at.getIndexType(),
                                                NVVM::BlockIdXOp::create(at, at.getI32Type()));
  auto parameters = target.getArguments().begin();
  auto arguments = source.getArguments();
  for (BlockArgument argument : arguments.drop_back(2)) {
    auto type = dyn_cast<MemRefType>(argument.getType());
    if (!type) {
      scalars.map(argument, *parameters++);
      continue;
    }
    GlobalBuffer buffer{*parameters++, type, {}, {}};
    for (int64_t size : type.getShape())
      buffer.sizes.push_back(ShapedType::isDynamic(size) ? Value(*parameters++) : index(size));
    bindBuffer(argument, std::move(buffer));
  }
  scalars.map(arguments[arguments.size() - 2], block);
  scalars.map(arguments.back(), add(block, index(1)));
  if (failed(emitBlock(source.getBody().front())))
    return failure();
  func::ReturnOp::create(at);
  return success();
}

LogicalResult BlockEmitter::emitBlock(Block &block) {
  for (Operation &op : block.without_terminator()) {
    at.setLoc(op.getLoc());
    if (failed(emitOp(&op)))
      return failure();
  }
  return success();
}

static LogicalResult refuse(Operation *op, StringRef target) {
  return emitCodedError(op->getLoc(), ErrorCode::UnsupportedOp)
         << "kernel op \"" << op->getName() << "\" has no code for " << target
         << "; compile this model for target cpu";
}

LogicalResult BlockEmitter::emitOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](scf::ForOp loop) { return emitFor(loop); })
      .Case([&](scf::IfOp branch) { return emitIf(branch); })
      .Case([&](TileFillOp fill) { return emitFill(fill); })
      .Case([&](TileIotaOp iota) { return emitIota(iota); })
      .Case([&](TileLoadOp load) { return emitLoad(load); })
      .Case([&](TileStoreOp store) { return emitStore(store); })
      .Case([&](TileGatherOp gather) { return emitGather(gather); })
      .Case([&](TileMapOp map) { return emitMap(map); })
      .Case([&](TileReduceOp reduce) { return emitReduce(reduce); })
      .Case([&](TileExtractOp extract) { return emitExtract(extract); })
      .Case([&](TileMatmulOp product) { return emitMatmul(product); })
      .Case([&](memref::GetGlobalOp constant) { return emitConstant(constant); })
      .Case([&](memref::DimOp dim) -> LogicalResult {
        std::optional<int64_t> constant = dim.getConstantIndex();
        auto found = buffers.find(dim.getSource());
        if (!constant || found == buffers.end())
          return refuse(op, arch.name);
        scalars.map(dim.getResult(), found->second.sizes[*constant]);
        return success();
      })
      .Case<memref::ExpandShapeOp, memref::CollapseShapeOp, memref::CastOp, memref::ReinterpretCastOp>(
          [&](Operation *view) { return emitView(view); })
      .Case<memref::LoadOp, memref::StoreOp>(
          [&](Operation *access) { return emitScalarAccess(access); })
      .Default([&](Operation *other) -> LogicalResult {
        bool known = isa<arith::ArithDialect, math::MathDialect>(other->getDialect());
        if (!known || other->getNumRegions() != 0 || !isMemoryEffectFree(other))
          return refuse(other, arch.name);
        at.clone(*other, scalars);
        return success();
      });
}

void BlockEmitter::flatten(ValueRange values, SmallVectorImpl<Value> &flat) {
  for (Value value : values) {
    if (isa<TileType>(value.getType())) {
      Fragment fragment = getAs(value, distribution.get(value));
      llvm::append_range(flat, fragment.registers);
    } else {
      flat.push_back(lookup(value));
    }
  }
}

void BlockEmitter::bindFlat(ValueRange values, ValueRange flat) {
  for (Value value : values) {
    if (!isa<TileType>(value.getType())) {
      scalars.map(value, flat.front());
      flat = flat.drop_front();
      continue;
    }
    const LinearLayout &layout = distribution.get(value);
    ValueRange mine = flat.take_front(layout.getNumRegisters());
    bind(value, {layout, SmallVector<Value, 0>(mine.begin(), mine.end())});
    flat = flat.drop_front(layout.getNumRegisters());
  }
}

/// The registers of `results` under their own layouts, from values that `yielded` describes.
static LogicalResult sameLayouts(const Distribution &layouts, ValueRange results, ValueRange yielded) {
  for (auto [result, value] : llvm::zip_equal(results, yielded))
    if (isa<TileType>(result.getType()) && layouts.get(result) != layouts.get(value))
      return failure();
  return success();
}

LogicalResult BlockEmitter::emitFor(scf::ForOp loop) {
  assert(succeeded(sameLayouts(distribution, loop.getResults(), loop.getYieldedValues())) &&
         succeeded(sameLayouts(distribution, loop.getResults(), loop.getInitArgs())) &&
         "values around a loop share a layout");
  SmallVector<Value> inits;
  flatten(loop.getInitArgs(), inits);
  auto arguments = source.getArguments();
  if (loop.getLowerBound() == arguments[arguments.size() - 2] &&
      loop.getUpperBound() == arguments.back()) {
    // The loop over work items: this block has one.
    scalars.map(loop.getInductionVar(), lookup(loop.getLowerBound()));
    bindFlat(loop.getRegionIterArgs(), inits);
    if (failed(emitBlock(*loop.getBody())))
      return failure();
    SmallVector<Value> results;
    flatten(loop.getYieldedValues(), results);
    bindFlat(loop.getResults(), results);
    return success();
  }
  auto copy = scf::ForOp::create(at, lookup(loop.getLowerBound()), lookup(loop.getUpperBound()),
                                 lookup(loop.getStep()), inits);
  {
    OpBuilder::InsertionGuard guard(at);
    if (inits.empty())
      at.setInsertionPoint(copy.getBody()->getTerminator());
    else
      at.setInsertionPointToEnd(copy.getBody());
    scalars.map(loop.getInductionVar(), copy.getInductionVar());
    bindFlat(loop.getRegionIterArgs(), copy.getRegionIterArgs());
    if (failed(emitBlock(*loop.getBody())))
      return failure();
    SmallVector<Value> results;
    flatten(loop.getYieldedValues(), results);
    if (!inits.empty())
      scf::YieldOp::create(at, results);
  }
  bindFlat(loop.getResults(), copy.getResults());
  return success();
}

LogicalResult BlockEmitter::emitIf(scf::IfOp branch) {
  SmallVector<Type> types;
  for (Value result : branch.getResults()) {
    auto tile = dyn_cast<TileType>(result.getType());
    if (tile)
      types.append(distribution.get(result).getNumRegisters(), tile.getElementType());
    else
      types.push_back(result.getType());
  }
  bool hasElse = !branch.getElseRegion().empty();
  auto copy = scf::IfOp::create(at, types, lookup(branch.getCondition()), hasElse);
  auto emitSide = [&](Region &from, Region &to) -> LogicalResult {
    OpBuilder::InsertionGuard guard(at);
    Block &block = to.front();
    if (!block.empty() && block.back().hasTrait<OpTrait::IsTerminator>())
      at.setInsertionPoint(&block.back());
    else
      at.setInsertionPointToEnd(&block);
    if (failed(emitBlock(from.front())))
      return failure();
    if (types.empty())
      return success();
    SmallVector<Value> results;
    flatten(from.front().getTerminator()->getOperands(), results);
    scf::YieldOp::create(at, results);
    return success();
  };
  if (failed(emitSide(branch.getThenRegion(), copy.getThenRegion())) ||
      (hasElse && failed(emitSide(branch.getElseRegion(), copy.getElseRegion()))))
    return failure();
  bindFlat(branch.getResults(), copy.getResults());
  return success();
}

LogicalResult BlockEmitter::emitView(Operation *op) {
  auto type = dyn_cast<MemRefType>(op->getResult(0).getType());
  auto found = buffers.find(op->getOperand(0));
  if (!type || !type.getLayout().isIdentity() || found == buffers.end())
    return refuse(op, arch.name);
  GlobalBuffer view{found->second.pointer, type, {}, {}};
  SmallVector<Value> sizes = found->second.sizes;
  if (auto expand = dyn_cast<memref::ExpandShapeOp>(op)) {
    auto given = expand.getOutputShape();
    for (auto [size, known] : llvm::zip_equal(type.getShape(), expand.getStaticOutputShape())) {
      if (ShapedType::isDynamic(known)) {
        view.sizes.push_back(lookup(given.front()));
        given = given.drop_front();
      } else {
        view.sizes.push_back(index(size));
      }
    }
  } else if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op)) {
    for (const ReassociationIndices &group : collapse.getReassociationIndices()) {
      Value size = index(1);
      for (int64_t dim : group)
        size = mul(size, sizes[dim]);
      view.sizes.push_back(size);
    }
  } else if (auto reinterpret = dyn_cast<memref::ReinterpretCastOp>(op)) {
    if (!llvm::all_of(reinterpret.getStaticOffsets(), [](int64_t offset) { return offset == 0; }))
      return refuse(op, arch.name);
    for (OpFoldResult size : reinterpret.getMixedSizes())
      view.sizes.push_back(isa<Value>(size)
                               ? lookup(cast<Value>(size))
                               : index(cast<IntegerAttr>(cast<Attribute>(size)).getInt()));
  } else {
    view.sizes = sizes; // memref.cast
  }
  bindBuffer(op->getResult(0), std::move(view));
  return success();
}

LogicalResult BlockEmitter::emitScalarAccess(Operation *op) {
  auto load = dyn_cast<memref::LoadOp>(op);
  auto store = dyn_cast<memref::StoreOp>(op);
  Value memref = load ? load.getMemRef() : store.getMemRef();
  ValueRange indices = load ? load.getIndices() : store.getIndices();
  auto found = buffers.find(memref);
  if (found == buffers.end())
    return refuse(op, arch.name);
  Value offset = index(0);
  for (auto [position, stride] : llvm::zip_equal(indices, found->second.strides))
    offset = add(offset, mul(lookup(position), stride));
  Type element = found->second.type.getElementType();
  Value pointer = offsetPointer(found->second.pointer, element, offset);
  if (load) {
    SmallVector<Value> values;
    loadVector(pointer, {}, element, 1, values);
    scalars.map(load.getResult(), toRegister(values.front(), element));
    return success();
  }
  // Every thread has the same value: the first one writes it for all.
  Value first = arith::CmpIOp::create(at, arith::CmpIPredicate::eq, thread, i32(0));
  storeVector(pointer, first, toMemory(lookup(store.getValueToStore()), element));
  barrier();
  return success();
}

Value BlockEmitter::i32(int64_t value) {
  return arith::ConstantOp::create(at, at.getI32IntegerAttr(static_cast<int32_t>(value)));
}

Value BlockEmitter::index(int64_t value) { return arith::ConstantIndexOp::create(at, value); }

Value BlockEmitter::toI32(Value indexValue) {
  return at.createOrFold<arith::IndexCastOp>(at.getI32Type(), indexValue);
}

Value BlockEmitter::bitAnd(Value a, int64_t mask) {
  return at.createOrFold<arith::AndIOp>(a, i32(mask));
}

Value BlockEmitter::shiftRight(Value a, int64_t bits) {
  return bits == 0 ? a : at.createOrFold<arith::ShRUIOp>(a, i32(bits));
}

Value BlockEmitter::shiftLeft(Value a, int64_t bits) {
  return bits == 0 ? a : at.createOrFold<arith::ShLIOp>(a, i32(bits));
}

Value BlockEmitter::threadCoordinate(const LinearLayout &layout, unsigned dim) {
  Value sum = i32(0);
  unsigned bits = layout.getNumThreadBits();
  for (unsigned first = 0; first < bits;) {
    int64_t basis = layout.getThreadBasis(first)[dim];
    unsigned length = 1;
    if (basis == 0) {
      ++first;
      continue;
    }
    while (first + length < bits && layout.getThreadBasis(first + length)[dim] == basis << length)
      ++length;
    Value part = bitAnd(shiftRight(thread, first), (int64_t(1) << length) - 1);
    sum = add(sum, shiftLeft(part, llvm::Log2_64(basis)));
    first += length;
  }
  return sum;
}

Value BlockEmitter::offsetPointer(Value pointer, Type element, Value offset) {
  if (offset.getType().isIndex())
    offset = at.createOrFold<arith::IndexCastOp>(at.getI64Type(), offset);
  return LLVM::GEPOp::create(at, pointer.getType(), element, pointer, ArrayRef<LLVM::GEPArg>{offset});
}

Value BlockEmitter::sharedPointer(Value byteOffset) {
  return offsetPointer(shared, at.getI8Type(), byteOffset);
}

void BlockEmitter::barrier() { NVVM::Barrier0Op::create(at); }

void BlockEmitter::bindBuffer(Value memref, GlobalBuffer buffer) {
  Value stride = index(1);
  SmallVector<Value> values(buffer.sizes.size());
  for (size_t dim = buffer.sizes.size(); dim-- > 0;) {
    values[dim] = stride;
    stride = mul(buffer.sizes[dim], stride);
  }
  buffer.strides = std::move(values);
  buffers[memref] = std::move(buffer);
}

std::optional<int64_t> getKnownValue(Value value) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.getSExtValue();
  if (auto dim = value.getDefiningOp<memref::DimOp>())
    if (std::optional<int64_t> position = dim.getConstantIndex()) {
      int64_t size = cast<ShapedType>(dim.getSource().getType()).getDimSize(*position);
      if (!ShapedType::isDynamic(size))
        return size;
    }
  return std::nullopt;
}

int64_t getKnownDivisor(Value value) {
  constexpr int64_t most = 256;
  if (std::optional<int64_t> constant = getKnownValue(value))
    return *constant == 0 ? most : std::min(most, *constant & -*constant);
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    return loop && argument == loop.getInductionVar()
               ? std::min(getKnownDivisor(loop.getLowerBound()), getKnownDivisor(loop.getStep()))
               : 1;
  }
  Operation *op = value.getDefiningOp();
  if (isa<arith::AddIOp, arith::SubIOp, arith::MinSIOp, arith::MinUIOp, arith::MaxSIOp, arith::MaxUIOp>(op))
    return std::min(getKnownDivisor(op->getOperand(0)), getKnownDivisor(op->getOperand(1)));
  if (isa<arith::MulIOp>(op))
    return std::min(most, getKnownDivisor(op->getOperand(0)) * getKnownDivisor(op->getOperand(1)));
  return 1;
}

} // namespace lutra
