//===- Activations.cpp - activations as pointwise formulae -----------------===//
// Each in the form that stays finite: an exponential only ever sees what cannot overflow.
#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

using namespace mlir;
using namespace lutra;

/// x where x is at least 0, else `other`.
static GraphTensor whereNegative(GraphBuilder &b, GraphTensor x, GraphTensor other) {
  if (!x)
    return {};
  return b.select(b.compare(CompareKind::Less, x, b.scalar(x.type(), 0.0)), other, x);
}

GraphTensor GraphBuilder::leakyRelu(GraphTensor input, GraphTensor slope) {
  return whereNegative(*this, input, mul(input, slope));
}

GraphTensor GraphBuilder::elu(GraphTensor input, double alpha) {
  // exp(min(x, 0)) - 1: large positive x never reaches the exponential.
  GraphTensor e = unary(UnaryKind::Exp, min(input, 0.0));
  return whereNegative(*this, input, mul(add(e, -1.0), alpha));
}

GraphTensor GraphBuilder::celu(GraphTensor input, double alpha) {
  GraphTensor e = unary(UnaryKind::Exp, mul(min(input, 0.0), 1.0 / alpha));
  return add(max(input, 0.0), mul(add(e, -1.0), alpha));
}

GraphTensor GraphBuilder::selu(GraphTensor input, double alpha, double gamma) {
  return mul(elu(input, alpha), gamma);
}

GraphTensor GraphBuilder::hardSigmoid(GraphTensor input, double alpha, double beta) {
  return min(max(add(mul(input, alpha), beta), 0.0), 1.0);
}

GraphTensor GraphBuilder::hardSwish(GraphTensor input) {
  return mul(input, hardSigmoid(input, 1.0 / 6.0, 0.5));
}

GraphTensor GraphBuilder::mish(GraphTensor input) {
  return mul(input, unary(UnaryKind::Tanh, unary(UnaryKind::Softplus, input)));
}

GraphTensor GraphBuilder::shrink(GraphTensor input, double lambda, double bias) {
  if (!input)
    return {};
  GraphTensor zero = scalar(input.type(), 0.0);
  GraphTensor above = compare(CompareKind::Greater, input, scalar(input.type(), lambda));
  GraphTensor below = compare(CompareKind::Less, input, scalar(input.type(), -lambda));
  return select(above, add(input, -bias), select(below, add(input, bias), zero));
}
