//===- ModelFile.cpp - reading .onnx files and their external data ---------===//
// Files are opened component by component from the model's folder with O_NOFOLLOW, so that no path in
// a model reaches outside it; sizes come from fstat of the descriptor that is mapped.
#include "ModelFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <google/protobuf/io/coded_stream.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;
using namespace lutra;
using namespace lutra::frontend;

/// Nesting of protobuf messages; a graph inside a node inside a graph takes four.
static constexpr int maxMessageDepth = 160;

FileBytes::~FileBytes() {
  if (isMapped)
    ::munmap(const_cast<char *>(data), size);
}

void FileBytes::release(ArrayRef<char> part) const {
  if (!isMapped || !contains(part))
    return;
  const uint64_t page = ::sysconf(_SC_PAGESIZE); // pages that others' bytes share stay
  uint64_t begin = alignTo(reinterpret_cast<uintptr_t>(part.begin()), page);
  uint64_t end = alignDown(reinterpret_cast<uintptr_t>(part.end()), page);
  if (begin < end)
    ::madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}

void ExternalData::release(ArrayRef<char> part) const {
  for (const auto &file : files)
    file.second->release(part);
}

/// Maps an open descriptor and closes it.
static std::optional<Fault> mapDescriptor(int descriptor, StringRef name, bool external,
                                          std::shared_ptr<FileBytes> &bytes) {
  struct stat status;
  bool isKnown = ::fstat(descriptor, &status) == 0;
  std::optional<Fault> fault;
  if (!isKnown) {
    fault =
        Fault{ErrorCode::EnvironmentRead, ("file " + quoted(name) + " cannot be examined: ") + std::strerror(errno)};
  } else if (!S_ISREG(status.st_mode)) {
    fault = Fault{external ? ErrorCode::ExternalPath : ErrorCode::FileFormat,
                  (quoted(name) + " is no regular file")};
  } else if (external && status.st_nlink > 1) {
    fault = Fault{ErrorCode::ExternalPath,
                  ("external data " + quoted(name) + " has a second hard link; copy it beside the model")};
  } else {
    bytes = std::make_shared<FileBytes>();
    bytes->size = status.st_size;
    if (bytes->size > 0) {
      void *mapped = ::mmap(nullptr, bytes->size, PROT_READ, MAP_PRIVATE, descriptor, 0);
      if (mapped == MAP_FAILED) {
        fault = Fault{ErrorCode::LimitMemory, (Twine("file ") + quoted(name) + " of " + Twine(bytes->size) +
                                               " bytes cannot be mapped: " + std::strerror(errno)).str()};
        bytes->size = 0;
      } else {
        bytes->data = static_cast<const char *>(mapped);
        bytes->isMapped = true;
      }
    }
  }
  ::close(descriptor);
  return fault;
}

std::optional<Fault> frontend::mapFile(StringRef path, std::shared_ptr<FileBytes> &bytes) {
  // O_NONBLOCK: a FIFO must not block the open; it is refused by its type.
  int descriptor = ::open(path.str().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return Fault{ErrorCode::EnvironmentRead, ("file " + quoted(path) + " cannot be read: ") + std::strerror(errno)};
  return mapDescriptor(descriptor, path, /*external=*/false, bytes);
}

std::optional<Fault> ExternalData::open(StringRef location, std::shared_ptr<FileBytes> &bytes) {
  auto refuse = [&](const Twine &why) {
    return Fault{ErrorCode::ExternalPath, (Twine("external data ") + quoted(location) + " " + why).str()};
  };
  if (!hasFolder)
    return refuse("is named by a model that was given as bytes; give the model's path");
  if (location.empty() || location.contains('\0') || location.contains('\\') || location.size() > 4096)
    return refuse("is no usable path");
  if (location.starts_with("/"))
    return refuse("is an absolute path; it must lie beside the model");
  if (auto known = files.find(location); known != files.end()) {
    bytes = known->second;
    return std::nullopt;
  }
  SmallVector<StringRef> components;
  location.split(components, '/');
  int folderDescriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folderDescriptor < 0)
    return Fault{ErrorCode::EnvironmentRead, "folder \"" + folder + "\" cannot be opened: " + std::strerror(errno)};
  for (auto [index, component] : llvm::enumerate(components)) {
    if (component.empty() || component == "." )
      continue;
    bool isLast = index + 1 == components.size();
    int next = -1;
    if (component != "..")
      next = ::openat(folderDescriptor, component.str().c_str(),
                      O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (isLast ? 0 : O_DIRECTORY));
    int reason = component == ".." ? EXDEV : errno;
    ::close(folderDescriptor);
    if (next < 0) {
      if (reason == EXDEV)
        return refuse("leaves the model's folder");
      if (reason == ELOOP || (reason == ENOTDIR && !isLast))
        return refuse("goes through a symbolic link or a file; it must lie beside the model");
      return refuse(Twine("cannot be opened: ") + std::strerror(reason));
    }
    folderDescriptor = next;
  }
  if (std::optional<Fault> fault = mapDescriptor(folderDescriptor, location, /*external=*/true, bytes))
    return fault;
  files[location] = bytes;
  return std::nullopt;
}

