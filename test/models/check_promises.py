"""What the compiler promises for a model: memory, time, size of the code, and what the library needs.

usage: check_promises.py [--aims] NAME...     Cases of models.py

Time is CPU time, since wall time says more about what else runs on the machine than about the compiler. It is counted
in units of a work of Python's own compiler, timed before and after: what a slower machine, or one that does other
things besides, takes longer for as well. A model may take twice as many as it was measured to take. With --aims
the bound is the aim itself, in seconds, which the best of a few runs must reach: 5 s (test/bench prints those of wall
time), or what weights of 4 bits may take. Memory is that of the largest process. A library needs libc and libm.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import tempfile
import time
from pathlib import Path

import models
from compiling import MEGA, CompileCost, compile_cost

CPU_SECONDS = 5.0
# On an AMD Zen 3 with Python 3.11, where a unit takes 0.14 to 0.16 s; the first two beside 16 other processes on two
# cores; the last one takes 46 alone and 76 beside those, which share its memory. Other CPUs differ in what they are
# quick at, and in the code that is made for them.
UNITS = {"light_resnet50_random": 36, "gpt2": 20, "w4_layers": 60}
MOST_TIMES = 2.0
# Of weights in the model, on one core. Making code takes as long for few layers as for many: half of the time of three.
BYTES_PER_SECOND = {"w4_layers": 120 * MEGA, "w4_stack": 200 * MEGA}
RUNS = 5  # at most, with --aims
BYTES_BESIDE_MODEL = 500 * MEGA
BYTES_BESIDE = {"w4_layers": 250 * MEGA}  # a second copy of its weights would take 325
CODE_BYTES = 1 * MEGA
LIBRARIES = {"libc.so.6", "libm.so.6"}


def broken_promises(cost: CompileCost, most_beside: float, most_seconds: float) -> list[str]:
    beside = cost.peak_bytes - cost.model_bytes
    kept = {
        f"takes {cost.cpu_seconds:.1f} s of CPU, promised are {most_seconds:.1f}": cost.cpu_seconds < most_seconds,
        f"peaks {beside / MEGA:.0f} MB above the model": beside < most_beside,
        f"has {cost.code_bytes} bytes of code": 0 < cost.code_bytes < CODE_BYTES,
        f"needs {', '.join(cost.libraries)}": set(cost.libraries) <= LIBRARIES,
    }
    return [text for text, good in kept.items() if not good]


def unit_times() -> list[float]:
    """CPU seconds of a work of one thread that is like the compiler's: trees, tables and many small objects."""
    body = "\n".join(
        f"def f{i}(a, b={i}):\n    return a * {i} + (b if a > {i} else {{'k{i}': [a, b]}}['k{i}'][0])"
        for i in range(2000)
    )
    times = []
    for _ in range(5):
        begin = time.process_time()
        compile(body, "unit", "exec")
        times.append(time.process_time() - begin)
    return times


def measure(name: str) -> tuple[CompileCost, float]:
    """The cost of a case and how many seconds it may take on this machine."""
    with tempfile.TemporaryDirectory() as work:
        model = models.CASES[name](Path(work)).model
        times = unit_times()
        cost = compile_cost(model)
        unit = statistics.median(times + unit_times())
        print(f"{name}: {cost.cpu_seconds / unit:.0f} units of {unit:.3f} s")
    return cost, MOST_TIMES * UNITS[name] * unit


def measure_best(name: str) -> tuple[CompileCost, float]:
    """The cost of the best of a few runs of a case, and its aim."""
    with tempfile.TemporaryDirectory() as work:
        model = models.CASES[name](Path(work)).model
        rate = BYTES_PER_SECOND.get(name)
        aim = model.stat().st_size / rate if rate else CPU_SECONDS
        cost = compile_cost(model)
        for _ in range(RUNS - 1):
            if cost.cpu_seconds < aim:
                break
            cost = min(cost, compile_cost(model), key=lambda run: run.cpu_seconds)
    return cost, aim


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="+")
    parser.add_argument("--aims", action="store_true", help="demand the aims themselves")
    options = parser.parse_args()
    broken = []
    if unknown := set() if options.aims else set(options.names) - UNITS.keys():
        parser.error(
            f"{', '.join(sorted(unknown))}: how many units these take is not known; measure them, or add --aims"
        )
    for name in options.names:
        cost, most_seconds = measure_best(name) if options.aims else measure(name)
        print(f"{name}: {cost}; {cost.model_bytes / MEGA / cost.cpu_seconds:.0f} MB/s")
        most_beside = BYTES_BESIDE.get(name, BYTES_BESIDE_MODEL)
        broken += [f"{name} {text}" for text in broken_promises(cost, most_beside, most_seconds)]
    worse = {
        "cpu_seconds": most_seconds,
        "peak_bytes": cost.model_bytes + most_beside,
        "code_bytes": CODE_BYTES,
        "libraries": (*cost.libraries, "libstdc++.so.6"),
    }
    for field, value in worse.items():
        if not broken_promises(dataclasses.replace(cost, **{field: value}), most_beside, most_seconds):
            broken.append(f"{field} = {value} is not noticed")
    print("\n".join(broken) or "all promises are kept")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
