//===- Exchange.cpp - values that move between threads ---------------------===//
// Reductions follow the bits of the last coordinate from the highest down: element i meets element i + n/2,
// then i + n/4, and so on, wherever the two are: in one thread, in two lanes (shuffle) or in two
// warps (shared memory). The order of operations depends on the tile alone.
#include "BlockEmitter.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace lutra {

/// Element as shared memory holds it.
static Type getSharedElement(OpBuilder &builder, Type element) {
  if (element.isInteger(1))
    return builder.getI8Type();
  return element.isIndex() ? Type(builder.getI64Type()) : element;
}

Fragment BlockEmitter::getAs(Value tile, const LinearLayout &layout) {
  const Fragment &fragment = fragments.find(tile)->second;
  return convert(fragment, cast<TileType>(tile.getType()), layout);
}

Fragment BlockEmitter::convert(const Fragment &fragment, TileType type, const LinearLayout &layout) {
  if (fragment.layout == layout)
    return fragment;
  Fragment result{layout, {}};
  if (auto registers = layout.registersFrom(fragment.layout)) {
    for (int64_t reg : *registers)
      result.registers.push_back(fragment.registers[reg]);
    return result;
  }
  // Through shared memory, row by row; one word of padding moves neighbouring rows to other banks.
  Type element = getSharedElement(at, type.getElementType());
  int64_t bytes = std::max(1u, element.getIntOrFloatBitWidth() / 8);
  int64_t rank = layout.getRank(), columns = rank ? layout.getShape().back() : 1;
  int64_t rows = rank == 2 ? layout.getShape().front() : 1;
  int64_t pitch = columns + std::max<int64_t>(1, 4 / bytes);
  useShared(rows * pitch * bytes);
  auto address = [&](const LinearLayout &from, Value threadOffset, int64_t reg) {
    LinearLayout::Point point = from.registerPoint(reg);
    int64_t offset = 0;
    for (int64_t coordinate : point)
      offset = offset * pitch + coordinate;
    return offsetPointer(shared, element, add(threadOffset, i32(offset)));
  };
  auto threadOffset = [&](const LinearLayout &from) {
    Value offset = i32(0);
    for (unsigned dim = 0; dim < from.getRank(); ++dim)
      offset = add(mul(offset, i32(pitch)), threadCoordinate(from, dim));
    return offset;
  };
  Value mine = threadOffset(fragment.layout), theirs = threadOffset(layout);
  for (auto [reg, value] : llvm::enumerate(fragment.registers))
    LLVM::StoreOp::create(at, toMemory(value, element), address(fragment.layout, mine, reg));
  barrier();
  for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg)
    result.registers.push_back(toRegister(
        LLVM::LoadOp::create(at, element, address(layout, theirs, reg)), type.getElementType()));
  barrier();
  return result;
}

Value BlockEmitter::shuffle(Value value, int64_t laneMask) {
  Type type = value.getType();
  Type i32Type = at.getI32Type();
  auto exchange = [&](Value word) -> Value {
    return NVVM::ShflOp::create(at, word.getType(), i32(-1), word, i32(laneMask), i32(31),
                                NVVM::ShflKind::bfly, UnitAttr{});
  };
  if (type.isF32() || type.isInteger(32))
    return exchange(value);
  if (type.isIndex())
    return arith::IndexCastOp::create(
        at, type, shuffle(arith::IndexCastOp::create(at, at.getI64Type(), value), laneMask));
  unsigned bits = type.getIntOrFloatBitWidth();
  if (bits < 32) {
    Type integer = at.getIntegerType(bits);
    Value word = isa<FloatType>(type) ? Value(arith::BitcastOp::create(at, integer, value)) : value;
    word = exchange(arith::ExtUIOp::create(at, i32Type, word));
    word = arith::TruncIOp::create(at, integer, word);
    return isa<FloatType>(type) ? Value(arith::BitcastOp::create(at, type, word)) : word;
  }
  Type i64Type = at.getI64Type();
  Value whole = type.isInteger(64) ? value : Value(arith::BitcastOp::create(at, i64Type, value));
  Value low = exchange(arith::TruncIOp::create(at, i32Type, whole));
  Value half = arith::ConstantOp::create(at, at.getI64IntegerAttr(32));
  Value high = exchange(
      arith::TruncIOp::create(at, i32Type, arith::ShRUIOp::create(at, whole, half).getResult()));
  whole = arith::OrIOp::create(
      at, arith::ExtUIOp::create(at, i64Type, low),
      arith::ShLIOp::create(at, arith::ExtUIOp::create(at, i64Type, high), half).getResult());
  return type.isInteger(64) ? whole : Value(arith::BitcastOp::create(at, type, whole));
}

void BlockEmitter::exchangeWarps(SmallVectorImpl<Value> &registers, int64_t warpMask) {
  Type type = registers.front().getType(), element = getSharedElement(at, type);
  int64_t bytes = std::max(1u, element.getIntOrFloatBitWidth() / 8);
  useShared(registers.size() * nvgpuBlockThreads * bytes);
  Value partner = arith::XOrIOp::create(at, thread, i32(warpMask * 32));
  auto address = [&](Value of, int64_t reg) {
    return offsetPointer(shared, element, add(of, i32(reg * nvgpuBlockThreads)));
  };
  for (auto [reg, value] : llvm::enumerate(registers))
    LLVM::StoreOp::create(at, toMemory(value, element), address(thread, reg));
  barrier();
  for (auto [reg, value] : llvm::enumerate(registers))
    value = toRegister(LLVM::LoadOp::create(at, element, address(partner, reg)), type);
  barrier();
}

