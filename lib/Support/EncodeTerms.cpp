//===- EncodeTerms.cpp - stored bytes from values ---------------------------===//
// One format at a time: tables as given, then scales and zero points (EncodeSides.cpp), then these are read back and
// each element takes the nearest code. A term that follows another encodes what that one leaves.
#include "EncodeSides.h"
#include "EncodedTerms.h"
#include "Message.h"
#include "NearestCode.h"

#include "lutra/Support/CodeStream.h"

#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace lutra;
using llvm::Error;

namespace {
/// Encodes into one buffer; the terms are encoded in order.
class TensorEncoder {
public:
  TensorEncoder(const Encoding &encoding, const EncodedLayout &layout, const EncodeOptions &options,
                std::vector<uint8_t> &bytes)
      : encoding(encoding), layout(layout), options(options), bytes(bytes) {}
  Error run(llvm::ArrayRef<double> values);

private:
  Error encodeTerm(int term);
  Error encodeSparse(int term);
  Error encodeTypeMap(int term);
  Error encodeLowRank(int term);
  Error encodeFormat(int term, int index, llvm::ArrayRef<double> target,
                     const std::vector<StoredPlace> *places = nullptr);
  Error writeTable(int term, int index);
  Error writeCodes(const WeightFormat &format, int term, int index, int64_t row, const NearestCode &codes,
                   llvm::MutableArrayRef<double> targets, llvm::function_ref<int64_t(int64_t)> tableOf);
  Error writeRuns(const WeightFormat &format, int term, int index, int64_t row, const CodeDictionary &dictionary,
                  const NearestCode &codes, llvm::ArrayRef<double> targets,
                  llvm::function_ref<int64_t(int64_t)> tableOf);
  void writeSigns(const WeightFormat &format, const EncodedArray &array, int64_t row,
                  llvm::MutableArrayRef<double> targets);
  void choosePlaces(const EncodingTerm &term, int index);
  void chooseTypeMap(const EncodingTerm &term, const EncodedArray &array);
  Error choosePermutation(ArrayRole role, llvm::ArrayRef<double> values);
  /// The values that the caller gives for an array, if it does.
  llvm::Expected<bool> writeGiven(const EncodedArray &array);
  const EncodedArray *find(ArrayRole role, int term = -1, int format = -1, int level = 0) const {
    return layout.find(role, term, format, level);
  }
  uint8_t *rowOf(const EncodedArray &array, int64_t row) { return bytes.data() + array.offset + row * array.rowBytes; }

  const Encoding &encoding;
  const EncodedLayout &layout;
  const EncodeOptions &options;
  std::vector<uint8_t> &bytes;
  std::vector<double> left; // what the terms so far do not give, in stored order
};
} // namespace

llvm::Expected<bool> TensorEncoder::writeGiven(const EncodedArray &array) {
  auto found = options.arrays.find(array.name);
  if (found == options.arrays.end())
    return false;
  if ((int64_t)found->second.size() != array.rows * array.columns)
    return fault("is given ", found->second.size(), " values for ", array.name, ", which holds ", array.rows, " x ",
                 array.columns);
  for (double value : found->second)
    if (!std::isfinite(value))
      return fault("is given a value for ", array.name, " that is not finite");
  writeArray(array, found->second, bytes);
  return true;
}

Error TensorEncoder::writeTable(int term, int index) {
  const EncodedArray *array = find(ArrayRole::Table, term, index);
  if (!array || !options.sides.empty())
    return Error::success();
  llvm::Expected<bool> given = writeGiven(*array);
  if (!given)
    return given.takeError();
  if (!*given)
    return fault("needs the values of ", array->name, ", which the attribute does not list; give them");
  return Error::success();
}

