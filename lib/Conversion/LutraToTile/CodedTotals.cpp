//===- CodedTotals.cpp - sums of rows beside rescaled codes --------------------===//
// Instructions of VNNI multiply bytes without a sign by bytes with one. Codes that become bytes with one scale a column
// (CodedRescale.cpp) are raised by 128 then, by an offset that has it already, and what that adds is taken off the sums
// of all of K:
//
//   sum over k of x[k] * byte[k] = sum(x[k] * (byte[k] + 128)) - 128 * sum(x[k])
//
// modulo 2^32, which holds the result. Where rows are packed, a product with bytes of 128 makes their totals.
#include "CodedEmission.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lutra;

/// A place for the totals of the item's rows.
void CodedEmission::planTotals() {
  if (unpacking.isSigned)
    return;
  auto count = static_cast<int64_t>(llvm::alignTo(rowBlocks.size, packedRows));
  unpacking.totals = makeScratch(emitter, {1, count}, emitter.builder.getI32Type());
}

/// Makes them, or 0, to which copies of rows add.
LogicalResult CodedEmission::sumRows() {
  if (!unpacking.totals)
    return success();
  Type wide = emitter.builder.getI32Type();
  unpacking.addsTotals = unpacking.packsRows;
  if (unpacking.packsRows) {
    makeUnits(llvm::alignTo(unpacking.depth, unpacking.step), byteOffset);
    int64_t count = cast<MemRefType>(unpacking.totals.getType()).getDimSize(1);
    TileWindow window = TileWindow::row({emitter.constant(0), emitter.constant(0)}, 1, count);
    emitter.storeTile(emitter.fill(emitter.builder.getI32IntegerAttr(0), {count}), unpacking.totals, window);
    return success();
  }
  auto widen = [&](OpBuilder &builder, Value value) -> Value {
    return arith::ExtSIOp::create(builder, emitter.loc, wide, value);
  };
  return addRows(unpacking.totals, widen, [&](OpBuilder &builder, Value total) -> Value {
    Value offset = arith::ConstantIntOp::create(builder, emitter.loc, wide, byteOffset);
    return arith::MulIOp::create(builder, emitter.loc, total, offset);
  });
}

/// Adds some steps of K of a block of packed rows.
void CodedEmission::addTotals(Value block, const Depth &part) {
  Type wide = emitter.builder.getI32Type();
  TileWindow window;
  window.indices = {emitter.constant(0), emitter.mul(block, emitter.constant(packedRows))};
  window.shape = {1, packedRows};
  window.dims = {-1, 1};
  window.steps = {1, 1};
  Value before = emitter.loadTile(unpacking.totals, window, wide);
  int64_t steps = llvm::alignTo(part.size, unpacking.step);
  emitter.storeTile(sumWords(block, emitter.constant(0), steps, before), unpacking.totals, window);
}

/// Takes off sums of all of K what they have too much.
Value CodedEmission::lowerSums(const ProductSpot &spot, Value sum) {
  if (!unpacking.totals)
    return sum;
  Value total = loadOfRows(spot, unpacking.totals, {emitter.constant(0), emitter.sub(spot.row, rows.low)}, 1);
  return emitter.map({sum, total}, emitter.builder.getI32Type(), [&](OpBuilder &builder, ValueRange scalars) -> Value {
    return arith::SubIOp::create(builder, emitter.loc, scalars[0], scalars[1]);
  });
}
