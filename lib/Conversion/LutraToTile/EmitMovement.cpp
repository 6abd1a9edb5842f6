//===- EmitMovement.cpp - movement ops change the window ----------------------===//
// A tile advances along tensor dimensions with constant steps. Each op below says which window of its
// input a window of its result is; where a tile would cross a seam (a reshape that wraps, a concatenation
// or padding along the tile), it declines and the caller asks for single elements.
#include "KernelEmitter.h"
#include "Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace lutra {

namespace {
/// Dimensions [in.first, in.second) of the input and of the result of a reshape that hold the same elements.
struct ReshapeGroup {
  std::pair<int64_t, int64_t> in, out;
};
} // namespace

/// Splits a reshape into independent groups, from the last dimension on while sizes are static.
static SmallVector<ReshapeGroup> groupReshape(ArrayRef<int64_t> in, ArrayRef<int64_t> out) {
  SmallVector<ReshapeGroup> groups;
  int64_t i = in.size(), o = out.size();
  while (i > 0 && o > 0) {
    int64_t inEnd = i, outEnd = o;
    if (ShapedType::isDynamic(in[i - 1]) || ShapedType::isDynamic(out[o - 1]))
      break;
    int64_t inSize = in[--i], outSize = out[--o];
    bool closed = true;
    while (inSize != outSize) {
      if (inSize < outSize) {
        if (i == 0 || ShapedType::isDynamic(in[i - 1])) {
          closed = false;
          break;
        }
        inSize *= in[--i];
      } else {
        if (o == 0 || ShapedType::isDynamic(out[o - 1])) {
          closed = false;
          break;
        }
        outSize *= out[--o];
      }
    }
    if (!closed || inSize == 0) {
      i = inEnd;
      o = outEnd;
      break;
    }
    groups.push_back({{i, inEnd}, {o, outEnd}});
  }
  // Leading ones belong to the group before them; whatever is left is one group.
  if (i > 0 || o > 0) {
    bool onlyOnes = llvm::all_of(in.take_front(i), [](int64_t s) { return s == 1; }) &&
                    llvm::all_of(out.take_front(o), [](int64_t s) { return s == 1; });
    if (onlyOnes && !groups.empty()) {
      groups.back().in.first = 0;
      groups.back().out.first = 0;
    } else {
      groups.push_back({{0, i}, {0, o}});
    }
  }
  return groups;
}

/// Product of the sizes [first, last), or -1 if one is dynamic.
static int64_t staticProduct(ArrayRef<int64_t> shape, int64_t first, int64_t last) {
  int64_t product = 1;
  for (int64_t dim = first; dim < last; ++dim) {
    if (ShapedType::isDynamic(shape[dim]))
      return -1;
    product *= shape[dim];
  }
  return product;
}

FailureOr<Value> KernelEmitter::emitReshape(ReshapeOp op, const TileWindow &window) {
  ArrayRef<int64_t> in = cast<RankedTensorType>(op.getInput().getType()).getShape();
  ArrayRef<int64_t> out = cast<RankedTensorType>(op.getType()).getShape();
  SmallVector<ReshapeGroup> groups = groupReshape(in, out);
  TileWindow inner = window;
  inner.indices.assign(in.size(), constant(0));
  for (size_t t = 0; t < window.dims.size(); ++t) {
    int64_t dim = window.dims[t];
    if (dim == -1)
      continue;
    const ReshapeGroup *group = llvm::find_if(
        groups, [&](const ReshapeGroup &g) { return dim >= g.out.first && dim < g.out.second; });
    int64_t stride = staticProduct(out, dim + 1, group->out.second);
    int64_t found = -1;
    for (int64_t e = group->in.first; e < group->in.second && stride > 0; ++e)
      if (staticProduct(in, e + 1, group->in.second) == stride && in[e] != 1)
        found = e;
    if (found == -1)
      return failure();
    // No carry out of `found`: it leads its group, or holds whole multiples of the result's dimension, or
    // of the tile when that is aligned.
    bool leads = staticProduct(in, group->in.first, found) == 1;
    bool holds = !ShapedType::isDynamic(in[found]) && !ShapedType::isDynamic(out[dim]) &&
                 in[found] % out[dim] == 0;
    bool inside = !ShapedType::isDynamic(in[found]) && window.aligned && window.steps[t] == 1 &&
                  in[found] % window.shape[t] == 0;
    if (!leads && !holds && !inside)
      return failure();
    inner.dims[t] = found;
  }
  for (const ReshapeGroup &group : groups) {
    SmallVector<Value> inSizes, outSizes, position;
    for (int64_t dim = group.in.first; dim < group.in.second; ++dim)
      inSizes.push_back(getSize(op.getInput(), dim));
    for (int64_t dim = group.out.first; dim < group.out.second; ++dim) {
      outSizes.push_back(getSize(op.getResult(), dim));
      position.push_back(window.indices[dim]);
    }
    SmallVector<Value> digits = delinearize(linearize(position, outSizes), inSizes);
    for (auto [offset, digit] : llvm::enumerate(digits))
      inner.indices[group.in.first + offset] = digit;
  }
  return emitTile(op.getInput(), inner);
}

