//===- RaiseSignProducts.cpp - products of signs with weights of few values -----===//
// A graph that multiplies -1, 0 and 1 with weights of a few values (binary and ternary networks, trained and exported
// in floats) multiplies codes: rows of signs, whatever made them, and columns of whole numbers with a scale each. Zeros
// of a convolution's padding are zeros of its rows, which two bits hold, so that no position needs a correction; where
// nothing is 0, one bit stands for 1 and -1. Sums of integers are exact, and each is scaled once, where the graph
// rounds every addition.
//
//   conv(pad(x), f) -> reshape(matmul(windows(pad(cast(x))), codes(f)) scale(1))
//
// A code cannot hold the NaN that sign(NaN) is, but the scale of a row can: 1 + sum over its window of 0 * x.
#include "lutra/Dialect/Lutra/Transforms/FewValues.h"
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "ScalarConstant.h"
#include "ScalarMatch.h"
#include "StrategyNames.h"
#include "TileTargetNames.h"
#include "WeightData.h"

#include "lutra/Analysis/ProductStrategy.h"
#include "lutra/Support/CodeStream.h"
#include "lutra/Support/EncodedLayout.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace lutra;

#define DEBUG_TYPE "lutra-raise-sign-products"

namespace lutra {
#define GEN_PASS_DEF_RAISESIGNPRODUCTS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
/// Columns [n, k] of whole numbers, k as the product has it, and what each is multiplied by.
struct FewColumns {
  int64_t n = 0, k = 0;
  unsigned bits = 1;
  std::vector<int8_t> numbers;
  std::vector<float> scales;
};

/// A matmul or a convolution.
struct SignProduct {
  Operation *op;
  Value input, weight;
  StrategyAttr strategy;
  bool turned = false; // the weight is [n, k]

  ConvOp getConv() const { return dyn_cast<ConvOp>(op); }
  RankedTensorType getInputType() const { return cast<RankedTensorType>(input.getType()); }
  RankedTensorType getResultType() const { return cast<RankedTensorType>(op->getResult(0).getType()); }
  std::optional<FewColumns> readColumns(WeightStore &store) const;
};

/// The operands and the result of the product of codes.
struct CodedTypes {
  RankedTensorType rows, scale, weight, result;

  CodedTypes(const SignProduct &product, const FewColumns &columns, bool mayBeZero);
};

struct RaiseSignProducts final : lutra::impl::RaiseSignProductsBase<RaiseSignProducts> {
  using Base::Base;
  void runOnOperation() override;

private:
  bool raise(Operation *op, WeightStore &store, const ProductStrategies &strategies,
             ArrayRef<const TileTarget *> levels, std::string &why);
  void write(MatmulOp coded, const SignProduct &product, const FewColumns &columns, const CodedTypes &types,
             bool mayBeNan, WeightStore &store);
};

/// Rows of elements of the input, each with what lies under a window.
class WindowRows {
public:
  WindowRows(OpBuilder &builder, const SignProduct &product) : builder(builder), product(product) {}
  /// [rows.., k], the input's last dimension under each tap.
  Value join(Value elements, RankedTensorType rowsType);
  /// [rows.., 1], the sums over taps of elements [.., 1].
  Value add(Value elements, RankedTensorType rowsType);

private:
  SmallVector<Value> makeTaps(Value elements);
  Value reshape(Value value, RankedTensorType type);

  OpBuilder &builder;
  const SignProduct &product;
};
} // namespace

/// The product that `op` is; nothing where its operands have another form, which is no reason to tell.
static std::optional<SignProduct> readProduct(Operation *op) {
  if (auto conv = dyn_cast<ConvOp>(op))
    return SignProduct{op, conv.getInput(), conv.getFilter(), conv.getStrategyAttr()};
  auto matmul = dyn_cast<MatmulOp>(op);
  if (!matmul || matmul.getScale() || matmul.getTransposeLhs())
    return std::nullopt;
  return SignProduct{op, matmul.getLhs(), matmul.getRhs(), matmul.getStrategyAttr(), matmul.getTransposeRhs()};
}

