//===- SplitEncoding.cpp - an encoded matrix as summands that kernels read ---===//
// A permutation is undone in the order of the stored rows and columns where no group of side values spans what it moves
// apart; else rows of the result and columns of the left-hand side are taken in its order. Sparse terms are some
// columns and a few entries of each row, as many of either as cost a product least.
#include "lutra/Support/SplitEncoding.h"

#include "EncodedBlock.h"
#include "Message.h"
#include "Transcode.h"

#include "lutra/Support/CodeStream.h"
#include "lutra/Support/DenseFormat.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <numeric>

using namespace lutra;
using llvm::ArrayRef;
using llvm::Error;
using llvm::Expected;

/// Of codes that kernels read.
static constexpr unsigned mostCodeBits = 8;

/// What an entry costs, in multiply-adds of a dense matrix: 0.26 and 0.024 ns on a Zen 3 (384 x 1536, 1 %, 64 rows).
static constexpr int64_t entryCost = 11;

bool lutra::needsSplit(const Encoding &encoding) {
  const WeightFormat *format = findDenseFormat(encoding);
  return !format || encoding.activation.kind == ActivationForm::Blocks || !encoding.permN.empty() ||
         !encoding.permK.empty() || !isSimple(*format) || !hasPlainCodes(*format) ||
         format->code.codeBits() > mostCodeBits;
}

namespace {
class Splitter {
public:
  Splitter(const Encoding &encoding, int64_t n, int64_t k, ArrayRef<uint8_t> bytes, EncodedLayout layout,
           const DictionaryTable &dictionaries)
      : encoding(encoding), n(n), k(k), bytes(bytes), layout(std::move(layout)), dictionaries(dictionaries) {}
  Expected<std::vector<SplitTerm>> run();

private:
  Error split(int index);
  Error splitDense(int index);
  Error addDense(const StoredFormat &format);
  Error addBlocks(const StoredFormat &format, const EncodedArray &map);
  Error addTranscoded(int index, ArrayRef<DenseTerm> made);
  Error addWhole(int index, ArrayRef<StoredPlace> places, ArrayRef<double> values);
  Error addFloats(int index, ArrayRef<double> values);
  std::string noteOf(int index, int64_t after, llvm::StringRef what) const;
  Error splitLowRank(int index);
  Error splitParts(int index);
  Error splitTypeMap(int index);
  Error splitRowTypes(int index, ArrayRef<std::vector<int64_t>> blocks);
  Error splitColumnTypes(int index, ArrayRef<std::vector<int64_t>> blocks);
  Error splitSparse(int index);
  Error addOutlierColumns(int index, ArrayRef<StoredPlace> places, ArrayRef<int64_t> columns,
                          ArrayRef<double> values);
  void addEntries(ArrayRef<double> values, ArrayRef<int64_t> without, int64_t slots);
  Error addProduct(SplitMatrix matrix, int64_t rowBegin, std::vector<int64_t> columns);
  StoredFormat formatOf(int index, int own = 0) const {
    return {encoding.terms[index].formats[own], layout, index, own, bytes};
  }
  /// The inverse of perm_n, unless it is the identity.
  std::vector<int64_t> orderOfRows() const { return encoding.permN.empty() ? std::vector<int64_t>() : rowOf; }
  std::vector<int64_t> columnsOf(ArrayRef<int64_t> stored) const {
    std::vector<int64_t> columns;
    for (int64_t column : stored)
      columns.push_back(permK[column]);
    return columns;
  }

  const Encoding &encoding;
  int64_t n, k;
  ArrayRef<uint8_t> bytes;
  EncodedLayout layout;
  const DictionaryTable &dictionaries;
  std::vector<int64_t> permN, permK, rowOf, columnOf; // stored to tensor, and back
  std::vector<SplitTerm> terms;
};
} // namespace

static std::vector<int64_t> countTo(int64_t end, int64_t begin = 0) {
  std::vector<int64_t> numbers(end - begin);
  std::iota(numbers.begin(), numbers.end(), begin);
  return numbers;
}

static std::vector<int64_t> invert(ArrayRef<int64_t> permutation) {
  std::vector<int64_t> inverse(permutation.size());
  for (auto [index, to] : llvm::enumerate(permutation))
    inverse[to] = index;
  return inverse;
}

