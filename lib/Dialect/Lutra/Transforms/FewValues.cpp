//===- FewValues.cpp - tensors whose elements are a few known numbers ----------===//
#include "lutra/Dialect/Lutra/Transforms/FewValues.h"

#include "ScalarMatch.h"

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using namespace lutra;

/// More are no signs any more.
static constexpr size_t mostNumbers = 4;
/// Ops that are looked at between a product and the signs it reads: paddings, transposes, and what training wraps
/// around signs. Values behind them are unknown.
static constexpr size_t mostOps = 32;

using Known = llvm::DenseMap<Value, std::optional<FewValues>>;

bool FewValues::areSigns() const {
  return llvm::all_of(numbers, [](float number) { return number == -1 || number == 0 || number == 1; });
}

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

/// The constant of a sum or product with one constant of a single number, and the other operand.
static std::optional<std::pair<float, Value>> splitScalar(BinaryOp op) {
  std::optional<double> left = scalarOf(op.getLhs()), right = scalarOf(op.getRhs());
  if (left.has_value() == right.has_value())
    return std::nullopt;
  return std::pair(static_cast<float>(left ? *left : *right), left ? op.getRhs() : op.getLhs());
}

/// Whether one number says all of a value, and which.
static std::optional<FewValues> findScalar(Value value) {
  std::optional<double> scalar = scalarOf(value);
  return scalar ? std::optional(FewValues{{static_cast<float>(*scalar)}, std::isnan(*scalar)}) : std::nullopt;
}

/// The operands that the numbers of a value depend on.
static SmallVector<Value> sourcesOf(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !cast<RankedTensorType>(value.getType()).getElementType().isF32() || scalarOf(value))
    return {};
  if (isa<TransposeOp, ReshapeOp, SliceOp, ExpandOp>(op))
    return {op->getOperand(0)};
  if (auto pad = dyn_cast<PadOp>(op))
    return pad.getMode() == PadMode::Constant ? SmallVector<Value>{pad.getInput(), pad.getValue()}
                                              : SmallVector<Value>{pad.getInput()};
  if (auto select = dyn_cast<SelectOp>(op))
    return {select.getLhs(), select.getRhs()};
  if (auto unary = dyn_cast<UnaryOp>(op); unary && llvm::is_contained({UnaryKind::Neg, UnaryKind::Sign},
                                                                      unary.getKind()))
    return {unary.getInput()};
  if (auto binary = dyn_cast<BinaryOp>(op))
    if (std::optional<std::pair<float, Value>> split = splitScalar(binary))
      return {split->second};
  return {};
}

static std::optional<FewValues> applyUnary(UnaryOp op, std::optional<FewValues> input) {
  if (op.getKind() == UnaryKind::Neg)
    return map(std::move(input), [](float number) { return -number; });
  if (op.getKind() != UnaryKind::Sign)
    return std::nullopt;
  if (!input)
    return FewValues{{-1, 0, 1}, /*mayBeNan=*/true};
  return map(std::move(input), [](float number) { return number > 0 ? 1.0f : number < 0 ? -1.0f : 0.0f; });
}

static std::optional<FewValues> applyBinary(BinaryOp op, float scalar, std::optional<FewValues> other) {
  bool onLeft = scalarOf(op.getLhs()).has_value();
  switch (op.getKind()) {
  case BinaryKind::Add: return map(std::move(other), [&](float number) { return number + scalar; });
  case BinaryKind::Mul: return map(std::move(other), [&](float number) { return number * scalar; });
  case BinaryKind::Sub:
    return map(std::move(other), [&](float number) { return onLeft ? scalar - number : number - scalar; });
  default: return std::nullopt;
  }
}

/// From what its sources are.
static std::optional<FewValues> apply(Value value, ArrayRef<Value> sources, const Known &known) {
  if (sources.empty()) {
    if (!cast<RankedTensorType>(value.getType()).getElementType().isF32())
      return std::nullopt;
    auto cast = value.getDefiningOp<CastOp>();
    bool isTruth = cast && mlir::cast<RankedTensorType>(cast.getInput().getType()).getElementType().isInteger(1);
    return isTruth ? std::optional(FewValues{{0, 1}}) : findScalar(value);
  }
  Operation *op = value.getDefiningOp();
  std::optional<FewValues> first = known.lookup(sources.front());
  if (auto unary = dyn_cast<UnaryOp>(op))
    return applyUnary(unary, std::move(first));
  if (auto binary = dyn_cast<BinaryOp>(op))
    return applyBinary(binary, splitScalar(binary)->first, std::move(first));
  return sources.size() == 2 ? join(std::move(first), known.lookup(sources.back())) : first;
}

/// In order, each once; nothing where they are too many or not finite.
static std::optional<FewValues> settle(std::optional<FewValues> values) {
  if (!values)
    return std::nullopt;
  llvm::sort(values->numbers);
  values->numbers.erase(llvm::unique(values->numbers), values->numbers.end());
  bool isKnown = values->numbers.size() <= mostNumbers &&
                 llvm::all_of(values->numbers, [](float number) { return std::isfinite(number); });
  return isKnown ? values : std::nullopt;
}

std::optional<FewValues> lutra::findFewValues(Value value) {
  Known known;
  SmallVector<Value> open{value}; // each behind those that wait for it
  size_t looked = 0;
  while (!open.empty()) {
    Value next = open.back();
    SmallVector<Value> sources = sourcesOf(next), waiting;
    for (Value source : sources)
      if (!known.contains(source) && !llvm::is_contained(waiting, source))
        waiting.push_back(source);
    if (!waiting.empty() && looked < mostOps) {
      ++looked;
      llvm::append_range(open, waiting);
      continue;
    }
    open.pop_back();
    known.try_emplace(next, settle(apply(next, sources, known)));
  }
  return known.lookup(value);
}
