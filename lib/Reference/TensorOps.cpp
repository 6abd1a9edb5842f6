//===- TensorOps.cpp - upstream ops on tensors that graphs contain ---------===//
#include "Interpreter.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace lutra;

static LogicalResult evaluateDim(tensor::DimOp op, Interpreter &interpreter) {
  ArrayRef<int64_t> shape = interpreter.getArray(op.getSource()).shape;
  int64_t dim = interpreter.getInteger(op.getIndex());
  if (dim < 0 || dim >= static_cast<int64_t>(shape.size()))
    return refuse(op, ErrorCode::GraphType) << "asks for dimension " << dim << " of rank "
                                            << shape.size();
  interpreter.set(op.getResult(), Datum::of(shape[dim]));
  return success();
}

static LogicalResult evaluateExtract(tensor::ExtractOp op, Interpreter &interpreter) {
  const Array &array = interpreter.getArray(op.getTensor());
  SmallVector<int64_t> index;
  for (auto [dim, value] : llvm::enumerate(op.getIndices())) {
    index.push_back(interpreter.getInteger(value));
    if (index.back() < 0 || index.back() >= array.shape[dim])
      return refuse(op, ErrorCode::GraphType) << "reads index " << index.back() << " of dimension "
                                              << dim << ", which has size " << array.shape[dim];
  }
  int64_t offset = offsetOf(index, stridesOf(array.shape));
  interpreter.set(op.getResult(), array.isFloat() ? Datum::of(array.floats[offset])
                                                  : Datum::of(array.integers[offset]));
  return success();
}

static LogicalResult evaluateFromElements(tensor::FromElementsOp op, Interpreter &interpreter) {
  auto result = interpreter.makeResult(op->getResult(0), op.getType().getShape());
  if (failed(result))
    return failure();
  for (auto [i, element] : llvm::enumerate(op.getElements())) {
    if ((*result)->isFloat())
      (*result)->floats[i] = interpreter.getNumber(element);
    else
      (*result)->integers[i] = interpreter.getInteger(element);
  }
  return interpreter.setArray(op->getResult(0), *result);
}

static LogicalResult evaluateCast(tensor::CastOp op, Interpreter &interpreter) {
  auto copy = std::make_shared<Array>(interpreter.getArray(op.getSource()));
  return interpreter.setArray(op->getResult(0), copy);
}

void lutra::addTensorHandlers(HandlerTable &table) {
  table.add<tensor::CastOp, evaluateCast>();
  table.add<tensor::DimOp, evaluateDim>();
  table.add<tensor::ExtractOp, evaluateExtract>();
  table.add<tensor::FromElementsOp, evaluateFromElements>();
}
