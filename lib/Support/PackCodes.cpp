//===- PackCodes.cpp - the bytes of a quantized matrix -----------------------===//
// Each format of the first term stores rows of codes of its own: all rows, the rows that are wide or not, or one row
// for each group that has its type.
#include "lutra/Support/QuantizeMatrix.h"

#include "lutra/Support/CodeStream.h"
#include "lutra/Support/SideValues.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace lutra;
using llvm::ArrayRef;
using llvm::MutableArrayRef;

namespace {
/// Elements of one format: `row`s of the matrix, or its groups from `group` on, as many as `groups` says.
struct StoredRow {
  int64_t row = 0, group = 0, groups = 0;
};

class CodePacker {
public:
  CodePacker(const QuantizedMatrix &matrix, const EncodedLayout &layout, int format, MutableArrayRef<uint8_t> bytes)
      : matrix(matrix), layout(layout), format(format), bytes(bytes) {}
  void packShared() const;
  void packRow(int64_t index, const StoredRow &from) const;

private:
  const EncodedArray *find(ArrayRole role, int level = 0) const { return layout.find(role, 0, format, level); }
  uint8_t *rowOf(const EncodedArray &array, int64_t row) const {
    return bytes.data() + array.offset + row * array.rowBytes;
  }
  void packSides(ArrayRole role, int64_t index, ArrayRef<GroupSide> sides,
                 llvm::function_ref<double(const GroupSide &, int64_t group)> valueOf) const;
  void packTwoLevels(int64_t index, const StoredRow &from, ArrayRef<GroupSide> sides) const;

  const QuantizedMatrix &matrix;
  const EncodedLayout &layout;
  int format;
  MutableArrayRef<uint8_t> bytes;
};
} // namespace

/// What all rows share.
void CodePacker::packShared() const {
  if (const EncodedArray *table = find(ArrayRole::Table))
    for (auto [index, value] : llvm::enumerate(matrix.table))
      setField(rowOf(*table, 0), table->element.bits(), static_cast<int64_t>(index),
               encodeSide(table->element, value));
  const EncodedArray *whole = find(ArrayRole::Scales, 1);
  if (whole && matrix.supers.empty())
    setField(rowOf(*whole, 0), 32, 0, encodeSide(whole->element, matrix.tensorScale));
}

void CodePacker::packSides(ArrayRole role, int64_t index, ArrayRef<GroupSide> sides,
                           llvm::function_ref<double(const GroupSide &, int64_t)> valueOf) const {
  const EncodedArray *array = find(role);
  if (!array)
    return;
  std::vector<uint32_t> words;
  for (auto [group, side] : llvm::enumerate(sides))
    words.push_back(encodeSide(array->element, valueOf(side, static_cast<int64_t>(group))));
  packFields(words, array->element.bits(), rowOf(*array, index));
}

/// Scales and minima under those of their super-blocks.
void CodePacker::packTwoLevels(int64_t index, const StoredRow &from, ArrayRef<GroupSide> sides) const {
  int64_t width = matrix.form.superGroups(), supers = llvm::divideCeil(matrix.groups, width);
  ArrayRef<SuperSide> own = ArrayRef(matrix.supers).slice(from.row * supers, supers);
  double offset = matrix.form.bits == 3 ? 32 : 0; // of stored scales
  packSides(ArrayRole::Scales, index, sides, [&](const GroupSide &side, int64_t group) {
    return double(side.scale) / own[group / width].scale + offset;
  });
  packSides(ArrayRole::Zeros, index, sides, [&](const GroupSide &side, int64_t group) {
    double least = own[group / width].minimum;
    return least > 0 ? double(side.scale) * side.zero / least : 0;
  });
  for (auto [role, level, value] : {std::tuple(ArrayRole::Scales, 1, &SuperSide::scale),
                                    std::tuple(ArrayRole::ZeroScales, 0, &SuperSide::minimum)})
    if (const EncodedArray *array = find(role, level))
      for (int64_t super = 0; super < supers; ++super)
        setField(rowOf(*array, index), array->element.bits(), super, encodeSide(array->element, own[super].*value));
}

