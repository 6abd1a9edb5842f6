//===- QuantizeActivations.cpp - left-hand sides as codes -------------------===//
// The encoding of a weight may allow its product to round the other operand (its activation form). Where a strategy
// then computes the product in fewer cycles, the rounding is written out: scales from the largest magnitude of each
// group along K, codes, and a product of codes. One bit stands for 1 and -1, whose best scale by least squares is the
// group's mean magnitude (XNOR-Net, arXiv 1603.05279). Products that share an operand share its codes. An operand that
// is dequantized with one scale has its codes already.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "TileTargetNames.h"

#include "lutra/Analysis/ProductStrategy.h"
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <limits>

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
  Value codes, scale;
};

struct QuantizeActivations final : lutra::impl::QuantizeActivationsBase<QuantizeActivations> {
  using Base::Base;
  void runOnOperation() override;

private:
  void quantize(MatmulOp op, const ProductStrategies &strategies, ArrayRef<const TileTarget *> levels);
  Codes makeCodes(Value value, int64_t group, unsigned bits);
  Value makeSigns(OpBuilder &builder, Value value);

  DenseMap<std::pair<Value, std::pair<int64_t, unsigned>>, Codes> done; // by value, group and bits
};
} // namespace

/// Whether codes are no less than -127.
static bool isBounded(Value codes) {
  auto binary = codes.getDefiningOp<BinaryOp>();
  DenseElementsAttr bound;
  if (!binary || binary.getKind() != BinaryKind::Max || !matchPattern(binary.getRhs(), m_Constant(&bound)))
    return false;
  return llvm::all_of(bound.getValues<APInt>(), [](const APInt &least) { return least.sge(-127); });
}

/// The dequantization on the left of a product with an encoded weight if its codes can be multiplied as they are.
static DequantizeOp getCodedLhs(MatmulOp op) {
  auto source = op.getLhs().getDefiningOp<DequantizeOp>();
  if (!source || op.getScale() || op.getTransposeLhs() || source.getZeroPoint() ||
      !encodingOf(cast<RankedTensorType>(op.getRhs().getType())))
    return {};
  const ActivationForm &form = encodingOf(cast<RankedTensorType>(op.getRhs().getType())).getValue().activation;
  if (form.kind == ActivationForm::Int && form.bits < 8) // those codes may be wider
    return {};
  auto codes = cast<RankedTensorType>(source.getInput().getType());
  auto scale = cast<RankedTensorType>(source.getScale().getType());
  bool fits = codes.getElementType().isSignlessInteger(8) && scale.getRank() == 0 && scale.getElementType().isF32() &&
              !codes.isDynamicDim(codes.getRank() - 1) && codes.getShape().back() > 0 && isBounded(source.getInput());
  return fits ? source : DequantizeOp();
}

/// Elements of a group that the product may round to codes with one scale; 0: it may not.
static int64_t getGroup(MatmulOp op) {
  auto lhs = cast<RankedTensorType>(op.getLhs().getType());
  EncodingAttr encoding = encodingOf(cast<RankedTensorType>(op.getRhs().getType()));
  if (!encoding || op.getScale() || op.getTransposeLhs() || !lhs.getElementType().isF32() ||
      lhs.isDynamicDim(lhs.getRank() - 1) || lhs.getShape().back() < 1)
    return 0;
  const ActivationForm &form = encoding.getValue().activation;
  if (form.kind != ActivationForm::Int || form.bits < 1 || form.bits > 8 || !form.symmetric || form.group == 0)
    return 0;
  int64_t depth = lhs.getShape().back(); // a longer group is the row
  return form.group == kWhole ? depth : std::min(form.group, depth);
}

static Value makeScalar(OpBuilder &builder, Location loc, double value) {
  auto type = RankedTensorType::get({}, builder.getF32Type());
  return ConstantOp::create(builder, loc, type,
                            DenseElementsAttr::get(type, static_cast<float>(value)));
}

/// Elements of each group along the last dimension but one, of which the last group may have fewer.
static Value makeCounts(OpBuilder &builder, Location loc, int64_t depth, int64_t group) {
  if (depth % group == 0)
    return makeScalar(builder, loc, static_cast<double>(group));
  SmallVector<float> counts;
  for (int64_t low = 0; low < depth; low += group)
    counts.push_back(static_cast<float>(std::min(group, depth - low)));
  auto type = RankedTensorType::get({static_cast<int64_t>(counts.size()), 1}, builder.getF32Type());
  return ConstantOp::create(builder, loc, type, DenseElementsAttr::get(type, ArrayRef(counts)));
}

/// Cycles of one core that the codes of a left-hand side cost. Measured on a Zen 3: products with 64 columns and K of
/// 4096 gain nothing, those with 128 do where rows are filled up to whole groups first.
static double elementCycles(const ProductProblem &problem, int64_t group) {
  double elements = problem.getMultiplyAdds() / static_cast<double>(std::max<int64_t>(1, problem.shape.n));
  return elements * (problem.shape.k % group == 0 ? 3 : 6);
}

