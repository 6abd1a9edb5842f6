//===- Losses.cpp - ONNX loss functions ------------------------------------===//
#include "Importer.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

/// -x[n, target, d..] with weights, reduced as the node asks; `x` holds logarithms [N, C, d..].
static GraphTensor lossOf(NodeImport &n, GraphTensor x, GraphTensor target, GraphTensor weight) {
  if (!x || !target)
    return {};
  if (x.rank() < 2 || target.rank() != x.rank() - 1)
    return n.invalid(ErrorCode::GraphType, "has a target of rank " + Twine(target.rank()) +
                                               " for an input of rank " + Twine(x.rank()));
  for (int64_t dim = 0; dim < target.rank(); ++dim)
    if (!n.b.dims().requireEqual(target.dim(dim), x.dim(dim == 0 ? 0 : dim + 1)))
      return n.invalid(ErrorCode::GraphType, "has a target of shape " + n.b.dims().text(target.shape()) +
                                                 " for an input of shape " + n.b.dims().text(x.shape()));
  std::string reduction = n.text("reduction", "mean");
  if (reduction != "mean" && reduction != "sum" && reduction != "none")
    return n.invalid(ErrorCode::Attribute, "has reduction " + quoted(reduction) + "; use mean, sum or none");
  GraphTensor index = n.b.cast(target, n.b.i64()), ignored;
  if (n.hasAttribute("ignore_index")) {
    ignored = n.b.compare(CompareKind::Equal, index, n.b.size(n.integer("ignore_index", 0)));
    index = n.b.select(ignored, n.b.size(0), index);
  }
  if (!index)
    return {};
  GraphTensor picked = n.b.gatherElements(x, n.b.unsqueeze(index, {1}), 1);
  GraphTensor loss = n.b.unary(UnaryKind::Neg, n.b.squeeze(picked, {1}));
  GraphTensor zero = n.b.scalar(x.type(), 0.0), factor;
  if (weight)
    factor = n.b.gather(weight, index, 0);
  if (ignored)
    factor = n.b.select(ignored, zero, factor ? factor : n.b.scalar(x.type(), 1.0));
  if (factor)
    loss = ignored ? n.b.select(ignored, zero, n.b.mul(loss, factor)) : n.b.mul(loss, factor);
  if (!loss || reduction == "none")
    return loss;
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < loss.rank(); ++axis)
    axes.push_back(axis);
  GraphTensor sum = n.b.reduce(ReduceKind::Sum, loss, axes, false);
  if (reduction == "sum")
    return sum;
  if (!factor)
    return n.b.mean(loss, axes, false);
  return n.b.div(sum, n.b.reduce(ReduceKind::Sum, factor, axes, false));
}

static GraphTensor importNegativeLogLikelihood(NodeImport &n) {
  return lossOf(n, n.in(0), n.in(1), n.optional(2));
}

static GraphTensor importSoftmaxCrossEntropy(NodeImport &n) {
  GraphTensor scores = n.in(0);
  if (!scores)
    return {};
  if (scores.rank() < 2)
    return n.invalid(ErrorCode::GraphType, "has scores of rank " + Twine(scores.rank()));
  GraphTensor logarithms = n.b.softmax(scores, 1, /*log=*/true);
  n.result(1, logarithms);
  return lossOf(n, logarithms, n.in(1), n.optional(2));
}

ArrayRef<OpEntry> frontend::lossOps() {
  static const OpEntry table[] = {
      {"NegativeLogLikelihoodLoss", 12, importNegativeLogLikelihood},
      {"SoftmaxCrossEntropyLoss", 12, importSoftmaxCrossEntropy},
  };
  return table;
}
