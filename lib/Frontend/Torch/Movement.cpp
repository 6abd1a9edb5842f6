//===- Movement.cpp - views, joins and cuts -----------------------------------===//
#include "Operators.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::torch;
using Results = std::vector<torch::Value>;
using TorchValue = lutra::torch::Value;

static constexpr int64_t kOpen = INT64_MAX; // "to the end" in a slice

static Results view(Arguments &args) {
  if (args.has("dtype"))
    return {args.builder.fail(ErrorCode::UnsupportedOp, "reads bits as another type")};
  StringRef name = args.has("shape") ? "shape" : "size";
  return {args.builder.reshapeTo(args.tensor("self"), args.dims(name), /*zeroCopies=*/false)};
}

static Results viewAs(Arguments &args) {
  GraphTensor like = args.tensor("other");
  return {like ? args.builder.reshape(args.tensor("self"), like.shape()) : like};
}

static Results flatten(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x || x.rank() == 0)
    return {args.builder.reshape(x, {DimExpr(1)})};
  int64_t first = args.axis("start_dim", x.rank()), last = args.axis("end_dim", x.rank());
  Shape shape(x.shape().take_front(first));
  DimExpr middle = 1;
  for (int64_t dim = first; dim <= last; ++dim)
    middle = middle * x.dim(dim);
  shape.push_back(middle);
  llvm::append_range(shape, x.shape().drop_front(last + 1));
  return {args.builder.reshape(x, shape)};
}

static Results unflatten(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  int64_t axis = args.axis("dim", x.rank());
  Shape sizes = args.dims("sizes");
  DimExpr known = 1;
  for (const DimExpr &size : sizes)
    known = size.is(-1) ? known : known * size;
  for (DimExpr &size : sizes)
    if (size.is(-1))
      size = x.dim(axis).dividedBy(known).value_or(args.builder.dims().floorDiv(x.dim(axis), known));
  Shape shape(x.shape().take_front(axis));
  llvm::append_range(shape, sizes);
  llvm::append_range(shape, x.shape().drop_front(axis + 1));
  return {args.builder.reshape(x, shape)};
}

static Results permute(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  SmallVector<int64_t> order = args.integers("dims");
  for (int64_t &dim : order)
    dim = dim < 0 ? dim + x.rank() : dim;
  return {args.builder.transpose(x, order)};
}

static GraphTensor swapAxes(GraphBuilder &builder, GraphTensor x, int64_t a, int64_t b) {
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, x.rank()));
  std::swap(order[a], order[b]);
  return builder.transpose(x, order);
}

static Results transpose(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x || x.rank() < 2)
    return {x};
  return {swapAxes(args.builder, x, args.axis("dim0", x.rank()), args.axis("dim1", x.rank()))};
}

static Results matrixTranspose(Arguments &args) {
  GraphTensor x = args.tensor("self");
  return {x && x.rank() >= 2 ? swapAxes(args.builder, x, x.rank() - 2, x.rank() - 1) : x};
}

static Results moveDims(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  SmallVector<int64_t> from = args.integers("source"), to = args.integers("destination");
  SmallVector<int64_t> order(x.rank(), -1), rest;
  for (auto [source, target] : llvm::zip_equal(from, to))
    order[target < 0 ? target + x.rank() : target] = source < 0 ? source + x.rank() : source;
  for (int64_t dim = 0; dim < x.rank(); ++dim)
    if (!llvm::is_contained(order, dim))
      rest.push_back(dim);
  size_t next = 0;
  for (int64_t &dim : order)
    dim = dim < 0 ? rest[next++] : dim;
  return {args.builder.transpose(x, order)};
}

static Results expand(Arguments &args) {
  GraphTensor x = args.tensor("self");
  Shape shape = args.dims("size");
  if (!x)
    return {x};
  int64_t lead = shape.size() - x.rank();
  for (auto [index, size] : llvm::enumerate(shape))
    if (size.is(-1) && (int64_t)index >= lead)
      size = x.dim(index - lead);
  return {args.builder.expand(x, shape)};
}

