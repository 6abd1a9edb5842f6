"""Runs libraries for aarch64 on this machine: qemu-user, and guest.c linked with Debian's C library for aarch64."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

SYSTEM = Path("/usr/aarch64-linux-gnu")
# CPUs of qemu that have no more than a level asks for.
CPUS = {"neon": "cortex-a53", "dotprod": "neoverse-n1", "i8mm": "max"}
# What the levels add, as LLVM calls it.
FEATURES = {"neon": "+neon", "dotprod": "+neon,+dotprod", "i8mm": "+neon,+dotprod,+i8mm"}
# By lutra_dtype.
DTYPES = {
    1: np.bool_, 2: np.int8, 3: np.int16, 4: np.int32, 5: np.int64, 6: np.uint8, 7: np.uint16, 8: np.uint32,
    9: np.uint64, 10: np.float16, 12: np.float32, 13: np.float64,
}  # fmt: skip
NUMBER, BUFFER, SAME_BUFFER = range(3)
TARGET = ["--target=aarch64-linux-gnu", "-nostdlib", "-fuse-ld=lld", f"-L{SYSTEM}/lib"]


def find_emulator() -> str | None:
    """qemu's program for aarch64."""
    return shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")


def link_library(built: Path, library: Path) -> None:
    """A shared library of an object file."""
    subprocess.run(["clang", *TARGET, "-shared", built, "-o", library, "-lm", "-lc"], check=True)


class Guest:
    """An emulated machine."""

    def __init__(self, level: str, work: Path) -> None:
        emulator = find_emulator()
        if emulator is None:
            sys.exit("qemu-aarch64 is not there; install qemu-user")
        work.mkdir(parents=True, exist_ok=True)
        program, here = work / "guest", Path(__file__).parent
        starts = [SYSTEM / "lib" / f"crt{part}.o" for part in ("1", "i")]
        subprocess.run(
            ["clang", "-std=c11", "-O1", "-Wall", "-Werror", *TARGET, "-nostdlibinc", f"-isystem{SYSTEM}/include",
             f"-I{here.parents[3] / 'include'}", *starts, here / "guest.c", "-o", program, "-lc",
             SYSTEM / "lib" / "crtn.o"],
            check=True,
        )  # fmt: skip
        self.command = [emulator, "-cpu", CPUS[level], "-L", SYSTEM, program]

    def _ask(self, mode: str, library: Path, request: bytes, environment: dict[str, str] | None = None) -> bytes:
        done = subprocess.run(
            [*self.command, mode, library], input=request, capture_output=True, env=os.environ | (environment or {})
        )
        if done.returncode:
            sys.exit(f"{library.name} ended with {done.returncode}: {done.stderr.decode()}")
        return done.stdout

    def run_model(self, library: Path, inputs: Iterable[np.ndarray], *, threads: int = 1, level: str = ""
                  ) -> tuple[str, list[np.ndarray]]:  # fmt: skip
        """The level that a model took, and its outputs; `level` asks for one."""
        request = np.int64(threads).tobytes()
        for array in inputs:
            request += np.array(array.shape, np.int64).tobytes() + np.ascontiguousarray(array).tobytes()
        answer = self._ask("model", library, request, {"LUTRA_ISA": level})
        name, _, rest = answer.partition(b"\n")
        outputs = []
        while rest:
            kind, rank = np.frombuffer(rest, np.int64, 2)
            shape = np.frombuffer(rest, np.int64, rank, 16)
            begin, dtype = 16 + 8 * int(rank), np.dtype(DTYPES[int(kind)])
            count = int(np.prod(shape, dtype=np.int64))
            outputs.append(np.frombuffer(rest, dtype, count, begin).reshape(shape))
            rest = rest[begin + count * dtype.itemsize :]
        return name.decode(), outputs

    def call(self, library: Path, calls: Sequence[tuple[str, Sequence[np.ndarray]]], *, kernels: bool = False) -> None:
        """Calls functions that take descriptors of buffers, and changes the arrays as they do."""
        request = bytearray()
        for name, arrays in calls:
            arguments = []
            for array in arrays:
                assert array.flags.c_contiguous
                arguments += [(BUFFER, array.nbytes, array.tobytes()), (SAME_BUFFER, 0, b"")]
                strides = [stride // array.itemsize for stride in array.strides]
                arguments += [(NUMBER, value, b"") for value in (0, *array.shape, *strides)]
            request += np.int64(len(name)).tobytes() + name.encode()
            request += np.array([kernels, len(arguments)], np.int64).tobytes()
            for kind, value, data in arguments:
                request += np.array([kind, value], np.int64).tobytes() + data
        answer, at = self._ask("call", library, bytes(request)), 0
        for _, arrays in calls:
            for array in arrays:
                array[...] = np.frombuffer(answer, array.dtype, array.size, at).reshape(array.shape)
                at += array.nbytes
        assert at == len(answer)


def is_within_bounds(graph: Path, levels: Sequence[str], inputs: dict[str, np.ndarray], work: Path, *,
                     corrupt: bool) -> bool:  # fmt: skip
    """Whether the results of a module's machine code lie where the evaluator's bounds say; `corrupt` changes one."""
    from lutra.testing import compare, evaluate

    values, bounds = evaluate(graph, inputs)
    for level in levels:
        library = work / f"{level}.so"
        flags = ["--triple=aarch64-linux-gnu", f"--target-cpu={level}", "-o", str(library)]
        subprocess.run(["lutra-compile", str(graph), *flags], check=True)
        results = [np.array(result) for result in Guest(level, work).run_model(library, inputs.values())[1]]
        if corrupt:
            results[0].reshape(-1).view(np.uint8)[results[0].itemsize - 1] ^= 64
        for index, result in enumerate(results):
            report = compare(result, values[str(index)], bounds[str(index)])
            if not report.passed:
                print(f"{level}, result {index}: {report}")
                return False
        print(f"{level}: {len(results)} results are good")
    return True
