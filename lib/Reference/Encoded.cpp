//===- Encoded.cpp - values of encoded tensors ------------------------------===//
#include "Encoded.h"

#include "lutra/Dialect/Lutra/IR/Dictionaries.h"
#include "lutra/Support/EncodedPanels.h"

using namespace mlir;
using namespace lutra;

FailureOr<std::shared_ptr<Array>> lutra::decodeEncoded(Operation *op, ArrayRef<uint8_t> bytes,
                                                       RankedTensorType type, Interpreter &interpreter) {
  auto encoding = cast<EncodingAttr>(type.getEncoding());
  auto find = [&](StringRef name) {
    return dyn_cast_if_present<GlobalOp>(interpreter.lookup(op, StringAttr::get(op->getContext(), name)));
  };
  FailureOr<DictionaryTable> dictionaries =
      readDictionaries(encoding.getValue(), {find, [&](ErrorCode code) { return refuse(op, code); }});
  if (failed(dictionaries))
    return failure();
  int64_t k = type.getShape().back();
  int64_t n = ShapedType::getNumElements(type.getShape().drop_back());
  std::vector<uint8_t> canonical;
  if (PackingAttr packing = encoding.getPacking()) {
    // The type's verifier asked the same.
    EncodedPanels panels =
        llvm::cantFail(EncodedPanels::of(encoding.getValue(), n, k, packing.getWidth(), packing.getDepth()));
    if (static_cast<int64_t>(bytes.size()) < panels.bytes)
      return refuse(op, ErrorCode::ExternalRange)
             << "holds " << bytes.size() << " bytes, but its packing needs " << panels.bytes;
    canonical.resize(llvm::cantFail(EncodedLayout::of(encoding.getValue(), n, k)).bytes);
    panels.unpack(encoding.getValue(), bytes, canonical);
    bytes = canonical;
  }
  auto values = decodeTensor(encoding.getValue(), n, k, bytes, *dictionaries);
  if (!values)
    return refuse(op, ErrorCode::ExternalRange) << toString(values.takeError());
  auto array = makeArray(type.getElementType(), type.getShape());
  for (auto [target, value] : llvm::zip_equal(array->floats, *values))
    target = roundToType(type.getElementType(), value);
  return array;
}
