//===- NarrowScales.cpp - scales in fewer bits, exactly -----------------------===//
#include "lutra/Support/NarrowScales.h"

#include "lutra/Support/DenseFormat.h"
#include "lutra/Support/EncodedLayout.h"
#include "lutra/Support/SideValues.h"

#include "llvm/ADT/STLExtras.h"

#include <cstring>

using namespace lutra;

static constexpr SideType half{SideType::F16, 16};

/// f32 for groups along K: of those of rows there are few.
static bool isWide(const ScaleForm &scale) {
  return scale.element.kind == SideType::F32 && scale.gk != kWhole && scale.map == ScaleForm::Linear;
}

/// Whether the scales of an array are numbers of f16.
static bool isNarrow(const EncodedArray &array, llvm::ArrayRef<uint8_t> bytes) {
  for (int64_t at = 0; at < array.bytes; at += static_cast<int64_t>(sizeof(float))) {
    float scale;
    std::memcpy(&scale, bytes.data() + array.offset + at, sizeof(float));
    auto nearest = static_cast<float>(decodeSide(half, encodeSide(half, scale)));
    if (std::memcmp(&nearest, &scale, sizeof(float)) != 0) // zeros keep their sign
      return false;
  }
  return true;
}

bool lutra::hasNarrowScales(const Encoding &encoding, int64_t n, int64_t k, llvm::ArrayRef<uint8_t> bytes) {
  const WeightFormat *format = findDenseFormat(encoding);
  if (!format)
    return false;
  const std::vector<ScaleForm> &scales = format->scales;
  EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, n, k));
  for (auto [level, scale] : llvm::enumerate(scales))
    if (isWide(scale) && !isNarrow(*layout.find(ArrayRole::Scales, 0, 0, static_cast<int>(level)), bytes))
      return false;
  return llvm::any_of(scales, isWide);
}

NarrowScales lutra::narrowScales(const Encoding &encoding, int64_t n, int64_t k, llvm::ArrayRef<uint8_t> bytes) {
  NarrowScales narrow{encoding, {}};
  for (ScaleForm &scale : narrow.encoding.terms.front().formats.front().scales)
    if (isWide(scale))
      scale.element = half;
  EncodedLayout from = llvm::cantFail(EncodedLayout::of(encoding, n, k));
  EncodedLayout to = llvm::cantFail(EncodedLayout::of(narrow.encoding, n, k));
  narrow.bytes.resize(to.bytes);
  for (auto [old, made] : llvm::zip_equal(from.arrays, to.arrays)) {
    uint8_t *out = narrow.bytes.data() + made.offset;
    if (old.bytes == made.bytes) {
      std::memcpy(out, bytes.data() + old.offset, old.bytes);
      continue;
    }
    for (int64_t index = 0; index < old.rows * old.columns; ++index) {
      float scale;
      std::memcpy(&scale, bytes.data() + old.offset + index * static_cast<int64_t>(sizeof(float)), sizeof(float));
      auto code = static_cast<uint16_t>(encodeSide(half, scale));
      std::memcpy(out + index * static_cast<int64_t>(sizeof(code)), &code, sizeof(code));
    }
  }
  return narrow;
}
