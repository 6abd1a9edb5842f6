//===- InputScales.h - factors that let codes serve the inputs that count ----===//
// AWQ (arXiv 2306.00978): codes of s_j w_j for inputs x_j / s_j err less where s_j is large, and s_j = m_j^a for the
// mean magnitudes m of the inputs. The power a is that of 0, 0.05, .. 0.95 with the least error of outputs, summed over
// all weights that read the inputs; factors are divided by the root of the greatest times the least.
//
// SmoothQuant (arXiv 2211.10438): activations that are rounded with one scale for all channels err less where channels
// are alike, and s_j = g_j^a / v_j^(1 - a) for the greatest magnitudes g of the inputs and v of the weights' columns.
// To the error of the codes comes that of activations whose steps reach the greatest g_j / s_j, step^2 / 12 times the
// sum of squares of s_j w_j, and of static ones what is expected beyond that; where each row has a scale of its own,
// that of some rows. The power is that of .3, .35, .. .95 with the least sum, or 0 where none helps.
#ifndef LUTRA_SUPPORT_INPUTSCALES_H
#define LUTRA_SUPPORT_INPUTSCALES_H

#include "lutra/Support/QuantizeMatrix.h"

namespace lutra {

/// A weight [n, k] by rows, and what it becomes.
struct ScaledWeight {
  int64_t n = 0;
  std::vector<float> values;
  WeightForm form;
};

struct InputScales {
  double power = 0;
  std::vector<float> factors; // of the weights' columns; all 1 for the power 0
};

/// `gram`: of the inputs of all weights. `rounding`: those of AWQ, but where it smooths. Compares on up to 256 rows of
/// each.
InputScales fitInputScales(llvm::ArrayRef<ScaledWeight> weights, const GramMatrix &gram,
                           const ActivationRounding &rounding, ParallelFor parallel);

} // namespace lutra

#endif // LUTRA_SUPPORT_INPUTSCALES_H
