"""Lowers kernels to machine code with upstream tools and compares their results with the reference evaluator.

Kernels for aarch64 run on an emulator (guest.py). Integer kernels must give NumPy's values. Kernels with floats must
lie inside the bound that the evaluator derives, and so must NumPy (or torch); the bound must refuse a result whose
largest element is off by a tenth.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import dataclasses
import functools
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from cases import CASES, ULP_CASES, Case, Types
from guest import FEATURES, Guest, link_library
from lutra.testing import compare, evaluate, notices

LOWERING = (
    "builtin.module(canonicalize,cse,loop-invariant-code-motion,"
    "convert-vector-to-scf{full-unroll=true},canonicalize,cse,convert-scf-to-cf,"
    "expand-strided-metadata,lower-affine,"
    "convert-vector-to-llvm{force-32bit-vector-indices=true vector-contract-lowering=outerproduct},"
    "convert-to-llvm,reconcile-unrealized-casts,canonicalize,cse)"
)
CPUS = {"avx2": "x86-64-v3", "avx512": "x86-64-v4"}
# Sizes of dynamic dimensions: one, a tile of 16 less and more one, a prime, several tiles.
SIZES = (1, 15, 16, 17, 37, 100)
DTYPES = {
    "f16": np.float16, "f32": np.float32, "f64": np.float64, "i1": np.uint8, "i8": np.int8,
    "ui8": np.uint8, "i32": np.int32, "i64": np.int64,
}  # fmt: skip
Values = dict[str, list[np.ndarray]]  # by the name of the case
Calls = Sequence[tuple[str, Sequence[np.ndarray]]]  # names of kernels, and the arrays that they read and change


def run(command: list[str], text: str) -> str:
    """Standard output of a tool."""
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command[:2])} failed:\n{done.stderr[:4000]}")
    return done.stdout


def tiling(level: str) -> list[str]:
    """What makes tile ops of kernels."""
    return [f"--convert-lutra-to-tile=target={level}", "--canonicalize", "--cse"]


def lower(text: str, level: str, *passes: str) -> str:
    """LLVM IR for a level of kernels that are tile ops after `passes`."""
    text = run(["lutra-opt", *passes, f"--convert-tile-to-vector=target={level}", "-"], text)
    text = run(["mlir-opt", f"--pass-pipeline={LOWERING}"], text)
    return run(["mlir-translate", "--mlir-to-llvmir"], text)


def assemble(text: str, level: str) -> str:
    """The assembly of LLVM IR for a level; above AVX2, of a CPU that has all of x86."""
    flags = [f"-mcpu={'x86-64-v3' if level in ('sse2', 'avx2') else 'sapphirerapids'}"]
    if level in FEATURES:
        flags = ["-mtriple=aarch64-linux-gnu", f"-mattr={FEATURES[level]}"]
    return run(["llc", *flags, "-O3", "-relocation-model=pic"], text)


def build(cases: list[Case], level: str, work: Path, cpu: str) -> Path:
    """The shared library that holds all kernels, tiled for `level` and assembled for `cpu`."""
    text = "".join(case.kernel() for case in cases)
    text = lower(text, level, *tiling(level))
    work.mkdir(parents=True, exist_ok=True)
    built = work / f"{level}.{cpu}.o"
    library = built.with_suffix(".so")
    flags = ["-O3", "-relocation-model=pic", "-filetype=obj", "-o", str(built)]
    if level in FEATURES:
        run(["llc", "-mtriple=aarch64-linux-gnu", f"-mattr={FEATURES[level]}", *flags], text)
        link_library(built, library)
    else:
        run(["llc", f"-mcpu={cpu}", *flags], text)
        run(["clang", "-shared", str(built), "-o", str(library), "-lm"], "")
    return library


def describe(array: np.ndarray) -> list[ctypes.c_void_p | ctypes.c_int64]:
    """A memref descriptor: two pointers, offset, sizes, strides."""
    strides = [stride // array.itemsize for stride in array.strides]
    pointer = ctypes.c_void_p(array.ctypes.data)
    numbers = [0, *array.shape, *strides]
    return [pointer, pointer, *[ctypes.c_int64(number) for number in numbers]]


def call(library: ctypes.CDLL, calls: Calls) -> None:
    """Runs all work items of each kernel, the second half first."""
    for name, arrays in calls:
        arguments = [part for array in arrays for part in describe(array)]
        grid, kernel = getattr(library, f"{name}.grid"), getattr(library, name)
        grid.restype, kernel.restype = ctypes.c_int64, None
        items = grid(*arguments)
        for begin, end in ((items // 2, items), (0, items // 2)):
            kernel(*arguments, ctypes.c_int64(begin), ctypes.c_int64(end))


def make(shape: list[int], element: str, positive: bool, random: np.random.Generator) -> np.ndarray:
    """Seeded values of an element type."""
    dtype = DTYPES[element]
    if element == "i1":
        return random.integers(0, 2, shape).astype(dtype)
    if np.issubdtype(dtype, np.integer):
        return random.integers(0 if element == "ui8" else -7, 7, shape).astype(dtype)
    values = random.standard_normal(shape)
    return np.asarray(np.abs(values) + 0.1 if positive else values, dtype=dtype)


def has_floats(case: Case) -> bool:
    return any(Types.parse(kind).element.startswith("f") for kind in (*case.arguments, *case.results))


def is_dynamic(case: Case) -> bool:
    return any("?" in argument for argument in case.arguments)


def graph_of(cases: list[Case]) -> str:
    """One function that computes every case on graph level, its values named CASE.INDEX."""
    arguments, body, results, types = [], "", [], []
    for case in cases:
        for index, kind in enumerate(case.arguments):
            arguments.append(f'%{case.name}_a{index}: {kind} {{lutra.name = "{case.name}.{index}"}}')
        lines, _, yielded = re.sub(r"%(\w+)", rf"%{case.name}_\1", case.text()).rpartition("lutra.yield ")
        body += lines
        results.append(yielded.split(":")[0].strip())
        types += [(kind, f'{kind} {{lutra.name = "{case.name}.{i}"}}') for i, kind in enumerate(case.results)]
    plain, named = (", ".join(column) for column in zip(*types, strict=True))
    head = f"func.func @main({', '.join(arguments)}) -> ({named})"
    return f"{head} {{\n{body}return {', '.join(results)} : {plain}\n}}\n"


def derive(cases: list[Case], inputs: Values, work: Path) -> tuple[Values, Values]:
    """The evaluator's values of the cases with floats, and their bounds."""
    wanted = [case for case in cases if has_floats(case)]
    path, arrays = work / "graph.mlir", {}
    path.write_text(graph_of(wanted))
    for case in wanted:
        for index, (kind, array) in enumerate(zip(case.arguments, inputs[case.name], strict=True)):
            truth = Types.parse(kind).element == "i1"
            arrays[f"{case.name}.{index}"] = array.astype(bool) if truth else array
    values, bounds = evaluate(path, arrays)
    names = {case.name: [f"{case.name}.{index}" for index in range(len(case.results))] for case in wanted}
    return tuple({case: [part[name] for name in own] for case, own in names.items()} for part in (values, bounds))


