//===- Indexing.cpp - gathers and index expressions ---------------------------===//
#include "Operators.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::torch;
using Results = std::vector<torch::Value>;
using TorchValue = lutra::torch::Value;

static Results embedding(Arguments &args) {
  return {args.builder.gather(args.tensor("weight"), args.tensor("indices"), 0)};
}

static Results indexSelect(Arguments &args) {
  GraphTensor x = args.tensor("self");
  return {x ? args.builder.gather(x, args.tensor("index"), args.axis("dim", x.rank())) : x};
}

/// PyTorch's gather allows indices that are smaller than the input in the other dimensions.
static Results gather(Arguments &args) {
  GraphTensor x = args.tensor("self"), indices = args.tensor("index");
  if (!x || !indices)
    return {GraphTensor()};
  int64_t axis = args.axis("dim", x.rank());
  Shape offsets(x.rank(), DimExpr(0)), sizes(indices.shape());
  sizes[axis] = x.dim(axis);
  if (ArrayRef<DimExpr>(sizes) != x.shape())
    x = args.builder.slice(x, offsets, sizes, SmallVector<int64_t>(x.rank(), 1));
  return {args.builder.gatherElements(x, indices, axis)};
}

namespace {
/// Index tensors of neighbouring dimensions, the first of which is `first`.
struct Indices {
  std::vector<GraphTensor> tensors;
  int64_t first = 0;
};
} // namespace

/// Those of an op; nothing after an error. Texts say what it does to dimensions that lie apart, and with a mask.
static std::optional<Indices> readIndices(Arguments &args, StringRef apart, StringRef mask) {
  Indices indices;
  for (auto [dim, entry] : llvm::enumerate(args.get("indices").values)) {
    if (entry.isNone())
      continue;
    if (indices.tensors.empty())
      indices.first = static_cast<int64_t>(dim);
    StringRef problem;
    if (static_cast<int64_t>(dim) != indices.first + static_cast<int64_t>(indices.tensors.size()))
      problem = apart;
    else if (entry.isTensor() && !entry.tensor) // it failed before
      return std::nullopt;
    else if (!entry.isTensor() || entry.tensor.isBool())
      problem = mask;
    if (!problem.empty()) {
      args.builder.fail(ErrorCode::UnsupportedOp, problem.str());
      return std::nullopt;
    }
    indices.tensors.push_back(entry.tensor);
  }
  return indices;
}

/// x[:, i, j]: index tensors are broadcast to one shape, which takes the place of the indexed
/// dimensions. They must stand side by side; then the result's place is where the first stood.
static Results index(Arguments &args) {
  GraphBuilder &builder = args.builder;
  GraphTensor x = args.tensor("self");
  std::optional<Indices> read = readIndices(args, "indexes dimensions that are not side by side",
                                            "selects by a mask, so its size depends on values");
  if (!read)
    return {GraphTensor()};
  auto &[indices, first] = *read;
  if (!x || indices.empty())
    return {x};
  if (indices.size() == 1)
    return {builder.gather(x, indices.front(), first)};
  std::optional<Shape> common = builder.broadcastShapes(indices);
  if (!common)
    return {GraphTensor()};
  int64_t count = indices.size(), rank = x.rank();
  for (GraphTensor &tensor : indices) {
    tensor = builder.cast(tensor, builder.i64());
    tensor = builder.unsqueeze(builder.expand(tensor, *common), {(int64_t)common->size()});
  }
  GraphTensor tuples = builder.concat(indices, common->size());
  // The indexed dimensions to the front, and the result's index dimensions back to their place.
  SmallVector<int64_t> order;
  for (int64_t dim = 0; dim < count; ++dim)
    order.push_back(first + dim);
  for (int64_t dim = 0; dim < rank; ++dim)
    if (dim < first || dim >= first + count)
      order.push_back(dim);
  GraphTensor result = builder.gatherNd(first ? builder.transpose(x, order) : x, tuples, 0);
  if (!result || first == 0)
    return {result};
  int64_t places = common->size();
  SmallVector<int64_t> back;
  for (int64_t dim = 0; dim < first; ++dim)
    back.push_back(places + dim);
  for (int64_t dim = 0; dim < places; ++dim)
    back.push_back(dim);
  for (int64_t dim = places + first; dim < result.rank(); ++dim)
    back.push_back(dim);
  return {builder.transpose(result, back)};
}

