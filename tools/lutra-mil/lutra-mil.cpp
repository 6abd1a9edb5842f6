//===- lutra-mil.cpp - ML programs: write, read back, check -------------------===//
#include "lutra/Pipeline/Registration.h"
#include "lutra/Support/ErrorCodes.h"
#include "lutra/Target/MIL/MIL.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace lutra;

enum class Action { Text, Parse, Package, Check };

static llvm::cl::opt<Action>
    action(llvm::cl::desc("what to do:"), llvm::cl::Required,
           llvm::cl::values(clEnumValN(Action::Text, "emit-text", "mil dialect to MIL text"),
                            clEnumValN(Action::Parse, "parse-text", "MIL text to the mil dialect"),
                            clEnumValN(Action::Package, "emit-package", "mil dialect to an .mlpackage"),
                            clEnumValN(Action::Check, "check", "check an .mlpackage")));
static llvm::cl::opt<std::string> input(llvm::cl::Positional, llvm::cl::desc("<input>"), llvm::cl::init("-"));
static llvm::cl::opt<std::string> output("o", llvm::cl::desc("output file or package"), llvm::cl::init("-"));
static llvm::cl::opt<std::string> weightFile("weights", llvm::cl::desc("weight file beside MIL text"));
static llvm::cl::opt<int64_t> blobElements("blob-elements", llvm::cl::init(10),
                                           llvm::cl::desc("constants of this many elements go to the weight file"));

static LogicalResult writeFile(StringRef name, StringRef bytes) {
  std::string error;
  auto file = openOutputFile(name, &error);
  if (!file) {
    llvm::errs() << codeText(ErrorCode::EnvironmentWrite) << ": " << error << "\n";
    return failure();
  }
  file->os() << bytes;
  file->keep();
  return success();
}

static LogicalResult emitText(ModuleOp module, const MilOptions &options) {
  FailureOr<MilText> text = emitMilText(module, options);
  if (failed(text) || failed(writeFile(output, text->text)))
    return failure();
  return weightFile.empty() ? success() : writeFile(weightFile, text->weights);
}

static LogicalResult run(MLIRContext &context) {
  if (action == Action::Check)
    return checkMlpackage(input, UnknownLoc::get(&context));
  std::string error;
  auto buffer = openInputFile(input, &error);
  if (!buffer) {
    llvm::errs() << codeText(ErrorCode::EnvironmentRead) << ": " << error << "\n";
    return failure();
  }
  if (action == Action::Parse) {
    std::unique_ptr<llvm::MemoryBuffer> weights;
    if (!weightFile.empty())
      weights = openInputFile(weightFile, &error);
    auto module = parseMilText(buffer->getBuffer(), weights ? weights->getBuffer() : "", input, &context);
    if (!module)
      return failure();
    std::string text;
    llvm::raw_string_ostream(text) << *module;
    return writeFile(output, text);
  }
  auto module = parseSourceString<ModuleOp>(buffer->getBuffer(), &context);
  if (!module)
    return failure();
  MilOptions options;
  options.blobElements = blobElements;
  return action == Action::Text ? emitText(*module, options) : emitMlpackage(*module, output, options);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::cl::ParseCommandLineOptions(argc, argv, "writes, reads and checks ML programs\n");
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry);
  ExitCode code = ExitCode::BadInput;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    std::string text = diagnostic.str();
    if (auto known = codeOfMessage(text))
      code = exitCodeOf(*known);
    if (isa<UnknownLoc>(diagnostic.getLocation()))
      llvm::errs() << text << "\n";
    else
      llvm::errs() << diagnostic.getLocation() << ": " << text << "\n";
  });
  return succeeded(run(context)) ? 0 : static_cast<int>(code);
}
