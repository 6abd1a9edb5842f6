//===- TransformTestPasses.cpp - rewrites that passes share ------------------===//
#include "TestPasses.h"

#include "lutra/Dialect/Lutra/Transforms/ChannelSorter.h"
#include "lutra/Dialect/Lutra/Transforms/InputScaler.h"

#include "mlir/Pass/Pass.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace lutra;

namespace {
/// Scales what every product with a constant matrix reads by 1/2, 2/3, 1, 3/2, 2, 1/2, .. from channel to channel.
/// Remarks: what took them.
struct TestScaleInputs : PassWrapper<TestScaleInputs, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestScaleInputs)
  StringRef getArgument() const final { return "lutra-test-scale-inputs"; }
  StringRef getDescription() const final { return "moves factors between inputs and weights of products"; }

  void runOnOperation() override {
    constexpr float pattern[] = {1.0f / 2, 2.0f / 3, 1, 3.0f / 2, 2};
    InputScaler scaler(getOperation());
    llvm::MapVector<Value, SmallVector<MatmulOp>> groups;
    getOperation().walk([&](MatmulOp op) {
      if (scaler.canScale(op))
        groups[op.getLhs()].push_back(op);
    });
    for (auto &[value, products] : groups) {
      Location loc = products.front().getLoc();
      std::vector<float> factors;
      for (int64_t i = 0; i < cast<RankedTensorType>(value.getType()).getShape().back(); ++i)
        factors.push_back(pattern[i % std::size(pattern)]);
      emitRemark(loc) << (scaler.scale(products, factors) ? "folded" : "multiplied");
    }
  }
};

/// Lets the channels of what every product with a constant matrix reads begin with the second; the first is the last.
/// Remarks: whether they do.
struct TestSortChannels : PassWrapper<TestSortChannels, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestSortChannels)
  StringRef getArgument() const final { return "lutra-test-sort-channels"; }
  StringRef getDescription() const final { return "moves channels of the inputs of products"; }

  void runOnOperation() override {
    ChannelSorter sorter(getOperation());
    llvm::MapVector<Value, MatmulOp> values; // with the first product that reads each
    getOperation().walk([&](MatmulOp op) {
      if (op.getRhs().getDefiningOp<WeightOp>())
        values.insert({op.getLhs(), op});
    });
    for (auto &[value, product] : values) {
      std::vector<int64_t> order;
      int64_t channels = cast<RankedTensorType>(value.getType()).getShape().back();
      for (int64_t i = 0; i < channels; ++i)
        order.push_back((i + 1) % channels);
      emitRemark(product.getLoc()) << (sorter.sort(value, order) ? "folded" : "gathered");
    }
  }
};
} // namespace

void lutra::test::registerTransformTestPasses() {
  PassRegistration<TestScaleInputs>();
  PassRegistration<TestSortChannels>();
}