static Results expandAs(Arguments &args) {
  GraphTensor like = args.tensor("other");
  return {like ? args.builder.expand(args.tensor("self"), like.shape()) : like};
}

static Results repeat(Arguments &args) {
  GraphTensor x = args.tensor("self");
  Shape repeats = args.dims(args.has("repeats") ? "repeats" : "dims");
  if (!x)
    return {x};
  while ((int64_t)repeats.size() < x.rank())
    repeats.insert(repeats.begin(), DimExpr(1));
  Shape shape(repeats.size() - x.rank(), DimExpr(1));
  llvm::append_range(shape, x.shape());
  return {args.builder.tile(args.builder.reshape(x, shape), repeats)};
}

static Results repeatInterleave(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x || !args.get("repeats").isInteger() || !args.has("dim"))
    return {args.builder.fail(ErrorCode::UnsupportedOp, "repeats each element by a tensor of counts")};
  int64_t axis = args.axis("dim", x.rank());
  DimExpr count = args.dim("repeats");
  Shape spread(x.shape()), joined(x.shape());
  spread.insert(spread.begin() + axis + 1, count);
  joined[axis] = joined[axis] * count;
  return {args.builder.reshape(args.builder.expand(args.builder.unsqueeze(x, {axis + 1}), spread), joined)};
}

static Results slice(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  DimExpr start = args.has("start") ? args.dim("start") : DimExpr(0);
  DimExpr end = args.has("end") ? args.dim("end") : DimExpr(kOpen);
  return {args.builder.sliceAxis(x, args.axis("dim", x.rank()), start, end, args.integer("step", 1))};
}

/// Elements [start, start + count) along one axis.
static GraphTensor cut(GraphBuilder &builder, GraphTensor x, int64_t axis, const DimExpr &start, const DimExpr &count) {
  Shape offsets(x.rank(), DimExpr(0)), sizes(x.shape());
  offsets[axis] = start;
  sizes[axis] = count;
  return builder.slice(x, offsets, sizes, SmallVector<int64_t>(x.rank(), 1));
}

static Results select(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  int64_t axis = args.axis("dim", x.rank());
  DimExpr index = args.dim("index");
  if (std::optional<int64_t> number = index.constant(); number && *number < 0)
    index = x.dim(axis) + index;
  GraphTensor one = cut(args.builder, x, axis, index, 1);
  return {one ? args.builder.squeeze(one, {axis}) : one};
}

static Results narrow(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  int64_t axis = args.axis("dim", x.rank());
  DimExpr start = args.dim("start");
  if (std::optional<int64_t> number = start.constant(); number && *number < 0)
    start = start + x.dim(axis);
  return {cut(args.builder, x, axis, start, args.dim("length"))};
}

/// Gives all tensors the one type that holds each.
static void promoteAll(GraphBuilder &builder, MutableArrayRef<GraphTensor> tensors) {
  Type type = tensors.front().type();
  for (GraphTensor tensor : tensors)
    type = promote(builder.scalar(type, 0), builder.scalar(tensor.type(), 0));
  for (GraphTensor &tensor : tensors)
    tensor = builder.cast(tensor, type);
}

static Results concat(Arguments &args) {
  GraphBuilder &builder = args.builder;
  std::vector<GraphTensor> tensors = args.tensors("tensors");
  if (tensors.empty() || builder.hasError())
    return {builder.fail(ErrorCode::Attribute, "joins nothing")};
  llvm::erase_if(tensors, [](GraphTensor t) { return t.rank() == 1 && t.dim(0).is(0); }); // PyTorch's old empty tensor
  if (tensors.empty())
    return {builder.fail(ErrorCode::UnsupportedOp, "joins empty tensors alone")};
  promoteAll(builder, tensors);
  return {builder.concat(tensors, args.axis("dim", tensors.front().rank()))};
}

static Results stack(Arguments &args) {
  std::vector<GraphTensor> tensors = args.tensors("tensors");
  if (tensors.empty() || args.builder.hasError())
    return {args.builder.fail(ErrorCode::Attribute, "joins nothing")};
  int64_t axis = args.axis("dim", tensors.front().rank() + 1);
  promoteAll(args.builder, tensors);
  for (GraphTensor &tensor : tensors)
    tensor = args.builder.unsqueeze(tensor, {axis});
  return {args.builder.concat(tensors, axis)};
}

