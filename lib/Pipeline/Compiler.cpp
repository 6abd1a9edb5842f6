//===- Compiler.cpp - the stages from a graph to an artifact ----------------===//
// One function per stage. The first stages are pass lists over the whole module; from `tiled` on each
// instruction-set level has nested modules of its own, which run through their passes side by side.
#include "lutra/Pipeline/Compiler.h"

#include "CheckEntry.h"
#include "DecisionReport.h"
#include "GpuStages.h"
#include "QuantizeModel.h"
#include "lutra/Pipeline/CompileMIL.h"

#include "lutra/Conversion/Passes.h"
#include "lutra/Dialect/Lutra/IR/Lutra.h"
#include "lutra/Dialect/Lutra/Transforms/FewValues.h"
#include "lutra/Dialect/Lutra/Transforms/Passes.h"
#include "lutra/Machine/TileTarget.h"
#include "lutra/Support/ErrorCodes.h"
#include "lutra/Support/Files.h"
#include "lutra/Support/QuantizeSpec.h"
#include "lutra/Target/CPU/CpuTarget.h"

#include "llvm/ADT/MapVector.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace lutra {

static constexpr std::pair<Stage, StringLiteral> stageNames[] = {
    {Stage::Import, "import"},       {Stage::Legal, "legal"}, {Stage::Fused, "fused"},
    {Stage::Packed, "packed"},       {Stage::Scheduled, "scheduled"},
    {Stage::Tiled, "tiled"},         {Stage::Lowered, "lowered"},
    {Stage::Artifact, "artifact"}};

static constexpr Stage stages[] = {Stage::Import,    Stage::Legal, Stage::Fused,   Stage::Packed,
                                   Stage::Scheduled, Stage::Tiled, Stage::Lowered, Stage::Artifact};

ArrayRef<Stage> allStages() { return stages; }

StringRef stageName(Stage stage) {
  for (auto [value, name] : stageNames)
    if (value == stage)
      return name;
  return "artifact";
}

std::optional<Stage> parseStage(StringRef name) {
  for (auto [value, text] : stageNames)
    if (text == name)
      return value;
  return std::nullopt;
}

/// Kernels of one level go into this many nested modules: enough to keep a few threads busy, and always the same
/// number, so that the artifact's bytes do not depend on the threads of the compiler.
static constexpr unsigned chunksPerLevel = 4;

static bool isGpu(const CompileOptions &options) { return options.target == "nvgpu"; }

/// Instruction-set levels or architectures that the artifact holds.
static ArrayRef<std::string> levelsOf(const CompileOptions &options) {
  return isGpu(options) ? options.gpuArchs : options.cpuLevels;
}

/// What the host part runs on.
static StringRef tripleOf(const CompileOptions &options) {
  return options.triple.empty() ? StringRef(x86Triple) : StringRef(options.triple);
}

/// Whose tiles a level uses.
static StringRef tileTargetOf(StringRef level) {
  const CpuLevel *known = getCpuLevel(level);
  return known ? known->tileTarget : level;
}

/// The levels that products are fused and chosen for.
static SmallVector<std::string> tileTargetsOf(const CompileOptions &options) {
  SmallVector<std::string> targets;
  for (StringRef name : levelsOf(options))
    targets.push_back(tileTargetOf(name).str());
  return targets;
}

static FormKernelsOptions fusionOptions(const CompileOptions &options) {
  FormKernelsOptions fusion;
  fusion.targets = tileTargetsOf(options);
  return fusion;
}

static RaiseIntegerProductsOptions integerOptions(const CompileOptions &options) {
  RaiseIntegerProductsOptions integers;
  integers.strategy = options.strategy;
  integers.targets = tileTargetsOf(options);
  return integers;
}

static QuantizeActivationsOptions activationOptions(const CompileOptions &options) {
  QuantizeActivationsOptions activations;
  activations.strategy = options.strategy;
  activations.targets = tileTargetsOf(options);
  return activations;
}

static RaiseSignProductsOptions signOptions(const CompileOptions &options) {
  RaiseSignProductsOptions signs;
  signs.strategy = options.strategy;
  signs.targets = tileTargetsOf(options);
  return signs;
}

