//===- ConvElements.cpp - convolutions element by element ---------------------===//
// The form for every layout, padding, group and type, of conv and conv_transpose alike. One result element is a
// sum over channels of its group and over taps; a tap that falls outside of the input (or, transposed,
// between two inputs) counts as zero: its position is clamped and the product deselected.
#include "GroupKinds.h"
#include "Product.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lutra;

namespace {
/// conv and conv_transpose in one form.
struct Geometry {
  Value input, filter, result;
  ArrayRef<int64_t> strides, low, dilations;
  int64_t groups;
  bool transposed = false, channelsLast = false;

  explicit Geometry(Operation *op) {
    if (auto conv = dyn_cast<ConvOp>(op)) {
      read(conv);
      channelsLast = conv.getLayout() == ConvLayout::ChannelsLast;
    } else {
      read(cast<ConvTransposeOp>(op));
      transposed = true;
    }
  }

private:
  template <typename Op> void read(Op conv) {
    input = conv.getInput();
    filter = conv.getFilter();
    result = conv.getResult();
    strides = conv.getStrides();
    low = conv.getLow();
    dilations = conv.getDilations();
    groups = conv.getGroups();
  }
};

class ElementEmission {
public:
  explicit ElementEmission(KernelEmitter &emitter)
      : emitter(emitter), geometry(getRoot(emitter.kernel)) {}
  LogicalResult emitItem();

private:
  FailureOr<Value> emitSum(ArrayRef<Value> output);
  Value compare(arith::CmpIPredicate predicate, Value lhs, Value rhs) {
    return arith::CmpIOp::create(emitter.builder, emitter.loc, predicate, lhs, rhs);
  }

  KernelEmitter &emitter;
  Geometry geometry;
};
} // namespace

/// The sum for the result element at `output`.
FailureOr<Value> ElementEmission::emitSum(ArrayRef<Value> output) {
  OpBuilder &builder = emitter.builder;
  Location loc = emitter.loc;
  auto resultType = cast<RankedTensorType>(geometry.result.getType());
  Type inputElement = cast<RankedTensorType>(geometry.input.getType()).getElementType();
  Type filterElement = cast<RankedTensorType>(geometry.filter.getType()).getElementType();
  Type accumulate = getAccumulatorType(resultType.getElementType());
  int64_t rank = resultType.getRank(), spatial = rank - 2;
  int64_t firstSpatial = geometry.channelsLast ? 1 : 2, channelDim = geometry.channelsLast ? rank - 1 : 1;
  int64_t firstTap = geometry.channelsLast ? 0 : 2;
  Value zero = emitter.constant(0), one = emitter.constant(1), groups = emitter.constant(geometry.groups);

  Value inputChannels = emitter.div(emitter.getSize(geometry.input, channelDim), groups);
  Value outputChannels = emitter.div(emitter.getSize(geometry.result, channelDim), groups);
  Value group = emitter.div(output[channelDim], outputChannels);
  Value outputChannel = emitter.rem(output[channelDim], outputChannels);
  SmallVector<Value> tapSizes;
  for (int64_t dim = 0; dim < spatial; ++dim)
    tapSizes.push_back(emitter.getSize(geometry.filter, firstTap + dim));

  Value init = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(accumulate));
  auto addChannel = [&](Value channel, ValueRange outer) -> FailureOr<KernelEmitter::Carried> {
    auto addTap = [&](Value tap, ValueRange carried) -> FailureOr<KernelEmitter::Carried> {
      SmallVector<Value> tapAt = emitter.delinearize(tap, tapSizes), inputAt(output), filterAt(rank);
      Value inside = arith::ConstantOp::create(builder, loc, builder.getBoolAttr(true));
      for (int64_t dim = 0; dim < spatial; ++dim) {
        Value size = emitter.getSize(geometry.input, firstSpatial + dim);
        Value stride = emitter.constant(geometry.strides[dim]);
        Value reach = emitter.mul(tapAt[dim], emitter.constant(geometry.dilations[dim]));
        Value low = emitter.constant(geometry.low[dim]), position = output[firstSpatial + dim];
        if (geometry.transposed) {
          position = emitter.sub(emitter.add(position, low), reach);
          Value offset = arith::RemSIOp::create(builder, loc, position, stride);
          inside = arith::AndIOp::create(builder, loc, inside, compare(arith::CmpIPredicate::eq, offset, zero));
          inside = arith::AndIOp::create(builder, loc, inside, compare(arith::CmpIPredicate::sge, position, zero));
          position = arith::DivSIOp::create(builder, loc, position, stride);
        } else {
          position = emitter.sub(emitter.add(emitter.mul(position, stride), reach), low);
          inside = arith::AndIOp::create(builder, loc, inside, compare(arith::CmpIPredicate::sge, position, zero));
        }
        inside = arith::AndIOp::create(builder, loc, inside, compare(arith::CmpIPredicate::slt, position, size));
        inputAt[firstSpatial + dim] = emitter.max(zero, emitter.min(position, emitter.sub(size, one)));
        filterAt[firstTap + dim] = tapAt[dim];
      }
      Value sourceChannel = emitter.add(emitter.mul(group, inputChannels), channel);
      inputAt[channelDim] = sourceChannel;
      if (geometry.channelsLast) {
        filterAt[rank - 2] = channel;
        filterAt[rank - 1] = output[channelDim];
      } else if (geometry.transposed) {
        filterAt[0] = sourceChannel;
        filterAt[1] = outputChannel;
      } else {
        filterAt[0] = output[channelDim];
        filterAt[1] = channel;
      }
      auto left = emitter.emitElement(geometry.input, inputAt);
      auto right = emitter.emitElement(geometry.filter, filterAt);
      if (failed(left) || failed(right))
        return failure();
      Value a = widenOperand(builder, loc, *left, inputElement, accumulate);
      Value b = widenOperand(builder, loc, *right, filterElement, accumulate);
      Value next = multiplyAdd(builder, loc, a, b, carried[0]);
      return KernelEmitter::Carried{arith::SelectOp::create(builder, loc, inside, next, carried[0])};
    };
    return emitter.fold(zero, emitter.product(tapSizes), one, outer, addTap);
  };
  auto sum = emitter.fold(zero, inputChannels, one, init, addChannel);
  if (failed(sum))
    return failure();
  return (*sum)[0];
}

/// An item is one index of all result dimensions but the last.
LogicalResult ElementEmission::emitItem() {
  SmallVector<Value> sizes = emitter.getSizes(geometry.result);
  Value inner = sizes.pop_back_val();
  SmallVector<Value> output = emitter.delinearize(emitter.getItem(), sizes);
  output.push_back(Value());
  return emitter.forEach(emitter.constant(0), inner, emitter.constant(1), [&](Value index) -> LogicalResult {
    output.back() = index;
    FailureOr<Value> sum = emitSum(output);
    if (failed(sum))
      return failure();
    return finishSpot(emitter, geometry.result, TileWindow::element(output), emitter.fill(*sum, {}));
  });
}

FailureOr<Value> lutra::getConvElementItems(KernelEmitter &emitter) {
  SmallVector<Value> sizes = emitter.getSizes(getRoot(emitter.kernel)->getResult(0));
  return emitter.product(ArrayRef(sizes).drop_back());
}

LogicalResult lutra::emitConvElements(KernelEmitter &emitter) {
  return ElementEmission(emitter).emitItem();
}

GroupKind lutra::getConvTransposeKind() {
  return {hasRoot<ConvTransposeOp>, getConvElementItems,
          [](KernelEmitter &emitter, bool) { return emitConvElements(emitter); }};
}
