//===- QuantizeSpec.h - what --quantize asks for -----------------------------===//
// spec    ::= item ("," item)*                        later items win; blanks around items, "=" and "|" mean nothing
// item    ::= ("weights=")? weights | "activations=" activations
//           | "layer(" pattern ")." ("weights=" weights | "activations=" activations | "strategy=" name)
//           | "embeddings=" ("int8" | "int4" | "nf4" | "f32" | "none")
//           | "kv=" (("int8" | "int4") (":token")? (":sym" | ":asym")? | "f32")
//           | "exclude=" pattern (";" pattern)*
//           | "budget=" (number ("bpw" | "MB" | "ms") | "ms") | "loss<=" number
//           | "holdout=" percent | "samples=" ("file" | "axis0") | "damp=" number
//           | "w4a8" | "w8a8" | "small" | "fast" | "best"
// activations ::= "f32" | "none" | "bf16" | "f16" | ("int" N | "fp8" | "fp8e5m2") (":" rounding)*
// rounding ::= "group" | "g" N | "token" | "tensor" | "dynamic" | "static" ("=" range)? | "static-mse" | "sym" | "asym"
//           | "smooth" ("=" number)? | "blocks8=" percent "%"
// range   ::= "minmax" | "mse" | "p" percent | "entropy"
// weights ::= type ("|" type)* (":" option)* | "auto" (":" option)* | "f32" | "none"
// option  ::= "g" N | "channel" | "block<" N "x" M ">" | "sym" | "asym" | "rtn" | "mse" | "hqq" | "awq" | "gptq"
//           | "gptq-seq" | "scale=f16" | "scale=f32" | "outliers=" percent "%" | "scattered" | "lowrank=" rank
//           | "sorted" | "rows8=" percent "%" | "groups4=" percent "%" | "vector=" N
//
// Types, and what they mean without options, stand in docs/quantization.md. Percents, like budgets, are written without
// exponents. Commas in brackets of a pattern are its own. awq goes beside another method; alone it is followed by mse.
// Several types are a choice that a budget or a bound of the loss makes, layer by layer; auto is
// int2|int3|int4|int5|int6|int8 in groups of 64. Of budgets one in size and one in time hold together. budget=ms goes
// beside a bound: as little time as it allows, else as few bytes. Activations of N bits are rounded while the model
// runs, each group of the weight (or each row) with one scale, or all with one, found then or by a calibration. w4a8,
// or fast: weights=int4,activations=int8; w8a8: weights=int8,activations=int8; small, best: int4, or int8, for
// weights and, where there are any, embeddings.
#ifndef LUTRA_SUPPORT_QUANTIZESPEC_H
#define LUTRA_SUPPORT_QUANTIZESPEC_H

#include "lutra/Support/Encoding.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace lutra {

/// How products round their other operand.
struct ActivationRounding {
  enum Scales {
    None,
    Group,    // for each group (of the weight, unless `group` says), from its largest magnitude while the model runs
    Token,    // for each row, likewise
    Tensor,   // one for all, likewise
    Extremes, // one for all, so that the extremes of a calibration just fit
    Squares,  // one for all, of least squared error on a calibration
    Quantile, // one for all, that clips what lies beyond a share of the values of a calibration
    Entropy   // one for all, whose codes' distribution is the nearest to that of a calibration
  } scales = None;
  unsigned bits = 8;
  bool symmetric = true; // of those from the model's values: else with a zero point
  ActivationForm::Kind type = ActivationForm::Int; // BF16, F16: without scales
  double wideBlocks = 0; // share of the blocks of channels that take 8 bits
  bool smooths = false;  // factors have moved from inputs into the weight before, so that channels are alike
  double smoothing = 0;  // power of those; 0: the best of some
  double quantile = 1;   // share of the values that a Quantile does not clip
  int64_t group = 0;     // elements of a Group; 0: those of the weight's groups

  /// "int8" or "fp8", as a spec has it.
  std::string typeName() const;
  /// "static" and the like, as a spec has it; empty: without scales.
  std::string scalesName() const;
  bool isStatic() const { return scales >= Extremes; }
  /// One scale for all, which the graph computes or holds.
  bool isWhole() const { return scales >= Tensor; }
  bool isFp8() const { return type == ActivationForm::E4M3 || type == ActivationForm::E5M2; }
  /// Channels of a block, in the order of their magnitudes.
  static constexpr int64_t channelBlock = 128;
  /// Blocks of K channels that take 8 bits.
  int64_t wideBlocksOf(int64_t k) const {
    int64_t blocks = std::max<int64_t>(1, (k + channelBlock - 1) / channelBlock);
    return std::clamp<int64_t>(std::llround(wideBlocks * static_cast<double>(blocks)), 1, blocks);
  }
  /// Whether anything is rounded.
  bool isAsked() const { return scales != None || type != ActivationForm::Int; }
};

