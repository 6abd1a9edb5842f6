//===- Compiler.h - the stages from a graph to an artifact ------------------===//
#ifndef LUTRA_PIPELINE_COMPILER_H
#define LUTRA_PIPELINE_COMPILER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/LLVM.h"

#include <functional>
#include <optional>
#include <string>

namespace lutra {

/// What a module has reached. `--stop-after` names these.
enum class Stage { Import, Legal, Fused, Packed, Scheduled, Tiled, Lowered, Artifact };

/// "import", "legal" and so on.
llvm::StringRef stageName(Stage stage);
std::optional<Stage> parseStage(llvm::StringRef name);
llvm::ArrayRef<Stage> allStages();

enum class EmitKind { Library, Object, Archive, LLVM, Assembly, MilText };

/// How a model came in: errors advise on what its user can change.
enum class ModelOrigin { Onnx, Program, Module };

/// A named size of an input: fixed, or a range that it is known to lie in.
struct DimBinding {
  std::string name;
  int64_t low = 0, high = 0; // equal: fixed
};

struct CompileOptions {
  std::string target = "cpu";
  ModelOrigin origin = ModelOrigin::Module;
  /// What a library of target cpu runs on: x86_64-linux-gnu or aarch64-linux-gnu. Empty: as `cpuLevels` say, or the
  /// former.
  std::string triple;
  /// Empty: avx2, and avx512 or, for products of integers, avx512vnni (and amx, for those of codes); for aarch64 neon
  /// and, for products of integers, dotprod and i8mm.
  llvm::SmallVector<std::string> cpuLevels;
  llvm::SmallVector<std::string> gpuArchs; // of target nvgpu; empty: sm_80 and sm_90a
  std::string cudaToolkit;                 // folder with bin/ptxas; empty: search
  llvm::SmallVector<DimBinding> dims;
  unsigned threads = 0; // of the compiler; 0: one per CPU
  Stage stopAfter = Stage::Artifact;
  EmitKind emit = EmitKind::Library;
  std::string outputPath;
  llvm::raw_ostream *text = nullptr; // takes assembly and LLVM IR instead of outputPath
  std::string tempFolder; // on the file system of outputPath
  std::string modelName = "model";
  std::string strategy = "auto"; // names, as ProductStrategies::choose takes them
  bool integerArithmetic = false; // of codes, where it can be; else f32 with the integers of products
  std::string quantize; // which weights are stored in few bits; empty: none; see QuantizeSpec.h
  std::string calibrate;      // files of inputs for it; empty: none; see docs/quantization.md
  std::string quantizeReport; // where to write what it did; empty: nowhere
  std::string report; // where to write what passes decided; empty: nowhere
  llvm::raw_ostream *quantizeList = nullptr; // takes what it would do; nothing is changed then
  /// Called when a stage begins; null: nobody listens.
  std::function<void(Stage)> progress;
};

/// Passes of one stage before the kernels are split by level, each with the reason for its place. Stages from
/// Tiled on work on nested modules: see runStage.
mlir::LogicalResult buildStage(mlir::OpPassManager &manager, Stage stage,
                               const CompileOptions &options);

/// Brings an imported (or further) module to `options.stopAfter`, writing the artifact if that is the last one. Errors
/// are diagnostics with codes.
mlir::LogicalResult compileModule(mlir::ModuleOp module, const CompileOptions &options);

/// Checks the options against each other and fills in what "native" and defaults mean.
mlir::LogicalResult resolveOptions(CompileOptions &options, mlir::Location loc);

} // namespace lutra

#endif // LUTRA_PIPELINE_COMPILER_H