def check(cases: list[Case], call: Callable[[Calls], None], size: int, work: Path,
          random: np.random.Generator) -> bool:  # fmt: skip
    """Whether the kernels give right values at one size of their dynamic dimensions."""
    inputs: Values = {}
    for case in cases:
        types = [Types.parse(argument) for argument in case.arguments]
        inputs[case.name] = [make(t.at(size), t.element, case.positive, random) for t in types]
        if case.prepare:
            case.prepare(inputs[case.name])
    references, bounds = derive(cases, inputs, work)
    wanted = {case.name: [np.asarray(value) for value in case.reference(*inputs[case.name])] for case in cases}
    outputs = {
        case.name: [
            np.full(value.shape, 99, dtype=DTYPES[Types.parse(result).element])
            for value, result in zip(wanted[case.name], case.results, strict=True)
        ]
        for case in cases
    }
    call([(case.name, [*inputs[case.name], *outputs[case.name]]) for case in cases])
    good = True
    for case in cases:
        expected = wanted[case.name]
        derived = references.get(case.name, expected), bounds.get(case.name, [None] * len(expected))
        for got, want, reference, bound in zip(outputs[case.name], expected, *derived, strict=True):
            faults = []
            for name, result in (("the kernel", got), ("NumPy", want)):
                report = compare(result, reference, bound)
                if not report.passed or report.undetermined:
                    faults.append(f"{name} {report}; {result.ravel()[:8]} for {reference.ravel()[:8]}")
            if bound is not None and not notices(reference, bound):
                faults.append("the bound accepts an error of a tenth")
            for fault in faults:
                print(f"{case.name} at size {size}: {fault}")
            good &= not faults
    return good


def measure(call: Callable[[Calls], None]) -> bool:
    """Whether the polynomials keep their stated errors, in units of the last place."""
    good = True
    for case in ULP_CASES:
        x = np.ascontiguousarray(case.points.astype(np.float32))
        got = np.empty_like(x)
        call([(case.name, [x, got])])
        want = case.reference(x.astype(np.float64))
        unit = np.maximum(np.spacing(np.abs(want.astype(np.float32))).astype(float), 2.0**-149)
        worst = float(np.max(np.abs(got.astype(float) - want) / unit))
        print(f"{case.name}: {worst:.2f} ulp at most, {case.limit} stated")
        good &= worst <= case.limit
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", choices=[*sorted(CPUS), "neon"], required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    cases = [*CASES, *[case.as_case() for case in ULP_CASES]]
    cpu = CPUS.get(options.level, "generic")
    library_path = build(cases, options.level, options.work, cpu)
    flags = Path("/proc/cpuinfo").read_text().split()
    if options.level == "avx512" and not {"avx512f", "avx512bw", "avx512vl"} <= set(flags):
        # Its own instructions were assembled; the same tiles and masks run with each vector in two halves.
        library_path = build(cases, options.level, options.work, CPUS["avx2"])
    if options.level in FEATURES:
        guest = Guest(options.level, options.work)
        run_kernels = functools.partial(guest.call, library_path, kernels=True)
    else:
        run_kernels = functools.partial(call, ctypes.CDLL(str(library_path)))
    random = np.random.default_rng(7)
    good = check([case for case in CASES if not is_dynamic(case)], run_kernels, 0, options.work, random)
    for size in SIZES:
        good &= check([case for case in CASES if is_dynamic(case)], run_kernels, size, options.work, random)
    good &= measure(run_kernels)
    # The comparison can fail: a kernel that does something else must be noticed.
    negated = next(case for case in CASES if case.name == "u_neg")
    wrong = dataclasses.replace(negated, name="u_abs", reference=lambda a: [-a])
    with contextlib.redirect_stdout(None):
        if check([wrong], run_kernels, 16, options.work, random):
            sys.exit("a wrong kernel went unnoticed")
    if not good:
        sys.exit(1)


if __name__ == "__main__":
    main()
