//===- RaiseIntegerProducts.cpp - products of dequantized codes as integers ===//
// A product of two dequantized operands (ONNX QDQ) means the product of their codes, scaled:
//
//   sum over k of (x - zx) sx * (w - zw) sw = (sum over k of (x - zx) (w - zw)) * sw * sx
//
// and the sum in brackets is exact in 32-bit integers. Worth it where the weight is constant: its differences are
// computed here, and integers of 8 bits are a quarter of the bytes. Not worth it where a level has no products of
// integers. Two computed operands, as in attention, are raised where a level has instructions for bytes: their kernel
// copies the right-hand codes to panels and takes zero points off the sums, so the differences are never computed.
// Where a level has instructions for bytes and the weight's integers have 8 bits, left-hand sides of matmuls are codes
// with a sign and zero points are taken off sums (SignedProduct.h), also of products that were integers from the start.
// Convolutions are sums over taps and channels of the same form. Where a level has instructions for bytes their input
// is codes without a sign (UnsignedConv.h). Else it is x - zx in 16 bits, which is 0 where padding stands for 0, and
// products are added in pairs along the channels, so an odd number of these gets one more, of zeros. So it is with
// convolutions that were integers from the start.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "CodedMatrix.h"
#include "SignedProduct.h"
#include "TileTargetNames.h"
#include "UnsignedConv.h"

#include "lutra/Analysis/CentredCodes.h"
#include "lutra/Analysis/ProductStrategy.h"
#include "lutra/Dialect/Lutra/IR/ProductTypes.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace lutra;

#define DEBUG_TYPE "lutra-raise-integer-products"

namespace lutra {
#define GEN_PASS_DEF_RAISEINTEGERPRODUCTS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
struct RaiseIntegerProducts final : lutra::impl::RaiseIntegerProductsBase<RaiseIntegerProducts> {
  using Base::Base;
  void runOnOperation() override;

private:
  /// The weight's integers, [K, N] or a filter's [N, C, k..], and its scales, [N] or [N, 1..].
  struct Weight {
    Value integers, scales;
    std::string why; // there is none
  };
  bool raise(MatmulOp op, WeightStore &store, std::string &why);
  bool raiseComputed(MatmulOp op, DequantizeOp left, DequantizeOp right, std::string &why);
  bool raise(ConvOp op, WeightStore &store, std::string &why);
  /// Whether somebody asked for a strategy, which reads operands as they are.
  bool namesStrategy(StrategyAttr named) const { return named || !ProductStrategies::hasAuto(strategy); }
  bool canRaise(Operation *op, DequantizeOp left, StrategyAttr named, std::string &why);
  const Weight *makeWeight(Operation *op, WeightStore &store, std::string &why);
  bool multipliesBytes(MatmulOp op) const {
    int64_t rows = getProductProblem(op)->shape.m;
    return byteRows && (rows < 0 || rows >= *byteRows);
  }
  void makeSigned(MatmulOp op, WeightStore &store);
  bool makeUnsigned(ConvOp op, WeightStore &store);
  void pairChannels(ConvOp op, WeightStore &store);
  void replace(Operation *op, Value sum, const Weight &weight, DequantizeOp left, OpBuilder &builder);

  std::optional<int64_t> byteRows; // from which on products of bytes gain
  bool convolvesBytes = false;
  DenseMap<std::pair<Operation *, unsigned>, Weight> done; // by dequantization and what it is read as
};
} // namespace

/// Magnitude of the difference of two 8-bit codes.
static constexpr int64_t largestDifference = 255;

/// Of a weight whose sums, below 2^31, stay finite before the other operand's scale makes them smaller.
static constexpr float greatestScale = 0x1p96f;

/// code - zero point, in the 8 bits of the codes where there is nothing to take off.
static Value centre(Location loc, Value codes, Value zero, OpBuilder &builder) {
  auto type = cast<RankedTensorType>(codes.getType());
  if (!zero || matchPattern(zero, m_Zero()))
    return codes;
  Type wide = builder.getI16Type();
  auto widen = [&](Value value) -> Value {
    auto from = cast<RankedTensorType>(value.getType());
    return CastOp::create(builder, loc, from.clone(wide), value);
  };
  Value widened = widen(codes), point = widen(zero);
  if (auto pointType = cast<RankedTensorType>(point.getType()); pointType.getRank() != 0)
    point = ReshapeOp::create(builder, loc, RankedTensorType::get({}, wide), point, ValueRange());
  return BinaryOp::create(builder, loc, type.clone(wide), BinaryKind::Sub, widened, point);
}

