//===- SourceText.h - IR text that upstream's parser can take ----------------===//
#ifndef LUTRA_SUPPORT_SOURCETEXT_H
#define LUTRA_SUPPORT_SOURCETEXT_H

#include "lutra/Support/ErrorCodes.h"

#include <optional>
#include <string>
#include <utility>

namespace lutra {

/// What upstream's parser must never see: bytecode unless it is allowed, broken encodings, text nested so deep that it
/// would overflow the stack, arrays of index elements, at which it crashes. Empty when the text is fine.
std::optional<std::pair<ErrorCode, std::string>> guardText(llvm::StringRef text, bool allowBytecode);

} // namespace lutra

#endif // LUTRA_SUPPORT_SOURCETEXT_H
