//===- CodedMatrix.h - constant codes on the right of a product -------------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_CODEDMATRIX_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_CODEDMATRIX_H

#include "WeightData.h"

#include <optional>
#include <string>

namespace lutra {

/// A matrix W[n, k] = (code - zero) * scale of 8-bit codes, in rows along k whatever the order of the constant was;
/// those of a filter [n, C, k..] are its filters. Of an fp8 type codes are its bytes, and there are no zeros.
struct CodedMatrix {
  DequantizeOp op; // that computes it
  bool turned;     // the constant is [k, n]
  int64_t n = 0, k = 0, group = 0; // elements along k that share a scale; k: a row
  llvm::SmallVector<int16_t, 0> codes; // n * k
  llvm::SmallVector<int16_t, 0> zeros; // n * groups()
  llvm::SmallVector<float, 0> scales;
  llvm::SmallVector<uint8_t, 0> scaleCodes; // of scales that are e4m3 numbers times one factor; else empty
  float scaleFactor = 1;

  mlir::Type codeType() const;

  int64_t groups() const { return (k + group - 1) / group; }
};

/// The filter of a convolution, channels first, as a matrix of its filters; as readCodedRhs.
std::optional<CodedMatrix> readCodedFilter(ConvOp op, WeightStore &store, std::string &why);

/// The dequantization on the right of a product, of a constant or not, or null; `turned` says whether it is [k, n].
DequantizeOp getCodedRhs(MatmulOp op, bool &turned);

/// The matrix on the right of a product, if it is one: `why` says what keeps others. Those of integers that become f32
/// are, and where `takesFloats` also those of fp8, or that become f16 or bf16.
std::optional<CodedMatrix> readCodedRhs(MatmulOp op, WeightStore &store, std::string &why, bool takesFloats = false);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_CODEDMATRIX_H
