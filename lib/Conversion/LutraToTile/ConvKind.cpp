//===- ConvKind.cpp - convolutions as products of tiles -----------------------===//
// channels_last only, padding done beforehand (lutra-choose-layout): output pixel (.., x) times filter
// is a product whose row x reads the input at x * stride, and whose K runs over taps and channels. Rows
// advance along the last spatial dimension that has more than one output. With
// dilation 1 all taps and channels along the last spatial dimension are contiguous, in the input and in the
// packed filter, so that one tile_matmul covers them; so are those of the dimension before when the filter
// is as long as the input there. The other taps are a loop that carries the accumulator. No im2col buffer exists.
//
// A work item is a block of output rows times a block of one group's filters. An input that the kernel computes is
// copied in rows first, which a window of one pixel reads once; an item then has all filters. Depthwise convolutions
// are another kind (DepthwiseKind.cpp). Integers are multiplied in pairs along the channels (DotStrategy.cpp). What
// fits none of these (see isTileableConv) is the scalar strategy's.
#include "GroupKinds.h"
#include "Product.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lutra;

namespace {
class ConvEmission : ConvWalk {
public:
  explicit ConvEmission(KernelEmitter &emitter);
  Value getItems() { return emitter.product(counts); }
  LogicalResult emitItem();

private:
  LogicalResult packInput(ProductRange rows, Value low, Value high);
  LogicalResult emitSpot(const ProductSpot &spot);
  SmallVector<Value> outputIndices(Value outer);
  SmallVector<Value> inputIndices(ArrayRef<Value> output, ArrayRef<Value> taps);
  FailureOr<Value> overTaps(Value init, int64_t dims,
                            llvm::function_ref<FailureOr<Value>(ArrayRef<Value>, Value)> step);

  KernelEmitter &emitter;
  ConvOp op;
  Type accumulate;
  ProductShape shape;
  SmallVector<Value> outerSizes; // batch and spatial dimensions before `last`
  Value outerCount;
  int64_t outerPerItem = 1;
  ProductBlocks rowBlocks, columnBlocks;
  SmallVector<Value> counts; // of items: outer blocks, groups, column blocks, row blocks

  bool computesInput; // the input is no buffer
  ProductRange rows;  // of the item
  Value firstOuter;   // of the item
  Value group, input, filter;
};
} // namespace

static constexpr int64_t panel = 16;

bool lutra::isTileableConv(ConvOp op, std::string &why) {
  auto isZero = [](int64_t size) { return size == 0; };
  if (op.getLayout() != ConvLayout::ChannelsLast)
    why = "the layout is channels_first";
  else if (!cast<RankedTensorType>(op.getFilter().getType()).hasStaticShape())
    why = "the filter's shape is dynamic";
  else if (!llvm::all_of(op.getLow(), isZero) || !llvm::all_of(op.getHigh(), isZero))
    why = "the padding is not made explicit";
  return why.empty();
}

ConvWalk::ConvWalk(ConvOp op) {
  inputType = cast<RankedTensorType>(op.getInput().getType());
  filterType = cast<RankedTensorType>(op.getFilter().getType());
  resultType = cast<RankedTensorType>(op.getType());
  rank = resultType.getRank();
  spatial = rank - 2;
  last = rank - 2;
  while (last > 1 && resultType.getDimSize(last) == 1)
    --last;
  if (resultType.getDimSize(last) == 1)
    last = rank - 2;
  groups = op.getGroups();
  joined = spatial;
  while (groups == 1 && joined > 0 && op.getDilations()[joined - 1] == 1 &&
         (joined == spatial || filterType.getDimSize(joined) == inputType.getDimSize(joined + 1)))
    --joined;
  channels = filterType.getDimSize(rank - 2);
  columns = filterType.getDimSize(rank - 1) / groups;
}

