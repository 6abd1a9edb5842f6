//===- Bf16Storage.cpp - bf16 values as the 16 bits that they are ------------===//
// Kernels compute in f32: bf16 values are only loaded, moved, stored and taken apart (ExpandMath.cpp). LLVM's
// x86 back end still treats vectors of them as something to compute with, and calls __truncsfbf2, a
// function of a compiler's library, to move an element. As i16 they are moved like any other bits.
#include "Internal.h"

#include "mlir/IR/AttrTypeSubElements.h"

using namespace mlir;

void lutra::storeBf16AsBits(ModuleOp module) {
  Type bits = IntegerType::get(module.getContext(), 16);
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](BFloat16Type) { return bits; });
  replacer.addReplacement([&](FloatAttr attr) -> std::optional<Attribute> {
    if (!attr.getType().isBF16())
      return std::nullopt;
    return IntegerAttr::get(bits, attr.getValue().bitcastToAPInt());
  });
  replacer.addReplacement([&](DenseElementsAttr attr) -> std::optional<Attribute> {
    if (!attr.getElementType().isBF16())
      return std::nullopt;
    return attr.bitcast(bits);
  });
  replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
}
