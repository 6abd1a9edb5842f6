//===- Movement.cpp - reshape, transpose, slice, concat, pad, expand -------===//
// Result shapes are worked out on DimExpr; known tensors move at build time.
#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace lutra;

/// From here on a slice bound means "to the end": exporters write 10^9 or the largest integer.
static constexpr int64_t unlimited = 1000000000;

static DimExpr productOf(ArrayRef<DimExpr> shape) {
  DimExpr product = 1;
  for (const DimExpr &dim : shape)
    product = product * dim;
  return product;
}

/// Row-major offset of an index in a static shape.
static int64_t offsetOf(ArrayRef<int64_t> at, ArrayRef<DimExpr> shape) {
  int64_t offset = 0;
  for (auto [position, size] : llvm::zip_equal(at, shape))
    offset = offset * *size.constant() + position;
  return offset;
}

GraphTensor GraphBuilder::reshape(GraphTensor input, ArrayRef<DimExpr> shape) {
  if (!input || !checkSize(shape))
    return {};
  if (input.shape() == shape)
    return input;
  if (!symbols.requireEqual(productOf(input.shape()), productOf(shape)))
    return fail(ErrorCode::GraphType, "reshapes " + symbols.text(input.shape()) + " to " +
                                          symbols.text(shape) + ", which has another element count");
  return reinterpret(input, shape);
}

GraphTensor GraphBuilder::reinterpret(GraphTensor input, ArrayRef<DimExpr> shape) {
  if (input->constant && isStatic(shape)) {
    RankedTensorType type = tensorType(input.type(), shape);
    GraphTensor result;
    if (auto dense = dyn_cast<DenseElementsAttr>(input->constant))
      result = constant(dense.reshape(type));
    else
      result = constant(DenseResourceElementsAttr::get(
          type, llvm::cast<DenseResourceElementsAttr>(input->constant).getRawHandle()));
    result->name = input->name;
    return result;
  }
  if (input->known && isStatic(shape)) {
    GraphTensor result = integers(input.type(), *input->known, shape);
    if (input->value)
      result->value = ReshapeOp::create(builder, loc, tensorType(input.type(), shape), input->value,
                                        dynamicSizes(shape));
    return result;
  }
  // A chain of reshapes is its last one.
  Value source = value(input);
  while (auto before = source.getDefiningOp<ReshapeOp>())
    source = before.getInput();
  if (source.getType() == tensorType(input.type(), shape) && isStatic(shape))
    return make(input.type(), shape, source);
  return emit<ReshapeOp>(input.type(), shape, source, dynamicSizes(shape));
}

GraphTensor GraphBuilder::reshapeTo(GraphTensor input, ArrayRef<DimExpr> target, bool zeroCopies) {
  if (!input)
    return {};
  Shape shape(target);
  std::optional<size_t> open;
  for (auto [index, dim] : llvm::enumerate(shape)) {
    if (dim.is(0) && zeroCopies) {
      if ((int64_t)index >= input.rank())
        return fail(ErrorCode::Attribute, "copies size " + Twine(index) + " of a tensor of rank " +
                                              Twine(input.rank()));
      dim = input.dim(index);
    } else if (dim.is(-1)) {
      if (open)
        return fail(ErrorCode::Attribute, "reshapes to a shape with two sizes of -1");
      open = index;
    } else if (dim.isConstant() && *dim.constant() < 0) {
      return fail(ErrorCode::Attribute, "reshapes to a negative size " + symbols.text(dim));
    }
  }
  if (open) {
    // Sizes on both sides cancel first: only then is the quotient of two products exact.
    SmallVector<DimExpr> from(input.shape());
    DimExpr divisor = 1;
    for (auto [index, dim] : llvm::enumerate(shape)) {
      if (index == *open)
        continue;
      auto *same = llvm::find(from, dim);
      if (same != from.end())
        from.erase(same);
      else
        divisor = divisor * dim;
    }
    DimExpr total = productOf(from);
    if (divisor.is(0) || !symbols.require(divisor, 1))
      return fail(ErrorCode::Attribute, "asks for the rest of a shape that has a size of 0");
    if (total.isConstant() && divisor.isConstant() && !total.dividedBy(divisor))
      return fail(ErrorCode::GraphType, "reshapes " + symbols.text(input.shape()) + " to " +
                                            symbols.text(target) + ", which does not divide it");
    shape[*open] = symbols.floorDiv(total, divisor);
  }
  return reshape(input, shape);
}

