//===- Selection.cpp - ONNX gather, scatter, resize ------------------------===//
#include "Importer.h"

#include <cmath>

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

static GraphTensor importGather(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  int64_t axis = n.axis(n.integer("axis", 0), x.rank());
  return n.b.hasError() ? GraphTensor() : n.b.gather(x, n.in(1), axis);
}

static GraphTensor importGatherElements(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  int64_t axis = n.axis(n.integer("axis", 0), x.rank());
  return n.b.hasError() ? GraphTensor() : n.b.gatherElements(x, n.in(1), axis);
}

static GraphTensor importGatherNd(NodeImport &n) {
  return n.b.gatherNd(n.in(0), n.in(1), n.integer("batch_dims", 0));
}

static std::optional<ScatterKind> scatterKind(NodeImport &n) {
  std::string name = n.text("reduction", "none");
  static const std::pair<const char *, ScatterKind> kinds[] = {
      {"none", ScatterKind::Set}, {"add", ScatterKind::Add}, {"mul", ScatterKind::Mul},
      {"max", ScatterKind::Max}, {"min", ScatterKind::Min}};
  for (auto [text, kind] : kinds)
    if (name == text)
      return kind;
  n.invalid(ErrorCode::Attribute, "has reduction " + quoted(name) + "; use none, add, mul, max or min");
  return std::nullopt;
}

static GraphTensor importScatterElements(NodeImport &n) {
  GraphTensor x = n.in(0);
  std::optional<ScatterKind> kind = scatterKind(n);
  if (!x || !kind)
    return {};
  int64_t axis = n.axis(n.integer("axis", 0), x.rank());
  return n.b.hasError() ? GraphTensor() : n.b.scatterElements(x, n.in(1), n.in(2), axis, *kind);
}

static GraphTensor importScatterNd(NodeImport &n) {
  std::optional<ScatterKind> kind = scatterKind(n);
  return kind ? n.b.scatterNd(n.in(0), n.in(1), n.in(2), *kind) : GraphTensor();
}

/// Rows that are written into a cache of a fixed length, in each sample from a place of its own.
static GraphTensor importTensorScatter(NodeImport &n) {
  GraphTensor past = n.in(0), update = n.in(1), start = n.optional(2);
  std::string mode = n.text("mode", "linear");
  if (!past || !update)
    return {};
  int64_t axis = n.axis(n.integer("axis", -2), past.rank());
  if (n.b.hasError())
    return {};
  if (mode != "linear" && mode != "circular")
    return n.invalid(ErrorCode::Attribute, "has mode " + quoted(mode) + "; use linear or circular");
  if (axis == 0)
    return n.invalid(ErrorCode::Attribute, "has axis 0, along which samples lie; use another");
  if (update.rank() != past.rank() || (start && start.rank() != 1))
    return n.invalid(ErrorCode::GraphType, "has an update of another rank than the cache, or write indices of a rank "
                                           "other than 1");
  Shape lead(past.shape().take_front(axis)); // of the tuples: sample, .., place of the new row
  lead.push_back(update.dim(axis));
  GraphTensor place = n.b.iota(lead, axis, n.b.i64());
  if (start) {
    Shape column(axis + 1, DimExpr(1));
    column[0] = past.dim(0);
    place = n.b.add(place, n.b.reshape(n.b.cast(start, n.b.i64()), column));
  }
  if (mode == "circular")
    place = n.b.binary(BinaryKind::Mod, place, n.b.size(past.dim(axis)));
  SmallVector<GraphTensor> tuple;
  for (int64_t dim = 0; dim < axis; ++dim)
    tuple.push_back(n.b.unsqueeze(n.b.iota(lead, dim, n.b.i64()), {axis + 1}));
  tuple.push_back(n.b.unsqueeze(place, {axis + 1}));
  return n.b.scatterNd(past, n.b.concat(tuple, axis + 1), update, ScatterKind::Set);
}

