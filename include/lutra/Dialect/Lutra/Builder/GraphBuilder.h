//===- GraphBuilder.h - builds graph-level modules for all front ends ------===//
// An op's meaning (broadcasting, promotion, result shapes, composites) is written once, here. A front
// end reads its format and calls methods named after ideas, not after its own operators.
//
// - A GraphTensor is a handle on a value under construction: element type, shape as DimExpr, and what is
//   known of its elements. Values are emitted on first use, so shape arithmetic and dead constants
//   leave no trace in the module.
// - Errors stick: a method that meets a contradiction records it and returns the null GraphTensor;
//   methods given a null GraphTensor return null at once. A caller checks once per node with takeError().
// - Integer tensors of up to `maxKnown` elements are known element by element as DimExpr; arithmetic
//   and movement on them fold. Constants fold too, floats in double, rounded to their type each step.
#ifndef LUTRA_DIALECT_LUTRA_BUILDER_GRAPHBUILDER_H
#define LUTRA_DIALECT_LUTRA_BUILDER_GRAPHBUILDER_H

#include "lutra/Dialect/Lutra/Builder/DimExpr.h"
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
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

/// What a GraphTensor refers to. Owned by its GraphBuilder.
struct TensorNode {
  mlir::Type elementType;
  Shape shape;
  mlir::Value value;             // null until emitted
  mlir::ElementsAttr constant;   // every element, when all are numbers
  std::optional<Integers> known; // every element, when some are sizes
  std::string name;              // of a weight, for its symbol
};

/// A handle; null after an error or for an operand that is absent.
class GraphTensor {
public:
  GraphTensor() = default;
  GraphTensor(TensorNode *node) : node(node) {}
  explicit operator bool() const { return node; }
  TensorNode *operator->() const { return node; }
  bool operator==(const GraphTensor &other) const { return node == other.node; }

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
  GraphTensor addInput(llvm::StringRef name, mlir::Type type, llvm::ArrayRef<DimExpr> shape);
  struct Output {
    std::string name;
    GraphTensor tensor;
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
  GraphTensor fail(ErrorCode code, const llvm::Twine &message);
  bool hasError() const { return error.has_value(); }
  std::optional<BuildError> takeError();

  //===-- constants and sizes ---------------------------------------------------===//
  /// A constant from row-major bytes (a bool is one byte). `owner` keeps the bytes alive; nothing is
  /// copied when the tensor is large.
  GraphTensor constantBytes(llvm::StringRef name, mlir::Type type, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<char> bytes, std::shared_ptr<const void> owner);
  /// A weight of floats of type `type` that is stored as `bytes`, the canonical form of `encoding`.
  GraphTensor encodedWeight(llvm::StringRef name, mlir::Type type, EncodingAttr encoding,
                            llvm::ArrayRef<int64_t> shape, mlir::AsmResourceBlob bytes);
  GraphTensor constant(mlir::ElementsAttr value);
  /// One number as a rank-0 tensor, or repeated over a static or dynamic shape.
  GraphTensor scalar(mlir::Type type, double value);
  GraphTensor filled(mlir::Type type, llvm::ArrayRef<DimExpr> shape, double value);
  GraphTensor integers(mlir::Type type, llvm::ArrayRef<DimExpr> values, llvm::ArrayRef<DimExpr> shape);
  GraphTensor vector(llvm::ArrayRef<DimExpr> values); // i64, rank 1
  GraphTensor size(const DimExpr &dim);               // i64, rank 0

  /// Elements of an integer (or bool) tensor, when known. Beyond +-2^62 they are cut off there, as sizes are.
  std::optional<Integers> knownIntegers(GraphTensor tensor) const;
  /// The same, unless one was cut off.
  std::optional<Integers> exactIntegers(GraphTensor tensor) const;
  /// The same where each is a number.
  std::optional<llvm::SmallVector<int64_t>> constantIntegers(GraphTensor tensor) const;
  /// Elements of a constant of any numeric type, up to `limit` of them.
  std::optional<llvm::SmallVector<double>> constantReals(GraphTensor tensor, int64_t limit = 65536) const;

