//===- QuantizeActivations.cpp - left-hand sides as codes -------------------===//
// The encoding of a weight may allow its product to round the other operand (its activation form). Where a strategy
// then computes the product in fewer cycles, the rounding is written out: scales from the largest magnitude of each
// group along K, codes, and a product of codes. One bit stands for 1 and -1, whose best scale by least squares is the
// group's mean magnitude (XNOR-Net, arXiv 1603.05279). Products that share an operand share its codes. An operand that
// is dequantized with one scale, or from codes of lutra.dynamic_quantize, has its codes already; those without a sign
// are taken less 128, and so is their zero point.
//
// Values of codes that are no small integers are rounded to bytes times one number where that moves them by little
// beside their distances, or a table of reals to fixed-point numbers of two digits where these move by less than the
// activations (include/lutra/Support/RoundedTable.h), whichever takes fewer cycles: the product then has a weight of
// that encoding, with the same bytes unless it had stored its table or needs more scales, since sums have 32 bits.
// Codes of 3, 5 or 7 bits in groups that end within their words get another bit. Scales of groups longer than those of
// the other operand, or of rows, are repeated for each of those.
//
// Where no small integers stand for a weight's values, or a table's are more work than that, the codes of the other
// operand may be numbers of a product in bf16, which holds them: the scale of a row is applied to its results, that of
// a group to its codes.
//
// Where rows have one scale each, the weight may be rounded further, to bytes with one scale for each column of the
// result, if its groups' scales are near enough (include/lutra/Support/RescaledCodes.h): products then have
// `rounds_rhs`.
//
// With zero points the product of codes is corrected by sums of the weight's columns, which are known:
//
//   sum over k of s * (x[k] - z) * w[k] = s * sum(x[k] * w[k]) - s * z * sum(w[k])
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "GroupCodes.h"
#include "ScalarConstant.h"
#include "SignedProduct.h"
#include "StrategyNames.h"
#include "TileTargetNames.h"
#include "WeightData.h"

#include "lutra/Analysis/ProductStrategy.h"
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/EncodedPanels.h"
#include "lutra/Support/EncodedTensor.h"
#include "lutra/Support/ErrorCodes.h"
#include "lutra/Support/RescaledCodes.h"
#include "lutra/Support/RoundedTable.h"
#include "lutra/Support/StatedTable.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <tuple>

using namespace mlir;
using namespace lutra;

#define DEBUG_TYPE "lutra-quantize-activations"

namespace lutra {
#define GEN_PASS_DEF_QUANTIZEACTIVATIONS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
/// A tensor in groups along its last dimension.
struct Codes {
  Value codes, scale, zeroPoint; // zeroPoint may be null
};

/// How a product may round its left-hand side.
struct Rounding {
  int64_t group; // elements with one scale; 0: it may not
  unsigned bits = 8;
  bool symmetric = true;
};

/// How a product would be computed, and the type of the weight that it would read; null: of its own.
struct Candidate {
  std::optional<StrategyChoice> choice;
  RankedTensorType weightType;
};

using Choose = llvm::function_ref<std::optional<StrategyChoice>(MatmulOp product)>;

struct QuantizeActivations final : lutra::impl::QuantizeActivationsBase<QuantizeActivations> {
  using Base::Base;
  void runOnOperation() override;

private:
  void quantize(MatmulOp op, const ProductStrategies &strategies, ArrayRef<const TileTarget *> levels);
  Codes makeCodes(Value value, const Rounding &rounding);
  Codes makeSigns(OpBuilder &builder, Value value, int64_t group);
  Value sumColumns(MatmulOp product, int64_t group);
  bool mayRescale(MatmulOp product);
  bool mayRound(MatmulOp product);
  Value getRounded(MatmulOp product, RankedTensorType type);
  Candidate chooseCoded(MatmulOp coded, Choose choose);
  Candidate chooseBfloat(MatmulOp op, Choose choose);
  void multiplyNumbers(MatmulOp op, const Codes &made, int64_t group, RankedTensorType weightType);
  Value correct(MatmulOp product, Value zeroPoint, Value sums);
  Codes readCodes(MatmulOp product, DequantizeOp source, RankedTensorType scaleType);

