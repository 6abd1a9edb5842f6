//===- Array.h - a tensor value inside the evaluator -----------------------===//
#ifndef LUTRA_LIB_REFERENCE_ARRAY_H
#define LUTRA_LIB_REFERENCE_ARRAY_H

#include "Bounded.h"

#include "lutra/Reference/Tensor.h"

#include "mlir/IR/BuiltinTypes.h"

#include <memory>

namespace lutra {

/// Element values of a tensor or a tile, row-major. Exactly one of `floats` and `integers` is used,
/// by the element type. `errors` is empty (exact) or has one bound for each element.
struct Array {
  mlir::Type elementType;
  llvm::SmallVector<int64_t> shape;
  std::vector<double> floats;
  std::vector<int64_t> integers;
  std::vector<double> errors;
  std::vector<uint8_t> stored; // what an encoded weight was read from

  bool isFloat() const { return llvm::isa<mlir::FloatType>(elementType); }
  int64_t rank() const { return shape.size(); }
  int64_t count() const;
  double errorAt(int64_t index) const { return errors.empty() ? 0 : errors[index]; }
  Bounded at(int64_t index) const { return {floats[index], errorAt(index)}; }
  /// Element as a float whatever its type is.
  double asFloat(int64_t index) const;
};

using ArrayPtr = std::shared_ptr<const Array>;

/// A zero-filled array.
std::shared_ptr<Array> makeArray(mlir::Type elementType, llvm::ArrayRef<int64_t> shape);

/// Row-major strides of a shape, in elements.
llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> shape);

/// Calls `body(index, linear)` for each position of a shape in row-major order.
void forEachPosition(llvm::ArrayRef<int64_t> shape,
                     llvm::function_ref<void(llvm::ArrayRef<int64_t>, int64_t)> body);

/// Offset of a position under strides.
int64_t offsetOf(llvm::ArrayRef<int64_t> index, llvm::ArrayRef<int64_t> strides);

/// Strides under which an operand of `shape` is read at positions of `result` (NumPy broadcasting), or
/// nothing when the shapes do not fit.
std::optional<llvm::SmallVector<int64_t>> broadcastStrides(llvm::ArrayRef<int64_t> shape,
                                                           llvm::ArrayRef<int64_t> result);

/// Bits of an integer or index type, and whether it is unsigned (i1 counts as unsigned).
unsigned integerBits(mlir::Type type);
bool isUnsignedType(mlir::Type type);
/// `value` wrapped to the width of an integer type, extended by its signedness.
int64_t wrapToType(mlir::Type type, int64_t value);
/// `value` rounded to a float type.
double roundToType(mlir::Type type, double value);

/// Copies element `from` of `source` to element `to` of `dest`, with its error.
void copyElement(const Array &source, int64_t from, Array &dest, int64_t to);

ArrayPtr arrayFromTensor(const Tensor &tensor, mlir::Type elementType);
Tensor tensorFromArray(const Array &array);

} // namespace lutra

#endif // LUTRA_LIB_REFERENCE_ARRAY_H
