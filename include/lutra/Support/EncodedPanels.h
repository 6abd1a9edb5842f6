//===- EncodedPanels.h - codes of an encoded matrix in the order of kernels --===//
// #lutra.packing<width, depth> inside an encoding: the rows n of W[n, k] are the columns of a product's result, and
// `width` of them form a panel. Arrays follow each other, each at a multiple of 64 bytes:
//
//   codes      [panels][ceil(k / depth)][words][width] words of codes (CodeWords)
//   scales     [panels][ceil(k / group)][width] for each scale of the list, the finest first; as the encoding stores
//              them, in whole bytes
//   zeros      zero points, likewise; none for a constant one
//   selectors  which table each group takes, in a byte, likewise; none for one table
//   table      f32 of every code, where the value of a code is neither arithmetic nor one of 16, or not known; of all
//              tables one after another
//
// What is no element of the matrix holds code 0, scale 0, zero point 0 and table 0. A dense term has this form where
// its codes have at most 8 bits, zero points lie inside the scales and tables hold single values.
#ifndef LUTRA_SUPPORT_ENCODEDPANELS_H
#define LUTRA_SUPPORT_ENCODEDPANELS_H

#include "lutra/Support/Encoding.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

namespace lutra {

/// Codes of `bits` bits in words of B bytes. The least number of words that whole codes fill hold `fields` codes in
/// each byte; byte b of field f is code f * B + b of a step, so that the codes of a field are neighbours along k. Whole
/// codes fill a byte from its low end; what they leave of all words, one after the other, holds the fields that are
/// left:
///
///   3 bits, 3 words   word 0: f0 f1 f6[0:2]   word 1: f2 f3 f6[2] f7[0]   word 2: f4 f5 f7[1:3]
///
/// Codes 0 to 2 may also lie in `triples`: 5 bits hold c0 + 3 c1 + 9 c2, and field f of those holds the codes of fields
/// 3 f, 3 f + 1 and 3 f + 2. Seven words hold eleven of them, of whose last nothing is third: 32 fields.
///
/// Codes may also lie bit by bit in words of one byte: bit p of code k of a step of `planes` codes is bit k mod 8 of
/// word p * planes / 8 + k div 8.
struct CodeWords {
  unsigned bits = 8;
  bool triples = false; // of codes of 2 bits
  unsigned planes = 0;  // codes of a step whose bits lie apart; 0: they do not
  /// `count` bits of a code from bit `to` on, which lie at bit `at` of word `word`.
  struct Piece {
    unsigned word, at, count, to;
  };
  unsigned words() const;
  unsigned fields() const;
  /// Of what lies in words.
  unsigned storedBits() const { return triples ? 5 : bits; }
  unsigned storedFields() const { return triples ? 11 : fields(); }
  llvm::SmallVector<Piece, 7> piecesOf(unsigned field) const;
  /// The code of a field in what its pieces make.
  unsigned codeOf(unsigned stored, unsigned field) const;
};

/// Scales, zero points or selectors in panels.
struct PanelSide {
  SideType element;
  double offset = 0; // added to what is stored
  int64_t gk = 0;    // elements along k that share one; k: a row
  int64_t at = 0;    // first byte
  int64_t bytes() const { return (element.bits() + 7) / 8; }
};

struct EncodedPanels {
  int64_t n = 0, k = 0, width = 0, depth = 0;
  CodeWords code;
  ValueMap map;      // of codes; two's complement codes are stored with the sign bit flipped
  /// Value of each code as it is stored; all tables one after another. Less a constant zero point. NaN: names none.
  /// Empty where the encoding does not tell.
  std::vector<double> values;
  int64_t group = 0; // elements along k that share all side values; k: a row
  std::vector<PanelSide> scales;
  std::optional<PanelSide> zero, selector;
  std::optional<int64_t> tableAt;
  int64_t tables = 1; // of which a group takes one; values may not be known
  int64_t bytes = 0;

  int64_t panels() const { return (n + width - 1) / width; }
  int64_t steps() const { return (k + depth - 1) / depth; }
  int64_t groups() const { return (k + group - 1) / group; }
  int64_t groupsOf(const PanelSide &side) const { return (k + side.gk - 1) / side.gk; }
  int64_t wordBytes() const { return depth / code.fields(); }
  int64_t stepBytes() const { return code.words() * width * wordBytes(); }
  /// Entries of the stored tables.
  int64_t storedEntries() const { return tableAt ? tables << code.bits : 0; }
  llvm::ArrayRef<double> table(int64_t index) const {
    return llvm::ArrayRef(values).slice(index << code.bits, size_t(1) << code.bits);
  }
  /// factor and offset where value = factor * code + offset for all codes.
  std::optional<std::pair<double, double>> linear() const;
  /// Whether values follow from the bits of a code: linear ones, and small floats beside no zero point.
  bool isArithmetic() const;

  /// The form of an n x k matrix, or why it has none.
  static llvm::Expected<EncodedPanels> of(const Encoding &encoding, int64_t n, int64_t k, int64_t width, int64_t depth);
  /// From the canonical bytes (EncodedLayout.h) to panels and back.
  void pack(const Encoding &encoding, llvm::ArrayRef<uint8_t> canonical, llvm::MutableArrayRef<uint8_t> packed) const;
  void unpack(const Encoding &encoding, llvm::ArrayRef<uint8_t> packed, llvm::MutableArrayRef<uint8_t> canonical) const;
};

/// Codes along k that fill words of `bytes` bytes; 0 where an encoding has no panels.
int64_t panelDepthOf(const Encoding &encoding, int64_t bytes);
/// The same in triples, which only digits of base 3 have. No other words have that depth: it tells them.
int64_t tripleDepthOf(const Encoding &encoding, int64_t bytes);
/// The same in planes of bits, for codes of 2 to 4 bits; 0 for others. No other words have that depth.
int64_t planeDepthOf(const Encoding &encoding);

} // namespace lutra

#endif // LUTRA_SUPPORT_ENCODEDPANELS_H
