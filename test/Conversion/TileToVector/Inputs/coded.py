"""Exact products of 8-bit integers with codes as machine code: every width, row count and number of steps, random and
saturating values, tables, buffers that end where memory does. Code for aarch64 runs on an emulator."""

from __future__ import annotations

import argparse
import ctypes
import functools
import itertools
import math
import mmap
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from emulate import emulate
from guest import FEATURES, Guest, link_library
from machine import Calls, describe, lower, run

COLUMNS, WORD = 16, 4
# Those without VNNI, and those with it, which are emulated.
PAIRS, QUADS = ("avx2", "avx512"), ("avxvnni", "avx512vnni", "avx512vbmi", "amx")
ROWS = (1, 2, 3, 4)
EXTREMES = {"least": (-128, -1), "greatest": (127, -1), "none": (0, 0)}


@dataclass(frozen=True, slots=True)
class Form:
    """Codes of `bits` bits less `offset`, or the entries of a table, of which one may differ from column to column:
    columns take the entry for code `special` from one of `specials`. Triples are three codes 0 to 2 in 5 bits. Packed
    are rows whose words lie side by side."""

    name: str
    bits: int
    steps: tuple[int, ...] = (1, 2, 5)
    offset: int = 0
    values: tuple[int, ...] = ()
    special: int = -1
    specials: tuple[int, ...] = ()
    triples: bool = False
    limit: int = -1
    rows: tuple[int, ...] = (1, 4)
    panels: tuple[int, ...] = (1,)
    signs: str = "su"  # of the left-hand side and of codes
    packed: bool = False

    @property
    def fields(self) -> int:
        """Codes in each byte of a step's words."""
        return 32 if self.triples else 8 // math.gcd(self.bits, 8)

    @property
    def words(self) -> int:
        """Words of a step."""
        return 7 if self.triples else self.bits // math.gcd(self.bits, 8)

    @property
    def signed(self) -> bool:
        """Whether a value is below 0."""
        return self.offset > 0 or min(self.values, default=0) < 0


