//===- Files.cpp - files that are whole or absent ----------------------------===//
#include "lutra/Support/Files.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

std::error_code lutra::writeBytes(llvm::StringRef path, llvm::StringRef bytes) {
  std::error_code code;
  llvm::raw_fd_ostream stream(path, code);
  if (code)
    return code;
  stream << bytes;
  stream.close();
  code = stream.error();
  stream.clear_error();
  return code;
}

std::error_code lutra::publishBytes(llvm::StringRef from, llvm::StringRef to) {
  auto failure = [](int error) { return std::error_code(error, std::generic_category()); };
  if (llvm::sys::fs::is_directory(to))
    return failure(EISDIR);
  int file = ::open(from.str().c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return failure(errno);
  int status = ::fsync(file), error = errno;
  ::close(file);
  return status != 0 ? failure(error) : llvm::sys::fs::rename(from, to);
}
