//===- LutraMovementVerify.cpp - verifiers of the movement ops -------------===//
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "VerifyHelpers.h"

#include "llvm/ADT/SmallBitVector.h"

#include <numeric>

using namespace mlir;
using namespace lutra;

LogicalResult IotaOp::verify() {
  ShapedType type = shapedOf(getResult());
  int64_t axis = getAxis();
  if (axis < 0 || axis >= type.getRank()) // E1
    return emitOpError("counts along axis ")
           << axis << ", but its result has rank " << type.getRank();
  if (failed(verifySizeCount(*this, type, getSizes().size()))) // E2
    return failure();
  Type element = type.getElementType();
  if (!element.isIntOrFloat() || element.isInteger(1)) // E3
    return emitOpError("counts in elements ")
           << element << "; use an integer wider than i1 or a float";
  return success();
}

LogicalResult FromIndexOp::verify() {
  if (shapedOf(getResult()).getRank() != 0) // E1
    return emitOpError("yields a tensor of shape ") << shapeText(shapedOf(getResult()).getShape())
                                                    << ", but holds one value; use rank 0";
  return success();
}

/// Product of the static sizes of a shape.
static int64_t staticProduct(ArrayRef<int64_t> shape) {
  int64_t product = 1;
  for (int64_t size : shape)
    if (ShapedType::isStatic(size))
      product *= size;
  return product;
}

LogicalResult ReshapeOp::verify() {
  ShapedType input = shapedOf(getInput()), result = shapedOf(getResult());
  if (failed(verifySizeCount(*this, result, getSizes().size()))) // E1
    return failure();
  int64_t have = staticProduct(input.getShape()), want = staticProduct(result.getShape());
  bool possible = true; // two dynamic shapes may always agree
  if (input.hasStaticShape() && result.hasStaticShape())
    possible = have == want;
  else if (input.hasStaticShape())
    possible = want == 0 ? have == 0 : have % want == 0;
  else if (result.hasStaticShape())
    possible = have == 0 ? want == 0 : want % have == 0;
  if (!possible) // E2
    return emitOpError("turns shape ")
           << shapeText(input.getShape()) << " into " << shapeText(result.getShape())
           << ", but the numbers of elements cannot be equal; change one of the shapes";
  return verifySameElements(*this, getInput(), "the input", getResult(), "the result"); // E3
}

LogicalResult TransposeOp::verify() {
  ShapedType input = shapedOf(getInput());
  int64_t rank = input.getRank();
  llvm::SmallBitVector seen(rank);
  SmallVector<int64_t> shape;
  for (int64_t dim : getPermutation()) {
    if (dim < 0 || dim >= rank || seen.test(dim))
      break;
    seen.set(dim);
    shape.push_back(input.getDimSize(dim));
  }
  if ((int64_t)shape.size() != rank || (int64_t)getPermutation().size() != rank) // E1
    return emitOpError("permutes by ")
           << shapeText(getPermutation()) << " an input of rank " << rank
           << "; name each of its dimensions once";
  if (failed(verifyResultShape(*this, getResult(), shape, "the permuted input"))) // E2
    return failure();
  return verifySameElements(*this, getInput(), "the input", getResult(), "the result"); // E3
}

LogicalResult ExpandOp::verify() {
  ShapedType input = shapedOf(getInput()), result = shapedOf(getResult());
  if (failed(verifySizeCount(*this, result, getSizes().size()))) // E1
    return failure();
  int64_t lead = result.getRank() - input.getRank();
  bool fits = lead >= 0;
  for (auto [dim, size] : llvm::enumerate(input.getShape()))
    fits = fits && (size == 1 || sizesAgree(size, result.getDimSize(lead + dim)));
  if (!fits) // E2
    return emitOpError("repeats shape ")
           << shapeText(input.getShape()) << " to " << shapeText(result.getShape())
           << ", but only sizes of 1 can grow, counted from the last dimension";
  return verifySameElements(*this, getInput(), "the input", getResult(), "the result"); // E3
}