static ChooseStrategyOptions strategyOptions(const CompileOptions &options) {
  ChooseStrategyOptions choice;
  choice.strategy = options.strategy;
  choice.targets = tileTargetsOf(options);
  return choice;
}

/// Columns of a panel of packed weights; 0: the target packs none.
static int64_t panelWidthOf(const CompileOptions &options) {
  for (StringRef name : levelsOf(options))
    if (const TileTarget *target = getTileTarget(tileTargetOf(name)))
      return target->getPanelWidth();
  return 0;
}

LogicalResult buildStage(OpPassManager &manager, Stage stage, const CompileOptions &options) {
  switch (stage) {
  case Stage::Import:
    return success();
  case Stage::Legal:
    // Before anything that looks at values and their users: only CPUs branch between kernels.
    if (options.target != "cpu")
      manager.addPass(createFlattenBranches());
    // Names first: fusion, strategies and layouts look for named ops.
    manager.addPass(createRaiseActivations());
    manager.addPass(createRaiseNorms());
    if (options.target == "cpu") // others have no such op
      manager.addPass(createRaiseRounding());
    manager.addPass(createRaiseLookups());
    manager.addPass(createCanonicalizerPass());
    manager.addPass(createCSEPass());
    // After activations have their names and equal scales are one value. Other targets fuse chains of values.
    if (options.target == "cpu") {
      manager.addPass(createMoveCodes());
      manager.addPass(createRaiseCodeMaps());
    }
    // Before caches are quantized, which would be repeated as codes. Other targets fuse the sums that follow products.
    if (options.target == "cpu")
      manager.addPass(createGroupHeads());
    // Once transposes of codes are part of products or gone. Other targets have no products of integers.
    if (options.target == "cpu")
      manager.addPass(createRaiseIntegerProducts(integerOptions(options)));
    manager.addPass(createEncodeWeights({options.strategy}));
    manager.addPass(createCanonicalizerPass());
    if (!options.quantize.empty()) {
      // After lookups, which read weights that are no product's then; transposes would hide a matrix.
      manager.addPass(createFoldWeights());
      if (!needsQuantizeModel(options)) { // else quantizeModel does it when the stage has run
        // Filters stay floats where nothing reads codes in a kernel of products.
        manager.addPass(createQuantizeWeights({options.quantize, /*pixelFilters=*/options.target == "cpu"}));
        manager.addPass(createQuantizeCaches({options.quantize}));
      }
    }
    return success();
  case Stage::Fused:
    // Before all that looks at products: each part is one. Other targets read encodings as a whole or not at all. Still
    // before that, so that all parts of a product read what it rounds to floats.
    if (options.target == "cpu") {
      manager.addPass(createNarrowActivations());
      manager.addPass(createSplitEncodings());
    }
    // Before fusion: a transpose between two ops would end up inside a kernel.
    manager.addPass(createChooseLayout());
    manager.addPass(createCanonicalizerPass());
    manager.addPass(createCSEPass());
    // After the layout, which transposes filters; before fusion, which would take those into kernels.
    manager.addPass(createFoldWeights({/*decode=*/isGpu(options)}));
    // After padding and transposes of filters are written out; before fusion, as codes below. Only CPUs read few bits.
    if (options.target == "cpu")
      manager.addPass(createRaiseSignProducts(signOptions(options)));
    // After the layout, which moves quantizations; before fusion, which would make kernels of what goes.
    if (options.integerArithmetic)
      manager.addPass(createUseIntegerArithmetic());
    // Before fusion: the codes are made in kernels of their own.
    manager.addPass(createQuantizeActivations(activationOptions(options)));
    manager.addPass(createFormKernels(fusionOptions(options)));
    return success();
  case Stage::Packed:
    // After fusion, which decides what a product is part of; before packing, which asks the strategy for its form.
    manager.addPass(createChooseStrategy(strategyOptions(options)));
    // After fusion: which weights are constant operands of products is settled. One packing serves all levels.
    if (PackWeightsOptions pack{panelWidthOf(options)}; pack.width > 0)
      manager.addPass(createPackWeights(pack));
    return success();
  case Stage::Scheduled:
    // Equal sizes must be one value before memory is planned: they decide which buffers scale alike.
    manager.addPass(createCSEPass());
    manager.addPass(createPlanMemory());
    manager.addPass(createCSEPass());
    return success();
  case Stage::Tiled:
    return success(); // see runTiled
  case Stage::Lowered:
    // After the split: it removes the kernels that launches refer to.
    manager.addPass(createConvertLutraToRuntime());
    return success();
  case Stage::Artifact:
    return success();
  }
  return failure();
}

