//===- FormatReader.h - codes and side data of one format in memory ----------===//
// Reads the arrays of one format of one term. Side data are converted once (there is less of them than codes); codes
// are read row by row. The encoder writes side data first and reads them back through the same class, so that codes are
// chosen for the numbers that the decoder will see.
#ifndef LUTRA_LIB_SUPPORT_FORMATREADER_H
#define LUTRA_LIB_SUPPORT_FORMATREADER_H

#include "lutra/Support/EncodedTensor.h"

namespace lutra {

/// Numbers of groups of gn x gk elements.
struct SideGrid {
  std::vector<double> values;
  int64_t gn = kWhole, gk = kWhole, columns = 1;

  double at(int64_t row, int64_t column) const {
    return values[(gn == kWhole ? 0 : row / gn) * columns + (gk == kWhole ? 0 : column / gk)];
  }
  /// Calls body(begin, end, value) for the runs of columns [0, size) of a row.
  template <typename Body> void forRuns(int64_t row, int64_t size, Body body) const {
    const double *line = values.data() + (gn == kWhole ? 0 : row / gn) * columns;
    if (gk == kWhole)
      return body(int64_t(0), size, line[0]);
    for (int64_t begin = 0; begin < size; begin += gk, ++line)
      body(begin, std::min(begin + gk, size), *line);
  }
};

/// Values of all codes: [table][code][element of a vector]; NaN where a code names none.
struct ValueTable {
  std::vector<double> values;
  int64_t tables = 1, codes = 0, vector = 1;
  const double *entry(int64_t table, uint32_t code) const {
    return values.data() + (table * codes + code) * vector;
  }
};

class FormatReader {
public:
  /// Where a format's arrays are: `term` and `format` index the layout.
  FormatReader(const WeightFormat &format, const EncodedLayout &layout, int term, int formatIndex,
               llvm::ArrayRef<uint8_t> bytes, const DictionaryTable &dictionaries);

  /// Loads scales, zero points, tables and selectors.
  llvm::Error loadSides();
  /// Loads tables and selectors alone.
  llvm::Error loadTables();
  llvm::Error loadScales();
  llvm::Error loadZeros();

  const FormatExtent &extent() const { return where; }
  const ValueTable &getTable() const { return table; }
  const CodeDictionary *getDictionary() const { return dictionary; }
  /// The table that holds for an element.
  int64_t tableAt(int64_t row, int64_t column) const {
    if (table.tables == 1)
      return 0;
    return format.value.select == ValueMap::Row ? row : (int64_t)selectors.at(row, column);
  }

  /// Values of a stream's row, before scales, for a dense format (`dense`: stream position = element) or with table 0.
  llvm::Error readRow(int64_t row, llvm::MutableArrayRef<double> values);
  /// The same with the table of each element's own position.
  llvm::Error readRow(int64_t row, llvm::MutableArrayRef<double> values,
                      llvm::function_ref<std::pair<int64_t, int64_t>(int64_t)> positionOf);

  /// Fills what a row of the index space is multiplied with and what is subtracted inside and outside.
  void scalesOfRow(int64_t row, llvm::MutableArrayRef<double> scale) const;
  void zerosOfRow(int64_t row, llvm::MutableArrayRef<double> inside, llvm::MutableArrayRef<double> outside) const;
  double scaleAt(int64_t row, int64_t column) const;
  double zeroAt(int64_t row, int64_t column) const;
  bool hasScales() const { return !scales.empty(); }
  bool hasZero() const { return format.zero.kind != ZeroForm::None; }
  bool zeroIsOutside() const {
    return format.zero.kind == ZeroForm::Min || (format.zero.kind == ZeroForm::Tensor && format.zero.inValue);
  }

private:
  llvm::Expected<std::vector<double>> readArray(const EncodedArray &array) const;
  llvm::Error loadTree(const std::vector<ScaleForm> &forms, ArrayRole role, ArrayRole zeroRole,
                       std::vector<SideGrid> &grids) const;
  llvm::Expected<SideGrid> loadGrid(ArrayRole role, int level, int64_t gn, int64_t gk) const;
  llvm::Error readCodes(int64_t row, std::vector<uint32_t> &codes);
  llvm::Error readRuns(int64_t row, std::vector<uint32_t> &codes);
  void applySigns(int64_t row, llvm::MutableArrayRef<double> values) const;
  const EncodedArray &arrayOf(ArrayRole role, int level = 0) const;
  const uint8_t *rowOf(const EncodedArray &array, int64_t row) const {
    return bytes.data() + array.offset + row * array.rowBytes;
  }

  const WeightFormat &format;
  const EncodedLayout &layout;
  int term, formatIndex;
  llvm::ArrayRef<uint8_t> bytes;
  const CodeDictionary *dictionary = nullptr;
  FormatExtent where;
  ValueTable table;
  SideGrid selectors, zero;
  std::vector<SideGrid> scales, zeroScales;
  std::vector<uint32_t> codes, words; // of the row being read
};

} // namespace lutra

#endif // LUTRA_LIB_SUPPORT_FORMATREADER_H