/// Codes of more bits than kernels read become the floats that they stand for.
static Error widen(SplitMatrix &matrix) {
  if (matrix.encoding->terms[0].formats[0].code.codeBits() <= mostCodeBits)
    return Error::success();
  Expected<std::vector<double>> values = decodeTensor(*matrix.encoding, matrix.n, matrix.k, matrix.bytes);
  if (!values)
    return values.takeError();
  matrix.values.assign(values->begin(), values->end());
  matrix.bytes.clear();
  matrix.encoding.reset();
  return Error::success();
}

/// Adds a matrix to the last term, with a product of group sums where it has minima.
Error Splitter::addProduct(SplitMatrix matrix, int64_t rowBegin, std::vector<int64_t> columns) {
  if (Error error = widen(matrix))
    return error;
  if (!matrix.encoding) {
    SplitProduct product;
    product.rowBegin = rowBegin;
    product.rows = matrix.n;
    product.columns = std::move(columns);
    product.matrix = std::move(matrix);
    terms.back().products.push_back(std::move(product));
    return Error::success();
  }
  Expected<SimpleMatrix> simple = simplify(std::move(matrix));
  if (!simple)
    return simple.takeError();
  SplitProduct product;
  product.rowBegin = rowBegin;
  product.rows = simple->main.n;
  product.columns = std::move(columns);
  product.matrix = std::move(simple->main);
  std::vector<SplitProduct> &products = terms.back().products;
  if (simple->minima) {
    SplitProduct sums;
    sums.kind = SplitProduct::GroupSums;
    sums.rowBegin = rowBegin;
    sums.rows = product.rows;
    sums.columns = product.columns;
    sums.matrix = std::move(*simple->minima);
    sums.group = simple->group;
    products.push_back(std::move(product));
    products.push_back(std::move(sums));
    return Error::success();
  }
  products.push_back(std::move(product));
  return Error::success();
}

/// What a term became that is written anew.
std::string Splitter::noteOf(int index, int64_t after, llvm::StringRef what) const {
  int64_t before = 0;
  for (const EncodedArray &array : layout.arrays)
    before += array.term == index ? array.bytes : 0;
  return message("stores ", after, " bytes of ", what, " in the place of ", before, ", since kernels read no others");
}

static std::string codesOf(unsigned bits) { return message("dense codes of ", bits, bits == 1 ? " bit" : " bits"); }

Error Splitter::addTranscoded(int index, ArrayRef<DenseTerm> made) {
  int64_t after = 0;
  unsigned bits = 0;
  for (const DenseTerm &term : made) {
    after += term.layout.payload;
    bits = term.encoding.terms[0].formats[0].code.codeBits();
    if (Error error = addDense(term.format()))
      return error;
  }
  terms.back().note = noteOf(index, after, codesOf(bits));
  return Error::success();
}

/// All elements of a term, whose values are in stored order.
Error Splitter::addFloats(int index, ArrayRef<double> values) {
  SplitProduct product;
  product.rows = n;
  product.columns = countTo(k);
  product.matrix.n = n;
  product.matrix.k = k;
  product.matrix.values.reserve(n * k);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < k; ++column)
      product.matrix.values.push_back(static_cast<float>(values[rowOf[row] * k + columnOf[column]]));
  terms.back().note = noteOf(index, n * k * static_cast<int64_t>(sizeof(float)), "floats");
  terms.back().products.push_back(std::move(product));
  return Error::success();
}

Error Splitter::splitDense(int index) {
  StoredFormat format = formatOf(index);
  const ValueMap &map = format.format.value;
  constexpr int64_t mostOfRows = 4; // entries, of which each is a product of its own
  bool isWide = format.format.code.codeBits() > mostCodeBits;
  bool hasRowTables = map.kind == ValueMap::Table && map.select == ValueMap::Row && map.vector == 1 &&
                      format.format.code.kind != CodeForm::Dict &&
                      (map.entries > mostOfRows || !format.format.scales.empty() ||
                       format.format.zero.kind != ZeroForm::None);
  if ((isWide || hasRowTables) && encoding.activation.kind != ActivationForm::Blocks) {
    std::vector<double> values(n * k);
    if (Error error = addTerm(encoding, index, layout, bytes, dictionaries, values.data()))
      return error;
    return addFloats(index, values);
  }
  if (hasPlainCodes(format.format))
    return addDense(format);
  Expected<std::vector<DenseTerm>> made = transcodeFormat(format, dictionaries);
  if (!made)
    return made.takeError();
  return addTranscoded(index, *made);
}

