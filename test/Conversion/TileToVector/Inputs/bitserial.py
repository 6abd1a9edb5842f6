"""Exact products of few bits with few bits as machine code: all pairs of numbers of bits, random codes and extremes,
steps below, at and above what is unrolled, buffers that end where memory does. Code for aarch64 runs on an emulator."""

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

DEPTH = 32  # of a word
BITS = (1, 2, 3, 4)
STEPS = (1, 4, 8, 9, 17)
# Bits of codes and rows, rows, panels, steps.
SHAPES = [(bits, lhs, 2, 1, 9) for bits in BITS for lhs in BITS]
SHAPES += [(1, 1, rows, panels, steps) for rows, panels in ((1, 4), (4, 2)) for steps in STEPS]
SHAPES += [(2, 2, 1, 2, 5), (4, 4, 1, 1, 33)]


def place_of(field: int, bits: int) -> int:
    """Where in a byte the planes of codes of so many bits have a field of 32 codes."""
    fit = 8 // bits
    return bits * (field % fit) + field // fit if field < fit * bits else field


def planes_of(x: np.ndarray, lhs: int, bits: int) -> np.ndarray:
    """Planes [rows, lhs, steps] of rows of activations."""
    groups = x.astype(np.int64).reshape(len(x), -1, DEPTH)
    taken = [groups > 0] if lhs == 1 else [groups >> plane & 1 for plane in range(lhs)]
    places = np.array([k % WORD * 8 + place_of(k // WORD, bits) for k in range(DEPTH)])
    words = [(plane.astype(np.int64) << places).sum(2) for plane in taken]
    return np.stack(words, 1).astype(np.uint32).view(np.int32)


def planes_kernel(lhs: int, bits: int, steps: int) -> str:
    """A function that writes the planes of one step, or of two."""
    left, tile, out = f"memref<1x{DEPTH * steps}xi8>", f"!lutra.tile<{lhs}x{steps}xi32>", f"memref<{lhs}x{steps}xi32>"
    window = f"dims = [{-1 if lhs == 1 else 0}, {-1 if steps == 1 else 1}] steps = [1, 1]"
    return f"""
func.func @planes_{lhs}_{bits}_{steps}(%x: {left}, %u: memref<1xindex>, %v: memref<1xindex>, %t: memref<1xindex>,
                                       %y: {out}) attributes {{lutra.kernel}} {{
  %z = arith.constant 0 : index
  %r = lutra.tile_bit_planes %x[%z, %z] {{code_bits = {bits} : i64}} : {left} -> {tile}
  lutra.tile_store %r, %y[%z, %z] {window} : {tile}, {out}
  return
}}
"""


def product_kernel(bits: int, lhs: int, rows: int, panels: int, steps: int) -> str:
    """A function that adds one product to the tile that `%y` holds, from the second row, step, panel and word on."""
    left = f"memref<{rows + 1}x{lhs}x{steps + 1}xi32>"
    codes = f"memref<{panels + 1}x{steps * bits + bits}x{COLUMNS}x{WORD}xi8>"
    tile, out = f"!lutra.tile<{rows}x{panels * COLUMNS}xi32>", f"memref<{rows}x{panels * COLUMNS}xi32>"
    window = f"dims = [{-1 if rows == 1 else 0}, 1] steps = [1, 1]"
    return f"""
func.func @product_{bits}_{lhs}_{rows}_{panels}_{steps}(%x: {left}, %w: {codes}, %u: memref<1xindex>,
                                                        %v: memref<1xindex>, %y: {out}) attributes {{lutra.kernel}} {{
  %z = arith.constant 0 : index
  %o = arith.constant 1 : index
  %b = arith.constant {bits} : index
  %a = lutra.tile_load %y[%z, %z] {window} : {out} -> {tile}
  %r = lutra.tile_bitserial_matmul %x[%o, %o], %w[%o, %b], %a {{depth = {steps * DEPTH} : i64, bits = {bits} : i64}}
         : {left}, {codes}, {tile} -> {tile}
  lutra.tile_store %r, %y[%z, %z] {window} : {tile}, {out}
  return
}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", choices=(*PAIRS, *QUADS, *FEATURES), required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--corrupt", action="store_true", help="expect one product more")
    parser.add_argument("--assembly", action="store_true", help="print the assembly instead")
    parser.add_argument("--native", action="store_true", help="run the level's own instructions, not others for them")
    options = parser.parse_args()
    shapes = [(1, 1, 1, 4, 4), (2, 2, 1, 1, 4)] if options.assembly else SHAPES[:1] if options.corrupt else SHAPES
    text = "".join(product_kernel(*shape) for shape in shapes)
    forms = [] if options.assembly else list(itertools.product(BITS, BITS, (1, 2)))
    text += "".join(planes_kernel(*form) for form in forms)
    text = lower(text, options.level)
    if options.assembly:
        print(assemble(text, options.level))
        return 0
    call = build(text if options.native else emulate(text), options.level, options.work, options.native)
    random, calls, expected = np.random.default_rng(7), [], []
    unused = np.zeros(1, np.int64)

    def codes_of(rows: int, depth: int, lhs: int, trial: str) -> np.ndarray:
        most = max(1, (1 << (lhs - 1)) - 1)
        x = random.integers(-most, most + 1, (rows, depth))
        if lhs == 1:
            x = random.choice([-1, 1], x.shape)
        return (x if trial == "random" else np.full_like(x, most if trial == "greatest" else -most)).astype(np.int8)

    trials = ("random", "least", "greatest")
    for (bits, lhs, rows, panels, steps), trial, codes in itertools.product(shapes, trials, trials):
        x = codes_of(rows, steps * DEPTH, lhs, trial)
        w = random.integers(0, 256, (panels + 1, steps * bits + bits, COLUMNS, WORD)).astype(np.uint8)
        if codes != "random":
            w[...] = 255 if codes == "greatest" else 0
        planes = random.integers(-(2**31), 2**31, (rows + 1, lhs, steps + 1)).astype(np.int32)
        planes[1:, :, 1:] = planes_of(x, lhs, bits)
        start = random.integers(-(2**31), 2**31, (rows, panels * COLUMNS)).astype(np.int32)
        q = unpack(w[1:, bits:], Form("", bits)).astype(np.int32)
        want = start + x.astype(np.int32) @ q
        if lhs == 1:
            want -= ((1 << bits) - 1) * (x > 0).sum(1, keepdims=True).astype(np.int32)
        want[-1, -1] += options.corrupt
        calls.append((f"product_{bits}_{lhs}_{rows}_{panels}_{steps}", [planes, w, unused, unused, start]))
        expected.append(want)
    for lhs, bits, steps in forms:
        x = codes_of(1, steps * DEPTH, lhs, "random")
        calls.append((f"planes_{lhs}_{bits}_{steps}", [x, unused, unused, unused, np.zeros((lhs, steps), np.int32)]))
        expected.append(planes_of(x, lhs, bits)[0])
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
