//===- EncodedPanels.cpp - codes of an encoded matrix in the order of kernels ===//
#include "lutra/Support/EncodedPanels.h"

#include "Message.h"

#include "lutra/Support/CodeStream.h"
#include "lutra/Support/DenseFormat.h"
#include "lutra/Support/EncodedLayout.h"
#include "lutra/Support/SideValues.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

using namespace lutra;

unsigned CodeWords::words() const { return planes > 0 ? bits * planes / 8 : triples ? 7 : bits / std::gcd(bits, 8u); }
unsigned CodeWords::fields() const { return planes > 0 ? planes : triples ? 32 : 8 / std::gcd(bits, 8u); }

unsigned CodeWords::codeOf(unsigned stored, unsigned field) const {
  constexpr unsigned powers[] = {1, 3, 9};
  return triples ? stored / powers[field % 3] % 3 : stored;
}

llvm::SmallVector<CodeWords::Piece, 7> CodeWords::piecesOf(unsigned field) const {
  if (planes > 0) {
    llvm::SmallVector<Piece, 7> bitPieces;
    for (unsigned bit = 0; bit < bits; ++bit)
      bitPieces.push_back({(bit * planes + field) / 8, field % 8, 1, bit});
    return bitPieces;
  }
  unsigned width = storedBits(), stored = triples ? field / 3 : field;
  unsigned perWord = 8 / width, whole = perWord * words(), spare = 8 - perWord * width;
  if (stored < whole)
    return {{stored / perWord, stored % perWord * width, width, 0}};
  llvm::SmallVector<Piece, 7> pieces;
  unsigned first = (stored - whole) * width; // among the bits that whole codes leave
  for (unsigned done = 0; done < width;) {
    unsigned in = (first + done) % spare, count = std::min(width - done, spare - in);
    pieces.push_back({(first + done) / spare, perWord * width + in, count, done});
    done += count;
  }
  return pieces;
}

/// The code's bits, 0 where it has no panels.
static unsigned panelBits(const CodeForm &code) {
  return code.kind != CodeForm::Dict && code.codeBits() <= 8 ? code.codeBits() : 0;
}

int64_t lutra::panelDepthOf(const Encoding &encoding, int64_t bytes) {
  const WeightFormat *format = findDenseFormat(encoding);
  unsigned bits = format ? panelBits(format->code) : 0;
  return bits == 0 ? 0 : CodeWords{bits}.fields() * bytes;
}

int64_t lutra::tripleDepthOf(const Encoding &encoding, int64_t bytes) {
  if (panelDepthOf(encoding, bytes) == 0)
    return 0;
  const CodeForm &code = encoding.terms.front().formats.front().code;
  bool isTernary = code.kind == CodeForm::Radix && code.numbers[0] == 3;
  return isTernary ? CodeWords{panelBits(code), true}.fields() * bytes : 0;
}

int64_t lutra::planeDepthOf(const Encoding &encoding) {
  if (panelDepthOf(encoding, 1) == 0 || tripleDepthOf(encoding, 1) > 0)
    return 0;
  switch (panelBits(encoding.terms.front().formats.front().code)) {
  case 2:
    return 32; // four bytes of such codes have 16
  case 3:
  case 4:
    return 16;
  default:
    return 0;
  }
}

/// How codes lie in panels of that depth.
static CodeWords wordsOf(const Encoding &encoding, int64_t depth) {
  bool triples = depth > 0 && (depth == tripleDepthOf(encoding, 1) || depth == tripleDepthOf(encoding, 4));
  bool planes = depth > 0 && depth == planeDepthOf(encoding);
  return {panelBits(encoding.terms.front().formats.front().code), triples, planes ? static_cast<unsigned>(depth) : 0};
}

/// What keeps a scale from panels; empty: nothing.
static std::string findScaleObstacle(const ScaleForm &scale) {
  return scale.map == ScaleForm::Minus ? "only scales without zeros of their own have panels" : "";
}

