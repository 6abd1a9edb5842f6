//===- DecodeTerms.cpp - values from stored bytes ---------------------------===//
// Terms are added in stored order into one matrix; the permutations are undone at the end.
#include "EncodedTerms.h"

#include "Message.h"

#include "lutra/Support/CodeStream.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace lutra;
using llvm::Error;

static const uint8_t *rowOf(llvm::ArrayRef<uint8_t> bytes, const EncodedArray &array, int64_t row) {
  return bytes.data() + array.offset + row * array.rowBytes;
}

llvm::Expected<CodeDictionary> CodeDictionary::read(const CodeForm &code, llvm::ArrayRef<uint8_t> bytes) {
  CodeDictionary result;
  for (size_t at = 0; at < bytes.size();) {
    size_t length = code.prefix ? bytes[at++] : (size_t)code.length;
    if (length == 0 || length > bytes.size() - at)
      return fault("has an entry of ", length, " codes at byte ", at, " of the dictionary @", code.table,
                   ", which has ", bytes.size(), " bytes; an entry has at least one code and ends within them");
    result.codes.insert(result.codes.end(), bytes.begin() + at, bytes.begin() + at + length);
    result.starts.push_back(result.codes.size());
    at += length;
  }
  if (result.size() > int64_t(1) << code.numbers[0])
    return fault("has ", result.size(), " entries in the dictionary @", code.table, ", but indices of ",
                 code.numbers[0], " bits");
  return std::move(result);
}

std::vector<std::pair<std::string, CodeForm>> lutra::dictionariesOf(const Encoding &encoding) {
  std::vector<std::pair<std::string, CodeForm>> result;
  for (const EncodingTerm &term : encoding.terms)
    for (const WeightFormat &format : term.formats) {
      auto same = [&](const auto &known) { return known.first == format.code.table; };
      if (format.code.kind == CodeForm::Dict && std::none_of(result.begin(), result.end(), same))
        result.emplace_back(format.code.table, format.code);
    }
  return result;
}

Error lutra::addDense(FormatReader &reader, double *out, int64_t stride) {
  int64_t columns = reader.extent().columns;
  std::vector<double> values(columns), scale(columns), inside(columns), outside(columns);
  for (int64_t row = 0; row < reader.extent().rows; ++row, out += stride) {
    if (Error error = reader.readRow(row, values))
      return error;
    reader.scalesOfRow(row, scale);
    if (!reader.hasZero()) {
      for (int64_t i = 0; i < columns; ++i)
        out[i] += scale[i] * values[i];
      continue;
    }
    reader.zerosOfRow(row, inside, outside);
    for (int64_t i = 0; i < columns; ++i)
      out[i] += scale[i] * (values[i] - inside[i]) - outside[i];
  }
  return Error::success();
}

/// Rising starts that end within `count`.
static llvm::Expected<std::vector<int64_t>> readStarts(const EncodedArray &array, llvm::ArrayRef<uint8_t> bytes,
                                                       int64_t count) {
  std::vector<int64_t> starts;
  for (int64_t i = 0; i < array.columns; ++i) {
    starts.push_back(getField(rowOf(bytes, array, 0), array.element.bits(), i));
    if (starts.back() > count || starts.back() < starts[std::max<int64_t>(i - 1, 0)] || (i == 0 && starts[0] != 0))
      return fault("has start ", starts.back(), " at ", i, " of ", array.name, "; starts rise from 0 to at most ",
                   count);
  }
  return std::move(starts);
}

/// Rows of (compressed) columns: [begin, end) of each row and rising columns below `columns`.
static Error readCompressed(const EncodedLayout &layout, int term, llvm::ArrayRef<uint8_t> bytes, int64_t columns,
                            llvm::function_ref<void(int64_t slot, int64_t row, int64_t column)> body) {
  const EncodedArray &places = *layout.find(ArrayRole::Places, term);
  const EncodedArray &starts = *layout.find(ArrayRole::Starts, term);
  llvm::Expected<std::vector<int64_t>> begin = readStarts(starts, bytes, places.columns);
  if (!begin)
    return begin.takeError();
  for (int64_t row = 0; row + 1 < (int64_t)begin->size(); ++row) {
    int64_t last = -1;
    for (int64_t slot = (*begin)[row]; slot < (*begin)[row + 1]; ++slot) {
      int64_t column = getField(rowOf(bytes, places, 0), places.element.bits(), slot);
      if (column >= columns || column <= last)
        return fault("has column ", column, " at ", slot, " of ", places.name, "; columns of a row rise and are below ",
                     columns);
      body(slot, row, column);
      last = column;
    }
  }
  return Error::success();
}

