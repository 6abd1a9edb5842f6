//===- MilLowering.cpp - state of one function's way from lutra to mil ------===//
#include "MilLowering.h"

#include "lutra/Dialect/MIL/IR/MILOpTable.h"
#include "lutra/Support/ConstantBytes.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace lutra;

Type MilLowering::computeType() const {
  return settings.half ? Type(builder.getF16Type()) : Type(builder.getF32Type());
}

Type MilLowering::elementType(Type element) const {
  if (isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(element))
    return computeType();
  if (element.isInteger(1))
    return element;
  if (element.isSignlessInteger(32) || element.isSignlessInteger(64))
    return builder.getI32Type();
  return {};
}

RankedTensorType MilLowering::typeOf(Type type) const {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || tensor.getEncoding() || !tensor.hasStaticShape())
    return {};
  Type element = elementType(tensor.getElementType());
  return element ? RankedTensorType::get(tensor.getShape(), element) : RankedTensorType();
}

Value MilLowering::decline(const Twine &reason) {
  refusals.push_back({current, reason.str()});
  return {};
}

std::string MilLowering::uniqueName(StringRef hint) {
  std::string base;
  for (char c : hint)
    base += llvm::isAlnum(c) || c == '_' ? c : '_';
  if (base.empty() || llvm::isDigit(base.front()))
    base.insert(0, "_");
  std::string name = base;
  while (!names.insert(name).second)
    name = base + "_" + std::to_string(counters[base]++);
  return name;
}

ElementsAttr MilLowering::constantOf(Value lutra) {
  if (auto constant = lutra.getDefiningOp<ConstantOp>())
    return constant.getValue();
  if (auto weight = lutra.getDefiningOp<WeightOp>())
    if (auto global = symbols.lookupNearestSymbolFrom<GlobalOp>(weight, weight.getGlobalAttr()))
      return global.getData();
  return {};
}

std::optional<int64_t> MilLowering::indexOf(Value index) {
  if (std::optional<int64_t> value = getConstantIntValue(index))
    return value;
  if (auto dim = index.getDefiningOp<tensor::DimOp>())
    if (std::optional<int64_t> position = dim.getConstantIndex()) {
      auto type = cast<RankedTensorType>(dim.getSource().getType());
      if (!type.isDynamicDim(*position))
        return type.getDimSize(*position);
    }
  return std::nullopt;
}

/// Rounds to the nearest fp16, ties to even; finite values too large become infinities.
static uint16_t toHalf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  uint16_t sign = (bits >> 16) & 0x8000;
  bits &= 0x7FFFFFFF;
  if (bits > 0x7F800000)
    return sign | 0x7E00;
  if (bits >= 0x47800000) // 2^16 and infinity
    return sign | 0x7C00;
  if (bits < 0x38800000) { // below 2^-14: the sum with 0.5 rounds to a multiple of 2^-24
    float magnitude;
    std::memcpy(&magnitude, &bits, sizeof(bits));
    magnitude += 0.5f;
    std::memcpy(&bits, &magnitude, sizeof(bits));
    return sign | (bits - 0x3F000000);
  }
  uint32_t odd = (bits >> 13) & 1;
  return sign | ((bits - 0x38000000 + 0xFFF + odd) >> 13);
}

FailureOr<SmallVector<char, 0>> MilLowering::convertConstant(ElementsAttr value, Type element) {
  Type source = value.getShapedType().getElementType();
  FailureOr<SmallVector<char, 0>> stored = constantBytes(value);
  if (failed(stored)) {
    decline("a constant whose bytes are not in the module");
    return failure();
  }
  if (source == element)
    return stored;
  SmallVector<char, 0> bytes;
  auto append = [&](auto number) {
    const char *raw = reinterpret_cast<const char *>(&number);
    bytes.append(raw, raw + sizeof(number));
  };
  FailureOr<SmallVector<double, 0>> numbers = constantNumbers(value);
  int64_t clipped = 0;
  for (double number : *numbers) {
    if (element.isF32()) {
      append(float(number));
    } else if (element.isF16()) {
      uint16_t half = toHalf(float(number));
      if (std::isnan(number)) {
        decline("a constant holds NaN, which Core ML's compilers do not keep in fp16");
        return failure();
      }
      if ((half & 0x7C00) == 0x7C00) { // masks, mostly: the largest number serves as well
        half = (half & 0x8000) | 0x7BFF;
        ++clipped;
      }
      append(half);
    } else {
      if (number < -2147483648.0 || number > 2147483647.0) {
        decline("a constant holds " + Twine(std::to_string(number)) + ", which int32 does not");
        return failure();
      }
      append(int32_t(number));
    }
  }
  if (clipped)
    emitWarning(current->getLoc()) << clipped << " elements of a constant lie outside of fp16 and become 65504 or "
                                      "-65504; choose compute=fp32 to keep them";
  return bytes;
}