static Value centre(DequantizeOp op, OpBuilder &builder) {
  return centre(op.getLoc(), op.getInput(), op.getZeroPoint(), builder);
}

/// The type that a weight's integers of `width` bytes get: [K, N], or the filter's.
static RankedTensorType integerType(DequantizeOp source, const CodedMatrix &matrix, bool isFilter, int64_t width,
                                    Builder builder) {
  Type element = builder.getIntegerType(8 * width);
  return isFilter ? cast<RankedTensorType>(source.getInput().getType()).clone(element)
                  : RankedTensorType::get({matrix.k, matrix.n}, element);
}

/// Writes the matrix's integers, low byte first, in the order of that type.
static void writeIntegers(const CodedMatrix &matrix, bool isFilter, int64_t width, char *out) {
  int64_t outer = isFilter ? matrix.n : matrix.k, inner = isFilter ? matrix.k : matrix.n;
  int64_t outerStep = isFilter ? matrix.k : 1, innerStep = isFilter ? 1 : matrix.k;
  for (int64_t i = 0; i < outer; ++i)
    for (int64_t j = 0; j < inner; ++j, out += width)
      std::memcpy(out, &matrix.codes[i * outerStep + j * innerStep], width);
}

const RaiseIntegerProducts::Weight *RaiseIntegerProducts::makeWeight(Operation *op, WeightStore &store,
                                                                    std::string &why) {
  auto conv = dyn_cast<ConvOp>(op);
  bool turned = false;
  DequantizeOp source =
      conv ? conv.getFilter().getDefiningOp<DequantizeOp>() : getCodedRhs(cast<MatmulOp>(op), turned);
  auto [entry, isNew] = done.try_emplace({source, conv ? 2 : turned ? 1 : 0});
  Weight &weight = entry->second;
  auto refuse = [&](StringRef text) {
    why = weight.why = text.str();
    return nullptr;
  };
  if (!isNew && !weight.integers)
    return refuse(std::string(weight.why));
  if (!isNew)
    return &weight;
  std::optional<CodedMatrix> matrix =
      conv ? readCodedFilter(conv, store, why) : readCodedRhs(cast<MatmulOp>(op), store, why);
  if (!matrix)
    return refuse(std::string(why));
  if (matrix->groups() != 1)
    return refuse("has several scales along K, which products of codes take later");
  if (llvm::any_of(matrix->scales, [](float scale) { return !(std::abs(scale) < greatestScale); }))
    return refuse("has scales with which a sum may leave f32");
  int64_t n = matrix->n, k = matrix->k, least = 0, most = 0;
  for (int64_t row = 0; row < n; ++row) {
    for (int64_t step = 0; step < k; ++step) {
      int16_t &code = matrix->codes[row * k + step];
      code -= matrix->zeros[row];
      least = std::min<int64_t>(least, code);
      most = std::max<int64_t>(most, code);
    }
  }
  if (k * largestDifference * std::max(-least, most) >= int64_t(1) << 31)
    return refuse("sums more along K than 32 bits hold");
  bool isNarrow = least >= -128 && most <= 127;
  int64_t width = isNarrow ? 1 : 2;
  OpBuilder builder(source);
  builder.setInsertionPointAfter(source);
  RankedTensorType type = integerType(source, *matrix, conv != nullptr, width, builder);
  AsmResourceBlob blob = WeightStore::allocate(type.getNumElements() * width);
  writeIntegers(*matrix, conv != nullptr, width, blob.getMutableData().data());
  GlobalOp codes = store.getGlobal(source.getInput());
  GlobalOp global = store.add(source.getLoc(), ((codes ? codes.getSymName() : "codes") + ".integers").str(), type,
                              std::move(blob));
  weight.integers = WeightOp::create(builder, source.getLoc(), type, global.getSymName());
  SmallVector<int64_t> scaleShape{n};
  scaleShape.append(conv ? type.getRank() - 2 : 0, 1);
  auto scaleType = RankedTensorType::get(scaleShape, builder.getF32Type());
  weight.scales = ConstantOp::create(builder, source.getLoc(), scaleType,
                                     DenseElementsAttr::get(scaleType, ArrayRef<float>(matrix->scales)));
  return &weight;
}

