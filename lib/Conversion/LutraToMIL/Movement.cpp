//===- Movement.cpp - reshape, transpose, slices, joins, gathers, tables -----===//
#include "MilLowering.h"

#include "lutra/Support/ConstantBytes.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace lutra;

/// Entries of a mixed list; nothing when one of them is computed at run time.
static std::optional<SmallVector<int64_t>> staticEntries(MilLowering &lowering, ArrayRef<int64_t> fixed,
                                                         ValueRange dynamic) {
  SmallVector<int64_t> result;
  unsigned next = 0;
  for (int64_t entry : fixed) {
    std::optional<int64_t> value = entry;
    if (ShapedType::isDynamic(entry))
      value = lowering.indexOf(dynamic[next++]);
    if (!value)
      return std::nullopt;
    result.push_back(*value);
  }
  return result;
}

/// Elements at begin, begin + stride, .. in each dimension, as many as `sizes` says.
static Value sliceOf(MilLowering &lowering, Value x, ArrayRef<int64_t> begin, ArrayRef<int64_t> steps,
                     ArrayRef<int64_t> sizes) {
  SmallVector<int64_t> end;
  SmallVector<bool> open;
  for (auto [first, step, size] : llvm::zip_equal(begin, steps, sizes)) {
    int64_t last = step > 0 ? first + (size - 1) * step + 1 : first + (size - 1) * step - 1;
    open.push_back(last < 0); // a negative end would count from the back
    end.push_back(std::max<int64_t>(last, 0));
  }
  return lowering.apply("slice_by_index", {{"x", x}},
                        {{"begin", lowering.intsAttr(begin)},
                         {"end", lowering.intsAttr(end)},
                         {"stride", lowering.intsAttr(steps)},
                         {"end_mask", lowering.boolsAttr(open)}});
}

static Value lowerExpand(MilLowering &lowering, ExpandOp op) {
  Value x = lowering.valueOf(op.getInput());
  if (!x)
    return {};
  auto from = cast<RankedTensorType>(x.getType());
  ArrayRef<int64_t> to = op.getType().getShape();
  SmallVector<int64_t> aligned(to.size() - from.getRank(), 1), repeats;
  llvm::append_range(aligned, from.getShape());
  for (auto [small, large] : llvm::zip_equal(aligned, to))
    repeats.push_back(small == large ? 1 : large);
  Value reshaped = lowering.reshape(x, aligned);
  if (!reshaped || llvm::all_of(repeats, [](int64_t count) { return count == 1; }))
    return reshaped;
  if (!getElementTypeOrSelf(x.getType()).isInteger(1))
    return lowering.apply("tile", {{"x", reshaped}}, {{"reps", lowering.intsAttr(repeats)}});
  Value number = lowering.castTo(reshaped, lowering.builder.getI32Type());
  Value tiled = lowering.apply("tile", {{"x", number}}, {{"reps", lowering.intsAttr(repeats)}});
  return lowering.castTo(tiled, lowering.builder.getI1Type());
}

static Value lowerSlice(MilLowering &lowering, SliceOp op) {
  auto begin = staticEntries(lowering, op.getStaticOffsets(), op.getOffsets());
  if (!begin)
    return lowering.decline("offsets computed at run time");
  return sliceOf(lowering, lowering.valueOf(op.getInput()), *begin, op.getSteps(), op.getType().getShape());
}

static Value lowerConcat(MilLowering &lowering, ConcatOp op) {
  SmallVector<MilLowering::Operand> operands;
  for (Value input : op.getInputs())
    if (cast<RankedTensorType>(input.getType()).getNumElements() != 0)
      operands.push_back({"values", lowering.valueOf(input)});
  if (operands.size() == 1)
    return operands.front().second;
  return lowering.apply("concat", operands,
                        {{"axis", lowering.intAttr(op.getAxis())}, {"interleave", lowering.boolAttr(false)}});
}

static Value lowerPad(MilLowering &lowering, PadOp op) {
  Value x = lowering.valueOf(op.getInput());
  auto low = staticEntries(lowering, op.getStaticLow(), op.getLow());
  auto high = staticEntries(lowering, op.getStaticHigh(), op.getHigh());
  if (!x)
    return {};
  if (!low || !high)
    return lowering.decline("amounts computed at run time");
  if (op.getMode() == PadMode::Wrap)
    return lowering.decline("wrap mode");
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<int64_t> begin, sizes, pad;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) { // negative amounts crop first
    int64_t before = (*low)[dim], after = (*high)[dim];
    begin.push_back(std::max<int64_t>(-before, 0));
    sizes.push_back(type.getDimSize(dim) + std::min<int64_t>(before, 0) + std::min<int64_t>(after, 0));
    pad.append({std::max<int64_t>(before, 0), std::max<int64_t>(after, 0)});
  }
  if (ArrayRef<int64_t>(sizes) != type.getShape())
    x = sliceOf(lowering, x, begin, SmallVector<int64_t>(type.getRank(), 1), sizes);
  if (llvm::all_of(pad, [](int64_t amount) { return amount == 0; }))
    return x;
  SmallVector<MilLowering::Param> params{{"pad", lowering.intsAttr(pad)}};
  if (op.getMode() != PadMode::Constant) {
    params.push_back({"mode", lowering.stringAttr(op.getMode() == PadMode::Edge ? "replicate" : "reflect")});
    return lowering.apply("pad", {{"x", x}}, params);
  }
  ElementsAttr value = lowering.constantOf(op.getValue());
  if (!value)
    return lowering.decline("a padding value computed at run time");
  FailureOr<SmallVector<double, 0>> numbers = constantNumbers(value);
  params.push_back({"mode", lowering.stringAttr("constant")});
  params.push_back({"constant_val", lowering.floatAttr(numbers->front(), type.getElementType())});
  return lowering.apply("pad", {{"x", x}}, params);
}

