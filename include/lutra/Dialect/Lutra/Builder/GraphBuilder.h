//===- GraphBuilder.h - builds graph-level modules for all front ends ------===//
// An op's meaning (broadcasting, promotion, result shapes, composites) is written once, here. A front
// end reads its format and calls methods named after ideas, not after its own operators.
//
// - A Tensor is a handle on a value under construction: element type, shape as DimExpr, and what is
//   known of its elements. Values are emitted on first use, so shape arithmetic and dead constants
//   leave no trace in the module.
// - Errors stick: a method that meets a contradiction records it and returns the null Tensor;
//   methods given a null Tensor return null at once. A caller checks once per node with takeError().
// - Integer tensors of up to `maxKnown` elements are known element by element as DimExpr; arithmetic
//   and movement on them fold. Constants fold too, floats in double, rounded to their type each step.
#ifndef LUTRA_DIALECT_LUTRA_BUILDER_GRAPHBUILDER_H
#define LUTRA_DIALECT_LUTRA_BUILDER_GRAPHBUILDER_H

#include "lutra/Dialect/Lutra/Builder/DimExpr.h"
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace lutra {

using Shape = llvm::SmallVector<DimExpr, 4>;
using Integers = llvm::SmallVector<DimExpr, 4>;

/// What a Tensor refers to. Owned by its GraphBuilder.
struct TensorNode {
  mlir::Type elementType;
  Shape shape;
  mlir::Value value;             // null until emitted
  mlir::ElementsAttr constant;   // every element, when all are numbers
  std::optional<Integers> known; // every element, when some are sizes
  std::string name;              // of a weight, for its symbol
};

/// A handle; null after an error or for an operand that is absent.
class Tensor {
public:
  Tensor() = default;
  Tensor(TensorNode *node) : node(node) {}
  explicit operator bool() const { return node; }
  TensorNode *operator->() const { return node; }
  bool operator==(const Tensor &other) const { return node == other.node; }

  mlir::Type type() const { return node->elementType; }
  int64_t rank() const { return node->shape.size(); }
  llvm::ArrayRef<DimExpr> shape() const { return node->shape; }
  const DimExpr &dim(int64_t index) const { return node->shape[index]; }
  bool isFloat() const { return llvm::isa<mlir::FloatType>(node->elementType); }
  bool isBool() const { return node->elementType.isInteger(1); }
  bool isInteger() const { return llvm::isa<mlir::IntegerType>(node->elementType) && !isBool(); }
  bool isConstant() const { return (bool)node->constant; }
  /// The number of elements, if every size is known.
  std::optional<int64_t> count() const;

private:
  TensorNode *node = nullptr;
};

/// Why a method failed.
struct BuildError {
  ErrorCode code;
  std::string message;
};

/// Sliding-window geometry of conv and pool, one entry per spatial dimension.
struct WindowOptions {
  llvm::SmallVector<int64_t, 3> window, strides, dilations, low, high;
  int64_t groups = 1;
  bool ceilMode = false, countPadding = false;
};

struct ResizeOptions {
  ResizeMode mode = ResizeMode::Nearest;
  ResizeCoordinates coordinates = ResizeCoordinates::HalfPixel;
  ResizeRounding rounding = ResizeRounding::RoundPreferFloor;
  double cubicCoefficient = -0.75;
  bool excludeOutside = false;
};

class GraphBuilder {
public:
  /// Integer tensors of up to this many elements are followed element by element.
  static constexpr int64_t maxKnown = 1024;
  /// The most elements that a generated constant or a static shape may have.
  static constexpr int64_t maxElements = int64_t(1) << 31;

  GraphBuilder(mlir::MLIRContext *context, mlir::Location loc, llvm::StringRef entry);

  //===-- module ------------------------------------------------------------===//
  /// Adds an argument of the entry function. All inputs are added before anything else.
  Tensor addInput(llvm::StringRef name, mlir::Type type, llvm::ArrayRef<DimExpr> shape);
  struct Output {
    std::string name;
    Tensor tensor;
  };
  /// Ends the entry function; the builder is spent.
  mlir::OwningOpRef<mlir::ModuleOp> finish(llvm::ArrayRef<Output> outputs);

  void setLoc(mlir::Location newLoc) { loc = newLoc; }
  DimSymbols &dims() { return symbols; }
  mlir::MLIRContext *getContext() const { return context; }
  mlir::FloatType f32() { return mlir::Float32Type::get(context); }
  mlir::IntegerType i64() { return mlir::IntegerType::get(context, 64); }
  mlir::IntegerType i1() { return mlir::IntegerType::get(context, 1); }

  //===-- errors --------------------------------------------------------------===//
  /// Records the first error and returns the null tensor.
  Tensor fail(ErrorCode code, const llvm::Twine &message);
  bool hasError() const { return error.has_value(); }
  std::optional<BuildError> takeError();

  //===-- constants and sizes ---------------------------------------------------===//
  /// A constant from row-major bytes (a bool is one byte). `owner` keeps the bytes alive; nothing is
  /// copied when the tensor is large.
  Tensor constantBytes(llvm::StringRef name, mlir::Type type, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<char> bytes, std::shared_ptr<const void> owner);
  Tensor constant(mlir::ElementsAttr value);
  /// One number as a rank-0 tensor, or repeated over a static or dynamic shape.
  Tensor scalar(mlir::Type type, double value);
  Tensor filled(mlir::Type type, llvm::ArrayRef<DimExpr> shape, double value);
  Tensor integers(mlir::Type type, llvm::ArrayRef<DimExpr> values, llvm::ArrayRef<DimExpr> shape);
  Tensor vector(llvm::ArrayRef<DimExpr> values); // i64, rank 1
  Tensor size(const DimExpr &dim);               // i64, rank 0

  /// Elements of an integer (or bool) tensor, when known.
  std::optional<Integers> knownIntegers(Tensor tensor) const;
  /// The same where each is a number.
  std::optional<llvm::SmallVector<int64_t>> constantIntegers(Tensor tensor) const;
  /// Elements of a constant of any numeric type, up to `limit` of them.
  std::optional<llvm::SmallVector<double>> constantReals(Tensor tensor, int64_t limit = 65536) const;

  /// The SSA value, emitted here if it was not yet.
  mlir::Value value(Tensor tensor);
  mlir::Value index(const DimExpr &dim);
  llvm::SmallVector<mlir::Value> dynamicSizes(llvm::ArrayRef<DimExpr> shape);
  mlir::RankedTensorType tensorType(mlir::Type type, llvm::ArrayRef<DimExpr> shape);
  bool isStatic(llvm::ArrayRef<DimExpr> shape) const;

  //===-- pointwise -----------------------------------------------------------===//
  Tensor unary(UnaryKind kind, Tensor input);
  Tensor binary(BinaryKind kind, Tensor lhs, Tensor rhs);
  Tensor compare(CompareKind kind, Tensor lhs, Tensor rhs);
  Tensor select(Tensor condition, Tensor lhs, Tensor rhs);
  Tensor cast(Tensor input, mlir::Type type);
  Tensor add(Tensor a, Tensor b) { return binary(BinaryKind::Add, a, b); }
  Tensor sub(Tensor a, Tensor b) { return binary(BinaryKind::Sub, a, b); }
  Tensor mul(Tensor a, Tensor b) { return binary(BinaryKind::Mul, a, b); }
  Tensor div(Tensor a, Tensor b) { return binary(BinaryKind::Div, a, b); }
  Tensor add(Tensor a, double b) { return a ? add(a, scalar(a.type(), b)) : a; }
  Tensor mul(Tensor a, double b) { return a ? mul(a, scalar(a.type(), b)) : a; }
  Tensor max(Tensor a, double b) { return a ? binary(BinaryKind::Max, a, scalar(a.type(), b)) : a; }
  Tensor min(Tensor a, double b) { return a ? binary(BinaryKind::Min, a, scalar(a.type(), b)) : a; }
  Tensor pow(Tensor base, Tensor exponent);
  Tensor clip(Tensor input, Tensor low, Tensor high);
  /// The shape that NumPy broadcasting gives, or nullopt with an error recorded.
  std::optional<Shape> broadcastShapes(llvm::ArrayRef<Tensor> tensors);

  //===-- activations -----------------------------------------------------------===//
  Tensor leakyRelu(Tensor input, Tensor slope);
  Tensor elu(Tensor input, double alpha);
  Tensor celu(Tensor input, double alpha);
  Tensor selu(Tensor input, double alpha, double gamma);
  Tensor hardSigmoid(Tensor input, double alpha, double beta);
  Tensor hardSwish(Tensor input);
  Tensor mish(Tensor input);
  Tensor shrink(Tensor input, double lambda, double bias);

  //===-- movement ------------------------------------------------------------===//
  Tensor reshape(Tensor input, llvm::ArrayRef<DimExpr> shape);
  /// ONNX and NumPy spelling: -1 once for the rest; with `zeroCopies`, 0 repeats the input's size.
  Tensor reshapeTo(Tensor input, llvm::ArrayRef<DimExpr> target, bool zeroCopies);
  Tensor transpose(Tensor input, llvm::ArrayRef<int64_t> permutation);
  Tensor squeeze(Tensor input, llvm::ArrayRef<int64_t> axes);
  Tensor unsqueeze(Tensor input, llvm::ArrayRef<int64_t> axes);
  Tensor expand(Tensor input, llvm::ArrayRef<DimExpr> shape);
  /// Offsets and sizes that lie inside the input.
  Tensor slice(Tensor input, llvm::ArrayRef<DimExpr> offsets, llvm::ArrayRef<DimExpr> sizes,
               llvm::ArrayRef<int64_t> steps);
  /// NumPy's input[start:end:step] along one axis, clamped to the input.
  Tensor sliceAxis(Tensor input, int64_t axis, const DimExpr &start, const DimExpr &end, int64_t step);
  Tensor concat(llvm::ArrayRef<Tensor> inputs, int64_t axis);
  Tensor pad(Tensor input, llvm::ArrayRef<DimExpr> low, llvm::ArrayRef<DimExpr> high, PadMode mode,
             Tensor value);
  Tensor tile(Tensor input, llvm::ArrayRef<DimExpr> repeats);
  Tensor iota(llvm::ArrayRef<DimExpr> shape, int64_t axis, mlir::Type type);
  Tensor range(const DimExpr &count, Tensor start, Tensor delta);
  Tensor gather(Tensor input, Tensor indices, int64_t axis);
  Tensor gatherElements(Tensor input, Tensor indices, int64_t axis);
  Tensor gatherNd(Tensor input, Tensor indices, int64_t batchDims);
  Tensor scatterElements(Tensor input, Tensor indices, Tensor updates, int64_t axis, ScatterKind kind);
  Tensor scatterNd(Tensor input, Tensor indices, Tensor updates, ScatterKind kind);
  Tensor resize(Tensor input, llvm::ArrayRef<DimExpr> sizes, llvm::ArrayRef<double> scales,
                const ResizeOptions &options);
  Tensor depthToSpace(Tensor input, int64_t block, bool columnMajor);
  Tensor spaceToDepth(Tensor input, int64_t block);
  /// Keeps what lies on or above (below) diagonal `k` of the last two dimensions.
  Tensor trilu(Tensor input, Tensor k, bool upper);
  Tensor oneHot(Tensor indices, const DimExpr &depth, Tensor off, Tensor on, int64_t axis);

  //===-- reductions ------------------------------------------------------------===//
  Tensor reduce(ReduceKind kind, Tensor input, llvm::ArrayRef<int64_t> axes, bool keepDims);
  Tensor mean(Tensor input, llvm::ArrayRef<int64_t> axes, bool keepDims);
  Tensor logSumExp(Tensor input, llvm::ArrayRef<int64_t> axes, bool keepDims);
  Tensor argReduce(ReduceKind kind, Tensor input, int64_t axis, bool keepDims, bool selectLast);
  Tensor cumulative(ReduceKind kind, Tensor input, int64_t axis, bool exclusive, bool reverse);
  /// values, indices (i64).
  std::pair<Tensor, Tensor> topK(Tensor input, const DimExpr &k, int64_t axis, bool largest);

  //===-- norms ---------------------------------------------------------------===//
  Tensor softmax(Tensor input, int64_t axis, bool log);
  Tensor layerNorm(Tensor input, Tensor scale, Tensor bias, int64_t dims, double epsilon);
  Tensor rmsNorm(Tensor input, Tensor scale, int64_t dims, double epsilon);
  Tensor batchNorm(Tensor input, Tensor scale, Tensor bias, Tensor mean, Tensor variance,
                   double epsilon);
  Tensor groupNorm(Tensor input, Tensor scale, Tensor bias, const DimExpr &groups, double epsilon);
  Tensor lpNorm(Tensor input, int64_t axis, int64_t order);
  Tensor localResponseNorm(Tensor input, int64_t size, double alpha, double beta, double bias);

  //===-- products --------------------------------------------------------------===//
  /// NumPy's matmul: rank 1 operands, broadcast batch dimensions.
  Tensor matmul(Tensor lhs, Tensor rhs);
  Tensor gemm(Tensor a, Tensor b, Tensor c, double alpha, double beta, bool transposeA,
              bool transposeB);
  Tensor conv(Tensor input, Tensor filter, Tensor bias, const WindowOptions &options);
  Tensor convTranspose(Tensor input, Tensor filter, Tensor bias, const WindowOptions &options,
                       llvm::ArrayRef<int64_t> outputPadding);
  Tensor pool(PoolKind kind, Tensor input, const WindowOptions &options);
  Tensor einsum(llvm::StringRef equation, llvm::ArrayRef<Tensor> inputs);
  struct LstmResult {
    Tensor sequence, lastH, lastC;
  };
  LstmResult lstm(Tensor input, Tensor weights, Tensor recurrence, Tensor bias, Tensor initialH,
                  Tensor initialC, RecurrentDirection direction);

  //===-- quantization ----------------------------------------------------------===//
  Tensor quantize(Tensor input, Tensor scale, Tensor zeroPoint, mlir::Type type, int64_t axis,
                  int64_t block);
  Tensor dequantize(Tensor input, Tensor scale, Tensor zeroPoint, mlir::Type type, int64_t axis,
                    int64_t block);

private:
  Tensor make(mlir::Type type, llvm::ArrayRef<DimExpr> shape, mlir::Value value = {});
  Tensor makeConstant(mlir::Type type, llvm::ArrayRef<int64_t> shape, mlir::ElementsAttr value);
  /// Emits an op of one result and wraps it.
  template <typename OpTy, typename... Args>
  Tensor emit(mlir::Type type, llvm::ArrayRef<DimExpr> shape, Args &&...args) {
    auto op = OpTy::create(builder, loc, tensorType(type, shape), std::forward<Args>(args)...);
    return make(type, shape, op->getResult(0));
  }
  bool checkSize(llvm::ArrayRef<DimExpr> shape);
  /// The operand as a pointwise op may read it: expanded where a size may be 1 at run time.
  mlir::Value broadcastOperand(Tensor tensor, llvm::ArrayRef<DimExpr> shape);
  /// A tensor whose element at r is the element sourceOf(r) of a known input (-1: absent).
  Tensor foldMovement(Tensor input, llvm::ArrayRef<DimExpr> shape,
                      llvm::function_ref<int64_t(llvm::ArrayRef<int64_t>)> sourceOf);
  bool canFoldMovement(Tensor input, llvm::ArrayRef<DimExpr> shape) const;
  Tensor foldIntegers(mlir::Type type, llvm::ArrayRef<DimExpr> shape, llvm::ArrayRef<Tensor> operands,
                      llvm::function_ref<std::optional<DimExpr>(llvm::ArrayRef<DimExpr>)> function);
  Tensor foldReals(mlir::Type type, llvm::ArrayRef<DimExpr> shape, llvm::ArrayRef<Tensor> operands,
                   llvm::function_ref<std::optional<double>(llvm::ArrayRef<double>)> function);

  mlir::MLIRContext *context;
  mlir::Location loc;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  mlir::OpBuilder builder;
  DimSymbols symbols;
  std::deque<TensorNode> nodes;
  std::optional<BuildError> error;
  llvm::SmallVector<std::pair<DimExpr, mlir::Value>> indices; // emitted sizes, searched in order
  llvm::DenseMap<unsigned, std::pair<unsigned, unsigned>> symbolSource; // atom -> (argument, dim)
  llvm::StringMap<unsigned> globalNames;
};

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_BUILDER_GRAPHBUILDER_H
