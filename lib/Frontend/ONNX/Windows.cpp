//===- Windows.cpp - ONNX convolutions and pools ---------------------------===//
#include "Windows.h"

#include "Quantization.h"

#include <cmath>

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

std::optional<WindowOptions> frontend::importWindow(NodeImport &n, GraphTensor input, ArrayRef<DimExpr> filterSizes,
                                                bool isTransposed) {
  WindowOptions options;
  int64_t spatial = input.rank() - 2;
  if (spatial < 1) {
    n.invalid(ErrorCode::GraphType, "slides a window over a tensor of rank " + Twine(input.rank()));
    return std::nullopt;
  }
  auto list = [&](StringRef name, int64_t fallback, int64_t count) {
    SmallVector<int64_t, 3> values;
    if (n.hasAttribute(name))
      llvm::append_range(values, n.integers(name));
    else
      values.assign(count, fallback);
    return values;
  };
  SmallVector<int64_t> window = n.integers("kernel_shape");
  if (!n.hasAttribute("kernel_shape"))
    for (const DimExpr &size : filterSizes)
      window.push_back(size.constant().value_or(0));
  for (auto [size, given] : llvm::zip(filterSizes, window))
    if (size.isConstant() && *size.constant() != given) {
      n.invalid(ErrorCode::Attribute, "has kernel_shape " + Twine(given) + ", but its filter has size " +
                                          Twine(*size.constant()));
      return std::nullopt;
    }
  options.window.assign(window.begin(), window.end());
  options.strides = list("strides", 1, spatial);
  options.dilations = list("dilations", 1, spatial);
  options.groups = n.integer("group", 1);
  options.ceilMode = n.integer("ceil_mode", 0) != 0;
  options.countPadding = n.integer("count_include_pad", 0) != 0;
  SmallVector<int64_t, 3> pads = list("pads", 0, 2 * spatial);
  auto fits = [&](ArrayRef<int64_t> values, int64_t count, int64_t least) {
    return (int64_t)values.size() == count &&
           llvm::all_of(values, [&](int64_t value) { return value >= least && value < INT32_MAX; });
  };
  if (!fits(options.window, spatial, 1) || !fits(options.strides, spatial, 1) ||
      !fits(options.dilations, spatial, 1) || !fits(pads, 2 * spatial, 0) || options.groups < 1) {
    n.invalid(ErrorCode::Attribute,
              "has a window, strides, dilations, groups or pads that are not positive or do not fit " + Twine(spatial) +
                  " spatial dimensions");
    return std::nullopt;
  }
  options.low.assign(pads.begin(), pads.begin() + spatial);
  options.high.assign(pads.begin() + spatial, pads.end());
  std::string automatic = n.text("auto_pad", "NOTSET");
  if (automatic == "VALID") {
    options.low.assign(spatial, 0);
    options.high.assign(spatial, 0);
  } else if ((automatic == "SAME_UPPER" || automatic == "SAME_LOWER") && !isTransposed) {
    for (int64_t dim = 0; dim < spatial; ++dim) {
      int64_t reach = options.dilations[dim] * (options.window[dim] - 1) + 1, stride = options.strides[dim];
      std::optional<int64_t> size = input.dim(dim + 2).constant();
      if (!size && stride != 1) {
        n.unsupported("pads a dynamic dimension automatically for stride " + Twine(stride));
        return std::nullopt;
      }
      int64_t total = size ? std::max<int64_t>((llvm::divideCeil(*size, stride) - 1) * stride + reach - *size, 0)
                           : reach - 1;
      options.low[dim] = automatic == "SAME_UPPER" ? total / 2 : total - total / 2;
      options.high[dim] = total - options.low[dim];
    }
  } else if (automatic != "NOTSET" && automatic != "SAME_UPPER" && automatic != "SAME_LOWER") {
    n.invalid(ErrorCode::Attribute, "has auto_pad = " + quoted(automatic) +
                                        "; use NOTSET, SAME_UPPER, SAME_LOWER or VALID");
    return std::nullopt;
  }
  return options;
}

std::optional<WindowOptions> frontend::importConvWindow(NodeImport &n, GraphTensor input, GraphTensor filter,
                                                        bool isTransposed) {
  if (filter.rank() == input.rank())
    return importWindow(n, input, filter.shape().drop_front(2), isTransposed);
  n.invalid(ErrorCode::GraphType, "convolves an input of rank " + Twine(input.rank()) + " with a filter of rank " +
                                      Twine(filter.rank()));
  return std::nullopt;
}

static GraphTensor importConv(NodeImport &n) {
  GraphTensor x = n.in(0), filter = n.in(1);
  if (!x || !filter)
    return {};
  std::optional<WindowOptions> options = importConvWindow(n, x, filter);
  return options ? n.b.conv(x, filter, n.optional(2), *options) : GraphTensor();
}

