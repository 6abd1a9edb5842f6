"""This machine's own limits, measured in the same run as everything else."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

_SOURCE = r"""
#include <stdlib.h>
#include <time.h>
typedef float vector __attribute__((vector_size(WIDTH)));
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}
double fma_peak(void) { /* operations per second of independent multiply-adds */
  vector a[CHAINS], x, y;
  for (unsigned i = 0; i < WIDTH / 4; ++i) x[i] = 1.0000001f, y[i] = 1e-9f;
  for (int i = 0; i < CHAINS; ++i) a[i] = x;
  double begin = now();
  for (long round = 0; round < 200000; ++round)
    for (int i = 0; i < CHAINS; ++i) {
      a[i] = a[i] * x + y;
      __asm__ volatile("" : "+x"(a[i]));
    }
  double time = now() - begin;
  return 2.0 * CHAINS * (WIDTH / 4) * 200000 / time;
}
double read_rate(const char *data, long size) { /* bytes per second */
  vector sum[4] = {0};
  double begin = now();
  for (long at = 0; at + 4 * WIDTH <= size; at += 4 * WIDTH)
    for (int i = 0; i < 4; ++i) sum[i] += *(const vector *)(data + at + i * WIDTH);
  double time = now() - begin;
  volatile float keep = sum[0][0] + sum[1][0] + sum[2][0] + sum[3][0];
  (void)keep;
  return size / time;
}
"""


class Machine:
    """Best values seen so far; `measure` takes another sample."""

    def __init__(self) -> None:
        self.fma_peak = 0.0
        self.read_rate = 0.0
        self._library: ctypes.CDLL | None = None
        compiler = next((c for c in ("clang-22", "clang", "cc") if shutil.which(c)), None)
        if compiler is None:
            return
        wide = "avx512f" in Path("/proc/cpuinfo").read_text()
        flags = [f"-DWIDTH={64 if wide else 32}", f"-DCHAINS={16 if wide else 12}"]
        self._folder = tempfile.TemporaryDirectory()
        source, library = Path(self._folder.name) / "peak.c", Path(self._folder.name) / "peak.so"
        source.write_text(_SOURCE)
        command = [compiler, "-O2", "-ffp-contract=fast", "-march=native", "-shared", "-fPIC", *flags]
        subprocess.run([*command, str(source), "-o", str(library)], check=True)
        self._library = ctypes.CDLL(str(library))
        self._library.fma_peak.restype = ctypes.c_double
        self._library.read_rate.restype = ctypes.c_double
        self._size = 256 << 20
        self._raw = ctypes.create_string_buffer(self._size + 64)
        ctypes.memset(self._raw, 1, self._size)
        self._data = (ctypes.addressof(self._raw) + 63) // 64 * 64

    def measure(self) -> None:
        if self._library is None:
            return
        self.fma_peak = max(self.fma_peak, self._library.fma_peak())
        rate = self._library.read_rate(ctypes.c_void_p(self._data), ctypes.c_long(self._size))
        self.read_rate = max(self.read_rate, rate)
