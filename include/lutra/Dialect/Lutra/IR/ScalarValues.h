//===- ScalarValues.h - pointwise ops on single numbers, in double precision ---===//
// What the evaluator computes and what passes compute ahead of it: one definition for both.
#ifndef LUTRA_DIALECT_LUTRA_IR_SCALARVALUES_H
#define LUTRA_DIALECT_LUTRA_IR_SCALARVALUES_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

namespace lutra {

/// The scalar functions of lutra.unary and lutra.binary on floats.
double unaryValue(UnaryKind kind, double x);
double binaryValue(BinaryKind kind, double a, double b);
/// Whether lutra.compare of that kind holds.
template <typename T> bool compareValue(CompareKind kind, T a, T b) {
  switch (kind) {
  case CompareKind::Equal:
    return a == b;
  case CompareKind::NotEqual:
    return a != b;
  case CompareKind::Less:
    return a < b;
  case CompareKind::LessEqual:
    return a <= b;
  case CompareKind::Greater:
    return a > b;
  case CompareKind::GreaterEqual:
    return a >= b;
  }
  return false;
}

/// x / scale of lutra.quantize. The order of roundings is part of its meaning: operands and quotient are rounded to f32
/// unless `isDouble`, also when everything else is in f64, because a tie decides a code.
double quotientValue(double x, double scale, bool isDouble = false);
/// The code that lutra.quantize gives in an integer type; NaN counts as 0.
double quantizedValue(double x, double scale, double zero, mlir::IntegerType type, bool isDouble = false);

} // namespace lutra

#endif // LUTRA_DIALECT_LUTRA_IR_SCALARVALUES_H
