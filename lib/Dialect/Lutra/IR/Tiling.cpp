//===- Tiling.cpp - TilingInterface of the graph ops ------------------------===//
// The loops of an op are the dimensions of its result, so a tile of the loops is a tile of the result. An
// op says, for each dimension of each operand, which part a result tile needs: the part along a result
// dimension, a window's walk along one, or all of it. Result dimensions that cannot be cut (the axis of a
// softmax, the rows of a norm, padded spatial dimensions) are reduction loops, and a tile must hold
// them whole; sums (K of a product, reduced axes) are no loops at all. The tiled op is a clone on
// tensor.extract_slice of the operands.
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "OpHelpers.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/TilingInterface.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace lutra;

namespace {
/// What a result tile needs along one operand dimension.
struct Need {
  int64_t loop = -1;                // result dimension, -1: everything
  int64_t stride = 1, overhang = 1; // [offset * stride, (size - 1) * stride + overhang)
};

/// What a result tile needs of every operand, and which result dimensions stay whole.
struct TilePlan {
  SmallVector<SmallVector<Need>> operands;
  llvm::SmallBitVector whole;
};
} // namespace

static int64_t rankOf(Value value) { return cast<ShapedType>(value.getType()).getRank(); }

static SmallVector<Need> identityNeeds(int64_t rank) {
  return llvm::map_to_vector(llvm::seq<int64_t>(rank), [](int64_t dim) { return Need{dim}; });
}

/// Operand dimensions aligned at the last result dimension; static ones are repeated.
static void planBroadcast(Operation *op, TilePlan &plan) {
  int64_t rank = rankOf(op->getResult(0));
  for (auto [number, operand] : llvm::enumerate(op->getOperands())) {
    auto type = cast<ShapedType>(operand.getType());
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      int64_t loop = rank - type.getRank() + (int64_t)dim;
      plan.operands[number].push_back(Need{size == 1 ? -1 : loop});
    }
  }
}

static void planMatmul(MatmulOp op, TilePlan &plan) {
  int64_t rank = rankOf(op.getResult()), rhsRank = rankOf(op.getRhs());
  SmallVector<Need> lhs = identityNeeds(rank), rhs(rhsRank);
  lhs[rank - (op.getTransposeLhs() ? 1 : 2)].loop = rank - 2;
  lhs[rank - (op.getTransposeLhs() ? 2 : 1)].loop = -1;
  if (rhsRank == rank)
    for (int64_t dim = 0; dim < rank - 2; ++dim)
      rhs[dim].loop = dim;
  rhs[rhsRank - (op.getTransposeRhs() ? 2 : 1)].loop = rank - 1;
  // An encoded operand is one array of bytes.
  if (cast<RankedTensorType>(op.getRhs().getType()).getEncoding()) {
    rhs.assign(rhsRank, Need{});
    plan.whole.set(rank - 1);
  }
  plan.operands = {lhs, rhs};
  if (op.getScale()) // its blocks lie along K
    plan.operands.push_back(lhs);
}

static void planConv(ConvOp op, TilePlan &plan) {
  bool last = op.getLayout() == ConvLayout::ChannelsLast;
  int64_t rank = rankOf(op.getResult()), spatial = rank - 2;
  int64_t channelDim = last ? rank - 1 : 1, filterDim = last ? rank - 1 : 0;
  auto filter = cast<ShapedType>(op.getFilter().getType());
  SmallVector<Need> input(rank), filters(rank);
  input[0].loop = 0;
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t dim = last ? i + 1 : i + 2;
    if (op.getLow()[i] || op.getHigh()[i]) {
      plan.whole.set(dim);
      continue;
    }
    int64_t window = filter.getDimSize(last ? i : i + 2);
    input[dim] = {dim, op.getStrides()[i], op.getDilations()[i] * (window - 1) + 1};
  }
  if (op.getGroups() == 1 && !cast<RankedTensorType>(op.getFilter().getType()).getEncoding())
    filters[filterDim].loop = channelDim;
  else
    plan.whole.set(channelDim);
  plan.operands = {input, filters};
}