/// What keeps a format from panels; empty: nothing.
static std::string findObstacle(const Encoding &encoding, int64_t depth) {
  const WeightFormat *dense = findDenseFormat(encoding);
  if (!dense)
    return "only a single dense term has panels";
  if (!encoding.permN.empty() || !encoding.permK.empty())
    return "permuted rows and columns have no panels";
  const WeightFormat &format = *dense;
  CodeWords code = wordsOf(encoding, depth);
  if (code.bits == 0)
    return "only codes of up to 8 bits that lie one by one have panels";
  if (depth < 1 || depth % code.fields() != 0)
    return "panels of depth " + std::to_string(depth) + " hold no whole bytes of codes of " +
           std::to_string(code.bits) + " bits";
  if (int64_t bytes = depth / code.fields(); bytes != 1 && bytes != 4)
    return "only words of 1 or 4 bytes have panels";
  const ValueMap &value = format.value;
  if (value.sign != ValueMap::Own)
    return "only values with a sign of their own have panels";
  if (value.kind == ValueMap::Table && (value.vector != 1 || value.select == ValueMap::Row))
    return "only tables of single values, one or one for each group, have panels";
  if (value.kind == ValueMap::Table && value.select == ValueMap::Group && value.selectBits > 8)
    return "only tables for groups that bytes choose among have panels";
  for (const ScaleForm &scale : format.scales)
    if (std::string why = findScaleObstacle(scale); !why.empty())
      return why;
  const ZeroForm &zero = format.zero;
  if (zero.kind == ZeroForm::Min || zero.minus || !zero.scales.empty() || zero.inValue)
    return "only zero points of codes have panels";
  return {};
}

std::optional<std::pair<double, double>> EncodedPanels::linear() const {
  if (tables != 1 || values.empty())
    return std::nullopt;
  double offset = values[0], factor = values.size() > 1 ? values[1] - values[0] : 1;
  auto isFloat = [](double value) { return static_cast<double>(static_cast<float>(value)) == value; };
  for (size_t i = 0; i < values.size(); ++i) { // NaN is no number either
    double product = factor * static_cast<double>(i);
    if (!(values[i] == product + offset) || !isFloat(product))
      return std::nullopt;
  }
  if (!isFloat(offset))
    return std::nullopt;
  return std::pair(factor, offset);
}

bool EncodedPanels::isArithmetic() const {
  // Numbers below the least normal f32 are looked up.
  auto isNormal = [](double value) { return !(std::abs(value) < 0x1p-126) || value == 0; };
  return linear() || (map.kind == ValueMap::Float && values[0] == 0 && !zero && llvm::all_of(values, isNormal));
}

/// Values of all codes as panels hold them: two's complement with the sign bit flipped.
static std::vector<double> panelValues(const WeightFormat &format) {
  const ValueMap &map = format.value;
  if (map.kind == ValueMap::Table && map.values.empty())
    return {};
  int64_t tables = map.kind == ValueMap::Table && map.select == ValueMap::Group ? int64_t(1) << map.selectBits : 1;
  unsigned bits = format.code.codeBits();
  int64_t flip = format.code.kind == CodeForm::Int ? int64_t(1) << (bits - 1) : 0;
  double zero = format.zero.kind == ZeroForm::Const ? format.zero.constant : 0;
  std::vector<double> values;
  for (int64_t table = 0; table < tables; ++table)
    for (int64_t code = 0; code < int64_t(1) << bits; ++code)
      values.push_back(valueOfCode(format, code ^ flip, table).value_or(std::numeric_limits<double>::quiet_NaN()) -
                       zero);
  return values;
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
  panels.code = wordsOf(encoding, depth);
  panels.map = format.value;
  panels.values = panelValues(format);
  if (panels.map.kind == ValueMap::Table && panels.map.select == ValueMap::Group)
    panels.tables = int64_t(1) << panels.map.selectBits;
  int64_t row = std::max<int64_t>(1, k);
  auto side = [&](const SideType &element, int64_t gk, double offset) {
    PanelSide made;
    made.element = element;
    made.offset = offset;
    made.gk = gk == kWhole ? row : std::min(gk, row);
    return made;
  };
  for (const ScaleForm &scale : format.scales)
    panels.scales.push_back(side(scale.element, scale.gk, scale.map == ScaleForm::Affine ? scale.offset : 0));
  if (format.zero.kind == ZeroForm::Tensor)
    panels.zero = side(format.zero.element, format.zero.gk, 0);
  if (panels.tables > 1)
    panels.selector = side({SideType::Uint, static_cast<unsigned>(format.value.selectBits)},
                           selectorGroup(format).second, 0);
  panels.group = row;
  auto forSides = [&](auto body) {
    for (PanelSide &scale : panels.scales)
      body(scale);
    for (std::optional<PanelSide> *other : {&panels.zero, &panels.selector})
      if (*other)
        body(**other);
  };
  forSides([&](PanelSide &one) { panels.group = std::min(panels.group, one.gk); });
  bool nested = true;
  forSides([&](PanelSide &one) { nested &= one.gk == row || one.gk % panels.group == 0; });
  if (!nested)
    return fault("only groups along K that are multiples of the finest have panels");
  auto place = [&](int64_t bytes) {
    int64_t at = llvm::alignTo(panels.bytes, kArrayAlignment);
    panels.bytes = at + bytes;
    return at;
  };
  place(panels.panels() * panels.steps() * panels.stepBytes());
  forSides([&](PanelSide &one) { one.at = place(panels.panels() * panels.groupsOf(one) * width * one.bytes()); });
  if (panels.values.empty() || (panels.code.bits > 4 && !panels.isArithmetic())) {
    if (panels.values.empty() && format.zero.kind == ZeroForm::Const)
      return fault("only tables without a constant zero point, where values are stored, have panels");
    panels.tableAt = place((panels.tables << panels.code.bits) * static_cast<int64_t>(sizeof(float)));
  }
  return panels;
}

