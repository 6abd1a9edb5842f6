//===- Map.cpp - element-wise tile ops of one thread -----------------------===//
// A region is cloned once for each register. Operands arrive in the result's layout or in a
// projection of it, so that broadcasting is a choice of register.
#include "BlockEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace lutra {

/// e^x in f32: 2^t from the special-function unit for t = x log2(e) rounded, corrected by the rounding error
/// of t. Relative error below 2^-21; results below 2^-126 are zero; infinities and NaN as in C.
static Value emitExp(ImplicitLocOpBuilder &at, Value x) {
  auto constant = [&](float value) -> Value {
    return arith::ConstantOp::create(at, at.getF32FloatAttr(value));
  };
  Value bounded = arith::MaximumFOp::create(at, x, constant(-150.0f));
  bounded = arith::MinimumFOp::create(at, bounded, constant(150.0f));
  Value log2e = constant(0x1.715476p+0f), rest = constant(0x1.4ae0cp-26f);
  Value power = arith::MulFOp::create(at, bounded, log2e);
  Value error = math::FmaOp::create(at, bounded, log2e, arith::NegFOp::create(at, power));
  error = math::FmaOp::create(at, bounded, rest, error);
  Value result =
      LLVM::InlineAsmOp::create(at, at.getF32Type(), power, "ex2.approx.ftz.f32 $0, $1;", "=f,f",
                                /*has_side_effects=*/false, /*is_align_stack=*/false,
                                LLVM::TailCallKind::None, LLVM::AsmDialectAttr{}, ArrayAttr{})
          .getResult(0);
  Value correction = math::FmaOp::create(at, error, constant(0x1.62e43p-1f), constant(1.0f));
  return arith::MulFOp::create(at, result, correction);
}

/// A copy of one scalar op; `exp` becomes its own sequence.
static void emitScalar(ImplicitLocOpBuilder &at, Operation &op, IRMapping &mapping) {
  auto exp = dyn_cast<math::ExpOp>(op);
  if (!exp || !isa<Float32Type, Float16Type, BFloat16Type>(exp.getType())) {
    at.clone(op, mapping);
    return;
  }
  Value x = mapping.lookup(exp.getOperand());
  bool narrow = !exp.getType().isF32();
  if (narrow)
    x = arith::ExtFOp::create(at, at.getF32Type(), x);
  Value result = emitExp(at, x);
  if (narrow)
    result = arith::TruncFOp::create(at, exp.getType(), result);
  mapping.map(exp.getResult(), result);
}

LogicalResult BlockEmitter::emitMap(TileMapOp op) {
  const LinearLayout &layout = distribution.get(op.getResult(0));
  struct Operand {
    Fragment fragment;
    SmallVector<int64_t> registers; // of the fragment, for each register of the result
  };
  SmallVector<Operand, 4> operands;
  for (Value input : op.getInputs()) {
    SmallVector<int64_t, 2> shape = getPaddedShape(cast<TileType>(input.getType()));
    LinearLayout wanted = LinearLayout::blocked({}, 1, blockWarpBits);
    if (!shape.empty()) {
      SmallVector<bool> removed;
      for (auto [mine, theirs] : llvm::zip_equal(shape, layout.getShape()))
        removed.push_back(mine == 1 && theirs != 1);
      wanted = layout.project(removed);
    }
    Operand operand{getAs(input, wanted), {}};
    if (shape.empty())
      operand.registers.assign(layout.getNumRegisters(), 0);
    else
      operand.registers = *layout.registersFrom(operand.fragment.layout);
    operands.push_back(std::move(operand));
  }
  Block &body = op.getBody().front();
  SmallVector<Fragment> results(op.getNumResults());
  for (Fragment &result : results)
    result.layout = layout;
  for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
    IRMapping mapping;
    for (auto [argument, operand] : llvm::zip_equal(body.getArguments(), operands))
      mapping.map(argument, operand.fragment.registers[operand.registers[reg]]);
    for (Operation &inner : body.without_terminator())
      emitScalar(at, inner, mapping);
    for (auto [result, value] : llvm::zip_equal(results, body.getTerminator()->getOperands()))
      result.registers.push_back(mapping.lookup(value));
  }
  for (auto [value, fragment] : llvm::zip_equal(op.getResults(), results)) {
    if (distribution.get(value) != layout)
      fragment = convert(fragment, cast<TileType>(value.getType()), distribution.get(value));
    bind(value, std::move(fragment));
  }
  return success();
}

LogicalResult BlockEmitter::emitFill(TileFillOp op) {
  const LinearLayout &layout = distribution.get(op.getResult());
  bind(op.getResult(),
       {layout, SmallVector<Value, 0>(layout.getNumRegisters(), lookup(op.getValue()))});
  return success();
}

LogicalResult BlockEmitter::emitIota(TileIotaOp op) {
  const LinearLayout &layout = distribution.get(op.getResult());
  Fragment fragment{layout, {}};
  Type element = cast<TileType>(op.getType()).getElementType();
  unsigned dim = op.getDim();
  Value first = arith::IndexCastOp::create(at, at.getIndexType(), threadCoordinate(layout, dim));
  first = add(lookup(op.getBase()), first);
  for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg) {
    Value position = add(first, index(layout.registerPoint(reg)[dim]));
    fragment.registers.push_back(
        element.isIndex() ? position
                          : Value(arith::IndexCastOp::create(at, element, position)));
  }
  bind(op.getResult(), std::move(fragment));
  return success();
}

LogicalResult BlockEmitter::emitExtract(TileExtractOp op) {
  // A tile of one element is the same in every thread.
  Fragment fragment = getAs(op.getInput(), distribution.get(op.getInput()));
  assert(fragment.registers.size() == 1 && "only a tile of one element has a scalar");
  scalars.map(op.getResult(), fragment.registers.front());
  return success();
}

} // namespace lutra
