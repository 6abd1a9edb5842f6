//===- lutra-run.cpp - evaluates, runs, compares ---------------------------===//
#include "Run.h"

#include "lutra/Pipeline/Registration.h"
#include "lutra/Support/SourceText.h"

#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace lutra;

namespace cl = llvm::cl;

/// The code of the first error that was printed.
static std::optional<ErrorCode> firstError;

void run::report(ErrorCode code, const Twine &message) {
  if (!firstError)
    firstError = code;
  llvm::outs().flush(); // in the order of events
  llvm::errs() << "lutra-run: error: " << codeText(code) << ": " << message << "\n";
}

ExitCode run::exitCode() { return firstError ? exitCodeOf(*firstError) : ExitCode::Ok; }

void run::printDiagnostics(MLIRContext &context) {
  context.getDiagEngine().registerHandler([](Diagnostic &diagnostic) {
    bool isError = diagnostic.getSeverity() == DiagnosticSeverity::Error;
    std::string text = diagnostic.str();
    std::optional<ErrorCode> code = codeOfMessage(text);
    if (isError && !firstError)
      firstError = code.value_or(ErrorCode::IrSyntax);
    llvm::outs().flush();
    if (auto place = dyn_cast<FileLineColLoc>(diagnostic.getLocation()))
      llvm::errs() << place.getFilename().getValue() << ":" << place.getLine() << ":"
                   << place.getColumn();
    else
      llvm::errs() << diagnostic.getLocation();
    llvm::errs() << (isError ? ": error: " : ": note: ");
    if (isError && !code)
      llvm::errs() << codeText(ErrorCode::IrSyntax) << ": ";
    llvm::errs() << text << "\n";
  });
}

/// A file's text or bytecode; null after an error.
static std::unique_ptr<llvm::MemoryBuffer> readFile(StringRef path) {
  // Weights in bytecode ask for their alignment.
  auto file =
      llvm::MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/false, /*RequiresNullTerminator=*/true, llvm::Align(64));
  if (!file) {
    run::report(ErrorCode::EnvironmentRead,
                "'" + path + "' cannot be read: " + file.getError().message());
    return nullptr;
  }
  // Bytecode comes from a compiler's own dump, as with --allow-bytecode.
  if (auto problem = guardText((*file)->getBuffer(), /*allowBytecode=*/true)) {
    run::report(problem->first, "'" + path + "': " + problem->second);
    return nullptr;
  }
  return std::move(*file);
}

static OwningOpRef<ModuleOp> parse(const llvm::MemoryBuffer &file, MLIRContext &context) {
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(file.getMemBufferRef()), llvm::SMLoc());
  return parseSourceFile<ModuleOp>(sources, &context);
}

static OwningOpRef<ModuleOp> parseFile(StringRef path, MLIRContext &context) {
  std::unique_ptr<llvm::MemoryBuffer> file = readFile(path);
  return file ? parse(*file, context) : nullptr;
}

static LogicalResult dispatch(const run::Options &options, MLIRContext &context) {
  if (StringRef(options.file).ends_with(".so")) {
    OwningOpRef<ModuleOp> reference;
    if (!options.compareFile.empty() && !(reference = parseFile(options.compareFile, context)))
      return failure();
    return run::runArtifact(reference.get(), options);
  }
  std::unique_ptr<llvm::MemoryBuffer> file = readFile(options.file);
  OwningOpRef<ModuleOp> module = file ? parse(*file, context) : nullptr;
  if (!module)
    return failure();
  if (!options.beforeAfter.empty()) {
    // A second module with weights of its own: passes free the bytes of those that they rewrite.
    OwningOpRef<ModuleOp> after = parse(*file, context);
    return after ? run::compareBeforeAfter(*module, *after, options) : failure();
  }
  if (options.compareFile.empty())
    return run::evaluateFile(*module, options);
  OwningOpRef<ModuleOp> other = parseFile(options.compareFile, context);
  return other ? run::compareModules(*module, *other, options) : failure();
}

