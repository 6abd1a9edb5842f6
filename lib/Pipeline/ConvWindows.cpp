//===- ConvWindows.cpp - what filters of a convolution are multiplied with ---===//
#include "ConvWindows.h"

using namespace mlir;
using namespace lutra;

/// Neighbours have much in common: more windows of one image tell little.
static constexpr int64_t mostWindows = 1024;

std::vector<float> lutra::readWindows(ConvOp op, const ProbeTensor &image) {
  ArrayRef<int64_t> filter = cast<RankedTensorType>(op.getFilter().getType()).getShape();
  int64_t spatial = static_cast<int64_t>(filter.size()) - 2, channels = filter[1], taps = 1;
  SmallVector<int64_t> counts{image.shape[0]}; // of windows: images, then along each dimension
  int64_t pixels = 1, windows = image.shape[0];
  for (int64_t dim = 0; dim < spatial; ++dim) {
    taps *= filter[dim + 2];
    pixels *= image.shape[dim + 2];
    int64_t room = image.shape[dim + 2] + op.getLow()[dim] + op.getHigh()[dim] -
                   op.getDilations()[dim] * (filter[dim + 2] - 1) - 1;
    counts.push_back(room < 0 ? 0 : room / op.getStrides()[dim] + 1);
    windows *= counts.back();
  }
  int64_t taken = std::min(windows, mostWindows);
  std::vector<float> rows(taken * channels * taps);
  ArrayRef<float> values = image.floats();
  for (int64_t row = 0; row < taken; ++row) {
    constexpr int64_t step = 7919; // a prime: no columns or rows of the image alone
    int64_t rest = taken == windows ? row : row * step % windows;
    SmallVector<int64_t> first(spatial); // of the window, in the image
    for (int64_t dim = spatial - 1; dim >= 0; --dim) {
      first[dim] = rest % counts[dim + 1] * op.getStrides()[dim] - op.getLow()[dim];
      rest /= counts[dim + 1];
    }
    for (int64_t tap = 0; tap < taps; ++tap) {
      int64_t left = tap, pixel = 0, size = 1;
      bool isInside = true;
      for (int64_t dim = spatial - 1; dim >= 0; --dim) {
        int64_t at = first[dim] + left % filter[dim + 2] * op.getDilations()[dim];
        left /= filter[dim + 2];
        isInside &= at >= 0 && at < image.shape[dim + 2];
        pixel += at * size;
        size *= image.shape[dim + 2];
      }
      for (int64_t channel = 0; channel < channels && isInside; ++channel)
        rows[(row * channels + channel) * taps + tap] = values[(rest * channels + channel) * pixels + pixel];
    }
  }
  return rows;
}
