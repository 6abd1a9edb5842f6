//===- WindowKinds.cpp - pooling and convolutions without a quick path ----------------------===//
// Each result window folds over the positions that exist. With channels last the windows are tiles of
// channels; a convolution is tiled so when it has one group or one filter per channel, and computed element
// by element otherwise. Convolutions that matter for speed have a product kernel instead.
#include "GroupKinds.h"
#include "OutputWalk.h"
#include "Reductions.h"
#include "Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lutra;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

/// acc + a * b in the accumulator's type; the operands' graph types say how they widen.
static Value multiplyAdd(KernelEmitter &emitter, Value acc, Value a, Type aType, Value b, Type bType, Type accType) {
  Type compute = getComputeType(accType);
  return emitter.map({acc, a, b}, getTileElement(compute), [&](OpBuilder &builder, ValueRange v) -> Value {
    ScalarBuilder scalar{builder, emitter.loc};
    Value x = scalar.cast(v[1], aType, compute), y = scalar.cast(v[2], bType, compute);
    if (isa<FloatType>(compute))
      return math::FmaOp::create(builder, emitter.loc, x, y, v[0]);
    return arith::AddIOp::create(builder, emitter.loc, v[0], arith::MulIOp::create(builder, emitter.loc, x, y));
  });
}

static Value toFloat(KernelEmitter &emitter, Value index, Type real, int64_t rank) {
  Value whole = arith::IndexCastOp::create(emitter.builder, emitter.loc, emitter.builder.getI64Type(), index);
  Value value = arith::SIToFPOp::create(emitter.builder, emitter.loc, real, whole);
  return emitter.fill(value, SmallVector<int64_t>(rank, 1));
}

//===----------------------------------------------------------------------===//
// pool
//===----------------------------------------------------------------------===//

static OutputWalk walkPool(KernelEmitter &emitter, PoolOp op) {
  int64_t work = 1;
  for (int64_t size : op.getWindow())
    work *= size;
  return {emitter, emitter.getSizes(op.getResult()), op.getLayout() == ConvLayout::ChannelsLast,
          emitter.constant(work)};
}

static LogicalResult emitPool(KernelEmitter &emitter, bool elementwise) {
  auto op = cast<PoolOp>(getRoot(emitter.kernel));
  bool maximum = op.getKind() == PoolKind::Max;
  ReduceKind kind = maximum ? ReduceKind::Max : ReduceKind::Sum;
  Type element = typeOf(op.getInput()).getElementType();
  Reduction reduction{emitter, kind, element};
  int64_t firstDim = op.getLayout() == ConvLayout::ChannelsLast ? 1 : 2;
  int64_t spatial = op.getWindow().size();
  return walkPool(emitter, op).run(elementwise, [&](const TileWindow &window) -> LogicalResult {
    SmallVector<std::pair<Value, Value>> ranges;
    SmallVector<Value> starts;
    Value count = emitter.constant(1);
    for (int64_t i = 0; i < spatial; ++i) {
      Value output = window.indices[firstDim + i], size = emitter.getSize(op.getInput(), firstDim + i);
      int64_t extent = op.getWindow()[i], dilation = op.getDilations()[i];
      WindowRange range = clipWindow(emitter, output, size, extent, op.getStrides()[i], op.getLow()[i], dilation);
      ranges.push_back({range.low, range.high});
      starts.push_back(range.start);
      Value here = emitter.max(emitter.constant(0), emitter.sub(range.high, range.low));
      if (op.getCountPadding()) { // up to the end of the padding behind
        Value left = emitter.sub(emitter.add(size, emitter.constant(op.getHigh()[i])), range.start);
        here = emitter.min(emitter.constant(extent), emitter.ceilDiv(emitter.max(emitter.constant(0), left), emitter.constant(dilation)));
      }
      count = emitter.mul(count, here);
    }
    Value start = emitter.fill(ScalarBuilder::neutral(kind, element), window.shape);
    auto folded = foldNest(emitter, ranges, start,
                           [&](ArrayRef<Value> position, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
                             TileWindow at = window;
                             for (int64_t i = 0; i < spatial; ++i)
                               at.indices[firstDim + i] = emitter.add(
                                   starts[i], emitter.mul(position[i], emitter.constant(op.getDilations()[i])));
                             FailureOr<Value> tile = emitter.emitTile(op.getInput(), at);
                             if (failed(tile))
                               return failure();
                             Value value = emitter.broadcast(reduction.widen(*tile), window.shape);
                             return KernelEmitter::Carried{reduction.combine(carried[0], value)};
                           });
    if (failed(folded))
      return failure();
    Value value = folded->front();
    if (!maximum) {
      Type compute = getComputeType(element);
      Value divisor = toFloat(emitter, count, compute, window.shape.size());
      value = emitter.map({value, divisor}, compute, [&](OpBuilder &b, ValueRange v) -> Value {
        return arith::DivFOp::create(b, emitter.loc, v[0], v[1]);
      });
    }
    emitter.bind(op.getResult(), window, reduction.finish(value));
    return emitter.emitResults(window);
  });
}

