//===- Products.cpp - matmul, convolution, pooling, recurrences ------------===//
#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

#include "lutra/Dialect/Lutra/IR/ProductTypes.h"

using namespace mlir;
using namespace lutra;

/// Integers of 8 or 16 bits accumulate in i32, everything else in its own type.
static Type accumulatorOf(Type type) {
  return isNarrowInteger(type) ? IntegerType::get(type.getContext(), 32) : type;
}

/// Whether a product takes operands of these types.
static bool canMultiply(Type lhs, Type rhs) {
  return lhs == rhs || (isNarrowInteger(lhs) && isNarrowInteger(rhs));
}

GraphTensor GraphBuilder::matmul(GraphTensor lhs, GraphTensor rhs) {
  if (!lhs || !rhs)
    return {};
  if (lhs.rank() == 0 || rhs.rank() == 0 || !canMultiply(lhs.type(), rhs.type()) || lhs.isBool())
    return fail(ErrorCode::GraphType, "multiplies scalars or tensors of two element types");
  if (lhs.rank() == 1) {
    GraphTensor result = matmul(unsqueeze(lhs, {0}), rhs);
    return result ? squeeze(result, {std::max<int64_t>(result.rank() - (rhs.rank() == 1 ? 1 : 2), 0)})
                  : result;
  }
  if (rhs.rank() == 1) {
    GraphTensor result = matmul(lhs, unsqueeze(rhs, {1}));
    return result ? squeeze(result, {result.rank() - 1}) : result;
  }
  const DimExpr &depth = lhs.shape().back(), &rows = rhs.dim(rhs.rank() - 2);
  if (!symbols.requireEqual(depth, rows))
    return fail(ErrorCode::GraphType, "multiplies " + symbols.text(lhs.shape()) + " with " +
                                          symbols.text(rhs.shape()) + ", whose inner sizes differ");
  GraphTensor lhsBatch = make(lhs.type(), lhs.shape().drop_back(2));
  GraphTensor rhsBatch = make(rhs.type(), rhs.shape().drop_back(2));
  std::optional<Shape> batch = broadcastShapes({lhsBatch, rhsBatch});
  if (!batch)
    return {};
  auto batched = [&](GraphTensor operand) {
    Shape shape(*batch);
    llvm::append_range(shape, operand.shape().take_back(2));
    return expand(operand, shape);
  };
  if (rhs.rank() > 2 || lhs.rank() < 2) {
    lhs = batched(lhs);
    rhs = batched(rhs);
  }
  if (!lhs || !rhs)
    return {};
  Shape shape(*batch);
  shape.push_back(lhs.dim(lhs.rank() - 2));
  shape.push_back(rhs.shape().back());
  if (!checkSize(shape))
    return {};
  return emit<MatmulOp>(accumulatorOf(lhs.type()), shape, value(lhs), value(rhs), false, false,
                        StrategyAttr());
}

GraphTensor GraphBuilder::linear(GraphTensor input, GraphTensor weight, GraphTensor bias) {
  if (!input || !weight)
    return {};
  if (weight.rank() != 2 || input.rank() == 0 || input.type() != weight.type())
    return fail(ErrorCode::GraphType, "needs a weight of rank 2 in the input's type");
  if (input.rank() == 1) {
    GraphTensor result = linear(unsqueeze(input, {0}), weight, bias);
    return result ? squeeze(result, {0}) : result;
  }
  if (!symbols.requireEqual(input.shape().back(), weight.dim(1)))
    return fail(ErrorCode::GraphType, "multiplies " + symbols.text(input.shape()) + " with the rows of " +
                                          symbols.text(weight.shape()) + ", whose sizes differ");
  Shape shape(input.shape());
  shape.back() = weight.dim(0);
  if (!checkSize(shape))
    return {};
  GraphTensor result = emit<MatmulOp>(accumulatorOf(input.type()), shape, value(input), value(weight), false, true,
                                      StrategyAttr());
  result = cast(result, input.type());
  return bias ? add(result, bias) : result;
}