  /// The SSA value, emitted here if it was not yet.
  mlir::Value value(GraphTensor tensor);
  mlir::Value index(const DimExpr &dim);
  llvm::SmallVector<mlir::Value> dynamicSizes(llvm::ArrayRef<DimExpr> shape);
  mlir::RankedTensorType tensorType(mlir::Type type, llvm::ArrayRef<DimExpr> shape);
  bool isStatic(llvm::ArrayRef<DimExpr> shape) const;

  //===-- control flow ----------------------------------------------------------===//
  /// Builds the ops of one branch; its results, or nullopt after an error.
  using BranchFunction = llvm::function_ref<std::optional<llvm::SmallVector<GraphTensor>>()>;
  /// The results of `yes` where the one element of `condition` is true, else those of `no`; only that branch runs.
  /// Results must agree in type and shape. A result that neither branch computes is selected without control flow.
  std::optional<llvm::SmallVector<GraphTensor>> branch(GraphTensor condition, BranchFunction yes, BranchFunction no);

  //===-- pointwise -----------------------------------------------------------===//
  GraphTensor unary(UnaryKind kind, GraphTensor input);
  GraphTensor binary(BinaryKind kind, GraphTensor lhs, GraphTensor rhs);
  GraphTensor compare(CompareKind kind, GraphTensor lhs, GraphTensor rhs);
  GraphTensor select(GraphTensor condition, GraphTensor lhs, GraphTensor rhs);
  GraphTensor cast(GraphTensor input, mlir::Type type);
  GraphTensor add(GraphTensor a, GraphTensor b) { return binary(BinaryKind::Add, a, b); }
  GraphTensor sub(GraphTensor a, GraphTensor b) { return binary(BinaryKind::Sub, a, b); }
  GraphTensor mul(GraphTensor a, GraphTensor b) { return binary(BinaryKind::Mul, a, b); }
  GraphTensor div(GraphTensor a, GraphTensor b) { return binary(BinaryKind::Div, a, b); }
  GraphTensor add(GraphTensor a, double b) { return a ? add(a, scalar(a.type(), b)) : a; }
  GraphTensor mul(GraphTensor a, double b) { return a ? mul(a, scalar(a.type(), b)) : a; }
  GraphTensor max(GraphTensor a, double b) { return a ? binary(BinaryKind::Max, a, scalar(a.type(), b)) : a; }
  GraphTensor min(GraphTensor a, double b) { return a ? binary(BinaryKind::Min, a, scalar(a.type(), b)) : a; }
  GraphTensor pow(GraphTensor base, GraphTensor exponent);
  GraphTensor clip(GraphTensor input, GraphTensor low, GraphTensor high);
  /// The shape that NumPy broadcasting gives, or nullopt with an error recorded.
  std::optional<Shape> broadcastShapes(llvm::ArrayRef<GraphTensor> tensors);

  //===-- activations -----------------------------------------------------------===//
  GraphTensor leakyRelu(GraphTensor input, GraphTensor slope);
  GraphTensor elu(GraphTensor input, double alpha);
  GraphTensor celu(GraphTensor input, double alpha);
  GraphTensor selu(GraphTensor input, double alpha, double gamma);
  GraphTensor hardSigmoid(GraphTensor input, double alpha, double beta);
  GraphTensor hardSwish(GraphTensor input);
  GraphTensor mish(GraphTensor input);
  GraphTensor shrink(GraphTensor input, double lambda, double bias);

