//===- Activations.cpp - ONNX activations ----------------------------------===//
#include "Importer.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

template <UnaryKind kind>
static GraphTensor importUnary(NodeImport &n) {
  n.ignore({"consumed_inputs"});
  return n.b.unary(kind, n.in(0));
}

static GraphTensor importLeakyRelu(NodeImport &n) {
  n.ignore({"consumed_inputs"});
  GraphTensor x = n.in(0);
  return x ? n.b.leakyRelu(x, n.b.scalar(x.type(), n.real("alpha", 0.01f))) : x;
}

static GraphTensor importPRelu(NodeImport &n) {
  n.ignore({"consumed_inputs"});
  GraphTensor x = n.in(0), slope = n.in(1);
  // Before operator set 7 a slope of rank 1 belongs to the channels.
  if (x && slope && n.version < 7 && slope.rank() == 1 && x.rank() > 2 && !slope.dim(0).is(1)) {
    Shape shape(x.rank() - 1, DimExpr(1));
    shape[0] = slope.dim(0);
    slope = n.b.reshape(slope, shape);
  }
  return n.b.leakyRelu(x, slope);
}

static GraphTensor importElu(NodeImport &n) {
  n.ignore({"consumed_inputs"});
  return n.b.elu(n.in(0), n.real("alpha", 1.0));
}
static GraphTensor importCelu(NodeImport &n) {
  double alpha = n.real("alpha", 1.0);
  return alpha == 0.0 ? n.invalid(ErrorCode::Attribute, "has alpha = 0, which divides by zero")
                      : n.b.celu(n.in(0), alpha);
}
static GraphTensor importSelu(NodeImport &n) {
  n.ignore({"consumed_inputs"});
  return n.b.selu(n.in(0), n.real("alpha", 1.67326319217681884765625f), n.real("gamma", 1.05070102214813232421875f));
}
static GraphTensor importHardSigmoid(NodeImport &n) {
  n.ignore({"consumed_inputs"});
  return n.b.hardSigmoid(n.in(0), n.real("alpha", 0.2f), n.real("beta", 0.5));
}
static GraphTensor importHardSwish(NodeImport &n) { return n.b.hardSwish(n.in(0)); }
static GraphTensor importMish(NodeImport &n) { return n.b.mish(n.in(0)); }
static GraphTensor importShrink(NodeImport &n) {
  return n.b.shrink(n.in(0), n.real("lambd", 0.5), n.real("bias", 0.0));
}

static GraphTensor importGelu(NodeImport &n) {
  std::string form = n.text("approximate", "none");
  if (form != "none" && form != "tanh")
    return n.invalid(ErrorCode::Attribute, "has approximate = " + quoted(form) + "; use none or tanh");
  return n.b.unary(form == "tanh" ? UnaryKind::GeluTanh : UnaryKind::GeluErf, n.in(0));
}

static GraphTensor importSwish(NodeImport &n) {
  double alpha = n.real("alpha", 1.0);
  GraphTensor x = n.in(0);
  if (alpha == 1.0)
    return n.b.unary(UnaryKind::Silu, x);
  return n.b.mul(x, n.b.unary(UnaryKind::Sigmoid, n.b.mul(x, alpha)));
}

static GraphTensor importSwiglu(NodeImport &n) { return n.b.mul(importSwish(n), n.in(1)); }

static GraphTensor importSoftsign(NodeImport &n) {
  GraphTensor x = n.in(0);
  return n.b.div(x, n.b.add(n.b.unary(UnaryKind::Abs, x), 1.0));
}

static GraphTensor importThresholdedRelu(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  GraphTensor above = n.b.compare(CompareKind::Greater, x, n.b.scalar(x.type(), n.real("alpha", 1.0)));
  return n.b.select(above, x, n.b.scalar(x.type(), 0.0));
}

/// Before operator set 13 the input is a matrix: dimensions before `axis` are rows, the rest columns.
template <typename Function>
static GraphTensor onMatrix(NodeImport &n, GraphTensor x, Function function) {
  if (!x)
    return {};
  if (n.version >= 13)
    return function(x, n.axis(n.integer("axis", -1), x.rank()));
  int64_t axis = n.axis(n.integer("axis", 1), x.rank());
  if (axis == x.rank() - 1)
    return function(x, axis);
  DimExpr rows = 1, columns = 1;
  for (int64_t dim = 0; dim < x.rank(); ++dim)
    (dim < axis ? rows : columns) = (dim < axis ? rows : columns) * x.dim(dim);
  return n.b.reshape(function(n.b.reshape(x, {rows, columns}), 1), x.shape());
}

template <bool log>
static GraphTensor importSoftmax(NodeImport &n) {
  return onMatrix(n, n.in(0), [&](GraphTensor x, int64_t axis) { return n.b.softmax(x, axis, log); });
}

static GraphTensor importHardmax(NodeImport &n) {
  return onMatrix(n, n.in(0), [&](GraphTensor x, int64_t axis) -> GraphTensor {
    if (!x)
      return {};
    GraphTensor best = n.b.argReduce(ReduceKind::Max, x, axis, /*keepDims=*/false, /*selectLast=*/false);
    return n.b.oneHot(best, x.dim(axis), n.b.scalar(x.type(), 0.0), n.b.scalar(x.type(), 1.0), axis);
  });
}

ArrayRef<OpEntry> frontend::activationOps() {
  static const OpEntry table[] = {
      {"Celu", 12, importCelu},
      {"Elu", 1, importElu},
      {"Gelu", 20, importGelu},
      {"HardSigmoid", 1, importHardSigmoid},
      {"HardSwish", 14, importHardSwish},
      {"Hardmax", 1, importHardmax},
      {"LeakyRelu", 1, importLeakyRelu},
      {"LogSoftmax", 1, importSoftmax<true>},
      {"Mish", 18, importMish},
      {"PRelu", 1, importPRelu},
      {"Relu", 1, importUnary<UnaryKind::Relu>},
      {"Selu", 1, importSelu},
      {"Shrink", 9, importShrink},
      {"Sigmoid", 1, importUnary<UnaryKind::Sigmoid>},
      {"Softmax", 1, importSoftmax<false>},
      {"Softplus", 1, importUnary<UnaryKind::Softplus>},
      {"Softsign", 1, importSoftsign},
      {"SwiGLU", 28, importSwiglu},
      {"Swish", 24, importSwish},
      {"ThresholdedRelu", 10, importThresholdedRelu},
  };
  return table;
}