/// Why the form of the product keeps it; empty: it does not.
static StringRef whyNot(const SignProduct &product) {
  RankedTensorType type = product.getInputType(), weight = cast<RankedTensorType>(product.weight.getType());
  auto isZero = [](int64_t size) { return size == 0; };
  if (!product.getResultType().getElementType().isF32() || weight.getEncoding() || !weight.getElementType().isF32())
    return "is no product of f32";
  if (ConvOp conv = product.getConv()) {
    if (conv.getLayout() != ConvLayout::ChannelsLast || conv.getGroups() != 1 || !llvm::all_of(conv.getLow(), isZero) ||
        !llvm::all_of(conv.getHigh(), isZero))
      return "is no convolution of one group with channels last";
    if (llvm::any_of(type.getShape().drop_front(), ShapedType::isDynamic))
      return "has images of unknown size";
  } else if (weight.getRank() != 2 || type.getRank() < 2 || type.isDynamicDim(type.getRank() - 1)) {
    return "has no matrix on the right, or an unknown depth";
  }
  bool isEmpty = !weight.hasStaticShape() || llvm::is_contained(product.getResultType().getShape(), 0) ||
                 weight.getNumElements() == 0;
  return isEmpty ? "is empty, or has a weight of unknown size" : "";
}

/// Nothing where a column is not as said: the scale is its least magnitude.
std::optional<FewColumns> SignProduct::readColumns(WeightStore &store) const {
  constexpr float mostNumber = 7; // of 4 bits
  auto type = cast<RankedTensorType>(weight.getType());
  std::optional<WeightBytes> bytes = store.read(weight);
  if (!bytes)
    return std::nullopt;
  FewColumns columns;
  columns.n = turned ? type.getDimSize(0) : type.getShape().back();
  columns.k = type.getNumElements() / columns.n;
  columns.numbers.resize(type.getNumElements());
  columns.scales.assign(columns.n, 0);
  auto valueAt = [&](int64_t column, int64_t step) {
    float value;
    std::memcpy(&value, bytes->element(turned ? column * columns.k + step : step * columns.n + column), sizeof value);
    return value;
  };
  float most = 0;
  bool hasZero = false;
  for (int64_t column = 0; column < columns.n; ++column) {
    float &scale = columns.scales[column];
    for (int64_t step = 0; step < columns.k; ++step)
      if (float magnitude = std::fabs(valueAt(column, step)); magnitude != 0)
        scale = scale == 0 ? magnitude : std::min(scale, magnitude);
    scale = scale == 0 ? 1 : scale;
    if (!std::isnormal(scale)) // products may take subnormal numbers for 0
      return std::nullopt;
    for (int64_t step = 0; step < columns.k; ++step) {
      float value = valueAt(column, step), number = value / scale;
      if (!(std::fabs(number) <= mostNumber) || number != std::round(number) || number * scale != value)
        return std::nullopt;
      columns.numbers[column * columns.k + step] = static_cast<int8_t>(number);
      most = std::max(most, std::fabs(number));
      hasZero |= number == 0;
    }
  }
  columns.bits = most > 3 ? 4 : most > 1 ? 3 : hasZero ? 2 : 1;
  return columns;
}

/// The encoding of such columns, beside activations of so many bits.
static Encoding encodingFor(unsigned bits, unsigned activationBits) {
  WeightFormat format;
  format.code.kind = bits == 1 ? CodeForm::Uint : CodeForm::Int;
  format.code.numbers = {static_cast<int64_t>(bits)};
  format.value.kind = bits == 1 ? ValueMap::Bipolar : ValueMap::Affine;
  ScaleForm scale;
  scale.element = SideType{SideType::F32, 32};
  scale.gn = 1;
  format.scales = {scale};
  EncodingTerm term;
  term.formats = {format};
  Encoding encoding;
  encoding.terms = {term};
  encoding.activation.kind = ActivationForm::Int;
  encoding.activation.bits = activationBits;
  encoding.activation.group = kWhole;
  return encoding;
}

static GlobalOp makeGlobal(const SignProduct &product, const FewColumns &columns, RankedTensorType type,
                           WeightStore &store) {
  EncodedLayout layout = llvm::cantFail(EncodedLayout::of(encodingOf(type).getValue(), columns.n, columns.k));
  AsmResourceBlob blob = WeightStore::allocate(layout.bytes);
  auto *out = reinterpret_cast<uint8_t *>(blob.getMutableData().data());
  const EncodedArray *codes = layout.find(ArrayRole::Codes, 0, 0), *scales = layout.find(ArrayRole::Scales, 0, 0);
  std::vector<uint32_t> row(columns.k);
  for (int64_t column = 0; column < columns.n; ++column) {
    for (int64_t step = 0; step < columns.k; ++step) {
      int8_t number = columns.numbers[column * columns.k + step];
      row[step] = columns.bits == 1 ? number > 0 : number & ((1 << columns.bits) - 1);
    }
    packFields(row, columns.bits, out + codes->offset + column * codes->rowBytes);
    std::memcpy(out + scales->offset + column * scales->rowBytes, &columns.scales[column], sizeof(float));
  }
  GlobalOp source = store.getGlobal(product.weight);
  return store.add(product.op->getLoc(), ((source ? source.getSymName() : "weight") + ".numbers").str(), type,
                   std::move(blob));
}

