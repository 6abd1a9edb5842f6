//===- QuantizeSpec.h - what --quantize asks for -----------------------------===//
// spec    ::= item ("," item)*                        later items win
// item    ::= "weights=" weights | "layer(" glob ").weights=" weights | "activations=" ("int8" | "f32")
//           | "exclude=" glob (";" glob)* | "int8" | "int4" | "w4a8"
// weights ::= ("int2" | "int4" | "int8") (":" option)* | "f32"
// option  ::= "g" N | "channel" | "sym" | "asym" | "rtn" | "mse" | "scale=f16" | "scale=f32"
//
// Weights of 2 and 4 bits have groups of 32 along K with a zero point each and scales by search, those of 8 bits one
// symmetric scale for each row, unless options say else. Activations of int8 are rounded while the model runs, each
// group of the weight with a scale of its own. int8: weights=int8; int4: weights=int4; w4a8: both of
// weights=int4,activations=int8.
#ifndef LUTRA_SUPPORT_QUANTIZESPEC_H
#define LUTRA_SUPPORT_QUANTIZESPEC_H

#include "lutra/Support/Encoding.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>

namespace lutra {

/// The form of a weight [N, K].
struct WeightForm {
  unsigned bits = 4;         // 0: stays as it is
  int64_t group = 32;        // elements along K that share a scale; kWhole: a row
  bool symmetric = false;    // codes about the middle one, else a stored zero point for each group
  bool search = true;        // scales of least squared error, else those that let the extremes just fit
  bool halfScales = true;    // scales of f16 where they fit, else of f32
  bool operator==(const WeightForm &other) const {
    return bits == other.bits && group == other.group && symmetric == other.symmetric && search == other.search &&
           halfScales == other.halfScales;
  }
  /// The encoding, with activations that may be rounded to 8 bits or not.
  Encoding encoding(bool rounded) const;
};

struct QuantizeSpec {
  struct Rule {
    std::string glob; // of weights, or of the products that read them
    WeightForm form;
    bool named = false; // by layer(..): also small weights
  };
  std::vector<Rule> rules; // the last that matches holds
  bool roundActivations = false;

  /// The spec of a text, or what is wrong with it and what there is instead.
  static llvm::Expected<QuantizeSpec> parse(llvm::StringRef text);
};

} // namespace lutra

#endif // LUTRA_SUPPORT_QUANTIZESPEC_H
