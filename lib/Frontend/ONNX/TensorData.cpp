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

GraphTensor Importer::importTensor(const Proto &tensor) {
  Type type = elementType(context, tensor.data_type());
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
  if (tensor.has_segment())
    return builder->fail(ErrorCode::UnsupportedOp, "has the segmented tensor " + quoted(tensor.name()));
  SmallVector<int64_t> dims(tensor.dims().begin(), tensor.dims().end());
  if (tensor.data_location() == Proto::EXTERNAL || tensor.external_data_size() > 0) {
    std::shared_ptr<FileBytes> file;
    size_t offset = 0;
    if (std::optional<Fault> found = external->find(tensor, length, file, offset))
      return builder->fail(found->code, "has a tensor whose data cannot be used: " + found->message);
    return builder->constantBytes(tensor.name(), type, dims, ArrayRef<char>(file->data + offset, length), file);
  }
  std::shared_ptr<const void> owner = model;
  const std::string *bytes = &tensor.raw_data();
  if (!tensor.has_raw_data()) {
    auto repacked = std::make_shared<std::string>(typedBytes(tensor));
    bytes = repacked.get();
    owner = repacked;
  }
  if ((int64_t)bytes->size() != length)
    return builder->fail(ErrorCode::GraphType, "has a tensor " + quoted(tensor.name()) + " that stores " +
                                                   Twine(bytes->size()) + " bytes, but its shape and type need " +
                                                   Twine(length));
  return builder->constantBytes(tensor.name(), type, dims, ArrayRef<char>(bytes->data(), bytes->size()), owner);
}
