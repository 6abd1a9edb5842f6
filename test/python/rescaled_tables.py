"""NF4 whose values are rounded until bytes with one scale a row tell them apart: in the evaluator and as machine code,
inside what the form allows."""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from lutra import encoding

NF4 = (
    *(-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635),
    *(-0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725),
    *(0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0),
)
MOST = 51  # times one number
# N, K and group: whole tiles, ragged ones, a short last group.
SHAPES = [(256, 512, 64), (333, 640, 128), (272, 500, 64)]


def module(n: int, k: int, group: int) -> str:
    """Random codes of every value; scales of groups that are nearly alike."""
    terms = f"[dense<uint<4>, table<16, f32, [{', '.join(map(repr, NF4))}]>, scales = [f16, 1, {group}]>]"
    random = np.random.default_rng(n + k)
    arrays = encoding.layout(terms, (n, k))
    stored = random.integers(0, 256, arrays[-1].offset + arrays[-1].nbytes, np.uint8)
    for array in arrays:
        if array.name.endswith("scale0"):
            scales = random.uniform(0.1, 0.12, array.nbytes // 2).astype(np.float16)
            stored[array.offset :][: array.nbytes] = scales.view(np.uint8)
    kind = f"tensor<{n}x{k}xf32, #lutra.encoding<{terms}, act = int<8, sym, row>>>"
    left, out = f"tensor<?x{k}xf32>", f"tensor<?x{n}xf32>"
    return f"""
lutra.global @w : {kind} = dense<"0x{stored.tobytes().hex().upper()}"> : tensor<{stored.nbytes}xi8>
func.func @main(%x: {left} {{lutra.name = "x", lutra.dim_names = ["n", ""]}}) -> ({out} {{lutra.name = "y"}}) {{
  %w = lutra.weight @w : {kind}
  %y = lutra.matmul %x, %w {{transpose_rhs}} : ({left}, {kind}) -> {out}
  return %y : {out}
}}
"""


def check_entries(text: str) -> None:
    """Those of the rounded table are few multiples of one number."""
    found = re.search(r"@w\.rounded : .*?table<16, f32, \[([^]]*)\]", text)
    assert found and "rounds_rhs" in text, "no table was rounded for bytes with one scale a row"
    entries = np.array([float(entry) for entry in found[1].split(",")]) * 2**20
    unit = np.gcd.reduce(entries.astype(np.int64))
    assert (entries % 1 == 0).all() and np.abs(entries).max() <= MOST * unit, f"{entries} have more multiples"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("level")
    parser.add_argument("--native", action="store_true", help="run machine code, too")
    parser.add_argument("--corrupt", action="store_true")
    options = parser.parse_args()
    change = ["--corrupt=0"] if options.corrupt else []
    passes = f"lutra-quantize-activations{{targets={options.level}}}"
    with tempfile.TemporaryDirectory() as folder:
        for n, k, group in SHAPES:
            path = Path(folder) / f"{n}_{k}.mlir"
            path.write_text(module(n, k, group))
            command = ["lutra-opt", path, f"--lutra-quantize-activations=targets={options.level}"]
            check_entries(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            command = ["lutra-run", path, f"--before-after={passes}", "--seed=7", "--dim=*=37", *change]
            subprocess.run(command, check=True)
            if not options.native:
                continue
            library = path.with_suffix(".so")
            subprocess.run(["lutra-compile", path, f"--target-cpu={options.level}", "-o", library], check=True)
            for rows in (1, 37, 130):
                command = ["lutra-run", library, f"--compare={path}", "--seed=7", f"--dim=n={rows}", *change]
                subprocess.run(command, check=True)
    print(f"{len(SHAPES)} weights are within their bounds")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
