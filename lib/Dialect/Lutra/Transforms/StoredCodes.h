//===- StoredCodes.h - dequantized constants as encoded weights ---------------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_STOREDCODES_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_STOREDCODES_H

#include "CodedMatrix.h"

namespace lutra {

/// A global of type f32 with the encoding of fewest bits that has all values of the matrix, or null: `why` says what
/// keeps others.
GlobalOp storeCodes(const CodedMatrix &matrix, llvm::StringRef name, WeightStore &store, std::string &why);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_STOREDCODES_H