/// Signs apart: writes them and leaves magnitudes. The eighth sign of a group of parity7 follows from the others, so
/// where it does not fit, the least magnitude of the group changes its sign.
void TensorEncoder::writeSigns(const WeightFormat &format, const EncodedArray &array, int64_t row,
                               llvm::MutableArrayRef<double> targets) {
  uint8_t *line = rowOf(array, row);
  int64_t count = targets.size();
  if (format.value.sign == ValueMap::Plane)
    for (int64_t i = 0; i < count; ++i)
      setField(line, 1, i, targets[i] < 0);
  if (format.value.sign == ValueMap::Parity7)
    for (int64_t begin = 0; begin < count; begin += 8) {
      llvm::MutableArrayRef<double> group = targets.slice(begin, std::min<int64_t>(8, count - begin));
      uint32_t signs = 0;
      for (size_t i = 0; i < group.size(); ++i)
        signs |= uint32_t(group[i] < 0) << i;
      if (group.size() == 8 && llvm::popcount(signs) % 2) {
        auto nearer = [](double a, double b) { return std::fabs(a) < std::fabs(b); };
        size_t least = std::min_element(group.begin(), group.end(), nearer) - group.begin();
        group[least] = -group[least];
        signs ^= 1u << least;
      }
      setField(line, 7, begin / 8, signs & 127);
      for (size_t i = 0; i < group.size(); ++i)
        group[i] = (signs >> i) & 1 ? -group[i] : group[i];
    }
  if (format.value.sign == ValueMap::Plane)
    for (double &target : targets)
      target = std::fabs(target);
}

/// Indices of a dictionary: the entry of the least squared distance, or the longest entry that the nearest codes start
/// with.
Error TensorEncoder::writeRuns(const WeightFormat &format, int term, int index, int64_t row,
                               const CodeDictionary &dictionary, const NearestCode &codes,
                               llvm::ArrayRef<double> targets, llvm::function_ref<int64_t(int64_t)> tableOf) {
  const EncodedArray &array = *find(ArrayRole::Codes, term, index);
  unsigned bits = array.element.bits();
  if (dictionary.size() == 0)
    return fault("has a dictionary @", format.code.table, " without entries");
  if (!format.code.prefix) {
    auto length = (int64_t)format.code.length;
    for (int64_t begin = 0, word = 0; begin < (int64_t)targets.size(); begin += length, ++word) {
      llvm::ArrayRef<double> run = targets.slice(begin, std::min<int64_t>(length, targets.size() - begin));
      int64_t best = 0;
      double least = std::numeric_limits<double>::infinity();
      for (int64_t entry = 0; entry < dictionary.size(); ++entry) {
        double distance = 0;
        for (size_t i = 0; i < run.size(); ++i) {
          double error = run[i] - codes.valueOf(dictionary.entry(entry)[i], tableOf(begin + i));
          distance += error * error;
        }
        if (distance < least) {
          least = distance;
          best = entry;
        }
      }
      setField(rowOf(array, row), bits, word, best);
    }
    return Error::success();
  }
  const EncodedArray &starts = *find(ArrayRole::RunStarts, term, index);
  std::map<std::vector<uint8_t>, int64_t> entries;
  size_t longest = 1;
  for (int64_t entry = 0; entry < dictionary.size(); ++entry) {
    llvm::ArrayRef<uint8_t> run = dictionary.entry(entry);
    entries.emplace(std::vector<uint8_t>(run.begin(), run.end()), entry);
    longest = std::max(longest, run.size());
  }
  std::vector<uint8_t> wanted;
  for (size_t i = 0; i < targets.size(); ++i)
    wanted.push_back(codes.find(targets[i], tableOf(i)));
  int64_t word = getField(rowOf(starts, 0), 32, row);
  for (size_t begin = 0; begin < wanted.size();) {
    size_t length = std::min(longest, wanted.size() - begin);
    auto found = entries.end();
    for (; length > 0 && found == entries.end(); --length)
      found = entries.find(std::vector<uint8_t>(wanted.begin() + begin, wanted.begin() + begin + length));
    if (found == entries.end())
      return fault("has no entry in the dictionary @", format.code.table, " that starts with code ",
                   int(wanted[begin]), "; give each code an entry of its own");
    if (word == array.columns)
      return fault("needs more than the ", array.columns, " code words for which ", array.name,
                   " has room; state a smaller mean length of the runs than ", format.code.length);
    setField(rowOf(array, 0), bits, word++, found->second);
    begin += found->first.size();
  }
  setField(rowOf(starts, 0), 32, row + 1, word);
  return Error::success();
}

