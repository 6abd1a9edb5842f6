//===- Profile.cpp - where the time of a compiled model goes ----------------===//
// A context tells of every launch before and after it. The times of one kernel's launches are summed over a run; of all
// runs the least sum is kept, which other work on the machine disturbs least. On one thread its CPU time is counted.
#include "Profile.h"

#include "llvm/Support/Format.h"

#include <ctime>

using namespace lutra;

double run::Profile::now() const {
  timespec time;
  clock_gettime(cpuTime ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return 1e3 * time.tv_sec + 1e-6 * time.tv_nsec;
}

void run::Profile::trace(void *user, const char *name, int64_t items) {
  auto *profile = static_cast<Profile *>(user);
  if (items >= 0) {
    Kernel &kernel = profile->kernels[name];
    if (profile->runs == 0) {
      ++kernel.launches;
      kernel.items += items;
    }
    profile->start = profile->now();
    return;
  }
  profile->kernels[name].now += profile->now() - profile->start;
}

void run::Profile::endRun() {
  for (auto &[name, kernel] : kernels) {
    kernel.least = runs == 0 ? kernel.now : std::min(kernel.least, kernel.now);
    kernel.now = 0;
  }
  ++runs;
}

void run::Profile::print(llvm::raw_ostream &stream) const {
  double total = 0;
  std::vector<std::pair<llvm::StringRef, const Kernel *>> sorted;
  for (const auto &[name, kernel] : kernels) {
    total += kernel.least;
    sorted.push_back({name, &kernel});
  }
  llvm::sort(sorted, [](const auto &a, const auto &b) {
    return std::make_pair(-a.second->least, a.first) < std::make_pair(-b.second->least, b.first);
  });
  stream << "profile: least time of " << runs << " runs, all launches of a kernel together\n"
         << "kernel      launches     items          ms   share\n";
  for (auto [name, kernel] : sorted)
    stream << llvm::format("%-12s", name.str().c_str())
           << llvm::format("%8lld %9lld %11.4f %6.1f%%\n", (long long)kernel->launches, (long long)kernel->items,
                           kernel->least, total > 0 ? 100 * kernel->least / total : 0);
  stream << llvm::format("total %34.4f ms\n", total);
}
