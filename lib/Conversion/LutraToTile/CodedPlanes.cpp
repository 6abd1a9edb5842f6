//===- CodedPlanes.cpp - products of codes, bit by bit ------------------------===//
// A work item turns its rows into planes of bits once (lutra.tile_bit_planes), in the order that codes have in words;
// bits of both are joined and counted (lutra.tile_bitserial_matmul). What one plane, of 1 and -1, leaves out of a sum,
// (2^bits - 1) times the row's number of ones in the group, is where the sum begins.
#include "CodedEmission.h"

#include "lutra/Dialect/Lutra/IR/LutraTableOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace lutra;

static constexpr int64_t wordDepth = TileBitserialMatmulOp::wordDepth;

int64_t lutra::getLhsBits(RankedTensorType rhs) {
  EncodingAttr encoding = encodingOf(rhs);
  if (!encoding)
    return 8;
  const ActivationForm &form = encoding.getValue().activation;
  return form.kind == ActivationForm::Int && form.symmetric ? form.bits : 8;
}

LogicalResult CodedEmission::makePlanes() {
  const EncodedPanels &panels = weight->getPanels();
  int64_t bits = getLhsBits(cast<RankedTensorType>(op.getRhs().getType()));
  int64_t steps = llvm::divideCeil(depth, wordDepth);
  OpBuilder &builder = emitter.builder;
  planes = makeScratch(emitter, {rowBlocks.size, bits, steps}, builder.getI32Type());
  Value zero = emitter.constant(0);
  auto makeTile = [&](Value row, Value step, int64_t count) -> LogicalResult {
    auto type = TileType::get(builder.getContext(), {bits, count}, builder.getI32Type());
    Value tile = TileBitPlanesOp::create(builder, emitter.loc, type, lhs,
                                         lhsIndices(row, emitter.mul(step, emitter.constant(wordDepth))),
                                         panels.code.bits);
    TileWindow window;
    window.indices = {emitter.sub(row, rows.low), zero, step};
    window.shape = {bits, count};
    window.dims = {bits == 1 ? -1 : 1, count == 1 ? -1 : 2};
    window.steps = {1, 1};
    emitter.storeTile(tile, planes, window);
    return success();
  };
  LogicalResult made = emitter.forEach(rows.low, rows.high, emitter.constant(1), [&](Value row) -> LogicalResult {
    auto makePair = [&](Value step) { return makeTile(row, step, 2); };
    if (failed(emitter.forEach(zero, emitter.constant(steps / 2 * 2), emitter.constant(2), makePair)))
      return failure();
    return steps % 2 == 0 ? success() : makeTile(row, emitter.constant(steps - 1), 1);
  });
  if (failed(made) || bits > 1)
    return made;
  Type wide = builder.getI32Type();
  ones = makeScratch(emitter, {panels.groups(), rowBlocks.size}, wide);
  auto isOne = [&](OpBuilder &inner, Value value) -> Value {
    Value none = arith::ConstantIntOp::create(inner, emitter.loc, value.getType(), 0);
    Value flag = arith::CmpIOp::create(inner, emitter.loc, arith::CmpIPredicate::sgt, value, none);
    return arith::ExtUIOp::create(inner, emitter.loc, wide, flag);
  };
  auto scale = [&](OpBuilder &inner, Value total) -> Value {
    Value factor = arith::ConstantIntOp::create(inner, emitter.loc, wide, (int64_t(1) << panels.code.bits) - 1);
    return arith::MulIOp::create(inner, emitter.loc, total, factor);
  };
  return addRows(ones, isOne, scale);
}

Value CodedEmission::multiplyPlanes(const ProductSpot &spot, const Depth &part, const Source &source, Value sum) {
  const EncodedPanels &panels = weight->getPanels();
  if (ones) {
    Value group = emitter.div(part.low, emitter.constant(panels.group));
    Value start = loadOfRows(spot, ones, {group, emitter.sub(spot.row, rows.low)}, 1);
    sum = emitter.map({sum, start}, emitter.builder.getI32Type(), [&](OpBuilder &inner, ValueRange scalars) -> Value {
      return arith::AddIOp::create(inner, emitter.loc, scalars[0], scalars[1]);
    });
  }
  Value step = emitter.div(part.low, emitter.constant(wordDepth));
  Value word = emitter.mul(step, emitter.constant(panels.code.bits));
  return TileBitserialMatmulOp::create(emitter.builder, emitter.loc, sum.getType(), planes,
                                       ValueRange{emitter.sub(spot.row, rows.low), step}, source.buffer,
                                       ValueRange{source.panel, word}, sum, llvm::alignTo(part.size, wordDepth),
                                       panels.code.bits);
}