GraphTensor GraphBuilder::gemm(GraphTensor a, GraphTensor b, GraphTensor c, double alpha, double beta, bool transposeA,
                          bool transposeB) {
  if (!a || !b)
    return {};
  if (a.rank() != 2 || b.rank() != 2 || a.type() != b.type())
    return fail(ErrorCode::GraphType, "multiplies tensors of rank " + Twine(a.rank()) + " and " +
                                          Twine(b.rank()) + "; both need rank 2 and one type");
  const DimExpr &depth = a.dim(transposeA ? 0 : 1), &rows = b.dim(transposeB ? 1 : 0);
  if (!symbols.requireEqual(depth, rows))
    return fail(ErrorCode::GraphType, "multiplies " + symbols.text(a.shape()) + " with " +
                                          symbols.text(b.shape()) + ", whose inner sizes differ");
  Shape shape{a.dim(transposeA ? 1 : 0), b.dim(transposeB ? 0 : 1)};
  if (!checkSize(shape))
    return {};
  GraphTensor result = emit<MatmulOp>(accumulatorOf(a.type()), shape, value(a), value(b), transposeA, transposeB,
                                      StrategyAttr());
  result = cast(result, a.type());
  auto scaled = [&](GraphTensor tensor, double factor) { return factor == 1.0 ? tensor : mul(tensor, factor); };
  result = scaled(result, alpha);
  return c && beta != 0.0 ? add(result, scaled(c, beta)) : result;
}

/// Whether the options speak of `spatial` dimensions with sizes that mean something.
static bool isSane(const WindowOptions &options, size_t spatial) {
  auto positive = [&](ArrayRef<int64_t> values) {
    return values.size() == spatial && llvm::all_of(values, [](int64_t value) { return value > 0; });
  };
  return positive(options.window) && positive(options.strides) && positive(options.dilations) &&
         options.low.size() == spatial && options.high.size() == spatial && options.groups > 0;
}

GraphTensor GraphBuilder::conv(GraphTensor input, GraphTensor filter, GraphTensor bias, const WindowOptions &options) {
  if (!input || !filter)
    return {};
  int64_t spatial = input.rank() - 2;
  if (spatial < 1 || filter.rank() != input.rank())
    return fail(ErrorCode::GraphType, "convolves an input of rank " + Twine(input.rank()) +
                                          " with a filter of rank " + Twine(filter.rank()));
  if (!isSane(options, spatial))
    return fail(ErrorCode::Attribute,
                "has strides, dilations, groups or pads that are not positive or not one for each of " +
                    Twine(spatial) + " spatial dimensions");
  if (spatial > 3)
    return fail(ErrorCode::UnsupportedOp, "convolves " + Twine(spatial) + " spatial dimensions");
  DimExpr channels = filter.dim(1) * DimExpr(options.groups);
  if (!symbols.requireEqual(input.dim(1), channels))
    return fail(ErrorCode::GraphType, "has " + symbols.text(input.dim(1)) + " input channels, but " +
                                          Twine(options.groups) + " groups of the filter read " +
                                          symbols.text(channels));
  if (!symbols.requireEqual(symbols.mod(filter.dim(0), options.groups), 0))
    return fail(ErrorCode::Attribute, "splits " + symbols.text(filter.dim(0)) + " filters into " +
                                          Twine(options.groups) + " groups");
  for (const DimExpr &size : filter.shape().drop_front(2))
    if (!size.isConstant())
      return fail(ErrorCode::UnsupportedOp, "has a filter of size " + symbols.text(filter.shape()) +
                                                ", whose window is known at run time only; give it fixed sizes");
  Shape shape{input.dim(0), filter.dim(0)};
  for (int64_t dim = 0; dim < spatial; ++dim) {
    int64_t reach = options.dilations[dim] * (options.window[dim] - 1) + 1;
    DimExpr padded = input.dim(dim + 2) + DimExpr(options.low[dim] + options.high[dim]);
    if (!symbols.require(padded, reach))
      return fail(ErrorCode::GraphType, "has a window of " + Twine(reach) + " on a padded size of " +
                                            symbols.text(padded));
    shape.push_back(symbols.floorDiv(padded - DimExpr(reach), options.strides[dim]) + DimExpr(1));
  }
  if (!checkSize(shape))
    return {};
  GraphTensor result = emit<ConvOp>(accumulatorOf(input.type()), shape, value(input), value(filter),
                               ConvLayout::ChannelsFirst, options.strides, options.low, options.high,
                               options.dilations, options.groups, StrategyAttr());
  if (!bias)
    return result;
  Shape perChannel(spatial + 1, DimExpr(1));
  perChannel[0] = filter.dim(0);
  return add(result, reshape(bias, perChannel));
}

