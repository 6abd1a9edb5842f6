//===- SpecParts.h - what items of --quantize are made of --------------------===//
#ifndef LUTRA_LIB_SUPPORT_SPECPARTS_H
#define LUTRA_LIB_SUPPORT_SPECPARTS_H

#include "lutra/Support/QuantizeSpec.h"

namespace lutra {

/// Digits with at most one point; without the exponents and names that getAsDouble takes.
bool parseNumber(llvm::StringRef text, double &number);

/// A share in percent up to `most`.
bool parseShare(llvm::StringRef text, double most, double &share);

/// Whether the first type of a text is one of weights.
bool startsWithWeights(llvm::StringRef text);

/// type ("|" type)* (":" option)*
llvm::Expected<std::vector<WeightForm>> parseWeights(llvm::StringRef text);

/// type (":" rounding)*
llvm::Expected<ActivationRounding> parseActivations(llvm::StringRef text);

} // namespace lutra

#endif // LUTRA_LIB_SUPPORT_SPECPARTS_H
