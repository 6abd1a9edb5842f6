//===- Slots.h - arguments as an array of 64-bit slots ----------------------===//
// Kernels and the entry function take their arguments through one array: for a buffer its address and then its dynamic
// sizes, for an index its value. One signature for all keeps the runtime free of code per kernel.
#ifndef LUTRA_LIB_CONVERSION_LUTRATORUNTIME_SLOTS_H
#define LUTRA_LIB_CONVERSION_LUTRATORUNTIME_SLOTS_H

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Builders.h"

namespace lutra {

/// Slots that a value of this type takes.
int64_t countSlots(mlir::Type type);

/// A contiguous row-major buffer at `address` (an !llvm.ptr); `sizes` are its dynamic sizes (index).
mlir::Value makeBuffer(mlir::OpBuilder &builder, mlir::Location loc, mlir::MemRefType type,
                       mlir::Value address, mlir::ValueRange sizes);

/// Reads values from an array of slots, one after another.
class SlotReader {
public:
  SlotReader(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value array)
      : builder(builder), loc(loc), array(array) {}
  /// The next value: a memref or an index.
  mlir::Value read(mlir::Type type);

private:
  mlir::Value next(mlir::Type type);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::Value array;
  int64_t position = 0;
};

/// Writes values into an array of slots, one after another.
class SlotWriter {
public:
  SlotWriter(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value array)
      : builder(builder), loc(loc), array(array) {}
  void write(mlir::Value value);
  int64_t count() const { return position; }

private:
  void store(mlir::Value index);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  mlir::Value array;
  int64_t position = 0;
};

/// The address of a buffer as an !llvm.ptr.
mlir::Value addressOf(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value buffer);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATORUNTIME_SLOTS_H
