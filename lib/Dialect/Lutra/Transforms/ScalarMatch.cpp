//===- ScalarMatch.cpp - reading chains of pointwise ops as formulae -------===//
#include "ScalarMatch.h"

#include "mlir/IR/Matchers.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace lutra;

std::optional<double> lutra::scalarOf(Value value) {
  DenseElementsAttr data;
  if (!matchPattern(value, m_Constant(&data)) || data.getNumElements() == 0 || !data.isSplat())
    return std::nullopt;
  if (isa<FloatType>(data.getElementType()))
    return data.getSplatValue<APFloat>().convertToDouble();
  if (auto type = dyn_cast<IntegerType>(data.getElementType())) {
    APInt bits = data.getSplatValue<APInt>();
    return type.isUnsigned() || type.getWidth() == 1 ? (double)bits.getZExtValue()
                                                     : (double)bits.getSExtValue();
  }
  return std::nullopt;
}

bool lutra::isRounding(double value, double expected, Type element, unsigned roundings) {
  auto type = dyn_cast<FloatType>(element);
  if (!type)
    return value == expected;
  // The slack is for this comparison's own rounding in f64.
  double unit = std::ldexp(1.0, -(int)llvm::APFloat::semanticsPrecision(type.getFloatSemantics()));
  double limit = roundings * unit + 4 * std::numeric_limits<double>::epsilon();
  return std::fabs(value - expected) <= limit * std::fabs(expected);
}

UnaryOp lutra::definingUnary(Value value, UnaryKind kind) {
  auto op = value.getDefiningOp<UnaryOp>();
  return op && op.getKind() == kind ? op : UnaryOp();
}

BinaryOp lutra::definingBinary(Value value, BinaryKind kind) {
  auto op = value.getDefiningOp<BinaryOp>();
  return op && op.getKind() == kind ? op : BinaryOp();
}

Product lutra::factorsOf(Value value) {
  // An activation multiplies four factors at the most; longer products are not ours.
  constexpr size_t maxFactors = 8;
  Product product;
  SmallVector<Value> open{value};
  while (!open.empty()) {
    Value next = open.pop_back_val();
    if (std::optional<double> scalar = scalarOf(next)) {
      product.scalar *= *scalar;
      ++product.constants;
      continue;
    }
    auto op = next.getDefiningOp<BinaryOp>();
    if (op && op.getKind() == BinaryKind::Mul && open.size() + product.factors.size() < maxFactors) {
      open.push_back(op.getRhs());
      open.push_back(op.getLhs());
      continue;
    }
    if (op && op.getKind() == BinaryKind::Div) {
      if (std::optional<double> divisor = scalarOf(op.getRhs()); divisor && *divisor != 0.0) {
        product.scalar /= *divisor;
        ++product.constants;
        open.push_back(op.getLhs());
        continue;
      }
    }
    product.factors.push_back(next);
  }
  return product;
}

Value lutra::addedTo(Value value, double scalar) {
  BinaryOp sum = definingBinary(value, BinaryKind::Add);
  if (!sum)
    return {};
  for (auto [other, constant] : {std::pair(sum.getLhs(), sum.getRhs()), std::pair(sum.getRhs(), sum.getLhs())})
    if (std::optional<double> held = scalarOf(constant); held && *held == scalar)
      return other;
  return {};
}