Error TensorEncoder::writeCodes(const WeightFormat &format, int term, int index, int64_t row,
                                const NearestCode &codes, llvm::MutableArrayRef<double> targets,
                                llvm::function_ref<int64_t(int64_t)> tableOf) {
  if (const EncodedArray *signs = find(ArrayRole::Signs, term, index))
    writeSigns(format, *signs, row, targets);
  const CodeForm &form = format.code;
  if (form.kind == CodeForm::Dict)
    return writeRuns(format, term, index, row, options.dictionaries.at(form.table), codes, targets, tableOf);
  int64_t count = targets.size(), vector = format.value.kind == ValueMap::Table ? format.value.vector : 1;
  std::vector<uint32_t> chosen(llvm::divideCeil(count, vector));
  bool manyTables = format.value.select != ValueMap::Tensor;
  if (vector > 1)
    for (size_t i = 0; i < chosen.size(); ++i) {
      int64_t begin = i * vector;
      chosen[i] = codes.findVector(targets.slice(begin, std::min(vector, count - begin)),
                                   [&](int64_t element) { return tableOf(begin + element); });
    }
  else if (manyTables)
    for (int64_t i = 0; i < count; ++i)
      chosen[i] = codes.find(targets[i], tableOf(i));
  else
    codes.find(targets, chosen);
  const EncodedArray &array = *find(ArrayRole::Codes, term, index);
  if (form.kind == CodeForm::Radix) {
    std::vector<uint32_t> words(llvm::divideCeil(count, form.numbers[1]));
    joinDigits(chosen, {(unsigned)form.numbers[0], (unsigned)form.numbers[1]}, words);
    packFields(words, form.numbers[2], rowOf(array, row));
    return Error::success();
  }
  for (size_t plane = 0; plane < form.numbers.size(); ++plane) {
    packFields(chosen, form.numbers[plane], rowOf(*find(ArrayRole::Codes, term, index, plane), row));
    for (uint32_t &code : chosen)
      code >>= form.numbers[plane];
  }
  return Error::success();
}

/// Encodes the index space of a format, or with `places` the elements of a sparse term.
Error TensorEncoder::encodeFormat(int term, int index, llvm::ArrayRef<double> target,
                                  const std::vector<StoredPlace> *places) {
  const WeightFormat &format = encoding.terms[term].formats[index];
  if (Error error = writeTable(term, index))
    return error;
  if (options.sides.empty())
    if (Error error = chooseSides(format, layout, term, index, target, options.dictionaries, bytes))
      return error;
  FormatReader reader(format, layout, term, index, bytes, options.dictionaries);
  if (Error error = reader.loadSides())
    return error;
  NearestCode codes(format, reader.getTable());
  FormatExtent extent = reader.extent();
  std::vector<double> targets(extent.streamColumns), scale(extent.columns), inside(extent.columns),
      outside(extent.columns);
  for (int64_t row = 0; row < extent.streamRows; ++row) {
    if (!places) {
      reader.scalesOfRow(row, scale);
      reader.zerosOfRow(row, inside, outside);
      const double *line = target.data() + row * extent.columns;
      for (int64_t i = 0; i < extent.columns; ++i)
        targets[i] = scale[i] == 0 ? inside[i] : (line[i] + outside[i]) / scale[i] + inside[i];
      if (Error error = writeCodes(format, term, index, row, codes, targets,
                                   [&](int64_t i) { return reader.tableAt(row, i); }))
        return error;
      continue;
    }
    llvm::ArrayRef<StoredPlace> own =
        llvm::ArrayRef(*places).slice(row * extent.streamColumns, extent.streamColumns);
    while (!own.empty() && own.back().row < 0)
      own = own.drop_back();
    targets.resize(own.size());
    for (auto [goal, place] : llvm::zip_equal(targets, own)) {
      goal = 0;
      if (place.row < 0)
        continue;
      double factor = reader.scaleAt(place.row, place.column), zero = reader.zeroAt(place.row, place.column);
      double x = target[place.row * layout.k + place.column];
      if (reader.zeroIsOutside())
        goal = factor == 0 ? 0 : (x + zero) / factor;
      else
        goal = factor == 0 ? zero : x / factor + zero;
    }
    if (Error error = writeCodes(format, term, index, row, codes, targets, [&](int64_t i) {
          return own[i].row < 0 ? 0 : reader.tableAt(own[i].row, own[i].column);
        }))
      return error;
  }
  return Error::success();
}

