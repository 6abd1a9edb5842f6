"""This machine's own limits, measured in the same run as everything else."""

from __future__ import annotations

import ctypes
import mmap
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

L2_BYTES = 1 << 20
L3_BYTES = 12 << 20
STREAM_BYTES = 768 << 20  # more than any cache
SLICE_BYTES = 128 << 20  # of it, read at a time
LARGEST_IN_L2 = 3 << 19
LARGEST_IN_L3 = 64 << 20
PLAUSIBLE_CLOCK = (0.5e9, 7e9)  # outside: the chain did not measure what it should


@dataclass(frozen=True, slots=True)
class Work:
    """What one call has to do at least. `rows` share a weight; a coded product may round activations to 8 bits."""

    macs: float
    bytes: float
    rows: int = 16
    coded: bool = False
    bfloat: bool = False  # may round both factors to bf16, of which a tile holds half as many
    cold: bool = False  # nothing of it is in a cache


class Limit(NamedTuple):
    """What binds a call, and the least time it leaves."""

    name: str
    seconds: float


@cache
def limits_library() -> ctypes.CDLL | None:
    """limits.c, compiled for this machine; None without a compiler."""
    compiler = next((c for c in ("clang-22", "clang", "cc") if shutil.which(c)), None)
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "limits.so"
        source = Path(__file__).with_name("limits.c")
        command = [compiler, "-O2", "-ffp-contract=fast", "-march=native", "-shared", "-fPIC"]
        subprocess.run([*command, str(source), "-o", str(path)], check=True)
        library = ctypes.CDLL(str(path))
    for name in ("core_clock", "read_rate", "fma_rate", "dot_rate", "amx_rate", "amx_bf16_rate"):
        getattr(library, name).restype = ctypes.c_double
    return library


class Machine:
    """Best values seen so far; `measure` takes another sample. Rates are of one core, bytes of all threads together."""

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self.clock = 0.0
        self.macs: dict[str, float] = {}  # a second: fma (f32), dot (bytes, vectors), amx and amx8 (bytes), amx_bf16
        self.reads: dict[str, float] = {}  # bytes a second: L2, L3, DRAM
        self._library = limits_library()
        if self._library is None:
            return
        self._memory = mmap.mmap(-1, STREAM_BYTES)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            self._memory.madvise(mmap.MADV_HUGEPAGE)
        self._begin = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        ctypes.memset(self._begin, 1, STREAM_BYTES)
        self._at = 0
        self._workers = ThreadPoolExecutor(threads)

    def _read(self, begin: int, size: int, times: int = 1) -> float:
        assert self._library is not None
        rate: float = self._library.read_rate(ctypes.c_void_p(begin), ctypes.c_long(size), ctypes.c_long(times))
        return rate

    def _read_together(self, offset: int, size: int, times: int) -> float:
        """Each thread its part of `size` bytes; the sum of their rates."""
        part = size // self.threads
        begins = [self._begin + offset + index * part for index in range(self.threads)]
        return sum(self._workers.map(lambda begin: self._read(begin, part, times), begins))

    def measure(self) -> None:
        if self._library is None:
            return
        clock = self._library.core_clock()
        if PLAUSIBLE_CLOCK[0] < clock < PLAUSIBLE_CLOCK[1]:
            self.clock = max(self.clock, clock)
        rates = {
            "fma": self._library.fma_rate(),
            "dot": self._library.dot_rate(),
            "amx": self._library.amx_rate(16),
            "amx8": self._library.amx_rate(8),
            "amx_bf16": self._library.amx_bf16_rate(),
        }
        for name, rate in rates.items():
            if rate > 0:
                self.macs[name] = max(self.macs.get(name, 0.0), rate)
        self._read(self._begin, L2_BYTES)
        reads = {"L2": self.threads * self._read(self._begin, L2_BYTES, 40)}
        reads["L3"] = max(self._read_together(0, L3_BYTES, 2) for _ in range(5))
        self._at = (self._at + SLICE_BYTES) % STREAM_BYTES
        reads["DRAM"] = self._read_together(self._at, SLICE_BYTES, 1)
        for name, rate in reads.items():
            self.reads[name] = max(self.reads.get(name, 0.0), rate)

    def evict(self) -> None:
        """Leaves nothing of others in the caches."""
        if self._library is not None:
            self._read_together(0, STREAM_BYTES, 1)

    def limit(self, work: Work) -> Limit | None:
        """The slowest of reading what the work reads, from where it lies, and of its best instruction."""
        if not self.macs:
            return None
        limits = []
        if work.bytes:
            in_l2, in_l3 = work.bytes <= LARGEST_IN_L2 * self.threads, work.bytes <= LARGEST_IN_L3
            level = "DRAM" if work.cold or not in_l3 else "L2" if in_l2 else "L3"
            limits.append(Limit(level, work.bytes / self.reads[level]))
        if work.macs:
            name, rate = max(self._rates(work).items(), key=lambda item: item[1])
            limits.append(Limit(name, work.macs / rate / self.threads))
        return max(limits, key=lambda limit: limit.seconds, default=None)

    def _rates(self, work: Work) -> dict[str, float]:
        """Multiply-adds a second of one core, by the instructions that the work may use."""
        rates = {"fma": self.macs["fma"]}
        if not work.coded and not work.bfloat:
            return rates
        if work.coded:
            rates["dot"] = self.macs["dot"]
        if "amx" in self.macs:
            # Tiles of up to 8 rows are quicker than full ones, but not by as much as they do less.
            whole, rest = divmod(work.rows, 16)
            tile = 16 / self.macs["amx"]
            last = 0 if not rest else 8 / self.macs["amx8"] if rest <= 8 else tile
            rates["amx"] = work.rows / (whole * tile + last) / (1 if work.coded else 2)
        return rates