  std::optional<WeightStore> store;
  std::map<std::tuple<void *, int64_t, unsigned, bool>, Codes> done; // by value, group, bits and symmetry
  std::map<Operation *, Codes> read;                                 // of a dequantization, with one scale
  std::map<std::pair<Operation *, int64_t>, GlobalOp> sums;          // of columns, by global and group
  std::map<std::pair<Operation *, const void *>, GlobalOp> rounded;  // weights, by global and type
  std::map<Operation *, bool> rescalings;                            // whether a global's codes may be rescaled
};
} // namespace

/// What codes without a sign are taken less.
static int64_t biasOf(Value codes) {
  return cast<RankedTensorType>(codes.getType()).getElementType().isUnsignedInteger() ? 128 : 0;
}

/// Whether codes, those without a sign less 128, are no less than -127.
static bool isBounded(Value codes) {
  auto binary = codes.getDefiningOp<BinaryOp>();
  DenseElementsAttr bound;
  if (!binary || binary.getKind() != BinaryKind::Max || !matchPattern(binary.getRhs(), m_Constant(&bound)))
    return false;
  bool isUnsigned = biasOf(codes) != 0;
  return llvm::all_of(bound.getValues<APInt>(),
                      [&](const APInt &least) { return isUnsigned ? !least.isZero() : least.sge(-127); });
}

/// The one integer that the codes of a dequantization are taken less, where it is known.
static std::optional<int64_t> findZero(DequantizeOp source) {
  DenseElementsAttr known;
  if (!source.getZeroPoint())
    return 0;
  if (!matchPattern(source.getZeroPoint(), m_Constant(&known)) || known.getNumElements() != 1)
    return std::nullopt;
  APInt zero = *known.getValues<APInt>().begin();
  return known.getElementType().isUnsignedInteger() ? static_cast<int64_t>(zero.getZExtValue()) : zero.getSExtValue();
}

static bool isOne(Value side) {
  auto type = cast<RankedTensorType>(side.getType());
  return type.hasStaticShape() && type.getNumElements() == 1;
}

/// The dequantization on the left of a product with an encoded weight if its codes can be multiplied as they are.
static DequantizeOp getCodedLhs(MatmulOp op) {
  auto source = op.getLhs().getDefiningOp<DequantizeOp>();
  if (!source || op.getScale() || op.getTransposeLhs() || !encodingOf(cast<RankedTensorType>(op.getRhs().getType())) ||
      !cast<RankedTensorType>(source.getType()).getElementType().isF32())
    return {};
  const ActivationForm &form = encodingOf(cast<RankedTensorType>(op.getRhs().getType())).getValue().activation;
  if (form.kind == ActivationForm::Int && form.bits < 8) // those codes may be wider
    return {};
  if (auto made = source.getInput().getDefiningOp<DynamicQuantizeOp>())
    return !made.hasFloatCodes() && !source.getZeroPoint() && made.getScale() == source.getScale() &&
                   source.getBlock() == made.getBlock() &&
                   static_cast<int64_t>(source.getAxis()) == cast<RankedTensorType>(source.getType()).getRank() - 1
               ? source
               : DequantizeOp();
  auto codes = cast<RankedTensorType>(source.getInput().getType());
  Type element = codes.getElementType();
  bool fits = (element.isSignlessInteger(8) || element.isUnsignedInteger(8)) && isOne(source.getScale()) &&
              cast<RankedTensorType>(source.getScale().getType()).getElementType().isF32() &&
              !codes.isDynamicDim(codes.getRank() - 1) && codes.getShape().back() > 0;
  return fits ? source : DequantizeOp();
}

/// Whether a level multiplies codes of -128 with those of a weight: where it adds products in pairs, only if they are
/// integers of fewer than 8 bits, which have no sign there.
static bool takesLeastCode(RankedTensorType weight, ArrayRef<const TileTarget *> levels) {
  bool byPairs = llvm::any_of(levels, [](const TileTarget *level) {
    std::optional<CodedProduct> product = level->getCodedProduct();
    return product && !product->takesBytes && !product->addsFours;
  });
  if (!byPairs)
    return true;
  constexpr int64_t width = 16, wordBytes = 4; // of any panel
  const Encoding &encoding = encodingOf(weight).getValue();
  int64_t depth = panelDepthOf(encoding, wordBytes);
  if (weight.getRank() != 2 || depth == 0)
    return false;
  auto panels = EncodedPanels::of(encoding, weight.getDimSize(0), weight.getDimSize(1), width, depth);
  if (!panels) {
    llvm::consumeError(panels.takeError());
    return false;
  }
  return panels->code.bits < 8 && !panels->values.empty() && panels->linear();
}

