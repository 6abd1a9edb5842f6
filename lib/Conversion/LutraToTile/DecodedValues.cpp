//===- DecodedValues.cpp - arithmetic that turns bits into floats -------------===//
// Every number here is exact in f32, as lutra.decode means it. Small floats: sign and magnitude are moved to their
// places in an f32 and the exponent is rebiased; subnormals are integers times a power of two. Codes go by way of f16
// where one instruction widens that. No step makes a subnormal f32, which some CPUs compute slowly.
#include "DecodedValues.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;

namespace lutra {

/// Whether all values and their distances to zero points of 8 bits are numbers of f32.
static bool isExact(const EncodedPanels &panels) {
  return llvm::all_of(panels.values, [&](double value) {
    if (std::isnan(value))
      return true;
    if (panels.zero) // halves are exact beside codes of 8 bits
      return std::abs(value) <= 65536 && value * 2 == std::round(value * 2);
    return static_cast<double>(static_cast<float>(value)) == value;
  });
}

SmallVector<int64_t> findDifferingCodes(const EncodedPanels &panels) {
  SmallVector<int64_t> codes;
  if (panels.values.empty())
    return codes;
  for (int64_t code = 0; code < int64_t(1) << panels.code.bits; ++code)
    for (int64_t table = 1; table < panels.tables; ++table)
      if (double own = panels.table(table)[code], first = panels.table(0)[code];
          own != first && !(std::isnan(own) && std::isnan(first))) {
        codes.push_back(code);
        break;
      }
  return codes;
}

std::string findValueObstacle(const EncodedPanels &panels) {
  if (!isExact(panels))
    return "takes values that are numbers of f32 alone; a constant zero point as multiples of a half";
  if (panels.tableAt && panels.zero)
    return "takes tables of more than 16 values without zero points alone";
  if (panels.tables > 16 && !panels.tableAt)
    return "takes at most 16 tables for groups";
  return {};
}

static Value number(OpBuilder &builder, Location loc, int64_t value) {
  return arith::ConstantIntOp::create(builder, loc, builder.getI32Type(), value);
}

static Value realNumber(OpBuilder &builder, Location loc, double value) {
  Type real = builder.getF32Type();
  return arith::ConstantOp::create(builder, loc, FloatAttr::get(real, value));
}

static Value asFloat(OpBuilder &builder, Location loc, Value bits) {
  return arith::BitcastOp::create(builder, loc, builder.getF32Type(), bits);
}

Value decodeFloat(OpBuilder &builder, Location loc, Value bits, const FloatForm &form) {
  Type real = builder.getF32Type();
  int magnitudeBits = form.exponentBits + form.mantissaBits;
  Value magnitude = arith::AndIOp::create(builder, loc, bits, number(builder, loc, (1 << magnitudeBits) - 1));
  Value moved = arith::ShLIOp::create(builder, loc, magnitude, number(builder, loc, 23 - form.mantissaBits));
  Value normal = asFloat(builder, loc,
                         arith::AddIOp::create(builder, loc, moved, number(builder, loc, (127 - form.bias) << 23)));
  Value whole = arith::SIToFPOp::create(builder, loc, real, magnitude);
  Value subnormal = arith::MulFOp::create(builder, loc, whole,
                                          realNumber(builder, loc, std::ldexp(1.0, 1 - form.bias - form.mantissaBits)));
  Value isSubnormal = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, magnitude,
                                            number(builder, loc, 1 << form.mantissaBits));
  Value value = arith::SelectOp::create(builder, loc, isSubnormal, subnormal, normal);
  Value sign = arith::ShLIOp::create(
      builder, loc, arith::ShRUIOp::create(builder, loc, bits, number(builder, loc, magnitudeBits)),
      number(builder, loc, 31));
  Value pattern = arith::BitcastOp::create(builder, loc, builder.getI32Type(), value);
  return asFloat(builder, loc, arith::OrIOp::create(builder, loc, pattern, sign));
}

/// Whether every number of a form, and its infinities, is one of f16 times a power of two.
static bool fitsHalf(const FloatForm &form) {
  return form.mantissaBits <= 10 &&
         (form.exponentBits < 5 || (form.exponentBits == 5 && form.special == ValueMap::Ieee));
}

