//===- Files.h - files that are whole or absent ------------------------------===//
// Errors are codes, for which most callers word one diagnostic.
#ifndef LUTRA_SUPPORT_FILES_H
#define LUTRA_SUPPORT_FILES_H

#include "lutra/Support/ErrorCodes.h"

#include "mlir/IR/Location.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>
#include <system_error>

namespace lutra {

/// Writes a file, replacing what it held. Errors of opening, writing and closing count alike.
std::error_code writeBytes(llvm::StringRef path, llvm::StringRef bytes);

/// Where a file that is written to `path` goes: past the symbolic links that stand there.
std::string followLinks(llvm::StringRef path);

/// Whether a file may take the place of what `path`, no link, names: nothing or a file, but no folder, device or pipe.
bool isReplaceable(llvm::StringRef path);

/// Flushes `from` to the disk and renames it to where a file written to `to` goes: whoever looks sees the old file or
/// the whole new one. Fails when that place is not replaceable.
std::error_code publishBytes(llvm::StringRef from, llvm::StringRef to);

/// The bytes of a file, and a 0 behind them. Errors as codeOfRead takes them.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> readBytes(llvm::StringRef path);

/// The code for what a reader of a file gave: E0801 where the system refused to read it, E0101 for its contents.
ErrorCode codeOfRead(const llvm::Error &error);

/// E0802 where a write of `path` failed with `code`.
mlir::LogicalResult reportWrite(std::error_code code, llvm::StringRef path, mlir::Location loc);

} // namespace lutra

#endif // LUTRA_SUPPORT_FILES_H