GraphTensor GraphBuilder::convTranspose(GraphTensor input, GraphTensor filter, GraphTensor bias,
                                   const WindowOptions &options, ArrayRef<int64_t> outputPadding) {
  if (!input || !filter)
    return {};
  int64_t spatial = input.rank() - 2;
  if (spatial < 1 || filter.rank() != input.rank())
    return fail(ErrorCode::GraphType, "convolves an input of rank " + Twine(input.rank()) +
                                          " with a filter of rank " + Twine(filter.rank()));
  if (!isSane(options, spatial) || (int64_t)outputPadding.size() != spatial)
    return fail(ErrorCode::Attribute,
                "has strides, dilations, groups or pads that are not positive or not one for each of " +
                    Twine(spatial) + " spatial dimensions");
  if (spatial > 3)
    return fail(ErrorCode::UnsupportedOp, "convolves " + Twine(spatial) + " spatial dimensions");
  for (const DimExpr &size : filter.shape().drop_front())
    if (!size.isConstant())
      return fail(ErrorCode::UnsupportedOp, "has a filter of size " + symbols.text(filter.shape()) +
                                                ", of which only the first may be known at run time; fix the others");
  if (!requireEqual(input.dim(1), filter.dim(0), "the channels of input and filter") ||
      !requireEqual(symbols.mod(filter.dim(0), options.groups), 0,
                    "the channels (" + symbols.text(filter.dim(0)) + ") modulo " + Twine(options.groups) +
                        " groups and 0"))
    return {};
  DimExpr filters = filter.dim(1) * DimExpr(options.groups);
  Shape shape{input.dim(0), filters};
  for (int64_t dim = 0; dim < spatial; ++dim) {
    DimExpr steps = (input.dim(dim + 2) - DimExpr(1)) * DimExpr(options.strides[dim]);
    int64_t reach = options.dilations[dim] * (options.window[dim] - 1) + 1;
    shape.push_back(steps + DimExpr(reach + outputPadding[dim] - options.low[dim] - options.high[dim]));
    if (!requireAtLeast(shape.back(), 0, "the size of dimension " + Twine(dim + 2) + " of the result"))
      return {};
  }
  if (!checkSize(shape))
    return {};
  GraphTensor result = emit<ConvTransposeOp>(input.type(), shape, value(input), value(filter),
                                        options.strides, options.low, options.high, outputPadding,
                                        options.dilations, options.groups);
  if (!bias)
    return result;
  Shape perChannel(spatial + 1, DimExpr(1));
  perChannel[0] = filters;
  return add(result, reshape(bias, perChannel));
}

GraphTensor GraphBuilder::pool(PoolKind kind, GraphTensor input, const WindowOptions &options) {
  if (!input)
    return {};
  int64_t spatial = input.rank() - 2;
  if (spatial < 1 || !isSane(options, spatial))
    return fail(ErrorCode::Attribute,
                "has a window, strides, dilations or pads that are not positive or not one for each of " +
                    Twine(spatial) + " spatial dimensions");
  if (spatial > 3)
    return fail(ErrorCode::UnsupportedOp, "pools " + Twine(spatial) + " spatial dimensions");
  Shape shape{input.dim(0), input.dim(1)};
  for (int64_t dim = 0; dim < spatial; ++dim) {
    int64_t reach = options.dilations[dim] * (options.window[dim] - 1) + 1, stride = options.strides[dim];
    DimExpr padded = input.dim(dim + 2) + DimExpr(options.low[dim] + options.high[dim]);
    if (!symbols.require(padded, options.ceilMode ? 1 : reach))
      return fail(ErrorCode::GraphType, "has a window of " + Twine(reach) + " on a padded size of " +
                                            symbols.text(padded));
    if (options.ceilMode) {
      // The last window starts inside the input or its low padding.
      DimExpr windows = symbols.ceilDiv(padded - DimExpr(reach), stride) + DimExpr(1);
      DimExpr starts = symbols.ceilDiv(input.dim(dim + 2) + DimExpr(options.low[dim]), stride);
      shape.push_back(symbols.min(windows, starts));
    } else {
      shape.push_back(symbols.floorDiv(padded - DimExpr(reach), stride) + DimExpr(1));
    }
  }
  if (!checkSize(shape))
    return {};
  return emit<PoolOp>(input.type(), shape, kind, value(input), ConvLayout::ChannelsFirst,
                      options.window, options.strides, options.low, options.high, options.dilations,
                      options.countPadding, options.ceilMode);
}

