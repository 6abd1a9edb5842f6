//===- RescaledCodes.cpp - codes of groups as bytes with one scale a row ------===//
#include "lutra/Support/RescaledCodes.h"

#include "lutra/Support/CodeStream.h"
#include "lutra/Support/DenseFormat.h"
#include "lutra/Support/EncodedLayout.h"
#include "lutra/Support/SideValues.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>

using namespace lutra;

namespace {
/// Side values of one array by row and step of K.
class Side {
public:
  Side(const EncodedLayout &layout, ArrayRole role, int level, int64_t gn, int64_t gk, llvm::ArrayRef<uint8_t> bytes)
      : array(*layout.find(role, 0, 0, level)), gn(gn), gk(gk), data(bytes.data() + array.offset) {}
  double at(int64_t row, int64_t step) const {
    int64_t place = gn == kWhole ? 0 : row / gn, column = gk == kWhole ? 0 : step / gk;
    return decodeSide(array.element, getField(data + place * array.rowBytes, array.element.bits(), column));
  }

private:
  const EncodedArray &array;
  int64_t gn, gk;
  const uint8_t *data;
};
} // namespace

static bool isPlain(const WeightFormat &format) {
  const ZeroForm &zero = format.zero;
  bool hasPlainZero = zero.kind == ZeroForm::None || zero.kind == ZeroForm::Const ||
                      (zero.kind == ZeroForm::Tensor && !zero.inValue && !zero.minus && zero.scales.empty());
  return hasPlainZero && !format.scales.empty() && factsOf(format).known &&
         llvm::all_of(format.scales, [](const ScaleForm &scale) { return scale.map != ScaleForm::Minus; });
}

std::optional<RescaledCodes> lutra::rescaleCodes(const Encoding &encoding, int64_t n, int64_t k,
                                                 llvm::ArrayRef<uint8_t> bytes) {
  const WeightFormat *dense = findDenseFormat(encoding);
  if (!dense || !isPlain(*dense))
    return std::nullopt;
  const WeightFormat &format = *dense;
  const ZeroForm &zero = format.zero;
  EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, n, k));
  std::vector<Side> scales, zeros;
  int64_t finest = k;
  auto addSide = [&](std::vector<Side> &sides, ArrayRole role, int level, int64_t gn, int64_t gk) {
    sides.emplace_back(layout, role, level, gn, gk, bytes);
    finest = gk == kWhole ? finest : std::min(finest, gk);
  };
  for (auto [level, scale] : llvm::enumerate(format.scales))
    addSide(scales, ArrayRole::Scales, static_cast<int>(level), scale.gn, scale.gk);
  if (zero.kind == ZeroForm::Tensor)
    addSide(zeros, ArrayRole::Zeros, 0, zero.gn, zero.gk);
  if (finest >= k)
    return std::nullopt;
  FormatFacts facts = factsOf(format);
  double stepsOfRange = std::exp2(format.code.codeBits()) - 1;
  RescaledCodes made;
  made.scales.reserve(n);
  double rows = 0, steps = 0; // squares
  for (int64_t row = 0; row < n; ++row) {
    double greatest = 0;
    for (int64_t low = 0; low < k; low += finest) {
      double scale = 1, point = zero.kind == ZeroForm::Const ? zero.constant : 0;
      if (!zeros.empty())
        point = zeros.front().at(row, low);
      for (auto [side, form] : llvm::zip_equal(scales, format.scales))
        scale *= side.at(row, low) + (form.map == ScaleForm::Affine ? form.offset : 0);
      double extent = std::max(std::fabs(facts.minimum - point), std::fabs(facts.maximum - point));
      greatest = std::max(greatest, std::fabs(scale) * extent);
      steps += std::pow(scale * (facts.maximum - facts.minimum) / stepsOfRange, 2);
    }
    made.scales.push_back(std::max(greatest / 127, RescaledCodes::leastScale));
    if (made.scales.back() > RescaledCodes::greatestScale)
      return std::nullopt;
    rows += static_cast<double>(groupsOf(k, finest)) * std::pow(made.scales.back(), 2);
  }
  if (steps == 0)
    return std::nullopt;
  made.ratio = std::sqrt(rows / steps);
  return made;
}
