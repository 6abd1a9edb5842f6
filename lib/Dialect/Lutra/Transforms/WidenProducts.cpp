//===- WidenProducts.cpp - operands as weights in few bits want them ---------===//
// Codes are those of a constant matrix on the right of a product of f32. Of a model in f16 or bf16 such a product is
// made between casts, so that all but its constants stays as it was; a constant keeps its narrow type, behind a cast,
// until it gets codes. A constant on the left goes to the right:
//
//   w [M, K] * x [.., K, N]  ->  (x^T [.., N, K] * w^T)^T
#include "WidenProducts.h"

#include "Permutations.h"

#include "lutra/Dialect/Lutra/Transforms/WeightQuantizer.h"

using namespace mlir;
using namespace lutra;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The last two dimensions exchanged.
static Value turn(OpBuilder &builder, Location loc, Value value) {
  auto order = llvm::to_vector(llvm::seq<int64_t>(0, typeOf(value).getRank()));
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return transpose(builder, loc, value, order);
}

Value WeightQuantizer::getLeftMatrix(MatmulOp op) {
  Operation *source = op.getLhs().getDefiningOp();
  if (!isa_and_present<ExpandOp, ReshapeOp>(source))
    return op.getLhs();
  ArrayRef<int64_t> shape = typeOf(op.getLhs()).getShape();
  RankedTensorType matrix = typeOf(source->getOperand(0));
  bool isSame = matrix.hasStaticShape() && matrix.getShape() == shape.take_back(2);
  bool isOne = llvm::all_of(shape.drop_back(2), [](int64_t size) { return size == 1; });
  return isSame && (isOne || isa<ExpandOp>(source)) ? source->getOperand(0) : op.getLhs();
}

MatmulOp WeightQuantizer::exchange(MatmulOp op) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Value input = op.getTransposeRhs() ? op.getRhs() : turn(builder, loc, op.getRhs());
  SmallVector<int64_t> shape(typeOf(op.getResult()).getShape());
  std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
  Value before = op.getLhs();
  auto product = MatmulOp::create(builder, loc, typeOf(op.getResult()).clone(shape), input, getLeftMatrix(op),
                                  /*scale=*/Value(), /*transpose_lhs=*/false,
                                  /*transpose_rhs=*/!op.getTransposeLhs(), /*block=*/0, op.getStrategyAttr());
  op.getResult().replaceAllUsesWith(turn(builder, loc, product));
  op.erase();
  if (before != product.getRhs() && before.use_empty())
    before.getDefiningOp()->erase();
  return product;
}

MatmulOp WeightQuantizer::turnInput(MatmulOp op) {
  if (!op.getTransposeLhs())
    return op;
  OpBuilder builder(op);
  op.getLhsMutable().assign(turn(builder, op.getLoc(), op.getLhs()));
  op.setTransposeLhs(false);
  return op;
}

void lutra::widenProduct(Operation *op) {
  Value result = op->getResult(0);
  RankedTensorType type = typeOf(result);
  OpBuilder builder(op);
  Type real = builder.getF32Type();
  if (type.getElementType() == real)
    return;
  for (OpOperand &operand : op->getOpOperands())
    operand.set(CastOp::create(builder, op->getLoc(), typeOf(operand.get()).clone(real), operand.get()));
  result.setType(type.clone(real));
  builder.setInsertionPointAfter(op);
  auto back = CastOp::create(builder, op->getLoc(), type, result);
  result.replaceAllUsesExcept(back, back);
}

void WeightQuantizer::eraseUnread(Value constant) {
  Operation *op = constant.getDefiningOp();
  while (op && op->use_empty()) {
    Value from = op->getNumOperands() == 1 ? op->getOperand(0) : Value();
    op->erase();
    op = from ? from.getDefiningOp() : nullptr;
  }
}
