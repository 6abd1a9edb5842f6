//===- MILShapes.cpp - result types of MIL operations -----------------------===//
// One function for each ResultRule. They answer with a type, or say why the operands and parameters
// do not fit; they never touch the IR.
#include "lutra/Dialect/MIL/IR/MIL.h"
#include "lutra/Dialect/MIL/IR/MILOpTable.h"

#include "mlir/Dialect/Traits.h"
#include "mlir/IR/BuiltinAttributes.h"

#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::mil;

using Shape = SmallVector<int64_t>;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static Shape intsOf(ApplyOp op, StringRef name) {
  Shape result;
  if (auto list = op.getParams().getAs<DenseI32ArrayAttr>(name))
    llvm::append_range(result, list.asArrayRef());
  return result;
}

static int64_t intOf(ApplyOp op, StringRef name, int64_t otherwise) {
  auto value = op.getParams().getAs<IntegerAttr>(name);
  return value ? value.getInt() : otherwise;
}

static bool boolOf(ApplyOp op, StringRef name) {
  auto value = op.getParams().getAs<BoolAttr>(name);
  return value && value.getValue();
}

static StringRef stringOf(ApplyOp op, StringRef name) {
  auto value = op.getParams().getAs<StringAttr>(name);
  return value ? value.getValue() : "";
}

static RankedTensorType inferBroadcast(ApplyOp op, Type element, std::string &why) {
  Shape shape(typeOf(op.getOperand(0)).getShape());
  for (Value operand : llvm::drop_begin(op.getOperands())) {
    Shape joined;
    if (!OpTrait::util::getBroadcastedShape(shape, typeOf(operand).getShape(), joined)) {
      why = "operand shapes do not broadcast";
      return {};
    }
    shape = joined;
  }
  return RankedTensorType::get(shape, element);
}

static RankedTensorType inferReduce(ApplyOp op, Shape axes, Type element, std::string &why) {
  auto input = typeOf(op.getOperandOf("x"));
  llvm::SmallBitVector reduced(input.getRank(), axes.empty());
  for (int64_t axis : axes) {
    axis = axis < 0 ? axis + input.getRank() : axis;
    if (axis < 0 || axis >= input.getRank()) {
      why = "an axis is outside of the rank of x";
      return {};
    }
    reduced.set(axis);
  }
  Shape shape;
  for (int64_t dim = 0; dim < input.getRank(); ++dim)
    if (!reduced[dim])
      shape.push_back(input.getDimSize(dim));
    else if (boolOf(op, "keep_dims"))
      shape.push_back(1);
  return RankedTensorType::get(shape, element);
}

static RankedTensorType inferLinear(ApplyOp op, std::string &why) {
  auto input = typeOf(op.getOperandOf("x")), weight = typeOf(op.getOperandOf("weight"));
  if (weight.getRank() != 2 || input.getRank() < 1 ||
      weight.getDimSize(1) != input.getShape().back()) {
    why = "weight must be [N, K] for x [.., K]";
    return {};
  }
  Shape shape(input.getShape());
  shape.back() = weight.getDimSize(0);
  return RankedTensorType::get(shape, input.getElementType());
}

static RankedTensorType inferMatmul(ApplyOp op, std::string &why) {
  auto x = typeOf(op.getOperandOf("x")), y = typeOf(op.getOperandOf("y"));
  if (x.getRank() < 2 || y.getRank() < 2) {
    why = "x and y need two dimensions at least";
    return {};
  }
  Shape xs(x.getShape()), ys(y.getShape()), shape;
  if (boolOf(op, "transpose_x"))
    std::swap(xs[xs.size() - 1], xs[xs.size() - 2]);
  if (boolOf(op, "transpose_y"))
    std::swap(ys[ys.size() - 1], ys[ys.size() - 2]);
  if (xs.back() != ys[ys.size() - 2] ||
      !OpTrait::util::getBroadcastedShape(ArrayRef(xs).drop_back(2), ArrayRef(ys).drop_back(2),
                                          shape)) {
    why = "inner sizes differ, or batch sizes do not broadcast";
    return {};
  }
  shape.append({xs[xs.size() - 2], ys.back()});
  return RankedTensorType::get(shape, x.getElementType());
}

