//===- FoldHelpers.cpp - constants small enough to be computed at compile time ===//
#include "FoldHelpers.h"

using namespace mlir;

namespace lutra {

DenseElementsAttr foldableConstant(Attribute attr) {
  auto elements = dyn_cast_or_null<DenseIntOrFPElementsAttr>(attr);
  if (!elements)
    return {};
  auto type = dyn_cast<RankedTensorType>(elements.getType());
  return type && !type.getEncoding() && type.getElementType().isIntOrFloat() ? elements
                                                                             : DenseElementsAttr();
}

bool isFoldableResult(Type type, bool splat) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape() && !tensor.getEncoding() &&
         tensor.getElementType().isIntOrFloat() &&
         (tensor.getNumElements() <= kFoldLimit || splat);
}

SmallVector<int64_t> rowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t dim = (int64_t)shape.size() - 2; dim >= 0; --dim)
    strides[dim] = strides[dim + 1] * shape[dim + 1];
  return strides;
}

void forEachIndex(ArrayRef<int64_t> shape, function_ref<void(int64_t, ArrayRef<int64_t>)> visit) {
  int64_t count = ShapedType::getNumElements(shape);
  SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t position = 0; position < count; ++position) {
    visit(position, index);
    for (int64_t dim = (int64_t)shape.size() - 1; dim >= 0; --dim) {
      if (++index[dim] < shape[dim])
        break;
      index[dim] = 0;
    }
  }
}

SmallVector<int64_t> broadcastPositions(ArrayRef<int64_t> operand, ArrayRef<int64_t> result) {
  SmallVector<int64_t> strides = rowMajorStrides(operand);
  int64_t lead = (int64_t)result.size() - (int64_t)operand.size();
  SmallVector<int64_t> positions;
  forEachIndex(result, [&](int64_t, ArrayRef<int64_t> index) {
    int64_t position = 0;
    for (auto [dim, size] : llvm::enumerate(operand))
      position += size == 1 ? 0 : index[lead + dim] * strides[dim];
    positions.push_back(position);
  });
  return positions;
}

template <typename Element>
static Attribute pick(DenseElementsAttr source, RankedTensorType type,
                      ArrayRef<int64_t> positions) {
  auto values = source.getValues<Element>();
  auto begin = values.begin();
  SmallVector<Element> picked;
  for (int64_t position : positions)
    picked.push_back(*(begin + position));
  return DenseElementsAttr::get(type, picked);
}

Attribute selectElements(DenseElementsAttr source, RankedTensorType type,
                         ArrayRef<int64_t> positions) {
  if (source.isSplat())
    return source.resizeSplat(type);
  if (isa<FloatType>(type.getElementType()))
    return pick<APFloat>(source, type, positions);
  return pick<APInt>(source, type, positions);
}

} // namespace lutra