/// The same by way of f16, which one instruction widens, subnormals too. Sign and magnitude move to their places
/// together; what the sign leaves between them goes.
static Value decodeByHalf(OpBuilder &builder, Location loc, Value bits, const FloatForm &form) {
  Type narrow = builder.getI16Type(), half = builder.getF16Type(), real = builder.getF32Type();
  constexpr int halfBits = 16, halfMantissa = 10, halfBias = 15;
  int magnitudeBits = form.exponentBits + form.mantissaBits, to = halfMantissa - form.mantissaBits;
  auto shortNumber = [&](int64_t value) { return arith::ConstantIntOp::create(builder, loc, narrow, value); };
  Value moved;
  if (magnitudeBits == 7) { // a byte
    Value byte = arith::TruncIOp::create(builder, loc, builder.getI8Type(), bits);
    moved = arith::ShLIOp::create(builder, loc, arith::ExtSIOp::create(builder, loc, narrow, byte), shortNumber(to));
  } else {
    int above = halfBits - 1 - magnitudeBits;
    moved = arith::TruncIOp::create(builder, loc, narrow, bits);
    moved = arith::ShLIOp::create(builder, loc, moved, shortNumber(above));
    moved = arith::ShRSIOp::create(builder, loc, moved, shortNumber(above - to));
  }
  if (to + magnitudeBits < halfBits - 1) {
    int64_t kept = (int64_t(1) << (to + magnitudeBits)) - 1 - (int64_t(1) << (halfBits - 1));
    moved = arith::AndIOp::create(builder, loc, moved, shortNumber(kept));
  }
  Value number = arith::BitcastOp::create(builder, loc, half, moved);
  Value value = arith::ExtFOp::create(builder, loc, real, number);
  if (form.bias == halfBias)
    return value;
  return arith::MulFOp::create(builder, loc, value, realNumber(builder, loc, std::ldexp(1.0, halfBias - form.bias)));
}

Value decodeSide(OpBuilder &builder, Location loc, Value stored, const SideType &type) {
  Type real = builder.getF32Type(), wide = builder.getI32Type();
  if (stored.getType() == real)
    return stored;
  if (isa<FloatType>(stored.getType()))
    return arith::ExtFOp::create(builder, loc, real, stored);
  Value bits = stored.getType() == wide ? stored : arith::ExtUIOp::create(builder, loc, wide, stored).getResult();
  switch (type.kind) {
  case SideType::E8M0: { // 0 stands for 2^-127, a subnormal
    Value moved = arith::ShLIOp::create(builder, loc, bits, number(builder, loc, 23));
    Value isLeast = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, bits, number(builder, loc, 0));
    Value pattern = arith::SelectOp::create(builder, loc, isLeast, number(builder, loc, 1 << 22), moved);
    return asFloat(builder, loc, pattern);
  }
  case SideType::E4M3:
  case SideType::UE4M3:
    return decodeFloat(builder, loc, bits, {4, 3, 7, ValueMap::Fn});
  case SideType::E5M2:
    return decodeFloat(builder, loc, bits, {5, 2, 15, ValueMap::Ieee});
  case SideType::Int: { // fill in the sign
    Value distance = number(builder, loc, 32 - static_cast<int64_t>(type.width));
    bits = arith::ShRSIOp::create(builder, loc, arith::ShLIOp::create(builder, loc, bits, distance), distance);
    break;
  }
  default:
    break;
  }
  return arith::SIToFPOp::create(builder, loc, real, bits);
}

CodeValues::CodeValues(KernelEmitter &emitter, const EncodedPanels &panels, Value table)
    : emitter(emitter), panels(panels), table(table) {
  if (!table)
    differing = findDifferingCodes(panels);
}

SmallVector<Value> CodeValues::makeGroup(Value selector) {
  SmallVector<Value> group;
  if (panels.tableAt && selector)
    group.push_back(emitter.map(selector, emitter.builder.getI32Type(), [&](OpBuilder &builder, ValueRange scalars) {
      Value distance = number(builder, emitter.loc, panels.code.bits);
      return arith::ShLIOp::create(builder, emitter.loc, scalars[0], distance).getResult();
    }));
  for (int64_t code : differing) {
    SmallVector<float> values;
    for (int64_t index = 0; index < panels.tables; ++index)
      values.push_back(static_cast<float>(panels.table(index)[code]));
    group.push_back(lookUp(selector, values));
  }
  return group;
}

