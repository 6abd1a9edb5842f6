//===- QuantizeSpec.h - what --quantize asks for -----------------------------===//
// spec    ::= item ("," item)*                        later items win
// item    ::= "weights=" weights | "layer(" glob ").weights=" weights | "activations=" activations
//           | "exclude=" glob (";" glob)* | "budget=" number ("bpw" | "MB" | "ms") | "holdout=" percent
//           | "int8" | "int4" | "w4a8" | "w8a8"
// activations ::= "f32" | "int" N (":" ("group" | "token" | "static" | "static-mse"))?
// weights ::= type ("|" type)* (":" option)* | "auto" (":" option)* | "f32"
// type    ::= "int2" .. "int8" | "fp4" | "mxfp4" | "nvfp4" | "nf4" | "iq4nl" | "bitmod3" | "bitmod4" | "fp6" | "fp8"
// option  ::= "g" N | "channel" | "sym" | "asym" | "rtn" | "mse" | "gptq" | "scale=f16" | "scale=f32"
//           | "outliers=" percent "%" | "lowrank=" rank
//
// What a type means without options stands in docs/quantization.md. Several types are a choice that a budget makes,
// layer by layer; auto is int2|int3|int4|int5|int6|int8 in groups of 64. Activations of N bits are rounded while the
// model runs, each group of the weight (or each row) with a scale of its own, or all with one that a calibration
// chose. int8: weights=int8; int4: weights=int4; w4a8 and w8a8: these with activations=int8.
#ifndef LUTRA_SUPPORT_QUANTIZESPEC_H
#define LUTRA_SUPPORT_QUANTIZESPEC_H

#include "lutra/Support/Encoding.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cmath>
#include <optional>

namespace lutra {

/// How products round their other operand.
struct ActivationRounding {
  enum Scales {
    None,
    Group,  // for each group of the weight, from its largest magnitude while the model runs
    Token,  // for each row, likewise
    Extremes, // one for all, so that the extremes of a calibration just fit
    Squares   // one for all, of least squared error on a calibration
  } scales = None;
  unsigned bits = 8;

  bool isStatic() const { return scales == Extremes || scales == Squares; }
};

/// The form of a weight [N, K].
struct WeightForm {
  enum Values { Keep, Integer, Fp4, MxFp4, NvFp4, Nf4, Iq4, BitMod, Fp6, Fp8 };
  enum Method {
    Nearest, // scales that let the extremes just fit
    Search,  // scales of least squared error
    Gptq     // codes that make up for the errors of those before them on inputs of a calibration
  };
  Values values = Integer; // Keep: stays as it is
  unsigned bits = 4;
  int64_t group = 32;                     // elements along K that share a scale; kWhole: a row
  bool symmetric = false;                 // of integers: codes about the middle one, else a zero point for each group
  Method method = Search;
  SideType::Kind scale = SideType::F16;   // f16 becomes f32 where it is too narrow
  bool methodGiven = false;               // else a calibration makes it Gptq; no part of equality
  double outliers = 0;                    // share of the columns whose rest is stored in bytes
  int64_t rank = 0;                       // of a term for what is left then; 0: none

  bool keeps() const { return values == Keep; }
  bool isInteger() const { return values == Integer; }
  /// Scales of a type of their own, which nothing replaces.
  bool hasOwnScales() const { return values == MxFp4 || values == NvFp4; }
  bool operator==(const WeightForm &other) const {
    return values == other.values && bits == other.bits && group == other.group && symmetric == other.symmetric &&
           method == other.method && scale == other.scale && outliers == other.outliers && rank == other.rank;
  }
  bool isSum() const { return outliers > 0 || rank > 0; }
  /// Columns of an encoding of K that are stored besides.
  int64_t outlierColumns(int64_t k) const {
    return outliers > 0 ? std::max<int64_t>(1, std::llround(outliers * static_cast<double>(k))) : 0;
  }
  /// The form of a type's name without options.
  static std::optional<WeightForm> of(llvm::StringRef type);
  /// "int4:g32:asym", as a spec has it, without the method.
  std::string text() const;
  /// The encoding without the terms besides, with activations that may be rounded while the model runs or not.
  Encoding encoding(const ActivationRounding &rounding = {}) const;
  /// The encoding of an n x k matrix with all its terms.
  Encoding encodingOf(int64_t n, int64_t k, const ActivationRounding &rounding = {}) const;
};

llvm::StringRef methodName(WeightForm::Method method);

struct QuantizeSpec {
  struct Rule {
    std::string glob; // of weights, or of the products that read them
    std::vector<WeightForm> forms; // of several, the budget chooses one
    bool named = false; // by layer(..): also small weights
  };
  std::vector<Rule> rules; // the last that matches holds
  ActivationRounding activations;
  double budgetBits = 0;     // per weight, with its side data; 0: none
  double budgetBytes = 0;    // of all weights; 0: none
  double budgetTime = 0;     // nanoseconds of a call; 0: none
  double holdout = 0;        // share of the samples that measure and fit nothing

  bool hasChoice() const;
  bool wants(WeightForm::Method method) const;

  /// The spec of a text, or what is wrong with it and what there is instead.
  static llvm::Expected<QuantizeSpec> parse(llvm::StringRef text);
};

} // namespace lutra

#endif // LUTRA_SUPPORT_QUANTIZESPEC_H
