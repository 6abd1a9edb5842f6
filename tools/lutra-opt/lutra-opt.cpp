//===- lutra-opt.cpp - runs passes on a module, in the style of mlir-opt ---===//
#include "lutra/Pipeline/Registration.h"
#include "lutra/Support/SourceText.h"

#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

#ifdef LUTRA_TEST_PASSES
#include "TestPasses.h"
#endif

using namespace lutra;

/// What the parser must not see, in any of the parts into which the driver cuts its input.
static std::optional<std::pair<ErrorCode, std::string>> guardParts(llvm::StringRef text, llvm::StringRef marker) {
  llvm::SmallVector<llvm::StringRef> parts = {text};
  if (!marker.empty()) {
    parts.clear();
    text.split(parts, marker);
  }
  for (llvm::StringRef part : parts)
    if (auto problem = guardText(part, /*allowBytecode=*/true))
      return problem;
  return std::nullopt;
}

/// As MLIR's own driver does it, with a look at the text in between.
static ExitCode run(llvm::StringRef input, llvm::StringRef output, mlir::DialectRegistry &registry) {
  auto config = mlir::MlirOptMainConfig::createFromCLOptions();
  std::string why;
  std::unique_ptr<llvm::MemoryBuffer> source = mlir::openInputFile(input, &why);
  if (!source) {
    llvm::errs() << why << "\n";
    return ExitCode::BadInput;
  }
  if (auto problem = guardParts(source->getBuffer(), config.inputSplitMarker())) {
    llvm::errs() << source->getBufferIdentifier() << ": error: " << codeText(problem->first) << ": "
                 << problem->second << "\n";
    return exitCodeOf(problem->first);
  }
  std::unique_ptr<llvm::ToolOutputFile> result = mlir::openOutputFile(output, &why);
  if (!result) {
    llvm::errs() << why << "\n";
    return ExitCode::BadInput;
  }
  if (failed(mlir::MlirOptMain(result->os(), std::move(source), registry, config)))
    return ExitCode::BadInput;
  result->keep();
  return ExitCode::Ok;
}

int main(int argc, char **argv) {
  llvm::InitLLVM initialised(argc, argv);
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  registerAllPasses();
#ifdef LUTRA_TEST_PASSES
  test::registerTestPasses();
  test::registerDialectTestPasses();
  test::registerTransformTestPasses();
#endif
  auto [input, output] = mlir::registerAndParseCLIOptions(argc, argv, "Lutra optimizer driver\n", registry);
  auto config = mlir::MlirOptMainConfig::createFromCLOptions();
  if (config.shouldShowDialects() || config.shouldListPasses()) // nothing is read
    return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, input, output, registry));
  return static_cast<int>(run(input, output, registry));
}
