//===- LutraProductVerify.cpp - verifiers of the product ops ---------------===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "OpHelpers.h"
#include "VerifyHelpers.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lutra;

LogicalResult MatmulOp::verify() {
  ShapedType lhs = shapedOf(getLhs()), rhs = shapedOf(getRhs()), result = shapedOf(getResult());
  int64_t rank = lhs.getRank();
  if (rank < 2 || (rhs.getRank() != 2 && rhs.getRank() != rank) || result.getRank() != rank) // E1
    return emitOpError("multiplies ranks ")
           << rank << " and " << rhs.getRank() << " into " << result.getRank()
           << ", but all must be equal and at least 2, or rhs may have rank 2; reshape the operands";
  int64_t lhsDepth = lhs.getDimSize(rank - (getTransposeLhs() ? 2 : 1));
  int64_t rhsDepth = rhs.getDimSize(rhs.getRank() - (getTransposeRhs() ? 1 : 2));
  if (!sizesAgree(lhsDepth, rhsDepth)) // E2
    return emitOpError("sums over ") << lhsDepth << " elements of lhs but " << rhsDepth
                                     << " of rhs; check the shapes and the transpose flags";
  ArrayRef<int64_t> batch = lhs.getShape().drop_back(2);
  if (rhs.getRank() == rank && !shapesAgree(batch, rhs.getShape().drop_back(2))) // E3
    return emitOpError("has batch sizes ")
           << shapeText(batch) << " in lhs but " << shapeText(rhs.getShape().drop_back(2))
           << " in rhs; insert lutra.expand";
  SmallVector<int64_t> shape(batch);
  shape.push_back(lhs.getDimSize(rank - (getTransposeLhs() ? 1 : 2)));
  shape.push_back(rhs.getDimSize(rhs.getRank() - (getTransposeRhs() ? 2 : 1)));
  if (failed(verifyResultShape(*this, getResult(), shape, "lhs times rhs"))) // E4
    return failure();
  if (!getScale()) {
    if (getBlock() != 0) // E6
      return emitOpError("has blocks of ") << getBlock() << " elements without scales; give scale(..)";
    return verifyProductElements(*this, lhs.getElementType(), rhs.getElementType(), // E5
                                 result.getElementType());
  }
  if (!lhs.getElementType().isInteger(8) || lhs.getElementType().isUnsignedInteger() || // E5
      !isa<FloatType>(rhs.getElementType()) || result.getElementType() != rhs.getElementType())
    return emitOpError("multiplies scaled codes of type ")
           << lhs.getElementType() << " and " << rhs.getElementType() << " into " << result.getElementType()
           << "; codes are i8, and both others floats of one type";
  if (getTransposeLhs() || getBlock() < 1) // E6
    return emitOpError("has scales for blocks of ")
           << getBlock() << " elements" << (getTransposeLhs() ? " of a transposed lhs" : "")
           << "; blocks of at least one lie along the last dimension";
  SmallVector<int64_t> scales(lhs.getShape());
  if (!ShapedType::isDynamic(scales.back()))
    scales.back() = llvm::divideCeil(scales.back(), getBlock());
  if (!shapesAgree(shapedOf(getScale()).getShape(), scales)) // E6
    return emitOpError("has scales of shape ") << shapeText(shapedOf(getScale()).getShape()) << ", but lhs asks for "
                                               << shapeText(scales);
  return success();
}

/// E1 and E2 of the windowed ops: ranks, and one entry per spatial dimension in each list.
static LogicalResult verifyWindowForm(Operation *op, ArrayRef<int64_t> ranks,
                                      ArrayRef<std::pair<StringRef, ArrayRef<int64_t>>> lists) {
  int64_t rank = ranks.front();
  if (rank < 3 || rank > 5 || !llvm::all_equal(ranks)) // E1
    return op->emitOpError("has operands and result of ranks ")
           << shapeText(ranks) << ", but they must be equal and between 3 and 5; reshape them";
  for (auto [name, list] : lists)
    if ((int64_t)list.size() != rank - 2) // E2
      return op->emitOpError("gives ") << list.size() << " " << name << ", but has " << rank - 2
                                       << " spatial dimensions; give one for each";
  return success();
}

/// E3 of the windowed ops: every entry is at least `least`.
static LogicalResult verifyLeast(Operation *op, StringRef name, ArrayRef<int64_t> list,
                                 int64_t least) {
  for (int64_t entry : list)
    if (entry < least)
      return op->emitOpError("has ") << name << " " << shapeText(list) << ", but each must be at least "
                                     << least;
  return success();
}