/// Indices of the `count` greatest numbers, of equal ones the first, in rising order.
static std::vector<int64_t> greatest(llvm::ArrayRef<double> numbers, int64_t count) {
  std::vector<int64_t> order(numbers.size());
  std::iota(order.begin(), order.end(), 0);
  auto before = [&](int64_t a, int64_t b) {
    return numbers[a] != numbers[b] ? numbers[a] > numbers[b] : a < b;
  };
  count = std::min<int64_t>(count, order.size());
  std::nth_element(order.begin(), order.begin() + count, order.end(), before);
  order.resize(count);
  std::sort(order.begin(), order.end());
  return order;
}

/// Writes which elements a sparse term keeps: the greatest magnitudes (of blocks: sums of squares) but no zeros.
void TensorEncoder::choosePlaces(const EncodingTerm &term, int index) {
  const SparsityForm &sparsity = term.sparsity;
  int64_t n = layout.n, k = layout.k;
  const EncodedArray *placesArray = find(ArrayRole::Places, index), *mask = find(ArrayRole::Mask, index);
  if (sparsity.kind == SparsityForm::NM) {
    for (int64_t row = 0; row < n; ++row)
      for (int64_t begin = 0, slot = 0; begin < k; begin += sparsity.b) {
        std::vector<double> group(sparsity.b, -1.0); // what lies behind the row comes last
        for (int64_t i = 0; i < std::min(sparsity.b, k - begin); ++i)
          group[i] = std::fabs(left[row * k + begin + i]);
        for (int64_t place : greatest(group, sparsity.a))
          setField(rowOf(*placesArray, row), sparsity.c, slot++, place);
      }
    return;
  }
  bool isBlock = sparsity.kind == SparsityForm::Block;
  int64_t bn = isBlock ? sparsity.a : 1, bk = isBlock ? sparsity.b : 1;
  int64_t rows = llvm::divideCeil(n, bn), columns = llvm::divideCeil(k, bk);
  std::vector<double> weights(rows * columns, 0.0);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t column = 0; column < k; ++column) {
      double x = left[row * k + column];
      weights[row / bn * columns + column / bk] += isBlock ? x * x : std::fabs(x);
    }
  FormatExtent extent = layout.extents[index][0];
  std::vector<int64_t> kept = greatest(weights, isBlock ? extent.streamRows : extent.streamColumns);
  llvm::erase_if(kept, [&](int64_t cell) { return weights[cell] == 0; });
  if (mask) {
    for (int64_t cell : kept)
      setField(rowOf(*mask, cell / columns), 1, cell % columns, 1);
    return;
  }
  const EncodedArray &starts = *find(ArrayRole::Starts, index);
  size_t slot = 0;
  for (int64_t row = 0; row < rows; ++row) {
    for (; slot < kept.size() && kept[slot] / columns == row; ++slot)
      setField(rowOf(*placesArray, 0), placesArray->element.bits(), slot, kept[slot] % columns);
    setField(rowOf(starts, 0), starts.element.bits(), row + 1, slot);
  }
}

