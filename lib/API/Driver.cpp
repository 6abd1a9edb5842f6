//===- Driver.cpp - compile a file, as tools and bindings do ------------------===//
// Reads, guards, imports, runs the stages, publishes. Every diagnostic leaves as one line; the first error's code
// decides the exit code. Errors without a code come from upstream code: while reading text they mean bad
// syntax, later they are our own fault.
#include "lutra/API/Driver.h"

#include "lutra/Frontend/ONNX/Import.h"
#include "lutra/Pipeline/Registration.h"
#include "lutra/Support/Files.h"
#include "lutra/Support/SourceText.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ThreadPool.h"

#include <cstdlib>

using namespace mlir;

namespace lutra {

namespace {

/// Turns diagnostics into findings and remembers the first error.
class Reporter {
public:
  Reporter(FindingSink sink, StringRef input) : sink(sink), input(input.str()) {}

  void report(Diagnostic &diagnostic, ErrorCode fallback);
  void fail(ErrorCode code, const Twine &text) {
    note(code);
    sink({Finding::Error, input + ": error: " + codeText(code) + ": " + text.str()});
  }
  bool failed() const { return first.has_value(); }
  ExitCode exitCode() const { return first ? exitCodeOf(*first) : ExitCode::Ok; }

private:
  void note(ErrorCode code) {
    if (!first)
      first = code;
  }

