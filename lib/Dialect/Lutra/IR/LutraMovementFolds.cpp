//===- LutraMovementFolds.cpp - movement of nothing, and of small constants ===//
// Rules: an op that moves nothing is its input; two reshapes or transposes are one; on a small constant the
// moved constant takes the op's place (FoldHelpers.h says how small).
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "FoldHelpers.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace lutra;

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

OpFoldResult FromIndexOp::fold(FoldAdaptor adaptor) {
  auto value = dyn_cast_or_null<IntegerAttr>(adaptor.getValue());
  if (!value)
    return {};
  auto type = cast<RankedTensorType>(getType());
  return DenseElementsAttr::get(
      type, value.getValue().sextOrTrunc(type.getElementTypeBitWidth()));
}

/// The constant that the input is, if the op may be computed on it.
static DenseElementsAttr constantInput(Attribute input, Type result) {
  DenseElementsAttr elements = foldableConstant(input);
  return elements && isFoldableResult(result, elements.isSplat()) ? elements : DenseElementsAttr();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  // With one dynamic size at most, the number of elements fixes it.
  if (getInput().getType() == type && type.getNumDynamicDims() <= 1)
    return getInput();
  if (DenseElementsAttr elements = constantInput(adaptor.getInput(), type))
    return elements.isSplat() ? elements.resizeSplat(type) : elements.reshape(type);
  if (auto producer = getInput().getDefiningOp<ReshapeOp>()) {
    getInputMutable().assign(producer.getInput());
    return getResult();
  }
  return {};
}

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  ArrayRef<int64_t> permutation = getPermutation();
  if (getInput().getType() == type && llvm::equal(permutation, llvm::seq<int64_t>(type.getRank())))
    return getInput();
  if (DenseElementsAttr elements = constantInput(adaptor.getInput(), type)) {
    SmallVector<int64_t> strides =
        rowMajorStrides(cast<RankedTensorType>(elements.getType()).getShape());
    SmallVector<int64_t> positions;
    if (!elements.isSplat())
      forEachIndex(type.getShape(), [&](int64_t, ArrayRef<int64_t> index) {
        int64_t position = 0;
        for (auto [dim, source] : llvm::enumerate(permutation))
          position += index[dim] * strides[source];
        positions.push_back(position);
      });
    return selectElements(elements, type, positions);
  }
  if (auto producer = getInput().getDefiningOp<TransposeOp>()) {
    SmallVector<int64_t> composed;
    for (int64_t dim : permutation)
      composed.push_back(producer.getPermutation()[dim]);
    getInputMutable().assign(producer.getInput());
    setPermutation(composed);
    return getResult();
  }
  return {};
}

OpFoldResult ExpandOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  if (getInput().getType() == type && type.hasStaticShape())
    return getInput();
  DenseElementsAttr elements = constantInput(adaptor.getInput(), type);
  if (!elements)
    return {};
  SmallVector<int64_t> positions;
  if (!elements.isSplat())
    positions = broadcastPositions(cast<RankedTensorType>(elements.getType()).getShape(),
                                   type.getShape());
  return selectElements(elements, type, positions);
}

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  bool whole = llvm::all_of(getStaticOffsets(), [](int64_t offset) { return offset == 0; }) &&
               llvm::all_of(getSteps(), [](int64_t step) { return step == 1; });
  if (whole && getInput().getType() == type && type.hasStaticShape())
    return getInput();
  DenseElementsAttr elements = constantInput(adaptor.getInput(), type);
  if (!elements)
    return {};
  SmallVector<int64_t> strides =
      rowMajorStrides(cast<RankedTensorType>(elements.getType()).getShape());
  SmallVector<int64_t> offsets(getStaticOffsets());
  unsigned next = 0;
  for (int64_t &offset : offsets) {
    if (!ShapedType::isDynamic(offset))
      continue;
    auto value = dyn_cast_or_null<IntegerAttr>(adaptor.getOffsets()[next++]);
    if (!value)
      return {};
    offset = value.getInt();
  }
  SmallVector<int64_t> positions;
  bool inside = true;
  forEachIndex(type.getShape(), [&](int64_t, ArrayRef<int64_t> index) {
    int64_t position = 0;
    for (auto [dim, i] : llvm::enumerate(index)) {
      int64_t source = offsets[dim] + i * getSteps()[dim];
      inside &= source >= 0 && source < cast<ShapedType>(elements.getType()).getDimSize(dim);
      position += source * strides[dim];
    }
    positions.push_back(position);
  });
  return inside ? selectElements(elements, type, positions) : Attribute();
}