Error TensorEncoder::encodeSparse(int term) {
  const EncodingTerm &form = encoding.terms[term];
  if (options.sides.empty())
    choosePlaces(form, term);
  llvm::Expected<std::vector<StoredPlace>> places = readPlaces(form, term, layout, bytes);
  if (!places)
    return places.takeError();
  std::vector<double> kept(left.size(), 0.0);
  for (const StoredPlace &place : *places)
    if (place.row >= 0)
      kept[place.row * layout.k + place.column] = left[place.row * layout.k + place.column];
  return encodeFormat(term, 0, kept, &*places);
}

/// Bits of a format's codes, to tell finer formats from coarser ones.
static double codeCost(const WeightFormat &format) {
  const CodeForm &code = format.code;
  if (code.kind == CodeForm::Dict)
    return code.numbers[0] / code.length;
  double bits = code.kind == CodeForm::Radix ? (double)code.numbers[2] / code.numbers[1] : code.codeBits();
  return format.value.kind == ValueMap::Table ? bits / format.value.vector : bits;
}

/// The blocks of the greatest magnitudes go to the formats of the most bits.
void TensorEncoder::chooseTypeMap(const EncodingTerm &term, const EncodedArray &array) {
  int64_t blocks = array.rows * array.columns;
  std::vector<double> magnitude(blocks, 0.0), map(blocks, 0.0);
  for (int64_t row = 0; row < layout.n; ++row)
    for (int64_t column = 0; column < layout.k; ++column) {
      double &own = magnitude[row / term.gn * array.columns + column / term.gk];
      own = std::max(own, std::fabs(left[row * layout.k + column]));
    }
  std::vector<int64_t> order(blocks), formats(term.formats.size());
  std::iota(order.begin(), order.end(), 0);
  std::iota(formats.begin(), formats.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return magnitude[a] != magnitude[b] ? magnitude[a] > magnitude[b] : a < b;
  });
  std::sort(formats.begin(), formats.end(), [&](int64_t a, int64_t b) {
    double first = codeCost(term.formats[a]), second = codeCost(term.formats[b]);
    return first != second ? first > second : a < b;
  });
  std::vector<int64_t> room = blocksOfFormats(term, blocks);
  size_t next = 0;
  for (int64_t format : formats)
    for (int64_t i = 0; i < room[format]; ++i)
      map[order[next++]] = (double)format;
  writeArray(array, map, bytes);
}

Error TensorEncoder::encodeTypeMap(int term) {
  const EncodingTerm &form = encoding.terms[term];
  const EncodedArray &array = *find(ArrayRole::TypeMap, term);
  if (options.sides.empty()) {
    llvm::Expected<bool> given = writeGiven(array);
    if (!given)
      return given.takeError();
    if (!*given)
      chooseTypeMap(form, array);
  }
  llvm::Expected<std::vector<std::vector<int64_t>>> blocks = readTypeMap(form, term, layout, bytes);
  if (!blocks)
    return blocks.takeError();
  for (size_t i = 0; i < form.formats.size(); ++i) {
    std::vector<double> own(layout.extents[term][i].rows * form.gk, 0.0);
    for (auto [place, block] : llvm::enumerate((*blocks)[i])) {
      int64_t firstRow = block / array.columns * form.gn, firstColumn = block % array.columns * form.gk;
      for (int64_t row = 0; row < std::min(form.gn, layout.n - firstRow); ++row)
        std::copy_n(left.data() + (firstRow + row) * layout.k + firstColumn,
                    std::min(form.gk, layout.k - firstColumn),
                    own.data() + ((int64_t)place * form.gn + row) * form.gk);
    }
    if (Error error = encodeFormat(term, i, own))
      return error;
  }
  return Error::success();
}