/// `dynamic` values serve the entries of `list` that are ShapedType::kDynamic.
static LogicalResult verifyMixedList(Operation *op, ArrayRef<int64_t> list, size_t dynamic,
                                     StringRef name) {
  int64_t wanted = llvm::count_if(list, ShapedType::isDynamic);
  if (wanted == (int64_t)dynamic)
    return success();
  return op->emitOpError("gives ") << dynamic << " index values for " << name << ", but " << wanted
                                   << " of its entries are dynamic; give one for each";
}

LogicalResult SliceOp::verify() {
  ShapedType input = shapedOf(getInput()), result = shapedOf(getResult());
  size_t rank = input.getRank();
  if (getStaticOffsets().size() != rank || getSteps().size() != rank ||
      result.getRank() != (int64_t)rank) // E1
    return emitOpError("has ") << getStaticOffsets().size() << " offsets, " << getSteps().size()
                               << " steps and a result of rank " << result.getRank()
                               << ", but an input of rank " << rank
                               << "; give one of each for every dimension";
  if (failed(verifyMixedList(*this, getStaticOffsets(), getOffsets().size(), "offsets"))) // E2
    return failure();
  if (failed(verifySizeCount(*this, result, getSizes().size()))) // E3
    return failure();
  for (auto [dim, step] : llvm::enumerate(getSteps())) {
    if (step == 0) // E4
      return emitOpError("has a step of 0 in dimension ")
             << dim << ", which would read one element for ever; use lutra.expand to repeat";
    int64_t extent = input.getDimSize(dim), size = result.getDimSize(dim);
    int64_t first = getStaticOffsets()[dim];
    if (ShapedType::isDynamic(extent) || ShapedType::isDynamic(first) || size == 0)
      continue;
    int64_t last = ShapedType::isDynamic(size) ? first : first + (size - 1) * step;
    bool emptyPossible = ShapedType::isDynamic(size) && first >= -1 && first <= extent;
    if (!emptyPossible && (std::min(first, last) < 0 || std::max(first, last) >= extent)) // E5
      return emitOpError("reads indices ")
             << first << " to " << last << " of dimension " << dim << ", which has " << extent
             << " elements; clamp offset and size first";
  }
  return verifySameElements(*this, getInput(), "the input", getResult(), "the result"); // E6
}

LogicalResult ConcatOp::verify() {
  if (getInputs().empty()) // E1
    return emitOpError("has no inputs, so its element type is unknown; give at least one");
  ShapedType result = shapedOf(getResult());
  int64_t axis = getAxis(), sum = 0;
  if (failed(verifyAxis(*this, axis, shapedOf(getInputs()[0]).getRank()))) // E2
    return failure();
  for (auto [number, input] : llvm::enumerate(getInputs())) {
    SmallVector<int64_t> shape(shapedOf(input).getShape());
    if ((int64_t)shape.size() > axis) {
      sum = addSizes(sum, shape[axis]);
      shape[axis] = ShapedType::kDynamic;
    }
    if (!shapesAgree(shape, result.getShape())) // E3
      return emitOpError("has input ")
             << number << " of shape " << shapeText(shapedOf(input).getShape())
             << ", but a result of shape " << shapeText(result.getShape())
             << "; only axis " << axis << " may differ";
  }
  if (!sizesAgree(sum, result.getDimSize(axis))) // E4
    return emitOpError("joins ") << sum << " elements along axis " << axis << ", but its result has "
                                 << result.getDimSize(axis) << "; change the result type";
  for (Value input : getInputs())
    if (failed(verifySameElements(*this, input, "an input", getResult(), "the result"))) // E5
      return failure();
  return success();
}