/// Sizes of the dynamic dimensions of a result that has those of the input, rows of images joined.
static SmallVector<Value> getSizes(OpBuilder &builder, const SignProduct &product, RankedTensorType type) {
  SmallVector<Value> sizes;
  Location loc = product.op->getLoc();
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (type.isDynamicDim(dim))
      sizes.push_back(tensor::DimOp::create(builder, loc, product.input, dim));
  if (sizes.empty() || !product.getConv() || type.getRank() == product.getResultType().getRank())
    return sizes;
  int64_t places = 1; // of an image
  for (int64_t size : product.getResultType().getShape().drop_front().drop_back())
    places *= size;
  Value count = arith::ConstantIndexOp::create(builder, loc, places);
  return {arith::MulIOp::create(builder, loc, sizes.front(), count)};
}

Value WindowRows::reshape(Value value, RankedTensorType type) {
  if (value.getType() == type)
    return value;
  return ReshapeOp::create(builder, product.op->getLoc(), type, value, getSizes(builder, product, type));
}

/// What lies under each tap of a convolution: [batch, output places.., elements].
SmallVector<Value> WindowRows::makeTaps(Value elements) {
  ConvOp conv = product.getConv();
  if (!conv)
    return {elements};
  auto type = cast<RankedTensorType>(elements.getType());
  ArrayRef<int64_t> window = cast<RankedTensorType>(product.weight.getType()).getShape().drop_back(2);
  int64_t rank = type.getRank(), spatial = rank - 2, taps = 1;
  SmallVector<int64_t> shape(product.getResultType().getShape()), steps(rank, 1);
  shape.back() = type.getShape().back();
  for (int64_t dim = 0; dim < spatial; ++dim) {
    steps[dim + 1] = conv.getStrides()[dim];
    taps *= window[dim];
  }
  auto tapType = type.clone(shape);
  SmallVector<Value> all;
  for (int64_t tap = 0; tap < taps; ++tap) {
    SmallVector<int64_t> offsets(rank, 0);
    for (int64_t dim = spatial - 1, rest = tap; dim >= 0; rest /= window[dim--])
      offsets[dim + 1] = rest % window[dim] * conv.getDilations()[dim];
    all.push_back(tapType == type ? elements
                                  : SliceOp::create(builder, conv.getLoc(), tapType, elements, ValueRange(),
                                                    getSizes(builder, product, tapType), offsets, steps)
                                        .getResult());
  }
  return all;
}

Value WindowRows::join(Value elements, RankedTensorType rowsType) {
  SmallVector<Value> taps = makeTaps(elements);
  auto type = cast<RankedTensorType>(taps.front().getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.back() *= static_cast<int64_t>(taps.size());
  Value all = taps.front();
  if (taps.size() > 1)
    all = ConcatOp::create(builder, product.op->getLoc(), type.clone(shape), taps, type.getRank() - 1);
  return reshape(all, rowsType);
}

Value WindowRows::add(Value elements, RankedTensorType rowsType) {
  SmallVector<Value> taps = makeTaps(elements);
  Value sum = taps.front();
  for (Value tap : ArrayRef(taps).drop_front())
    sum = BinaryOp::create(builder, product.op->getLoc(), tap.getType(), BinaryKind::Add, sum, tap);
  return reshape(sum, rowsType);
}

/// `value` padded as `pad` pads, with a number.
static Value padLike(OpBuilder &builder, PadOp pad, Value value, int64_t number) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(cast<RankedTensorType>(pad.getType()).getShape());
  shape.back() = type.getShape().back();
  Value scalar = makeScalar(builder, pad.getLoc(), type.getElementType(), static_cast<double>(number));
  return PadOp::create(builder, pad.getLoc(), type.clone(shape), value, scalar, ValueRange(), ValueRange(),
                       pad.getStaticLow(), pad.getStaticHigh(), PadMode::Constant);
}

