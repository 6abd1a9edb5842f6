"""Exact products of 8-bit integers with codes as machine code: every width, row count and number of steps, random and
saturating values, buffers that end where memory does."""

from __future__ import annotations

import argparse
import ctypes
import itertools
import mmap
import sys
from pathlib import Path

import numpy as np
from machine import CPUS, LOWERING, describe, run

COLUMNS, WORD = 16, 4
# Steps of a panel: below, at and above what is unrolled and what 16-bit sums hold (4, 8 and 16 steps).
STEPS = {4: (1, 2, 3, 4, 5, 8, 13), 2: (1, 3, 7, 8, 9, 16, 20), 1: (1, 5, 15, 16, 17, 33)}
ROWS = (1, 2, 3, 4)
EXTREMES = {"least": (-128, -1), "greatest": (127, -1), "none": (0, 0)}


def kernel(name: str, bits: int, rows: int, steps: int, known: bool) -> str:
    """A function that adds one product to the tile that `%y` holds; the depth is a constant or an argument."""
    depth = steps * WORD * 8 // bits
    lhs, codes = f"memref<{rows}x{depth}xi8>", f"memref<1x{steps}x{COLUMNS}x{WORD}xi8>"
    tile, out = f"!lutra.tile<{rows}x{COLUMNS}xi32>", f"memref<{rows}x{COLUMNS}xi32>"
    window = f"dims = [{-1 if rows == 1 else 0}, 1] steps = [1, 1]"
    constant = f"%d = arith.constant {depth} : index" if known else "%d = memref.load %k[%z] : memref<1xindex>"
    return f"""
func.func @{name}(%x: {lhs}, %w: {codes}, %k: memref<1xindex>, %y: {out}) attributes {{lutra.kernel}} {{
  %z = arith.constant 0 : index
  {constant}
  %a = lutra.tile_load %y[%z, %z] {window} : {out} -> {tile}
  %r = lutra.tile_coded_matmul %x[%z, %z], %w[%z, %z], %a depth %d {{bits = {bits} : i64, lhs_row_dim = 0 : i64}}
         : {lhs}, {codes}, {tile} -> {tile}
  lutra.tile_store %r, %y[%z, %z] {window} : {tile}, {out}
  return
}}
"""


class Guarded:
    """Memory whose end is the end of a page, with one behind it that may not be touched."""

    def __init__(self, pages: int) -> None:
        size = (pages + 1) * mmap.PAGESIZE
        self.memory = mmap.mmap(-1, size)
        view = (ctypes.c_char * size).from_buffer(self.memory)
        self.end = ctypes.addressof(view) + pages * mmap.PAGESIZE
        if ctypes.CDLL(None).mprotect(ctypes.c_void_p(self.end), mmap.PAGESIZE, 0):
            sys.exit("mprotect failed")

    def copy(self, array: np.ndarray) -> np.ndarray:
        """The array, as the last bytes before the page."""
        place = (ctypes.c_char * array.nbytes).from_address(self.end - array.nbytes)
        result = np.frombuffer(place, array.dtype).reshape(array.shape)
        result[...] = array
        return result


def unpack(packed: np.ndarray, bits: int) -> np.ndarray:
    """Codes [k, columns] of a panel [steps, columns, bytes]: the fields of one place are neighbours along k."""
    fields = [packed >> shift & (1 << bits) - 1 for shift in range(0, 8, bits)]
    steps = np.stack(fields, 1).transpose(0, 1, 3, 2)  # [steps, fields, bytes, columns]
    return steps.reshape(-1, packed.shape[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", choices=sorted(CPUS), required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--corrupt", action="store_true", help="expect one product more")
    options = parser.parse_args()
    shapes = {
        f"f{bits}_{rows}_{steps}_{int(known)}": (bits, rows, steps, known)
        for bits, every in STEPS.items()
        for rows, steps, known in itertools.product(ROWS, every, (True, False))
    }
    text = "".join(kernel(name, *shape) for name, shape in shapes.items())
    text = run(["lutra-opt", f"--convert-tile-to-vector=target={options.level}", "-"], text)
    text = run(["mlir-opt", f"--pass-pipeline={LOWERING}"], text)
    text = run(["mlir-translate", "--mlir-to-llvmir"], text)
    options.work.mkdir(parents=True, exist_ok=True)
    built = options.work / "coded.o"
    run(["llc", f"-mcpu={CPUS['avx2']}", "-O3", "-relocation-model=pic", "-filetype=obj", "-o", str(built)], text)
    run(["clang", "-shared", str(built), "-o", str(built.with_suffix(".so"))], "")
    library = ctypes.CDLL(str(built.with_suffix(".so")))
    random, count = np.random.default_rng(7), 0
    memory = [Guarded(4) for _ in range(4)]
    for name, (bits, rows, steps, _) in shapes.items():
        depth = steps * WORD * 8 // bits
        for trial in ("random", "random", "random", *itertools.product(EXTREMES, EXTREMES), "mixed", "mixed"):
            x = random.integers(-128, 128, (rows, depth)).astype(np.int8)
            w = random.integers(0, 256, (1, steps, COLUMNS, WORD)).astype(np.uint8)
            if trial == "mixed":
                x = np.where(x < 0, -128, 127).astype(np.int8)
                w[...] = np.where(w < 128, 0, 255)
            elif trial != "random":
                x[...], w[...] = EXTREMES[trial[0]][0], EXTREMES[trial[1]][1] & 0xFF
            start = random.integers(-(2**31), 2**31, (rows, COLUMNS)).astype(np.int32)
            arrays = [x, w, np.array([depth], np.int64), start]
            placed = [place.copy(array) for place, array in zip(memory, arrays, strict=True)]
            getattr(library, name)(*[part for array in placed for part in describe(array)])
            want = start + x.astype(np.int32) @ unpack(w[0], bits).astype(np.int32)
            want[-1, -1] += options.corrupt
            if not np.array_equal(placed[-1], want):
                print(f"{name}, {trial}: {placed[-1]} for {want}")
                return 1
            count += 1
    print(f"{count} products are exact")
    return 0


if __name__ == "__main__":
    sys.exit(main())
