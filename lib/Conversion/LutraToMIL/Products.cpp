//===- Products.cpp - matmul, conv, pool --------------------------------------===//
// A matmul with a constant becomes `linear`, or a 1x1 convolution (about three times as fast on the
// engine, at the price of two layout changes); a bias that is its only user goes along. Windows that
// `ceil_mode` adds become explicit padding, which never counts.
#include "MilLowering.h"

#include "lutra/Support/ConstantBytes.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace lutra;

/// The add that follows as the only user of `product`, with a constant whose elements lie along `dim`
/// alone; `bias` becomes that constant.
static BinaryOp findBias(MilLowering &lowering, Value product, int64_t dim, Value &bias) {
  auto type = cast<RankedTensorType>(product.getType());
  if (!product.hasOneUse())
    return {};
  auto add = dyn_cast<BinaryOp>(*product.user_begin());
  if (!add || add.getKind() != BinaryKind::Add || add.getType() != type)
    return {};
  bias = add.getLhs() == product ? add.getRhs() : add.getLhs();
  auto biasType = dyn_cast<RankedTensorType>(bias.getType());
  if (!biasType || !lowering.constantOf(bias) || biasType.getRank() > type.getRank())
    return {};
  for (int64_t at = 0; at < biasType.getRank(); ++at) {
    int64_t aligned = at + type.getRank() - biasType.getRank();
    if (biasType.getDimSize(at) != (aligned == dim ? type.getDimSize(dim) : 1))
      return {};
  }
  return biasType.getNumElements() == type.getDimSize(dim) ? add : BinaryOp();
}

/// The bias as a vector.
static Value biasVector(MilLowering &lowering, Value bias) {
  Value value = lowering.valueOf(bias);
  if (!value)
    return {};
  auto constant = value.getDefiningOp<mil::ConstOp>();
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == 1)
    return value;
  FailureOr<SmallVector<char, 0>> bytes = constantBytes(constant.getValue());
  return lowering.constant(RankedTensorType::get({type.getNumElements()}, type.getElementType()), *bytes,
                           constant.getName());
}

/// x [.., K] times weight [N, K] transposed, plus bias.
static Value applyWeight(MilLowering &lowering, Value x, Value weight, Value bias) {
  auto type = cast<RankedTensorType>(x.getType());
  auto matrix = cast<RankedTensorType>(weight.getType());
  int64_t depth = matrix.getDimSize(1), columns = matrix.getDimSize(0);
  int64_t rows = type.getNumElements() / depth;
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = columns;
  auto withBias = [&](SmallVector<MilLowering::Operand> operands) {
    if (bias)
      operands.push_back({"bias", bias});
    return operands;
  };
  if (!lowering.settings.preferConv) {
    Value flat = type.getRank() > 3 ? lowering.reshape(x, {rows, depth}) : x;
    Value result = lowering.apply("linear", withBias({{"x", flat}, {"weight", weight}}));
    return result ? lowering.reshape(result, shape) : Value();
  }
  Value image = lowering.transpose(lowering.reshape(x, {1, 1, rows, depth}), {0, 3, 1, 2});
  auto constant = weight.getDefiningOp<mil::ConstOp>();
  FailureOr<SmallVector<char, 0>> bytes = constantBytes(constant.getValue());
  Value filter = lowering.constant(
      RankedTensorType::get({columns, depth, 1, 1}, matrix.getElementType()), *bytes, constant.getName());
  constant.erase();
  Value result = lowering.apply("conv", withBias({{"x", image}, {"weight", filter}}),
                                {{"strides", lowering.intsAttr({1, 1})},
                                 {"pad_type", lowering.stringAttr("valid")},
                                 {"pad", lowering.intsAttr({0, 0, 0, 0})},
                                 {"dilations", lowering.intsAttr({1, 1})},
                                 {"groups", lowering.intAttr(1)}});
  if (!result)
    return {};
  return lowering.reshape(lowering.transpose(result, {0, 2, 3, 1}), shape);
}

