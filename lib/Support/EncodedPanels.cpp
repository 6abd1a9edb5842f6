//===- EncodedPanels.cpp - codes of an encoded matrix in the order of kernels ===//
#include "lutra/Support/EncodedPanels.h"

#include "Message.h"

#include "lutra/Support/CodeStream.h"
#include "lutra/Support/EncodedLayout.h"

#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace lutra;

/// What keeps a format from panels; empty: nothing.
static std::string findObstacle(const Encoding &encoding, int64_t depth) {
  if (encoding.terms.size() != 1 || encoding.terms.front().kind != EncodingTerm::Dense)
    return "only a single dense term has panels";
  if (!encoding.permN.empty() || !encoding.permK.empty())
    return "permuted rows and columns have no panels";
  const WeightFormat &format = encoding.terms.front().formats.front();
  const CodeForm &code = format.code;
  if ((code.kind != CodeForm::Uint && code.kind != CodeForm::Int) || code.codeBits() > 8)
    return "only codes uint<b> and int<b> of up to 8 bits have panels";
  if (depth * code.codeBits() % 8 != 0)
    return "panels of depth " + std::to_string(depth) + " hold no whole bytes of codes of " +
           std::to_string(code.codeBits()) + " bits";
  if (format.value.kind != ValueMap::Affine || format.value.sign != ValueMap::Own)
    return "only affine values have panels";
  if (format.scales.size() > 1)
    return "only one scale has panels";
  if (format.scales.size() == 1) {
    const ScaleForm &scale = format.scales.front();
    if (scale.map != ScaleForm::Linear || scale.gn != 1)
      return "only scales of one row have panels";
    if (scale.element.bits() % 8 != 0)
      return "only scales of whole bytes have panels";
  }
  const ZeroForm &zero = format.zero;
  if (zero.kind == ZeroForm::Min || zero.minus || !zero.scales.empty() || zero.inValue)
    return "only zero points of codes have panels";
  if (zero.kind == ZeroForm::Tensor &&
      (format.scales.empty() || zero.gn != format.scales[0].gn || zero.gk != format.scales[0].gk))
    return "only zero points with the groups of the scale have panels";
  if (zero.kind == ZeroForm::Tensor && zero.element.bits() % 8 != 0 && zero.element.kind != SideType::Uint)
    return "only zero points of whole bytes or without a sign have panels";
  return {};
}

llvm::Expected<EncodedPanels> EncodedPanels::of(const Encoding &encoding, int64_t n, int64_t k, int64_t width,
                                                int64_t depth) {
  if (std::string why = findObstacle(encoding, depth); !why.empty())
    return fault(why);
  const WeightFormat &format = encoding.terms.front().formats.front();
  EncodedPanels panels;
  panels.n = n;
  panels.k = k;
  panels.width = width;
  panels.depth = depth;
  panels.bits = format.code.codeBits();
  panels.isSigned = format.code.kind == CodeForm::Int;
  panels.offset = static_cast<double>(format.value.offset);
  if (format.zero.kind == ZeroForm::Const)
    panels.offset -= format.zero.constant;
  panels.group = std::max<int64_t>(1, k);
  if (!format.scales.empty()) {
    panels.scale = format.scales.front().element;
    if (format.scales.front().gk != kWhole)
      panels.group = format.scales.front().gk;
  }
  if (format.zero.kind == ZeroForm::Tensor)
    panels.zero = format.zero.element;
  auto place = [&](int64_t bytes) {
    int64_t at = llvm::alignTo(panels.bytes, kArrayAlignment);
    panels.bytes = at + bytes;
    return at;
  };
  place(panels.panels() * panels.steps() * width * panels.stepBytes());
  int64_t sides = panels.panels() * panels.groups() * width;
  panels.scalesAt = place(sides * panels.scaleBytes());
  panels.zerosAt = place(sides * panels.zeroBytes());
  return panels;
}

namespace {
/// Copies one form to the other, a row of the matrix after another.
struct Copy {
  const EncodedPanels &panels;
  bool packs;
  const uint8_t *source;
  uint8_t *target;

  /// `count` fields of row `row` of `array`; in the panels, which begin at `at`, they have `packedBits`, and `run` of
  /// them lie together, turned so that the fields of one place of their bytes are neighbours.
  void fields(const EncodedArray *array, int64_t row, int64_t at, int64_t count, unsigned packedBits, int64_t run);
  void all(const Encoding &encoding);
};
} // namespace

void Copy::fields(const EncodedArray *array, int64_t row, int64_t at, int64_t count, unsigned packedBits, int64_t run) {
  if (!array)
    return;
  unsigned bits = array->element.bits();
  int64_t stream = array->offset + row * array->rowBytes;
  int64_t runBytes = run * packedBits / 8, runs = (count + run - 1) / run;
  int64_t place = at + (row / panels.width * runs * panels.width + row % panels.width) * runBytes;
  std::vector<uint32_t> values(runs * run);
  llvm::MutableArrayRef<uint32_t> fields(values);
  if (packs)
    unpackFields(source + stream, bits, fields.take_front(count));
  std::vector<uint32_t> turned(run);
  int64_t perByte = packedBits < 8 && 8 % packedBits == 0 ? 8 / packedBits : 1, bytes = run / perByte;
  for (int64_t index = 0; index < runs; ++index, place += panels.width * runBytes) {
    llvm::MutableArrayRef<uint32_t> step = fields.slice(index * run, run);
    if (packs) {
      for (int64_t k = 0; k < run; ++k)
        turned[k % bytes * perByte + k / bytes] = step[k];
      packFields(turned, packedBits, target + place);
    } else {
      unpackFields(source + place, packedBits, turned);
      for (int64_t k = 0; k < run; ++k)
        step[k] = turned[k % bytes * perByte + k / bytes];
    }
  }
  if (!packs)
    packFields(fields.take_front(count), bits, target + stream);
}

void Copy::all(const Encoding &encoding) {
  EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, panels.n, panels.k));
  const EncodedArray *codes = layout.find(ArrayRole::Codes, 0, 0);
  const EncodedArray *scales = layout.find(ArrayRole::Scales, 0, 0);
  const EncodedArray *zeros = layout.find(ArrayRole::Zeros, 0, 0);
  for (int64_t row = 0; row < panels.n; ++row) {
    fields(codes, row, 0, panels.k, panels.bits, panels.depth);
    fields(scales, row, panels.scalesAt, panels.groups(), panels.scaleBytes() * 8, 1);
    fields(zeros, row, panels.zerosAt, panels.groups(), panels.zeroBytes() * 8, 1);
  }
}

void EncodedPanels::pack(const Encoding &encoding, llvm::ArrayRef<uint8_t> canonical,
                         llvm::MutableArrayRef<uint8_t> packed) const {
  std::memset(packed.data(), 0, packed.size());
  Copy{*this, /*packs=*/true, canonical.data(), packed.data()}.all(encoding);
}

void EncodedPanels::unpack(const Encoding &encoding, llvm::ArrayRef<uint8_t> packed,
                           llvm::MutableArrayRef<uint8_t> canonical) const {
  std::memset(canonical.data(), 0, canonical.size());
  Copy{*this, /*packs=*/false, packed.data(), canonical.data()}.all(encoding);
}
