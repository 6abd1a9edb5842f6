"""Exact products of 8-bit integers with codes of few bits, by tables, as machine code: every row count and number of
chunks, random and saturating values, buffers that end where memory does. Code for aarch64 runs on an emulator."""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
from coded import COLUMNS, EXTREMES, build
from emulate import emulate
from machine import assemble, lower

LANES = {"avx2": 2, "avx512vnni": 2, "avx512vbmi": 4, "amx": 4, "neon": 1, "dotprod": 1, "i8mm": 1}
# Rows of tables, or panels: below, at and above what bytes hold (4 chunks), what 16 bits hold (16, 32), what a loop
# covers.
CHUNKS = (1, 3, 4, 5, 8, 16, 17, 33, 65)
SHAPES = [(rows, chunks, across) for rows, across in ((1, False), (2, False), (2, True)) for chunks in CHUNKS]
SHAPES += [(3, 5, False), (3, 5, True), (1, 48, False), (4, 8, False), (4, 9, True)]
# Planes: a step of them that ends early, whole ones, a loop, rows and panels.
PLANES = [(1, 1, False), (1, 3, False), (1, 8, False), (1, 65, False), (2, 17, False), (2, 33, True)]
# Words of a plane beside each other, for codes of as many bits.
TOGETHER = {1: 1, 2: 4, 3: 2, 4: 2}


# Bits of activations: two bytes for an entry, one, of which a byte holds the sum of 1, 2, 4, 9 and 21.
LHS_BITS = (8, 6, 5, 4, 3, 2)
Shape = tuple[int, int, bool, int, int]


def shapes_of(lanes: int) -> list[Shape]:
    """Rows, chunks, across, bits of codes and of activations of all products of a level."""
    bits = [bits for bits, words in TOGETHER.items() if bits > 1 and words % lanes == 0]
    shapes = [(*shape, 1, 8) for shape in SHAPES] + [(*shape, count, 8) for count in bits for shape in PLANES]
    return shapes + [(*shape, count, lhs) for lhs in LHS_BITS[1:] for count in (1, 2) for shape in PLANES]


def parts_of(lhs_bits: int) -> tuple[int, int]:
    """Bytes of an entry, and what entries are raised by."""
    return (2, 512) if lhs_bits > 6 else (1, 2 << lhs_bits)