/// Set bits of a mask in row-major order, at most `count`, all in columns below `columns`.
static Error readMask(const EncodedArray &mask, llvm::ArrayRef<uint8_t> bytes, int64_t columns, int64_t count,
                      llvm::function_ref<void(int64_t slot, int64_t row, int64_t column)> body) {
  int64_t slot = 0;
  for (int64_t row = 0; row < mask.rows; ++row)
    for (int64_t column = 0; column < mask.columns; ++column) {
      if (!getField(rowOf(bytes, mask, row), 1, column))
        continue;
      if (column >= columns)
        return fault("has a bit for column ", column, " in row ", row, " of ", mask.name, ", but ", columns,
                     " columns");
      if (slot == count)
        return fault("has more than the ", count, " bits in ", mask.name, " that its density allows");
      body(slot++, row, column);
    }
  return Error::success();
}

llvm::Expected<std::vector<StoredPlace>> lutra::readPlaces(const EncodingTerm &term, int index,
                                                           const EncodedLayout &layout,
                                                           llvm::ArrayRef<uint8_t> bytes) {
  const SparsityForm &sparsity = term.sparsity;
  FormatExtent extent = layout.extents[index][0];
  int64_t n = layout.n, k = layout.k;
  std::vector<StoredPlace> places(extent.streamRows * extent.streamColumns);
  auto setBlock = [&](int64_t slot, int64_t row, int64_t column) {
    for (int64_t i = 0; i < extent.streamColumns; ++i) {
      StoredPlace place{row * sparsity.a + i / sparsity.b, column * sparsity.b + i % sparsity.b};
      if (place.row < n && place.column < k)
        places[slot * extent.streamColumns + i] = place;
    }
  };
  auto setOne = [&](int64_t slot, int64_t row, int64_t column) { places[slot] = {row, column}; };
  switch (sparsity.kind) {
  case SparsityForm::None:
    break;
  case SparsityForm::NM: {
    const EncodedArray &array = *layout.find(ArrayRole::Places, index);
    for (int64_t row = 0; row < n; ++row)
      for (int64_t slot = 0, last = -1; slot < extent.streamColumns; ++slot) {
        int64_t place = getField(rowOf(bytes, array, row), sparsity.c, slot);
        if (slot % sparsity.a == 0)
          last = -1;
        if (place >= sparsity.b || place <= last)
          return fault("has place ", place, " at [", row, ", ", slot, "] of ", array.name,
                       "; the places of a group rise and are below ", sparsity.b);
        last = place;
        int64_t column = slot / sparsity.a * sparsity.b + place;
        if (column < k) // else it fills up the last group
          places[row * extent.streamColumns + slot] = {row, column};
      }
    break;
  }
  case SparsityForm::Block: {
    int64_t columns = llvm::divideCeil(k, sparsity.b);
    Error error = sparsity.blockBitmap
                      ? readMask(*layout.find(ArrayRole::Mask, index), bytes, columns, extent.streamRows, setBlock)
                      : readCompressed(layout, index, bytes, columns, setBlock);
    if (error)
      return std::move(error);
    break;
  }
  case SparsityForm::Bitmap:
    if (Error error = readMask(*layout.find(ArrayRole::Mask, index), bytes, k, extent.streamColumns, setOne))
      return std::move(error);
    break;
  case SparsityForm::Csr:
    if (Error error = readCompressed(layout, index, bytes, k, setOne))
      return std::move(error);
    break;
  }
  return std::move(places);
}