ConvEmission::ConvEmission(KernelEmitter &kernelEmitter)
    : ConvWalk(cast<ConvOp>(getRoot(kernelEmitter.kernel))), emitter(kernelEmitter),
      op(cast<ConvOp>(getRoot(kernelEmitter.kernel))) {
  accumulate = getAccumulatorType(resultType.getElementType());

  for (int64_t dim = 0; dim < last; ++dim)
    outerSizes.push_back(emitter.getSize(op.getResult(), dim));
  outerCount = emitter.product(outerSizes);
  Value rows = emitter.getSize(op.getResult(), last);
  int64_t extent = resultType.isDynamicDim(last) ? -1 : resultType.getDimSize(last);
  shape.m = extent;
  shape.n = columns;
  shape.k = channels;
  for (int64_t dim = 0; dim < spatial; ++dim)
    shape.k *= filterType.getDimSize(dim);
  shape.accBits = accumulate.getIntOrFloatBitWidth();
  shape.constantRhs = filterType.getEncoding() != nullptr;

  ProductPlan plan = emitter.target.planProduct(shape);
  int64_t rowBlock = std::max(plan.rowBlock, plan.rows);
  rowBlocks = cutEvenly(emitter, rows, extent, rowBlock, plan.rows);
  computesInput = !emitter.getBuffer(op.getInput());
  if (extent > 0)
    outerPerItem = std::max<int64_t>(1, rowBlock / std::max<int64_t>(extent, 1));
  int64_t outerItems = 1;
  bool known = true;
  for (int64_t dim = 0; dim < last; ++dim) {
    known &= dim == 0 || !resultType.isDynamicDim(dim);
    outerItems *= resultType.isDynamicDim(dim) ? 1 : resultType.getDimSize(dim);
  }
  if (known && outerItems > 0) // equally filled
    outerPerItem = llvm::divideCeil(outerItems, llvm::divideCeil(outerItems, outerPerItem));
  int64_t items = llvm::divideCeil(outerItems, outerPerItem) * groups;
  ProductShape block = shape;
  if (extent > 0)
    block.m = extent * outerPerItem;
  int64_t unit = plan.columns;
  for (int64_t size : {int64_t(1), plan.rows / 2, extent > 0 ? extent % plan.rows : 0})
    if (size > 0 && (extent <= 0 || size == extent % plan.rows))
      unit = std::max(unit, emitter.target.getProductColumns(shape, size));
  int64_t columnBlock = chooseColumnBlock(plan, block, items, unit);
  if (computesInput) { // nothing is computed twice
    columnBlock = llvm::alignTo(columns, unit);
    if (outerPerItem == 1)
      rowBlocks = cutEvenly(emitter, rows, extent, chooseRowBlock(plan, shape, known ? outerItems : 1), plan.rows);
  }
  columnBlocks = cutEvenly(emitter, emitter.constant(columns), columns, columnBlock, unit);
  counts = {emitter.ceilDiv(outerCount, emitter.constant(outerPerItem)), emitter.constant(groups),
            columnBlocks.count, rowBlocks.count};
}

/// Indices of the result whose batch and outer spatial positions are number `outer`.
SmallVector<Value> ConvEmission::outputIndices(Value outer) {
  SmallVector<Value> indices = emitter.delinearize(outer, outerSizes);
  indices.append(rank - last, emitter.constant(0));
  return indices;
}

/// Indices of the input under the taps (one per spatial dimension) for an output pixel.
SmallVector<Value> ConvEmission::inputIndices(ArrayRef<Value> output, ArrayRef<Value> taps) {
  SmallVector<Value> indices(output);
  for (int64_t dim = 0; dim < spatial; ++dim) {
    Value base = emitter.mul(output[dim + 1], emitter.constant(op.getStrides()[dim]));
    Value tap = emitter.mul(taps[dim], emitter.constant(op.getDilations()[dim]));
    indices[dim + 1] = emitter.add(base, tap);
  }
  return indices;
}

/// Carries a tile through loops over the taps of the first `dims` spatial dimensions.
FailureOr<Value>
ConvEmission::overTaps(Value init, int64_t dims,
                       llvm::function_ref<FailureOr<Value>(ArrayRef<Value>, Value)> step) {
  SmallVector<Value> taps;
  std::function<FailureOr<Value>(Value)> descend = [&](Value carried) -> FailureOr<Value> {
    int64_t dim = taps.size();
    if (dim == dims) {
      SmallVector<Value> all(taps);
      all.append(spatial - dims, emitter.constant(0));
      return step(all, carried);
    }
    int64_t size = filterType.getDimSize(dim);
    if (size == 1) {
      taps.push_back(emitter.constant(0));
      auto result = descend(carried);
      taps.pop_back();
      return result;
    }
    auto result = emitter.fold(
        emitter.constant(0), emitter.constant(size), emitter.constant(1), carried,
        [&](Value tap, ValueRange values) -> FailureOr<KernelEmitter::Carried> {
          taps.push_back(tap);
          auto next = descend(values[0]);
          taps.pop_back();
          if (failed(next))
            return failure();
          return KernelEmitter::Carried{*next};
        });
    if (failed(result))
      return failure();
    return (*result)[0];
  };
  return descend(init);
}

/// Computes the input under the windows of `rows` at the outer positions [low, high), for windows of one pixel.
LogicalResult ConvEmission::packInput(ProductRange rows, Value low, Value high) {
  auto isOne = [](int64_t size) { return size == 1; };
  if (groups != 1 || !llvm::all_of(filterType.getShape().take_front(spatial), isOne))
    return emitter.error(op.getLoc(), ErrorCode::UnsupportedOp)
           << "'lutra.conv' reads a value of its own kernel through a window of several pixels or in groups; give the "
              "value a kernel of its own";
  Value zero = emitter.constant(0), one = emitter.constant(1);
  input = makeScratch(emitter, {outerPerItem, rowBlocks.size, channels}, inputType.getElementType());
  return emitter.forEach(low, high, one, [&](Value outer) {
    return emitter.forEach(rows.low, rows.high, one, [&](Value row) {
      SmallVector<Value> output = outputIndices(outer);
      output[last] = row;
      SmallVector<Value> source = inputIndices(output, SmallVector<Value>(spatial, zero));
      return emitter.forTiles(zero, emitter.constant(channels), emitter.getTileWidth(),
                              [&](Value channel, int64_t size, Value bound) -> LogicalResult {
        source.back() = channel;
        auto tile = emitter.emitTile(op.getInput(), TileWindow::row(source, rank - 1, size, bound));
        if (failed(tile))
          return failure();
        SmallVector<Value> place{emitter.sub(outer, low), emitter.sub(row, rows.low), channel};
        emitter.storeTile(*tile, input, TileWindow::row(place, 2, size, bound));
        return success();
      });
    });
  });
}

