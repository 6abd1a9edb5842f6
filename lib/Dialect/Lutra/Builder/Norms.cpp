//===- Norms.cpp - normalisations ------------------------------------------===//
#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

/// A vector of channel values shaped so that it broadcasts over [B, C, spatial..].
static GraphTensor perChannel(GraphBuilder &b, GraphTensor vector, int64_t rank) {
  if (!vector)
    return {};
  Shape shape(rank - 1, DimExpr(1));
  shape[0] = vector.rank() == 1 ? vector.dim(0) : DimExpr(1);
  return b.reshape(vector, shape);
}

GraphTensor GraphBuilder::softmax(GraphTensor input, int64_t axis, bool log) {
  if (!input)
    return {};
  if (axis < 0 || axis >= input.rank() || !input.isFloat())
    return fail(ErrorCode::Attribute, "normalises axis " + Twine(axis) + " of a tensor of rank " +
                                          Twine(input.rank()) + ", or integers");
  return emit<SoftmaxOp>(input.type(), input.shape(), value(input), axis, log);
}

GraphTensor GraphBuilder::layerNorm(GraphTensor input, GraphTensor scale, GraphTensor bias, int64_t dims,
                                    double epsilon) {
  if (!input)
    return {};
  if (dims < 1 || dims > input.rank() || !input.isFloat())
    return fail(ErrorCode::Attribute, "normalises the last " + Twine(dims) +
                                          " dimensions of a tensor of rank " + Twine(input.rank()));
  ArrayRef<DimExpr> inner = input.shape().take_back(dims);
  bool isPlain = (!scale || scale.shape() == inner) && (!bias || bias.shape() == inner) &&
                 (scale || !bias) && (!scale || scale.type() == input.type()) &&
                 (!bias || bias.type() == input.type());
  if (isPlain)
    return emit<LayerNormOp>(input.type(), input.shape(), value(input),
                             scale ? value(scale) : Value(), bias ? value(bias) : Value(), dims,
                             llvm::APFloat(epsilon));
  GraphTensor result = layerNorm(input, {}, {}, dims, epsilon);
  if (scale)
    result = mul(result, cast(scale, input.type()));
  return bias ? add(result, cast(bias, input.type())) : result;
}

GraphTensor GraphBuilder::rmsNorm(GraphTensor input, GraphTensor scale, int64_t dims, double epsilon) {
  if (!input)
    return {};
  if (dims < 1 || dims > input.rank() || !input.isFloat())
    return fail(ErrorCode::Attribute, "normalises the last " + Twine(dims) +
                                          " dimensions of a tensor of rank " + Twine(input.rank()));
  ArrayRef<DimExpr> inner = input.shape().take_back(dims);
  if (scale && (scale.shape() != inner || scale.type() != input.type()))
    return mul(rmsNorm(input, {}, dims, epsilon), cast(scale, input.type()));
  return emit<RmsNormOp>(input.type(), input.shape(), value(input), scale ? value(scale) : Value(),
                         dims, llvm::APFloat(epsilon));
}

GraphTensor GraphBuilder::batchNorm(GraphTensor input, GraphTensor scale, GraphTensor bias, GraphTensor mean,
                                    GraphTensor variance, double epsilon) {
  if (!input || !scale || !bias || !mean || !variance)
    return {};
  if (input.rank() < 2)
    return fail(ErrorCode::GraphType, "normalises the channels of a tensor of rank " +
                                          Twine(input.rank()) + ", which has none");
  std::optional<SmallVector<double>> g = constantReals(scale), b = constantReals(bias),
                                     m = constantReals(mean), v = constantReals(variance);
  bool isConstant = g && b && m && v && g->size() == b->size() && g->size() == m->size() &&
                    g->size() == v->size() && input.type().isF32();
  if (!isConstant) {
    GraphTensor factor = div(scale, unary(UnaryKind::Sqrt, add(variance, epsilon)));
    GraphTensor offset = sub(bias, mul(mean, factor));
    return add(mul(input, perChannel(*this, cast(factor, input.type()), input.rank())),
               perChannel(*this, cast(offset, input.type()), input.rank()));
  }
  SmallVector<float> factor, offset;
  for (auto [gain, shift, centre, spread] : llvm::zip_equal(*g, *b, *m, *v)) {
    double slope = gain / std::sqrt(spread + epsilon);
    factor.push_back((float)slope);
    offset.push_back((float)(shift - centre * slope));
  }
  auto type = RankedTensorType::get({(int64_t)factor.size()}, f32());
  GraphTensor slopes = constant(DenseElementsAttr::get(type, ArrayRef<float>(factor)));
  GraphTensor offsets = constant(DenseElementsAttr::get(type, ArrayRef<float>(offset)));
  slopes->name = scale->name;
  offsets->name = bias->name;
  return add(mul(input, perChannel(*this, slopes, input.rank())),
             perChannel(*this, offsets, input.rank()));
}

