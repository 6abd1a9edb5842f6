//===- Selection.cpp - gather, scatter, resize, masks made of iota ---------===//
#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

using namespace mlir;
using namespace lutra;

static bool isIndexType(Type type) { return type.isInteger(32) || type.isInteger(64); }

GraphTensor GraphBuilder::gather(GraphTensor input, GraphTensor indices, int64_t axis) {
  if (!input || !indices)
    return {};
  if (axis < 0 || axis >= input.rank() || !isIndexType(indices.type()))
    return fail(ErrorCode::GraphType, "gathers along axis " + Twine(axis) + " of a tensor of rank " +
                                          Twine(input.rank()) + ", or with indices that are no i32 or i64");
  Shape shape(input.shape().take_front(axis));
  llvm::append_range(shape, indices.shape());
  llvm::append_range(shape, input.shape().drop_front(axis + 1));
  if (!checkSize(shape))
    return {};
  std::optional<SmallVector<int64_t>> positions = constantIntegers(indices);
  if (positions && input.dim(axis).isConstant()) {
    int64_t size = *input.dim(axis).constant();
    for (int64_t position : *positions)
      if (position < -size || position >= size)
        return fail(ErrorCode::Attribute, "gathers index " + Twine(position) + " of " + Twine(size) +
                                              " elements");
  }
  if (positions && canFoldMovement(input, shape)) {
    int64_t size = *input.dim(axis).constant();
    return foldMovement(input, shape, [&](ArrayRef<int64_t> at) {
      int64_t place = 0, offset = 0;
      for (int64_t dim = 0; dim < indices.rank(); ++dim)
        place = place * *indices.dim(dim).constant() + at[axis + dim];
      int64_t position = (*positions)[place] + ((*positions)[place] < 0 ? size : 0);
      for (int64_t dim = 0; dim < input.rank(); ++dim) {
        int64_t index = dim < axis    ? at[dim]
                        : dim == axis ? position
                                      : at[dim + indices.rank() - 1];
        offset = offset * *input.dim(dim).constant() + index;
      }
      return offset;
    });
  }
  // An index is limited to the elements: there must be one.
  bool isIn = true;
  if (positions)
    for (int64_t position : *positions)
      isIn &= symbols.require(input.dim(axis), position < 0 ? -position : position + 1);
  else
    symbols.require(input.dim(axis), 1);
  // One known index is a slice, which costs nothing to fuse.
  if (positions && positions->size() == 1 && !input->constant && isIn) {
    DimExpr offset = (*positions)[0];
    if ((*positions)[0] < 0)
      offset = offset + input.dim(axis);
    SmallVector<DimExpr> offsets(input.rank(), DimExpr(0));
    Shape sizes(input.shape());
    offsets[axis] = offset;
    sizes[axis] = 1;
    return reshape(slice(input, offsets, sizes, SmallVector<int64_t>(input.rank(), 1)), shape);
  }
  return emit<GatherOp>(input.type(), shape, value(input), value(indices), axis);
}

bool GraphBuilder::requireElementsInside(GraphTensor input, GraphTensor indices, int64_t axis) {
  for (int64_t dim = 0; dim < input.rank(); ++dim)
    if (dim != axis && !requireAtLeast(input.dim(dim), indices.dim(dim), "the input's dimension " + Twine(dim)))
      return false;
  return true;
}

GraphTensor GraphBuilder::gatherElements(GraphTensor input, GraphTensor indices, int64_t axis) {
  if (!input || !indices)
    return {};
  if (axis < 0 || axis >= input.rank() || indices.rank() != input.rank() || !isIndexType(indices.type()))
    return fail(ErrorCode::GraphType, "gathers elements with indices of rank " +
                                          Twine(indices.rank()) + " from a tensor of rank " +
                                          Twine(input.rank()));
  if (!requireElementsInside(input, indices, axis))
    return {};
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(input->constant); dense && dense.isSplat())
    return expand(constant(dense.resizeSplat(RankedTensorType::get({}, input.type()))), indices.shape());
  if (!requireAtLeast(input.dim(axis), 1, "the size of dimension " + Twine(axis)))
    return {};
  return emit<GatherElementsOp>(input.type(), indices.shape(), value(input), value(indices), axis);
}

GraphTensor GraphBuilder::gatherNd(GraphTensor input, GraphTensor indices, int64_t batchDims) {
  if (!input || !indices)
    return {};
  std::optional<int64_t> tuple;
  if (indices.rank() > 0)
    tuple = indices.shape().back().constant();
  if (!tuple || batchDims < 0 || batchDims >= indices.rank() || *tuple < 1 ||
      batchDims + *tuple > input.rank() || !isIndexType(indices.type()))
    return fail(ErrorCode::GraphType, "gathers with tuples that do not address a tensor of rank " +
                                          Twine(input.rank()));
  Shape shape(indices.shape().drop_back());
  llvm::append_range(shape, input.shape().drop_front(batchDims + *tuple));
  for (int64_t dim = 0; dim < *tuple; ++dim)
    if (!requireAtLeast(input.dim(batchDims + dim), 1, "the size of dimension " + Twine(batchDims + dim)))
      return {};
  for (int64_t dim = 0; dim < batchDims; ++dim)
    if (!requireEqual(input.dim(dim), indices.dim(dim), "the batch sizes of input and indices"))
      return {};
  return emit<GatherNdOp>(input.type(), shape, value(input), value(indices), batchDims);
}

