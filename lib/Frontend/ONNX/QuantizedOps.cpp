//===- QuantizedOps.cpp - ops from codes to codes of com.microsoft -------------===//
// onnxruntime's static quantization writes them where QDQ is not asked for. Each means its op of ONNX between a
// DequantizeLinear and a QuantizeLinear with one scale, of 8-bit codes; a zero point that is absent is 0. Its dynamic
// quantization writes products of codes that give floats.
#include "Quantization.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

/// A scale or zero point of rank 0. Axes have none here.
static GraphTensor oneParameter(NodeImport &n, GraphTensor parameter) {
  if (!parameter || parameter.rank() == 0)
    return parameter;
  if (parameter.count() != 1)
    return n.unsupported("has a scale or zero point for each of several slices");
  return n.b.reshape(parameter, {});
}

/// What the codes stand for whose scale and zero point follow as operands.
static GraphTensor valuesOf(NodeImport &n, unsigned operand) {
  GraphTensor codes = n.in(operand), scale = oneParameter(n, n.in(operand + 1));
  GraphTensor zero = oneParameter(n, n.optional(operand + 2));
  if (!codes || !scale || n.b.hasError())
    return {};
  return n.b.dequantize(codes, scale, zero, scale.type(), /*axis=*/0, /*block=*/0);
}

/// Codes of `values` by the scale at `operand` and the zero point behind it.
static GraphTensor codesOf(NodeImport &n, GraphTensor values, unsigned operand, Type fallback) {
  GraphTensor scale = oneParameter(n, n.in(operand)), zero = oneParameter(n, n.optional(operand + 1));
  if (!values || !scale || n.b.hasError())
    return {};
  return n.b.quantize(values, scale, zero, zero ? zero.type() : fallback, /*axis=*/0, /*block=*/0);
}

static Type codeType(NodeImport &n, unsigned operand) {
  GraphTensor codes = n.in(operand);
  return codes ? codes.type() : Type();
}

template <BinaryKind kind> static GraphTensor importBinary(NodeImport &n) {
  GraphTensor a = valuesOf(n, 0), b = valuesOf(n, 3);
  return a && b ? codesOf(n, n.b.binary(kind, a, b), 6, codeType(n, 0)) : GraphTensor();
}

static GraphTensor importSigmoid(NodeImport &n) {
  GraphTensor x = valuesOf(n, 0);
  return x ? codesOf(n, n.b.unary(UnaryKind::Sigmoid, x), 3, codeType(n, 0)) : x;
}

static GraphTensor importLeakyRelu(NodeImport &n) {
  GraphTensor x = valuesOf(n, 0);
  double alpha = n.real("alpha", 0.01);
  return x ? codesOf(n, n.b.leakyRelu(x, n.b.scalar(x.type(), alpha)), 3, codeType(n, 0)) : x;
}

static GraphTensor importSoftmax(NodeImport &n) {
  GraphTensor x = valuesOf(n, 0);
  int64_t axis = n.integer("axis", -1), opset = n.integer("opset", 13);
  if (!x)
    return {};
  axis = n.axis(axis, x.rank());
  if (n.b.hasError())
    return {};
  if (opset < 13 && axis != x.rank() - 1)
    return n.unsupported("folds several axes into one, as before operator set 13");
  return codesOf(n, n.b.softmax(x, axis, /*log=*/false), 3, codeType(n, 0));
}

static GraphTensor importGlobalAverage(NodeImport &n) {
  GraphTensor x = valuesOf(n, 0);
  bool channelsLast = n.integer("channels_last", 0) != 0;
  if (!x)
    return {};
  SmallVector<int64_t> axes;
  for (int64_t axis = channelsLast ? 1 : 2; axis < x.rank() - channelsLast; ++axis)
    axes.push_back(axis);
  return codesOf(n, n.b.mean(x, axes, /*keepDims=*/true), 3, codeType(n, 0));
}

static GraphTensor importConcat(NodeImport &n) {
  if (n.inputCount() < 5 || (n.inputCount() - 2) % 3 != 0)
    return n.invalid(ErrorCode::GraphStructure,
                     "has " + Twine(n.inputCount()) + " inputs, not two and three for each tensor that it joins");
  SmallVector<GraphTensor> inputs;
  for (unsigned operand = 2; operand + 2 < n.inputCount(); operand += 3)
    inputs.push_back(valuesOf(n, operand));
  int64_t axis = n.integer("axis", 0);
  if (llvm::any_of(inputs, [](GraphTensor input) { return !input; }))
    return {};
  return codesOf(n, n.b.concat(inputs, n.axis(axis, inputs[0].rank())), 0, codeType(n, 2));
}

static GraphTensor importWhere(NodeImport &n) {
  GraphTensor condition = n.in(0), x = valuesOf(n, 1), y = valuesOf(n, 4);
  return condition && x && y ? codesOf(n, n.b.select(condition, x, y), 7, codeType(n, 1)) : GraphTensor();
}