/// Makes the rows of a matrix orthonormal, in their order; a row that depends on those before becomes 0.
static void orthonormalize(std::vector<double> &rows, int64_t count, int64_t size) {
  for (int64_t i = 0; i < count; ++i) {
    double *own = rows.data() + i * size;
    double before = std::sqrt(std::inner_product(own, own + size, own, 0.0));
    for (int pass = 0; pass < 2; ++pass) // twice is enough
      for (int64_t j = 0; j < i; ++j) {
        const double *other = rows.data() + j * size;
        double dot = std::inner_product(own, own + size, other, 0.0);
        for (int64_t c = 0; c < size; ++c)
          own[c] -= dot * other[c];
      }
    double norm = std::sqrt(std::inner_product(own, own + size, own, 0.0));
    double factor = norm > 1e-10 * before && norm > 0 ? 1 / norm : 0;
    for (int64_t c = 0; c < size; ++c)
      own[c] *= factor;
  }
}

/// The leading left singular vectors by subspace iteration from a fixed start (Halko, Martinsson, Tropp 2011, alg.
/// 4.4); the right factor is what they leave of the matrix.
Error TensorEncoder::encodeLowRank(int term) {
  int64_t n = layout.n, k = layout.k, rank = encoding.terms[term].rank;
  std::vector<double> basis(rank * n), image(rank * k);
  uint64_t state = 1;
  for (double &entry : image) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    entry = (double)(state >> 40) / (1 << 24) - 0.5;
  }
  for (int step = 0; step < 6; ++step) {
    std::fill(basis.begin(), basis.end(), 0.0);
    for (int64_t r = 0; r < rank; ++r)
      for (int64_t row = 0; row < n; ++row)
        basis[r * n + row] =
            std::inner_product(image.data() + r * k, image.data() + (r + 1) * k, left.data() + row * k, 0.0);
    orthonormalize(basis, rank, n);
    std::fill(image.begin(), image.end(), 0.0);
    for (int64_t r = 0; r < rank; ++r)
      for (int64_t row = 0; row < n; ++row)
        for (int64_t column = 0; column < k; ++column)
          image[r * k + column] += basis[r * n + row] * left[row * k + column];
  }
  std::vector<double> columns(n * rank);
  for (int64_t row = 0; row < n; ++row)
    for (int64_t r = 0; r < rank; ++r)
      columns[row * rank + r] = basis[r * n + row];
  if (Error error = encodeFormat(term, 0, columns))
    return error;
  return encodeFormat(term, 1, image);
}

Error TensorEncoder::encodeTerm(int term) {
  const EncodingTerm &form = encoding.terms[term];
  switch (form.kind) {
  case EncodingTerm::Dense:
    return encodeFormat(term, 0, left);
  case EncodingTerm::Sparse:
    return encodeSparse(term);
  case EncodingTerm::LowRank:
    return encodeLowRank(term);
  case EncodingTerm::TypeMap:
    return encodeTypeMap(term);
  case EncodingTerm::Parts:
    for (size_t i = 0; i < form.formats.size(); ++i) {
      PartRange range = clipRange(form.regions[i], layout.n, layout.k);
      std::vector<double> own;
      for (int64_t row = range.rowBegin; row < range.rowEnd; ++row)
        own.insert(own.end(), left.begin() + row * layout.k + range.columnBegin,
                   left.begin() + row * layout.k + range.columnEnd);
      if (Error error = encodeFormat(term, i, own))
        return error;
    }
    return Error::success();
  }
  return Error::success();
}

