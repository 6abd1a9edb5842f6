//===- Reductions.cpp - sums, means, selections along axes -----------------===//
#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

using namespace mlir;
using namespace lutra;

/// The number of elements that a reduction combines.
static DimExpr extentOf(GraphTensor input, ArrayRef<int64_t> axes) {
  DimExpr extent = 1;
  for (int64_t axis : axes)
    extent = extent * input.dim(axis);
  return extent;
}

GraphTensor GraphBuilder::reduce(ReduceKind kind, GraphTensor input, ArrayRef<int64_t> axes, bool keepDims) {
  if (!input)
    return {};
  SmallVector<int64_t> sorted(axes);
  llvm::sort(sorted);
  sorted.erase(llvm::unique(sorted), sorted.end());
  for (int64_t axis : sorted)
    if (axis < 0 || axis >= input.rank())
      return fail(ErrorCode::Attribute, "reduces axis " + Twine(axis) + " of a tensor of rank " +
                                            Twine(input.rank()));
  if (sorted.empty())
    return input;
  Shape kept(input.shape());
  for (int64_t axis : sorted)
    kept[axis] = 1;
  std::optional<Integers> known = exactIntegers(input);
  GraphTensor result;
  std::optional<DimExpr> folded;
  if (known && !known->empty() && (int64_t)sorted.size() == input.rank()) {
    DimExpr sum = known->front();
    for (const DimExpr &next : ArrayRef<DimExpr>(*known).drop_front())
      sum = kind == ReduceKind::Sum    ? sum + next
            : kind == ReduceKind::Prod ? sum * next
            : kind == ReduceKind::Max  ? symbols.max(sum, next)
                                       : symbols.min(sum, next);
    folded = settle(input.type(), sum);
  }
  if (folded)
    result = integers(input.type(), {*folded}, kept);
  else
    result = emit<ReduceOp>(input.type(), kept, kind, value(input), sorted);
  return keepDims ? result : squeeze(result, sorted);
}

GraphTensor GraphBuilder::mean(GraphTensor input, ArrayRef<int64_t> axes, bool keepDims) {
  if (!input || axes.empty())
    return input;
  GraphTensor sum = reduce(ReduceKind::Sum, input, axes, keepDims);
  return sum ? div(sum, cast(size(extentOf(input, axes)), input.type())) : sum;
}

GraphTensor GraphBuilder::logSumExp(GraphTensor input, ArrayRef<int64_t> axes, bool keepDims) {
  // The largest element is taken out first; where it is infinite there is nothing to take out.
  GraphTensor largest = reduce(ReduceKind::Max, input, axes, /*keepDims=*/true);
  if (!largest)
    return {};
  GraphTensor shift = select(unary(UnaryKind::IsInf, largest), scalar(input.type(), 0.0), largest);
  GraphTensor sum = reduce(ReduceKind::Sum, unary(UnaryKind::Exp, sub(input, shift)), axes, true);
  GraphTensor result = add(unary(UnaryKind::Log, sum), shift);
  return keepDims ? result : squeeze(result, axes);
}

GraphTensor GraphBuilder::argReduce(ReduceKind kind, GraphTensor input, int64_t axis, bool keepDims,
                               bool selectLast) {
  if (!input)
    return {};
  if (axis < 0 || axis >= input.rank())
    return fail(ErrorCode::Attribute, "selects along axis " + Twine(axis) + " of a tensor of rank " +
                                          Twine(input.rank()));
  if (!requireAtLeast(input.dim(axis), 1, "the size of dimension " + Twine(axis)))
    return {};
  Shape kept(input.shape());
  kept[axis] = 1;
  GraphTensor result = emit<ArgReduceOp>(i64(), kept, kind, value(input), axis, selectLast);
  return keepDims ? result : squeeze(result, {axis});
}

GraphTensor GraphBuilder::cumulative(ReduceKind kind, GraphTensor input, int64_t axis, bool exclusive,
                                bool reverse) {
  if (!input)
    return {};
  if (axis < 0 || axis >= input.rank())
    return fail(ErrorCode::Attribute, "accumulates along axis " + Twine(axis) +
                                          " of a tensor of rank " + Twine(input.rank()));
  return emit<CumulativeOp>(input.type(), input.shape(), kind, value(input), axis, exclusive, reverse);
}

std::pair<GraphTensor, GraphTensor> GraphBuilder::topK(GraphTensor input, const DimExpr &k, int64_t axis,
                                             bool largest) {
  if (!input)
    return {};
  if (axis < 0 || axis >= input.rank() || !symbols.require(k, 0) || !symbols.require(input.dim(axis), k)) {
    fail(ErrorCode::Attribute, "selects " + symbols.text(k) + " elements along axis " + Twine(axis) +
                                   " of a tensor of shape " + symbols.text(input.shape()));
    return {};
  }
  Shape shape(input.shape());
  shape[axis] = k;
  auto op = TopKOp::create(builder, loc, tensorType(input.type(), shape), tensorType(i64(), shape),
                           value(input), index(k), axis, largest);
  return {make(input.type(), shape, op.getValues()), make(i64(), shape, op.getIndices())};
}