/// The product of codes less their zero points is exact, and C counts in units of both scales.
static GraphTensor importGemm(NodeImport &n) {
  bool transposeA = n.integer("transA", 0) != 0, transposeB = n.integer("transB", 0) != 0;
  double alpha = n.real("alpha", 1.0);
  GraphTensor a = n.in(0), b = n.in(3), scale = oneParameter(n, n.in(1)), scales = n.in(4);
  if (!a || !b || !scale || !scales)
    return {};
  if (a.rank() != 2 || b.rank() != 2)
    return n.invalid(ErrorCode::GraphType, "multiplies tensors of other ranks than 2");
  GraphTensor left = importCentred(n, 0, 2, 0), right = importCentred(n, 3, 5, transposeB ? 0 : 1);
  if (!left || !right)
    return {};
  if (transposeA)
    left = n.b.transpose(left, {1, 0});
  if (transposeB)
    right = n.b.transpose(right, {1, 0});
  GraphTensor sum = n.b.matmul(left, right);
  if (n.has(6))
    sum = n.b.add(sum, n.in(6));
  if (scales.count() == 1)
    scales = n.b.reshape(scales, {});
  scale = n.b.mul(n.b.mul(scale, scales), alpha);
  if (!sum || !scale)
    return {};
  GraphTensor values = n.b.mul(n.b.cast(sum, scale.type()), scale);
  return n.has(7) ? codesOf(n, values, 7, codeType(n, 0)) : values;
}

/// A matrix of codes as floats, with one scale or one for each column.
static GraphTensor matrixOf(NodeImport &n, unsigned codes, unsigned scale, unsigned zero) {
  GraphTensor matrix = n.in(codes), factor = n.in(scale), offset = n.optional(zero);
  if (!matrix || !factor)
    return {};
  auto isByte = [](GraphTensor tensor) { return tensor.type().isInteger(8); };
  if (!isByte(matrix) || matrix.rank() == 0 || (offset && !isByte(offset)))
    return n.invalid(ErrorCode::GraphType, "multiplies codes, or has a zero point, that are no tensor of i8 or ui8");
  bool isOne = factor.count() == 1 && (!offset || offset.count() == 1);
  for (GraphTensor *side : {&factor, &offset}) { // both of one form
    if (!*side)
      continue;
    if (isOne)
      *side = n.b.reshape(*side, {});
    else if (side->count() == 1)
      *side = n.b.expand(n.b.reshape(*side, {1}), {matrix.shape().back()});
    else if (side->rank() != 1)
      return n.unsupported("has scales or zero points for each matrix of a batch; give one for each column");
  }
  if (n.b.hasError())
    return {};
  return n.b.dequantize(matrix, factor, offset, factor.type(), std::max<int64_t>(matrix.rank() - 1, 0), /*block=*/0);
}

/// The product with what is added to it, if anything is.
static GraphTensor product(NodeImport &n, GraphTensor left, GraphTensor right, unsigned bias) {
  if (!left || !right)
    return {};
  GraphTensor added = n.optional(bias);
  if (added && added.rank() > 1)
    return n.invalid(ErrorCode::GraphType, "adds a tensor of " + Twine(added.rank()) +
                                               " dimensions; a bias has one, with an element for each column of B");
  GraphTensor result = n.b.matmul(left, right);
  return added ? n.b.add(result, added) : result;
}

static GraphTensor importMatMulIntegerToFloat(NodeImport &n) {
  GraphTensor scale = n.in(2), zero = n.optional(4);
  if ((scale && scale.count() != 1) || (zero && zero.count() != 1))
    return n.unsupported("has several scales or zero points of A; onnxruntime writes one of each");
  return product(n, matrixOf(n, 0, 2, 4), matrixOf(n, 1, 3, 5), 6);
}

static GraphTensor importDynamicQuantizeMatMul(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  if (!x.type().isF32())
    return n.unsupported("rounds values of another type than f32; cast them");
  DynamicCodes made = quantizeDynamically(n, x);
  if (!made.codes)
    return {};
  GraphTensor left = n.b.dequantize(made.codes, made.scale, made.zeroPoint, x.type(), /*axis=*/0, /*block=*/0);
  return product(n, left, matrixOf(n, 1, 2, 3), 4);
}

ArrayRef<OpEntry> frontend::quantizedOps() {
  static const OpEntry table[] = {
      {"DynamicQuantizeMatMul", 1, importDynamicQuantizeMatMul, "com.microsoft"},
      {"MatMulIntegerToFloat", 1, importMatMulIntegerToFloat, "com.microsoft"},
      {"QGemm", 1, importGemm, "com.microsoft"},
      {"QLinearAdd", 1, importBinary<BinaryKind::Add>, "com.microsoft"},
      {"QLinearConcat", 1, importConcat, "com.microsoft"},
      {"QLinearGlobalAveragePool", 1, importGlobalAverage, "com.microsoft"},
      {"QLinearLeakyRelu", 1, importLeakyRelu, "com.microsoft"},
      {"QLinearMul", 1, importBinary<BinaryKind::Mul>, "com.microsoft"},
      {"QLinearSigmoid", 1, importSigmoid, "com.microsoft"},
      {"QLinearSoftmax", 1, importSoftmax, "com.microsoft"},
      {"QLinearWhere", 1, importWhere, "com.microsoft"},
  };
  return table;
}
