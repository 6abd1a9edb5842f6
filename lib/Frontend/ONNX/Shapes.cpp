//===- Shapes.cpp - ONNX constants, sizes and reshapes ---------------------===//
#include "Importer.h"

#include <cmath>

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

static GraphTensor importConstant(NodeImport &n) {
  if (n.hasAttribute("value"))
    return n.tensor("value");
  if (n.hasAttribute("value_float"))
    return n.b.scalar(n.b.f32(), n.real("value_float", 0.0));
  if (n.hasAttribute("value_int"))
    return n.b.constant(DenseElementsAttr::get(RankedTensorType::get({}, n.b.i64()), n.integer("value_int", 0)));
  if (n.hasAttribute("value_floats")) {
    SmallVector<float> values;
    for (double value : n.reals("value_floats"))
      values.push_back((float)value);
    auto type = RankedTensorType::get({(int64_t)values.size()}, n.b.f32());
    return n.b.constant(DenseElementsAttr::get(type, ArrayRef<float>(values)));
  }
  if (n.hasAttribute("value_ints")) {
    SmallVector<int64_t> values = n.integers("value_ints");
    auto type = RankedTensorType::get({(int64_t)values.size()}, n.b.i64());
    return n.b.constant(DenseElementsAttr::get(type, ArrayRef<int64_t>(values)));
  }
  return n.unsupported("has a value that is sparse or a string");
}

static GraphTensor importShape(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  int64_t rank = x.rank(), start = n.integer("start", 0), end = n.integer("end", rank);
  auto clamp = [&](int64_t position) {
    return std::clamp<int64_t>(position < 0 ? position + rank : position, 0, rank);
  };
  start = clamp(start);
  end = std::max(clamp(end), start);
  return n.b.vector(x.shape().slice(start, end - start));
}

static GraphTensor importSize(NodeImport &n) {
  GraphTensor x = n.in(0);
  DimExpr count = 1;
  if (x)
    for (const DimExpr &dim : x.shape())
      count = count * dim;
  return x ? n.b.size(count) : x;
}

static GraphTensor importConstantOfShape(NodeImport &n) {
  std::optional<Integers> shape = n.sizes(0);
  if (!shape)
    return {};
  for (const DimExpr &dim : *shape)
    if (dim.isConstant() && *dim.constant() < 0)
      return n.invalid(ErrorCode::Attribute, "asks for the negative size " + Twine(*dim.constant()));
  if (!n.hasAttribute("value"))
    return n.b.filled(n.b.f32(), *shape, 0.0);
  GraphTensor value = n.tensor("value");
  std::optional<SmallVector<double>> number = n.b.constantReals(value, 1);
  if (!value || !number || number->size() != 1)
    return n.invalid(ErrorCode::Attribute, "has a value that is not one number");
  return n.b.expand(n.b.reshape(value, {}), *shape);
}

static GraphTensor importReshape(NodeImport &n) {
  n.ignore({"consumed_inputs"});
  bool zeroCopies = n.integer("allowzero", 0) == 0;
  if (n.version < 5) {
    SmallVector<int64_t> shape = n.integers("shape");
    return n.b.reshapeTo(n.in(0), Shape(shape.begin(), shape.end()), true);
  }
  std::optional<Integers> shape = n.sizes(1);
  return shape ? n.b.reshapeTo(n.in(0), *shape, zeroCopies) : GraphTensor();
}

/// Axes of an attribute (old) or of operand 1 (from operator set 13 on).
static std::optional<SmallVector<int64_t>> importAxes(NodeImport &n) {
  if (n.version < 13)
    return n.integers("axes");
  return n.has(1) ? n.numbers(1) : SmallVector<int64_t>();
}

static GraphTensor importSqueeze(NodeImport &n) {
  GraphTensor x = n.in(0);
  std::optional<SmallVector<int64_t>> axes = importAxes(n);
  if (!x || !axes)
    return {};
  bool isGiven = n.version < 13 ? n.hasAttribute("axes") : n.has(1);
  if (!isGiven)
    for (int64_t dim = 0; dim < x.rank(); ++dim) {
      if (!x.dim(dim).isConstant())
        return n.unsupported("squeezes all dimensions of size 1 of an operand with dynamic dimensions");
      if (x.dim(dim).is(1))
        axes->push_back(dim);
    }
  return n.b.squeeze(x, n.axes(*axes, x.rank()));
}

