//===- BytePanels.h - panels of signed bytes ----------------------------------===//
// Instructions that add products in fours want words of four steps of K. Some multiply bytes without a sign by bytes
// with one: rows then hold 128 more than their elements, and their products 128 times the sum of each column more. So
// panels of signed bytes whose steps of K are four end with a word of 32 bits for each column, that distance with its
// sign turned, modulo 2^32.
#ifndef LUTRA_SUPPORT_BYTEPANELS_H
#define LUTRA_SUPPORT_BYTEPANELS_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace lutra {

/// Steps of K that lie together in panels of bytes (#lutra.packing's depth); bytes of a word.
constexpr int64_t bytePanelDepth = 4;

/// Columns of such a panel, which the filters of each group of a convolution fill; taps of its filters at most, whose
/// products follow each other without a loop.
constexpr int64_t bytePanelWidth = 16, mostByteTaps = 64;

/// What rows without a sign hold more, also as an exclusive or.
constexpr int64_t bytePanelBias = 128;

/// Writes the last words of panels of `width` columns and `words` words each, the last one among them. A byte takes one
/// element, of any size.
template <typename T> void fillPanelSums(llvm::MutableArrayRef<T> panels, int64_t width, int64_t words) {
  int64_t line = width * bytePanelDepth, size = words * line;
  for (; size != 0 && !panels.empty(); panels = panels.drop_front(size))
    for (int64_t column = 0; column < width; ++column) {
      uint32_t distance = 0;
      for (int64_t word = 0; word + 1 < words; ++word)
        for (int64_t step = 0; step < bytePanelDepth; ++step)
          distance -= static_cast<uint32_t>(bytePanelBias * panels[word * line + column * bytePanelDepth + step]);
      for (int64_t byte = 0; byte < bytePanelDepth; ++byte)
        panels[size - line + column * bytePanelDepth + byte] =
            static_cast<T>(static_cast<int8_t>(distance >> (8 * byte)));
    }
}

} // namespace lutra

#endif // LUTRA_SUPPORT_BYTEPANELS_H
