//===- FewValues.h - tensors whose elements are a few known numbers ------------===//
#ifndef LUTRA_DIALECT_LUTRA_TRANSFORMS_FEWVALUES_H
#define LUTRA_DIALECT_LUTRA_TRANSFORMS_FEWVALUES_H

#include "mlir/IR/Value.h"

#include "llvm/ADT/SmallVector.h"

#include <optional>

namespace lutra {

/// The numbers, in rising order, that elements can be; some may not occur.
struct FewValues {
  llvm::SmallVector<float, 4> numbers;
  bool mayBeNan = false;

  /// Whether all are -1, 0 or 1.
  bool areSigns() const;
  bool contains(float number) const { return llvm::is_contained(numbers, number); }
};

/// Of a float tensor: what sign, a choice between constants, a cast truth value, and sums and products of these with
/// constants leave, also moved or padded. Nothing where that is not known, or more than four.
std::optional<FewValues> findFewValues(mlir::Value value);

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_TRANSFORMS_FEWVALUES_H
