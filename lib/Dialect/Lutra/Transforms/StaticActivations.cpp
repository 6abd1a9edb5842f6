//===- StaticActivations.cpp - left-hand sides rounded with scales known before ===//
#include "lutra/Dialect/Lutra/Transforms/StaticActivations.h"

#include "ScalarConstant.h"
#include "WeightData.h"

#include "lutra/Dialect/Lutra/IR/Fp8Types.h"
#include "lutra/Support/DenseFormat.h"
#include "lutra/Support/EncodedLayout.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;
using namespace lutra;

StaticActivations::StaticActivations(ModuleOp module) : store(std::make_unique<WeightStore>(module)) {}

StaticActivations::~StaticActivations() = default;

/// The value before bounds beyond which all have the codes `first` or `last` anyway, since rounding keeps the order.
static Value skipBounds(Value value, const RangeCodes &codes, int64_t first, int64_t last) {
  auto roundsBeyond = [&](float bound, bool isLeast) {
    float code = std::nearbyint(bound / codes.scale) + static_cast<float>(codes.zero);
    return isLeast ? code <= static_cast<float>(first) : code >= static_cast<float>(last);
  };
  while (true) {
    if (auto unary = value.getDefiningOp<UnaryOp>()) {
      if (unary.getKind() != UnaryKind::Relu || !roundsBeyond(0, /*isLeast=*/true))
        return value;
      value = unary.getInput();
      continue;
    }
    auto binary = value.getDefiningOp<BinaryOp>();
    DenseElementsAttr bound;
    if (!binary || (binary.getKind() != BinaryKind::Max && binary.getKind() != BinaryKind::Min) ||
        !matchPattern(binary.getRhs(), m_Constant(&bound)) || !bound.isSplat() ||
        !bound.getElementType().isF32() || binary.getLhs().getType() != value.getType() ||
        !roundsBeyond(bound.getSplatValue<float>(), binary.getKind() == BinaryKind::Max))
      return value;
    value = binary.getLhs();
  }
}

/// What the codes stand for, right behind the value. `most`: codes are no more, and no less than its negative where
/// `isBounded`, else one less; 0: than their type lets them be. Codes without a sign, as convolutions read them, are
/// 128 more.
Value StaticActivations::roundValue(Value value, Type code, const RangeCodes &codes, int64_t most, bool isBounded) {
  Value &made = done[{value.getAsOpaquePointer(), code.getAsOpaquePointer(), codes.scale, codes.zero, isBounded}];
  if (made)
    return made;
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  Location loc = value.getLoc();
  auto type = cast<RankedTensorType>(value.getType());
  auto codeType = type.clone(code);
  int64_t shift = code.isUnsignedInteger() ? 128 : 0;
  auto makeCode = [&](int64_t number) { return makeScalar(builder, loc, code, static_cast<double>(number + shift)); };
  Value scale = makeScalar(builder, loc, type.getElementType(), codes.scale);
  Value zero = codes.zero + shift == 0 ? Value() : makeCode(codes.zero);
  bool isNarrow = most > 0 && most < 127, isSymmetric = most > 0 && isBounded;
  int64_t last = isNarrow ? most : 127, first = isSymmetric ? -most : isNarrow ? -most - 1 : -128;
  Value source = isa<IntegerType>(code) ? skipBounds(value, codes, first, last) : value;
  Value rounded = QuantizeOp::create(builder, loc, codeType, source, scale, zero, /*axis=*/0, /*block=*/0);
  auto limit = [&](BinaryKind kind, int64_t bound) {
    rounded = BinaryOp::create(builder, loc, codeType, kind, rounded, makeCode(bound));
  };
  if (isNarrow)
    limit(BinaryKind::Min, last);
  if (isNarrow || isSymmetric)
    limit(BinaryKind::Max, first);
  return made = DequantizeOp::create(builder, loc, type, rounded, scale, zero, /*axis=*/0, /*block=*/0);
}