/// A rounding of the left-hand sides of the weights, or products, whose names match.
struct ActivationRule {
  std::string pattern; // see NamePattern.h
  ActivationRounding rounding;
};

/// How the products whose weights, or names, match are to be computed.
struct StrategyRule {
  std::string pattern;  // see NamePattern.h
  std::string strategy; // see ProductStrategy.h
};

/// The form of a weight [N, K].
struct WeightForm {
  enum Values {
    Keep,
    Integer,
    Fp4,     // e2m1
    NvFp4,
    Nf4,
    Iq4,
    BitMod,
    Fp6,     // e2m3
    Fp8,     // e4m3
    Fp6Wide, // e3m2
    Fp8Wide, // e5m2
    Pot,     // powers of two with a sign, without zero
    Block,   // integers about 0 that share an exponent
    Table,   // a table for the whole weight, found by k-means
    Dynamic, // of the dynamic tree of 8 bits
    KQuant,  // integers under scales, and minima, that are codes themselves
    Ternary, // -1, 0, 1, five to a byte
    Binary   // -1, 1
  };
  enum Method {
    Nearest,       // scales that let the extremes just fit
    Search,        // scales of least squared error
    HalfQuadratic, // zero points that are floats, of least error where few weights may be far off
    Gptq           // codes that make up for the errors of those before them on inputs of a calibration
  };
  Values values = Integer; // Keep: stays as it is
  unsigned bits = 4;
  int64_t group = 32;                     // elements along K that share a scale; kWhole: a row
  int64_t blockRows = 1;                  // rows that share it; more than one: of a block of them by `group` columns
  bool symmetric = false;                 // of integers: codes about the middle one, else a zero point for each group
  Method method = Search;
  bool sequential = false;                // of Gptq: inputs are those behind the codes of earlier weights
  bool scalesInputs = false;              // factors have moved from inputs into the weight before (InputScales.h)
  SideType::Kind scale = SideType::F16;   // f16 becomes f32 where it is too narrow
  bool methodGiven = false;               // else a calibration makes it Gptq; no part of equality
  double outliers = 0;                    // share of the columns whose rest is stored in bytes
  bool scattered = false;                 // share of the elements instead, whose rest is stored in f16
  int64_t rank = 0;                       // of a term for what is left then; 0: none
  bool sorted = false;                    // columns of falling magnitude, so that large ones share their groups
  int64_t vector = 1;                     // elements of an entry of a table
  double wideRows = 0;                    // share of the rows that take int8
  double wideGroups = 0;                  // share of the groups that take codes of 4 bits

