//===- Convolution.cpp - convolution and its transpose ---------------------===//
#include "Sums.h"
#include "Windows.h"

using namespace mlir;
using namespace lutra;

/// One entry of each attribute for each spatial dimension, in sane ranges.
static LogicalResult checkWindow(Operation *op, int64_t rank, int64_t filterRank,
                                 ArrayRef<ArrayRef<int64_t>> lists, ArrayRef<int64_t> strides,
                                 ArrayRef<int64_t> dilations, int64_t groups) {
  bool fits = rank >= 3 && rank == filterRank && groups >= 1;
  for (ArrayRef<int64_t> list : lists)
    fits &= static_cast<int64_t>(list.size()) == rank - 2;
  for (ArrayRef<int64_t> list : {strides, dilations})
    fits &= llvm::all_of(list, [](int64_t value) { return value >= 1; });
  if (fits)
    return success();
  return refuse(op, ErrorCode::Attribute) << "has strides, paddings, dilations, groups or a filter "
                                             "that do not fit an input of rank "
                                          << rank;
}

/// The same elements with dimension 0 as the last.
static ArrayPtr moveFirstToLast(const Array &array) {
  SmallVector<int64_t> shape(array.shape.begin() + 1, array.shape.end());
  shape.push_back(array.shape[0]);
  auto moved = makeArray(array.elementType, shape);
  SmallVector<int64_t> strides = stridesOf(array.shape);
  std::rotate(strides.begin(), strides.begin() + 1, strides.end());
  forEachPosition(shape, [&](ArrayRef<int64_t> index, int64_t i) {
    copyElement(array, offsetOf(index, strides), *moved, i);
  });
  return moved;
}

static LogicalResult evaluateConv(ConvOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  const Array &filter = interpreter.getArray(op.getFilter());
  ArrayRef<int64_t> low = op.getLow(), high = op.getHigh(), strides = op.getStrides(),
                    dilations = op.getDilations();
  int64_t groups = op.getGroups();
  if (failed(checkWindow(op, input.rank(), filter.rank(), {low, high, strides, dilations}, strides,
                         dilations, groups)))
    return failure();
  bool last = op.getLayout() == ConvLayout::ChannelsLast;
  Image image(input.shape, last);
  int64_t spatial = image.extents.size();
  // Filter: [F, C/g, k..] or [k.., C/g, F].
  SmallVector<int64_t> filterStrides = stridesOf(filter.shape);
  int64_t filterDim = last ? spatial + 1 : 0, channelDim = last ? spatial : 1, first = last ? 0 : 2;
  int64_t filters = filter.shape[filterDim], depth = filter.shape[channelDim];
  ArrayRef<int64_t> window = ArrayRef(filter.shape).slice(first, spatial);
  if (depth * groups != image.channels || filters % groups != 0 ||
      input.isFloat() != filter.isFloat())
    return refuse(op, ErrorCode::GraphType)
           << "has " << image.channels << " channels and " << filters << " filters of depth "
           << depth << ", which do not fit " << groups << " groups";
  SmallVector<int64_t> extents;
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t room = image.extents[i] + low[i] + high[i] - dilations[i] * (window[i] - 1) - 1;
    extents.push_back(room < 0 ? 0 : room / strides[i] + 1);
  }
  // Sums run over neighbouring filters, so they are put side by side first.
  ArrayPtr ordered;
  if (!last) {
    ordered = moveFirstToLast(filter);
    filterStrides = stridesOf(ordered->shape);
    std::rotate(filterStrides.begin(), filterStrides.end() - 1, filterStrides.end());
  }
  ArrayRef<int64_t> windowStrides = ArrayRef(filterStrides).slice(first, spatial);
  auto result = interpreter.makeResult(op->getResult(0),
                                       imageShape(image.batches, filters, extents, last));
  if (failed(result))
    return failure();
  Image out((*result)->shape, last);
  DotProducts dots(**result, input, ordered ? *ordered : filter, interpreter);
  int64_t perGroup = filters / groups, terms = depth * *countElements(window);
  for (int64_t b = 0; b < image.batches; ++b)
    for (int64_t g = 0; g < groups; ++g)
      forEachPosition(extents, [&](ArrayRef<int64_t> o, int64_t) {
        dots.start(perGroup);
        forEachPosition(window, [&](ArrayRef<int64_t> k, int64_t) {
          int64_t from = b * image.batchStride + g * depth * image.channelStride;
          for (int64_t i = 0; i < spatial; ++i) {
            int64_t at = o[i] * strides[i] - low[i] + k[i] * dilations[i];
            if (at < 0 || at >= image.extents[i])
              return;
            from += at * image.strides[i];
          }
          int64_t weight = offsetOf(k, windowStrides) + g * perGroup * filterStrides[filterDim];
          for (int64_t c = 0; c < depth; ++c)
            dots.accumulate(from + c * image.channelStride, weight + c * filterStrides[channelDim],
                            filterStrides[filterDim]);
        });
        dots.finish(b * out.batchStride + g * perGroup * out.channelStride +
                        offsetOf(o, out.strides),
                    out.channelStride, terms);
      });
  return interpreter.setArray(op->getResult(0), *result);
}

