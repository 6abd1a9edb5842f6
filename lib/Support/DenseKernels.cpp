//===- DenseKernels.cpp - small products for quantization at compile time ---===//
#include "DenseKernels.h"

// The build names wider vectors that the machine may have (lib/Support/CMakeLists.txt).
#ifdef LUTRA_WIDE_VECTORS
#define LUTRA_VECTOR_CLONES __attribute__((target_clones(LUTRA_WIDE_VECTORS, "default")))
#else
#define LUTRA_VECTOR_CLONES
#endif

#pragma clang fp contract(off)

// An alias would keep the alignment of the vector.
typedef float Float8 __attribute__((vector_size(32), aligned(4)));   // NOLINT(modernize-use-using)
typedef double Double4 __attribute__((vector_size(32), aligned(8))); // NOLINT(modernize-use-using)

LUTRA_VECTOR_CLONES
void lutra::multiplyTile(const float *a, int64_t aStride, const float *b, int64_t depth, float *c, int64_t cStride) {
  Float8 sum[4][2];
  for (int r = 0; r < 4; ++r)
    for (int h = 0; h < 2; ++h)
      sum[r][h] = *reinterpret_cast<const Float8 *>(c + r * cStride + h * 8);
  for (int64_t p = 0; p < depth; ++p) {
    Float8 low = *reinterpret_cast<const Float8 *>(b + p * 16);
    Float8 high = *reinterpret_cast<const Float8 *>(b + p * 16 + 8);
    for (int r = 0; r < 4; ++r) {
      float factor = a[p * aStride + r];
      sum[r][0] = sum[r][0] + low * factor;
      sum[r][1] = sum[r][1] + high * factor;
    }
  }
  for (int r = 0; r < 4; ++r)
    for (int h = 0; h < 2; ++h)
      *reinterpret_cast<Float8 *>(c + r * cStride + h * 8) = sum[r][h];
}

LUTRA_VECTOR_CLONES
void lutra::subtractTile(const double *a, int64_t aStride, const double *b, int64_t depth, double *c,
                         int64_t cStride) {
  Double4 sum[4][2];
  for (int r = 0; r < 4; ++r)
    for (int h = 0; h < 2; ++h)
      sum[r][h] = *reinterpret_cast<const Double4 *>(c + r * cStride + h * 4);
  for (int64_t p = 0; p < depth; ++p) {
    Double4 low = *reinterpret_cast<const Double4 *>(b + p * 8);
    Double4 high = *reinterpret_cast<const Double4 *>(b + p * 8 + 4);
    for (int r = 0; r < 4; ++r) {
      double factor = a[r * aStride + p];
      sum[r][0] = sum[r][0] - low * factor;
      sum[r][1] = sum[r][1] - high * factor;
    }
  }
  for (int r = 0; r < 4; ++r)
    for (int h = 0; h < 2; ++h)
      *reinterpret_cast<Double4 *>(c + r * cStride + h * 4) = sum[r][h];
}

LUTRA_VECTOR_CLONES
void lutra::addScaled(float factor, const float *x, int64_t count, float *y) {
  for (int64_t i = 0; i < count; ++i)
    y[i] += factor * x[i];
}

LUTRA_VECTOR_CLONES
void lutra::addOuter(const float *x, int64_t count, const float *factors, float *y) {
  Float8 low = *reinterpret_cast<const Float8 *>(factors), high = *reinterpret_cast<const Float8 *>(factors + 8);
  for (int64_t k = 0; k < count; ++k) {
    auto *out = reinterpret_cast<Float8 *>(y + k * 16);
    out[0] = out[0] + low * x[k];
    out[1] = out[1] + high * x[k];
  }
}