GraphBuilder::LstmResult GraphBuilder::lstm(GraphTensor input, GraphTensor weights, GraphTensor recurrence,
                                            GraphTensor bias, GraphTensor initialH, GraphTensor initialC,
                                            RecurrentDirection direction) {
  if (!input || !weights || !recurrence || !bias || !initialH || !initialC)
    return {};
  if (input.rank() != 3 || weights.rank() != 3 || recurrence.rank() != 3 || bias.rank() != 2 ||
      initialH.rank() != 3 || initialC.rank() != 3) {
    fail(ErrorCode::GraphType, "has an operand of the wrong rank; input, weights and states need 3, the bias 2");
    return {};
  }
  const DimExpr &directions = weights.dim(0), &hidden = recurrence.dim(2);
  if (!hidden.isConstant() || !input.dim(2).isConstant()) {
    fail(ErrorCode::UnsupportedOp, "has " + symbols.text(hidden) + " hidden values and " + symbols.text(input.dim(2)) +
                                       " features; both must be known at compile time");
    return {};
  }
  Shape state{directions, input.dim(1), hidden};
  DimExpr gates = DimExpr(4) * hidden;
  const std::tuple<const char *, GraphTensor, Shape> operands[] = {
      {"the weights W", weights, {RecurrentDirection::Bidirectional == direction ? 2 : 1, gates, input.dim(2)}},
      {"the recurrence R", recurrence, {directions, gates, hidden}},
      {"the bias B", bias, {directions, gates + gates}},
      {"the first hidden state", initialH, state},
      {"the first cell state", initialC, state}};
  for (const auto &[name, operand, expected] : operands)
    for (auto [have, need] : llvm::zip_equal(operand.shape(), expected))
      if (!requireEqual(have, need, Twine("the shapes of ") + name + ", " + symbols.text(operand.shape()) + ", and " +
                                        symbols.text(expected)))
        return {};
  Shape sequence{input.dim(0), directions, input.dim(1), hidden};
  RankedTensorType stateType = tensorType(input.type(), state);
  auto op = LstmOp::create(builder, loc, tensorType(input.type(), sequence), stateType, stateType,
                           value(input), value(weights), value(recurrence), value(bias),
                           value(initialH), value(initialC), direction);
  return {make(input.type(), sequence, op.getSequence()), make(input.type(), state, op.getLastH()),
          make(input.type(), state, op.getLastC())};
}

bool GraphBuilder::requireScales(GraphTensor input, GraphTensor scale, GraphTensor zeroPoint, int64_t axis,
                                 int64_t block) {
  Shape expected;
  if (scale.rank() != 0 && (axis < 0 || axis >= input.rank()))
    return fail(ErrorCode::Attribute, "scales along axis " + Twine(axis) + " of a tensor of rank " +
                                          Twine(input.rank())),
           false;
  if (scale.rank() != 0 && block > 0) {
    expected = Shape(input.shape());
    expected[axis] = symbols.ceilDiv(expected[axis], block);
  } else if (scale.rank() != 0) {
    expected.push_back(input.dim(axis));
  }
  for (GraphTensor operand : {scale, zeroPoint}) {
    if (!operand)
      continue;
    if (operand.rank() != (int64_t)expected.size())
      return fail(ErrorCode::GraphType, "has a scale or zero point of shape " + symbols.text(operand.shape()) +
                                            ", but the input asks for " + symbols.text(expected)),
             false;
    for (auto [have, need] : llvm::zip_equal(operand.shape(), expected))
      if (!requireEqual(have, need, "the shapes of the scale or zero point, " + symbols.text(operand.shape()) +
                                        ", and " + symbols.text(expected)))
        return false;
  }
  return true;
}

GraphTensor GraphBuilder::quantize(GraphTensor input, GraphTensor scale, GraphTensor zeroPoint, Type type, int64_t axis,
                              int64_t block) {
  if (!input || !scale || !requireScales(input, scale, zeroPoint, axis, block))
    return {};
  return emit<QuantizeOp>(type, input.shape(), value(input), value(scale),
                          zeroPoint ? value(zeroPoint) : Value(), axis, block);
}

GraphTensor GraphBuilder::dequantize(GraphTensor input, GraphTensor scale, GraphTensor zeroPoint, Type type,
                                     int64_t axis, int64_t block) {
  if (!input || !scale || !requireScales(input, scale, zeroPoint, axis, block))
    return {};
  return emit<DequantizeOp>(type, input.shape(), value(input), value(scale),
                            zeroPoint ? value(zeroPoint) : Value(), axis, block);
}
