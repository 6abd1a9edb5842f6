//===- KernelLoops.cpp - index arithmetic and loops of a kernel ------------===//
// Index arithmetic folds where both sides are constant, so that known sizes leave no code behind.
#include "KernelEmitter.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace lutra {

Value KernelEmitter::constant(int64_t value) {
  // One constant per value and function, at its head.
  Value &known = constants[value];
  if (!known) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&function.getBody().front());
    known = arith::ConstantIndexOp::create(builder, loc, value);
  }
  return known;
}

Value KernelEmitter::add(Value a, Value b) {
  auto x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y)
    return constant(*x + *y);
  if (x && *x == 0)
    return b;
  if (y && *y == 0)
    return a;
  return arith::AddIOp::create(builder, loc, a, b);
}

Value KernelEmitter::sub(Value a, Value b) {
  auto x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y)
    return constant(*x - *y);
  if (y && *y == 0)
    return a;
  return arith::SubIOp::create(builder, loc, a, b);
}

Value KernelEmitter::mul(Value a, Value b) {
  auto x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y)
    return constant(*x * *y);
  if ((x && *x == 0) || (y && *y == 0))
    return constant(0);
  if (x && *x == 1)
    return b;
  if (y && *y == 1)
    return a;
  return arith::MulIOp::create(builder, loc, a, b);
}

Value KernelEmitter::div(Value a, Value b) {
  auto x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y && *y)
    return constant(*x / *y);
  if (y && *y == 1)
    return a;
  return arith::DivUIOp::create(builder, loc, a, b);
}

Value KernelEmitter::rem(Value a, Value b) {
  auto x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y && *y)
    return constant(*x % *y);
  if (y && *y == 1)
    return constant(0);
  return arith::RemUIOp::create(builder, loc, a, b);
}

Value KernelEmitter::ceilDiv(Value a, Value b) {
  auto x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y && *y)
    return constant((*x + *y - 1) / *y);
  return div(add(a, sub(b, constant(1))), b);
}

Value KernelEmitter::min(Value a, Value b) {
  auto x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y)
    return constant(std::min(*x, *y));
  return arith::MinSIOp::create(builder, loc, a, b);
}

Value KernelEmitter::max(Value a, Value b) {
  auto x = getConstantIntValue(a), y = getConstantIntValue(b);
  if (x && y)
    return constant(std::max(*x, *y));
  return arith::MaxSIOp::create(builder, loc, a, b);
}

Value KernelEmitter::product(ArrayRef<Value> factors) {
  Value result = constant(1);
  for (Value factor : factors)
    result = mul(result, factor);
  return result;
}

SmallVector<Value> KernelEmitter::delinearize(Value linear, ArrayRef<Value> extents) {
  SmallVector<Value> result(extents.size());
  for (int64_t dim = (int64_t)extents.size() - 1; dim >= 0; --dim) {
    bool one = getConstantIntValue(extents[dim]) == 1;
    // The first digit needs no remainder: linear is in range.
    bool first = llvm::all_of(extents.take_front(dim),
                              [](Value size) { return getConstantIntValue(size) == 1; });
    result[dim] = one ? constant(0) : first ? linear : rem(linear, extents[dim]);
    if (first) {
      for (int64_t rest = 0; rest < dim; ++rest)
        result[rest] = constant(0);
      break;
    }
    linear = div(linear, extents[dim]);
  }
  return result;
}

Value KernelEmitter::linearize(ArrayRef<Value> indices, ArrayRef<Value> extents) {
  Value result = constant(0);
  for (auto [index, size] : llvm::zip_equal(indices, extents))
    result = add(mul(result, size), index);
  return result;
}

LogicalResult KernelEmitter::forEach(Value low, Value high, Value step, LoopBody body) {
  Scope scope(*this);
  auto loop = scf::ForOp::create(builder, loc, low, high, step);
  builder.setInsertionPointToStart(loop.getBody());
  return body(loop.getInductionVar());
}

FailureOr<KernelEmitter::Carried> KernelEmitter::fold(Value low, Value high, Value step,
                                                      ValueRange init, FoldBody body) {
  Scope scope(*this);
  auto loop = scf::ForOp::create(builder, loc, low, high, step, init);
  builder.setInsertionPointToStart(loop.getBody());
  FailureOr<Carried> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (failed(next))
    return failure();
  scf::YieldOp::create(builder, loc, *next);
  return Carried(loop.getResults());
}

/// [low, high) as full tiles and a rest.
static Value fullEnd(KernelEmitter &emitter, Value low, Value high, int64_t width) {
  Value count = emitter.sub(high, low), step = emitter.constant(width);
  // low <= high: an empty range has no full tile.
  return emitter.add(low, emitter.mul(emitter.div(count, step), step));
}

LogicalResult KernelEmitter::forTiles(Value low, Value high, int64_t width, TileBody body) {
  if (width == 1)
    return forEach(low, high, constant(1), [&](Value index) { return body(index, 1, {}); });
  auto count = getConstantIntValue(sub(high, low));
  Value full = fullEnd(*this, low, high, width);
  if (!count || *count >= width)
    if (failed(forEach(low, full, constant(width),
                       [&](Value index) { return body(index, width, {}); })))
      return failure();
  if (count) {
    // A rest of known size gets the smallest power of two, unmasked where it fits.
    int64_t rest = *count % width;
    if (!rest)
      return success();
    int64_t tail = llvm::PowerOf2Ceil(rest);
    Scope scope(*this);
    return body(full, tail, tail == rest ? Value() : constant(rest));
  }
  Scope scope(*this);
  Value left = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, full, high);
  auto branch = scf::IfOp::create(builder, loc, left, /*withElseRegion=*/false);
  builder.setInsertionPointToStart(branch.thenBlock());
  return body(full, width, sub(high, full));
}

FailureOr<KernelEmitter::Carried> KernelEmitter::foldTiles(Value low, Value high, int64_t width,
                                                           ValueRange init, TileFoldBody body) {
  if (width == 1)
    return fold(low, high, constant(1), init, [&](Value index, ValueRange carried) {
      return body(index, 1, {}, carried);
    });
  auto count = getConstantIntValue(sub(high, low));
  Value full = fullEnd(*this, low, high, width);
  Carried state(init);
  if (!count || *count >= width) {
    FailureOr<Carried> next = fold(low, full, constant(width), state,
                                   [&](Value index, ValueRange carried) {
                                     return body(index, width, {}, carried);
                                   });
    if (failed(next))
      return failure();
    state = *next;
  }
  if (count) {
    int64_t rest = *count % width;
    if (!rest)
      return state;
    Scope scope(*this);
    return body(full, width, constant(rest), state);
  }
  Scope scope(*this);
  Value left = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, full, high);
  SmallVector<Type> types(ValueRange(state).getTypes());
  auto branch = scf::IfOp::create(builder, loc, types, left, /*withElseRegion=*/true);
  builder.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(builder, loc, state);
  builder.setInsertionPointToStart(branch.thenBlock());
  FailureOr<Carried> next = body(full, width, sub(high, full), state);
  if (failed(next))
    return failure();
  scf::YieldOp::create(builder, loc, *next);
  return Carried(branch.getResults());
}

} // namespace lutra