static Rounding getRounding(MatmulOp op) {
  auto lhs = cast<RankedTensorType>(op.getLhs().getType());
  EncodingAttr encoding = encodingOf(cast<RankedTensorType>(op.getRhs().getType()));
  if (!encoding || op.getScale() || op.getTransposeLhs() || !lhs.getElementType().isF32() ||
      lhs.isDynamicDim(lhs.getRank() - 1) || lhs.getShape().back() < 1)
    return {0};
  const ActivationForm &form = encoding.getValue().activation;
  int least = form.symmetric ? 1 : 4;
  if (form.kind != ActivationForm::Int || form.bits < least || form.bits > 8 || form.group == 0)
    return {0};
  int64_t depth = lhs.getShape().back(); // a longer group is the row
  return {form.group == kWhole ? depth : std::min(form.group, depth),
          static_cast<unsigned>(form.bits), form.symmetric};
}

/// Elements of each group along the last dimension but one, of which the last group may have fewer.
static Value makeCounts(OpBuilder &builder, Location loc, int64_t depth, int64_t group) {
  if (depth % group == 0)
    return makeScalar(builder, loc, builder.getF32Type(), static_cast<double>(group));
  SmallVector<float> counts;
  for (int64_t low = 0; low < depth; low += group)
    counts.push_back(static_cast<float>(std::min(group, depth - low)));
  auto type = RankedTensorType::get({static_cast<int64_t>(counts.size()), 1}, builder.getF32Type());
  return ConstantOp::create(builder, loc, type, DenseElementsAttr::get(type, ArrayRef(counts)));
}

/// Cycles of one core that the codes of a left-hand side cost. Measured on a Zen 3: products with 64 columns and K of
/// 4096 gain nothing, those with 128 do.
static double elementCycles(const ProductProblem &problem) {
  return 3 * problem.getMultiplyAdds() / static_cast<double>(std::max<int64_t>(1, problem.shape.n));
}

/// 1 for what is no less than 0, else -1, and the mean magnitude of each group.
Codes QuantizeActivations::makeSigns(OpBuilder &builder, Value value, int64_t group) {
  Location loc = value.getLoc();
  auto type = cast<RankedTensorType>(value.getType());
  Type real = type.getElementType();
  int64_t last = type.getRank() - 1, depth = type.getShape().back(), groups = llvm::divideCeil(depth, group);
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < last; ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(builder, loc, value, dim));
  SmallVector<int64_t> shape(type.getShape());
  Value whole = value;
  if (shape.back() != groups * group) { // zeros change no magnitude
    SmallVector<int64_t> low(shape.size(), 0), high(shape.size(), 0);
    high.back() = groups * group - depth;
    shape.back() = groups * group;
    whole = PadOp::create(builder, loc, RankedTensorType::get(shape, real), value, makeScalar(builder, loc, real, 0),
                          ValueRange(), ValueRange(), low, high, PadMode::Constant);
  }
  shape.back() = groups;
  auto scaleType = RankedTensorType::get(shape, real);
  shape.push_back(group);
  auto groupedType = RankedTensorType::get(shape, real);
  shape.back() = 1;
  auto oneType = RankedTensorType::get(shape, real);
  Value grouped = ReshapeOp::create(builder, loc, groupedType, whole, sizes);
  Value magnitude = UnaryOp::create(builder, loc, groupedType, UnaryKind::Abs, grouped);
  Value sum = ReduceOp::create(builder, loc, oneType, ReduceKind::Sum, magnitude, ArrayRef<int64_t>{last + 1});
  Value step = BinaryOp::create(builder, loc, oneType, BinaryKind::Div, sum, makeCounts(builder, loc, depth, group));
  step = BinaryOp::create(builder, loc, oneType, BinaryKind::Max, step,
                          makeScalar(builder, loc, real, std::numeric_limits<float>::min()));
  Value scale = ReshapeOp::create(builder, loc, scaleType, step, sizes);
  auto codeType = type.clone(builder.getI8Type());
  Value up = makeScalar(builder, loc, builder.getI8Type(), 1), down = makeScalar(builder, loc, builder.getI8Type(), -1);
  Value isPositive = CompareOp::create(builder, loc, type.clone(builder.getI1Type()), CompareKind::GreaterEqual, value,
                                       makeScalar(builder, loc, real, 0));
  Value codes = SelectOp::create(builder, loc, codeType, isPositive, up, down);
  return {codes, scale, {}};
}

