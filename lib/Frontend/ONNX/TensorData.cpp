//===- TensorData.cpp - TensorProto to constants ---------------------------===//
// Raw and external bytes are used where they lie (ONNX stores little-endian, as we do); the typed
// fields of old models are repacked.
#include "Importer.h"

#include "llvm/Support/MathExtras.h"

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
  default: return {};
  }
}

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
/// Integers of which a byte holds several, the first one lowest.
struct PackedType {
  int64_t bits = 0; // 0: no such type
  bool isUnsigned = false;
};
} // namespace

static PackedType packedType(int dataType) {
  switch (dataType) {
  case Proto::INT2: return {2, false};
  case Proto::INT4: return {4, false};
  case Proto::UINT2: return {2, true};
  case Proto::UINT4: return {4, true};
  default: return {};
  }
}

/// A byte for each of `count` integers.
static std::shared_ptr<SmallVector<char, 0>> unpack(ArrayRef<char> bytes, PackedType packed, int64_t count) {
  auto codes = std::make_shared<SmallVector<char, 0>>(count);
  int64_t perByte = 8 / packed.bits;
  for (int64_t index = 0; index < count; ++index) {
    unsigned high = 8 - packed.bits * (index % perByte + 1); // bits above the code
    auto shifted = static_cast<uint8_t>(static_cast<uint8_t>(bytes[index / perByte]) << high);
    (*codes)[index] = packed.isUnsigned ? static_cast<char>(shifted >> (8 - packed.bits))
                                        : static_cast<char>(static_cast<int8_t>(shifted) >> (8 - packed.bits));
  }
  return codes;
}

GraphTensor Importer::importTensor(const Proto &tensor) {
  PackedType packed = packedType(tensor.data_type());
  int dataType = packed.bits == 0 ? tensor.data_type() : packed.isUnsigned ? Proto::UINT8 : Proto::INT8;
  Type type = elementType(context, dataType);
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
    std::shared_ptr<SmallVector<char, 0>> codes = unpack(bytes, packed, count);
    GraphTensor result = builder->constantBytes(tensor.name(), type, dims, ArrayRef<char>(*codes), codes);
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
