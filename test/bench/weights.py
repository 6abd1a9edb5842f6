"""Weights in few bits as plain arrays, the forms in which Lutra and its peers store them, and what they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Doubles = npt.NDArray[np.float64]

CHUNK = 1 << 24  # values decoded at a time

NF4 = (
    *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635),
    *(-0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725),
    *(0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
)
IQ4_NL = (-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)
FP4 = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
HALVES = (0, 1, 2, 3, 4, 6, 8, 12)
BITMOD4 = tuple((*HALVES, special, *(-value for value in HALVES[1:])) for special in (10, -10, 16, -16))


@dataclass(frozen=True, slots=True, eq=False)
class Weight:
    """[n, k] of codes, of which `group` neighbours along k share a scale.

    A value is (table[code] - zero) * scale; a group chooses one of several tables, if there are several.
    """

    name: str
    code: str  # and value: as #lutra.encoding writes them
    value: str
    bits: int
    group: int
    codes: Bytes
    scales: npt.NDArray[np.float32]  # [n, k / group], exact in f16
    tables: Doubles  # [tables, 2^bits]
    zeros: Bytes | None = None  # [n, k / group]
    choices: Bytes | None = None  # [n, k / group]

    @property
    def shape(self) -> tuple[int, int]:
        return self.codes.shape[0], self.codes.shape[1]

    @property
    def bytes(self) -> float:
        """What has to be read of it, scales in f16."""
        sides = 16 + (self.bits if self.zeros is not None else 0) + (2 if self.choices is not None else 0)
        bits = 8 / 5 if self.is_ternary else self.bits
        return (self.codes.size * bits + self.scales.size * sides) / 8

    @property
    def is_ternary(self) -> bool:
        return self.code.startswith("radix<3")

    @property
    def zero(self) -> int | None:
        """The code of zero, if codes are integers whose zero is the same everywhere."""
        plain = self.zeros is None and len(self.tables) == 1 and bool((np.diff(self.tables[0]) == 1).all())
        return -round(float(self.tables[0, 0])) if plain else None

    def values(self, begin: int, end: int) -> Doubles:
        """Rows of the matrix."""
        rows = slice(begin, end)
        if self.choices is None:
            values: Doubles = self.tables[0][self.codes[rows]]
        else:
            values = self.tables[np.repeat(self.choices[rows], self.group, 1), self.codes[rows]]
        k = self.shape[1]  # the last group may be short
        if self.zeros is not None:
            values -= np.repeat(self.zeros[rows], self.group, 1)[:, :k]
        values *= np.repeat(self.scales[rows], self.group, 1)[:, :k]
        return values

    def chunks(self) -> Iterator[tuple[int, int]]:
        n, k = self.shape
        step = max(1, CHUNK // k)
        for begin in range(0, n, step):
            yield begin, min(n, begin + step)

    def product(self, x: npt.NDArray[np.float32]) -> Doubles:
        """x [m, k] times the transposed matrix, in double precision."""
        parts = [x.astype(np.float64) @ self.values(begin, end).T for begin, end in self.chunks()]
        return np.concatenate(parts, 1)

    def floats(self) -> npt.NDArray[np.float32]:
        """The whole matrix in f32."""
        return np.concatenate([self.values(begin, end).astype(np.float32) for begin, end in self.chunks()])


def packed(fields: Bytes, bits: int) -> Bytes:
    """Fields of the last dimension as little-endian bit streams that start on a byte."""
    if 8 % bits:
        parts = np.array_split(fields, max(1, fields.size // CHUNK))
        streams = [np.unpackbits(part[..., None], -1, bits, "little").reshape(*part.shape[:-1], -1) for part in parts]
        return np.concatenate([np.packbits(stream, -1, "little") for stream in streams])
    count = 8 // bits
    missing = -fields.shape[-1] % count
    if missing:
        fields = np.pad(fields, [(0, 0)] * (fields.ndim - 1) + [(0, missing)])
    result = fields[..., ::count].copy()
    for place in range(1, count):
        result |= fields[..., place::count] << np.uint8(bits * place)
    return result


def integers(n: int, k: int, bits: int, group: int, zero: int | None = None) -> Weight:
    """Random integers of `bits` bits, with a zero point for each group or the same one for all."""
    generator = np.random.default_rng(n + k + bits)
    groups = -(-k // group)
    return Weight(
        f"w{bits}",
        f"uint<{bits}>",
        "affine" if zero is None else f"affine<{-zero}>",
        bits,
        group,
        generator.integers(0, 1 << bits, (n, k), np.uint8),
        _scales(generator, n, groups),
        np.arange(1 << bits, dtype=np.float64)[None] - (zero or 0),
        zeros=generator.integers(0, 1 << bits, (n, groups), np.uint8) if zero is None else None,
    )


def ternary(n: int, k: int, group: int) -> Weight:
    """Random -1, 0 and 1; groups of 256 have one scale, as ggml wants it."""
    generator = np.random.default_rng(n + k)
    scales = np.repeat(_scales(generator, n, k // 256), 256 // group, 1)
    codes = generator.integers(0, 3, (n, k), np.uint8)
    return Weight("ternary", "radix<3, 5, 8>", "affine<-1>", 2, group, codes, scales, np.arange(-1.0, 3.0)[None])


def codebook(name: str, value: str, n: int, k: int, group: int, *tables: tuple[float, ...]) -> Weight:
    """Random entries of a table, or of the one of several that each group chooses."""
    generator = np.random.default_rng(n + k + group)
    size = len(tables[0])
    bits = size.bit_length() - 1
    if not value:
        chosen = "select<group, 2>, " if len(tables) > 1 else ""
        element = "i8" if all(entry == int(entry) for entry in tables[0]) else "f32"
        value = f"table<{size}, {element}, {chosen}[{', '.join(repr(float(v)) for table in tables for v in table)}]>"
    return Weight(
        name,
        f"uint<{bits}>",
        value,
        bits,
        group,
        generator.integers(0, size, (n, k), np.uint8),
        _scales(generator, n, k // group),
        np.array(tables, np.float64),
        choices=generator.integers(0, len(tables), (n, k // group), np.uint8) if len(tables) > 1 else None,
    )


def bipolar(n: int, k: int, group: int) -> Weight:
    return codebook("w1", "bipolar", n, k, group, (-1.0, 1.0))


def fp4(n: int, k: int) -> Weight:
    """e2m1 with powers of two as scales (MXFP4, but for how a scale is stored)."""
    weight = codebook("fp4", "float<2, 1, 1>", n, k, 32, (*FP4, *(-value for value in FP4)))
    return replace(weight, scales=np.exp2(np.floor(np.log2(weight.scales))).astype(np.float32))


def nf4(n: int, k: int) -> Weight:
    return codebook("nf4", "", n, k, 64, NF4)


def iq4_nl(n: int, k: int) -> Weight:
    return codebook("iq4_nl", "", n, k, 32, IQ4_NL)


def powers(n: int, k: int, bits: int) -> Weight:
    """Powers of two with a sign, none 0 (DenseShift)."""
    values = tuple(2.0**exponent for exponent in range(1 << (bits - 1)))
    return codebook(f"pot{bits}", f"pot<1, {bits - 1}>", n, k, 32, (*values, *(-value for value in values)))


def bitmod4(n: int, k: int) -> Weight:
    return codebook("bitmod4", "", n, k, 128, *BITMOD4)


def _scales(generator: np.random.Generator, n: int, groups: int) -> npt.NDArray[np.float32]:
    return generator.uniform(0.01, 0.1, (n, groups)).astype(np.float16).astype(np.float32)


def encoding_text(weight: Weight) -> str:
    """The terms of its #lutra.encoding."""
    zero = f", zero = tensor<u{weight.bits}, 1, {weight.group}>" if weight.zeros is not None else ""
    return f"[dense<{weight.code}, {weight.value}, scales = [f16, 1, {weight.group}]{zero}>]"


def encoded(weight: Weight) -> Bytes:
    """Its bytes in Lutra's canonical order."""
    from lutra import encoding

    fields: dict[str, Bytes] = {"scale0": weight.scales.astype(np.float16).view(np.uint8)}
    if weight.is_ternary:
        digits = np.pad(weight.codes, ((0, 0), (0, -weight.shape[1] % 5))).reshape(weight.shape[0], -1, 5)
        fields["codes"] = (digits * np.array([1, 3, 9, 27, 81], np.uint8)).sum(2, dtype=np.uint8)
    else:
        fields["codes"] = packed(weight.codes, weight.bits)
    if weight.zeros is not None:
        fields["zero"] = packed(weight.zeros, weight.bits)
    if weight.choices is not None:
        fields["selectors"] = packed(weight.choices, 2)
    arrays = encoding.layout(encoding_text(weight), weight.shape)
    data = np.zeros(arrays[-1].offset + arrays[-1].nbytes, np.uint8)
    for array in arrays:
        field = fields[array.name.removeprefix("term0.")].reshape(-1)
        assert field.nbytes == array.nbytes, array
        data[array.offset :][: array.nbytes] = field
    return data
