//===- Reductions.cpp - sums, extremes, running sums ----------------------------===//
#include "Operators.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::torch;
using Results = std::vector<torch::Value>;
using TorchValue = lutra::torch::Value;

/// Sums and products of integers and truth values are i64.
template <ReduceKind kind> static Results accumulate(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  x = args.builder.cast(x, args.type("dtype", x.isFloat() ? x.type() : args.builder.i64()));
  return {args.builder.reduce(kind, x, args.axes("dim", x.rank()), args.boolean("keepdim"))};
}

static Results mean(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  x = args.builder.cast(x, args.type("dtype", x.type()));
  return {args.builder.mean(x, args.axes("dim", x.rank()), args.boolean("keepdim"))};
}

/// The mean square distance from the mean; `root` of it for a standard deviation.
template <bool root> static Results variance(Arguments &args) {
  GraphBuilder &builder = args.builder;
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  SmallVector<int64_t> axes = args.axes("dim", x.rank());
  double correction = args.has("correction") ? args.real("correction", 1.0)
                      : args.has("unbiased") ? args.boolean("unbiased")
                                             : 1.0;
  DimExpr count = 1;
  for (int64_t axis : axes)
    count = count * x.dim(axis);
  GraphTensor distance = builder.sub(x, builder.mean(x, axes, true));
  GraphTensor total = builder.reduce(ReduceKind::Sum, builder.mul(distance, distance), axes, args.boolean("keepdim"));
  GraphTensor divisor = builder.add(builder.cast(builder.size(count), x.type()), -correction);
  GraphTensor result = builder.div(total, divisor);
  return {root ? builder.unary(UnaryKind::Sqrt, result) : result};
}

/// The extreme over several axes (amax) or over one with its index (max.dim); with another tensor it is
/// the larger of two (max.other).
template <ReduceKind kind> static Results extreme(Arguments &args) {
  GraphBuilder &builder = args.builder;
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  if (args.has("other")) {
    auto [a, b] = promoted(args, "self", "other");
    return {builder.binary(kind == ReduceKind::Max ? BinaryKind::Max : BinaryKind::Min, a, b)};
  }
  bool keep = args.boolean("keepdim");
  SmallVector<int64_t> axes = args.axes("dim", x.rank());
  GraphTensor values = builder.reduce(kind, x, axes, keep);
  if (!args.get("dim").isInteger())
    return {values};
  return {values, builder.argReduce(kind, x, axes.front(), keep, false)};
}

template <ReduceKind kind> static Results position(Arguments &args) {
  GraphBuilder &builder = args.builder;
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  if (args.has("dim"))
    return {builder.argReduce(kind, x, args.axis("dim", x.rank()), args.boolean("keepdim"), false)};
  return {builder.argReduce(kind, builder.reshapeTo(x, {DimExpr(-1)}, false), 0, false, false)};
}

/// any is the maximum of truth values, all the minimum.
template <ReduceKind kind> static Results truth(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  x = args.builder.cast(x, args.builder.i1());
  return {args.builder.reduce(kind, x, args.axes("dim", x.rank()), args.boolean("keepdim"))};
}

static Results logSumExp(Arguments &args) {
  GraphTensor x = args.tensor("self");
  return {x ? args.builder.logSumExp(x, args.axes("dim", x.rank()), args.boolean("keepdim")) : x};
}

static Results cumulativeSum(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  x = args.builder.cast(x, args.type("dtype", x.isFloat() ? x.type() : args.builder.i64()));
  return {args.builder.cumulative(ReduceKind::Sum, x, args.axis("dim", x.rank()), false, false)};
}

static Results topK(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  bool largest = !args.has("largest") || args.boolean("largest");
  auto [values, indices] = args.builder.topK(x, args.dim("k"), args.axis("dim", x.rank()), largest);
  return {values, indices};
}

static constexpr Row kRows[] = {
    {"aten.all", truth<ReduceKind::Min>},
    {"aten.amax", extreme<ReduceKind::Max>},
    {"aten.amin", extreme<ReduceKind::Min>},
    {"aten.any", truth<ReduceKind::Max>},
    {"aten.argmax", position<ReduceKind::Max>},
    {"aten.argmin", position<ReduceKind::Min>},
    {"aten.cumsum", cumulativeSum},
    {"aten.logsumexp", logSumExp},
    {"aten.max", extreme<ReduceKind::Max>},
    {"aten.mean", mean},
    {"aten.min", extreme<ReduceKind::Min>},
    {"aten.prod", accumulate<ReduceKind::Prod>},
    {"aten.std", variance<true>},
    {"aten.sum", accumulate<ReduceKind::Sum>},
    {"aten.topk", topK},
    {"aten.var", variance<false>},
};

ArrayRef<Row> torch::reductionRows() { return kRows; }
