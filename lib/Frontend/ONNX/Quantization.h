//===- Quantization.h - what integer operators of ONNX share -----------------===//
#ifndef LUTRA_LIB_FRONTEND_ONNX_QUANTIZATION_H
#define LUTRA_LIB_FRONTEND_ONNX_QUANTIZATION_H

#include "Importer.h"

namespace lutra::frontend {

/// Operand `codes` minus operand `zero` (which may be absent), in 8 or 16 bits. Of constants the difference is taken
/// here. A zero point of rank 1 belongs to dimension `axis`.
GraphTensor importCentred(NodeImport &n, unsigned codes, unsigned zero, int64_t axis);

struct DynamicCodes {
  GraphTensor codes, scale, zeroPoint; // ui8, and one of each
};

/// What a DynamicQuantizeLinear gives.
DynamicCodes quantizeDynamically(NodeImport &n, GraphTensor x);

} // namespace lutra::frontend

#endif // LUTRA_LIB_FRONTEND_ONNX_QUANTIZATION_H
