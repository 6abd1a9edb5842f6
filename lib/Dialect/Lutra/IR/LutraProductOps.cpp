//===- LutraProductOps.cpp - matmul, convolution, pooling, recurrences ===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "OpHelpers.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lutra;

#define GET_OP_CLASSES
#include "lutra/Dialect/Lutra/IR/LutraProductOps.cpp.inc"

void LutraDialect::addProductOps() {
  addOperations<
#define GET_OP_LIST
#include "lutra/Dialect/Lutra/IR/LutraProductOps.cpp.inc"
      >();
}

LogicalResult MatmulOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  int64_t rank = cast<RankedTensorType>(getLhs().getType()).getRank();
  int64_t rhsRank = cast<RankedTensorType>(getRhs().getType()).getRank();
  SmallVector<OpFoldResult> sizes = sizesOf(builder, getLoc(), getLhs());
  if (getTransposeLhs())
    sizes[rank - 2] = sizes[rank - 1];
  sizes[rank - 1] = sizeOf(builder, getLoc(), getRhs(), rhsRank - (getTransposeRhs() ? 2 : 1));
  shapes.push_back(std::move(sizes));
  return success();
}

/// windowCount() as an index value or attribute.
static OpFoldResult reifyWindowCount(OpBuilder &builder, Location loc, OpFoldResult extent,
                                     const WindowWalk &walk) {
  AffineExpr size = builder.getAffineSymbolExpr(0);
  AffineExpr rest = size + (walk.low + walk.high - walk.dilation * (walk.window - 1) - 1);
  if (!walk.ceil)
    return affine::makeComposedFoldedAffineApply(builder, loc, rest.floorDiv(walk.stride) + 1,
                                                 {extent});
  auto map = AffineMap::get(
      0, 1, {rest.ceilDiv(walk.stride) + 1, (size + walk.low).ceilDiv(walk.stride)},
      builder.getContext());
  return affine::makeComposedFoldedAffineMin(builder, loc, map, {extent});
}

int64_t lutra::windowCount(int64_t extent, const WindowWalk &walk) {
  if (ShapedType::isDynamic(extent))
    return extent;
  int64_t rest = extent + walk.low + walk.high - walk.dilation * (walk.window - 1) - 1;
  if (!walk.ceil)
    return llvm::divideFloorSigned(rest, walk.stride) + 1;
  return std::min(llvm::divideCeilSigned(rest, walk.stride) + 1,
                  llvm::divideCeilSigned(extent + walk.low, walk.stride));
}

LogicalResult ConvOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  auto type = cast<RankedTensorType>(getType());
  auto filter = cast<RankedTensorType>(getFilter().getType());
  bool last = getLayout() == ConvLayout::ChannelsLast;
  SmallVector<OpFoldResult> sizes = sizesOf(builder, getLoc(), getInput());
  int64_t spatial = type.getRank() - 2;
  sizes[last ? spatial + 1 : 1] =
      sizeOf(builder, getLoc(), getFilter(), last ? spatial + 1 : 0);
  for (int64_t i = 0; i < spatial; ++i) {
    OpFoldResult &size = sizes[last ? i + 1 : i + 2];
    size = reifyWindowCount(builder, getLoc(), size,
                            {filter.getDimSize(last ? i : i + 2), getStrides()[i], getLow()[i],
                             getHigh()[i], getDilations()[i], false});
  }
  preferStatic(builder, type, sizes);
  shapes.push_back(std::move(sizes));
  return success();
}

