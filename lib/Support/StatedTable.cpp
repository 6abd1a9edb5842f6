//===- StatedTable.cpp - weights written anew for kernels of integers ---------===//
#include "lutra/Support/StatedTable.h"

#include "lutra/Support/CodeStream.h"
#include "lutra/Support/DenseFormat.h"
#include "lutra/Support/EncodedLayout.h"
#include "lutra/Support/SideValues.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace lutra;

/// The format of a single dense term in the order of the matrix; null: there is none.
static const WeightFormat *findOrdered(const Encoding &encoding) {
  return encoding.permN.empty() && encoding.permK.empty() ? findDenseFormat(encoding) : nullptr;
}

/// The same with a table for all elements.
static const WeightFormat *findTable(const Encoding &encoding) {
  const WeightFormat *format = findOrdered(encoding);
  return format && format->value.kind == ValueMap::Table && format->value.select == ValueMap::Tensor &&
                 format->value.vector == 1 && format->value.sign == ValueMap::Own
             ? format
             : nullptr;
}

std::optional<Encoding> lutra::stateTable(const Encoding &encoding, int64_t n, int64_t k,
                                          llvm::ArrayRef<uint8_t> bytes) {
  constexpr int64_t mostEntries = 64;
  const WeightFormat *format = findTable(encoding);
  if (!format || !format->value.values.empty() || format->value.entries > mostEntries)
    return std::nullopt;
  llvm::Expected<EncodedLayout> layout = EncodedLayout::of(encoding, n, k);
  if (!layout) {
    llvm::consumeError(layout.takeError());
    return std::nullopt;
  }
  if (static_cast<int64_t>(bytes.size()) < layout->bytes)
    return std::nullopt;
  const EncodedArray &table = *layout->find(ArrayRole::Table, 0, 0);
  std::vector<uint32_t> fields(table.columns);
  unpackFields(bytes.data() + table.offset, table.element.bits(), fields);
  Encoding stated = encoding;
  std::vector<double> &values = stated.terms.front().formats.front().value.values;
  for (uint32_t field : fields)
    values.push_back(decodeSide(table.element, field));
  if (!llvm::all_of(values, [](double value) { return std::isfinite(value); }))
    return std::nullopt;
  return stated;
}

Encoding lutra::cutGroups(const Encoding &encoding, int64_t k) {
  const WeightFormat *format = findTable(encoding);
  Encoding cut = encoding;
  if (!format || format->scales.empty() || format->zero.kind != ZeroForm::None || format->value.values.empty())
    return cut;
  double greatest = 0, unit = 1; // of which all entries are multiples
  for (double value : format->value.values) {
    greatest = std::max(greatest, std::fabs(value));
    while (value / unit != std::round(value / unit) && unit > 0x1p-24)
      unit /= 2;
  }
  unit = factsOf(*format).int8Unit.value_or(unit);
  constexpr double sums = 0x1p31, activation = 128;
  constexpr int64_t leastGroup = 32; // whole words of codes
  double most = greatest == 0 ? sums : (sums - 1) / (activation * greatest / unit);
  auto group = static_cast<int64_t>(llvm::bit_floor(static_cast<uint64_t>(std::max(1.0, most))));
  bool fits = llvm::all_of(format->scales, [&](const ScaleForm &scale) {
    return scale.gk == kWhole || scale.gk >= k || scale.gk % group == 0;
  });
  int64_t &finest = cut.terms.front().formats.front().scales.front().gk;
  if (group >= leastGroup && group < k && fits && (finest == kWhole || finest > group))
    finest = group;
  return cut;
}

std::optional<Encoding> lutra::repeatScales(const Encoding &encoding, int64_t k, int64_t group) {
  const WeightFormat *format = findOrdered(encoding);
  if (!format || format->scales.size() != 1 || format->value.select != ValueMap::Tensor || group < 1 || group >= k ||
      (format->zero.kind != ZeroForm::None && format->zero.kind != ZeroForm::Const))
    return std::nullopt;
  const ScaleForm &scale = format->scales.front();
  bool isLonger = scale.gk == kWhole || scale.gk >= k || (scale.gk > group && scale.gk % group == 0);
  if (scale.gn != 1 || scale.map == ScaleForm::Minus || !isLonger)
    return std::nullopt;
  Encoding repeated = encoding;
  repeated.terms.front().formats.front().scales.front().gk = group;
  return repeated;
}