Value MilLowering::constant(RankedTensorType type, ArrayRef<char> bytes, StringRef hint) {
  std::string name = uniqueName(hint);
  return mil::ConstOp::create(builder, current->getLoc(), type, builder.getStringAttr(name),
                              makeConstant(type, bytes, name));
}

/// What a constant is called: the global, or "c".
static StringRef hintOf(Value lutra) {
  auto weight = lutra.getDefiningOp<WeightOp>();
  return weight ? weight.getGlobal() : StringRef("c");
}

Value MilLowering::valueOf(Value lutra) {
  if (Value known = values.lookup(lutra))
    return known;
  ElementsAttr attribute = constantOf(lutra);
  RankedTensorType type = typeOf(lutra.getType());
  if (!attribute)
    return {}; // declined where it was defined
  if (!type) {
    std::string text;
    llvm::raw_string_ostream(text) << "a constant of type " << lutra.getType();
    return decline(text);
  }
  FailureOr<SmallVector<char, 0>> bytes = convertConstant(attribute, type.getElementType());
  if (failed(bytes))
    return {};
  Value result = constant(type, *bytes, hintOf(lutra));
  bind(lutra, result);
  return result;
}

Value lutra::lowerConstantMatrix(MilLowering &lowering, ElementsAttr value, bool transposed,
                                 StringRef hint) {
  auto type = cast<RankedTensorType>(value.getShapedType());
  Type element = lowering.elementType(type.getElementType());
  FailureOr<SmallVector<char, 0>> bytes = lowering.convertConstant(value, element);
  if (failed(bytes))
    return {};
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  if (!transposed)
    return lowering.constant(RankedTensorType::get({rows, columns}, element), *bytes, hint);
  size_t width = element.getIntOrFloatBitWidth() / 8;
  SmallVector<char, 0> turned;
  turned.resize_for_overwrite(bytes->size());
  constexpr int64_t block = 32; // both sides stay in the cache
  for (int64_t r0 = 0; r0 < rows; r0 += block)
    for (int64_t c0 = 0; c0 < columns; c0 += block)
      for (int64_t r = r0; r < std::min(rows, r0 + block); ++r)
        for (int64_t c = c0; c < std::min(columns, c0 + block); ++c)
          std::memcpy(&turned[(c * rows + r) * width], &(*bytes)[(r * columns + c) * width], width);
  return lowering.constant(RankedTensorType::get({columns, rows}, element), turned, hint);
}

Value MilLowering::apply(StringRef op, ArrayRef<Operand> operands, ArrayRef<Param> params) {
  SmallVector<Value> inputs;
  SmallVector<StringRef> inputNames;
  for (auto [name, value] : operands) {
    if (!value)
      return {}; // declined already
    inputNames.push_back(name);
    inputs.push_back(value);
  }
  NamedAttrList dictionary;
  for (auto [name, value] : params)
    dictionary.append(name, value);
  auto result = mil::ApplyOp::create(builder, current->getLoc(), inputs.front().getType(), builder.getStringAttr(op),
                                     inputs, builder.getStrArrayAttr(inputNames),
                                     dictionary.getDictionary(builder.getContext()), builder.getArrayAttr({}));
  std::string why;
  RankedTensorType type = mil::inferResult(result, why);
  if (type && type.getRank() > 5)
    why = "its result has rank " + std::to_string(type.getRank()) + ", Core ML takes at most 5";
  if (!type || type.getRank() > 5) {
    result.erase();
    return decline(why);
  }
  result.getResult(0).setType(type);
  result.setNamesAttr(builder.getStrArrayAttr({uniqueName(op)}));
  return result.getResult(0);
}

Attribute MilLowering::floatAttr(double value, Type element) {
  if (isa<FloatType>(element))
    return builder.getFloatAttr(element, value);
  return builder.getIntegerAttr(element, static_cast<int64_t>(value));
}

Attribute MilLowering::intsAttr(ArrayRef<int64_t> values) {
  SmallVector<int32_t> narrow(values.begin(), values.end());
  return builder.getDenseI32ArrayAttr(narrow);
}

Value MilLowering::scalar(double value, Type element) {
  auto type = RankedTensorType::get({}, element);
  auto attribute = DenseElementsAttr::get(type, floatAttr(value, element));
  return mil::ConstOp::create(builder, current->getLoc(), type, builder.getStringAttr(uniqueName("c")), attribute);
}

Value MilLowering::reshape(Value value, ArrayRef<int64_t> shape) {
  if (value && cast<RankedTensorType>(value.getType()).getShape() == shape)
    return value;
  return apply("reshape", {{"x", value}}, {{"shape", intsAttr(shape)}});
}

Value MilLowering::transpose(Value value, ArrayRef<int64_t> permutation) {
  if (llvm::is_sorted(permutation))
    return value;
  return apply("transpose", {{"x", value}}, {{"perm", intsAttr(permutation)}});
}

Value MilLowering::castTo(Value value, Type element) {
  if (value && getElementTypeOrSelf(value.getType()) == element)
    return value;
  return apply("cast", {{"x", value}}, {{"dtype", stringAttr(mil::typeName(element))}});
}
