//===- InputScaler.cpp - factors of channels moved from inputs into weights --===//
#include "lutra/Dialect/Lutra/Transforms/InputScaler.h"

#include "ProductWeights.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

#include <cstring>
#include <functional>

using namespace mlir;
using namespace lutra;

/// Factors of the elements of a value, of its rank; sizes of 1 hold for the whole dimension.
struct InputScaler::Factor {
  SmallVector<int64_t> shape;
  std::vector<float> values;

  bool isOneAlong(int64_t dim) const { return shape[dim] == 1; }
  /// Whether only the last dimensions have factors of their own.
  bool isOfLast(int64_t dims) const {
    return llvm::all_of(ArrayRef(shape).drop_back(dims), [](int64_t size) { return size == 1; });
  }
};

InputScaler::InputScaler(ModuleOp module) : weights(std::make_unique<ProductWeights>(module)) {}

InputScaler::~InputScaler() = default;

/// A walk through the elements of `shape` that follows those of an operand that it is broadcast from.
static void forBroadcast(ArrayRef<int64_t> shape, ArrayRef<int64_t> from,
                         llvm::function_ref<void(int64_t index, int64_t source)> body) {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  int64_t missing = static_cast<int64_t>(shape.size()) - static_cast<int64_t>(from.size());
  for (int64_t index = 0; index < count; ++index) {
    int64_t rest = index, source = 0, stride = 1;
    for (auto dim = static_cast<int64_t>(shape.size()) - 1; dim >= missing && dim >= 0; --dim) {
      int64_t size = from[dim - missing];
      source += size == 1 ? 0 : rest % shape[dim] * stride;
      stride *= size;
      rest /= shape[dim];
    }
    body(index, source);
  }
}

/// Multiplies the elements along one dimension of a matrix.
void InputScaler::scaleMatrix(GlobalOp global, int64_t axis, ArrayRef<float> factors) {
  auto type = cast<RankedTensorType>(global.getType());
  WeightBytes bytes = *WeightStore::read(global);
  int64_t columns = type.getDimSize(1), count = type.getNumElements();
  AsmResourceBlob blob = WeightStore::allocate(count * static_cast<int64_t>(sizeof(float)));
  char *data = blob.getMutableData().data();
  for (int64_t i = 0; i < count; ++i) {
    float value;
    std::memcpy(&value, bytes.element(i), sizeof(float));
    value *= factors[axis == 0 ? i / columns : i % columns];
    std::memcpy(data + i * sizeof(float), &value, sizeof(float));
  }
  global.setDataAttr(DenseResourceElementsAttr::get(type, global.getSymName(), std::move(blob)));
}

bool InputScaler::canScale(MatmulOp op) { return static_cast<bool>(weights->getOwn(op)); }

/// A constant times factors that are broadcast beside it.
Value InputScaler::scaleConstant(Operation *user, Value constant, const Factor &factor) {
  auto type = cast<RankedTensorType>(constant.getType());
  WeightBytes bytes = *weights->getStore().read(constant);
  SmallVector<int64_t> shape(factor.shape);
  size_t missing = shape.size() - type.getRank();
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    shape[missing + dim] = std::max(shape[missing + dim], size);
  while (static_cast<int64_t>(shape.size()) > type.getRank() && shape.front() == 1)
    shape.erase(shape.begin());
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  std::vector<float> values(count);
  forBroadcast(shape, type.getShape(), [&](int64_t index, int64_t source) {
    std::memcpy(&values[index], bytes.element(source), sizeof(float));
  });
  ArrayRef<int64_t> own = factor.shape;
  own = own.drop_front(own.size() - shape.size());
  forBroadcast(shape, own, [&](int64_t index, int64_t source) { values[index] *= factor.values[source]; });
  OpBuilder builder(user);
  auto scaled = RankedTensorType::get(shape, type.getElementType());
  return ConstantOp::create(builder, constant.getLoc(), scaled, DenseElementsAttr::get(scaled, ArrayRef(values)));
}

/// The factors in front of an op that moves elements, or nothing.
std::optional<InputScaler::Factor> InputScaler::passShape(Operation *op, const Factor &factor) const {
  auto type = cast<RankedTensorType>(op->getOperand(0).getType());
  Factor before;
  before.shape.assign(type.getRank(), 1);
  if (auto transpose = dyn_cast<TransposeOp>(op)) {
    SmallVector<int64_t> strides(type.getRank(), 1);
    for (int64_t dim = type.getRank() - 2; dim >= 0; --dim)
      strides[dim] = strides[dim + 1] * factor.shape[dim + 1];
    SmallVector<int64_t> steps(type.getRank());
    for (auto [to, from] : llvm::enumerate(transpose.getPermutation())) {
      before.shape[from] = factor.shape[to];
      steps[from] = strides[to];
    }
    before.values.resize(factor.values.size());
    for (size_t index = 0; index < before.values.size(); ++index) {
      auto rest = static_cast<int64_t>(index);
      int64_t at = 0;
      for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
        at += rest % before.shape[dim] * steps[dim];
        rest /= before.shape[dim];
      }
      before.values[index] = factor.values[at];
    }
    return before;
  }
  // The last dimensions, from the first with factors on, are the last ones of the operand.
  ArrayRef<int64_t> result = cast<RankedTensorType>(op->getResult(0).getType()).getShape();
  size_t first = llvm::find_if(factor.shape, [](int64_t size) { return size != 1; }) - factor.shape.begin();
  int64_t count = 1;
  for (int64_t size : result.drop_front(first)) {
    if (ShapedType::isDynamic(size))
      return std::nullopt;
    count *= size;
  }
  int64_t covered = 1;
  for (int64_t dim = type.getRank() - 1; dim >= 0 && covered < count; --dim) {
    if (type.isDynamicDim(dim) || type.getDimSize(dim) == 0)
      return std::nullopt;
    covered *= before.shape[dim] = type.getDimSize(dim);
  }
  if (covered != count)
    return std::nullopt;
  before.values.resize(count);
  forBroadcast(result.drop_front(first), ArrayRef(factor.shape).drop_front(first),
               [&](int64_t index, int64_t source) { before.values[index] = factor.values[source]; });
  return before;
}

