//===- Files.cpp - files that are whole or absent ----------------------------===//
#include "lutra/Support/Files.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <sys/stat.h>
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

std::string lutra::followLinks(llvm::StringRef path) {
  llvm::SmallString<256> place(path);
  for (int left = 40; left > 0; --left) { // as many as Linux follows
    char text[PATH_MAX];
    ssize_t length = ::readlink(place.c_str(), text, sizeof text);
    if (length < 0)
      break;
    llvm::StringRef target(text, length);
    if (llvm::sys::path::is_relative(target)) {
      llvm::sys::path::remove_filename(place);
      llvm::sys::path::append(place, target);
    } else {
      place = target;
    }
  }
  return place.str().str();
}

bool lutra::isReplaceable(llvm::StringRef path) {
  struct stat status;
  return ::lstat(path.str().c_str(), &status) != 0 || S_ISREG(status.st_mode);
}

std::error_code lutra::publishBytes(llvm::StringRef from, llvm::StringRef to) {
  auto failure = [](int error) { return std::error_code(error, std::generic_category()); };
  std::string place = followLinks(to);
  if (!isReplaceable(place))
    return failure(llvm::sys::fs::is_directory(place) ? EISDIR : EOPNOTSUPP);
  int file = ::open(from.str().c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return failure(errno);
  int status = ::fsync(file), error = errno;
  ::close(file);
  return status != 0 ? failure(error) : llvm::sys::fs::rename(from, place);
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> lutra::readBytes(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return llvm::createStringError(buffer.getError(), "it cannot be read: " + buffer.getError().message());
  return std::move(*buffer);
}

lutra::ErrorCode lutra::codeOfRead(const llvm::Error &error) {
  ErrorCode code = ErrorCode::FileFormat;
  llvm::visitErrors(error, [&](const llvm::ErrorInfoBase &info) {
    if (info.convertToErrorCode() != llvm::inconvertibleErrorCode())
      code = ErrorCode::EnvironmentRead;
  });
  return code;
}

mlir::LogicalResult lutra::reportWrite(std::error_code code, llvm::StringRef path, mlir::Location loc) {
  if (!code)
    return mlir::success();
  return emitCodedError(loc, ErrorCode::EnvironmentWrite) << "cannot write " << path << ": " << code.message();
}
