//===- DepthwiseKind.cpp - convolutions of single channels -------------------===//
// channels_last: a tile is a few pixels along the last spatial dimension by a vector of channels, to which each tap
// adds a vector of the input times one of the filter. A work item is one row of the result.
//
// An input that the kernel computes (padding, and codes that are dequantized: mayComputeWindows) is computed for blocks
// of rows and channels instead, once for all windows of the item, so that only rows at the borders of blocks are
// computed twice.
#include "GroupKinds.h"
#include "Product.h"

#include "lutra/Analysis/ProductStrategy.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace lutra;

namespace {
class DepthwiseEmission : ConvWalk {
public:
  explicit DepthwiseEmission(KernelEmitter &emitter);
  Value getItems() { return emitter.product(counts); }
  LogicalResult emitItem();

private:
  struct Range {
    Value low, high;
  };
  void cutBlocks();
  LogicalResult computeInput(Value image, Range rows, Range columns);
  LogicalResult emitRow(SmallVector<Value> output, Range columns);
  FailureOr<Value> loadInput(const TileWindow &window, ArrayRef<Value> output, ArrayRef<Value> taps);
  FailureOr<Value> overTaps(Value init, llvm::function_ref<FailureOr<Value>(ArrayRef<Value>, Value)> step);

  KernelEmitter &emitter;
  ConvOp op;
  Type accumulate;
  SmallVector<Value> outerSizes; // batch and spatial dimensions before `last`
  bool computesInput;            // the input is no buffer, and mayComputeWindows
  int64_t blockRows = 1, blockColumns = 0;
  int64_t together = 0; // channels that are computed at once, since all of a pixel are border or none is
  SmallVector<Value> counts; // of items: rows of the result; or images, blocks of rows, blocks of channels
  Value computed;            // rows of the input: [rows, pixels, channels]
  Value firstRow, firstColumn; // of the item
};
} // namespace

/// Pixels of a tile.
static constexpr int64_t pixels = 4;

bool lutra::isDepthwise(ConvOp op) {
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  return op.getGroups() > 1 && filter.getDimSize(filter.getRank() - 2) == 1 &&
         filter.getShape().back() == static_cast<int64_t>(op.getGroups());
}

DepthwiseEmission::DepthwiseEmission(KernelEmitter &kernelEmitter)
    : ConvWalk(cast<ConvOp>(getRoot(kernelEmitter.kernel))), emitter(kernelEmitter),
      op(cast<ConvOp>(getRoot(kernelEmitter.kernel))) {
  accumulate = getAccumulatorType(resultType.getElementType());
  for (int64_t dim = 0; dim < last; ++dim)
    outerSizes.push_back(emitter.getSize(op.getResult(), dim));
  counts = {emitter.product(outerSizes)};
  computesInput = mayComputeWindows(op) && !emitter.getBuffer(op.getInput());
  if (computesInput)
    cutBlocks();
}

/// Blocks whose input stays in a near cache, of a few vectors of channels and rows enough to share most of theirs.
void DepthwiseEmission::cutBlocks() {
  constexpr int64_t mostBytes = 64 << 10, mostVectors = 4, fewestRows = 4;
  int64_t width = emitter.getTileWidth(), rows = resultType.getDimSize(1), stride = op.getStrides()[0];
  int64_t reach = (filterType.getDimSize(0) - 1) * op.getDilations()[0] + 1; // rows under a window
  auto bytesOf = [&](int64_t rowCount, int64_t columnCount) {
    return ((rowCount - 1) * stride + reach) * inputType.getDimSize(2) * columnCount * 4;
  };
  blockColumns = mostVectors * width;
  while (blockColumns > width && bytesOf(std::min(fewestRows, rows), blockColumns) > mostBytes)
    blockColumns /= 2;
  together = blockColumns;
  while (together > width && groups % together != 0)
    together /= 2;
  blockColumns = together > width ? together : std::min<int64_t>(blockColumns, llvm::alignTo(groups, width));
  blockRows = rows;
  while (blockRows > 1 && bytesOf(blockRows, blockColumns) > mostBytes)
    --blockRows;
  blockRows = llvm::divideCeil(rows, llvm::divideCeil(rows, blockRows)); // equally filled
  counts = {outerSizes.front(), emitter.constant(llvm::divideCeil(rows, blockRows)),
            emitter.constant(llvm::divideCeil(groups, blockColumns))};
}

