"""Lookups in tables of 256 bytes as machine code: every code in every column of tiles below, at and above vectors, in
memory that ends with codes, table and result. Code for aarch64 runs on an emulator."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from coded import build
from guest import FEATURES
from machine import assemble, lower

COLUMNS = (1, 2, 5, 16, 31, 32, 33, 64, 100, 128)
ROWS = (1, 3)


def kernel(rows: int, columns: int) -> str:
    """A function that looks a tile of codes up."""
    buffer, tile = f"memref<{rows}x{columns}xi8>", f"!lutra.tile<{rows}x{columns}xi8>"
    window = f"dims = [{-1 if rows == 1 else 0}, {-1 if columns == 1 else 1}] steps = [1, 1]"
    return f"""
func.func @k{rows}_{columns}(%c: {buffer}, %t: memref<256xi8>, %y: {buffer}) attributes {{lutra.kernel}} {{
  %z = arith.constant 0 : index
  %o = lutra.tile_load %c[%z, %z] {window} : {buffer} -> {tile}
  %v = lutra.tile_gather %t[%o] : memref<256xi8>, {tile} -> {tile}
  lutra.tile_store %v, %y[%z, %z] {window} : {tile}, {buffer}
  return
}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", choices=("sse2", "avx2", "avx512vbmi", *FEATURES), required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--corrupt", action="store_true", help="expect another entry")
    parser.add_argument("--assembly", action="store_true", help="print the code of one tile of 64 columns")
    options = parser.parse_args()
    shapes = [(1, 64)] if options.assembly else [(rows, columns) for rows in ROWS for columns in COLUMNS]
    text = "".join(kernel(*shape) for shape in shapes)
    text = lower(text, options.level)
    if options.assembly:
        print(assemble(text, options.level))
        return 0
    call = build(text, options.level, options.work, native=options.level == "avx512vbmi")
    table = np.random.default_rng(7).permutation(256).astype(np.uint8)
    calls, expected = [], []
    for rows, columns in shapes:
        for first in range(0, 256, 1 if columns == 1 else 31):
            codes = (np.arange(rows * columns) + first).astype(np.uint8).reshape(rows, columns)
            want = table[codes]
            want[-1, -1] ^= options.corrupt
            arrays = [codes.view(np.int8), table.view(np.int8), np.zeros((rows, columns), np.int8)]
            calls.append((f"k{rows}_{columns}", arrays))
            expected.append(want.view(np.int8))
    call(calls)
    for (name, arrays), want in zip(calls, expected, strict=True):
        if not np.array_equal(arrays[-1], want):
            print(f"{name}: {arrays[-1]} for {want}")
            return 1
    print(f"{len(calls)} tiles are exact")
    return 0


if __name__ == "__main__":
    sys.exit(main())
