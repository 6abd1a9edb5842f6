//===- BytePanels.h - panels of signed bytes ----------------------------------===//
// Instructions that add products in fours multiply bytes without a sign by bytes with one. Panels of signed bytes whose
// steps of K are four hold 128 more than each, which has none.
#ifndef LUTRA_SUPPORT_BYTEPANELS_H
#define LUTRA_SUPPORT_BYTEPANELS_H

#include <cstdint>

namespace lutra {

/// Steps of K that lie together in panels of bytes (#lutra.packing's depth); bytes of a word.
constexpr int64_t bytePanelDepth = 4;

/// What is added to each byte, as an exclusive or.
constexpr char bytePanelBias = static_cast<char>(0x80);

} // namespace lutra

#endif // LUTRA_SUPPORT_BYTEPANELS_H