OpFoldResult ConcatOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  if (getInputs().size() == 1 && getInputs()[0].getType() == type)
    return getInputs()[0];
  if (!isFoldableResult(type))
    return {};
  for (Attribute input : adaptor.getInputs())
    if (!foldableConstant(input))
      return {};
  // Where each element of the result comes from: the input, and the place in it.
  int64_t axis = getAxis();
  SmallVector<APInt> integers(type.getNumElements());
  SmallVector<APFloat> floats;
  bool isFloat = isa<FloatType>(type.getElementType());
  if (isFloat)
    floats.assign(type.getNumElements(),
                  APFloat(cast<FloatType>(type.getElementType()).getFloatSemantics()));
  SmallVector<int64_t> strides = rowMajorStrides(type.getShape());
  int64_t start = 0;
  for (Attribute input : adaptor.getInputs()) {
    DenseElementsAttr elements = foldableConstant(input);
    ArrayRef<int64_t> shape = cast<RankedTensorType>(elements.getType()).getShape();
    auto place = [&](ArrayRef<int64_t> index) {
      int64_t position = start * strides[axis];
      for (auto [dim, i] : llvm::enumerate(index))
        position += i * strides[dim];
      return position;
    };
    forEachIndex(shape, [&](int64_t from, ArrayRef<int64_t> index) {
      if (isFloat)
        floats[place(index)] = *(elements.getValues<APFloat>().begin() + from);
      else
        integers[place(index)] = *(elements.getValues<APInt>().begin() + from);
    });
    start += shape[axis];
  }
  return isFloat ? DenseElementsAttr::get(type, floats) : DenseElementsAttr::get(type, integers);
}

OpFoldResult PadOp::fold(FoldAdaptor) {
  auto isZero = [](int64_t amount) { return amount == 0; };
  bool nothing =
      llvm::all_of(getStaticLow(), isZero) && llvm::all_of(getStaticHigh(), isZero);
  return nothing && getInput().getType() == getType() ? getInput() : Value();
}

OpFoldResult GatherOp::fold(FoldAdaptor adaptor) {
  auto type = cast<RankedTensorType>(getType());
  DenseElementsAttr elements = constantInput(adaptor.getInput(), type);
  DenseElementsAttr indices = foldableConstant(adaptor.getIndices());
  if (!elements || !indices)
    return {};
  auto inputType = cast<RankedTensorType>(elements.getType());
  int64_t axis = getAxis(), extent = inputType.getDimSize(axis);
  if (extent == 0)
    return {};
  int64_t indexRank = cast<RankedTensorType>(indices.getType()).getRank();
  SmallVector<int64_t> strides = rowMajorStrides(inputType.getShape());
  SmallVector<int64_t> indexStrides =
      rowMajorStrides(cast<RankedTensorType>(indices.getType()).getShape());
  auto values = indices.getValues<APInt>();
  bool isUnsigned = indices.getElementType().isUnsignedInteger();
  SmallVector<int64_t> positions;
  forEachIndex(type.getShape(), [&](int64_t, ArrayRef<int64_t> index) {
    int64_t at = 0, position = 0;
    for (int64_t dim = 0; dim < indexRank; ++dim)
      at += index[axis + dim] * indexStrides[dim];
    APInt code = *(values.begin() + at);
    int64_t chosen = isUnsigned ? static_cast<int64_t>(code.getZExtValue()) : code.getSExtValue();
    chosen = std::clamp<int64_t>(chosen < 0 ? chosen + extent : chosen, 0, extent - 1);
    for (int64_t dim = 0; dim < inputType.getRank(); ++dim)
      position += strides[dim] * (dim < axis    ? index[dim]
                                  : dim == axis ? chosen
                                                : index[dim + indexRank - 1]);
    positions.push_back(position);
  });
  return selectElements(elements, type, positions);
}
