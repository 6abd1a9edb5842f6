//===- Quantization.cpp - ONNX quantized operators -------------------------===//
#include "Quantization.h"
#include "Windows.h"

#include "lutra/Support/ConstantBytes.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::frontend;

/// Scale and zero point as the dialect takes them: rank 0, rank 1 along an axis, or blocks.
struct Parameters {
  GraphTensor scale, zeroPoint;
  int64_t axis = -1, block = 0;
};

/// Whether a zero point is a constant of zeros of an 8-bit float type.
static bool isFloatZero(NodeImport &n, GraphTensor zero) {
  if (!zero || !isFp8(zero.type()))
    return false;
  std::optional<SmallVector<double>> values = n.b.constantReals(zero);
  return values && llvm::all_of(*values, [](double value) { return value == 0; });
}

static std::optional<Parameters> importParameters(NodeImport &n, GraphTensor x, unsigned scaleInput) {
  Parameters parameters;
  parameters.scale = n.in(scaleInput);
  parameters.zeroPoint = n.optional(scaleInput + 1);
  int64_t axis = n.integer("axis", 1);
  parameters.block = n.integer("block_size", 0);
  if (!x || !parameters.scale)
    return std::nullopt;
  if (parameters.scale.count() == 1) {
    parameters.scale = n.b.reshape(parameters.scale, {});
    if (parameters.zeroPoint)
      parameters.zeroPoint = n.b.reshape(parameters.zeroPoint, {});
    parameters.block = 0;
  } else {
    parameters.axis = n.axis(axis, x.rank());
    bool isBlocked = parameters.scale.rank() == x.rank() && x.rank() > 1;
    if (!isBlocked)
      parameters.block = 0;
    if (n.b.hasError() || (parameters.scale.rank() != 1 && !isBlocked))
      return n.invalid(ErrorCode::GraphType, "has a scale of rank " + Twine(parameters.scale.rank())), std::nullopt;
  }
  if (isFloatZero(n, parameters.zeroPoint)) // as without one
    parameters.zeroPoint = {};
  if (std::optional<SmallVector<double>> scales = n.b.constantReals(parameters.scale))
    for (double scale : *scales)
      if (!(scale > 0.0))
        return n.invalid(ErrorCode::Attribute, "has a scale that is zero, negative or no number"), std::nullopt;
  return parameters;
}

static GraphTensor importQuantizeLinear(NodeImport &n) {
  n.ignore({"precision"});
  GraphTensor x = n.in(0), zero = n.optional(2);
  std::optional<Parameters> parameters = importParameters(n, x, 1);
  if (!parameters)
    return {};
  Type type = IntegerType::get(n.b.getContext(), 8, IntegerType::Unsigned);
  if (zero)
    type = zero.type();
  else if (n.hasAttribute("output_dtype") && n.integer("output_dtype", 0) != 0)
    type = n.type("output_dtype", type);
  n.ignore({"output_dtype"});
  if (!type)
    return {};
  if (!saturates(n, type))
    return {};
  if (isFp8(type) && parameters->zeroPoint)
    return n.unsupported("has a zero point of an 8-bit float type that is no constant of zeros; leave it out");
  if (!x.isFloat())
    x = n.b.cast(x, n.b.f32());
  return n.b.quantize(x, n.b.cast(parameters->scale, x.type()), parameters->zeroPoint, type, parameters->axis,
                      parameters->block);
}

static GraphTensor importDequantizeLinear(NodeImport &n) {
  GraphTensor x = n.in(0);
  std::optional<Parameters> parameters = importParameters(n, x, 1);
  if (!parameters)
    return {};
  Type type = parameters->scale.type();
  if (n.hasAttribute("output_dtype") && n.integer("output_dtype", 0) != 0)
    type = n.type("output_dtype", type);
  n.ignore({"output_dtype"});
  if (!type)
    return {};
  if (isFp8(type))
    return n.invalid(ErrorCode::Attribute, "asks for codes, not values; give output_dtype FLOAT, FLOAT16 or BFLOAT16");
  return n.b.dequantize(x, parameters->scale, parameters->zeroPoint, type, parameters->axis, parameters->block);
}