/// Computes the input under the windows of `rows` for the channels of `columns`.
LogicalResult DepthwiseEmission::computeInput(Value image, Range rows, Range columns) {
  int64_t stride = op.getStrides()[0], reach = (filterType.getDimSize(0) - 1) * op.getDilations()[0] + 1;
  computed = makeScratch(emitter, {(blockRows - 1) * stride + reach, inputType.getDimSize(2), blockColumns},
                         inputType.getElementType());
  Value zero = emitter.constant(0), one = emitter.constant(1), first = emitter.mul(rows.low, emitter.constant(stride));
  Value count = emitter.add(emitter.mul(emitter.sub(emitter.sub(rows.high, rows.low), one), emitter.constant(stride)),
                            emitter.constant(reach));
  return emitter.forEach(zero, count, one, [&](Value row) {
    return emitter.forEach(zero, emitter.constant(inputType.getDimSize(2)), one, [&](Value pixel) {
      return emitter.forTiles(columns.low, columns.high, together,
                              [&](Value column, int64_t size, Value bound) -> LogicalResult {
        SmallVector<Value> from{image, emitter.add(first, row), pixel, column};
        FailureOr<Value> tile = emitter.emitTile(op.getInput(), TileWindow::row(from, 3, size, bound));
        if (failed(tile))
          return failure();
        SmallVector<Value> to{row, pixel, emitter.sub(column, columns.low)};
        emitter.storeTile(*tile, computed, TileWindow::row(to, 2, size, bound));
        return success();
      });
    });
  });
}

/// The input under the taps (one per spatial dimension) of the window of results.
FailureOr<Value> DepthwiseEmission::loadInput(const TileWindow &window, ArrayRef<Value> output, ArrayRef<Value> taps) {
  TileWindow from = window;
  from.indices.assign(output.begin(), output.end());
  for (int64_t dim = 0; dim < spatial; ++dim)
    from.indices[dim + 1] = emitter.add(emitter.mul(output[dim + 1], emitter.constant(op.getStrides()[dim])),
                                        emitter.mul(taps[dim], emitter.constant(op.getDilations()[dim])));
  from.indices.back() = window.indices.back();
  from.steps[0] = window.shape[0] == 1 ? 1 : op.getStrides()[last - 1];
  if (!computesInput)
    return emitter.emitTile(op.getInput(), from);
  Value row = emitter.sub(from.indices[1], emitter.mul(firstRow, emitter.constant(op.getStrides()[0])));
  from.indices = {row, from.indices[2], emitter.sub(from.indices[3], firstColumn)};
  from.dims = {window.dims[0] < 0 ? -1 : 1, 2};
  return emitter.loadTile(computed, from, inputType.getElementType());
}

/// Carries a tile through all taps, one after the other in the code where they are few.
FailureOr<Value> DepthwiseEmission::overTaps(Value init,
                                             llvm::function_ref<FailureOr<Value>(ArrayRef<Value>, Value)> step) {
  constexpr int64_t mostStraight = 49;
  SmallVector<Value> sizes;
  int64_t taps = 1;
  for (int64_t dim = 0; dim < spatial; ++dim) {
    taps *= filterType.getDimSize(dim);
    sizes.push_back(emitter.constant(filterType.getDimSize(dim)));
  }
  if (taps <= mostStraight) {
    FailureOr<Value> carried = init;
    for (int64_t tap = 0; tap < taps && succeeded(carried); ++tap) {
      SmallVector<Value> at(spatial);
      for (int64_t dim = spatial - 1, rest = tap; dim >= 0; rest /= filterType.getDimSize(dim--))
        at[dim] = emitter.constant(rest % filterType.getDimSize(dim));
      carried = step(at, *carried);
    }
    return carried;
  }
  auto total = emitter.fold(emitter.constant(0), emitter.constant(taps), emitter.constant(1), init,
                            [&](Value tap, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
                              auto next = step(emitter.delinearize(tap, sizes), carried[0]);
                              return failed(next) ? FailureOr<KernelEmitter::Carried>(failure())
                                                  : KernelEmitter::Carried{*next};
                            });
  if (failed(total))
    return failure();
  return (*total)[0];
}