/// The value that changes nothing.
static TypedAttr getNeutral(Builder &builder, ReduceKind kind, Type type, bool isUnsigned) {
  if (auto floatType = dyn_cast<FloatType>(type)) {
    const llvm::fltSemantics &semantics = floatType.getFloatSemantics();
    switch (kind) {
    case ReduceKind::Sum:
      return builder.getFloatAttr(type, APFloat::getZero(semantics, /*Negative=*/true));
    case ReduceKind::Prod:
      return builder.getFloatAttr(type, APFloat::getOne(semantics));
    case ReduceKind::Max:
      return builder.getFloatAttr(type, APFloat::getInf(semantics, /*Negative=*/true));
    case ReduceKind::Min:
      return builder.getFloatAttr(type, APFloat::getInf(semantics));
    }
  }
  unsigned bits = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  switch (kind) {
  case ReduceKind::Sum:
    return builder.getIntegerAttr(type, 0);
  case ReduceKind::Prod:
    return builder.getIntegerAttr(type, 1);
  case ReduceKind::Max:
    return builder.getIntegerAttr(type, isUnsigned ? APInt::getMinValue(bits) : APInt::getSignedMinValue(bits));
  case ReduceKind::Min:
    return builder.getIntegerAttr(type, isUnsigned ? APInt::getMaxValue(bits) : APInt::getSignedMaxValue(bits));
  }
  llvm_unreachable("every kind has a neutral value");
}

static Value combine(ImplicitLocOpBuilder &at, ReduceKind kind, Value a, Value b, bool isUnsigned) {
  bool isFloat = isa<FloatType>(a.getType());
  switch (kind) {
  case ReduceKind::Sum:
    return isFloat ? Value(arith::AddFOp::create(at, a, b)) : Value(arith::AddIOp::create(at, a, b));
  case ReduceKind::Prod:
    return isFloat ? Value(arith::MulFOp::create(at, a, b)) : Value(arith::MulIOp::create(at, a, b));
  case ReduceKind::Max:
    if (isFloat)
      return arith::MaximumFOp::create(at, a, b);
    return isUnsigned ? Value(arith::MaxUIOp::create(at, a, b)) : Value(arith::MaxSIOp::create(at, a, b));
  case ReduceKind::Min:
    if (isFloat)
      return arith::MinimumFOp::create(at, a, b);
    return isUnsigned ? Value(arith::MinUIOp::create(at, a, b)) : Value(arith::MinSIOp::create(at, a, b));
  }
  llvm_unreachable("every kind has an operation");
}

LogicalResult BlockEmitter::emitReduce(TileReduceOp op) {
  auto type = cast<TileType>(op.getInput().getType());
  auto resultType = cast<TileType>(op.getType());
  bool isUnsigned = type.getElementType().isUnsignedInteger();
  Fragment fragment = getAs(op.getInput(), distribution.get(op.getInput()));
  LinearLayout layout = fragment.layout;
  unsigned last = layout.getRank() - 1;
  SmallVector<Value> values(fragment.registers.begin(), fragment.registers.end());
  SmallVector<LinearLayout::Point> points; // of `values`
  for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg)
    points.push_back(layout.registerPoint(reg));

  int64_t size = type.getShape()[last], padded = layout.getShape()[last];
  if (size != padded) { // the padding takes no part
    Type element = values.front().getType();
    Value neutral = arith::ConstantOp::create(at, getNeutral(at, op.getKind(), element, isUnsigned));
    Value bound = arith::SubIOp::create(at, i32(size), threadCoordinate(layout, last));
    for (auto [value, point] : llvm::zip_equal(values, points)) {
      Value inside =
          arith::CmpIOp::create(at, arith::CmpIPredicate::sgt, bound, i32(point[last]));
      value = arith::SelectOp::create(at, inside, value, neutral);
    }
  }

  for (int64_t step = padded / 2; step > 0; step /= 2) {
    // Pairs inside the thread.
    SmallVector<Value> kept;
    SmallVector<LinearLayout::Point> keptPoints;
    for (auto [value, point] : llvm::zip_equal(values, points)) {
      if (point[last] & step)
        continue;
      LinearLayout::Point other = point;
      other[last] |= step;
      auto found = llvm::find(points, other);
      kept.push_back(found == points.end()
                         ? value
                         : combine(at, op.getKind(), value, values[found - points.begin()],
                                   isUnsigned));
      keptPoints.push_back(point);
    }
    values = std::move(kept);
    points = std::move(keptPoints);
    // Pairs in two threads.
    for (unsigned bit = 0; bit < layout.getNumThreadBits(); ++bit) {
      if (layout.getThreadBasis(bit)[last] != step)
        continue;
      SmallVector<Value> theirs(values);
      if (bit < layout.getLaneBases().size())
        for (Value &value : theirs)
          value = shuffle(value, int64_t(1) << bit);
      else
        exchangeWarps(theirs, int64_t(1) << (bit - layout.getLaneBases().size()));
      for (auto [value, other] : llvm::zip_equal(values, theirs))
        value = combine(at, op.getKind(), value, other, isUnsigned);
    }
  }

  SmallVector<bool> removed(layout.getRank(), false);
  removed[last] = true;
  Fragment result{layout.project(removed), SmallVector<Value, 0>(values.begin(), values.end())};
  if (resultType.getShape().size() < layout.getRank())
    result.layout = result.layout.dropDim(last);
  bind(op.getResult(), convert(result, resultType, distribution.get(op.getResult())));
  return success();
}

} // namespace lutra
