//===- Products.cpp - matrix products, attention, convolutions, pools -----------===//
#include "Operators.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace lutra;
using namespace lutra::torch;
using Results = std::vector<torch::Value>;
using TorchValue = lutra::torch::Value;

static Results linear(Arguments &args) {
  return {args.builder.linear(args.tensor("input"), args.tensor("weight"), args.optionalTensor("bias"))};
}

/// In the operands' type, integers modulo its width.
static GraphTensor multiply(GraphBuilder &builder, GraphTensor lhs, GraphTensor rhs) {
  GraphTensor product = builder.matmul(lhs, rhs);
  return product ? builder.cast(product, lhs.type()) : product;
}

static Results matmul(Arguments &args) {
  return {multiply(args.builder, args.tensor("self"), args.tensor(args.has("mat2") ? "mat2" : "other"))};
}

/// beta * self + alpha * (a b)
static Results addProduct(Arguments &args) {
  GraphBuilder &builder = args.builder;
  bool batched = args.has("batch1");
  GraphTensor product =
      multiply(builder, args.tensor(batched ? "batch1" : "mat1"), args.tensor(batched ? "batch2" : "mat2"));
  double alpha = args.real("alpha", 1.0), beta = args.real("beta", 1.0);
  if (alpha != 1.0)
    product = builder.mul(product, alpha);
  if (beta == 0.0)
    return {product};
  GraphTensor addend = args.tensor("self");
  return {builder.add(product, beta == 1.0 ? addend : builder.mul(addend, beta))};
}

static Results einsum(Arguments &args) {
  std::vector<GraphTensor> tensors = args.tensors("tensors");
  return {args.builder.einsum(args.text("equation"), tensors)};
}

/// softmax(q k^T * scale + mask) v. A truth mask keeps where it is true; rows that keep nothing give
/// zeros, as PyTorch's kernels do.
static Results attention(Arguments &args) {
  GraphBuilder &builder = args.builder;
  GraphTensor q = args.tensor("query"), k = args.tensor("key"), v = args.tensor("value");
  if (!q || !k || !v)
    return {GraphTensor()};
  if (args.real("dropout_p", 0.0) != 0.0)
    return {builder.fail(ErrorCode::UnsupportedOp, "drops values at random; export the model after .eval()")};
  int64_t rank = q.rank();
  std::optional<int64_t> depth = q.shape().back().constant();
  if (!depth && !args.has("scale"))
    return {builder.fail(ErrorCode::UnsupportedOp, "attention whose head size is known at run time only")};
  if (args.boolean("enable_gqa") && rank >= 3) {
    auto spread = [&](GraphTensor x) { // each head of keys serves several of the queries
      std::optional<DimExpr> group = q.dim(rank - 3).dividedBy(x.dim(rank - 3));
      if (!group)
        return builder.fail(ErrorCode::GraphType, "the heads of the query are no multiple of the keys'");
      Shape wide(x.shape()), joined(x.shape());
      wide.insert(wide.begin() + rank - 2, *group);
      joined[rank - 3] = joined[rank - 3] * *group;
      return builder.reshape(builder.expand(builder.unsqueeze(x, {rank - 2}), wide), joined);
    };
    k = spread(k);
    v = spread(v);
  }
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(order[rank - 1], order[rank - 2]);
  double scale = args.real("scale", 1.0 / std::sqrt(double(depth.value_or(1))));
  GraphTensor scores = builder.mul(builder.matmul(q, builder.transpose(k, order)), scale);
  GraphTensor keep;
  if (args.boolean("is_causal")) {
    DimExpr rows = q.dim(rank - 2), columns = k ? k.dim(rank - 2) : DimExpr(1);
    keep = builder.compare(CompareKind::GreaterEqual, builder.iota({rows, DimExpr(1)}, 0, builder.i64()),
                           builder.iota({DimExpr(1), columns}, 1, builder.i64()));
  } else if (args.has("attn_mask")) {
    GraphTensor mask = args.tensor("attn_mask");
    if (mask && mask.isBool())
      keep = mask;
    else
      scores = builder.add(scores, mask);
  }
  if (!keep)
    return {builder.matmul(builder.softmax(scores, rank - 1, false), v)};
  // The least finite number, not an infinity: a row without any kept score stays finite.
  double least = q.type().isF16() ? -65504.0 : -std::numeric_limits<float>::max();
  scores = builder.select(keep, scores, builder.scalar(q.type(), least));
  GraphTensor weights = builder.softmax(scores, rank - 1, false);
  if (!args.boolean("is_causal"))
    weights = builder.select(keep, weights, builder.scalar(q.type(), 0.0));
  return {builder.matmul(weights, v)};
}

/// A list with one entry for each spatial dimension; one entry serves all.
static SmallVector<int64_t, 3> spread(Arguments &args, StringRef name, int64_t count, int64_t otherwise) {
  SmallVector<int64_t> given = args.has(name) ? args.integers(name) : SmallVector<int64_t>();
  if (given.empty())
    given.push_back(otherwise);
  SmallVector<int64_t, 3> result(given.begin(), given.end());
  while ((int64_t)result.size() < count)
    result.push_back(result.front());
  return result;
}

