//===- Windows.h - geometry attributes of ONNX convolutions and pools ------===//
#ifndef LUTRA_LIB_FRONTEND_ONNX_WINDOWS_H
#define LUTRA_LIB_FRONTEND_ONNX_WINDOWS_H

#include "Importer.h"

namespace lutra::frontend {

/// Reads kernel_shape, strides, dilations, pads, auto_pad, group, ceil_mode. `filterSizes` are the
/// spatial sizes of a convolution's filter. Automatic padding of a transposed convolution is left to it.
std::optional<WindowOptions> importWindow(NodeImport &n, GraphTensor input, llvm::ArrayRef<DimExpr> filterSizes,
                                          bool isTransposed = false);

/// The same for a convolution, whose filter must have the input's rank.
std::optional<WindowOptions> importConvWindow(NodeImport &n, GraphTensor input, GraphTensor filter,
                                              bool isTransposed = false);

} // namespace lutra::frontend

#endif // LUTRA_LIB_FRONTEND_ONNX_WINDOWS_H