/// The padding of the input with a number that leaves its last dimension as it is; codes are padded instead.
static PadOp getPadding(Value input) {
  auto pad = input.getDefiningOp<PadOp>();
  bool isPlain = pad && pad.getMode() == PadMode::Constant && pad.getLow().empty() && pad.getHigh().empty() &&
                 pad.getStaticLow().back() == 0 && pad.getStaticHigh().back() == 0 && scalarOf(pad.getValue());
  return isPlain ? pad : PadOp();
}

/// The rows of codes of the product's input.
static Value makeCodes(OpBuilder &builder, const SignProduct &product, RankedTensorType rowsType) {
  PadOp pad = getPadding(product.input);
  Value source = pad ? pad.getInput() : product.input;
  Type code = rowsType.getElementType();
  Value codes = CastOp::create(builder, product.op->getLoc(), cast<RankedTensorType>(source.getType()).clone(code),
                               source);
  if (pad)
    codes = padLike(builder, pad, codes, static_cast<int64_t>(*scalarOf(pad.getValue())));
  return WindowRows(builder, product).join(codes, rowsType);
}

/// The rows' scales: 1, or NaN where a row holds one.
static Value makeScales(OpBuilder &builder, const SignProduct &product, RankedTensorType type, bool mayBeNan) {
  Location loc = product.op->getLoc();
  Type real = builder.getF32Type();
  Value one = makeScalar(builder, loc, real, 1);
  if (!mayBeNan)
    return ExpandOp::create(builder, loc, type, one, getSizes(builder, product, type));
  PadOp pad = getPadding(product.input);
  Value source = pad ? pad.getInput() : product.input;
  auto sourceType = cast<RankedTensorType>(source.getType());
  SmallVector<int64_t> shape(sourceType.getShape());
  shape.back() = 1;
  Value marks = BinaryOp::create(builder, loc, sourceType, BinaryKind::Mul, source, makeScalar(builder, loc, real, 0));
  marks = ReduceOp::create(builder, loc, sourceType.clone(shape), ReduceKind::Sum, marks,
                           ArrayRef<int64_t>{sourceType.getRank() - 1});
  if (pad)
    marks = padLike(builder, pad, marks, 0);
  Value sums = WindowRows(builder, product).add(marks, type);
  return BinaryOp::create(builder, loc, type, BinaryKind::Add, sums, one);
}

CodedTypes::CodedTypes(const SignProduct &product, const FewColumns &columns, bool mayBeZero) {
  MLIRContext *context = product.op->getContext();
  RankedTensorType type = product.getResultType();
  SmallVector<int64_t> shape(type.getShape());
  if (product.getConv()) {
    int64_t count = 1;
    for (int64_t size : type.getShape().drop_back())
      count = ShapedType::isDynamic(size) || count < 0 ? ShapedType::kDynamic : count * size;
    shape = {count, columns.n};
  }
  Type real = Float32Type::get(context);
  result = type.clone(shape);
  shape.back() = columns.k;
  rows = RankedTensorType::get(shape, IntegerType::get(context, 8));
  shape.back() = 1;
  scale = RankedTensorType::get(shape, real);
  weight = RankedTensorType::get(
      {columns.n, columns.k}, real,
      EncodingAttr::get(context, encodingFor(columns.bits, mayBeZero ? 2 : 1), PackingAttr()));
}

/// Cycles of one core that making the rows of codes takes. Casts are part of what computes the signs: 256 x 1024 bytes
/// take no longer than floats (35.7 and 35.3 us with AVX2). On a Xeon with AMX at 3.6 GHz, with AVX2 and with AVX-512,
/// windows of 3 x 3 side by side take 0.12 to 0.16 cycles for each element with borders (28 x 28 x 16, 28 x 28 x 64,
/// 14 x 14 x 256, 56 x 56 x 64), and sums of rows times 0, which tell a NaN, 0.56 to 0.72 for each that they read.
static double rowCycles(const SignProduct &product, const FewColumns &columns, const ProductProblem &problem,
                        bool mayBeNan) {
  constexpr double window = 0.15, sum = 0.6;
  double rows = problem.getMultiplyAdds() / static_cast<double>(columns.n * columns.k);
  auto channels = static_cast<double>(product.getInputType().getShape().back());
  return rows * ((product.getConv() ? window * static_cast<double>(columns.k) : 0) + (mayBeNan ? sum * channels : 0));
}