/// Whether the left-hand side of `op` is codes with one scale and nobody asked for floats.
bool RaiseIntegerProducts::canRaise(Operation *op, DequantizeOp left, StrategyAttr named, std::string &why) {
  auto codeType = cast<RankedTensorType>(left.getInput().getType());
  auto scaleType = cast<RankedTensorType>(left.getScale().getType());
  if (namesStrategy(named))
    why = "names a strategy, which reads it as it is";
  else if (!isa<IntegerType>(codeType.getElementType()) || codeType.getElementTypeBitWidth() != 8 ||
           !cast<RankedTensorType>(op->getResult(0).getType()).getElementType().isF32() ||
           !scaleType.getElementType().isF32() || !scaleType.hasStaticShape() || scaleType.getNumElements() != 1)
    why = "has no left-hand side of 8-bit codes with one scale";
  return why.empty();
}

/// The weight's scales times that of the other operand; null where they are computed, or where a product is not as
/// precise in f32 as its factors.
static Value multiplyScales(Value scales, Value scale, OpBuilder &builder) {
  DenseElementsAttr one, many;
  if (!matchPattern(scale, m_Constant(&one)) || !matchPattern(scales, m_Constant(&many)))
    return {};
  SmallVector<float> products;
  for (float factor : many.getValues<float>())
    products.push_back(factor * *one.getValues<float>().begin());
  auto isPrecise = [](float product) { return std::isnormal(product) && std::abs(product) < greatestScale; };
  if (!llvm::all_of(products, isPrecise))
    return {};
  return ConstantOp::create(builder, scales.getLoc(), scales.getType(),
                            DenseElementsAttr::get(many.getType(), ArrayRef<float>(products)));
}

/// Puts the scaled sums in the place of `op`.
void RaiseIntegerProducts::replace(Operation *op, Value sum, const Weight &weight, DequantizeOp left,
                                   OpBuilder &builder) {
  Location loc = op->getLoc();
  Type type = op->getResult(0).getType();
  Value scale = left.getScale();
  if (cast<RankedTensorType>(scale.getType()).getRank() != 0)
    scale = ReshapeOp::create(builder, loc, RankedTensorType::get({}, builder.getF32Type()), scale, ValueRange());
  Value value = CastOp::create(builder, loc, type, sum);
  if (Value product = multiplyScales(weight.scales, left.getScale(), builder)) {
    value = BinaryOp::create(builder, loc, type, BinaryKind::Mul, value, product);
  } else { // one after the other: their product may be too small where the sum is not
    value = BinaryOp::create(builder, loc, type, BinaryKind::Mul, value, weight.scales);
    value = BinaryOp::create(builder, loc, type, BinaryKind::Mul, value, scale);
  }
  op->getResult(0).replaceAllUsesWith(value);
  op->erase();
}

/// The greatest magnitude of code - zero point.
static int64_t greatestDifference(DequantizeOp op) {
  std::optional<int64_t> known = CentredCodes{op.getInput(), op.getZeroPoint()}.getKnownZero();
  if (!known)
    return largestDifference;
  int64_t point = *known, least = getElementTypeOrSelf(op.getInput()).isUnsignedInteger() ? 0 : -128;
  return std::max(point - least, least + largestDifference - point);
}

