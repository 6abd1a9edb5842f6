//===- onnx-cases.cpp - imports, evaluates, compiles and runs ONNX files ----===//
// Test tool. `onnx-cases --print MODEL [--dim NAME=SIZE|LOW..HIGH]..` prints the imported module, or the
// error, and ends with its exit code.
// `onnx-cases FOLDER..` runs cases that cases.py wrote: model.onnx, bind-NAME.pb, input-I.npy in the order
// of the remaining inputs, output-I.npy. Each case is a process of its own, so that a crash is a
// result, and prints one line: the case, then `pass RATIO`, `wrong ..`, `crash STAGE SIGNAL` or the error.
// What passes was evaluated and was compiled to a shared library and run; the expected outputs and the
// library's lie within the error bound that the evaluator derives from the graph.
#include "CompiledModel.h"

#include "lutra/Frontend/ONNX/Import.h"
#include "lutra/Pipeline/Compiler.h"
#include "lutra/Pipeline/Registration.h"
#include "lutra/Reference/Compare.h"
#include "lutra/Reference/Evaluator.h"
#include "lutra/Reference/Npy.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <algorithm>
#include <cstdio>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace mlir;
using namespace lutra;

static std::string oneLine(StringRef text) {
  std::string line = text.str();
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

/// The tensor in the element type that the function takes.
static lutra::Tensor converted(const lutra::Tensor &tensor, Type type) {
  ElementKind kind = *elementKindOf(type);
  if (tensor.getKind() == kind)
    return tensor;
  lutra::Tensor result(kind, tensor.getShape());
  for (int64_t i = 0; i < tensor.getCount(); ++i)
    tensor.isFloat() ? result.setFloat(i, tensor.getFloat(i)) : result.setInt(i, tensor.getInt(i));
  return result;
}

/// Removes a folder when it goes out of scope.
struct TemporaryFolder {
  SmallString<64> path;
  TemporaryFolder() {
    if (llvm::sys::fs::createUniqueDirectory("lutra-case", path))
      path.clear();
  }
  ~TemporaryFolder() { (void)llvm::sys::fs::remove_directories(path); }
};

/// Empty when the compiled module gives the references; else what to print. `ratio` grows to the largest
/// share of a bound that was used.
static std::string runCompiled(ModuleOp module, ArrayRef<lutra::Tensor> inputs,
                               ArrayRef<BoundedTensor> references, std::string &message, double &ratio,
                               llvm::function_ref<void(StringRef)> enter) {
  enter("compile");
  TemporaryFolder folder;
  if (folder.path.empty())
    return "wrong: no temporary folder";
  CompileOptions options;
  options.cpuLevels = {"native"};
  options.threads = 1;
  options.tempFolder = folder.path.str();
  options.outputPath = (folder.path + "/model.so").str();
  message.clear();
  if (failed(compileModule(module, options)))
    return message.empty() ? "wrong: a pass failed without saying why" : message;
  enter("run");
  run::CompiledModel model([&](ErrorCode code, const Twine &text) {
    message = "wrong run: " + codeText(code) + ": " + text.str();
  });
  if (failed(model.open(options.outputPath, /*threads=*/1)))
    return message;
  FailureOr<SmallVector<lutra::Tensor>> results = model.call(inputs);
  if (failed(results))
    return message;
  for (auto [result, reference] : llvm::zip_equal(*results, references)) {
    if (result.getKind() != reference.kind)
      return ("wrong compiled type " + nameOf(result.getKind()) + " instead of " + nameOf(reference.kind)).str();
    CompareReport report = compare(result, reference.value, reference.bound);
    if (!report.passed())
      return "wrong compiled " + oneLine(report.text());
    ratio = std::max(ratio, report.maxRatio);
  }
  return "";
}

static std::string runCase(MLIRContext &context, StringRef folder, llvm::function_ref<void(StringRef)> enter) {
  std::string message;
  enter("import");
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (message.empty())
      message = oneLine(diagnostic.str());
    return success();
  });
  OnnxImportOptions options;
  options.path = (folder + "/model.onnx").str();
  std::error_code code;
  for (llvm::sys::fs::directory_iterator file(folder, code), end; file != end && !code; file.increment(code)) {
    StringRef name = llvm::sys::path::filename(file->path());
    if (name.consume_front("bind-") && name.consume_back(".pb"))
      options.bindings[name.str()] = (*llvm::MemoryBuffer::getFile(file->path()))->getBuffer().str();
  }
  auto module = importOnnx(&context, options);
  if (failed(module))
    return message;
  if (failed(verify(**module)))
    return "wrong module does not verify: " + message;
  auto function = (*module)->lookupSymbol<func::FuncOp>("main");
  SmallVector<lutra::Tensor> inputs;
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    auto tensor = readNpy((folder + "/input-" + Twine(index) + ".npy").str());
    if (!tensor)
      return "wrong input: " + oneLine(toString(tensor.takeError()));
    inputs.push_back(converted(*tensor, cast<ShapedType>(type).getElementType()));
  }
  enter("evaluate");
  auto results = evaluateWithBounds(**module, "main", inputs);
  if (failed(results))
    return "unevaluated " + message;
  double ratio = 0;
  for (auto [index, result] : llvm::enumerate(*results)) {
    auto expected = readNpy((folder + "/output-" + Twine(index) + ".npy").str());
    if (!expected)
      return "wrong output: " + oneLine(toString(expected.takeError()));
    CompareReport report = compare(*expected, result.value, result.bound);
    if (!report.passed())
      return "wrong " + oneLine(report.text());
    ratio = std::max(ratio, report.maxRatio);
  }
  double compiledRatio = 0;
  std::string fault = runCompiled(**module, inputs, *results, message, compiledRatio, enter);
  if (!fault.empty())
    return fault;
  return "pass " + std::to_string(ratio) + " " + std::to_string(compiledRatio);
}

