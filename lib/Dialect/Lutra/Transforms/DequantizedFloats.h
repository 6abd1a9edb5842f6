//===- DequantizedFloats.h - dequantizations of constants as floats -----------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_DEQUANTIZEDFLOATS_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_DEQUANTIZEDFLOATS_H

#include "WeightData.h"

#include <array>
#include <optional>

namespace lutra {

/// The number of each byte of an fp8 type.
std::array<float, 256> valuesOfFp8(mlir::Type type);

/// The elements of a dequantization of constants: integers, or fp8, that become f32, f16 or bf16; nothing for others.
std::optional<mlir::AsmResourceBlob> computeFloats(DequantizeOp op, WeightStore &store);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_DEQUANTIZEDFLOATS_H