static Results pieces(Arguments &args, GraphTensor x, int64_t axis, ArrayRef<DimExpr> sizes) {
  std::vector<TorchValue> result;
  DimExpr start = 0;
  for (const DimExpr &size : sizes) {
    result.push_back(cut(args.builder, x, axis, start, size));
    start = start + size;
  }
  return {TorchValue::list(std::move(result))};
}

/// `size` elements each, the last piece takes the rest.
static Results split(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  int64_t axis = args.axis("dim", x.rank());
  const TorchValue &spec = args.has("split_sizes") ? args.get("split_sizes") : args.get("split_size");
  if (spec.kind == TorchValue::Kind::List)
    return pieces(args, x, axis, args.dims(args.has("split_sizes") ? "split_sizes" : "split_size"));
  DimExpr size = spec.dim;
  // Equal symbolic pieces: the quotient is a number.
  if (std::optional<DimExpr> count = x.dim(axis).dividedBy(size); count && count->constant())
    return pieces(args, x, axis, Shape(*count->constant(), size));
  std::optional<int64_t> extent = x.dim(axis).constant(), step = size.constant();
  if (!extent || !step || *step <= 0)
    return {args.builder.fail(ErrorCode::UnsupportedOp, "splits a size that is not a multiple of the pieces")};
  Shape sizes;
  for (int64_t start = 0; start < *extent; start += *step)
    sizes.push_back(std::min(*step, *extent - start));
  return pieces(args, x, axis, sizes);
}

static Results chunk(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  int64_t axis = args.axis("dim", x.rank()), chunks = args.integer("chunks", 1);
  if (std::optional<DimExpr> size = x.dim(axis).dividedBy(DimExpr(chunks)))
    return pieces(args, x, axis, Shape(chunks, *size));
  std::optional<int64_t> extent = x.dim(axis).constant();
  if (!extent)
    return {args.builder.fail(ErrorCode::UnsupportedOp, "cuts a size known at run time only into chunks")};
  int64_t step = (*extent + chunks - 1) / chunks;
  Shape sizes;
  for (int64_t start = 0; start < *extent; start += step)
    sizes.push_back(std::min(step, *extent - start));
  return pieces(args, x, axis, sizes);
}

static Results unbind(Arguments &args) {
  GraphTensor x = args.tensor("self");
  int64_t axis = x ? args.axis("dim", x.rank()) : 0;
  if (!x || !x.dim(axis).constant())
    return {args.builder.fail(ErrorCode::UnsupportedOp, "unbinds a size known at run time only")};
  std::vector<TorchValue> result;
  for (int64_t i = 0; i < *x.dim(axis).constant(); ++i)
    result.push_back(args.builder.squeeze(cut(args.builder, x, axis, i, 1), {axis}));
  return {TorchValue::list(std::move(result))};
}

static Results unsqueeze(Arguments &args) {
  GraphTensor x = args.tensor("self");
  return {x ? args.builder.unsqueeze(x, {args.axis("dim", x.rank() + 1)}) : x};
}

static Results squeeze(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  SmallVector<int64_t> axes;
  for (int64_t axis : args.axes("dim", x.rank()))
    if (x.dim(axis).is(1))
      axes.push_back(axis);
  return {axes.empty() ? x : args.builder.squeeze(x, axes)};
}

/// Amounts from the last dimension on, before and after.
static Results pad(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  Shape amounts = args.dims("pad"), low(x.rank(), DimExpr(0)), high(x.rank(), DimExpr(0));
  for (size_t i = 0; i + 1 < amounts.size() && (int64_t)(i / 2) < x.rank(); i += 2) {
    low[x.rank() - 1 - i / 2] = amounts[i];
    high[x.rank() - 1 - i / 2] = amounts[i + 1];
  }
  StringRef mode = args.text("mode");
  PadMode kind = mode == "reflect"     ? PadMode::Reflect
                 : mode == "replicate" ? PadMode::Edge
                 : mode == "circular"  ? PadMode::Wrap
                                       : PadMode::Constant;
  return {args.builder.pad(x, low, high, kind, args.builder.scalar(x.type(), args.real("value", 0.0)))};
}

