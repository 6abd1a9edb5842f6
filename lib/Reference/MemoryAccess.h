//===- MemoryAccess.h - reads and writes of buffers, checked ---------------===//
#ifndef LUTRA_LIB_REFERENCE_MEMORYACCESS_H
#define LUTRA_LIB_REFERENCE_MEMORYACCESS_H

#include "Interpreter.h"

namespace lutra {

/// Bytes of one element in memory: i1 takes one, index eight.
int64_t storedElementBytes(mlir::Type type);

/// A fresh buffer in row-major order, filled with 0xFF.
std::shared_ptr<Buffer> allocateBuffer(mlir::Type elementType, llvm::ArrayRef<int64_t> shape);

/// Byte offset of the element at `index`, or a diagnostic when the position lies outside the
/// buffer's shape or the element outside its memory.
mlir::FailureOr<int64_t> locate(mlir::Operation *op, const Buffer &buffer,
                                llvm::ArrayRef<int64_t> index);

/// The element at a byte offset that `locate` gave.
Datum loadElement(const Buffer &buffer, int64_t byteOffset);
void storeElement(const Buffer &buffer, int64_t byteOffset, const Datum &value);

/// All elements, as a tensor of `elementType` (which may differ in sign or be i1 for a byte).
mlir::FailureOr<std::shared_ptr<Array>> readBuffer(mlir::Operation *op, const Buffer &buffer,
                                                   mlir::Type elementType);
mlir::LogicalResult writeBuffer(mlir::Operation *op, const Buffer &buffer, const Array &array);

} // namespace lutra

#endif // LUTRA_LIB_REFERENCE_MEMORYACCESS_H
