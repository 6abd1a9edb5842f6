//===- PlantWrongResult.cpp - a pass that is wrong on purpose --------------===//
// Proves that a comparison of values notices: floats come out a little too large, integers with their
// bits inverted.
#include "TestPasses.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace lutra;

namespace {
struct PlantWrongResult final : PassWrapper<PlantWrongResult, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(PlantWrongResult)
  PlantWrongResult() = default;
  PlantWrongResult(const PlantWrongResult &other) : PassWrapper(other) {}
  StringRef getArgument() const override { return "lutra-test-plant-wrong-result"; }
  StringRef getDescription() const override {
    return "changes the first result of each function (test of the harness)";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<LutraDialect>();
  }
  void runOnOperation() override;

  Option<double> relative{*this, "relative", llvm::cl::desc("relative error to plant"),
                          llvm::cl::init(0.001)};
};
} // namespace

/// `value` with an error.
static Value spoil(OpBuilder &builder, Location loc, Value value, double relative) {
  auto type = cast<RankedTensorType>(value.getType());
  if (!isa<FloatType>(type.getElementType()))
    return UnaryOp::create(builder, loc, type,
                           type.getElementType().isInteger(1) ? UnaryKind::Not
                                                              : UnaryKind::BitwiseNot,
                           value);
  auto scalar = RankedTensorType::get({}, type.getElementType());
  auto factor = DenseElementsAttr::get(
      scalar, builder.getFloatAttr(type.getElementType(), 1 + relative).getValue());
  Value constant = ConstantOp::create(builder, loc, scalar, factor);
  return BinaryOp::create(builder, loc, type, BinaryKind::Mul, value, constant);
}

void PlantWrongResult::runOnOperation() {
  for (auto function : getOperation().getOps<func::FuncOp>()) {
    if (function.isExternal())
      continue;
    for (Block &block : function.getBody()) {
      auto terminator = dyn_cast<func::ReturnOp>(block.getTerminator());
      if (!terminator || terminator.getNumOperands() == 0 ||
          !isa<RankedTensorType>(terminator.getOperand(0).getType()))
        continue;
      OpBuilder builder(terminator);
      terminator.setOperand(
          0, spoil(builder, terminator.getLoc(), terminator.getOperand(0), relative));
    }
  }
}

namespace lutra::test {
void registerFailingPass();
void registerTestPasses() {
  PassRegistration<PlantWrongResult>();
  registerFailingPass();
}
} // namespace lutra::test
