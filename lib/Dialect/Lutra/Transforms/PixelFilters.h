//===- PixelFilters.h - convolutions with filters of one pixel ----------------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_PIXELFILTERS_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_PIXELFILTERS_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

namespace lutra {

/// Whether a convolution of channels_first multiplies the channels of single pixels, of no border, with a filter of one
/// pixel.
bool isPixelFilter(ConvOp op);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_PIXELFILTERS_H