/// A product for each run of blocks whose activations have one form, in the order of stored columns.
Error Splitter::addBlocks(const StoredFormat &format, const EncodedArray &map) {
  int64_t size = encoding.activation.block;
  auto formAt = [&](int64_t column) {
    return getField(bytes.data() + map.offset, map.element.bits(), column / size);
  };
  for (int64_t low = 0, high = 0; low < k; low = high) {
    uint32_t own = formAt(low);
    while (high < k && formAt(high) == own)
      high = std::min(k, high + size);
    auto at = [&](int64_t row, int64_t column) { return BlockSource::Place(row, low + column); };
    Expected<SplitMatrix> matrix = takeBlock(format, n, high - low, {at, at, size});
    if (!matrix)
      return matrix.takeError();
    size_t before = terms.back().products.size();
    if (Error error = addProduct(std::move(*matrix), 0, columnsOf(countTo(high, low))))
      return error;
    terms.back().products[before].activation = static_cast<int>(own);
  }
  terms.back().order = orderOfRows();
  return Error::success();
}

Error Splitter::addDense(const StoredFormat &format) {
  if (const EncodedArray *map = layout.find(ArrayRole::ActivationMap))
    return addBlocks(format, *map);
  // In the tensor's order, if groups allow it, for rows and for columns.
  for (bool movesColumns : {true, false})
    for (bool movesRows : {true, false}) {
      auto at = [&](int64_t row, int64_t column) {
        return BlockSource::Place(movesRows ? rowOf[row] : row, movesColumns ? columnOf[column] : column);
      };
      Expected<SplitMatrix> matrix = takeBlock(format, n, k, {at, at});
      if (!matrix && (movesRows || movesColumns)) {
        llvm::consumeError(matrix.takeError());
        continue;
      }
      if (!matrix)
        return matrix.takeError();
      if (!movesRows)
        terms.back().order = orderOfRows();
      return addProduct(std::move(*matrix), 0, movesColumns ? countTo(k) : permK);
    }
  return Error::success();
}

Error Splitter::splitLowRank(int index) {
  int64_t rank = encoding.terms[index].rank;
  auto same = [](int64_t row, int64_t column) { return BlockSource::Place(row, column); };
  Expected<SplitMatrix> left = takeBlock(formatOf(index, 0), n, rank, {same, same});
  if (!left)
    return left.takeError();
  Expected<SplitMatrix> right = takeBlock(formatOf(index, 1), rank, k, {same, same});
  if (!right)
    return right.takeError();
  for (SplitMatrix *factor : {&*left, &*right}) {
    if (Error error = widen(*factor))
      return error;
    if (factor->encoding && !isSimple(factor->encoding->terms[0].formats[0]))
      return fault("has a factor of low rank with minima or scales with zeros of their own");
  }
  SplitProduct product;
  product.kind = SplitProduct::LowRank;
  product.rows = n;
  product.columns = permK;
  product.matrix = std::move(*right);
  product.second = std::move(*left);
  terms.back().products.push_back(std::move(product));
  terms.back().order = orderOfRows();
  return Error::success();
}

Error Splitter::splitParts(int index) {
  const EncodingTerm &term = encoding.terms[index];
  std::vector<std::pair<PartRange, int>> parts;
  for (auto [own, region] : llvm::enumerate(term.regions)) {
    PartRange range = clipRange(region, n, k);
    if (range.rowBegin < range.rowEnd && range.columnBegin < range.columnEnd)
      parts.push_back({range, own});
  }
  llvm::sort(parts, [](const auto &a, const auto &b) {
    return std::pair(a.first.rowBegin, a.second) < std::pair(b.first.rowBegin, b.second);
  });
  int64_t end = 0;
  for (const auto &[range, own] : parts) {
    bool continues = !terms.back().products.empty() && terms.back().products.back().rowBegin == range.rowBegin &&
                     end == range.rowEnd;
    if (!continues && range.rowBegin != end)
      return fault("has parts whose rows overlap, or leave rows ", end, " to ", range.rowBegin, " out");
    end = range.rowEnd;
    auto same = [](int64_t row, int64_t column) { return BlockSource::Place(row, column); };
    Expected<SplitMatrix> matrix = takeBlock(formatOf(index, own), range.rowEnd - range.rowBegin,
                                             range.columnEnd - range.columnBegin, {same, same});
    if (!matrix)
      return matrix.takeError();
    if (Error error = addProduct(std::move(*matrix), range.rowBegin,
                                 columnsOf(countTo(range.columnEnd, range.columnBegin))))
      return error;
  }
  if (end != n)
    return fault("has parts that leave rows ", end, " to ", n, " out");
  terms.back().order = orderOfRows();
  return Error::success();
}

