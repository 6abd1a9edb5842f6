"""Encoded tensors in NumPy, written from the documentation of the grammar: random bytes and what they stand for.

A spec (Format, Term kinds, Spec) gives both the attribute text and `build`, which draws random fields, lays them out as
the layout rules say, and computes the values with ml_dtypes and float64 arithmetic. Nothing here calls Lutra.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np

FLOATS = {
    "f32": np.float32,
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "e8m0": ml_dtypes.float8_e8m0fnu,
    "e4m3": ml_dtypes.float8_e4m3fn,
    "ue4m3": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
}
VALUE_FLOATS = {
    (2, 1, 1, ""): ml_dtypes.float4_e2m1fn,
    (3, 2, 3, ""): ml_dtypes.float6_e3m2fn,
    (2, 3, 1, ""): ml_dtypes.float6_e2m3fn,
    (4, 3, 7, "fn"): ml_dtypes.float8_e4m3fn,
    (5, 2, 15, "ieee"): ml_dtypes.float8_e5m2,
    (5, 10, 15, "ieee"): np.float16,
}


def width_of(elem: str) -> int:
    return np.dtype(FLOATS[elem]).itemsize * 8 if elem in FLOATS else int(elem[1:])


def number(elem: str, bits: np.ndarray) -> np.ndarray:
    """float64 of the fields of a side type."""
    width = width_of(elem)
    if elem in FLOATS:
        return bits.astype(f"u{width // 8}").view(FLOATS[elem]).astype(np.float64)
    signed = bits.astype(np.int64)
    if elem[0] == "i":
        signed = np.where(signed >= 1 << (width - 1), signed - (1 << width), signed)
    return signed.astype(np.float64)


def random_bits(rng: np.random.Generator, elem: str, shape: tuple[int, int], *, plain: bool = False) -> np.ndarray:
    """`plain` floats are powers of two that are near one."""
    if elem not in FLOATS:
        return rng.integers(0, 1 << width_of(elem), shape, dtype=np.uint64)
    draws = rng.choice([0.5, 1.0, 2.0], shape) if plain else rng.uniform(0.01, 3, shape)
    if elem not in ("ue4m3", "e8m0"):
        draws *= rng.choice([-1, 1], shape)
    return draws.astype(FLOATS[elem]).view(f"u{width_of(elem) // 8}").astype(np.uint64)


def group_text(gn: int | None, gk: int | None) -> str:
    if gk is None and gn in (None, 1):
        return "tensor" if gn is None else "row"
    return f"{gn or '*'}, {gk or '*'}"


@dataclass(frozen=True)
class Scale:
    elem: str
    gn: int | None = None
    gk: int | None = None
    affine: float | None = None
    minus: Scale | None = None

    def inner(self) -> str:
        text = f"{self.elem}, {group_text(self.gn, self.gk)}"
        if self.affine is not None:
            text += f", affine<{self.affine}>"
        return text + (f", minus<{self.minus.inner()}>" if self.minus else "")


def scales_text(scales: tuple[Scale, ...]) -> str:
    return " * ".join(f"[{scale.inner()}]" for scale in scales)


@dataclass(frozen=True)
class Zero:
    kind: str  # const, tensor, value, min
    base: Scale | float = 0.0
    scales: tuple[Scale, ...] = ()

    def text(self) -> str:
        if self.kind == "const":
            return f"const<{self.base}>"
        assert isinstance(self.base, Scale)
        plain = f"{self.base.elem}, {group_text(self.base.gn, self.base.gk)}"
        plain += ", value" if self.kind == "value" else ""
        plain += f", minus<{self.base.minus.inner()}>" if self.base.minus else ""
        plain += ", " + scales_text(self.scales) if self.scales else ""
        return f"{'min' if self.kind == 'min' else 'tensor'}<{plain}>"


@dataclass(frozen=True)
class Table:
    entries: int
    elem: str
    vector: int = 1
    select: str = ""  # row, group
    bits: int = 0
    values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Format:
    code: tuple[Any, ...]
    value: Any = ("affine", 0)
    scales: tuple[Scale, ...] = ()
    zero: Zero | None = None
    sign: str = ""

    def text(self) -> str:
        kind, *rest = self.code
        if kind == "dict":
            rest = [rest[0], f"@{rest[1]}", f"{rest[2]}<{rest[3]}>"]
        code = f"{kind}<{', '.join(map(str, rest))}>"
        if isinstance(self.value, Table):
            table = self.value
            parts = [str(table.entries), table.elem]
            parts += [f"vec<{table.vector}>"] if table.vector > 1 else []
            parts += ["select<row>"] if table.select == "row" else []
            parts += [f"select<group, {table.bits}>"] if table.select == "group" else []
            parts += ["[" + ", ".join(repr(float(value)) for value in table.values) + "]"] if table.values else []
            value = f"table<{', '.join(parts)}>"
        elif self.value[0] == "affine":
            value = f"affine<{self.value[1]}>" if self.value[1] else "affine"
        else:
            numbers = ", ".join(str(part) for part in self.value[1:] if part != "")
            value = self.value[0] + (f"<{numbers}>" if numbers else "")
        value = f"signed_by<{self.sign}, {value}>" if self.sign else value
        text = f"{code}, {value}"
        text += f", scales = {scales_text(self.scales)}" if self.scales else ""
        return text + (f", zero = {self.zero.text()}" if self.zero else "")

    def code_bits(self) -> int:
        kind, *rest = self.code
        return {
            "uint": lambda: rest[0],
            "int": lambda: rest[0],
            "planes": lambda: sum(rest),
            "radix": lambda: math.ceil(math.log2(rest[0])),
            "dict": lambda: 8,
        }[kind]()

    def code_count(self) -> int:
        if isinstance(self.value, Table):
            return self.value.entries
        return self.code[1] if self.code[0] == "radix" else 1 << self.code_bits()

    def values(self, codes: np.ndarray) -> np.ndarray:
        """Of maps that are no tables."""
        bits, codes = self.code_bits(), codes.astype(np.int64)
        kind, *rest = self.value
        if kind == "affine":
            if self.code[0] == "int":
                codes = np.where(codes >= 1 << (bits - 1), codes - (1 << bits), codes)
            return (codes + rest[0]).astype(np.float64)
        if kind == "bipolar":
            return (2 * codes - (2**bits - 1)).astype(np.float64)
        if kind == "signmag":
            low = codes & ((1 << (bits - 1)) - 1)
            return np.where(codes >> (bits - 1), -low, low).astype(np.float64)
        if kind == "float":
            spec = (*rest, "") if len(rest) == 3 else tuple(rest)
            return codes.astype(f"u{max(1, bits // 8)}").view(VALUE_FLOATS[spec]).astype(np.float64)
        terms, width = rest  # pot
        total = np.zeros(codes.shape)
        for term in range(terms):
            part = (codes >> (term * width)) & ((1 << width) - 1)
            power = 2.0**part if terms == 1 else np.where(part > 0, 2.0 ** -(term + (part - 1.0) * terms), 0)
            total += power
        return np.where(codes >> (terms * width), -total, total)


class Store:
    """The arrays of a tensor in order; in a `plain` one, floats have few bits."""

    def __init__(self, rng: np.random.Generator, *, plain: bool = False) -> None:
        self.rng = rng
        self.plain = plain
        self.arrays: list[tuple[str, str, tuple[int, int], int, int]] = []
        self.data = bytearray()

    def add(self, name: str, elem: str, fields: np.ndarray) -> np.ndarray:
        width, (rows, columns) = width_of(elem), fields.shape
        shifts = np.arange(width, dtype=np.uint64)
        bits = ((fields.astype(np.uint64)[:, :, None] >> shifts) & np.uint64(1)).astype(np.uint8)
        packed = np.packbits(bits.reshape(rows, columns * width), axis=1, bitorder="little").tobytes()
        self.data += bytes(-len(self.data) % 64)
        self.arrays.append((name, elem, (rows, columns), len(self.data), len(packed)))
        self.data += packed
        return fields

    def side(self, name: str, scale: Scale, rows: int, columns: int) -> np.ndarray:
        """A grid of side values, spread over rows x columns."""
        gn, gk = scale.gn or max(rows, 1), scale.gk or max(columns, 1)
        shape = (-(-rows // gn) if scale.gn else 1, -(-columns // gk) if scale.gk else 1)
        grid = number(
            scale.elem, self.add(name, scale.elem, random_bits(self.rng, scale.elem, shape, plain=self.plain))
        )
        spread = grid.repeat(gn, 0)[:rows].repeat(gk, 1)[:, :columns]
        if scale.affine is not None:
            spread = spread + scale.affine
        if scale.minus:
            spread = spread - self.side(name + ".zero", scale.minus, rows, columns)
        return spread

    def codes(self, prefix: str, fmt: Format, rows: int, columns: int, dictionaries: dict[str, Any]) -> np.ndarray:
        kind, *rest = fmt.code
        rng = self.rng
        if kind == "dict":
            entries = dictionaries[rest[1]]
            if rest[2] == "fixed":
                words = rng.integers(0, len(entries), (rows, -(-columns // rest[3])))
                self.add(prefix + "codes", f"u{rest[0]}", words)
                return np.array(entries)[words].reshape(rows, -1)[:, :columns]
            stream, starts, lines = [], [0], []
            for _ in range(rows):
                line: list[int] = []
                while len(line) < columns:
                    stream.append(int(rng.integers(0, len(entries))))
                    line += entries[stream[-1]]
                starts.append(len(stream))
                lines.append(line[:columns])
            room = math.ceil(rows * columns / rest[3])
            assert len(stream) <= room
            self.add(prefix + "codes", f"u{rest[0]}", np.array([stream + [0] * (room - len(stream))]))
            self.add(prefix + "run_starts", "u32", np.array([starts]))
            return np.array(lines, np.int64).reshape(rows, columns)
        count = fmt.code_count()
        if rows * columns < count:
            codes = rng.integers(0, count, (rows, columns))
        else:  # every code there is
            codes = rng.permutation(np.resize(np.arange(count), rows * columns)).reshape(rows, columns)
        if not isinstance(fmt.value, Table) and fmt.value[0] == "float":
            if self.plain and fmt.code_bits() == 16:
                codes = rng.integers(-15, 16, codes.shape).astype(np.float16).view(np.uint16)
            while (bad := ~np.isfinite(fmt.values(codes))).any():
                codes = np.where(bad, 0, codes)
        if kind == "radix":
            base, digits, bits = rest
            padded = np.pad(codes, ((0, 0), (0, -columns % digits))).reshape(rows, -1, digits)
            self.add(prefix + "codes", f"u{bits}", (padded * base ** np.arange(digits)).sum(-1))
        elif kind == "planes":
            shift = 0
            for plane, bits in enumerate(rest):
                self.add(f"{prefix}plane{plane}", f"u{bits}", (codes >> shift) & ((1 << bits) - 1))
                shift += bits
        else:
            self.add(prefix + "codes", f"u{rest[0]}", codes)
        return codes

    def format(
        self,
        prefix: str,
        fmt: Format,
        shape: tuple[int, int],
        dictionaries: dict[str, Any],
        stream: tuple[int, int] | None = None,
        places: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Values of the stream's elements; `places` are their rows and columns (of a sparse term)."""
        rows, columns = shape
        srows, scolumns = stream or shape
        table = fmt.value if isinstance(fmt.value, Table) else None
        vector = table.vector if table else 1
        codes = self.codes(prefix, fmt, srows, -(-scolumns // vector), dictionaries)
        at = places or np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
        signs = None
        if fmt.sign == "plane":
            signs = self.add(prefix + "signs", "u1", self.rng.integers(0, 2, (srows, scolumns)))
        elif fmt.sign == "parity7":
            seven = self.add(prefix + "signs", "u7", self.rng.integers(0, 128, (srows, -(-scolumns // 8))))
            bits = (seven[:, :, None] >> np.arange(7)) & 1
            signs = np.concatenate([bits, bits.sum(-1, keepdims=True) % 2], -1).reshape(srows, -1)[:, :scolumns]
        if table:
            count = rows if table.select == "row" and not table.values else 1 << table.bits
            if table.values:
                tables = np.array(table.values)
            else:
                bits = random_bits(self.rng, table.elem, (count, table.entries * vector), plain=self.plain)
                tables = number(table.elem, self.add(prefix + "table", table.elem, bits))
            tables = tables.reshape(count, table.entries, vector)
            index = np.zeros((srows, scolumns), np.int64)
            if table.select == "row" and not table.values:
                index = np.maximum(at[0], 0)
            elif table.bits:
                first = fmt.scales[0] if fmt.scales else Scale("f32")
                spread = self.side(prefix + "selectors", Scale(f"u{table.bits}", first.gn, first.gk), rows, columns)
                index = spread[at[0], at[1]].astype(np.int64)
            element = np.arange(scolumns) % vector
            values = tables[index, codes.repeat(vector, 1)[:, :scolumns], element]
        else:
            values = fmt.values(codes)
        if signs is not None:
            values = np.where(signs, -values, values)
        scale = np.ones(shape)
        for level, form in enumerate(fmt.scales):
            scale = scale * self.side(f"{prefix}scale{level}", form, rows, columns)
        inside = outside = np.zeros(shape)
        if fmt.zero and fmt.zero.kind == "const":
            inside = np.full(shape, fmt.zero.base)
        elif fmt.zero:
            assert isinstance(fmt.zero.base, Scale)
            name = "minimum" if fmt.zero.kind == "min" else "zero"
            base, minus = fmt.zero.base, fmt.zero.base.minus
            zero = self.side(prefix + name, Scale(base.elem, base.gn, base.gk), rows, columns)
            if minus:
                zero = zero - self.side(prefix + "zero.zero", minus, rows, columns)
            for level, form in enumerate(fmt.zero.scales):
                zero = zero * self.side(f"{prefix}zero_scale{level}", form, rows, columns)
            if fmt.zero.kind == "tensor":
                inside = zero
            else:
                outside = zero
        pick = (lambda grid: grid[at[0], at[1]]) if places else (lambda grid: grid)
        return pick(scale) * (values - pick(inside)) - pick(outside)


@dataclass(frozen=True)
class Dense:
    fmt: Format

    def text(self) -> str:
        return f"dense<{self.fmt.text()}>"

    def add(self, store: Store, prefix: str, n: int, k: int, dictionaries: dict[str, Any]) -> np.ndarray:
        return store.format(prefix, self.fmt, (n, k), dictionaries)


@dataclass(frozen=True)
class Sparse:
    fmt: Format
    kind: tuple[Any, ...]  # nm n m bits; block bn bk csr|bitmap; bitmap word; csr index pointer
    density: float = 1.0

    def text(self) -> str:
        tail = f", density<{self.density}>" if self.kind[0] != "nm" else ""
        return f"sparse<{self.fmt.text()}, {self.kind[0]}<{', '.join(map(str, self.kind[1:]))}>{tail}>"

    def add(self, store: Store, prefix: str, n: int, k: int, dictionaries: dict[str, Any]) -> np.ndarray:
        rng, out = store.rng, np.zeros((n, k))
        name, *rest = self.kind
        later: list[tuple[str, str, np.ndarray]] = []
        if name == "nm":
            keep, group, bits = rest
            groups = -(-k // group)
            chosen = np.sort(np.argsort(rng.random((n, groups, group)), -1)[:, :, :keep], -1)
            columns = (chosen + np.arange(groups)[None, :, None] * group).reshape(n, -1)
            rows = np.repeat(np.arange(n)[:, None], columns.shape[1], 1)
            later = [("places", f"u{bits}", chosen.reshape(n, -1))]
        else:
            bn, bk = rest[:2] if name == "block" else (1, 1)
            down, across = -(-n // bn), -(-k // bk)
            room = math.ceil(down * across * self.density - 1e-9)
            kept = np.sort(rng.choice(down * across, max(room - 1, 0), replace=False)) if room else np.zeros(0, int)
            starts = np.searchsorted(kept // across, np.arange(down + 1))[None]
            padded = np.pad(kept, (0, room - len(kept)), constant_values=-1)
            if name == "csr" or rest[-1] == "csr":
                widths = (rest[1], rest[0]) if name == "csr" else (32, 16)
                later = [
                    ("starts", f"u{widths[0]}", starts),
                    ("places", f"u{widths[1]}", np.where(padded < 0, 0, padded % across)[None]),
                ]
            else:
                mask = np.zeros((down, across if name == "block" else -(-k // rest[0]) * rest[0]), np.uint64)
                mask[kept // across, kept % across] = 1
                later = [("mask", "u1", mask)]
            i, j = (part.reshape(-1) for part in np.meshgrid(np.arange(bn), np.arange(bk), indexing="ij"))
            rows = np.where(padded[:, None] < 0, -1, padded[:, None] // across * bn + i)
            columns = np.where(padded[:, None] < 0, -1, padded[:, None] % across * bk + j)
            if name != "block":
                rows, columns = rows.reshape(1, -1), columns.reshape(1, -1)
        real = (rows >= 0) & (rows < n) & (columns < k)
        places = (np.where(real, rows, 0), np.where(real, columns, 0))
        values = store.format(prefix, self.fmt, (n, k), dictionaries, rows.shape, places)
        out[rows[real], columns[real]] = values[real]
        for label, elem, fields in later:
            store.add(prefix + label, elem, fields)
        return out


@dataclass(frozen=True)
class LowRank:
    rank: int
    left: Format
    right: Format

    def text(self) -> str:
        return f"lowrank<{self.rank}, {{{self.left.text()}}}, {{{self.right.text()}}}>"

    def add(self, store: Store, prefix: str, n: int, k: int, dictionaries: dict[str, Any]) -> np.ndarray:
        left = store.format(prefix + "format0.", self.left, (n, self.rank), dictionaries)
        right = store.format(prefix + "format1.", self.right, (self.rank, k), dictionaries)
        total = np.zeros((n, k))
        for r in range(self.rank):
            total += left[:, r : r + 1] * right[r]
        return total


@dataclass(frozen=True)
class Parts:
    parts: tuple[tuple[int, int | None, int, int | None, Format], ...]

    def text(self) -> str:
        parts = (
            f"rows<{a}, {'*' if b is None else b}> columns<{c}, {'*' if d is None else d}> {{{fmt.text()}}}"
            for a, b, c, d, fmt in self.parts
        )
        return f"parts<{', '.join(parts)}>"

    def add(self, store: Store, prefix: str, n: int, k: int, dictionaries: dict[str, Any]) -> np.ndarray:
        out = np.zeros((n, k))
        for index, (a, b, c, d, fmt) in enumerate(self.parts):
            area = out[a:b, c:d]
            label = f"{prefix}format{index}." if len(self.parts) > 1 else prefix
            area[...] = store.format(label, fmt, area.shape, dictionaries)
        return out


@dataclass(frozen=True)
class TypeMap:
    gn: int
    gk: int
    shares: tuple[float, ...]
    formats: tuple[Format, ...]

    def text(self) -> str:
        formats = ", ".join(f"{{{fmt.text()}}}" for fmt in self.formats)
        return f"typemap<@kinds, {self.gn}, {self.gk}, [{', '.join(map(str, self.shares))}], {formats}>"

    def add(self, store: Store, prefix: str, n: int, k: int, dictionaries: dict[str, Any]) -> np.ndarray:
        down, across = -(-n // self.gn), -(-k // self.gk)
        counts = [int(down * across * share + 0.5) for share in self.shares[:-1]]
        counts.append(down * across - sum(counts))
        kinds = store.rng.permutation(np.repeat(np.arange(len(counts)), counts)).reshape(down, across)
        out = np.zeros((down * self.gn, across * self.gk))
        for index, fmt in enumerate(self.formats):
            own = store.format(f"{prefix}format{index}.", fmt, (counts[index] * self.gn, self.gk), dictionaries)
            for place, (i, j) in enumerate(zip(*np.nonzero(kinds == index), strict=True)):
                block = own[place * self.gn : (place + 1) * self.gn]
                out[i * self.gn : (i + 1) * self.gn, j * self.gk : (j + 1) * self.gk] = block
        store.add(prefix + "type_map", f"u{max(1, math.ceil(math.log2(len(counts))))}", kinds)
        return out[:n, :k]


@dataclass(frozen=True)
class Spec:
    terms: tuple[Any, ...]
    perm_n: bool = False
    perm_k: bool = False
    dictionaries: dict[str, list[list[int]]] = field(default_factory=dict)

    def text(self) -> str:
        text = "[" + ", ".join(term.text() for term in self.terms) + "]"
        return text + (", perm_n = @rows" if self.perm_n else "") + (", perm_k = @columns" if self.perm_k else "")

    def dictionary_bytes(self) -> dict[str, bytes]:
        prefix = "prefix<" in self.text()
        return {
            name: bytes(itertools.chain(*(([len(run)] if prefix else []) + run for run in runs)))
            for name, runs in self.dictionaries.items()
        }

    def build(self, n: int, k: int, seed: int, *, plain: bool = False) -> tuple[np.ndarray, Store]:
        """Random bytes (in the store) and their values; floats of `plain` ones have few bits."""
        store = Store(np.random.default_rng(seed), plain=plain)
        total = np.zeros((n, k))
        for index, term in enumerate(self.terms):
            total = total + term.add(store, f"term{index}.", n, k, self.dictionaries)
        rows, columns = np.arange(n), np.arange(k)
        if self.perm_n:
            rows = store.add("perm_n", "u32", store.rng.permutation(n)[None])[0]
        if self.perm_k:
            columns = store.add("perm_k", "u32", store.rng.permutation(k)[None])[0]
        out = np.empty((n, k))
        out[np.ix_(rows, columns)] = total
        return out, store
