//===- Dictionaries.cpp - what the codes of dict<..> stand for -----------------===//
#include "lutra/Dialect/Lutra/IR/Dictionaries.h"

#include "lutra/Support/ConstantBytes.h"

using namespace mlir;

namespace lutra {

FailureOr<DictionaryTable> readDictionaries(const Encoding &encoding, const DictionarySource &source) {
  DictionaryTable table;
  for (const auto &[name, form] : dictionariesOf(encoding)) {
    GlobalOp global = source.find(name);
    FailureOr<SmallVector<char, 0>> bytes = failure();
    if (global && global.getData().getElementType().isInteger(8))
      bytes = constantBytes(global.getData());
    if (failed(bytes))
      return source.refuse(ErrorCode::GraphStructure)
             << "reads the dictionary @" << name << ", which is no lutra.global of bytes";
    auto dictionary =
        CodeDictionary::read(form, ArrayRef(reinterpret_cast<const uint8_t *>(bytes->data()), bytes->size()));
    if (!dictionary)
      return source.refuse(ErrorCode::ExternalRange) << llvm::toString(dictionary.takeError());
    table.emplace(name, std::move(*dictionary));
  }
  return table;
}

} // namespace lutra