/// Gathers take no truth values; they go through integers.
static Value lowerGather(MilLowering &lowering, StringRef name, Value input, Value indices,
                         std::optional<int64_t> axis, std::optional<int64_t> batchDims) {
  Value x = lowering.valueOf(input), at = lowering.valueOf(indices);
  if (!x || !at)
    return {};
  if (getElementTypeOrSelf(at.getType()).isInteger(8))
    at = lowering.castTo(at, lowering.builder.getI32Type());
  Type element = getElementTypeOrSelf(x.getType());
  if (element.isInteger(1))
    x = lowering.castTo(x, lowering.builder.getI32Type());
  SmallVector<MilLowering::Param> params;
  if (axis)
    params.push_back({"axis", lowering.intAttr(*axis)});
  if (batchDims)
    params.push_back({"batch_dims", lowering.intAttr(*batchDims)});
  if (lowering.settings.spec >= 8)
    params.push_back({"validate_indices", lowering.boolAttr(false)});
  return lowering.castTo(lowering.apply(name, {{"x", x}, {"indices", at}}, params), element);
}

/// Static shapes make a table of it.
static Value lowerIota(MilLowering &lowering, IotaOp op) {
  RankedTensorType type = lowering.typeOf(op.getType());
  Type element = type.getElementType();
  if (element.isInteger(1))
    return lowering.decline("of truth values");
  int64_t inner = 1;
  for (int64_t size : type.getShape().drop_front(op.getAxis() + 1))
    inner *= size;
  SmallVector<Attribute> numbers;
  for (int64_t at = 0; at < type.getNumElements(); ++at)
    numbers.push_back(lowering.floatAttr(at / inner % type.getDimSize(op.getAxis()), element));
  auto dense = DenseElementsAttr::get(type, numbers);
  FailureOr<SmallVector<char, 0>> bytes = constantBytes(dense);
  return lowering.constant(type, *bytes, "iota");
}

static Value lowerFromIndex(MilLowering &lowering, FromIndexOp op) {
  std::optional<int64_t> value = lowering.indexOf(op.getValue());
  if (!value)
    return lowering.decline("a size computed at run time");
  return lowering.scalar(*value, lowering.builder.getI32Type());
}

bool lutra::lowerMovement(MilLowering &lowering, Operation *op) {
  if (isa<ConstantOp, WeightOp>(op))
    return true; // made where they are read
  Value result;
  bool known =
      llvm::TypeSwitch<Operation *, bool>(op)
          .Case([&](ReshapeOp reshape) {
            Value x = lowering.valueOf(reshape.getInput());
            return result = x ? lowering.reshape(x, reshape.getType().getShape()) : Value(), true;
          })
          .Case([&](TransposeOp transpose) {
            return result = lowering.transpose(lowering.valueOf(transpose.getInput()), transpose.getPermutation()),
                   true;
          })
          .Case([&](ExpandOp expand) { return result = lowerExpand(lowering, expand), true; })
          .Case([&](SliceOp slice) { return result = lowerSlice(lowering, slice), true; })
          .Case([&](ConcatOp concat) { return result = lowerConcat(lowering, concat), true; })
          .Case([&](PadOp pad) { return result = lowerPad(lowering, pad), true; })
          .Case([&](GatherOp gather) {
            return result =
                       lowerGather(lowering, "gather", gather.getInput(), gather.getIndices(), gather.getAxis(), 0),
                   true;
          })
          .Case([&](GatherElementsOp gather) {
            return result = lowerGather(lowering, "gather_along_axis", gather.getInput(), gather.getIndices(),
                                        gather.getAxis(), std::nullopt),
                   true;
          })
          .Case([&](GatherNdOp gather) {
            return result = lowerGather(lowering, "gather_nd", gather.getInput(), gather.getIndices(), std::nullopt,
                                        gather.getBatchDims()),
                   true;
          })
          .Case([&](IotaOp iota) { return result = lowerIota(lowering, iota), true; })
          .Case([&](FromIndexOp index) { return result = lowerFromIndex(lowering, index), true; })
          .Default([](Operation *) { return false; });
  if (known)
    lowering.bind(op->getResult(0), result);
  return known;
}
