"""Products of the encodings of test_encoding.py with activations of every form, as machine code beside the evaluator.

usage: encoding_grid.py --work FOLDER [--rounds N] [--first R] [--levels LEVEL...] [--corrupt]

Levels of aarch64 run in an emulator (guest.py).

A round is a module with a product for each encoding; each takes another form than in the round before, and levels,
shapes and numbers of rows rotate too: len(FORMS) x len(LEVELS) rounds hold each form of each encoding on each level
(these two numbers have no common divisor). Weights have scales and tables of few
bits, and inputs are integers that the form represents (random ones, and the two extremes only), so that most results
have no rounding whatever the order of sums: those must be equal, the others lie inside the evaluator's bounds. Buffers
end, and in a second run begin, where memory does.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from test_encoding import SPECS

GROUP = 32


@dataclass(frozen=True)
class Form:
    """An activation form, and the least and largest integer that it represents at a scale of one."""

    text: str
    least: int
    most: int


FORMS = (
    Form("", -127, 127),
    Form("bf16", -127, 127),
    Form("int<8, sym, row>", -127, 127),
    Form("f16", -127, 127),
    Form(f"int<8, sym, group<{GROUP}>>", -127, 127),
    Form("int<4, sym, row>", -7, 7),
    Form("int<8, asym, row>", -127, 127),
    Form("e4m3<row>", -448, 448),
    Form(f"int<6, sym, group<{GROUP}>>", -31, 31),
    Form("int<8, sym, tensor>", -127, 127),
    Form(f"int<4, asym, group<{GROUP}>>", -8, 7),
    Form("int<6, asym, row>", -32, 31),
    Form(f"e4m3<group<{GROUP}>>", -448, 448),
    Form(f"int<8, asym, group<{GROUP}>>", -127, 127),
    Form("e5m2<row>", -57344, 57344),
    Form("int<2, sym, row>", -1, 1),
    Form(f"int<4, sym, group<{GROUP}>>", -7, 7),
)
LEVELS = ("amx", "avx2", "avx512vnni", "avxvnni", "avx512", "baseline")
AARCH64_LEVELS = ("neon", "dotprod", "i8mm")
SHAPES = ((33, 128), (77, 333), (16, 96), (130, 67))  # no group of a single column: one value has one extreme
# Of which the first is only known at run time: strategies for one row and for many differ.
ROWS = ((1, 3, 17), (1,), (17,), (4,))
# Sums of f32 are exact below 2^24; kernels may add parts of them, such as those of zero points, first.
EXACT_UNITS = 2**21


def draw(form: Form, rows: int, depth: int, extremes: bool, random: np.random.Generator) -> np.ndarray:
    """Integers of which each group of each row has both extremes, so that its scale is one."""
    if extremes:
        values = random.choice([form.least, form.most], (rows, depth))
    else:
        values = random.integers(max(form.least, -15), min(form.most, 15) + 1, (rows, depth))
    for begin in range(0, depth, GROUP):
        values[:, begin] = form.least
        values[:, min(begin + 1, depth - 1)] = form.most
    return values.astype(np.float32)


def units_of(weight: np.ndarray, form: Form) -> float:
    """The largest sum of |x w| that a row can reach, in units of the weight's last bit; infinite if it has too many."""
    for power in range(24):
        scaled = weight * 2.0**power
        if (scaled == np.round(scaled)).all():
            return float(np.abs(scaled).sum(1).max(initial=0)) * max(-form.least, form.most)
    return float("inf")


