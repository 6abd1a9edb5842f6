//===- KernelLaunches.h - who launches a kernel, and with which weights ------===//
#ifndef LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_KERNELLAUNCHES_H
#define LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_KERNELLAUNCHES_H

#include "lutra/Dialect/Lutra/IR/Lutra.h"

#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/StringMap.h"

namespace lutra {

/// The launches of each kernel of a module. Stays true while launches are changed, not while they come and go.
class KernelLaunches {
public:
  explicit KernelLaunches(mlir::ModuleOp module);

  /// In the order of the program.
  llvm::ArrayRef<LaunchOp> of(KernelOp kernel) const;

  /// Whether `value` is an argument of a kernel that every launch of it, and at least one, fills with a weight.
  bool isWeight(mlir::Value value) const;

private:
  llvm::StringMap<llvm::SmallVector<LaunchOp>> launches; // by the kernel's name
};

} // namespace lutra

#endif // LUTRA_LIB_DIALECT_LUTRA_TRANSFORMS_KERNELLAUNCHES_H
