//===- EncodeSides.cpp - choice of scales, zero points and selectors ---------===//
// For each group of the finest scale a wanted scale is found from the extremes of its values; a tree of scales then
// stores these numbers from the coarsest to the finest, each level rounded to its type before the next is chosen.
//
// A wanted scale lets the extremes just fit the extremes of the value map. Values that lie exactly on the map's grid
// under a smaller scale keep it (findExact), so that what was encoded once is encoded to itself.
#include "EncodeSides.h"

#include "NearestCode.h"

#include "lutra/Support/CodeStream.h"
#include "lutra/Support/SideValues.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <climits>
#include <cmath>
#include <limits>

using namespace lutra;
using llvm::Error;

namespace {
/// A wanted scale. For e8m0 a power of two: extremes may reach beyond the greatest value within its leading bit, as
/// OCP MX has it; where that value is itself a power of two, they may not.
struct Wanted {
  double ratio = 0;
  int exponent = INT_MIN;
  double extreme = 0; // the element of the greatest magnitude
  /// Lets `extreme` fit `value`, if they have one sign.
  void fit(double extreme, double value) {
    if (!(extreme * value > 0))
      return;
    ratio = std::max(ratio, extreme / value);
    int own = std::ilogb(extreme) - std::ilogb(value);
    bool isPower = std::ldexp(std::fabs(value), -std::ilogb(value)) == 1;
    exponent = std::max(exponent, own + (isPower && extreme / value > std::ldexp(1.0, own)));
  }
};

/// The levels of a tree of scales, or of a zero point and its scales, finest first.
struct Tree {
  std::vector<ScaleForm> forms;
  std::vector<const EncodedArray *> arrays, zeros; // zeros: null without `minus`
  bool isScale = true; // not to be rounded to 0
};

class SideChooser {
public:
  SideChooser(const WeightFormat &format, const EncodedLayout &layout, int term, int formatIndex,
              llvm::ArrayRef<double> target, const DictionaryTable &dictionaries,
              llvm::MutableArrayRef<uint8_t> bytes)
      : format(format), layout(layout), term(term), formatIndex(formatIndex), target(target), bytes(bytes),
        reader(format, layout, term, formatIndex, bytes, dictionaries) {}
  Error run();

private:
  /// Calls body(values, row, column of the first) for each row of a group.
  template <typename Body> void forGroup(int64_t gn, int64_t gk, int64_t i, int64_t j, Body body) const;
  const EncodedArray *find(ArrayRole role, int level = 0) const { return layout.find(role, term, formatIndex, level); }
  double constantZero() const { return format.zero.kind == ZeroForm::Const ? format.zero.constant : 0; }

  std::vector<Wanted> wantScales(const NearestCode &codes, llvm::ArrayRef<double> values);
  Wanted wantScale(const NearestCode &codes, llvm::ArrayRef<double> values, int64_t i, int64_t j, int64_t table) const;
  std::optional<double> findExact(const NearestCode &codes, double extreme, int64_t i, int64_t j, int64_t table) const;
  std::optional<double> findExactRange(double low, double high, double span, int64_t i, int64_t j) const;
  double errorOf(const NearestCode &codes, const Wanted &wanted, int64_t i, int64_t j, int64_t table) const;
  double rounded(const Wanted &wanted) const;
  void chooseSelectors(const NearestCode &codes, llvm::ArrayRef<double> values);
  std::vector<Wanted> wantRanges(const NearestCode &codes) const;
  Error storeScales(llvm::ArrayRef<Wanted> wanted);
  Error storeZeros(const NearestCode &codes, bool scalesKnown);
  Tree scaleTree() const;
  Tree zeroTree() const;
  void store(const Tree &tree, llvm::ArrayRef<Wanted> wanted);
  std::vector<double> storeLevel(const Tree &tree, size_t level, llvm::ArrayRef<double> factors);
  std::pair<double, double> extremes(const NearestCode &codes, int64_t row, int64_t column) const;

  const WeightFormat &format;
  const EncodedLayout &layout;
  int term, formatIndex;
  llvm::ArrayRef<double> target;
  llvm::MutableArrayRef<uint8_t> bytes;
  FormatReader reader;
  int64_t gn = kWhole, gk = kWhole, groupRows = 1, groupColumns = 1; // of the finest scale
  std::vector<int> valueBits; // most significant bits of a value, for each table
};
} // namespace

