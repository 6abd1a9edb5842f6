//===- Pool.cpp - maximum and mean of windows ------------------------------===//
#include "Sums.h"
#include "Windows.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace lutra;

static int64_t pooledExtent(int64_t size, int64_t window, int64_t stride, int64_t low, int64_t high,
                            int64_t dilation, bool ceilMode) {
  int64_t room = size + low + high - dilation * (window - 1) - 1;
  if (!ceilMode)
    return room < 0 ? 0 : room / stride + 1;
  if (room < 0)
    return 0;
  // No window starts behind the input and its low padding.
  return std::min(llvm::divideCeil(room, stride) + 1, llvm::divideCeil(size + low, stride));
}

/// The maximum or mean of the elements at `offsets`; `divisor` counts for the mean.
static void poolWindow(PoolKind kind, const Array &input, ArrayRef<int64_t> offsets,
                       int64_t divisor, Array &out, int64_t to, ErrorModel model) {
  if (!out.isFloat()) {
    bool isUnsigned = isUnsignedType(out.elementType);
    unsigned bits = integerBits(out.elementType);
    int64_t best = isUnsigned ? 0 : llvm::minIntN(bits), sum = 0;
    bool uncertain = false;
    for (int64_t offset : offsets) {
      int64_t value = input.integers[offset];
      bool larger = isUnsigned ? uint64_t(best) < uint64_t(value) : best < value;
      best = larger ? value : best;
      sum += value;
      uncertain |= input.errorAt(offset) != 0;
    }
    out.integers[to] = kind == PoolKind::Max ? best : divisor ? sum / divisor : 0;
    if (uncertain)
      out.errors[to] = std::numeric_limits<double>::infinity();
    return;
  }
  Bounded result;
  if (kind == PoolKind::Max) {
    result.value = -std::numeric_limits<double>::infinity();
    for (int64_t offset : offsets) {
      result.value = binaryValue(BinaryKind::Max, result.value, input.floats[offset]);
      result.error = std::max(result.error, input.errorAt(offset));
    }
  } else {
    RunningSum sum(out.elementType, model);
    for (int64_t offset : offsets)
      sum.add(input.at(offset));
    result = divide(sum.get(), {static_cast<double>(divisor), 0}, precisionOf(out.elementType));
  }
  out.floats[to] = result.value;
  if (!out.errors.empty())
    out.errors[to] = result.error;
}

static LogicalResult evaluatePool(PoolOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  ArrayRef<int64_t> window = op.getWindow(), strides = op.getStrides(), low = op.getLow(),
                    high = op.getHigh(), dilations = op.getDilations();
  size_t spatial = input.rank() - 2;
  for (ArrayRef<int64_t> list : {window, strides, low, high, dilations})
    if (input.rank() < 3 || list.size() != spatial)
      return refuse(op, ErrorCode::Attribute) << "has windows that do not fit an input of rank "
                                              << input.rank();
  for (ArrayRef<int64_t> list : {window, strides, dilations})
    if (llvm::any_of(list, [](int64_t value) { return value < 1; }))
      return refuse(op, ErrorCode::Attribute) << "has a window, stride or dilation below 1";
  bool last = op.getLayout() == ConvLayout::ChannelsLast;
  Image image(input.shape, last);
  SmallVector<int64_t> extents;
  for (size_t i = 0; i < spatial; ++i)
    extents.push_back(pooledExtent(image.extents[i], window[i], strides[i], low[i], high[i],
                                   dilations[i], op.getCeilMode()));
  auto result = interpreter.makeResult(op->getResult(0),
                                       imageShape(image.batches, image.channels, extents, last));
  if (failed(result))
    return failure();
  Image out((*result)->shape, last);
  SmallVector<int64_t> offsets;
  for (int64_t b = 0; b < image.batches; ++b)
    for (int64_t c = 0; c < image.channels; ++c)
      forEachPosition(extents, [&](ArrayRef<int64_t> o, int64_t) {
        offsets.clear();
        int64_t padded = 0; // places of the window inside the padded extent
        forEachPosition(window, [&](ArrayRef<int64_t> k, int64_t) {
          int64_t from = b * image.batchStride + c * image.channelStride;
          bool isInput = true, isPadded = true;
          for (size_t i = 0; i < spatial; ++i) {
            int64_t at = o[i] * strides[i] - low[i] + k[i] * dilations[i];
            isInput &= at >= 0 && at < image.extents[i];
            isPadded &= at < image.extents[i] + high[i];
            from += at * image.strides[i];
          }
          padded += isPadded;
          if (isInput)
            offsets.push_back(from);
        });
        int64_t divisor = op.getCountPadding() ? padded : static_cast<int64_t>(offsets.size());
        poolWindow(op.getKind(), input, offsets, divisor, **result,
                   b * out.batchStride + c * out.channelStride + offsetOf(o, out.strides),
                   interpreter.getErrorModel());
      });
  return interpreter.setArray(op->getResult(0), *result);
}

void lutra::addPoolHandlers(HandlerTable &table) { table.add<PoolOp, evaluatePool>(); }
