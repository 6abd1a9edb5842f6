//===- StoredCodes.cpp - dequantized constants as encoded weights -------------===//
#include "StoredCodes.h"

#include "DequantizedFloats.h"

#include "lutra/Support/CodeStream.h"
#include "lutra/Support/EncodedLayout.h"
#include "lutra/Support/QuantizeSpec.h"
#include "lutra/Support/SideValues.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>

using namespace mlir;
using namespace lutra;

namespace {
/// How a matrix is stored: the field of each code, integers shifted to be without a sign.
struct StoredForm {
  WeightForm form;
  int64_t shift = 0;
  std::array<uint8_t, 256> fields{}; // of bytes of an fp8 type

  uint32_t fieldOf(int16_t code) const { return form.isInteger() ? code + shift : fields[code]; }
};
} // namespace

/// The fewest bits without a sign that hold all codes and zero points.
static StoredForm chooseIntegers(const CodedMatrix &matrix) {
  int64_t low = 0, high = 0;
  auto widen = [&](ArrayRef<int16_t> values) {
    auto [least, most] = std::minmax_element(values.begin(), values.end());
    low = std::min<int64_t>(low, *least);
    high = std::max<int64_t>(high, *most);
  };
  widen(matrix.codes);
  widen(matrix.zeros);
  StoredForm stored;
  for (unsigned bits : {2u, 4u, 8u}) {
    int64_t middle = int64_t(1) << (bits - 1);
    stored.form.bits = bits;
    stored.shift = matrix.codeType().isUnsignedInteger() ? 0 : middle;
    stored.form.symmetric = llvm::all_of(matrix.zeros, [&](int64_t zero) { return zero + stored.shift == middle; });
    if (low + stored.shift >= 0 && high + stored.shift < 2 * middle)
      break;
  }
  return stored;
}

/// The form of fewest bits that has all values of codes; none where one is no finite number.
static std::optional<StoredForm> chooseFloats(const CodedMatrix &matrix) {
  std::array<float, 256> values = valuesOfFp8(matrix.codeType());
  std::array<bool, 256> isUsed{};
  for (int16_t code : matrix.codes)
    isUsed[code] = true;
  for (StringRef type : {"fp4", "fp6", "fp6e3m2", "fp8", "fp8e5m2"}) {
    StoredForm stored;
    stored.form = *WeightForm::of(type);
    WeightFormat format = stored.form.encoding().terms.front().formats.front();
    std::map<std::pair<double, bool>, uint8_t> fields; // zeros keep their sign
    for (int64_t field = 0; field < stored.form.codeCount(); ++field)
      if (std::optional<double> value = valueOfCode(format, field); value && std::isfinite(*value))
        fields[{*value, std::signbit(*value)}] = field;
    bool fits = true;
    for (int code = 0; code < 256; ++code) {
      auto found = fields.find({values[code], std::signbit(values[code])});
      fits &= !isUsed[code] || (std::isfinite(values[code]) && found != fields.end());
      stored.fields[code] = found == fields.end() ? 0 : found->second;
    }
    if (fits)
      return stored;
  }
  return std::nullopt;
}

/// Whether each scale is a number of a type.
static bool areScalesOf(SideType type, ArrayRef<float> scales) {
  return llvm::all_of(scales, [&](float scale) { return decodeSide(type, encodeSide(type, scale)) == scale; });
}

/// How the matrix is stored, if at all: `why` says what keeps others.
static std::optional<StoredForm> chooseForm(const CodedMatrix &matrix, std::string &why) {
  bool isFloat = isa<FloatType>(matrix.codeType());
  std::optional<StoredForm> stored = isFloat ? chooseFloats(matrix) : chooseIntegers(matrix);
  if (!stored) {
    why = "has codes that are no finite numbers";
    return std::nullopt;
  }
  WeightForm &form = stored->form;
  form.group = matrix.group == matrix.k ? kWhole : matrix.group;
  form.scale = SideType::F32;
  bool hasSigns = llvm::any_of(matrix.scaleCodes, [](uint8_t code) { return code >= 0x80; });
  if (form.values == WeightForm::Fp4 && !matrix.scaleCodes.empty() && !hasSigns) {
    form.values = WeightForm::NvFp4;
    form.scale = SideType::UE4M3;
  } else if (isFloat && areScalesOf({SideType::E8M0, 8}, matrix.scales)) {
    form.scale = SideType::E8M0;
  }
  return stored;
}

GlobalOp lutra::storeCodes(const CodedMatrix &matrix, StringRef name, WeightStore &store, std::string &why) {
  std::optional<StoredForm> stored = chooseForm(matrix, why);
  if (!stored)
    return {};
  const WeightForm &form = stored->form;
  Encoding encoding = form.encoding();
  EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding, matrix.n, matrix.k));
  AsmResourceBlob blob = WeightStore::allocate(layout.bytes);
  auto *out = reinterpret_cast<uint8_t *>(blob.getMutableData().data());
  auto pack = [&](ArrayRole role, ArrayRef<int16_t> values, int64_t length) {
    const EncodedArray *array = layout.find(role, 0, 0);
    std::vector<uint32_t> fields(length);
    for (int64_t row = 0; row < matrix.n; ++row) {
      for (int64_t index = 0; index < length; ++index)
        fields[index] = stored->fieldOf(values[row * length + index]);
      packFields(fields, form.bits, out + array->offset + row * array->rowBytes);
    }
  };
  pack(ArrayRole::Codes, matrix.codes, matrix.k);
  if (form.isInteger() && !form.symmetric)
    pack(ArrayRole::Zeros, matrix.zeros, matrix.groups());
  uint8_t *scales = out + layout.find(ArrayRole::Scales, 0, 0)->offset;
  if (form.scale == SideType::F32)
    std::memcpy(scales, matrix.scales.data(), matrix.scales.size() * sizeof(float));
  else if (form.scale == SideType::E8M0)
    llvm::transform(matrix.scales, scales, [](float scale) { return encodeSide({SideType::E8M0, 8}, scale); });
  else
    llvm::copy(matrix.scaleCodes, scales);
  if (const EncodedArray *factor = layout.find(ArrayRole::Scales, 0, 0, /*level=*/1))
    std::memcpy(out + factor->offset, &matrix.scaleFactor, sizeof(float));
  MLIRContext *context = matrix.op->getContext();
  auto type = RankedTensorType::get({matrix.n, matrix.k}, Float32Type::get(context),
                                    EncodingAttr::get(context, encoding, PackingAttr()));
  return store.add(matrix.op->getLoc(), name, type, std::move(blob));
}
