//===- EncodedLayout.h - which arrays store an encoded tensor, and where -----===//
// The canonical form of an n x k tensor: a list of arrays, each at a multiple of 64 bytes, in this order for each
// term and each format of the term:
//
//   codes (a plane after the other), run starts, sign planes, table, table selectors, scales (the finest first, each
//   followed by its zeros), zero points or minima (followed by their zeros and scales)
//
// then what belongs to the term (positions of a sparse term, type map) and, at the end, permutations and the
// activation's block map. An array is a matrix of fields of one width; each of its rows is one little-endian bit
// stream that starts on a byte (CodeStream.h). So dense codes lie row by row along k, and the weight and the packed
// zero points of com.microsoft.MatMulNBits are this form unchanged where k is a multiple of the group. Kernels want
// another order; #lutra.packing says which.
//
// Sizes depend on the encoding and the shape alone: a sparse term has room for ceil(density * elements), a
// dictionary with prefix codes for ceil(elements / mean) code words. Dictionaries are shared by many tensors and lie
// in a global of their own (EncodedTensor.h).
#ifndef LUTRA_SUPPORT_ENCODEDLAYOUT_H
#define LUTRA_SUPPORT_ENCODEDLAYOUT_H

#include "lutra/Support/Encoding.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace lutra {

enum class ArrayRole : uint8_t {
  Codes,         // [rows, codes]: fields of the code's width; words of a radix; indices of a dictionary
  RunStarts,     // [1, rows + 1] u32: first code word of each row (prefix dictionaries)
  Signs,         // [rows, columns] u1, or [rows, columns / 8] u7 whose parity is the eighth sign
  Table,         // [tables, entries x vector]
  Selectors,     // [groups of the finest scale]
  Scales,        // [n / gn, k / gk]
  ScaleZeros,    // what `minus` subtracts from a scale
  Zeros,         // zero points, or minima
  ZeroMinus,     // what `minus` subtracts from a zero point
  ZeroScales,    // scales of zero points or minima
  ZeroScaleZeros,
  Places,        // nm: place in its group, [rows, stored]; csr: column; block csr: block column
  Starts,        // csr: first stored element (block) of each row (row of blocks)
  Mask,          // [rows, columns or block columns] u1
  TypeMap,       // [n / gn, k / gk]: format of each block
  PermN,         // [1, n] u32: stored row i is row perm_n[i] of the tensor
  PermK,         // the same for columns
  ActivationMap  // [1, k / block]: form of each block of the other operand
};

/// One array. `row` fields of `element` width form a row; `rows` rows follow one another.
struct EncodedArray {
  ArrayRole role = ArrayRole::Codes;
  int term = -1, format = -1; // -1: belongs to the tensor, to the term
  int level = 0;              // plane; position in a list of scales
  SideType element;           // codes: u<width>
  int64_t rows = 0, columns = 0;
  int64_t rowBytes = 0, offset = 0, bytes = 0;
  std::string name; // "term0.scale1", "term1.format0.codes", "perm_k": unique in a layout
};

/// The rows and columns of what one format stores: `rows` x `columns` is its index space (groups are counted in it),
/// stored elements lie in streams of `streamRows` x `streamColumns` (the same for a dense format).
struct FormatExtent {
  int64_t rows = 0, columns = 0, streamRows = 0, streamColumns = 0;
};

struct EncodedLayout {
  int64_t n = 0, k = 0;
  std::vector<EncodedArray> arrays;
  std::vector<std::vector<FormatExtent>> extents; // by term and format
  int64_t payload = 0; // sum of the arrays' bytes
  int64_t bytes = 0;   // with the gaps of the alignment

  const EncodedArray *find(ArrayRole role, int term = -1, int format = -1, int level = 0) const;

  /// Fails when a size overflows, regions overlap, or an index does not fit its field.
  static llvm::Expected<EncodedLayout> of(const Encoding &encoding, int64_t n, int64_t k);
};

/// Arrays start at multiples of it.
constexpr int64_t kArrayAlignment = 64;

/// Blocks of each format of a type map over so many blocks.
std::vector<int64_t> blocksOfFormats(const EncodingTerm &term, int64_t blocks);

/// The region of a part, cut to n x k.
PartRange clipRange(const PartRange &range, int64_t n, int64_t k);

/// Number of groups of size `group` that cover `size` (kWhole: one).
inline int64_t groupsOf(int64_t size, int64_t group) {
  return group == kWhole ? 1 : (size + group - 1) / group;
}

} // namespace lutra

#endif // LUTRA_SUPPORT_ENCODEDLAYOUT_H
