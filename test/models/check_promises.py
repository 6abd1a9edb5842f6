"""What the compiler promises for a model: memory, time, size of the code, and what the library needs.

usage: check_promises.py NAME...     A case of models.py

Time is CPU time, since wall time says more about what else runs on the machine than about the compiler; the bound is
three times the five seconds of wall time that are the aim (test/bench prints those). Memory is that of the largest
process. A library needs libc and libm.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from pathlib import Path

import models
from compiling import MEGA, CompileCost, compile_cost

CPU_SECONDS = 15.0
BYTES_BESIDE_MODEL = 500 * MEGA
BYTES_BESIDE = {"w4_layers": 250 * MEGA}  # a second copy of its weights would take 325
CODE_BYTES = 1 * MEGA
LIBRARIES = {"libc.so.6", "libm.so.6"}


def broken_promises(cost: CompileCost, most_beside: float) -> list[str]:
    beside = cost.peak_bytes - cost.model_bytes
    kept = {
        f"takes {cost.cpu_seconds:.1f} s of CPU, promised are {CPU_SECONDS:.0f}": cost.cpu_seconds < CPU_SECONDS,
        f"peaks {beside / MEGA:.0f} MB above the model": beside < most_beside,
        f"has {cost.code_bytes} bytes of code": 0 < cost.code_bytes < CODE_BYTES,
        f"needs {', '.join(cost.libraries)}": set(cost.libraries) <= LIBRARIES,
    }
    return [text for text, good in kept.items() if not good]


def main() -> int:
    broken = []
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as work:
            cost = compile_cost(models.CASES[name](Path(work)).model)
        print(f"{name}: {cost}")
        most_beside = BYTES_BESIDE.get(name, BYTES_BESIDE_MODEL)
        broken += [f"{name} {text}" for text in broken_promises(cost, most_beside)]
    worse = {
        "cpu_seconds": CPU_SECONDS,
        "peak_bytes": cost.model_bytes + most_beside,
        "code_bytes": CODE_BYTES,
        "libraries": (*cost.libraries, "libstdc++.so.6"),
    }
    for field, value in worse.items():
        if not broken_promises(dataclasses.replace(cost, **{field: value}), most_beside):
            broken.append(f"{field} = {value} is not noticed")
    print("\n".join(broken) or "all promises are kept")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
