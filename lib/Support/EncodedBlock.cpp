//===- EncodedBlock.cpp - a part of an encoded tensor as a matrix of its own -===//
// Codes move one by one. Side values move by groups: each group of the new matrix must lie within one of the old, which
// is checked element by element, so that no rule about sizes has to hold for all shapes.
#include "EncodedBlock.h"

#include "Message.h"
#include "Transcode.h"

#include "lutra/Support/CodeStream.h"
#include "lutra/Support/SideValues.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace lutra;
using llvm::Error;
using llvm::Expected;

namespace {
/// Moves the arrays of one format.
class BlockTaker {
public:
  BlockTaker(const StoredFormat &from, int64_t n, int64_t k, const BlockSource &source)
      : from(from), n(n), k(k), source(source), format(from.format) {}
  Expected<SplitMatrix> take();

private:
  Error fitGroups();
  Error fitGroup(llvm::StringRef what, int64_t gn, int64_t &gk) const;
  bool isWithinGroups(int64_t gn, int64_t oldGk, int64_t gk) const;
  void readCodes();
  void writeCodes(const EncodedLayout &layout, uint8_t *out) const;
  void copySide(const EncodedArray &old, const EncodedArray &made, int64_t gn, int64_t oldGk, int64_t gk,
                uint8_t *out) const;
  const uint8_t *rowOf(const EncodedArray &array, int64_t row) const {
    return from.bytes.data() + array.offset + row * array.rowBytes;
  }

  const StoredFormat &from;
  int64_t n, k;
  const BlockSource &source;
  WeightFormat format;          // with the groups of the new matrix
  std::vector<uint16_t> codes;  // of the old stream
  int64_t columns = 0;
};
} // namespace

static RadixForm radixOf(const CodeForm &code) {
  return {static_cast<unsigned>(code.numbers[0]), static_cast<unsigned>(code.numbers[1])};
}

bool BlockTaker::isWithinGroups(int64_t gn, int64_t oldGk, int64_t gk) const {
  auto groupOf = [&](int64_t row, int64_t column) {
    auto [r, c] = source.placeAt(row, column);
    return std::pair(gn == kWhole ? 0 : r / gn, oldGk == kWhole ? 0 : c / oldGk);
  };
  if (gn == kWhole && oldGk == kWhole)
    return true;
  std::vector<std::pair<int64_t, int64_t>> first(groupsOf(k, gk));
  for (int64_t row = 0; row < n; ++row) {
    bool begins = gn == kWhole ? row == 0 : row % gn == 0;
    for (int64_t column = 0; column < k; ++column) {
      std::pair<int64_t, int64_t> &own = first[gk == kWhole ? 0 : column / gk];
      if (begins && (gk == kWhole ? column == 0 : column % gk == 0))
        own = groupOf(row, column);
      else if (groupOf(row, column) != own)
        return false;
    }
  }
  return true;
}

Error BlockTaker::fitGroup(llvm::StringRef what, int64_t gn, int64_t &gk) const {
  if (isWithinGroups(gn, gk, gk))
    return Error::success();
  if (gk == kWhole && source.blockColumns != kWhole && isWithinGroups(gn, kWhole, source.blockColumns)) {
    gk = source.blockColumns;
    return Error::success();
  }
  return fault("has ", what, " for groups that the order of its rows or columns takes apart");
}

/// The groups of all side values in the new matrix.
Error BlockTaker::fitGroups() {
  auto fitScales = [&](std::vector<ScaleForm> &scales) -> Error {
    for (ScaleForm &scale : scales) {
      if (Error error = fitGroup("scales", scale.gn, scale.gk))
        return error;
      if (scale.map == ScaleForm::Minus)
        if (Error error = fitGroup("zeros of scales", scale.zeroGn, scale.zeroGk))
          return error;
    }
    return Error::success();
  };
  if (Error error = fitScales(format.scales))
    return error;
  ZeroForm &zero = format.zero;
  if (zero.kind != ZeroForm::Tensor && zero.kind != ZeroForm::Min)
    return Error::success();
  if (Error error = fitGroup("zero points", zero.gn, zero.gk))
    return error;
  if (zero.minus)
    if (Error error = fitGroup("zeros of zero points", zero.minusGn, zero.minusGk))
      return error;
  return fitScales(zero.scales);
}