DynamicCodes frontend::quantizeDynamically(NodeImport &n, GraphTensor x) {
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < x.rank(); ++axis)
    axes.push_back(axis);
  // The range holds zero; 255 steps cover it.
  GraphTensor low = n.b.min(n.b.reduce(ReduceKind::Min, x, axes, false), 0.0);
  GraphTensor high = n.b.max(n.b.reduce(ReduceKind::Max, x, axes, false), 0.0);
  if (!low || !high)
    return {};
  GraphTensor scale = n.b.div(n.b.sub(high, low), n.b.scalar(x.type(), 255.0));
  GraphTensor zero = n.b.div(n.b.unary(UnaryKind::Neg, low), scale);
  zero = n.b.unary(UnaryKind::Round, n.b.min(n.b.max(zero, 0.0), 255.0));
  Type u8 = IntegerType::get(n.b.getContext(), 8, IntegerType::Unsigned);
  zero = n.b.cast(zero, u8);
  return {n.b.quantize(x, scale, zero, u8, -1, 0), scale, zero};
}

static GraphTensor importDynamicQuantizeLinear(NodeImport &n) {
  GraphTensor x = n.in(0);
  if (!x)
    return {};
  DynamicCodes made = quantizeDynamically(n, x);
  n.result(1, made.scale);
  n.result(2, made.zeroPoint);
  return made.codes;
}

/// The elements of a constant of 8-bit integers.
static std::optional<SmallVector<int16_t, 0>> constantCodes(GraphTensor tensor) {
  if (!tensor.isConstant() || !tensor.type().isInteger(8))
    return std::nullopt;
  FailureOr<SmallVector<char, 0>> bytes = constantBytes(tensor->constant);
  if (failed(bytes))
    return std::nullopt;
  bool isUnsigned = tensor.type().isUnsignedInteger();
  SmallVector<int16_t, 0> codes;
  codes.reserve(bytes->size());
  for (char byte : *bytes)
    codes.push_back(isUnsigned ? static_cast<uint8_t>(byte) : static_cast<int8_t>(byte));
  return codes;
}

/// codes - zero point of two constants, in 8 bits where all fit; nothing when one is no constant.
static GraphTensor centredConstant(NodeImport &n, GraphTensor codes, GraphTensor zero, int64_t axis) {
  std::optional<SmallVector<int16_t, 0>> values = constantCodes(codes), zeros = SmallVector<int16_t, 0>{0};
  if (zero)
    zeros = constantCodes(zero);
  if (!values || !zeros || zeros->empty())
    return {};
  SmallVector<int64_t> shape;
  int64_t inner = 1; // elements that share a position along `axis`, one after another
  for (auto [dim, size] : llvm::enumerate(codes.shape())) {
    shape.push_back(*size.constant());
    if (static_cast<int64_t>(dim) > axis)
      inner *= shape.back();
  }
  int64_t count = zeros->size();
  if (count != 1 && (zero.rank() != 1 || count != shape[axis]))
    return {}; // the general way words the error
  bool isNarrow = true;
  for (auto [index, value] : llvm::enumerate(*values)) {
    value -= (*zeros)[index / inner % count];
    isNarrow &= value >= -128 && value <= 127;
  }
  auto bytes = std::make_shared<SmallVector<char, 0>>();
  Type type = IntegerType::get(n.b.getContext(), isNarrow ? 8 : 16);
  if (isNarrow)
    bytes->assign(values->begin(), values->end());
  else
    bytes->assign(reinterpret_cast<const char *>(values->begin()), reinterpret_cast<const char *>(values->end()));
  ArrayRef<char> view(*bytes);
  return n.b.constantBytes(codes->name, type, shape, view, bytes);
}

