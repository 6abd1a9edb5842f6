//===- Slots.cpp - arguments as an array of 64-bit slots --------------------===//
#include "Slots.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace lutra {

int64_t countSlots(Type type) {
  auto buffer = dyn_cast<MemRefType>(type);
  return buffer ? 1 + buffer.getNumDynamicDims() : 1;
}

Value makeBuffer(OpBuilder &builder, Location loc, MemRefType type, Value address,
                 ValueRange sizes) {
  MLIRContext *context = builder.getContext();
  Type pointer = LLVM::LLVMPointerType::get(context), word = builder.getI64Type();
  int64_t rank = type.getRank();
  SmallVector<Type> fields = {pointer, pointer, word};
  if (rank > 0)
    fields.append(2, LLVM::LLVMArrayType::get(word, rank));
  Value descriptor =
      LLVM::PoisonOp::create(builder, loc, LLVM::LLVMStructType::getLiteral(context, fields));
  auto insert = [&](Value value, ArrayRef<int64_t> at) {
    descriptor = LLVM::InsertValueOp::create(builder, loc, descriptor, value, at);
  };
  auto constant = [&](int64_t value) -> Value {
    return LLVM::ConstantOp::create(builder, loc, word, builder.getI64IntegerAttr(value));
  };
  insert(address, {0});
  insert(address, {1});
  insert(constant(0), {2});
  SmallVector<Value> lengths;
  unsigned next = 0;
  for (int64_t size : type.getShape())
    lengths.push_back(ShapedType::isDynamic(size)
                          ? Value(arith::IndexCastOp::create(builder, loc, word, sizes[next++]))
                          : constant(size));
  Value stride = constant(1);
  for (int64_t dim = rank - 1; dim >= 0; --dim) {
    insert(lengths[dim], {3, dim});
    insert(stride, {4, dim});
    if (dim > 0)
      stride = LLVM::MulOp::create(builder, loc, stride, lengths[dim]);
  }
  return UnrealizedConversionCastOp::create(builder, loc, Type(type), descriptor).getResult(0);
}

Value SlotReader::next(Type type) {
  Value at = LLVM::GEPOp::create(builder, loc, array.getType(), builder.getI64Type(), array,
                                 ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(position++)});
  return LLVM::LoadOp::create(builder, loc, type, at, /*alignment=*/8);
}

Value SlotReader::read(Type type) {
  auto readIndex = [&]() -> Value {
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                      next(builder.getI64Type()));
  };
  auto buffer = dyn_cast<MemRefType>(type);
  if (!buffer)
    return readIndex();
  Value address = next(LLVM::LLVMPointerType::get(builder.getContext()));
  SmallVector<Value> sizes;
  for (unsigned i = 0; i < buffer.getNumDynamicDims(); ++i)
    sizes.push_back(readIndex());
  return makeBuffer(builder, loc, buffer, address, sizes);
}

void SlotWriter::store(Value index) {
  Value word = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), index);
  Value at = LLVM::GEPOp::create(builder, loc, array.getType(), builder.getI64Type(), array,
                                 ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(position++)});
  LLVM::StoreOp::create(builder, loc, word, at, /*alignment=*/8);
}

void SlotWriter::write(Value value) {
  auto buffer = dyn_cast<MemRefType>(value.getType());
  if (!buffer)
    return store(value);
  store(memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, value));
  for (auto [dim, size] : llvm::enumerate(buffer.getShape()))
    if (ShapedType::isDynamic(size))
      store(memref::DimOp::create(builder, loc, value, dim));
}

Value addressOf(OpBuilder &builder, Location loc, Value buffer) {
  Value index = memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, buffer);
  Value word = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), index);
  return LLVM::IntToPtrOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext()),
                                  word);
}

} // namespace lutra
