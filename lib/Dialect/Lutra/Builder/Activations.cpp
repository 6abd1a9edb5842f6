//===- Activations.cpp - activations as pointwise formulae -----------------===//
// Each in the form that stays finite: an exponential only ever sees what cannot overflow.
#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

using namespace mlir;
using namespace lutra;

/// x where x is at least 0, else `other`.
static Tensor whereNegative(GraphBuilder &b, Tensor x, Tensor other) {
  if (!x)
    return {};
  return b.select(b.compare(CompareKind::Less, x, b.scalar(x.type(), 0.0)), other, x);
}

Tensor GraphBuilder::leakyRelu(Tensor input, Tensor slope) {
  return whereNegative(*this, input, mul(input, slope));
}

Tensor GraphBuilder::elu(Tensor input, double alpha) {
  // exp(min(x, 0)) - 1: large positive x never reaches the exponential.
  Tensor e = unary(UnaryKind::Exp, min(input, 0.0));
  return whereNegative(*this, input, mul(add(e, -1.0), alpha));
}

Tensor GraphBuilder::celu(Tensor input, double alpha) {
  Tensor e = unary(UnaryKind::Exp, mul(min(input, 0.0), 1.0 / alpha));
  return add(max(input, 0.0), mul(add(e, -1.0), alpha));
}

Tensor GraphBuilder::selu(Tensor input, double alpha, double gamma) {
  return mul(elu(input, alpha), gamma);
}

Tensor GraphBuilder::hardSigmoid(Tensor input, double alpha, double beta) {
  return min(max(add(mul(input, alpha), beta), 0.0), 1.0);
}

Tensor GraphBuilder::hardSwish(Tensor input) {
  return mul(input, hardSigmoid(input, 1.0 / 6.0, 0.5));
}

Tensor GraphBuilder::mish(Tensor input) {
  return mul(input, unary(UnaryKind::Tanh, unary(UnaryKind::Softplus, input)));
}

Tensor GraphBuilder::shrink(Tensor input, double lambda, double bias) {
  if (!input)
    return {};
  Tensor zero = scalar(input.type(), 0.0);
  Tensor above = compare(CompareKind::Greater, input, scalar(input.type(), lambda));
  Tensor below = compare(CompareKind::Less, input, scalar(input.type(), -lambda));
  return select(above, add(input, -bias), select(below, add(input, bias), zero));
}
