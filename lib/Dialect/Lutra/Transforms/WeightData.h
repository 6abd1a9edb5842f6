//===- WeightData.h - bytes of a module's weights, for passes that rewrite them ===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_WEIGHTDATA_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_WEIGHTDATA_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"

#include <optional>

namespace lutra {

/// Constant elements in row-major order, as stored: `width` bytes each, one alone when `splat`.
struct WeightBytes {
  llvm::ArrayRef<char> data;
  int64_t width = 0;
  bool splat = false;

  const char *element(int64_t index) const { return data.data() + (splat ? 0 : index * width); }
  /// Whether `reals` reads elements of a type: f32, f16 and bf16.
  static bool hasReals(mlir::Type type);
  /// Every `stride`-th element from `first` on, of a type that hasReals takes.
  void reals(mlir::Type type, int64_t first, int64_t stride, llvm::MutableArrayRef<float> values) const;
  /// An element of an integer type.
  int64_t integer(int64_t index, bool isUnsigned) const;
};

/// Finds, reads and adds the globals of one module. Values of a `lutra.weight` or a `lutra.constant`
/// are constant; a truth value (i1), an encoded or a packed weight is not readable here.
class WeightStore {
public:
  explicit WeightStore(mlir::ModuleOp module);

  /// The global that `value` names, or null.
  GlobalOp getGlobal(mlir::Value value);
  /// The elements of a constant value.
  std::optional<WeightBytes> read(mlir::Value value);
  /// The elements of a global.
  static std::optional<WeightBytes> read(GlobalOp global);
  /// What is stored for a global, whatever its form.
  static std::optional<WeightBytes> readStored(GlobalOp global);
  /// A zero-filled buffer for the data of `add`.
  static mlir::AsmResourceBlob allocate(int64_t bytes);
  /// Adds a global whose data is `blob`: rows of the type's elements, or bytes for a packed type.
  /// `base` is a name to start from.
  GlobalOp add(mlir::Location loc, llvm::StringRef base, mlir::RankedTensorType type,
               mlir::AsmResourceBlob blob);
  /// Adds a global with the bytes of another one, which mean something else in its type.
  GlobalOp addView(GlobalOp global, llvm::StringRef base, mlir::RankedTensorType type);
  /// Removes globals that nothing names any more.
  void removeUnused();

private:
  mlir::ModuleOp module;
  mlir::SymbolTable symbols;
};

/// Bytes of one stored element; nothing for a type without whole bytes.
std::optional<int64_t> elementBytes(mlir::Type type);

/// Writes a number, rounded half to even, as an element of a float type.
void writeReal(double value, mlir::FloatType type, char *out);

/// Copies a tensor of `shape` with its dimensions in the order of `permutation` (result dimension i is source
/// dimension permutation[i]).
void permuteBytes(WeightBytes source, llvm::ArrayRef<int64_t> shape,
                  llvm::ArrayRef<int64_t> permutation, char *destination);

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_WEIGHTDATA_H
