//===- lutra-compile.cpp - a model file in, an artifact out ------------------===//
#include "Isolation.h"

#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <unistd.h>

using namespace lutra;

/// A line per stage once the work takes longer than a moment; overwritten in place on a terminal.
static std::function<void(Stage)> makeProgress(bool wanted) {
  bool terminal = ::isatty(STDERR_FILENO);
  if (!wanted && !terminal)
    return nullptr;
  auto start = std::chrono::steady_clock::now();
  // The child's stderr is redirected: the line goes where the user looks.
  int file = ::dup(STDERR_FILENO);
  return [=](Stage stage) {
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (!wanted && seconds < 0.5)
      return;
    llvm::raw_fd_ostream stream(file, /*shouldClose=*/false, /*unbuffered=*/true);
    size_t number = static_cast<size_t>(stage) + 1, count = allStages().size();
    std::string line = "[" + std::to_string(number) + "/" + std::to_string(count) + "] " +
                       stageName(stage).str();
    stream << (terminal ? "\r\033[K" + line : line + "\n");
    if (terminal && number == count)
      stream << "\r\033[K";
  };
}

int main(int argc, char **argv) {
  llvm::SmallVector<llvm::StringRef> flags(argv + 1, argv + argc);
  CompileRequest request;
  auto print = [](const Finding &finding) { llvm::errs() << finding.text << "\n"; };
  if (!parseFlags(flags, request, print))
    return static_cast<int>(ExitCode::Usage);
  if (request.help) {
    llvm::outs() << getUsage();
    return 0;
  }
  if (request.version) {
    llvm::outs() << "lutra-compile 0.1.0 (LLVM " LLVM_VERSION_STRING ")\n";
    return 0;
  }
  request.options.progress = makeProgress(request.progress);
  return request.isolate ? compileIsolated(request, flags) : compileHere(request);
}
