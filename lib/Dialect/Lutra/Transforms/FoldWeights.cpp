//===- FoldWeights.cpp - movement of weights, done at compile time ---------===//
// A transpose or reshape of a constant costs nothing when the constant is written in its new form
// once. Chains fold one op at a time, in program order, so that intermediate forms are freed again.
// Small constants stay inline, large ones become globals.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "WeightData.h"

#include <cstring>

using namespace mlir;
using namespace lutra;

namespace lutra {
#define GEN_PASS_DEF_FOLDWEIGHTS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
struct FoldWeights final : lutra::impl::FoldWeightsBase<FoldWeights> {
  using Base::Base;
  void runOnOperation() override;
};

/// Folds the ops of one module.
class Folder {
public:
  explicit Folder(ModuleOp module) : module(module), store(module) {}
  void run();

private:
  bool fold(Operation *op);
  /// A value of `type` over new data, made before `op`.
  Value makeValue(Operation *op, Value from, RankedTensorType type, AsmResourceBlob blob);

  ModuleOp module;
  WeightStore store;
};
} // namespace

Value Folder::makeValue(Operation *op, Value from, RankedTensorType type, AsmResourceBlob blob) {
  OpBuilder builder(op);
  GlobalOp source = store.getGlobal(from);
  if (!source)
    return ConstantOp::create(builder, op->getLoc(), type,
                              DenseElementsAttr::getFromRawBuffer(type, blob.getData()));
  GlobalOp global = store.add(source.getLoc(), source.getSymName(), type, std::move(blob));
  return WeightOp::create(builder, op->getLoc(), type, global.getSymName());
}

bool Folder::fold(Operation *op) {
  Value input = op->getOperand(0);
  std::optional<WeightBytes> bytes = store.read(input);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (!bytes || !type.hasStaticShape())
    return false;
  AsmResourceBlob blob = WeightStore::allocate(type.getNumElements() * bytes->width);
  char *out = blob.getMutableData().data();
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    permuteBytes(*bytes, cast<RankedTensorType>(input.getType()).getShape(),
                 transpose.getPermutation(), out);
  } else if (bytes->splat) {
    for (int64_t index = 0; index < type.getNumElements(); ++index)
      std::memcpy(out + index * bytes->width, bytes->data.data(), bytes->width);
  } else {
    std::memcpy(out, bytes->data.data(), bytes->data.size());
  }
  Value folded = makeValue(op, input, type, std::move(blob));
  op->getResult(0).replaceAllUsesWith(folded);
  op->erase();
  if (Operation *producer = input.getDefiningOp(); producer->use_empty())
    producer->erase();
  return true;
}

void Folder::run() {
  SmallVector<Operation *> candidates;
  module.walk([&](Operation *op) {
    if (isa<TransposeOp, ReshapeOp>(op))
      candidates.push_back(op);
  });
  bool changed = false;
  for (Operation *op : candidates)
    changed |= fold(op);
  if (changed)
    store.removeUnused();
}

void FoldWeights::runOnOperation() { Folder(getOperation()).run(); }
