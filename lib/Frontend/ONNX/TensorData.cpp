//===- TensorData.cpp - TensorProto to constants ---------------------------===//
// Raw and external bytes are used where they lie (ONNX stores little-endian, as we do); the typed
// fields of old models are repacked.
#include "Importer.h"

#include "lutra/Support/SideValues.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstring>

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

using Proto = ::onnx::TensorProto;

Type frontend::elementType(MLIRContext *context, int dataType) {
  auto integer = [&](unsigned width, bool isUnsigned) -> Type {
    return IntegerType::get(context, width, isUnsigned ? IntegerType::Unsigned : IntegerType::Signless);
  };
  switch (dataType) {
  case Proto::FLOAT: return Float32Type::get(context);
  case Proto::DOUBLE: return Float64Type::get(context);
  case Proto::FLOAT16: return Float16Type::get(context);
  case Proto::BFLOAT16: return BFloat16Type::get(context);
  case Proto::INT8: return integer(8, false);
  case Proto::INT16: return integer(16, false);
  case Proto::INT32: return integer(32, false);
  case Proto::INT64: return integer(64, false);
  case Proto::UINT8: return integer(8, true);
  case Proto::UINT16: return integer(16, true);
  case Proto::UINT32: return integer(32, true);
  case Proto::UINT64: return integer(64, true);
  case Proto::BOOL: return integer(1, false);
  case Proto::FLOAT8E4M3FN: return Float8E4M3FNType::get(context);
  case Proto::FLOAT8E5M2: return Float8E5M2Type::get(context);
  default: return {};
  }
}

bool frontend::isFp8(Type type) { return isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 8; }

std::string frontend::dataTypeName(int dataType) {
  if (::onnx::TensorProto_DataType_IsValid(dataType))
    return ::onnx::TensorProto_DataType_Name((::onnx::TensorProto_DataType)dataType);
  return "number " + std::to_string(dataType);
}

/// Repacks a typed field as the bytes of `Element`.
template <typename Element, typename Field>
static std::string repack(const Field &field) {
  std::string bytes(field.size() * sizeof(Element), '\0');
  char *next = bytes.data();
  for (auto value : field) {
    auto element = static_cast<Element>(value);
    std::memcpy(next, &element, sizeof(Element));
    next += sizeof(Element);
  }
  return bytes;
}

static std::string typedBytes(const Proto &tensor) {
  switch (tensor.data_type()) {
  case Proto::FLOAT: return repack<float>(tensor.float_data());
  case Proto::DOUBLE: return repack<double>(tensor.double_data());
  case Proto::INT64: return repack<int64_t>(tensor.int64_data());
  case Proto::UINT64: return repack<uint64_t>(tensor.uint64_data());
  case Proto::UINT32: return repack<uint32_t>(tensor.uint64_data());
  case Proto::INT32: return repack<int32_t>(tensor.int32_data());
  case Proto::INT16: case Proto::UINT16: case Proto::FLOAT16: case Proto::BFLOAT16:
    return repack<uint16_t>(tensor.int32_data());
  default: return repack<uint8_t>(tensor.int32_data());
  }
}

namespace {
/// Elements of fewer than 8 bits, one after another from the lowest bit of the first byte on, or of a type that the
/// dialect lacks, whose values all are in another one.
struct PackedType {
  int64_t bits = 0;  // 0: no such type
  int dataType = 0;  // that holds the values
  /// The bytes of a value in that type.
  void (*unpack)(unsigned code, char *value) = nullptr;
};
} // namespace

template <unsigned Bits>
static void extendSign(unsigned code, char *value) {
  *value = static_cast<char>(llvm::SignExtend32<Bits>(code));
}

static void keepByte(unsigned code, char *value) { *value = static_cast<char>(code); }

/// A float without infinities as one of 4 bits of exponent and 3 of fraction, which has all its values.
template <int Exponent, int Fraction>
static void widenToE4M3(unsigned code, char *value) {
  constexpr FloatForm narrow{Exponent, Fraction, /*bias=*/(1 << (Exponent - 1)) - 1, ValueMap::None};
  *value = static_cast<char>(encodeSide({SideType::E4M3, 8}, decodeFloat(narrow, code)));
}

/// A power of two.
static void widenPower(unsigned code, char *value) {
  auto power = static_cast<float>(decodeSide({SideType::E8M0, 8}, code));
  std::memcpy(value, &power, sizeof(power));
}