FailureOr<Value> KernelEmitter::emitExpand(ExpandOp op, const TileWindow &window) {
  auto in = cast<RankedTensorType>(op.getInput().getType());
  auto out = cast<RankedTensorType>(op.getType());
  int64_t lead = out.getRank() - in.getRank();
  TileWindow inner = window;
  inner.indices.assign(window.indices.begin() + lead, window.indices.end());
  for (int64_t &dim : inner.dims)
    dim = dim == -1 || dim < lead ? -1 : dim - lead;
  for (int64_t dim = 0; dim < in.getRank(); ++dim) {
    int64_t size = in.getDimSize(dim);
    if (size == 1) {
      inner.indices[dim] = constant(0);
      llvm::replace(inner.dims, dim, (int64_t)-1);
      continue;
    }
    if (!ShapedType::isDynamic(size) || getSize(op.getInput(), dim) == getSize(op.getResult(), dim + lead))
      continue;
    // 1 or the result's size, known at run time only.
    if (llvm::is_contained(inner.dims, dim))
      return failure();
    Value one = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, getSize(op.getInput(), dim), constant(1));
    inner.indices[dim] = arith::SelectOp::create(builder, loc, one, constant(0), inner.indices[dim]);
  }
  return emitTile(op.getInput(), inner);
}

FailureOr<Value> KernelEmitter::emitSlice(SliceOp op, const TileWindow &window) {
  TileWindow inner = window;
  unsigned next = 0;
  for (int64_t dim = 0; dim < (int64_t)window.indices.size(); ++dim) {
    int64_t fixed = op.getStaticOffsets()[dim], step = op.getSteps()[dim];
    Value offset = ShapedType::isDynamic(fixed) ? getIndex(op.getOffsets()[next++]) : constant(fixed);
    inner.indices[dim] = add(offset, mul(window.indices[dim], constant(step)));
    for (auto [t, tileDim] : llvm::enumerate(window.dims)) {
      if (tileDim != dim)
        continue;
      inner.steps[t] *= step;
      if (step != 1 || ShapedType::isDynamic(fixed) || fixed % window.shape[t])
        inner.aligned = false;
    }
  }
  return emitTile(op.getInput(), inner);
}

FailureOr<Value> KernelEmitter::emitEither(Value condition, const TileWindow &window, Type element,
                                           llvm::function_ref<FailureOr<Value>()> yes,
                                           llvm::function_ref<FailureOr<Value>()> no) {
  Type type = TileType::get(window.shape, getTileElement(element));
  auto branch = scf::IfOp::create(builder, loc, type, condition, /*withElseRegion=*/true);
  for (bool first : {true, false}) {
    Scope scope(*this);
    builder.setInsertionPointToStart(first ? branch.thenBlock() : branch.elseBlock());
    FailureOr<Value> tile = first ? yes() : no();
    if (failed(tile))
      return failure();
    scf::YieldOp::create(builder, loc, broadcast(*tile, window.shape));
  }
  return branch.getResult(0);
}