LogicalResult ConvEmission::emitSpot(const ProductSpot &spot) {
  OpBuilder &builder = emitter.builder;
  SmallVector<Value> output = outputIndices(spot.outer);
  output[last] = spot.row;
  auto packing = dyn_cast_if_present<PackingAttr>(filterType.getEncoding());
  bool packed = packing != nullptr, deep = packed && packing.getDepth() > 1;
  PanelLayout layout = deep ? PanelLayout::DeepPanel : packed ? PanelLayout::Panel : PanelLayout::RowMajor;
  int64_t depth = channels;
  for (int64_t dim = joined; dim < spatial; ++dim)
    depth *= filterType.getDimSize(dim);
  Value firstColumn = emitter.add(emitter.mul(group, emitter.constant(columns)), spot.column);
  SmallVector<Value> bounds;
  if (!emitter.target.planProduct(shape).maskedEdges &&
      (spot.rowBound || (spot.columnBound && !packed)))
    bounds = {spot.rowBound ? spot.rowBound : emitter.constant(spot.rows),
              spot.columnBound ? spot.columnBound : emitter.constant(spot.columns)};
  Value zero = emitter.fill(builder.getZeroAttr(accumulate), {spot.rows, spot.columns});
  auto step = [&](ArrayRef<Value> taps, Value carried) -> FailureOr<Value> {
    SmallVector<Value> at = inputIndices(output, taps), filterAt(taps);
    at.back() = emitter.mul(group, emitter.constant(channels));
    if (packed) {
      Value tap = emitter.constant(0);
      for (int64_t dim = 0; dim < spatial; ++dim)
        tap = emitter.add(emitter.mul(tap, emitter.constant(filterType.getDimSize(dim))), taps[dim]);
      int64_t stepDepth = packing.getDepth();
      filterAt = {emitter.div(firstColumn, emitter.constant(panel)),
                  emitter.mul(tap, emitter.constant(channels / stepDepth)), emitter.constant(0)};
      if (deep)
        filterAt.push_back(emitter.constant(0));
    } else {
      filterAt.append({emitter.constant(0), firstColumn});
    }
    int64_t rowDim = last, rowStep = op.getStrides()[last - 1];
    if (computesInput) {
      at = {emitter.sub(spot.outer, firstOuter), emitter.sub(spot.row, rows.low), emitter.constant(0)};
      rowDim = rowStep = 1;
    }
    return TileMatmulOp::create(builder, emitter.loc, carried.getType(), input, at, filter, filterAt,
                                carried, emitter.constant(depth), bounds, rowDim, rowStep, layout)
        .getResult();
  };
  FailureOr<Value> accumulator = overTaps(zero, joined, step);
  if (failed(accumulator))
    return failure();
  ProductSpot placed = spot;
  placed.column = firstColumn;
  return finishSpot(emitter, op.getResult(), spotWindow(emitter, placed, output, last, rank - 1),
                    *accumulator);
}

LogicalResult ConvEmission::emitItem() {
  filter = emitter.getBuffer(op.getFilter());
  if (!filter)
    return failure();
  SmallVector<Value> position = emitter.delinearize(emitter.getItem(), counts);
  group = position[1];
  rows = rowBlocks.range(emitter, position[3], emitter.getSize(op.getResult(), last));
  ProductRange columnRange = columnBlocks.range(emitter, position[2], emitter.constant(columns));
  Value perItem = emitter.constant(outerPerItem);
  Value low = firstOuter = emitter.mul(position[0], perItem);
  Value high = emitter.min(emitter.add(low, perItem), outerCount);
  if (!computesInput)
    input = emitter.getBuffer(op.getInput());
  else if (failed(packInput(rows, low, high)))
    return failure();
  return forSpots(
      emitter, shape, rows, columnRange, [&](const ProductSpot &spot) { return emitSpot(spot); },
      std::make_pair(low, high));
}

static bool isDepthwiseKernel(KernelEmitter &emitter) {
  return isDepthwise(cast<ConvOp>(getRoot(emitter.kernel)));
}

GroupKind lutra::getConvKind() {
  return {hasRoot<ConvOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> {
            return isDepthwiseKernel(emitter) ? getDepthwiseKind().grid(emitter) : ConvEmission(emitter).getItems();
          },
          [](KernelEmitter &emitter, bool elementwise) -> LogicalResult {
            if (elementwise) // the grid was cut for tiles
              return failure();
            return isDepthwiseKernel(emitter) ? getDepthwiseKind().item(emitter, elementwise)
                                              : ConvEmission(emitter).emitItem();
          }};
}