static void lowerMatmul(MilLowering &lowering, MatmulOp op) {
  Value lhs = lowering.valueOf(op.getLhs());
  auto rhsType = cast<RankedTensorType>(op.getRhs().getType());
  if (!lhs)
    return;
  if (!isa<FloatType>(getElementTypeOrSelf(op.getType())) || rhsType.getEncoding()) {
    lowering.decline("integer or encoded operands");
    return;
  }
  ElementsAttr constant = lowering.constantOf(op.getRhs());
  if (!constant || rhsType.getRank() != 2 || op.getTransposeLhs()) {
    lowering.bind(op, lowering.apply("matmul", {{"x", lhs}, {"y", lowering.valueOf(op.getRhs())}},
                                     {{"transpose_x", lowering.boolAttr(op.getTransposeLhs())},
                                      {"transpose_y", lowering.boolAttr(op.getTransposeRhs())}}));
    return;
  }
  auto weightOp = op.getRhs().getDefiningOp<WeightOp>();
  Value weight = lowerConstantMatrix(lowering, constant, !op.getTransposeRhs(),
                                     weightOp ? weightOp.getGlobal() : StringRef("weight"));
  if (!weight)
    return;
  Value bias, biasSource;
  BinaryOp add = findBias(lowering, op, op.getType().getRank() - 1, biasSource);
  if (add)
    bias = biasVector(lowering, biasSource);
  Value result = applyWeight(lowering, lhs, weight, bias);
  lowering.bind(op, result);
  if (add) {
    lowering.bind(add, result);
    lowering.absorbed.insert(add);
  }
}

/// [low0, high0, low1, high1, ..] as MIL wants it.
static SmallVector<int64_t> interleave(ArrayRef<int64_t> low, ArrayRef<int64_t> high) {
  SmallVector<int64_t> pad;
  for (auto [before, after] : llvm::zip_equal(low, high))
    pad.append({before, after});
  return pad;
}

static void lowerConv(MilLowering &lowering, ConvOp op) {
  if (op.getLayout() != ConvLayout::ChannelsFirst) {
    lowering.decline("channels last; convert before layouts are chosen");
    return;
  }
  SmallVector<MilLowering::Operand> operands{{"x", lowering.valueOf(op.getInput())},
                                             {"weight", lowering.valueOf(op.getFilter())}};
  Value biasSource;
  BinaryOp add = findBias(lowering, op, 1, biasSource);
  if (add)
    operands.push_back({"bias", biasVector(lowering, biasSource)});
  Value result = lowering.apply("conv", operands,
                                {{"strides", lowering.intsAttr(op.getStrides())},
                                 {"pad_type", lowering.stringAttr("custom")},
                                 {"pad", lowering.intsAttr(interleave(op.getLow(), op.getHigh()))},
                                 {"dilations", lowering.intsAttr(op.getDilations())},
                                 {"groups", lowering.intAttr(op.getGroups())}});
  lowering.bind(op, result);
  if (add) {
    lowering.bind(add, result);
    lowering.absorbed.insert(add);
  }
}

static void lowerPool(MilLowering &lowering, PoolOp op) {
  bool average = op.getKind() == PoolKind::Average;
  if (op.getLayout() != ConvLayout::ChannelsFirst) {
    lowering.decline("channels last; convert before layouts are chosen");
    return;
  }
  if (llvm::any_of(op.getDilations(), [](int64_t step) { return step != 1; })) {
    lowering.decline("dilations");
    return;
  }
  auto input = cast<RankedTensorType>(op.getInput().getType());
  auto output = cast<RankedTensorType>(op.getType());
  SmallVector<int64_t> high(op.getHigh());
  for (auto [dim, after] : llvm::enumerate(high)) {
    int64_t reach = (output.getDimSize(dim + 2) - 1) * op.getStrides()[dim] + op.getWindow()[dim];
    int64_t missing = reach - input.getDimSize(dim + 2) - op.getLow()[dim] - after;
    if (missing > 0 && average && op.getCountPadding()) {
      lowering.decline("ceil_mode with count_padding");
      return;
    }
    after += std::max<int64_t>(missing, 0);
  }
  SmallVector<MilLowering::Param> params{
      {"kernel_sizes", lowering.intsAttr(op.getWindow())},
      {"strides", lowering.intsAttr(op.getStrides())},
      {"pad_type", lowering.stringAttr("custom")},
      {"pad", lowering.intsAttr(interleave(op.getLow(), high))},
      {"ceil_mode", lowering.boolAttr(false)}};
  if (average)
    params.push_back({"exclude_padding_from_average", lowering.boolAttr(!op.getCountPadding())});
  lowering.bind(op, lowering.apply(average ? "avg_pool" : "max_pool",
                                   {{"x", lowering.valueOf(op.getInput())}}, params));
}

bool lutra::lowerProduct(MilLowering &lowering, Operation *op) {
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](MatmulOp matmul) { return lowerMatmul(lowering, matmul), true; })
      .Case([&](ConvOp conv) { return lowerConv(lowering, conv), true; })
      .Case([&](PoolOp pool) { return lowerPool(lowering, pool), true; })
      .Default([](Operation *) { return false; });
}
