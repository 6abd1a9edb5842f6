//===- UnsignedConv.cpp - convolutions of bytes without a sign -----------------===//
#include "UnsignedConv.h"

#include "lutra/Support/BytePanels.h"

#include "mlir/IR/Matchers.h"

#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;
using namespace lutra;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Codes of 8 bits, or one zero point of them, 128 more where they had a sign.
static Value makeUnsigned(OpBuilder &builder, Location loc, Value codes) {
  RankedTensorType type = typeOf(codes);
  if (type.getElementType().isUnsignedInteger())
    return codes;
  Type code = builder.getIntegerType(8, /*isSigned=*/false);
  if (DenseElementsAttr known; matchPattern(codes, m_Constant(&known)) && known.isSplat()) {
    APInt value = known.getSplatValue<APInt>() + 128;
    return makeIntegers(builder, loc, type.clone(code), value);
  }
  Type wide = builder.getI16Type();
  Value widened = CastOp::create(builder, loc, type.clone(wide), codes);
  Value more = BinaryOp::create(builder, loc, type.clone(wide), BinaryKind::Add, widened,
                                makeInteger(builder, loc, wide, 128));
  return CastOp::create(builder, loc, type.clone(code), more);
}

/// The zero point of rank 0 of the codes without a sign; null where it is none of them.
static Value makeZero(OpBuilder &builder, Location loc, const CentredCodes &left) {
  bool isSigned = !typeOf(left.codes).getElementType().isUnsignedInteger();
  Type code = builder.getIntegerType(8, /*isSigned=*/false);
  if (!left.zero)
    return makeInteger(builder, loc, code, isSigned ? 128 : 0);
  Value zero = left.zero;
  Type element = typeOf(zero).getElementType();
  auto scalar = RankedTensorType::get({}, element);
  if (DenseElementsAttr known; matchPattern(zero, m_Constant(&known))) {
    APInt value = *known.getValues<APInt>().begin();
    int64_t number = element.isUnsignedInteger() ? static_cast<int64_t>(value.getZExtValue()) : value.getSExtValue();
    number += isSigned ? 128 : 0;
    return number < 0 || number > 255 ? Value() : makeInteger(builder, loc, code, number);
  }
  if (auto widened = zero.getDefiningOp<CastOp>()) {
    zero = widened.getInput();
    element = typeOf(zero).getElementType();
    scalar = RankedTensorType::get({}, element);
  }
  if (element != typeOf(left.codes).getElementType())
    return {};
  if (typeOf(zero).getRank() != 0)
    zero = ReshapeOp::create(builder, loc, scalar, zero, ValueRange());
  return makeUnsigned(builder, loc, zero);
}

bool lutra::mayConvolveUnsigned(ConvOp op, Value filter) {
  RankedTensorType type = typeOf(op.getResult()), filterType = typeOf(filter);
  if (op.getLayout() != ConvLayout::ChannelsFirst || !filter.getDefiningOp<WeightOp>() || filterType.getRank() < 3 ||
      !filterType.hasStaticShape() || filterType.getEncoding() || !filterType.getElementType().isSignlessInteger(8) ||
      typeOf(op.getInput()).isDynamicDim(1) || llvm::is_contained(filterType.getShape(), 0))
    return false;
  int64_t taps = 1, groups = op.getGroups();
  for (int64_t size : filterType.getShape().drop_front(2))
    taps *= size;
  bool isStatic = llvm::none_of(type.getShape().drop_front(), ShapedType::isDynamic);
  bool fitsGroups = groups == 1 || (filterType.getDimSize(0) / groups % bytePanelWidth == 0 &&
                                    filterType.getDimSize(1) % bytePanelDepth == 0);
  return isStatic && fitsGroups && taps <= mostByteTaps && !llvm::is_contained(type.getShape(), 0);
}

Value lutra::addChannels(Value filter, int64_t count, WeightStore &store, OpBuilder &builder,
                         const WeightBytes &bytes) {
  RankedTensorType type = typeOf(filter);
  SmallVector<int64_t> shape(type.getShape());
  shape[1] += count;
  RankedTensorType wider = type.clone(shape);
  AsmResourceBlob blob = WeightStore::allocate(wider.getNumElements() * bytes.width);
  int64_t row = shape[0] == 0 ? 0 : type.getNumElements() / shape[0];
  int64_t widerRow = row / type.getDimSize(1) * shape[1];
  for (int64_t first = 0; first < shape[0]; ++first)
    for (int64_t i = 0; i < row; ++i)
      std::memcpy(blob.getMutableData().data() + (first * widerRow + i) * bytes.width, bytes.element(first * row + i),
                  bytes.width);
  GlobalOp known = store.getGlobal(filter);
  std::string name = ((known ? known.getSymName() : "filter") + ".wider").str();
  GlobalOp global = store.add(filter.getLoc(), name, wider, std::move(blob));
  return WeightOp::create(builder, filter.getLoc(), wider, global.getSymName());
}