std::optional<Fault> ExternalData::find(const ::onnx::TensorProto &tensor, size_t length,
                                        std::shared_ptr<FileBytes> &bytes, size_t &offset) {
  StringRef location;
  bool hasLocation = false;
  uint64_t first = 0;
  std::optional<uint64_t> stored;
  for (const ::onnx::StringStringEntryProto &entry : tensor.external_data()) {
    StringRef value = entry.value();
    uint64_t number = 0;
    if (entry.key() == "location") {
      location = value;
      hasLocation = true;
    } else if (entry.key() == "offset" || entry.key() == "length") {
      if (value.getAsInteger(10, number))
        return Fault{ErrorCode::ExternalRange, "tensor " + quoted(tensor.name()) + " has external " +
                                                   entry.key() + " " + quoted(value) +
                                                   ", which is no byte count"};
      if (entry.key() == "offset")
        first = number;
      else
        stored = number;
    } else if (entry.key() != "checksum" && entry.key() != "basepath") {
      return Fault{ErrorCode::ExternalPath, "tensor \"" + tensor.name() +
                                                " has the unknown external data key " + quoted(entry.key())};
    }
  }
  if (!hasLocation)
    return Fault{ErrorCode::ExternalPath, "tensor " + quoted(tensor.name()) + " is external but names no location"};
  if (std::optional<Fault> fault = open(location, bytes))
    return fault;
  if (stored && *stored != length)
    return Fault{ErrorCode::ExternalRange, (Twine("tensor ") + quoted(tensor.name()) + " has " + Twine(*stored) +
                                            " bytes outside but its type needs " + Twine(length)).str()};
  if (length > bytes->size || first > bytes->size - length)
    return Fault{ErrorCode::ExternalRange,
                 (Twine("tensor ") + quoted(tensor.name()) + " needs " + Twine(length) + " bytes at " + Twine(first) +
                  " of " + quoted(location) + ", which has " + Twine(bytes->size)).str()};
  offset = first;
  return std::nullopt;
}

std::optional<Fault> frontend::parseModel(StringRef bytes, ::onnx::ModelProto &model) {
  if (bytes.empty())
    return Fault{ErrorCode::FileEmpty, "the model file is empty"};
  if (bytes.size() > INT32_MAX)
    return Fault{ErrorCode::LimitSize, "the model file has more than 2 GiB; store its weights as external data"};
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t *>(bytes.data()),
                                                (int)bytes.size());
  stream.SetRecursionLimit(maxMessageDepth);
  stream.SetTotalBytesLimit(INT32_MAX);
  if (!model.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return Fault{ErrorCode::FileFormat, "not an ONNX model: the file is truncated or no protobuf of that kind"};
  if (!model.has_graph())
    return Fault{ErrorCode::FileFormat, "not an ONNX model: it has no graph"};
  return std::nullopt;
}
