//===- Wire.h - protobuf's wire format, both ways -----------------------------===//
// Messages are byte strings; a message is written after its parts, so no lengths need patching. Fields
// go in the order of the calls, which makes files reproducible.
#ifndef LUTRA_LIB_TARGET_MIL_WIRE_H
#define LUTRA_LIB_TARGET_MIL_WIRE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <string>

namespace lutra::mil {

class Message {
public:
  /// A varint field; zero is written too, because a member of a oneof must appear.
  Message &number(unsigned field, uint64_t value);
  /// A varint field that is left out when zero.
  Message &numberIfSet(unsigned field, uint64_t value);
  /// A string, bytes or sub-message field.
  Message &bytes(unsigned field, llvm::StringRef value);
  Message &message(unsigned field, const Message &value) { return bytes(field, value.data); }
  /// An entry of a map from strings.
  Message &entry(unsigned field, llvm::StringRef key, const Message &value);
  /// Packed varints; negative numbers take ten bytes.
  Message &packed(unsigned field, llvm::ArrayRef<int64_t> values);

  std::string data;

private:
  void varint(uint64_t value);
};

/// One field as read. `bytes` is set for length-delimited fields, `number` for the others.
struct Field {
  unsigned number = 0;
  unsigned wire = 0;
  uint64_t value = 0;
  llvm::StringRef bytes;
};

/// Reads fields one by one. `broken` is set when the bytes are no message.
class FieldReader {
public:
  explicit FieldReader(llvm::StringRef message) : rest(message) {}
  std::optional<Field> next();
  bool broken = false;

private:
  std::optional<uint64_t> varint();
  llvm::StringRef rest;
};

} // namespace lutra::mil

#endif // LUTRA_LIB_TARGET_MIL_WIRE_H