Codes QuantizeActivations::makeCodes(Value value, const Rounding &rounding) {
  Codes &made = done[{value.getAsOpaquePointer(), rounding.group, rounding.bits, rounding.symmetric}];
  if (made.codes)
    return made;
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
  if (rounding.bits == 1)
    return made = makeSigns(builder, value, rounding.group);
  DynamicQuantizeOp op = roundGroups(builder, value, builder.getI8Type(), rounding.group, rounding.bits,
                                     /*hasZeroPoints=*/!rounding.symmetric);
  return made = {op.getCodes(), op.getScale(), op.getZeroPoint()};
}

/// The sums of a weight's columns in every group [N, K / group], as a weight; null: they cannot be had.
Value QuantizeActivations::sumColumns(MatmulOp product, int64_t group) {
  GlobalOp global = store->getGlobal(product.getRhs());
  auto type = cast<RankedTensorType>(product.getRhs().getType());
  if (!global || type.getRank() != 2 || !product.getTransposeRhs())
    return {};
  int64_t n = type.getDimSize(0), k = type.getDimSize(1), groups = llvm::divideCeil(k, group);
  GlobalOp &made = sums[{global, group}];
  if (!made) {
    std::optional<WeightBytes> bytes = WeightStore::readStored(global);
    if (!bytes)
      return {};
    std::vector<uint8_t> stored(bytes->data.begin(), bytes->data.end());
    if (bytes->splat)
      stored.resize(cast<ShapedType>(global.getData().getType()).getNumElements(), stored.front());
    auto values = decodeTensor(encodingOf(type).getValue(), n, k, stored);
    if (!values) {
      llvm::consumeError(values.takeError());
      return {};
    }
    AsmResourceBlob blob = WeightStore::allocate(n * groups * static_cast<int64_t>(sizeof(float)));
    for (int64_t at = 0; at < n * groups; ++at) {
      double sum = 0;
      for (int64_t i = at % groups * group; i < std::min(at % groups * group + group, k); ++i)
        sum += (*values)[at / groups * k + i];
      auto rounded = static_cast<float>(sum);
      std::memcpy(blob.getMutableData().data() + at * sizeof(float), &rounded, sizeof(float));
    }
    Type real = Float32Type::get(&getContext());
    SmallVector<int64_t> shape{n, groups};
    made = store->add(global.getLoc(), (global.getSymName() + ".sums").str(),
                      RankedTensorType::get(groups == 1 ? ArrayRef(shape).take_front() : ArrayRef(shape), real),
                      std::move(blob));
  }
  OpBuilder builder(product);
  return WeightOp::create(builder, product.getLoc(), made.getType(), made.getSymName());
}

/// What is stored for a matrix, if every byte is there.
static ArrayRef<uint8_t> readMatrix(GlobalOp global) {
  std::optional<WeightBytes> bytes = WeightStore::readStored(global);
  if (!bytes || bytes->splat)
    return {};
  return ArrayRef(reinterpret_cast<const uint8_t *>(bytes->data.data()), bytes->data.size());
}

/// Whether one scale for each column of the result moves the values of a weight with groups by little beside the steps
/// of its codes.
bool QuantizeActivations::mayRescale(MatmulOp product) {
  GlobalOp global = store->getGlobal(product.getRhs());
  auto type = cast<RankedTensorType>(product.getRhs().getType());
  EncodingAttr encoding = encodingOf(type);
  if (!global || !encoding || encoding.getPacking() || type.getRank() != 2 || !product.getTransposeRhs() ||
      encoding.getValue().activation.kind != ActivationForm::Int)
    return false;
  auto [found, isNew] = rescalings.try_emplace(global.getOperation(), false);
  if (ArrayRef<uint8_t> bytes = isNew ? readMatrix(global) : ArrayRef<uint8_t>(); !bytes.empty()) {
    std::optional<RescaledCodes> codes =
        rescaleCodes(encoding.getValue(), type.getDimSize(0), type.getDimSize(1), bytes);
    found->second = codes && codes->isFine();
  }
  return found->second;
}