void CodePacker::packRow(int64_t index, const StoredRow &from) const {
  int64_t size = matrix.form.group == kWhole ? matrix.k : matrix.form.group;
  const EncodedArray &codeArray = *find(ArrayRole::Codes);
  std::vector<uint32_t> fields;
  for (int64_t i = from.group * size; i < std::min(matrix.k, (from.group + from.groups) * size); ++i)
    if (i % matrix.form.vector == 0)
      fields.push_back(matrix.codes[from.row * matrix.k + i]);
  if (matrix.form.values == WeightForm::Ternary) {
    std::vector<uint32_t> words(codeArray.columns);
    joinDigits(fields, {3, 5}, words);
    fields = std::move(words);
  }
  packFields(fields, codeArray.element.bits(), rowOf(codeArray, index));
  if (index % matrix.form.blockRows != 0) // the first row of a block has its sides
    return;
  ArrayRef<GroupSide> sides = ArrayRef(matrix.sides).slice(from.row * matrix.groups + from.group, from.groups);
  if (!matrix.supers.empty())
    return packTwoLevels(index, from, sides);
  double unit = find(ArrayRole::Scales, 1) ? matrix.tensorScale : 1;
  int64_t block = index / matrix.form.blockRows;
  packSides(ArrayRole::Scales, block, sides, [&](const GroupSide &side, int64_t) { return side.scale / unit; });
  packSides(ArrayRole::Zeros, block, sides, [](const GroupSide &side, int64_t) { return side.zero; });
  packSides(ArrayRole::Selectors, block, sides, [](const GroupSide &side, int64_t) { return side.table; });
}

static void packOrder(const EncodedLayout &layout, ArrayRole role, ArrayRef<int64_t> order,
                      MutableArrayRef<uint8_t> bytes) {
  if (const EncodedArray *array = layout.find(role))
    for (auto [index, place] : llvm::enumerate(order))
      setField(bytes.data() + array->offset, 32, static_cast<int64_t>(index), static_cast<uint32_t>(place));
}

void lutra::packCodes(const QuantizedMatrix &matrix, const EncodedLayout &layout, MutableArrayRef<uint8_t> bytes,
                      ParallelFor parallel) {
  std::vector<std::vector<StoredRow>> stored(matrix.form.wideGroups > 0 ? 2 : 1);
  std::vector<int64_t> rows(matrix.wideRows);
  if (matrix.form.wideGroups > 0) {
    const EncodedArray &map = *layout.find(ArrayRole::TypeMap, 0);
    for (int64_t row = 0; row < matrix.n; ++row)
      for (int64_t group = 0; group < matrix.groups; ++group) {
        bool isWide = matrix.sides[row * matrix.groups + group].wide;
        stored[isWide].push_back({row, group, 1});
        setField(bytes.data() + map.offset + row * map.rowBytes, map.element.bits(), group, isWide);
      }
  } else {
    for (int64_t row = 0; row < matrix.n; ++row)
      if (!llvm::binary_search(matrix.wideRows, row)) { // which rise
        stored[0].push_back({row, 0, matrix.groups});
        rows.push_back(row);
      }
  }
  int own = matrix.wide.empty() ? 0 : 1;
  auto packAll = [&](const QuantizedMatrix &from, int format, ArrayRef<StoredRow> list) {
    CodePacker packer(from, layout, format, bytes);
    packer.packShared();
    parallel(list.size(), [&](size_t index) { packer.packRow(static_cast<int64_t>(index), list[index]); });
  };
  for (auto [format, list] : llvm::enumerate(stored))
    packAll(matrix, own + static_cast<int>(format), list);
  if (!matrix.wide.empty()) {
    const QuantizedMatrix &wide = matrix.wide.front();
    std::vector<StoredRow> list;
    for (int64_t row = 0; row < wide.n; ++row)
      list.push_back({row, 0, wide.groups});
    packAll(wide, 0, list);
  }
  packOrder(layout, ArrayRole::PermN, rows, bytes);
  packOrder(layout, ArrayRole::PermK, matrix.columnOrder, bytes);
  if (const EncodedArray *map = layout.find(ArrayRole::ActivationMap))
    for (int64_t block = 0; block < matrix.wideBlocks; ++block)
      setField(bytes.data() + map->offset, map->element.bits(), block, 1);
}
