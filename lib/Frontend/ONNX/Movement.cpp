//===- Movement.cpp - ONNX operators that move elements --------------------===//
#include "Importer.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

static GraphTensor importTranspose(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  SmallVector<int64_t> permutation = n.integers("perm");
  if (!n.hasAttribute("perm"))
    for (int64_t dim = x.rank() - 1; dim >= 0; --dim)
      permutation.push_back(dim);
  return n.b.transpose(x, permutation);
}

static GraphTensor importConcat(NodeImport &n) {
  SmallVector<GraphTensor> inputs = n.all();
  if (inputs.empty())
    return n.invalid(ErrorCode::GraphStructure, "joins nothing");
  if (!inputs[0])
    return {};
  return n.b.concat(inputs, n.axis(n.integer("axis", 1), inputs[0].rank()));
}

static GraphTensor importSplit(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  int64_t axis = n.axis(n.integer("axis", 0), x.rank()), parts = n.outputCount();
  if (n.b.hasError())
    return {};
  Integers sizes;
  if (n.version < 13 && n.hasAttribute("split")) {
    for (int64_t size : n.integers("split"))
      sizes.push_back(size);
  } else if (n.version >= 13 && n.has(1)) {
    std::optional<Integers> given = n.sizes(1);
    if (!given)
      return {};
    sizes = *given;
  } else {
    parts = n.integer("num_outputs", parts);
    if (parts < 1)
      return n.invalid(ErrorCode::Attribute, "splits into " + Twine(parts) + " parts");
    DimExpr part = n.b.dims().ceilDiv(x.dim(axis), parts), rest = x.dim(axis);
    for (int64_t index = 0; index + 1 < parts; ++index) {
      sizes.push_back(part);
      rest = rest - part;
    }
    sizes.push_back(rest);
  }
  n.ignore({"num_outputs", "split"});
  DimExpr sum = 0;
  for (const DimExpr &size : sizes) {
    if (!n.b.dims().require(size, 0))
      return n.invalid(ErrorCode::Attribute, "splits off a part of the negative size " + n.b.dims().text(size));
    sum = sum + size;
  }
  if (sizes.size() != n.outputCount() || !n.b.dims().requireEqual(sum, x.dim(axis)))
    return n.invalid(ErrorCode::Attribute, "splits size " + n.b.dims().text(x.dim(axis)) + " into parts of " +
                                               n.b.dims().text(sum) + " for " + Twine(n.outputCount()) + " outputs");
  DimExpr offset = 0;
  GraphTensor first;
  for (auto [index, size] : llvm::enumerate(sizes)) {
    SmallVector<DimExpr> offsets(x.rank(), DimExpr(0));
    Shape shape(x.shape());
    offsets[axis] = offset;
    shape[axis] = size;
    GraphTensor part = n.b.slice(x, offsets, shape, SmallVector<int64_t>(x.rank(), 1));
    if (index == 0)
      first = part;
    else
      n.result(index, part);
    offset = offset + size;
  }
  return first;
}

static GraphTensor importSlice(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  Integers starts, ends;
  SmallVector<int64_t> axes, steps;
  if (n.version < 10) {
    for (int64_t start : n.integers("starts"))
      starts.push_back(start);
    for (int64_t end : n.integers("ends"))
      ends.push_back(end);
    axes = n.integers("axes");
  } else {
    std::optional<Integers> first = n.sizes(1), last = n.sizes(2);
    std::optional<SmallVector<int64_t>> along = n.has(3) ? n.numbers(3) : SmallVector<int64_t>();
    std::optional<SmallVector<int64_t>> by = n.has(4) ? n.numbers(4) : SmallVector<int64_t>();
    if (!first || !last || !along || !by)
      return {};
    starts = *first;
    ends = *last;
    axes = *along;
    steps = *by;
  }
  if (axes.empty())
    for (size_t axis = 0; axis < starts.size(); ++axis)
      axes.push_back(axis);
  if (steps.empty())
    steps.assign(axes.size(), 1);
  if (starts.size() != axes.size() || ends.size() != axes.size() || steps.size() != axes.size())
    return n.invalid(ErrorCode::Attribute, "has " + Twine(starts.size()) + " starts, " + Twine(ends.size()) +
                                               " ends and " + Twine(axes.size()) + " axes");
  for (auto [start, end, axis, step] : llvm::zip_equal(starts, ends, n.axes(axes, x.rank()), steps)) {
    if (n.b.hasError())
      return {};
    x = n.b.sliceAxis(x, axis, start, end, step);
  }
  return x;
}

static std::optional<PadMode> padMode(StringRef name) {
  if (name == "constant")
    return PadMode::Constant;
  if (name == "edge")
    return PadMode::Edge;
  if (name == "reflect")
    return PadMode::Reflect;
  if (name == "wrap")
    return PadMode::Wrap;
  return std::nullopt;
}