namespace {
/// Copies one form to the other.
class Copy {
public:
  Copy(const EncodedPanels &panels, const Encoding &encoding)
      : panels(panels), format(encoding.terms.front().formats.front()),
        layout(llvm::cantFail(EncodedLayout::of(encoding, panels.n, panels.k))),
        flip(format.code.kind == CodeForm::Int ? 1 << (panels.code.bits - 1) : 0) {
    for (unsigned stored = 0; stored < panels.code.storedFields(); ++stored)
      pieces.push_back(panels.code.piecesOf(panels.code.triples ? 3 * stored : stored));
  }
  void pack(const uint8_t *canonical, uint8_t *packed);
  void unpack(const uint8_t *packed, uint8_t *canonical);

private:
  const EncodedArray &codesOf(int level = 0) const { return *layout.find(ArrayRole::Codes, 0, 0, level); }
  template <typename Body> void forSides(Body body) const;
  void readCodes(const uint8_t *canonical, int64_t row);
  void writeCodes(uint8_t *canonical, int64_t row);
  void packTable(const uint8_t *canonical, uint8_t *out) const;
  void unpackTable(const uint8_t *in, uint8_t *canonical) const;
  template <typename Word> void packRow(uint8_t *out) const;
  template <typename Word, unsigned bits> void packWholeRow(uint8_t *out) const;
  bool isWhole() const;
  void joinTriples();
  void splitTriples();
  template <typename Word> void unpackRow(const uint8_t *in);
  uint8_t *rowPlace(uint8_t *packed, int64_t row) const {
    return packed + row / panels.width * panels.steps() * panels.stepBytes() + row % panels.width * panels.wordBytes();
  }

  const EncodedPanels &panels;
  const WeightFormat &format;
  EncodedLayout layout;
  uint32_t flip;
  std::vector<llvm::SmallVector<CodeWords::Piece, 7>> pieces; // by field of what is stored
  std::vector<uint8_t> codes;                                 // of a row, up to a whole step
  std::vector<uint32_t> fields;
};
} // namespace

/// body(array, side, rows of a group, -1: all) for each array of side values.
template <typename Body> void Copy::forSides(Body body) const {
  for (auto [level, side] : llvm::enumerate(panels.scales))
    body(*layout.find(ArrayRole::Scales, 0, 0, level), side, format.scales[level].gn);
  if (panels.zero)
    body(*layout.find(ArrayRole::Zeros, 0, 0), *panels.zero, format.zero.gn);
  if (panels.selector)
    body(*layout.find(ArrayRole::Selectors, 0, 0), *panels.selector, selectorGroup(format).first);
}