GraphTensor GraphBuilder::transpose(GraphTensor input, ArrayRef<int64_t> permutation) {
  if (!input)
    return {};
  SmallVector<bool> seen(input.rank(), false);
  for (int64_t dim : permutation) {
    if (dim < 0 || dim >= input.rank() || seen[dim])
      return fail(ErrorCode::Attribute, "permutes dimension " + Twine(dim) + " of a tensor of rank " +
                                            Twine(input.rank()) + " twice or out of range");
    seen[dim] = true;
  }
  if ((int64_t)permutation.size() != input.rank())
    return fail(ErrorCode::Attribute, "permutes " + Twine(permutation.size()) +
                                          " dimensions of a tensor of rank " + Twine(input.rank()));
  Shape shape;
  for (int64_t dim : permutation)
    shape.push_back(input.dim(dim));
  if (llvm::is_sorted(permutation))
    return input;
  if (canFoldMovement(input, shape))
    return foldMovement(input, shape, [&](ArrayRef<int64_t> at) {
      SmallVector<int64_t> source(at.size());
      for (auto [index, dim] : llvm::enumerate(permutation))
        source[dim] = at[index];
      return offsetOf(source, input.shape());
    });
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(input->constant); dense && dense.isSplat())
    return constant(dense.resizeSplat(tensorType(input.type(), shape)));
  return emit<TransposeOp>(input.type(), shape, value(input), permutation);
}

GraphTensor GraphBuilder::squeeze(GraphTensor input, ArrayRef<int64_t> axes) {
  if (!input)
    return {};
  Shape shape;
  for (int64_t dim = 0; dim < input.rank(); ++dim) {
    if (!llvm::is_contained(axes, dim))
      shape.push_back(input.dim(dim));
    else if (!symbols.requireEqual(input.dim(dim), 1))
      return fail(ErrorCode::GraphType, "squeezes dimension " + Twine(dim) + " of size " +
                                            symbols.text(input.dim(dim)) + ", which is not 1");
  }
  return axes.empty() ? input : reinterpret(input, shape);
}

GraphTensor GraphBuilder::unsqueeze(GraphTensor input, ArrayRef<int64_t> axes) {
  if (!input)
    return {};
  Shape shape;
  int64_t next = 0, rank = input.rank() + (int64_t)axes.size();
  for (int64_t dim = 0; dim < rank; ++dim) {
    bool isNew = llvm::is_contained(axes, dim);
    if (!isNew && next == input.rank())
      return fail(ErrorCode::Attribute, "inserts the same dimension twice");
    shape.push_back(isNew ? DimExpr(1) : input.dim(next++));
  }
  return reshape(input, shape);
}

GraphTensor GraphBuilder::expand(GraphTensor input, ArrayRef<DimExpr> target) {
  if (!input)
    return {};
  GraphTensor extent = make(input.type(), target);
  std::optional<Shape> shape = broadcastShapes({input, extent});
  if (!shape)
    return {};
  if (input.shape() == ArrayRef<DimExpr>(*shape))
    return input;
  if (canFoldMovement(input, *shape))
    return foldMovement(input, *shape, [&](ArrayRef<int64_t> at) {
      SmallVector<int64_t> source(at.take_back(input.rank()));
      for (auto [position, size] : llvm::zip_equal(source, input.shape()))
        if (size.is(1))
          position = 0;
      return offsetOf(source, input.shape());
    });
  auto dense = dyn_cast_or_null<DenseElementsAttr>(input->constant);
  if (dense && dense.isSplat() && isStatic(*shape))
    return constant(dense.resizeSplat(tensorType(input.type(), *shape)));
  return emit<ExpandOp>(input.type(), *shape, value(input), dynamicSizes(*shape));
}