/// Whether what lets a product round its other operand lets it round values of the weight's codes too.
bool QuantizeActivations::mayRound(MatmulOp product) {
  EncodingAttr encoding = encodingOf(cast<RankedTensorType>(product.getRhs().getType()));
  return encoding && encoding.getValue().activation.kind == ActivationForm::Int && product.getTransposeRhs() &&
         store->getGlobal(product.getRhs());
}

/// The types that a weight may have instead: with rounded values, and with a table that it states.
static SmallVector<RankedTensorType> getRoundedTypes(GlobalOp global, bool rescales) {
  auto type = cast<RankedTensorType>(global.getType());
  EncodingAttr attr = encodingOf(type);
  SmallVector<RankedTensorType> types;
  if (!attr || type.getRank() != 2)
    return types;
  ArrayRef<uint8_t> bytes = attr.getPacking() ? ArrayRef<uint8_t>() : readMatrix(global);
  for (const Encoding &made :
       findRoundedEncodings(attr.getValue(), type.getDimSize(0), type.getDimSize(1), bytes, rescales))
    types.push_back(type.cloneWithEncoding(EncodingAttr::get(type.getContext(), made, attr.getPacking())));
  return types;
}

/// The type with wider codes; null: there is none.
static RankedTensorType getWideType(GlobalOp global) {
  auto type = cast<RankedTensorType>(global.getType());
  EncodingAttr attr = encodingOf(type);
  if (!attr || type.getRank() != 2 || attr.getPacking() || readMatrix(global).empty())
    return {};
  std::optional<Encoding> made = widenCodes(attr.getValue());
  return made ? type.cloneWithEncoding(EncodingAttr::get(type.getContext(), *made, PackingAttr())) : RankedTensorType();
}

/// The type with scales for groups of `group`; null: there is none.
static RankedTensorType getRepeatedType(GlobalOp global, int64_t group) {
  auto type = cast<RankedTensorType>(global.getType());
  EncodingAttr attr = encodingOf(type);
  if (!attr || type.getRank() != 2 || attr.getPacking() || readMatrix(global).empty())
    return {};
  std::optional<Encoding> made = repeatScales(attr.getValue(), type.getDimSize(1), group);
  return made ? type.cloneWithEncoding(EncodingAttr::get(type.getContext(), *made, PackingAttr())) : RankedTensorType();
}

/// What the name of a weight that was written anew ends in.
static StringRef suffixOf(const Encoding &from, const Encoding &to, int64_t k) {
  if (widenCodes(from) == to)
    return ".wide";
  const std::vector<ScaleForm> &scales = to.terms.front().formats.front().scales;
  return !scales.empty() && repeatScales(from, k, scales.front().gk) == to ? ".groups" : ".rounded";
}

/// The weight of a product as one of that type.
Value QuantizeActivations::getRounded(MatmulOp product, RankedTensorType type) {
  GlobalOp global = store->getGlobal(product.getRhs());
  GlobalOp &made = rounded[{global, type.getAsOpaquePointer()}];
  const Encoding &from = encodingOf(cast<RankedTensorType>(global.getType())).getValue();
  const Encoding &to = encodingOf(type).getValue();
  std::string name = (global.getSymName() + suffixOf(from, to, type.getDimSize(1))).str();
  if (!made && haveSameBytes(from, to))
    made = store->addView(global, name, type);
  if (!made) { // getRoundedTypes has read these bytes
    std::vector<uint8_t> bytes =
        llvm::cantFail(restate(from, to, type.getDimSize(0), type.getDimSize(1), readMatrix(global)));
    AsmResourceBlob blob = WeightStore::allocate(bytes.size());
    std::memcpy(blob.getMutableData().data(), bytes.data(), bytes.size());
    made = store->add(global.getLoc(), name, type, std::move(blob));
  }
  OpBuilder builder(product);
  return WeightOp::create(builder, product.getLoc(), made.getType(), made.getSymName());
}

