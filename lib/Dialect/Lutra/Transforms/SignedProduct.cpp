//===- SignedProduct.cpp - products of bytes with a sign -----------------------===//
// One form for all codes, so that one family of kernels serves them. What it leaves out is the same for all rows.
#include "SignedProduct.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Dialect/Lutra/IR/ProductTypes.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace lutra;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

Value lutra::makeIntegers(OpBuilder &builder, Location loc, RankedTensorType type, ArrayRef<APInt> values) {
  return ConstantOp::create(builder, loc, type, DenseElementsAttr::get(type, values));
}

Value lutra::makeInteger(OpBuilder &builder, Location loc, Type type, int64_t value) {
  return makeIntegers(builder, loc, RankedTensorType::get({}, type),
                      APInt(type.getIntOrFloatBitWidth(), value, /*isSigned=*/true, /*implicitTrunc=*/true));
}

Value lutra::makeSigned(OpBuilder &builder, Location loc, Value codes) {
  RankedTensorType type = typeOf(codes);
  if (!type.getElementType().isUnsignedInteger())
    return codes;
  Type wide = builder.getI16Type();
  Value widened = CastOp::create(builder, loc, type.clone(wide), codes);
  Value less = BinaryOp::create(builder, loc, type.clone(wide), BinaryKind::Sub, widened,
                                makeInteger(builder, loc, wide, 128));
  return CastOp::create(builder, loc, type.clone(builder.getI8Type()), less);
}

Value lutra::multiplySigned(OpBuilder &builder, Location loc, RankedTensorType type, const CentredCodes &left,
                            Value weight, WeightStore &store) {
  std::optional<WeightBytes> bytes = store.read(weight);
  if (!bytes)
    return {};
  int64_t k = typeOf(weight).getShape().front(), n = typeOf(weight).getShape().back();
  int64_t bias = typeOf(left.codes).getElementType().isUnsignedInteger() ? 128 : 0;
  SmallVector<int64_t> sums(n, 0);
  for (int64_t row = 0; row < k; ++row)
    for (int64_t column = 0; column < n; ++column)
      sums[column] += bytes->integer(row * n + column, /*isUnsigned=*/false);
  Value product = MatmulOp::create(builder, loc, type, makeSigned(builder, loc, left.codes), weight, /*scale=*/Value(),
                                   /*transpose_lhs=*/false, /*transpose_rhs=*/false, /*block=*/0, StrategyAttr());
  Type wide = builder.getI32Type();
  auto makeSums = [&](int64_t factor) {
    auto values = llvm::map_to_vector(sums, [&](int64_t sum) { // modulo 2^32
      return APInt(32, static_cast<uint64_t>(sum * factor) & 0xFFFFFFFF);
    });
    return makeIntegers(builder, loc, RankedTensorType::get({n}, wide), values);
  };
  DenseElementsAttr known;
  Value more;
  if (!left.zero || matchPattern(left.zero, m_Constant(&known))) {
    bool isUnsigned = left.zero && typeOf(left.zero).getElementType().isUnsignedInteger();
    APInt zero = left.zero ? *known.getValues<APInt>().begin() : APInt(8, 0);
    int64_t distance = bias - (isUnsigned ? static_cast<int64_t>(zero.getZExtValue()) : zero.getSExtValue());
    if (distance == 0)
      return product;
    more = makeSums(distance);
  } else {
    Value zero = left.zero;
    if (typeOf(zero).getRank() != 0)
      zero = ReshapeOp::create(builder, loc, RankedTensorType::get({}, typeOf(zero).getElementType()), zero,
                               ValueRange());
    auto scalar = RankedTensorType::get({}, wide);
    zero = CastOp::create(builder, loc, scalar, zero);
    Value from = makeInteger(builder, loc, wide, bias);
    Value distance = BinaryOp::create(builder, loc, scalar, BinaryKind::Sub, from, zero);
    Value each = makeSums(1);
    more = BinaryOp::create(builder, loc, each.getType(), BinaryKind::Mul, each, distance);
  }
  return BinaryOp::create(builder, loc, type, BinaryKind::Add, product, more);
}