GraphTensor GraphBuilder::groupNorm(GraphTensor input, GraphTensor scale, GraphTensor bias, const DimExpr &groups,
                               double epsilon) {
  if (!input || !scale || !bias)
    return {};
  if (input.rank() < 2)
    return fail(ErrorCode::GraphType, "normalises groups of a tensor of rank " + Twine(input.rank()) +
                                          ", which has no channels");
  DimExpr extent = 1;
  for (const DimExpr &dim : input.shape().drop_front())
    extent = extent * dim;
  if (groups.isConstant() && input.dim(1).isConstant() &&
      (groups.is(0) || !input.dim(1).dividedBy(groups)))
    return fail(ErrorCode::Attribute, "splits " + symbols.text(input.dim(1)) + " channels into " +
                                          symbols.text(groups) + " groups");
  bool isPerChannel = groups == input.dim(1);
  if (!isPerChannel && (!requireAtLeast(groups, 1, "the number of groups") ||
                        !requireEqual(symbols.mod(input.dim(1), groups), 0, "the channels modulo the groups and 0")))
    return {};
  GraphTensor grouped = reshape(input, {input.dim(0), groups, symbols.floorDiv(extent, groups)});
  GraphTensor result = layerNorm(grouped, {}, {}, 1, epsilon);
  bool isPerGroup = scale.rank() == 1 && scale.dim(0) == groups && !isPerChannel;
  if (isPerGroup) {
    result = add(mul(result, perChannel(*this, scale, 3)), perChannel(*this, bias, 3));
    return reshape(result, input.shape());
  }
  return add(mul(reshape(result, input.shape()), perChannel(*this, scale, input.rank())),
             perChannel(*this, bias, input.rank()));
}

GraphTensor GraphBuilder::lpNorm(GraphTensor input, int64_t axis, int64_t order) {
  if (!input)
    return {};
  if (order != 1 && order != 2)
    return fail(ErrorCode::Attribute, "has p = " + Twine(order) + ", but only 1 and 2 are defined");
  GraphTensor norm = order == 1
                    ? reduce(ReduceKind::Sum, unary(UnaryKind::Abs, input), {axis}, true)
                    : unary(UnaryKind::Sqrt, reduce(ReduceKind::Sum, mul(input, input), {axis}, true));
  if (!norm)
    return {};
  // A row of zeros stays zero.
  GraphTensor isZero = compare(CompareKind::Equal, norm, scalar(norm.type(), 0.0));
  return div(input, select(isZero, scalar(norm.type(), 1.0), norm));
}

GraphTensor GraphBuilder::localResponseNorm(GraphTensor input, int64_t size, double alpha, double beta,
                                       double bias) {
  if (!input)
    return {};
  if (input.rank() < 3 || size < 1)
    return fail(ErrorCode::Attribute, "normalises over " + Twine(size) +
                                          " channels of a tensor of rank " + Twine(input.rank()));
  // The channels become rows of an image, so that the window's mean is an average pool.
  DimExpr spatial = 1;
  for (const DimExpr &dim : input.shape().drop_front(2))
    spatial = spatial * dim;
  WindowOptions window;
  window.window = {size, 1};
  window.strides = window.dilations = {1, 1};
  window.low = {(size - 1) / 2, 0};
  window.high = {size / 2, 0};
  window.countPadding = true;
  GraphTensor image = reshape(mul(input, input), {input.dim(0), 1, input.dim(1), spatial});
  GraphTensor average = reshape(pool(PoolKind::Average, image, window), input.shape());
  GraphTensor base = add(mul(average, alpha), bias);
  if (base && beta == 0.75 && alpha >= 0 && bias >= 0) { // no base below 0: two roots, where a power costs a logarithm
    GraphTensor root = unary(UnaryKind::Sqrt, base);
    return div(input, mul(root, unary(UnaryKind::Sqrt, root)));
  }
  return base ? div(input, binary(BinaryKind::Pow, base, scalar(base.type(), beta))) : base;
}