def words_of(chunks: int, lanes: int, bits: int) -> int:
    """Words of all planes of a panel, of whole steps."""
    return -(-chunks * lanes // TOGETHER[bits]) * TOGETHER[bits] * bits


def table_kernel(lanes: int, lhs_bits: int) -> str:
    """A function that writes the tables of one chunk."""
    shape = f"{2 * parts_of(lhs_bits)[0]}x{16 * lanes}xi8"
    lhs, tile, out = f"memref<1x{8 * lanes}xi8>", f"!lutra.tile<{shape}>", f"memref<{shape}>"
    return f"""
func.func @sums_{lhs_bits}(%x: {lhs}, %t: {out}) attributes {{lutra.kernel}} {{
  %z = arith.constant 0 : index
  %r = lutra.tile_subset_sums %x[%z, %z] {{lhs_bits = {lhs_bits} : i64}} : {lhs} -> {tile}
  lutra.tile_store %r, %t[%z, %z] dims = [0, 1] steps = [1, 1] : {tile}, {out}
  return
}}
"""


def product_kernel(rows: int, chunks: int, across: bool, bits: int, lhs_bits: int, lanes: int) -> str:
    """A function that adds one product to the tile that `%y` holds, from the second row, chunk, panel and word on."""
    of_tables, panels, flag = (1, rows, "across, ") if across else (rows, 1, "")
    tables = f"memref<{of_tables + 1}x{chunks + 1}x{2 * parts_of(lhs_bits)[0]}x{16 * lanes}xi8>"
    codes = f"memref<{panels + 1}x{words_of(chunks, lanes, bits) + 1}x{COLUMNS}x1xi8>"
    planes = f", bits = {bits} : i64, plane_words = {TOGETHER[bits]} : i64" if bits > 1 else ""
    planes += f", lhs_bits = {lhs_bits} : i64"
    tile, out = f"!lutra.tile<{rows}x{COLUMNS}xi32>", f"memref<{rows}x{COLUMNS}xi32>"
    window = f"dims = [{-1 if rows == 1 else 0}, 1] steps = [1, 1]"
    name = f"product_{rows}_{chunks}_{int(across)}_{bits}_{lhs_bits}"
    return f"""
func.func @{name}(%t: {tables}, %w: {codes}, %y: {out}) attributes {{lutra.kernel}} {{
  %z = arith.constant 0 : index
  %o = arith.constant 1 : index
  %a = lutra.tile_load %y[%z, %z] {window} : {out} -> {tile}
  %r = lutra.tile_lookup_matmul %t[%o, %o], %w[%o, %o], %a {{{flag}depth = {chunks * 8 * lanes} : i64{planes}}}
         : {tables}, {codes}, {tile} -> {tile}
  lutra.tile_store %r, %y[%z, %z] {window} : {tile}, {out}
  return
}}
"""


def tables_of(x: np.ndarray, lanes: int, lhs_bits: int) -> np.ndarray:
    """Tables [rows, chunks, 4, entries] of rows of activations."""
    groups = x.astype(np.int64).reshape(len(x), -1, lanes, 2, 4)
    bits = np.arange(16)[:, None] >> np.arange(4) & 1
    count, offset = parts_of(lhs_bits)
    sums = offset + np.einsum("rclhj,ej->rchle", groups, bits)
    parts = np.stack([sums] if count == 1 else [sums % 32, sums // 32], 3)
    return parts.reshape(len(x), -1, 2 * count, 16 * lanes).astype(np.uint8)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", choices=LANES, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--corrupt", action="store_true", help="expect one product more")
    parser.add_argument("--assembly", action="store_true", help="print the assembly instead")
    parser.add_argument("--native", action="store_true", help="run the level's own instructions, not others for them")
    options = parser.parse_args()
    lanes = LANES[options.level]
    steps = 8 * lanes
    shapes = shapes_of(lanes)
    if options.assembly:
        shapes = [(1, 8, False, 1, 8), (2, 8, True, 1, 8), (1, 8, False, 2, 8), (1, 8, False, 1, 4)]
    elif options.corrupt:
        shapes = shapes[:1]
    text = "".join(table_kernel(lanes, bits) for bits in LHS_BITS)
    text += "".join(product_kernel(*shape, lanes) for shape in shapes)
    text = lower(text, options.level)
    if options.assembly:
        print(assemble(text, options.level))
        return 0
    call = build(text if options.native else emulate(text), options.level, options.work, options.native)
    random, calls, expected, count = np.random.default_rng(7), [], [], 0
    trials = ("random", "random", *itertools.product(EXTREMES, EXTREMES))
    for (rows, chunks, across, bits, lhs_bits), trial in itertools.product(shapes, trials):
        of_tables, panels = (1, rows) if across else (rows, 1)
        x = random.integers(-128, 128, (of_tables, chunks * steps)).astype(np.int8)
        w = random.integers(0, 256, (panels + 1, words_of(chunks, lanes, bits) + 1, COLUMNS, 1)).astype(np.uint8)
        if trial != "random":
            x[...], w[...] = EXTREMES[trial[0]][0], EXTREMES[trial[1]][1] & 255
        if lhs_bits <= 6:
            x >>= 8 - lhs_bits
        tables = tables_of(x, lanes, lhs_bits)
        for row, chunk in ((0, 0), (of_tables - 1, chunks - 1)):
            part = x[row : row + 1, chunk * steps :][:, :steps]
            calls.append((f"sums_{lhs_bits}", [part.copy(), np.zeros(tables.shape[2:], np.uint8)]))
            expected.append((trial, tables[row, chunk]))
        placed = random.integers(0, 256, (of_tables + 1, chunks + 1, *tables.shape[2:])).astype(np.uint8)
        placed[1:, 1:] = tables
        start = random.integers(-(2**31), 2**31, (rows, COLUMNS)).astype(np.int32)
        # Bit p of code k of a panel is bit k mod 8 of word k div 8 of plane p.
        words = w[1:, 1:, :, 0].reshape(panels, -1, bits, TOGETHER[bits], COLUMNS).swapaxes(2, 3)
        words = words.reshape(panels, -1, bits, COLUMNS)
        fields = np.stack([words >> bit & 1 for bit in range(8)], 2).reshape(panels, -1, bits, COLUMNS)
        whole = np.einsum("nkpc,p->nkc", fields.astype(np.int32), 1 << np.arange(bits, dtype=np.int32))
        want = start + (x.astype(np.int32) @ whole[:, : chunks * steps]).reshape(rows, COLUMNS)
        want[-1, -1] += options.corrupt
        calls.append((f"product_{rows}_{chunks}_{int(across)}_{bits}_{lhs_bits}", [placed, w, start]))
        expected.append((trial, want))
        count += 1
    call(calls)
    for (name, arrays), (trial, want) in zip(calls, expected, strict=True):
        if not np.array_equal(arrays[-1], want):
            print(f"{name}, {trial}: {arrays[-1]} for {want}")
            return 1
    print(f"{count} products are exact")
    return 0


if __name__ == "__main__":
    sys.exit(main())