LogicalResult ConvOp::verify() {
  ShapedType input = shapedOf(getInput()), filter = shapedOf(getFilter()),
             result = shapedOf(getResult());
  if (failed(verifyWindowForm(*this, {input.getRank(), filter.getRank(), result.getRank()}, // E1, E2
                              {{"strides", getStrides()},
                               {"low paddings", getLow()},
                               {"high paddings", getHigh()},
                               {"dilations", getDilations()}})))
    return failure();
  if (failed(verifyLeast(*this, "strides", getStrides(), 1)) || // E3
      failed(verifyLeast(*this, "dilations", getDilations(), 1)) ||
      failed(verifyLeast(*this, "low paddings", getLow(), 0)) ||
      failed(verifyLeast(*this, "high paddings", getHigh(), 0)) ||
      failed(verifyLeast(*this, "groups", {(int64_t)getGroups()}, 1)))
    return failure();
  bool last = getLayout() == ConvLayout::ChannelsLast;
  int64_t spatial = input.getRank() - 2, groups = getGroups();
  int64_t channels = input.getDimSize(last ? spatial + 1 : 1);
  int64_t share = filter.getDimSize(last ? spatial : 1);
  int64_t filters = filter.getDimSize(last ? spatial + 1 : 0);
  bool channelsFit = ShapedType::isDynamic(channels) || ShapedType::isDynamic(share) ||
                     channels == share * groups;
  if (!channelsFit || (ShapedType::isStatic(filters) && filters % groups != 0)) // E4
    return emitOpError("has ") << channels << " channels and " << filters << " filters over "
                               << share << " channels in " << groups
                               << " groups; channels must be groups times the filter's, and filters a "
                                  "multiple of groups";
  SmallVector<int64_t> shape(result.getRank(), ShapedType::kDynamic);
  shape[0] = input.getDimSize(0);
  shape[last ? spatial + 1 : 1] = filters;
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t window = filter.getDimSize(last ? i : i + 2);
    if (ShapedType::isDynamic(window)) // E5
      return emitOpError("has a window of unknown size in spatial dimension ")
             << i << "; give the filter static spatial sizes";
    int64_t extent = input.getDimSize(last ? i + 1 : i + 2);
    shape[last ? i + 1 : i + 2] = windowCount(
        extent, {window, getStrides()[i], getLow()[i], getHigh()[i], getDilations()[i], false});
  }
  if (failed(verifyResultShape(*this, getResult(), shape, "the window walk"))) // E6
    return failure();
  return verifyProductElements(*this, input.getElementType(), filter.getElementType(), // E7
                               result.getElementType());
}

LogicalResult ConvTransposeOp::verify() {
  ShapedType input = shapedOf(getInput()), filter = shapedOf(getFilter()),
             result = shapedOf(getResult());
  if (failed(verifyWindowForm(*this, {input.getRank(), filter.getRank(), result.getRank()}, // E1, E2
                              {{"strides", getStrides()},
                               {"low paddings", getLow()},
                               {"high paddings", getHigh()},
                               {"output paddings", getOutputPadding()},
                               {"dilations", getDilations()}})))
    return failure();
  if (failed(verifyLeast(*this, "strides", getStrides(), 1)) || // E3
      failed(verifyLeast(*this, "dilations", getDilations(), 1)) ||
      failed(verifyLeast(*this, "output paddings", getOutputPadding(), 0)) ||
      failed(verifyLeast(*this, "groups", {(int64_t)getGroups()}, 1)))
    return failure();
  int64_t channels = input.getDimSize(1), groups = getGroups();
  if (!sizesAgree(channels, filter.getDimSize(0)) ||
      (ShapedType::isStatic(channels) && channels % groups != 0)) // E4
    return emitOpError("has ") << channels << " channels but a filter over " << filter.getDimSize(0)
                               << " in " << groups
                               << " groups; they must be equal and a multiple of groups";
  SmallVector<int64_t> shape{input.getDimSize(0), ShapedType::kDynamic};
  for (int64_t i = -1; i < input.getRank() - 2; ++i) {
    int64_t window = filter.getDimSize(i + 2);
    if (ShapedType::isDynamic(window)) // E5
      return emitOpError("has a filter of shape ")
             << shapeText(filter.getShape()) << "; all of its sizes after the first must be static";
    if (i < 0) {
      shape[1] = window * groups;
      continue;
    }
    int64_t extent = input.getDimSize(i + 2);
    shape.push_back(ShapedType::isDynamic(extent)
                        ? extent
                        : (extent - 1) * getStrides()[i] + getDilations()[i] * (window - 1) + 1 +
                              getOutputPadding()[i] - getLow()[i] - getHigh()[i]);
  }
  if (failed(verifyResultShape(*this, getResult(), shape, "the window walk"))) // E6
    return failure();
  return verifyProductElements(*this, input.getElementType(), filter.getElementType(), // E7
                               result.getElementType());
}