static GraphTensor importOneHot(NodeImport &n) {
  GraphTensor indices = n.in(0), values = n.in(2), depthOperand = n.in(1);
  if (!indices || !values || !depthOperand)
    return {};
  DimExpr depth;
  if (std::optional<SmallVector<double>> number = n.b.constantReals(depthOperand, 1)) {
    depth = (int64_t)(*number)[0];
  } else {
    std::optional<Integers> given = n.sizes(1);
    if (!given || given->size() != 1)
      return {};
    depth = (*given)[0];
  }
  if (n.b.dims().isProvablyAtMost(depth, 0))
    return n.invalid(ErrorCode::Attribute, "has a depth that is not positive");
  int64_t axis = n.axis(n.integer("axis", -1), indices.rank() + 1);
  if (n.b.hasError())
    return {};
  GraphTensor off = n.b.reshape(n.b.sliceAxis(values, 0, 0, 1, 1), {});
  GraphTensor on = n.b.reshape(n.b.sliceAxis(values, 0, 1, 2, 1), {});
  return n.b.oneHot(indices, depth, off, on, axis);
}

static GraphTensor importCompress(NodeImport &n) {
  GraphTensor x = n.in(0);
  std::optional<SmallVector<int64_t>> keep = n.numbers(1);
  if (!x || !keep)
    return {};
  int64_t axis = 0;
  if (n.hasAttribute("axis"))
    axis = n.axis(n.integer("axis", 0), x.rank());
  else
    x = n.b.reshapeTo(x, {DimExpr(-1)}, false);
  Integers kept;
  for (auto [index, flag] : llvm::enumerate(*keep))
    if (flag)
      kept.push_back((int64_t)index);
  return n.b.hasError() ? GraphTensor() : n.b.gather(x, n.b.vector(kept), axis);
}

/// The attributes that say how positions and weights of a resize are computed.
static std::optional<ResizeOptions> resizeOptions(NodeImport &n) {
  ResizeOptions options;
  std::string mode = n.text("mode", "nearest");
  bool isOld = n.version < 11;
  std::string coordinates = n.text("coordinate_transformation_mode", isOld ? "asymmetric" : "half_pixel");
  std::string rounding = n.text("nearest_mode", isOld ? "floor" : "round_prefer_floor");
  std::optional<ResizeMode> kind = symbolizeResizeMode(mode == "bilinear" ? "linear" : mode);
  std::optional<ResizeCoordinates> transform = symbolizeResizeCoordinates(coordinates);
  std::optional<ResizeRounding> round = symbolizeResizeRounding(rounding);
  options.cubicCoefficient = n.real("cubic_coeff_a", -0.75);
  options.excludeOutside = n.integer("exclude_outside", 0) != 0;
  n.ignore({"extrapolation_value"});
  if (n.integer("antialias", 0) != 0)
    return n.unsupported("smooths while it shrinks (antialias)"), std::nullopt;
  if (!kind || !transform || !round)
    return n.unsupported("has mode " + quoted(mode) + ", coordinates " + quoted(coordinates) + " or rounding " +
                         quoted(rounding)), std::nullopt;
  options.mode = *kind;
  options.coordinates = *transform;
  options.rounding = *round;
  return options;
}

/// floor(size * scale) for a size that may be symbolic.
static std::optional<DimExpr> scaledSize(NodeImport &n, const DimExpr &size, double scale) {
  if (std::optional<int64_t> number = size.constant())
    return DimExpr((int64_t)std::floor((double)*number * scale));
  if (scale == std::floor(scale))
    return size * DimExpr((int64_t)scale);
  double inverse = 1.0 / scale;
  if (inverse == std::floor(inverse))
    return n.b.dims().floorDiv(size, (int64_t)inverse);
  return std::nullopt;
}

