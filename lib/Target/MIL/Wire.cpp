//===- Wire.cpp - protobuf's wire format, both ways ---------------------------===//
#include "Wire.h"

#include "llvm/Support/Endian.h"

using namespace lutra::mil;

enum WireType : unsigned { kVarint = 0, kFixed64 = 1, kDelimited = 2, kFixed32 = 5 };

void Message::varint(uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    data.push_back(static_cast<char>(value | 0x80));
  data.push_back(static_cast<char>(value));
}

Message &Message::number(unsigned field, uint64_t value) {
  varint(field << 3 | kVarint);
  varint(value);
  return *this;
}

Message &Message::numberIfSet(unsigned field, uint64_t value) {
  return value ? number(field, value) : *this;
}

Message &Message::bytes(unsigned field, llvm::StringRef value) {
  varint(field << 3 | kDelimited);
  varint(value.size());
  data.append(value.data(), value.size());
  return *this;
}

Message &Message::entry(unsigned field, llvm::StringRef key, const Message &value) {
  Message pair;
  pair.bytes(1, key).message(2, value);
  return message(field, pair);
}

Message &Message::packed(unsigned field, llvm::ArrayRef<int64_t> values) {
  if (values.empty())
    return *this;
  Message list;
  for (int64_t value : values)
    list.varint(static_cast<uint64_t>(value));
  return message(field, list);
}

std::optional<uint64_t> FieldReader::varint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest.empty())
      break;
    uint8_t byte = rest.front();
    rest = rest.drop_front();
    value |= uint64_t(byte & 0x7F) << shift;
    if (byte < 0x80)
      return value;
  }
  broken = true;
  return std::nullopt;
}

std::optional<Field> FieldReader::next() {
  if (rest.empty() || broken)
    return std::nullopt;
  std::optional<uint64_t> tag = varint();
  if (!tag)
    return std::nullopt;
  Field field;
  field.number = *tag >> 3;
  field.wire = *tag & 7;
  uint64_t length = field.wire == kFixed64 ? 8 : field.wire == kFixed32 ? 4 : 0;
  if (field.wire == kVarint || field.wire == kDelimited) {
    std::optional<uint64_t> value = varint();
    if (!value)
      return std::nullopt;
    field.value = length = *value;
    if (field.wire == kVarint)
      return field;
  } else if (length == 0) {
    broken = true;
    return std::nullopt;
  }
  if (length > rest.size()) {
    broken = true;
    return std::nullopt;
  }
  field.bytes = rest.take_front(length);
  rest = rest.drop_front(length);
  if (field.wire == kFixed64)
    field.value = llvm::support::endian::read64le(field.bytes.data());
  if (field.wire == kFixed32)
    field.value = llvm::support::endian::read32le(field.bytes.data());
  return field;
}