void lutra::writeArray(const EncodedArray &array, llvm::ArrayRef<double> values,
                       llvm::MutableArrayRef<uint8_t> bytes) {
  std::vector<uint32_t> fields(array.columns);
  for (int64_t row = 0; row < array.rows; ++row) {
    for (int64_t column = 0; column < array.columns; ++column)
      fields[column] = encodeSide(array.element, values[row * array.columns + column]);
    packFields(fields, array.element.bits(), bytes.data() + array.offset + row * array.rowBytes);
  }
}

template <typename Body>
void SideChooser::forGroup(int64_t gn, int64_t gk, int64_t i, int64_t j, Body body) const {
  int64_t rows = reader.extent().rows, columns = reader.extent().columns;
  int64_t rowBegin = gn == kWhole ? 0 : i * gn, rowEnd = gn == kWhole ? rows : std::min(rows, rowBegin + gn);
  int64_t begin = gk == kWhole ? 0 : j * gk, end = gk == kWhole ? columns : std::min(columns, begin + gk);
  for (int64_t row = rowBegin; row < rowEnd; ++row)
    body(row, begin, std::max(end - begin, int64_t(0)));
}

/// Least and greatest value that the codes of an element can have; +-greatest with a sign of its own.
std::pair<double, double> SideChooser::extremes(const NearestCode &codes, int64_t row, int64_t column) const {
  llvm::ArrayRef<double> values = codes.valuesOf(reader.tableAt(row, column));
  if (values.empty())
    return {0, 0};
  if (format.value.sign == ValueMap::Own)
    return {values.front(), values.back()};
  double greatest = std::max(std::fabs(values.front()), std::fabs(values.back()));
  return {-greatest, greatest};
}

/// The scale under which the extremes of a group fit its values and zero points inside.
Wanted SideChooser::wantScale(const NearestCode &codes, llvm::ArrayRef<double> values, int64_t i, int64_t j,
                              int64_t table) const {
  Wanted wanted;
  int64_t columns = reader.extent().columns;
  forGroup(gn, gk, i, j, [&](int64_t row, int64_t begin, int64_t count) {
    if (count == 0)
      return;
    double low = values[row * columns + begin], high = low;
    for (double x : values.slice(row * columns + begin, count)) {
      low = std::min(low, x);
      high = std::max(high, x);
    }
    for (double x : {low, high})
      if (std::fabs(x) > std::fabs(wanted.extreme))
        wanted.extreme = x;
    auto [least, greatest] = extremes(codes, row, begin);
    if (table >= 0) {
      least = codes.valuesOf(table).front();
      greatest = codes.valuesOf(table).back();
    }
    double zero = reader.zeroIsOutside() ? 0 : reader.zeroAt(row, begin);
    wanted.fit(high, greatest - zero);
    wanted.fit(low, least - zero);
  });
  return wanted;
}

/// Bits from the highest to the lowest set one.
static int significantBits(double value) {
  uint64_t mantissa = llvm::bit_cast<uint64_t>(value) & llvm::maskTrailingOnes<uint64_t>(52);
  return value == 0 ? 0 : mantissa ? 53 - llvm::countr_zero(mantissa) : 1;
}

/// Bits of the numbers that a scale can be.
static int significantBits(const SideType &type) {
  switch (type.kind) {
  case SideType::Uint:
  case SideType::Int:
    return type.width;
  case SideType::F32:
    return 24;
  case SideType::F16:
    return 11;
  case SideType::BF16:
    return 8;
  case SideType::E4M3:
  case SideType::UE4M3:
    return 4;
  case SideType::E5M2:
    return 3;
  case SideType::E8M0:
    return 1;
  }
  return 53;
}