FailureOr<Value> KernelEmitter::emitConcat(ConcatOp op, const TileWindow &window) {
  int64_t axis = op.getAxis();
  if (llvm::is_contained(window.dims, axis))
    return failure();
  Type element = cast<RankedTensorType>(op.getType()).getElementType();
  // From the last input to the first: each test asks whether the index lies before the input's end.
  std::function<FailureOr<Value>(unsigned, Value)> pick = [&](unsigned i, Value start) -> FailureOr<Value> {
    TileWindow inner = window;
    inner.indices[axis] = sub(window.indices[axis], start);
    if (i + 1 == op.getInputs().size())
      return emitTile(op.getInputs()[i], inner);
    Value end = add(start, getSize(op.getInputs()[i], axis));
    Value here = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, window.indices[axis], end);
    return emitEither(
        here, window, element, [&] { return emitTile(op.getInputs()[i], inner); },
        [&] { return pick(i + 1, end); });
  };
  return pick(0, constant(0));
}

FailureOr<Value> KernelEmitter::emitPad(PadOp op, const TileWindow &window) {
  auto in = cast<RankedTensorType>(op.getInput().getType());
  TileWindow inner = window;
  Value inside;
  auto both = [&](Value condition) {
    inside = inside ? arith::AndIOp::create(builder, loc, inside, condition).getResult() : condition;
  };
  auto compare = [&](arith::CmpIPredicate predicate, Value a, Value b) -> Value {
    return arith::CmpIOp::create(builder, loc, predicate, a, b);
  };
  auto choose = [&](Value condition, Value a, Value b) -> Value {
    return arith::SelectOp::create(builder, loc, condition, a, b);
  };
  unsigned nextLow = 0;
  for (int64_t dim = 0; dim < in.getRank(); ++dim) {
    int64_t fixedLow = op.getStaticLow()[dim], fixedHigh = op.getStaticHigh()[dim];
    Value low = ShapedType::isDynamic(fixedLow) ? getIndex(op.getLow()[nextLow++]) : constant(fixedLow);
    if (fixedLow == 0 && fixedHigh == 0)
      continue;
    if (llvm::is_contained(window.dims, dim))
      return failure();
    Value size = getSize(op.getInput(), dim), zero = constant(0);
    Value index = sub(window.indices[dim], low);
    Value last = sub(size, constant(1));
    switch (op.getMode()) {
    case PadMode::Constant:
      both(compare(arith::CmpIPredicate::ult, index, size)); // negative is large unsigned
      break;
    case PadMode::Edge:
      index = max(zero, min(index, last));
      break;
    case PadMode::Reflect: {
      // Period 2 (n - 1); the second half runs backwards. One element reflects onto itself.
      Value period = max(constant(1), mul(constant(2), last));
      Value rest = arith::RemSIOp::create(builder, loc, index, period);
      rest = choose(compare(arith::CmpIPredicate::slt, rest, zero), add(rest, period), rest);
      index = choose(compare(arith::CmpIPredicate::sgt, rest, last), sub(period, rest), rest);
      index = max(zero, min(index, last));
      break;
    }
    case PadMode::Wrap: {
      Value period = max(constant(1), size);
      Value rest = arith::RemSIOp::create(builder, loc, index, period);
      index = choose(compare(arith::CmpIPredicate::slt, rest, zero), add(rest, period), rest);
      break;
    }
    }
    inner.indices[dim] = index;
  }
  if (!inside)
    return emitTile(op.getInput(), inner);
  return emitEither(
      inside, window, in.getElementType(), [&] { return emitTile(op.getInput(), inner); },
      [&] {
        TileWindow single = window;
        single.indices.assign(cast<RankedTensorType>(op.getValue().getType()).getRank(), constant(0));
        single.dims.assign(window.dims.size(), -1);
        return emitTile(op.getValue(), single);
      });
}

/// What a gather reads as an index of that type.
static Value toIndex(OpBuilder &builder, Location loc, Value scalar, Type element) {
  if (element.isUnsignedInteger())
    return arith::IndexCastUIOp::create(builder, loc, builder.getIndexType(), scalar);
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(), scalar);
}

FailureOr<Value> KernelEmitter::emitGatherIndex(Value indices, ArrayRef<Value> at, Value size) {
  FailureOr<Value> raw = emitElement(indices, at);
  if (failed(raw))
    return failure();
  Value index = toIndex(builder, loc, *raw, getElementTypeOrSelf(indices));
  Value negative = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, index, constant(0));
  index = arith::SelectOp::create(builder, loc, negative, add(index, size), index);
  return max(constant(0), min(index, sub(size, constant(1))));
}