/// The type of a weight whose product may be one of bf16 where the encoding lets it round the other operand to codes.
static RankedTensorType getBfloatType(RankedTensorType type) {
  EncodingAttr attr = encodingOf(type);
  if (!attr || attr.getValue().activation.kind != ActivationForm::Int || !takesBfloat(attr.getValue()))
    return {};
  Encoding encoding = attr.getValue();
  encoding.activation = ActivationForm();
  encoding.activation.kind = ActivationForm::BF16;
  return type.cloneWithEncoding(EncodingAttr::get(type.getContext(), encoding, attr.getPacking()));
}

/// The cheapest product of codes, with its weight or with one of another type, which exists if it is taken.
Candidate QuantizeActivations::chooseCoded(MatmulOp coded, Choose choose) {
  Candidate best{choose(coded), {}};
  if (!mayRound(coded))
    return best;
  Value own = coded.getRhs();
  GlobalOp global = store->getGlobal(own);
  SmallVector<RankedTensorType> types = getRoundedTypes(global, coded.getRoundsRhs());
  if (RankedTensorType wide = best.choice ? RankedTensorType() : getWideType(global))
    types.push_back(wide);
  if (RankedTensorType repeated = best.choice ? RankedTensorType() : getRepeatedType(global, coded.getBlock()))
    types.push_back(repeated);
  OpBuilder builder(coded);
  for (RankedTensorType type : types) {
    auto weight = UnrealizedConversionCastOp::create(builder, coded.getLoc(), type, own);
    coded.getRhsMutable().set(weight.getResult(0));
    std::optional<StrategyChoice> choice = choose(coded);
    if (choice && (!best.choice || choice->isBetterThan(*best.choice)))
      best = {choice, type};
    coded.getRhsMutable().set(own);
    weight.erase();
  }
  return best;
}

/// The product in bf16 that the weight's encoding allows, if it does.
Candidate QuantizeActivations::chooseBfloat(MatmulOp op, Choose choose) {
  RankedTensorType type =
      store->getGlobal(op.getRhs()) ? getBfloatType(cast<RankedTensorType>(op.getRhs().getType())) : RankedTensorType();
  if (!type)
    return {};
  OpBuilder builder(op);
  auto weight = UnrealizedConversionCastOp::create(builder, op.getLoc(), type, op.getRhs());
  auto numbers = MatmulOp::create(builder, op.getLoc(), op.getType(), op.getLhs(), weight.getResult(0), Value(),
                                  /*transpose_lhs=*/false, op.getTransposeRhs(), /*block=*/0, op.getStrategyAttr());
  Candidate candidate{choose(numbers), type};
  numbers.erase();
  weight.erase();
  return candidate;
}

/// Makes a product one of its operand's codes as numbers.
void QuantizeActivations::multiplyNumbers(MatmulOp op, const Codes &made, int64_t group, RankedTensorType weightType) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto lhs = cast<RankedTensorType>(op.getLhs().getType());
  bool scalesRows = group >= lhs.getShape().back();
  Value numbers = scalesRows ? CastOp::create(builder, loc, lhs, made.codes).getResult()
                             : DequantizeOp::create(builder, loc, lhs, made.codes, made.scale, /*zero_point=*/Value(),
                                                    lhs.getRank() - 1, group)
                                   .getResult();
  op.getLhsMutable().set(numbers);
  op.getRhsMutable().set(getRounded(op, weightType));
  if (!scalesRows)
    return;
  builder.setInsertionPointAfter(op);
  auto scaled = BinaryOp::create(builder, loc, op.getType(), BinaryKind::Mul, op.getResult(), made.scale);
  op.getResult().replaceAllUsesExcept(scaled, scaled);
}

/// What a product of codes with zero points stands for: one of all codes, or one for each scale.
Value QuantizeActivations::correct(MatmulOp product, Value zeroPoint, Value columns) {
  OpBuilder builder(product.getContext());
  builder.setInsertionPointAfter(product);
  Location loc = product.getLoc();
  auto type = cast<RankedTensorType>(product.getType());
  auto zeroType = cast<RankedTensorType>(zeroPoint.getType());
  Value scale = product.getScale(), zero = zeroPoint;
  if (auto expand = zeroType.getRank() == 0 ? scale.getDefiningOp<ExpandOp>() : ExpandOp())
    scale = expand.getInput();
  auto shiftType = cast<RankedTensorType>(scale.getType());
  if (!zeroType.getElementType().isF32())
    zero = CastOp::create(builder, loc, zeroType.clone(builder.getF32Type()), zero);
  Value shift = BinaryOp::create(builder, loc, shiftType, BinaryKind::Mul, scale, zero);
  Value correction;
  if (cast<RankedTensorType>(columns.getType()).getRank() == 1) { // one group
    auto columnType = cast<RankedTensorType>(columns.getType());
    correction = shiftType.getRank() == 0
                     ? BinaryOp::create(builder, loc, columnType, BinaryKind::Mul, columns, shift)
                     : BinaryOp::create(builder, loc, type, BinaryKind::Mul, shift, columns);
  } else { // one of floats, whatever strategy the others are to have
    correction = MatmulOp::create(builder, loc, type, shift, columns, /*transpose_lhs=*/false, /*transpose_rhs=*/true,
                                  StrategyAttr::get(&getContext(), "tiled"));
  }
  return BinaryOp::create(builder, loc, type, BinaryKind::Sub, product.getResult(), correction);
}