namespace {
/// The command line.
struct Flags {
  cl::OptionCategory category{"lutra-run options"};
  cl::opt<std::string> file{cl::Positional, cl::desc("<module.mlir or model.so>"), cl::Required,
                            cl::cat(category)};
  cl::opt<std::string> function{
      "function", cl::desc("Function to evaluate (default: @main, else every public one)"),
      cl::cat(category)};
  cl::opt<uint64_t> seed{"seed", cl::desc("Seed of the inputs"), cl::init(0), cl::cat(category)};
  cl::opt<std::string> values{
      "values",
      cl::desc("Value set of the inputs: normal, integers, positive, outliers, cancelling, "
               "subnormal, huge, equal, zeros, one-nan, one-inf, saturating"),
      cl::init("normal"), cl::cat(category)};
  cl::list<std::string> dims{
      "dim", cl::desc("Size of a dynamic dimension: NAME=SIZE, ARG.DIM=SIZE or *=SIZE"),
      cl::cat(category)};
  cl::list<std::string> inputs{
      "input", cl::desc("Values of an argument: NAME=FILE.npy or INDEX=FILE.npy"),
      cl::cat(category)};
  cl::opt<std::string> output{"output", cl::desc("Folder for the results as .npy files"),
                              cl::cat(category)};
  cl::opt<bool> print{"print", cl::desc("Print the results' elements"), cl::cat(category)};
  cl::opt<bool> bounds{"bounds", cl::desc("Evaluate in f64 and derive error bounds"),
                       cl::cat(category)};
  cl::opt<bool> independent{
      "independent", cl::desc("Take the errors of a sum's terms as independent (whole networks)"),
      cl::cat(category)};
  cl::opt<bool> roundSteps{
      "round-steps",
      cl::desc("Take the steps of softmax and norms as rounded to their result's type (fp16 of Core ML)"),
      cl::cat(category)};
  cl::opt<std::string> beforeAfter{
      "before-after", cl::desc("Pass pipeline: compare the values before and after it"),
      cl::cat(category)};
  cl::opt<std::string> compareFile{
      "compare", cl::desc("Module whose functions must give the same values"), cl::cat(category)};
  cl::opt<bool> exact{"exact", cl::desc("Demand equal values instead of derived bounds"),
                      cl::cat(category)};
  cl::opt<int64_t> corrupt{
      "corrupt", cl::desc("Change this element of the compared result, which must be noticed"),
      cl::init(-1), cl::cat(category)};
  cl::opt<int> threads{"threads", cl::desc("Threads of a compiled model (default: one per CPU)"),
                       cl::init(0), cl::cat(category)};
  cl::opt<unsigned> repeat{"repeat", cl::desc("Timed runs of a compiled model"), cl::init(0),
                           cl::cat(category)};
  cl::opt<bool> guardStarts{
      "guard-starts", cl::desc("Let the buffers of a compiled model begin where memory does, not end there"),
      cl::cat(category)};
  cl::opt<bool> profile{"profile",
                        cl::desc("List the time that each kernel of a compiled model takes"),
                        cl::cat(category)};
};
} // namespace

/// "name=value" in two; false when a part is missing.
static bool splitPair(StringRef text, StringRef &key, StringRef &value) {
  std::tie(key, value) = text.split('=');
  return !key.empty() && !value.empty();
}