/// Codes of which bytes hold whole ones.
template <unsigned bits> static void readBytes(const uint8_t *from, llvm::MutableArrayRef<uint8_t> out) {
  constexpr size_t inByte = 8 / bits, mask = (1 << bits) - 1;
  size_t whole = out.size() / inByte;
  uint8_t *to = out.data();
  for (size_t byte = 0; byte < whole; ++byte)
    for (size_t field = 0; field < inByte; ++field)
      to[byte * inByte + field] = from[byte] >> field * bits & mask;
  for (size_t code = whole * inByte; code < out.size(); ++code)
    to[code] = from[whole] >> code % inByte * bits & mask;
}

void Copy::readCodes(const uint8_t *canonical, int64_t row) {
  const CodeForm &form = format.code;
  llvm::MutableArrayRef<uint8_t> out(codes);
  out = out.take_front(panels.k);
  auto place = [&](int level) { return canonical + codesOf(level).offset + row * codesOf(level).rowBytes; };
  if (form.kind == CodeForm::Uint && form.numbers[0] == 4)
    return readBytes<4>(place(0), out);
  if (form.kind == CodeForm::Uint && form.numbers[0] == 2)
    return readBytes<2>(place(0), out);
  if (form.kind == CodeForm::Uint && form.numbers[0] == 1)
    return readBytes<1>(place(0), out);
  if (form.kind == CodeForm::Uint && form.numbers[0] == 8)
    return readBytes<8>(place(0), out);
  if (form.kind == CodeForm::Radix) {
    std::vector<uint32_t> words(codesOf().columns);
    unpackFields(place(0), form.numbers[2], words);
    fields.assign(panels.k, 0);
    // checkTensor has refused digits that name no value.
    (void)splitDigits(words, {static_cast<unsigned>(form.numbers[0]), static_cast<unsigned>(form.numbers[1])}, fields);
    llvm::copy(fields, out.begin());
    return;
  }
  fields.resize(panels.k);
  llvm::fill(out, flip);
  unsigned shift = 0;
  for (int level = 0; const EncodedArray *plane = layout.find(ArrayRole::Codes, 0, 0, level); ++level) {
    unpackFields(place(level), plane->element.bits(), fields);
    for (int64_t k = 0; k < panels.k; ++k)
      out[k] ^= fields[k] << shift;
    shift += plane->element.bits();
  }
}

void Copy::writeCodes(uint8_t *canonical, int64_t row) {
  const CodeForm &form = format.code;
  auto place = [&](int level) { return canonical + codesOf(level).offset + row * codesOf(level).rowBytes; };
  fields.assign(codes.begin(), codes.begin() + panels.k);
  if (form.kind == CodeForm::Radix) {
    std::vector<uint32_t> words(codesOf().columns);
    joinDigits(fields, {static_cast<unsigned>(form.numbers[0]), static_cast<unsigned>(form.numbers[1])}, words);
    return packFields(words, form.numbers[2], place(0));
  }
  for (uint32_t &field : fields)
    field ^= flip;
  for (int level = 0; const EncodedArray *plane = layout.find(ArrayRole::Codes, 0, 0, level); ++level) {
    packFields(fields, plane->element.bits(), place(level));
    for (uint32_t &field : fields)
      field >>= plane->element.bits();
  }
}

/// The same bits of all bytes of a word.
template <typename Word> static Word everyByte(uint32_t bits) {
  return static_cast<Word>(bits * (static_cast<Word>(~Word(0)) / 255));
}

/// Whether a word holds nothing but whole codes, the first in the lowest bits.
bool Copy::isWhole() const {
  if (panels.code.words() != 1)
    return false;
  for (auto [field, parts] : llvm::enumerate(pieces))
    if (parts.size() != 1 || parts[0].to != 0 || parts[0].count != panels.code.bits ||
        parts[0].at != field * panels.code.bits)
      return false;
  return pieces.size() * panels.code.bits == 8;
}

/// packRow where isWhole().
template <typename Word, unsigned bits> void Copy::packWholeRow(uint8_t *out) const {
  constexpr unsigned fields = 8 / bits;
  int64_t distance = panels.width * sizeof(Word);
  const uint8_t *from = codes.data();
  for (int64_t step = 0; step < panels.steps(); ++step, out += distance, from += fields * sizeof(Word)) {
    Word values[fields], made = 0;
    std::memcpy(values, from, sizeof values);
    for (unsigned field = 0; field < fields; ++field) // codes are clean
      made |= values[field] << field * bits;
    std::memcpy(out, &made, sizeof made);
  }
}