@dataclass(frozen=True)
class Round:
    """What module `index` of the grid is."""

    index: int
    level: str

    @property
    def shape(self) -> tuple[int, int]:
        return SHAPES[(3 * self.index + self.index // len(SHAPES)) % len(SHAPES)]

    @property
    def rows(self) -> tuple[int, ...]:
        return ROWS[(self.index + self.index // 12) % len(ROWS)]


def write_module(path: Path, current: Round) -> dict[str, tuple[Form, bool]]:
    """Writes the module of a round; which form each product takes, and whether its results are exact."""
    index, (n, k) = current.index, current.shape
    m = str(current.rows[0]) if len(current.rows) == 1 else "?"
    dims = ', lutra.dim_names = ["n", ""]' if m == "?" else ""
    kinds: dict[str, tuple[Form, bool]] = {}
    weights: dict[str, str] = {}
    body = []
    for place, (name, spec) in enumerate(SPECS.items()):
        form = FORMS[(place + index) % len(FORMS)]
        values, store = spec.build(n, k, index, plain=True)
        # Lowest-rank and outlier terms may meet the input as it is, not as it is rounded: here both are the same.
        kinds[name] = (form, units_of(values, form) <= EXACT_UNITS)
        text = spec.text() + (f", act = {form.text}" if form.text else "")
        kind = f"tensor<{n}x{k}xf32, #lutra.encoding<{text}>>"
        bytes_of = {f"w_{name}": (kind, bytes(store.data))}
        bytes_of |= {key: (f"tensor<{len(run)}xi8>", run) for key, run in spec.dictionary_bytes().items()}
        for symbol, (form_of, data) in bytes_of.items():
            stored = f'dense<"0x{data.hex().upper()}"> : tensor<{len(data)}xi8>'
            weights[symbol] = f"lutra.global @{symbol} : {form_of} = {stored}"
        body.append(f"  %w_{name} = lutra.weight @w_{name} : {kind}")
        body.append(
            f"  %{name} = lutra.matmul %x{FORMS.index(form)}, %w_{name} {{transpose_rhs}}"
            f" : (tensor<{m}x{k}xf32>, {kind}) -> tensor<{m}x{n}xf32>"
        )
    entry = ", ".join(f'%x{i}: tensor<{m}x{k}xf32> {{lutra.name = "x{i}"{dims}}}' for i in range(len(FORMS)))
    results = ", ".join([f'tensor<{m}x{n}xf32> {{lutra.name = "{name}"}}' for name in kinds])
    types = ", ".join([f"tensor<{m}x{n}xf32>"] * len(kinds))
    returned = f"  return {', '.join(f'%{name}' for name in kinds)} : {types}"
    lines = [*weights.values(), f"func.func @main({entry}) -> ({results}) {{", *body, returned, "}", ""]
    path.write_text("\n".join(lines))
    return kinds


def available_levels() -> list[str]:
    """Of LEVELS, those that this machine runs, by the names of the kernel."""
    flags = set(re.findall(r"\w+", Path("/proc/cpuinfo").read_text().split("flags", 1)[1].split("\n", 1)[0]))
    needs = {
        "amx": "amx_int8", "avx512vnni": "avx512_vnni", "avxvnni": "avx_vnni", "avx512": "avx512bw", "avx2": "avx2",
    }  # fmt: skip
    return [level for level in LEVELS if needs.get(level, "") in flags | {""}]


def run(library: Path, module: Path, inputs: list[Path], flags: list[str]) -> Iterator[tuple[str, str]]:
    """The name and the report of each result."""
    given = [f"--input=x{index}={path}" for index, path in enumerate(inputs)]
    command = ["lutra-run", str(library), f"--compare={module}", "--threads=1", *given, *flags]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = re.findall(r"^@\S+ (\S+): (.*)$", done.stdout, re.M)
    if [name for name, _ in lines] != list(SPECS):
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stdout[-400:]}{done.stderr[-2000:]}")
    yield from lines


def run_emulated(level: str, library: Path, module: Path, inputs: list[Path]) -> Iterator[tuple[str, str]]:
    """As above, for aarch64."""
    from guest import Guest
    from lutra.testing import compare, evaluate

    arrays = {f"x{index}": np.load(path) for index, path in enumerate(inputs)}
    values, bounds = evaluate(module, arrays)
    results = Guest(level, library.parent).run_model(library, arrays.values())[1]
    for name, result in zip(SPECS, results, strict=True):
        yield name, str(compare(result, values[name], bounds[name]))


def check_round(current: Round, work: Path, corrupt: bool, counts: Counter[str]) -> list[str]:
    """What is wrong in a round; adds to the counts."""
    index, level, (n, k) = current.index, current.level, current.shape
    module, library = work / f"{index}.mlir", work / f"{index}.so"
    kinds = write_module(module, current)
    emulated = level in AARCH64_LEVELS
    target = [f"--target-cpu={level}", *(["--triple=aarch64-linux-gnu"] if emulated else [])]
    subprocess.run(["lutra-compile", str(module), *target, "-o", str(library)], check=True)
    random, wrong = np.random.default_rng(index), []
    for rows in current.rows:
        for extremes in (False, True):
            paths = [work / f"x{place}.npy" for place in range(len(FORMS))]
            for path, form in zip(paths, FORMS, strict=True):
                np.save(path, draw(form, rows, k, extremes, random))
            flags = ["--guard-starts"] if extremes else []
            flags += ["--corrupt=0"] if corrupt else []
            results = (
                run_emulated(level, library, module, paths) if emulated else run(library, module, paths, flags)
            )
            for name, report in results:
                form, exact = kinds[name]
                good = report.startswith("ok") and (not exact or "max error 0," in report)
                counts["equal" if exact else "inside bounds"] += good
                if not good:
                    what = f"{rows}x{k}x{n}, {'extremes' if extremes else 'integers'}"
                    wrong.append(f"round {index}: {level}, {name} with {form.text or 'f32'}, {what}: {report}")
    library.unlink()
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=len(FORMS) * len(LEVELS))
    parser.add_argument("--levels", nargs="+", default=available_levels())
    parser.add_argument("--corrupt", action="store_true", help="change an element of each result")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for index in range(options.first, options.first + options.rounds):
        level = options.levels[index % len(options.levels)]
        wrong += check_round(Round(index, level), options.work, options.corrupt, counts)
    print("\n".join(wrong))
    print(f"{counts['equal']} results are equal, {counts['inside bounds']} inside bounds, {len(wrong)} wrong;", end=" ")
    print(f"levels {' '.join(options.levels)}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
