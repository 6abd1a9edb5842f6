//===- SpreadRows.cpp - which layers have the rows of 8 bits -----------------===//
// `rows8` is a share of all weights that ask for it, and rows take it in the order of what they add to the error of
// their layer's output, over the power of that output and per weight (as MixLLM, arXiv 2412.14590, ranks output
// features of a whole model). What codes of least squared error leave stands for what GPTQ will. Layers with a choice
// of types keep the share of the spec.
#include "ModelQuantizer.h"

#include <tuple>

using namespace mlir;
using namespace lutra;

namespace {
/// A row, and what its codes cost the output of its layer, for each weight.
struct RankedRow {
  size_t layer = 0, row = 0;
  double salience = 0;
};
} // namespace

static bool spreads(const QuantizedProduct &product) {
  return product.forms.size() == 1 && product.forms.front().wideRows > 0;
}

/// The errors of rows over the power of their layer's output.
LogicalResult ModelQuantizer::rankRows(size_t index, std::vector<double> &saliences) {
  const QuantizedProduct &product = quantizer.getProducts()[index];
  const GramMatrix &gram = *gramOf(index);
  WeightForm form = product.forms.front().narrowForm();
  form.method = WeightForm::Search;
  QuantizedMatrix matrix;
  QuantizeNotes notes;
  std::vector<float> weights;
  if (failed(quantizer.encode(product, form, &gram, optionsOf(index, /*measure=*/true), matrix, notes)) ||
      failed(quantizer.readWeight(product, weights)))
    return failure();
  saliences.assign(product.n, 0);
  quantizer.parallel(product.n, [&](size_t row) {
    std::vector<float> own(product.k);
    matrix.readRow(static_cast<int64_t>(row), own);
    for (int64_t k = 0; k < product.k; ++k) {
      double error = double(weights[product.turned ? k * product.n + row : row * product.k + k]) - own[k];
      saliences[row] += error * error * gram.getMean()[k * product.k + k];
    }
  });
  for (double &salience : saliences)
    salience = notes.outputPower > 0 ? salience / (notes.outputPower * double(product.k)) : 0;
  return success();
}

LogicalResult ModelQuantizer::spreadWideRows() {
  llvm::MapVector<Operation *, size_t> first; // product of each weight
  std::vector<RankedRow> rows;
  double budget = 0;
  LogicalResult result = forParts([&](ArrayRef<size_t> products) -> LogicalResult {
    for (size_t index : products) {
      const QuantizedProduct &product = quantizer.getProducts()[index];
      if (!spreads(product) || !gramOf(index) || !first.insert({product.weight, index}).second)
        continue;
      std::vector<double> saliences;
      if (failed(rankRows(index, saliences)))
        return failure();
      for (auto [row, salience] : llvm::enumerate(saliences))
        rows.push_back({index, row, salience});
      budget += product.forms.front().wideRows * double(product.n * product.k);
    }
    return success();
  });
  if (failed(result))
    return failure();
  llvm::sort(rows, [](const RankedRow &a, const RankedRow &b) {
    return std::tuple(-a.salience, a.layer, a.row) < std::tuple(-b.salience, b.layer, b.row);
  });
  std::vector<int64_t> counts(quantizer.getProducts().size());
  for (const RankedRow &row : rows) {
    const QuantizedProduct &product = quantizer.getProducts()[row.layer];
    auto k = static_cast<double>(product.k);
    if (k > budget)
      break;
    if (2 * (counts[row.layer] + 1) > product.n) // as a spec may say for one weight
      continue;
    budget -= k;
    ++counts[row.layer];
  }
  for (size_t index = 0; index < counts.size(); ++index) {
    const QuantizedProduct &product = quantizer.getProducts()[index];
    auto ranked = first.find(product.weight);
    if (!spreads(product) || ranked == first.end())
      continue;
    WeightForm form = product.forms.front();
    form.wideRows = double(counts[ranked->second]) / double(product.n);
    quantizer.setForm(index, form);
  }
  return success();
}