LogicalResult ConvTransposeOp::reifyResultShapes(OpBuilder &builder,
                                                 ReifiedRankedShapedTypeDims &shapes) {
  auto type = cast<RankedTensorType>(getType());
  auto filter = cast<RankedTensorType>(getFilter().getType());
  SmallVector<OpFoldResult> sizes = sizesOf(builder, getLoc(), getInput());
  sizes[1] = builder.getIndexAttr(filter.getDimSize(1) * getGroups());
  for (int64_t i = 0; i < type.getRank() - 2; ++i) {
    int64_t rest = getDilations()[i] * (filter.getDimSize(i + 2) - 1) + 1 + getOutputPadding()[i] -
                   getLow()[i] - getHigh()[i];
    sizes[i + 2] = affine::makeComposedFoldedAffineApply(
        builder, getLoc(), (builder.getAffineSymbolExpr(0) - 1) * getStrides()[i] + rest,
        {sizes[i + 2]});
  }
  preferStatic(builder, type, sizes);
  shapes.push_back(std::move(sizes));
  return success();
}

LogicalResult PoolOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  auto type = cast<RankedTensorType>(getType());
  SmallVector<OpFoldResult> sizes = sizesOf(builder, getLoc(), getInput());
  int64_t first = getLayout() == ConvLayout::ChannelsLast ? 1 : 2;
  for (int64_t i = 0; i < type.getRank() - 2; ++i)
    sizes[first + i] = reifyWindowCount(builder, getLoc(), sizes[first + i],
                                        {getWindow()[i], getStrides()[i], getLow()[i], getHigh()[i],
                                         getDilations()[i], getCeilMode()});
  preferStatic(builder, type, sizes);
  shapes.push_back(std::move(sizes));
  return success();
}

LogicalResult LstmOp::reifyResultShapes(OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) {
  SmallVector<OpFoldResult> state = sizesOf(builder, getLoc(), getInitialH());
  SmallVector<OpFoldResult> sequence = state;
  sequence.insert(sequence.begin(), sizeOf(builder, getLoc(), getInput(), 0));
  shapes.assign({sequence, state, state});
  return success();
}

int64_t MatmulOp::getOperations(SizeFn sizeOf) {
  auto lhs = cast<RankedTensorType>(getLhs().getType());
  int64_t dim = lhs.getRank() - (getTransposeLhs() ? 2 : 1);
  int64_t depth = lhs.isDynamicDim(dim) ? sizeOf(getLhs(), dim) : lhs.getDimSize(dim);
  return saturatingProduct({2, depth, elementCount(getResult(), sizeOf)});
}

/// Elements of a filter at one place of `dim`.
static int64_t filterVolume(Value filter, int64_t dim, SizeFn sizeOf) {
  auto type = cast<RankedTensorType>(filter.getType());
  SmallVector<int64_t> sizes;
  for (int64_t other = 0; other < type.getRank(); ++other)
    if (other != dim)
      sizes.push_back(type.isDynamicDim(other) ? sizeOf(filter, other) : type.getDimSize(other));
  return saturatingProduct(sizes);
}

int64_t ConvOp::getOperations(SizeFn sizeOf) {
  int64_t last = cast<RankedTensorType>(getFilter().getType()).getRank() - 1;
  int64_t volume = filterVolume(getFilter(), getLayout() == ConvLayout::ChannelsLast ? last : 0, sizeOf);
  return saturatingProduct({2, elementCount(getResult(), sizeOf), volume});
}

int64_t ConvTransposeOp::getOperations(SizeFn sizeOf) {
  return saturatingProduct({2, elementCount(getInput(), sizeOf), filterVolume(getFilter(), 0, sizeOf)});
}

int64_t PoolOp::getOperations(SizeFn sizeOf) {
  return saturatingProduct({elementCount(getResult(), sizeOf), saturatingProduct(getWindow())});
}

int64_t LstmOp::getOperations(SizeFn sizeOf) {
  auto weights = cast<RankedTensorType>(getWeights().getType());
  auto recurrence = cast<RankedTensorType>(getRecurrence().getType());
  auto input = cast<RankedTensorType>(getInput().getType());
  SmallVector<int64_t> factors = {2, weights.getNumElements() + recurrence.getNumElements()};
  for (int64_t dim : {0, 1})
    factors.push_back(input.isDynamicDim(dim) ? sizeOf(getInput(), dim) : input.getDimSize(dim));
  return saturatingProduct(factors);
}