static PackedType packedType(int dataType) {
  switch (dataType) {
  case Proto::INT2: return {2, Proto::INT8, extendSign<2>};
  case Proto::INT4: return {4, Proto::INT8, extendSign<4>};
  case Proto::UINT2: return {2, Proto::UINT8, keepByte};
  case Proto::UINT4: return {4, Proto::UINT8, keepByte};
  case Proto::FLOAT4E2M1: return {4, Proto::FLOAT8E4M3FN, widenToE4M3<2, 1>};
  case Proto::FLOAT6E2M3: return {6, Proto::FLOAT8E4M3FN, widenToE4M3<2, 3>};
  case Proto::FLOAT6E3M2: return {6, Proto::FLOAT8E4M3FN, widenToE4M3<3, 2>};
  case Proto::FLOAT8E8M0: return {8, Proto::FLOAT, widenPower};
  default: return {};
  }
}

/// `width` bytes for each of `count` elements.
static std::shared_ptr<SmallVector<char, 0>> unpack(ArrayRef<char> bytes, PackedType packed, int64_t count,
                                                    int64_t width) {
  SmallVector<char, 0> table(width << packed.bits);
  for (unsigned code = 0; code < 1u << packed.bits; ++code)
    packed.unpack(code, table.data() + code * width);
  auto values = std::make_shared<SmallVector<char, 0>>(count * width);
  int64_t last = static_cast<int64_t>(bytes.size()) - 1;
  for (int64_t index = 0; index < count; ++index) {
    int64_t bit = index * packed.bits, byte = bit / 8; // a code may lie in two bytes
    unsigned word = static_cast<uint8_t>(bytes[byte]) | static_cast<uint8_t>(bytes[std::min(byte + 1, last)]) << 8;
    unsigned code = (word >> bit % 8) & ((1u << packed.bits) - 1);
    std::copy_n(table.begin() + code * width, width, values->begin() + index * width);
  }
  return values;
}

GraphTensor Importer::importTensor(const Proto &tensor) {
  PackedType packed = packedType(tensor.data_type());
  Type type = elementType(context, packed.bits == 0 ? tensor.data_type() : packed.dataType);
  if (!type)
    return builder->fail(ErrorCode::UnsupportedType, "has a tensor " + quoted(tensor.name()) + " of type " +
                                                         dataTypeName(tensor.data_type()) +
                                                         ", which has no form in the dialect");
  int64_t count = 1, width = llvm::divideCeil(type.getIntOrFloatBitWidth(), 8), length = 0;
  for (int64_t dim : tensor.dims())
    if (dim < 0 || llvm::MulOverflow(count, dim, count))
      return builder->fail(ErrorCode::GraphType, "has a tensor " + quoted(tensor.name()) +
                                                     " with a size that is negative or too large");
  if (llvm::MulOverflow(count, width, length) || count > GraphBuilder::maxElements)
    return builder->fail(ErrorCode::LimitSize, "has a tensor " + quoted(tensor.name()) + " of " + Twine(count) +
                                                   " elements; 2^31 are the limit");
  if (packed.bits != 0)
    length = llvm::divideCeil(count * packed.bits, 8);
  auto make = [&](SmallVector<int64_t> dims, ArrayRef<char> bytes, std::shared_ptr<const void> owner) -> GraphTensor {
    if (packed.bits == 0)
      return builder->constantBytes(tensor.name(), type, dims, bytes, owner);
    std::shared_ptr<SmallVector<char, 0>> values = unpack(bytes, packed, count, width);
    GraphTensor result = builder->constantBytes(tensor.name(), type, dims, ArrayRef<char>(*values), values);
    if (result)
      packedConstants[result.operator->()] = tensor.data_type();
    return result;
  };
  if (tensor.has_segment())
    return builder->fail(ErrorCode::UnsupportedOp, "has the segmented tensor " + quoted(tensor.name()));
  SmallVector<int64_t> dims(tensor.dims().begin(), tensor.dims().end());
  if (tensor.data_location() == Proto::EXTERNAL || tensor.external_data_size() > 0) {
    std::shared_ptr<FileBytes> file;
    size_t offset = 0;
    if (std::optional<Fault> found = external->find(tensor, length, file, offset))
      return builder->fail(found->code, "has a tensor whose data cannot be used: " + found->message);
    return make(dims, ArrayRef<char>(file->data + offset, length), file);
  }
  std::shared_ptr<const void> owner = model;
  ArrayRef<char> bytes(tensor.raw_data().data(), tensor.raw_data().size());
  if (auto found = bytesInFile.find(&tensor); found != bytesInFile.end()) {
    bytes = found->second;
    owner = modelFile;
  } else if (!tensor.has_raw_data()) {
    auto repacked = std::make_shared<std::string>(typedBytes(tensor));
    bytes = ArrayRef<char>(repacked->data(), repacked->size());
    owner = repacked;
  }
  if ((int64_t)bytes.size() != length)
    return builder->fail(ErrorCode::GraphType, "has a tensor " + quoted(tensor.name()) + " that stores " +
                                                   Twine(bytes.size()) + " bytes, but its shape and type need " +
                                                   Twine(length));
  return make(dims, bytes, owner);
}
