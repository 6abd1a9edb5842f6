//===- ApplyInOrder.cpp - codes that see those of earlier layers --------------===//
// gptq-seq: the inputs of a product are measured behind the codes of all products before it, as the authors of GPTQ
// take them (arXiv 2210.17323), and not in the float model. Products go in levels: of one level are
// those with as many products before them on the longest way to them, so none of a level reads what another gives. The
// model up to a level, with the codes that it has by then, is compiled and runs over the samples once for each level:
// no product after it is computed, and what else stands between products (sums that make up for mean errors, tables
// in bytes, activations that are rounded while the model runs) is that of the compiled model.
#include "ModelQuantizer.h"

#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <map>

using namespace mlir;
using namespace lutra;

/// Whether a product may take such codes.
static bool isSequential(const QuantizedProduct &product) {
  return llvm::any_of(product.forms, [](const WeightForm &form) { return form.sequential; });
}

/// Inside a branch or a loop no run shows inputs, and nothing says which codes come first.
LogicalResult ModelQuantizer::checkOrder() {
  Block *entry = &cast<func::FuncOp>(module.lookupSymbol("main")).getBody().front();
  LogicalResult result = success();
  for (const QuantizedProduct &product : quantizer.getProducts()) {
    if (!isSequential(product) || product.getInput().getParentBlock() == entry)
      continue;
    GlobalOp weight = product.weight;
    result = emitCodedError(product.op->getLoc(), ErrorCode::Attribute)
             << "--quantize asks for 'gptq-seq' of weight @" << weight.getSymName()
             << ", whose inputs are computed in a branch or a loop, where a calibration does not see them; add layer("
             << weight.getSymName() << ").weights=" << product.forms.front().text() << ":mse";
  }
  return result;
}

/// For each product how many of the others lie before it, on the longest way.
std::vector<int64_t> ModelQuantizer::countBefore() {
  ArrayRef<QuantizedProduct> products = quantizer.getProducts();
  DenseMap<Operation *, size_t> places;
  for (auto [index, product] : llvm::enumerate(products))
    places[product.op] = index;
  std::vector<int64_t> counts(products.size());
  DenseMap<Value, int64_t> before;
  for (Operation &op : cast<func::FuncOp>(module.lookupSymbol("main")).getBody().front()) {
    int64_t own = 0;
    SmallVector<size_t> inside; // itself, or those of its regions
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        own = std::max(own, before.lookup(operand));
      if (auto place = places.find(inner); place != places.end())
        inside.push_back(place->second);
    });
    for (size_t index : inside)
      counts[index] = own;
    for (Value result : op.getResults())
      before[result] = own + (inside.empty() ? 0 : 1);
  }
  return counts;
}

/// Gives all products their codes: first those that are fitted to the float model's inputs, then level by level those
/// that are fitted to what the codes before them make of these.
LogicalResult ModelQuantizer::applyInOrder() {
  auto body = [&](ArrayRef<size_t> products) { return apply(products); };
  std::vector<size_t> together;
  std::map<int64_t, std::vector<size_t>> levels;
  std::vector<int64_t> before = countBefore();
  for (auto [index, product] : llvm::enumerate(quantizer.getProducts())) {
    bool isLate = formOf(product).sequential;
    (isLate ? levels[before[index]] : together).push_back(index);
  }
  if (failed(forParts(together, /*ofCodes=*/false, body)))
    return failure();
  for (auto &[level, products] : levels)
    if (failed(forParts(products, /*ofCodes=*/true, body)))
      return failure();
  report.sortLayers(applied);
  return success();
}
