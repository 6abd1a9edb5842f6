//===- ConstantBytes.h - the stored bytes of constant attributes ------------===//
// Dense and resource attributes hold their elements in different ways (splats, packed booleans, blobs
// mapped from a file). Writers of files want one: row-major, little-endian, one byte for a boolean.
#ifndef LUTRA_SUPPORT_CONSTANTBYTES_H
#define LUTRA_SUPPORT_CONSTANTBYTES_H

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"

#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace lutra {

/// The elements of `value` in row-major order, little-endian, i1 as one byte 0 or 1. Failure when the
/// attribute is of another kind, or its resource is missing or too short.
mlir::FailureOr<llvm::SmallVector<char, 0>> constantBytes(mlir::ElementsAttr value);

/// The same where they lie; `splat` gets those that are stored in another form, and must live as long.
mlir::FailureOr<llvm::ArrayRef<char>> viewConstantBytes(mlir::ElementsAttr value, llvm::SmallVector<char, 0> &splat);

/// Zeros to write into: large ones are whole pages of the system, which has them back when the blob dies.
mlir::AsmResourceBlob allocateZeroedBlob(int64_t bytes);

/// The elements as numbers: floats widened, integers converted (exact up to 2^53).
mlir::FailureOr<llvm::SmallVector<double, 0>> constantNumbers(mlir::ElementsAttr value);

/// Index of the first NaN or infinity of a constant of f16, bf16, f32 or f64; none for other types.
std::optional<int64_t> findNonFinite(mlir::ElementsAttr value);

/// A constant of `type` from bytes in the order above: a dense attribute when small, otherwise a
/// resource whose key starts with `name`.
mlir::ElementsAttr makeConstant(mlir::RankedTensorType type, llvm::ArrayRef<char> bytes,
                                llvm::StringRef name);

} // namespace lutra

#endif // LUTRA_SUPPORT_CONSTANTBYTES_H
