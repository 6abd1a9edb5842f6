//===- Arguments.cpp - arguments of PyTorch operators -----------------------===//
#include "Operators.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace lutra;
using namespace lutra::torch;
using TorchValue = lutra::torch::Value;

TorchValue TorchValue::integer(DimExpr value) {
  TorchValue result;
  result.kind = Kind::Integer;
  result.dim = std::move(value);
  return result;
}

TorchValue TorchValue::real(double value) {
  TorchValue result;
  result.kind = Kind::Real;
  result.number = value;
  return result;
}

TorchValue TorchValue::boolean(bool value) {
  TorchValue result;
  result.kind = Kind::Bool;
  result.number = value;
  return result;
}

TorchValue TorchValue::text(std::string value) {
  TorchValue result;
  result.kind = Kind::Text;
  result.word = std::move(value);
  return result;
}

TorchValue TorchValue::list(std::vector<TorchValue> values) {
  TorchValue result;
  result.kind = Kind::List;
  result.values = std::move(values);
  return result;
}

Type torch::elementTypeOf(MLIRContext *context, StringRef dtype) {
  auto integer = [&](unsigned width, bool isUnsigned = false) -> Type {
    return IntegerType::get(context, width, isUnsigned ? IntegerType::Unsigned : IntegerType::Signless);
  };
  return llvm::StringSwitch<Type>(dtype)
      .Case("float64", Float64Type::get(context))
      .Case("float32", Float32Type::get(context))
      .Case("float16", Float16Type::get(context))
      .Case("bfloat16", BFloat16Type::get(context))
      .Case("bool", integer(1))
      .Case("int8", integer(8))
      .Case("int16", integer(16))
      .Case("int32", integer(32))
      .Case("int64", integer(64))
      .Case("uint8", integer(8, true))
      .Default(Type());
}

bool Arguments::has(StringRef name) const {
  auto found = values.find(name);
  return found != values.end() && !found->second.isNone();
}

const TorchValue &Arguments::get(StringRef name) const {
  static const TorchValue none;
  auto found = values.find(name);
  return found == values.end() ? none : found->second;
}

GraphTensor Arguments::tensor(StringRef name) {
  const TorchValue &value = get(name);
  if (value.isTensor())
    return value.tensor;
  return builder.fail(ErrorCode::Attribute, "argument '" + name + "' is no tensor");
}

GraphTensor Arguments::optionalTensor(StringRef name) { return has(name) ? tensor(name) : GraphTensor(); }

std::vector<GraphTensor> Arguments::tensors(StringRef name) {
  std::vector<GraphTensor> result;
  for (const TorchValue &value : get(name).values)
    result.push_back(value.isTensor() ? value.tensor
                                      : builder.fail(ErrorCode::Attribute, "'" + name + "' holds what is no tensor"));
  return result;
}

DimExpr Arguments::dim(StringRef name) {
  const TorchValue &value = get(name);
  if (value.kind == TorchValue::Kind::Bool)
    return DimExpr(value.number != 0);
  if (value.isInteger())
    return value.dim;
  builder.fail(ErrorCode::Attribute, "argument '" + name + "' is no integer");
  return 1;
}

Shape Arguments::dims(StringRef name) {
  const TorchValue &value = get(name);
  if (value.isInteger())
    return {value.dim};
  Shape result;
  for (const TorchValue &entry : value.values) {
    if (!entry.isInteger())
      builder.fail(ErrorCode::Attribute, "'" + name + "' holds what is no integer");
    result.push_back(entry.dim);
  }
  return result;
}

int64_t Arguments::integer(StringRef name, int64_t otherwise) {
  if (!has(name))
    return otherwise;
  std::optional<int64_t> value = dim(name).constant();
  if (!value)
    builder.fail(ErrorCode::UnsupportedOp, "argument '" + name + "' is a size known at run time only");
  return value.value_or(otherwise);
}

SmallVector<int64_t> Arguments::integers(StringRef name) {
  SmallVector<int64_t> result;
  for (const DimExpr &entry : dims(name)) {
    if (!entry.constant())
      builder.fail(ErrorCode::UnsupportedOp, "'" + name + "' holds a size known at run time only");
    result.push_back(entry.constant().value_or(1));
  }
  return result;
}