LogicalResult PoolOp::verify() {
  ShapedType input = shapedOf(getInput()), result = shapedOf(getResult());
  if (failed(verifyWindowForm(*this, {input.getRank(), result.getRank()}, // E1, E2
                              {{"window sizes", getWindow()},
                               {"strides", getStrides()},
                               {"low paddings", getLow()},
                               {"high paddings", getHigh()},
                               {"dilations", getDilations()}})))
    return failure();
  if (failed(verifyLeast(*this, "window sizes", getWindow(), 1)) || // E3
      failed(verifyLeast(*this, "strides", getStrides(), 1)) ||
      failed(verifyLeast(*this, "dilations", getDilations(), 1)) ||
      failed(verifyLeast(*this, "low paddings", getLow(), 0)) ||
      failed(verifyLeast(*this, "high paddings", getHigh(), 0)))
    return failure();
  SmallVector<int64_t> shape(input.getShape());
  int64_t first = getLayout() == ConvLayout::ChannelsLast ? 1 : 2;
  for (int64_t i = 0; i < input.getRank() - 2; ++i)
    shape[first + i] =
        windowCount(shape[first + i], {getWindow()[i], getStrides()[i], getLow()[i], getHigh()[i],
                                       getDilations()[i], getCeilMode()});
  if (failed(verifyResultShape(*this, getResult(), shape, "the window walk"))) // E4
    return failure();
  return verifySameElements(*this, getInput(), "the input", getResult(), "the result"); // E5
}

LogicalResult LstmOp::verify() {
  ShapedType input = shapedOf(getInput()), recurrence = shapedOf(getRecurrence());
  const std::pair<Value, int64_t> ranks[] = {
      {getInput(), 3},    {getWeights(), 3},  {getRecurrence(), 3},
      {getBias(), 2},     {getInitialH(), 3}, {getInitialC(), 3},
      {getSequence(), 4}, {getLastH(), 3},    {getLastC(), 3}};
  for (auto [number, entry] : llvm::enumerate(ranks))
    if (shapedOf(entry.first).getRank() != entry.second) // E1
      return emitOpError("has value ")
             << number << " of type " << entry.first.getType() << ", but needs rank "
             << entry.second << " there; see the op's shapes";
  int64_t directions = getDirection() == RecurrentDirection::Bidirectional ? 2 : 1;
  if (!sizesAgree(recurrence.getDimSize(0), directions)) // E2
    return emitOpError("has weights for ")
           << recurrence.getDimSize(0) << " directions, but "
           << stringifyRecurrentDirection(getDirection()) << " has " << directions;
  int64_t hidden = recurrence.getDimSize(2), features = input.getDimSize(2);
  if (ShapedType::isDynamic(hidden) || ShapedType::isDynamic(features)) // E3
    return emitOpError("has ") << shapeText(recurrence.getShape()) << " recurrence weights and "
                               << shapeText(input.getShape())
                               << " inputs; hidden and feature sizes must be static";
  int64_t steps = input.getDimSize(0), batch = input.getDimSize(1);
  SmallVector<int64_t> state{directions, batch, hidden};
  SmallVector<int64_t> sequence{steps, directions, batch, hidden};
  SmallVector<int64_t> weights{directions, 4 * hidden, features};
  SmallVector<int64_t> square{directions, 4 * hidden, hidden}, bias{directions, 8 * hidden};
  const std::pair<Value, ArrayRef<int64_t>> shapes[] = {
      {getWeights(), weights}, {getRecurrence(), square}, {getBias(), bias},
      {getInitialH(), state},  {getInitialC(), state},    {getSequence(), sequence},
      {getLastH(), state},     {getLastC(), state}};
  for (auto [number, entry] : llvm::enumerate(shapes)) {
    if (!shapesAgree(shapedOf(entry.first).getShape(), entry.second)) // E3
      return emitOpError("has value ")
             << number + 1 << " of shape " << shapeText(shapedOf(entry.first).getShape())
             << ", but the input and recurrence ask for " << shapeText(entry.second);
    if (failed(verifySameElements(*this, getInput(), "the input", entry.first, "a value"))) // E4
      return failure();
  }
  return success();
}