/// The last `dims` dimensions stay whole, and so do scale and bias.
static void planRows(Operation *op, int64_t dims, TilePlan &plan) {
  int64_t rank = rankOf(op->getResult(0));
  plan.operands[0] = identityNeeds(rank);
  for (unsigned i = 1; i < op->getNumOperands(); ++i)
    plan.operands[i].resize(rankOf(op->getOperand(i)));
  plan.whole.set(rank - dims, rank);
}

/// Scales follow their axis; a block of elements that share one is not cut.
static void planScales(Operation *op, int64_t axis, int64_t block, TilePlan &plan) {
  int64_t rank = rankOf(op->getResult(0));
  plan.operands[0] = identityNeeds(rank);
  for (unsigned i = 1; i < op->getNumOperands(); ++i) {
    int64_t scaleRank = rankOf(op->getOperand(i));
    if (scaleRank == rank && block > 0) {
      plan.operands[i] = identityNeeds(rank);
      plan.operands[i][axis].loop = -1;
      plan.whole.set(axis);
    } else if (scaleRank == 1) {
      plan.operands[i] = {Need{axis}};
    }
  }
}

static TilePlan planOf(Operation *op) {
  TilePlan plan;
  plan.operands.resize(op->getNumOperands());
  plan.whole.resize(rankOf(op->getResult(0)));
  llvm::TypeSwitch<Operation *>(op)
      .Case<UnaryOp, BinaryOp, CompareOp, SelectOp, CastOp>([&](auto) { planBroadcast(op, plan); })
      .Case<MatmulOp>([&](MatmulOp matmul) { planMatmul(matmul, plan); })
      .Case<ConvOp>([&](ConvOp conv) { planConv(conv, plan); })
      .Case<SoftmaxOp>([&](SoftmaxOp softmax) {
        plan.operands[0] = identityNeeds(plan.whole.size());
        plan.whole.set(softmax.getAxis());
      })
      .Case<LayerNormOp, RmsNormOp>([&](auto norm) { planRows(op, norm.getDims(), plan); })
      .Case<QuantizeOp, DequantizeOp>(
          [&](auto quantize) { planScales(op, quantize.getAxis(), quantize.getBlock(), plan); })
      .Case<ReduceOp>([&](ReduceOp reduce) {
        plan.operands[0] = identityNeeds(plan.whole.size());
        for (int64_t axis : reduce.getAxes())
          plan.operands[0][axis].loop = -1;
      })
      .Case<TransposeOp>([&](TransposeOp transpose) {
        plan.operands[0].resize(plan.whole.size());
        for (auto [loop, dim] : llvm::enumerate(transpose.getPermutation()))
          plan.operands[0][dim].loop = loop;
      })
      .Default([](Operation *) { llvm_unreachable("no tiling is registered for this op"); });
  return plan;
}

/// The slice of an operand that a tile needs, or the operand where that is all of it.
static Value sliceOperand(OpBuilder &builder, Location loc, Value operand, ArrayRef<Need> needs,
                          ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
                          SmallVectorImpl<Operation *> &slices) {
  if (llvm::all_of(needs, [](const Need &need) { return need.loop < 0; }))
    return operand;
  SmallVector<OpFoldResult> sliceOffsets, sliceSizes,
      strides(needs.size(), builder.getIndexAttr(1));
  AffineExpr symbol = builder.getAffineSymbolExpr(0);
  for (auto [dim, need] : llvm::enumerate(needs)) {
    if (need.loop < 0) {
      sliceOffsets.push_back(builder.getIndexAttr(0));
      sliceSizes.push_back(sizeOf(builder, loc, operand, dim));
      continue;
    }
    sliceOffsets.push_back(affine::makeComposedFoldedAffineApply(builder, loc, symbol * need.stride,
                                                                 {offsets[need.loop]}));
    sliceSizes.push_back(affine::makeComposedFoldedAffineApply(
        builder, loc, (symbol - 1) * need.stride + need.overhang, {sizes[need.loop]}));
  }
  auto slice = tensor::ExtractSliceOp::create(builder, loc, operand, sliceOffsets, sliceSizes, strides);
  slices.push_back(slice);
  return slice;
}

