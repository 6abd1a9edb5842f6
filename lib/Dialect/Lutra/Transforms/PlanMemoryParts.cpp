//===- PlanMemoryParts.cpp - what the memory plan is put together from ------===//
#include "PlanMemoryParts.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace lutra;

bool lutra::isSizeOp(Operation &op) {
  if (isa<tensor::DimOp>(op))
    return true;
  return isa_and_nonnull<arith::ArithDialect, affine::AffineDialect>(op.getDialect()) &&
         op.getNumRegions() == 0 &&
         llvm::all_of(op.getResultTypes(), [](Type type) { return type.isIntOrIndex(); });
}

/// `buffer` with the row-major sizes of `type`.
static Value reinterpretBuffer(OpBuilder &builder, Location loc, Value buffer, MemRefType type, ValueRange sizes) {
  SmallVector<int64_t> known;
  int64_t offset;
  if (failed(type.getStridesAndOffset(known, offset)))
    llvm_unreachable("planned buffers are row-major");
  SmallVector<OpFoldResult> shape, strides(type.getRank());
  unsigned next = 0;
  for (int64_t size : type.getShape())
    shape.push_back(ShapedType::isDynamic(size) ? OpFoldResult(sizes[next++])
                                                : OpFoldResult(builder.getIndexAttr(size)));
  Value stride;
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    strides[dim] = ShapedType::isDynamic(known[dim]) ? OpFoldResult(stride) : builder.getIndexAttr(known[dim]);
    Value size = getValueOrCreateConstantIndexOp(builder, loc, shape[dim]);
    stride = stride ? builder.createOrFold<arith::MulIOp>(loc, stride, size) : size;
  }
  return memref::ReinterpretCastOp::create(builder, loc, type, buffer, OpFoldResult(builder.getIndexAttr(0)), shape,
                                           strides);
}

Value lutra::viewBuffer(OpBuilder &builder, Location loc, Value buffer, MemRefType type, ValueRange sizes) {
  auto from = cast<MemRefType>(buffer.getType());
  if (from == type)
    return buffer;
  // An expansion to two dynamic sizes crashes upstream's folding; between rank 0 and others sizes must be static.
  if (type.getNumDynamicDims() > 1 || (type.getRank() == 0 && !from.hasStaticShape()) ||
      (from.getRank() == 0 && !type.hasStaticShape()))
    return reinterpretBuffer(builder, loc, buffer, type, sizes);
  auto span = [](int64_t rank) {
    SmallVector<ReassociationIndices> all;
    if (rank > 0)
      all.push_back(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
    return all;
  };
  if (from.getRank() > 1 || type.getRank() == 0) {
    int64_t rank = from.getRank();
    auto flat = type.getRank() == 0 ? type
                : from.hasStaticShape()
                    ? MemRefType::get({from.getNumElements()}, from.getElementType())
                    : MemRefType::get({ShapedType::kDynamic}, from.getElementType());
    buffer = memref::CollapseShapeOp::create(builder, loc, flat, buffer,
                                             type.getRank() == 0 ? span(0) : span(rank));
    from = flat;
  }
  if (from.getRank() == 1 && type.getRank() == 1 && from != type)
    return memref::CastOp::create(builder, loc, type, buffer);
  if (from == type)
    return buffer;
  SmallVector<OpFoldResult> shape;
  unsigned next = 0;
  for (int64_t size : type.getShape())
    shape.push_back(ShapedType::isDynamic(size) ? OpFoldResult(sizes[next++])
                                                : OpFoldResult(builder.getIndexAttr(size)));
  if (from.getRank() == 1 && from.isDynamicDim(0) != !type.hasStaticShape()) {
    auto flat = type.hasStaticShape()
                    ? MemRefType::get({type.getNumElements()}, type.getElementType())
                    : MemRefType::get({ShapedType::kDynamic}, type.getElementType());
    buffer = memref::CastOp::create(builder, loc, flat, buffer);
  }
  return memref::ExpandShapeOp::create(builder, loc, type, buffer,
                                       from.getRank() == 0 ? span(0) : span(type.getRank()), shape);
}

Value lutra::limitedProduct(OpBuilder &builder, Location loc, int64_t constant, ValueRange factors) {
  Value limit = arith::ConstantIndexOp::create(builder, loc, arenaLimit);
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  Value product = arith::ConstantIndexOp::create(builder, loc, std::min(constant, arenaLimit));
  for (Value next : factors) {
    Value most = builder.createOrFold<arith::DivUIOp>(loc, limit, builder.createOrFold<arith::MaxUIOp>(loc, next, one));
    Value fits = builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::ule, product, most);
    Value exact = builder.createOrFold<arith::MulIOp>(loc, product, next);
    product = builder.createOrFold<arith::SelectOp>(loc, fits, exact, limit);
  }
  return product;
}

Value lutra::limitedSum(OpBuilder &builder, Location loc, Value lhs, Value rhs) {
  Value limit = arith::ConstantIndexOp::create(builder, loc, arenaLimit);
  return builder.createOrFold<arith::MinUIOp>(loc, builder.createOrFold<arith::AddIOp>(loc, lhs, rhs), limit);
}

func::FuncOp lutra::makeShapesFunction(func::FuncOp function, unsigned inputCount, ValueRange results) {
  OpBuilder builder(function.getContext());
  builder.setInsertionPointAfter(function);
  Location loc = function.getLoc();
  Type index = builder.getIndexType();
  SmallVector<Type> argumentTypes;
  FunctionType type = function.getFunctionType();
  for (Type input : type.getInputs().take_front(inputCount))
    argumentTypes.append(cast<MemRefType>(input).getNumDynamicDims(), index);
  auto shapes = func::FuncOp::create(
      builder, loc, (function.getName() + ".shapes").str(),
      FunctionType::get(function.getContext(), argumentTypes, SmallVector<Type>(results.size(), index)));
  shapes.setPrivate();
  Block *entry = shapes.addEntryBlock();
  OpBuilder inner = OpBuilder::atBlockEnd(entry);
  IRMapping mapping;
  for (Operation &op : function.getBody().front()) {
    if (auto dim = dyn_cast<tensor::DimOp>(op)) {
      auto argument = cast<BlockArgument>(dim.getSource());
      unsigned slot = 0;
      for (Type input : type.getInputs().take_front(argument.getArgNumber()))
        slot += cast<MemRefType>(input).getNumDynamicDims();
      auto shape = cast<ShapedType>(type.getInput(argument.getArgNumber())).getShape();
      slot += llvm::count_if(shape.take_front(*dim.getConstantIndex()), ShapedType::isDynamic);
      mapping.map(dim.getResult(), entry->getArgument(slot));
    } else if (isSizeOp(op)) {
      inner.clone(op, mapping);
    }
  }
  func::ReturnOp::create(inner, loc,
                         llvm::map_to_vector(results, [&](Value value) { return mapping.lookup(value); }));
  return shapes;
}