/// What `codes` are with the last two dimensions exchanged, or null. A reshape that joins or splits others may lie on
/// both sides of the exchange.
static Value findTurned(Value codes) {
  ArrayRef<int64_t> wanted = cast<RankedTensorType>(codes.getType()).getShape();
  auto isSwapped = [](ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
    return a.size() == b.size() && a.size() >= 2 && a.drop_back(2) == b.drop_back(2) &&
           a.back() == b[b.size() - 2] && b.back() == a[a.size() - 2];
  };
  auto isExchange = [](TransposeOp op) {
    int64_t rank = op.getPermutation().size();
    for (auto [to, from] : llvm::enumerate(op.getPermutation())) {
      int64_t dim = to;
      if (from != (dim == rank - 1 ? rank - 2 : dim == rank - 2 ? rank - 1 : dim))
        return false;
    }
    return rank >= 2;
  };
  if (auto transpose = codes.getDefiningOp<TransposeOp>())
    return isExchange(transpose) ? transpose.getInput() : Value();
  auto after = codes.getDefiningOp<ReshapeOp>();
  auto transpose = after ? after.getInput().getDefiningOp<TransposeOp>() : TransposeOp();
  auto before = transpose ? transpose.getInput().getDefiningOp<ReshapeOp>() : ReshapeOp();
  if (!before || !isExchange(transpose))
    return {};
  auto source = cast<RankedTensorType>(before.getInput().getType());
  ArrayRef<int64_t> middle = cast<RankedTensorType>(before.getType()).getShape();
  bool isKnown = source.hasStaticShape() && !ShapedType::isDynamicShape(wanted) && !ShapedType::isDynamicShape(middle);
  bool isSame = isKnown && isSwapped(source.getShape(), wanted) &&
                middle.take_back(2) == source.getShape().take_back(2);
  return isSame ? before.getInput() : Value();
}

/// Two computed operands.
bool RaiseIntegerProducts::raiseComputed(MatmulOp op, DequantizeOp left, DequantizeOp right, std::string &why) {
  DenseElementsAttr scale;
  int64_t k = getProductProblem(op)->shape.k;
  if (!canRaise(op, left, op.getStrategyAttr(), why))
    return false;
  if (!canRaise(op, right, op.getStrategyAttr(), why))
    why = "has no right-hand side of 8-bit codes with one scale";
  else if (!multipliesBytes(op))
    why = "computes both operands, and no level multiplies bytes";
  else if (!matchPattern(right.getScale(), m_Constant(&scale)) ||
           !(std::abs(*scale.getValues<float>().begin()) < greatestScale))
    why = "has scales with which a sum may leave f32";
  else if (k < 0 || k * greatestDifference(left) * greatestDifference(right) >= int64_t(1) << 31)
    why = "may sum more along K than 32 bits hold";
  if (!why.empty())
    return false;
  OpBuilder builder(op);
  Value turned = findTurned(right.getInput()), codes = turned ? turned : right.getInput();
  auto sumType = cast<RankedTensorType>(op.getType()).clone(builder.getI32Type());
  Value sum = MatmulOp::create(builder, op.getLoc(), sumType, centre(left, builder),
                               centre(right.getLoc(), codes, right.getZeroPoint(), builder), /*scale=*/Value(),
                               op.getTransposeLhs(), op.getTransposeRhs() != static_cast<bool>(turned), /*block=*/0,
                               StrategyAttr());
  replace(op, sum, {Value(), right.getScale(), ""}, left, builder);
  return true;
}

bool RaiseIntegerProducts::raise(MatmulOp op, WeightStore &store, std::string &why) {
  bool turned;
  auto left = op.getLhs().getDefiningOp<DequantizeOp>(), right = op.getRhs().getDefiningOp<DequantizeOp>();
  if (left && right && !op.getScale() && !isa_and_present<WeightOp, ConstantOp>(right.getInput().getDefiningOp()))
    return raiseComputed(op, left, right, why);
  if (!left || !getCodedRhs(op, turned) || !canRaise(op, left, op.getStrategyAttr(), why))
    return false;
  if (op.getScale() || op.getTransposeLhs()) {
    why = "has no left-hand side of 8-bit codes with one scale";
    return false;
  }
  const Weight *weight = makeWeight(op, store, why);
  if (!weight)
    return false;
  OpBuilder builder(op);
  auto sumType = cast<RankedTensorType>(op.getType()).clone(builder.getI32Type());
  Value sum;
  if (multipliesBytes(op) && cast<RankedTensorType>(weight->integers.getType()).getElementType().isInteger(8))
    sum = multiplySigned(builder, op.getLoc(), sumType, {left.getInput(), left.getZeroPoint()}, weight->integers,
                         store);
  if (!sum)
    sum = MatmulOp::create(builder, op.getLoc(), sumType, centre(left, builder), weight->integers,
                           /*scale=*/Value(), /*transpose_lhs=*/false, /*transpose_rhs=*/false, /*block=*/0,
                           StrategyAttr());
  replace(op, sum, *weight, left, builder);
  return true;
}

