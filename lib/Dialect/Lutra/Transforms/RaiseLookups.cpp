//===- RaiseLookups.cpp - a product with a one-hot matrix is a lookup -------===//
// Frameworks without a gather that differentiates well write embeddings as one_hot(i) * W. Row i of W is the same
// value: its products with 0 add nothing and the one with 1 is exact, as long as W is finite, so W must
// be a constant whose elements can be read. An index outside of 0..K-1 has no 1 in its row and gives zeros.
//
//   matmul(cast(compare<eq>(i[.., 1], [0, 1, .., K-1])), W)  ->  select(0 <= i < K, gather(W, i), 0)
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "WeightData.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace lutra;

namespace lutra {
#define GEN_PASS_DEF_RAISELOOKUPS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
struct RaiseLookups final : lutra::impl::RaiseLookupsBase<RaiseLookups> {
  using Base::Base;
  void runOnOperation() override;
};

struct RaiseOneHotProduct final : OpRewritePattern<MatmulOp> {
  RaiseOneHotProduct(MLIRContext *context, WeightStore &store) : OpRewritePattern(context), store(store) {}
  LogicalResult matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const override;
  WeightStore &store;
};
} // namespace

/// Whether `value` counts 0, 1, .. along its last dimension and has size 1 in all others.
static bool countsAlongLast(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  auto data = constant ? dyn_cast<DenseIntElementsAttr>(constant.getValue()) : DenseIntElementsAttr();
  if (!data || data.getType().getRank() == 0 || data.getNumElements() != data.getType().getShape().back())
    return false;
  int64_t next = 0;
  return llvm::all_of(data.getValues<APInt>(), [&](const APInt &element) { return element == next++; });
}

/// Whether all elements of a constant f32 matrix are finite.
static bool isFiniteWeight(WeightStore &store, Value value) {
  std::optional<WeightBytes> bytes = store.read(value);
  auto type = cast<RankedTensorType>(value.getType());
  if (!bytes || !type.getElementType().isF32())
    return false;
  int64_t count = bytes->splat ? 1 : type.getNumElements();
  for (int64_t index = 0; index < count; ++index) {
    float element;
    std::memcpy(&element, bytes->element(index), sizeof element);
    if (!std::isfinite(element))
      return false;
  }
  return true;
}

static Value integerConstant(OpBuilder &builder, Location loc, Type element, int64_t value) {
  auto type = RankedTensorType::get({}, element);
  return ConstantOp::create(builder, loc, type,
                            DenseElementsAttr::get(type, ArrayRef<Attribute>(builder.getIntegerAttr(element, value))));
}

LogicalResult RaiseOneHotProduct::matchAndRewrite(MatmulOp op, PatternRewriter &rewriter) const {
  auto cast = op.getLhs().getDefiningOp<CastOp>();
  auto equal = cast ? cast.getInput().getDefiningOp<CompareOp>() : CompareOp();
  if (!equal || equal.getKind() != CompareKind::Equal || op.getTransposeLhs() || op.getTransposeRhs())
    return rewriter.notifyMatchFailure(op, "left-hand side is not a comparison for equality");
  Value indices = equal.getLhs(), counting = equal.getRhs();
  if (countsAlongLast(indices))
    std::swap(indices, counting);
  auto type = llvm::cast<RankedTensorType>(op.getType());
  auto matrix = llvm::cast<RankedTensorType>(op.getRhs().getType());
  auto indexType = llvm::cast<RankedTensorType>(indices.getType());
  int64_t rank = type.getRank();
  if (!countsAlongLast(counting) || !indexType.getElementType().isSignlessInteger() || indexType.getRank() != rank ||
      indexType.getDimSize(rank - 1) != 1 || indexType.getShape().drop_back() != type.getShape().drop_back())
    return rewriter.notifyMatchFailure(op, "not indices compared with 0, 1, ..");
  if (indexType.getElementTypeBitWidth() < 32)
    return rewriter.notifyMatchFailure(op, "indices are narrower than a gather's");
  if (matrix.getRank() != 2 || matrix.getEncoding() || !isFiniteWeight(store, op.getRhs()))
    return rewriter.notifyMatchFailure(op, "right-hand side is not a finite f32 weight");

  Location loc = op.getLoc();
  Type element = indexType.getElementType();
  auto maskType = RankedTensorType::get(indexType.getShape(), rewriter.getI1Type());
  Value low = CompareOp::create(rewriter, loc, maskType, CompareKind::GreaterEqual, indices,
                                integerConstant(rewriter, loc, element, 0));
  Value high = CompareOp::create(rewriter, loc, maskType, CompareKind::Less, indices,
                                 integerConstant(rewriter, loc, element, matrix.getDimSize(0)));
  Value inside = BinaryOp::create(rewriter, loc, maskType, BinaryKind::And, low, high);
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < rank - 1; ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(rewriter.createOrFold<tensor::DimOp>(loc, indices, dim));
  Value flat = ReshapeOp::create(rewriter, loc, RankedTensorType::get(indexType.getShape().drop_back(), element),
                                 indices, sizes);
  Value rows = GatherOp::create(rewriter, loc, type, op.getRhs(), flat, rewriter.getI64IntegerAttr(0));
  auto scalar = RankedTensorType::get({}, type.getElementType());
  Value zero = ConstantOp::create(
      rewriter, loc, scalar,
      DenseElementsAttr::get(scalar, ArrayRef<Attribute>(rewriter.getZeroAttr(type.getElementType()))));
  rewriter.replaceOpWithNewOp<SelectOp>(op, type, inside, rows, zero);
  return success();
}

void RaiseLookups::runOnOperation() {
  WeightStore store(getOperation());
  RewritePatternSet patterns(&getContext());
  patterns.add<RaiseOneHotProduct>(&getContext(), store);
  if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
    signalPassFailure();
}
