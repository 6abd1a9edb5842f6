//===- OutputWalk.cpp - results computed window by window ---------------------------===//
#include "OutputWalk.h"

using namespace mlir;

namespace lutra {

SmallVector<Value> OutputWalk::units() {
  SmallVector<Value> result(sizes);
  if (tiled)
    result.back() = emitter.ceilDiv(result.back(), emitter.constant(emitter.getTileWidth()));
  return result;
}

Value OutputWalk::perItem() {
  Value unitWork = tiled ? emitter.mul(work, emitter.constant(emitter.getTileWidth())) : work;
  Value one = emitter.constant(1);
  return emitter.max(one, emitter.div(emitter.constant(emitter.target.getGrain()), emitter.max(one, unitWork)));
}

Value OutputWalk::items() { return emitter.ceilDiv(emitter.product(units()), perItem()); }

LogicalResult OutputWalk::run(bool elementwise, function_ref<LogicalResult(const TileWindow &)> body) {
  SmallVector<Value> extents = units();
  Value count = perItem();
  Value first = emitter.mul(emitter.getItem(), count);
  Value last = emitter.min(emitter.add(first, count), emitter.product(extents));
  return emitter.forEach(first, last, emitter.constant(1), [&](Value unit) -> LogicalResult {
    SmallVector<Value> indices = emitter.delinearize(unit, extents);
    if (!tiled)
      return body(TileWindow::element(indices));
    Value step = emitter.constant(emitter.getTileWidth());
    Value low = emitter.mul(indices.back(), step);
    Value high = emitter.min(emitter.add(low, step), sizes.back());
    return emitter.forTiles(low, high, elementwise ? 1 : emitter.getTileWidth(),
                            [&](Value index, int64_t width, Value bound) {
                              indices.back() = index;
                              TileWindow window = TileWindow::row(indices, sizes.size() - 1, width, bound);
                              window.aligned = true;
                              return body(window);
                            });
  });
}

WindowRange clipWindow(KernelEmitter &emitter, Value output, Value size, int64_t window, int64_t stride,
                       int64_t padding, int64_t dilation) {
  Value zero = emitter.constant(0), step = emitter.constant(dilation);
  Value start = emitter.sub(emitter.mul(output, emitter.constant(stride)), emitter.constant(padding));
  Value low = zero;
  if (padding > 0)
    low = emitter.ceilDiv(emitter.max(zero, emitter.sub(zero, start)), step);
  Value high = emitter.ceilDiv(emitter.max(zero, emitter.sub(size, start)), step);
  return {start, low, emitter.min(emitter.constant(window), high)};
}

FailureOr<KernelEmitter::Carried>
foldNest(KernelEmitter &emitter, ArrayRef<std::pair<Value, Value>> ranges, ValueRange init,
         function_ref<FailureOr<KernelEmitter::Carried>(ArrayRef<Value>, ValueRange)> body) {
  SmallVector<Value> position;
  std::function<FailureOr<KernelEmitter::Carried>(ValueRange)> nest =
      [&](ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
    if (position.size() == ranges.size())
      return body(position, carried);
    auto [low, high] = ranges[position.size()];
    return emitter.fold(low, high, emitter.constant(1), carried, [&](Value index, ValueRange inner) {
      position.push_back(index);
      auto result = nest(inner);
      position.pop_back();
      return result;
    });
  };
  return nest(init);
}

} // namespace lutra