static GraphTensor importConvInteger(NodeImport &n) {
  GraphTensor x = n.in(0), filter = n.in(1);
  if (!x || !filter)
    return {};
  std::optional<WindowOptions> options = importConvWindow(n, x, filter);
  if (!options)
    return {};
  return n.b.conv(importCentred(n, 0, 2, 1), importCentred(n, 1, 3, 0), {}, *options);
}

static GraphTensor importConvTranspose(NodeImport &n) {
  GraphTensor x = n.in(0), filter = n.in(1);
  if (!x || !filter)
    return {};
  std::optional<WindowOptions> options = importConvWindow(n, x, filter, /*isTransposed=*/true);
  if (!options)
    return {};
  int64_t spatial = x.rank() - 2;
  SmallVector<int64_t> outputPadding = n.integers("output_padding"), outputShape = n.integers("output_shape");
  if (outputPadding.empty())
    outputPadding.assign(spatial, 0);
  std::string automatic = n.text("auto_pad", "NOTSET");
  bool isSame = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
  if ((int64_t)outputPadding.size() != spatial ||
      (!outputShape.empty() && (int64_t)outputShape.size() < spatial))
    return n.invalid(ErrorCode::Attribute, "has output_padding or output_shape for other than its " +
                                               Twine(spatial) + " spatial dimensions");
  if (!outputShape.empty() || isSame) {
    ArrayRef<int64_t> wanted = ArrayRef<int64_t>(outputShape).take_back(outputShape.empty() ? 0 : spatial);
    for (int64_t dim = 0; dim < spatial; ++dim) {
      std::optional<int64_t> size = x.dim(dim + 2).constant();
      if (!size)
        return n.unsupported("fits a dynamic dimension to an output shape");
      int64_t reach = options->dilations[dim] * (options->window[dim] - 1) + 1, stride = options->strides[dim];
      int64_t target = wanted.empty() ? *size * stride : wanted[dim];
      int64_t total = (*size - 1) * stride + outputPadding[dim] + reach - target;
      if (total < 0) {
        outputPadding[dim] -= total;
        total = 0;
      }
      options->low[dim] = automatic == "SAME_UPPER" ? total / 2 : total - total / 2;
      options->high[dim] = total - options->low[dim];
    }
  }
  return n.b.convTranspose(x, filter, n.optional(2), *options, outputPadding);
}

template <PoolKind kind>
static GraphTensor importPool(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  n.ignore({"storage_order"});
  if (n.wants(1))
    return n.unsupported("returns the indices of its maxima");
  std::optional<WindowOptions> options = importWindow(n, x, {});
  return options ? n.b.pool(kind, x, *options) : GraphTensor();
}

static GraphTensor importLpPool(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  double p = n.integer("p", 2);
  std::optional<WindowOptions> options = importWindow(n, x, {});
  if (!options)
    return {};
  if (options->ceilMode)
    return n.unsupported("has windows that reach past the input");
  // A sum is an average of a window whose padding counts.
  options->countPadding = true;
  double count = 1.0;
  for (int64_t size : options->window)
    count *= (double)size;
  GraphTensor power = n.b.pow(n.b.unary(UnaryKind::Abs, x), n.b.scalar(x.type(), p));
  GraphTensor sum = n.b.mul(n.b.pool(PoolKind::Average, power, *options), count);
  return n.b.pow(sum, n.b.scalar(x.type(), 1.0 / p));
}

static SmallVector<int64_t> spatialAxes(GraphTensor x) {
  SmallVector<int64_t> axes;
  for (int64_t axis = 2; axis < x.rank(); ++axis)
    axes.push_back(axis);
  return axes;
}

static GraphTensor importGlobalAverage(NodeImport &n) {
  GraphTensor x = n.in(0);
  return x ? n.b.mean(x, spatialAxes(x), true) : x;
}
static GraphTensor importGlobalMax(NodeImport &n) {
  GraphTensor x = n.in(0);
  return x ? n.b.reduce(ReduceKind::Max, x, spatialAxes(x), true) : x;
}
static GraphTensor importGlobalLp(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  double p = n.integer("p", 2);
  GraphTensor power = n.b.pow(n.b.unary(UnaryKind::Abs, x), n.b.scalar(x.type(), p));
  return n.b.pow(n.b.reduce(ReduceKind::Sum, power, spatialAxes(x), true), n.b.scalar(x.type(), 1.0 / p));
}

ArrayRef<OpEntry> frontend::windowOps() {
  static const OpEntry table[] = {
      {"AveragePool", 1, importPool<PoolKind::Average>},
      {"Conv", 1, importConv},
      {"ConvInteger", 10, importConvInteger},
      {"ConvTranspose", 1, importConvTranspose},
      {"GlobalAveragePool", 1, importGlobalAverage},
      {"GlobalLpPool", 2, importGlobalLp},
      {"GlobalMaxPool", 1, importGlobalMax},
      {"LpPool", 2, importLpPool},
      {"MaxPool", 1, importPool<PoolKind::Max>},
  };
  return table;
}