namespace {
template <typename OpTy>
struct TilingModel : TilingInterface::ExternalModel<TilingModel<OpTy>, OpTy> {
  SmallVector<utils::IteratorType> getLoopIteratorTypes(Operation *op) const {
    TilePlan plan = planOf(op);
    SmallVector<utils::IteratorType> types;
    for (unsigned loop = 0; loop < plan.whole.size(); ++loop)
      types.push_back(plan.whole.test(loop) ? utils::IteratorType::reduction
                                            : utils::IteratorType::parallel);
    return types;
  }

  SmallVector<Range> getIterationDomain(Operation *op, OpBuilder &builder) const {
    ReifiedRankedShapedTypeDims shapes;
    LogicalResult reified =
        cast<ReifyRankedShapedTypeOpInterface>(op).reifyResultShapes(builder, shapes);
    assert(succeeded(reified) && "every tiled op reifies the shape of its result");
    (void)reified;
    return llvm::map_to_vector(shapes[0], [&](OpFoldResult size) {
      return Range{builder.getIndexAttr(0), size, builder.getIndexAttr(1)};
    });
  }

  FailureOr<TilingResult> getTiledImplementation(Operation *op, OpBuilder &builder,
                                                 ArrayRef<OpFoldResult> offsets,
                                                 ArrayRef<OpFoldResult> sizes) const {
    TilePlan plan = planOf(op);
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    SmallVector<int64_t> shape;
    for (auto [loop, size] : llvm::enumerate(sizes)) {
      shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
      // A tile that starts anywhere but at 0, or ends before the end, would cut the loop.
      bool cut = !isConstantIntValue(offsets[loop], 0) || !sizesMayAgree(type.getDimSize(loop), shape[loop]);
      if (plan.whole.test(loop) && cut)
        return op->emitOpError("is cut along result dimension ")
               << loop << ", which it needs whole; leave that loop out of the tile sizes";
    }
    TilingResult result;
    SmallVector<Value> operands;
    for (auto [operand, needs] : llvm::zip_equal(op->getOperands(), plan.operands))
      operands.push_back(sliceOperand(builder, op->getLoc(), operand, needs, offsets, sizes,
                                      result.generatedSlices));
    Type tileType = RankedTensorType::get(shape, type.getElementType(), type.getEncoding());
    Operation *tiled = clone(builder, op, {tileType}, operands);
    result.tiledOps.push_back(tiled);
    result.tiledValues.push_back(tiled->getResult(0));
    return result;
  }

  LogicalResult getResultTilePosition(Operation *, OpBuilder &, unsigned,
                                      ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
                                      SmallVector<OpFoldResult> &resultOffsets,
                                      SmallVector<OpFoldResult> &resultSizes) const {
    resultOffsets.assign(offsets.begin(), offsets.end());
    resultSizes.assign(sizes.begin(), sizes.end());
    return success();
  }

  LogicalResult getIterationDomainTileFromResultTile(Operation *, OpBuilder &, unsigned,
                                                     ArrayRef<OpFoldResult> offsets,
                                                     ArrayRef<OpFoldResult> sizes,
                                                     SmallVectorImpl<OpFoldResult> &loopOffsets,
                                                     SmallVectorImpl<OpFoldResult> &loopSizes) const {
    loopOffsets.assign(offsets.begin(), offsets.end());
    loopSizes.assign(sizes.begin(), sizes.end());
    return success();
  }

  FailureOr<TilingResult> generateResultTileValue(Operation *op, OpBuilder &builder, unsigned,
                                                  ArrayRef<OpFoldResult> offsets,
                                                  ArrayRef<OpFoldResult> sizes) const {
    return getTiledImplementation(op, builder, offsets, sizes);
  }

private:
  static bool sizesMayAgree(int64_t a, int64_t b) {
    return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b;
  }
};

template <typename... Ops>
void attachTiling(MLIRContext *context) {
  (Ops::template attachInterface<TilingModel<Ops>>(*context), ...);
}
} // namespace

void LutraDialect::addTiling() {
  attachTiling<BinaryOp, CastOp, CompareOp, ConvOp, DequantizeOp, LayerNormOp, MatmulOp, QuantizeOp,
               ReduceOp, RmsNormOp, SelectOp, SoftmaxOp, TransposeOp, UnaryOp>(getContext());
}