/// Blocks of whole rows: the rows of each format, one format after the other.
Error Splitter::splitRowTypes(int index, ArrayRef<std::vector<int64_t>> blocks) {
  const EncodingTerm &term = encoding.terms[index];
  std::vector<int64_t> stored; // row of the term's result to stored row
  for (auto [own, ofFormat] : llvm::enumerate(blocks)) {
    int64_t begin = stored.size();
    std::vector<int64_t> rows; // of the format's stream
    for (auto [place, block] : llvm::enumerate(ofFormat))
      for (int64_t row = block * term.gn; row < std::min(n, (block + 1) * term.gn); ++row) {
        rows.push_back(place * term.gn + row - block * term.gn);
        stored.push_back(row);
      }
    if (rows.empty())
      continue;
    auto at = [&](int64_t row, int64_t column) { return BlockSource::Place(rows[row], column); };
    Expected<SplitMatrix> matrix = takeBlock(formatOf(index, own), rows.size(), k, {at, at});
    if (!matrix)
      return matrix.takeError();
    if (Error error = addProduct(std::move(*matrix), begin, permK))
      return error;
  }
  std::vector<int64_t> place = invert(stored), order;
  for (int64_t row = 0; row < n; ++row)
    order.push_back(place[rowOf[row]]);
  if (!llvm::is_sorted(order))
    terms.back().order = order;
  return Error::success();
}

/// Blocks of whole columns: those of each format side by side.
Error Splitter::splitColumnTypes(int index, ArrayRef<std::vector<int64_t>> blocks) {
  const EncodingTerm &term = encoding.terms[index];
  for (auto [own, ofFormat] : llvm::enumerate(blocks)) {
    std::vector<int64_t> columns;
    for (int64_t block : ofFormat)
      llvm::append_range(columns, countTo(std::min(k, (block + 1) * term.gk), block * term.gk));
    if (columns.empty())
      continue;
    auto at = [&](int64_t row, int64_t column) {
      return BlockSource::Place(column / term.gk * term.gn + row, column % term.gk);
    };
    Expected<SplitMatrix> matrix = takeBlock(formatOf(index, own), n, columns.size(), {at, at, term.gk});
    if (!matrix)
      return matrix.takeError();
    if (Error error = addProduct(std::move(*matrix), 0, columnsOf(columns)))
      return error;
  }
  terms.back().order = orderOfRows();
  return Error::success();
}

Error Splitter::splitTypeMap(int index) {
  const EncodingTerm &term = encoding.terms[index];
  Expected<std::vector<std::vector<int64_t>>> blocks = readTypeMap(term, index, layout, bytes);
  if (!blocks)
    return blocks.takeError();
  if (term.gk >= k)
    return splitRowTypes(index, *blocks);
  if (term.gn >= n)
    return splitColumnTypes(index, *blocks);
  Expected<DenseTerm> made = transcodeBlocks(term, index, layout, bytes);
  if (!made)
    return made.takeError();
  return addTranscoded(index, *made);
}

/// Columns with elements, as few codes or as floats.
Error Splitter::addOutlierColumns(int index, ArrayRef<StoredPlace> places, ArrayRef<int64_t> columns,
                                  ArrayRef<double> values) {
  std::vector<int64_t> columnsOfTensor = columnsOf(columns);
  int64_t count = columns.size(), width = layout.extents[index][0].streamColumns;
  std::vector<int64_t> placeOf(n * count, -1), indexOf(k, -1);
  for (auto [at, column] : llvm::enumerate(columns))
    indexOf[column] = at;
  for (auto [at, place] : llvm::enumerate(places))
    if (place.row >= 0 && indexOf[place.column] >= 0)
      placeOf[place.row * count + indexOf[place.column]] = at;
  if (!llvm::is_contained(placeOf, -1)) { // whole columns: their codes
    auto codeAt = [&](int64_t row, int64_t column) {
      int64_t at = placeOf[rowOf[row] * count + column];
      return BlockSource::Place(at / width, at % width);
    };
    auto placeAt = [&](int64_t row, int64_t column) { return BlockSource::Place(rowOf[row], columns[column]); };
    Expected<SplitMatrix> matrix = takeBlock(formatOf(index), n, count, {codeAt, placeAt});
    if (matrix && matrix->encoding->terms[0].formats[0].code.codeBits() <= 8)
      return addProduct(std::move(*matrix), 0, columnsOfTensor);
    if (!matrix)
      llvm::consumeError(matrix.takeError());
  }
  SplitProduct product;
  product.rows = n;
  product.columns = std::move(columnsOfTensor);
  product.matrix.n = n;
  product.matrix.k = count;
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column : columns)
      product.matrix.values.push_back(static_cast<float>(values[rowOf[row] * k + column]));
  terms.back().products.push_back(std::move(product));
  return Error::success();
}

