//===- Resize.cpp - interpolation to another size --------------------------===//
// Separable: each dimension has a table of taps (input index, weight) for every result index.
#include "Interpreter.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

namespace {
struct Tap {
  int64_t index;
  double weight;
  double weightError; // of a program that computes coordinates in f32
};
} // namespace

static double sourceCoordinate(ResizeCoordinates kind, int64_t i, double scale, int64_t in,
                               int64_t out) {
  double x = static_cast<double>(i);
  switch (kind) {
  case ResizeCoordinates::HalfPixel:
    return (x + 0.5) / scale - 0.5;
  case ResizeCoordinates::PytorchHalfPixel:
    return out > 1 ? (x + 0.5) / scale - 0.5 : 0;
  case ResizeCoordinates::AlignCorners:
    return out > 1 ? x * static_cast<double>(in - 1) / static_cast<double>(out - 1) : 0;
  case ResizeCoordinates::Asymmetric:
    return x / scale;
  }
  return x;
}

static double roundCoordinate(ResizeRounding rounding, double x) {
  switch (rounding) {
  case ResizeRounding::RoundPreferFloor:
    return std::ceil(x - 0.5);
  case ResizeRounding::RoundPreferCeil:
    return std::floor(x + 0.5);
  case ResizeRounding::Floor:
    return std::floor(x);
  case ResizeRounding::Ceil:
    return std::ceil(x);
  }
  return x;
}

/// Keys' cubic convolution at distance t.
static double cubicWeight(double t, double a) {
  t = std::fabs(t);
  if (t <= 1)
    return ((a + 2) * t - (a + 3)) * t * t + 1;
  if (t < 2)
    return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
  return 0;
}

static SmallVector<Tap> tapsOf(ResizeOp op, int64_t i, double scale, int64_t in, int64_t out) {
  double x = sourceCoordinate(op.getCoordinates(), i, scale, in, out);
  auto clamped = [&](double at) {
    return static_cast<int64_t>(std::max(0.0, std::min(at, static_cast<double>(in - 1))));
  };
  if (op.getMode() == ResizeMode::Nearest)
    return {{clamped(roundCoordinate(op.getRounding(), x)), 1, 0}};
  double base = std::floor(x), part = x - base;
  bool cubic = op.getMode() == ResizeMode::Cubic;
  double error = part == 0 && x == static_cast<double>(i) ? 0 : std::ldexp(8 * (std::fabs(x) + 1), -24);
  SmallVector<Tap> taps;
  double total = 0;
  for (int offset = cubic ? -1 : 0; offset <= (cubic ? 2 : 1); ++offset) {
    double weight = cubic ? cubicWeight(part - offset, op.getCubicCoefficient().convertToDouble())
                          : 1 - std::fabs(part - offset);
    double at = base + offset;
    if (op.getExcludeOutside() && (at < 0 || at > static_cast<double>(in - 1)))
      continue;
    taps.push_back({clamped(at), weight, error});
    total += weight;
  }
  if (op.getExcludeOutside())
    for (Tap &tap : taps)
      tap.weight /= total;
  return taps;
}

static LogicalResult evaluateResize(ResizeOp op, Interpreter &interpreter) {
  const Array &input = interpreter.getArray(op.getInput());
  auto shape = interpreter.shapeFrom(op->getResult(0), op.getSizes());
  if (failed(shape))
    return failure();
  if (static_cast<int64_t>(shape->size()) != input.rank() ||
      static_cast<int64_t>(op.getScales().size()) != input.rank())
    return refuse(op, ErrorCode::GraphType) << "needs one scale and size for each of the "
                                            << input.rank() << " dimensions";
  auto result = interpreter.makeResult(op->getResult(0), *shape);
  if (failed(result))
    return failure();
  Array &out = **result;
  if (!input.isFloat() && op.getMode() != ResizeMode::Nearest)
    return refuse(op, ErrorCode::UnsupportedType) << "interpolates elements of type "
                                                  << input.elementType;
  SmallVector<SmallVector<SmallVector<Tap>>> tables(input.rank());
  for (int64_t dim = 0; dim < input.rank(); ++dim) {
    if (input.shape[dim] == 0 && out.count() > 0)
      return refuse(op, ErrorCode::GraphType) << "resizes dimension " << dim << ", which is empty";
    double scale = op.getScales()[dim];
    bool same = scale == 1 && (*shape)[dim] == input.shape[dim];
    for (int64_t i = 0; i < (*shape)[dim]; ++i)
      tables[dim].push_back(same ? SmallVector<Tap>{{i, 1, 0}}
                                 : tapsOf(op, i, scale, input.shape[dim], (*shape)[dim]));
  }
  SmallVector<int64_t> strides = stridesOf(input.shape), choices(input.rank());
  Precision p = precisionOf(out.elementType), a = accumulatorOf(out.elementType);
  forEachPosition(*shape, [&](ArrayRef<int64_t> index, int64_t to) {
    for (size_t dim = 0; dim < index.size(); ++dim)
      choices[dim] = tables[dim][index[dim]].size();
    double value = 0, error = 0, magnitude = 0;
    int64_t terms = 0, lone = 0;
    forEachPosition(choices, [&](ArrayRef<int64_t> choice, int64_t) {
      int64_t from = 0;
      double weight = 1, weightError = 0;
      for (size_t dim = 0; dim < choice.size(); ++dim) {
        const Tap &tap = tables[dim][index[dim]][choice[dim]];
        from += tap.index * strides[dim];
        weight *= tap.weight;
        weightError += tap.weightError;
      }
      ++terms;
      lone = from;
      if (!input.isFloat())
        return;
      double element = input.floats[from];
      if (weight != 0) // a weight of zero hides even an infinity
        value += weight * element;
      magnitude += std::fabs(weight * element);
      error += std::fabs(weight) * input.errorAt(from) + 2 * weightError * std::fabs(element);
    });
    if (terms == 1) // nearest, or nothing to interpolate
      return copyElement(input, lone, out, to);
    Bounded y = rounded(value, error + (sumGrowth(terms) + 4) * a.roundoff * magnitude, p);
    out.floats[to] = y.value;
    if (interpreter.hasBounds())
      out.errors[to] = y.error;
  });
  return interpreter.setArray(op->getResult(0), *result);
}

void lutra::addResizeHandlers(HandlerTable &table) { table.add<ResizeOp, evaluateResize>(); }