static Results conv(Arguments &args) {
  GraphBuilder &builder = args.builder;
  GraphTensor x = args.tensor("input"), weight = args.tensor("weight");
  if (!x || !weight)
    return {GraphTensor()};
  int64_t spatial = weight.rank() - 2;
  bool unbatched = x.rank() == spatial + 1;
  if (unbatched)
    x = builder.unsqueeze(x, {0});
  WindowOptions options;
  for (const DimExpr &size : weight.shape().drop_front(2))
    options.window.push_back(size.constant().value_or(0));
  options.strides = spread(args, "stride", spatial, 1);
  options.dilations = spread(args, "dilation", spatial, 1);
  options.groups = args.integer("groups", 1);
  if (args.get("padding").kind == TorchValue::Kind::Text) {
    bool same = args.text("padding") == "same";
    for (int64_t i = 0; i < spatial; ++i) {
      int64_t total = same ? options.dilations[i] * (options.window[i] - 1) : 0;
      options.low.push_back(total / 2);
      options.high.push_back(total - total / 2);
    }
  } else {
    options.low = options.high = spread(args, "padding", spatial, 0);
  }
  bool transposed = args.boolean("transposed") || args.has("output_padding");
  GraphTensor result;
  if (transposed && (args.boolean("transposed") || !args.has("transposed")))
    result = builder.convTranspose(x, weight, args.optionalTensor("bias"), options,
                                   spread(args, "output_padding", spatial, 0));
  else
    result = builder.conv(x, weight, args.optionalTensor("bias"), options);
  return {unbatched && result ? builder.squeeze(result, {0}) : result};
}

template <PoolKind kind, int spatial> static Results pool(Arguments &args) {
  GraphBuilder &builder = args.builder;
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  bool unbatched = x.rank() == spatial + 1;
  if (unbatched)
    x = builder.unsqueeze(x, {0});
  if (args.has("divisor_override"))
    return {builder.fail(ErrorCode::UnsupportedOp, "an average with a divisor of its own")};
  WindowOptions options;
  options.window = spread(args, "kernel_size", spatial, 1);
  bool ownStride = args.has("stride") && !args.dims("stride").empty();
  options.strides = ownStride ? spread(args, "stride", spatial, 1) : options.window;
  options.dilations = spread(args, "dilation", spatial, 1);
  options.low = options.high = spread(args, "padding", spatial, 0);
  options.ceilMode = args.boolean("ceil_mode");
  options.countPadding =
      kind == PoolKind::Average && (!args.has("count_include_pad") || args.boolean("count_include_pad"));
  GraphTensor result = builder.pool(kind, x, options);
  return {unbatched && result ? builder.squeeze(result, {0}) : result};
}

/// Averages over windows that cut the input evenly, the whole input above all.
template <int spatial> static Results adaptivePool(Arguments &args) {
  GraphBuilder &builder = args.builder;
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  Shape sizes = args.dims("output_size");
  SmallVector<int64_t> axes;
  bool whole = true;
  for (int i = 0; i < spatial; ++i) {
    axes.push_back(x.rank() - spatial + i);
    whole &= sizes[i].is(1);
  }
  if (whole)
    return {builder.mean(x, axes, true)};
  WindowOptions options;
  for (int i = 0; i < spatial; ++i) {
    std::optional<int64_t> extent = x.dim(axes[i]).constant(), target = sizes[i].constant();
    if (!extent || !target || *target <= 0 || *extent % *target)
      return {builder.fail(ErrorCode::UnsupportedOp, "an adaptive pool that does not cut the input evenly")};
    options.window.push_back(*extent / *target);
  }
  options.strides = options.window;
  options.dilations.assign(spatial, 1);
  options.low.assign(spatial, 0);
  options.high.assign(spatial, 0);
  return {builder.pool(PoolKind::Average, x, options)};
}

static constexpr Row kRows[] = {
    {"aten.adaptive_avg_pool1d", adaptivePool<1>},
    {"aten.adaptive_avg_pool2d", adaptivePool<2>},
    {"aten.addmm", addProduct},
    {"aten.avg_pool1d", pool<PoolKind::Average, 1>},
    {"aten.avg_pool2d", pool<PoolKind::Average, 2>},
    {"aten.avg_pool3d", pool<PoolKind::Average, 3>},
    {"aten.baddbmm", addProduct},
    {"aten.bmm", matmul},
    {"aten.conv1d", conv},
    {"aten.conv2d", conv},
    {"aten.conv3d", conv},
    {"aten.conv_transpose1d", conv},
    {"aten.conv_transpose2d", conv},
    {"aten.convolution", conv},
    {"aten.einsum", einsum},
    {"aten.linear", linear},
    {"aten.matmul", matmul},
    {"aten.max_pool1d", pool<PoolKind::Max, 1>},
    {"aten.max_pool2d", pool<PoolKind::Max, 2>},
    {"aten.max_pool3d", pool<PoolKind::Max, 3>},
    {"aten.mm", matmul},
    {"aten.scaled_dot_product_attention", attention},
};

ArrayRef<Row> torch::productRows() { return kRows; }