GraphTensor GraphBuilder::slice(GraphTensor input, ArrayRef<DimExpr> offsets, ArrayRef<DimExpr> sizes,
                           ArrayRef<int64_t> steps) {
  if (!input || !checkSize(sizes))
    return {};
  bool isWhole = input.shape() == sizes;
  for (auto [offset, step] : llvm::zip_equal(offsets, steps))
    isWhole &= offset.is(0) && step == 1;
  if (isWhole)
    return input;
  if (canFoldMovement(input, sizes) && isStatic(offsets))
    return foldMovement(input, sizes, [&](ArrayRef<int64_t> at) {
      SmallVector<int64_t> source;
      for (auto [position, offset, step] : llvm::zip_equal(at, offsets, steps))
        source.push_back(*offset.constant() + position * step);
      return offsetOf(source, input.shape());
    });
  SmallVector<int64_t> staticOffsets;
  for (const DimExpr &offset : offsets)
    staticOffsets.push_back(offset.constant().value_or(ShapedType::kDynamic));
  return emit<SliceOp>(input.type(), sizes, value(input), dynamicSizes(offsets), dynamicSizes(sizes),
                       staticOffsets, steps);
}

GraphTensor GraphBuilder::sliceAxis(GraphTensor input, int64_t axis, const DimExpr &start, const DimExpr &end,
                               int64_t step) {
  if (!input)
    return {};
  if (step == 0)
    return fail(ErrorCode::Attribute, "slices with a step of 0");
  DimExpr size = input.dim(axis);
  // The smallest and the largest position a bound may take. Backwards, a start is an element if there is one; an end
  // may lie before the front.
  DimExpr highest = step > 0 ? size : size - DimExpr(1);
  auto clamp = [&](DimExpr bound, const DimExpr &lowest) -> std::optional<DimExpr> {
    std::optional<int64_t> number = bound.constant();
    if (number && *number >= unlimited)
      return highest;
    if (number && *number <= -unlimited)
      return symbols.min(lowest, highest);
    if (symbols.isProvablyLess(bound, 0))
      bound = bound + size;
    else if (!symbols.isProvablyAtMost(0, bound))
      return std::nullopt;
    // A table cut to a symbolic length: the length must fit, which entry checks.
    ArrayRef<DimExpr::Term> terms = bound.getTerms();
    if (!bound.isConstant() && highest.isConstant() && !symbols.isProvablyAtMost(bound, highest) &&
        terms.back().atoms.size() == 1 && terms.back().coefficient == 1 && terms.size() <= 2) {
      DimExpr symbol = DimExpr::atom(terms.back().atoms[0]);
      std::optional<int64_t> limit = (highest - (bound - symbol)).constant();
      if (limit && symbols.getAtom(terms.back().atoms[0]).kind == DimKind::Symbol)
        symbols.restrict(symbol, 0, *limit);
    }
    return bound == highest ? highest : symbols.max(symbols.min(bound, highest), symbols.min(lowest, highest));
  };
  std::optional<DimExpr> first = clamp(start, 0), last = clamp(end, step > 0 ? 0 : -1);
  if (!first || !last)
    return fail(ErrorCode::UnsupportedOp, "slices from " + symbols.text(start) + " to " +
                                              symbols.text(end) + ", whose sign is not known");
  DimExpr extent = step > 0 ? *last - *first : *first - *last;
  DimExpr count = symbols.ceilDiv(symbols.max(extent, 0), step > 0 ? step : -step);
  SmallVector<DimExpr> offsets(input.rank(), DimExpr(0));
  SmallVector<int64_t> steps(input.rank(), 1);
  Shape sizes(input.shape());
  offsets[axis] = count.is(0) ? DimExpr(0) : *first;
  steps[axis] = step;
  sizes[axis] = count;
  return slice(input, offsets, sizes, steps);
}