static GraphTensor importResize(NodeImport &n) {
  GraphTensor x = n.in(0);
  std::optional<ResizeOptions> options = resizeOptions(n);
  if (!x || !options)
    return {};
  bool isUpsample = n.getNode().op_type() == "Upsample";
  unsigned scaleInput = isUpsample || n.version < 11 ? 1 : 2;
  SmallVector<int64_t> axes = n.integers("axes");
  if (!n.hasAttribute("axes"))
    for (int64_t axis = 0; axis < x.rank(); ++axis)
      axes.push_back(axis);
  axes = n.axes(axes, x.rank());
  Shape sizes(x.shape());
  SmallVector<double> scales(x.rank(), 1.0);
  SmallVector<double> given;
  std::string policy = n.text("keep_aspect_ratio_policy", "stretch");
  if (n.b.hasError())
    return {};
  if (isUpsample && n.version < 9) {
    given = n.reals("scales");
  } else if (n.has(scaleInput) && !(n.in(scaleInput).count() == 0)) {
    std::optional<SmallVector<double>> values = n.b.constantReals(n.in(scaleInput));
    if (!values)
      return n.unsupported("needs its scales at compile time");
    given = *values;
  } else {
    std::optional<Integers> wanted = n.has(3) ? n.sizes(3) : std::nullopt;
    if (!wanted || wanted->size() != axes.size())
      return n.b.hasError() ? GraphTensor()
                            : n.invalid(ErrorCode::Attribute, "has neither scales nor sizes for its axes");
    for (auto [axis, size] : llvm::zip_equal(axes, *wanted)) {
      std::optional<int64_t> from = x.dim(axis).constant(), to = size.constant();
      std::optional<DimExpr> ratio = size.dividedBy(x.dim(axis));
      if (from && to && *from > 0)
        scales[axis] = (double)*to / (double)*from;
      else if (ratio && ratio->isConstant())
        scales[axis] = (double)*ratio->constant();
      else
        return n.unsupported("resizes a dynamic dimension by a ratio that is not known at compile time");
      sizes[axis] = size;
    }
    if (policy != "stretch") {
      double best = policy == "not_larger" ? INFINITY : 0.0;
      for (int64_t axis : axes)
        best = policy == "not_larger" ? std::min(best, scales[axis]) : std::max(best, scales[axis]);
      for (int64_t axis : axes) {
        std::optional<int64_t> from = x.dim(axis).constant();
        if (!from)
          return n.unsupported("keeps the ratio of dynamic dimensions");
        scales[axis] = best;
        sizes[axis] = (int64_t)std::floor((double)*from * best + 0.5);
      }
    }
    return n.b.resize(x, sizes, scales, *options);
  }
  if (given.size() != axes.size())
    return n.invalid(ErrorCode::Attribute,
                     "has " + Twine(given.size()) + " scales for " + Twine(axes.size()) + " axes");
  for (auto [axis, scale] : llvm::zip_equal(axes, given)) {
    if (!(scale > 0.0) || scale > 1e9)
      return n.invalid(ErrorCode::Attribute, "has a scale that is not positive");
    std::optional<DimExpr> size = scaledSize(n, x.dim(axis), scale);
    if (!size)
      return n.unsupported("scales a dynamic dimension by a ratio that is no whole number");
    sizes[axis] = *size;
    scales[axis] = scale;
  }
  return n.b.resize(x, sizes, scales, *options);
}

ArrayRef<OpEntry> frontend::selectionOps() {
  static const OpEntry table[] = {
      {"Compress", 9, importCompress},
      {"Gather", 1, importGather},
      {"GatherElements", 11, importGatherElements},
      {"GatherND", 11, importGatherNd},
      {"OneHot", 9, importOneHot},
      {"Resize", 10, importResize},
      {"Scatter", 9, importScatterElements},
      {"ScatterElements", 11, importScatterElements},
      {"ScatterND", 11, importScatterNd},
      {"TensorScatter", 24, importTensorScatter},
      {"Upsample", 7, importResize},
  };
  return table;
}
