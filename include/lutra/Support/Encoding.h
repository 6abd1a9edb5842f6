//===- Encoding.h - how the values of a tensor are stored, as data -----------===//
// The meaning of an encoded tensor W[n, k] (k is the last dimension, n counts all others) is a sum of terms over a
// permuted and partitioned index space; a dense term is
//
//   W[n, k] = product over scales of S[n / gn, k / gk] * (value(code[n, k]) - zero[n, k])
//
// so one grammar covers integers, small floats, codebooks, block floats and what papers add to them.
// These structs are that grammar. #lutra.encoding holds one Encoding; codecs, packers and the evaluator
// read it from here, without MLIR. Canonical bytes: EncodedLayout.h, EncodedTensor.h; orders that kernels want:
// #lutra.packing.
// Facts that lowering needs are computed from the structs (EncodingFacts.cpp), never written by hand.
#ifndef LUTRA_SUPPORT_ENCODING_H
#define LUTRA_SUPPORT_ENCODING_H

#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lutra {

/// The whole extent of a dimension, as a group size or a bound.
constexpr int64_t kWhole = -1;

/// The type of a side value (scale, zero point, table entry): u1..u16, i2..i16, f32, f16, bf16, e8m0,
/// e4m3, ue4m3, e5m2.
struct SideType {
  enum Kind { Uint, Int, F32, F16, BF16, E8M0, E4M3, UE4M3, E5M2 } kind = F32;
  unsigned width = 32; // of Uint and Int
  unsigned bits() const;
  bool isInteger() const { return kind == Uint || kind == Int; }
  static std::optional<SideType> parse(llvm::StringRef text);
  std::string text() const;
};

/// What is stored for each element (or run of elements).
struct CodeForm {
  enum Kind {
    Uint,   // uint<b>
    Int,    // int<b>: two's complement
    Planes, // planes<b0, b1, ..>: the fields of one code in separate planes, low bits first
    Radix,  // radix<r, n, bits>: n digits of base r in a word of `bits`
    Dict    // dict<bits, @table, fixed<n>> or dict<bits, @table, prefix<mean>>: index of a run of codes
  } kind = Uint;
  std::vector<int64_t> numbers; // in the order of the text
  std::string table;
  bool prefix = false; // runs of different lengths
  double length = 0;   // of a run; the mean with `prefix`
  /// Bits of one code as the value map sees it (digits of base r have ceil(log2 r)).
  unsigned codeBits() const;
};

/// From code to value.
struct ValueMap {
  enum Kind {
    Affine,  // affine<o>: code + o
    Bipolar, // bipolar: 2 code - (2^b - 1)
    Float,   // float<e, m, bias, special>: sign, e exponent and m mantissa bits
    SignMag, // signmag: top bit is the sign of the rest
    Pot,     // pot<n, k>: sign bit and n fields of k bits, each a power of two (n = 1: 2^field; else 0 or 2^-i)
    Table    // table<entries, elem, ..>: an entry of a table
  } kind = Affine;
  int64_t offset = 0;                                  // Affine
  int64_t exponent = 0, mantissa = 0, bias = 0;        // Float
  enum Special { None, Fn, Ieee } special = None;      // Float: no infinities or NaN; NaN alone; both
  int64_t terms = 1, field = 0;                        // Pot
  int64_t entries = 0, vector = 1, selectBits = 0;     // Table: entries, elements of an entry, group<bits>
  SideType element;                                    // Table
  enum Select { Tensor, Row, Group } select = Tensor;  // Table: which table holds for an element
  std::vector<double> values;                          // Table: known entries, all tables one after another
  enum Sign { Own, Plane, Parity7 } sign = Own;        // signed_by<..>: sign stored apart
};

/// One factor of the scale tree; groups of gn x gk elements share it.
struct ScaleForm {
  SideType element;
  int64_t gn = kWhole, gk = kWhole;
  enum Map { Linear, Affine, Minus } map = Linear; // Affine: + offset; Minus: - a stored zero
  double offset = 0;
  SideType zeroElement; // Minus
  int64_t zeroGn = kWhole, zeroGk = kWhole;
};

/// What is subtracted.
struct ZeroForm {
  enum Kind {
    None,
    Const,  // const<c>: one number, inside the scales
    Tensor, // tensor<elem, gn, gk, code|value, scales>: stored, inside (code) or outside (value) the scales
    Min     // min<elem, gn, gk, scales>: stored with scales of its own, outside
  } kind = None;
  double constant = 0;
  SideType element;
  int64_t gn = kWhole, gk = kWhole;
  bool inValue = false;
  bool minus = false; // minus<elem, gn, gk>: less a stored zero of its own, before its scales
  SideType minusElement;
  int64_t minusGn = kWhole, minusGk = kWhole;
  std::vector<ScaleForm> scales;
};

