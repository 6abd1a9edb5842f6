//===- Isolation.cpp - a compilation that cannot take its parent down ---------===//
// The parent forks before any thread exists. The child limits itself, sends whatever the libraries print to a file
// and compiles on a thread with a large stack; findings go to the real stderr. The parent makes the
// temporary folder before and removes it afterwards, however the child ends.
#include "Isolation.h"

#include "llvm/Support/Errno.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/thread.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace lutra;
using llvm::StringRef;

static int findingsFile = STDERR_FILENO;

static void printFinding(const Finding &finding) {
  llvm::raw_fd_ostream stream(findingsFile, /*shouldClose=*/false, /*unbuffered=*/true);
  stream << finding.text + "\n";
}

static void printError(const CompileRequest &request, ErrorCode code, const llvm::Twine &text) {
  printFinding({Finding::Error, request.inputPath + ": error: " + codeText(code) + ": " + text.str()});
}

/// Faults on request, for the tests of this file.
static void plantFault(StringRef fault) {
  if (fault == "crash")
    ::raise(SIGSEGV);
  if (fault == "abort")
    ::abort();
  volatile bool on = true;
  while (fault == "hang" && on)
    ;
  while (fault == "memory" && on) {
    volatile char *block = new char[1 << 24]; // volatile: an optimizer drops memory that nobody reads
    for (size_t i = 0; i < 1 << 24; i += 4096)
      block[i] = 1;
  }
}

int compileHere(const CompileRequest &request) {
  int code = 0;
  llvm::thread worker(std::optional<unsigned>(256u << 20), [&] {
    plantFault(request.plantedFault);
    code = static_cast<int>(compileFile(request, llvm::outs(), printFinding));
  });
  worker.join();
  llvm::outs().flush();
  if (llvm::outs().has_error()) {
    llvm::outs().clear_error();
    printError(request, ErrorCode::EnvironmentWrite, "cannot write to the standard output");
    return static_cast<int>(ExitCode::Environment);
  }
  return code;
}

static void limit(int resource, uint64_t value) {
  struct rlimit limits;
  if (value == 0 || ::getrlimit(resource, &limits) != 0)
    return;
  limits.rlim_cur = std::min<rlim_t>(value, limits.rlim_max);
  ::setrlimit(resource, &limits);
}

static const CompileRequest *childRequest = nullptr;

[[noreturn]] static void outOfMemory() {
  static const char text[] = "error: E0701: the compilation needs more memory than it may use; raise "
                             "--memory-limit\n";
  (void)!::write(findingsFile, text, sizeof text - 1);
  ::_exit(static_cast<int>(ExitCode::Limit));
}

[[noreturn]] static void runChild(const CompileRequest &request, StringRef logPath) {
  childRequest = &request;
  findingsFile = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
  int log = ::open(logPath.str().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (log >= 0)
    ::dup2(log, STDERR_FILENO);
  struct rlimit none = {0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  limit(RLIMIT_AS, request.memoryLimit);
  limit(RLIMIT_CPU, request.timeLimit);
  ::signal(SIGXFSZ, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  std::set_new_handler(outOfMemory);
  int code = compileHere(request);
  // No destructors of LLVM's globals: the work is done and they cost time.
  ::_exit(code);
}

/// Copies what is needed to repeat the failure into a folder; its path, or empty.
static std::string saveReproducer(const CompileRequest &request, llvm::ArrayRef<StringRef> flags,
                                  StringRef logPath) {
  const char *temp = ::getenv("TMPDIR");
  std::string folder = std::string(temp ? temp : "/tmp") + "/lutra-repro-XXXXXX";
  if (!::mkdtemp(folder.data()))
    return "";
  std::error_code code;
  llvm::raw_fd_ostream command(folder + "/command.txt", code);
  command << "lutra-compile";
  for (StringRef flag : flags)
    command << " '" << flag << "'";
  command << "\n";
  command.close();
  command.clear_error();
  (void)llvm::sys::fs::copy_file(logPath, folder + "/stderr.txt");
  uint64_t size = 0;
  if (!llvm::sys::fs::file_size(request.inputPath, size) && size <= (64u << 20))
    (void)llvm::sys::fs::copy_file(
        request.inputPath,
        folder + "/input" + llvm::sys::path::extension(request.inputPath).str());
  return folder;
}

static int explainSignal(int number, const CompileRequest &request,
                         llvm::ArrayRef<StringRef> flags, StringRef logPath) {
  if (number == SIGXCPU) {
    printError(request, ErrorCode::LimitTime,
               "the compilation took more than " + llvm::Twine(request.timeLimit) +
                   " s of CPU time; raise --time-limit");
    return static_cast<int>(ExitCode::Limit);
  }
  if (number == SIGKILL) {
    printError(request, ErrorCode::LimitMemory,
               "the compilation was killed, most likely because memory ran out");
    return static_cast<int>(ExitCode::Limit);
  }
  auto log = llvm::MemoryBuffer::getFile(logPath);
  if (log && ((*log)->getBuffer().contains("out of memory") ||
              (*log)->getBuffer().contains("Allocation failed") ||
              (*log)->getBuffer().contains("bad_alloc"))) {
    printError(request, ErrorCode::LimitMemory,
               "the compilation needs more memory than it may use; raise --memory-limit");
    return static_cast<int>(ExitCode::Limit);
  }
  std::string folder = saveReproducer(request, flags, logPath);
  printError(request, ErrorCode::Internal,
             "the compiler ended with signal " + llvm::Twine(number) + " (" + ::strsignal(number) +
                 "); please report it with the files in " + (folder.empty() ? "-" : folder));
  return static_cast<int>(ExitCode::Internal);
}

int compileIsolated(const CompileRequest &given, llvm::ArrayRef<StringRef> flags) {
  CompileRequest request = given;
  std::string logFolder;
  if (!request.options.outputPath.empty() && !request.check) {
    request.options.tempFolder = makeTempFolder(request.options.outputPath, printFinding);
    if (request.options.tempFolder.empty())
      return static_cast<int>(ExitCode::Environment);
    logFolder = request.options.tempFolder;
  } else {
    const char *temp = ::getenv("TMPDIR");
    logFolder = std::string(temp ? temp : "/tmp") + "/lutra-log-XXXXXX";
    if (!::mkdtemp(logFolder.data()))
      logFolder.clear();
  }
  std::string logPath = logFolder.empty() ? "/dev/null" : logFolder + "/stderr.txt";
  llvm::outs().flush();
  pid_t child = ::fork();
  if (child == 0)
    runChild(request, logPath);
  int status = 0, code = 0;
  if (child < 0) {
    printError(request, ErrorCode::EnvironmentTool,
               "cannot start a process: " + llvm::sys::StrError(errno));
    code = static_cast<int>(ExitCode::Environment);
  } else {
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR)
      ;
    code = WIFEXITED(status) ? WEXITSTATUS(status)
                             : explainSignal(WTERMSIG(status), request, flags, logPath);
  }
  if (!logFolder.empty())
    (void)llvm::sys::fs::remove_directories(logFolder);
  return code;
}
