"""Products of codes with one scale for each row and weights of groups that become bytes with one scale for each column:
tile ops in the evaluator, and machine code, whose results are computed here with the same roundings."""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import lutra
import numpy as np
import numpy.typing as npt
from lutra import encoding

# Rows, N, K, group, bits, values, whether groups have zero points: tiles that rows fill and do not; rows copied once,
# in several turns, and read as they lie, and such that end within a step; turns that K does not fill, and that fill no
# tiles; bounded columns, single panels, several blocks of columns; few groups; few rows of a number that is not known.
CASES = [
    (32, 64, 512, 128, 4, "affine", True),
    (33, 48, 256, 32, 4, "affine", True),
    (40, 33, 640, 64, 4, "affine", False),
    (64, 100, 1024, 256, 3, "affine", True),
    (48, 16, 96, 48, 2, "affine", True),
    (130, 70, 1152, 128, 4, "affine", True),
    (100, 272, 1000, 200, 4, "affine", False),
    (37, 40, 2080, 32, 5, "affine", False),
    (128, 96, 4096, 128, 4, "affine", True),
    (64, 32, 512, 32, 4, "float<2, 1, 1>", False),
    (64, 48, 512, 64, 1, "bipolar", False),
    (200, 48, 5120, 128, 4, "affine", True),
    (288, 80, 1024, 64, 4, "affine", True),
    (512, 33, 1024, 128, 3, "affine", False),
    (160, 33, 256, 32, 4, "affine", True),
    (384, 16, 512, 256, 2, "affine", False),
    (50, 64, 1344, 672, 4, "affine", True),
    (64, 48, 960, 96, 4, "affine", True),
    (48, 33, 500, 96, 4, "affine", False),
    (40, 32, 980, 96, 2, "affine", True),
    (40, 48, 1004, 200, 4, "affine", True),
    (33, 1072, 512, 128, 4, "affine", False),
    (96, 33, 480, 48, 4, "affine", True),
    (20, 48, 256, 32, 4, "affine", True),
    (384, 33, 4096, 256, 4, "affine", True),
]
# Levels, and the fewest rows whose codes are rescaled where their number is not known.
LEVELS = {"amx": 6, "avx512vnni": 32, "avxvnni": 32}
Bytes = npt.NDArray[np.uint8]
Reals = npt.NDArray[np.float64]


