//===- Control.cpp - ONNX control flow and identities ----------------------===//
#include "Importer.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

static GraphTensor importIdentity(NodeImport &n) { return n.in(0); }

static GraphTensor importDropout(NodeImport &n) {
  n.ignore({"ratio", "seed", "is_test", "consumed_inputs"});
  if (n.version >= 12 && n.has(2)) {
    std::optional<SmallVector<int64_t>> training = n.b.constantIntegers(n.in(2));
    if (!training || training->size() != 1 || (*training)[0] != 0)
      return n.unsupported("may run in training mode; export the model for inference");
  }
  GraphTensor x = n.in(0);
  if (x && n.wants(1))
    n.result(1, n.version < 10 ? n.b.filled(x.type(), x.shape(), 1.0) : n.b.filled(n.b.i1(), x.shape(), 1.0));
  return x;
}

static GraphTensor importIf(NodeImport &n) {
  GraphTensor condition = n.in(0);
  const ::onnx::GraphProto *yes = n.graph("then_branch"), *no = n.graph("else_branch");
  if (!condition || !yes || !no)
    return {};
  auto finish = [&](ArrayRef<GraphTensor> outputs) -> GraphTensor {
    if (outputs.size() != n.outputCount())
      return n.invalid(ErrorCode::GraphStructure, "has a branch with " + Twine(outputs.size()) + " outputs for its " +
                                                      Twine(n.outputCount()));
    for (auto [index, output] : llvm::enumerate(outputs))
      if (index > 0)
        n.result(index, output);
    return outputs.empty() ? GraphTensor() : outputs[0];
  };
  if (std::optional<SmallVector<int64_t>> known = n.b.constantIntegers(condition); known && known->size() == 1) {
    auto outputs = n.getImporter().importSubgraph((*known)[0] ? *yes : *no, n.getScope(), {});
    return outputs ? finish(*outputs) : GraphTensor();
  }
  auto outputs = n.b.branch(
      condition, [&] { return n.getImporter().importSubgraph(*yes, n.getScope(), {}); },
      [&] { return n.getImporter().importSubgraph(*no, n.getScope(), {}); });
  return outputs ? finish(*outputs) : GraphTensor();
}

ArrayRef<OpEntry> frontend::controlOps() {
  static const OpEntry table[] = {
      {"Dropout", 1, importDropout},
      {"Identity", 1, importIdentity},
      {"If", 1, importIf},
  };
  return table;
}
