//===- Profile.h - where the time of a compiled model goes -------------------===//
#ifndef LUTRA_TOOLS_LUTRA_RUN_PROFILE_H
#define LUTRA_TOOLS_LUTRA_RUN_PROFILE_H

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

namespace lutra::run {

/// The time that each kernel of a compiled model takes. Filled through the trace of a context.
class Profile {
public:
  /// `cpuTime`: count the CPU time of the calling thread, for models that run on it alone.
  explicit Profile(bool cpuTime) : cpuTime(cpuTime) {}
  /// A lutra_trace; `user` is the profile.
  static void trace(void *user, const char *kernel, int64_t items);
  /// Ends a run: the least time of each kernel over the runs is kept.
  void endRun();
  /// One line for each kernel, the most expensive first.
  void print(llvm::raw_ostream &stream) const;
  bool isEmpty() const { return kernels.empty(); }

private:
  struct Kernel {
    double least = 0, now = 0; // milliseconds of all launches of a run
    int64_t launches = 0, items = 0; // of a run
  };
  llvm::MapVector<llvm::StringRef, Kernel> kernels;
  /// Milliseconds.
  double now() const;

  bool cpuTime;
  double start = 0;
  unsigned runs = 0;
};

} // namespace lutra::run

#endif // LUTRA_TOOLS_LUTRA_RUN_PROFILE_H
