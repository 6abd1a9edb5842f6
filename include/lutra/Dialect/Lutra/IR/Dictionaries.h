//===- Dictionaries.h - what the codes of dict<..> stand for -------------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_DICTIONARIES_H
#define LUTRA_DIALECT_LUTRA_IR_DICTIONARIES_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/EncodedTensor.h"
#include "lutra/Support/ErrorCodes.h"

namespace lutra {

/// Where dictionaries are found, and how a fault is reported.
struct DictionarySource {
  llvm::function_ref<GlobalOp(llvm::StringRef name)> find; // null: there is none
  llvm::function_ref<mlir::InFlightDiagnostic(ErrorCode)> refuse;
};

/// The dictionaries that an encoding names, from globals of bytes.
mlir::FailureOr<DictionaryTable> readDictionaries(const Encoding &encoding, const DictionarySource &source);

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_IR_DICTIONARIES_H