/// Each result element gathers the inputs whose windows cover it.
static LogicalResult evaluateConvTranspose(ConvTransposeOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  const Array &filter = interpreter.getArray(op.getFilter());
  ArrayRef<int64_t> low = op.getLow(), high = op.getHigh(), strides = op.getStrides(),
                    dilations = op.getDilations(), extra = op.getOutputPadding();
  int64_t groups = op.getGroups();
  if (failed(checkWindow(op, input.rank(), filter.rank(), {low, high, strides, dilations, extra},
                         strides, dilations, groups)))
    return failure();
  Image image(input.shape, /*channelsLast=*/false);
  int64_t spatial = image.extents.size(), perGroup = filter.shape[1];
  if (filter.shape[0] != image.channels || image.channels % groups != 0 ||
      input.isFloat() != filter.isFloat())
    return refuse(op, ErrorCode::GraphType)
           << "has " << image.channels << " channels, but a filter of " << filter.shape[0]
           << " in " << groups << " groups";
  SmallVector<int64_t> filterStrides = stridesOf(filter.shape), extents;
  ArrayRef<int64_t> window = ArrayRef(filter.shape).drop_front(2);
  for (int64_t i = 0; i < spatial; ++i)
    extents.push_back(std::max<int64_t>(
        0, (image.extents[i] - 1) * strides[i] + dilations[i] * (window[i] - 1) + 1 + extra[i] -
               low[i] - high[i]));
  auto result = interpreter.makeResult(
      op->getResult(0), imageShape(image.batches, perGroup * groups, extents, false));
  if (failed(result))
    return failure();
  Image out((*result)->shape, /*channelsLast=*/false);
  DotProducts dots(**result, input, filter, interpreter);
  int64_t depth = image.channels / groups, terms = depth * *countElements(window);
  for (int64_t b = 0; b < image.batches; ++b)
    for (int64_t g = 0; g < groups; ++g)
      forEachPosition(extents, [&](ArrayRef<int64_t> o, int64_t) {
        dots.start(perGroup);
        forEachPosition(window, [&](ArrayRef<int64_t> k, int64_t) {
          int64_t from = b * image.batchStride + g * depth * image.channelStride;
          for (int64_t i = 0; i < spatial; ++i) {
            int64_t scaled = o[i] + low[i] - k[i] * dilations[i];
            if (scaled < 0 || scaled % strides[i] != 0 || scaled / strides[i] >= image.extents[i])
              return;
            from += scaled / strides[i] * image.strides[i];
          }
          int64_t weight = offsetOf(k, ArrayRef(filterStrides).drop_front(2));
          for (int64_t c = 0; c < depth; ++c)
            dots.accumulate(from + c * image.channelStride,
                            weight + (g * depth + c) * filterStrides[0], filterStrides[1]);
        });
        dots.finish(b * out.batchStride + g * perGroup * out.channelStride +
                        offsetOf(o, out.strides),
                    out.channelStride, terms);
      });
  return interpreter.setArray(op->getResult(0), *result);
}

void lutra::addConvolutionHandlers(HandlerTable &table) {
  table.add<ConvOp, evaluateConv>();
  table.add<ConvTransposeOp, evaluateConvTranspose>();
}