double Arguments::real(StringRef name, double otherwise) {
  const TorchValue &value = get(name);
  if (value.isInteger() && value.dim.constant())
    return *value.dim.constant();
  return value.kind == TorchValue::Kind::Real || value.kind == TorchValue::Kind::Bool ? value.number : otherwise;
}

bool Arguments::boolean(StringRef name) {
  const TorchValue &value = get(name);
  return value.isInteger() ? !value.dim.is(0) : value.number != 0;
}

StringRef Arguments::text(StringRef name) { return get(name).word; }

int64_t Arguments::axis(StringRef name, int64_t rank) {
  int64_t axis = integer(name);
  int64_t extent = std::max<int64_t>(rank, 1);
  if (axis < -extent || axis >= extent) {
    builder.fail(ErrorCode::Attribute, "'" + name + "' is " + Twine(axis) + ", outside of rank " + Twine(rank));
    return 0;
  }
  return axis < 0 ? axis + extent : axis;
}

SmallVector<int64_t> Arguments::axes(StringRef name, int64_t rank) {
  SmallVector<int64_t> result;
  if (has(name))
    result = integers(name);
  if (result.empty())
    return llvm::to_vector(llvm::seq<int64_t>(0, rank));
  for (int64_t &axis : result) {
    axis = axis < 0 ? axis + rank : axis;
    if (axis < 0 || axis >= rank)
      builder.fail(ErrorCode::Attribute, "'" + name + "' holds an axis outside of rank " + Twine(rank));
  }
  if (builder.hasError())
    return {};
  llvm::sort(result);
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

Type Arguments::type(StringRef name, Type otherwise) {
  if (!has(name))
    return otherwise;
  Type type = elementTypeOf(builder.getContext(), text(name));
  if (type)
    return type;
  builder.fail(ErrorCode::UnsupportedType, "dtype " + text(name) + " has no element type here");
  return otherwise;
}

GraphTensor Arguments::operand(StringRef name, GraphTensor partner) {
  const TorchValue &value = get(name);
  if (value.isTensor() || !value.isNumber())
    return tensor(name);
  MLIRContext *context = builder.getContext();
  bool isReal = value.kind == TorchValue::Kind::Real;
  Type type = isReal ? Type(Float32Type::get(context)) : Type(builder.i64());
  if (value.kind == TorchValue::Kind::Bool)
    type = builder.i1();
  // A Python number takes the tensor's type unless its category is wider.
  if (partner && (partner.isFloat() || (!isReal && (partner.isInteger() || type.isInteger(1)))))
    type = partner.type();
  if (!value.isInteger())
    return builder.scalar(type, value.number);
  if (std::optional<int64_t> number = value.dim.constant())
    return builder.scalar(type, *number);
  return builder.cast(builder.size(value.dim), type);
}

static int category(Type type) { return isa<FloatType>(type) ? 2 : type.isInteger(1) ? 0 : 1; }

Type torch::promote(GraphTensor a, GraphTensor b) {
  Type left = a.type(), right = b.type();
  if (category(left) != category(right))
    return category(left) > category(right) ? left : right;
  if ((a.rank() == 0) != (b.rank() == 0))
    return a.rank() == 0 ? right : left;
  if (left.isBF16() != right.isBF16() && left.getIntOrFloatBitWidth() == right.getIntOrFloatBitWidth())
    return Float32Type::get(left.getContext());
  if (left.isUnsignedInteger(8) ? right.isSignlessInteger(8) : right.isUnsignedInteger(8) && left.isSignlessInteger(8))
    return IntegerType::get(left.getContext(), 16); // holds both
  return left.getIntOrFloatBitWidth() >= right.getIntOrFloatBitWidth() ? left : right;
}

std::pair<GraphTensor, GraphTensor> torch::promoted(Arguments &args, StringRef a, StringRef b) {
  GraphBuilder &builder = args.builder;
  GraphTensor lhs = args.get(a).isTensor() ? args.tensor(a) : GraphTensor();
  GraphTensor rhs = args.operand(b, lhs);
  if (!lhs)
    lhs = args.operand(a, rhs);
  if (!lhs || !rhs)
    return {};
  Type type = promote(lhs, rhs);
  return {builder.cast(lhs, type), builder.cast(rhs, type)};
}