/// Extents after a window slides over the spatial dimensions of `input`; empty when it does not fit.
static Shape windowExtents(ApplyOp op, ArrayRef<int64_t> input, ArrayRef<int64_t> window) {
  Shape strides = intsOf(op, "strides"), dilations = intsOf(op, "dilations");
  Shape pad = intsOf(op, "pad");
  strides.resize(window.size(), 1);
  dilations.resize(window.size(), 1);
  pad.resize(2 * window.size(), 0);
  StringRef mode = stringOf(op, "pad_type");
  Shape result;
  for (auto [dim, extent] : llvm::enumerate(window)) {
    int64_t size = input[dim], reach = dilations[dim] * (extent - 1) + 1;
    if (mode == "same" || mode == "same_lower") {
      result.push_back((size + strides[dim] - 1) / strides[dim]);
      continue;
    }
    if (mode == "custom")
      size += pad[2 * dim] + pad[2 * dim + 1];
    if (size < reach)
      return {};
    int64_t steps = size - reach + (boolOf(op, "ceil_mode") ? strides[dim] - 1 : 0);
    result.push_back(steps / strides[dim] + 1);
  }
  return result;
}

static RankedTensorType inferConv(ApplyOp op, std::string &why) {
  auto x = typeOf(op.getOperandOf("x")), weight = typeOf(op.getOperandOf("weight"));
  int64_t groups = intOf(op, "groups", 1);
  if (x.getRank() < 3 || x.getRank() != weight.getRank() ||
      x.getDimSize(1) != weight.getDimSize(1) * groups || weight.getDimSize(0) % groups) {
    why = "weight must be [F, C / groups, ..] for x [B, C, ..]";
    return {};
  }
  Shape extents = windowExtents(op, x.getShape().drop_front(2), weight.getShape().drop_front(2));
  if (extents.empty()) {
    why = "the window is larger than the padded input";
    return {};
  }
  Shape shape{x.getDimSize(0), weight.getDimSize(0)};
  llvm::append_range(shape, extents);
  return RankedTensorType::get(shape, x.getElementType());
}

static RankedTensorType inferPool(ApplyOp op, std::string &why) {
  auto x = typeOf(op.getOperandOf("x"));
  Shape window = intsOf(op, "kernel_sizes");
  Shape extents;
  if (x.getRank() == (int64_t)window.size() + 2)
    extents = windowExtents(op, x.getShape().drop_front(2), window);
  if (extents.empty()) {
    why = "kernel_sizes does not fit x";
    return {};
  }
  Shape shape{x.getDimSize(0), x.getDimSize(1)};
  llvm::append_range(shape, extents);
  return RankedTensorType::get(shape, x.getElementType());
}

static RankedTensorType inferSlice(ApplyOp op, std::string &why) {
  auto x = typeOf(op.getOperandOf("x"));
  Shape begin = intsOf(op, "begin"), end = intsOf(op, "end"), stride = intsOf(op, "stride");
  auto mask = [&](StringRef name, int64_t dim) {
    auto list = op.getParams().getAs<DenseBoolArrayAttr>(name);
    return list && dim < list.size() && list[dim];
  };
  stride.resize(x.getRank(), 1);
  Shape shape;
  if ((int64_t)begin.size() != x.getRank() || (int64_t)end.size() != x.getRank()) {
    why = "begin and end need one entry for each dimension of x";
    return {};
  }
  for (int64_t dim = 0; dim < x.getRank(); ++dim) {
    if (mask("squeeze_mask", dim))
      continue;
    int64_t size = x.getDimSize(dim), step = stride[dim];
    int64_t first = mask("begin_mask", dim) ? (step > 0 ? 0 : size - 1)
                    : begin[dim] < 0        ? begin[dim] + size
                                            : begin[dim];
    int64_t last = mask("end_mask", dim) ? (step > 0 ? size : -1)
                   : end[dim] < 0        ? end[dim] + size
                                         : end[dim];
    if (step == 0) {
      why = "a stride is 0";
      return {};
    }
    int64_t count = step > 0 ? (last - first + step - 1) / step : (first - last - step - 1) / -step;
    shape.push_back(std::max<int64_t>(count, 0));
  }
  return RankedTensorType::get(shape, x.getElementType());
}

static RankedTensorType inferConcat(ApplyOp op, std::string &why) {
  SmallVector<Value> values = op.getOperandsOf("values");
  auto first = typeOf(values.front());
  int64_t axis = intOf(op, "axis", 0);
  axis = axis < 0 ? axis + first.getRank() : axis;
  Shape shape(first.getShape());
  if (axis < 0 || axis >= first.getRank()) {
    why = "axis is outside of the rank";
    return {};
  }
  shape[axis] = 0;
  for (Value value : values) {
    auto type = typeOf(value);
    if (type.getRank() != first.getRank() || type.getElementType() != first.getElementType()) {
      why = "values differ in rank or type";
      return {};
    }
    for (int64_t dim = 0; dim < first.getRank(); ++dim)
      if (dim != axis && type.getDimSize(dim) != first.getDimSize(dim)) {
        why = "values differ in a dimension that is not joined";
        return {};
      }
    shape[axis] += type.getDimSize(axis);
  }
  return RankedTensorType::get(shape, first.getElementType());
}