bool RaiseIntegerProducts::raise(ConvOp op, WeightStore &store, std::string &why) {
  auto left = op.getInput().getDefiningOp<DequantizeOp>();
  if (!left || !op.getFilter().getDefiningOp<DequantizeOp>() || !canRaise(op, left, op.getStrategyAttr(), why))
    return false;
  bool isGrouped = op.getGroups() != 1;
  if (isGrouped && !convolvesBytes)
    why = "has groups, whose vectors of channels are computed in f32";
  else if (cast<RankedTensorType>(op.getInput().getType()).isDynamicDim(1))
    why = "has an unknown number of channels";
  if (!why.empty())
    return false;
  const Weight *weight = makeWeight(op, store, why);
  if (!weight)
    return false;
  bool isUnsigned = convolvesBytes && mayConvolveUnsigned(op, weight->integers);
  if (isGrouped && !isUnsigned) {
    why = "has groups that vectors of channels compute in f32";
    return false;
  }
  if (auto source = left.getInput().getDefiningOp<QuantizeOp>(); source && isUnsigned)
    quantizeUnsigned(source);
  OpBuilder builder(op);
  auto sumType = cast<RankedTensorType>(op.getType()).clone(builder.getI32Type());
  if (isUnsigned)
    if (Value sum = convolveUnsigned(builder, op, sumType, {left.getInput(), left.getZeroPoint()}, weight->integers,
                                     store)) {
      replace(op, sum, *weight, left, builder);
      return true;
    }
  if (isGrouped) {
    why = "has groups, and a zero point that is no code";
    return false;
  }
  auto sum = ConvOp::create(builder, op.getLoc(), sumType, centre(left, builder), weight->integers, op.getLayout(),
                            op.getStrides(), op.getLow(), op.getHigh(), op.getDilations(), op.getGroups(),
                            StrategyAttr());
  replace(op, sum, *weight, left, builder);
  pairChannels(sum, store);
  return true;
}

/// Gives a convolution of integers, channels first, the input that strategies of pairs read: 16 bits, an even number of
/// channels.
void RaiseIntegerProducts::pairChannels(ConvOp op, WeightStore &store) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  auto filterType = cast<RankedTensorType>(op.getFilter().getType());
  std::optional<WeightBytes> bytes = store.read(op.getFilter());
  if (!bytes || op.getGroups() != 1 || op.getLayout() != ConvLayout::ChannelsFirst ||
      namesStrategy(op.getStrategyAttr()) || !isNarrowInteger(type.getElementType()) ||
      type.getElementType().isUnsignedInteger(16) ||
      !isNarrowInteger(filterType.getElementType()) || filterType.getElementType().isUnsignedInteger() ||
      filterType.getDimSize(1) == 0 || type.isDynamicDim(1))
    return;
  OpBuilder builder(op);
  Type wide = builder.getI16Type();
  Value input = op.getInput();
  if (type.getElementType() != wide)
    input = CastOp::create(builder, op.getLoc(), type.clone(wide), input);
  if (int64_t channels = filterType.getDimSize(1); channels % 2 != 0) {
    SmallVector<int64_t> shape(type.getShape()), low(shape.size(), 0), high(shape.size(), 0);
    shape[1] = channels + 1;
    high[1] = 1;
    auto scalar = RankedTensorType::get({}, wide);
    Value zero = ConstantOp::create(builder, op.getLoc(), scalar,
                                    DenseElementsAttr::get(scalar, builder.getI16IntegerAttr(0)));
    input = PadOp::create(builder, op.getLoc(), RankedTensorType::get(shape, wide), input, zero, ValueRange(),
                          ValueRange(), builder.getDenseI64ArrayAttr(low), builder.getDenseI64ArrayAttr(high),
                          PadMode::Constant);
    op.getFilterMutable().assign(addChannels(op.getFilter(), /*count=*/1, store, builder, *bytes));
  }
  op.getInputMutable().assign(input);
}