/// base + limit(index) * stride for each element, as offsets of a tile_gather.
static Value gatherOffsets(KernelEmitter &emitter, Value indexTile, Type indexElement, Value size, Value stride,
                           Value base) {
  Location loc = emitter.loc;
  auto rank = cast<TileType>(indexTile.getType()).getRank();
  SmallVector<int64_t> ones(rank, 1);
  auto tile = [&](Value value) {
    return isa<TileType>(value.getType()) ? value : emitter.fill(value, ones);
  };
  return emitter.map({indexTile, tile(size), tile(stride), tile(base)}, emitter.builder.getIndexType(),
                     [&](OpBuilder &b, ValueRange v) -> Value {
                       Value zero = arith::ConstantIndexOp::create(b, loc, 0);
                       Value one = arith::ConstantIndexOp::create(b, loc, 1);
                       Value index = toIndex(b, loc, v[0], indexElement);
                       Value negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index, zero);
                       index =
                           arith::SelectOp::create(b, loc, negative, arith::AddIOp::create(b, loc, index, v[1]), index);
                       Value last = arith::SubIOp::create(b, loc, v[1], one);
                       index = arith::MaxSIOp::create(b, loc, zero, arith::MinSIOp::create(b, loc, index, last));
                       return arith::AddIOp::create(b, loc, v[3], arith::MulIOp::create(b, loc, index, v[2]));
                     });
}

FailureOr<Value> KernelEmitter::emitGather(GatherOp op, const TileWindow &window) {
  Value buffer = getBuffer(op.getInput());
  if (buffer && op.isByteTable() && target.getVectorBits() != 0) { // any code has its entry: no limits
    FailureOr<Value> codes = emitTile(op.getIndices(), window);
    if (failed(codes))
      return failure();
    Type tile = TileType::get(cast<TileType>(codes->getType()).getShape(),
                              getTileElement(getElementTypeOrSelf(op.getType())));
    return TileGatherOp::create(builder, loc, tile, buffer, *codes, ValueRange()).getResult();
  }
  int64_t axis = op.getAxis();
  int64_t indexRank = cast<RankedTensorType>(op.getIndices().getType()).getRank();
  auto in = cast<RankedTensorType>(op.getInput().getType());
  SmallVector<Value> at(window.indices.begin() + axis, window.indices.begin() + axis + indexRank);
  TileWindow inner = window;
  inner.indices.assign(window.indices.begin(), window.indices.begin() + axis);
  inner.indices.push_back(Value());
  inner.indices.append(window.indices.begin() + axis + indexRank, window.indices.end());
  bool alongIndices = false;
  for (int64_t &dim : inner.dims) {
    alongIndices |= dim >= axis && dim < axis + indexRank;
    if (dim >= axis + indexRank)
      dim -= indexRank - 1;
  }
  Value size = getSize(op.getInput(), axis);
  if (!alongIndices) {
    FailureOr<Value> index = emitGatherIndex(op.getIndices(), at, size);
    if (failed(index))
      return failure();
    inner.indices[axis] = *index;
    return emitTile(op.getInput(), inner);
  }
  if (!buffer || window.shape.size() != 1)
    return failure();
  TileWindow indexWindow = window;
  indexWindow.indices = at;
  for (int64_t &dim : indexWindow.dims)
    dim -= axis;
  FailureOr<Value> indexTile = emitTile(op.getIndices(), indexWindow);
  if (failed(indexTile))
    return failure();
  SmallVector<Value> inSizes = getSizes(op.getInput());
  inner.indices[axis] = constant(0);
  Value base = linearize(inner.indices, inSizes);
  Value stride = product(ArrayRef<Value>(inSizes).drop_front(axis + 1));
  Value offsets = gatherOffsets(*this, *indexTile, getElementTypeOrSelf(op.getIndices()), size, stride, base);
  return TileGatherOp::create(builder, loc, TileType::get(window.shape, getTileElement(in.getElementType())),
                              buffer, broadcast(offsets, window.shape), window.bounds)
      .getResult();
}

