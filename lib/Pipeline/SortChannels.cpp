//===- SortChannels.cpp - channels in the order that blocks of two widths want ---===//
// What `blocks8` asks for: channels of a left-hand side by falling magnitude. Where what computes it can give them in
// that order, it does (ChannelSorter.h), and columns of the weight lie in it from the start; else a gather moves them
// while the model runs.
#include "ModelQuantizer.h"

#include "lutra/Dialect/Lutra/Transforms/ChannelSorter.h"

using namespace mlir;
using namespace lutra;

LogicalResult ModelQuantizer::sortChannels() {
  orderFolded.resize(quantizer.getProducts().size());
  auto sorts = [](const ActivationRounding &rounding) { return rounding.wideBlocks > 0; };
  if (!quantizer.getSpec().anyActivations(sorts) || calibration.size() == 0)
    return success();
  llvm::MapVector<Value, std::vector<int64_t>> orders; // by left-hand side
  LogicalResult result = forParts([&](ArrayRef<size_t> products) -> LogicalResult {
    for (size_t index : products)
      if (const GramMatrix *gram = gramOf(index)) {
        const QuantizedProduct &product = quantizer.getProducts()[index];
        if (!product.isFilter() && sorts(product.activations))
          orders.insert({product.getInput(), orderColumns(gram->getGreatest())});
      }
    return success();
  });
  if (failed(result))
    return failure();
  ChannelSorter sorter(module);
  llvm::DenseMap<Value, bool> folded;
  for (auto &[value, order] : orders)
    folded[value] = sorter.sort(value, order);
  for (auto [index, product] : llvm::enumerate(quantizer.getProducts())) {
    auto known = folded.find(product.getInput());
    if (known != folded.end() && sorts(product.activations))
      orderFolded[index] = known->second;
  }
  forgetInputs();
  return success();
}
