//===- DialectTestPasses.cpp - what the dialect's interfaces answer -----------===//
#include "TestPasses.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/TilingInterface.h"
#include "mlir/Pass/Pass.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace lutra;

namespace {
/// Remarks: operations and stored bytes of each op, every dynamic size taken as `dynamic-size`.
struct TestCost : PassWrapper<TestCost, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestCost)
  TestCost() = default;
  TestCost(const TestCost &other) : PassWrapper(other) {}
  StringRef getArgument() const final { return "lutra-test-cost"; }
  StringRef getDescription() const final { return "prints what the cost interface answers"; }
  Option<int64_t> dynamicSize{*this, "dynamic-size", llvm::cl::init(10),
                              llvm::cl::desc("size of every dynamic dimension, in elements")};

  void runOnOperation() override {
    getOperation().walk([&](CostOpInterface op) {
      auto sizeOf = [&](Value, int64_t) -> int64_t { return dynamicSize; };
      InFlightDiagnostic remark = op->emitRemark("operations ") << op.getOperations(sizeOf);
      for (unsigned i = 0; i < op->getNumOperands(); ++i)
        if (isa<RankedTensorType>(op->getOperand(i).getType()))
          remark << (i ? ", " : "; reads ") << op.getOperandBytes(i, sizeOf);
      for (unsigned i = 0; i < op->getNumResults(); ++i)
        remark << (i ? ", " : "; writes ") << op.getResultBytes(i, sizeOf);
    });
  }
};

/// Remarks: the derived facts of each encoded argument type of a function.
struct TestEncoding : PassWrapper<TestEncoding, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestEncoding)
  StringRef getArgument() const final { return "lutra-test-encoding"; }
  StringRef getDescription() const final { return "prints the facts derived from encodings"; }

  void runOnOperation() override {
    for (Type type : getOperation().getArgumentTypes()) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor || !encodingOf(tensor))
        continue;
      const Encoding &encoding = encodingOf(tensor).getValue();
      int64_t k = tensor.getShape().back(), n = tensor.getNumElements() / k;
      InFlightDiagnostic remark = getOperation().emitRemark("bytes ")
                                  << lutra::storedBytes(encoding, n, k) << ", bits "
                                  << text("%.3f", bitsPerWeight(encoding, n, k));
      for (const EncodingTerm &term : encoding.terms)
        for (const WeightFormat &format : term.formats)
          describe(factsOf(format), remark);
    }
  }

  static std::string text(const char *form, double value) {
    std::string result;
    llvm::raw_string_ostream(result) << llvm::format(form, value);
    return result;
  }

  static void describe(const FormatFacts &facts, InFlightDiagnostic &remark) {
    if (facts.known)
      remark << "; [" << text("%g", facts.minimum) << ", " << text("%g", facts.maximum) << "]";
    else
      remark << "; stored table";
    if (facts.int8Unit)
      remark << " int8 x " << text("%g", *facts.int8Unit);
    if (facts.bfloatExact)
      remark << " bf16";
    if (facts.oddSymmetric)
      remark << " odd";
    if (facts.monotone)
      remark << " monotone";
    if (facts.needsActivationSums)
      remark << " sums of " << facts.sumGroup;
    if (facts.rowScaleOutermost)
      remark << " row scale";
  }
};

/// Replaces each tensor.dim of a lutra op's result by the reified size.
struct TestShapes : PassWrapper<TestShapes, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestShapes)
  StringRef getArgument() const final { return "lutra-test-shapes"; }
  StringRef getDescription() const final { return "replaces tensor.dim by reified sizes"; }

  void runOnOperation() override {
    SmallVector<tensor::DimOp> dims;
    getOperation().walk([&](tensor::DimOp dim) { dims.push_back(dim); });
    for (tensor::DimOp dim : dims) {
      auto op = dim.getSource().getDefiningOp<ReifyRankedShapedTypeOpInterface>();
      std::optional<int64_t> index = dim.getConstantIndex();
      if (!op || !index)
        continue;
      OpBuilder builder(dim);
      ReifiedRankedShapedTypeDims shapes;
      if (failed(op.reifyResultShapes(builder, shapes))) {
        op->emitError("does not reify its shape");
        return signalPassFailure();
      }
      unsigned result = cast<OpResult>(dim.getSource()).getResultNumber();
      dim.replaceAllUsesWith(
          getValueOrCreateConstantIndexOp(builder, dim.getLoc(), shapes[result][*index]));
      dim.erase();
    }
  }
};

/// Tiles each op that carries `tile` (an i64 array, 0: not tiled) with scf.for; with `fuse`, its
/// producers too.
struct TestTile : PassWrapper<TestTile, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestTile)
  StringRef getArgument() const final { return "lutra-test-tile"; }
  StringRef getDescription() const final { return "tiles ops by TilingInterface"; }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<scf::SCFDialect, affine::AffineDialect, tensor::TensorDialect>();
  }

  void runOnOperation() override {
    SmallVector<TilingInterface> ops;
    getOperation().walk([&](TilingInterface op) {
      if (op->hasAttr("tile"))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (TilingInterface op : ops) {
      SmallVector<OpFoldResult> sizes;
      for (int64_t size : op->getAttrOfType<DenseI64ArrayAttr>("tile").asArrayRef())
        sizes.push_back(rewriter.getIndexAttr(size));
      bool fuse = op->hasAttr("fuse");
      op->removeAttr("tile");
      op->removeAttr("fuse");
      rewriter.setInsertionPoint(op);
      if (failed(fuse ? tileAndFuse(rewriter, op, sizes) : tile(rewriter, op, sizes)))
        return signalPassFailure();
    }
  }

  static LogicalResult tile(IRRewriter &rewriter, TilingInterface op,
                            ArrayRef<OpFoldResult> sizes) {
    FailureOr<scf::SCFTilingResult> tiled =
        scf::tileUsingSCF(rewriter, op, scf::SCFTilingOptions().setTileSizes(sizes));
    if (failed(tiled))
      return failure();
    rewriter.replaceOp(op, tiled->replacements);
    return success();
  }

  static LogicalResult tileAndFuse(IRRewriter &rewriter, TilingInterface op,
                                   ArrayRef<OpFoldResult> sizes) {
    scf::SCFTileAndFuseOptions options;
    options.setTilingOptions(scf::SCFTilingOptions().setTileSizes(sizes));
    FailureOr<scf::SCFTileAndFuseResult> tiled =
        scf::tileConsumerAndFuseProducersUsingSCF(rewriter, op, options);
    if (failed(tiled))
      return failure();
    for (OpResult result : op->getResults())
      rewriter.replaceAllUsesWith(result, tiled->replacements.lookup(result));
    return success();
  }
};
} // namespace

void lutra::test::registerDialectTestPasses() {
  PassRegistration<TestCost>();
  PassRegistration<TestEncoding>();
  PassRegistration<TestShapes>();
  PassRegistration<TestTile>();
}
