//===- TileParts.cpp - what the products of tiles share -----------------------===//
#include "TileParts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace lutra;

FlatOperand lutra::flattenOperand(OpBuilder &builder, Location loc, Value buffer, ValueRange indices) {
  auto type = cast<MemRefType>(buffer.getType());
  auto index = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(builder, loc, value); };
  auto metadata = memref::ExtractStridedMetadataOp::create(builder, loc, buffer);
  FlatOperand flat;
  flat.elementType = type.getElementType();
  SmallVector<int64_t> strides;
  int64_t offset;
  bool known = succeeded(type.getStridesAndOffset(strides, offset));
  flat.base = known && !ShapedType::isDynamic(offset) ? index(offset) : Value(metadata.getOffset());
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    bool isStatic = known && !ShapedType::isDynamic(strides[dim]);
    flat.strides.push_back(isStatic ? index(strides[dim]) : Value(metadata.getStrides()[dim]));
    if (dim >= static_cast<int64_t>(indices.size()))
      continue;
    Value distance = builder.createOrFold<arith::MulIOp>(loc, indices[dim], flat.strides.back());
    flat.base = builder.createOrFold<arith::AddIOp>(loc, flat.base, distance);
  }
  // The size is never read: accesses are known to lie inside.
  auto flatType = MemRefType::get({ShapedType::kDynamic}, flat.elementType, MemRefLayoutAttrInterface(),
                                  type.getMemorySpace());
  flat.buffer = memref::ReinterpretCastOp::create(builder, loc, flatType, metadata.getBaseBuffer(),
                                                  OpFoldResult(builder.getIndexAttr(0)),
                                                  ArrayRef<OpFoldResult>{index(std::numeric_limits<int32_t>::max())},
                                                  ArrayRef<OpFoldResult>{builder.getIndexAttr(1)});
  return flat;
}

SmallVector<Value> lutra::splitRows(OpBuilder &builder, Location loc, ValueRange rows, VectorType partType,
                                    int64_t parts) {
  int64_t lanes = partType.getNumElements();
  SmallVector<Value> values;
  for (Value row : rows) {
    if (!isa<VectorType>(row.getType()))
      row = vector::BroadcastOp::create(builder, loc, partType, row);
    for (int64_t part = 0; part < parts; ++part)
      values.push_back(parts == 1 ? row
                                  : Value(vector::ExtractStridedSliceOp::create(builder, loc, row, {part * lanes},
                                                                                {lanes}, {1})));
  }
  return values;
}

SmallVector<Value> lutra::joinRows(OpBuilder &builder, Location loc, ArrayRef<Value> values, ArrayRef<Type> rowTypes,
                                   int64_t parts) {
  SmallVector<Value> rows;
  for (auto [row, type] : llvm::enumerate(rowTypes)) {
    auto rowType = dyn_cast<VectorType>(type);
    Value vector = values[row * parts];
    if (!rowType) {
      vector = vector::ExtractOp::create(builder, loc, vector, 0);
    } else if (parts > 1) {
      int64_t lanes = cast<VectorType>(vector.getType()).getNumElements();
      vector = arith::ConstantOp::create(builder, loc, rowType, builder.getZeroAttr(rowType));
      for (int64_t part = 0; part < parts; ++part)
        vector = vector::InsertStridedSliceOp::create(builder, loc, values[row * parts + part], vector,
                                                      {part * lanes}, {1});
    }
    rows.push_back(vector);
  }
  return rows;
}

SmallVector<Value> lutra::carryLoop(OpBuilder &builder, Location loc, LoopRange range, ValueRange carried,
                                    LoopBody body) {
  auto forOp = scf::ForOp::create(builder, loc, range.lower, range.upper, range.step, carried);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(forOp.getBody());
  SmallVector<Value> values(forOp.getRegionIterArgs());
  body(forOp.getInductionVar(), values);
  if (!values.empty()) // else there is one
    scf::YieldOp::create(builder, loc, values);
  return SmallVector<Value>(forOp.getResults());
}
