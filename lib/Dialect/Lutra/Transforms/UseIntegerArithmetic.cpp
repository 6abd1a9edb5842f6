//===- UseIntegerArithmetic.cpp - codes from integers, in fixed point --------===//
// A quantization of a sum of integers with constant factors, read towards the integers:
//
//   round((a x + b y + c) / scale) + zero = (ma x + mb y + o) >> shift,   m = round(2^shift a / scale),
//                                           o = round(2^shift (c / scale + zero + 1/2))
//
// x and y are sums of products, codes, or rows that a softmax or norm makes of codes. The shift is as large as
// multipliers of 31 bits and sums of 63 allow, and what rounding them moves a code is bounded before anything is
// changed.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "ScalarMatch.h"
#include "WeightData.h"

#include "lutra/Dialect/Lutra/IR/ScalarValues.h"
#include "lutra/Support/FixedPoint.h"

#include "mlir/IR/Iterators.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Remarks.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace lutra;

#define DEBUG_TYPE "lutra-use-integer-arithmetic"

namespace lutra {
#define GEN_PASS_DEF_USEINTEGERARITHMETIC
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
/// Numbers of one shape that broadcasts; a scalar has rank 0.
struct Factor {
  SmallVector<int64_t> shape;
  SmallVector<double> values;

  static Factor scalar(double value) { return {{}, {value}}; }
  double most() const {
    double most = 0;
    for (double value : values)
      most = std::max(most, std::abs(value));
    return most;
  }
  double at(size_t i) const { return values.size() == 1 ? values[0] : values[i]; }
  bool isFinite() const {
    return llvm::all_of(values, [](double value) { return std::isfinite(value); });
  }
};

/// Integers, or the softmax or norm of codes that becomes such, times a factor.
struct Term {
  Value source;
  double most; // magnitude of its integers
  Factor factor;
};

struct Sum {
  SmallVector<Term, 2> terms;
  Factor constant = Factor::scalar(0);
};

/// Codes of 8 bits with one known scale.
struct Codes {
  Value codes;
  double scale, zero;
};

/// A quantization that becomes a requantization.
class Requantization {
public:
  Requantization(QuantizeOp op, WeightStore &store) : op(op), store(store), builder(op) {}
  /// Replaces the op, or says why not.
  bool run(std::string &why);

private:
  struct Limit {
    BinaryKind kind;
    double value;
  };
  Value readLimits(Value value);
  std::optional<Sum> decline(const Twine &text);
  std::optional<Sum> readBinary(BinaryOp op);
  std::optional<Sum> readRow(Value value);
  std::optional<Sum> read(Value value);
  std::optional<Factor> readConstant(Value value);
  bool findShift();
  double getReach(const Term &term, double factor);
  double getError();
  double getRowError();
  Value makeIntegers(const Term &term);
  Value makeConstant(const Factor &factor, unsigned bits);
  Value makeBinary(BinaryKind kind, Value lhs, Value rhs);
  bool refuse(const Twine &text) {
    reason = text.str();
    return false;
  }

