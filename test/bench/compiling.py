"""What compiling one model costs, and what comes out: for the benchmark's rows and for the test of the promises.

As a program it runs its arguments as a command and prints what that used: the kernel counts the memory of the process
that forks into its child's peak, so that the command has to be started by a small one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEGA = 1e6


@dataclass(frozen=True, slots=True)
class CompileCost:
    """One run of lutra-compile on a model's file, and its library. Sizes in bytes, times in seconds."""

    wall_seconds: float
    cpu_seconds: float  # user and system, of all threads and processes
    peak_bytes: int  # resident memory of the largest process
    model_bytes: int  # of the file
    code_bytes: int  # .text of the library
    libraries: tuple[str, ...]  # that the loader needs

    def __str__(self) -> str:
        return (
            f"{self.wall_seconds:.2f} s wall, {self.cpu_seconds:.2f} s CPU, peak {self.peak_bytes / MEGA:.0f} MB for a "
            f"model of {self.model_bytes / MEGA:.1f} MB, {self.code_bytes / 1e3:.0f} kB of code"
        )


def find_compiler() -> str:
    """lutra-compile: on PATH, or the one in the Python package."""
    if found := shutil.which("lutra-compile"):
        return found
    import lutra

    return os.fspath(Path(lutra.__file__).parent / "bin" / "lutra-compile")


def code_bytes(library: Path) -> int:
    """Size of .text."""
    command = [shutil.which("llvm-size") or "size", "-A", os.fspath(library)]
    table = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return int(re.findall(r"^\.text\s+(\d+)", table, re.M)[0])


def needed_libraries(library: Path) -> tuple[str, ...]:
    """Names that ldd prints, without the kernel's and the loader's own."""
    lines = subprocess.run(["ldd", os.fspath(library)], check=True, capture_output=True, text=True).stdout.splitlines()
    names = [line.split()[0] for line in lines if line.strip()]
    return tuple(sorted(name for name in names if not name.startswith(("linux-vdso", "/"))))


def run_measured(command: list[str]) -> dict[str, Any]:
    """Runs a command and measures its whole tree of processes."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    message = process.stderr.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # reaped here: Popen must not wait again
    return {
        "code": process.returncode,
        "message": message.strip(),
        "wall_seconds": time.perf_counter() - begin,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": 1024 * usage.ru_maxrss,
    }


def compile_cost(model: Path) -> CompileCost:
    """Compiles a model with the default options."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "model.so"
        command = [find_compiler(), os.fspath(model), "-o", os.fspath(library)]
        launch = [sys.executable, "-I", "-S", __file__, *command]
        used = json.loads(subprocess.run(launch, check=True, capture_output=True, text=True).stdout)
        if used["code"] != 0:
            raise RuntimeError(f"lutra-compile ends with {used['code']}: {used['message'][:300]}")
        return CompileCost(
            wall_seconds=used["wall_seconds"],
            cpu_seconds=used["cpu_seconds"],
            peak_bytes=used["peak_bytes"],
            model_bytes=model.stat().st_size,
            code_bytes=code_bytes(library),
            libraries=needed_libraries(library),
        )


if __name__ == "__main__":
    print(json.dumps(run_measured(sys.argv[1:])))