/// A scale that its type holds and under which each value of the group is exactly a value of the map.
std::optional<double> SideChooser::findExact(const NearestCode &codes, double extreme, int64_t i, int64_t j,
                                             int64_t table) const {
  bool single = format.scales.size() == 1 && format.scales[0].map == ScaleForm::Linear &&
                format.scales[0].element.kind != SideType::E8M0 && format.value.vector == 1 &&
                format.value.sign == ValueMap::Own && format.code.kind != CodeForm::Dict;
  llvm::ArrayRef<double> values = codes.valuesOf(table);
  if (!single || values.size() > 256)
    return std::nullopt;
  int64_t columns = reader.extent().columns;
  double zero = constantZero();
  // A product has at most the bits of its factors together: most groups that are not exact end here.
  int bits = significantBits(format.scales[0].element) + valueBits[table];
  if (extreme == 0 || significantBits(extreme) > bits)
    return std::nullopt;
  auto test = [&](double value) -> std::optional<double> {
    if (!(value * extreme > 0))
      return std::nullopt;
    double scale = extreme / value;
    bool exact = true;
    forGroup(gn, gk, i, j, [&](int64_t row, int64_t begin, int64_t count) {
      for (int64_t at = 0; exact && at < count; ++at) {
        double x = target[row * columns + begin + at];
        exact = scale * (codes.valueOf(codes.find(x / scale + zero, table), table) - zero) == x;
      }
    });
    const SideType &element = format.scales[0].element;
    bool held = exact && decodeSide(element, encodeSide(element, scale)) == scale;
    return held ? std::optional(scale) : std::nullopt;
  };
  // From the value of the greatest magnitude on, so the least scale comes first.
  for (size_t at = 0; at < values.size(); ++at)
    if (std::optional<double> scale = test(values[extreme > 0 ? values.size() - 1 - at : at] - zero))
      return scale;
  return std::nullopt;
}

double SideChooser::rounded(const Wanted &wanted) const {
  if (format.scales.size() != 1 || format.scales[0].map != ScaleForm::Linear)
    return wanted.ratio;
  const SideType &element = format.scales[0].element;
  if (element.kind == SideType::E8M0 && wanted.exponent != INT_MIN)
    return std::ldexp(1.0, wanted.exponent);
  return decodeSide(element, encodeSide(element, wanted.ratio));
}

double SideChooser::errorOf(const NearestCode &codes, const Wanted &wanted, int64_t i, int64_t j,
                            int64_t table) const {
  double scale = rounded(wanted), sum = 0, zero = constantZero();
  forGroup(gn, gk, i, j, [&](int64_t row, int64_t begin, int64_t count) {
    for (double x : target.slice(row * reader.extent().columns + begin, count)) {
      double t = scale == 0 ? zero : x / scale + zero;
      double error = x - scale * (codes.valueOf(codes.find(t, table), table) - zero);
      sum += error * error;
    }
  });
  return sum;
}

/// The table of the least squared error for each group, the first of equal ones.
void SideChooser::chooseSelectors(const NearestCode &codes, llvm::ArrayRef<double> values) {
  const EncodedArray *selectors = find(ArrayRole::Selectors);
  if (!selectors)
    return;
  std::vector<double> chosen(groupRows * groupColumns);
  for (int64_t i = 0; i < groupRows; ++i)
    for (int64_t j = 0; j < groupColumns; ++j) {
      double least = std::numeric_limits<double>::infinity();
      for (int64_t table = 0; table < reader.getTable().tables; ++table) {
        if (codes.valuesOf(table).empty())
          continue;
        Wanted wanted = wantScale(codes, values, i, j, table);
        if (std::optional<double> exact = findExact(codes, wanted.extreme, i, j, table))
          wanted.ratio = *exact;
        double error = format.value.vector == 1 ? errorOf(codes, wanted, i, j, table) : 0;
        if (error < least) {
          least = error;
          chosen[i * groupColumns + j] = table;
        }
      }
    }
  writeArray(*selectors, chosen, bytes);
}

std::vector<Wanted> SideChooser::wantScales(const NearestCode &codes, llvm::ArrayRef<double> values) {
  std::vector<Wanted> wanted;
  bool plainZero = format.zero.kind == ZeroForm::None || format.zero.kind == ZeroForm::Const;
  for (int64_t i = 0; i < groupRows; ++i)
    for (int64_t j = 0; j < groupColumns; ++j) {
      Wanted own = wantScale(codes, values, i, j, -1);
      bool oneTable = format.value.select != ValueMap::Row || gn == 1;
      if (plainZero && oneTable)
        if (std::optional<double> exact = findExact(
                codes, own.extreme, i, j, reader.tableAt(gn == kWhole ? 0 : i * gn, gk == kWhole ? 0 : j * gk)))
          own.ratio = *exact;
      wanted.push_back(own);
    }
  return wanted;
}