Error TensorEncoder::choosePermutation(ArrayRole role, llvm::ArrayRef<double> values) {
  const EncodedArray *array = find(role);
  if (!array || !options.sides.empty())
    return Error::success();
  llvm::Expected<bool> given = writeGiven(*array);
  if (!given || *given)
    return given.takeError();
  std::vector<double> magnitude(array->columns, 0.0), order(array->columns);
  std::iota(order.begin(), order.end(), 0.0);
  if (options.sortByMagnitude) {
    for (size_t i = 0; i < values.size(); ++i) {
      double &own = magnitude[role == ArrayRole::PermN ? i / layout.k : i % layout.k];
      own = std::max(own, std::fabs(values[i]));
    }
    std::sort(order.begin(), order.end(), [&](double a, double b) {
      double first = magnitude[(size_t)a], second = magnitude[(size_t)b];
      return first != second ? first > second : a < b;
    });
  }
  writeArray(*array, order, bytes);
  return Error::success();
}

Error TensorEncoder::run(llvm::ArrayRef<double> values) {
  for (const auto &entry : options.arrays)
    if (llvm::none_of(layout.arrays, [&](const EncodedArray &array) {
          bool taken = array.role == ArrayRole::Table || array.role == ArrayRole::TypeMap ||
                       array.role == ArrayRole::PermN || array.role == ArrayRole::PermK ||
                       array.role == ArrayRole::ActivationMap;
          return taken && array.name == entry.first;
        }))
      return fault("is given values for ", entry.first, ", which is no table, map or permutation that it stores");
  if (!options.sides.empty()) {
    if ((int64_t)options.sides.size() != layout.bytes)
      return fault("is given sides of ", options.sides.size(), " bytes, but is stored in ", layout.bytes);
    for (const EncodedArray &array : layout.arrays)
      if (array.role != ArrayRole::Codes && array.role != ArrayRole::RunStarts && array.role != ArrayRole::Signs)
        std::copy_n(options.sides.begin() + array.offset, array.bytes, bytes.begin() + array.offset);
  }
  if (const EncodedArray *map = find(ArrayRole::ActivationMap); map && options.sides.empty())
    if (llvm::Expected<bool> given = writeGiven(*map); !given)
      return given.takeError();
  for (ArrayRole role : {ArrayRole::PermN, ArrayRole::PermK})
    if (Error error = choosePermutation(role, values))
      return error;
  llvm::Expected<std::vector<int64_t>> rows = readPermutation(layout, ArrayRole::PermN, layout.n, bytes);
  if (!rows)
    return rows.takeError();
  llvm::Expected<std::vector<int64_t>> columns = readPermutation(layout, ArrayRole::PermK, layout.k, bytes);
  if (!columns)
    return columns.takeError();
  left.resize(values.size());
  for (int64_t i = 0; i < layout.n; ++i)
    for (int64_t j = 0; j < layout.k; ++j)
      left[i * layout.k + j] = values[(*rows)[i] * layout.k + (*columns)[j]];
  for (size_t term = 0; term < encoding.terms.size(); ++term) {
    if (Error error = encodeTerm(term))
      return error;
    if (term + 1 == encoding.terms.size())
      break;
    std::vector<double> given(left.size(), 0.0);
    if (Error error = addTerm(encoding, term, layout, bytes, options.dictionaries, given.data()))
      return error;
    for (size_t i = 0; i < left.size(); ++i)
      left[i] -= given[i];
  }
  return Error::success();
}

llvm::Expected<std::vector<uint8_t>> lutra::encodeTensor(const Encoding &encoding, int64_t n, int64_t k,
                                                         llvm::ArrayRef<double> values,
                                                         const EncodeOptions &options) {
  llvm::Expected<EncodedLayout> layout = EncodedLayout::of(encoding, n, k);
  if (!layout)
    return layout.takeError();
  if ((int64_t)values.size() != n * k)
    return fault("is given ", values.size(), " values for ", n, " x ", k, " elements");
  for (size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i]))
      return fault("is given a number at element ", i, " that is not finite, which no code stands for");
  std::vector<uint8_t> bytes(layout->bytes);
  if (Error error = TensorEncoder(encoding, *layout, options, bytes).run(values))
    return std::move(error);
  return std::move(bytes);
}
