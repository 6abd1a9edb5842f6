//===- PixelFilters.cpp - convolutions with filters of one pixel as products ---===//
// A filter [N, C, 1..] is a matrix: the convolution multiplies the channels of each pixel that its strides take with
// it. As a product it reads weights in every form, decoded in the kernel, and rounds activations for each pixel or
// group of channels. The transposes around it meet those of convolutions beside it and cancel (lutra-choose-layout).
//
//   conv(x [B, C, d..], w [N, C, 1..])  ->  T^-1 (T(x[.., ::stride]) [B, d.., C] * w [N, C]^T)
#include "PixelFilters.h"

#include "Permutations.h"

#include "lutra/Dialect/Lutra/Transforms/WeightQuantizer.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace lutra;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

bool lutra::isPixelFilter(ConvOp op) {
  RankedTensorType input = typeOf(op.getInput()), filter = typeOf(op.getFilter());
  auto isZero = [](int64_t size) { return size == 0; };
  auto isOne = [](int64_t size) { return size == 1; };
  if (op.getLayout() != ConvLayout::ChannelsFirst || op.getGroups() != 1 || !filter.hasStaticShape() ||
      !llvm::all_of(filter.getShape().drop_front(2), isOne) || !llvm::all_of(op.getLow(), isZero) ||
      !llvm::all_of(op.getHigh(), isZero))
    return false;
  for (auto [dim, stride] : llvm::enumerate(op.getStrides()))
    if (stride != 1 && input.isDynamicDim(dim + 2))
      return false;
  return true;
}

/// Every stride-th pixel of the input.
static Value takePixels(OpBuilder &builder, ConvOp op) {
  Value input = op.getInput();
  if (llvm::all_of(op.getStrides(), [](int64_t stride) { return stride == 1; }))
    return input;
  RankedTensorType type = typeOf(input), result = typeOf(op.getResult());
  SmallVector<int64_t> shape(result.getShape()), steps{1, 1};
  shape[1] = type.getDimSize(1);
  llvm::append_range(steps, op.getStrides());
  SmallVector<Value> sizes;
  for (auto [dim, size] : llvm::enumerate(shape))
    if (ShapedType::isDynamic(size))
      sizes.push_back(tensor::DimOp::create(builder, op.getLoc(), input, dim));
  SmallVector<int64_t> offsets(shape.size(), 0);
  return SliceOp::create(builder, op.getLoc(), type.clone(shape), input, ValueRange(), sizes,
                         builder.getDenseI64ArrayAttr(offsets), builder.getDenseI64ArrayAttr(steps));
}

/// Makes a filter [N, C, 1..] a matrix [N, C] wherever it is read.
static void makeMatrix(GlobalOp global) {
  auto filter = cast<RankedTensorType>(global.getType());
  RankedTensorType matrix = filter.clone(filter.getShape().take_front(2));
  global.setTypeAttr(TypeAttr::get(matrix));
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(global.getData()))
    global.setDataAttr(DenseResourceElementsAttr::get(matrix, resource.getRawHandle()));
  else
    global.setDataAttr(cast<DenseElementsAttr>(global.getData()).reshape(matrix));
  global->getParentOp()->walk([&](WeightOp weight) {
    if (weight.getGlobal() != global.getSymName())
      return;
    weight.getResult().setType(matrix);
    OpBuilder builder(weight->getContext());
    builder.setInsertionPointAfter(weight);
    auto whole = ReshapeOp::create(builder, weight.getLoc(), filter, weight, ValueRange());
    weight.getResult().replaceAllUsesExcept(whole, whole);
  });
}

MatmulOp WeightQuantizer::multiplyPixels(ConvOp op, GlobalOp global) {
  if (cast<RankedTensorType>(global.getType()).getRank() != 2)
    makeMatrix(global);
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Value weight = op.getFilter().getDefiningOp<ReshapeOp>().getInput(), pixels = takePixels(builder, op);
  RankedTensorType result = typeOf(op.getResult());
  SmallVector<int64_t> last = toChannelsLast(result.getRank());
  Value turned = transpose(builder, loc, pixels, last);
  auto product = MatmulOp::create(builder, loc, permuteType(result, last), turned, weight,
                                  /*scale=*/Value(), /*transpose_lhs=*/false, /*transpose_rhs=*/true, /*block=*/0,
                                  StrategyAttr());
  Value image = transpose(builder, loc, product, inverse(last));
  Operation *before = op.getFilter().getDefiningOp();
  op.getResult().replaceAllUsesWith(image);
  op.erase();
  if (before->use_empty())
    before->erase();
  return product;
}