/// x[:, i, j] = values: what index tensors, broadcast to one shape, name from dimension `first` on is replaced, or
/// added to.
static GraphTensor put(GraphBuilder &builder, GraphTensor x, ArrayRef<GraphTensor> indices, int64_t first,
                       GraphTensor values, ScatterKind kind) {
  std::optional<Shape> common = builder.broadcastShapes(indices);
  if (!common || !values)
    return {};
  Shape lead(x.shape().take_front(first)); // of the tuples
  llvm::append_range(lead, *common);
  int64_t rank = lead.size();
  Shape written(lead);
  llvm::append_range(written, x.shape().drop_front(first + indices.size()));
  SmallVector<GraphTensor> tuple;
  for (int64_t dim = 0; dim < first; ++dim)
    tuple.push_back(builder.unsqueeze(builder.iota(lead, dim, builder.i64()), {rank}));
  for (GraphTensor index : indices)
    tuple.push_back(builder.unsqueeze(builder.expand(builder.cast(index, builder.i64()), lead), {rank}));
  values = builder.expand(builder.cast(values, x.type()), written);
  return builder.scatterNd(x, builder.concat(tuple, rank), values, kind);
}

static Results indexPut(Arguments &args) {
  GraphBuilder &builder = args.builder;
  GraphTensor x = args.tensor("self");
  std::optional<Indices> read = readIndices(args, "writes to dimensions that are not side by side",
                                            "writes where a mask says; use torch.where");
  if (!read)
    return {GraphTensor()};
  auto &[indices, first] = *read;
  if (!x)
    return {x};
  if (indices.empty())
    return {builder.fail(ErrorCode::UnsupportedOp, "writes without an index tensor")};
  return {put(builder, x, indices, first, args.tensor("values"),
              args.boolean("accumulate") ? ScatterKind::Add : ScatterKind::Set)};
}

static Results indexCopy(Arguments &args) {
  GraphTensor x = args.tensor("self"), place = args.tensor("index"), source = args.tensor("source");
  if (!x || !place || !source)
    return {GraphTensor()};
  int64_t axis = args.axis("dim", x.rank());
  if (place.rank() == 0)
    place = args.builder.reshape(place, {DimExpr(1)});
  return {args.builder.hasError() ? GraphTensor()
                                  : put(args.builder, x, {place}, axis, source, ScatterKind::Set)};
}

/// Differences of neighbours along one axis.
static Results diff(Arguments &args) {
  GraphBuilder &builder = args.builder;
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  int64_t axis = args.axis("dim", x.rank());
  std::vector<GraphTensor> parts;
  if (args.has("prepend"))
    parts.push_back(args.tensor("prepend"));
  parts.push_back(x);
  if (args.has("append"))
    parts.push_back(args.tensor("append"));
  if (parts.size() > 1)
    x = builder.concat(parts, axis);
  for (int64_t n = args.integer("n", 1); n > 0 && x; --n) {
    Shape zero(x.rank(), DimExpr(0)), one(x.rank(), DimExpr(0)), sizes(x.shape());
    SmallVector<int64_t> steps(x.rank(), 1);
    one[axis] = 1;
    sizes[axis] = sizes[axis] - DimExpr(1);
    GraphTensor right = builder.slice(x, one, sizes, steps), left = builder.slice(x, zero, sizes, steps);
    bool isBool = x.isBool();
    x = isBool ? builder.binary(BinaryKind::Xor, right, left) : builder.sub(right, left);
  }
  return {x};
}

/// `kind` as the operator's name has it; its argument `reduce` may ask for another.
template <ScatterKind kind> static Results scatter(Arguments &args) {
  StringRef reduce = args.text("reduce");
  ScatterKind combine = reduce == "add" ? ScatterKind::Add : reduce == "multiply" ? ScatterKind::Mul : kind;
  GraphTensor x = args.tensor("self"), indices = args.tensor("index");
  if (!x || !indices)
    return {GraphTensor()};
  GraphTensor updates = args.has("src") ? args.tensor("src") : args.operand("value", x);
  if (updates && updates.rank() == 0)
    updates = args.builder.expand(args.builder.cast(updates, x.type()), indices.shape());
  if (updates && updates.rank() == indices.rank()) // each index has an update; more of them are not read
    for (int64_t axis = 0; axis < indices.rank(); ++axis)
      updates = updates && updates.dim(axis) != indices.dim(axis)
                    ? args.builder.sliceAxis(updates, axis, 0, indices.dim(axis), 1)
                    : updates;
  return {args.builder.scatterElements(x, indices, updates, args.axis("dim", x.rank()), combine)};
}

static constexpr Row kRows[] = {
    {"aten.diff", diff},
    {"aten.embedding", embedding},
    {"aten.gather", gather},
    {"aten.index", index},
    {"aten.index_copy", indexCopy},
    {"aten.index_put", indexPut},
    {"aten.index_select", indexSelect},
    {"aten.scatter", scatter<ScatterKind::Set>},
    {"aten.scatter_add", scatter<ScatterKind::Add>},
};

ArrayRef<Row> torch::indexingRows() { return kRows; }