void BlockTaker::readCodes() {
  const FormatExtent &extent = from.layout.extents[from.term][from.index];
  columns = extent.streamColumns;
  codes.assign(extent.streamRows * columns, 0);
  std::vector<uint32_t> fields, words;
  for (int64_t row = 0; row < extent.streamRows; ++row) {
    uint16_t *out = codes.data() + row * columns;
    unsigned shift = 0;
    for (int level = 0;; ++level) {
      const EncodedArray *plane = from.layout.find(ArrayRole::Codes, from.term, from.index, level);
      if (!plane)
        break;
      fields.assign(columns, 0);
      if (format.code.kind == CodeForm::Radix) {
        words.resize(plane->columns);
        unpackFields(rowOf(*plane, row), plane->element.bits(), words);
        // checkTensor has refused digits that name no value.
        (void)splitDigits(words, radixOf(format.code), fields);
      } else {
        unpackFields(rowOf(*plane, row), plane->element.bits(), fields);
      }
      for (int64_t column = 0; column < columns; ++column)
        out[column] |= fields[column] << shift;
      shift += plane->element.bits();
    }
  }
}

void BlockTaker::writeCodes(const EncodedLayout &layout, uint8_t *out) const {
  std::vector<uint32_t> fields(k);
  for (int64_t row = 0; row < n; ++row) {
    for (int64_t column = 0; column < k; ++column) {
      auto [r, c] = source.codeAt(row, column);
      fields[column] = codes[r * columns + c];
    }
    for (int level = 0; const EncodedArray *plane = layout.find(ArrayRole::Codes, 0, 0, level); ++level) {
      uint8_t *place = out + plane->offset + row * plane->rowBytes;
      if (format.code.kind == CodeForm::Radix) {
        std::vector<uint32_t> words(plane->columns);
        joinDigits(fields, radixOf(format.code), words);
        packFields(words, plane->element.bits(), place);
        break;
      }
      unsigned bits = plane->element.bits();
      std::vector<uint32_t> low(fields);
      for (uint32_t &field : low)
        field &= (uint32_t(1) << bits) - 1;
      packFields(low, bits, place);
      for (uint32_t &field : fields)
        field >>= bits;
    }
  }
}

/// Each group of the new array from the old one where its first element was.
void BlockTaker::copySide(const EncodedArray &old, const EncodedArray &made, int64_t gn, int64_t oldGk, int64_t gk,
                          uint8_t *out) const {
  for (int64_t row = 0; row < made.rows; ++row)
    for (int64_t column = 0; column < made.columns; ++column) {
      auto [r, c] = source.placeAt(gn == kWhole ? 0 : row * gn, gk == kWhole ? 0 : column * gk);
      uint32_t field =
          getField(rowOf(old, gn == kWhole ? 0 : r / gn), old.element.bits(), oldGk == kWhole ? 0 : c / oldGk);
      setField(out + made.offset + row * made.rowBytes, made.element.bits(), column, field);
    }
}

Expected<SplitMatrix> BlockTaker::take() {
  if (!hasPlainCodes(format))
    return fault("has codes that do not lie one by one, or values that are no single numbers");
  if (Error error = fitGroups())
    return std::move(error);
  SplitMatrix matrix;
  matrix.n = n;
  matrix.k = k;
  Encoding encoding;
  encoding.terms.emplace_back().formats = {format};
  Expected<EncodedLayout> layout = EncodedLayout::of(encoding, n, k);
  if (!layout)
    return layout.takeError();
  matrix.bytes.assign(layout->bytes, 0);
  uint8_t *out = matrix.bytes.data();
  readCodes();
  writeCodes(*layout, out);
  auto oldArray = [&](ArrayRole role, int level = 0) {
    return from.layout.find(role, from.term, from.index, level);
  };
  auto move = [&](ArrayRole role, int level, int64_t gn, int64_t oldGk, int64_t gk) {
    if (const EncodedArray *made = layout->find(role, 0, 0, level))
      copySide(*oldArray(role, level), *made, gn, oldGk, gk, out);
  };
  auto moveScales = [&](const std::vector<ScaleForm> &old, const std::vector<ScaleForm> &made, ArrayRole role,
                        ArrayRole zeros) {
    for (size_t level = 0; level < made.size(); ++level) {
      move(role, level, made[level].gn, old[level].gk, made[level].gk);
      move(zeros, level, made[level].zeroGn, old[level].zeroGk, made[level].zeroGk);
    }
  };
  moveScales(from.format.scales, format.scales, ArrayRole::Scales, ArrayRole::ScaleZeros);
  const ZeroForm &old = from.format.zero, &zero = format.zero;
  move(ArrayRole::Zeros, 0, zero.gn, old.gk, zero.gk);
  move(ArrayRole::ZeroMinus, 0, zero.minusGn, old.minusGk, zero.minusGk);
  moveScales(old.scales, zero.scales, ArrayRole::ZeroScales, ArrayRole::ZeroScaleZeros);
  move(ArrayRole::Selectors, 0, selectorGroup(format).first, selectorGroup(from.format).second,
       selectorGroup(format).second);
  if (const EncodedArray *made = layout->find(ArrayRole::Table, 0, 0))
    std::memcpy(out + made->offset, rowOf(*oldArray(ArrayRole::Table), 0), made->bytes);
  matrix.encoding = std::move(encoding);
  return std::move(matrix);
}