/// The elements of each row but those of some stored columns, as many for all.
void Splitter::addEntries(ArrayRef<double> values, ArrayRef<int64_t> without, int64_t slots) {
  SplitProduct product;
  product.kind = SplitProduct::Entries;
  product.rows = n;
  product.places.assign(slots * n, 0);
  product.matrix.n = slots;
  product.matrix.k = n;
  product.matrix.values.assign(slots * n, 0);
  std::vector<char> isElsewhere(k);
  for (int64_t column : without)
    isElsewhere[column] = 1;
  for (int64_t row = 0; row < n; ++row) {
    int64_t slot = 0;
    for (int64_t column = 0; column < k; ++column) {
      int64_t stored = columnOf[column];
      double value = isElsewhere[stored] ? 0 : values[rowOf[row] * k + stored];
      if (value == 0)
        continue;
      product.places[slot * n + row] = column;
      product.matrix.values[slot++ * n + row] = static_cast<float>(value);
    }
  }
  terms.back().products.push_back(std::move(product));
}

namespace {
/// Elements of a sparse matrix: some columns, and the others in slots of rows.
struct SparseParts {
  std::vector<int64_t> columns; // rising
  int64_t slots = 0;
  int64_t cost() const { return static_cast<int64_t>(columns.size()) + slots * entryCost; }
};
} // namespace

/// Takes columns with the most elements first, as many as make a product cheapest.
static SparseParts divideSparse(ArrayRef<double> values, int64_t n, int64_t k) {
  std::vector<std::vector<int64_t>> rowsOf(k);
  std::vector<int64_t> counts(n);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < k; ++column)
      if (values[row * k + column] != 0) {
        rowsOf[column].push_back(row);
        ++counts[row];
      }
  std::vector<int64_t> order = countTo(k);
  llvm::erase_if(order, [&](int64_t column) { return rowsOf[column].empty(); });
  llvm::sort(order, [&](int64_t a, int64_t b) {
    return rowsOf[a].size() != rowsOf[b].size() ? rowsOf[a].size() > rowsOf[b].size() : a < b;
  });
  std::vector<int64_t> rowsWith(k + 1); // that many elements left
  int64_t slots = 0;
  for (int64_t count : counts) {
    ++rowsWith[count];
    slots = std::max(slots, count);
  }
  int64_t taken = 0, best = 0, bestSlots = slots;
  for (int64_t column : order) {
    for (int64_t row : rowsOf[column]) {
      --rowsWith[counts[row]];
      ++rowsWith[--counts[row]];
    }
    while (slots > 0 && rowsWith[slots] == 0)
      --slots;
    if (++taken + slots * entryCost <= best + bestSlots * entryCost) {
      best = taken;
      bestSlots = slots;
    }
  }
  order.resize(best);
  llvm::sort(order);
  return {std::move(order), bestSlots};
}

/// A code of 0 beside codes of one plane; nothing: there is none.
static std::optional<uint32_t> findZero(const WeightFormat &format) {
  bool isOnePlane = format.code.kind == CodeForm::Uint || format.code.kind == CodeForm::Int;
  if (!isOnePlane || format.code.codeBits() > mostCodeBits || !hasPlainCodes(format) ||
      (format.zero.kind != ZeroForm::None && format.zero.kind != ZeroForm::Const))
    return std::nullopt;
  double zero = format.zero.kind == ZeroForm::Const ? format.zero.constant : 0;
  for (uint32_t code = 0; code < 1U << format.code.codeBits(); ++code)
    if (valueOfCode(format, code) == zero)
      return code;
  return std::nullopt;
}

