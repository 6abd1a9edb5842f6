//===- EncodedPanels.h - codes of an encoded matrix in the order of kernels --===//
// #lutra.packing<width, depth> inside an encoding: the rows n of W[n, k] are the columns of a product's result, and
// `width` of them form a panel. Three arrays follow each other, each at a multiple of 64 bytes:
//
//   codes   [panels][ceil(k / depth)][width] steps of `depth` codes that are neighbours along k, in whole bytes. Where
//           bytes hold whole codes, byte b of B holds codes b, b + B, b + 2 B .. of the step, the first one lowest: the
//           codes of one field of all bytes are neighbours. Else a step is one little-endian stream
//   scales  [panels][ceil(k / group)][width], as the encoding stores them
//   zeros   the same shape; integers in a byte each, floats as they are; none for a constant zero point
//
// What is no element of the matrix holds code 0, scale 0 and zero point 0. Only a dense term of integer codes with at
// most one scale and zero points of the scale's groups has this form.
#ifndef LUTRA_SUPPORT_ENCODEDPANELS_H
#define LUTRA_SUPPORT_ENCODEDPANELS_H

#include "lutra/Support/Encoding.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace lutra {

struct EncodedPanels {
  int64_t n = 0, k = 0, width = 0, depth = 0;
  unsigned bits = 0;     // of a code
  bool isSigned = false; // two's complement
  double offset = 0;     // added to every code: the value map's, less a constant zero point
  int64_t group = 0;     // elements along k that share a scale; k: a row
  std::optional<SideType> scale, zero;
  int64_t scalesAt = 0, zerosAt = 0, bytes = 0; // codes begin at 0

  int64_t panels() const { return (n + width - 1) / width; }
  int64_t steps() const { return (k + depth - 1) / depth; }
  int64_t groups() const { return (k + group - 1) / group; }
  int64_t stepBytes() const { return depth * bits / 8; }
  int64_t scaleBytes() const { return scale ? (scale->bits() + 7) / 8 : 0; }
  int64_t zeroBytes() const { return zero ? (zero->bits() + 7) / 8 : 0; }

  /// The form of an n x k matrix, or why it has none.
  static llvm::Expected<EncodedPanels> of(const Encoding &encoding, int64_t n, int64_t k, int64_t width, int64_t depth);
  /// From the canonical bytes (EncodedLayout.h) to panels and back.
  void pack(const Encoding &encoding, llvm::ArrayRef<uint8_t> canonical, llvm::MutableArrayRef<uint8_t> packed) const;
  void unpack(const Encoding &encoding, llvm::ArrayRef<uint8_t> packed, llvm::MutableArrayRef<uint8_t> canonical) const;
};

} // namespace lutra

#endif // LUTRA_SUPPORT_ENCODEDPANELS_H
