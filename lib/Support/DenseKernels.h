//===- DenseKernels.h - small products for quantization at compile time -----===//
// Written so that each sum has the same order and rounding at every vector width: lanes are elements of the result, and
// nothing is contracted.
#ifndef LUTRA_LIB_SUPPORT_DENSEKERNELS_H
#define LUTRA_LIB_SUPPORT_DENSEKERNELS_H

#include <cstdint>

namespace lutra {

/// c[r * cStride + l] += sum over p < depth of a[p * aStride + r] * b[p * 16 + l], for r < 4 and l < 16.
void multiplyTile(const float *a, int64_t aStride, const float *b, int64_t depth, float *c, int64_t cStride);

/// c[r * cStride + l] -= sum over p < depth of a[r * aStride + p] * b[p * 8 + l], for r < 4 and l < 8.
void subtractTile(const double *a, int64_t aStride, const double *b, int64_t depth, double *c, int64_t cStride);

/// y[i] += factor * x[i].
void addScaled(float factor, const float *x, int64_t count, float *y);

/// For all k < count and l < 16: y[k * 16 + l] += x[k] * factors[l].
void addOuter(const float *x, int64_t count, const float *factors, float *y);

} // namespace lutra

#endif // LUTRA_LIB_SUPPORT_DENSEKERNELS_H