/// Multiplies a value that has one reader by factors, in what computes it; false: nothing has changed.
bool InputScaler::fold(Value value, Factor factor) {
  SmallVector<std::function<void()>> edits;
  auto commit = [&] {
    for (const std::function<void()> &edit : edits)
      edit();
    return true;
  };
  auto scaleOperand = [&](OpOperand &operand, const Factor &own) {
    edits.push_back([this, &operand, own] { operand.set(scaleConstant(operand.getOwner(), operand.get(), own)); });
  };
  auto isConstant = [&](Value operand) { return operand && weights->getStore().read(operand).has_value(); };
  while (value.hasOneUse() && value.getDefiningOp() &&
         cast<RankedTensorType>(value.getType()).getElementType().isF32()) {
    Operation *op = value.getDefiningOp();
    if (isa<LayerNormOp, RmsNormOp>(op)) {
      int64_t dims = cast<IntegerAttr>(op->getAttr("dims")).getInt();
      if (!factor.isOfLast(dims) || op->getNumOperands() < 2)
        return false;
      if (auto norm = dyn_cast<LayerNormOp>(op); norm && !norm.getScale())
        return false;
      Factor own = factor;
      own.shape.erase(own.shape.begin(), own.shape.end() - dims);
      for (OpOperand &operand : op->getOpOperands().drop_front()) {
        if (!isConstant(operand.get()))
          return false;
        scaleOperand(operand, own);
      }
      return commit();
    }
    if (auto binary = dyn_cast<BinaryOp>(op)) {
      bool isSum = binary.getKind() == BinaryKind::Add || binary.getKind() == BinaryKind::Sub;
      int constant = isConstant(binary.getRhs()) ? 1 : isConstant(binary.getLhs()) ? 0 : -1;
      if (constant < 0 || !(isSum || binary.getKind() == BinaryKind::Mul))
        return false;
      scaleOperand(op->getOpOperand(constant), factor);
      Value other = op->getOperand(1 - constant);
      if (!isSum)
        return commit();
      if (other.getType() != value.getType())
        return false;
      value = other;
      continue;
    }
    if (auto unary = dyn_cast<UnaryOp>(op)) {
      if (unary.getKind() != UnaryKind::Relu)
        return false;
      value = unary.getInput();
      continue;
    }
    if (isa<TransposeOp, ReshapeOp>(op)) {
      std::optional<Factor> before = passShape(op, factor);
      if (!before)
        return false;
      factor = std::move(*before);
      value = op->getOperand(0);
      continue;
    }
    auto product = dyn_cast<MatmulOp>(op);
    if (!product || product.getScale() || product.getTransposeLhs())
      return false;
    auto rank = static_cast<int64_t>(factor.shape.size());
    if (weights->getStore().getGlobal(product.getRhs())) {
      GlobalOp global = weights->getSole(product);
      int64_t columns = product.getTransposeRhs() ? 0 : 1;
      if (!global || !factor.isOfLast(1) ||
          factor.shape.back() != cast<RankedTensorType>(global.getType()).getDimSize(columns))
        return false;
      edits.push_back([this, global, columns, factor] { scaleMatrix(global, columns, factor.values); });
      return commit();
    }
    // Columns of the result are those of the right-hand side, of the same batch.
    auto rhs = cast<RankedTensorType>(product.getRhs().getType());
    if (rank < 2 || rhs.getRank() != rank || !factor.isOneAlong(rank - 2))
      return false;
    for (int64_t dim = 0; dim < rank - 2; ++dim)
      if (!factor.isOneAlong(dim) && rhs.getDimSize(dim) != factor.shape[dim])
        return false;
    if (product.getTransposeRhs())
      std::swap(factor.shape[rank - 2], factor.shape[rank - 1]); // one of them is 1
    value = product.getRhs();
  }
  return false;
}

bool InputScaler::scale(ArrayRef<MatmulOp> products, ArrayRef<float> factors) {
  MatmulOp first = products.front();
  Value input = first.getLhs();
  auto type = cast<RankedTensorType>(input.getType());
  Factor inverse;
  inverse.shape.assign(type.getRank(), 1);
  inverse.shape.back() = static_cast<int64_t>(factors.size());
  for (float factor : factors)
    inverse.values.push_back(1 / factor);
  llvm::SetVector<Operation *> scaledWeights;
  for (MatmulOp product : products)
    if (GlobalOp weight = weights->getOwn(product); scaledWeights.insert(weight))
      scaleMatrix(weight, product.getTransposeRhs() ? 1 : 0, factors);
  OpBuilder builder(input.getContext());
  builder.setInsertionPointAfterValue(input);
  auto row = RankedTensorType::get({inverse.shape.back()}, builder.getF32Type());
  Value constant = ConstantOp::create(builder, input.getLoc(), row,
                                      DenseElementsAttr::get(row, ArrayRef(inverse.values)));
  auto scaled = BinaryOp::create(builder, input.getLoc(), type, BinaryKind::Mul, input, constant);
  for (MatmulOp product : products)
    product.getLhsMutable().set(scaled);
  if (!fold(input, std::move(inverse)))
    return false;
  scaled.getResult().replaceAllUsesWith(input);
  scaled.erase();
  constant.getDefiningOp()->erase();
  return true;
}
