//===- FloatStorage.cpp - bf16 and fp8 values as the bits that they are -------===//
// Kernels compute in f32: values of bf16 and fp8 are only loaded, moved, stored and taken apart (ExpandMath.cpp).
// LLVM's x86 back end still treats vectors of bf16 as something to compute with, and calls __truncsfbf2, a function of
// a compiler's library, to move an element; of fp8 it knows nothing. As integers they are moved like any other bits.
#include "Internal.h"

#include "mlir/IR/AttrTypeSubElements.h"

using namespace mlir;

/// The integer in whose place such a float is stored; null: another type.
static Type bitsOf(Type type) {
  if (isa<BFloat16Type, Float8E4M3FNType, Float8E5M2Type>(type))
    return IntegerType::get(type.getContext(), type.getIntOrFloatBitWidth());
  return {};
}

void lutra::storeFloatsAsBits(ModuleOp module) {
  AttrTypeReplacer replacer;
  replacer.addReplacement([&](FloatType type) -> std::optional<Type> {
    Type bits = bitsOf(type);
    return bits ? std::optional<Type>(bits) : std::nullopt;
  });
  replacer.addReplacement([&](FloatAttr attr) -> std::optional<Attribute> {
    Type bits = bitsOf(attr.getType());
    if (!bits)
      return std::nullopt;
    return IntegerAttr::get(bits, attr.getValue().bitcastToAPInt());
  });
  replacer.addReplacement([&](DenseElementsAttr attr) -> std::optional<Attribute> {
    Type bits = bitsOf(attr.getElementType());
    if (!bits)
      return std::nullopt;
    return attr.bitcast(bits);
  });
  replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true, /*replaceLocs=*/false,
                                        /*replaceTypes=*/true);
}
