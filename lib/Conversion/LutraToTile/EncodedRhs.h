//===- EncodedRhs.h - encoded weights as panels of floats ---------------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_ENCODEDRHS_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_ENCODEDRHS_H

#include "KernelEmitter.h"

#include "lutra/Support/EncodedPanels.h"

namespace lutra {

/// Codes along K that fill whole bytes in a panel, 0 where codes have other sizes than 1, 2, 4 or 8 bits.
int64_t decodedDepth(const Encoding &encoding);

/// Why scales and zero points of such panels cannot be read here; empty: they can.
std::string findSideObstacle(const EncodedPanels &panels);

/// Why panels of `width` of a weight of that type cannot be decoded here; empty: they can.
std::string findDecodeObstacle(mlir::RankedTensorType type, int64_t width);

/// The arrays of a packed weight, and panels decoded from them.
class EncodedRhs {
public:
  /// `type` is the packed type of the weight that `buffer` (bytes) holds.
  EncodedRhs(KernelEmitter &emitter, mlir::RankedTensorType type, mlir::Value buffer);

  /// Steps of K that a block must be a multiple of: whole groups, or whole bytes in longer ones.
  int64_t getStep(int64_t block) const;
  /// Decodes panel `panel`, K in [low, low + depth) where `low` is a multiple of `step`, to scratch[to, 0.., 0..width]:
  /// floats in whole bytes of K, which may be some more than `depth`.
  mlir::LogicalResult copy(mlir::Value panel, mlir::Value low, mlir::Value depth, int64_t step, mlir::Value scratch,
                           mlir::Value to);

  const EncodedPanels &getPanels() const { return panels; }
  /// The codes: [panels, steps, columns, bytes of a step].
  mlir::Value getCodes() const { return codes; }
  /// A tile of scales in f32, over [panels, groups, columns].
  mlir::Value loadScale(const TileWindow &window);
  /// Likewise of integer zero points, less what is added to every code, in i32.
  mlir::Value loadZeroCode(const TileWindow &window);

private:
  mlir::Value loadSide(mlir::Value view, const TileWindow &window);
  mlir::Value decode(mlir::Value bytes, int64_t field, mlir::Value scale, mlir::Value zero);

  KernelEmitter &emitter;
  EncodedPanels panels;
  mlir::Value steps, codes, scales, zeros; // views of the buffer; steps: all columns' bytes as one dimension
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_ENCODEDRHS_H
