//===- Npz.cpp - arrays in files of NumPy ------------------------------------===//
// An .npz is a zip archive of .npy files. Sizes and places come from its directory at the end; np.savez stores bytes as
// they are.
#include "lutra/Support/Npz.h"

#include "Message.h"

#include "lutra/Support/Files.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace lutra;
using llvm::StringRef;

static constexpr size_t directorySize = 46, localSize = 30, endSize = 22;

static uint64_t readNumber(StringRef data, size_t offset, unsigned bytes) {
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i)
    value |= uint64_t(uint8_t(data[offset + i])) << (8 * i);
  return value;
}

/// The text after a key of the header's dictionary; empty without the key.
static StringRef fieldOf(StringRef header, StringRef key) {
  size_t at = header.find(key);
  return at == StringRef::npos ? "" : header.substr(at + key.size()).ltrim(" :");
}

static llvm::Expected<NamedArray> readArray(StringRef data, StringRef name) {
  if (!data.starts_with("\x93NUMPY") || data.size() < 12)
    return name.empty() ? fault("it is neither an .npz nor an .npy of NumPy; write it with np.savez")
                        : fault("array '", name, "' is no .npy");
  unsigned wide = data[6] == 1 ? 2 : 4;
  uint64_t length = readNumber(data, 8, wide), begin = 8 + wide + length;
  if (begin > data.size())
    return fault("array '", name, "' ends within its header");
  StringRef header = data.substr(8 + wide, length);
  NamedArray array;
  array.name = name.str();
  StringRef kind = fieldOf(header, "'descr'"), shape = fieldOf(header, "'shape'");
  if (kind.empty() || !shape.consume_front("("))
    return fault("array '", name, "' has a header without its type or shape; save it again");
  shape = shape.take_until([](char c) { return c == ')'; });
  bool isText = kind.consume_front("'");
  array.dtype = kind.take_until([](char c) { return c == '\''; }).str();
  int64_t width = 0;
  bool isNumber = isText && array.dtype.size() >= 3 &&
                  !StringRef(array.dtype).drop_front(2).getAsInteger(10, width) && width > 0 && width <= 8 &&
                  StringRef("biuf").contains(array.dtype[1]) && StringRef("<|").contains(array.dtype[0]);
  if (!isNumber)
    return fault("array '", name, "' has elements of type ", array.dtype.empty() ? kind.str() : array.dtype,
                 "; take bool, integers or floats of least byte first");
  if (!fieldOf(header, "'fortran_order'").starts_with("False"))
    return fault("array '", name, "' is in Fortran order; save np.ascontiguousarray(..) of it");
  int64_t count = width;
  llvm::SmallVector<StringRef> sizes;
  shape.split(sizes, ',', -1, /*KeepEmpty=*/false);
  for (StringRef text : sizes) {
    int64_t size;
    if (text.trim().empty())
      continue;
    if (text.trim().getAsInteger(10, size) || size < 0 || llvm::MulOverflow(count, size, count))
      return fault("array '", name, "' has no shape that is known: (", shape, ")");
    array.shape.push_back(size);
  }
  if (data.size() - begin != uint64_t(count))
    return fault("array '", name, "' has ", data.size() - begin, " bytes, but its shape and type ask for ", count);
  array.bytes = data.substr(begin).str();
  return array;
}

static llvm::Expected<std::vector<NamedArray>> readArchive(StringRef data) {
  size_t end = data.rfind("PK\x05\x06");
  if (end == StringRef::npos || data.size() - end < endSize)
    return fault("the archive has no directory at its end; it is cut off");
  uint64_t count = readNumber(data, end + 10, 2), place = readNumber(data, end + 16, 4);
  std::vector<NamedArray> arrays;
  for (uint64_t entry = 0; entry < count; ++entry) {
    if (place + directorySize > data.size() || data.substr(place, 4) != "PK\x01\x02")
      return fault("the archive's directory is damaged");
    uint64_t method = readNumber(data, place + 10, 2), size = readNumber(data, place + 20, 4);
    uint64_t nameSize = readNumber(data, place + 28, 2), local = readNumber(data, place + 42, 4);
    StringRef name = data.substr(place + directorySize, nameSize);
    place += directorySize + nameSize + readNumber(data, place + 30, 2) + readNumber(data, place + 32, 2);
    name.consume_back(".npy");
    if (method != 0)
      return fault("array '", name, "' is compressed; write the file with np.savez, not savez_compressed");
    if (local + localSize > data.size())
      return fault("the archive's directory is damaged");
    uint64_t begin = local + localSize + readNumber(data, local + 26, 2) + readNumber(data, local + 28, 2);
    if (begin > data.size() || size > data.size() - begin)
      return fault("array '", name, "' ends behind the file");
    llvm::Expected<NamedArray> array = readArray(data.substr(begin, size), name);
    if (!array)
      return array.takeError();
    arrays.push_back(std::move(*array));
  }
  return arrays;
}

llvm::Expected<std::vector<NamedArray>> lutra::readNumpyFile(StringRef path) {
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> buffer = readBytes(path);
  if (!buffer)
    return buffer.takeError();
  StringRef data = (*buffer)->getBuffer();
  if (data.starts_with("PK"))
    return readArchive(data);
  llvm::Expected<NamedArray> array = readArray(data, "");
  if (!array)
    return array.takeError();
  std::vector<NamedArray> arrays;
  arrays.push_back(std::move(*array));
  return arrays;
}