/// The values of a stream's row, and where they belong.
static Error readSparseRow(FormatReader &reader, llvm::ArrayRef<StoredPlace> places, int64_t row,
                           llvm::ArrayRef<StoredPlace> &line, std::vector<double> &values) {
  int64_t columns = reader.extent().streamColumns;
  line = places.slice(row * columns, columns);
  // What is not used at the end of a stream need not hold codes.
  while (!line.empty() && line.back().row < 0)
    line = line.drop_back();
  values.resize(line.size());
  return reader.readRow(row, values, [&](int64_t i) {
    return std::pair(std::max<int64_t>(line[i].row, 0), std::max<int64_t>(line[i].column, 0));
  });
}

static Error addSparse(FormatReader &reader, llvm::ArrayRef<StoredPlace> places, int64_t k, double *out) {
  std::vector<double> values;
  llvm::ArrayRef<StoredPlace> line;
  for (int64_t row = 0; row < reader.extent().streamRows; ++row) {
    if (Error error = readSparseRow(reader, places, row, line, values))
      return error;
    for (auto [place, value] : llvm::zip_equal(line, values)) {
      if (place.row < 0)
        continue;
      double scale = reader.scaleAt(place.row, place.column), zero = reader.zeroAt(place.row, place.column);
      out[place.row * k + place.column] += reader.zeroIsOutside() ? scale * value - zero : scale * (value - zero);
    }
  }
  return Error::success();
}

llvm::Expected<std::vector<std::vector<int64_t>>> lutra::readTypeMap(const EncodingTerm &term, int index,
                                                                     const EncodedLayout &layout,
                                                                     llvm::ArrayRef<uint8_t> bytes) {
  const EncodedArray &array = *layout.find(ArrayRole::TypeMap, index);
  std::vector<int64_t> room = blocksOfFormats(term, array.rows * array.columns);
  std::vector<std::vector<int64_t>> blocks(term.formats.size());
  for (int64_t block = 0; block < array.rows * array.columns; ++block) {
    uint32_t format =
        getField(rowOf(bytes, array, block / array.columns), array.element.bits(), block % array.columns);
    if (format >= term.formats.size() || (int64_t)blocks[format].size() == room[format])
      return fault("has block ", block, " in format ", format, " of ", array.name, ", which has room for ",
                   format < room.size() ? room[format] : 0, " blocks; keep to the shares");
    blocks[format].push_back(block);
  }
  return std::move(blocks);
}

static Error addTypeMap(const EncodingTerm &term, int index, const EncodedLayout &layout,
                        llvm::ArrayRef<uint8_t> bytes, const DictionaryTable &dictionaries, double *out) {
  llvm::Expected<std::vector<std::vector<int64_t>>> blocks = readTypeMap(term, index, layout, bytes);
  if (!blocks)
    return blocks.takeError();
  int64_t n = layout.n, k = layout.k, across = llvm::divideCeil(k, term.gk);
  for (size_t i = 0; i < term.formats.size(); ++i) {
    FormatReader reader(term.formats[i], layout, index, i, bytes, dictionaries);
    if (Error error = reader.loadSides())
      return error;
    std::vector<double> own(reader.extent().rows * term.gk);
    if (Error error = addDense(reader, own.data(), term.gk))
      return error;
    for (auto [place, block] : llvm::enumerate((*blocks)[i])) {
      int64_t firstRow = block / across * term.gn, firstColumn = block % across * term.gk;
      for (int64_t row = 0; row < std::min(term.gn, n - firstRow); ++row)
        for (int64_t column = 0; column < std::min(term.gk, k - firstColumn); ++column)
          out[(firstRow + row) * k + firstColumn + column] += own[((int64_t)place * term.gn + row) * term.gk + column];
    }
  }
  return Error::success();
}