GraphTensor GraphBuilder::concat(ArrayRef<GraphTensor> inputs, int64_t axis) {
  for (GraphTensor input : inputs)
    if (!input)
      return {};
  assert(!inputs.empty() && "concat joins something");
  GraphTensor front = inputs.front();
  if (axis < 0 || axis >= front.rank())
    return fail(ErrorCode::Attribute, "joins along axis " + Twine(axis) + " of tensors of rank " +
                                          Twine(front.rank()));
  Shape shape(front.shape());
  shape[axis] = 0;
  bool foldable = true;
  for (GraphTensor input : inputs) {
    if (input.rank() != front.rank() || input.type() != front.type())
      return fail(ErrorCode::GraphType, "joins tensors of different ranks or element types");
    for (int64_t dim = 0; dim < front.rank(); ++dim) {
      if (dim == axis)
        shape[dim] = shape[dim] + input.dim(dim);
      else if (!symbols.requireEqual(shape[dim], input.dim(dim)))
        return fail(ErrorCode::GraphType, "joins sizes " + symbols.text(shape[dim]) + " and " +
                                              symbols.text(input.dim(dim)) + " of dimension " +
                                              Twine(dim));
      else if (input.dim(dim).isConstant())
        shape[dim] = input.dim(dim);
    }
    foldable &= input.isFloat() ? isa_and_nonnull<DenseElementsAttr>(input->constant)
                                : exactIntegers(input).has_value();
  }
  if (!checkSize(shape))
    return {};
  if (inputs.size() == 1)
    return front;
  std::optional<int64_t> total = productOf(shape).constant();
  if (foldable && isStatic(shape) && total && *total <= maxKnown) {
    int64_t outer = 1;
    for (const DimExpr &dim : ArrayRef<DimExpr>(shape).take_front(axis))
      outer *= *dim.constant();
    Integers sizes;
    SmallVector<Attribute> elements;
    for (int64_t row = 0; row < outer; ++row)
      for (GraphTensor input : inputs) {
        int64_t chunk = *input.count() / std::max<int64_t>(outer, 1);
        if (front.isFloat()) {
          auto values = llvm::cast<DenseElementsAttr>(input->constant).getValues<Attribute>();
          for (int64_t i = 0; i < chunk; ++i)
            elements.push_back(values[row * chunk + i]);
        } else {
          Integers values = *knownIntegers(input);
          sizes.append(values.begin() + row * chunk, values.begin() + (row + 1) * chunk);
        }
      }
    if (!front.isFloat())
      return integers(front.type(), sizes, shape);
    return constant(DenseElementsAttr::get(tensorType(front.type(), shape), elements));
  }
  SmallVector<Value> values;
  for (GraphTensor input : inputs)
    values.push_back(value(input));
  return emit<ConcatOp>(front.type(), shape, values, axis);
}

GraphTensor GraphBuilder::pad(GraphTensor input, ArrayRef<DimExpr> low, ArrayRef<DimExpr> high, PadMode mode,
                         GraphTensor padding) {
  if (!input)
    return {};
  Shape shape;
  bool isEmpty = true;
  SmallVector<int64_t> staticLow, staticHigh;
  for (auto [size, before, after] : llvm::zip_equal(input.shape(), low, high)) {
    shape.push_back(size + before + after);
    if (!requireAtLeast(shape.back(), 0, "a size that pads or cuts leave"))
      return {};
    isEmpty &= before.is(0) && after.is(0);
    staticLow.push_back(before.constant().value_or(ShapedType::kDynamic));
    staticHigh.push_back(after.constant().value_or(ShapedType::kDynamic));
  }
  if (!checkSize(shape))
    return {};
  if (isEmpty)
    return input;
  for (const DimExpr &size : input.shape())
    if (mode != PadMode::Constant)
      symbols.require(size, 1); // there must be an edge to repeat
  GraphTensor fill = padding ? cast(padding, input.type()) : scalar(input.type(), 0.0);
  fill = reshape(fill, {});
  if (!fill)
    return {};
  return emit<PadOp>(input.type(), shape, value(input), value(fill), dynamicSizes(low),
                     dynamicSizes(high), staticLow, staticHigh, mode);
}