/// As findExact, for codes in steps of 1 with an integer zero point: the range is a whole number of steps.
std::optional<double> SideChooser::findExactRange(double low, double high, double span, int64_t i, int64_t j) const {
  bool single = format.scales.size() == 1 && format.scales[0].map == ScaleForm::Linear &&
                format.scales[0].element.kind != SideType::E8M0 && format.zero.scales.empty() &&
                format.zero.element.isInteger() && format.value.kind == ValueMap::Affine && span <= 256;
  if (!single || !(high > low) ||
      significantBits(high - low) > significantBits(format.scales[0].element) + std::ilogb(span) + 1)
    return std::nullopt;
  const SideType &element = format.scales[0].element;
  int64_t columns = reader.extent().columns;
  for (double steps = span; steps >= 1; --steps) {
    double scale = (high - low) / steps;
    bool exact = true;
    forGroup(gn, gk, i, j, [&](int64_t row, int64_t begin, int64_t count) {
      for (int64_t at = 0; exact && at < count; ++at) {
        double x = target[row * columns + begin + at];
        exact = scale * roundEven(x / scale) == x;
      }
    });
    if (exact && decodeSide(element, encodeSide(element, scale)) == scale)
      return scale;
  }
  return std::nullopt;
}

/// Scales whose codes span least to greatest value of each group; with integer zero points the range holds 0.
std::vector<Wanted> SideChooser::wantRanges(const NearestCode &codes) const {
  std::vector<Wanted> wanted;
  int64_t columns = reader.extent().columns;
  bool holdsZero = format.zero.element.isInteger();
  for (int64_t i = 0; i < groupRows; ++i)
    for (int64_t j = 0; j < groupColumns; ++j) {
      double low = holdsZero ? 0 : std::numeric_limits<double>::infinity(), high = holdsZero ? 0 : -low, span = 0;
      forGroup(gn, gk, i, j, [&](int64_t row, int64_t begin, int64_t count) {
        for (double x : target.slice(row * columns + begin, count)) {
          low = std::min(low, x);
          high = std::max(high, x);
        }
        auto [least, greatest] = extremes(codes, row, begin);
        span = greatest - least;
      });
      Wanted own;
      if (high > low)
        own.fit(high - low, span);
      if (std::optional<double> exact = findExactRange(low, high, span, i, j))
        own.ratio = *exact;
      wanted.push_back(own);
    }
  return wanted;
}

Tree SideChooser::scaleTree() const {
  Tree tree;
  tree.forms = format.scales;
  for (size_t level = 0; level < tree.forms.size(); ++level) {
    tree.arrays.push_back(find(ArrayRole::Scales, level));
    tree.zeros.push_back(find(ArrayRole::ScaleZeros, level));
  }
  return tree;
}

Tree SideChooser::zeroTree() const {
  const ZeroForm &zero = format.zero;
  Tree tree;
  tree.isScale = false;
  ScaleForm first;
  first.element = zero.element;
  first.gn = zero.gn;
  first.gk = zero.gk;
  if (zero.minus) {
    first.map = ScaleForm::Minus;
    first.zeroElement = zero.minusElement;
    first.zeroGn = zero.minusGn;
    first.zeroGk = zero.minusGk;
  }
  tree.forms = {first};
  tree.arrays = {find(ArrayRole::Zeros)};
  tree.zeros = {find(ArrayRole::ZeroMinus)};
  for (size_t level = 0; level < zero.scales.size(); ++level) {
    tree.forms.push_back(zero.scales[level]);
    tree.arrays.push_back(find(ArrayRole::ZeroScales, level));
    tree.zeros.push_back(find(ArrayRole::ZeroScaleZeros, level));
  }
  return tree;
}

/// The cell of a coarser grid that holds the first element of a finer one's cell.
static int64_t coarser(const ScaleForm &fine, int64_t fineColumns, int64_t cell, int64_t gn, int64_t gk,
                       int64_t columns) {
  int64_t row = fine.gn == kWhole ? 0 : cell / fineColumns * fine.gn;
  int64_t column = fine.gk == kWhole ? 0 : cell % fineColumns * fine.gk;
  return (gn == kWhole ? 0 : row / gn) * columns + (gk == kWhole ? 0 : column / gk);
}

