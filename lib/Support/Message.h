//===- Message.h - texts of errors from parts -------------------------------===//
#ifndef LUTRA_LIB_SUPPORT_MESSAGE_H
#define LUTRA_LIB_SUPPORT_MESSAGE_H

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace lutra {

/// Formats the parts of a message.
template <typename... Parts> std::string message(const Parts &...parts) {
  std::string text;
  llvm::raw_string_ostream out(text);
  ((out << parts), ...);
  return text;
}

/// An error with a message.
template <typename... Parts> llvm::Error fault(const Parts &...parts) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message(parts...));
}

} // namespace lutra

#endif // LUTRA_LIB_SUPPORT_MESSAGE_H