Expected<SplitMatrix> lutra::takeBlock(const StoredFormat &from, int64_t n, int64_t k, const BlockSource &source) {
  return BlockTaker(from, n, k, source).take();
}

//===----------------------------------------------------------------------===//
// Scales and zero points that kernels read
//===----------------------------------------------------------------------===//

/// Kernels add whole numbers to codes of scales.
static bool hasPlainScales(const std::vector<ScaleForm> &scales) {
  return llvm::none_of(scales, [](const ScaleForm &scale) {
    return scale.map == ScaleForm::Minus || scale.offset != std::nearbyint(scale.offset);
  });
}

static bool hasPlainZero(const ZeroForm &zero) {
  return zero.kind == ZeroForm::None || zero.kind == ZeroForm::Const ||
         (zero.kind == ZeroForm::Tensor && zero.element.kind == SideType::Uint && zero.element.width <= 8 &&
          !zero.minus && !zero.inValue && zero.scales.empty());
}

bool lutra::isSimple(const WeightFormat &format) {
  return hasPlainScales(format.scales) && hasPlainZero(format.zero);
}

/// Elements along k that share a number made of these groups; 0: groups that do not nest.
static int64_t commonGroup(llvm::ArrayRef<int64_t> groups, int64_t k) {
  int64_t least = k;
  for (int64_t group : groups)
    least = group == kWhole ? least : std::min(least, group);
  for (int64_t group : groups)
    if (group != kWhole && group < k && group % least != 0)
      return 0;
  return std::max<int64_t>(1, least);
}

/// Groups along k of scales and of what they subtract.
static void addGroups(const std::vector<ScaleForm> &scales, std::vector<int64_t> &groups) {
  for (const ScaleForm &scale : scales) {
    groups.push_back(scale.gk);
    if (scale.map == ScaleForm::Minus)
      groups.push_back(scale.zeroGk);
  }
}

/// Minima that stay codes with scales of their own; nothing where kernels cannot read that.
static std::optional<WeightFormat> minimaFormat(const ZeroForm &zero, int64_t k) {
  bool isOutside = zero.kind == ZeroForm::Min || zero.inValue;
  if (!isOutside || zero.element.kind != SideType::Uint || zero.element.width > 8 || zero.minus ||
      zero.gk == kWhole || zero.gk >= k || !hasPlainScales(zero.scales))
    return std::nullopt;
  WeightFormat format;
  format.code.kind = CodeForm::Uint;
  format.code.numbers = {static_cast<int64_t>(zero.element.width)};
  for (ScaleForm scale : zero.scales) {
    if (scale.gk != kWhole && scale.gk < k) {
      if (scale.gk % (zero.gk * 8) != 0) // kernels take groups of eight
        return std::nullopt;
      scale.gk /= zero.gk;
    } else {
      scale.gk = kWhole;
    }
    format.scales.push_back(scale);
  }
  return format;
}

namespace {
/// Rewrites the side values of one dense matrix.
class Simplifier {
public:
  Simplifier(const SplitMatrix &matrix, const WeightFormat &format, const EncodedLayout &layout)
      : matrix(matrix), format(format), layout(layout), reader(format, layout, 0, 0, matrix.bytes, none) {}
  Error load() { return reader.loadSides(); }
  Expected<SimpleMatrix> run();

private:
  Expected<SplitMatrix> makeMain() const;
  Error makeMinima(SimpleMatrix &made) const;

  const SplitMatrix &matrix;
  const WeightFormat &format;
  const EncodedLayout &layout;
  DictionaryTable none;
  FormatReader reader;
};
} // namespace