/// Writes the wanted factors of a level (and its zeros), and returns what was stored.
std::vector<double> SideChooser::storeLevel(const Tree &tree, size_t level, llvm::ArrayRef<double> factors) {
  const ScaleForm &form = tree.forms[level];
  const EncodedArray &array = *tree.arrays[level];
  std::vector<double> shift(factors.size(), form.map == ScaleForm::Affine ? form.offset : 0.0);
  if (const EncodedArray *zeros = tree.zeros[level]) {
    // The least factor of a zero's group gets the least code.
    std::vector<double> least(zeros->rows * zeros->columns, std::numeric_limits<double>::infinity());
    auto zeroOf = [&](int64_t cell) {
      return coarser(form, array.columns, cell, form.zeroGn, form.zeroGk, zeros->columns);
    };
    for (size_t cell = 0; cell < factors.size(); ++cell)
      least[zeroOf(cell)] = std::min(least[zeroOf(cell)], factors[cell]);
    for (double &zero : least) {
      zero = std::isfinite(zero) ? leastOf(form.element) - zero : 0;
      zero = decodeSide(form.zeroElement, encodeSide(form.zeroElement, zero));
    }
    writeArray(*zeros, least, bytes);
    for (size_t cell = 0; cell < factors.size(); ++cell)
      shift[cell] = -least[zeroOf(cell)];
  }
  std::vector<double> stored, numbers;
  for (auto [factor, offset] : llvm::zip_equal(factors, shift)) {
    double number = decodeSide(form.element, encodeSide(form.element, factor - offset));
    // A scale of 0 would lose the whole group; the least positive one saves its extremes.
    if (tree.isScale && factor > 0 && number + offset == 0 && offset == 0)
      number = decodeSide(form.element, 1);
    numbers.push_back(number);
    stored.push_back(number + offset);
  }
  writeArray(array, numbers, bytes);
  return stored;
}

/// What the finest levels below can multiply with: the greatest number of a narrow type, 1 of a wide one.
static double reachOf(const ScaleForm &form) {
  switch (form.element.kind) {
  case SideType::F32:
  case SideType::F16:
  case SideType::BF16:
  case SideType::E8M0:
    return 1;
  default:
    return greatestOf(form.element) + (form.map == ScaleForm::Affine ? form.offset : 0);
  }
}

void SideChooser::store(const Tree &tree, llvm::ArrayRef<Wanted> wanted) {
  const ScaleForm &finest = tree.forms[0];
  int64_t fineColumns = tree.arrays[0]->columns;
  std::vector<double> left; // what the levels still to come must multiply to
  for (const Wanted &own : wanted)
    left.push_back(own.ratio);
  for (size_t level = tree.forms.size(); level-- > 1;) {
    const ScaleForm &form = tree.forms[level];
    const EncodedArray &array = *tree.arrays[level];
    double reach = 1;
    for (size_t finer = 0; finer < level; ++finer)
      reach *= reachOf(tree.forms[finer]);
    bool spans = tree.forms[level - 1].map == ScaleForm::Minus;
    std::vector<double> greatest(array.rows * array.columns, 0.0);
    std::vector<double> low(greatest.size(), std::numeric_limits<double>::infinity());
    std::vector<double> high(greatest.size(), -std::numeric_limits<double>::infinity());
    auto cellOf = [&](size_t cell) { return coarser(finest, fineColumns, cell, form.gn, form.gk, array.columns); };
    for (size_t cell = 0; cell < left.size(); ++cell) {
      greatest[cellOf(cell)] = std::max(greatest[cellOf(cell)], std::fabs(left[cell]));
      low[cellOf(cell)] = std::min(low[cellOf(cell)], left[cell]);
      high[cellOf(cell)] = std::max(high[cellOf(cell)], left[cell]);
    }
    for (size_t cell = 0; cell < greatest.size(); ++cell) {
      const SideType &below = tree.forms[level - 1].element;
      if (spans && high[cell] > low[cell])
        greatest[cell] = (high[cell] - low[cell]) / (greatestOf(below) - leastOf(below));
      else if (!spans)
        greatest[cell] /= reach;
    }
    std::vector<double> stored = storeLevel(tree, level, greatest);
    for (size_t cell = 0; cell < left.size(); ++cell) {
      double factor = stored[cellOf(cell)];
      left[cell] = factor == 0 ? 0 : left[cell] / factor;
    }
  }
  if (finest.element.kind == SideType::E8M0 && tree.forms.size() == 1)
    for (size_t cell = 0; cell < left.size(); ++cell)
      if (wanted[cell].exponent != INT_MIN)
        left[cell] = std::ldexp(1.0, wanted[cell].exponent);
  storeLevel(tree, 0, left);
}

Error SideChooser::storeScales(llvm::ArrayRef<Wanted> wanted) {
  if (!format.scales.empty())
    store(scaleTree(), wanted);
  return reader.loadScales();
}