/// `codes` [B, C, d..] with the padding of `op` and `channels` more channels, of `value`.
static Value padCodes(OpBuilder &builder, ConvOp op, Value codes, int64_t channels, Value value) {
  RankedTensorType type = typeOf(codes);
  SmallVector<int64_t> low{0, 0}, high{0, channels}, shape(type.getShape());
  llvm::append_range(low, op.getLow());
  llvm::append_range(high, op.getHigh());
  auto isZero = [](int64_t size) { return size == 0; };
  if (llvm::all_of(low, isZero) && llvm::all_of(high, isZero))
    return codes;
  for (auto [dim, size] : llvm::enumerate(shape))
    if (!ShapedType::isDynamic(size))
      size += low[dim] + high[dim];
  return PadOp::create(builder, op.getLoc(), type.clone(shape), codes, value, ValueRange(), ValueRange(),
                       builder.getDenseI64ArrayAttr(low), builder.getDenseI64ArrayAttr(high), PadMode::Constant);
}

Value lutra::convolveUnsigned(OpBuilder &builder, ConvOp op, RankedTensorType type, const CentredCodes &left,
                              Value filter, WeightStore &store) {
  std::optional<WeightBytes> bytes = store.read(filter);
  if (!bytes)
    return {};
  Location loc = op.getLoc();
  Value zero = makeZero(builder, loc, left);
  if (!zero)
    return {};
  RankedTensorType filterType = typeOf(filter);
  int64_t filters = filterType.getDimSize(0), row = filterType.getNumElements() / filters;
  SmallVector<int64_t> sums(filters, 0);
  for (int64_t index = 0; index < filters; ++index)
    for (int64_t i = 0; i < row; ++i)
      sums[index] += bytes->integer(index * row + i, /*isUnsigned=*/false);
  int64_t channels = filterType.getDimSize(1);
  int64_t more = static_cast<int64_t>(llvm::alignTo(channels, bytePanelDepth)) - channels;
  if (more != 0)
    filter = addChannels(filter, more, store, builder, *bytes);
  Value codes = padCodes(builder, op, makeUnsigned(builder, loc, left.codes), more, zero);
  SmallVector<int64_t> none(op.getLow().size(), 0);
  Value product = ConvOp::create(builder, loc, type, codes, filter, op.getLayout(), op.getStrides(), none, none,
                                 op.getDilations(), op.getGroups(), StrategyAttr());
  Type wide = builder.getI32Type();
  SmallVector<int64_t> shape{filters};
  shape.append(filterType.getRank() - 2, 1);
  auto makeSums = [&](int64_t factor) {
    auto values = llvm::map_to_vector(sums, [&](int64_t sum) { // modulo 2^32
      return APInt(32, static_cast<uint64_t>(sum * factor) & 0xFFFFFFFF);
    });
    return makeIntegers(builder, loc, RankedTensorType::get(shape, wide), values);
  };
  Value less;
  if (DenseElementsAttr known; matchPattern(zero, m_Constant(&known))) {
    int64_t number = static_cast<int64_t>(known.getSplatValue<APInt>().getZExtValue());
    if (number == 0)
      return product;
    less = makeSums(number);
  } else {
    Value factor = CastOp::create(builder, loc, RankedTensorType::get({}, wide), zero), each = makeSums(1);
    less = BinaryOp::create(builder, loc, each.getType(), BinaryKind::Mul, each, factor);
  }
  return BinaryOp::create(builder, loc, type, BinaryKind::Sub, product, less);
}

void lutra::quantizeUnsigned(QuantizeOp op) {
  Value codes = op.getResult(), zero = op.getZeroPoint();
  DenseElementsAttr known;
  if (!typeOf(codes).getElementType().isSignlessInteger(8) || !typeOf(op.getScale()).hasStaticShape() ||
      (zero && (!matchPattern(zero, m_Constant(&known)) || !known.isSplat())))
    return;
  OpBuilder builder(op);
  Location loc = op.getLoc();
  Type code = builder.getIntegerType(8, /*isSigned=*/false);
  auto raise = [&](OpBuilder &at, Value zeroPoint, Value scale) -> Value {
    if (zeroPoint)
      return makeUnsigned(at, loc, zeroPoint);
    return makeIntegers(at, loc, typeOf(scale).clone(code), APInt(8, 128));
  };
  Value raised = QuantizeOp::create(builder, loc, typeOf(codes).clone(code), op.getInput(), op.getScale(),
                                    raise(builder, zero, op.getScale()), op.getAxis(), op.getBlock());
  for (Operation *user : llvm::make_early_inc_range(codes.getUsers())) {
    auto dequantize = dyn_cast<DequantizeOp>(user);
    DenseElementsAttr point;
    if (!dequantize || !typeOf(dequantize.getScale()).hasStaticShape() ||
        (dequantize.getZeroPoint() &&
         (!matchPattern(dequantize.getZeroPoint(), m_Constant(&point)) || !point.isSplat())))
      continue;
    OpBuilder at(dequantize);
    Value less = raise(at, dequantize.getZeroPoint(), dequantize.getScale());
    dequantize.getInputMutable().assign(raised);
    dequantize.getZeroPointMutable().assign(less);
  }
  if (codes.use_empty())
    op.erase();
}
