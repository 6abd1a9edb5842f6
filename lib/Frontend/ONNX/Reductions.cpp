//===- Reductions.cpp - ONNX reductions ------------------------------------===//
#include "Importer.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

/// Axes from the attribute or, in newer operator sets, from operand 1. Nullopt after an error.
static std::optional<SmallVector<int64_t>> importAxes(NodeImport &n, GraphTensor x, int64_t axesInput) {
  SmallVector<int64_t> axes;
  bool isNoop = n.version >= axesInput && n.integer("noop_with_empty_axes", 0) != 0;
  if (n.version >= axesInput) {
    if (n.has(1)) {
      std::optional<SmallVector<int64_t>> given = n.numbers(1);
      if (!given)
        return std::nullopt;
      axes = *given;
    }
  } else {
    axes = n.integers("axes");
  }
  if (axes.empty() && !isNoop)
    for (int64_t axis = 0; axis < x.rank(); ++axis)
      axes.push_back(axis);
  axes = n.axes(axes, x.rank());
  return n.b.hasError() ? std::nullopt : std::optional(axes);
}

/// The operator set from which axes are an operand: 13 for ReduceSum, 18 for the others.
template <typename Function>
static GraphTensor importReduction(NodeImport &n, int64_t axesInput, Function function) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  bool keepDims = n.integer("keepdims", 1) != 0;
  std::optional<SmallVector<int64_t>> axes = importAxes(n, x, axesInput);
  return axes ? function(x, *axes, keepDims) : GraphTensor();
}

template <ReduceKind kind>
static GraphTensor importReduce(NodeImport &n) {
  return importReduction(n, kind == ReduceKind::Sum ? 13 : 18, [&](GraphTensor x, ArrayRef<int64_t> axes, bool keep) {
    return n.b.reduce(kind, x, axes, keep);
  });
}

static GraphTensor importReduceMean(NodeImport &n) {
  return importReduction(n, 18,
                         [&](GraphTensor x, ArrayRef<int64_t> axes, bool keep) { return n.b.mean(x, axes, keep); });
}
static GraphTensor importReduceL1(NodeImport &n) {
  return importReduction(n, 18, [&](GraphTensor x, ArrayRef<int64_t> axes, bool keep) {
    return n.b.reduce(ReduceKind::Sum, n.b.unary(UnaryKind::Abs, x), axes, keep);
  });
}
static GraphTensor importReduceSumSquare(NodeImport &n) {
  return importReduction(n, 18, [&](GraphTensor x, ArrayRef<int64_t> axes, bool keep) {
    return n.b.reduce(ReduceKind::Sum, n.b.mul(x, x), axes, keep);
  });
}
static GraphTensor importReduceL2(NodeImport &n) {
  return importReduction(n, 18, [&](GraphTensor x, ArrayRef<int64_t> axes, bool keep) -> GraphTensor {
    if (x.isFloat())
      return n.b.unary(UnaryKind::Sqrt, n.b.reduce(ReduceKind::Sum, n.b.mul(x, x), axes, keep));
    GraphTensor wide = n.b.cast(x, n.b.f32());
    return n.b.cast(n.b.unary(UnaryKind::Sqrt, n.b.reduce(ReduceKind::Sum, n.b.mul(wide, wide), axes, keep)), x.type());
  });
}
static GraphTensor importReduceLogSum(NodeImport &n) {
  return importReduction(n, 18, [&](GraphTensor x, ArrayRef<int64_t> axes, bool keep) {
    GraphTensor sum = n.b.reduce(ReduceKind::Sum, x, axes, keep);
    return x.isFloat() ? n.b.unary(UnaryKind::Log, sum)
                       : n.b.cast(n.b.unary(UnaryKind::Log, n.b.cast(sum, n.b.f32())), x.type());
  });
}
static GraphTensor importReduceLogSumExp(NodeImport &n) {
  return importReduction(n, 18, [&](GraphTensor x, ArrayRef<int64_t> axes, bool keep) -> GraphTensor {
    if (x.isFloat())
      return n.b.logSumExp(x, axes, keep);
    return n.b.cast(n.b.logSumExp(n.b.cast(x, n.b.f32()), axes, keep), x.type());
  });
}

template <ReduceKind kind>
static GraphTensor importArgReduce(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  int64_t axis = n.axis(n.integer("axis", 0), x.rank());
  bool keep = n.integer("keepdims", 1) != 0, last = n.integer("select_last_index", 0) != 0;
  return n.b.hasError() ? GraphTensor() : n.b.argReduce(kind, x, axis, keep, last);
}

template <ReduceKind kind>
static GraphTensor importCumulative(NodeImport &n) {
  GraphTensor x = n.in(0);
  std::optional<SmallVector<int64_t>> axis = n.numbers(1);
  if (!x || !axis)
    return {};
  if (axis->size() != 1)
    return n.invalid(ErrorCode::Attribute, "accumulates along other than one axis");
  int64_t along = n.axis((*axis)[0], x.rank());
  bool exclusive = n.integer("exclusive", 0) != 0, reverse = n.integer("reverse", 0) != 0;
  return n.b.hasError() ? GraphTensor() : n.b.cumulative(kind, x, along, exclusive, reverse);
}

static GraphTensor importTopK(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  int64_t axis = n.axis(n.integer("axis", -1), x.rank());
  bool largest = n.integer("largest", 1) != 0;
  n.ignore({"sorted"});
  DimExpr k = n.integer("k", 0);
  if (n.version >= 10) {
    std::optional<Integers> given = n.sizes(1);
    if (!given || given->size() != 1)
      return {};
    k = (*given)[0];
  }
  if (n.b.hasError())
    return {};
  auto [values, indices] = n.b.topK(x, k, axis, largest);
  n.result(1, indices);
  return values;
}

ArrayRef<OpEntry> frontend::reductionOps() {
  static const OpEntry table[] = {
      {"ArgMax", 1, importArgReduce<ReduceKind::Max>},
      {"ArgMin", 1, importArgReduce<ReduceKind::Min>},
      {"CumProd", 26, importCumulative<ReduceKind::Prod>},
      {"CumSum", 11, importCumulative<ReduceKind::Sum>},
      {"ReduceL1", 1, importReduceL1},
      {"ReduceL2", 1, importReduceL2},
      {"ReduceLogSum", 1, importReduceLogSum},
      {"ReduceLogSumExp", 1, importReduceLogSumExp},
      {"ReduceMax", 1, importReduce<ReduceKind::Max>},
      {"ReduceMean", 1, importReduceMean},
      {"ReduceMin", 1, importReduce<ReduceKind::Min>},
      {"ReduceProd", 1, importReduce<ReduceKind::Prod>},
      {"ReduceSum", 1, importReduce<ReduceKind::Sum>},
      {"ReduceSumSquare", 1, importReduceSumSquare},
      {"TopK", 1, importTopK},
  };
  return table;
}
