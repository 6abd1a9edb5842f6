//===- Bounded.h - a value and how far a right program may be from it ------===//
// Arithmetic on (value, error) pairs. `value` is exact up to f64; a program that computes the same
// formula in a format of roundoff u, from inputs within their errors, stays within `error` of it.
// Every rule is: what the input errors can do to the exact function, plus the rounding of the result.
#ifndef LUTRA_LIB_REFERENCE_BOUNDED_H
#define LUTRA_LIB_REFERENCE_BOUNDED_H

#include "lutra/Dialect/Lutra/IR/ScalarValues.h"

namespace lutra {

struct Bounded {
  double value = 0;
  double error = 0;
};

/// Rounding of one float format.
struct Precision {
  double roundoff; ///< u: half the distance of 1 and the next number
  double tiny;     ///< least subnormal
  double largest;
};

/// The format of a value of this type.
Precision precisionOf(mlir::Type type);
/// The format in which products and sums of this type accumulate: at least f32.
Precision accumulatorOf(mlir::Type type);

/// Error growth of a sum of n rounded terms: 4 sqrt(n), see docs/design/bounds.md.
double sumGrowth(int64_t terms);

/// A pair as a result of format `p`: overflow becomes infinity, an unknown error infinite.
/// `error` must already hold everything but the final rounding, which is added here.
Bounded rounded(double value, double error, Precision p);

Bounded add(Bounded a, Bounded b, Precision p);
Bounded subtract(Bounded a, Bounded b, Precision p);
Bounded multiply(Bounded a, Bounded b, Precision p);
Bounded divide(Bounded a, Bounded b, Precision p);

/// lutra.unary and lutra.binary on floats (ScalarValues.h).
Bounded unary(UnaryKind kind, Bounded x, Precision p);
Bounded binary(BinaryKind kind, Bounded a, Bounded b, Precision p);

/// Largest change of a monotone function over [x - error, x + error], from its value at x.
double monotoneSpread(llvm::function_ref<double(double)> function, Bounded x, double atX);

/// Units in the last place (of 2u) that an implementation of a unary function may be off.
double ulpLimit(UnaryKind kind);

} // namespace lutra

#endif // LUTRA_LIB_REFERENCE_BOUNDED_H
