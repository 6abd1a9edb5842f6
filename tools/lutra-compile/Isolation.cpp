//===- Isolation.cpp - a compilation that cannot take its parent down ---------===//
// The parent forks before any thread exists. The child limits itself, sends whatever the libraries print to a file
// and compiles on a thread with a large stack; findings go to the real stderr. The parent makes the
// temporary folder before and removes it afterwards, however the child ends. A signal that asks the parent to end kills
// the child first, and the child never outlives its parent: nothing is published after either is gone.
#include "Isolation.h"

#include "llvm/Support/Errno.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/thread.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <sys/mman.h>
#include <sys/prctl.h>
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

/// Address space of the child when it crashed, in bytes; shared with the parent, 0 while it has not.
static volatile uint64_t *sizeAtCrash = nullptr;

/// Notes how much address space is in use: a crash close to the limit is most likely an allocation that failed. Runs on
/// the stack of the thread that crashed, so an overflowing stack notes nothing.
static void noteSize(int number) {
  char text[64];
  int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? 0 : ::read(file, text, sizeof text);
  uint64_t pages = 0;
  for (ssize_t i = 0; i < length && text[i] >= '0' && text[i] <= '9'; ++i)
    pages = pages * 10 + (text[i] - '0');
  *sizeAtCrash = pages * ::sysconf(_SC_PAGESIZE);
  ::raise(number); // held until this handler is left
}

static void noteCrashes() {
  struct sigaction action = {};
  action.sa_handler = noteSize;
  action.sa_flags = SA_RESETHAND; // afterwards the signal ends the child as usual
  for (int number : {SIGABRT, SIGSEGV, SIGBUS})
    ::sigaction(number, &action, nullptr);
}

[[noreturn]] static void outOfMemory() {
  static const char text[] = "error: E0701: the compilation needs more memory than it may use; raise "
                             "--memory-limit\n";
  (void)!::write(findingsFile, text, sizeof text - 1);
  ::_exit(static_cast<int>(ExitCode::Limit));
}

[[noreturn]] static void runChild(const CompileRequest &request, StringRef logPath, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) // it died before the line above
    ::_exit(static_cast<int>(ExitCode::Internal));
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
  llvm::install_bad_alloc_error_handler([](void *, const char *, bool) { outOfMemory(); });
  if (request.memoryLimit && sizeAtCrash)
    noteCrashes();
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
  auto says = [&](std::initializer_list<StringRef> symptoms) {
    return log && llvm::any_of(symptoms, [&](StringRef text) { return (*log)->getBuffer().contains(text); });
  };
  uint64_t size = sizeAtCrash ? *sizeAtCrash : 0;
  // A thread needs address space for its stack: without a limit, other reasons are as likely.
  if (says({"out of memory", "Allocation failed", "bad_alloc"}) ||
      (request.memoryLimit &&
       says({"pthread_create failed", "Cannot allocate memory", "Resource temporarily unavailable"}))) {
    printError(request, ErrorCode::LimitMemory,
               "the compilation needs more memory than it may use; free some, or raise --memory-limit if "
               "lutra-compile was given one");
    return static_cast<int>(ExitCode::Limit);
  }
  if (request.memoryLimit && size >= request.memoryLimit / 2) {
    printError(request, ErrorCode::LimitMemory,
               "the compiler ended with signal " + llvm::Twine(number) + " when " + llvm::Twine(size >> 20) +
                   " MiB of address space were in use and " + llvm::Twine(request.memoryLimit >> 20) +
                   " MiB allowed, most likely because an allocation failed; raise the --memory-limit of lutra-compile");
    return static_cast<int>(ExitCode::Limit);
  }
  std::string folder = saveReproducer(request, flags, logPath);
  printError(request, ErrorCode::Internal,
             "the compiler ended with signal " + llvm::Twine(number) + " (" + ::strsignal(number) +
                 "); please report it with the files in " + (folder.empty() ? "-" : folder));
  return static_cast<int>(ExitCode::Internal);
}

static volatile pid_t runningChild = 0;
static volatile sig_atomic_t endingSignal = 0;

static void endChild(int number) {
  endingSignal = number;
  if (runningChild > 0)
    ::kill(runningChild, SIGKILL);
}

/// Blocks the signals that ask a process to end, or sets an earlier mask again.
static sigset_t holdSignals() {
  sigset_t held, before;
  ::sigemptyset(&held);
  for (int number : {SIGTERM, SIGINT, SIGHUP})
    ::sigaddset(&held, number);
  ::sigprocmask(SIG_BLOCK, &held, &before);
  return before;
}

static void handleSignals() {
  for (int number : {SIGTERM, SIGINT, SIGHUP}) {
    struct sigaction action = {}, before = {};
    action.sa_handler = endChild;
    ::sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) // as nohup and background shells want it
      ::sigaction(number, &action, nullptr);
  }
}

/// Ends what handleSignals began.
static void releaseSignals(const sigset_t &before) {
  for (int number : {SIGTERM, SIGINT, SIGHUP})
    if (struct sigaction action = {}; ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == endChild)
      ::signal(number, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

/// Waits for the child; nothing may signal its number once it is free for another process.
static int waitFor(pid_t child, const sigset_t &before) {
  siginfo_t info;
  runningChild = child;
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  while (::waitid(P_PID, child, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
    ;
  holdSignals();
  runningChild = 0;
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

int compileIsolated(const CompileRequest &given, llvm::ArrayRef<StringRef> flags) {
  CompileRequest request = given;
  sigset_t before = holdSignals(); // from before the folder exists until after it is gone
  handleSignals();
  void *shared = ::mmap(nullptr, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  sizeAtCrash = shared == MAP_FAILED ? nullptr : static_cast<volatile uint64_t *>(shared);
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
  pid_t parent = ::getpid(), child = ::fork();
  if (child == 0) {
    releaseSignals(before);
    runChild(request, logPath, parent);
  }
  int code = 0;
  if (child < 0) {
    printError(request, ErrorCode::EnvironmentTool,
               "cannot start a process: " + llvm::sys::StrError(errno));
    code = static_cast<int>(ExitCode::Environment);
  } else {
    int status = waitFor(child, before);
    // What a child says that was told to end is of no interest.
    code = WIFEXITED(status) ? WEXITSTATUS(status)
           : endingSignal    ? static_cast<int>(ExitCode::Internal)
                             : explainSignal(WTERMSIG(status), request, flags, logPath);
  }
  if (!logFolder.empty())
    (void)llvm::sys::fs::remove_directories(logFolder);
  if (endingSignal)
    ::raise(endingSignal); // held until the next line, as one that came meanwhile is
  releaseSignals(before);
  return code;
}