GroupKind lutra::getPoolKind() {
  return {hasRoot<PoolOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> {
            return walkPool(emitter, cast<PoolOp>(getRoot(emitter.kernel))).items();
          },
          emitPool};
}

//===----------------------------------------------------------------------===//
// conv
//===----------------------------------------------------------------------===//

namespace {
/// Where the parts of a convolution's operands lie.
struct ConvShape {
  ConvOp op;
  RankedTensorType filter;
  bool last;          // channels last
  int64_t groups;
  int64_t spatial, channelDim, firstDim;
  int64_t perGroup, filters; // input channels of a group; result channels
  bool depthwise;     // one input and one result channel per group

  explicit ConvShape(ConvOp conv)
      : op(conv), filter(typeOf(conv.getFilter())), groups(conv.getGroups()) {
    last = op.getLayout() == ConvLayout::ChannelsLast;
    spatial = filter.getRank() - 2;
    channelDim = last ? spatial + 1 : 1;
    firstDim = last ? 1 : 2;
    perGroup = filter.getDimSize(last ? spatial : 1);
    filters = filter.getDimSize(last ? spatial + 1 : 0);
    depthwise = perGroup == 1 && filters == groups;
  }
  bool tiled() const { return last && (groups == 1 || depthwise); }
  int64_t extent(int64_t i) const { return filter.getDimSize(last ? i : i + 2); }
};
} // namespace

static OutputWalk walkConv(KernelEmitter &emitter, const ConvShape &shape) {
  int64_t work = shape.perGroup;
  for (int64_t i = 0; i < shape.spatial; ++i)
    work *= shape.extent(i);
  return {emitter, emitter.getSizes(ConvOp(shape.op).getResult()), shape.tiled(), emitter.constant(work)};
}

static LogicalResult emitConv(KernelEmitter &emitter, bool elementwise) {
  ConvShape shape(cast<ConvOp>(getRoot(emitter.kernel)));
  ConvOp op = shape.op;
  Type input = typeOf(op.getInput()).getElementType(), filter = typeOf(op.getFilter()).getElementType();
  Type element = typeOf(op.getResult()).getElementType();
  return walkConv(emitter, shape).run(elementwise, [&](const TileWindow &window) -> LogicalResult {
    SmallVector<std::pair<Value, Value>> ranges;
    SmallVector<Value> starts;
    for (int64_t i = 0; i < shape.spatial; ++i) {
      WindowRange range = clipWindow(emitter, window.indices[shape.firstDim + i],
                                     emitter.getSize(op.getInput(), shape.firstDim + i), shape.extent(i),
                                     op.getStrides()[i], op.getLow()[i], op.getDilations()[i]);
      ranges.push_back({range.low, range.high});
      starts.push_back(range.start);
    }
    ranges.push_back({emitter.constant(0), emitter.constant(shape.perGroup)});
    Value channel = window.indices[shape.channelDim]; // of the result; a tile advances along it
    int64_t filtersPerGroup = shape.filters / shape.groups;
    Value firstChannel = shape.groups == 1
                             ? emitter.constant(0)
                             : emitter.mul(emitter.div(channel, emitter.constant(filtersPerGroup)),
                                           emitter.constant(shape.perGroup));
    Value start = emitter.fill(ScalarBuilder::neutral(ReduceKind::Sum, element), window.shape);
    auto sum = foldNest(emitter, ranges, start,
                        [&](ArrayRef<Value> position, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
      TileWindow in = window, weights = window;
      for (int64_t i = 0; i < shape.spatial; ++i)
        in.indices[shape.firstDim + i] =
            emitter.add(starts[i], emitter.mul(position[i], emitter.constant(op.getDilations()[i])));
      Value depth = position[shape.spatial];
      if (!shape.depthwise) {
        in.indices[shape.channelDim] = emitter.add(firstChannel, depth);
        in.dims.assign(in.dims.size(), -1);
      }
      weights.indices.assign(position.begin(), position.begin() + shape.spatial);
      if (shape.last) {
        weights.indices.append({depth, channel});
      } else {
        weights.indices.insert(weights.indices.begin(), {channel, depth});
      }
      // The result's channel dimension has the filter's last place.
      FailureOr<Value> x = emitter.emitTile(op.getInput(), in), w = emitter.emitTile(op.getFilter(), weights);
      if (failed(x) || failed(w))
        return failure();
      return KernelEmitter::Carried{multiplyAdd(emitter, carried[0], *x, input, *w, filter, element)};
    });
    if (failed(sum))
      return failure();
    Reduction convert{emitter, ReduceKind::Sum, element};
    emitter.bind(op.getResult(), window, convert.finish(sum->front()));
    return emitter.emitResults(window);
  });
}