/// Whether lutra-raise-rounding may find codes.
static bool mayRaiseCodes(ModuleOp module) {
  WalkResult rounds = module.walk([](UnaryOp op) {
    return op.getKind() == UnaryKind::Round ? WalkResult::interrupt() : WalkResult::advance();
  });
  return rounds.wasInterrupted();
}

/// Whether lutra-raise-sign-products may find codes.
static bool mayRaiseSigns(ModuleOp module) {
  WalkResult found = module.walk([](Operation *op) {
    std::optional<FewValues> values =
        isa<MatmulOp, ConvOp>(op) ? findFewValues(op->getOperand(0)) : std::nullopt;
    return values && values->areSigns() ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found.wasInterrupted();
}

/// Whether products of 8-bit integers may come out of the module.
static bool multipliesBytes(ModuleOp module, const CompileOptions &options) {
  if (!options.quantize.empty() || mayRaiseCodes(module) || mayRaiseSigns(module))
    return true;
  WalkResult found = module.walk([](Operation *op) {
    auto isCoded = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && (encodingOf(tensor) || tensor.getElementType().isInteger(8));
    };
    bool multiplies = isa<MatmulOp, ConvOp, DequantizeOp>(op) && llvm::any_of(op->getOperandTypes(), isCoded);
    return multiplies ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found.wasInterrupted();
}

/// Whether products have codes or bytes on both sides, which the tiles of AMX multiply, or may round their activations
/// to them.
static bool mayMultiplyBytes(ModuleOp module, const CompileOptions &options) {
  // A spec with a fault is an error of the pass that reads it.
  llvm::Expected<QuantizeSpec> spec = QuantizeSpec::parse(options.quantize);
  bool asked = spec && spec->anyActivations([](const ActivationRounding &rounding) {
    return rounding.isAsked() && rounding.type != ActivationForm::F16;
  });
  if (!spec)
    llvm::consumeError(spec.takeError());
  WalkResult found = module.walk([](Operation *op) {
    auto isByte = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && !tensor.getEncoding() && tensor.getElementType().isInteger(8);
    };
    bool multiplies = isa<MatmulOp, DequantizeOp>(op) && llvm::any_of(op->getOperandTypes(), isByte);
    if (auto matmul = dyn_cast<MatmulOp>(op)) {
      EncodingAttr encoding = encodingOf(cast<RankedTensorType>(matmul.getRhs().getType()));
      ActivationForm form = encoding ? encoding.getValue().activation : ActivationForm();
      multiplies |= matmul.getScale() || form.isFp8() ||
                    llvm::is_contained({ActivationForm::Int, ActivationForm::BF16, ActivationForm::Blocks}, form.kind);
    }
    return multiplies ? WalkResult::interrupt() : WalkResult::advance();
  });
  WalkResult convolves = module.walk([](ConvOp op) {
    Value input = op.getInput();
    if (auto source = input.getDefiningOp<DequantizeOp>())
      input = source.getInput();
    Type element = cast<RankedTensorType>(input.getType()).getElementType();
    return isa<IntegerType>(element) ? WalkResult::interrupt() : WalkResult::advance();
  });
  return asked || found.wasInterrupted() || mayRaiseCodes(module) || mayRaiseSigns(module) ||
         convolves.wasInterrupted();
}

/// Levels of a library for which none is named. Few CPUs have AVX-512 without VNNI; they take avx2.
static SmallVector<std::string> defaultLevels(const CompileOptions &options, bool codes, bool bytes) {
  if (options.triple == aarch64Triple)
    return codes ? SmallVector<std::string>{"i8mm", "dotprod", "neon"} : SmallVector<std::string>{"neon"};
  if (!codes)
    return {"avx512", "avx2"};
  SmallVector<std::string> levels = {"avx512vnni", "avx2"};
  if (bytes)
    levels.push_back("amx");
  return levels;
}

LogicalResult resolveOptions(CompileOptions &options, Location loc) {
  if (options.emit == EmitKind::MilText)
    return emitCodedError(loc, ErrorCode::UnsupportedTarget) << "--emit=mil-text goes with --target=mil";
  if (options.target == "nvgpu")
    return resolveGpuOptions(options, loc);
  if (options.target != "cpu")
    return emitCodedError(loc, ErrorCode::UnsupportedTarget)
           << "target '" << options.target << "' is unknown; take cpu, nvgpu or mil";
  if (!options.triple.empty() && options.triple != x86Triple && options.triple != aarch64Triple)
    return emitCodedError(loc, ErrorCode::UnsupportedTarget)
           << "libraries for '" << options.triple << "' cannot be made; take " << x86Triple << " or " << aarch64Triple;
  if (options.cpuLevels.empty())
    options.cpuLevels = defaultLevels(options, /*codes=*/false, /*bytes=*/false);
  llvm::SetVector<StringRef> chosen;
  for (StringRef name : options.cpuLevels) {
    bool isNative = name == "native";
    if (isNative)
      name = getNativeCpuLevel();
    const CpuLevel *level = getCpuLevel(name);
    if (!level)
      return emitCodedError(loc, ErrorCode::UnsupportedTarget)
             << "instruction-set level '" << name << "' is unknown; take "
             << llvm::join(getCpuLevelNames(), ", ") << " or native";
    if (options.triple.empty())
      options.triple = level->triple.str();
    if (level->triple != options.triple)
      return emitCodedError(loc, ErrorCode::UnsupportedTarget)
             << "instruction-set level '" << name
             << (isNative ? "', which this machine has, is one of " : "' is one of ") << level->triple
             << ", but the library is for " << options.triple << "; take "
             << llvm::join(getCpuLevelNames(options.triple), ", ") << " or compile for each by itself";
    chosen.insert(name);
  }
  // Best first, whatever the order of the request: the runtime takes the first that the CPU has.
  SmallVector<std::string> ordered;
  for (StringRef name : getCpuLevelNames())
    if (chosen.contains(name))
      ordered.push_back(name.str());
  options.cpuLevels = std::move(ordered); // `chosen` points into the old ones until here
  return success();
}

/// When a module is verified: behind each pass, or behind the last, which is much cheaper where functions are long.
enum class Verify { Each, Last };

/// Runs a pass list on a module.
static LogicalResult runPasses(ModuleOp module, llvm::function_ref<LogicalResult(OpPassManager &)> build,
                               Verify when = Verify::Each) {
  PassManager manager(module.getContext());
  manager.enableVerifier(when == Verify::Each);
  if (failed(build(manager)) || failed(manager.run(module)))
    return failure();
  return when == Verify::Last ? verify(module) : success();
}

/// After quantizeModel: static activations leave dequantized operands, as models of integers have them.
static LogicalResult raiseQuantized(ModuleOp module, const CompileOptions &options) {
  return runPasses(module, [&](OpPassManager &manager) {
    if (options.target == "cpu") {
      manager.addPass(createMoveCodes());
      manager.addPass(createRaiseIntegerProducts(integerOptions(options)));
    }
    manager.addPass(createEncodeWeights({options.strategy}));
    manager.addPass(createCanonicalizerPass());
    return success();
  });
}

/// The level of a nested module; a GPU's architecture is one whose grids run on any CPU.
static CpuLevel levelOf(ModuleOp part) {
  StringRef name = part->getAttrOfType<StringAttr>("lutra.level").getValue();
  if (const CpuLevel *level = getCpuLevel(name))
    return *level;
  return {name, name, "x86-64", "", 128, 0};
}

/// Runs a pass list on each nested module, told its level. One pass manager per level nests the list: the modules of
/// a level then run side by side. Pass managers must not run side by side themselves: starting one touches the
/// context's dialects.
static LogicalResult runOnLevels(ModuleOp module,
                                 llvm::function_ref<void(OpPassManager &, const CpuLevel &)> build,
                                 Verify when = Verify::Each) {
  SmallVector<ModuleOp> parts;
  for (auto nested : module.getOps<ModuleOp>())
    if (nested->hasAttr("lutra.level"))
      parts.push_back(nested);
  llvm::MapVector<StringRef, SmallVector<ModuleOp>> levels;
  for (ModuleOp part : parts)
    levels[part->getAttrOfType<StringAttr>("lutra.level").getValue()].push_back(part);
  LogicalResult result = success();
  for (auto &[name, members] : levels) {
    CpuLevel level = levelOf(members.front());
    OwningOpRef<ModuleOp> group = ModuleOp::create(module.getLoc());
    for (ModuleOp part : members)
      part->moveBefore(group->getBody(), group->getBody()->end());
    if (succeeded(result))
      result = runPasses(
          *group,
          [&](OpPassManager &manager) {
            build(manager.nest<ModuleOp>(), level);
            return success();
          },
          when);
    for (ModuleOp part : members)
      part->moveBefore(module.getBody(), module.getBody()->end());
  }
  return result;
}

static LogicalResult runTiled(ModuleOp module, const CompileOptions &options) {
  if (failed(runPasses(module, [&](OpPassManager &manager) {
        SplitLevelsOptions split;
        ArrayRef<std::string> levels = levelsOf(options);
        split.levels.assign(levels.begin(), levels.end());
        split.chunks = isGpu(options) ? 1 : chunksPerLevel; // one image per architecture
        manager.addPass(createSplitLevels(split));
        return success();
      })))
    return failure();
  for (auto nested : module.getOps<ModuleOp>())
    setCpuTarget(nested, levelOf(nested).triple);
  return runOnLevels(module, [](OpPassManager &manager, const CpuLevel &level) {
    ConvertLutraToTileOptions tile;
    tile.target = level.tileTarget.str();
    manager.addPass(createConvertLutraToTile(tile));
    manager.addPass(createCanonicalizerPass());
    manager.addPass(createCSEPass());
  });
}

static LogicalResult runLowered(ModuleOp module, const CompileOptions &options,
                                std::unique_ptr<DeviceCode> &device) {
  if (isGpu(options)) {
    FailureOr<std::unique_ptr<DeviceCode>> assembled = assembleGpuLevels(module, options);
    if (failed(assembled))
      return failure();
    device = std::move(*assembled);
  }
  return runOnLevels(
      module,
      [&](OpPassManager &manager, const CpuLevel &level) {
        ConvertTileToVectorOptions vector;
        vector.target = level.tileTarget.str();
        if (!device)
          manager.addPass(createConvertTileToVector(vector));
        manager.addPass(createApplyKernelAbi());
        buildLowerToLLVM(manager, &level);
      },
      Verify::Last);
}

static LogicalResult writeArtifact(ModuleOp module, const CompileOptions &options,
                                   const DeviceCode *device) {
  OwningOpRef<ModuleOp> host = extractHost(module);
  setCpuTarget(*host, tripleOf(options));
  if (failed(runPasses(*host, [](OpPassManager &manager) {
        buildLowerToLLVM(manager, nullptr);
        return success();
      })))
    return failure();
  CpuArtifactOptions artifact;
  artifact.path = options.outputPath;
  artifact.tempFolder = options.tempFolder;
  artifact.text = options.text;
  artifact.modelName = options.modelName;
  artifact.levels = options.cpuLevels;
  artifact.triple = tripleOf(options).str();
  artifact.device = device;
  switch (options.emit) {
  case EmitKind::Library:
    artifact.output = CpuOutput::SharedLibrary;
    break;
  case EmitKind::Object:
    artifact.output = CpuOutput::Object;
    break;
  case EmitKind::Archive:
    artifact.output = CpuOutput::Archive;
    break;
  case EmitKind::LLVM:
    artifact.output = CpuOutput::LLVM;
    break;
  case EmitKind::Assembly:
    artifact.output = CpuOutput::Assembly;
    break;
  case EmitKind::MilText:
    return failure(); // refused by resolveOptions
  }
  if (device && options.emit == EmitKind::Assembly)
    return emitDeviceAssembly(*device, artifact, module.getLoc());
  if (options.emit == EmitKind::Object || options.emit == EmitKind::Archive) {
    artifact.symbolPrefix.clear();
    for (char c : options.modelName)
      artifact.symbolPrefix.push_back(llvm::isAlnum(c) ? c : '_');
    if (artifact.symbolPrefix.empty() || llvm::isDigit(artifact.symbolPrefix.front()))
      artifact.symbolPrefix.insert(0, "_");
  }
  return emitCpuArtifact(module, *host, artifact);
}

/// The stages up to `options.stopAfter`. `quantized` gets the report of --quantize-report.
static LogicalResult runStages(ModuleOp module, const CompileOptions &options, DecisionReport *decisions,
                               std::string &quantized) {
  std::unique_ptr<DeviceCode> device; // null: the kernels run at CPU levels
  for (Stage stage : stages) {
    if (options.progress)
      options.progress(stage);
    if (stage == Stage::Tiled && failed(runTiled(module, options)))
      return failure();
    if (stage == Stage::Lowered && failed(runLowered(module, options, device)))
      return failure();
    if (failed(runPasses(module, [&](OpPassManager &manager) {
          return buildStage(manager, stage, options);
        })))
      return failure();
    if (stage == Stage::Legal && needsQuantizeModel(options)) {
      if (decisions)
        decisions->pause(true); // of models that are compiled to be measured
      if (failed(quantizeModel(module, options, quantized)))
        return failure();
      if (decisions)
        decisions->pause(false);
      if (failed(raiseQuantized(module, options)))
        return failure();
    }
    if (stage == Stage::Artifact && failed(writeArtifact(module, options, device.get())))
      return failure();
    if (stage == options.stopAfter)
      break;
  }
  return success();
}

/// Kernels that read codes beside floats are those of CPUs.
static LogicalResult checkCaches(const CompileOptions &options, Location loc) {
  llvm::Expected<QuantizeSpec> spec = QuantizeSpec::parse(options.quantize);
  std::string asked = spec && spec->caches ? spec->cacheType() : "";
  if (!spec)
    llvm::consumeError(spec.takeError());
  if (asked.empty() || options.target == "cpu")
    return success();
  return emitCodedError(loc, ErrorCode::UnsupportedTarget)
         << "--quantize asks for kv=" << asked << ", which target '" << options.target
         << "' does not have; take cpu, or kv=f32";
}

LogicalResult compileModule(ModuleOp module, const CompileOptions &requested) {
  if (failed(checkEntry(module)) || failed(checkCaches(requested, module.getLoc())))
    return failure();
  if (requested.target == "mil")
    return compileToMIL(module, requested);
  CompileOptions options = requested;
  if (options.target == "cpu" && options.cpuLevels.empty())
    options.cpuLevels = defaultLevels(options, multipliesBytes(module, options), mayMultiplyBytes(module, options));
  if (failed(resolveOptions(options, module.getLoc())))
    return failure();
  MLIRContext *context = module.getContext();
  context->loadAllAvailableDialects(); // passes run side by side and may not load any
  std::optional<DecisionReport> decisions;
  if (!options.report.empty())
    decisions.emplace(*context);
  std::string quantized;
  LogicalResult result = runStages(module, options, decisions ? &*decisions : nullptr, quantized);
  // Also of a compilation that failed: it may say why.
  if (decisions && failed(reportWrite(writeBytes(options.report, decisions->text()), options.report, module.getLoc())))
    return failure();
  return failed(result) ? failure() : writeQuantizeReport(quantized, options, module.getLoc());
}

} // namespace lutra
