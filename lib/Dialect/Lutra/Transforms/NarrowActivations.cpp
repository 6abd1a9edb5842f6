//===- NarrowActivations.cpp - left-hand sides in fp8 and f16 ---------------===//
// The encoding of a weight may ask for activations that are floats of few bits. No instruction of a CPU multiplies fp8,
// and few multiply f16 into sums of f32: they save bytes between kernels, and the products are those of f32, or of
// bf16, which holds every number of fp8. So the rounding is written out, and the encoding says what the product may
// still round: to bf16 after fp8, nothing after f16. The scale of a row is applied to its results, that of a group
// along K to the values of the codes.
#include "lutra/Dialect/Lutra/Transforms/Passes.h"

#include "GroupCodes.h"
#include "ScalarConstant.h"

#include "lutra/Dialect/Lutra/IR/Fp8Types.h"
#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/IR/Remarks.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <map>
#include <tuple>

using namespace mlir;
using namespace lutra;

#define DEBUG_TYPE "lutra-narrow-activations"

namespace lutra {
#define GEN_PASS_DEF_NARROWACTIVATIONS
#include "lutra/Dialect/Lutra/Transforms/Passes.h.inc"
} // namespace lutra

namespace {
/// Floats of few bits, and the scales of their groups.
struct Narrowed {
  Value codes, scale; // scale may be null
};

struct NarrowActivations final : lutra::impl::NarrowActivationsBase<NarrowActivations> {
  using Base::Base;
  void runOnOperation() override;

private:
  void narrow(MatmulOp op);
  Narrowed toHalf(OpBuilder &builder, Value value);
  Narrowed toFp8(OpBuilder &builder, Value value, FloatType element, int64_t group);

  std::map<std::tuple<void *, ActivationForm::Kind, int64_t>, Narrowed> done; // by value, type and group
};
} // namespace

static ActivationForm::Kind formOf(RankedTensorType type) {
  EncodingAttr encoding = encodingOf(type);
  return encoding ? encoding.getValue().activation.kind : ActivationForm::Unset;
}

/// Values beyond the greatest of f16 count as that.
Narrowed NarrowActivations::toHalf(OpBuilder &builder, Value value) {
  Location loc = value.getLoc();
  auto type = cast<RankedTensorType>(value.getType());
  for (auto [kind, bound] : {std::pair(BinaryKind::Min, 65504.0), {BinaryKind::Max, -65504.0}})
    value = BinaryOp::create(builder, loc, type, kind, value, makeScalar(builder, loc, type.getElementType(), bound));
  Value half = CastOp::create(builder, loc, type.clone(builder.getF16Type()), value);
  return {half, {}};
}

Narrowed NarrowActivations::toFp8(OpBuilder &builder, Value value, FloatType element, int64_t group) {
  DynamicQuantizeOp made = roundGroups(builder, value, element, group, /*bits=*/8, /*hasZeroPoints=*/false);
  return {made.getCodes(), made.getScale()};
}

void NarrowActivations::narrow(MatmulOp op) {
  auto lhs = cast<RankedTensorType>(op.getLhs().getType());
  EncodingAttr encoding = encodingOf(cast<RankedTensorType>(op.getRhs().getType()));
  const ActivationForm form = encoding ? encoding.getValue().activation : ActivationForm();
  bool isHalf = form.kind == ActivationForm::F16;
  if (!isHalf && (!form.isFp8() || form.group == 0)) // one scale for a tensor: whoever knows it wrote it out
    return;
  auto opts = remark::RemarkOpts::name("NarrowActivations").category(DEBUG_TYPE);
  if (op.getScale() || !lhs.getElementType().isF32() || lhs.getRank() == 0) {
    remark::missed(op.getLoc(), opts) << remark::reason("the left-hand side is no tensor of f32");
    return;
  }
  if (!isHalf && (op.getTransposeLhs() || lhs.isDynamicDim(lhs.getRank() - 1) || lhs.getShape().back() < 1)) {
    remark::missed(op.getLoc(), opts) << remark::reason("rows along K of known length have scales, others have none");
    return;
  }
  int64_t depth = lhs.getShape().back(), group = 0;
  if (!isHalf)
    group = form.group == kWhole ? depth : std::min(form.group, depth);
  Narrowed &made = done[{op.getLhs().getAsOpaquePointer(), form.kind, group}];
  if (!made.codes) {
    OpBuilder builder(op.getContext());
    builder.setInsertionPointAfterValue(op.getLhs());
    made = isHalf ? toHalf(builder, op.getLhs())
                  : toFp8(builder, op.getLhs(), getFp8Type(op.getContext(), form.kind), group);
  }
  // Each product widens for itself, in its kernel.
  OpBuilder builder(op);
  bool scalesRows = made.scale && group == depth;
  Value values = made.scale && !scalesRows
                     ? DequantizeOp::create(builder, op.getLoc(), lhs, made.codes, made.scale, /*zero_point=*/Value(),
                                            lhs.getRank() - 1, group)
                           .getResult()
                     : CastOp::create(builder, op.getLoc(), lhs, made.codes).getResult();
  op.getLhsMutable().set(values);
  if (scalesRows) {
    builder.setInsertionPointAfter(op);
    auto scaled = BinaryOp::create(builder, op.getLoc(), op.getType(), BinaryKind::Mul, op.getResult(), made.scale);
    op.getResult().replaceAllUsesExcept(scaled, scaled);
  }
  remark::passed(op.getLoc(), opts) << remark::metric("Group", group);
}

void NarrowActivations::runOnOperation() {
  SmallVector<MatmulOp> products;
  getOperation().walk([&](MatmulOp op) { products.push_back(op); });
  for (MatmulOp op : products)
    narrow(op);
  done.clear();
  // What is left to round.
  auto settle = [](RankedTensorType type) -> RankedTensorType {
    ActivationForm::Kind kind = formOf(type);
    if (kind != ActivationForm::E4M3 && kind != ActivationForm::E5M2 && kind != ActivationForm::F16)
      return type;
    EncodingAttr attr = encodingOf(type);
    Encoding encoding = attr.getValue();
    encoding.activation = ActivationForm();
    if (kind != ActivationForm::F16)
      encoding.activation.kind = ActivationForm::BF16;
    return RankedTensorType::get(type.getShape(), type.getElementType(),
                                 EncodingAttr::get(type.getContext(), encoding, attr.getPacking()));
  };
  getOperation().walk([&](Operation *op) {
    if (auto global = dyn_cast<GlobalOp>(op))
      global.setType(settle(cast<RankedTensorType>(global.getType())));
    else if (auto weight = dyn_cast<WeightOp>(op))
      if (auto type = dyn_cast<RankedTensorType>(weight.getType())) // else a buffer: nothing is chosen any more
        weight.getResult().setType(settle(type));
  });
}
