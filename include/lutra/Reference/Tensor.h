//===- Tensor.h - a dense array in host memory -----------------------------===//
// The currency of the evaluator, the compare library and the tools: element kind, shape and bytes in
// row-major order. It knows no MLIR context, so that files, seeds and runtime results meet here.
#ifndef LUTRA_REFERENCE_TENSOR_H
#define LUTRA_REFERENCE_TENSOR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace mlir {
class MLIRContext;
class Type;
} // namespace mlir

namespace lutra {

/// Element kinds that a host tensor can hold. Sub-byte integers and booleans take one byte each.
enum class ElementKind : uint8_t {
  F64,
  F32,
  F16,
  BF16,
  F8E4M3FN,
  F8E5M2,
  F8E4M3FNUZ,
  F8E5M2FNUZ,
  I1,
  I2,
  I4,
  I8,
  I16,
  I32,
  I64,
  UI2,
  UI4,
  UI8,
  UI16,
  UI32,
  UI64
};

bool isFloatKind(ElementKind kind);
bool isUnsignedKind(ElementKind kind);
/// Value bits: 1 for I1, 4 for I4, 16 for BF16.
unsigned bitsOf(ElementKind kind);
/// Bytes of one stored element.
int64_t bytesOf(ElementKind kind);
/// The spelling of the type in IR: "f32", "ui8".
llvm::StringRef nameOf(ElementKind kind);
/// The kind of an element type (index counts as i64), or nothing when no kind fits.
std::optional<ElementKind> elementKindOf(mlir::Type type);
mlir::Type typeOf(ElementKind kind, mlir::MLIRContext *context);

/// `value` rounded (half to even) to a float kind; overflow gives infinity, or NaN for formats
/// without infinities.
double roundToKind(ElementKind kind, double value);
/// `value` wrapped to the width of an integer kind and extended to 64 bits by its signedness.
int64_t wrapToKind(ElementKind kind, int64_t value);

/// The number of elements of a shape, or nothing when a size is negative or the product overflows.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape);

/// A dense row-major array.
class Tensor {
public:
  Tensor() = default;
  /// Zero-filled. The shape must have a representable element count.
  Tensor(ElementKind kind, llvm::ArrayRef<int64_t> shape);

  ElementKind getKind() const { return kind; }
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  int64_t getCount() const { return count; }
  llvm::ArrayRef<char> getBytes() const { return bytes; }
  llvm::MutableArrayRef<char> getBytes() { return bytes; }
  bool isFloat() const { return isFloatKind(kind); }

  /// Element `index` as a float (integers are converted).
  double getFloat(int64_t index) const;
  /// Element `index` of an integer tensor, sign- or zero-extended (ui64: the bit pattern).
  int64_t getInt(int64_t index) const;
  /// Stores a value, rounded or wrapped to the kind.
  void setFloat(int64_t index, double value);
  void setInt(int64_t index, int64_t value);

private:
  ElementKind kind = ElementKind::F32;
  llvm::SmallVector<int64_t> shape;
  int64_t count = 1;
  std::vector<char> bytes = std::vector<char>(4);
};

} // namespace lutra

#endif // LUTRA_REFERENCE_TENSOR_H