/// The matrix with plain scales and without zero points that are no codes.
Expected<SplitMatrix> Simplifier::makeMain() const {
  SplitMatrix made;
  made.n = matrix.n;
  made.k = matrix.k;
  Encoding encoding = *matrix.encoding;
  WeightFormat &own = encoding.terms[0].formats[0];
  bool plainScales = hasPlainScales(format.scales), plainZero = hasPlainZero(format.zero);
  if (!plainZero)
    own.zero = ZeroForm();
  if (!plainScales) {
    if (own.value.kind == ValueMap::Table && own.value.select == ValueMap::Group)
      return fault("has tables for groups beside scales with zeros of their own");
    std::vector<int64_t> groups;
    addGroups(format.scales, groups);
    int64_t group = commonGroup(groups, matrix.k);
    if (group == 0)
      return fault("has scales whose zeros lie in groups that do not nest with theirs");
    ScaleForm scale;
    scale.gn = 1;
    scale.gk = group == matrix.k ? kWhole : group;
    own.scales = {scale};
  }
  Expected<EncodedLayout> ownLayout = EncodedLayout::of(encoding, made.n, made.k);
  if (!ownLayout)
    return ownLayout.takeError();
  made.bytes.assign(ownLayout->bytes, 0);
  for (const EncodedArray &array : ownLayout->arrays) {
    uint8_t *out = made.bytes.data() + array.offset;
    if (array.role == ArrayRole::Scales && !plainScales) {
      for (int64_t row = 0; row < array.rows; ++row)
        for (int64_t column = 0; column < array.columns; ++column) {
          int64_t first = own.scales[0].gk == kWhole ? 0 : column * own.scales[0].gk;
          auto value = static_cast<float>(reader.scaleAt(row, first));
          if (!std::isfinite(value))
            return fault("has a scale that f32 does not hold");
          std::memcpy(out + row * array.rowBytes + column * sizeof(float), &value, sizeof(float));
        }
      continue;
    }
    std::memcpy(out, matrix.bytes.data() + layout.find(array.role, 0, 0, array.level)->offset, array.bytes);
  }
  made.encoding = std::move(encoding);
  return std::move(made);
}

/// What each group of columns subtracts for a sum of its inputs of 1.
Error Simplifier::makeMinima(SimpleMatrix &made) const {
  const ZeroForm &zero = format.zero;
  bool isOutside = reader.zeroIsOutside();
  std::vector<int64_t> groups = {zero.gk};
  if (zero.minus)
    groups.push_back(zero.minusGk);
  addGroups(zero.scales, groups);
  if (!isOutside)
    addGroups(format.scales, groups);
  made.group = commonGroup(groups, matrix.k);
  if (made.group == 0)
    return fault("has zero points whose scales lie in groups that do not nest with theirs");
  SplitMatrix &minima = made.minima.emplace();
  minima.n = matrix.n;
  minima.k = groupsOf(matrix.k, made.group);
  if (std::optional<WeightFormat> coded = minimaFormat(zero, matrix.k)) {
    Encoding encoding;
    encoding.terms.emplace_back().formats = {*coded};
    Expected<EncodedLayout> own = EncodedLayout::of(encoding, minima.n, minima.k);
    if (!own)
      return own.takeError();
    minima.bytes.assign(own->bytes, 0);
    for (const EncodedArray &array : own->arrays) {
      bool isCode = array.role == ArrayRole::Codes;
      const EncodedArray &old =
          *layout.find(isCode ? ArrayRole::Zeros : ArrayRole::ZeroScales, 0, 0, array.level);
      for (int64_t row = 0; row < array.rows; ++row) {
        int64_t from = !isCode ? row : zero.gn == kWhole ? 0 : row / zero.gn;
        std::memcpy(minima.bytes.data() + array.offset + row * array.rowBytes,
                    matrix.bytes.data() + old.offset + from * old.rowBytes, array.rowBytes);
      }
    }
    minima.encoding = std::move(encoding);
    return Error::success();
  }
  for (int64_t row = 0; row < minima.n; ++row)
    for (int64_t group = 0; group < minima.k; ++group) {
      double value = reader.zeroAt(row, group * made.group);
      minima.values.push_back(
          static_cast<float>(isOutside ? value : value * reader.scaleAt(row, group * made.group)));
      if (!std::isfinite(minima.values.back()))
        return fault("has a zero point times its scale that f32 does not hold");
    }
  return Error::success();
}

Expected<SimpleMatrix> Simplifier::run() {
  SimpleMatrix made;
  Expected<SplitMatrix> main = makeMain();
  if (!main)
    return main.takeError();
  made.main = std::move(*main);
  if (!hasPlainZero(format.zero))
    if (Error error = makeMinima(made))
      return std::move(error);
  return std::move(made);
}

Expected<SimpleMatrix> lutra::simplify(SplitMatrix matrix) {
  const Encoding encoding = *matrix.encoding;
  const WeightFormat &format = encoding.terms[0].formats[0];
  if (isSimple(format)) {
    SimpleMatrix made;
    made.main = std::move(matrix);
    return std::move(made);
  }
  Expected<EncodedLayout> layout = EncodedLayout::of(encoding, matrix.n, matrix.k);
  if (!layout)
    return layout.takeError();
  Simplifier simplifier(matrix, format, *layout);
  if (Error error = simplifier.load())
    return std::move(error);
  return simplifier.run();
}
