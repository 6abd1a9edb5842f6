//===- Creation.cpp - tensors made from sizes and numbers ---------------------===//
#include "Operators.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::torch;
using Results = std::vector<torch::Value>;
using TorchValue = lutra::torch::Value;

/// The type of a Python number by itself.
static Type typeOfNumber(GraphBuilder &builder, const TorchValue &value) {
  return value.kind == TorchValue::Kind::Real   ? Type(builder.f32())
         : value.kind == TorchValue::Kind::Bool ? Type(builder.i1())
                                                : Type(builder.i64());
}

static Results filledWith(Arguments &args, ArrayRef<DimExpr> shape, Type type, StringRef name) {
  GraphTensor value = args.operand(name, GraphTensor());
  return {value ? args.builder.expand(args.builder.cast(value, type), shape) : value};
}

static Results full(Arguments &args) {
  Type type = args.type("dtype", typeOfNumber(args.builder, args.get("fill_value")));
  return filledWith(args, args.dims("size"), type, "fill_value");
}

static Results fullLike(Arguments &args) {
  GraphTensor like = args.tensor("self");
  if (!like)
    return {like};
  return filledWith(args, like.shape(), args.type("dtype", like.type()), "fill_value");
}

static Results newFull(Arguments &args) {
  GraphTensor like = args.tensor("self");
  if (!like)
    return {like};
  return filledWith(args, args.dims("size"), args.type("dtype", like.type()), "fill_value");
}

static Results fill(Arguments &args) {
  GraphTensor like = args.tensor("self");
  return like ? filledWith(args, like.shape(), like.type(), "value") : Results{like};
}

template <int value> static Results repeated(Arguments &args) {
  return {args.builder.filled(args.type("dtype", args.builder.f32()), args.dims("size"), value)};
}

template <int value> static Results repeatedLike(Arguments &args) {
  GraphTensor like = args.tensor("self");
  return {like ? args.builder.filled(args.type("dtype", like.type()), like.shape(), value) : like};
}

template <int value> static Results newRepeated(Arguments &args) {
  GraphTensor like = args.tensor("self");
  return {like ? args.builder.filled(args.type("dtype", like.type()), args.dims("size"), value) : like};
}

static Results scalarTensor(Arguments &args) {
  Type type = args.type("dtype", args.builder.f32());
  return filledWith(args, {}, type, "s");
}

/// start, start + step, .. below end.
static Results arange(Arguments &args) {
  GraphBuilder &builder = args.builder;
  DimSymbols &symbols = builder.dims();
  auto isReal = [&](StringRef name) { return args.get(name).kind == TorchValue::Kind::Real; };
  if (isReal("start") || isReal("end") || isReal("step")) {
    double start = args.real("start", 0.0), end = args.real("end", 0.0), step = args.real("step", 1.0);
    Type type = args.type("dtype", builder.f32());
    int64_t count = std::max<int64_t>(0, (int64_t)std::ceil((end - start) / step));
    return {builder.range(count, builder.scalar(type, start), builder.scalar(type, step))};
  }
  DimExpr start = args.has("start") ? args.dim("start") : DimExpr(0);
  int64_t step = args.integer("step", 1);
  if (step == 0)
    return {builder.fail(ErrorCode::Attribute, "counts in steps of 0")};
  DimExpr span = step > 0 ? args.dim("end") - start : start - args.dim("end");
  DimExpr count = symbols.max(symbols.ceilDiv(span, std::abs(step)), 0);
  Type type = args.type("dtype", builder.i64());
  GraphTensor first = builder.cast(builder.size(start), type);
  return {builder.range(count, first, builder.scalar(type, step))};
}

static constexpr Row kRows[] = {
    {"aten.arange", arange},
    {"aten.fill", fill},
    {"aten.full", full},
    {"aten.full_like", fullLike},
    {"aten.new_full", newFull},
    {"aten.new_ones", newRepeated<1>},
    {"aten.new_zeros", newRepeated<0>},
    {"aten.ones", repeated<1>},
    {"aten.ones_like", repeatedLike<1>},
    {"aten.scalar_tensor", scalarTensor},
    {"aten.zeros", repeated<0>},
    {"aten.zeros_like", repeatedLike<0>},
};

ArrayRef<Row> torch::creationRows() { return kRows; }