class Weight:
    """Stored bytes of an encoding, and what they stand for."""

    def __init__(self, n: int, k: int, group: int, bits: int, values: str, has_zeros: bool) -> None:
        zero = f", zero = tensor<u{bits}, 1, {group}>" if has_zeros else f", zero = const<{1 << (bits - 1)}.0>"
        if values != "affine":
            zero = ""
        code = f"uint<{bits}>"
        self.terms = f"[dense<{code}, {values}, scales = [f16, 1, {group}]{zero}>]"
        random = np.random.default_rng(n + k + group)
        arrays = encoding.layout(self.terms, (n, k))
        self.bytes = random.integers(0, 256, arrays[-1].offset + arrays[-1].nbytes, np.uint8)
        for array in arrays:
            part = self.bytes[array.offset :][: array.nbytes]
            if array.name.endswith("scale0"):
                scales = (random.uniform(0.01, 0.02, array.nbytes // 2) * random.choice([-1, 1])).astype(np.float16)
                scales[:1] = 0
                part[:] = scales.view(np.uint8)
                self.scales = scales.astype(np.float32).reshape(n, -1)
        self.group, self.shape = group, (n, k)
        self.floats = encoding.decode(self.terms, (n, k), self.bytes)
        steps = np.repeat(self.scales.astype(np.float64), group, 1)[:, :k]
        units = {"affine": 1.0, "float<2, 1, 1>": 0.5, "bipolar": 1.0}[values]
        with np.errstate(invalid="ignore", divide="ignore"):
            self.multiples = np.where(steps == 0, 0, np.rint(self.floats / steps / units))
        self.unit = np.float32(units)
        zeros = np.zeros_like(self.scales) + (1 << (bits - 1))
        for array in arrays:
            if array.name.endswith("zero"):
                rows = self.bytes[array.offset :][: array.nbytes].reshape(n, -1)
                fields = np.unpackbits(rows, 1, bitorder="little")[:, : zeros.shape[1] * bits]
                zeros = (fields.reshape(n, -1, bits) << np.arange(bits)).sum(2).astype(np.float32)
        low, high = (-zeros, (1 << bits) - 1 - zeros)
        if values != "affine":
            most = float(np.abs(self.multiples).max())
            low, high = np.full_like(self.scales, -most), np.full_like(self.scales, most)
        self.extents = np.maximum(np.abs(low), np.abs(high)).astype(np.float32)

    def rescaled(self) -> tuple[Reals, npt.NDArray[np.float32]]:
        """Bytes, and the scale of each row, with the roundings of the kernel."""
        n, k = self.shape
        peak = (np.abs(self.scales) * self.extents).max(1)
        scale = np.maximum(peak * np.float32(self.unit / np.float32(127)), np.float32(2.0**-100))
        inverse = np.float32(256 * self.unit) / scale
        factors = np.rint(self.scales * inverse[:, None]).astype(np.float64)
        exact = np.repeat(factors, self.group, 1)[:, :k] * self.multiples
        return np.floor((exact + 128) / 256), scale


def text(weight: Weight, rows: int | str) -> str:
    n, k = weight.shape
    m = "?" if rows == "rows" else rows
    kind = f"tensor<{n}x{k}xf32, #lutra.encoding<{weight.terms}>>"
    codes, scales, out = f"tensor<{m}x{k}xi8>", f"tensor<{m}x1xf32>", f"tensor<{m}x{n}xf32>"
    return f"""
lutra.global @w : {kind} = dense<"0x{weight.bytes.tobytes().hex().upper()}"> : tensor<{weight.bytes.nbytes}xi8>
func.func @main(%x: {codes} {{lutra.name = "x"}}, %s: {scales} {{lutra.name = "s"}}) -> ({out} {{lutra.name = "y"}}) {{
  %w = lutra.weight @w : {kind}
  %y = lutra.matmul %x, %w scale(%s : {scales})
       {{transpose_rhs, block = {k} : i64, rounds_rhs, strategy = #lutra.strategy<"rescaled">}}
       : ({codes}, {kind}) -> {out}
  return %y : {out}
}}
"""


def evaluate(path: Path, rows: int | str, level: str, corrupt: bool) -> None:
    passes = f"lutra-form-kernels{{targets={level}}},lutra-choose-strategy{{targets={level}}},lutra-pack-weights,"
    passes += f"convert-lutra-to-tile{{target={level}}}"
    command: list[Any] = ["lutra-run", path, f"--before-after={passes}", "--seed=3"]
    command += ["--dim=*=45"] if rows == "rows" else []
    subprocess.run([*command, *(["--corrupt=0"] if corrupt else [])], check=True)


def measure(path: Path, weight: Weight, m: int, level: str, is_rescaled: bool, corrupt: bool) -> None:
    random = np.random.default_rng(m)
    x = random.integers(-127, 128, (m, weight.shape[1]), np.int8)
    s = random.uniform(0.5, 2, (m, 1)).astype(np.float32)
    library = path.with_suffix(".so")
    subprocess.run(["lutra-compile", path, f"--target-cpu={level}", "-o", library], check=True)
    (y,) = lutra.load(library)(x=x, s=s)
    multiples, scale = weight.rescaled()
    sums = x.astype(np.float64) @ multiples.T + corrupt  # exact
    wanted = (sums.astype(np.float32) * scale[None]) * s
    error = f"{path.name}: {np.abs(y - wanted).max()} of {np.abs(wanted).max()}"
    assert not is_rescaled or np.array_equal(y, wanted), error
    floats = (x * s.astype(np.float64)) @ weight.floats.T.astype(np.float64)
    room = np.abs(x * s.astype(np.float64)).sum(1)[:, None] * (0.6001 * scale.astype(np.float64))[None]
    assert (np.abs(y - floats) <= room + 1e-6 * np.abs(floats)).all(), f"{path.name}: outside its bound"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("level", choices=list(LEVELS))
    parser.add_argument("--native", action="store_true", help="machine code of this CPU, not the evaluator")
    parser.add_argument("--corrupt", action="store_true", help="expect one result, or all sums, more")
    options = parser.parse_args()
    count = 0
    with tempfile.TemporaryDirectory() as work:
        for index, (m, *shape) in enumerate(CASES):
            weight = Weight(*shape)
            rows: int | str = "rows" if index % 4 == 3 else m
            path = Path(work) / f"case{index}.mlir"
            path.write_text(text(weight, rows))
            if options.native:
                is_rescaled = rows == m or m >= LEVELS[options.level]
                measure(path, weight, m, options.level, is_rescaled, options.corrupt)
            elif weight.shape[0] * weight.shape[1] * m <= 1 << 23:
                evaluate(path, rows, options.level, options.corrupt)
            else:
                continue
            count += 1
    print(f"{count} products are as they should be")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
