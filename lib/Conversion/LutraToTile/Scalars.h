//===- Scalars.h - scalar functions of the pointwise ops --------------------===//
#ifndef LUTRA_LIB_CONVERSION_LUTRATOTILE_SCALARS_H
#define LUTRA_LIB_CONVERSION_LUTRATOTILE_SCALARS_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/IR/Builders.h"

namespace lutra {

/// Writes arith and math ops on scalars, in compute types (see getComputeType). A type given beside
/// a value is the graph's element type: it tells signed from unsigned. Null: no such function.
struct ScalarBuilder {
  mlir::OpBuilder &builder;
  mlir::Location loc;

  mlir::Value unary(UnaryKind kind, mlir::Value x, mlir::Type type);
  mlir::Value binary(BinaryKind kind, mlir::Value a, mlir::Value b, mlir::Type type);
  mlir::Value compare(CompareKind kind, mlir::Value a, mlir::Value b, mlir::Type type);
  /// Sum, product, maximum, minimum.
  mlir::Value combine(ReduceKind kind, mlir::Value a, mlir::Value b, mlir::Type type);
  /// Conversion between element types as lutra.cast defines it. Operand and result are signless.
  mlir::Value cast(mlir::Value x, mlir::Type from, mlir::Type to);
  /// To and from the type that arithmetic is done in.
  mlir::Value toCompute(mlir::Value x);
  mlir::Value fromCompute(mlir::Value x, mlir::Type to);
  /// round(x) limited to [low, high], as an integer of type `to`. NaN becomes 0.
  mlir::Value saturate(mlir::Value x, mlir::Type to);
  /// lutra.requantize of input, multiplier and offset.
  mlir::Value requantize(mlir::ValueRange operands, mlir::Type from, int64_t shift, mlir::Type to);
  /// x limited to [low, high]; NaN stays.
  mlir::Value limit(mlir::Value x, double low, double high);

  mlir::Value number(mlir::Type type, double value);
  /// What a reduction starts from, for the graph's element type.
  static mlir::TypedAttr neutral(ReduceKind kind, mlir::Type type);

private:
  mlir::Value floatUnary(UnaryKind kind, mlir::Value x);
  mlir::Value integerUnary(UnaryKind kind, mlir::Value x, mlir::Type type);
  mlir::Value floatBinary(BinaryKind kind, mlir::Value a, mlir::Value b);
  mlir::Value integerBinary(BinaryKind kind, mlir::Value a, mlir::Value b, mlir::Type type);
  mlir::Value safeDivisor(mlir::Value a, mlir::Value b, bool isSigned);
};

/// Whether a graph element type is unsigned (ui8..ui64, i1).
bool isUnsignedElement(mlir::Type type);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOTILE_SCALARS_H