LogicalResult PadOp::verify() {
  ShapedType input = shapedOf(getInput()), result = shapedOf(getResult());
  size_t rank = input.getRank();
  if (getStaticLow().size() != rank || getStaticHigh().size() != rank ||
      result.getRank() != (int64_t)rank) // E1
    return emitOpError("has ") << getStaticLow().size() << " low and " << getStaticHigh().size()
                               << " high amounts and a result of rank " << result.getRank()
                               << ", but an input of rank " << rank
                               << "; give one of each for every dimension";
  if (failed(verifyMixedList(*this, getStaticLow(), getLow().size(), "low")) || // E2
      failed(verifyMixedList(*this, getStaticHigh(), getHigh().size(), "high")))
    return failure();
  ShapedType value = shapedOf(getValue());
  if (value.getRank() != 0 || value.getElementType() != input.getElementType()) // E3
    return emitOpError("fills with ") << value << ", but its input holds " << input.getElementType()
                                      << "; use a rank-0 tensor of that type";
  SmallVector<int64_t> shape;
  for (auto [size, low, high] : llvm::zip_equal(input.getShape(), getStaticLow(), getStaticHigh())) {
    shape.push_back(addSizes(addSizes(size, low), high));
    if (ShapedType::isDynamic(size))
      continue;
    int64_t most = std::max(ShapedType::isDynamic(low) ? 0 : low,
                            ShapedType::isDynamic(high) ? 0 : high);
    bool reflects = getMode() == PadMode::Reflect && most > std::max<int64_t>(size - 1, 0);
    bool repeatsNothing = getMode() != PadMode::Constant && most > 0 && size == 0;
    if (reflects || repeatsNothing) // E5
      return emitOpError("adds ") << most << " elements by " << stringifyPadMode(getMode())
                                  << " to a dimension of " << size
                                  << ", which does not have them; pad less or use constant";
  }
  if (failed(verifyResultShape(*this, getResult(), shape, "low + input + high"))) // E4
    return failure();
  return verifySameElements(*this, getInput(), "the input", getResult(), "the result"); // E6
}

LogicalResult GatherOp::verify() {
  ArrayRef<int64_t> input = shapedOf(getInput()).getShape();
  int64_t axis = getAxis();
  if (failed(verifyAxis(*this, axis, input.size()))) // E1
    return failure();
  SmallVector<int64_t> shape(input.take_front(axis));
  llvm::append_range(shape, shapedOf(getIndices()).getShape());
  llvm::append_range(shape, input.drop_front(axis + 1));
  if (failed(verifyResultShape(*this, getResult(), shape, "indices in place of the axis"))) // E2
    return failure();
  return verifySameElements(*this, getInput(), "the input", getResult(), "the result"); // E3
}

/// `indices` has the rank of `input`, and `axis` is inside it.
static LogicalResult verifyElementIndices(Operation *op, Value input, Value indices, int64_t axis) {
  int64_t rank = shapedOf(input).getRank();
  if (failed(verifyAxis(op, axis, rank)))
    return failure();
  if (shapedOf(indices).getRank() == rank)
    return success();
  return op->emitOpError("has indices of rank ")
         << shapedOf(indices).getRank() << ", but an input of rank " << rank
         << "; reshape the indices";
}

LogicalResult GatherElementsOp::verify() {
  ShapedType input = shapedOf(getInput()), indices = shapedOf(getIndices());
  if (failed(verifyElementIndices(*this, getInput(), getIndices(), getAxis()))) // E1
    return failure();
  for (auto [dim, size] : llvm::enumerate(indices.getShape())) {
    int64_t extent = input.getDimSize(dim);
    if ((int64_t)dim != (int64_t)getAxis() && ShapedType::isStatic(size) &&
        ShapedType::isStatic(extent) && size > extent) // E2
      return emitOpError("has ") << size << " indices in dimension " << dim
                                 << ", where its input has " << extent
                                 << "; only the axis may be longer";
  }
  if (failed(verifyResultShape(*this, getResult(), indices.getShape(), "the indices"))) // E3
    return failure();
  return verifySameElements(*this, getInput(), "the input", getResult(), "the result"); // E4
}