  //===-- movement ------------------------------------------------------------===//
  GraphTensor reshape(GraphTensor input, llvm::ArrayRef<DimExpr> shape);
  /// ONNX and NumPy spelling: -1 once for the rest; with `zeroCopies`, 0 repeats the input's size.
  GraphTensor reshapeTo(GraphTensor input, llvm::ArrayRef<DimExpr> target, bool zeroCopies);
  GraphTensor transpose(GraphTensor input, llvm::ArrayRef<int64_t> permutation);
  GraphTensor squeeze(GraphTensor input, llvm::ArrayRef<int64_t> axes);
  GraphTensor unsqueeze(GraphTensor input, llvm::ArrayRef<int64_t> axes);
  GraphTensor expand(GraphTensor input, llvm::ArrayRef<DimExpr> shape);
  /// Offsets and sizes that lie inside the input.
  GraphTensor slice(GraphTensor input, llvm::ArrayRef<DimExpr> offsets, llvm::ArrayRef<DimExpr> sizes,
               llvm::ArrayRef<int64_t> steps);
  /// NumPy's input[start:end:step] along one axis, clamped to the input.
  GraphTensor sliceAxis(GraphTensor input, int64_t axis, const DimExpr &start, const DimExpr &end, int64_t step);
  GraphTensor concat(llvm::ArrayRef<GraphTensor> inputs, int64_t axis);
  GraphTensor pad(GraphTensor input, llvm::ArrayRef<DimExpr> low, llvm::ArrayRef<DimExpr> high, PadMode mode,
             GraphTensor value);
  GraphTensor tile(GraphTensor input, llvm::ArrayRef<DimExpr> repeats);
  GraphTensor iota(llvm::ArrayRef<DimExpr> shape, int64_t axis, mlir::Type type);
  GraphTensor range(const DimExpr &count, GraphTensor start, GraphTensor delta);
  GraphTensor gather(GraphTensor input, GraphTensor indices, int64_t axis);
  GraphTensor gatherElements(GraphTensor input, GraphTensor indices, int64_t axis);
  GraphTensor gatherNd(GraphTensor input, GraphTensor indices, int64_t batchDims);
  GraphTensor scatterElements(GraphTensor input, GraphTensor indices, GraphTensor updates, int64_t axis,
                              ScatterKind kind);
  GraphTensor scatterNd(GraphTensor input, GraphTensor indices, GraphTensor updates, ScatterKind kind);
  GraphTensor resize(GraphTensor input, llvm::ArrayRef<DimExpr> sizes, llvm::ArrayRef<double> scales,
                const ResizeOptions &options);
  GraphTensor depthToSpace(GraphTensor input, int64_t block, bool columnMajor);
  GraphTensor spaceToDepth(GraphTensor input, int64_t block);
  /// Keeps what lies on or above (below) diagonal `k` of the last two dimensions.
  GraphTensor trilu(GraphTensor input, GraphTensor k, bool upper);
  GraphTensor oneHot(GraphTensor indices, const DimExpr &depth, GraphTensor off, GraphTensor on, int64_t axis);

  //===-- reductions ------------------------------------------------------------===//
  GraphTensor reduce(ReduceKind kind, GraphTensor input, llvm::ArrayRef<int64_t> axes, bool keepDims);
  GraphTensor mean(GraphTensor input, llvm::ArrayRef<int64_t> axes, bool keepDims);
  GraphTensor logSumExp(GraphTensor input, llvm::ArrayRef<int64_t> axes, bool keepDims);
  GraphTensor argReduce(ReduceKind kind, GraphTensor input, int64_t axis, bool keepDims, bool selectLast);
  GraphTensor cumulative(ReduceKind kind, GraphTensor input, int64_t axis, bool exclusive, bool reverse);
  /// values, indices (i64).
  std::pair<GraphTensor, GraphTensor> topK(GraphTensor input, const DimExpr &k, int64_t axis, bool largest);

  //===-- norms ---------------------------------------------------------------===//
  GraphTensor softmax(GraphTensor input, int64_t axis, bool log);
  GraphTensor layerNorm(GraphTensor input, GraphTensor scale, GraphTensor bias, int64_t dims, double epsilon);
  GraphTensor rmsNorm(GraphTensor input, GraphTensor scale, int64_t dims, double epsilon);
  GraphTensor batchNorm(GraphTensor input, GraphTensor scale, GraphTensor bias, GraphTensor mean, GraphTensor variance,
                   double epsilon);
  GraphTensor groupNorm(GraphTensor input, GraphTensor scale, GraphTensor bias, const DimExpr &groups, double epsilon);
  GraphTensor lpNorm(GraphTensor input, int64_t axis, int64_t order);
  GraphTensor localResponseNorm(GraphTensor input, int64_t size, double alpha, double beta, double bias);