  FindingSink sink;
  std::string input;
  std::optional<ErrorCode> first;
};

} // namespace

/// "file:3:7" of the innermost file location, with the name of the node when there is one.
static std::string describe(Location location, StringRef input) {
  std::string name, place;
  location->walk([&](Location inner) {
    if (auto named = dyn_cast<NameLoc>(inner); named && name.empty())
      name = named.getName().str();
    if (auto file = dyn_cast<FileLineColLoc>(inner)) {
      place = (file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" +
               Twine(file.getColumn()))
                  .str();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  if (place.empty())
    place = input.str();
  return name.empty() ? place : place + ": node \"" + name + "\"";
}

/// One line, without control characters that a hostile name could smuggle to a terminal.
static std::string oneLine(StringRef text) {
  std::string line;
  for (char c : text.take_front(2000))
    line.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c);
  return line;
}

void Reporter::report(Diagnostic &diagnostic, ErrorCode fallback) {
  std::string text = diagnostic.str();
  bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
  std::string line = describe(diagnostic.getLocation(), input);
  if (isError) {
    std::optional<ErrorCode> code = codeOfMessage(text);
    note(code.value_or(fallback));
    line += ": error: " + (code ? "" : codeText(fallback) + ": ");
    sink({Finding::Error, line + oneLine(text)});
  } else if (diagnostic.getSeverity() == DiagnosticSeverity::Warning) {
    sink({Finding::Warning, line + ": warning: " + oneLine(text)});
  }
}

static OwningOpRef<ModuleOp> importText(std::unique_ptr<llvm::MemoryBuffer> buffer,
                                        const CompileRequest &request, MLIRContext &context,
                                        Reporter &reporter) {
  if (auto problem = guardText(buffer->getBuffer(), request.allowBytecode)) {
    reporter.fail(problem->first, problem->second);
    return {};
  }
  auto named = llvm::MemoryBuffer::getMemBuffer(buffer->getMemBufferRef(), false);
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (module && module->getBody()->empty()) {
    reporter.fail(ErrorCode::FileEmpty, "the module is empty");
    return {};
  }
  auto isPart = [](ModuleOp part) { return part->hasAttr("lutra.level"); };
  if (module && llvm::any_of(module->getOps<ModuleOp>(), isPart)) {
    reporter.fail(ErrorCode::IrSyntax,
                  "this dump is split by instruction-set level already, as stages tiled and lowered "
                  "leave it; compile a dump of stage scheduled or an earlier one");
    return {};
  }
  if (module && !module->lookupSymbol("main")) {
    reporter.fail(ErrorCode::IrSyntax, "the module has no function @main, which is a model's entry");
    return {};
  }
  return module;
}

/// `buffer` is null when the model is to be read from its file; `storage` receives what must outlive the module.
static OwningOpRef<ModuleOp> importModel(std::unique_ptr<llvm::MemoryBuffer> buffer,
                                         std::unique_ptr<llvm::MemoryBuffer> &storage,
                                         const CompileRequest &request, MLIRContext &context,
                                         Reporter &reporter) {
  if (buffer && buffer->getBufferSize() == 0) {
    reporter.fail(ErrorCode::FileEmpty, "the file is empty");
    return {};
  }
  StringRef extension = llvm::sys::path::extension(request.inputPath);
  if (extension == ".mlir" || extension == ".mlirbc")
    return importText(std::move(buffer), request, context, reporter);
  if (extension != ".onnx") {
    reporter.fail(ErrorCode::FileFormat, "the kind of file is told by its name: .onnx or .mlir");
    return {};
  }
  OnnxImportOptions options;
  if (buffer)
    options.bytes = buffer->getBuffer();
  else
    options.path = request.inputPath;
  for (const DimBinding &dim : request.options.dims)
    options.dims[dim.name] = {dim.low, dim.high};
  FailureOr<OwningOpRef<ModuleOp>> module = importOnnx(&context, options);
  if (failed(module))
    return {};
  if (buffer)
    storage = std::move(buffer); // weights are read from it until the artifact is written
  return std::move(*module);
}

std::string makeTempFolder(StringRef outputPath, FindingSink sink) {
  SmallString<128> pattern(llvm::sys::path::parent_path(followLinks(outputPath)));
  llvm::sys::path::append(pattern, ".lutra-XXXXXX");
  std::string path(pattern.str());
  if (::mkdtemp(path.data()))
    return path;
  sink({Finding::Error, outputPath.str() + ": error: " + codeText(ErrorCode::EnvironmentWrite) +
                            ": cannot write beside it: " + llvm::sys::StrError(errno)});
  return "";
}

static LogicalResult publishDump(ModuleOp module, const CompileRequest &request,
                                 llvm::raw_ostream &dump, Reporter &reporter) {
  if (!request.outputGiven || request.options.outputPath == "-") {
    module->print(dump);
    return success();
  }
  std::string text, temporary = request.options.tempFolder + "/dump";
  llvm::raw_string_ostream stream(text);
  // Bytecode holds weights as they are; text spells every byte out.
  if (!StringRef(request.options.outputPath).ends_with(".mlirbc"))
    module->print(stream);
  else if (failed(writeBytecodeToFile(module, stream)))
    return failure();
  std::error_code code = writeBytes(temporary, text);
  if (!code)
    code = publishBytes(temporary, request.options.outputPath);
  if (!code)
    return success();
  reporter.fail(ErrorCode::EnvironmentWrite,
                "cannot write " + request.options.outputPath + ": " + code.message());
  return failure();
}

/// Whether the output is a file. The writer of packages says itself what it may replace.
static bool writesFile(const CompileRequest &request) {
  const CompileOptions &options = request.options;
  bool isPackage = options.target == "mil" && options.emit == EmitKind::Library && options.stopAfter == Stage::Artifact;
  return !options.outputPath.empty() && !request.check && !isPackage;
}

/// Imports by `import` and runs the stages; everything that goes wrong on the way is a finding.
static ExitCode
compileInContext(const CompileRequest &request, ModelOrigin origin, MLIRContext &context,
                 llvm::raw_ostream &dump, FindingSink sink,
                 llvm::function_ref<OwningOpRef<ModuleOp>(const CompileRequest &, Reporter &)> import) {
  Reporter reporter(sink, request.inputPath);
  ErrorCode fallback = ErrorCode::IrSyntax;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    reporter.report(diagnostic, fallback);
    return success();
  });

  CompileRequest own = request;
  own.options.origin = origin;
  if (own.listWeights)
    own.options.quantizeList = &dump;
  if (own.options.outputPath == "-")
    own.options.text = &dump;
  else if (writesFile(own)) {
    own.options.outputPath = followLinks(own.options.outputPath);
    if (!isReplaceable(own.options.outputPath)) {
      reporter.fail(ErrorCode::EnvironmentWrite,
                    "cannot write " + request.options.outputPath + ": it is not a regular file");
      return reporter.exitCode();
    }
  }
  bool madeFolder = false;
  if (own.options.tempFolder.empty() && !own.options.outputPath.empty() && !own.check) {
    own.options.tempFolder = makeTempFolder(own.options.outputPath, sink);
    if (own.options.tempFolder.empty())
      return ExitCode::Environment;
    madeFolder = true;
  }
  llvm::scope_exit removeFolder([&] {
    if (madeFolder)
      (void)llvm::sys::fs::remove_directories(own.options.tempFolder);
  });

  OwningOpRef<ModuleOp> module = import(own, reporter);
  if (!module) {
    if (!reporter.failed())
      reporter.fail(fallback, "the model cannot be read");
    return reporter.exitCode();
  }
  fallback = ErrorCode::Internal;
  if (failed(compileModule(*module, own.options))) {
    if (!reporter.failed())
      reporter.fail(ErrorCode::Internal, "a pass failed without saying why");
    return reporter.exitCode();
  }
  if (!own.check && !own.listWeights && own.options.stopAfter != Stage::Artifact &&
      failed(publishDump(*module, own, dump, reporter)))
    return reporter.exitCode();
  return reporter.exitCode();
}

ExitCode compileBuffer(const CompileRequest &request, std::unique_ptr<llvm::MemoryBuffer> buffer,
                       llvm::raw_ostream &dump, FindingSink sink) {
  DialectRegistry registry;
  registerAllDialects(registry);
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(request.options.threads));
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  if (pool.getMaxConcurrency() > 1)
    context.setThreadPool(pool);
  std::unique_ptr<llvm::MemoryBuffer> storage;
  bool isOnnx = llvm::sys::path::extension(request.inputPath) == ".onnx";
  return compileInContext(request, isOnnx ? ModelOrigin::Onnx : ModelOrigin::Module, context, dump, sink,
                          [&](const CompileRequest &own, Reporter &reporter) {
                            return importModel(std::move(buffer), storage, own, context, reporter);
                          });
}