static GraphTensor importUnsqueeze(NodeImport &n) {
  GraphTensor x = n.in(0);
  std::optional<SmallVector<int64_t>> axes = importAxes(n);
  if (!x || !axes)
    return {};
  SmallVector<int64_t> places = n.axes(*axes, x.rank() + (int64_t)axes->size());
  SmallVector<int64_t> sorted(places);
  llvm::sort(sorted);
  if (llvm::unique(sorted) != sorted.end())
    return n.invalid(ErrorCode::Attribute, "inserts the same dimension twice");
  return n.b.unsqueeze(x, places);
}

static GraphTensor importFlatten(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  int64_t axis = n.integer("axis", 1);
  if (axis != x.rank())
    axis = n.axis(axis, x.rank());
  DimExpr rows = 1, columns = 1;
  for (int64_t dim = 0; dim < x.rank(); ++dim)
    (dim < axis ? rows : columns) = (dim < axis ? rows : columns) * x.dim(dim);
  return n.b.reshape(x, {rows, columns});
}

static GraphTensor importExpand(NodeImport &n) {
  std::optional<Integers> shape = n.sizes(1);
  return shape ? n.b.expand(n.in(0), *shape) : GraphTensor();
}

static GraphTensor importRange(NodeImport &n) {
  n.ignore({"stash_type"});
  GraphTensor start = n.in(0), limit = n.in(1), delta = n.in(2);
  if (!start || !limit || !delta)
    return {};
  start = n.b.reshape(start, {});
  delta = n.b.reshape(delta, {});
  if (start && start.isFloat()) {
    std::optional<SmallVector<double>> first = n.b.constantReals(start, 1), last = n.b.constantReals(limit, 1),
                                       step = n.b.constantReals(delta, 1);
    if (!first || !last || !step || (*step)[0] == 0.0)
      return n.unsupported("counts with floats that are not known at compile time");
    double count = std::ceil(((*last)[0] - (*first)[0]) / (*step)[0]);
    if (!(count < (double)GraphBuilder::maxElements))
      return n.invalid(ErrorCode::LimitSize, "counts to more than 2^31 elements");
    return n.b.range((int64_t)std::max(count, 0.0), start, delta);
  }
  std::optional<Integers> first = n.sizes(0), last = n.sizes(1), step = n.sizes(2);
  if (!first || !last || !step || first->size() != 1 || last->size() != 1 || step->size() != 1)
    return {};
  std::optional<int64_t> by = (*step)[0].constant();
  if (!by)
    return n.unsupported("counts by a step that is not known at compile time");
  if (*by == 0)
    return n.invalid(ErrorCode::Attribute, "counts with a step of 0");
  DimExpr distance = *by > 0 ? (*last)[0] - (*first)[0] : (*first)[0] - (*last)[0];
  DimExpr count = n.b.dims().ceilDiv(n.b.dims().max(distance, 0), *by > 0 ? *by : -*by);
  return n.b.range(count, start, delta);
}

static GraphTensor importEyeLike(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  if (x.rank() != 2)
    return n.invalid(ErrorCode::GraphType, "makes a unit matrix like a tensor of rank " + Twine(x.rank()));
  Type type = n.type("dtype", x.type());
  if (!type)
    return {};
  GraphTensor row = n.b.iota({x.dim(0), 1}, 0, n.b.i64()), column = n.b.iota({1, x.dim(1)}, 1, n.b.i64());
  GraphTensor diagonal = n.b.add(row, n.b.size(n.integer("k", 0)));
  return n.b.cast(n.b.compare(CompareKind::Equal, column, diagonal), type);
}

ArrayRef<OpEntry> frontend::shapeOps() {
  static const OpEntry table[] = {
      {"Constant", 1, importConstant},
      {"ConstantOfShape", 9, importConstantOfShape},
      {"Expand", 8, importExpand},
      {"EyeLike", 9, importEyeLike},
      {"Flatten", 1, importFlatten},
      {"Range", 11, importRange},
      {"Reshape", 1, importReshape},
      {"Shape", 1, importShape},
      {"Size", 1, importSize},
      {"Squeeze", 1, importSqueeze},
      {"Unsqueeze", 1, importUnsqueeze},
  };
  return table;
}