FailureOr<Value> KernelEmitter::emitGatherElements(GatherElementsOp op, const TileWindow &window) {
  int64_t axis = op.getAxis();
  auto in = cast<RankedTensorType>(op.getInput().getType());
  SmallVector<Value> inSizes = getSizes(op.getInput());
  bool single = llvm::all_of(window.shape, [](int64_t size) { return size == 1; });
  if (single) {
    FailureOr<Value> index = emitGatherIndex(op.getIndices(), window.indices, inSizes[axis]);
    if (failed(index))
      return failure();
    TileWindow inner = window;
    inner.indices[axis] = *index;
    return emitTile(op.getInput(), inner);
  }
  Value buffer = getBuffer(op.getInput());
  if (!buffer || window.shape.size() != 1)
    return failure();
  FailureOr<Value> indexTile = emitTile(op.getIndices(), window);
  if (failed(indexTile))
    return failure();
  SmallVector<Value> position(window.indices);
  position[axis] = constant(0);
  Value base = linearize(position, inSizes);
  if (window.dims[0] != axis) { // the tile also walks along another dimension
    Value along = TileIotaOp::create(builder, loc, TileType::get(window.shape, builder.getIndexType()),
                                     constant(0), 0);
    Value step = mul(product(ArrayRef<Value>(inSizes).drop_front(window.dims[0] + 1)), constant(window.steps[0]));
    base = map({along, fill(step, {1}), fill(base, {1})}, builder.getIndexType(),
               [&](OpBuilder &b, ValueRange v) -> Value {
                 return arith::AddIOp::create(b, loc, v[2], arith::MulIOp::create(b, loc, v[0], v[1]));
               });
  }
  Value stride = product(ArrayRef<Value>(inSizes).drop_front(axis + 1));
  Value offsets = gatherOffsets(*this, *indexTile, getElementTypeOrSelf(op.getIndices()), inSizes[axis], stride, base);
  return TileGatherOp::create(builder, loc, TileType::get(window.shape, getTileElement(in.getElementType())),
                              buffer, broadcast(offsets, window.shape), window.bounds)
      .getResult();
}

FailureOr<Value> KernelEmitter::emitGatherNd(GatherNdOp op, const TileWindow &window) {
  auto indexType = cast<RankedTensorType>(op.getIndices().getType());
  auto in = cast<RankedTensorType>(op.getInput().getType());
  int64_t batch = op.getBatchDims(), tuple = indexType.getShape().back();
  int64_t lead = indexType.getRank() - 1; // result dimensions that the indices give
  for (int64_t dim : window.dims)
    if (dim != -1 && dim < lead)
      return failure();
  TileWindow inner = window;
  inner.indices.assign(in.getRank(), Value());
  for (int64_t dim = 0; dim < batch; ++dim)
    inner.indices[dim] = window.indices[dim];
  SmallVector<Value> at(window.indices.begin(), window.indices.begin() + lead);
  at.push_back(Value());
  for (int64_t k = 0; k < tuple; ++k) {
    at.back() = constant(k);
    FailureOr<Value> index = emitGatherIndex(op.getIndices(), at, getSize(op.getInput(), batch + k));
    if (failed(index))
      return failure();
    inner.indices[batch + k] = *index;
  }
  for (int64_t dim = batch + tuple; dim < in.getRank(); ++dim)
    inner.indices[dim] = window.indices[lead + dim - batch - tuple];
  for (int64_t &dim : inner.dims)
    dim = dim == -1 ? -1 : dim - lead + batch + tuple;
  return emitTile(op.getInput(), inner);
}

FailureOr<Value> KernelEmitter::emitIota(IotaOp op, const TileWindow &window) {
  int64_t axis = op.getAxis();
  Type element = cast<RankedTensorType>(op.getType()).getElementType();
  SmallVector<int64_t> shape(window.shape.size(), 1);
  int64_t along = -1, step = 1;
  for (auto [t, dim] : llvm::enumerate(window.dims)) {
    if (dim != axis)
      continue;
    along = t;
    shape[t] = window.shape[t];
    step = window.steps[t];
  }
  Value base = window.indices[axis];
  Value tile;
  if (along == -1) {
    tile = fill(base, shape);
  } else if (step == 1) {
    tile = TileIotaOp::create(builder, loc, TileType::get(shape, builder.getIndexType()), base, along);
  } else {
    return failure();
  }
  return map({tile}, getTileElement(element), [&](OpBuilder &b, ValueRange v) -> Value {
    Value whole = arith::IndexCastOp::create(b, loc, b.getI64Type(), v[0]);
    return ScalarBuilder{b, loc}.cast(whole, b.getI64Type(), element);
  });
}

} // namespace lutra
