//===- FormatReader.cpp - codes and side data of one format in memory --------===//
#include "FormatReader.h"

#include "Message.h"

#include "lutra/Support/CodeStream.h"
#include "lutra/Support/SideValues.h"

#include "llvm/ADT/StringExtras.h"

#include <cassert>
#include <cmath>
#include <limits>

using namespace lutra;
using llvm::Error;

FormatReader::FormatReader(const WeightFormat &format, const EncodedLayout &layout, int term, int formatIndex,
                           llvm::ArrayRef<uint8_t> bytes, const DictionaryTable &dictionaries)
    : format(format), layout(layout), term(term), formatIndex(formatIndex), bytes(bytes),
      where(layout.extents[term][formatIndex]) {
  auto found = dictionaries.find(format.code.table);
  if (found != dictionaries.end())
    dictionary = &found->second;
}

const EncodedArray &FormatReader::arrayOf(ArrayRole role, int level) const {
  const EncodedArray *array = layout.find(role, term, formatIndex, level);
  assert(array && "the layout has the arrays of its format");
  return *array;
}

llvm::Expected<std::vector<double>> FormatReader::readArray(const EncodedArray &array) const {
  std::vector<double> values(array.rows * array.columns);
  std::vector<uint32_t> fields(array.columns);
  for (int64_t row = 0; row < array.rows; ++row) {
    unpackFields(rowOf(array, row), array.element.bits(), fields);
    for (int64_t column = 0; column < array.columns; ++column) {
      double value = decodeSide(array.element, fields[column]);
      if (!std::isfinite(value))
        return fault("holds ", array.element.text(), " bits 0x", llvm::utohexstr(fields[column]), " at [", row, ", ",
                     column, "] of ", array.name, ", which are no finite number; write it again");
      values[row * array.columns + column] = value;
    }
  }
  return std::move(values);
}

llvm::Expected<SideGrid> FormatReader::loadGrid(ArrayRole role, int level, int64_t gn, int64_t gk) const {
  const EncodedArray &array = arrayOf(role, level);
  llvm::Expected<std::vector<double>> values = readArray(array);
  if (!values)
    return values.takeError();
  SideGrid grid;
  grid.values = std::move(*values);
  grid.gn = gn;
  grid.gk = gk;
  grid.columns = array.columns;
  return std::move(grid);
}

/// Subtracts from each entry of a grid the entry of a second one that holds for its first element.
static void subtract(SideGrid &grid, const SideGrid &zeros) {
  for (size_t i = 0; i < grid.values.size(); ++i) {
    int64_t row = grid.gn == kWhole ? 0 : i / grid.columns * grid.gn;
    int64_t column = grid.gk == kWhole ? 0 : i % grid.columns * grid.gk;
    grid.values[i] -= zeros.at(row, column);
  }
}

Error FormatReader::loadTree(const std::vector<ScaleForm> &forms, ArrayRole role, ArrayRole zeroRole,
                             std::vector<SideGrid> &grids) const {
  grids.clear();
  for (size_t level = 0; level < forms.size(); ++level) {
    const ScaleForm &form = forms[level];
    llvm::Expected<SideGrid> grid = loadGrid(role, level, form.gn, form.gk);
    if (!grid)
      return grid.takeError();
    if (form.map == ScaleForm::Affine)
      for (double &value : grid->values)
        value += form.offset;
    if (form.map == ScaleForm::Minus) {
      llvm::Expected<SideGrid> zeros = loadGrid(zeroRole, level, form.zeroGn, form.zeroGk);
      if (!zeros)
        return zeros.takeError();
      subtract(*grid, *zeros);
    }
    grids.push_back(std::move(*grid));
  }
  return Error::success();
}

Error FormatReader::loadScales() {
  return loadTree(format.scales, ArrayRole::Scales, ArrayRole::ScaleZeros, scales);
}

Error FormatReader::loadZeros() {
  const ZeroForm &form = format.zero;
  zeroScales.clear();
  if (form.kind == ZeroForm::Const) {
    zero.values = {form.constant};
    return Error::success();
  }
  if (form.kind == ZeroForm::None)
    return Error::success();
  llvm::Expected<SideGrid> grid = loadGrid(ArrayRole::Zeros, 0, form.gn, form.gk);
  if (!grid)
    return grid.takeError();
  if (form.minus) {
    llvm::Expected<SideGrid> zeros = loadGrid(ArrayRole::ZeroMinus, 0, form.minusGn, form.minusGk);
    if (!zeros)
      return zeros.takeError();
    subtract(*grid, *zeros);
  }
  zero = std::move(*grid);
  return loadTree(form.scales, ArrayRole::ZeroScales, ArrayRole::ZeroScaleZeros, zeroScales);
}