GroupKind lutra::getConvKind() {
  return {hasRoot<ConvOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> {
            return walkConv(emitter, ConvShape(cast<ConvOp>(getRoot(emitter.kernel)))).items();
          },
          emitConv};
}

//===----------------------------------------------------------------------===//
// conv_transpose: each result element gathers the input positions that reach it
//===----------------------------------------------------------------------===//

static OutputWalk walkTransposed(KernelEmitter &emitter, ConvTransposeOp op) {
  auto filter = typeOf(op.getFilter());
  int64_t work = filter.getNumElements() / filter.getDimSize(1) / (int64_t)op.getGroups();
  return {emitter, emitter.getSizes(op.getResult()), /*tiled=*/false, emitter.constant(work)};
}

static LogicalResult emitTransposed(KernelEmitter &emitter, bool) {
  auto op = cast<ConvTransposeOp>(getRoot(emitter.kernel));
  auto filter = typeOf(op.getFilter());
  int64_t spatial = filter.getRank() - 2, filtersPerGroup = filter.getDimSize(1);
  int64_t channelsPerGroup = filter.getDimSize(0) / (int64_t)op.getGroups();
  Type element = typeOf(op.getResult()).getElementType();
  OpBuilder &b = emitter.builder;
  Location loc = emitter.loc;
  return walkTransposed(emitter, op).run(true, [&](const TileWindow &window) -> LogicalResult {
    Value channel = window.indices[1];
    Value group = emitter.div(channel, emitter.constant(filtersPerGroup));
    Value inGroup = emitter.rem(channel, emitter.constant(filtersPerGroup));
    SmallVector<std::pair<Value, Value>> ranges;
    for (int64_t i = 0; i < spatial; ++i)
      ranges.push_back({emitter.constant(0), emitter.constant(filter.getDimSize(i + 2))});
    ranges.push_back({emitter.constant(0), emitter.constant(channelsPerGroup)});
    Value start = emitter.fill(ScalarBuilder::neutral(ReduceKind::Sum, element), {});
    auto sum = foldNest(emitter, ranges, start,
                        [&](ArrayRef<Value> position, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
      Value exists, zero = emitter.constant(0);
      SmallVector<Value> in = {window.indices[0],
                               emitter.add(emitter.mul(group, emitter.constant(channelsPerGroup)), position[spatial])};
      SmallVector<Value> weights = {in[1], inGroup};
      for (int64_t i = 0; i < spatial; ++i) {
        // output = input * stride + k * dilation - low
        Value reach = emitter.sub(emitter.add(window.indices[i + 2], emitter.constant(op.getLow()[i])),
                                  emitter.mul(position[i], emitter.constant(op.getDilations()[i])));
        Value stride = emitter.constant(op.getStrides()[i]);
        // Rounding towards zero is fine: a negative reach is never both exact and inside.
        Value quotient = arith::DivSIOp::create(b, loc, reach, stride);
        Value exact = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, emitter.mul(quotient, stride), reach);
        Value inside = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, quotient,
                                             emitter.getSize(op.getInput(), i + 2));
        Value here = arith::AndIOp::create(b, loc, exact, inside);
        exists = exists ? arith::AndIOp::create(b, loc, exists, here).getResult() : here;
        in.push_back(arith::SelectOp::create(b, loc, inside, quotient, zero));
        weights.push_back(position[i]);
      }
      auto branch = scf::IfOp::create(b, loc, carried[0].getType(), exists, /*withElseRegion=*/true);
      KernelEmitter::Scope scope(emitter);
      b.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(b, loc, carried);
      b.setInsertionPointToStart(branch.thenBlock());
      FailureOr<Value> x = emitter.emitTile(op.getInput(), TileWindow::element(in));
      FailureOr<Value> w = emitter.emitTile(op.getFilter(), TileWindow::element(weights));
      if (failed(x) || failed(w))
        return failure();
      Value next = multiplyAdd(emitter, carried[0], *x, typeOf(op.getInput()).getElementType(), *w,
                               filter.getElementType(), element);
      scf::YieldOp::create(b, loc, next);
      return KernelEmitter::Carried{branch.getResult(0)};
    });
    if (failed(sum))
      return failure();
    Reduction convert{emitter, ReduceKind::Sum, element};
    emitter.bind(op.getResult(), window, convert.finish(sum->front()));
    return emitter.emitResults(window);
  });
}

GroupKind lutra::getConvTransposeKind() {
  return {hasRoot<ConvTransposeOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> {
            return walkTransposed(emitter, cast<ConvTransposeOp>(getRoot(emitter.kernel))).items();
          },
          emitTransposed};
}
