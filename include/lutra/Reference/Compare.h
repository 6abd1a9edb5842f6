//===- Compare.h - is a result inside its bound? ---------------------------===//
// The one place that decides whether numbers agree. Bounds come from the evaluator (one for each
// element), never from a tolerance that a test types in.
#ifndef LUTRA_REFERENCE_COMPARE_H
#define LUTRA_REFERENCE_COMPARE_H

#include "lutra/Reference/Tensor.h"

#include <array>
#include <string>

namespace lutra {

/// What a comparison of one tensor found.
struct CompareReport {
  int64_t count = 0;
  bool sameShape = true;
  int64_t nonFiniteMismatches = 0; ///< NaN or infinity on one side only
  int64_t violations = 0;          ///< finite elements outside their bound
  int64_t undetermined = 0;        ///< elements that the bounds leave open
  double maxError = 0;
  double maxRatio = 0;  ///< largest error / bound
  int64_t worst = -1;   ///< element with the largest ratio
  double worstActual = 0, worstReference = 0, worstBound = 0;
  double normError = 0; ///< ||actual - reference|| / ||reference||
  /// Elements by distance in units of the last place: 0, 1, 2, 4, ..., 1024, more.
  std::array<int64_t, 13> ulpHistogram = {};

  bool passed() const { return sameShape && nonFiniteMismatches == 0 && violations == 0; }
  /// One line: verdict, counts and the worst element.
  std::string text() const;
};

/// Compares element by element. An empty bound demands equality (NaN equals NaN, -0 equals 0); an
/// infinite bound leaves an element open.
CompareReport compare(const Tensor &actual, const Tensor &reference,
                      llvm::ArrayRef<double> bound = {});

} // namespace lutra

#endif // LUTRA_REFERENCE_COMPARE_H
