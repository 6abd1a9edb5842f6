//===- WindowKinds.cpp - pooling -----------------------------------------------------------===//
// Each result window folds over the positions that exist. With channels last the windows are tiles of
// channels.
#include "GroupKinds.h"
#include "OutputWalk.h"
#include "Reductions.h"
#include "Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace lutra;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

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