/// The product of two factors, summed along the rank in its order.
static Error addLowRank(const EncodingTerm &term, int index, const EncodedLayout &layout,
                        llvm::ArrayRef<uint8_t> bytes, const DictionaryTable &dictionaries, double *out) {
  int64_t n = layout.n, k = layout.k, rank = term.rank;
  std::vector<double> left(n * rank), right(rank * k), line(k);
  FormatReader first(term.formats[0], layout, index, 0, bytes, dictionaries);
  FormatReader second(term.formats[1], layout, index, 1, bytes, dictionaries);
  if (Error error = first.loadSides())
    return error;
  if (Error error = second.loadSides())
    return error;
  if (Error error = addDense(first, left.data(), rank))
    return error;
  if (Error error = addDense(second, right.data(), k))
    return error;
  for (int64_t row = 0; row < n; ++row) {
    std::fill(line.begin(), line.end(), 0.0);
    for (int64_t r = 0; r < rank; ++r)
      for (int64_t column = 0; column < k; ++column)
        line[column] += left[row * rank + r] * right[r * k + column];
    for (int64_t column = 0; column < k; ++column)
      out[row * k + column] += line[column];
  }
  return Error::success();
}

Error lutra::addTerm(const Encoding &encoding, int index, const EncodedLayout &layout, llvm::ArrayRef<uint8_t> bytes,
                     const DictionaryTable &dictionaries, double *out) {
  const EncodingTerm &term = encoding.terms[index];
  switch (term.kind) {
  case EncodingTerm::Dense:
  case EncodingTerm::Parts:
    for (size_t i = 0; i < term.formats.size(); ++i) {
      FormatReader reader(term.formats[i], layout, index, i, bytes, dictionaries);
      if (Error error = reader.loadSides())
        return error;
      PartRange range = term.kind == EncodingTerm::Parts ? clipRange(term.regions[i], layout.n, layout.k) : PartRange();
      if (Error error = addDense(reader, out + range.rowBegin * layout.k + range.columnBegin, layout.k))
        return error;
    }
    return Error::success();
  case EncodingTerm::Sparse: {
    FormatReader reader(term.formats[0], layout, index, 0, bytes, dictionaries);
    if (Error error = reader.loadSides())
      return error;
    llvm::Expected<std::vector<StoredPlace>> places = readPlaces(term, index, layout, bytes);
    if (!places)
      return places.takeError();
    return addSparse(reader, *places, layout.k, out);
  }
  case EncodingTerm::LowRank:
    return addLowRank(term, index, layout, bytes, dictionaries, out);
  case EncodingTerm::TypeMap:
    return addTypeMap(term, index, layout, bytes, dictionaries, out);
  }
  return Error::success();
}

llvm::Expected<std::vector<int64_t>> lutra::readPermutation(const EncodedLayout &layout, ArrayRole role, int64_t size,
                                                            llvm::ArrayRef<uint8_t> bytes) {
  std::vector<int64_t> order(size);
  std::vector<bool> seen(size);
  const EncodedArray *array = layout.find(role);
  for (int64_t i = 0; i < size; ++i) {
    order[i] = array ? getField(rowOf(bytes, *array, 0), 32, i) : i;
    if (order[i] >= size || seen[order[i]])
      return fault("has index ", order[i], " at ", i, " of ", array->name, "; each number below ", size,
                   " must occur once");
    seen[order[i]] = true;
  }
  return std::move(order);
}

/// The map of the other operand's forms is not needed for values, but a wrong one is refused here.
static Error checkActivationMap(const Encoding &encoding, const EncodedLayout &layout, llvm::ArrayRef<uint8_t> bytes) {
  const EncodedArray *array = layout.find(ArrayRole::ActivationMap);
  if (!array)
    return Error::success();
  for (int64_t i = 0; i < array->columns; ++i)
    if (uint32_t form = getField(rowOf(bytes, *array, 0), array->element.bits(), i);
        form >= encoding.activation.choices.size())
      return fault("has form ", form, " at ", i, " of ", array->name, ", but ", encoding.activation.choices.size(),
                   " forms");
  return Error::success();
}