  QuantizeOp op;
  WeightStore &store; // of the module
  OpBuilder builder;
  std::string reason;
  unsigned opsRead = 0;
  Sum sum;
  SmallVector<Limit> limits; // the last applied first
  double zero = 0;
  int64_t shift = 0;
};

struct UseIntegerArithmetic final : lutra::impl::UseIntegerArithmeticBase<UseIntegerArithmetic> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

static constexpr StringLiteral unlikeShapes = "has factors of different shapes";
/// Ops between codes and integers; one that several others read counts for each.
static constexpr unsigned mostOps = 64;
/// What multipliers and offsets that are rounded may move a code, in steps.
static constexpr double greatestError = 1.0 / 16;
/// What a softmax may be off by itself, and a norm beside one unit of its result (docs/design/bounds.md); and what both
/// may move a code, in steps.
static constexpr double softmaxError = 3.5e-4, normError = 0x1p-28, greatestRowError = 0.1;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static std::optional<Codes> readCodes(Value value) {
  auto op = value.getDefiningOp<DequantizeOp>();
  auto type = op ? dyn_cast<IntegerType>(typeOf(op.getInput()).getElementType()) : IntegerType();
  std::optional<double> scale = op ? scalarOf(op.getScale()) : std::nullopt;
  if (!type || type.getWidth() != 8 || !scale || !(*scale > 0 && std::isfinite(*scale)) || op.getBlock() != 0)
    return std::nullopt;
  std::optional<double> zero = op.getZeroPoint() ? scalarOf(op.getZeroPoint()) : 0;
  return zero ? std::optional(Codes{op.getInput(), *scale, *zero}) : std::nullopt;
}

std::optional<Factor> Requantization::readConstant(Value value) {
  DenseElementsAttr known;
  Factor factor;
  RankedTensorType type = typeOf(value);
  if (!type.getElementType().isF32())
    return std::nullopt;
  if (store.getGlobal(value)) {
    std::optional<WeightBytes> stored = store.read(value);
    if (!stored || !type.hasStaticShape())
      return std::nullopt;
    factor.shape = llvm::to_vector(type.getShape());
    for (int64_t i = 0; i < type.getNumElements(); ++i) {
      float element;
      std::memcpy(&element, stored->element(i), sizeof(element));
      factor.values.push_back(element);
    }
  } else if (!matchPattern(value, m_Constant(&known))) {
    return std::nullopt;
  } else if (known.isSplat()) {
    factor = Factor::scalar(known.getSplatValue<float>());
  } else {
    factor.shape = llvm::to_vector(known.getType().getShape());
    factor.values.assign(known.value_begin<float>(), known.value_end<float>());
  }
  return factor.isFinite() ? std::optional(factor) : std::nullopt;
}

/// A number for each pair, where the shapes are one or one is a scalar.
static std::optional<Factor> combine(const Factor &a, const Factor &b,
                                     llvm::function_ref<double(double, double)> value) {
  if (!a.shape.empty() && !b.shape.empty() && a.shape != b.shape)
    return std::nullopt;
  Factor result = a.shape.empty() ? b : a;
  for (size_t i = 0; i < result.values.size(); ++i)
    result.values[i] = value(a.at(i), b.at(i));
  return result;
}

static std::optional<Sum> add(Sum a, const Sum &b, double sign) {
  for (Term term : b.terms) {
    for (double &value : term.factor.values)
      value *= sign;
    a.terms.push_back(std::move(term));
  }
  std::optional<Factor> constant = combine(a.constant, b.constant, [&](double x, double y) { return x + sign * y; });
  if (!constant)
    return std::nullopt;
  a.constant = *constant;
  return a;
}

static std::optional<Sum> scale(Sum sum, const Factor &factor) {
  auto product = [](double x, double y) { return x * y; };
  for (Term &term : sum.terms) {
    std::optional<Factor> scaled = combine(term.factor, factor, product);
    if (!scaled)
      return std::nullopt;
    term.factor = *scaled;
  }
  std::optional<Factor> constant = combine(sum.constant, factor, product);
  if (!constant)
    return std::nullopt;
  sum.constant = *constant;
  return sum;
}

/// epsilon of lutra.integer_norm, or failure where it is none.
static std::optional<int64_t> integerEpsilon(double epsilon, double size, double scale) {
  double units = std::round(epsilon * size * size * std::ldexp(1.0, epsilonFraction) / (scale * scale));
  return units <= 0x1p60 ? std::optional(static_cast<int64_t>(units)) : std::nullopt;
}

/// The codes of which `op`, along the last dimension, can be integers.
static std::optional<Codes> readRows(Operation *op) {
  std::optional<Codes> codes = readCodes(op->getOperand(0));
  RankedTensorType type = typeOf(op->getResult(0));
  if (!codes || !type.getElementType().isF32())
    return std::nullopt;
  if (auto softmax = dyn_cast<SoftmaxOp>(op)) {
    bool fits = !softmax.getLog() && static_cast<int64_t>(softmax.getAxis()) == type.getRank() - 1;
    return fits && codes->scale > 0x1p-20 && codes->scale < 64 ? codes : std::nullopt;
  }
  auto layer = dyn_cast<LayerNormOp>(op);
  int64_t size = type.getShape().back();
  double epsilon = (layer ? layer.getEpsilon() : cast<RmsNormOp>(op).getEpsilon()).convertToDouble();
  int64_t dims = layer ? layer.getDims() : cast<RmsNormOp>(op).getDims();
  bool fits = dims == 1 && size >= 1 && size <= 32768 && integerEpsilon(epsilon, size, codes->scale);
  return fits ? codes : std::nullopt;
}

/// Integers of at most that magnitude times a factor.
static Sum makeTerm(Value integers, double most, double factor) {
  Sum made;
  made.terms.push_back({integers, most, Factor::scalar(factor)});
  return made;
}

std::optional<Sum> Requantization::decline(const Twine &text) {
  refuse(text);
  return std::nullopt;
}

std::optional<Sum> Requantization::readBinary(BinaryOp op) {
  BinaryKind kind = op.getKind();
  bool adds = kind == BinaryKind::Add || kind == BinaryKind::Sub;
  if (!adds && kind != BinaryKind::Mul && kind != BinaryKind::Div)
    return decline("reads " + stringifyBinaryKind(kind));
  std::optional<Sum> lhs = read(op.getLhs());
  std::optional<Sum> rhs = lhs ? read(op.getRhs()) : std::nullopt;
  if (!rhs)
    return std::nullopt;
  if (!adds && !rhs->terms.empty() && (kind == BinaryKind::Div || !lhs->terms.empty()))
    return decline("reads a product or quotient of two computed values");
  if (kind == BinaryKind::Div)
    for (double &divisor : rhs->constant.values)
      divisor = 1 / divisor;
  std::optional<Sum> both = adds                 ? add(*lhs, *rhs, kind == BinaryKind::Add ? 1 : -1)
                            : rhs->terms.empty() ? scale(*lhs, rhs->constant)
                                                 : scale(*rhs, lhs->constant);
  return both ? both : decline(unlikeShapes);
}

/// A softmax or norm of codes as integers.
std::optional<Sum> Requantization::readRow(Value value) {
  Operation *source = value.getDefiningOp();
  StringRef name = source->getName().getStringRef();
  if (!readRows(source))
    return decline(name + " reads no 8-bit codes with one scale along its last dimension");
  if (isa<SoftmaxOp>(source))
    return makeTerm(value, std::ldexp(1.0, softmaxFraction), std::ldexp(1.0, -softmaxFraction));
  double size = typeOf(value).getShape().back();
  Sum normed = makeTerm(value, std::ldexp(std::sqrt(size), normFraction) + 1, std::ldexp(1.0, -normFraction));
  auto layer = dyn_cast<LayerNormOp>(source);
  for (auto [index, parameter] : llvm::enumerate(source->getOperands().drop_front())) {
    bool isBias = layer && parameter == layer.getBias() && (index == 1 || !layer.getScale());
    std::optional<Factor> known = readConstant(parameter);
    if (!known)
      return decline(name + " has a scale or bias that is computed");
    Sum constant;
    constant.constant = *known;
    std::optional<Sum> next = isBias ? add(normed, constant, 1) : scale(normed, *known);
    if (!next)
      return decline(unlikeShapes);
    normed = *next;
  }
  return normed;
}

/// Reads `value` as a sum of integers with constant factors.
std::optional<Sum> Requantization::read(Value value) {
  Operation *source = value.getDefiningOp();
  if (!source)
    return decline("reads an argument");
  if (++opsRead > mostOps)
    return decline("has more than " + Twine(mostOps) + " ops between codes and integers");
  if (std::optional<Factor> constant = readConstant(value)) {
    Sum read;
    read.constant = *constant;
    return read;
  }
  if (isa<ConstantOp, WeightOp>(source))
    return decline("reads a constant that is not known as finite numbers of f32");
  if (auto cast = dyn_cast<CastOp>(source)) {
    auto type = dyn_cast<IntegerType>(typeOf(cast.getInput()).getElementType());
    if (!type || type.getWidth() < 8 || type.getWidth() > 32 || (type.getWidth() == 32 && type.isUnsigned()))
      return decline("reads a cast of elements that are no integers of 8 to 32 bits");
    return makeTerm(cast.getInput(), std::ldexp(1.0, type.getWidth() - (type.isUnsigned() ? 0 : 1)), 1);
  }
  if (isa<DequantizeOp>(source)) {
    std::optional<Codes> codes = readCodes(value);
    if (!codes)
      return decline("reads codes with scales that are not one number, or not of 8 bits");
    Sum read = makeTerm(codes->codes, 255, codes->scale);
    read.constant = Factor::scalar(-codes->scale * codes->zero);
    return read;
  }
  if (auto binary = dyn_cast<BinaryOp>(source))
    return readBinary(binary);
  if (auto choice = dyn_cast<SelectOp>(source)) { // 0 for NaN, which no integer is
    auto test = choice.getCondition().getDefiningOp<UnaryOp>();
    bool isGuard = test && test.getKind() == UnaryKind::IsNan && test.getInput() == choice.getRhs() &&
                   isa_and_nonnull<SoftmaxOp>(choice.getRhs().getDefiningOp());
    return isGuard ? read(choice.getRhs()) : decline("reads select");
  }
  if (isa<SoftmaxOp, LayerNormOp, RmsNormOp>(source))
    return readRow(value);
  return decline("reads " + source->getName().getStringRef());
}

/// Takes relus, minima and maxima with a constant off.
Value Requantization::readLimits(Value value) {
  while (Operation *source = value.getDefiningOp()) {
    if (auto unary = dyn_cast<UnaryOp>(source); unary && unary.getKind() == UnaryKind::Relu) {
      limits.push_back({BinaryKind::Max, 0});
      value = unary.getInput();
      continue;
    }
    auto binary = dyn_cast<BinaryOp>(source);
    std::optional<double> limit = binary ? scalarOf(binary.getRhs()) : std::nullopt;
    if (!limit || std::isnan(*limit) || (binary.getKind() != BinaryKind::Max && binary.getKind() != BinaryKind::Min))
      break;
    limits.push_back({binary.getKind(), *limit});
    value = binary.getLhs();
  }
  return value;
}

bool Requantization::findShift() {
  double most = 0, total = sum.constant.most() + 1;
  bool isFinite = sum.constant.isFinite();
  for (const Term &term : sum.terms) {
    most = std::max(most, term.factor.most());
    total += term.factor.most() * term.most;
    isFinite &= term.factor.isFinite();
  }
  if (!isFinite)
    return refuse("divides by 0");
  if (most == 0)
    return refuse("has no factor but 0");
  shift = std::min<int64_t>({62, 30 - std::ilogb(most), 61 - std::ilogb(total)});
  if (std::round(std::ldexp(most, shift)) >= 0x1p31)
    --shift;
  return shift >= 1 || refuse("has factors that 31 bits do not hold");
}

/// Steps that integers of a term add up to with a factor; alone, before they saturate.
double Requantization::getReach(const Term &term, double factor) {
  double most = term.most * std::abs(factor), reach = 0;
  if (sum.terms.size() > 1)
    return most;
  double least = cast<IntegerType>(typeOf(op.getResult()).getElementType()).isUnsigned() ? 0 : -128;
  for (double constant : sum.constant.values)
    reach = std::max({reach, std::abs(least - constant), std::abs(least + 256 - constant)});
  return std::min(most, reach);
}

/// How far a code may be off, in steps, where it is not saturated.
double Requantization::getError() {
  double error = 1;
  for (const Term &term : sum.terms) {
    double greatest = 0; // integers with the smallest factor reach farthest before they saturate
    for (double factor : term.factor.values)
      if (factor != 0) // which is not rounded
        greatest = std::max(greatest, getReach(term, factor) / std::abs(factor));
    error += greatest;
  }
  return std::ldexp(error, -(shift + 1));
}

/// What integers of softmax and norms themselves move a code, in steps.
double Requantization::getRowError() {
  double error = 0;
  for (const Term &term : sum.terms) {
    Operation *source = term.source.getDefiningOp();
    double factor = term.factor.most();
    if (isa_and_nonnull<SoftmaxOp>(source))
      error += softmaxError * getReach(term, factor);
    else if (isa_and_nonnull<LayerNormOp, RmsNormOp>(source))
      error += factor + normError * getReach(term, factor);
  }
  return error;
}

Value Requantization::makeIntegers(const Term &term) {
  Operation *source = term.source.getDefiningOp();
  if (!isa_and_nonnull<SoftmaxOp, LayerNormOp, RmsNormOp>(source))
    return term.source;
  Codes codes = *readRows(source);
  RankedTensorType type = typeOf(term.source).clone(builder.getI32Type());
  if (isa<SoftmaxOp>(source)) {
    double exponent = codes.scale / std::log(2.0); // of 2, for one step
    int64_t fraction = 30;
    while (std::round(std::ldexp(exponent, fraction)) * 255 >= 0x1p31)
      --fraction;
    auto step = static_cast<int64_t>(std::round(std::ldexp(exponent, fraction)));
    return IntegerSoftmaxOp::create(builder, source->getLoc(), type, codes.codes, step, fraction);
  }
  auto layer = dyn_cast<LayerNormOp>(source);
  double epsilon = (layer ? layer.getEpsilon() : cast<RmsNormOp>(source).getEpsilon()).convertToDouble();
  int64_t units = *integerEpsilon(epsilon, type.getShape().back(), codes.scale);
  return IntegerNormOp::create(builder, source->getLoc(), type, codes.codes, layer != nullptr,
                               static_cast<int64_t>(codes.zero), units);
}

/// round(2^shift factor), integers of `bits` bits.
Value Requantization::makeConstant(const Factor &factor, unsigned bits) {
  Type element = builder.getIntegerType(bits);
  auto type = RankedTensorType::get(factor.shape, element);
  SmallVector<APInt> values;
  for (double value : factor.values)
    values.push_back(APInt(bits, static_cast<int64_t>(std::round(std::ldexp(value, shift))), /*isSigned=*/true));
  return ConstantOp::create(builder, op.getLoc(), type, DenseElementsAttr::get(type, values));
}

/// Of integers that broadcast to the result, in the shape that both broadcast to.
Value Requantization::makeBinary(BinaryKind kind, Value lhs, Value rhs) {
  ArrayRef<int64_t> other = typeOf(rhs).getShape(), own = typeOf(lhs).getShape();
  SmallVector<int64_t> shape(std::max(own.size(), other.size()), 1);
  for (ArrayRef<int64_t> sizes : {own, other})
    for (size_t dim = 0, lead = shape.size() - sizes.size(); dim < sizes.size(); ++dim)
      if (int64_t &size = shape[lead + dim]; size == 1 || ShapedType::isDynamic(size))
        size = sizes[dim] == 1 ? size : sizes[dim];
  return BinaryOp::create(builder, op.getLoc(), typeOf(lhs).clone(shape), kind, lhs, rhs);
}

bool Requantization::run(std::string &why) {
  auto type = typeOf(op.getResult());
  auto code = dyn_cast<IntegerType>(type.getElementType());
  std::optional<double> step = scalarOf(op.getScale());
  std::optional<double> point = op.getZeroPoint() ? scalarOf(op.getZeroPoint()) : 0;
  auto isWhole = [&](const Term &term) { return typeOf(term.source).getShape() == type.getShape(); };
  auto check = [&]() -> bool {
    if (!code || code.getWidth() != 8 || !typeOf(op.getInput()).getElementType().isF32())
      return refuse("makes no codes of 8 bits of f32");
    if (!step || !point || !(*step > 0 && std::isfinite(*step)) || op.getBlock() != 0)
      return refuse("has a scale that is no known number");
    zero = *point;
    std::optional<Sum> found = read(readLimits(op.getInput()));
    if (!found)
      return false;
    if (found = scale(*found, Factor::scalar(1 / *step)); found->terms.empty())
      return refuse("rounds a constant");
    sum = *found;
    // The offset of all but one term is computed.
    Term *whole = llvm::find_if(sum.terms, isWhole);
    if (whole == sum.terms.end())
      return refuse("repeats its integers");
    std::swap(*whole, sum.terms.front());
    for (double &value : sum.constant.values)
      value += zero + 0.5;
    if (!findShift())
      return false;
    if (getRowError() > greatestRowError)
      return refuse("has a softmax or norm times a factor that shows how its fixed point is cut");
    return getError() <= greatestError || refuse("has factors so different that 31 bits do not hold them");
  };
  if (!check()) {
    why = reason;
    return false;
  }
  Location loc = op.getLoc();
  Value offset = makeConstant(sum.constant, 64);
  for (const Term &term : ArrayRef(sum.terms).drop_front()) {
    Value integers = makeIntegers(term), factor = makeConstant(term.factor, 64);
    Value wide = CastOp::create(builder, loc, typeOf(integers).clone(builder.getI64Type()), integers);
    offset = makeBinary(BinaryKind::Add, makeBinary(BinaryKind::Mul, wide, factor), offset);
  }
  const Term &first = sum.terms.front();
  Value codes = RequantizeOp::create(builder, loc, type, makeIntegers(first), makeConstant(first.factor, 32), offset,
                                     shift);
  double least = code.isUnsigned() ? 0 : -128;
  for (const Limit &limit : llvm::reverse(limits)) {
    double bound = quantizedValue(limit.value, *step, zero, code);
    if (bound == (limit.kind == BinaryKind::Max ? least : least + 255))
      continue;
    auto scalar = RankedTensorType::get({}, code);
    APInt bits(8, static_cast<int64_t>(bound), /*isSigned=*/true, /*implicitTrunc=*/true);
    Value constant = ConstantOp::create(builder, loc, scalar, DenseElementsAttr::get(scalar, bits));
    codes = BinaryOp::create(builder, loc, type, limit.kind, codes, constant);
  }
  op.getResult().replaceAllUsesWith(codes);
  return true;
}

void UseIntegerArithmetic::runOnOperation() {
  SmallVector<QuantizeOp> quantizes;
  WeightStore store(getOperation());
  getOperation()->walk([&](QuantizeOp op) { quantizes.push_back(op); });
  for (QuantizeOp op : quantizes) {
    auto opts = remark::RemarkOpts::name("UseIntegerArithmetic").category(DEBUG_TYPE);
    std::string why;
    if (!Requantization(op, store).run(why)) {
      remark::missed(op.getLoc(), opts) << remark::reason("{0}", why);
      continue;
    }
    remark::passed(op.getLoc(), opts) << "computes codes in integers";
    op.erase();
  }
  // Users come before what they read.
  getOperation()->walk<WalkOrder::PostOrder, mlir::ReverseIterator>([](Operation *op) {
    if (isa_and_nonnull<LutraDialect>(op->getDialect()) && isOpTriviallyDead(op))
      op->erase();
  });
}
