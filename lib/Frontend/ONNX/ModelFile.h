//===- ModelFile.h - reading .onnx files and their external data -----------===//
// Everything that touches the file system or bytes of unknown origin is here, and checks first.
#ifndef LUTRA_LIB_FRONTEND_ONNX_MODELFILE_H
#define LUTRA_LIB_FRONTEND_ONNX_MODELFILE_H

#include "lutra/Support/ErrorCodes.h"

#include "onnx-ml.pb.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

#include <memory>
#include <optional>
#include <string>

namespace lutra::frontend {

/// A text from a model for a message: quoted, control characters escaped, cut at 120 bytes.
std::string quoted(llvm::StringRef text);

/// A fault found in a file: one line for the user.
struct Fault {
  ErrorCode code;
  std::string message;
};

/// A read-only mapping of a file, or a borrowed range of memory.
struct FileBytes {
  const char *data = nullptr;
  size_t size = 0;
  bool isMapped = false;
  FileBytes() = default;
  FileBytes(const FileBytes &) = delete;
  FileBytes &operator=(const FileBytes &) = delete;
  ~FileBytes();
  bool contains(llvm::ArrayRef<char> part) const { return part.data() >= data && part.end() <= data + size; }
  /// Gives the memory of a part back; whoever reads it again reads the file again.
  void release(llvm::ArrayRef<char> part) const;
};

/// Maps a whole regular file.
std::optional<Fault> mapFile(llvm::StringRef path, std::shared_ptr<FileBytes> &bytes);

/// External data of one model. A location is a relative path inside the model's folder: no component
/// may be "..", a symbolic link, or anything but a folder (the last: a regular file with one link).
class ExternalData {
public:
  /// `folder` is empty for a model without a file, which may have no external data.
  explicit ExternalData(std::string folder, bool hasFolder) : folder(std::move(folder)), hasFolder(hasFolder) {}

  /// Finds the bytes of a tensor stored outside; `length` is what its type and dims need.
  std::optional<Fault> find(const ::onnx::TensorProto &tensor, size_t length,
                            std::shared_ptr<FileBytes> &bytes, size_t &offset);
  /// As FileBytes::release, for a part of any file that was opened.
  void release(llvm::ArrayRef<char> part) const;

private:
  std::optional<Fault> open(llvm::StringRef location, std::shared_ptr<FileBytes> &bytes);

  std::string folder;
  bool hasFolder;
  llvm::StringMap<std::shared_ptr<FileBytes>> files;
};

/// Parses a model, with limits on depth and size.
std::optional<Fault> parseModel(llvm::StringRef bytes, ::onnx::ModelProto &model);

/// Where a model's file stores large initializers of its graph, by their position in the list.
using InitializerBytes = llvm::SmallVector<std::pair<int, llvm::ArrayRef<char>>, 0>;

/// Parses a model of which large initializers stay where they lie in `bytes`: `found` has their raw_data instead.
std::optional<Fault> parseModel(llvm::StringRef bytes, ::onnx::ModelProto &model, InitializerBytes &found);

} // namespace lutra::frontend

#endif // LUTRA_LIB_FRONTEND_ONNX_MODELFILE_H