/// One row of results at `output` for the channels of `columns`.
LogicalResult DepthwiseEmission::emitRow(SmallVector<Value> output, Range columns) {
  Value zero = emitter.constant(0), rowEnd = emitter.getSize(op.getResult(), last);
  Type element = inputType.getElementType();
  return emitter.forTiles(columns.low, columns.high, emitter.getTileWidth(), [&](Value column, int64_t size,
                                                                                 Value bound) {
    return emitter.forTiles(zero, rowEnd, pixels, [&](Value row, int64_t rows, Value rowBound) -> LogicalResult {
      ProductSpot spot{{}, row, column, rows, size, rowBound, bound};
      TileWindow window = spotWindow(emitter, spot, output, last, rank - 1);
      output[last] = row;
      auto step = [&](ArrayRef<Value> taps, Value carried) -> FailureOr<Value> {
        TileWindow filterWindow = window;
        filterWindow.indices.assign(taps.begin(), taps.end());
        filterWindow.indices.append({zero, column});
        filterWindow.dims = {-1, rank - 1};
        FailureOr<Value> left = loadInput(window, output, taps);
        FailureOr<Value> right = emitter.emitTile(op.getFilter(), filterWindow);
        if (failed(left) || failed(right))
          return failure();
        return emitter.map({*left, *right, carried}, accumulate,
                           [&](OpBuilder &builder, ValueRange scalars) -> Value {
                             Value a = widenOperand(builder, emitter.loc, scalars[0], element, accumulate);
                             Value b = widenOperand(builder, emitter.loc, scalars[1], element, accumulate);
                             return multiplyAdd(builder, emitter.loc, a, b, scalars[2]);
                           });
      };
      Value init = emitter.fill(emitter.builder.getZeroAttr(accumulate), {rows, size});
      FailureOr<Value> sums = overTaps(init, step);
      if (failed(sums))
        return failure();
      return finishSpot(emitter, op.getResult(), window, *sums);
    });
  });
}

LogicalResult DepthwiseEmission::emitItem() {
  Value zero = emitter.constant(0);
  if (!computesInput) {
    SmallVector<Value> output = emitter.delinearize(emitter.getItem(), outerSizes);
    output.append(rank - last, zero);
    return emitRow(output, {zero, emitter.constant(groups)});
  }
  SmallVector<Value> position = emitter.delinearize(emitter.getItem(), counts);
  auto cut = [&](Value index, int64_t size, int64_t extent) {
    Value low = emitter.mul(index, emitter.constant(size));
    return Range{low, emitter.min(emitter.add(low, emitter.constant(size)), emitter.constant(extent))};
  };
  Range rows = cut(position[1], blockRows, resultType.getDimSize(1));
  Range columns = cut(position[2], blockColumns, groups);
  firstRow = rows.low;
  firstColumn = columns.low;
  if (failed(computeInput(position[0], rows, columns)))
    return failure();
  return emitter.forEach(rows.low, rows.high, emitter.constant(1),
                         [&](Value row) { return emitRow({position[0], row, zero, zero}, columns); });
}

GroupKind lutra::getDepthwiseKind() {
  return {hasRoot<ConvOp>,
          [](KernelEmitter &emitter) -> FailureOr<Value> { return DepthwiseEmission(emitter).getItems(); },
          [](KernelEmitter &emitter, bool elementwise) -> LogicalResult {
            if (elementwise) // the grid was cut for tiles
              return failure();
            return DepthwiseEmission(emitter).emitItem();
          }};
}