GraphTensor GraphBuilder::tile(GraphTensor input, ArrayRef<DimExpr> repeats) {
  if (!input)
    return {};
  Shape split, repeated, shape;
  for (auto [size, times] : llvm::zip_equal(input.shape(), repeats)) {
    if (!times.is(1)) {
      split.push_back(1);
      repeated.push_back(times);
    }
    split.push_back(size);
    repeated.push_back(size);
    shape.push_back(size * times);
  }
  if (!checkSize(shape))
    return {};
  if (llvm::any_of(repeats, [](const DimExpr &times) { return times.is(0); }))
    return filled(input.type(), shape, 0.0);
  return reshape(expand(reshape(input, split), repeated), shape);
}

GraphTensor GraphBuilder::iota(ArrayRef<DimExpr> shape, int64_t axis, Type type) {
  constexpr int64_t maxFolded = 64;
  if (!checkSize(shape))
    return {};
  if (!type.isInteger(64) && !type.isInteger(32))
    return cast(iota(shape, axis, i64()), type);
  if (shape.size() == 1 && shape[0].isConstant() && *shape[0].constant() <= maxFolded) {
    Integers values;
    for (int64_t i = 0; i < *shape[0].constant(); ++i)
      values.push_back(i);
    return integers(type, values, shape);
  }
  return emit<IotaOp>(type, shape, dynamicSizes(shape), axis);
}

GraphTensor GraphBuilder::range(const DimExpr &count, GraphTensor start, GraphTensor delta) {
  if (!start || !delta)
    return {};
  return add(start, mul(iota({count}, 0, start.type()), delta));
}

GraphTensor GraphBuilder::depthToSpace(GraphTensor input, int64_t block, bool columnMajor) {
  if (!input)
    return {};
  if (input.rank() != 4 || block <= 0)
    return fail(ErrorCode::Attribute, "needs a positive block size and an input of rank 4");
  const DimExpr &n = input.dim(0), &h = input.dim(2), &w = input.dim(3);
  DimExpr area = DimExpr(block) * DimExpr(block), c = symbols.floorDiv(input.dim(1), area);
  if (!requireEqual(input.dim(1), c * area, "the channels and a whole number of blocks"))
    return {};
  Shape result{n, c, h * DimExpr(block), w * DimExpr(block)};
  if (columnMajor)
    return reshape(transpose(reinterpret(input, {n, c, block, block, h, w}), {0, 1, 4, 2, 5, 3}), result);
  return reshape(transpose(reinterpret(input, {n, block, block, c, h, w}), {0, 3, 4, 1, 5, 2}), result);
}

GraphTensor GraphBuilder::spaceToDepth(GraphTensor input, int64_t block) {
  if (!input)
    return {};
  if (input.rank() != 4 || block <= 0)
    return fail(ErrorCode::Attribute, "needs a positive block size and an input of rank 4");
  const DimExpr &n = input.dim(0), &c = input.dim(1);
  DimExpr h = symbols.floorDiv(input.dim(2), block), w = symbols.floorDiv(input.dim(3), block);
  if (!requireEqual(input.dim(2), h * DimExpr(block), "the rows and a whole number of blocks") ||
      !requireEqual(input.dim(3), w * DimExpr(block), "the columns and a whole number of blocks"))
    return {};
  GraphTensor split = reinterpret(input, {n, c, h, block, w, block});
  return reshape(transpose(split, {0, 3, 5, 1, 2, 4}), {n, c * DimExpr(block) * DimExpr(block), h, w});
}
