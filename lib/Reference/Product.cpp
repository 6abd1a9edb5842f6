//===- Product.cpp - batched matrix products -------------------------------===//
#include "RoundedOperand.h"
#include "Sums.h"

#include "Interpreter.h"

using namespace mlir;
using namespace lutra;

/// Where the elements of a (stack of) matrices lie: element (row, column) of matrix b.
namespace {
struct MatrixView {
  int64_t matrices = 1, rows = 0, columns = 0;
  int64_t rowStride = 0, columnStride = 0, matrixStride = 0;
};
} // namespace

static MatrixView viewOf(const Array &array, bool transposed) {
  MatrixView view;
  int64_t rank = array.rank();
  int64_t inner = array.shape[rank - 1], outer = array.shape[rank - 2];
  for (int64_t dim = 0; dim < rank - 2; ++dim)
    view.matrices *= array.shape[dim];
  view.rows = transposed ? inner : outer;
  view.columns = transposed ? outer : inner;
  view.rowStride = transposed ? 1 : inner;
  view.columnStride = transposed ? inner : 1;
  view.matrixStride = inner * outer;
  return view;
}

/// A stack of matrices, each transposed.
static ArrayPtr swapLastTwo(const Array &array) {
  SmallVector<int64_t> shape(array.shape), strides = stridesOf(array.shape);
  std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
  std::swap(strides[strides.size() - 1], strides[strides.size() - 2]);
  auto turned = makeArray(array.elementType, shape);
  forEachPosition(shape, [&](ArrayRef<int64_t> index, int64_t i) {
    copyElement(array, offsetOf(index, strides), *turned, i);
  });
  return turned;
}

static LogicalResult evaluateMatmul(MatmulOp op, Interpreter &interpreter) {
  FailureOr<ArrayPtr> operand = getProductOperand(op, interpreter);
  if (failed(operand))
    return failure();
  ArrayPtr weight = getProductWeight(op, interpreter);
  const Array &lhs = **operand, &rhs = *weight;
  if (lhs.rank() < 2 || rhs.rank() < 2 || lhs.isFloat() != rhs.isFloat())
    return refuse(op, ErrorCode::GraphType)
           << "multiplies operands of ranks " << lhs.rank() << " and " << rhs.rank()
           << "; both need rank 2 or more, and both floats or integers";
  MatrixView a = viewOf(lhs, op.getTransposeLhs()), b = viewOf(rhs, op.getTransposeRhs());
  if (rhs.rank() == 2)
    b.matrixStride = 0;
  else if (ArrayRef(lhs.shape).drop_back(2) != ArrayRef(rhs.shape).drop_back(2))
    return refuse(op, ErrorCode::GraphType) << "has batch sizes that differ: lhs ["
                                            << ArrayRef(lhs.shape) << "], rhs ["
                                            << ArrayRef(rhs.shape) << "]";
  if (a.columns != b.rows)
    return refuse(op, ErrorCode::GraphType)
           << "sums over " << a.columns << " elements in lhs but " << b.rows << " in rhs";
  SmallVector<int64_t> shape(lhs.shape.begin(), lhs.shape.end());
  shape[shape.size() - 2] = a.rows;
  shape[shape.size() - 1] = b.columns;
  auto result = interpreter.makeResult(op->getResult(0), shape);
  if (failed(result))
    return failure();
  Array &out = **result;
  if (lhs.isFloat() != out.isFloat())
    return refuse(op, ErrorCode::GraphType) << "mixes float and integer types";

  // Sums run over neighbouring columns, so a transposed rhs is turned first.
  ArrayPtr turned;
  if (op.getTransposeRhs()) {
    turned = swapLastTwo(rhs);
    b.rowStride = b.columns;
    b.columnStride = 1;
  }
  DotProducts dots(out, lhs, turned ? *turned : rhs, interpreter);
  for (int64_t matrix = 0; matrix < a.matrices; ++matrix)
    for (int64_t row = 0; row < a.rows; ++row) {
      dots.start(b.columns);
      for (int64_t k = 0; k < a.columns; ++k)
        dots.accumulate(matrix * a.matrixStride + row * a.rowStride + k * a.columnStride,
                        matrix * b.matrixStride + k * b.rowStride, b.columnStride);
      dots.finish((matrix * a.rows + row) * b.columns, 1, a.columns);
    }
  return interpreter.setArray(op->getResult(0), *result);
}

void lutra::addProductHandlers(HandlerTable &table) { table.add<MatmulOp, evaluateMatmul>(); }
