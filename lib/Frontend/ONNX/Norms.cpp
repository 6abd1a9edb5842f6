//===- Norms.cpp - ONNX normalisations -------------------------------------===//
#include "Importer.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

static GraphTensor importBatchNormalization(NodeImport &n) {
  n.ignore({"momentum", "spatial", "consumed_inputs", "is_test"});
  if (n.integer("training_mode", 0) != 0 || n.wants(1))
    return n.unsupported("runs in training mode; export the model for inference");
  return n.b.batchNorm(n.in(0), n.in(1), n.in(2), n.in(3), n.in(4), n.real("epsilon", 1e-5f));
}

static GraphTensor importInstanceNormalization(NodeImport &n) {
  n.ignore({"consumed_inputs"});
  GraphTensor x = n.in(0);
  if (x && x.rank() < 3)
    return n.invalid(ErrorCode::GraphType, "normalises the instances of a tensor of rank " + Twine(x.rank()));
  return x ? n.b.groupNorm(x, n.in(1), n.in(2), x.dim(1), n.real("epsilon", 1e-5f)) : x;
}

static GraphTensor importGroupNormalization(NodeImport &n) {
  n.ignore({"stash_type"});
  int64_t groups = n.integer("num_groups", 0);
  if (groups < 1)
    return n.invalid(ErrorCode::Attribute, "has num_groups = " + Twine(groups));
  return n.b.groupNorm(n.in(0), n.in(1), n.in(2), groups, n.real("epsilon", 1e-5f));
}

static GraphTensor importLayerNormalization(NodeImport &n) {
  n.ignore({"stash_type"});
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  int64_t axis = n.axis(n.integer("axis", -1), x.rank());
  double epsilon = n.real("epsilon", 1e-5f);
  if (n.b.hasError())
    return {};
  if (n.wants(1) || n.wants(2)) {
    SmallVector<int64_t> axes;
    for (int64_t dim = axis; dim < x.rank(); ++dim)
      axes.push_back(dim);
    GraphTensor wide = n.b.cast(x, n.b.f32()), mean = n.b.mean(wide, axes, true), centred = n.b.sub(wide, mean);
    GraphTensor variance = n.b.mean(n.b.mul(centred, centred), axes, true);
    n.result(1, mean);
    n.result(2, n.b.unary(UnaryKind::Reciprocal, n.b.unary(UnaryKind::Sqrt, n.b.add(variance, epsilon))));
  }
  return n.b.layerNorm(x, n.in(1), n.optional(2), x.rank() - axis, epsilon);
}

static GraphTensor importRmsNormalization(NodeImport &n) {
  n.ignore({"stash_type"});
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  int64_t axis = n.axis(n.integer("axis", -1), x.rank());
  return n.b.hasError() ? GraphTensor() : n.b.rmsNorm(x, n.in(1), x.rank() - axis, n.real("epsilon", 1e-5f));
}

static GraphTensor importLpNormalization(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  int64_t axis = n.axis(n.integer("axis", -1), x.rank());
  return n.b.hasError() ? GraphTensor() : n.b.lpNorm(x, axis, n.integer("p", 2));
}

static GraphTensor importLrn(NodeImport &n) {
  return n.b.localResponseNorm(n.in(0), n.integer("size", 0), n.real("alpha", 1e-4f), n.real("beta", 0.75),
                               n.real("bias", 1.0));
}

static GraphTensor importMeanVarianceNormalization(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  SmallVector<int64_t> axes = n.integers("axes");
  if (!n.hasAttribute("axes"))
    axes = {0, 2, 3};
  axes = n.axes(axes, x.rank());
  if (n.b.hasError())
    return {};
  GraphTensor centred = n.b.sub(x, n.b.mean(x, axes, true));
  GraphTensor deviation = n.b.unary(UnaryKind::Sqrt, n.b.mean(n.b.mul(centred, centred), axes, true));
  return n.b.div(centred, n.b.add(deviation, 1e-9));
}

ArrayRef<OpEntry> frontend::normOps() {
  static const OpEntry table[] = {
      {"BatchNormalization", 1, importBatchNormalization},
      {"GroupNormalization", 18, importGroupNormalization},
      {"InstanceNormalization", 1, importInstanceNormalization},
      {"LRN", 1, importLrn},
      {"LayerNormalization", 17, importLayerNormalization},
      {"LpNormalization", 1, importLpNormalization},
      {"MeanVarianceNormalization", 9, importMeanVarianceNormalization},
      {"RMSNormalization", 23, importRmsNormalization},
  };
  return table;
}