std::optional<Encoding> lutra::widenCodes(const Encoding &encoding) {
  if (!findOrdered(encoding))
    return std::nullopt;
  Encoding wide = encoding;
  WeightFormat &format = wide.terms.front().formats.front();
  unsigned bits = format.code.codeBits();
  bool isUnsigned = format.code.kind == CodeForm::Uint || format.code.kind == CodeForm::Planes;
  if (!isUnsigned || format.value.kind != ValueMap::Affine || format.value.sign != ValueMap::Own ||
      (bits != 3 && bits != 5 && bits != 7))
    return std::nullopt;
  format.code.kind = CodeForm::Uint;
  format.code.numbers = {bits + 1};
  return wide;
}

static bool haveSameCodes(const CodeForm &from, const CodeForm &to) {
  return from.kind == to.kind && from.numbers == to.numbers;
}

/// Codes of one plane from those of one or several.
static void copyCodes(const EncodedLayout &from, llvm::ArrayRef<uint8_t> bytes, const EncodedArray &to,
                      uint8_t *result) {
  for (int64_t row = 0; row < to.rows; ++row)
    for (int64_t column = 0; column < to.columns; ++column) {
      uint32_t code = 0;
      unsigned shift = 0;
      for (int plane = 0; const EncodedArray *array = from.find(ArrayRole::Codes, 0, 0, plane); ++plane) {
        unsigned bits = array->element.bits();
        code |= getField(bytes.data() + array->offset + row * array->rowBytes, bits, column) << shift;
        shift += bits;
      }
      setField(result + to.offset + row * to.rowBytes, to.element.bits(), column, code);
    }
}

bool lutra::haveSameBytes(const Encoding &from, const Encoding &to) {
  const WeightFormat &old = from.terms.front().formats.front(), &made = to.terms.front().formats.front();
  auto isStored = [](const ValueMap &map) { return map.kind == ValueMap::Table && map.values.empty(); };
  return isStored(old.value) == isStored(made.value) && haveSameCodes(old.code, made.code) &&
         llvm::equal(old.scales, made.scales,
                     [](const ScaleForm &left, const ScaleForm &right) { return left.gk == right.gk; });
}

llvm::Expected<std::vector<uint8_t>> lutra::restate(const Encoding &from, const Encoding &to, int64_t n, int64_t k,
                                                    llvm::ArrayRef<uint8_t> bytes) {
  llvm::Expected<EncodedLayout> old = EncodedLayout::of(from, n, k);
  if (!old)
    return old.takeError();
  llvm::Expected<EncodedLayout> made = EncodedLayout::of(to, n, k);
  if (!made)
    return made.takeError();
  std::vector<uint8_t> result(made->bytes);
  bool copiesCodes =
      haveSameCodes(from.terms.front().formats.front().code, to.terms.front().formats.front().code);
  for (const EncodedArray &array : made->arrays) {
    if (array.role == ArrayRole::Codes && !copiesCodes) {
      copyCodes(*old, bytes, array, result.data());
      continue;
    }
    const EncodedArray &source = *old->find(array.role, array.term, array.format, array.level);
    const uint8_t *data = bytes.data() + source.offset;
    if (source.columns == array.columns) {
      std::memcpy(result.data() + array.offset, data, array.bytes);
      continue;
    }
    const ScaleForm &scale = to.terms.front().formats.front().scales[array.level];
    int64_t group = from.terms.front().formats.front().scales[array.level].gk;
    for (int64_t row = 0; row < array.rows; ++row)
      for (int64_t column = 0; column < array.columns; ++column) {
        int64_t at = group == kWhole ? 0 : column * scale.gk / group;
        setField(result.data() + array.offset + row * array.rowBytes, array.element.bits(), column,
                 getField(data + row * source.rowBytes, source.element.bits(), at));
      }
  }
  return result;
}
