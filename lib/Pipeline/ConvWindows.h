//===- ConvWindows.h - what filters of a convolution are multiplied with -----===//
#ifndef LUTRA_LIB_PIPELINE_CONVWINDOWS_H
#define LUTRA_LIB_PIPELINE_CONVWINDOWS_H

#include "Probe.h"

namespace lutra {

/// Windows of a convolution without groups over an image [B, C, d..], as rows in the order of a filter [C, k..]; 0
/// stands outside of the image. Of many windows some are taken, spread over the image.
std::vector<float> readWindows(ConvOp op, const ProbeTensor &image);

} // namespace lutra

#endif // LUTRA_LIB_PIPELINE_CONVWINDOWS_H
