"""Every number of fp6 and fp8, decoded by products with a matrix of ones on its diagonal: the same bits as numpy's."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import lutra
import numpy as np
import numpy.typing as npt
from lutra import encoding

# Exponent and mantissa bits, bias, and what the greatest exponent stands for.
FORMS = [
    (4, 3, 7, "fn"),
    (5, 2, 15, "ieee"),
    (3, 2, 3, ""),
    (2, 3, 1, ""),
    (4, 3, 11, ""),
    (5, 2, 16, ""),
    (3, 4, 3, ""),
]


def numbers(exponent: int, mantissa: int, bias: int) -> npt.NDArray[np.float32]:
    """What codes stand for, those of infinities and NaN as the numbers that they would be."""
    codes = np.arange(1 << (1 + exponent + mantissa))
    power = codes >> mantissa & ((1 << exponent) - 1)
    fraction = (codes & ((1 << mantissa) - 1)) / (1 << mantissa)
    magnitude = np.where(power == 0, fraction * 2.0 ** (1 - bias), (1 + fraction) * 2.0 ** (power - bias))
    return np.where(codes >> (exponent + mantissa), -magnitude, magnitude).astype(np.float32)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("levels", nargs="+")
    parser.add_argument("--corrupt", action="store_true", help="expect another sign of the last number")
    options = parser.parse_args()
    work = tempfile.TemporaryDirectory()
    path, count = Path(work.name) / "model.mlir", 0
    for exponent, mantissa, bias, special in FORMS:
        bits, n, k = 1 + exponent + mantissa, 16, 64
        wanted = numbers(exponent, mantissa, bias)
        codes = np.arange(n * k) % len(wanted)
        if special == "fn":  # no NaN
            codes[codes & 0x7F == 0x7F] = 0
        if special == "ieee":  # nor infinities
            codes[codes & 0x7C == 0x7C] = 0
        form = f"float<{exponent}, {mantissa}, {bias}{f', {special}' if special else ''}>"
        terms = f"[dense<uint<{bits}>, {form}, scales = [f32, row]>]"
        data = encoding.encode(terms, wanted[codes].reshape(n, k), arrays={})
        arrays = encoding.layout(terms, (n, k))
        stored = np.frombuffer(data, np.uint8).copy()
        for array in arrays:
            part = stored[array.offset :][: array.nbytes]
            if array.name.endswith("scale0"):
                part[:] = np.ones(n, np.float32).view(np.uint8)
            elif array.name.endswith("codes"):
                fields = codes[:, None] >> np.arange(bits) & 1
                part[:] = np.packbits(fields.astype(np.uint8).ravel(), bitorder="little")[: array.nbytes]
        kind = f"tensor<{n}x{k}xf32, #lutra.encoding<{terms}>>"
        path.write_text(f"""
lutra.global @w : {kind} = dense<"0x{stored.tobytes().hex().upper()}"> : tensor<{stored.nbytes}xi8>
func.func @main(%x: tensor<?x{k}xf32> {{lutra.name = "x"}}) -> (tensor<?x{n}xf32> {{lutra.name = "y"}}) {{
  %w = lutra.weight @w : {kind}
  %y = lutra.matmul %x, %w {{transpose_rhs}} : (tensor<?x{k}xf32>, {kind}) -> tensor<?x{n}xf32>
  return %y : tensor<?x{n}xf32>
}}
""")
        right = wanted[codes].reshape(n, k).T.copy()
        right[-1, -1] *= -1 if options.corrupt else 1
        for level in options.levels:
            model = lutra.compile(str(path), target_cpu=level, strategy="decode")
            identity = np.eye(k, dtype=np.float32)
            found = np.concatenate([model(x=identity)[0], model(x=identity[:1])[0]])  # many rows, and one
            if not np.array_equal(found, np.concatenate([right, right[:1]])):
                print(f"{form}, {level}: differs at {np.argwhere(found[:k] != right)[:4].tolist()}")
                return 1
            count += found.size
    work.cleanup()
    print(f"{count} numbers are equal")
    return 0


if __name__ == "__main__":
    sys.exit(main())
