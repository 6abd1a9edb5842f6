//===- MilLowering.h - state of one function's way from lutra to mil --------===//
// Everything that the op families share: which mil value stands for a lutra value, names, element
// types, constants, and the list of what has no form. A family's function gets an op and either binds
// its result or declines with a reason; nothing stops at the first reason, so that a user sees all.
//
// Called once for each op of a function, in order.
#ifndef LUTRA_LIB_CONVERSION_LUTRATOMIL_MILLOWERING_H
#define LUTRA_LIB_CONVERSION_LUTRATOMIL_MILLOWERING_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Dialect/MIL/IR/MIL.h"

#include "mlir/IR/Builders.h"

#include "llvm/ADT/StringSet.h"

namespace lutra {

struct MilSettings {
  bool half = true;      // compute in fp16, else in fp32
  bool preferConv = false; // products with a constant as 1x1 convolutions
  int64_t spec = 9;
};

class MilLowering {
public:
  using Operand = std::pair<llvm::StringRef, mlir::Value>;
  using Param = std::pair<llvm::StringRef, mlir::Attribute>;

  MilLowering(mlir::OpBuilder &builder, mlir::SymbolTableCollection &symbols, MilSettings settings)
      : builder(builder), symbols(symbols), settings(settings) {}

  // Types. Floats compute in one type; integers of 32 and 64 bits are int32; null for other types.
  mlir::Type elementType(mlir::Type element) const;
  mlir::Type computeType() const;
  /// The mil type of a lutra tensor, or null.
  mlir::RankedTensorType typeOf(mlir::Type type) const;

  // Values.
  void bind(mlir::Value lutra, mlir::Value mil) { values[lutra] = mil; }
  /// The mil value of a lutra tensor; constants are made where they are first read. Null after the
  /// value's op, or the constant, was declined.
  mlir::Value valueOf(mlir::Value lutra);
  /// The attribute behind lutra.constant and lutra.weight, or null.
  mlir::ElementsAttr constantOf(mlir::Value lutra);
  /// A compile-time integer: an arith.constant, or the size of a static dimension.
  std::optional<int64_t> indexOf(mlir::Value index);

  // Building.
  /// One operation; its result type follows from the table. Null (and a reason for `current`) when the
  /// rule declines.
  mlir::Value apply(llvm::StringRef op, llvm::ArrayRef<Operand> operands,
                    llvm::ArrayRef<Param> params = {});
  mlir::Value constant(mlir::RankedTensorType type, llvm::ArrayRef<char> bytes, llvm::StringRef hint);
  /// A rank-0 constant of an element type.
  mlir::Value scalar(double value, mlir::Type element);
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  mlir::Value castTo(mlir::Value value, mlir::Type element);
  mlir::Value binary(llvm::StringRef op, mlir::Value x, mlir::Value y) {
    return apply(op, {{"x", x}, {"y", y}});
  }
  mlir::Value unary(llvm::StringRef op, mlir::Value x) { return apply(op, {{"x", x}}); }
  mlir::Attribute intAttr(int64_t value) { return builder.getI32IntegerAttr(value); }
  mlir::Attribute intsAttr(llvm::ArrayRef<int64_t> values);
  mlir::Attribute boolAttr(bool value) { return builder.getBoolAttr(value); }
  mlir::Attribute boolsAttr(llvm::ArrayRef<bool> values) { return builder.getDenseBoolArrayAttr(values); }
  mlir::Attribute stringAttr(llvm::StringRef value) { return builder.getStringAttr(value); }
  mlir::Attribute floatAttr(double value, mlir::Type element);

  /// Records that the current op has no form, and why. Always returns null.
  mlir::Value decline(const llvm::Twine &reason);
  /// A name that nothing in the function has yet, made from `hint`.
  std::string uniqueName(llvm::StringRef hint);

  mlir::OpBuilder &builder;
  mlir::SymbolTableCollection &symbols;
  MilSettings settings;
  mlir::Operation *current = nullptr;
  struct Refusal {
    mlir::Operation *op;
    std::string reason;
  };
  llvm::SmallVector<Refusal> refusals;
  /// Ops whose work another op's lowering took over (a bias).
  llvm::DenseSet<mlir::Operation *> absorbed;

private:
  /// Bytes of a constant in its mil element type; failure after declining.
  mlir::FailureOr<llvm::SmallVector<char, 0>> convertConstant(mlir::ElementsAttr value, mlir::Type element);

  llvm::DenseMap<mlir::Value, mlir::Value> values;
  llvm::DenseMap<mlir::Attribute, std::string> bases;
  llvm::StringSet<> names;
  llvm::StringMap<unsigned> counters;

  friend mlir::Value lowerConstantMatrix(MilLowering &, mlir::ElementsAttr, bool, llvm::StringRef);
};

/// A rank-2 constant in its mil type, transposed when asked. Null after declining.
mlir::Value lowerConstantMatrix(MilLowering &lowering, mlir::ElementsAttr value, bool transposed,
                                llvm::StringRef hint);

// One function for each op family: whether the op belongs to it. They bind the result or decline.
bool lowerMovement(MilLowering &lowering, mlir::Operation *op);
bool lowerPointwise(MilLowering &lowering, mlir::Operation *op);
bool lowerProduct(MilLowering &lowering, mlir::Operation *op);
bool lowerReduction(MilLowering &lowering, mlir::Operation *op);

} // namespace lutra

#endif // LUTRA_LIB_CONVERSION_LUTRATOMIL_MILLOWERING_H
