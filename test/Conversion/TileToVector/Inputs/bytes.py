"""Whole kernels of products of signed bytes as machine code, exact: a grid of sizes around tiles and blocks, random and
saturating values, rows known and not, buffers that end where memory does."""

from __future__ import annotations

import argparse
import ctypes
import itertools
import sys
from pathlib import Path

import numpy as np
from coded import Guarded, allow_tiles
from emulate import emulate
from machine import call, lower, run, tiling

LEVELS = ("avx2", "avx512", "avxvnni", "avx512vnni", "amx")
WIDTH, DEPTH = 16, 4  # of the panels
# Below, at and above a tile of 4, 14, 16 or 32 rows, one and one more that is left over, a block of rows; 0: known at
# run time alone.
ROWS = (1, 4, 6, 15, 32, 50, 101, 0)
RUN_ROWS = (1, 2, 7, 40)
# Less than a panel, panels, more than the columns of a tile, more than a block.
COLUMNS = (1, 16, 33, 70, 272)
# A word that is not full, words, more than one block of K, more steps of tiles than are unrolled, and not whole ones.
DEPTHS = (1, 3, 4, 6, 36, 577, 1021, 1088, 1156, 1501)
EXTREMES = (-128, -127, -1, 0, 127)
# Each row count meets every second depth, and each column count some of both.
SHAPES = [
    (m, COLUMNS[(i + j) % len(COLUMNS)], k)
    for i, m in enumerate(ROWS)
    for j, k in enumerate(DEPTHS)
    if (i + j) % 2 == 0
]


def kernel(m: int, n: int, k: int) -> str:
    rows = m or "?"
    x, w = f"tensor<{rows}x{k}xi8>", f"tensor<{k}x{n}xi8, #lutra.packing<width = {WIDTH}, depth = {DEPTH}>>"
    y = f"tensor<{rows}x{n}xi32>"
    return f"""
lutra.kernel @k{m}_{n}_{k}(%x: {x}, %w: {w}) -> {y} {{
  %y = lutra.matmul %x, %w {{strategy = #lutra.strategy<"bytes">}} : ({x}, {w}) -> {y}
  lutra.yield %y : {y}
}}
"""


def panels(w: np.ndarray) -> np.ndarray:
    """The matrix [K, N] in the order of its packing, where -128 times the sum of each column ends its panel."""
    k, n = w.shape
    padded = np.zeros((-(-k // DEPTH) * DEPTH, -(-n // WIDTH) * WIDTH), np.int8)
    padded[:k, :n] = w
    words = padded.reshape(-1, DEPTH, padded.shape[1] // WIDTH, WIDTH).transpose(2, 0, 3, 1)
    sums = (-128 * padded.sum(0, dtype=np.int32)).astype("<i4").view(np.int8).reshape(-1, 1, WIDTH, DEPTH)
    return np.ascontiguousarray(np.concatenate([words, sums], 1))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", choices=LEVELS, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--corrupt", action="store_true", help="expect one product more")
    parser.add_argument("--native", action="store_true", help="run the level's own instructions, not others for them")
    parser.add_argument("--assembly", action="store_true", help="print the assembly of a large product instead")
    options = parser.parse_args()
    shapes = [(120, 256, 1024)] if options.assembly else SHAPES[:1] if options.corrupt else SHAPES
    text = "".join(kernel(*shape) for shape in shapes)
    text = lower(text, options.level, *tiling(options.level))
    if options.assembly:
        features = {"avx2": "", "avxvnni": "+avxvnni"}.get(options.level, "+avx512bw,+avx512vl,+avx512vnni,+amx-int8")
        print(run(["llc", "-mcpu=x86-64-v3", f"-mattr={features}", "-O3"], text))
        return 0
    options.work.mkdir(parents=True, exist_ok=True)
    built = options.work / "bytes.o"
    cpu = "sapphirerapids" if options.native else "x86-64-v3"
    code = text if options.native else emulate(text)
    run(["llc", f"-mcpu={cpu}", "-O2", "-relocation-model=pic", "-filetype=obj", "-o", str(built)], code)
    if options.native:
        allow_tiles()
    run(["clang", "-shared", str(built), "-o", str(built.with_suffix(".so"))], "")
    library = ctypes.CDLL(str(built.with_suffix(".so")))
    random, count = np.random.default_rng(7), 0
    memory = [Guarded(120) for _ in range(3)]
    for (m, n, k), rows in ((shape, rows) for shape in shapes for rows in ([shape[0]] if shape[0] else RUN_ROWS)):
        for trial in ("random", "mixed", *itertools.product(EXTREMES, (-128, 127))):
            x = random.integers(-128, 128, (rows, k)).astype(np.int8)
            w = random.integers(-128, 128, (k, n)).astype(np.int8)
            if trial == "mixed":
                x, w = (random.choice(EXTREMES, matrix.shape).astype(np.int8) for matrix in (x, w))
            elif trial != "random":
                x[...], w[...] = trial
            y = np.full((rows, n), -7, np.int32)
            placed = [place.copy(array) for place, array in zip(memory, (x, panels(w), y), strict=True)]
            call(library, [(f"k{m}_{n}_{k}", placed)])
            want = np.rint(x.astype(np.float64) @ w.astype(np.float64)).astype(np.int64).astype(np.int32)
            want[-1, -1] += options.corrupt
            if not np.array_equal(placed[-1], want):
                print(f"[{rows}, {k}] x [{k}, {n}], {trial}: {placed[-1]} for {want}")
                return 1
            count += 1
    print(f"{count} products are exact")
    return 0


if __name__ == "__main__":
    sys.exit(main())
