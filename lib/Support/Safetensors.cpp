//===- Safetensors.cpp - arrays in files of safetensors ----------------------===//
// Eight bytes with the length of a JSON object, the object, and the bytes of the arrays, of which it has the places.
#include "lutra/Support/Safetensors.h"

#include "Message.h"
#include "ParseJson.h"

#include "lutra/Support/Files.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace lutra;
using llvm::StringRef;

/// NumPy's name of a type; empty: it has none.
static StringRef numpyOf(StringRef dtype) {
  return llvm::StringSwitch<StringRef>(dtype)
      .Case("BOOL", "|b1")
      .Case("I8", "|i1")
      .Case("I16", "<i2")
      .Case("I32", "<i4")
      .Case("I64", "<i8")
      .Case("U8", "|u1")
      .Case("U16", "<u2")
      .Case("U32", "<u4")
      .Case("U64", "<u8")
      .Case("F16", "<f2")
      .Case("F32", "<f4")
      .Case("F64", "<f8")
      .Default("");
}

static llvm::Expected<NamedArray> readArray(StringRef name, const llvm::json::Value &value, StringRef data) {
  const llvm::json::Object *fields = value.getAsObject();
  auto dtype = fields ? fields->getString("dtype") : std::nullopt;
  const llvm::json::Array *shape = fields ? fields->getArray("shape") : nullptr;
  const llvm::json::Array *places = fields ? fields->getArray("data_offsets") : nullptr;
  if (!dtype || !shape || !places || places->size() != 2)
    return fault("array '", name, "' has a header without its type, shape or place; save it again");
  NamedArray array;
  array.name = name.str();
  array.dtype = numpyOf(*dtype).str();
  if (array.dtype.empty())
    return fault("array '", name, "' has elements of type ", *dtype, "; take BOOL, integers, F16, F32 or F64");
  int64_t bytes = array.dtype.back() - '0';
  for (const llvm::json::Value &entry : *shape) {
    std::optional<int64_t> size = entry.getAsInteger();
    if (!size || *size < 0 || llvm::MulOverflow(bytes, *size, bytes))
      return fault("array '", name, "' has a shape that is not made of sizes; save it again");
    array.shape.push_back(*size);
  }
  std::optional<int64_t> begin = (*places)[0].getAsInteger(), end = (*places)[1].getAsInteger();
  if (!begin || !end || *begin < 0 || *end < *begin || uint64_t(*end) > data.size())
    return fault("array '", name, "' ends behind the file; it is cut off");
  if (*end - *begin != bytes)
    return fault("array '", name, "' has ", *end - *begin, " bytes, but its shape and type ask for ", bytes);
  array.bytes = data.slice(*begin, *end).str();
  return array;
}

llvm::Expected<std::vector<NamedArray>> lutra::readSafetensors(StringRef path) {
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> buffer = readBytes(path);
  if (!buffer)
    return buffer.takeError();
  StringRef data = (*buffer)->getBuffer();
  constexpr size_t prefix = sizeof(uint64_t);
  uint64_t length = data.size() < prefix ? 0 : llvm::support::endian::read64le(data.data());
  if (length == 0 || length > data.size() - prefix)
    return fault("it is no file of safetensors, which begin with the length of their header, or is cut off");
  llvm::Expected<llvm::json::Value> header = parseJson(data.substr(prefix, length));
  if (!header)
    return fault("its header is no JSON: ", llvm::toString(header.takeError()));
  const llvm::json::Object *entries = header->getAsObject();
  if (!entries)
    return fault("its header is no JSON object; save it again");
  std::vector<NamedArray> arrays;
  for (const auto &[name, value] : *entries) {
    if (StringRef(name) == "__metadata__")
      continue;
    llvm::Expected<NamedArray> array = readArray(name, value, data.drop_front(prefix + length));
    if (!array)
      return array.takeError();
    arrays.push_back(std::move(*array));
  }
  llvm::sort(arrays, [](const NamedArray &a, const NamedArray &b) { return a.name < b.name; });
  return arrays;
}
