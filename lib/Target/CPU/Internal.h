//===- Internal.h - the steps of emission, shared by this folder -------------===//
#ifndef LUTRA_LIB_TARGET_CPU_INTERNAL_H
#define LUTRA_LIB_TARGET_CPU_INTERNAL_H

#include "lutra/Target/CPU/CpuTarget.h"

#include "llvm/IR/Module.h"

#include <memory>

namespace lutra {

/// The bytes of the globals that a module's entry function uses, laid out by `lutra.offset`.
class WeightSection {
public:
  /// Every global with an offset; fails when one holds other bytes than its type needs.
  static mlir::FailureOr<WeightSection> collect(mlir::ModuleOp module);
  uint64_t size() const { return bytes; }
  /// Fills `target`, which has size() bytes and is zero.
  void copyTo(char *target) const;
  /// Writes the weights file and returns the hash of its contents. Weights that the compiler made are gone then: their
  /// memory is given back as they are written.
  mlir::FailureOr<uint64_t> writeFile(llvm::StringRef path, mlir::Location loc);

private:
  struct Part {
    uint64_t offset, bytes;
    mlir::ElementsAttr data;
    void copyTo(char *target) const;
  };
  llvm::SmallVector<Part> parts; // by offset
  uint64_t bytes = 0;
};

/// What the model's table says about weights.
struct WeightPlace {
  std::string file;            // name beside the artifact; empty: inside
  std::unique_ptr<char[]> inside;
  uint64_t bytes = 0, hash = 0;
};

/// Emits `lutra_table` and what it refers to.
void emitModelTable(llvm::Module &host, mlir::ModuleOp module, const CpuArtifactOptions &options,
                    const WeightPlace &weights);

/// Symbol of a kernel of a level.
std::string kernelSymbol(const CpuArtifactOptions &options, llvm::StringRef level,
                         llvm::StringRef kernel);

/// Gives values of bf16 and fp8 in a module of the LLVM dialect integer types.
void storeFloatsAsBits(mlir::ModuleOp module);

/// LLVM IR of one lowered module; kernels renamed, hidden and given the level's features.
std::unique_ptr<llvm::Module> translateModule(mlir::ModuleOp module, const CpuLevel *level,
                                              const CpuArtifactOptions &options,
                                              llvm::LLVMContext &context);
/// Links the runtime in, keeps <prefix>_get_model alone visible.
mlir::LogicalResult linkRuntime(llvm::Module &host, const CpuArtifactOptions &options,
                                mlir::Location loc);

/// Object code or assembly of a module.
mlir::LogicalResult generateCode(llvm::Module &module, bool assembly,
                                 llvm::SmallVectorImpl<char> &code, mlir::Location loc);

/// Writes a file, reporting a full disk or a missing folder as E0802.
mlir::LogicalResult writeFile(llvm::StringRef path, llvm::StringRef bytes, mlir::Location loc);
/// Flushes `from` to the disk and renames it to `to`: whoever looks sees the old file or the whole new one.
mlir::LogicalResult publishFile(llvm::StringRef from, llvm::StringRef to, mlir::Location loc);

mlir::LogicalResult linkSharedLibrary(llvm::ArrayRef<std::string> objects, llvm::StringRef path,
                                      const CpuArtifactOptions &options, mlir::Location loc);
mlir::LogicalResult linkObject(llvm::ArrayRef<std::string> objects, llvm::StringRef path,
                               mlir::Location loc);

} // namespace lutra

#endif // LUTRA_LIB_TARGET_CPU_INTERNAL_H