/// All elements of a sparse term: its codes where there is one of 0 for the others, else floats.
Error Splitter::addWhole(int index, ArrayRef<StoredPlace> places, ArrayRef<double> values) {
  const WeightFormat &format = encoding.terms[index].formats.front();
  std::optional<uint32_t> zero = findZero(format);
  int64_t width = layout.extents[index][0].streamColumns;
  if (!zero || width == 0)
    return addFloats(index, values);
  std::vector<int64_t> placeOf(n * k, -1);
  for (auto [at, place] : llvm::enumerate(places))
    if (place.row >= 0)
      placeOf[place.row * k + place.column] = at;
  auto find = [&](int64_t row, int64_t column) { return placeOf[rowOf[row] * k + columnOf[column]]; };
  auto codeAt = [&](int64_t row, int64_t column) {
    int64_t at = std::max<int64_t>(0, find(row, column)); // any code, if none is stored
    return BlockSource::Place(at / width, at % width);
  };
  auto placeAt = [&](int64_t row, int64_t column) { return BlockSource::Place(rowOf[row], columnOf[column]); };
  Expected<SplitMatrix> matrix = takeBlock(formatOf(index), n, k, {codeAt, placeAt});
  if (!matrix) {
    llvm::consumeError(matrix.takeError());
    return addFloats(index, values);
  }
  EncodedLayout dense = llvm::cantFail(EncodedLayout::of(*matrix->encoding, n, k));
  const EncodedArray &codes = *dense.find(ArrayRole::Codes, 0, 0);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < k; ++column)
      if (find(row, column) < 0)
        setField(matrix->bytes.data() + codes.offset + row * codes.rowBytes, codes.element.bits(), column, *zero);
  terms.back().note = noteOf(index, dense.payload, codesOf(format.code.codeBits()));
  return addProduct(std::move(*matrix), 0, countTo(k));
}

Error Splitter::splitSparse(int index) {
  const EncodingTerm &term = encoding.terms[index];
  Expected<std::vector<StoredPlace>> places = readPlaces(term, index, layout, bytes);
  if (!places)
    return places.takeError();
  std::vector<double> values(n * k);
  if (Error error = addTerm(encoding, index, layout, bytes, {}, values.data()))
    return error;
  SparseParts parts = divideSparse(values, n, k);
  if (parts.cost() == 0) {
    terms.pop_back();
    return Error::success();
  }
  if (parts.cost() > k / 2) // no kernel is quicker than one for all elements
    return addWhole(index, *places, values);
  if (!parts.columns.empty())
    if (Error error = addOutlierColumns(index, *places, parts.columns, values))
      return error;
  if (parts.slots > 0)
    addEntries(values, parts.columns, parts.slots);
  return Error::success();
}

Error Splitter::split(int index) {
  terms.emplace_back();
  switch (encoding.terms[index].kind) {
  case EncodingTerm::Dense:
    return splitDense(index);
  case EncodingTerm::Sparse:
    return splitSparse(index);
  case EncodingTerm::LowRank:
    return splitLowRank(index);
  case EncodingTerm::Parts:
    return splitParts(index);
  case EncodingTerm::TypeMap:
    return splitTypeMap(index);
  }
  return Error::success();
}

Expected<std::vector<SplitTerm>> Splitter::run() {
  for (const EncodingTerm &term : encoding.terms)
    for (const WeightFormat &format : term.formats)
      if (format.code.kind == CodeForm::Dict && term.kind != EncodingTerm::Dense)
        return fault("has codes out of a dictionary in a term that is not dense");
  Expected<std::vector<int64_t>> rows = readPermutation(layout, ArrayRole::PermN, n, bytes);
  if (!rows)
    return rows.takeError();
  Expected<std::vector<int64_t>> columns = readPermutation(layout, ArrayRole::PermK, k, bytes);
  if (!columns)
    return columns.takeError();
  permN = std::move(*rows);
  permK = std::move(*columns);
  rowOf = invert(permN);
  columnOf = invert(permK);
  for (size_t index = 0; index < encoding.terms.size(); ++index)
    if (Error error = split(index))
      return std::move(error);
  if (terms.empty())
    return fault("has no elements");
  return std::move(terms);
}

Expected<std::vector<SplitTerm>> lutra::splitEncoding(const Encoding &encoding, int64_t n, int64_t k,
                                                      ArrayRef<uint8_t> bytes,
                                                      const DictionaryTable &dictionaries) {
  Expected<EncodedLayout> layout = EncodedLayout::of(encoding, n, k);
  if (!layout)
    return layout.takeError();
  if (static_cast<int64_t>(bytes.size()) != layout->bytes)
    return fault("has ", bytes.size(), " bytes, but ", n, " x ", k, " elements are stored in ", layout->bytes);
  return Splitter(encoding, n, k, bytes, std::move(*layout), dictionaries).run();
}