/// Codes with a sign, f32 and a number of f32 that a dequantization with one scale reads; 0 is no zero point.
static Codes readScalars(DequantizeOp source) {
  OpBuilder builder(source);
  Location loc = source.getLoc();
  int64_t bias = biasOf(source.getInput());
  auto toScalar = [&](Value side) -> Value {
    auto type = cast<RankedTensorType>(side.getType());
    if (type.getRank() == 0)
      return side;
    return ReshapeOp::create(builder, loc, RankedTensorType::get({}, type.getElementType()), side, ValueRange());
  };
  Type real = builder.getF32Type();
  Codes made{makeSigned(builder, loc, source.getInput()), toScalar(source.getScale()), Value()};
  if (std::optional<int64_t> zero = findZero(source)) {
    if (*zero != bias)
      made.zeroPoint = makeScalar(builder, loc, real, static_cast<double>(*zero - bias));
    return made;
  }
  auto scalar = RankedTensorType::get({}, real);
  made.zeroPoint = CastOp::create(builder, loc, scalar, toScalar(source.getZeroPoint()));
  if (bias != 0)
    made.zeroPoint = BinaryOp::create(builder, loc, scalar, BinaryKind::Sub, made.zeroPoint,
                                      makeScalar(builder, loc, real, static_cast<double>(bias)));
  return made;
}

/// The codes of a dequantized operand, its scale for each row before `product`.
Codes QuantizeActivations::readCodes(MatmulOp product, DequantizeOp source, RankedTensorType scaleType) {
  if (source.getInput().getDefiningOp<DynamicQuantizeOp>())
    return {source.getInput(), source.getScale(), {}};
  auto [entry, isNew] = read.try_emplace(source);
  if (isNew)
    entry->second = readScalars(source);
  Codes made = entry->second;
  OpBuilder builder(product);
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < scaleType.getRank(); ++dim)
    if (scaleType.isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(builder, product.getLoc(), source.getInput(), dim));
  made.scale = ExpandOp::create(builder, product.getLoc(), scaleType, made.scale, sizes);
  return made;
}