Value CodeValues::lookUp(Value codes, ArrayRef<float> values) {
  auto type = TileType::get(emitter.builder.getContext(), cast<TileType>(codes.getType()).getShape(),
                            emitter.builder.getF32Type());
  return TileLookupOp::create(emitter.builder, emitter.loc, type, codes, emitter.builder.getDenseF32ArrayAttr(values));
}

/// The code of a field, unless `masks` with other bits above it.
Value CodeValues::extract(ArrayRef<Value> words, unsigned field, bool masks) {
  Type wide = emitter.builder.getI32Type();
  SmallVector<CodeWords::Piece, 7> pieces = panels.code.piecesOf(field);
  SmallVector<Value> read;
  for (const CodeWords::Piece &piece : pieces)
    read.push_back(words[piece.word]);
  return emitter.map(read, wide, [&](OpBuilder &builder, ValueRange scalars) -> Value {
    Location loc = emitter.loc;
    Value code;
    for (auto [piece, byte] : llvm::zip_equal(pieces, scalars)) {
      Value bits = arith::ExtUIOp::create(builder, loc, wide, byte);
      if (piece.at > 0)
        bits = arith::ShRUIOp::create(builder, loc, bits, number(builder, loc, piece.at));
      if (piece.at + piece.count < 8 && (masks || pieces.size() > 1))
        bits = arith::AndIOp::create(builder, loc, bits, number(builder, loc, (1 << piece.count) - 1));
      if (piece.to > 0)
        bits = arith::ShLIOp::create(builder, loc, bits, number(builder, loc, piece.to));
      code = code ? arith::OrIOp::create(builder, loc, code, bits).getResult() : bits;
    }
    return code;
  });
}

Value CodeValues::decode(ArrayRef<Value> words, unsigned field, ArrayRef<Value> group) {
  Type real = emitter.builder.getF32Type();
  Location loc = emitter.loc;
  // One instruction looks 16 values up where vectors have as many.
  bool looksUp = panels.code.bits <= 4 && !panels.tableAt && emitter.target.getVectorBits() >= 512;
  Value codes = extract(words, field, /*masks=*/!looksUp || !differing.empty());
  if (std::optional<std::pair<double, double>> linear = panels.linear(); linear && !looksUp) {
    auto [factor, offset] = *linear;
    return emitter.map(codes, real, [&, factor = factor, offset = offset](OpBuilder &builder, ValueRange scalars) {
      Value value = arith::SIToFPOp::create(builder, loc, real, scalars[0]);
      if (factor != 1)
        value = arith::MulFOp::create(builder, loc, value, realNumber(builder, loc, factor));
      if (offset != 0)
        value = arith::AddFOp::create(builder, loc, value, realNumber(builder, loc, offset));
      return value;
    });
  }
  if (panels.tableAt) {
    if (!group.empty())
      codes = emitter.map({codes, group.front()}, emitter.builder.getI32Type(),
                          [&](OpBuilder &builder, ValueRange scalars) -> Value {
                            return arith::OrIOp::create(builder, loc, scalars[0], scalars[1]);
                          });
    auto type = TileType::get(emitter.builder.getContext(), cast<TileType>(codes.getType()).getShape(), real);
    return TileGatherOp::create(emitter.builder, loc, type, table, codes, ValueRange());
  }
  if (panels.code.bits > 4) {
    FloatForm form{static_cast<int>(panels.map.exponent), static_cast<int>(panels.map.mantissa),
                   static_cast<int>(panels.map.bias), panels.map.special};
    constexpr unsigned widensHalf = 256; // bits of vectors, of levels that have such an instruction
    bool isByHalf = fitsHalf(form) && emitter.target.getVectorBits() >= widensHalf;
    return emitter.map(codes, real, [&](OpBuilder &builder, ValueRange scalars) {
      return isByHalf ? decodeByHalf(builder, loc, scalars[0], form) : decodeFloat(builder, loc, scalars[0], form);
    });
  }
  SmallVector<float> values;
  for (double value : panels.table(0))
    values.push_back(std::isnan(value) ? 0 : static_cast<float>(value));
  Value decoded = lookUp(codes, values);
  for (auto [code, own] : llvm::zip_equal(differing, group))
    decoded = emitter.map({codes, decoded, own}, real, [&, code = code](OpBuilder &builder, ValueRange scalars) {
      Value isOwn = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, scalars[0],
                                          number(builder, loc, code));
      return arith::SelectOp::create(builder, loc, isOwn, scalars[2], scalars[1]).getResult();
    });
  return decoded;
}

} // namespace lutra