Error FormatReader::loadTables() {
  const ValueMap &value = format.value;
  bool isDict = format.code.kind == CodeForm::Dict;
  if (isDict && !dictionary)
    return fault("reads the dictionary @", format.code.table, ", which is not given; define it");
  table.codes = int64_t(1) << (isDict ? 8 : format.code.codeBits());
  table.vector = value.kind == ValueMap::Table ? value.vector : 1;
  if (value.kind == ValueMap::Table)
    table.codes = value.entries;
  table.tables = int64_t(1) << value.selectBits;
  if (value.kind == ValueMap::Table && value.values.empty()) {
    const EncodedArray &array = arrayOf(ArrayRole::Table);
    llvm::Expected<std::vector<double>> entries = readArray(array);
    if (!entries)
      return entries.takeError();
    table.tables = array.rows;
    table.values = std::move(*entries);
  } else {
    table.values.clear();
    int64_t known = format.code.kind == CodeForm::Radix ? format.code.numbers[0] : table.codes;
    for (int64_t index = 0; index < table.tables; ++index)
      for (int64_t code = 0; code < table.codes; ++code)
        for (int64_t element = 0; element < table.vector; ++element) {
          std::optional<double> number;
          if (code < known)
            number = valueOfCode(format, code, index, element);
          table.values.push_back(number.value_or(std::numeric_limits<double>::quiet_NaN()));
        }
  }
  if (value.select == ValueMap::Group && value.selectBits > 0) {
    auto [gn, gk] = selectorGroup(format);
    llvm::Expected<SideGrid> grid = loadGrid(ArrayRole::Selectors, 0, gn, gk);
    if (!grid)
      return grid.takeError();
    selectors = std::move(*grid);
  }
  return Error::success();
}

Error FormatReader::loadSides() {
  if (Error error = loadTables())
    return error;
  if (Error error = loadScales())
    return error;
  return loadZeros();
}

/// Code words of a dictionary.
Error FormatReader::readRuns(int64_t row, std::vector<uint32_t> &codes) {
  const EncodedArray &array = arrayOf(ArrayRole::Codes);
  int64_t columns = codes.size(), begin = 0, end = array.columns, line = row;
  if (format.code.prefix) {
    const EncodedArray &starts = arrayOf(ArrayRole::RunStarts);
    begin = getField(rowOf(starts, 0), 32, row);
    end = getField(rowOf(starts, 0), 32, row + 1);
    line = 0;
    if (begin > end || end > array.columns)
      return fault("has row ", row, " of ", array.name, " at code words ", begin, " to ", end, " of ", array.columns,
                   "; starts must rise and end within the codes");
  }
  int64_t next = 0;
  for (int64_t word = begin; word < end && (format.code.prefix || next < columns); ++word) {
    uint32_t index = getField(rowOf(array, line), array.element.bits(), word);
    if (index >= dictionary->size())
      return fault("has index ", index, " in row ", row, " of ", array.name, ", but @", format.code.table, " has ",
                   dictionary->size(), " entries");
    if (next >= columns)
      return fault("has more code words than row ", row, " of ", array.name, " needs for ", columns, " codes");
    for (uint8_t code : dictionary->entry(index))
      if (next < columns)
        codes[next++] = code;
  }
  if (next < columns)
    return fault("has runs of ", next, " codes in row ", row, " of ", array.name, ", which needs ", columns);
  return Error::success();
}

Error FormatReader::readCodes(int64_t row, std::vector<uint32_t> &codes) {
  const CodeForm &form = format.code;
  const EncodedArray &array = arrayOf(ArrayRole::Codes);
  switch (form.kind) {
  case CodeForm::Uint:
  case CodeForm::Int:
    unpackFields(rowOf(array, row), form.numbers[0], codes);
    return Error::success();
  case CodeForm::Planes: {
    words.resize(codes.size());
    unpackFields(rowOf(array, row), form.numbers[0], codes);
    unsigned shift = form.numbers[0];
    for (size_t plane = 1; plane < form.numbers.size(); ++plane) {
      unpackFields(rowOf(arrayOf(ArrayRole::Codes, plane), row), form.numbers[plane], words);
      for (size_t i = 0; i < codes.size(); ++i)
        codes[i] |= words[i] << shift;
      shift += form.numbers[plane];
    }
    return Error::success();
  }
  case CodeForm::Radix: {
    words.resize(array.columns);
    unpackFields(rowOf(array, row), form.numbers[2], words);
    RadixForm radix{(unsigned)form.numbers[0], (unsigned)form.numbers[1]};
    if (std::optional<int64_t> bad = splitDigits(words, radix, codes))
      return fault("has word ", words[*bad], " at [", row, ", ", *bad, "] of ", array.name, "; ", radix.digits,
                   " digits of base ", radix.base, " make a smaller one");
    return Error::success();
  }
  case CodeForm::Dict:
    return readRuns(row, codes);
  }
  return Error::success();
}

