//===- ScaleInputs.cpp - factors between the inputs and the weights of products ===//
// What `awq` and `smooth` ask for: products that read one value, the tied group, share the factors of its channels.
// They are found from the float model; the model with them computes the same but for rounding, and is measured anew.
#include "ModelQuantizer.h"

#include "lutra/Dialect/Lutra/Transforms/InputScaler.h"
#include "lutra/Support/InputScales.h"

using namespace mlir;
using namespace lutra;

/// Products that share a left-hand side with one that is asked to be scaled, and can be.
std::vector<size_t> ModelQuantizer::tiedTo(size_t index, InputScaler &scaler) {
  std::vector<size_t> group;
  for (auto [other, product] : llvm::enumerate(quantizer.getProducts()))
    if (!product.isFilter() && tapOf[other] == tapOf[index] &&
        product.scalesInputs(product.forms.front()) &&
        scaler.canScale(cast<MatmulOp>(product.op)))
      group.push_back(other);
  return group;
}

LogicalResult ModelQuantizer::fitFactors(ArrayRef<size_t> group, InputScales &scales) {
  std::vector<ScaledWeight> weights;
  for (size_t index : group) {
    const QuantizedProduct &product = quantizer.getProducts()[index];
    ScaledWeight &weight = weights.emplace_back();
    weight.n = product.n;
    weight.form = product.forms.front();
    if (weight.form.method == WeightForm::Gptq) // whose order of columns and factor are those of one power alone
      weight.form.method = WeightForm::Search;
    std::vector<float> stored;
    if (failed(quantizer.readWeight(product, stored)))
      return failure();
    weight.values.resize(stored.size());
    for (int64_t row = 0; row < product.n; ++row)
      for (int64_t k = 0; k < product.k; ++k)
        weight.values[row * product.k + k] = stored[product.turned ? k * product.n + row : row * product.k + k];
  }
  auto parallel = [&](size_t count, llvm::function_ref<void(size_t)> body) { quantizer.parallel(count, body); };
  const ActivationRounding &rounding = quantizer.getProducts()[group.front()].activations;
  scales = fitInputScales(weights, *gramOf(group.front()), rounding, parallel);
  return success();
}

LogicalResult ModelQuantizer::scaleInputs() {
  inputScales.resize(quantizer.getProducts().size());
  if (!quantizer.getSpec().scalesInputs())
    return success();
  InputScaler scaler(module);
  std::vector<std::pair<std::vector<size_t>, InputScales>> found;
  LogicalResult result = forParts([&](ArrayRef<size_t> products) -> LogicalResult {
    for (size_t index : products) {
      std::vector<size_t> group;
      const QuantizedProduct &product = quantizer.getProducts()[index];
      if (gramOf(index) && product.scalesInputs(product.forms.front()))
        group = tiedTo(index, scaler);
      if (group.empty() || group.front() != index)
        continue;
      found.emplace_back(std::move(group), InputScales());
      if (failed(fitFactors(found.back().first, found.back().second)))
        return failure();
    }
    return success();
  });
  if (failed(result))
    return failure();
  for (auto &[group, scales] : found) {
    SmallVector<MatmulOp> ops;
    for (size_t index : group)
      ops.push_back(cast<MatmulOp>(quantizer.getProducts()[index].op));
    bool isFolded = scales.power > 0 && scaler.scale(ops, scales.factors);
    for (size_t index : group)
      inputScales[index] = InputScaling{scales.power, isFolded};
  }
  forgetInputs();
  return success();
}