/// Codes from -most to most under the scale that lets the largest magnitude just fit; where all values are 0, the
/// least normal number.
Value StaticActivations::roundWithin(Value value, int64_t most) {
  Value &made = doneWithin[{value, most}];
  if (made)
    return made;
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  Location loc = value.getLoc();
  auto type = cast<RankedTensorType>(value.getType());
  Type real = type.getElementType(), code = builder.getI8Type();
  auto one = RankedTensorType::get(SmallVector<int64_t>(type.getRank(), 1), real);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  Value magnitudes = UnaryOp::create(builder, loc, type, UnaryKind::Abs, value);
  Value greatest = ReduceOp::create(builder, loc, one, ReduceKind::Max, magnitudes, axes);
  greatest = ReshapeOp::create(builder, loc, RankedTensorType::get({}, real), greatest, ValueRange());
  auto combine = [&](BinaryKind kind, Value left, double right) -> Value {
    return BinaryOp::create(builder, loc, left.getType(), kind, left,
                            makeScalar(builder, loc, getElementTypeOrSelf(left.getType()), right));
  };
  // Where all is 0, and in tensors without elements, any scale does.
  Value scale = combine(BinaryKind::Max, combine(BinaryKind::Div, greatest, static_cast<double>(most)),
                        std::numeric_limits<float>::min());
  Value codes = QuantizeOp::create(builder, loc, type.clone(code), value, scale, /*zero_point=*/Value(), /*axis=*/0,
                                   /*block=*/0);
  codes = combine(BinaryKind::Max, combine(BinaryKind::Min, codes, static_cast<double>(most)),
                  static_cast<double>(-most));
  return made = DequantizeOp::create(builder, loc, type, codes, scale, /*zero_point=*/Value(), /*axis=*/0,
                                     /*block=*/0);
}

void StaticActivations::roundWithin(MatmulOp op, const ActivationRounding &rounding) {
  dequantizeWeight(op);
  op.getLhsMutable().set(roundWithin(op.getLhs(), (int64_t(1) << (rounding.bits - 1)) - 1));
}

/// Whether a format is bytes about 128 with a scale of f32 for each row.
static bool isPlainBytes(const Encoding &encoding) {
  const WeightFormat *format = findDenseFormat(encoding);
  return format && format->code.kind == CodeForm::Uint && format->code.numbers[0] == 8 &&
         format->value.kind == ValueMap::Affine && format->value.offset == 0 &&
         format->zero.kind == ZeroForm::Const && format->zero.constant == 128 && format->scales.size() == 1 &&
         format->scales[0].element.kind == SideType::F32 && format->scales[0].gn == 1 &&
         format->scales[0].gk == kWhole;
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

/// Whether an op reads images beside convolutions, and makes no error of its operand greater.
static bool takesCodes(Operation *op) {
  if (auto binary = dyn_cast<BinaryOp>(op))
    return binary.getKind() == BinaryKind::Add;
  auto reduce = dyn_cast<ReduceOp>(op);
  return isa<PoolOp>(op) || (reduce && reduce.getKind() == ReduceKind::Sum);
}

void StaticActivations::finish() {
  for (auto &[value, rounded] : images) // codes alone are stored then, which are a quarter of the bytes
    if (llvm::all_of(value.getUsers(), [](Operation *user) { return isa<QuantizeOp>(user) || takesCodes(user); }))
      value.replaceUsesWithIf(rounded, [](OpOperand &use) { return !isa<QuantizeOp>(use.getOwner()); });
  images.clear();
  store->removeUnused();
}

void StaticActivations::round(Operation *op, const SampledRange &range, const ActivationRounding &rounding) {
  MLIRContext *context = op->getContext();
  Value value = op->getOperand(0);
  if (rounding.isFp8()) {
    FloatType code = getFp8Type(context, rounding.type);
    float greatest = llvm::APFloat::getLargest(code.getFloatSemantics()).convertToFloat();
    RangeCodes codes{std::max(range.getGreatest() / greatest, std::numeric_limits<float>::min()), /*zero=*/0};
    op->setOperand(0, roundValue(value, code, codes, /*most=*/0, /*isBounded=*/false));
    return;
  }
  bool isImage = isa<ConvOp>(op), isInteger = isImage || dequantizeWeight(cast<MatmulOp>(op));
  RangeOptions options;
  options.bits = rounding.bits;
  options.hasZero = isInteger;
  options.rule = rounding.scales == ActivationRounding::Squares    ? RangeOptions::Squares
                 : rounding.scales == ActivationRounding::Quantile ? RangeOptions::Quantile
                 : rounding.scales == ActivationRounding::Entropy  ? RangeOptions::Entropy
                                                                   : RangeOptions::Extremes;
  options.quantile = rounding.quantile;
  Type code = IntegerType::get(context, 8, isImage ? IntegerType::Unsigned : IntegerType::Signless);
  int64_t most = (int64_t(1) << (rounding.bits - 1)) - 1;
  Value rounded = roundValue(value, code, range.fit(options), most, !isInteger);
  if (isImage)
    images.push_back({value, rounded});
  op->setOperand(0, rounded);
}
