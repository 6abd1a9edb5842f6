//===- FewValues.cpp - tensors whose elements are a few known numbers ----------===//
#include "lutra/Dialect/Lutra/Transforms/FewValues.h"

#include "ScalarMatch.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

/// More are no signs any more.
static constexpr size_t mostNumbers = 4;
/// Ops between a product and the signs it reads: a padding, a transpose, and what training wraps around a sign.
static constexpr unsigned mostOps = 12;

bool FewValues::areSigns() const {
  return llvm::all_of(numbers, [](float number) { return number == -1 || number == 0 || number == 1; });
}

static std::optional<FewValues> find(Value value, unsigned ops);

/// Of both.
static std::optional<FewValues> join(std::optional<FewValues> left, std::optional<FewValues> right) {
  if (!left || !right)
    return std::nullopt;
  left->numbers.append(right->numbers);
  left->mayBeNan |= right->mayBeNan;
  return left;
}

template <typename Function> static std::optional<FewValues> map(std::optional<FewValues> values, Function function) {
  if (values)
    for (float &number : values->numbers)
      number = function(number);
  return values;
}

static std::optional<FewValues> findSigns(UnaryOp op, unsigned ops) {
  if (op.getKind() == UnaryKind::Neg)
    return map(find(op.getInput(), ops), [](float number) { return -number; });
  if (op.getKind() != UnaryKind::Sign)
    return std::nullopt;
  if (std::optional<FewValues> known = find(op.getInput(), ops))
    return map(std::move(known), [](float number) { return number > 0 ? 1.0f : number < 0 ? -1.0f : 0.0f; });
  return FewValues{{-1, 0, 1}, /*mayBeNan=*/true};
}

static std::optional<FewValues> findBinary(BinaryOp op, unsigned ops) {
  std::optional<double> left = scalarOf(op.getLhs()), right = scalarOf(op.getRhs());
  if (left.has_value() == right.has_value())
    return std::nullopt;
  auto scalar = static_cast<float>(left ? *left : *right);
  std::optional<FewValues> values = find(left ? op.getRhs() : op.getLhs(), ops);
  switch (op.getKind()) {
  case BinaryKind::Add: return map(std::move(values), [&](float number) { return number + scalar; });
  case BinaryKind::Mul: return map(std::move(values), [&](float number) { return number * scalar; });
  case BinaryKind::Sub:
    return map(std::move(values), [&](float number) { return left ? scalar - number : number - scalar; });
  default: return std::nullopt;
  }
}

static std::optional<FewValues> findOne(Value value, unsigned ops) {
  if (!cast<RankedTensorType>(value.getType()).getElementType().isF32())
    return std::nullopt;
  if (std::optional<double> scalar = scalarOf(value))
    return FewValues{{static_cast<float>(*scalar)}, std::isnan(*scalar)};
  Operation *op = value.getDefiningOp();
  if (!op || ops == 0)
    return std::nullopt;
  --ops;
  if (isa<TransposeOp, ReshapeOp, SliceOp, ExpandOp>(op))
    return find(op->getOperand(0), ops);
  if (auto pad = dyn_cast<PadOp>(op))
    return pad.getMode() == PadMode::Constant ? join(find(pad.getInput(), ops), find(pad.getValue(), ops))
                                              : find(pad.getInput(), ops);
  if (auto select = dyn_cast<SelectOp>(op))
    return join(find(select.getLhs(), ops), find(select.getRhs(), ops));
  if (auto cast = dyn_cast<CastOp>(op))
    return mlir::cast<RankedTensorType>(cast.getInput().getType()).getElementType().isInteger(1)
               ? std::optional(FewValues{{0, 1}})
               : std::nullopt;
  if (auto unary = dyn_cast<UnaryOp>(op))
    return findSigns(unary, ops);
  if (auto binary = dyn_cast<BinaryOp>(op))
    return findBinary(binary, ops);
  return std::nullopt;
}

static std::optional<FewValues> find(Value value, unsigned ops) {
  std::optional<FewValues> values = findOne(value, ops);
  if (!values)
    return std::nullopt;
  llvm::sort(values->numbers);
  values->numbers.erase(llvm::unique(values->numbers), values->numbers.end());
  bool isKnown = values->numbers.size() <= mostNumbers && llvm::none_of(values->numbers, [](float number) {
                   return !std::isfinite(number);
                 });
  return isKnown ? values : std::nullopt;
}

std::optional<FewValues> lutra::findFewValues(Value value) { return find(value, mostOps); }