static int printModel(ArrayRef<StringRef> arguments) {
  DialectRegistry registry;
  registerAllDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  OnnxImportOptions options;
  options.path = arguments[0].str();
  for (StringRef argument : arguments.drop_front()) {
    if (argument == "-o") // the module goes to the standard output
      break;
    auto [name, value] = argument.split('=');
    if (!name.consume_front("--dim:"))
      return 2;
    auto [low, high] = value.split("..");
    DimRange range;
    if (low.getAsInteger(10, range.low) ||
        (high.empty() ? (range.high = range.low, false) : high.getAsInteger(10, range.high)))
      return 2;
    options.dims[name.str()] = range;
  }
  int exitCode = static_cast<int>(ExitCode::Internal);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    std::string text = diagnostic.str();
    llvm::errs() << "error: " << text << "\n";
    if (std::optional<ErrorCode> code = codeOfMessage(text))
      exitCode = static_cast<int>(exitCodeOf(*code));
    return success();
  });
  auto module = importOnnx(&context, options);
  if (failed(module) || failed(verify(**module)))
    return exitCode;
  OpPrintingFlags flags;
  flags.elideLargeElementsAttrs(16).elideLargeResourceString(16);
  (*module)->print(llvm::outs(), flags);
  return 0;
}

int main(int argc, char **argv) {
  SmallVector<StringRef> arguments(argv + 1, argv + argc);
  if (arguments.size() >= 2 && arguments[0] == "--print")
    return printModel(ArrayRef<StringRef>(arguments).drop_front());
  DialectRegistry registry;
  registerAllDialects(registry);
  for (StringRef folder : arguments) {
    int pipes[2];
    if (::pipe(pipes) != 0)
      return 5;
    pid_t child = ::fork();
    if (child == 0) {
      struct rlimit limits = {20, 20};
      ::setrlimit(RLIMIT_CPU, &limits);
      MLIRContext context(registry, MLIRContext::Threading::DISABLED);
      auto send = [&](StringRef text) { (void)!::write(pipes[1], text.data(), text.size()); };
      // Each stage's name goes ahead, so that a crash can be placed.
      send(runCase(context, folder, [&](StringRef stage) { send((stage + "\n").str()); }));
      ::_exit(0);
    }
    ::close(pipes[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t count; (count = ::read(pipes[0], buffer, sizeof buffer)) > 0;)
      text.append(buffer, count);
    ::close(pipes[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    auto [stages, result] = StringRef(text).rsplit('\n');
    std::string line = result.str();
    if (!WIFEXITED(status))
      line = "crash " + stages.substr(stages.rfind('\n') + 1).str() + " " + std::to_string(WTERMSIG(status));
    std::printf("%s %s\n", llvm::sys::path::filename(folder).str().c_str(), line.c_str());
    std::fflush(stdout);
  }
  return 0;
}
