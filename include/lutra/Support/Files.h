//===- Files.h - files that are whole or absent ------------------------------===//
// Errors are codes; each caller words its own diagnostic.
#ifndef LUTRA_SUPPORT_FILES_H
#define LUTRA_SUPPORT_FILES_H

#include "llvm/ADT/StringRef.h"

#include <system_error>

namespace lutra {

/// Writes a file, replacing what it held. Errors of opening, writing and closing count alike.
std::error_code writeBytes(llvm::StringRef path, llvm::StringRef bytes);

/// Flushes `from` to the disk and renames it to `to`, which must not be a folder: whoever looks sees the old file or
/// the whole new one.
std::error_code publishBytes(llvm::StringRef from, llvm::StringRef to);

} // namespace lutra

#endif // LUTRA_SUPPORT_FILES_H
