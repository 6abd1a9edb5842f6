//===- EncodedLayout.cpp - which arrays store an encoded tensor, and where ---===//
#include "lutra/Support/EncodedLayout.h"

#include "Message.h"

#include "lutra/Support/CodeStream.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>

using namespace lutra;

/// No tensor that fits in an address space has more elements; with it no size below overflows.
static constexpr int64_t kMostElements = int64_t(1) << 48;
static constexpr int64_t kMostBlock = int64_t(1) << 24;

namespace {
/// Appends arrays, one method for each part of the grammar.
class LayoutBuilder {
public:
  LayoutBuilder(const Encoding &encoding, int64_t n, int64_t k) : encoding(encoding) {
    layout.n = n;
    layout.k = k;
  }
  llvm::Expected<EncodedLayout> build();

private:
  void add(ArrayRole role, llvm::StringRef name, SideType element, int64_t rows, int64_t columns, int level = 0);
  void addFormat(const WeightFormat &format, FormatExtent extent);
  void addCodes(const WeightFormat &format, FormatExtent extent);
  void addScales(const std::vector<ScaleForm> &scales, FormatExtent extent, bool ofZero);
  llvm::Error addSparse(const EncodingTerm &term);
  llvm::Error addParts(const EncodingTerm &term);
  llvm::Error addTerm(const EncodingTerm &term);

  const Encoding &encoding;
  EncodedLayout layout;
  int term = -1, format = -1;
};
} // namespace

static SideType fieldOf(unsigned bits) {
  SideType type;
  type.kind = SideType::Uint;
  type.width = bits;
  return type;
}

/// Bits that hold the numbers below `count`.
static unsigned selectorBits(size_t count) { return std::max(1u, llvm::Log2_64_Ceil(count)); }

void LayoutBuilder::add(ArrayRole role, llvm::StringRef name, SideType element, int64_t rows, int64_t columns,
                        int level) {
  EncodedArray array;
  array.role = role;
  array.term = term;
  array.format = format;
  array.level = level;
  array.element = element;
  array.rows = rows;
  array.columns = columns;
  array.rowBytes = streamBytes(columns, element.bits());
  array.bytes = rows * array.rowBytes;
  array.offset = llvm::alignTo(layout.bytes, kArrayAlignment);
  if (term >= 0) {
    array.name = message("term", term, '.');
    if (format >= 0 && encoding.terms[term].formats.size() > 1)
      array.name += message("format", format, '.');
  }
  array.name += name;
  layout.payload += array.bytes;
  layout.bytes = array.offset + array.bytes;
  layout.arrays.push_back(std::move(array));
}

void LayoutBuilder::addCodes(const WeightFormat &format, FormatExtent extent) {
  const CodeForm &code = format.code;
  int64_t rows = extent.streamRows, columns = extent.streamColumns;
  if (format.value.kind == ValueMap::Table)
    columns = llvm::divideCeil(columns, format.value.vector);
  switch (code.kind) {
  case CodeForm::Uint:
  case CodeForm::Int:
    return add(ArrayRole::Codes, "codes", fieldOf(code.numbers[0]), rows, columns);
  case CodeForm::Planes:
    for (size_t plane = 0; plane < code.numbers.size(); ++plane)
      add(ArrayRole::Codes, message("plane", plane), fieldOf(code.numbers[plane]), rows, columns, plane);
    return;
  case CodeForm::Radix:
    return add(ArrayRole::Codes, "codes", fieldOf(code.numbers[2]), rows,
               llvm::divideCeil(columns, code.numbers[1]));
  case CodeForm::Dict:
    if (!code.prefix)
      return add(ArrayRole::Codes, "codes", fieldOf(code.numbers[0]), rows,
                 llvm::divideCeil(columns, (int64_t)code.length));
    // Runs of different lengths end somewhere in a row, so a row has a start of its own.
    add(ArrayRole::Codes, "codes", fieldOf(code.numbers[0]), 1,
        (int64_t)std::ceil((double)rows * (double)columns / code.length));
    return add(ArrayRole::RunStarts, "run_starts", fieldOf(32), 1, rows + 1);
  }
}

void LayoutBuilder::addScales(const std::vector<ScaleForm> &scales, FormatExtent extent, bool ofZero) {
  const char *prefix = ofZero ? "zero_scale" : "scale";
  for (size_t level = 0; level < scales.size(); ++level) {
    const ScaleForm &scale = scales[level];
    std::string name = message(prefix, level);
    add(ofZero ? ArrayRole::ZeroScales : ArrayRole::Scales, name, scale.element,
        groupsOf(extent.rows, scale.gn), groupsOf(extent.columns, scale.gk), level);
    if (scale.map == ScaleForm::Minus)
      add(ofZero ? ArrayRole::ZeroScaleZeros : ArrayRole::ScaleZeros, name + ".zero", scale.zeroElement,
          groupsOf(extent.rows, scale.zeroGn), groupsOf(extent.columns, scale.zeroGk), level);
  }
}