/// Zero points from the extremes of their own groups, under the stored scales or (not known yet) their own.
Error SideChooser::storeZeros(const NearestCode &codes, bool scalesKnown) {
  const ZeroForm &zero = format.zero;
  bool outside = reader.zeroIsOutside(), isUnsigned = leastOf(zero.element) >= 0;
  bool holdsZero = outside ? isUnsigned : zero.element.isInteger();
  const EncodedArray &array = *find(ArrayRole::Zeros);
  int64_t columns = reader.extent().columns;
  std::vector<Wanted> wanted;
  for (int64_t i = 0; i < array.rows; ++i)
    for (int64_t j = 0; j < array.columns; ++j) {
      double low = holdsZero ? 0 : std::numeric_limits<double>::infinity(), high = holdsZero ? 0 : -low;
      double least = 0, greatest = 0, scale = 1;
      forGroup(zero.gn, zero.gk, i, j, [&](int64_t row, int64_t begin, int64_t count) {
        for (double x : target.slice(row * columns + begin, count)) {
          low = std::min(low, x);
          high = std::max(high, x);
        }
        std::tie(least, greatest) = extremes(codes, row, begin);
        if (scalesKnown && count > 0)
          scale = reader.scaleAt(row, begin);
      });
      Wanted own;
      if (low <= high) {
        if (!scalesKnown && !format.scales.empty())
          scale = greatest > least ? (high - low) / (greatest - least) : 0;
        own.ratio = outside ? scale * least - low : scale == 0 ? least : least - low / scale;
      }
      if (isUnsigned)
        own.ratio = std::max(own.ratio, 0.0);
      wanted.push_back(own);
    }
  store(zeroTree(), wanted);
  return reader.loadZeros();
}

Error SideChooser::run() {
  std::tie(gn, gk) = selectorGroup(format);
  groupRows = groupsOf(reader.extent().rows, gn);
  groupColumns = groupsOf(reader.extent().columns, gk);
  if (Error error = reader.loadTables())
    return error;
  NearestCode codes(format, reader.getTable());
  for (int64_t table = 0; table < reader.getTable().tables; ++table) {
    int most = 0;
    for (double value : codes.valuesOf(table))
      most = std::max(most, significantBits(value - constantZero()));
    valueBits.push_back(most);
  }
  const ZeroForm &zero = format.zero;
  bool stored = zero.kind == ZeroForm::Tensor || zero.kind == ZeroForm::Min;
  if (!stored)
    if (Error error = reader.loadZeros())
      return error;
  if (!stored || !reader.zeroIsOutside()) {
    // Zero points of coarser groups than the scales come first, others follow the scales.
    bool zeroFirst = stored && ((zero.gn != gn && (zero.gn == kWhole || (gn != kWhole && zero.gn > gn))) ||
                                (zero.gk != gk && (zero.gk == kWhole || (gk != kWhole && zero.gk > gk))));
    zeroFirst |= stored && format.scales.empty();
    if (!stored)
      chooseSelectors(codes, target);
    if (Error error = reader.loadTables()) // with the selectors
      return error;
    if (stored && !zeroFirst) {
      if (Error error = storeScales(wantRanges(codes)))
        return error;
      return storeZeros(codes, /*scalesKnown=*/true);
    }
    if (stored)
      if (Error error = storeZeros(codes, /*scalesKnown=*/false))
        return error;
    return storeScales(wantScales(codes, target));
  }
  if (Error error = storeZeros(codes, /*scalesKnown=*/false))
    return error;
  std::vector<double> raised(target.begin(), target.end());
  int64_t columns = reader.extent().columns;
  std::vector<double> inside(columns), outside(columns);
  for (int64_t row = 0; row < reader.extent().rows; ++row) {
    reader.zerosOfRow(row, inside, outside);
    for (int64_t i = 0; i < columns; ++i)
      raised[row * columns + i] += outside[i];
  }
  return storeScales(wantScales(codes, raised));
}

Error lutra::chooseSides(const WeightFormat &format, const EncodedLayout &layout, int term, int formatIndex,
                         llvm::ArrayRef<double> target, const DictionaryTable &dictionaries,
                         llvm::MutableArrayRef<uint8_t> bytes) {
  if (format.scales.empty() && (format.zero.kind == ZeroForm::None || format.zero.kind == ZeroForm::Const) &&
      !layout.find(ArrayRole::Selectors, term, formatIndex))
    return Error::success();
  return SideChooser(format, layout, term, formatIndex, target, dictionaries, bytes).run();
}
