//===- StaticActivations.cpp - left-hand sides rounded with scales known before ===//
#include "lutra/Dialect/Lutra/Transforms/StaticActivations.h"

#include "WeightData.h"

#include "lutra/Support/EncodedLayout.h"


#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <algorithm>
#include <cstring>
#include <limits>

using namespace mlir;
using namespace lutra;

StaticActivations::StaticActivations(ModuleOp module) : store(std::make_unique<WeightStore>(module)) {}

StaticActivations::~StaticActivations() = default;

static Value makeScalar(OpBuilder &builder, Location loc, Type element, Attribute value) {
  auto type = RankedTensorType::get({}, element);
  return ConstantOp::create(builder, loc, type, DenseElementsAttr::get(type, ArrayRef<Attribute>(value)));
}

/// What the codes stand for, right behind the value. `isBounded`: codes are no less than -(2^(bits - 1) - 1).
Value StaticActivations::roundValue(Value value, const RangeCodes &codes, unsigned bits, bool isBounded) {
  Value &made = done[{value.getAsOpaquePointer(), codes.scale, codes.zero, isBounded}];
  if (made)
    return made;
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  Location loc = value.getLoc();
  auto type = cast<RankedTensorType>(value.getType());
  Type byte = builder.getI8Type();
  auto codeType = type.clone(byte);
  Value scale = makeScalar(builder, loc, type.getElementType(), builder.getF32FloatAttr(codes.scale));
  Value zero = codes.zero == 0 ? Value() : makeScalar(builder, loc, byte, builder.getI8IntegerAttr(codes.zero));
  Value rounded = QuantizeOp::create(builder, loc, codeType, value, scale, zero, /*axis=*/0, /*block=*/0);
  int64_t most = (int64_t(1) << (bits - 1)) - 1;
  auto limit = [&](BinaryKind kind, int64_t bound) {
    Value constant = makeScalar(builder, loc, byte, builder.getI8IntegerAttr(bound));
    rounded = BinaryOp::create(builder, loc, codeType, kind, rounded, constant);
  };
  if (bits < 8)
    limit(BinaryKind::Min, most);
  if (bits < 8 || isBounded)
    limit(BinaryKind::Max, isBounded ? -most : -most - 1);
  return made = DequantizeOp::create(builder, loc, type, rounded, scale, zero, /*axis=*/0, /*block=*/0);
}

/// Whether a format is bytes about 128 with a scale of f32 for each row.
static bool isPlainBytes(const Encoding &encoding) {
  if (encoding.terms.size() != 1 || encoding.terms[0].kind != EncodingTerm::Dense)
    return false;
  const WeightFormat &format = encoding.terms[0].formats[0];
  return format.code.kind == CodeForm::Uint && format.code.numbers[0] == 8 && format.value.kind == ValueMap::Affine &&
         format.value.offset == 0 && format.zero.kind == ZeroForm::Const && format.zero.constant == 128 &&
         format.scales.size() == 1 && format.scales[0].element.kind == SideType::F32 && format.scales[0].gn == 1 &&
         format.scales[0].gk == kWhole;
}

/// Lets a product read such a weight as dequantized bytes.
bool StaticActivations::dequantizeWeight(MatmulOp op) {
  GlobalOp global = store->getGlobal(op.getRhs());
  auto type = cast<RankedTensorType>(op.getRhs().getType());
  EncodingAttr encoding = encodingOf(type);
  if (!global || !encoding || !op.getTransposeRhs() || type.getRank() != 2 || !isPlainBytes(encoding.getValue()))
    return false;
  Value &made = weights[global];
  if (!made) {
    int64_t n = type.getDimSize(0), k = type.getDimSize(1);
    EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encoding.getValue(), n, k));
    std::optional<WeightBytes> bytes = WeightStore::readStored(global);
    if (!bytes || bytes->splat)
      return false;
    AsmResourceBlob blob = WeightStore::allocate(n * k);
    const char *codes = bytes->data.data() + layout.find(ArrayRole::Codes, 0, 0)->offset;
    for (int64_t i = 0; i < n * k; ++i)
      blob.getMutableData()[i] = static_cast<char>(codes[i] ^ '\x80');
    SmallVector<float> scales(n);
    std::memcpy(scales.data(), bytes->data.data() + layout.find(ArrayRole::Scales, 0, 0)->offset, n * sizeof(float));
    // Where it serves all products, also those of other branches.
    OpBuilder builder = OpBuilder::atBlockBegin(&op->getParentOfType<func::FuncOp>().getBody().front());
    Location loc = global.getLoc();
    GlobalOp plain = store->add(loc, (global.getSymName() + ".bytes").str(),
                                RankedTensorType::get({n, k}, builder.getI8Type()), std::move(blob));
    Value weight = WeightOp::create(builder, loc, plain.getType(), plain.getSymName());
    auto scaleType = RankedTensorType::get({n}, builder.getF32Type());
    Value scale = ConstantOp::create(builder, loc, scaleType, DenseElementsAttr::get(scaleType, ArrayRef(scales)));
    made = DequantizeOp::create(builder, loc, RankedTensorType::get({n, k}, builder.getF32Type()), weight, scale,
                                /*zero_point=*/Value(), /*axis=*/0, /*block=*/0);
  }
  op.getRhsMutable().set(made);
  return true;
}

/// Numbers of fp8 with one scale, right behind the value.
Value StaticActivations::roundToFp8(Value value, float scale, FloatType element) {
  Value &made = done[{value.getAsOpaquePointer(), scale, 0, true}];
  if (made)
    return made;
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  Location loc = value.getLoc();
  auto type = cast<RankedTensorType>(value.getType());
  Value factor = makeScalar(builder, loc, type.getElementType(), builder.getF32FloatAttr(scale));
  Value codes = QuantizeOp::create(builder, loc, type.clone(element), value, factor, /*zero_point=*/Value(),
                                   /*axis=*/0, /*block=*/0);
  return made = DequantizeOp::create(builder, loc, type, codes, factor, /*zero_point=*/Value(), /*axis=*/0,
                                     /*block=*/0);
}

void StaticActivations::finish() { store->removeUnused(); }

void StaticActivations::round(MatmulOp op, const SampledRange &range, const ActivationRounding &rounding) {
  RangeOptions options;
  if (rounding.isFp8()) {
    bool isWide = rounding.type == ActivationForm::E5M2;
    MLIRContext *context = op.getContext();
    FloatType element = isWide ? FloatType(Float8E5M2Type::get(context)) : Float8E4M3FNType::get(context);
    float scale = range.fit(options).scale * 127 / (isWide ? 57344 : 448); // from codes up to 127
    op.getLhsMutable().set(roundToFp8(op.getLhs(), std::max(scale, std::numeric_limits<float>::min()), element));
    return;
  }
  bool isInteger = dequantizeWeight(op);
  options.bits = rounding.bits;
  options.hasZero = isInteger;
  options.leastSquares = rounding.scales == ActivationRounding::Squares;
  op.getLhsMutable().set(roundValue(op.getLhs(), range.fit(options), rounding.bits, !isInteger));
}