/// A message about flags that say nothing about what is to be run.
static std::optional<std::string> findMisplaced(const Flags &flags) {
  bool isArtifact = StringRef(flags.file).ends_with(".so");
  bool compares = !flags.compareFile.empty() || !flags.beforeAfter.empty();
  const std::pair<bool, const char *> misplaced[] = {
      {!isArtifact && flags.repeat, "--repeat goes with a compiled model (.so)"},
      {!isArtifact && flags.threads, "--threads goes with a compiled model (.so)"},
      {!isArtifact && flags.guardStarts, "--guard-starts goes with a compiled model (.so)"},
      {!isArtifact && flags.profile, "--profile goes with a compiled model (.so)"},
      {isArtifact && !flags.beforeAfter.empty(), "--before-after goes with a module, not with a compiled model"},
      {isArtifact && flags.bounds, "--bounds goes with a module, not with a compiled model"},
      {isArtifact && !compares && !flags.function.empty(), "--function of a compiled model goes with --compare"},
      {!compares && flags.exact, "--exact goes with --compare or --before-after"},
      {!compares && flags.corrupt >= 0, "--corrupt goes with --compare or --before-after"},
      {!flags.compareFile.empty() && !flags.beforeAfter.empty(), "--compare and --before-after exclude each other"}};
  for (auto [isWrong, message] : misplaced)
    if (isWrong)
      return message;
  return std::nullopt;
}

/// The flags as data, or a message about a wrong one.
static std::optional<std::string> readFlags(const Flags &flags, run::Options &options) {
  options.file = flags.file;
  options.function = flags.function;
  options.seed = flags.seed;
  options.outputFolder = flags.output;
  options.print = flags.print;
  options.bounds = flags.bounds;
  options.evaluator.errorModel = flags.independent ? ErrorModel::Independent : ErrorModel::WorstCase;
  options.evaluator.roundSteps = flags.roundSteps;
  options.beforeAfter = flags.beforeAfter;
  options.compareFile = flags.compareFile;
  options.exact = flags.exact;
  options.corrupt = flags.corrupt;
  options.threads = flags.threads;
  options.repeat = flags.repeat;
  options.guardStarts = flags.guardStarts;
  options.profile = flags.profile;
  std::optional<ValueSet> set = valueSetOf(flags.values);
  if (!set)
    return "--values=" + flags.values + " is no value set; see --help";
  options.values = *set;
  for (StringRef text : flags.dims) {
    StringRef key, value;
    int64_t size;
    if (!splitPair(text, key, value) || value.getAsInteger(10, size) || size < 0)
      return ("--dim=" + text + " is not NAME=SIZE").str();
    options.dims[key] = size;
  }
  for (StringRef text : flags.inputs) {
    StringRef key, value;
    if (!splitPair(text, key, value))
      return ("--input=" + text + " is not NAME=FILE").str();
    options.inputs[key] = value.str();
  }
  return findMisplaced(flags);
}

#ifdef LUTRA_TEST_PASSES
namespace lutra::test {
void registerTestPasses();
void registerTransformTestPasses();
} // namespace lutra::test
#endif

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::ResetCommandLineParser(); // the LLVM library registers flags of its own, `threads` among them
  Flags flags;
  lutra::registerAllPasses();
#ifdef LUTRA_TEST_PASSES
  lutra::test::registerTestPasses();
  lutra::test::registerTransformTestPasses();
#endif
  cl::HideUnrelatedOptions(flags.category);
  std::string usage;
  llvm::raw_string_ostream usageStream(usage);
  if (!cl::ParseCommandLineOptions(argc, argv, "Evaluates modules and compares what they give\n",
                                   &usageStream)) {
    llvm::errs() << StringRef(usage).trim() << "\n";
    return static_cast<int>(ExitCode::Usage);
  }
  run::Options options;
  if (std::optional<std::string> misuse = readFlags(flags, options)) {
    llvm::errs() << "lutra-run: error: " << *misuse << "\n";
    return static_cast<int>(ExitCode::Usage);
  }

  DialectRegistry registry;
  lutra::registerAllDialects(registry);
  MLIRContext context(registry);
  run::printDiagnostics(context);
  if (failed(dispatch(options, context))) {
    ExitCode code = run::exitCode();
    return static_cast<int>(code == ExitCode::Ok ? ExitCode::BadInput : code);
  }
  return 0;
}
