//===- AssembleNVGPU.cpp - ptxas as a subprocess, its report kept ---------===//
#include "lutra/Target/NVGPU/NVGPU.h"

#include "lutra/Conversion/TileToNVVM/Passes.h"
#include "lutra/Support/ErrorCodes.h"
#include "lutra/Support/Files.h"
#include "lutra/Target/NVGPU/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

namespace lutra {
#define GEN_PASS_DEF_ASSEMBLENVGPU
#include "lutra/Target/NVGPU/Passes.h.inc"
} // namespace lutra

using namespace mlir;

namespace lutra {

/// Where Linux packages of the toolkit put it.
static constexpr llvm::StringLiteral defaultToolkit = "/usr/local/cuda";

/// What brings ptxas.
static constexpr llvm::StringLiteral wanted =
    "NVIDIA's CUDA toolkit of version 12 or later (package cuda-nvcc, or nvidia-cuda-nvcc from PyPI)";

static std::optional<std::string> ptxasIn(StringRef toolkit) {
  if (toolkit.empty())
    return std::nullopt;
  SmallString<128> path(toolkit);
  llvm::sys::path::append(path, "bin", "ptxas");
  if (!llvm::sys::fs::can_execute(path))
    return std::nullopt;
  return std::string(path);
}

FailureOr<std::string> findPtxas(Location loc, StringRef toolkit) {
  if (!toolkit.empty()) {
    if (auto path = ptxasIn(toolkit))
      return *path;
    return emitCodedError(loc, ErrorCode::EnvironmentTool)
           << "no ptxas in \"" << toolkit << "/bin\"; name the folder of a CUDA toolkit of version 12 or later";
  }
  for (StringRef variable : {"CUDA_HOME", "CUDA_PATH", "CUDA_ROOT"}) {
    auto folder = llvm::sys::Process::GetEnv(variable);
    if (!folder || folder->empty())
      continue;
    if (auto path = ptxasIn(*folder))
      return *path;
    // Another toolkit than the one that was named would be a surprise.
    return emitCodedError(loc, ErrorCode::EnvironmentTool)
           << variable << " names \"" << *folder << "\", which has no bin/ptxas; install " << wanted
           << " there, or unset " << variable << " to search PATH and " << defaultToolkit;
  }
  if (auto path = llvm::sys::findProgramByName("ptxas"))
    return *path;
  if (auto path = ptxasIn(defaultToolkit))
    return *path;
  return emitCodedError(loc, ErrorCode::EnvironmentTool)
         << "no ptxas on PATH or in " << defaultToolkit
         << ", and CUDA_HOME, CUDA_PATH and CUDA_ROOT are unset; install " << wanted
         << " and set CUDA_HOME to its folder";
}

std::string NVGPUKernelReport::str(StringRef arch) const {
  return (Twine(name) + " " + arch + " registers=" + Twine(registers) +
          " shared=" + Twine(staticSharedBytes + dynamicSharedBytes) + " stack=" +
          Twine(stackBytes) + " spill_stores=" + Twine(spillStores) + " spill_loads=" +
          Twine(spillLoads))
      .str();
}

/// The number before `word` in a line like "0 bytes stack frame, 8 bytes spill stores".
static int64_t numberBefore(StringRef line, StringRef word) {
  size_t at = line.find(word);
  if (at == StringRef::npos)
    return 0;
  StringRef head = line.take_front(at).rtrim();
  int64_t value = 0;
  head.substr(head.find_last_not_of("0123456789") + 1).getAsInteger(10, value);
  return value;
}

/// Reads what `ptxas -v` prints: for each function a "Compiling entry function 'k'" line, then its properties.
static void readReport(StringRef text, MutableArrayRef<NVGPUKernelReport> kernels) {
  NVGPUKernelReport *current = nullptr;
  for (StringRef line : llvm::split(text, '\n')) {
    if (line.contains("Compiling entry function")) {
      StringRef name = line.split('\'').second.split('\'').first;
      current = llvm::find_if(kernels, [&](auto &kernel) { return kernel.name == name; });
      if (current == kernels.end())
        current = nullptr;
    } else if (current && line.contains("bytes stack frame")) {
      current->stackBytes = numberBefore(line, "bytes stack frame");
      current->spillStores = numberBefore(line, "bytes spill stores");
      current->spillLoads = numberBefore(line, "bytes spill loads");
    } else if (current && line.contains("registers")) {
      current->registers = numberBefore(line, "registers");
      current->staticSharedBytes = numberBefore(line, "bytes smem");
    }
  }
}

static FailureOr<std::string> readFile(Location loc, StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return emitCodedError(loc, ErrorCode::EnvironmentRead)
           << "cannot read \"" << path << "\" (" << buffer.getError().message() << ")";
  return (*buffer)->getBuffer().str();
}

static FailureOr<std::string> runPtxas(Location loc, StringRef ptxas, const NVGPUArch &arch,
                                       StringRef ptx, std::string &log) {
  SmallString<128> input, output, messages;
  llvm::scope_exit remove([&] {
    for (StringRef path : {input, output, messages})
      if (!path.empty())
        llvm::sys::fs::remove(path);
  });
  if (llvm::sys::fs::createTemporaryFile("lutra", "ptx", input) ||
      llvm::sys::fs::createTemporaryFile("lutra", "cubin", output) ||
      llvm::sys::fs::createTemporaryFile("lutra", "log", messages))
    return emitCodedError(loc, ErrorCode::EnvironmentWrite)
           << "cannot create a temporary file for ptxas; check the folder for temporary files";
  if (failed(reportWrite(writeBytes(input, ptx), input, loc)))
    return failure();
  std::string archFlag = ("-arch=" + arch.name).str();
  SmallVector<StringRef> command = {ptxas, archFlag, "-v", "-O3", input, "-o", output};
  std::optional<StringRef> redirects[] = {StringRef(""), messages.str(), messages.str()};
  std::string reason;
  int status = llvm::sys::ExecuteAndWait(ptxas, command, std::nullopt, redirects, /*SecondsToWait=*/0,
                                         /*MemoryLimit=*/0, &reason);
  FailureOr<std::string> text = readFile(loc, messages);
  if (failed(text))
    return failure();
  log = *text;
  if (status != 0) {
    StringRef first = reason.empty() ? StringRef(log).split('\n').first : StringRef(reason);
    return emitCodedError(loc, status < 0 ? ErrorCode::EnvironmentTool : ErrorCode::Internal)
           << "ptxas does not assemble the kernels for " << arch.name << ": " << first;
  }
  return readFile(loc, output);
}

FailureOr<NVGPUImage> assembleKernels(ModuleOp module, const NVGPUArch &arch,
                                      const NVGPUOptions &options) {
  NVGPUImage image;
  image.arch = &arch;
  std::string ptxas;
  if (!options.ptxOnly) { // before the work of translating
    FailureOr<std::string> found = findPtxas(module.getLoc(), options.toolkit);
    if (failed(found))
      return failure();
    ptxas = std::move(*found);
  }
  FailureOr<std::string> ptx = translateToPtx(module, arch);
  if (failed(ptx))
    return failure();
  image.ptx = std::move(*ptx);
  if (options.ptxOnly)
    return image;
  std::string log;
  FailureOr<std::string> cubin = runPtxas(module.getLoc(), ptxas, arch, image.ptx, log);
  if (failed(cubin))
    return failure();
  image.cubin = std::move(*cubin);
  for (auto kernel : module.getOps<func::FuncOp>())
    if (kernel->hasAttr(blockThreadsAttrName)) {
      NVGPUKernelReport report;
      report.name = kernel.getName().str();
      report.dynamicSharedBytes = kernel->getAttrOfType<IntegerAttr>(sharedBytesAttrName).getInt();
      image.kernels.push_back(std::move(report));
    }
  readReport(log, image.kernels);
  // C7510 to C7517 say that wgmma runs one at a time: a bug of ours, not a matter of taste.
  for (char last = '0'; last <= '7'; ++last)
    if (size_t at = log.find(std::string("C751") + last); at != std::string::npos)
      return emitCodedError(module.getLoc(), ErrorCode::Internal)
             << "ptxas serialises the tensor-core pipeline for " << arch.name << ": "
             << StringRef(log).substr(at).split('\n').first;
  return image;
}

namespace {
struct AssembleNVGPU final : lutra::impl::AssembleNVGPUBase<AssembleNVGPU> {
  using Base::Base;
  void runOnOperation() override;
};
} // namespace

void AssembleNVGPU::runOnOperation() {
  ModuleOp module = getOperation();
  Location loc = module.getLoc();
  const NVGPUArch *arch = getNVGPUArch(target);
  if (!arch) {
    emitCodedError(loc, ErrorCode::UnsupportedTarget)
        << "no GPU architecture \"" << target << "\"; known are sm_80 and sm_90a";
    return signalPassFailure();
  }
  if (ptxOnly && forbidSpills) {
    emitCodedError(loc, ErrorCode::RuntimeArgument)
        << "forbid-spills asks what ptxas alone knows, and ptx-only does not run it; take one of them";
    return signalPassFailure();
  }
  NVGPUOptions assembly;
  assembly.toolkit = toolkit;
  assembly.ptxOnly = ptxOnly;
  FailureOr<NVGPUImage> image = assembleKernels(module, *arch, assembly);
  if (failed(image))
    return signalPassFailure();
  std::string lines;
  for (const NVGPUKernelReport &kernel : image->kernels) {
    lines += kernel.str(arch->name) + "\n";
    if (forbidSpills && (kernel.spillStores || kernel.spillLoads || kernel.stackBytes)) {
      emitCodedError(loc, ErrorCode::Internal) << "kernel spills registers: " << kernel.str(arch->name);
      return signalPassFailure();
    }
  }
  if (output.empty())
    return;
  auto write = [&](StringRef suffix, StringRef bytes) {
    std::string path = (Twine(output) + suffix).str();
    return reportWrite(writeBytes(path, bytes), path, loc);
  };
  if (failed(write(".ptx", image->ptx)) ||
      (!ptxOnly && (failed(write(".cubin", image->cubin)) || failed(write(".report", lines)))))
    signalPassFailure();
}

} // namespace lutra
