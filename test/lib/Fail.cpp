//===- Fail.cpp - a pass that ends the process in every way there is -------===//
// lutra-compile runs passes in a child process and must turn each of these into an exit code and one
// line. The pass exists in builds with tests alone.
#include "mlir/Pass/Pass.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/ErrorHandling.h"

#include <csignal>
#include <cstring>

using namespace mlir;

namespace {
struct Fail final : PassWrapper<Fail, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(Fail)
  Fail() = default;
  Fail(const Fail &other) : PassWrapper(other) {}
  StringRef getArgument() const override { return "lutra-test-fail"; }
  StringRef getDescription() const override {
    return "fails as `kind` says: diagnostic, assert, fatal, segfault, loop or memory";
  }
  void runOnOperation() override;

  Option<std::string> kind{*this, "kind", llvm::cl::desc("way to fail"),
                           llvm::cl::init("diagnostic")};
};
} // namespace

/// Allocates and touches 64 MiB at a time until something gives.
[[noreturn]] static void eatMemory() {
  static std::vector<std::vector<char>> blocks;
  while (true)
    blocks.emplace_back(size_t(64) << 20, static_cast<char>(blocks.size() + 1));
}

void Fail::runOnOperation() {
  if (kind == "assert")
    assert(false && "planted by lutra-test-fail");
  if (kind == "fatal")
    llvm::report_fatal_error("planted by lutra-test-fail");
  if (kind == "segfault")
    std::raise(SIGSEGV);
  if (kind == "memory")
    eatMemory();
  volatile bool forever = kind == "loop";
  while (forever) {
  }
  getOperation()->emitError("planted by lutra-test-fail");
  signalPassFailure();
}

namespace lutra::test {
void registerFailingPass() { PassRegistration<Fail>(); }
} // namespace lutra::test