GraphTensor frontend::importCentred(NodeImport &n, unsigned codes, unsigned zero, int64_t axis) {
  GraphTensor input = n.in(codes), zeroPoint = n.optional(zero);
  if (!input)
    return {};
  if (!zeroPoint && input.type().isSignlessInteger(8))
    return input;
  if (GraphTensor constant = centredConstant(n, input, zeroPoint, axis))
    return constant;
  Type i16 = IntegerType::get(n.b.getContext(), 16);
  GraphTensor x = n.b.cast(input, i16), z = n.b.cast(zeroPoint, i16);
  if (!x || !z)
    return x;
  if (z.rank() == 1 && z.dim(0).is(1))
    z = n.b.reshape(z, {});
  if (z.rank() == 1) {
    Shape shape(x.rank(), DimExpr(1));
    shape[axis] = z.dim(0);
    z = n.b.reshape(z, shape);
  }
  return n.b.sub(x, z);
}

/// A scale of rank 0, or of rank 1 along dimension `axis` of a tensor of that rank.
static GraphTensor scaleAlong(NodeImport &n, unsigned input, int64_t axis, int64_t rank) {
  GraphTensor scale = n.in(input);
  if (!scale || scale.rank() == 0)
    return scale;
  if (scale.count() == 1)
    return n.b.reshape(scale, {});
  if (scale.rank() != 1)
    return scale;
  Shape shape(rank, DimExpr(1));
  shape[axis] = scale.dim(0);
  return n.b.reshape(scale, shape);
}

static GraphTensor requantized(NodeImport &n, GraphTensor product, GraphTensor scale, unsigned outScale,
                               unsigned outZero) {
  GraphTensor zero = n.in(outZero), out = n.in(outScale);
  if (!product || !zero || !out || !scale)
    return {};
  GraphTensor real = n.b.mul(n.b.cast(product, n.b.f32()), n.b.cast(scale, n.b.f32()));
  return n.b.quantize(real, n.b.cast(n.b.reshape(out, {}), n.b.f32()), n.b.reshape(zero, {}), zero.type(), -1, 0);
}

static GraphTensor importQLinearMatMul(NodeImport &n) {
  GraphTensor a = n.in(0), b = n.in(3);
  if (!a || !b)
    return {};
  GraphTensor product =
      n.b.matmul(importCentred(n, 0, 2, std::max<int64_t>(a.rank() - 2, 0)), importCentred(n, 3, 5, b.rank() - 1));
  if (!product)
    return {};
  GraphTensor scale = n.b.mul(scaleAlong(n, 1, std::max<int64_t>(product.rank() - 2, 0), product.rank()),
                         scaleAlong(n, 4, product.rank() - 1, product.rank()));
  return requantized(n, product, scale, 6, 7);
}

static GraphTensor importQLinearConv(NodeImport &n) {
  GraphTensor x = n.in(0), filter = n.in(3);
  if (!x || !filter)
    return {};
  std::optional<WindowOptions> options = importConvWindow(n, x, filter);
  if (!options)
    return {};
  GraphTensor product = n.b.conv(importCentred(n, 0, 2, 1), importCentred(n, 3, 5, 0), n.optional(8), *options);
  if (!product)
    return {};
  GraphTensor scale = n.b.mul(scaleAlong(n, 1, 1, product.rank()), scaleAlong(n, 4, 1, product.rank()));
  return requantized(n, product, scale, 6, 7);
}

ArrayRef<OpEntry> frontend::quantizationOps() {
  static const OpEntry table[] = {
      {"DequantizeLinear", 10, importDequantizeLinear},
      {"DynamicQuantizeLinear", 11, importDynamicQuantizeLinear},
      {"QLinearConv", 10, importQLinearConv},
      {"QLinearMatMul", 10, importQLinearMatMul},
      {"QuantizeLinear", 10, importQuantizeLinear},
  };
  return table;
}
