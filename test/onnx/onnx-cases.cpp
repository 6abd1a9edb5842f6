//===- onnx-cases.cpp - imports ONNX files and evaluates them --------------===//
// Test tool. `onnx-cases --print MODEL [--dim NAME=SIZE|LOW..HIGH]..` prints the imported module, or the
// error, and ends with its exit code.
// `onnx-cases FOLDER..` runs cases that cases.py wrote: model.onnx, bind-NAME.pb, input-I.npy in the order
// of the remaining inputs, output-I.npy. Each case is a process of its own, so that a crash is a
// result, and prints one line: the case, then `pass RATIO`, `wrong ..`, `crash SIGNAL` or the error.
// What passes lies within the error bound that the evaluator derives from the graph.
#include "lutra/Frontend/ONNX/Import.h"
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

static std::string runCase(MLIRContext &context, StringRef folder) {
  std::string message;
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
  return "pass " + std::to_string(ratio);
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
    if (low.getAsInteger(10, range.low) || (high.empty() ? (range.high = range.low, false) : high.getAsInteger(10, range.high)))
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
      std::string text = runCase(context, folder);
      (void)!::write(pipes[1], text.data(), text.size());
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
    if (!WIFEXITED(status))
      text = "crash " + std::to_string(WTERMSIG(status));
    std::printf("%s %s\n", llvm::sys::path::filename(folder).str().c_str(), text.c_str());
    std::fflush(stdout);
  }
  return 0;
}