LogicalResult GatherNdOp::verify() {
  ArrayRef<int64_t> input = shapedOf(getInput()).getShape();
  ArrayRef<int64_t> indices = shapedOf(getIndices()).getShape();
  int64_t batch = getBatchDims();
  if (batch < 0 || batch >= (int64_t)std::min(input.size(), indices.size())) // E1
    return emitOpError("has ") << batch << " batch dimensions, but ranks " << input.size()
                               << " and " << indices.size() << "; they must be fewer than both";
  int64_t tuple = indices.back();
  if (ShapedType::isDynamic(tuple) || batch + tuple > (int64_t)input.size()) // E2
    return emitOpError("has index tuples of length ")
           << shapeText(tuple) << " after " << batch << " batch dimensions, but an input of rank "
           << input.size() << "; the length must be static and reach no further";
  if (!shapesAgree(input.take_front(batch), indices.take_front(batch))) // E3
    return emitOpError("has batch sizes ")
           << shapeText(input.take_front(batch)) << " in the input but "
           << shapeText(indices.take_front(batch)) << " in the indices; make them equal";
  SmallVector<int64_t> shape(indices.drop_back());
  llvm::append_range(shape, input.drop_front(batch + tuple));
  if (failed(verifyResultShape(*this, getResult(), shape, "indices and input"))) // E4
    return failure();
  return verifySameElements(*this, getInput(), "the input", getResult(), "the result"); // E5
}

/// E2 to E4 of the scatters: the shape of updates, the type of the result, the elements of updates.
static LogicalResult verifyScatter(Operation *op, Value input, Value updates, Value result,
                                   ArrayRef<int64_t> expected) {
  ArrayRef<int64_t> shape = shapedOf(updates).getShape();
  if (!shapesAgree(shape, expected)) // E2
    return op->emitOpError("has updates of shape ")
           << shapeText(shape) << ", but its indices ask for " << shapeText(expected)
           << "; give one update for each index";
  if (!shapesAgree(shapedOf(result).getShape(), shapedOf(input).getShape()) ||
      shapedOf(result).getElementType() != shapedOf(input).getElementType()) // E3
    return op->emitOpError("has a result of type ")
           << result.getType() << ", but an input of type " << input.getType()
           << "; make them equal";
  return verifySameElements(op, updates, "updates", input, "the input"); // E4
}

LogicalResult ScatterElementsOp::verify() {
  if (failed(verifyElementIndices(*this, getInput(), getIndices(), getAxis()))) // E1
    return failure();
  return verifyScatter(*this, getInput(), getUpdates(), getResult(), // E2, E3, E4
                       shapedOf(getIndices()).getShape());
}

LogicalResult ScatterNdOp::verify() {
  ArrayRef<int64_t> input = shapedOf(getInput()).getShape();
  ArrayRef<int64_t> indices = shapedOf(getIndices()).getShape();
  int64_t tuple = indices.empty() ? ShapedType::kDynamic : indices.back();
  if (ShapedType::isDynamic(tuple) || tuple > (int64_t)input.size()) // E1
    return emitOpError("has index tuples of length ")
           << shapeText(tuple) << ", but an input of rank " << input.size()
           << "; the length must be static and at most the rank";
  SmallVector<int64_t> shape(indices.drop_back());
  llvm::append_range(shape, input.drop_front(tuple));
  return verifyScatter(*this, getInput(), getUpdates(), getResult(), shape); // E2, E3, E4
}

LogicalResult ResizeOp::verify() {
  ShapedType input = shapedOf(getInput()), result = shapedOf(getResult());
  if (result.getRank() != input.getRank() ||
      (int64_t)getScales().size() != input.getRank()) // E1
    return emitOpError("has ") << getScales().size() << " scales and a result of rank "
                               << result.getRank() << ", but an input of rank " << input.getRank()
                               << "; give one scale for each dimension";
  if (failed(verifySizeCount(*this, result, getSizes().size()))) // E2
    return failure();
  for (auto [dim, scale] : llvm::enumerate(getScales()))
    if (!(scale > 0) || !std::isfinite(scale)) // E3
      return emitOpError("has scale ") << scale << " in dimension " << dim
                                       << ", but a scale is positive and finite";
  return verifySameElements(*this, getInput(), "the input", getResult(), "the result"); // E4
}
