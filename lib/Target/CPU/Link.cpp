//===- Link.cpp - in-process LLD ------------------------------------------------===//
// The shared library is linked against two stub libraries made on the spot: libc.so.6 and libm.so.6 with the functions
// that the runtime and the kernels may call, without versions. So no file of the target system is needed, a symbol
// outside the list is an error here and not at load, and `ldd` shows libc and libm alone.
#include "Internal.h"

#include "lutra/Support/ErrorCodes.h"

#include "lld/Common/Driver.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/InterfaceStub/ELFObjHandler.h"
#include "llvm/InterfaceStub/IFSStub.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace mlir;

namespace lutra {

/// What lib/Runtime and the code generator call.
static constexpr llvm::StringLiteral libcSymbols[] = {
    "__errno_location", "__sched_cpucount", "bcmp",         "calloc",     "close",
    "dladdr",           "free",             "fstat",        "getenv",     "getpid",
    "madvise",          "memcmp",           "memcpy",       "memmove",    "memset",
    "mmap",             "munmap",           "open",         "posix_memalign", "pthread_create",
    "pthread_join",     "sched_getaffinity", "sched_yield", "snprintf",   "strcmp",
    "strerror",         "strlen",           "strrchr",      "syscall",    "vsnprintf",
    "dlopen",           "dlsym",            "dlclose",      "dlerror",    "pthread_once",
    "malloc",           "memchr",           "strchr",       "strncmp",    "qsort",
    "getauxval"};

/// Functions of one double; each also exists for float.
static constexpr llvm::StringLiteral libmSymbols[] = {
    "acos",  "acosh", "asin",  "asinh", "atan",  "atan2", "atanh", "cbrt",      "ceil",  "copysign",
    "cos",   "cosh",  "erf",   "erfc",  "exp",   "exp2",  "expm1", "fabs",      "floor", "fma",
    "fmax",  "fmin",  "fmod",  "ldexp", "lgamma", "log",  "log10", "log1p",     "log2",  "lrint",
    "nearbyint", "pow", "rint", "round", "roundeven", "sin", "sinh", "sqrt",    "tan",   "tanh",
    "tgamma", "trunc"};

static LogicalResult writeStub(StringRef path, StringRef name, StringRef triple, ArrayRef<std::string> symbols,
                               Location loc) {
  llvm::ifs::IFSStub stub;
  stub.IfsVersion = llvm::VersionTuple(3, 0);
  stub.SoName = name.str();
  stub.Target.Arch =
      static_cast<llvm::ifs::IFSArch>(triple == aarch64Triple ? llvm::ELF::EM_AARCH64 : llvm::ELF::EM_X86_64);
  stub.Target.Endianness = llvm::ifs::IFSEndiannessType::Little;
  stub.Target.BitWidth = llvm::ifs::IFSBitWidthType::IFS64;
  for (const std::string &symbol : symbols) {
    llvm::ifs::IFSSymbol entry(symbol);
    entry.Type = llvm::ifs::IFSSymbolType::Func;
    stub.Symbols.push_back(entry);
  }
  llvm::sort(stub.Symbols);
  if (llvm::Error error = llvm::ifs::writeBinaryStub(path, stub))
    return emitCodedError(loc, ErrorCode::EnvironmentWrite)
           << "cannot write " << path << ": " << llvm::toString(std::move(error));
  return success();
}

/// Runs ld.lld in this process, one link at a time; the executable when the library may not run again.
static LogicalResult runLinker(ArrayRef<std::string> arguments, Location loc) {
  static std::mutex mutex; // LLD keeps its state in globals
  static bool usable = true;
  std::lock_guard<std::mutex> lock(mutex);
  SmallVector<const char *> raw;
  for (const std::string &argument : arguments)
    raw.push_back(argument.c_str());
  std::string output, errors;
  if (usable) {
    llvm::raw_string_ostream out(output), err(errors);
    lld::Result result = lld::lldMain(raw, out, err, {{lld::Gnu, &lld::elf::link}});
    usable = result.canRunAgain;
    if (result.retCode == 0)
      return success();
  } else {
    llvm::ErrorOr<std::string> program = llvm::sys::findProgramByName("ld.lld");
    if (!program)
      return emitCodedError(loc, ErrorCode::EnvironmentTool)
             << "the linker inside the compiler failed earlier and ld.lld is not on the PATH; "
                "install lld";
    SmallVector<StringRef> references(arguments.begin(), arguments.end());
    if (llvm::sys::ExecuteAndWait(*program, references, std::nullopt, {}, 0, 0, &errors) == 0)
      return success();
  }
  StringRef first = StringRef(errors).trim().split('\n').first;
  return emitCodedError(loc, ErrorCode::Internal) << "linking failed: " << first;
}

LogicalResult linkSharedLibrary(ArrayRef<std::string> objects, StringRef path, const CpuArtifactOptions &options,
                                Location loc) {
  SmallVector<std::string> libm;
  for (StringRef name : libmSymbols) {
    libm.push_back(name.str());
    libm.push_back((name + "f").str());
  }
  SmallVector<std::string> libc;
  for (StringRef name : libcSymbols)
    libc.push_back(name.str());
  std::string libcPath = options.tempFolder + "/libc.so", libmPath = options.tempFolder + "/libm.so";
  if (failed(writeStub(libcPath, "libc.so.6", options.triple, libc, loc)) ||
      failed(writeStub(libmPath, "libm.so.6", options.triple, libm, loc)))
    return failure();
  SmallVector<std::string> arguments = {
      "ld.lld",      "-shared",       "-o",           path.str(),   "--build-id=none",
      "--hash-style=gnu", "--gc-sections", "--no-undefined", "--as-needed", "-znow",
      "-zrelro",     "-znoexecstack", "--threads=1",  "--no-rosegment", "-zseparate-code"};
  arguments.append(objects.begin(), objects.end());
  arguments.append({libcPath, libmPath});
  return runLinker(arguments, loc);
}

LogicalResult linkObject(ArrayRef<std::string> objects, StringRef path, Location loc) {
  SmallVector<std::string> arguments = {"ld.lld", "-r", "-o", path.str(), "--build-id=none"};
  arguments.append(objects.begin(), objects.end());
  return runLinker(arguments, loc);
}

} // namespace lutra
