//===- CompileMIL.cpp - the stages of target mil ------------------------------===//
// The graph leaves after `legal`: Apple's compiler fuses, tiles and schedules by itself, and would find a
// decided graph harder to read. So the stages between are empty, and `lowered` is the mil dialect.
#include "lutra/Pipeline/CompileMIL.h"

#include "QuantizeModel.h"

#include "lutra/Conversion/Passes.h"
#include "lutra/Dialect/Lutra/Transforms/Passes.h"
#include "lutra/Support/ErrorCodes.h"
#include "lutra/Support/Files.h"
#include "lutra/Target/MIL/MIL.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/Support/FileSystem.h"

#include <limits>

using namespace mlir;

namespace lutra {

static StringRef originName(ModelOrigin origin) {
  switch (origin) {
  case ModelOrigin::Onnx: return "onnx";
  case ModelOrigin::Program: return "program";
  case ModelOrigin::Module: break;
  }
  return "module";
}

static LogicalResult convert(ModuleOp module, const CompileOptions &options, std::string &report) {
  PassManager manager(module.getContext());
  if (failed(buildStage(manager, Stage::Legal, options)))
    return failure();
  if (needsQuantizeModel(options)) {
    if (failed(manager.run(module)) || failed(quantizeModel(module, options, report)))
      return failure();
    manager.clear();
  }
  if (options.stopAfter >= Stage::Lowered) {
    manager.addPass(createFoldWeights({/*decode=*/true}));
    ConvertLutraToMILOptions conversion;
    conversion.origin = originName(options.origin).str();
    manager.addPass(createConvertLutraToMIL(conversion));
    // After the conversion: casts between fp16 and fp32 meet only then.
    manager.addPass(createCanonicalizerPass());
  }
  return manager.run(module);
}

/// The text refers to a weight file beside it; on a stream it holds everything itself.
static LogicalResult writeText(ModuleOp module, const CompileOptions &options) {
  MilOptions mil;
  if (options.text)
    mil.blobElements = std::numeric_limits<int64_t>::max();
  FailureOr<MilText> text = emitMilText(module, mil);
  if (failed(text))
    return failure();
  if (options.text) {
    *options.text << text->text;
    return success();
  }
  std::string temporary = options.tempFolder + "/mil";
  std::string weights = options.tempFolder + "/weights";
  auto write = [&](StringRef path, StringRef bytes) {
    return reportWrite(writeBytes(path, bytes), path, module.getLoc());
  };
  auto publish = [&](StringRef from, StringRef to) { return reportWrite(publishBytes(from, to), to, module.getLoc()); };
  if (failed(write(temporary, text->text)) || (!text->weights.empty() && failed(write(weights, text->weights))))
    return failure();
  // Nothing is published before all of it can be.
  if (llvm::sys::fs::is_directory(options.outputPath))
    return emitCodedError(module.getLoc(), ErrorCode::EnvironmentWrite)
           << "cannot write " << options.outputPath << ": it is a folder";
  if (!text->weights.empty() && failed(publish(weights, options.outputPath + ".weights.bin")))
    return failure();
  return publish(temporary, options.outputPath);
}

LogicalResult compileToMIL(ModuleOp module, const CompileOptions &options) {
  if (options.emit != EmitKind::Library && options.emit != EmitKind::MilText)
    return emitCodedError(module.getLoc(), ErrorCode::UnsupportedTarget)
           << "target mil writes a package, or text with --emit=mil-text";
  module.getContext()->loadAllAvailableDialects();
  if (options.stopAfter == Stage::Import)
    return success();
  if (options.progress)
    options.progress(Stage::Legal);
  std::string report;
  if (failed(convert(module, options, report)))
    return failure();
  if (options.stopAfter == Stage::Artifact) {
    if (options.progress)
      options.progress(Stage::Artifact);
    if (failed(options.emit == EmitKind::MilText ? writeText(module, options)
                                                 : emitMlpackage(module, options.outputPath, {})))
      return failure();
  }
  return writeQuantizeReport(report, options, module.getLoc());
}

} // namespace lutra