/// Gives the product of codes its operands, and its result to who reads the product.
void RaiseSignProducts::write(MatmulOp coded, const SignProduct &product, const FewColumns &columns,
                              const CodedTypes &types, bool mayBeNan, WeightStore &store) {
  OpBuilder builder(coded);
  GlobalOp global = makeGlobal(product, columns, types.weight, store);
  coded.getLhsMutable().set(makeCodes(builder, product, types.rows));
  coded.getRhsMutable().set(WeightOp::create(builder, coded.getLoc(), types.weight, global.getSymName()));
  coded.getScaleMutable().assign(makeScales(builder, product, types.scale, mayBeNan));
  builder.setInsertionPointAfter(coded);
  Value result = coded.getResult();
  RankedTensorType type = product.getResultType();
  if (types.result != type)
    result = ReshapeOp::create(builder, coded.getLoc(), type, result, getSizes(builder, product, type));
  product.op->replaceAllUsesWith(ValueRange(result));
  product.op->erase();
}

bool RaiseSignProducts::raise(Operation *op, WeightStore &store, const ProductStrategies &strategies,
                              ArrayRef<const TileTarget *> levels, std::string &why) {
  std::optional<SignProduct> product = readProduct(op);
  std::optional<FewValues> signs = product ? findFewValues(product->input) : std::nullopt;
  if (!signs || !signs->areSigns())
    return false;
  why = whyNot(*product);
  if (!why.empty())
    return false;
  std::optional<FewColumns> columns = product->readColumns(store);
  if (!columns) {
    why = "has a weight that is not constant, or a column that is no f32 times whole numbers from -7 to 7";
    return false;
  }
  OpBuilder builder(op);
  Location loc = op->getLoc();
  CodedTypes types(*product, *columns, signs->contains(0));
  // Types alone decide: the product is asked for before its operands exist.
  auto hold = [&](Type type) {
    return UnrealizedConversionCastOp::create(builder, loc, type, product->input).getResult(0);
  };
  Value codes = hold(types.rows), scales = hold(types.scale), weight = hold(types.weight);
  auto coded = MatmulOp::create(builder, loc, types.result, codes, weight, scales, /*transpose_lhs=*/false,
                                /*transpose_rhs=*/true, columns->k, product->strategy);
  std::string wish = product->strategy ? product->strategy.getName().str() : strategy.getValue();
  SmallVector<std::string> reasons;
  std::optional<StrategyChoice> before = strategies.choose(*getProductProblem(op), levels, wish, reasons);
  reasons.clear();
  ProductProblem problem = *getProductProblem(coded);
  problem.weight = true;
  std::optional<StrategyChoice> after = strategies.choose(problem, levels, wish, reasons);
  double making = rowCycles(*product, *columns, problem, signs->mayBeNan) * static_cast<double>(levels.size());
  bool wins = after && (!before || after->isBetterThan(*before, making));
  auto opts = remark::RemarkOpts::name("RaiseSignProducts").category(DEBUG_TYPE);
  if (wins) {
    remark::passed(loc, opts) << remark::metric("Strategy", after->strategy->getName())
                              << remark::metric("Cycles", after->cycles + making);
    write(coded, *product, *columns, types, signs->mayBeNan, store);
  } else {
    why = after ? "codes and their product take longer" : llvm::join(reasons, "; ");
    coded.erase();
  }
  for (Value held : {codes, scales, weight})
    held.getDefiningOp()->erase();
  return wins;
}

void RaiseSignProducts::runOnOperation() {
  FailureOr<SmallVector<const TileTarget *>> levels = findTileTargets(targets, getOperation().getLoc());
  if (failed(levels))
    return signalPassFailure();
  const ProductStrategies *strategies = findStrategies(strategy, getOperation().getLoc());
  if (!strategies)
    return signalPassFailure();
  if (levels->empty())
    return;
  WeightStore store(getOperation());
  SmallVector<Operation *> products;
  getOperation().walk([&](Operation *op) {
    if (isa<MatmulOp, ConvOp>(op))
      products.push_back(op);
  });
  auto opts = remark::RemarkOpts::name("RaiseSignProducts").category(DEBUG_TYPE);
  for (Operation *op : products) {
    std::string why;
    Location loc = op->getLoc();
    if (!raise(op, store, *strategies, *levels, why) && !why.empty())
      remark::missed(loc, opts) << remark::reason("{0}", why);
  }
}
