//===- RaiseIntegerProducts.cpp - products of dequantized codes as integers ===//
// A product of two dequantized operands (ONNX QDQ) means the product of their codes, scaled:
//
//   sum over k of (x - zx) sx * (w - zw) sw = (sum over k of (x - zx) (w - zw)) * sw * sx
//
// and the sum in brackets is exact in 32-bit integers. Worth it where the weight is constant: its differences are
// computed here, and integers of 8 bits are a quarter of the bytes. Not worth it where a level has no products of
// integers.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "CodedMatrix.h"
#include "TileTargetNames.h"

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
  /// The weight's integers [K, N] and its scales [N].
  struct Weight {
    Value integers, scales;
    std::string why; // there is none
  };
  bool raise(MatmulOp op, WeightStore &store, std::string &why);
  const Weight *makeWeight(MatmulOp op, WeightStore &store, std::string &why);

  DenseMap<std::pair<Operation *, unsigned>, Weight> done; // by dequantization and whether it is turned
};
} // namespace

/// Magnitude of the difference of two 8-bit codes.
static constexpr int64_t largestDifference = 255;

/// Of a weight whose sums, below 2^31, stay finite before the other operand's scale makes them smaller.
static constexpr float greatestScale = 0x1p96f;

/// code - zero point, in the 8 bits of the codes where there is nothing to take off.
static Value centre(DequantizeOp op, OpBuilder &builder) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  Value zero = op.getZeroPoint();
  if (!zero || matchPattern(zero, m_Zero()))
    return op.getInput();
  Type wide = builder.getI16Type();
  auto widen = [&](Value value) -> Value {
    auto from = cast<RankedTensorType>(value.getType());
    return CastOp::create(builder, op.getLoc(), from.clone(wide), value);
  };
  Value codes = widen(op.getInput()), point = widen(zero);
  if (auto pointType = cast<RankedTensorType>(point.getType()); pointType.getRank() != 0)
    point = ReshapeOp::create(builder, op.getLoc(), RankedTensorType::get({}, wide), point, ValueRange());
  return BinaryOp::create(builder, op.getLoc(), type.clone(wide), BinaryKind::Sub, codes, point);
}

const RaiseIntegerProducts::Weight *RaiseIntegerProducts::makeWeight(MatmulOp op, WeightStore &store,
                                                                    std::string &why) {
  bool turned;
  DequantizeOp source = getCodedRhs(op, turned);
  auto [entry, isNew] = done.try_emplace({source, turned ? 1 : 0});
  Weight &weight = entry->second;
  auto refuse = [&](StringRef text) {
    why = weight.why = text.str();
    return nullptr;
  };
  if (!isNew && !weight.integers)
    return refuse(std::string(weight.why));
  if (!isNew)
    return &weight;
  std::optional<CodedMatrix> matrix = readCodedRhs(op, store, why);
  if (!matrix)
    return refuse(std::string(why));
  if (matrix->groups() != 1)
    return refuse("has several scales along K");
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
  AsmResourceBlob blob = WeightStore::allocate(n * k * width);
  char *out = blob.getMutableData().data();
  for (int64_t step = 0; step < k; ++step)
    for (int64_t row = 0; row < n; ++row, out += width)
      std::memcpy(out, &matrix->codes[row * k + step], width); // low byte first
  OpBuilder builder(source);
  builder.setInsertionPointAfter(source);
  auto type = RankedTensorType::get({k, n}, builder.getIntegerType(8 * width));
  GlobalOp codes = store.getGlobal(source.getInput());
  GlobalOp global = store.add(source.getLoc(), ((codes ? codes.getSymName() : "codes") + ".integers").str(), type,
                              std::move(blob));
  weight.integers = WeightOp::create(builder, source.getLoc(), type, global.getSymName());
  auto scaleType = RankedTensorType::get({n}, builder.getF32Type());
  weight.scales = ConstantOp::create(builder, source.getLoc(), scaleType,
                                     DenseElementsAttr::get(scaleType, ArrayRef<float>(matrix->scales)));
  return &weight;
}

bool RaiseIntegerProducts::raise(MatmulOp op, WeightStore &store, std::string &why) {
  bool turned;
  auto left = op.getLhs().getDefiningOp<DequantizeOp>();
  if (!left || !getCodedRhs(op, turned))
    return false;
  auto codeType = cast<RankedTensorType>(left.getInput().getType());
  auto scaleType = cast<RankedTensorType>(left.getScale().getType());
  auto resultType = cast<RankedTensorType>(op.getType());
  if (op.getStrategyAttr() || strategy != "auto") {
    why = "names a strategy, which reads it as it is";
    return false;
  }
  if (op.getScale() || op.getTransposeLhs() || !isa<IntegerType>(codeType.getElementType()) ||
      codeType.getElementTypeBitWidth() != 8 || !resultType.getElementType().isF32() ||
      !scaleType.getElementType().isF32() || !scaleType.hasStaticShape() || scaleType.getNumElements() != 1) {
    why = "has no left-hand side of 8-bit codes with one scale";
    return false;
  }
  const Weight *weight = makeWeight(op, store, why);
  if (!weight)
    return false;
  OpBuilder builder(op);
  Location loc = op.getLoc();
  auto sumType = RankedTensorType::get(resultType.getShape(), builder.getI32Type());
  Value sum = MatmulOp::create(builder, loc, sumType, centre(left, builder), weight->integers, /*scale=*/Value(),
                               /*transpose_lhs=*/false, /*transpose_rhs=*/false, /*block=*/0, StrategyAttr());
  Value scale = left.getScale();
  if (scaleType.getRank() != 0)
    scale = ReshapeOp::create(builder, loc, RankedTensorType::get({}, builder.getF32Type()), scale, ValueRange());
  // One scale after the other: their product may be too small where the sum is not.
  Value value = CastOp::create(builder, loc, resultType, sum);
  value = BinaryOp::create(builder, loc, resultType, BinaryKind::Mul, value, weight->scales);
  value = BinaryOp::create(builder, loc, resultType, BinaryKind::Mul, value, scale);
  op.getResult().replaceAllUsesWith(value);
  op.erase();
  return true;
}

void RaiseIntegerProducts::runOnOperation() {
  FailureOr<SmallVector<const TileTarget *>> levels = findTileTargets(targets, getOperation().getLoc());
  if (failed(levels))
    return signalPassFailure();
  if (llvm::any_of(*levels, [](const TileTarget *target) { return target->getPairDotPerCycle() == 0; }))
    return;
  WeightStore store(getOperation());
  SmallVector<MatmulOp> products;
  getOperation().walk([&](MatmulOp op) { products.push_back(op); });
  for (MatmulOp op : products) {
    auto opts = remark::RemarkOpts::name("RaiseIntegerProducts").category(DEBUG_TYPE);
    Location loc = op.getLoc();
    std::string why;
    if (raise(op, store, why))
      remark::passed(loc, opts) << "multiplies integers";
    else if (!why.empty())
      remark::missed(loc, opts) << remark::reason("{0}", why);
  }
  done.clear();
}
