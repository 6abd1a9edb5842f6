//===- Encoded.h - values of encoded tensors --------------------------------===//
#ifndef LUTRA_LIB_REFERENCE_ENCODED_H
#define LUTRA_LIB_REFERENCE_ENCODED_H

#include "Interpreter.h"

namespace lutra {

/// The values of stored bytes of a type with #lutra.encoding, rounded to its element type. Dictionaries are globals of
/// the module, found from `op`.
mlir::FailureOr<std::shared_ptr<Array>> decodeEncoded(mlir::Operation *op, llvm::ArrayRef<uint8_t> bytes,
                                                      mlir::RankedTensorType type, Interpreter &interpreter);

} // namespace lutra

#endif // LUTRA_LIB_REFERENCE_ENCODED_H
