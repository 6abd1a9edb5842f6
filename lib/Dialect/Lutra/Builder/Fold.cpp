//===- Fold.cpp - evaluating small tensors while the graph is built --------===//
// Shape arithmetic is about a third of the nodes of an exported transformer. Every tensor in it is
// small and integer, so it is evaluated here, sizes as DimExpr, and never emitted.
#include "lutra/Dialect/Lutra/Builder/GraphBuilder.h"

using namespace mlir;
using namespace lutra;

/// Row-major strides of a static shape, 0 where a broadcast dimension repeats.
static SmallVector<int64_t> stridesOf(ArrayRef<DimExpr> shape) {
  SmallVector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (int64_t dim = (int64_t)shape.size() - 1; dim >= 0; --dim) {
    strides[dim] = stride;
    stride *= *shape[dim].constant();
  }
  return strides;
}

static int64_t countOf(ArrayRef<DimExpr> shape) {
  int64_t count = 1;
  for (const DimExpr &dim : shape)
    count *= *dim.constant();
  return count;
}

/// Calls `visit` with each index of a static shape, in row-major order.
static void forEachIndex(ArrayRef<DimExpr> shape, function_ref<void(ArrayRef<int64_t>)> visit) {
  SmallVector<int64_t> at(shape.size(), 0);
  for (int64_t left = countOf(shape); left > 0; --left) {
    visit(at);
    for (int64_t dim = (int64_t)shape.size() - 1; dim >= 0; --dim) {
      if (++at[dim] < *shape[dim].constant())
        break;
      at[dim] = 0;
    }
  }
}

/// The linear offset of result index `at` in an operand of that (broadcast) shape.
static int64_t broadcastOffset(ArrayRef<int64_t> at, ArrayRef<DimExpr> shape) {
  SmallVector<int64_t> strides = stridesOf(shape);
  int64_t offset = 0, lead = (int64_t)at.size() - (int64_t)shape.size();
  for (auto [dim, size] : llvm::enumerate(shape))
    if (!size.is(1))
      offset += at[lead + dim] * strides[dim];
  return offset;
}

bool GraphBuilder::canFoldMovement(GraphTensor input, ArrayRef<DimExpr> shape) const {
  if (!isStatic(shape) || countOf(shape) > maxKnown || !input.count() || *input.count() > maxKnown)
    return false;
  return input->known || isa_and_nonnull<DenseElementsAttr>(input->constant);
}

GraphTensor GraphBuilder::foldMovement(GraphTensor input, ArrayRef<DimExpr> shape,
                                  function_ref<int64_t(ArrayRef<int64_t>)> sourceOf) {
  if (input->known) {
    Integers values;
    forEachIndex(shape, [&](ArrayRef<int64_t> at) {
      int64_t source = sourceOf(at);
      values.push_back(source < 0 ? DimExpr(0) : (*input->known)[source]);
    });
    return integers(input.type(), values, shape);
  }
  auto dense = llvm::cast<DenseElementsAttr>(input->constant);
  SmallVector<Attribute> elements(dense.getValues<Attribute>()), values;
  Attribute zero = builder.getZeroAttr(input.type());
  forEachIndex(shape, [&](ArrayRef<int64_t> at) {
    int64_t source = sourceOf(at);
    values.push_back(source < 0 ? zero : elements[source]);
  });
  return constant(DenseElementsAttr::get(tensorType(input.type(), shape), values));
}

std::optional<DimExpr> GraphBuilder::settle(Type type, const DimExpr &value) {
  if (value.isSaturated())
    return std::nullopt;
  unsigned width = type.getIntOrFloatBitWidth();
  if (width == 64 || width == 1)
    return value;
  APInt number(64, (uint64_t)value.constant().value_or(0), /*isSigned=*/true);
  if (value.isConstant())
    return DimExpr(type.isUnsignedInteger() ? (int64_t)number.trunc(width).getZExtValue()
                                            : number.trunc(width).getSExtValue());
  if (!type.isInteger(32) || type.isUnsignedInteger())
    return std::nullopt;
  // Sizes themselves fit: the runtime takes none beyond 2^31 - 1.
  ArrayRef<DimExpr::Term> terms = value.getTerms();
  bool isSize = terms.size() == 1 && terms[0].atoms.size() == 1 && terms[0].coefficient == 1;
  if (!isSize && (!symbols.require(INT32_MAX, value) || !symbols.require(value, INT32_MIN)))
    return std::nullopt;
  return value;
}

GraphTensor GraphBuilder::foldIntegers(Type type, ArrayRef<DimExpr> shape, ArrayRef<GraphTensor> operands,
                                  function_ref<std::optional<DimExpr>(ArrayRef<DimExpr>)> function) {
  if (!isStatic(shape) || countOf(shape) > maxKnown)
    return {};
  SmallVector<Integers> known;
  for (GraphTensor operand : operands) {
    std::optional<Integers> values = exactIntegers(operand);
    if (!values)
      return {};
    known.push_back(std::move(*values));
  }
  Integers results;
  bool decided = true;
  forEachIndex(shape, [&](ArrayRef<int64_t> at) {
    SmallVector<DimExpr, 3> arguments;
    for (auto [operand, values] : llvm::zip_equal(operands, known))
      arguments.push_back(values[broadcastOffset(at, operand.shape())]);
    std::optional<DimExpr> result = decided ? function(arguments) : std::nullopt;
    result = result ? settle(type, *result) : result;
    decided &= result.has_value();
    results.push_back(result.value_or(DimExpr(0)));
  });
  return decided ? integers(type, results, shape) : GraphTensor();
}

GraphTensor GraphBuilder::foldReals(Type type, ArrayRef<DimExpr> shape, ArrayRef<GraphTensor> operands,
                               function_ref<std::optional<double>(ArrayRef<double>)> function) {
  constexpr int64_t maxFolded = 256;
  bool isSplat = isStatic(shape);
  for (GraphTensor operand : operands) {
    auto dense = dyn_cast_or_null<DenseElementsAttr>(operand->constant);
    if (!dense)
      return {};
    isSplat &= dense.isSplat();
  }
  if (!isStatic(shape) || (!isSplat && countOf(shape) > maxFolded) || countOf(shape) == 0)
    return {};
  SmallVector<SmallVector<double>> values;
  for (GraphTensor operand : operands) {
    if (isSplat) {
      auto dense = llvm::cast<DenseElementsAttr>(operand->constant);
      GraphTensor one = constant(dense.resizeSplat(RankedTensorType::get({}, operand.type())));
      values.push_back(*constantReals(one));
      continue;
    }
    std::optional<SmallVector<double>> read = constantReals(operand, maxFolded);
    if (!read)
      return {};
    values.push_back(std::move(*read));
  }
  SmallVector<Attribute> results;
  bool decided = true;
  auto evaluate = [&](ArrayRef<int64_t> at) {
    SmallVector<double, 3> arguments;
    for (auto [operand, elements] : llvm::zip_equal(operands, values))
      arguments.push_back(elements[isSplat ? 0 : broadcastOffset(at, operand.shape())]);
    std::optional<double> result = decided ? function(arguments) : std::nullopt;
    decided &= result.has_value();
    GraphTensor rounded = scalar(type, result.value_or(0.0));
    results.push_back(llvm::cast<DenseElementsAttr>(rounded->constant).getSplatValue<Attribute>());
  };
  if (isSplat)
    evaluate({});
  else
    forEachIndex(shape, evaluate);
  if (!decided)
    return {};
  return constant(DenseElementsAttr::get(tensorType(type, shape), results));
}