/// Codes, their values, scales and zero points.
struct WeightFormat {
  CodeForm code;
  ValueMap value;
  std::vector<ScaleForm> scales;
  ZeroForm zero;
};

/// Which elements of a sparse term are stored.
struct SparsityForm {
  enum Kind { None, NM, Block, Bitmap, Csr } kind = None;
  // nm<n, m, index bits>; block<bn, bk, csr|bitmap>; bitmap<word>; csr<index, pointer bits>
  int64_t a = 0, b = 0, c = 0;
  bool blockBitmap = false;
  double density = 1; // share of stored elements (blocks); of nm it is n / m
};

/// A rectangle [rowBegin, rowEnd) x [columnBegin, columnEnd) with a format of its own.
struct PartRange {
  int64_t rowBegin = 0, rowEnd = kWhole, columnBegin = 0, columnEnd = kWhole;
};

/// One summand.
struct EncodingTerm {
  enum Kind {
    Dense,   // dense<format>
    Sparse,  // sparse<format, sparsity>
    LowRank, // lowrank<rank, format of [N, r], format of [r, K]>
    Parts,   // parts<rows<..> cols<..> : {format}, ..>
    TypeMap  // typemap<@map, gn, gk, [shares], {format}, ..>: a format for each gn x gk block
  } kind = Dense;
  std::vector<WeightFormat> formats;
  SparsityForm sparsity;
  int64_t rank = 0;
  std::vector<PartRange> regions;
  std::string map;
  int64_t gn = 1, gk = 1;
  std::vector<double> shares;
};

/// The form in which a product wants the other operand.
struct ActivationForm {
  enum Kind { Unset, F32, F16, BF16, E4M3, E5M2, Int, Blocks } kind = Unset;
  int64_t bits = 8;      // Int
  bool symmetric = true; // Int
  int64_t group = 0;     // Int, E4M3, E5M2: elements along k that share a scale; kWhole: a row; 0: the tensor
  std::string map;       // Blocks: which of `choices` each block of `block` elements along k takes
  int64_t block = 0;
  std::vector<ActivationForm> choices;

  bool isFp8() const { return kind == E4M3 || kind == E5M2; }
};

/// The whole attribute.
struct Encoding {
  std::vector<EncodingTerm> terms;
  std::string permN, permK; // symbols of index lists, empty: identity
  ActivationForm activation;
  /// The canonical text, as between the angle brackets of #lutra.encoding<..>.
  void print(llvm::raw_ostream &out) const;
  std::string text() const;
  /// What is wrong with it, or nothing. Numbers as in the attribute's documentation.
  std::optional<std::string> findError() const;
};

inline bool operator==(const Encoding &a, const Encoding &b) { return a.text() == b.text(); }
inline llvm::hash_code hash_value(const Encoding &encoding) {
  return llvm::hash_value(encoding.text());
}

/// The value of one code before scales and zero points (component `element` of a vector entry, table
/// `table` of a selected one); nothing where the table is not known or the code names no number. Codes out of a
/// dictionary have 8 bits.
std::optional<double> valueOfCode(const WeightFormat &format, int64_t code, int64_t table = 0,
                                  int64_t element = 0);

/// Elements n, k that share the table of `select<group, ..>`: those of the finest scale.
std::pair<int64_t, int64_t> selectorGroup(const WeightFormat &format);

/// What lowering needs to know of a format.
struct FormatFacts {
  bool known = true;                // false: the values are in a table stored apart
  double minimum = 0, maximum = 0;  // of the values
  std::optional<double> int8Unit;   // greatest u with all value / u integers; only if these are in [-127, 127]
  bool bfloatExact = false;         // all values are bf16 numbers
  bool oddSymmetric = false;        // with v also -v is a value
  bool monotone = false;            // a greater code has a greater value
  bool needsActivationSums = false; // a zero term multiplies sums of the other operand ..
  int64_t sumGroup = kWhole;        // .. over so many elements along k
  bool rowScaleOutermost = false;   // the last scale is the same along k
};
FormatFacts factsOf(const WeightFormat &format);

/// Bytes of all arrays that store an n x k tensor, without the gaps of their alignment. EncodedLayout::of must
/// accept them.
int64_t storedBytes(const Encoding &encoding, int64_t n, int64_t k);

/// 8 * storedBytes / (n * k).
double bitsPerWeight(const Encoding &encoding, int64_t n, int64_t k);

} // namespace lutra

#endif // LUTRA_SUPPORT_ENCODING_H
