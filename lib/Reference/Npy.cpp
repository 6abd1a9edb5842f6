//===- Npy.cpp - tensors as NumPy files ------------------------------------===//
// Format: "\x93NUMPY", major, minor, header length (2 or 4 bytes, little endian), a Python dict as
// text with descr, fortran_order and shape, then the elements.
#include "lutra/Reference/Npy.h"

#include "lutra/Support/Files.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;
using namespace lutra;

/// What the file says is shown without control characters.
static Error problem(StringRef path, const Twine &what, std::error_code code = inconvertibleErrorCode()) {
  std::string text;
  raw_string_ostream(text) << "npy file '" << path << "' ";
  for (char c : what.str())
    text.push_back(isPrint(c) ? c : ' ');
  return createStringError(code, text);
}

static std::optional<ElementKind> kindOfDescr(StringRef descr) {
  static const std::pair<StringRef, ElementKind> table[] = {
      {"<f8", ElementKind::F64},  {"<f4", ElementKind::F32},  {"<f2", ElementKind::F16},
      {"|b1", ElementKind::I1},   {"|i1", ElementKind::I8},   {"<i2", ElementKind::I16},
      {"<i4", ElementKind::I32},  {"<i8", ElementKind::I64},  {"|u1", ElementKind::UI8},
      {"<u2", ElementKind::UI16}, {"<u4", ElementKind::UI32}, {"<u8", ElementKind::UI64}};
  for (auto [name, kind] : table)
    if (name == descr)
      return kind;
  return std::nullopt;
}

static StringRef descrOfKind(ElementKind kind) {
  switch (kind) {
  case ElementKind::F64:
    return "<f8";
  case ElementKind::F32:
    return "<f4";
  case ElementKind::F16:
    return "<f2";
  case ElementKind::I1:
    return "|b1";
  case ElementKind::I8:
    return "|i1";
  case ElementKind::I16:
    return "<i2";
  case ElementKind::I32:
    return "<i4";
  case ElementKind::I64:
    return "<i8";
  case ElementKind::UI8:
    return "|u1";
  case ElementKind::UI16:
    return "<u2";
  case ElementKind::UI32:
    return "<u4";
  default:
    return "<u8";
  }
}

/// The text after `'key':` in the header's dict, without leading blanks.
static StringRef valueOf(StringRef header, StringRef key) {
  size_t at = header.find(("'" + key + "':").str());
  return at == StringRef::npos ? StringRef() : header.substr(at + key.size() + 3).ltrim();
}

Expected<Tensor> lutra::readNpy(StringRef path) {
  auto file = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return problem(path, "cannot be read: " + file.getError().message(), file.getError());
  StringRef data = (*file)->getBuffer();
  if (!data.starts_with(StringRef("\x93NUMPY", 6)) || data.size() < 12)
    return problem(path, "has no NumPy header");
  unsigned major = static_cast<uint8_t>(data[6]);
  size_t start = major == 1 ? 10 : 12;
  size_t length = major == 1 ? support::endian::read16le(data.data() + 8)
                             : support::endian::read32le(data.data() + 8);
  if ((major != 1 && major != 2) || length > data.size() - start)
    return problem(path, "is of another version or truncated");
  StringRef header = data.substr(start, length), body = data.substr(start + length);
  StringRef descr = valueOf(header, "descr");
  descr = descr.consume_front("'") ? descr.take_until([](char c) { return c == '\''; }) : "";
  std::optional<ElementKind> kind = kindOfDescr(descr);
  if (!kind)
    return problem(path, "holds elements of type '" + descr + "', which is not supported");
  if (!valueOf(header, "fortran_order").starts_with("False"))
    return problem(path, "is in Fortran order; save it with numpy.ascontiguousarray");
  StringRef shapeText = valueOf(header, "shape");
  if (!shapeText.consume_front("("))
    return problem(path, "states no shape");
  SmallVector<int64_t> shape;
  SmallVector<StringRef> parts;
  shapeText.take_until([](char c) { return c == ')'; }).split(parts, ',', -1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    int64_t size;
    if (part.trim().empty())
      continue;
    if (part.trim().getAsInteger(10, size) || size < 0)
      return problem(path, "states a size '" + part.trim() + "'");
    shape.push_back(size);
  }
  std::optional<int64_t> count = countElements(shape);
  if (!count || *count > static_cast<int64_t>(body.size()) ||
      *count * bytesOf(*kind) != static_cast<int64_t>(body.size()))
    return problem(path, "holds " + Twine(body.size()) + " bytes of elements, which its shape contradicts");
  Tensor tensor(*kind, shape);
  llvm::copy(body, tensor.getBytes().begin());
  return tensor;
}

/// The same values in a kind that NumPy has.
static Tensor widened(const Tensor &tensor) {
  ElementKind kind = tensor.getKind();
  if (kind == ElementKind::BF16 || (isFloatKind(kind) && bitsOf(kind) == 8))
    kind = ElementKind::F32;
  else if (kind == ElementKind::I2 || kind == ElementKind::I4)
    kind = ElementKind::I8;
  else if (kind == ElementKind::UI2 || kind == ElementKind::UI4)
    kind = ElementKind::UI8;
  if (kind == tensor.getKind())
    return tensor;
  Tensor wide(kind, tensor.getShape());
  for (int64_t i = 0, e = tensor.getCount(); i < e; ++i) {
    if (wide.isFloat())
      wide.setFloat(i, tensor.getFloat(i));
    else
      wide.setInt(i, tensor.getInt(i));
  }
  return wide;
}

Error lutra::writeNpy(StringRef path, const Tensor &tensor) {
  Tensor stored = widened(tensor);
  std::string header = "{'descr': '" + descrOfKind(stored.getKind()).str() +
                       "', 'fortran_order': False, 'shape': (";
  for (int64_t size : stored.getShape())
    header += std::to_string(size) + ",";
  header += "), }";
  header.resize(alignTo(10 + header.size() + 1, 64) - 10, ' ');
  header.back() = '\n';
  char length[2];
  support::endian::write16le(length, static_cast<uint16_t>(header.size()));
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes.append(length, 2).append(header).append(stored.getBytes().data(), stored.getBytes().size());
  if (std::error_code error = writeBytes(path, bytes))
    return problem(path, "cannot be written: " + error.message(), error);
  return Error::success();
}
