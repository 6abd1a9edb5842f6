//===- Inputs.h - seeded test inputs ---------------------------------------===//
#ifndef LUTRA_REFERENCE_INPUTS_H
#define LUTRA_REFERENCE_INPUTS_H

#include "lutra/Reference/Tensor.h"

namespace lutra {

/// SplitMix64: the same numbers on every machine and library.
class SplitMix64 {
public:
  explicit SplitMix64(uint64_t seed) : state(seed) {}
  uint64_t next();
  /// Uniform in [0, 1).
  double uniform();
  /// Normal with mean 0 and deviation 1.
  double normal();
  /// Uniform in [low, high].
  int64_t between(int64_t low, int64_t high);

private:
  uint64_t state;
};

/// What the elements of an input look like. Integer tensors hold small numbers in every set but
/// Saturating.
enum class ValueSet {
  Normal,
  Integers,   ///< whole numbers of magnitude at most 4: sums of products stay exact
  Positive,   ///< uniform in [0.5, 1.5): worst for drift
  Outliers,   ///< normal, every 13th element times 100
  Cancelling, ///< pairs x, -x
  Subnormal,
  Huge, ///< near the largest number of the kind
  Equal,
  Zeros,
  OneNan,
  OneInf,
  Saturating ///< the extremes of an integer kind
};

/// The set of a name as given on a command line: "normal", "integers", ...
std::optional<ValueSet> valueSetOf(llvm::StringRef name);

/// A tensor filled from a seed. Different `index` values give independent tensors.
Tensor makeInput(ElementKind kind, llvm::ArrayRef<int64_t> shape, ValueSet set, uint64_t seed,
                 uint64_t index);

} // namespace lutra

#endif // LUTRA_REFERENCE_INPUTS_H