  //===-- products --------------------------------------------------------------===//
  /// NumPy's matmul: rank 1 operands, broadcast batch dimensions.
  GraphTensor matmul(GraphTensor lhs, GraphTensor rhs);
  /// input [.., K] times the rows of weight [N, K], plus bias [N] when given.
  GraphTensor linear(GraphTensor input, GraphTensor weight, GraphTensor bias);
  GraphTensor gemm(GraphTensor a, GraphTensor b, GraphTensor c, double alpha, double beta, bool transposeA,
              bool transposeB);
  GraphTensor conv(GraphTensor input, GraphTensor filter, GraphTensor bias, const WindowOptions &options);
  GraphTensor convTranspose(GraphTensor input, GraphTensor filter, GraphTensor bias, const WindowOptions &options,
                       llvm::ArrayRef<int64_t> outputPadding);
  GraphTensor pool(PoolKind kind, GraphTensor input, const WindowOptions &options);
  GraphTensor einsum(llvm::StringRef equation, llvm::ArrayRef<GraphTensor> inputs);
  struct LstmResult {
    GraphTensor sequence, lastH, lastC;
  };
  LstmResult lstm(GraphTensor input, GraphTensor weights, GraphTensor recurrence, GraphTensor bias,
                  GraphTensor initialH, GraphTensor initialC, RecurrentDirection direction);

  //===-- quantization ----------------------------------------------------------===//
  GraphTensor quantize(GraphTensor input, GraphTensor scale, GraphTensor zeroPoint, mlir::Type type, int64_t axis,
                  int64_t block);
  GraphTensor dequantize(GraphTensor input, GraphTensor scale, GraphTensor zeroPoint, mlir::Type type, int64_t axis,
                    int64_t block);

private:
  GraphTensor make(mlir::Type type, llvm::ArrayRef<DimExpr> shape, mlir::Value value = {});
  /// Adds a global (its symbol is made from `base`) and names it at the end of the function.
  mlir::Value addWeight(llvm::StringRef base, mlir::RankedTensorType type, mlir::ElementsAttr data);
  GraphTensor makeConstant(mlir::Type type, llvm::ArrayRef<int64_t> shape, mlir::ElementsAttr value);
  /// Emits an op of one result and wraps it.
  template <typename OpTy, typename... Args>
  GraphTensor emit(mlir::Type type, llvm::ArrayRef<DimExpr> shape, Args &&...args) {
    auto op = OpTy::create(builder, loc, tensorType(type, shape), std::forward<Args>(args)...);
    return make(type, shape, op->getResult(0));
  }
  bool checkSize(llvm::ArrayRef<DimExpr> shape);
  /// Sees to it that an op runs only with sizes that fit: checked when the model is called, or an error here where no
  /// input can fit.
  bool requireEqual(const DimExpr &lhs, const DimExpr &rhs, const llvm::Twine &what);
  bool requireAtLeast(const DimExpr &size, const DimExpr &least, const llvm::Twine &what);
  /// The same for indices that go along one axis: in every other dimension they stay inside the input.
  bool requireElementsInside(GraphTensor input, GraphTensor indices, int64_t axis);
  /// A scale (and zero point) of rank 0, of the size of dimension `axis`, or of one element for each block.
  bool requireScales(GraphTensor input, GraphTensor scale, GraphTensor zeroPoint, int64_t axis, int64_t block);
  void writeEntryChecks();
  /// Reshape where the caller has seen to it that the element count stays.
  GraphTensor reinterpret(GraphTensor input, llvm::ArrayRef<DimExpr> shape);
  /// The operand as a pointwise op may read it: expanded where a size may be 1 at run time.
  mlir::Value broadcastOperand(GraphTensor tensor, llvm::ArrayRef<DimExpr> shape);
  /// A tensor whose element at r is the element sourceOf(r) of a known input (-1: absent).
  GraphTensor foldMovement(GraphTensor input, llvm::ArrayRef<DimExpr> shape,
                      llvm::function_ref<int64_t(llvm::ArrayRef<int64_t>)> sourceOf);
  bool canFoldMovement(GraphTensor input, llvm::ArrayRef<DimExpr> shape) const;
  GraphTensor foldIntegers(mlir::Type type, llvm::ArrayRef<DimExpr> shape, llvm::ArrayRef<GraphTensor> operands,
                      llvm::function_ref<std::optional<DimExpr>(llvm::ArrayRef<DimExpr>)> function);
  /// What an element of that type holds of an integer: wrapped when it is a number. Nullopt where that is not known, or
  /// the number was cut off; entry checks see to it that a formula over sizes fits.
  std::optional<DimExpr> settle(mlir::Type type, const DimExpr &value);
  GraphTensor foldReals(mlir::Type type, llvm::ArrayRef<DimExpr> shape, llvm::ArrayRef<GraphTensor> operands,
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