static Results flip(Arguments &args) {
  GraphTensor x = args.tensor("self");
  if (!x)
    return {x};
  Shape offsets(x.rank(), DimExpr(0));
  SmallVector<int64_t> steps(x.rank(), 1);
  for (int64_t axis : args.axes("dims", x.rank())) {
    offsets[axis] = x.dim(axis) - DimExpr(1);
    steps[axis] = -1;
  }
  return {args.builder.slice(x, offsets, x.shape(), steps)};
}

static Results roll(Arguments &args) {
  GraphTensor x = args.tensor("self");
  SmallVector<int64_t> shifts = args.integers("shifts"), axes = args.integers("dims");
  if (!x || shifts.size() != axes.size())
    return {args.builder.fail(ErrorCode::UnsupportedOp, "rolls a flattened tensor")};
  for (auto [shift, axis] : llvm::zip_equal(shifts, axes)) {
    axis = axis < 0 ? axis + x.rank() : axis;
    std::optional<int64_t> extent = x.dim(axis).constant();
    DimExpr front = extent ? DimExpr(((shift % *extent) + *extent) % *extent)
                           : shift >= 0 ? DimExpr(shift) : x.dim(axis) + DimExpr(shift);
    if (front.is(0))
      continue;
    DimExpr rest = x.dim(axis) - front;
    GraphTensor tail = cut(args.builder, x, axis, rest, front), head = cut(args.builder, x, axis, 0, rest);
    x = args.builder.concat({tail, head}, axis);
    if (!x)
      break;
  }
  return {x};
}

template <bool upper> static Results triangle(Arguments &args) {
  GraphTensor x = args.tensor("self");
  return {args.builder.trilu(x, args.builder.size(args.has("diagonal") ? args.dim("diagonal") : DimExpr(0)), upper)};
}

static Results size(Arguments &args) {
  GraphTensor x = args.tensor("self");
  return {x ? TorchValue::integer(x.dim(args.axis("dim", x.rank()))) : TorchValue()};
}

static Results count(Arguments &args) {
  GraphTensor x = args.tensor("self");
  DimExpr product = 1;
  for (const DimExpr &size : x ? x.shape() : ArrayRef<DimExpr>())
    product = product * size;
  return {TorchValue::integer(product)};
}

static constexpr Row kRows[] = {
    {"aten._unsafe_view", view},
    {"aten.broadcast_to", expand},
    {"aten.cat", concat},
    {"aten.chunk", chunk},
    {"aten.concat", concat},
    {"aten.constant_pad_nd", pad},
    {"aten.expand", expand},
    {"aten.expand_as", expandAs},
    {"aten.flatten", flatten},
    {"aten.flip", flip},
    {"aten.movedim", moveDims},
    {"aten.narrow", narrow},
    {"aten.numpy_T", matrixTranspose},
    {"aten.pad", pad},
    {"aten.permute", permute},
    {"aten.repeat", repeat},
    {"aten.repeat_interleave", repeatInterleave},
    {"aten.reshape", view},
    {"aten.roll", roll},
    {"aten.select", select},
    {"aten.slice", slice},
    {"aten.split", split},
    {"aten.split_with_sizes", split},
    {"aten.squeeze", squeeze},
    {"aten.stack", stack},
    {"aten.sym_numel", count},
    {"aten.sym_size", size},
    {"aten.t", matrixTranspose},
    {"aten.tile", repeat},
    {"aten.transpose", transpose},
    {"aten.tril", triangle<false>},
    {"aten.triu", triangle<true>},
    {"aten.unbind", unbind},
    {"aten.unflatten", unflatten},
    {"aten.unsqueeze", unsqueeze},
    {"aten.view", view},
    {"aten.view_as", viewAs},
};

ArrayRef<Row> torch::movementRows() { return kRows; }