  bool keeps() const { return values == Keep; }
  bool isInteger() const { return values == Integer; }
  /// Values are codes less a zero point.
  bool isLinear() const { return values == Integer || values == Block || values == KQuant; }
  /// Zero points are floats: those of `hqq`, and minima over their scale.
  bool hasFloatZeros() const {
    return (values == KQuant && !symmetric) || (values == Integer && method == HalfQuadratic);
  }
  /// Scales of either sign: codes about the middle one reach a step farther below it than above, which few bits need.
  bool hasSignedScales() const {
    return symmetric && (values == KQuant || (values == Integer && bits < 8 && method != Nearest));
  }
  /// Scales of a type of their own, which nothing replaces.
  bool hasOwnScales() const {
    return values == NvFp4 || values == Block || values == KQuant || scale == SideType::E8M0;
  }
  /// Groups of a K-quant that share the scale of their scales.
  int64_t superGroups() const { return superBlock / group; }
  static constexpr int64_t superBlock = 256;
  /// Different codes.
  int64_t codeCount() const { return values == Ternary ? 3 : int64_t(1) << bits; }
  bool operator==(const WeightForm &other) const {
    return values == other.values && bits == other.bits && group == other.group && symmetric == other.symmetric &&
           method == other.method && scalesInputs == other.scalesInputs && scale == other.scale &&
           sequential == other.sequential && blockRows == other.blockRows &&
           outliers == other.outliers && rank == other.rank && scattered == other.scattered &&
           sorted == other.sorted && wideRows == other.wideRows && vector == other.vector &&
           wideGroups == other.wideGroups;
  }
  bool isSum() const { return outliers > 0 || rank > 0; }
  /// Whether columns may be stored in another order for the sake of activations: they have no order yet, and groups do
  /// not straddle blocks of channels.
  bool maySort() const {
    return !sorted && !isSum() && !isMixed() && values != KQuant && (group == kWhole || group <= 128);
  }
  /// Whether some groups or rows have a type of their own.
  bool isMixed() const { return wideRows > 0 || wideGroups > 0; }
  /// The forms of the rows, and groups, that are coded more finely, and of the others.
  WeightForm wideForm() const;
  WeightForm narrowForm() const;
  int64_t wideRowsOf(int64_t n) const {
    int64_t rows = std::max<int64_t>(1, std::llround(wideRows * static_cast<double>(n)));
    return wideRows > 0 ? std::min(rows, n - 1) : 0;
  }
  /// Elements of an n x k matrix that are stored besides, if they are scattered.
  int64_t outlierElements(int64_t n, int64_t k) const {
    return std::max<int64_t>(1, std::llround(outliers * static_cast<double>(n * k)));
  }
  /// Columns of an encoding of K that are stored besides.
  int64_t outlierColumns(int64_t k) const {
    return outliers > 0 ? std::max<int64_t>(1, std::llround(outliers * static_cast<double>(k))) : 0;
  }
  /// The form of a type's name, or of one that others give it, without options.
  static std::optional<WeightForm> of(llvm::StringRef type);
  /// The name of the type, as `of` takes it.
  std::string typeName() const;
  /// "int4:g32:asym", as a spec has it, without the method.
  std::string text() const;
  /// The encoding without the terms besides and in one form, with activations that may be rounded while the model runs
  /// or not.
  Encoding encoding(const ActivationRounding &rounding = {}) const;
  /// The encoding of an n x k matrix with all its terms.
  Encoding encodingOf(int64_t n, int64_t k, const ActivationRounding &rounding = {}) const;

private:
  WeightFormat format() const;
};

/// The name of a method, as a spec has it; `sequential`: of those that go layer by layer.
llvm::StringRef methodName(WeightForm::Method method, bool sequential = false);

/// What there is instead of a type that others have and a spec has not; empty: no one knows it.
llvm::StringRef insteadOfType(llvm::StringRef type);

struct QuantizeSpec {
  struct Rule {
    std::string pattern; // of names of weights, or of the products that read them; see NamePattern.h
    std::vector<WeightForm> forms; // of several, the budget chooses one
    bool named = false; // by layer(..): also small weights
    /// Whether weights stay as they are; such a form is the only one.
    bool keeps() const { return forms.front().keeps(); }
  };
  std::vector<Rule> rules; // the last that matches holds
  std::vector<ActivationRule> activations; // likewise; none: floats
  std::vector<StrategyRule> strategies;    // likewise; none: what --strategy says
  unsigned embeddings = 0;      // bits of the codes of tables that are looked up in; 0: they stay
  bool normalEmbeddings = false; // 4 bits stand for values of nf4, not for integers
  bool embeddingsIfAny = false; // else a model without such tables is an error
  bool caches = false;       // keys and values of earlier tokens become codes, each row with a scale
  bool cacheZeroPoints = false; // each scale of those has a zero point as well
  unsigned cacheBits = 8;    // of 4 two lie in a byte, and groups of a row have scales of their own
  double budgetBits = 0;     // per weight, with its side data; 0: none
  double budgetBytes = 0;    // of all weights; 0: none
  double budgetTime = 0;     // nanoseconds of a call; 0: none; infinite: as few as the bound of the loss allows
  double lossBound = 0;      // of the weights' forms together; 0: none
  double damp = 0;           // share of the mean diagonal that GPTQ adds; 0: by the number of tokens
  double holdout = 0;        // share of the samples that measure and fit nothing
  bool splitsFiles = false;  // arrays of calibration files hold samples along their first axis

  bool hasChoice() const;
  /// Whether any weight of a product changes.
  bool hasWeights() const;
  bool wants(WeightForm::Method method) const;
  /// Whether any weight is to see the codes of those before it.
  bool isSequential() const;
  /// Whether the activations of any product are such.
  bool anyActivations(llvm::function_ref<bool(const ActivationRounding &rounding)> test) const;
  /// Whether factors are to move from the inputs of any product into its weight.
  bool scalesInputs() const;

  /// That of caches, as a spec has it: "int8", "int4:sym".
  std::string cacheType() const;
  /// The spec of a text, or what is wrong with it and what there is instead.
  static llvm::Expected<QuantizeSpec> parse(llvm::StringRef text);
};

} // namespace lutra

#endif // LUTRA_SUPPORT_QUANTIZESPEC_H
