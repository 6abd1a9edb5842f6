//===- CompilerC.cpp - the compiler as a C library ----------------------------===//
#include "lutra-c/Compiler.h"

#include "lutra/API/Driver.h"

#include <cstring>

using namespace lutra;

/// Parses the flags, compiles `buffer` or the named file.
static int compile(std::unique_ptr<llvm::MemoryBuffer> buffer, int count, const char *const *flags,
                   lutra_finding_fn finding, lutra_text_fn dump, void *user) {
  auto sink = [&](const Finding &one) {
    if (finding)
      finding(user, static_cast<int>(one.severity), one.text.c_str());
  };
  CompileRequest request;
  llvm::SmallVector<llvm::StringRef> words(flags, flags + count);
  if (!parseFlags(words, request, sink))
    return static_cast<int>(ExitCode::Usage);
  std::string text;
  llvm::raw_string_ostream stream(text);
  ExitCode code = buffer ? compileBuffer(request, std::move(buffer), stream, sink)
                         : compileFile(request, stream, sink);
  if (dump && !text.empty())
    dump(user, text.data(), text.size());
  return static_cast<int>(code);
}

int lutra_compile(int count, const char *const *flags, lutra_finding_fn finding, lutra_text_fn dump,
                  void *user) {
  return compile(nullptr, count, flags, finding, dump, user);
}

int lutra_compile_bytes(const void *data, size_t bytes, int count, const char *const *flags,
                        lutra_finding_fn finding, lutra_text_fn dump, void *user) {
  // A copy: the parser of IR text needs a null byte after the last one, weights in bytecode their alignment.
  auto buffer = llvm::WritableMemoryBuffer::getNewUninitMemBuffer(bytes, "model", llvm::Align(64));
  std::memcpy(buffer->getBufferStart(), data, bytes);
  return compile(std::move(buffer), count, flags, finding, dump, user);
}

const char *lutra_version(void) { return "0.1.0"; }