/// A list parameter with `perDim` entries for each dimension of x, or empty with a reason.
static Shape entriesFor(ApplyOp op, StringRef name, int64_t count, std::string &why) {
  Shape list = intsOf(op, name);
  if ((int64_t)list.size() == count)
    return list;
  why = (name + " needs " + Twine(count) + " entries").str();
  return {};
}

RankedTensorType mil::inferResult(ApplyOp op, std::string &why) {
  const OpSchema *schema = lookupOp(op.getOp());
  Value x = op.getOperandOf("x") ? op.getOperandOf("x") : op.getOperand(0);
  RankedTensorType input = typeOf(x);
  Type element = input.getElementType();
  Type boolean = IntegerType::get(op.getContext(), 1);
  switch (schema->rule) {
  case ResultRule::Same:
    return input;
  case ResultRule::Broadcast:
    return inferBroadcast(op, typeOf(op.getOperands().back()).getElementType(), why);
  case ResultRule::Compare:
    return inferBroadcast(op, boolean, why);
  case ResultRule::Cast: {
    Type target = typeOfName(op.getContext(), stringOf(op, "dtype"));
    if (!target)
      why = "dtype names no type";
    return target ? input.clone(target) : RankedTensorType();
  }
  case ResultRule::Reduce:
    return inferReduce(op, intsOf(op, "axes"), element, why);
  case ResultRule::ArgReduce:
    return inferReduce(op, {intOf(op, "axis", -1)}, IntegerType::get(op.getContext(), 32), why);
  case ResultRule::Linear:
    return inferLinear(op, why);
  case ResultRule::Matmul:
    return inferMatmul(op, why);
  case ResultRule::Conv:
    return inferConv(op, why);
  case ResultRule::Pool:
    return inferPool(op, why);
  case ResultRule::Reshape: {
    auto result = RankedTensorType::get(intsOf(op, "shape"), element);
    if (!result.hasStaticShape() || result.getNumElements() != input.getNumElements()) {
      why = "shape holds another number of elements";
      return {};
    }
    return result;
  }
  case ResultRule::Transpose: {
    Shape permutation = entriesFor(op, "perm", input.getRank(), why), shape;
    for (int64_t dim : permutation) {
      if (dim < 0 || dim >= input.getRank()) {
        why = "perm is no permutation";
        return {};
      }
      shape.push_back(input.getDimSize(dim));
    }
    return why.empty() ? RankedTensorType::get(shape, element) : RankedTensorType();
  }
  case ResultRule::Slice:
    return inferSlice(op, why);
  case ResultRule::Concat:
    return inferConcat(op, why);
  case ResultRule::Pad: {
    Shape pad = entriesFor(op, "pad", 2 * input.getRank(), why), shape(input.getShape());
    if (!why.empty())
      return {};
    for (auto [dim, size] : llvm::enumerate(shape))
      size += pad[2 * dim] + pad[2 * dim + 1];
    return RankedTensorType::get(shape, element);
  }
  case ResultRule::Gather: {
    int64_t axis = intOf(op, "axis", 0);
    axis = axis < 0 ? axis + input.getRank() : axis;
    Shape shape(input.getShape().take_front(axis));
    llvm::append_range(shape, typeOf(op.getOperandOf("indices")).getShape());
    llvm::append_range(shape, input.getShape().drop_front(axis + 1));
    return RankedTensorType::get(shape, element);
  }
  case ResultRule::GatherNd: {
    ArrayRef<int64_t> indices = typeOf(op.getOperandOf("indices")).getShape();
    int64_t taken = intOf(op, "batch_dims", 0) + (indices.empty() ? 0 : indices.back());
    if (indices.empty() || taken > input.getRank()) {
      why = "indices hold longer tuples than x has dimensions";
      return {};
    }
    Shape shape(indices.drop_back());
    llvm::append_range(shape, input.getShape().drop_front(taken));
    return RankedTensorType::get(shape, element);
  }
  case ResultRule::Indices:
    return typeOf(op.getOperandOf("indices")).clone(element);
  case ResultRule::Tile: {
    Shape reps = entriesFor(op, "reps", input.getRank(), why), shape(input.getShape());
    if (!why.empty())
      return {};
    for (auto [dim, size] : llvm::enumerate(shape))
      size *= reps[dim];
    return RankedTensorType::get(shape, element);
  }
  }
  llvm_unreachable("every rule has a case");
}
