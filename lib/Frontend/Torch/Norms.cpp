//===- Norms.cpp - softmax, normalisations --------------------------------------===//
#include "Operators.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::torch;
using Results = std::vector<torch::Value>;
using TorchValue = lutra::torch::Value;

template <bool log> static Results softmax(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  x = args.builder.cast(x, args.type("dtype", x.isFloat() ? x.type() : args.builder.f32()));
  return {args.builder.softmax(x, args.axis("dim", x.rank()), log)};
}

/// The last dimensions that `normalized_shape` names.
static int64_t normalizedDims(Arguments &args) { return args.dims("normalized_shape").size(); }

static Results layerNorm(Arguments &args) {
  return {args.builder.layerNorm(args.tensor("input"), args.optionalTensor("weight"), args.optionalTensor("bias"),
                                 normalizedDims(args), args.real("eps", 1e-5))};
}

static Results rmsNorm(Arguments &args) {
  GraphTensor x = args.tensor("input");
  // Without eps PyTorch takes the type's machine epsilon.
  double epsilon = x && x.type().isF64() ? 2.220446049250313e-16 : 1.1920928955078125e-07;
  return {args.builder.rmsNorm(x, args.optionalTensor("weight"), normalizedDims(args), args.real("eps", epsilon))};
}

/// A parameter of a norm, or its neutral value for each channel.
static GraphTensor channelParameter(Arguments &args, StringRef name, GraphTensor like, double neutral) {
  if (args.has(name))
    return args.tensor(name);
  return args.builder.filled(like.type(), like.shape(), neutral);
}

static Results batchNorm(Arguments &args) {
  if (args.boolean("training") || !args.has("running_mean"))
    return {args.builder.fail(ErrorCode::UnsupportedOp, "normalises by the batch; export the model after .eval()")};
  GraphTensor mean = args.tensor("running_mean"), variance = args.tensor("running_var");
  if (!mean || !variance)
    return {GraphTensor()};
  return {args.builder.batchNorm(args.tensor("input"), channelParameter(args, "weight", mean, 1),
                                 channelParameter(args, "bias", mean, 0), mean, variance, args.real("eps", 1e-5))};
}

/// The same norm, which also returns statistics that inference does not read.
static Results batchNormWithStatistics(Arguments &args) {
  Results result = batchNorm(args);
  result.resize(3);
  return result;
}

static Results groupNorm(Arguments &args) {
  GraphTensor x = args.tensor("input");
  if (!x || x.rank() < 2)
    return {GraphTensor()};
  GraphTensor channels = args.builder.filled(x.type(), {x.dim(1)}, 1);
  return {args.builder.groupNorm(x, channelParameter(args, "weight", channels, 1),
                                 channelParameter(args, "bias", channels, 0), args.dim("num_groups"),
                                 args.real("eps", 1e-5))};
}

static Results normalize(Arguments &args) {
  GraphTensor x = args.tensor("self");
  double order = args.real("ord", 2.0);
  if (!x || (order != 1.0 && order != 2.0))
    return {args.builder.fail(ErrorCode::UnsupportedOp, "a vector norm of another order than 1 or 2")};
  bool keep = args.boolean("keepdim");
  SmallVector<int64_t> axes = args.axes("dim", x.rank());
  GraphBuilder &builder = args.builder;
  if (order == 1.0)
    return {builder.reduce(ReduceKind::Sum, builder.unary(UnaryKind::Abs, x), axes, keep)};
  return {builder.unary(UnaryKind::Sqrt, builder.reduce(ReduceKind::Sum, builder.mul(x, x), axes, keep))};
}

static constexpr Row kRows[] = {
    {"aten._log_softmax", softmax<true>},
    {"aten._native_batch_norm_legit_no_training", batchNormWithStatistics},
    {"aten._softmax", softmax<false>},
    {"aten.batch_norm", batchNorm},
    {"aten.group_norm", groupNorm},
    {"aten.layer_norm", layerNorm},
    {"aten.linalg_vector_norm", normalize},
    {"aten.log_softmax", softmax<true>},
    {"aten.rms_norm", rmsNorm},
    {"aten.softmax", softmax<false>},
};

ArrayRef<Row> torch::normRows() { return kRows; }
