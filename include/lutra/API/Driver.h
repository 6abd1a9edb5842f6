//===- Driver.h - compile a file, as tools and bindings do -------------------===//
#ifndef LUTRA_API_DRIVER_H
#define LUTRA_API_DRIVER_H

#include "lutra/Pipeline/Compiler.h"
#include "lutra/Support/ErrorCodes.h"

#include "mlir/IR/OwningOpRef.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace lutra {

/// Everything that one compilation is told; flags of lutra-compile and keyword arguments of lutra.compile map to it.
struct CompileRequest {
  CompileOptions options;
  std::string inputPath;
  bool outputGiven = false; // else derived from the input
  bool check = false;       // import only, list everything unsupported
  bool listWeights = false; // print what --quantize would do
  bool progress = false;
  bool isolate = true;      // the tool's business
  bool allowBytecode = false;
  uint64_t memoryLimit = 0; // bytes of address space; 0: none
  uint64_t timeLimit = 0;   // seconds of CPU time; 0: none
  bool help = false, version = false;
  std::string plantedFault; // tests of the isolation: "crash", "hang", "memory" or "abort"
};

/// One finding, in one line: `file:3:7: error: E0601: ...`.
struct Finding {
  enum Severity { Error, Warning, Note } severity;
  std::string text;
};
using FindingSink = llvm::function_ref<void(const Finding &)>;

/// Reads flags as lutra-compile takes them. On failure reports one finding and answers false.
bool parseFlags(llvm::ArrayRef<llvm::StringRef> flags, CompileRequest &request, FindingSink sink);

/// The text of --help.
llvm::StringRef getUsage();

/// Compiles `request.inputPath`. `dump` receives the module when the last stage is not the artifact and no output path
/// was given. Temporaries lie in `request.options.tempFolder`, which the caller makes and removes; empty: made
/// and removed here.
ExitCode compileFile(const CompileRequest &request, llvm::raw_ostream &dump, FindingSink sink);

/// The same for a model in memory (null: an .onnx file that is read by its path). Messages call it
/// `request.inputPath`.
ExitCode compileBuffer(const CompileRequest &request, std::unique_ptr<llvm::MemoryBuffer> buffer,
                       llvm::raw_ostream &dump, FindingSink sink);

/// The same for a module that a front end built in this process: nothing is written and read again. The module's
/// context gets the dialects and, while this runs, the threads that compiling needs.
ExitCode compileBuilt(const CompileRequest &request, mlir::OwningOpRef<mlir::ModuleOp> module,
                      llvm::raw_ostream &dump, FindingSink sink);

/// A fresh folder beside `outputPath`, on its file system; empty after a finding.
std::string makeTempFolder(llvm::StringRef outputPath, FindingSink sink);

} // namespace lutra

#endif // LUTRA_API_DRIVER_H
