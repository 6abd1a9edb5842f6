//===- CpuTarget.h - from planned modules to a CPU artifact -----------------===//
// Three steps, each usable alone: lower nested kernel modules and the host module to the LLVM dialect; emit
// objects; link and publish them. All temporaries live in one folder that the caller names and removes.
#ifndef LUTRA_TARGET_CPU_CPUTARGET_H
#define LUTRA_TARGET_CPU_CPUTARGET_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/LLVM.h"

#include <functional>
#include <string>

namespace llvm {
class Constant;
class Module;
} // namespace llvm

namespace lutra {

/// The machines that artifacts are made for.
inline constexpr llvm::StringLiteral x86Triple = "x86_64-linux-gnu", aarch64Triple = "aarch64-linux-gnu";

/// One instruction-set level that an artifact may hold.
struct CpuLevel {
  llvm::StringRef name;
  llvm::StringRef tileTarget; // whose tile shapes it uses (Machine/TileTarget.h)
  llvm::StringRef cpu;        // LLVM's tuning model and base features
  llvm::StringRef features;   // on top of it
  unsigned vectorBits;
  uint64_t required; // LUTRA_CPU_* bits that the runtime checks
  llvm::StringRef triple = x86Triple;
};

/// The level of that name, or null.
const CpuLevel *getCpuLevel(llvm::StringRef name);
/// All names, best first; those of one machine where it is named.
llvm::SmallVector<llvm::StringRef> getCpuLevelNames(llvm::StringRef triple = {});
/// The best level that this machine can run.
llvm::StringRef getNativeCpuLevel();

/// Kernels that run on a device. The host part, the kernels' grids and the runtime are a CPU's all the same.
struct DeviceCode {
  /// Symbol of the host function that counts a kernel's work items at a level.
  using GridSymbol = llvm::function_ref<std::string(llvm::StringRef level, llvm::StringRef kernel)>;

  std::string target;      // what the model says that it runs on
  llvm::StringRef backend; // the runtime's symbol
  llvm::SmallVector<CpuLevel> levels; // of the grids, named after the device's levels
  std::string assembly;               // of all levels, as a person reads it
  /// Emits the table that the backend reads into the host module; `kernels` in the order of their numbers.
  std::function<llvm::Constant *(llvm::Module &host, llvm::ArrayRef<std::string> kernels,
                                 GridSymbol grid)>
      emitTable;
};

enum class CpuOutput { SharedLibrary, Object, Archive, LLVM, Assembly };

struct CpuArtifactOptions {
  std::string path;      // of the artifact; its weights file (path + ".weights") and header lie beside it
  std::string tempFolder; // on the same file system as `path`
  std::string modelName = "model";
  std::string symbolPrefix = "lutra"; // exported function is <prefix>_get_model
  std::string triple = x86Triple.str();
  llvm::raw_ostream *text = nullptr;   // takes assembly and LLVM IR instead of `path`
  CpuOutput output = CpuOutput::SharedLibrary;
  llvm::SmallVector<std::string> levels; // best first
  const DeviceCode *device = nullptr;    // null: the kernels run at `levels`
  uint64_t inlineWeightBytes = 64ull << 20; // larger weights go to a file
};

/// Triple and data layout must be known to the conversions.
void setCpuTarget(mlir::ModuleOp module, llvm::StringRef triple);

/// From vector, scf, memref and so on to the LLVM dialect. `level` is null for the host part.
void buildLowerToLLVM(mlir::OpPassManager &manager, const CpuLevel *level);

/// The host part of a module (entry functions), split off so that it can be lowered by itself.
mlir::OwningOpRef<mlir::ModuleOp> extractHost(mlir::ModuleOp module);

/// Writes the artifact: `module` has been through convert-lutra-to-runtime and keeps the globals,
/// `signature` is @main's planned signature, `host` and the nested modules of `module` are in the LLVM dialect.
mlir::LogicalResult emitCpuArtifact(mlir::ModuleOp module, mlir::ModuleOp host,
                                    const CpuArtifactOptions &options);

/// Writes the device's assembly, which takes the place of the host's, to options.text or options.path.
mlir::LogicalResult emitDeviceAssembly(const DeviceCode &device, const CpuArtifactOptions &options,
                                       mlir::Location loc);

} // namespace lutra

#endif // LUTRA_TARGET_CPU_CPUTARGET_H