/// Gives a convolution of integers the input that strategies of bytes read; false where they do not take it.
bool RaiseIntegerProducts::makeUnsigned(ConvOp op, WeightStore &store) {
  if (!convolvesBytes || namesStrategy(op.getStrategyAttr()) || !mayConvolveUnsigned(op, op.getFilter()) ||
      !cast<RankedTensorType>(op.getType()).getElementType().isInteger(32))
    return false;
  std::optional<CentredCodes> left = CentredCodes::of(op.getInput());
  if (!left)
    return false;
  OpBuilder builder(op);
  Value sum = convolveUnsigned(builder, op, cast<RankedTensorType>(op.getType()), *left, op.getFilter(), store);
  if (!sum)
    return false;
  op.getResult().replaceAllUsesWith(sum);
  op.erase();
  return true;
}

/// Rows from which on products of bytes gain: one where all levels have an instruction for them, nothing where none
/// has. Without it, fewer rows than a tile are multiplied in pairs (ByteStrategy.cpp).
static std::optional<int64_t> getByteRows(ArrayRef<const TileTarget *> levels) {
  int64_t rows = 1;
  for (const TileTarget *level : levels) {
    if (!level->getCodedProduct())
      return std::nullopt;
    if (!level->hasByteDot())
      rows = std::max(rows, level->getCodedProduct()->rows);
  }
  bool hasAny = llvm::any_of(levels, [](const TileTarget *level) { return level->hasByteDot(); });
  return hasAny ? std::optional(rows) : std::nullopt;
}

/// Gives a matmul of integers the left-hand side that strategies of bytes read.
void RaiseIntegerProducts::makeSigned(MatmulOp op, WeightStore &store) {
  auto weightType = cast<RankedTensorType>(op.getRhs().getType());
  if (!multipliesBytes(op) || namesStrategy(op.getStrategyAttr()) || op.getScale() || op.getTransposeLhs() ||
      op.getTransposeRhs() || !op.getRhs().getDefiningOp<WeightOp>() || weightType.getRank() != 2 ||
      weightType.getEncoding() || !weightType.getElementType().isSignlessInteger(8) ||
      !cast<RankedTensorType>(op.getType()).getElementType().isInteger(32))
    return;
  std::optional<CentredCodes> left = CentredCodes::of(op.getLhs());
  if (!left || cast<RankedTensorType>(op.getLhs().getType()).getElementType().isSignlessInteger(8))
    return; // nothing to change
  OpBuilder builder(op);
  Value sum = multiplySigned(builder, op.getLoc(), cast<RankedTensorType>(op.getType()), *left, op.getRhs(), store);
  if (!sum)
    return;
  op.getResult().replaceAllUsesWith(sum);
  op->erase();
}

void RaiseIntegerProducts::runOnOperation() {
  FailureOr<SmallVector<const TileTarget *>> levels = findTileTargets(targets, getOperation().getLoc());
  if (failed(levels))
    return signalPassFailure();
  if (llvm::any_of(*levels, [](const TileTarget *target) { return target->getPairDotPerCycle() == 0; }))
    return;
  byteRows = getByteRows(*levels);
  convolvesBytes =
      llvm::all_of(*levels, [](const TileTarget *level) { return level->getByteTile().has_value(); }) &&
      llvm::any_of(*levels, [](const TileTarget *level) { return level->hasByteDot(); });
  WeightStore store(getOperation());
  SmallVector<Operation *> products;
  getOperation().walk([&](Operation *op) {
    if (isa<MatmulOp, ConvOp>(op))
      products.push_back(op);
  });
  for (Operation *op : products) {
    auto opts = remark::RemarkOpts::name("RaiseIntegerProducts").category(DEBUG_TYPE);
    Location loc = op->getLoc();
    std::string why;
    auto conv = dyn_cast<ConvOp>(op);
    bool isInteger = isa<IntegerType>(cast<RankedTensorType>(op->getOperand(0).getType()).getElementType());
    if (conv && isInteger) {
      if (!makeUnsigned(conv, store))
        pairChannels(conv, store);
    } else if (isInteger) {
      makeSigned(cast<MatmulOp>(op), store);
    } else if (conv ? raise(conv, store, why) : raise(cast<MatmulOp>(op), store, why)) {
      remark::passed(loc, opts) << "multiplies integers";
    } else if (!why.empty()) {
      remark::missed(loc, opts) << remark::reason("{0}", why);
    }
  }
  done.clear();
}