static GraphTensor importPad(NodeImport &n) {
  GraphTensor x = n.in(0), value;
  if (!x)
    return {};
  std::string name = n.text("mode", "constant");
  std::optional<PadMode> mode = padMode(name);
  if (!mode)
    return n.invalid(ErrorCode::Attribute, "has mode " + quoted(name) + "; use constant, edge, reflect or wrap");
  Integers pads;
  SmallVector<int64_t> axes;
  if (n.version < 11) {
    for (int64_t pad : n.integers(n.version < 2 ? "paddings" : "pads"))
      pads.push_back(pad);
    value = n.b.scalar(x.type(), n.real("value", 0.0));
  } else {
    std::optional<Integers> given = n.sizes(1);
    std::optional<SmallVector<int64_t>> along = n.has(3) ? n.numbers(3) : SmallVector<int64_t>();
    if (!given || !along)
      return {};
    pads = *given;
    axes = *along;
    value = n.optional(2);
  }
  bool hasAxes = n.version >= 18 && n.has(3);
  if (!hasAxes)
    for (int64_t axis = 0; axis < x.rank(); ++axis)
      axes.push_back(axis);
  if (pads.size() != 2 * axes.size())
    return n.invalid(ErrorCode::Attribute, "has " + Twine(pads.size()) + " pads for " + Twine(axes.size()) + " axes");
  SmallVector<DimExpr> low(x.rank(), DimExpr(0)), high(x.rank(), DimExpr(0));
  SmallVector<int64_t> places = n.axes(axes, x.rank());
  if (n.b.hasError())
    return {};
  for (auto [index, axis] : llvm::enumerate(places)) {
    low[axis] = pads[index];
    high[axis] = pads[index + axes.size()];
  }
  return n.b.pad(x, low, high, *mode, value);
}

static GraphTensor importTile(NodeImport &n) {
  GraphTensor x = n.in(0);
  std::optional<Integers> repeats = n.sizes(1);
  if (!x || !repeats)
    return {};
  if ((int64_t)repeats->size() != x.rank())
    return n.invalid(ErrorCode::Attribute,
                     "has " + Twine(repeats->size()) + " repeats for a tensor of rank " + Twine(x.rank()));
  return n.b.tile(x, *repeats);
}

static GraphTensor importDepthToSpace(NodeImport &n) {
  std::string mode = n.text("mode", "DCR");
  return n.b.depthToSpace(n.in(0), n.integer("blocksize", 0), mode == "CRD");
}
static GraphTensor importSpaceToDepth(NodeImport &n) {
  if (n.text("mode", "DCR") != "DCR")
    return n.unsupported("has mode CRD");
  return n.b.spaceToDepth(n.in(0), n.integer("blocksize", 0));
}

static GraphTensor importTrilu(NodeImport &n) {
  return n.b.trilu(n.in(0), n.optional(1), n.integer("upper", 1) != 0);
}

static GraphTensor importCenterCropPad(NodeImport &n) {
  GraphTensor x = n.in(0);
  std::optional<SmallVector<int64_t>> target = n.numbers(1);
  if (!x || !target)
    return {};
  SmallVector<int64_t> axes = n.integers("axes");
  if (!n.hasAttribute("axes"))
    for (int64_t axis = 0; axis < x.rank(); ++axis)
      axes.push_back(axis);
  SmallVector<int64_t> places = n.axes(axes, x.rank());
  if (n.b.hasError() || places.size() != target->size())
    return n.invalid(ErrorCode::Attribute, "has other than one target size for each axis");
  for (auto [axis, wanted] : llvm::zip_equal(places, *target)) {
    std::optional<int64_t> size = x.dim(axis).constant();
    if (!size)
      return n.unsupported("crops or pads a dynamic dimension");
    int64_t change = wanted - *size;
    if (change < 0) {
      int64_t start = -change / 2;
      x = n.b.sliceAxis(x, axis, start, start + wanted, 1);
    } else {
      SmallVector<DimExpr> low(x.rank(), DimExpr(0)), high(x.rank(), DimExpr(0));
      low[axis] = change / 2;
      high[axis] = change - change / 2;
      x = n.b.pad(x, low, high, PadMode::Constant, {});
    }
    if (!x)
      return {};
  }
  return x;
}

ArrayRef<OpEntry> frontend::movementOps() {
  static const OpEntry table[] = {
      {"CenterCropPad", 18, importCenterCropPad},
      {"Concat", 1, importConcat},
      {"DepthToSpace", 1, importDepthToSpace},
      {"Pad", 1, importPad},
      {"Slice", 1, importSlice},
      {"SpaceToDepth", 1, importSpaceToDepth},
      {"Split", 1, importSplit},
      {"Tile", 6, importTile},
      {"Transpose", 1, importTranspose},
      {"Trilu", 14, importTrilu},
  };
  return table;
}
