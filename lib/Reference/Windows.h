//===- Windows.h - sizes and strides of windowed ops -----------------------===//
#ifndef LUTRA_LIB_REFERENCE_WINDOWS_H
#define LUTRA_LIB_REFERENCE_WINDOWS_H

#include "Interpreter.h"

namespace lutra {

/// An image tensor [B, C, d..] or [B, d.., C] read by (batch, channel, position).
struct Image {
  int64_t batches, channels;
  llvm::SmallVector<int64_t> extents; ///< spatial
  int64_t batchStride, channelStride;
  llvm::SmallVector<int64_t> strides; ///< spatial

  Image(llvm::ArrayRef<int64_t> shape, bool channelsLast) {
    llvm::SmallVector<int64_t> all = stridesOf(shape);
    size_t first = channelsLast ? 1 : 2, spatial = shape.size() - 2;
    size_t channel = channelsLast ? shape.size() - 1 : 1;
    batches = shape[0], batchStride = all[0];
    channels = shape[channel], channelStride = all[channel];
    extents.assign(shape.begin() + first, shape.begin() + first + spatial);
    strides.assign(all.begin() + first, all.begin() + first + spatial);
  }
};

/// A shape from its parts, in either layout.
inline llvm::SmallVector<int64_t> imageShape(int64_t batches, int64_t channels,
                                             llvm::ArrayRef<int64_t> extents, bool channelsLast) {
  llvm::SmallVector<int64_t> shape = {batches};
  if (!channelsLast)
    shape.push_back(channels);
  shape.append(extents.begin(), extents.end());
  if (channelsLast)
    shape.push_back(channels);
  return shape;
}

} // namespace lutra

#endif // LUTRA_LIB_REFERENCE_WINDOWS_H
