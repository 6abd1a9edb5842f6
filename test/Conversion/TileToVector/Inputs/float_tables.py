"""Lookups in tables of floats as machine code: every code of tables that end with their page, and of stated ones. Code
for aarch64 runs on an emulator."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from coded import build
from guest import FEATURES
from machine import lower

SIZES = (2, 4, 8, 16, 32, 64, 128, 256)
STATED = (2, 4, 8, 16)
COLUMNS = (1, 5, 8, 16, 24, 32)


def kernel(size: int, columns: int, table: np.ndarray | None = None) -> str:
    """A function that looks two rows of codes up."""
    codes, floats = f"memref<2x{columns}xi32>", f"memref<2x{columns}xf32>"
    tile, found = f"!lutra.tile<2x{columns}xi32>", f"!lutra.tile<2x{columns}xf32>"
    window = f"dims = [0, {-1 if columns == 1 else 1}] steps = [1, 1]"
    source = f"memref<{size}xf32>"
    look = f"lutra.tile_gather %t[%o] : {source}, {tile} -> {found}"
    if table is not None:
        look = f"lutra.tile_lookup %o [{', '.join(map(str, table.tolist()))}] : {tile} -> {found}"
    return f"""
func.func @{"gather" if table is None else "lookup"}{size}_{columns}(%c: {codes}, %t: {source}, %y: {floats})
    attributes {{lutra.kernel}} {{
  %z = arith.constant 0 : index
  %o = lutra.tile_load %c[%z, %z] {window} : {codes} -> {tile}
  %v = {look}
  lutra.tile_store %v, %y[%z, %z] {window} : {found}, {floats}
  return
}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", choices=("sse2", "avx2", "avx512vbmi", *FEATURES), required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--corrupt", action="store_true", help="expect another entry")
    options = parser.parse_args()
    values = np.random.default_rng(7).standard_normal(256).astype(np.float32)
    text, calls, expected = "", [], []
    for size, columns, stated in [
        *((size, columns, False) for size in SIZES for columns in COLUMNS),
        *((size, columns, True) for size in STATED for columns in COLUMNS[2:]),
    ]:
        table = values[:size].round(2) if stated else values[:size]
        text += kernel(size, columns, table if stated else None)
        # Lookups read the low bits of a code alone.
        limit = 4 * size if stated else size
        for first in range(0, limit, 2 * columns):
            codes = ((np.arange(2 * columns) + first) % limit).astype(np.int32).reshape(2, columns)
            want = table[codes % size]
            want[-1, -1] += options.corrupt
            calls.append(
                (f"{'lookup' if stated else 'gather'}{size}_{columns}", [codes, table, np.zeros_like(want)]),
            )
            expected.append(want)
    text = lower(text, options.level)
    build(text, options.level, options.work, native=options.level == "avx512vbmi")(calls)
    for (name, arrays), want in zip(calls, expected, strict=True):
        if not np.array_equal(arrays[-1], want):
            print(f"{name}: {arrays[-1]} for {want}")
            return 1
    print(f"{len(calls)} tiles are exact")
    return 0


if __name__ == "__main__":
    sys.exit(main())
