//===- ChannelSorter.cpp - channels of a value in another order --------------===//
// All values whose channels must move together are found first, from the one that is asked for up to products with
// weights of their own; then every read of each of them must be one that moves along.
#include "lutra/Dialect/Lutra/Transforms/ChannelSorter.h"

#include "ProductWeights.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"

#include <cstring>

using namespace mlir;
using namespace lutra;

/// What moves.
struct ChannelSorter::Plan {
  int64_t channels = 0;
  llvm::SetVector<Value> values;
  llvm::SmallPtrSet<OpOperand *, 16> reads; // of these values by ops whose results move along, or by products along K
  SmallVector<OpOperand *> constants;
  llvm::SetVector<std::pair<Operation *, int64_t>> matrices; // globals, with the dimension that moves
};

ChannelSorter::ChannelSorter(ModuleOp module) : weights(std::make_unique<ProductWeights>(module)) {}

ChannelSorter::~ChannelSorter() = default;

/// A matrix with its rows (axis 0) or columns in the order.
void ChannelSorter::permuteMatrix(GlobalOp global, int64_t axis, ArrayRef<int64_t> order) {
  auto type = cast<RankedTensorType>(global.getType());
  WeightBytes bytes = *WeightStore::read(global);
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  AsmResourceBlob blob = WeightStore::allocate(rows * columns * static_cast<int64_t>(sizeof(float)));
  char *data = blob.getMutableData().data();
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      int64_t from = axis == 0 ? order[row] * columns + column : row * columns + order[column];
      std::memcpy(data + (row * columns + column) * sizeof(float), bytes.element(from), sizeof(float));
    }
  global.setDataAttr(DenseResourceElementsAttr::get(type, global.getSymName(), std::move(blob)));
}

/// A constant with its last dimension in the order.
void ChannelSorter::permuteConstant(OpOperand &operand, ArrayRef<int64_t> order) {
  auto type = cast<RankedTensorType>(operand.get().getType());
  WeightBytes bytes = *weights->getStore().read(operand.get());
  std::vector<float> values(type.getNumElements());
  int64_t channels = order.size();
  for (int64_t i = 0; i < type.getNumElements(); ++i)
    std::memcpy(&values[i], bytes.element(i / channels * channels + order[i % channels]), sizeof(float));
  OpBuilder builder(operand.getOwner());
  auto sorted = DenseElementsAttr::get(type, ArrayRef(values));
  operand.set(ConstantOp::create(builder, operand.get().getLoc(), type, sorted));
}

/// Adds what computes a value; false: its channels cannot move.
bool ChannelSorter::visit(Value value, Plan &plan) {
  Operation *op = value.getDefiningOp();
  auto type = cast<RankedTensorType>(value.getType());
  if (!op || !type.getElementType().isF32() || type.getRank() == 0 || type.getShape().back() != plan.channels)
    return false;
  auto carry = [&](OpOperand &operand) {
    plan.reads.insert(&operand);
    plan.values.insert(operand.get());
  };
  auto move = [&](OpOperand &operand) {
    auto own = cast<RankedTensorType>(operand.get().getType());
    if (own.getRank() == 0 || own.getShape().back() == 1) // the same for all channels
      return true;
    bool isConstant = weights->getStore().read(operand.get()).has_value();
    if (isConstant && !own.getElementType().isF32())
      return false;
    isConstant ? plan.constants.push_back(&operand) : carry(operand);
    return true;
  };
  if (isa<UnaryOp, BinaryOp>(op))
    return llvm::all_of(op->getOpOperands(), move);
  if (isa<LayerNormOp, RmsNormOp>(op)) {
    if (cast<IntegerAttr>(op->getAttr("dims")).getInt() != 1)
      return false;
    carry(op->getOpOperand(0));
    return llvm::all_of(op->getOpOperands().drop_front(), move);
  }
  auto product = dyn_cast<MatmulOp>(op);
  GlobalOp global = product ? weights->getSole(product) : GlobalOp();
  if (!global)
    return false;
  plan.matrices.insert({global, product.getTransposeRhs() ? 0 : 1});
  return true;
}

/// Adds the products that read the value; false: something else does.
bool ChannelSorter::planReaders(Value value, Plan &plan) {
  for (OpOperand &use : value.getUses()) {
    auto product = dyn_cast<MatmulOp>(use.getOwner());
    GlobalOp global = product && use.getOperandNumber() == 0 ? weights->getOwn(product) : GlobalOp();
    if (!global)
      return false;
    plan.reads.insert(&use);
    plan.matrices.insert({global, product.getTransposeRhs() ? 1 : 0});
  }
  return true;
}

bool ChannelSorter::sort(Value value, ArrayRef<int64_t> order) {
  Plan plan;
  plan.channels = order.size();
  if (plan.channels < 2 || !planReaders(value, plan))
    return false;
  plan.values.insert(value);
  for (size_t index = 0; index < plan.values.size(); ++index)
    if (!visit(plan.values[index], plan))
      return false;
  for (Value one : plan.values)
    for (OpOperand &use : one.getUses())
      if (!plan.reads.contains(&use))
        return false;
  for (OpOperand *operand : plan.constants)
    permuteConstant(*operand, order);
  for (auto [global, axis] : plan.matrices)
    permuteMatrix(cast<GlobalOp>(global), axis, order);
  return true;
}