GraphTensor GraphBuilder::scatterElements(GraphTensor input, GraphTensor indices, GraphTensor updates, int64_t axis,
                                     ScatterKind kind) {
  if (!input || !indices || !updates)
    return {};
  if (axis < 0 || axis >= input.rank() || indices.rank() != input.rank() ||
      updates.rank() != input.rank() || updates.type() != input.type() || !isIndexType(indices.type()))
    return fail(ErrorCode::GraphType, "scatters with indices or updates that do not fit the input");
  for (auto [index, update] : llvm::zip_equal(indices.shape(), updates.shape()))
    if (!requireEqual(index, update, "the sizes of indices and updates"))
      return {};
  // Without updates nothing is written, and the input may be empty too.
  if (updates.count() != 0 && !requireAtLeast(input.dim(axis), 1, "the size of dimension " + Twine(axis)))
    return {};
  if (!requireElementsInside(input, indices, axis))
    return {};
  return emit<ScatterElementsOp>(input.type(), input.shape(), value(input), value(indices),
                                 value(updates), axis, kind);
}

GraphTensor GraphBuilder::scatterNd(GraphTensor input, GraphTensor indices, GraphTensor updates, ScatterKind kind) {
  if (!input || !indices || !updates)
    return {};
  std::optional<int64_t> tuple;
  if (indices.rank() > 0)
    tuple = indices.shape().back().constant();
  if (!tuple || *tuple < 1 || *tuple > input.rank() || updates.type() != input.type() ||
      updates.rank() != indices.rank() - 1 + input.rank() - *tuple || !isIndexType(indices.type()))
    return fail(ErrorCode::GraphType, "scatters with indices or updates that do not fit the input");
  Shape written(indices.shape().drop_back());
  llvm::append_range(written, input.shape().drop_front(*tuple));
  for (auto [size, update] : llvm::zip_equal(written, updates.shape()))
    if (!requireEqual(size, update, "the sizes of the updates and of what the indices address"))
      return {};
  for (int64_t dim = 0; dim < *tuple && updates.count() != 0; ++dim)
    if (!requireAtLeast(input.dim(dim), 1, "the size of dimension " + Twine(dim)))
      return {};
  return emit<ScatterNdOp>(input.type(), input.shape(), value(input), value(indices), value(updates),
                           kind);
}

GraphTensor GraphBuilder::resize(GraphTensor input, ArrayRef<DimExpr> sizes, ArrayRef<double> scales,
                            const ResizeOptions &options) {
  if (!input || !checkSize(sizes))
    return {};
  for (const DimExpr &size : input.shape())
    symbols.require(size, 1);
  return emit<ResizeOp>(input.type(), sizes, value(input), dynamicSizes(sizes),
                        scales, options.mode, options.coordinates,
                        options.rounding, llvm::APFloat(options.cubicCoefficient),
                        options.excludeOutside);
}

GraphTensor GraphBuilder::trilu(GraphTensor input, GraphTensor k, bool upper) {
  if (!input)
    return {};
  if (input.rank() < 2)
    return fail(ErrorCode::GraphType, "masks a tensor of rank " + Twine(input.rank()) +
                                          ", but a triangle needs two dimensions");
  DimExpr rows = input.dim(input.rank() - 2), columns = input.dim(input.rank() - 1);
  GraphTensor row = iota({rows, 1}, 0, i64()), column = iota({1, columns}, 1, i64());
  if (k)
    row = add(row, reshape(k, {}));
  GraphTensor keep = compare(upper ? CompareKind::GreaterEqual : CompareKind::LessEqual, column, row);
  return select(keep, input, scalar(input.type(), 0.0));
}

GraphTensor GraphBuilder::oneHot(GraphTensor indices, const DimExpr &depth, GraphTensor off, GraphTensor on,
                                 int64_t axis) {
  if (!indices || !off || !on)
    return {};
  if (axis < 0 || axis > indices.rank())
    return fail(ErrorCode::Attribute, "inserts axis " + Twine(axis) + " into a tensor of rank " +
                                          Twine(indices.rank()));
  GraphTensor index = cast(indices, i64());
  GraphTensor negative = compare(CompareKind::Less, index, size(0));
  index = unsqueeze(select(negative, add(index, size(depth)), index), {axis});
  Shape classes(indices.rank() + 1, DimExpr(1));
  classes[axis] = depth;
  return select(compare(CompareKind::Equal, index, iota(classes, axis, i64())), on, off);
}