void FormatReader::applySigns(int64_t row, llvm::MutableArrayRef<double> values) const {
  if (format.value.sign == ValueMap::Own)
    return;
  const uint8_t *signs = rowOf(arrayOf(ArrayRole::Signs), row);
  for (size_t i = 0; i < values.size(); ++i) {
    bool negative;
    if (format.value.sign == ValueMap::Plane) {
      negative = getField(signs, 1, i);
    } else {
      uint32_t seven = getField(signs, 7, i / 8);
      negative = i % 8 < 7 ? (seven >> (i % 8)) & 1 : llvm::popcount(seven) & 1;
    }
    if (negative)
      values[i] = -values[i];
  }
}

Error FormatReader::readRow(int64_t row, llvm::MutableArrayRef<double> values) {
  return readRow(row, values, [&](int64_t column) { return std::pair(row, column); });
}

Error FormatReader::readRow(int64_t row, llvm::MutableArrayRef<double> values,
                            llvm::function_ref<std::pair<int64_t, int64_t>(int64_t)> positionOf) {
  int64_t count = values.size(), vector = table.vector;
  codes.resize((count + vector - 1) / vector);
  if (Error error = readCodes(row, codes))
    return error;
  auto nameless = [&](int64_t i) {
    return fault("has code ", codes[i / vector], " for element [", row, ", ", i, "] of ",
                 arrayOf(ArrayRole::Codes).name, ", which names no value");
  };
  if (format.value.kind == ValueMap::Table)
    for (size_t i = 0; i < codes.size(); ++i)
      if (codes[i] >= table.codes)
        return nameless(i * vector);
  const double *first = table.values.data();
  if (table.tables == 1 && vector == 1) {
    for (int64_t i = 0; i < count; ++i)
      values[i] = first[codes[i]];
  } else {
    for (int64_t i = 0; i < count; ++i) {
      auto [n, k] = positionOf(i);
      values[i] = table.entry(tableAt(n, k), codes[i / vector])[i % vector];
    }
  }
  bool unknown = false;
  for (double value : values)
    unknown |= value != value;
  if (unknown)
    for (int64_t i = 0; i < count; ++i)
      if (std::isnan(values[i]))
        return nameless(i);
  applySigns(row, values);
  return Error::success();
}

/// Product of a list of grids along a row; 1 of none.
static void multiplyRow(const std::vector<SideGrid> &grids, int64_t row, llvm::MutableArrayRef<double> out) {
  if (grids.empty()) {
    std::fill(out.begin(), out.end(), 1.0);
    return;
  }
  int64_t size = out.size();
  grids[0].forRuns(row, size, [&](int64_t begin, int64_t end, double value) {
    std::fill(out.begin() + begin, out.begin() + end, value);
  });
  for (const SideGrid &grid : llvm::ArrayRef(grids).drop_front())
    grid.forRuns(row, size, [&](int64_t begin, int64_t end, double value) {
      for (int64_t i = begin; i < end; ++i)
        out[i] *= value;
    });
}

void FormatReader::scalesOfRow(int64_t row, llvm::MutableArrayRef<double> scale) const {
  multiplyRow(scales, row, scale);
}

void FormatReader::zerosOfRow(int64_t row, llvm::MutableArrayRef<double> inside,
                              llvm::MutableArrayRef<double> outside) const {
  std::fill(inside.begin(), inside.end(), 0.0);
  std::fill(outside.begin(), outside.end(), 0.0);
  if (!hasZero())
    return;
  llvm::MutableArrayRef<double> own = zeroIsOutside() ? outside : inside;
  zero.forRuns(row, own.size(), [&](int64_t begin, int64_t end, double value) {
    std::fill(own.begin() + begin, own.begin() + end, value);
  });
  for (const SideGrid &grid : zeroScales)
    grid.forRuns(row, own.size(), [&](int64_t begin, int64_t end, double value) {
      for (int64_t i = begin; i < end; ++i)
        own[i] *= value;
    });
}

double FormatReader::scaleAt(int64_t row, int64_t column) const {
  if (scales.empty())
    return 1;
  double product = scales[0].at(row, column);
  for (const SideGrid &grid : llvm::ArrayRef(scales).drop_front())
    product *= grid.at(row, column);
  return product;
}

double FormatReader::zeroAt(int64_t row, int64_t column) const {
  if (!hasZero())
    return 0;
  double value = zero.at(row, column);
  for (const SideGrid &grid : zeroScales)
    value *= grid.at(row, column);
  return value;
}