void QuantizeActivations::quantize(MatmulOp op, const ProductStrategies &strategies,
                                   ArrayRef<const TileTarget *> levels) {
  DequantizeOp source = getCodedLhs(op);
  Rounding form = getRounding(op);
  if (source) { // one scale, or what made the codes says
    int64_t depth = cast<RankedTensorType>(op.getLhs().getType()).getShape().back(), block = source.getBlock();
    form = {block == 0 ? depth : std::min(block, depth)};
    form.symmetric = findZero(source) == biasOf(source.getInput());
  }
  bool reachesLeast = source && !source.getInput().getDefiningOp<DynamicQuantizeOp>() && !isBounded(source.getInput());
  int64_t group = form.group;
  if (group == 0)
    return;
  // Types alone decide: the product of codes is asked for before its operands exist.
  auto lhs = cast<RankedTensorType>(op.getLhs().getType());
  SmallVector<int64_t> groups(lhs.getShape());
  groups.back() = llvm::divideCeil(groups.back(), group);
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto codeType = RankedTensorType::get(lhs.getShape(), builder.getI8Type());
  auto scaleType = RankedTensorType::get(groups, lhs.getElementType());
  Value codes = UnrealizedConversionCastOp::create(builder, loc, codeType, op.getLhs()).getResult(0);
  Value scale = UnrealizedConversionCastOp::create(builder, loc, scaleType, op.getLhs()).getResult(0);
  auto coded = MatmulOp::create(builder, loc, op.getType(), codes, op.getRhs(), scale, /*transpose_lhs=*/false,
                                op.getTransposeRhs(), group, op.getStrategyAttr());
  // Corrections for zero points are those of the weight as it is.
  bool rescales = form.symmetric && group >= lhs.getShape().back() &&
                  llvm::any_of(levels, [](const TileTarget *level) { return level->multipliesRescaled(); });
  coded.setRoundsRhs(rescales && mayRescale(op));
  std::string wish = op.getStrategyAttr() ? op.getStrategyAttr().getName().str() : strategy.getValue();
  SmallVector<std::string> why;
  auto choose = [&](MatmulOp product) -> std::optional<StrategyChoice> {
    if (product.getScale() && reachesLeast &&
        !takesLeastCode(cast<RankedTensorType>(product.getRhs().getType()), levels)) {
      why.push_back("codes may be -128, which levels that add products in pairs multiply with integers of fewer than 8 "
                    "bits alone; quantize to -127 at least");
      return std::nullopt;
    }
    return strategies.choose(*getProductProblem(product), levels, wish, why);
  };
  std::optional<StrategyChoice> before = choose(op);
  why.clear();
  Candidate inCodes = chooseCoded(coded, choose), inBfloat = form.symmetric ? chooseBfloat(op, choose) : Candidate();
  auto opts = remark::RemarkOpts::name("QuantizeActivations").category(DEBUG_TYPE);
  double rounding = source ? 0 : elementCycles(*getProductProblem(op)) * static_cast<double>(levels.size());
  auto isLess = [&](const Candidate &candidate) {
    return candidate.choice && (!before || candidate.choice->isBetterThan(*before, rounding));
  };
  bool takesNumbers = isLess(inBfloat) && (!inCodes.choice || inBfloat.choice->isBetterThan(*inCodes.choice));
  bool wins = !takesNumbers && isLess(inCodes);
  if (wins && inCodes.weightType)
    coded.getRhsMutable().set(getRounded(coded, inCodes.weightType));
  Value columns = wins && !form.symmetric ? sumColumns(coded, group) : Value();
  if (wins && !form.symmetric && !columns) {
    wins = false;
    inCodes.choice.reset();
    why = {"the sums of the weight's columns, which correct zero points, are not known here"};
  }
  if (wins) {
    Codes made = source ? readCodes(coded, source, scaleType) : makeCodes(op.getLhs(), form);
    coded.getLhsMutable().set(made.codes);
    coded.getScaleMutable().assign(made.scale);
    remark::passed(loc, opts) << remark::metric("Strategy", inCodes.choice->strategy->getName())
                              << remark::metric("Cycles", inCodes.choice->cycles);
    op.replaceAllUsesWith(columns ? correct(coded, made.zeroPoint, columns) : coded.getResult());
    op.erase();
  } else if (takesNumbers) {
    coded.erase();
    multiplyNumbers(op, source ? readCodes(op, source, scaleType) : makeCodes(op.getLhs(), form), group,
                    inBfloat.weightType);
    remark::passed(loc, opts) << remark::metric("Strategy", inBfloat.choice->strategy->getName())
                              << remark::metric("Cycles", inBfloat.choice->cycles);
  } else {
    remark::missed(loc, opts) << remark::reason(
        "{0}", inCodes.choice ? "codes and their product take longer" : llvm::join(why, "; "));
    coded.erase();
  }
  codes.getDefiningOp()->erase();
  scale.getDefiningOp()->erase();
}

void QuantizeActivations::runOnOperation() {
  FailureOr<SmallVector<const TileTarget *>> levels = findTileTargets(targets, getOperation().getLoc());
  if (failed(levels))
    return signalPassFailure();
  const ProductStrategies *strategies = findStrategies(strategy, getOperation().getLoc());
  if (!strategies)
    return signalPassFailure();
  if (levels->empty())
    return;
  SmallVector<MatmulOp> products;
  getOperation().walk([&](MatmulOp op) { products.push_back(op); });
  store.emplace(getOperation());
  for (MatmulOp op : products)
    quantize(op, *strategies, *levels);
  store.reset();
  done.clear();
  read.clear();
  sums.clear();
  rounded.clear();
  rescalings.clear();
}