void LayoutBuilder::addFormat(const WeightFormat &format, FormatExtent extent) {
  layout.extents.back().push_back(extent);
  this->format = layout.extents.back().size() - 1;
  addCodes(format, extent);
  const ValueMap &value = format.value;
  if (value.sign == ValueMap::Plane)
    add(ArrayRole::Signs, "signs", fieldOf(1), extent.streamRows, extent.streamColumns);
  if (value.sign == ValueMap::Parity7)
    add(ArrayRole::Signs, "signs", fieldOf(7), extent.streamRows, llvm::divideCeil(extent.streamColumns, 8));
  if (value.kind == ValueMap::Table && value.values.empty())
    add(ArrayRole::Table, "table", value.element,
        value.select == ValueMap::Row ? extent.rows : int64_t(1) << value.selectBits, value.entries * value.vector);
  if (value.kind == ValueMap::Table && value.select == ValueMap::Group && value.selectBits > 0) {
    auto [gn, gk] = selectorGroup(format);
    add(ArrayRole::Selectors, "selectors", fieldOf(value.selectBits), groupsOf(extent.rows, gn),
        groupsOf(extent.columns, gk));
  }
  addScales(format.scales, extent, false);
  const ZeroForm &zero = format.zero;
  if (zero.kind == ZeroForm::Tensor || zero.kind == ZeroForm::Min) {
    add(ArrayRole::Zeros, zero.kind == ZeroForm::Min ? "minimum" : "zero", zero.element,
        groupsOf(extent.rows, zero.gn), groupsOf(extent.columns, zero.gk));
    if (zero.minus)
      add(ArrayRole::ZeroMinus, "zero.zero", zero.minusElement, groupsOf(extent.rows, zero.minusGn),
          groupsOf(extent.columns, zero.minusGk));
    addScales(zero.scales, extent, true);
  }
  this->format = -1;
}

llvm::Error LayoutBuilder::addSparse(const EncodingTerm &term) {
  const SparsityForm &sparsity = term.sparsity;
  int64_t n = layout.n, k = layout.k;
  // A product of doubles may lie a rounding above the whole number that is meant.
  auto share = [&](int64_t count) {
    double exact = (double)count * sparsity.density;
    return std::min(count, (int64_t)std::ceil(exact - 1e-9 * exact));
  };
  FormatExtent extent{n, k, 1, share(n * k)};
  auto tooMany = [&](int64_t count, unsigned bits, llvm::StringRef what) {
    return fault("has ", count, ' ', what, " but indices of ", bits, " bits, which count to ",
                 (int64_t(1) << bits) - 1, "; use wider indices");
  };
  switch (sparsity.kind) {
  case SparsityForm::None:
  case SparsityForm::NM:
    extent.streamRows = n;
    extent.streamColumns = llvm::divideCeil(k, sparsity.b) * sparsity.a;
    addFormat(term.formats[0], extent);
    add(ArrayRole::Places, "places", fieldOf(sparsity.c), n, extent.streamColumns);
    return llvm::Error::success();
  case SparsityForm::Block: {
    int64_t rows = llvm::divideCeil(n, sparsity.a), columns = llvm::divideCeil(k, sparsity.b);
    extent.streamRows = share(rows * columns);
    extent.streamColumns = sparsity.a * sparsity.b;
    addFormat(term.formats[0], extent);
    if (sparsity.blockBitmap) {
      add(ArrayRole::Mask, "mask", fieldOf(1), rows, columns);
      return llvm::Error::success();
    }
    if (columns > 65536)
      return tooMany(columns, 16, "columns of blocks");
    add(ArrayRole::Starts, "starts", fieldOf(32), 1, rows + 1);
    add(ArrayRole::Places, "places", fieldOf(16), 1, extent.streamRows);
    return llvm::Error::success();
  }
  case SparsityForm::Bitmap:
    addFormat(term.formats[0], extent);
    add(ArrayRole::Mask, "mask", fieldOf(1), n, llvm::alignTo(k, sparsity.a));
    return llvm::Error::success();
  case SparsityForm::Csr:
    if (sparsity.a > 32 || sparsity.b > 32)
      return fault("has csr indices of ", sparsity.a, " and ", sparsity.b, " bits; at most 32 are possible");
    if (k > int64_t(1) << sparsity.a)
      return tooMany(k, sparsity.a, "columns");
    if (extent.streamColumns >= int64_t(1) << sparsity.b)
      return tooMany(extent.streamColumns, sparsity.b, "stored elements");
    addFormat(term.formats[0], extent);
    add(ArrayRole::Starts, "starts", fieldOf(sparsity.b), 1, n + 1);
    add(ArrayRole::Places, "places", fieldOf(sparsity.a), 1, extent.streamColumns);
    return llvm::Error::success();
  }
  return llvm::Error::success();
}

PartRange lutra::clipRange(const PartRange &range, int64_t n, int64_t k) {
  auto clip = [](int64_t bound, int64_t size) { return bound == kWhole ? size : std::min(bound, size); };
  PartRange cut;
  cut.rowEnd = clip(range.rowEnd, n);
  cut.columnEnd = clip(range.columnEnd, k);
  cut.rowBegin = std::min(range.rowBegin, cut.rowEnd);
  cut.columnBegin = std::min(range.columnBegin, cut.columnEnd);
  return cut;
}

