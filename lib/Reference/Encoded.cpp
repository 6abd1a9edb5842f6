//===- Encoded.cpp - values of encoded tensors ------------------------------===//
#include "Encoded.h"

#include "lutra/Support/ConstantBytes.h"
#include "lutra/Support/EncodedTensor.h"

using namespace mlir;
using namespace lutra;

/// The dictionaries that an encoding names.
static FailureOr<DictionaryTable> readDictionaries(Operation *op, const Encoding &encoding,
                                                   Interpreter &interpreter) {
  DictionaryTable table;
  for (const auto &[name, form] : dictionariesOf(encoding)) {
    auto global =
        dyn_cast_if_present<GlobalOp>(interpreter.lookup(op, StringAttr::get(op->getContext(), name)));
    FailureOr<SmallVector<char, 0>> bytes = failure();
    if (global && global.getData().getElementType().isInteger(8))
      bytes = constantBytes(global.getData());
    if (failed(bytes))
      return refuse(op, ErrorCode::GraphStructure)
             << "reads the dictionary @" << name << ", which is no lutra.global of bytes";
    auto dictionary = CodeDictionary::read(
        form, ArrayRef(reinterpret_cast<const uint8_t *>(bytes->data()), bytes->size()));
    if (!dictionary)
      return refuse(op, ErrorCode::ExternalRange) << toString(dictionary.takeError());
    table.emplace(name, std::move(*dictionary));
  }
  return table;
}

FailureOr<std::shared_ptr<Array>> lutra::decodeEncoded(Operation *op, ArrayRef<uint8_t> bytes,
                                                       RankedTensorType type, Interpreter &interpreter) {
  auto encoding = cast<EncodingAttr>(type.getEncoding());
  if (encoding.getPacking())
    return refuse(op, ErrorCode::UnsupportedType)
           << "has type " << type << ", whose packing of codes is not evaluated; decode the canonical order";
  FailureOr<DictionaryTable> dictionaries = readDictionaries(op, encoding.getValue(), interpreter);
  if (failed(dictionaries))
    return failure();
  int64_t k = type.getShape().back();
  int64_t n = ShapedType::getNumElements(type.getShape().drop_back());
  auto values = decodeTensor(encoding.getValue(), n, k, bytes, *dictionaries);
  if (!values)
    return refuse(op, ErrorCode::ExternalRange) << toString(values.takeError());
  auto array = makeArray(type.getElementType(), type.getShape());
  for (auto [target, value] : llvm::zip_equal(array->floats, *values))
    target = roundToType(type.getElementType(), value);
  return array;
}