/// The codes of a row in words of that size, which lie `width` words apart.
template <typename Word> void Copy::packRow(uint8_t *out) const {
  if (isWhole()) {
    switch (panels.code.bits) {
    case 1:
      return packWholeRow<Word, 1>(out);
    case 2:
      return packWholeRow<Word, 2>(out);
    case 4:
      return packWholeRow<Word, 4>(out);
    case 8:
      return packWholeRow<Word, 8>(out);
    }
  }
  int64_t distance = panels.width * sizeof(Word), words = panels.code.words();
  const uint8_t *from = codes.data();
  for (int64_t step = 0; step < panels.steps(); ++step, out += words * distance) {
    Word made[8] = {};
    for (const auto &field : pieces) {
      Word values;
      std::memcpy(&values, from, sizeof(Word));
      from += sizeof(Word);
      for (const CodeWords::Piece &piece : field)
        made[piece.word] |= (values >> piece.to & everyByte<Word>((1 << piece.count) - 1)) << piece.at;
    }
    for (int64_t word = 0; word < words; ++word)
      std::memcpy(out + word * distance, &made[word], sizeof(Word));
  }
}

template <typename Word> void Copy::unpackRow(const uint8_t *in) {
  int64_t distance = panels.width * sizeof(Word), words = panels.code.words();
  uint8_t *to = codes.data();
  for (int64_t step = 0; step < panels.steps(); ++step, in += words * distance)
    for (const auto &field : pieces) {
      Word values = 0;
      for (const CodeWords::Piece &piece : field) {
        Word word;
        std::memcpy(&word, in + piece.word * distance, sizeof(Word));
        values |= (word >> piece.at & everyByte<Word>((1 << piece.count) - 1)) << piece.to;
      }
      std::memcpy(to, &values, sizeof(Word));
      to += sizeof(Word);
    }
}

/// Makes of the codes of each three fields of a step one.
void Copy::joinTriples() {
  int64_t bytes = panels.wordBytes(), fields = panels.code.fields(), stored = panels.code.storedFields();
  std::fill(codes.begin() + panels.k, codes.end(), uint8_t(0)); // of the row before
  for (int64_t step = 0; step < panels.steps(); ++step) {
    const uint8_t *from = codes.data() + step * fields * bytes;
    uint8_t *to = codes.data() + step * stored * bytes;
    for (int64_t i = 0; i < stored * bytes; ++i) {
      int64_t first = i / bytes * 3, byte = i % bytes;
      int third = first + 2 < fields ? from[(first + 2) * bytes + byte] : 0;
      to[i] = from[first * bytes + byte] + 3 * from[(first + 1) * bytes + byte] + 9 * third;
    }
  }
}

void Copy::splitTriples() {
  int64_t bytes = panels.wordBytes(), fields = panels.code.fields(), stored = panels.code.storedFields();
  for (int64_t step = panels.steps() - 1; step >= 0; --step) // from the end: codes take more room than triples
    for (int64_t field = fields - 1; field >= 0; --field)
      for (int64_t byte = 0; byte < bytes; ++byte)
        codes[(step * fields + field) * bytes + byte] =
            panels.code.codeOf(codes[(step * stored + field / 3) * bytes + byte], field);
}

void Copy::pack(const uint8_t *canonical, uint8_t *packed) {
  if (panels.tableAt)
    packTable(canonical, packed + *panels.tableAt);
  codes.assign(panels.steps() * panels.depth, 0);
  for (int64_t row = 0; row < panels.n; ++row) {
    readCodes(canonical, row);
    if (panels.code.triples)
      joinTriples();
    uint8_t *place = rowPlace(packed, row);
    if (panels.wordBytes() == 4)
      packRow<uint32_t>(place);
    else
      packRow<uint8_t>(place);
  }
  forSides([&](const EncodedArray &array, const PanelSide &side, int64_t gn) {
    int64_t bytes = side.bytes();
    fields.resize(array.columns);
    for (int64_t row = 0; row < panels.n; ++row) {
      if (row == 0 || (gn != kWhole && row % gn == 0))
        unpackFields(canonical + array.offset + (gn == kWhole ? 0 : row / gn) * array.rowBytes, array.element.bits(),
                     fields);
      uint8_t *to = packed + side.at + (row / panels.width * array.columns * panels.width + row % panels.width) * bytes;
      for (int64_t group = 0; group < array.columns; ++group, to += panels.width * bytes)
        std::memcpy(to, &fields[group], bytes);
    }
  });
}