llvm::Expected<std::vector<double>> lutra::decodeTensor(const Encoding &encoding, int64_t n, int64_t k,
                                                        llvm::ArrayRef<uint8_t> bytes,
                                                        const DictionaryTable &dictionaries) {
  llvm::Expected<EncodedLayout> layout = EncodedLayout::of(encoding, n, k);
  if (!layout)
    return layout.takeError();
  if ((int64_t)bytes.size() != layout->bytes)
    return fault("has ", bytes.size(), " bytes, but ", n, " x ", k, " elements are stored in ", layout->bytes);
  std::vector<double> stored(n * k);
  for (size_t i = 0; i < encoding.terms.size(); ++i)
    if (Error error = addTerm(encoding, i, *layout, bytes, dictionaries, stored.data()))
      return std::move(error);
  if (Error error = checkActivationMap(encoding, *layout, bytes))
    return std::move(error);
  if (encoding.permN.empty() && encoding.permK.empty())
    return std::move(stored);
  llvm::Expected<std::vector<int64_t>> rows = readPermutation(*layout, ArrayRole::PermN, n, bytes);
  if (!rows)
    return rows.takeError();
  llvm::Expected<std::vector<int64_t>> columns = readPermutation(*layout, ArrayRole::PermK, k, bytes);
  if (!columns)
    return columns.takeError();
  std::vector<double> values(n * k);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < k; ++j)
      values[(*rows)[i] * k + (*columns)[j]] = stored[i * k + j];
  return std::move(values);
}

/// Whether a code may name no value.
static bool mayBeNameless(const WeightFormat &format, const ValueTable &table) {
  return format.code.kind == CodeForm::Radix ||
         (format.value.kind == ValueMap::Table && table.codes < int64_t(1) << format.code.codeBits()) ||
         std::any_of(table.values.begin(), table.values.end(), [](double value) { return value != value; });
}

static Error checkFormat(const Encoding &encoding, int index, int own, const EncodedLayout &layout,
                         llvm::ArrayRef<uint8_t> bytes, llvm::ArrayRef<StoredPlace> places) {
  const EncodingTerm &term = encoding.terms[index];
  const WeightFormat &format = term.formats[own];
  FormatReader reader(format, layout, index, own, bytes, {});
  if (Error error = reader.loadScales())
    return error;
  if (Error error = reader.loadZeros())
    return error;
  if (format.code.kind == CodeForm::Dict)
    return Error::success();
  if (Error error = reader.loadTables())
    return error;
  if (!mayBeNameless(format, reader.getTable()))
    return Error::success();
  bool isSparse = term.kind == EncodingTerm::Sparse;
  int64_t rows = isSparse ? reader.extent().streamRows : reader.extent().rows;
  std::vector<double> values(isSparse ? 0 : reader.extent().columns);
  llvm::ArrayRef<StoredPlace> line;
  for (int64_t row = 0; row < rows; ++row)
    if (Error error = isSparse ? readSparseRow(reader, places, row, line, values) : reader.readRow(row, values))
      return error;
  return Error::success();
}

Error lutra::checkTensor(const Encoding &encoding, int64_t n, int64_t k, llvm::ArrayRef<uint8_t> bytes) {
  llvm::Expected<EncodedLayout> layout = EncodedLayout::of(encoding, n, k);
  if (!layout)
    return layout.takeError();
  if ((int64_t)bytes.size() != layout->bytes)
    return fault("has ", bytes.size(), " bytes, but ", n, " x ", k, " elements are stored in ", layout->bytes);
  for (size_t index = 0; index < encoding.terms.size(); ++index) {
    const EncodingTerm &term = encoding.terms[index];
    std::vector<StoredPlace> places;
    if (term.kind == EncodingTerm::Sparse) {
      auto read = readPlaces(term, index, *layout, bytes);
      if (!read)
        return read.takeError();
      places = std::move(*read);
    }
    if (term.kind == EncodingTerm::TypeMap) {
      auto blocks = readTypeMap(term, index, *layout, bytes);
      if (!blocks)
        return blocks.takeError();
    }
    for (size_t own = 0; own < term.formats.size(); ++own)
      if (Error error = checkFormat(encoding, index, own, *layout, bytes, places))
        return error;
  }
  if (Error error = checkActivationMap(encoding, *layout, bytes))
    return error;
  for (auto [role, size] : {std::pair(ArrayRole::PermN, n), std::pair(ArrayRole::PermK, k)})
    if (layout->find(role)) {
      auto order = readPermutation(*layout, role, size, bytes);
      if (!order)
        return order.takeError();
    }
  return Error::success();
}
