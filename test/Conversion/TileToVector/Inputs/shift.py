"""Exact sums of shifted elements as machine code: all numbers of bits, random elements and codes and extremes, -128
among them, steps below and above one, buffers that end where memory does. Code for aarch64 runs on an emulator."""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
from coded import COLUMNS, PAIRS, QUADS, WORD, Form, build, unpack
from emulate import emulate
from guest import FEATURES
from machine import Calls, assemble, lower

BITS = (2, 3, 4)
# Bits of codes, rows, panels, steps.
SHAPES = [(bits, rows, 1, steps) for bits in BITS for rows in (1, 2, 4) for steps in (1, 2, 5)]
SHAPES += [(bits, rows, panels, 3) for bits in BITS for rows, panels in ((1, 4), (2, 2), (3, 1))]


def kernel(bits: int, rows: int, panels: int, steps: int) -> str:
    """A function that adds one product to the tile that `%y` holds, from the second row, step, panel and word on."""
    form = Form("", bits)
    depth = form.fields * WORD
    left = f"memref<{rows + 1}x{depth * (steps + 1)}xi8>"
    codes = f"memref<{panels + 1}x{(steps + 1) * form.words}x{COLUMNS}x{WORD}xi8>"
    tile, out = f"!lutra.tile<{rows}x{panels * COLUMNS}xi32>", f"memref<{rows}x{panels * COLUMNS}xi32>"
    window = f"dims = [{-1 if rows == 1 else 0}, 1] steps = [1, 1]"
    attributes = f"depth = {depth * steps} : i64, bits = {bits} : i64, lhs_row_dim = 0 : i64"
    return f"""
func.func @shift_{bits}_{rows}_{panels}_{steps}(%x: {left}, %w: {codes}, %u: memref<1xindex>, %v: memref<1xindex>,
                                                %y: {out}) attributes {{lutra.kernel}} {{
  %z = arith.constant 0 : index
  %o = arith.constant 1 : index
  %k = arith.constant {depth} : index
  %b = arith.constant {form.words} : index
  %a = lutra.tile_load %y[%z, %z] {window} : {out} -> {tile}
  %r = lutra.tile_shift_matmul %x[%o, %k], %w[%o, %b], %a {{{attributes}}} : {left}, {codes}, {tile} -> {tile}
  lutra.tile_store %r, %y[%z, %z] {window} : {tile}, {out}
  return
}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", choices=(*PAIRS, *QUADS, *FEATURES), required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--corrupt", action="store_true", help="expect one more")
    parser.add_argument("--assembly", action="store_true", help="print the assembly instead")
    parser.add_argument("--native", action="store_true", help="run the level's own instructions, not others for them")
    options = parser.parse_args()
    shapes = [(4, 4, 1, 1)] if options.assembly else SHAPES[:1] if options.corrupt else SHAPES
    text = "".join(kernel(*shape) for shape in shapes)
    text = lower(text, options.level)
    if options.assembly:
        print(assemble(text, options.level))
        return 0
    call = build(text if options.native else emulate(text), options.level, options.work, options.native)
    random, calls, expected = np.random.default_rng(7), [], []
    unused = np.zeros(1, np.int64)
    trials = ("random", "least", "greatest")
    for (bits, rows, panels, steps), left, codes in itertools.product(shapes, trials, trials):
        form, sign = Form("", bits), 1 << (bits - 1)
        depth = form.fields * WORD
        x = random.integers(-128, 128, (rows + 1, depth * (steps + 1))).astype(np.int8)
        if left != "random":
            x[...] = -128 if left == "least" else 127
        w = random.integers(0, 256, (panels + 1, (steps + 1) * form.words, COLUMNS, WORD)).astype(np.uint8)
        if codes != "random":  # the greatest power, below 0 or above: 3 bits of ones and a sign, in every field
            stream = sum((sign - 1 + sign * (codes == "least")) << bits * field for field in range(form.fields))
            whole, spare = 8 // bits, 8 % bits
            for word in range(form.words):
                w[:, word :: form.words] = stream & ((1 << whole * bits) - 1)
                w[:, word :: form.words] |= (stream >> word * spare & ((1 << spare) - 1)) << whole * bits
        q = unpack(w[1:, form.words :], form)
        values = np.where(q & sign, -1, 1) << (q % sign)
        start = random.integers(-(2**31), 2**31, (rows, panels * COLUMNS)).astype(np.int32)
        want = (start + x[1:, depth:].astype(np.int64) @ values).astype(np.int32)
        want[-1, -1] += options.corrupt
        calls.append((f"shift_{bits}_{rows}_{panels}_{steps}", [x, w, unused, unused, start]))
        expected.append(want)
    made: Calls = calls
    call(made)
    for (name, arrays), want in zip(made, expected, strict=True):
        if not np.array_equal(arrays[-1], want):
            print(f"{name}: {arrays[-1]} for {want}")
            return 1
    print(f"{len(made)} results are exact")
    return 0


if __name__ == "__main__":
    sys.exit(main())
