//===- EncodedRhs.h - encoded weights as panels of floats ---------------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_ENCODEDRHS_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_ENCODEDRHS_H

#include "DecodedValues.h"

namespace lutra {

/// Why scales and zero points of such panels cannot be read here; empty: they can.
std::string findSideObstacle(const EncodedPanels &panels);

/// Why panels of `width` of a weight of that type cannot be decoded here; empty: they can.
std::string findDecodeObstacle(mlir::RankedTensorType type, int64_t width);

/// The panels that a weight of that type, which has a packing, is stored in.
EncodedPanels getStoredPanels(mlir::RankedTensorType type);

/// Operations that decode a vector of weights.
double decodeOperations(const EncodedPanels &panels, const TileTarget &target);

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
  /// The codes: [panels, words, columns, bytes of a word].
  mlir::Value getCodes() const { return codes; }
  /// Side values of one panel: [.., columns] along dimension `dim` of a tile of `shape`.
  struct Place {
    mlir::Value panel, group; // of panels.group steps of K
    llvm::SmallVector<int64_t> shape, dims;
  };
  /// A tile of scale number `index` in f32.
  mlir::Value loadScale(size_t index, const Place &place);
  /// A tile of integer zero points in i32.
  mlir::Value loadZeroCode(const Place &place);
  /// A tile of table numbers in i32.
  mlir::Value loadSelector(const Place &place);

  /// What holds for the columns of one panel in one group.
  struct Group {
    llvm::SmallVector<mlir::Value> factors; // two at most
    mlir::Value point;                      // null for none
    llvm::SmallVector<mlir::Value> own;     // CodeValues::makeGroup
  };
  Group loadGroup(const Place &place);
  /// The words of the step of K that begins at `k`.
  llvm::SmallVector<mlir::Value> loadStep(const Place &place, mlir::Value k);
  /// Value less zero point of field `field` of a step, in f32.
  mlir::Value decode(llvm::ArrayRef<mlir::Value> words, unsigned field, const Group &group);
  /// `values` times the scales.
  mlir::Value scale(mlir::Value values, const Group &group);
  /// `totals` and the scaled sums of products with values.
  mlir::Value addScaled(mlir::Value sums, const Group &group, mlir::Value totals);
  /// Whether a group's sum of products with values, before its scale, is as far from the ends of the range of f32 as
  /// the other factors are.
  bool mayScaleSums() const;

private:
  mlir::Value loadStored(const PanelSide &side, mlir::Value view, const Place &place);
  mlir::Value loadSide(const PanelSide &side, mlir::Value view, const Place &place);

  KernelEmitter &emitter;
  EncodedPanels panels;
  mlir::Value words, codes; // views of the buffer; words: all columns' bytes as one dimension
  llvm::SmallVector<mlir::Value> scales;
  mlir::Value zeros, selectors, table;
  std::optional<CodeValues> values;
};

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_ENCODEDRHS_H