FORMS = [
    # Steps below, at and above what is unrolled and what 16-bit sums hold (4, 8 and 16 steps).
    Form("four", 4, (1, 3, 4, 5, 8, 13), rows=ROWS),
    Form("two", 2, (1, 7, 8, 20)),
    Form("one", 1, (1, 15, 16, 33)),
    Form("three", 3, (1, 3, 4, 7)),
    Form("five", 5),
    Form("six", 6),
    Form("seven", 7),
    Form("eight", 8, (1, 2, 3, 8), offset=128),
    Form("fp4", 4, values=(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0)),
    Form("signed", 4, values=(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)),
    Form("bitmod", 3, values=(6, 7, 8, 10, 12, 5, 4, 2), special=4, specials=(9, 3, 12, 0)),
    Form("bitmod_wide", 4, values=(*range(16, 120, 13), *range(15, -1, -2)), special=8, specials=(26, 6, 32, 0)),
    Form("six_special", 6, values=tuple(i * 37 % 128 for i in range(64)), special=63, specials=(5, 127)),
    Form("triples", 2, triples=True),
    Form("triples_table", 2, values=(12, 1, 88, 0), triples=True),
    Form("five_table", 5, values=tuple(127 - 4 * i for i in range(32))),
    Form("six_table", 6, values=tuple(i * 37 % 128 for i in range(64))),
    # Bytes that were unpacked before.
    Form("low_bytes", 8, (1, 2, 3, 8, 17), limit=15, rows=(1, 4)),
    Form("half_bytes", 8, (1, 3), limit=127, rows=(1, 4)),
    Form("six_signed", 6, values=tuple(i * 37 % 255 - 127 for i in range(64))),
    # Two digits, of 7 bits without VNNI: the last up to 128.
    Form("four_digits", 4, (1, 3, 8), values=(0, 127, 128, 16511, 16384, *range(129, 16000, 1450)), rows=(1, 2)),
    Form("six_digits", 6, values=tuple(i * 131 % 897 for i in range(64)), rows=(1, 2)),
    Form("triple_digits", 2, values=(300, 0, 16511, 0), triples=True, steps=(1, 2)),
]
# With VNNI, bytes have no sign.
BYTES = [replace(form, offset=0, rows=(*form.rows, 8)) for form in FORMS if min(form.values, default=0) >= 0]
BYTES.append(Form("two_digits", 4, (1, 2, 8), values=tuple(i * 65535 // 15 for i in range(16)), rows=(1, 4, 8)))
BYTES.append(Form("three_digits", 4, (1, 5), values=tuple(i * ((1 << 24) - 1) // 15 for i in range(16)), panels=(1, 4)))
BYTES.append(Form("bytes", 4, values=tuple(17 * i for i in range(16))))
# Steps of a tile that is not full, is, is one of several and of several that are alike; of more than are unrolled.
BYTES.append(Form("tiles", 8, (1, 8, 15, 16, 17, 24, 39, 40, 135, 255, 256, 300, 512), rows=(16,)))
BYTES.append(Form("two_by_two", 8, (1, 16, 33, 300), rows=(32,), panels=(2,)))
BYTES.append(Form("few_by_four", 8, (1, 40), rows=(1, 5, 16), panels=(4,)))
BYTES.append(Form("panels", 4, (1, 3, 8), rows=(1, 2, 4), panels=(2, 3, 4)))
BYTES.append(Form("special_panels", 3, values=(6, 7, 8, 10, 12, 5, 4, 2), special=4, specials=(9, 12), panels=(2,)))
BYTES.append(Form("special_bytes", 4, values=tuple(17 * i for i in range(16)), special=3, specials=(255, 1, 2, 128)))
BYTES.append(Form("signed_codes", 8, (1, 2, 17), rows=(1, 4, 16), panels=(1, 2), signs="us"))
# Words of rows that lie side by side, on x86 alone.
WORDS = [
    Form("four_packed", 4, (1, 3, 8, 13), rows=(1, 3, 4, 16), packed=True),
    Form("six_packed", 6, (1, 3), values=tuple(i * 37 % 128 for i in range(64)), packed=True),
    Form("bytes_packed", 8, (1, 2, 17, 40), limit=15, rows=(1, 5, 16), packed=True),
]
SIGNED_WORDS = Form("signed_packed", 8, (1, 2, 17), rows=(1, 4, 16), panels=(1, 2), signs="us", packed=True)
# All pairs of signs, for tiles alone.
TILES = [Form(f"signs_{signs}", 8, (1, 40), rows=(1, 12, 32), panels=(1, 2), signs=signs) for signs in ("ss", "uu")]
# Digits with a sign, on aarch64 alone.
FOURS = [
    Form("signed_digits", 4, (1, 2, 8), values=tuple(i * 65535 // 15 - 32896 for i in range(16))),
    Form("six_signed_digits", 6, values=tuple(i * 131 % 897 - 448 for i in range(64))),
    Form("three_signed_digits", 4, values=tuple(i * ((1 << 24) - 1) // 15 - 8421504 for i in range(16))),
]
# On aarch64, what tiles have: pairs of rows where they are multiplied as such, and few without products in fours.
OWN_ROWS = {"neon": (1, 2), "dotprod": (1, 4), "i8mm": (1, 2, 4)}
MAIN_ROWS = {"neon": 1, "dotprod": 1, "i8mm": 2}  # for which all numbers of steps are tried


def kernel(name: str, form: Form, rows: int, panels: int, steps: int, known: bool) -> str:
    """A function that adds one product to the tile that `%y` holds; the depth is a constant or an argument."""
    depth = steps * WORD * form.fields
    lhs = f"memref<{f'{depth // WORD}x{rows}x{WORD}' if form.packed else f'{rows}x{depth}'}xi8>"
    codes = f"memref<{panels}x{steps * form.words}x{COLUMNS}x{WORD}xi8>"
    columns = panels * COLUMNS
    tile, out = f"!lutra.tile<{rows}x{columns}xi32>", f"memref<{rows}x{columns}xi32>"
    line, own = f"!lutra.tile<1x{columns}xi32>", f"memref<1x{columns}xi32>"
    window = f"dims = [{-1 if rows == 1 else 0}, 1] steps = [1, 1]"
    constant = f"%d = arith.constant {depth} : index" if known else "%d = memref.load %k[%z] : memref<1xindex>"
    special = f"special(%s : {line}) " if form.special >= 0 else ""
    attributes = f"bits = {form.bits} : i64, lhs_row_dim = {int(form.packed)} : i64, offset = {form.offset} : i64"
    attributes += ", triples" * form.triples + ", lhs_words" * form.packed
    if form.limit >= 0:
        attributes += f", limit = {form.limit} : i64"
    attributes += ", unsigned_lhs" * (form.signs[0] == "u") + ", signed_codes" * (form.signs[1] == "s")
    if form.values:
        attributes += f", values = array<i64: {', '.join(map(str, form.values + form.specials))}>"
    if special:
        attributes += f", special_code = {form.special} : i64"
    return f"""
func.func @{name}(%x: {lhs}, %w: {codes}, %k: memref<1xindex>, %t: {own}, %y: {out}) attributes {{lutra.kernel}} {{
  %z = arith.constant 0 : index
  {constant}
  %s = lutra.tile_load %t[%z, %z] dims = [-1, 1] steps = [1, 1] : {own} -> {line}
  %a = lutra.tile_load %y[%z, %z] {window} : {out} -> {tile}
  %r = lutra.tile_coded_matmul %x[%z, {"%z, " * form.packed}%z], %w[%z, %z], %a depth %d {special}{{{attributes}}}
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


def unpack(packed: np.ndarray, form: Form) -> np.ndarray:
    """Codes [k, columns] of panels [panels, words, width, bytes]: the fields of one place are neighbours along k.

    Whole codes fill a byte from its low end; what they leave of all words of a step holds the last fields.
    """
    if packed.ndim == 4:
        return np.concatenate([unpack(panel, form) for panel in packed], 1)
    steps = packed.astype(np.int64).reshape(-1, form.words, *packed.shape[1:])
    if form.triples:
        stored = [steps[:, word] & 31 for word in range(7)]
        rest = sum(steps[:, word] >> 5 << 3 * word for word in range(7))
        stored += [rest >> 5 * place & 31 for place in range(4)]
        codes = [triple // 3**digit % 3 for triple in stored for digit in range(3)][:-1]
        return np.stack(codes, 1).transpose(0, 1, 3, 2).reshape(-1, packed.shape[1])
    whole = 8 // form.bits
    mask = (1 << form.bits) - 1
    fields = [steps[:, word] >> form.bits * place & mask for word in range(form.words) for place in range(whole)]
    rest, spare = np.zeros_like(steps[:, 0]), 8 - whole * form.bits
    for word in range(form.words):
        rest |= steps[:, word] >> whole * form.bits << word * spare
    fields += [rest >> form.bits * field & mask for field in range(form.fields - len(fields))]
    return np.stack(fields, 1).transpose(0, 1, 3, 2).reshape(-1, packed.shape[1])


def values_of(codes: np.ndarray, form: Form, special: np.ndarray) -> np.ndarray:
    """What the codes [k, columns] stand for."""
    if form.signs[1] == "s":
        return codes.astype(np.int8).astype(np.int64)
    if not form.values:
        return codes - form.offset
    values = np.array(form.values)[codes]
    return np.where(codes == form.special, np.array(form.specials)[special], values) if form.specials else values


def allow_tiles() -> None:
    """Asks Linux for the tiles of AMX; where there are none, nothing happens."""
    arch_prctl, ask_for_permission, tile_data = 158, 0x1023, 18
    ctypes.CDLL(None).syscall(arch_prctl, ask_for_permission, tile_data)


def build(text: str, level: str, work: Path, native: bool) -> Callable[[Calls], None]:
    """What calls functions of an LLVM module; the last of their arrays is the result."""
    work.mkdir(parents=True, exist_ok=True)
    built, library = work / f"coded.{level}.o", work / f"coded.{level}.so"
    flags = ["-O3", "-relocation-model=pic", "-filetype=obj", "-o", str(built)]
    if level in FEATURES:
        run(["llc", "-mtriple=aarch64-linux-gnu", f"-mattr={FEATURES[level]}", *flags], text)
        link_library(built, library)
        return functools.partial(Guest(level, work).call, library)
    run(["llc", f"-mcpu={'sapphirerapids' if native else 'x86-64-v3'}", *flags], text)
    run(["clang", "-shared", str(built), "-o", str(library)], "")
    if native:
        allow_tiles()
    functions = ctypes.CDLL(str(library))
    memory = [Guarded(16) for _ in range(5)]

    def call(calls: Calls) -> None:
        for name, arrays in calls:
            placed = [place.copy(array) for place, array in zip(memory, arrays, strict=False)]
            getattr(functions, name)(*[part for array in placed for part in describe(array)])
            arrays[-1][...] = placed[-1]

    return call


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", choices=(*PAIRS, *QUADS, *FEATURES), required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--corrupt", action="store_true", help="expect one product more")
    parser.add_argument("--native", action="store_true", help="run the level's own instructions, not others for them")
    options = parser.parse_args()
    forms = [*BYTES, *WORDS, SIGNED_WORDS] if options.level in QUADS else FORMS
    if options.level in PAIRS:
        forms = forms + WORDS
    if options.level == "amx":
        forms = forms + TILES
    elif options.level == "neon":
        forms = [form for form in forms if "digits" not in form.name]
    elif options.level in FEATURES:
        forms = forms + FOURS
    shapes = {
        f"{form.name}_{rows}_{panels}_{steps}_{int(known)}": (form, rows, panels, steps, known)
        for form in forms
        for rows, panels, steps, known in itertools.product(
            OWN_ROWS.get(options.level, form.rows), form.panels, form.steps, (True, False)
        )
        if (known or (steps == form.steps[1] and form not in TILES))
        and (options.level not in MAIN_ROWS or rows == MAIN_ROWS[options.level] or steps == form.steps[-1])
    }
    text = "".join(kernel(name, *shape) for name, shape in shapes.items())
    text = lower(text, options.level)
    options.work.mkdir(parents=True, exist_ok=True)
    call = build(text if options.native else emulate(text), options.level, options.work, options.native)
    random, calls, expected = np.random.default_rng(7), [], []
    for name, (form, rows, panels, steps, _) in shapes.items():
        depth, columns = steps * WORD * form.fields, panels * COLUMNS
        least = -127 if form.signed else -128
        for trial in ("random", "random", "every", *itertools.product(EXTREMES, EXTREMES), "mixed", "mixed"):
            x = random.integers(least, 128, (rows, depth)).astype(np.int8)
            most = 255 if form.limit < 0 else form.limit
            w = random.integers(0, most + 1, (panels, steps * form.words, COLUMNS, WORD)).astype(np.uint8)
            if trial == "mixed":
                x = np.where(x < 0, least, 127).astype(np.int8)
                w[...] = np.where(w <= most // 2, 0, most)
            elif trial == "every":
                w[...] = np.arange(w.size).reshape(w.shape) % (most + 1)
            elif trial != "random":
                x[...], w[...] = max(least, EXTREMES[trial[0]][0]), EXTREMES[trial[1]][1] & most
            special = random.integers(0, max(1, len(form.specials)), (1, columns)).astype(np.int32)
            start = random.integers(-(2**31), 2**31, (rows, columns)).astype(np.int32)
            factors = (x.view(np.uint8) if form.signs[0] == "u" else x).astype(np.int32)
            want = start + factors @ values_of(unpack(w, form), form, special[0]).astype(np.int32)
            want[-1, -1] += options.corrupt
            if form.packed:
                x = np.ascontiguousarray(x.reshape(rows, -1, WORD).transpose(1, 0, 2))
            calls.append((name, [x, w, np.array([depth], np.int64), special, start]))
            expected.append((trial, want))
    call(calls)
    for (name, arrays), (trial, want) in zip(calls, expected, strict=True):
        if not np.array_equal(arrays[-1], want):
            print(f"{name}, {trial}: {arrays[-1]} for {want}")
            return 1
    print(f"{len(calls)} products are exact")
    return 0


if __name__ == "__main__":
    sys.exit(main())
