//===- PublicName.h - what inputs and outputs of models are called ------------===//
#ifndef LUTRA_DIALECT_LUTRA_IR_PUBLICNAME_H
#define LUTRA_DIALECT_LUTRA_IR_PUBLICNAME_H

#include "mlir/IR/BuiltinAttributes.h"

#include <string>

namespace lutra {

/// The name in the attributes (or null) of an argument or result of @main; without one its role, "input" or "output",
/// and its number.
inline std::string publicNameOf(mlir::DictionaryAttr attributes, llvm::StringRef role, unsigned number) {
  auto name = attributes ? attributes.getAs<mlir::StringAttr>("lutra.name") : mlir::StringAttr();
  return name && !name.empty() ? name.str() : (role + llvm::Twine(number)).str();
}

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_IR_PUBLICNAME_H