/// 1 for what is no less than 0, else -1.
Value QuantizeActivations::makeSigns(OpBuilder &builder, Value value) {
  Location loc = value.getLoc();
  auto shape = cast<RankedTensorType>(value.getType()).getShape();
  auto codeType = RankedTensorType::get(shape, builder.getI8Type());
  auto makeCode = [&](int8_t code) -> Value {
    auto type = RankedTensorType::get({}, builder.getI8Type());
    return ConstantOp::create(builder, loc, type, DenseElementsAttr::get(type, code));
  };
  Value isPositive = CompareOp::create(builder, loc, RankedTensorType::get(shape, builder.getI1Type()),
                                       CompareKind::GreaterEqual, value, makeScalar(builder, loc, 0));
  return SelectOp::create(builder, loc, codeType, isPositive, makeCode(1), makeCode(-1));
}

/// Scales of largest magnitude / greatest code (of one bit: mean magnitude), the least normal number at least; codes.
Codes QuantizeActivations::makeCodes(Value value, int64_t group, unsigned bits) {
  auto [entry, isNew] = done.try_emplace({value, {group, bits}});
  if (!isNew)
    return entry->second;
  OpBuilder builder(value.getContext());
  builder.setInsertionPointAfterValue(value);
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
    whole = PadOp::create(builder, loc, RankedTensorType::get(shape, real), value, makeScalar(builder, loc, 0),
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
  Value greatest = ReduceOp::create(builder, loc, oneType, bits == 1 ? ReduceKind::Sum : ReduceKind::Max, magnitude,
                                    ArrayRef<int64_t>{last + 1});
  Value most = bits == 1 ? makeCounts(builder, loc, depth, group) : makeScalar(builder, loc, (1 << (bits - 1)) - 1);
  Value step = BinaryOp::create(builder, loc, oneType, BinaryKind::Div, greatest, most);
  step = BinaryOp::create(builder, loc, oneType, BinaryKind::Max, step,
                          makeScalar(builder, loc, std::numeric_limits<float>::min()));
  Value scale = ReshapeOp::create(builder, loc, scaleType, step, sizes);
  auto codeType = RankedTensorType::get(type.getShape(), builder.getI8Type());
  Value codes =
      bits == 1
          ? makeSigns(builder, value)
          : QuantizeOp::create(builder, loc, codeType, value, scale, /*zero_point=*/Value(), last, group).getResult();
  return done[{value, {group, bits}}] = {codes, scale};
}

/// The codes of a dequantized operand, its scale for each row before `product`.
static Codes readCodes(MatmulOp product, DequantizeOp source, RankedTensorType scaleType) {
  OpBuilder builder(product);
  SmallVector<Value> sizes;
  for (int64_t dim = 0; dim < scaleType.getRank(); ++dim)
    if (scaleType.isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(builder, product.getLoc(), source.getInput(), dim));
  return {source.getInput(), ExpandOp::create(builder, product.getLoc(), scaleType, source.getScale(), sizes)};
}

void QuantizeActivations::quantize(MatmulOp op, const ProductStrategies &strategies,
                                   ArrayRef<const TileTarget *> levels) {
  DequantizeOp source = getCodedLhs(op);
  int64_t group = source ? cast<RankedTensorType>(op.getLhs().getType()).getShape().back() : getGroup(op);
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
  std::string wish = op.getStrategyAttr() ? op.getStrategyAttr().getName().str() : strategy.getValue();
  SmallVector<std::string> why;
  std::optional<StrategyChoice> before = strategies.choose(*getProductProblem(op), levels, wish, why);
  why.clear();
  std::optional<StrategyChoice> after = strategies.choose(*getProductProblem(coded), levels, wish, why);
  auto opts = remark::RemarkOpts::name("QuantizeActivations").category(DEBUG_TYPE);
  double rounding = source ? 0 : elementCycles(*getProductProblem(op), group) * static_cast<double>(levels.size());
  bool wins = after && (!before || after->cycles + rounding < before->cycles);
  if (wins) {
    unsigned bits = encodingOf(cast<RankedTensorType>(op.getRhs().getType())).getValue().activation.bits;
    Codes made = source ? readCodes(coded, source, scaleType) : makeCodes(op.getLhs(), group, bits);
    coded.getLhsMutable().set(made.codes);
    coded.getScaleMutable().assign(made.scale);
    remark::passed(loc, opts) << remark::metric("Strategy", after->strategy->getName())
                              << remark::metric("Cycles", after->cycles);
    op.replaceAllUsesWith(coded.getResult());
    op.erase();
  } else {
    remark::missed(loc, opts) << remark::reason("{0}", after ? "codes and their product take longer"
                                                            : llvm::join(why, "; "));
    coded.erase();
  }
  codes.getDefiningOp()->erase();
  scale.getDefiningOp()->erase();
}

void QuantizeActivations::runOnOperation() {
  const ProductStrategies *strategies = ProductStrategies::get(&getContext());
  FailureOr<SmallVector<const TileTarget *>> levels = findTileTargets(targets, getOperation().getLoc());
  if (!strategies)
    emitCodedError(getOperation().getLoc(), ErrorCode::Internal) << "this tool registers no product strategies";
  if (!strategies || failed(levels))
    return signalPassFailure();
  if (strategy != "auto" && !strategies->find(strategy)) {
    emitCodedError(getOperation().getLoc(), ErrorCode::UnsupportedOp) << "no strategy is named '" << strategy << "'";
    return signalPassFailure();
  }
  if (levels->empty())
    return;
  SmallVector<MatmulOp> products;
  getOperation().walk([&](MatmulOp op) { products.push_back(op); });
  for (MatmulOp op : products)
    quantize(op, *strategies, *levels);
  done.clear();
}