llvm::Error LayoutBuilder::addParts(const EncodingTerm &term) {
  std::vector<PartRange> ranges;
  for (const PartRange &region : term.regions)
    ranges.push_back(clipRange(region, layout.n, layout.k));
  for (size_t i = 0; i < ranges.size(); ++i)
    for (size_t j = 0; j < i; ++j) {
      const PartRange &a = ranges[j], &b = ranges[i];
      if (std::max(a.rowBegin, b.rowBegin) < std::min(a.rowEnd, b.rowEnd) &&
          std::max(a.columnBegin, b.columnBegin) < std::min(a.columnEnd, b.columnEnd))
        return fault("has parts ", j, " and ", i, ", which overlap on ", layout.n, " x ", layout.k,
                     " elements; give each element to one part");
    }
  for (auto [range, format] : llvm::zip_equal(ranges, term.formats)) {
    int64_t rows = range.rowEnd - range.rowBegin, columns = range.columnEnd - range.columnBegin;
    addFormat(format, {rows, columns, rows, columns});
  }
  return llvm::Error::success();
}

std::vector<int64_t> lutra::blocksOfFormats(const EncodingTerm &term, int64_t blocks) {
  std::vector<int64_t> counts;
  int64_t left = blocks;
  for (size_t i = 0; i < term.formats.size(); ++i) {
    int64_t own = i + 1 == term.formats.size()
                      ? left
                      : std::min<int64_t>(left, std::llround((double)blocks * term.shares[i]));
    counts.push_back(own);
    left -= own;
  }
  return counts;
}

llvm::Error LayoutBuilder::addTerm(const EncodingTerm &term) {
  int64_t n = layout.n, k = layout.k;
  switch (term.kind) {
  case EncodingTerm::Dense:
    addFormat(term.formats[0], {n, k, n, k});
    return llvm::Error::success();
  case EncodingTerm::Sparse:
    return addSparse(term);
  case EncodingTerm::LowRank:
    if (term.rank > kMostElements / std::max<int64_t>(std::max(n, k), 1))
      return fault("has a lowrank term of rank ", term.rank, " for ", n, " x ", k, " elements, which is too large");
    addFormat(term.formats[0], {n, term.rank, n, term.rank});
    addFormat(term.formats[1], {term.rank, k, term.rank, k});
    return llvm::Error::success();
  case EncodingTerm::Parts:
    return addParts(term);
  case EncodingTerm::TypeMap: {
    // A format's share of the blocks lies in one matrix, block under block.
    int64_t rows = llvm::divideCeil(n, term.gn), columns = llvm::divideCeil(k, term.gk);
    std::vector<int64_t> counts = blocksOfFormats(term, rows * columns);
    for (auto [count, format] : llvm::zip_equal(counts, term.formats))
      addFormat(format, {count * term.gn, term.gk, count * term.gn, term.gk});
    add(ArrayRole::TypeMap, "type_map", fieldOf(selectorBits(term.formats.size())), rows, columns);
    return llvm::Error::success();
  }
  }
  return llvm::Error::success();
}

llvm::Expected<EncodedLayout> LayoutBuilder::build() {
  int64_t n = layout.n, k = layout.k, elements = 0;
  if (n < 0 || k < 0 || n >= int64_t(1) << 31 || k >= int64_t(1) << 31 || llvm::MulOverflow(n, k, elements) ||
      elements > kMostElements)
    return fault("stores ", n, " x ", k, " elements; sizes must be below 2^31 and their product at most 2^48");
  for (size_t i = 0; i < encoding.terms.size(); ++i) {
    const EncodingTerm &next = encoding.terms[i];
    for (int64_t size : {next.gn, next.gk, next.sparsity.a, next.sparsity.b})
      if (size > kMostBlock)
        return fault("has blocks of ", size, " elements; at most ", kMostBlock, " are possible");
    term = i;
    layout.extents.emplace_back();
    if (llvm::Error error = addTerm(next))
      return std::move(error);
  }
  term = -1;
  if (!encoding.permN.empty())
    add(ArrayRole::PermN, "perm_n", fieldOf(32), 1, n);
  if (!encoding.permK.empty())
    add(ArrayRole::PermK, "perm_k", fieldOf(32), 1, k);
  if (encoding.activation.kind == ActivationForm::Blocks)
    add(ArrayRole::ActivationMap, "activation_map", fieldOf(selectorBits(encoding.activation.choices.size())), 1,
        llvm::divideCeil(k, encoding.activation.block));
  return std::move(layout);
}

llvm::Expected<EncodedLayout> EncodedLayout::of(const Encoding &encoding, int64_t n, int64_t k) {
  return LayoutBuilder(encoding, n, k).build();
}

const EncodedArray *EncodedLayout::find(ArrayRole role, int term, int format, int level) const {
  for (const EncodedArray &array : arrays)
    if (array.role == role && array.term == term && array.format == format && array.level == level)
      return &array;
  return nullptr;
}