/// The tables in f32: as the encoding states them, or from the bytes.
void Copy::packTable(const uint8_t *canonical, uint8_t *out) const {
  std::vector<float> table(panels.storedEntries(), 0.0f);
  if (const EncodedArray *array = layout.find(ArrayRole::Table, 0, 0)) {
    std::vector<uint32_t> entries(array->columns);
    for (int64_t row = 0; row < array->rows; ++row) {
      unpackFields(canonical + array->offset + row * array->rowBytes, array->element.bits(), entries);
      for (auto [to, entry] : llvm::zip(llvm::MutableArrayRef(table).drop_front(row << panels.code.bits), entries))
        to = static_cast<float>(decodeSide(array->element, entry));
    }
  } else {
    for (auto [to, value] : llvm::zip_equal(table, panels.values))
      to = static_cast<float>(value);
  }
  std::memcpy(out, table.data(), table.size() * sizeof(float));
}

/// Into an array of the canonical form, where the encoding does not state the tables.
void Copy::unpackTable(const uint8_t *in, uint8_t *canonical) const {
  const EncodedArray *array = layout.find(ArrayRole::Table, 0, 0);
  if (!array)
    return;
  for (int64_t row = 0; row < array->rows; ++row) {
    std::vector<uint32_t> entries;
    for (int64_t entry = 0; entry < array->columns; ++entry) {
      float value;
      std::memcpy(&value, in + ((row << panels.code.bits) + entry) * sizeof(float), sizeof(float));
      entries.push_back(encodeSide(array->element, value));
    }
    packFields(entries, array->element.bits(), canonical + array->offset + row * array->rowBytes);
  }
}

void Copy::unpack(const uint8_t *packed, uint8_t *canonical) {
  if (panels.tableAt)
    unpackTable(packed + *panels.tableAt, canonical);
  codes.assign(panels.steps() * panels.depth, 0);
  for (int64_t row = 0; row < panels.n; ++row) {
    const uint8_t *place = rowPlace(const_cast<uint8_t *>(packed), row);
    if (panels.wordBytes() == 4)
      unpackRow<uint32_t>(place);
    else
      unpackRow<uint8_t>(place);
    if (panels.code.triples)
      splitTriples();
    writeCodes(canonical, row);
  }
  forSides([&](const EncodedArray &array, const PanelSide &side, int64_t gn) {
    int64_t bytes = side.bytes();
    fields.assign(array.columns, 0);
    for (int64_t row = 0; row < panels.n; row += gn == kWhole ? panels.n : gn) {
      const uint8_t *from =
          packed + side.at + (row / panels.width * array.columns * panels.width + row % panels.width) * bytes;
      for (int64_t group = 0; group < array.columns; ++group, from += panels.width * bytes)
        std::memcpy(&fields[group], from, bytes);
      packFields(fields, array.element.bits(),
                 canonical + array.offset + (gn == kWhole ? 0 : row / gn) * array.rowBytes);
    }
  });
}

void EncodedPanels::pack(const Encoding &encoding, llvm::ArrayRef<uint8_t> canonical,
                         llvm::MutableArrayRef<uint8_t> packed) const {
  std::memset(packed.data(), 0, packed.size());
  Copy(*this, encoding).pack(canonical.data(), packed.data());
}

void EncodedPanels::unpack(const Encoding &encoding, llvm::ArrayRef<uint8_t> packed,
                           llvm::MutableArrayRef<uint8_t> canonical) const {
  std::memset(canonical.data(), 0, canonical.size());
  Copy(*this, encoding).unpack(packed.data(), canonical.data());
}