ExitCode compileBuilt(const CompileRequest &request, OwningOpRef<ModuleOp> module,
                      llvm::raw_ostream &dump, FindingSink sink) {
  MLIRContext &context = *module->getContext();
  DialectRegistry registry;
  registerAllDialects(registry);
  context.appendDialectRegistry(registry);
  context.disableMultithreading();
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(request.options.threads));
  if (pool.getMaxConcurrency() > 1)
    context.setThreadPool(pool);
  ExitCode code = compileInContext(request, ModelOrigin::Program, context, dump, sink,
                                   [&](const CompileRequest &, Reporter &) { return std::move(module); });
  context.disableMultithreading(); // the pool ends here
  return code;
}

ExitCode compileFile(const CompileRequest &request, llvm::raw_ostream &dump, FindingSink sink) {
  Reporter reporter(sink, request.inputPath);
  llvm::sys::fs::file_status status;
  std::error_code code = llvm::sys::fs::status(request.inputPath, status);
  if (!code && status.type() != llvm::sys::fs::file_type::regular_file) {
    reporter.fail(ErrorCode::EnvironmentRead, "this is not a regular file");
    return reporter.exitCode();
  }
  bool same = false;
  if (!code && !request.options.outputPath.empty() &&
      !llvm::sys::fs::equivalent(request.inputPath, request.options.outputPath, same) && same) {
    reporter.fail(ErrorCode::EnvironmentWrite, "the output would replace the model");
    return reporter.exitCode();
  }
  for (const auto &[flag, report] : {std::pair(StringRef("--quantize-report"), request.options.quantizeReport),
                                     std::pair(StringRef("--report"), request.options.report)}) {
    if (report.empty())
      continue;
    if ((!llvm::sys::fs::equivalent(request.inputPath, report, same) && same) || report == request.options.outputPath) {
      reporter.fail(ErrorCode::EnvironmentWrite,
                    ("the report of " + flag + " would replace the model or the output").str());
      return reporter.exitCode();
    }
  }
  // The importer maps an .onnx file itself and finds external data beside it.
  if (!code && llvm::sys::path::extension(request.inputPath) == ".onnx")
    return compileBuffer(request, nullptr, dump, sink);
  // Weights in bytecode ask for their alignment.
  auto buffer = llvm::MemoryBuffer::getFile(request.inputPath, /*IsText=*/false, /*RequiresNullTerminator=*/true,
                                            /*IsVolatile=*/false, llvm::Align(64));
  if (code || !buffer) {
    reporter.fail(ErrorCode::EnvironmentRead,
                  "cannot read the file: " + (code ? code : buffer.getError()).message());
    return reporter.exitCode();
  }
  return compileBuffer(request, std::move(*buffer), dump, sink);
}

} // namespace lutra
